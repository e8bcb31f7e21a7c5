"""The JSON beside a CT: what it keeps, what is damaged, what is newer."""

import json
from pathlib import Path

import pytest

from murinoma.errors import FileError
from murinoma.files.parameters import Parameters
from murinoma.files.sidecar import Sidecar, read_sidecar, write_sidecar
from murinoma.files.versioned import read_versioned, write_versioned

WHOLE = Sidecar(
    parameters=Parameters(kvp=60, ua=500, ms=300, scanner="Inveon"),
    axes={"x": "right to left", "y": "belly to back", "z": "rump to nose"},
    source="a.ct.img",
    source_sha256="0" * 64,
    box={"x": [1, 193], "y": [0, 192], "z": [0, 464]},
    notes={"range_hu": [-400, 1000], "isolated": False},
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """Every field, and the format stands first."""
    write_sidecar(WHOLE, tmp_path / "CT.json")
    assert read_sidecar(tmp_path / "CT.json") == WHOLE
    assert (tmp_path / "CT.json").read_text().startswith('{\n "format": "murinoma.ct/1"')


def test_no_sidecar_is_nothing_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    """Most CTs have none; one that says only its format says nothing."""
    assert read_sidecar(tmp_path / "CT.json") is None
    (tmp_path / "CT.json").write_text('{"format": "murinoma.ct/1"}')
    assert read_sidecar(tmp_path / "CT.json") == Sidecar()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "murinoma.ct/1", "weather": "fine"}', '{"format": '])
def test_a_damaged_sidecar_is_named_with_the_remedy(content: str, tmp_path: Path) -> None:
    """No JSON, no format, or a key that nobody knows."""
    (tmp_path / "CT.json").write_text(content)
    with pytest.raises(FileError, match=r"CT\.json is damaged .* split the acquisition again"):
        read_sidecar(tmp_path / "CT.json")


def test_a_newer_sidecar_says_to_update(tmp_path: Path) -> None:
    """Also where its other keys are unknown here."""
    (tmp_path / "CT.json").write_text(json.dumps({"format": "murinoma.ct/2", "weather": "fine"}))
    with pytest.raises(FileError, match=r"has format 'murinoma\.ct/2'.*; update murinoma"):
        read_sidecar(tmp_path / "CT.json")


def test_versioned_json_keeps_accents_and_says_its_kind(tmp_path: Path) -> None:
    """What is read is what was written, without the format."""
    write_versioned({"name": "Zoë"}, tmp_path / "a.json", kind="murinoma.test/1")
    assert "Zoë" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert read_versioned(tmp_path / "a.json", dict, kind="murinoma.test/1", remedy="x") == {"name": "Zoë"}
