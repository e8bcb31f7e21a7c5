"""Planes of a picture: grey values as they are shown, cut to what is seen, with a black margin around it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Grey = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MARGIN_SHARE = 0.07  # of a picture's longer side: room for the scale bar and texts
GREY_LEVELS = 64  # more cannot be told apart beside CT noise, and cost bytes


@dataclass(frozen=True, eq=False)
class Plane:
    """Grey values from 0 to 1 as shown, (rows, columns), first row on top; `spacing_mm` along rows and columns."""

    grey: Grey
    spacing_mm: tuple[float, float]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width, mm."""
        rows, columns = self.grey.shape
        return rows * self.spacing_mm[0], columns * self.spacing_mm[1]


@dataclass(frozen=True)
class Frame:
    """The rows and columns of a plane that are shown, and the black margin (in pixels) around them."""

    rows: slice
    columns: slice
    margin: tuple[int, int]
    spacing_mm: tuple[float, float]

    @classmethod
    def around(cls, solid: Mask, spacing_mm: tuple[float, float]) -> "Frame":
        """Return the frame of what is solid, with a margin; of everything if nothing is."""
        (top, left), (bottom, right) = _bounds(solid)
        height, width = (bottom - top) * spacing_mm[0], (right - left) * spacing_mm[1]
        margin_mm = MARGIN_SHARE * max(height, width)
        margin = (math.ceil(margin_mm / spacing_mm[0]), math.ceil(margin_mm / spacing_mm[1]))
        return cls(slice(top, bottom), slice(left, right), margin, spacing_mm)

    @classmethod
    def near(cls, solid: Mask, spacing_mm: tuple[float, float], reach_mm: float) -> "Frame":
        """Return the frame of what is solid and of what lies within `reach_mm` of it, without a margin."""
        (top, left), (bottom, right) = _bounds(solid)
        down, across = (math.ceil(reach_mm / spacing) for spacing in spacing_mm)
        rows = slice(max(top - down, 0), min(bottom + down, solid.shape[0]))
        columns = slice(max(left - across, 0), min(right + across, solid.shape[1]))
        return cls(rows, columns, (0, 0), spacing_mm)

    def cut(self, values: Array) -> Array:
        """Return the part of `values` inside the frame, with a margin of 0."""
        return np.pad(values[self.rows, self.columns], [(side, side) for side in self.margin])

    def plane(self, grey: Grey) -> Plane:
        """Return the part of `grey` inside the frame as a plane."""
        return Plane(self.cut(grey), self.spacing_mm)


def _bounds(solid: Mask) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first (row, column) and the one after the last of what is solid."""
    filled = np.argwhere(solid if solid.any() else np.ones_like(solid))
    (top, left), (bottom, right) = filled.min(axis=0).tolist(), (filled.max(axis=0) + 1).tolist()
    return (top, left), (bottom, right)


def grey_levels(values: Array, window: tuple[float, float]) -> Grey:
    """Return values inside `window` as grey from 0 to 1, in few enough steps."""
    low, high = window
    share = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return np.asarray(np.rint(share * (GREY_LEVELS - 1)) / (GREY_LEVELS - 1))


def joined_rows(values: Array, max_rows: int) -> tuple[Array, int]:
    """Return `values` with square blocks joined (the largest counts) until it has few enough rows, and the block."""
    block = -(-values.shape[0] // max_rows)
    rows, columns = values.shape
    padded = np.pad(values, ((0, -rows % block), (0, -columns % block)))
    return padded.reshape(padded.shape[0] // block, block, -1, block).max(axis=(1, 3)), block
