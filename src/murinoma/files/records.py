"""What a step has done: ``record.json``, one per step folder, one entry per scan.

An entry holds the inputs (size, time and SHA-256 of each file) and the result of one scan, so that a rerun
can skip what has not changed. It is written by the parent process only.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from murinoma.errors import FileError
from murinoma.files.versioned import read_versioned, write_versioned

FORMAT = "murinoma.record/1"
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """The record of one step: which version and settings made it, and its entries by scan."""

    step: str
    version: str
    settings: Mapping[str, Any]
    entries: Mapping[str, Entry]


def read_record(path: Path) -> Record | None:
    """Return the record at `path`, or nothing if there is none yet.

    Raises
    ------
    FileError
        If it is damaged or of a newer format.
    """
    return read_versioned(path, _build, kind=FORMAT, remedy="delete it, its step will do its work again")


def _build(content: dict[str, Any]) -> Record:
    record = Record(content["step"], content["version"], content["settings"], content["scans"])
    for entry in record.entries.values():
        _ = entry["result"], [stamp["sha256"] for stamp in entry["inputs"].values()]
    return record


def write_record(record: Record, path: Path) -> None:
    """Write a record, whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    content = {"step": record.step, "version": record.version, "settings": record.settings}
    write_versioned({**content, "scans": dict(sorted(record.entries.items()))}, path, kind=FORMAT)


def fingerprint(paths: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return size, modification time and SHA-256 of every file, by name.

    Raises
    ------
    FileError
        If a file cannot be read.
    """
    try:
        return {path.name: {**_stamp(path), "sha256": _sha256(path)} for path in paths}
    except OSError as error:
        raise FileError(f"cannot read {error.filename}: {error.strerror}; check its permissions") from error


def is_unchanged(paths: Iterable[Path], known: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether these files are those of a fingerprint: by size and time, and where these differ by SHA-256."""
    found = {path.name: path for path in paths}
    try:
        return found.keys() == known.keys() and all(
            _stamp(path).items() <= known[name].items() or _sha256(path) == known[name]["sha256"]
            for name, path in found.items()
        )
    except OSError:
        return False


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
