"""JSON that nobody reads by accident: packed, with a hash of what is in it.

It keeps a key out of sight of an editor, a search or a preview, and shows whether it was changed. It keeps no secret:
whoever wants to can unpack it.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from murinoma.errors import FileError
from murinoma.files.versioned import read_versioned, write_versioned


def write_sealed(content: Mapping[str, Any], path: Path, *, kind: str, note: str) -> str:
    """Write `content` packed, with its SHA-256 and a `note` for whoever opens the file; return the SHA-256.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    text = json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8")
    packed = base64.b85encode(zlib.compress(text, 9)).decode("ascii")
    digest = hashlib.sha256(text).hexdigest()
    write_versioned({"note": note, "sha256": digest, "sealed": packed}, path, kind=kind)
    return digest


def read_sealed(path: Path, *, kind: str) -> dict[str, Any] | None:
    """Return what was sealed, or nothing if there is no such file.

    Raises
    ------
    FileError
        If it is damaged, was changed, or is of a newer format.
    """
    return read_versioned(path, lambda stored: _open(stored, path), kind=kind, remedy="restore it from a copy")


def _open(stored: Mapping[str, Any], path: Path) -> dict[str, Any]:
    try:
        text = zlib.decompress(base64.b85decode(stored["sealed"]))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if hashlib.sha256(text).hexdigest() != stored["sha256"]:
        raise FileError(f"{path} was changed after it was sealed; restore it from a copy")
    content: dict[str, Any] = json.loads(text)
    return content
