"""Write a file whole or not at all: a temporary name in the same folder, flushed to disk, renamed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from murinoma.errors import OutputError


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing bytes; it appears under its name only when the block ends without an error.

    Missing parent folders are made. On an error, or on Ctrl-C, an older file of that name stays as it was.

    Raises
    ------
    OutputError
        If the folder cannot be made or written, the disk is full, or the name is too long.
    """
    # hidden, so that no reader of a study takes a half-written file for a result
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space or choose a folder "
            "that can be written (most commands take --out)"
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all.

    Raises
    ------
    OutputError
        As `atomic_file`.
    """
    with atomic_file(path) as stream:
        stream.write(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all.

    Raises
    ------
    OutputError
        As `atomic_file`.
    """
    write_bytes(path, text.encode("utf-8"))
