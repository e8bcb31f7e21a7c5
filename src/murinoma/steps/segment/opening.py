"""The model that segments: found by path or name, checked, and opened once for all scans."""

from functools import lru_cache
from pathlib import Path

from murinoma.errors import UsageError
from murinoma.models.folder import ModelCard, read_card
from murinoma.models.runtime import CoarseToFine, load_segmenter
from murinoma.models.shipped import find_folder
from murinoma.study import Study
from murinoma.study.model_paths import folder_if_named


def find_model(model: str, head: str, study: Study | None = None) -> tuple[Path, ModelCard]:
    """Return the folder and the card of a model: a path, the name of one of the study, or of a shipped one.

    Raises
    ------
    UsageError
        If there is no such model, or it has no such head.
    FileError
        If it is damaged.
    """
    folder = find_folder(model, folder_if_named(study, model))
    card = read_card(folder)
    if head not in card.heads:
        raise UsageError(f"the model {card.name} has no head '{head}'; it has {', '.join(card.heads)}")
    return folder, card


@lru_cache(maxsize=1)
def opened(folder: Path, card: ModelCard) -> CoarseToFine:
    """Return a model, opened once for all scans; its card tells the weights from those it had before."""
    return load_segmenter(folder)
