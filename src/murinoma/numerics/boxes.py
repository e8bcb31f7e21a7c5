"""Bounding boxes: where something is, so that the rest need not be touched."""

from typing import Any

import numpy as np
import numpy.typing as npt

Box = tuple[slice, slice, slice]
EMPTY_BOX: Box = (slice(0, 0), slice(0, 0), slice(0, 0))


def positive_box(image: npt.NDArray[Any]) -> Box:
    """Return the smallest box that holds every voxel above 0.

    Parameters
    ----------
    image
        Array of shape (z, y, x), any real or bool dtype.

    Returns
    -------
    Slices along z, y, x in voxels; three empty slices if no voxel is above 0.

    Examples
    --------
    >>> mask = np.zeros((4, 5, 6), bool)
    >>> mask[1:3, 2, 4:6] = True
    >>> positive_box(mask)
    (slice(1, 3, None), slice(2, 3, None), slice(4, 6, None))
    """
    if image.size == 0:
        return EMPTY_BOX
    # the maximum of a slice is read at memory speed; a comparison would write the whole volume once more
    in_z = _extent(image.reshape(len(image), -1).max(axis=1))
    plane = image[in_z].max(axis=0, initial=0)
    if not plane.any():
        return EMPTY_BOX
    return in_z, _extent(plane.max(axis=1)), _extent(plane.max(axis=0))


def union_box(boxes: list[Box]) -> Box:
    """Return the smallest box that holds all of `boxes`; empty ones do not count.

    Examples
    --------
    >>> a = (slice(0, 2), slice(0, 2), slice(0, 2))
    >>> b = (slice(1, 5), slice(0, 1), slice(1, 3))
    >>> union_box([a, b, EMPTY_BOX])
    (slice(0, 5, None), slice(0, 2, None), slice(0, 3, None))
    """
    held = [box for box in boxes if box != EMPTY_BOX]
    if not held:
        return EMPTY_BOX
    z, y, x = (
        slice(min(axis.start for axis in axes), max(axis.stop for axis in axes)) for axes in zip(*held, strict=True)
    )
    return z, y, x


def _extent(profile: npt.NDArray[Any]) -> slice:
    """Return the slice from the first to the last entry above 0."""
    held = np.flatnonzero(profile > 0)
    return slice(int(held[0]), int(held[-1]) + 1) if held.size else slice(0, 0)
