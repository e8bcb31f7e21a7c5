"""What a model's card says of where the model comes from, read without the weights beside it.

A card also lies, as a copy, beside the masks that the model made: they may be judged where the model is not.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from murinoma.errors import FileError
from murinoma.models.folder import CARD, FORMAT

Weights = tuple[str, str]


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from.

    Attributes
    ----------
    path
        The card.
    name
        Of the model.
    weights
        SHA-256 of its coarse and its fine network.
    training_cts
        SHA-256 of every CT that it was trained on; none if no real scan was used.
    limits
        Where it fails, in plain words.
    """

    path: Path
    name: str
    weights: Weights
    training_cts: frozenset[str]
    limits: str


def card_path(folder: Path) -> Path:
    """Return where a model, or a folder of its masks, keeps the card."""
    return folder / CARD


def read_provenance(path: Path) -> Provenance:
    """Return what a card says of its model's origin.

    Raises
    ------
    FileError
        If it cannot be read, is no card, or a newer one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = content["format"]
        if known != FORMAT:
            raise FileError(f"{path} has format '{known}', this murinoma reads '{FORMAT}'; update murinoma")
        weights = content["coarse"]["sha256"], content["fine"]["sha256"]
        cts = content["training_cts"]
        if not all(isinstance(text, str) for text in (content["name"], *weights, *cts)):
            raise TypeError("a name or a SHA-256 is no text")
        return Provenance(path, content["name"], weights, frozenset(cts), str(content.get("limits", "")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is no card of a model ({error!r}); copy the model again") from error
