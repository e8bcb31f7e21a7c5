"""Fill the axial slices between those that an annotator drew."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import InputError

Labels = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]
Distance = npt.NDArray[np.float64]
Window = tuple[slice, slice]


def interpolate_slices(
    labels: Labels, drawn: Sequence[int], *, spacing_mm: tuple[float, float], only: Iterable[int] | None = None
) -> Labels:
    """Return the labels with the slices between neighbouring drawn slices filled.

    Each label is interpolated alone, linearly in its signed distance. A label that one of two neighbouring
    drawn slices lacks is not continued between them, so nothing grows beyond its first and last drawn slice
    and an empty drawn slice ends it. Two shapes that do not overlap are first aligned by their centroids.
    Between drawn slices what an interpolated label had there is replaced; the voxels of all other labels
    stay. Where two interpolated labels claim a voxel, it goes to the one that is deeper there.
    A convex shape comes out a little small: between spherical ends the outline is a chord, not the arc.

    Parameters
    ----------
    labels
        Integers of shape (z, y, x), 0 is background.
    drawn
        Indices along z of the slices that were drawn, in any order; they stay as they are.
    spacing_mm
        Distance between voxel centres along (y, x), mm.
    only
        Labels to interpolate; all labels of the drawn slices if None.

    Returns
    -------
    Labels of the same shape and dtype; the input is untouched.

    Raises
    ------
    InputError
        If a drawn slice is not in the array.

    References
    ----------
    Raya and Udupa, Shape-based interpolation of multidimensional objects, IEEE Trans. Med. Imaging 9 (1990) 32-42.

    Examples
    --------
    A bar of 1 voxel becomes a bar of 5 in four slices; a voxel exactly on the outline is background.

    >>> labels = np.zeros((5, 3, 7), dtype=np.uint8)
    >>> labels[0, 1, 3] = labels[4, 1, 1:6] = 1
    >>> interpolate_slices(labels, [0, 4], spacing_mm=(1.0, 1.0)).sum(axis=(1, 2)).tolist()
    [1, 1, 1, 3, 5]
    """
    slices = _drawn_in_order(drawn, labels.shape[0])
    wanted = _labels_of(labels[slices]) if only is None else [int(label) for label in only if label != 0]
    filled = labels.copy()
    _forget_between(filled, slices, wanted)
    depth = np.zeros(labels.shape, dtype=np.float32) if len(wanted) > 1 else None
    for label in wanted:
        _fill_label(filled, labels, label, slices, spacing_mm, depth)
    return filled


def _drawn_in_order(drawn: Sequence[int], length: int) -> list[int]:
    """Return the drawn slices once each, ascending; refuse those outside 0 .. length - 1 with an InputError."""
    slices = sorted({int(index) for index in drawn})
    outside = [index for index in slices if not 0 <= index < length]
    if outside:
        raise InputError(f"drawn slices {outside} do not lie in a volume of {length} slices")
    return slices


def _labels_of(labels: Labels) -> list[int]:
    """Return the labels that occur, ascending, without background."""
    return [int(label) for label in np.unique(labels) if label != 0]


def _forget_between(filled: Labels, slices: list[int], wanted: list[int]) -> None:
    """Remove the wanted labels from the slices between drawn ones, in place."""
    for first, last in pairwise(slices):
        between = filled[first + 1 : last]
        if between.any():
            between[np.isin(between, wanted)] = 0


def _fill_label(
    filled: Labels,
    labels: Labels,
    label: int,
    slices: list[int],
    spacing_mm: tuple[float, float],
    depth: npt.NDArray[np.float32] | None,
) -> None:
    """Write one label between its drawn slices into `filled`, where it is deeper than what `depth` has seen."""
    shapes = labels[slices] == label
    window = _window_around(shapes)
    if window is None:
        return
    padded = np.pad(shapes[(slice(None), *window)], ((0, 0), (1, 1), (1, 1)))
    distances = [_signed_distance(shape, spacing_mm) if shape.any() else None for shape in padded]
    for low, high in pairwise(range(len(slices))):
        near, far = distances[low], distances[high]
        if near is None or far is None:
            continue
        for index in range(slices[low] + 1, slices[high]):
            share = (index - slices[low]) / (slices[high] - slices[low])
            between = _blend(padded[[low, high]], near, far, share, spacing_mm)[1:-1, 1:-1]
            _claim(filled[index][window], between, label, None if depth is None else depth[index][window])


def _window_around(shapes: Mask) -> Window | None:
    """Return the (y, x) box that holds every shape of a stack, None if all are empty."""
    flat = shapes.any(axis=0)
    if not flat.any():
        return None
    rows, columns = np.flatnonzero(np.any(flat, axis=1)), np.flatnonzero(np.any(flat, axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _signed_distance(shape: Mask, spacing_mm: tuple[float, float]) -> Distance:
    """Return the distance to the outline of a shape with background around it, mm, positive inside."""
    inside: Distance = ndimage.distance_transform_edt(shape, sampling=spacing_mm)
    outside: Distance = ndimage.distance_transform_edt(~shape, sampling=spacing_mm)
    # both count to the next voxel centre across the outline, half a voxel too far
    half_voxel = min(spacing_mm) / 2
    return np.where(shape, inside - half_voxel, half_voxel - outside)


def _blend(shapes: Mask, near: Distance, far: Distance, share: float, spacing_mm: tuple[float, float]) -> Distance:
    """Return the signed distance at `share` of the way from the first to the second of two shapes."""
    if not (shapes[0] & shapes[1]).any():
        near, far = _aligned_distances(shapes, share, spacing_mm)
    return (1 - share) * near + share * far


def _aligned_distances(shapes: Mask, share: float, spacing_mm: tuple[float, float]) -> tuple[Distance, Distance]:
    """Return the signed distances of two shapes, both moved to the place at `share` between their centroids."""
    way = np.subtract(ndimage.center_of_mass(shapes[1]), ndimage.center_of_mass(shapes[0]))
    steps_from_first = np.rint(share * way).astype(int)
    steps_from_second = steps_from_first - np.rint(way).astype(int)
    first = _signed_distance(_moved(shapes[0], steps_from_first), spacing_mm)
    second = _signed_distance(_moved(shapes[1], steps_from_second), spacing_mm)
    return first, second


def _moved(shape: Mask, steps: npt.NDArray[np.int_]) -> Mask:
    """Return a shape moved by whole voxels along (y, x); what leaves the window is lost."""
    target = np.zeros_like(shape)
    places = np.argwhere(shape) + steps
    inside = places[((places > 0) & (places < np.array(shape.shape) - 1)).all(axis=1)]
    target[inside[:, 0], inside[:, 1]] = True
    return target


def _claim(target: Labels, distance: Distance, label: int, depth: npt.NDArray[np.float32] | None) -> None:
    """Write `label` where the distance is inside and the voxel is free, or won from a shallower interpolated label."""
    if depth is None:
        target[(distance > 0) & (target == 0)] = label
        return
    won = (distance > depth) & ((target == 0) | (depth > 0))
    target[won] = label
    depth[won] = distance[won]
