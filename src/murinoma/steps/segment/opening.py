"""The model that segments: found by path or name, checked, and opened once for all scans."""

from functools import lru_cache
from pathlib import Path

from murinoma.errors import UsageError
from murinoma.models.folder import ModelCard, read_card
from murinoma.models.runtime import CoarseToFine, load_segmenter
from murinoma.models.shipped import shipped_models
from murinoma.study import Study
from murinoma.study.model_paths import NAME, model_folder


def find_model(model: str, head: str, study: Study | None = None) -> tuple[Path, ModelCard]:
    """Return the folder and the card of a model: a path, the name of one of the study, or of a shipped one.

    Raises
    ------
    UsageError
        If there is no such model, or it has no such head.
    FileError
        If it is damaged.
    """
    folder = _folder(study, model)
    card = read_card(folder)
    if head not in card.heads:
        raise UsageError(f"the model {card.name} has no head '{head}'; it has {', '.join(card.heads)}")
    return folder, card


def _folder(study: Study | None, model: str) -> Path:
    """Return the folder of a model: a path, else one of the study, else a shipped one."""
    if Path(model).is_dir():
        return Path(model)
    shipped = shipped_models()
    own = None if study is None or not NAME.fullmatch(model) else model_folder(study, model)
    if own is not None and own.is_dir():
        return own
    if model in shipped:
        return shipped[model]
    places = " and ".join(["a folder of that name", *([str(own)] if own else [])])
    raise UsageError(
        f"there is no model '{model}': looked for {places}; shipped are: {', '.join(shipped) or 'none'}; "
        "train one, or name a folder"
    )


@lru_cache(maxsize=1)
def opened(folder: Path, card: ModelCard) -> CoarseToFine:
    """Return a model, opened once for all scans; its card tells the weights from those it had before."""
    return load_segmenter(folder)
