"""Voxels turned as pictures take them: rump to nose, side to side, back to belly."""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

SIDES = {"right to left": ("R", "L"), "left to right": ("L", "R")}
BODY = {"rump to nose": 1, "nose to rump": -1}  # and in which direction pictures take it
VERTICAL = {"back to belly": 1, "belly to back": -1}

Array = npt.NDArray[Any]
Axes = Mapping[str, str]


def upright(axes: Axes) -> list[tuple[int, int]]:
    """Return (array axis, direction) of what runs from rump to nose, between the sides, and from back to belly.

    Where the axes are not known they are taken as the published database has them.

    Examples
    --------
    >>> upright({"x": "back to belly", "y": "right to left", "z": "nose to rump"})
    [(0, -1), (1, 1), (2, 1)]
    """
    if not axes:
        return [(0, 1), (1, 1), (2, 1)]
    stored = [axes[name] for name in "zyx"]
    kinds = BODY, dict.fromkeys(SIDES, 1), VERTICAL  # left and right are not exchanged: the picture names them
    return [(place, kind[said]) for kind in kinds for place, said in enumerate(stored) if said in kind]


def turned(voxels: Array, axes: Axes) -> Array:
    """Return a view of voxels (z, y, x) with the axes as pictures take them: body, sides, vertical."""
    places, directions = zip(*upright(axes), strict=True)
    return voxels.transpose(places)[tuple(slice(None, None, step) for step in directions)]


def turned_mm(spacing_mm: tuple[float, float, float], axes: Axes) -> tuple[float, float, float]:
    """Return the spacing of `turned` voxels."""
    body, sides, vertical = (spacing_mm[place] for place, _ in upright(axes))
    return body, sides, vertical


def sides_of(axes: Axes) -> tuple[str, str] | None:
    """Return what stands at the low and the high end of the second axis, such as ``("R", "L")``; None if unknown."""
    return next((SIDES[said] for said in axes.values() if said in SIDES), None)
