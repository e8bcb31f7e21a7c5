"""The model folder: what is written is read, and what is wrong with a folder is one clear sentence."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from murinoma.errors import FileError, OutputError
from murinoma.models.folder import CARD as CARD_NAME
from murinoma.models.folder import ModelCard, network_path, read_card, write_card
from tests.models.small_models import CARD


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a card over weights that are only bytes: reading the card does not run them."""
    for network in ("coarse", "fine"):
        network_path(tmp_path, network).write_bytes(network.encode())
    write_card(tmp_path, CARD)
    return tmp_path


def change(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edit the JSON of a card."""
    content = json.loads((folder / CARD_NAME).read_text())
    edit(content)
    (folder / CARD_NAME).write_text(json.dumps(content))


def test_a_card_comes_back_with_the_hashes_of_its_weights(folder: Path) -> None:
    """All fields, and the SHA-256 of each file."""
    card = read_card(folder)
    assert card.coarse.sha256 == hashlib.sha256(b"coarse").hexdigest()
    assert card.fine.sha256 == hashlib.sha256(b"fine").hexdigest()
    plain = replace(card, coarse=replace(card.coarse, sha256=""), fine=replace(card.fine, sha256=""))
    assert plain == CARD


def test_a_card_may_ask_for_surer_lesions(folder: Path) -> None:
    """A card without the field, as older ones are, asks for a mean of 0.25 in the coarse pass."""
    write_card(folder, replace(CARD, least_coarse=0.85))
    assert read_card(folder).least_coarse == 0.85
    change(folder, lambda content: content.pop("least_coarse"))
    assert read_card(folder).least_coarse == 0.25


def test_the_card_can_be_read_by_people(folder: Path) -> None:
    """The format comes first; what grey values become is said."""
    content = json.loads((folder / CARD_NAME).read_text())
    assert next(iter(content.items())) == ("format", "murinoma.model/1")
    assert content["input"] == {"anchor": "soft tissue", "scale_hu": 250.0, "range": [-2.0, 3.0]}


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda card: card.update(format="murinoma.model/2"), "format 'murinoma.model/2'.*update murinoma"),
        (lambda card: card.update(format="murinoma.record/1"), "is no model of murinoma"),
        (lambda card: card.pop("format"), "is no model of murinoma"),
        (lambda card: card.pop("heads"), "is damaged"),
        (lambda card: card.update(heads=["A", "B"]), "'consensus' is not among them"),
        (lambda card: card.update(heads=["consensus", "A", "A"]), "not distinct"),
        (lambda card: card.update(heads="consensus"), "is damaged"),
        (lambda card: card["fine"].update(spacing_mm=-1), "a spacing of -1.0 mm"),
        (lambda card: card["fine"].update(spacing_mm="x"), "is damaged"),
        (lambda card: card.update(licence=None), "is damaged"),
        (lambda card: card["input"].update(scale_hu=100), "train the model again"),
        (lambda card: card["coarse"].update(sha256="0" * 64), "coarse.onnx is damaged"),
    ],
)
def test_what_is_wrong_with_a_card_is_told(folder: Path, edit: Callable[[dict[str, Any]], Any], sentence: str) -> None:
    """One entry changed at a time: newer, foreign, incomplete, other heads, other weights."""
    change(folder, edit)
    with pytest.raises(FileError, match=sentence):
        read_card(folder)


def test_weights_that_changed_are_told(folder: Path) -> None:
    """A copy that broke off."""
    network_path(folder, "fine").write_bytes(b"fin")
    with pytest.raises(FileError, match=r"fine\.onnx is damaged"):
        read_card(folder)


def test_weights_that_are_missing_are_told(folder: Path) -> None:
    """The file that is not there is named, when reading and when writing."""
    network_path(folder, "fine").unlink()
    with pytest.raises(FileError, match=r"cannot read .*fine\.onnx"):
        read_card(folder)
    with pytest.raises(FileError, match=r"cannot read .*fine\.onnx"):
        write_card(folder, CARD)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[1, 2]", b"no json"])
def test_a_card_that_is_no_card_is_told(folder: Path, content: bytes) -> None:
    """Empty, binary, another JSON, text."""
    (folder / CARD_NAME).write_bytes(content)
    with pytest.raises(FileError, match="is damaged"):
        read_card(folder)


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    """A study, a file, a folder that does not exist."""
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(FileError, match="is no model"):
            read_card(path)


def test_a_card_that_cannot_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk; the old card stays."""

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    before = read_card(folder)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_card(folder, ModelCard(**{**CARD.__dict__, "name": "other"}))
    assert read_card(folder) == before
