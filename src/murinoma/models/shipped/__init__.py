"""The models that come with murinoma, a folder each beside this file; and how any model is found by path or name."""

from pathlib import Path

from murinoma.errors import UsageError
from murinoma.models.folder import CARD

FOLDER = Path(__file__).parent


def shipped_models() -> dict[str, Path]:
    """Return the folder of every model that comes with murinoma, by its name.

    Examples
    --------
    >>> list(shipped_models())
    ['xeno-0']
    """
    return {card.parent.name: card.parent for card in sorted(FOLDER.glob(f"*/{CARD}"))}


def find_folder(model: str, own: Path | None = None) -> Path:
    """Return the folder of a model: a path, else `own`, where a study would keep one of that name, else a shipped one.

    Raises
    ------
    UsageError
        If there is none.
    """
    if Path(model).is_dir():
        return Path(model)
    shipped = shipped_models()
    if own is not None and own.is_dir():
        return own
    if model in shipped:
        return shipped[model]
    places = " and ".join(["a folder of that name", *([str(own)] if own else [])])
    raise UsageError(
        f"there is no model '{model}': looked for {places}; shipped are: {', '.join(shipped) or 'none'}; "
        "train one, or name a folder"
    )
