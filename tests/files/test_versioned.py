"""A document that is written once is whole, and never replaced; a damaged or newer one is told."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from murinoma.errors import FileError, OutputError
from murinoma.files.versioned import read_versioned, write_versioned_once

KIND = "murinoma.thing/1"
REMEDY = "free space, or make the folder writable"


def read(path: Path) -> dict[str, Any] | None:
    """Read a document as it is; it must have the key `one`."""

    def build(content: dict[str, Any]) -> dict[str, Any]:
        return {"one": content["one"]}

    return read_versioned(path, build, kind=KIND, remedy="put it back")


def names(folder: Path) -> list[str]:
    """Return all names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The folder is made, the format stands in the file, nothing else lies about; no file gives nothing."""
    path = tmp_path / "campaign" / "a.json"
    assert read(path) is None
    assert write_versioned_once({"one": "Ø"}, path, kind=KIND, remedy=REMEDY)
    assert read(path) == {"one": "Ø"}
    assert '"format": "murinoma.thing/1"' in path.read_text(encoding="utf-8")
    assert names(path.parent) == ["a.json"]


@pytest.mark.parametrize("links", [True, False])
def test_a_second_writer_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """The first content stands, also on a folder that has no hard links."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _no_links)
    path = tmp_path / "a.json"
    assert write_versioned_once({"one": 1}, path, kind=KIND, remedy=REMEDY)
    assert not write_versioned_once({"one": 2}, path, kind=KIND, remedy=REMEDY)
    assert read(path) == {"one": 1}
    assert names(tmp_path) == ["a.json"]


def _no_links(self: Path, target: Path) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_of_many_writers_at_once_one_succeeds(tmp_path: Path) -> None:
    """Eight threads write eight contents: one is told that it did, and its content stands."""
    path, barrier, told = tmp_path / "a.json", threading.Barrier(8), {}

    def write(number: int) -> None:
        barrier.wait()
        told[number] = write_versioned_once({"one": number}, path, kind=KIND, remedy=REMEDY)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, won in told.items() if won]
    assert len(winners) == 1
    assert read(path) == {"one": winners[0]}


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with file, reason and remedy; no half file, no temporary one."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*a\.json: No space left on device; free space, or make"):
        write_versioned_once({"one": 1}, tmp_path / "a.json", kind=KIND, remedy=REMEDY)
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "murinoma.thing/1"}', "\x00"])
def test_a_damaged_document_says_what_to_do(tmp_path: Path, text: str) -> None:
    """Whatever is wrong, the sentence names the file and the remedy."""
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=r"a\.json is damaged .*; put it back"):
        read(tmp_path / "a.json")


def test_a_newer_document_is_refused(tmp_path: Path) -> None:
    """The format is looked at before the rest, which may be anything."""
    (tmp_path / "a.json").write_text('{"format": "murinoma.thing/2"}')
    with pytest.raises(FileError, match=r"has format 'murinoma\.thing/2', this murinoma reads .*; update murinoma"):
        read(tmp_path / "a.json")
