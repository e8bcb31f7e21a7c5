"""Crop windows: one per mouse, of one width, holding all of the animal and as little as can be of another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.numerics.boxes import Box

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Range = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Animal:
    """One mouse in the acquisition: its box (voxels), and its body in the shape of the box."""

    box: Box
    body: Mask


@dataclass(frozen=True)
class Window:
    """Where one mouse is cut out.

    Attributes
    ----------
    box
        Voxels of the acquisition along (z, y, x): the full length along the body axis.
    enlarged
        True if the animal is wider than the usual width.
    foreign_share
        Share of the other animals' bodies that lies inside, 0..1.
    """

    box: Box
    enlarged: bool
    foreign_share: float


def crop_window(
    animal: Animal, others: Sequence[Animal], shape: tuple[int, int, int], *, widths: tuple[int, int], body_axis: int
) -> Window:
    """Return the window for one mouse: centred on it, and shifted as far as others ask for and the field allows.

    Of all windows that hold the whole animal and lie inside the field it is the one with the fewest voxels of other
    animals, and of those the one closest to the animal's middle. Where the field is narrower than the window, the
    window is as wide as the field.

    Parameters
    ----------
    animal, others
        The mouse that is cut out, and all others in the field.
    shape
        Voxels of the acquisition along (z, y, x).
    widths
        Usual width of the window along the two axes other than `body_axis`, voxels, in their order.
    body_axis
        Array axis along which the animals lie; the window has its full length.

    Examples
    --------
    A mouse 4 voxels wide in a field of 20, alone: a window of 8 has it in its middle. A neighbour on its right
    pushes the window to the left.

    >>> mouse = Animal((slice(0, 5), slice(2, 6), slice(8, 12)), np.ones((5, 4, 4), bool))
    >>> other = Animal((slice(0, 5), slice(2, 6), slice(13, 17)), np.ones((5, 4, 4), bool))
    >>> crop_window(mouse, [], (5, 8, 20), widths=(8, 8), body_axis=0).box[2]
    slice(6, 14, None)
    >>> crop_window(mouse, [other], (5, 8, 20), widths=(8, 8), body_axis=0).box[2]
    slice(5, 13, None)
    """
    cross = [axis for axis in range(3) if axis != body_axis]
    spans = [_starts(animal.box[axis], width, shape[axis]) for axis, width in zip(cross, widths, strict=True)]
    sizes = [span[1] for span in spans]
    foreign = _foreign(others, (shape[cross[0]], shape[cross[1]]), body_axis)
    middles = [
        (animal.box[axis].start + animal.box[axis].stop - size) / 2 for axis, size in zip(cross, sizes, strict=True)
    ]
    first, second = _best_corner(foreign, [span[0] for span in spans], sizes, middles)
    box = [slice(0, length) for length in shape]
    box[cross[0]], box[cross[1]] = slice(first, first + sizes[0]), slice(second, second + sizes[1])
    enlarged = any(size > width for size, width in zip(sizes, widths, strict=True))
    total = int(foreign[-1, -1])
    inside = int(_inside(foreign, np.array([first]), np.array([second]), sizes)[0, 0])
    return Window((box[0], box[1], box[2]), enlarged, inside / total if total else 0.0)


def _starts(part: slice, width: int, length: int) -> tuple[Range, int]:
    """Return the first and last start of a window along one axis that holds `part`, and its size."""
    size = min(max(width, part.stop - part.start), length)
    return (max(0, part.stop - size), min(part.start, length - size)), size


def _foreign(others: Sequence[Animal], shape: tuple[int, int], body_axis: int) -> Counts:
    """Return the summed-area table of the other animals' voxels, projected along the body axis."""
    projected = np.zeros(shape, np.int64)
    for other in others:
        place = tuple(part for axis, part in enumerate(other.box) if axis != body_axis)
        projected[place] += other.body.sum(axis=body_axis)
    table: Counts = np.pad(projected.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    return table


def _inside(table: Counts, first: npt.NDArray[Any], second: npt.NDArray[Any], sizes: Sequence[int]) -> Counts:
    """Return how many voxels lie in the windows with these starts, (n, m)."""
    low, high = table[first], table[first + sizes[0]]
    part: Counts = high[:, second + sizes[1]] - high[:, second] - low[:, second + sizes[1]] + low[:, second]
    return part


def _best_corner(
    foreign: Counts, ranges: Sequence[Range], sizes: Sequence[int], middles: Sequence[float]
) -> tuple[int, int]:
    """Return the start with the fewest foreign voxels, and of those the one closest to the middle."""
    first, second = (np.arange(low, high + 1) for low, high in ranges)
    counts = _inside(foreign, first, second, sizes)
    away = (first[:, None] - middles[0]) ** 2 + (second - middles[1]) ** 2
    away = np.where(counts == counts.min(), away, np.inf)
    best = np.unravel_index(int(away.argmin()), away.shape)
    return int(first[best[0]]), int(second[best[1]])
