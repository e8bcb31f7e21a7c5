"""Where the coarse pass suspects a tumor: boxes on the fine grid that adapt to the lesion."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.grids import Grid, Shape, covering_box
from murinoma.models.tiles import SIDE_STEP
from murinoma.numerics.blocks import CORNERS
from murinoma.numerics.boxes import Box, positive_box, union_box

GAP_VOXELS = 8  # boxes nearer than this become one: patches must not touch on any grid
RIM_VOXELS = 4  # a lesion that comes so near to a face of its box is perhaps cut off


@dataclass(frozen=True)
class CandidateRules:
    """What of the coarse pass is looked at again in full resolution.

    Attributes
    ----------
    threshold
        Probability over which a coarse voxel counts; low, because what is missed here stays missed.
    least_mm3
        Less than this is no candidate; the smallest published tumor has 14.4 mm3.
    margin_mm
        Around a candidate, for the fine network to see what it lies in.
    rounds
        So many times a box may grow, when the lesion reaches its faces.
    """

    threshold: float = 0.25
    least_mm3: float = 2.0
    margin_mm: float = 3.0
    rounds: int = 3


def candidate_boxes(
    probability: npt.NDArray[np.float32], corner: tuple[int, ...], coarse: Grid, fine: Grid, rules: CandidateRules
) -> list[Box]:
    """Return boxes of the fine grid, apart from one another, around all that the coarse pass suspects.

    Parameters
    ----------
    probability
        Of tumor, (z, y, x), a part of the coarse grid.
    corner
        Where in the coarse grid that part starts.
    coarse, fine
        Two grids over the same field.
    """
    labels, _ = ndimage.label(probability > rules.threshold, CORNERS)
    voxels = np.bincount(labels.ravel())[1:]
    least = rules.least_mm3 / np.prod(coarse.spacing_mm)
    boxes = []
    for found, size in zip(ndimage.find_objects(labels), voxels, strict=True):
        if size < least:
            continue
        z, y, x = (slice(at.start + first, at.stop + first) for at, first in zip(found, corner, strict=True))
        boxes.append(_with_margin(covering_box((z, y, x), coarse, fine), fine, rules.margin_mm))
    return merged(boxes, fine.shape)


def merged(boxes: list[Box], shape: Shape) -> list[Box]:
    """Return boxes with those that come near one another replaced by the box of both, rounded, until all are apart.

    Examples
    --------
    >>> a, b = (slice(0, 16),) * 3, (slice(20, 36),) * 3
    >>> [box[0] for box in merged([a, b], (96, 96, 96))]
    [slice(0, 48, None)]
    """
    apart: list[Box] = []
    waiting = [rounded(box, shape) for box in boxes]
    while waiting:
        box = waiting.pop()
        near = [other for other in apart if _are_near(box, other)]
        if near:
            apart = [other for other in apart if other not in near]
            waiting.append(rounded(union_box([box, *near]), shape))
        else:
            apart.append(box)
    return sorted(apart, key=lambda box: [axis.start for axis in box])


def rounded(box: Box, shape: Shape) -> Box:
    """Return a box grown on both sides to multiples of 16 voxels, moved into the image; no axis longer than it.

    Examples
    --------
    >>> rounded((slice(2, 8), slice(10, 27), slice(0, 5)), (64, 64, 8))
    (slice(0, 16, None), slice(3, 35, None), slice(0, 8, None))
    """
    z, y, x = (_rounded(axis, size) for axis, size in zip(box, shape, strict=True))
    return z, y, x


def grown(box: Box, lesion: npt.NDArray[np.bool_], shape: Shape) -> Box:
    """Return a box that is longer by 16 voxels at each face that the lesion in it comes near to.

    Parameters
    ----------
    box
        Of an image of `shape`.
    lesion
        Mask of the shape of the box.
    """
    held = positive_box(lesion)
    if not lesion.any():
        return box
    z, y, x = (_grown(axis, part, size) for axis, part, size in zip(box, held, shape, strict=True))
    return z, y, x


def _with_margin(box: Box, grid: Grid, margin_mm: float) -> Box:
    """Return a box with a margin, inside the grid."""
    margins = [round(margin_mm / step) for step in grid.spacing_mm]
    z, y, x = (
        slice(max(axis.start - margin, 0), min(axis.stop + margin, size))
        for axis, margin, size in zip(box, margins, grid.shape, strict=True)
    )
    return z, y, x


def _are_near(a: Box, b: Box) -> bool:
    """Tell whether two boxes overlap, touch, or nearly so."""
    return all(
        one.start < other.stop + GAP_VOXELS and other.start < one.stop + GAP_VOXELS
        for one, other in zip(a, b, strict=True)
    )


def _rounded(axis: slice, size: int) -> slice:
    length = axis.stop - axis.start
    wanted = min(length + -length % SIDE_STEP, size)
    start = min(max(axis.start - (wanted - length) // 2, 0), size - wanted)
    return slice(start, start + wanted)


def _grown(axis: slice, held: slice, size: int) -> slice:
    start, stop = axis.start, axis.stop
    if held.start < RIM_VOXELS:
        start = max(start - SIDE_STEP, 0)
    if held.stop > axis.stop - axis.start - RIM_VOXELS:
        stop = min(stop + SIDE_STEP, size)
    return slice(start, stop)
