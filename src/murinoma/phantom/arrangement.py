"""Where the mice of an acquisition lie: rows and columns of the section, each wide enough for its mice and beds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from murinoma.phantom.bed import Support
from murinoma.phantom.furniture import Bed, Cell, cell_half, support
from murinoma.phantom.placing import PlacedMouse
from murinoma.phantom.shapes import Point

EMPTY_HALF_MM = 13.0  # half the size of a row or column that no mouse needs


@dataclass(frozen=True)
class Layout:
    """Places in the section, and the distances between and around them.

    Attributes
    ----------
    places
        Row and column of each mouse, in reading order; places may stay empty.
    gap_mm
        Between rows, and between columns.
    margin_mm
        Around all of them along y and x.
    clear_mm
        From the ends of the field along z to the mice.
    touching
        Array axis (1 or 2) along which each mouse is pushed against the one before it; None: nobody is.
    """

    places: tuple[tuple[int, int], ...]
    gap_mm: tuple[float, float] = (9.0, 3.0)
    margin_mm: tuple[float, float] = (8.0, 6.0)
    clear_mm: float = 6.0
    touching: int | None = None


Arrangement = tuple[list[PlacedMouse], list[Support], Point]


def arranged(mice: Sequence[PlacedMouse], bed: Bed, layout: Layout) -> Arrangement:
    """Return mice laid out on a bed, what carries them, and the size of the field (z, y, x), mm.

    Parameters
    ----------
    mice
        In reading order; `at_mm` holds how far each lies from the middle, sideways ones within its gap.
    bed, layout
        What they lie on, and where.
    """
    halves = [half_mm(placed) for placed in mice]
    sections = [cell_half(bed, (y, x)) for _, y, x in halves]
    cells, height, width = cells_of(sections, layout)
    length = max(2 * half[0] + 2 * abs(placed.at_mm[0]) for half, placed in zip(halves, mice, strict=True))
    size = (length + 2 * layout.clear_mm, height, width)
    carriers = [support(bed, cell, width, (2.0, size[0] - 2.0)) for cell in cells]
    laid = [
        replace(
            placed,
            at_mm=tuple(np.add(placed.at_mm, (size[0] / 2, *cell.middle_mm)).tolist()),
            rests_on=carrier,
            slides=layout.touching if has_one_before(place, layout) else None,
        )
        for placed, cell, carrier, place in zip(mice, cells, carriers, layout.places, strict=True)
    ]
    return laid, list(dict.fromkeys(carrier for carrier in carriers if carrier is not None)), size


def half_mm(placed: PlacedMouse) -> Point:
    """Return half the size (z, y, x), mm, of a mouse as it is turned."""
    low, high = placed.reach_mm()
    z, y, x = np.abs(placed.turned((high - low) / 2)).tolist()
    return z, y, x


def cells_of(halves_mm: Sequence[tuple[float, float]], layout: Layout) -> tuple[list[Cell], float, float]:
    """Return the cell of each mouse, at the bottom of its row and in the middle of its column, and height and width."""
    rows, columns = zip(*layout.places, strict=True)
    heights, widths = zip(*halves_mm, strict=True)
    tops, height = tracks(rows, heights, layout.gap_mm[0], layout.margin_mm[0])
    lefts, width = tracks(columns, widths, layout.gap_mm[1], layout.margin_mm[1])
    cells = []
    for (row, column), (half_y, half_x) in zip(layout.places, halves_mm, strict=True):
        (top, size_y), (left, size_x) = tops[row], lefts[column]
        cells.append(Cell((top + size_y - half_y, left + size_x / 2), (half_y, half_x)))
    return cells, height, width


def tracks(
    numbers: Sequence[int], halves_mm: Sequence[float], gap_mm: float, margin_mm: float
) -> tuple[list[tuple[float, float]], float]:
    """Return start and size of each row (or column), and the size of them all with the margins.

    Examples
    --------
    >>> tracks([0, 0, 1], [10, 12, 5], gap_mm=3, margin_mm=4)
    ([(4, 24), (31, 10)], 45)
    """
    sizes = [
        2 * max([half for own, half in zip(numbers, halves_mm, strict=True) if own == number], default=EMPTY_HALF_MM)
        for number in range(max(numbers) + 1)
    ]
    starts = [margin_mm + sum(sizes[:number]) + number * gap_mm for number in range(len(sizes))]
    return list(zip(starts, sizes, strict=True)), starts[-1] + sizes[-1] + margin_mm


def has_one_before(place: tuple[int, int], layout: Layout) -> bool:
    """Tell whether a mouse lies in the place before one, in its column (pushed along y) or in its row (along x)."""
    across = 1 if layout.touching == 1 else 0
    return any(other[across] == place[across] and other[1 - across] == place[1 - across] - 1 for other in layout.places)
