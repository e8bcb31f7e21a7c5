"""What a model's card says of its origin, without its weights."""

import json
from pathlib import Path
from typing import Any

import pytest

from murinoma.errors import FileError
from murinoma.models.folder import read_card
from murinoma.models.provenance import card_path, read_provenance

CARD: dict[str, Any] = {
    "format": "murinoma.model/1",
    "name": "flank-1",
    "coarse": {"spacing_mm": 0.84, "sha256": "aa"},
    "fine": {"spacing_mm": 0.21, "sha256": "bb"},
    "training_cts": ["cc", "dd"],
    "limits": "small tumors",
}


def test_a_card_says_weights_and_training(tmp_path: Path) -> None:
    """The two networks' SHA-256 and those of the CTs; the weights themselves need not be there."""
    path = card_path(tmp_path)
    path.write_text(json.dumps(CARD))
    found = read_provenance(path)
    assert (found.name, found.weights) == ("flank-1", ("aa", "bb"))
    assert found.training_cts == {"cc", "dd"}
    assert found.limits == "small tumors"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "murinoma.model/2"}, "has format 'murinoma.model/2'"),
        ({"training_cts": [1]}, "is no card of a model"),
        ({"training_cts": None}, "is no card of a model"),
        ({"coarse": {}}, "is no card of a model"),
        ({"name": 7}, "is no card of a model"),
    ],
)
def test_what_is_no_card_is_refused(change: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    """One sentence with the file; never a model that knows no scan."""
    path = card_path(tmp_path)
    path.write_text(json.dumps({**CARD, **change}))
    with pytest.raises(FileError, match=sentence):
        read_provenance(path)


@pytest.mark.parametrize("content", ["", "[]", "{", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_damaged_json_is_refused(content: str, tmp_path: Path) -> None:
    """Also where there is no file at all."""
    path = card_path(tmp_path)
    with pytest.raises(FileError, match="is no card of a model"):
        read_provenance(path)
    path.write_text(content, encoding="latin-1")
    with pytest.raises(FileError, match="is no card of a model"):
        read_provenance(path)


def test_the_card_of_a_model_that_murinoma_wrote(tmp_path: Path) -> None:
    """Both readers read the same card."""
    pytest.importorskip("torch", reason="a model is made with torch")
    pytest.importorskip("onnx", reason="a model is written with onnx")
    from tests.models.small_models import write_tiny_model

    write_tiny_model(tmp_path / "tiny")
    card, found = read_card(tmp_path / "tiny"), read_provenance(card_path(tmp_path / "tiny"))
    assert found.weights == (card.coarse.sha256, card.fine.sha256)
    assert found.training_cts == set(card.training_cts)
