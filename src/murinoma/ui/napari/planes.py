"""The coronal and the sagittal plane through a point, as small pictures: pure functions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.steps.annotate import Annotation
from murinoma.ui.napari.layers import REMOVED_COLOUR, tumor_colour
from murinoma.volume import Volume

Picture = npt.NDArray[np.uint8]
Point = tuple[int, int, int]

REACH_MM = 20.0  # above and below the open slice
OPACITY = 0.5


@dataclass(frozen=True, eq=False)
class SidePlane:
    """A plane along the body: colours (rows z, columns, 3), the slice of its first row, its size, and the cross.

    `cross` is (row, column) of the point; `size_mm` is (height, width).
    """

    picture: Picture
    first_slice: int
    size_mm: tuple[float, float]
    cross: tuple[int, int]


def side_planes(
    ct: Volume, annotation: Annotation, point: Point, *, window_hu: tuple[float, float]
) -> tuple[SidePlane, SidePlane]:
    """Return the plane along x and the plane along y through a voxel (z, y, x), near its slice."""
    z, y, x = point
    reach = round(REACH_MM / ct.spacing_mm[0])
    rows = slice(max(z - reach, 0), min(z + reach + 1, ct.shape[0]))
    return tuple(  # type: ignore[return-value]
        SidePlane(
            coloured(ct.voxels[cut], annotation.labels[cut], annotation.removed[cut], window_hu=window_hu),
            rows.start,
            ((rows.stop - rows.start) * ct.spacing_mm[0], ct.shape[axis] * ct.spacing_mm[axis]),
            (z - rows.start, point[axis]),
        )
        for cut, axis in (((rows, y, slice(None)), 2), ((rows, slice(None), x), 1))
    )


def coloured(hu: npt.NDArray[Any], labels: Picture, removed: Picture, *, window_hu: tuple[float, float]) -> Picture:
    """Return a plane in colours (rows, columns, 3): grey CT, tumors, and what the tissue rule took."""
    low, high = window_hu
    grey = np.clip((hu.astype(np.float32) - low) * (255 / (high - low)), 0, 255)
    picture = np.repeat(grey[..., None], 3, axis=2)
    for label in np.unique(labels[labels > 0]):
        _tint(picture, labels == label, tumor_colour(int(label)))
    _tint(picture, removed > 0, REMOVED_COLOUR)
    return picture.astype(np.uint8)


def _tint(picture: npt.NDArray[np.float32], where: npt.NDArray[np.bool_], colour: str) -> None:
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    picture[where] = (1 - OPACITY) * picture[where] + OPACITY * np.array([red, green, blue], np.float32)
