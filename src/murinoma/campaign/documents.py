"""The JSON files of a campaign: each says its format, is written once and whole, and is never replaced."""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from murinoma.errors import FileError, OutputError

Value = TypeVar("Value")


def write_once(content: Mapping[str, Any], path: Path, *, kind: str) -> bool:
    """Write `content` with its format first, whole or not at all; False if there is such a file already.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = json.dumps({"format": kind, **content}, indent=1, ensure_ascii=False) + "\n"
    temporary = path.with_name(f".{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as stream:
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            return _named(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; free space, or make the folder writable"
        ) from error


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


def read_document(path: Path, build: Callable[[dict[str, Any]], Value], *, kind: str, remedy: str) -> Value | None:
    """Return what `build` makes of the content of `path`, or nothing if there is no such file.

    Raises
    ------
    FileError
        If the file is damaged (`remedy` says what to do), or of another format.
    """
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content.pop("format")
        if known != kind:
            raise FileError(f"{path} has format '{known}', this murinoma reads '{kind}'; update murinoma")
        return build(content)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is damaged ({error!r}); {remedy}") from error
