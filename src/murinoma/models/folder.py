"""The folder of a model: a card that says what it is, and the weights of its two networks.

::

    NAME/model.json    the card
         coarse.onnx   the network that looks over the whole mouse
         fine.onnx     the network that outlines what the coarse one suspects
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from murinoma.errors import FileError
from murinoma.files.atomic import write_text
from murinoma.models.intensity import HIGHEST, LOWEST, SCALE_HU
from murinoma.models.segmenter import CONSENSUS, LEAST_COARSE

KIND = "murinoma.model"
FORMAT = f"{KIND}/1"
CARD = "model.json"
NETWORKS = ("coarse", "fine")
FREE_SPACE = "free space or choose another folder"
# how grey values become inputs; a model that was trained otherwise cannot be run by this code
INPUT = {"anchor": "soft tissue", "scale_hu": SCALE_HU, "range": [LOWEST, HIGHEST]}


@dataclass(frozen=True)
class NetworkCard:
    """One network of a model: the spacing it works at, and the SHA-256 of its file (made by `write_card`)."""

    spacing_mm: float
    sha256: str = ""


@dataclass(frozen=True)
class ModelCard:
    """What a model is.

    Attributes
    ----------
    name
        As people call it.
    heads
        Names of the output channels in order: annotators, and `CONSENSUS`.
    coarse, fine
        The two networks.
    training_cts
        SHA-256 of every CT it was trained on; none if no real scan was used.
    licence
        Under which it may be used.
    tried_on, limits
        What its results were checked on, and where it fails, in plain sentences.
    least_coarse
        Mean probability that the coarse pass must give to a component for it to be a lesion, chosen on scans that the
        model has not learned from.
    """

    name: str
    heads: tuple[str, ...]
    coarse: NetworkCard
    fine: NetworkCard
    training_cts: tuple[str, ...]
    licence: str
    tried_on: str
    limits: str
    least_coarse: float = LEAST_COARSE


def network_path(folder: Path, network: str) -> Path:
    """Return where the weights of "coarse" or "fine" lie."""
    return folder / f"{network}.onnx"


def write_card(folder: Path, card: ModelCard) -> ModelCard:
    """Write the card of a model whose two networks lie in `folder` already; return it with their SHA-256.

    Raises
    ------
    FileError
        If the weights are not there.
    OutputError
        If the card cannot be written.
    """
    hashed = replace(
        card,
        coarse=replace(card.coarse, sha256=_sha256(network_path(folder, "coarse"))),
        fine=replace(card.fine, sha256=_sha256(network_path(folder, "fine"))),
    )
    text = json.dumps({"format": FORMAT, **asdict(hashed), "input": INPUT}, indent=1, ensure_ascii=False) + "\n"
    write_text(folder / CARD, text, remedy=FREE_SPACE)
    return hashed


def read_card(folder: Path) -> ModelCard:
    """Return the card of a model, its weights checked against their SHA-256.

    Raises
    ------
    FileError
        If the folder is no model, a newer one, damaged, or wants another input than this murinoma makes.
    """
    path = folder / CARD
    content = _content(path)
    _check_format(path, content.get("format"))
    try:
        card = _card(content)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(f"{path} is damaged ({error!r}); copy the model again") from error
    if content.get("input") != INPUT:
        raise FileError(
            f"{path} wants the input {content.get('input')}, this murinoma makes {INPUT}; train the model again"
        )
    for network, expected in zip(NETWORKS, (card.coarse, card.fine), strict=True):
        weights = network_path(folder, network)
        if _sha256(weights) != expected.sha256:
            raise FileError(f"{weights} is damaged: its SHA-256 is not that of {CARD}; copy the model again")
    return card


def _content(path: Path) -> dict[str, Any]:
    """Return the JSON object in a card."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileError(f"{path.parent} is no model: it holds no {CARD}; give the folder of a model") from error
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise FileError(f"{path} is damaged: it is no JSON; copy the model again") from error
    if not isinstance(content, dict):
        raise FileError(f"{path} is damaged: it holds no JSON object; copy the model again")
    return content


def _check_format(path: Path, known: object) -> None:
    """Refuse what is no model, or a newer one."""
    if known == FORMAT:
        return
    if isinstance(known, str) and known.startswith(f"{KIND}/"):
        raise FileError(f"{path} has format '{known}', this murinoma reads '{FORMAT}'; update murinoma")
    raise FileError(f"{path} is no model of murinoma: its format is {known!r}, not '{FORMAT}'")


def _card(content: dict[str, Any]) -> ModelCard:
    """Return the card in a JSON object; raise ValueError, KeyError or TypeError if it is none."""
    heads = tuple(_all(content["heads"], str))
    if CONSENSUS not in heads or len(set(heads)) != len(heads):
        raise ValueError(f"heads {heads} are not distinct, or '{CONSENSUS}' is not among them")
    coarse, fine = (_network(content[network]) for network in NETWORKS)
    name, licence, tried_on, limits = _all([content[key] for key in ("name", "licence", "tried_on", "limits")], str)
    cts = tuple(_all(content["training_cts"], str))
    least_coarse = float(content.get("least_coarse", LEAST_COARSE))
    return ModelCard(name, heads, coarse, fine, cts, licence, tried_on, limits, least_coarse)


def _network(content: dict[str, Any]) -> NetworkCard:
    """Return one network's part of a card."""
    spacing_mm = float(content["spacing_mm"])
    if not 0.05 <= spacing_mm <= 5:
        raise ValueError(f"a spacing of {spacing_mm} mm")
    return NetworkCard(spacing_mm, str(content["sha256"]))


def _all(values: list[Any], kind: Callable[..., Any]) -> list[Any]:
    """Return a list if all its values are of one kind."""
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):  # type: ignore[arg-type]
        raise TypeError(f"{values!r} is not what is expected there")
    return values


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}; copy the model again") from error
