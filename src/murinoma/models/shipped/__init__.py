"""The models that come with murinoma, found by name: a folder each, beside this file."""

from pathlib import Path

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
