"""Write a file whole or not at all: a temporary name in the same folder, flushed to disk, then its own name."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from murinoma.errors import OutputError

REMEDY = "free space or choose a folder that can be written (most commands take --out)"


@contextmanager
def atomic_file(path: Path, *, remedy: str = REMEDY) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears under its name only when the block ends without an error.

    Missing parent folders are made. On an error, or on Ctrl-C, an older file of that name stays as it was.

    Raises
    ------
    OutputError
        If the folder cannot be made or written, the disk is full, or the name is too long; `remedy` says what to do.
    """
    with _beside(path, remedy) as temporary:
        with temporary.open("xb") as stream:
            yield stream
            _flush(stream)
        temporary.replace(path)


def write_bytes(path: Path, content: bytes, *, remedy: str = REMEDY) -> None:
    """Write `content` to `path`, whole or not at all.

    Raises
    ------
    OutputError
        As `atomic_file`.
    """
    with atomic_file(path, remedy=remedy) as stream:
        stream.write(content)


def write_text(path: Path, text: str, *, remedy: str = REMEDY) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all.

    Raises
    ------
    OutputError
        As `atomic_file`.
    """
    write_bytes(path, text.encode("utf-8"), remedy=remedy)


def write_once(path: Path, text: str, *, remedy: str = REMEDY) -> bool:
    """Write `text` to `path` as UTF-8, whole or not at all; False if there is such a file already, which stays.

    Raises
    ------
    OutputError
        As `atomic_file`.
    """
    with _beside(path, remedy) as temporary:
        with temporary.open("xb") as stream:
            stream.write(text.encode("utf-8"))
            _flush(stream)
        return _named(temporary, path)


@contextmanager
def _beside(path: Path, remedy: str) -> Iterator[Path]:
    """Give a name in the same folder to write to, gone at the end; what goes wrong becomes one sentence."""
    # hidden, so that no reader of a study takes a half-written file for a result
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; {remedy}") from error


def _flush(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _named(temporary: Path, path: Path) -> bool:
    """Give a file its name unless that is taken; of two processes at once only one succeeds."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:  # some network folders have no links
        if path.exists():
            return False
        temporary.replace(path)
    return True
