"""The record of a step: what it keeps, when a file counts as unchanged, what is damaged."""

import json
import os
from pathlib import Path

import pytest

from murinoma.errors import FileError
from murinoma.files.records import Record, fingerprint, is_unchanged, read_record, write_record

HEAD = b'{"format": "murinoma.record/1", "step": "a", "version": "1", "settings": {}, "scans": '
RECORD = Record("agreement", "1.2.3", {"speck_mm3": 10.0}, {"Dataset 1/M01_0d": {"inputs": {}, "result": {"é": None}}})


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Step, version, settings and entries survive; the file says its format first."""
    write_record(RECORD, tmp_path / "record.json")
    assert read_record(tmp_path / "record.json") == RECORD
    assert next(iter(json.loads((tmp_path / "record.json").read_bytes()))) == "format"


def test_without_a_file_there_is_no_record(tmp_path: Path) -> None:
    """The first run finds nothing, which is no error."""
    assert read_record(tmp_path / "record.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"format": "murinoma.record/1"}',
        HEAD + b"[]}",
        HEAD + b'{"Dataset 1/M01_0d": 3}}',
        HEAD + b'{"Dataset 1/M01_0d": {}}}',
    ],
)
def test_a_damaged_record_says_to_delete_it(tmp_path: Path, content: bytes) -> None:
    """Empty, cut, of another shape, or with an entry that lacks inputs or result: one sentence, with the remedy."""
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"record\.json is damaged .* delete it"):
        read_record(path)


def test_a_newer_record_says_to_update(tmp_path: Path) -> None:
    """A format that this murinoma does not know is refused with both formats."""
    path = tmp_path / "record.json"
    path.write_text('{"format": "murinoma.record/2", "step": "a", "version": "9", "settings": {}, "scans": {}}')
    with pytest.raises(FileError, match=r"murinoma\.record/2.*murinoma\.record/1.*update"):
        read_record(path)


def test_a_newer_record_of_another_shape_says_to_update(tmp_path: Path) -> None:
    """A newer format may hold other keys: that is no damage, and deleting it would be the wrong advice."""
    path = tmp_path / "record.json"
    path.write_text('{"format": "murinoma.record/2", "runs": []}')
    with pytest.raises(FileError, match="update"):
        read_record(path)


def test_a_touched_file_is_unchanged_and_an_edited_one_is_not(tmp_path: Path) -> None:
    """A new time with the same content counts as unchanged; the same size with other content and time does not."""
    path = tmp_path / "mask"
    path.write_bytes(b"aaaa")
    known = fingerprint([path])
    assert known["mask"]["size"] == 4
    assert is_unchanged([path], known)
    os.utime(path, ns=(0, 0))
    assert is_unchanged([path], known)
    path.write_bytes(b"bbbb")
    assert not is_unchanged([path], known)


def test_another_set_of_files_is_a_change(tmp_path: Path) -> None:
    """One file more, one less, or one gone from the disk."""
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    known = fingerprint([first])
    assert not is_unchanged([first, second], known)
    assert not is_unchanged([], known)
    first.unlink()
    assert not is_unchanged([first], known)


def test_a_file_that_cannot_be_read_has_no_fingerprint(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(FileError, match=r"cannot read .*gone"):
        fingerprint([tmp_path / "gone"])
