"""Sealed files: what was sealed comes back, cannot be read by accident, and shows when it was changed."""

import json
from pathlib import Path

import pytest

from murinoma.errors import FileError
from murinoma.files.sealed import read_sealed, write_sealed

KIND = "murinoma.test/1"
CONTENT = {"key": {"arm K": "vehicle", "arm T": "drug A"}, "seed": 7}


def test_what_was_sealed_comes_back(tmp_path: Path) -> None:
    """And no word of it stands in the file."""
    path = tmp_path / "key.json"
    digest = write_sealed(CONTENT, path, kind=KIND, note="closed")
    text = path.read_text(encoding="utf-8")
    assert read_sealed(path, kind=KIND) == CONTENT
    assert digest in text
    assert "closed" in text
    for word in ("vehicle", "drug", "arm K"):
        assert word not in text


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whoever seals again gets the same file."""
    for name in ("a.json", "b.json"):
        write_sealed(CONTENT, tmp_path / name, kind=KIND, note="")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    """Another content under the old hash, a broken text, another format: one sentence each."""
    path, other = tmp_path / "key.json", tmp_path / "other.json"
    write_sealed(CONTENT, path, kind=KIND, note="")
    write_sealed({"key": {}}, other, kind=KIND, note="")
    stored = json.loads(path.read_text(encoding="utf-8"))
    swapped = {**stored, "sealed": json.loads(other.read_text(encoding="utf-8"))["sealed"]}
    path.write_text(json.dumps(swapped), encoding="utf-8")
    with pytest.raises(FileError, match="was changed after it was sealed"):
        read_sealed(path, kind=KIND)
    path.write_text(json.dumps({**stored, "sealed": stored["sealed"][:-3]}), encoding="utf-8")
    with pytest.raises(FileError, match="damaged"):
        read_sealed(path, kind=KIND)
    with pytest.raises(FileError, match="update murinoma"):
        read_sealed(other, kind="murinoma.test/2")


def test_no_file_is_nothing(tmp_path: Path) -> None:
    """Nothing was sealed."""
    assert read_sealed(tmp_path / "no.json", kind=KIND) is None
