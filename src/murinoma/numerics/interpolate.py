"""Fill the axial slices between those that an annotator drew."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import InputError

Labels = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]
Field = npt.NDArray[np.float64]
Window = tuple[slice, slice]

LEAST_OVERLAP = 0.5  # share of the smaller of two shapes; with less they are aligned first


def interpolate_slices(
    labels: Labels, drawn: Sequence[int] | Mapping[int, Sequence[int]], *, spacing_mm: tuple[float, float]
) -> Labels:
    """Return the labels with the slices between neighbouring drawn slices filled.

    Each label is interpolated alone, in the signed distance d to its outline (positive inside). A drawn slice
    counts with D^2 - (D - d)^2, where D is the largest d in it; for a disc that is its squared radius less the
    squared distance to its centre. Between two drawn slices the value runs straight, bent as the next drawn
    slices on both sides say: a parabola fits balls, ellipsoids and slanting tubes. Where the two sides disagree
    it stays straight, and what both drawn shapes hold is held between them. Two shapes that share less than half
    of the smaller one are first aligned by their centroids.

    A label that one of two neighbouring drawn slices lacks is not continued between them, so nothing grows
    beyond its first and last drawn slice and an empty drawn slice ends it. Between drawn slices what an
    interpolated label had there is replaced; the voxels of all other labels stay. Where two interpolated
    labels claim a voxel, it goes to the one that is deeper there.

    Parameters
    ----------
    labels
        Integers of shape (z, y, x), 0 is background.
    drawn
        Indices along z of the slices that were drawn, in any order, for all labels that occur in them. Or, where
        each label was drawn on slices of its own: label -> indices; other labels are then not interpolated.
        What was drawn stays as it is.
    spacing_mm
        Distance between voxel centres along (y, x), mm.

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
    A single voxel becomes a square of 5 x 5 in four slices.

    >>> labels = np.zeros((5, 7, 7), dtype=np.uint8)
    >>> labels[0, 3, 3] = labels[4, 1:6, 1:6] = 1
    >>> interpolate_slices(labels, [0, 4], spacing_mm=(1.0, 1.0)).sum(axis=(1, 2)).tolist()
    [1, 5, 9, 21, 25]
    """
    slices_of = _slices_by_label(labels, drawn)
    filled = labels.copy()
    for label, slices in slices_of.items():
        _forget_between(filled, label, slices)
    depth = np.zeros(labels.shape, dtype=np.float32) if len(slices_of) > 1 else None
    for label, slices in slices_of.items():
        for sketch in _sketches(labels, label, slices, spacing_mm):
            _fill(filled, sketch, label, depth)
    return filled


@dataclass(frozen=True, eq=False)
class _Sketch:
    """The drawn shapes of one label, one after the other without an empty slice, in a (y, x) box that holds them.

    `slices` are their places along z, `thickness` is D^2 of each, `height` D^2 - (D - d)^2 of each voxel, mm2.
    """

    slices: list[int]
    window: Window
    shapes: Mask
    thickness: Field
    height: Field


def _slices_by_label(labels: Labels, drawn: Sequence[int] | Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Return the drawn slices of each label to interpolate, ascending, once each."""
    if isinstance(drawn, Mapping):
        return {int(label): _in_order(slices, len(labels)) for label, slices in drawn.items() if label != 0}
    slices = _in_order(drawn, len(labels))
    return dict.fromkeys(_labels_of(labels[slices]), slices)


def _in_order(drawn: Sequence[int], length: int) -> list[int]:
    """Return the drawn slices once each, ascending; refuse those outside 0 .. length - 1 with an InputError."""
    slices = sorted({int(index) for index in drawn})
    outside = [index for index in slices if not 0 <= index < length]
    if outside:
        raise InputError(f"drawn slices {outside} do not lie in a volume of {length} slices")
    return slices


def _labels_of(labels: Labels) -> list[int]:
    """Return the labels that occur, ascending, without background."""
    return [int(label) for label in np.unique(labels[labels != 0])]


def _forget_between(filled: Labels, label: int, slices: list[int]) -> None:
    """Remove a label from the slices between its drawn ones, in place."""
    for first, last in pairwise(slices):
        between = filled[first + 1 : last]
        between[between == label] = 0


def _sketches(labels: Labels, label: int, slices: list[int], spacing_mm: tuple[float, float]) -> Iterator[_Sketch]:
    """Yield the runs of two or more drawn slices in which a label occurs without an empty one between."""
    shapes = labels[slices] == label
    window = _window_around(shapes)
    if window is None:
        return
    padded = np.pad(shapes[(slice(None), *window)], ((0, 0), (1, 1), (1, 1)))
    runs = ndimage.find_objects(ndimage.label(padded.any(axis=(1, 2)))[0])
    for (run,) in runs:
        if run.stop - run.start < 2:
            continue
        distances = np.stack([_signed_distance(shape, spacing_mm) for shape in padded[run]])
        deepest = distances.max(axis=(1, 2))
        height = distances * (2 * deepest[:, None, None] - distances)
        yield _Sketch(slices[run], window, padded[run], deepest**2, height)


def _window_around(shapes: Mask) -> Window | None:
    """Return the (y, x) box that holds every shape of a stack, None if all are empty."""
    flat = shapes.any(axis=0)
    if not flat.any():
        return None
    rows, columns = np.flatnonzero(np.any(flat, axis=1)), np.flatnonzero(np.any(flat, axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _signed_distance(shape: Mask, spacing_mm: tuple[float, float]) -> Field:
    """Return the distance to the outline of a shape with background around it, mm, positive inside."""
    inside: Field = ndimage.distance_transform_edt(shape, sampling=spacing_mm)
    outside: Field = ndimage.distance_transform_edt(~shape, sampling=spacing_mm)
    # both count to the next voxel centre across the outline, half a voxel too far
    half_voxel = min(spacing_mm) / 2
    return np.where(shape, inside - half_voxel, half_voxel - outside)


def _fill(filled: Labels, sketch: _Sketch, label: int, depth: npt.NDArray[np.float32] | None) -> None:
    """Write one label between its drawn slices, in place, where it is deeper than what `depth` has seen."""
    for low, (first, last) in enumerate(pairwise(sketch.slices)):
        held_by_both = np.minimum(sketch.height[low], sketch.height[low + 1])
        are_apart = _are_apart(sketch.shapes[low], sketch.shapes[low + 1])
        for index in range(first + 1, last):
            share = (index - first) / (last - first)
            height = _aligned(sketch, low, share) if are_apart else _bent(sketch.height, sketch.slices, low, share)
            thickness = _bent(sketch.thickness, sketch.slices, low, share)
            between = _depth(np.maximum(height, held_by_both), float(thickness))
            _claim(filled[index][sketch.window], between, label, None if depth is None else depth[index][sketch.window])


def _are_apart(first: Mask, second: Mask) -> bool:
    """Return whether two shapes share less than half of the smaller one."""
    return bool((first & second).sum() < LEAST_OVERLAP * min(first.sum(), second.sum()))


def _aligned(sketch: _Sketch, low: int, share: float) -> Field:
    """Return the height at `share` between two shapes, both moved to that place between their centroids."""
    centroids = [np.array(ndimage.center_of_mass(sketch.shapes[number])) for number in (low, low + 1)]
    way = centroids[1] - centroids[0]
    first = ndimage.shift(sketch.height[low], share * way, order=1, mode="nearest")
    second = ndimage.shift(sketch.height[low + 1], (share - 1) * way, order=1, mode="nearest")
    height: Field = (1 - share) * first + share * second
    return height


def _bent(values: Field, slices: list[int], low: int, share: float) -> Field:
    """Return the values at `share` of the way from drawn slice number `low` to the next; `values` holds one per slice.

    A parabola through both and the drawn slice before them bends the straight line, as does one through both and
    the slice after them. Where they disagree in sign the line stays straight, else the weaker bend counts.
    """
    straight: Field = (1 - share) * values[low] + share * values[low + 1]
    bends = [_bend(values, slices, low, third, share) for third in _thirds(slices, low)]
    if not bends:
        return straight
    weaker = np.where(np.abs(bends[0]) < np.abs(bends[-1]), bends[0], bends[-1])
    return straight + np.where(bends[0] * bends[-1] > 0, weaker, 0)


def _thirds(slices: list[int], low: int) -> list[int]:
    """Return the numbers of the drawn slices before and after a gap that tell how the shape bends in it.

    A slice nearer than half the gap says little about the bend across the gap and is passed over.
    """
    near, far = slices[low], slices[low + 1]
    before = [number for number in range(low) if 2 * (near - slices[number]) >= far - near]
    after = [number for number in range(low + 2, len(slices)) if 2 * (slices[number] - far) >= far - near]
    return before[-1:] + after[:1]


def _bend(values: Field, slices: list[int], low: int, third: int, share: float) -> Field:
    """Return by how much the parabola through two neighbouring and a third drawn slice leaves the straight line."""
    place = (slices[third] - slices[low]) / (slices[low + 1] - slices[low])
    line_at_third = (1 - place) * values[low] + place * values[low + 1]
    bend: Field = (values[third] - line_at_third) * (share * (share - 1) / (place * (place - 1)))
    return bend


def _depth(height: Field, thickness: float) -> Field:
    """Return d where `height` is D^2 - (D - d)^2 and `thickness` is D^2."""
    squared = max(thickness, float(height.max()), 0.0)
    depth: Field = np.sqrt(squared) - np.sqrt(squared - height)
    return depth


def _claim(target: Labels, between: Field, label: int, depth: npt.NDArray[np.float32] | None) -> None:
    """Write `label` where it is inside and the voxel is free, or won from a shallower interpolated label."""
    inner = between[1:-1, 1:-1]
    if depth is None:
        target[(inner > 0) & (target == 0)] = label
        return
    won = (inner > depth) & ((target == 0) | (depth > 0))
    target[won] = label
    depth[won] = inner[won]
