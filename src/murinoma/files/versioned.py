"""JSON that says which format it has: read it, or say whether it is damaged or newer than this murinoma."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from murinoma.errors import FileError
from murinoma.files.atomic import write_once, write_text

Value = TypeVar("Value")


def write_versioned(content: Mapping[str, Any], path: Path, *, kind: str) -> None:
    """Write `content` with its format (``murinoma.record/1``) first, whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_text(path, _text(content, kind))


def write_versioned_once(content: Mapping[str, Any], path: Path, *, kind: str, remedy: str) -> bool:
    """Write `content` with its format first, whole or not at all; False if there is such a file already.

    Raises
    ------
    OutputError
        If the file cannot be written; `remedy` says what to do.
    """
    return write_once(path, _text(content, kind), remedy=remedy)


def read_versioned(path: Path, build: Callable[[dict[str, Any]], Value], *, kind: str, remedy: str) -> Value | None:
    """Return what `build` makes of the content of `path`, or nothing if there is no such file.

    Raises
    ------
    FileError
        If the file is damaged (`remedy` says what to do), or of another format, which is told before the rest is
        looked at: a newer format may hold other keys.
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


def _text(content: Mapping[str, Any], kind: str) -> str:
    return json.dumps({"format": kind, **content}, indent=1, ensure_ascii=False) + "\n"
