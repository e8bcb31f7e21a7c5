"""Texts in charts: names that fit, names that do not lie on one another, and round numbers at the ticks."""

import textwrap
from collections.abc import Sequence
from unicodedata import east_asian_width

import numpy as np
import numpy.typing as npt

TEXT_PT, SMALL_PT = 8.0, 7.0
LETTER = 0.62  # the mean width of a letter, in sizes of its font
LETTER_PT = LETTER * TEXT_PT
MAX_LINES = 3  # of a name under an axis
MARK_PT = 4.5  # half the room of a large mark
SHARED_BY = 2  # datasets; one alone keeps its whole name

Places = npt.NDArray[np.float64]


def one_line(name: str) -> str:
    """Return a name without line breaks and without what no SVG may hold."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(name.split()))


def cut(name: str, letters: int = 28) -> str:
    """Return a name on one line, with an ellipsis for what is too much."""
    name = one_line(name)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def folded(names: Sequence[str], width_pt: float, *, size_pt: float = TEXT_PT) -> list[list[str]]:
    """Return names in up to three lines that fit a width, the same way all; an ellipsis stands for what is cut.

    Examples
    --------
    >>> folded(["Dataset 1", "Dataset 10"], 48)
    [['Dataset', '1'], ['Dataset', '10']]
    """
    clean = [one_line(name) for name in names]
    most = int(width_pt / (LETTER * size_pt))
    if any(_letters(name) > most for name in clean):
        most = min(most, max(_letters(word) for name in clean for word in name.split()) if len(clean) > 1 else most)
    folds = [max(3, most * len(name) // max(1, _letters(name))) for name in clean]
    return [
        textwrap.wrap(name, fold, max_lines=MAX_LINES, placeholder="…") for name, fold in zip(clean, folds, strict=True)
    ]


def _letters(text: str) -> int:
    """Return how many Latin letters are as wide as a text."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def nice_ticks(low: float, high: float, ladders: Sequence[Sequence[float]], *, most: int = 7) -> list[float]:
    """Return the ticks between two values from the first ladder of which not too many fall between them.

    Examples
    --------
    >>> nice_ticks(0.7, 1.3, [(0.8, 0.9, 1, 1.1, 1.25), (0.5, 1, 2)], most=4)
    [1]
    """
    found: list[float] = []
    for ladder in ladders:
        found = [value for value in ladder if low <= value <= high]
        if len(found) <= most:
            break
    return found


def short_names(datasets: Sequence[str]) -> list[str]:
    """Return names without the words that all begin with.

    Examples
    --------
    >>> short_names(["Dataset 1", "Dataset 10"])
    ['1', '10']
    """
    words = [one_line(name).split(" ") for name in datasets]
    shared = 0
    while len(words) >= SHARED_BY and all(
        len(name) > shared + 1 and name[shared] == words[0][shared] for name in words
    ):
        shared += 1
    return [" ".join(name[shared:]) for name in words]


def free_places(points_pt: Places, names: Sequence[str], area_pt: Places) -> Places:
    """Return how far from its point each text goes: the nearest place inside the area that nothing has taken.

    Parameters
    ----------
    points_pt
        (texts, 2), 1/72 inch.
    names
        The texts.
    area_pt
        Its lower left and upper right corner, ``((x, y), (x, y))``.
    """
    angles = np.radians([0, 180, 90, 270, 45, 135, 225, 315])
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    taken = [(point, np.full(2, MARK_PT)) for point in points_pt]
    offsets = []
    for point, name in zip(points_pt, names, strict=True):
        half = np.array([LETTER_PT * _letters(name) / 2 + 0.5, TEXT_PT / 2 + 0.5])
        tries = np.concatenate([far * around * (half + MARK_PT + 0.5) for far in (1.0, 1.7, 2.4)])
        faults = [sum(bool((np.abs(point + step - at) < half + room).all()) for at, room in taken) for step in tries]
        outside = (point + tries - half < area_pt[0]) | (point + tries + half > area_pt[1])
        offsets.append(tries[int(np.argmin(faults + 2 * outside.any(axis=1)))])
        taken.append((point + offsets[-1], half))
    return np.reshape(offsets, (-1, 2))
