"""Find every mouse in an acquisition: from the whole volume, in millimetres, by skeleton and flesh."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import GeometryError
from murinoma.numerics.blocks import Image, Labels, Mask, block_mean, neighbours
from murinoma.numerics.bodies import Tissue, bodies
from murinoma.numerics.boxes import Box, positive_box
from murinoma.numerics.mouse_skeletons import choose_skeletons
from murinoma.numerics.skeletons import Spacing, soft_tissue_hu, step_mm

FINE_MM, COARSE_MM = 0.45, 0.8  # bodies are outlined in blocks up to the one, bones joined in blocks of about the other
MOST_COARSE = 12_000_000  # blocks; a field with more is no mouse scanner's, and is seen more coarsely
AIR_BELOW_HU = 1150.0  # air is no darker than so far under soft tissue
NOISY_HU = 60.0  # more is smoothed away before bodies are outlined
NOISY_BLOCK_HU = 110.0  # and more than this before bones are joined
SOFT_SPREAD_HU = 400.0  # around soft tissue, where noise is measured
MOST_SMOOTHING = 2
MARGIN_BLOCKS = 2  # around a body in its box
AROUND_MM = 9.0  # around all bodies: enough to see that a bed goes on
BELIEVED_SOFT_HU = (-120.0, 80.0)
CUT_MM2 = 30.0  # of body on the edge of the field; a tail that leaves it is less
TOUCH_MM2 = 4.0
PRESSED_MM2 = 300.0  # of contact; beyond it the cut between two animals is a guess in places
ROW_MM = 14.0  # mice whose middles are further apart lie in different rows or columns


@dataclass(frozen=True, eq=False)
class FoundMouse:
    """One mouse in an acquisition.

    Attributes
    ----------
    box
        Voxels of the input along (z, y, x) that hold the whole animal.
    body
        Bool array of blocks of `factors` voxels, starting at the box's start: where in the box the animal is.
    factors
        Voxels per block along (z, y, x).
    centre_mm
        Centre of mass of the body along (z, y, x), mm from the first voxel's centre.
    row, column
        Place across the body axis, counted from 0: rows along the first of the two other array axes (downwards in a
        displayed slice), columns along the second (to the right).
    """

    box: Box
    body: Mask
    factors: tuple[int, int, int]
    centre_mm: tuple[float, float, float]
    row: int
    column: int

    def mask(self) -> Mask:
        """Return the body at full resolution, in the shape of the box."""
        mask = self.body
        for axis, (factor, part) in enumerate(zip(self.factors, self.box, strict=True)):
            block = np.minimum(np.arange(part.stop - part.start) // factor, mask.shape[axis] - 1)
            mask = mask.take(block, axis=axis)
        return mask


@dataclass(frozen=True, eq=False)
class FoundMice:
    """The mice of an acquisition.

    Attributes
    ----------
    mice
        In reading order: rows from top to bottom, in a row from left to right, then along the body.
    doubts
        Sentences that say why the result may be wrong; empty where nothing speaks against it.
    soft_tissue_hu
        Level of soft tissue, HU; NaN where there is none.
    body_axis
        Array axis along which the animals lie.
    """

    mice: tuple[FoundMouse, ...]
    doubts: tuple[str, ...]
    soft_tissue_hu: float
    body_axis: int


def find_mice(image: npt.NDArray[Any], *, spacing_mm: Spacing, expected: int | None = None) -> FoundMice:
    """Return every mouse of an acquisition with its body and its box.

    Bones bright against the soft tissue are joined into skeletons, and the flesh around each is outlined; beds,
    cables, tubes and boxes are left out by their shape. Nothing depends on where in the field a mouse lies, or how.

    Parameters
    ----------
    image
        HU, shape (z, y, x), any real dtype; a memory map is read slab by slab.
    spacing_mm
        Of the voxels along (z, y, x), mm; about the same along all three.
    expected
        How many mice there should be, where that is known.

    Returns
    -------
    The mice in reading order, and what is doubtful about them. No mouse is a result with a doubt, not an error.

    Raises
    ------
    GeometryError
        If `image` is not three-dimensional or a spacing is not positive.

    Examples
    --------
    >>> empty = find_mice(np.full((40, 40, 40), -1000, np.int16), spacing_mm=(0.8, 0.8, 0.8))
    >>> len(empty.mice), empty.doubts
    (0, ('there is no bone in the field, so no mouse was found',))
    """
    if image.ndim != 3 or 0 in image.shape or min(spacing_mm) <= 0:
        raise GeometryError(f"mice need voxels along three axes and a spacing, got {image.shape} and {spacing_mm} mm")
    fine, coarse = working_grids(image.shape, spacing_mm)
    blocks = quietened(block_mean(image, coarse.factors), 0.0, NOISY_BLOCK_HU)
    soft_hu = soft_tissue_hu(blocks, coarse.spacing_mm)
    if soft_hu is None:
        return FoundMice((), ("there is no bone in the field, so no mouse was found",), float("nan"), 0)
    skeletons, doubts = choose_skeletons(blocks, coarse.spacing_mm, soft_hu, expected)
    if not skeletons.found:
        return FoundMice((), tuple(doubts), soft_hu, skeletons.axis)
    darkest_hu = float(np.percentile(blocks[::4, ::4, ::4], 5))  # air, or what fills a round field's corners
    tissue = Tissue(soft_hu, max(darkest_hu, soft_hu - AIR_BELOW_HU), skeletons.axis)
    labels, start = outlined(image, blocks, skeletons.labels, tissue, (fine, coarse))
    labels, places = in_reading_order(labels, fine.spacing_mm, skeletons.axis)
    mice = [found_mouse(labels == number, start, fine, place, image.shape) for number, place in places.items()]
    doubts += soft_doubts(soft_hu) + cut_doubts(mice, image.shape, fine) + touch_doubts(labels, fine)
    return FoundMice(tuple(mice), tuple(doubts), soft_hu, skeletons.axis)


@dataclass(frozen=True)
class Grid:
    """A coarser copy of the image: voxels of the image per block, and the blocks' size, mm, along (z, y, x)."""

    factors: tuple[int, int, int]
    spacing_mm: Spacing


def working_grids(shape: tuple[int, ...], spacing_mm: Spacing) -> tuple[Grid, Grid]:
    """Return the grids on which bodies are outlined (about 0.4 mm) and bones are joined (about 0.8 mm)."""
    sizes = np.array(spacing_mm)
    fine = np.maximum(1, (FINE_MM / sizes).astype(int))
    ratio = np.maximum(1, np.rint(COARSE_MM / (fine * sizes)).astype(int))
    while np.prod(np.array(shape) / (fine * ratio)) > MOST_COARSE:
        ratio += 1
    fine = np.minimum(fine, shape)
    ratio = np.maximum(1, np.minimum(ratio, shape // fine))
    return _grid(fine, sizes), _grid(fine * ratio, sizes)


def _grid(factors: npt.NDArray[Any], sizes_mm: npt.NDArray[np.float64]) -> Grid:
    """Return a grid of blocks."""
    fz, fy, fx = (int(factor) for factor in factors)
    z, y, x = (float(size) for size in factors * sizes_mm)
    return Grid((fz, fy, fx), (z, y, x))


def outlined(
    image: npt.NDArray[Any], blocks: Image, bones: Labels, tissue: Tissue, grids: tuple[Grid, Grid]
) -> tuple[Labels, tuple[int, int, int]]:
    """Return whose body each fine block is, in a part of the field, and the fine block at which that part starts.

    Bodies are outlined twice: roughly, to learn where they are, and finely there.
    """
    fine, coarse = grids
    rough = bodies(blocks, bones, step_mm(coarse.spacing_mm), tissue)
    around = [
        slice(max(0, part.start - round(AROUND_MM / size)), part.stop + round(AROUND_MM / size))
        for part, size in zip(positive_box(rough), coarse.spacing_mm, strict=True)
    ]
    seeds, voxels, start = bones[tuple(around)], [], []
    for axis, part in enumerate(around):
        ratio = coarse.factors[axis] // fine.factors[axis]
        seeds = np.repeat(seeds, ratio, axis=axis)
        start.append(part.start * ratio)
        reaches_end = part.stop >= blocks.shape[axis]
        voxels.append(
            slice(part.start * coarse.factors[axis], None if reaches_end else part.stop * coarse.factors[axis])
        )
    part_image = block_mean(image[tuple(voxels)], fine.factors)
    pad = [(0, whole - own) for whole, own in zip(part_image.shape, seeds.shape, strict=True)]
    part_image = quietened(part_image, tissue.soft_hu, NOISY_HU)
    labels = bodies(part_image, np.pad(seeds, pad, mode="edge"), step_mm(fine.spacing_mm), tissue)
    return labels, (start[0], start[1], start[2])


def quietened(image: Image, soft_hu: float, noisy_hu: float) -> Image:
    """Return an image with less noise if its soft tissue is noisier than a limit, else itself."""
    for _ in range(MOST_SMOOTHING):
        if noise_hu(image, soft_hu) < noisy_hu:
            break
        for axis in range(3):
            image = ndimage.convolve1d(image, [0.25, 0.5, 0.25], axis=axis, mode="nearest")
    return image


def noise_hu(image: Image, soft_hu: float) -> float:
    """Return the standard deviation of the noise in soft tissue, HU, from voxels that lie two apart."""
    first, second = image[:-2, ::2, ::2], image[2:, ::2, ::2]
    soft = (np.abs(first - soft_hu) < SOFT_SPREAD_HU) & (np.abs(second - soft_hu) < SOFT_SPREAD_HU)
    differences = np.abs(first - second)[soft]
    return float(np.median(differences)) / (0.6745 * float(np.sqrt(2))) if differences.size else 0.0


def in_reading_order(labels: Labels, spacing_mm: Spacing, axis: int) -> tuple[Labels, dict[int, tuple[int, int]]]:
    """Return labels numbered row by row across an axis, and row and column by number."""
    numbers = np.flatnonzero(np.bincount(labels.ravel(), minlength=2)[1:]) + 1
    centres_mm = np.array(ndimage.center_of_mass(labels > 0, labels, numbers)) * spacing_mm
    down, right = (at for at in range(3) if at != axis)
    rows, columns = ranks(centres_mm[:, down]), ranks(centres_mm[:, right])
    order = np.lexsort([centres_mm[:, axis], np.array(columns), np.array(rows)])
    renumbered = np.zeros(numbers.max() + 1, labels.dtype)
    renumbered[numbers[order]] = np.arange(1, len(order) + 1)
    places = {number: (rows[at], columns[at]) for number, at in enumerate(order, start=1)}
    return renumbered[labels], places


def ranks(places_mm: npt.NDArray[np.float64]) -> list[int]:
    """Return the row of each place: a new one begins after a gap of half a mouse."""
    order = np.argsort(places_mm)
    rank = np.zeros(len(places_mm), int)
    rank[order] = np.cumsum(np.diff(places_mm[order], prepend=places_mm[order][:1]) > ROW_MM)
    return [int(value) for value in rank]


def found_mouse(
    body: Mask, start: tuple[int, int, int], grid: Grid, place: tuple[int, int], shape: tuple[int, ...]
) -> FoundMouse:
    """Return a mouse from its blocks in a part of the field that starts at a block."""
    box, held = boxed(body, start, grid, shape)
    middle = np.array(ndimage.center_of_mass(body)) + start + 0.5
    z, y, x = (float(at) for at in middle * grid.spacing_mm - np.divide(grid.spacing_mm, grid.factors) / 2)
    return FoundMouse(box, held, grid.factors, (z, y, x), *place)


def boxed(body: Mask, start: tuple[int, int, int], grid: Grid, shape: tuple[int, ...]) -> tuple[Box, Mask]:
    """Return the box of a body, with a margin, in voxels of the image, and the body in it."""
    parts, sides = [], []
    for axis, own in enumerate(positive_box(body)):
        factor, blocks = grid.factors[axis], shape[axis] // grid.factors[axis]
        low = max(own.start - MARGIN_BLOCKS, -start[axis])
        high = min(own.stop + MARGIN_BLOCKS, blocks - start[axis])
        parts.append((own, (own.start - low, high - own.stop)))
        last = shape[axis] if high + start[axis] == blocks else (high + start[axis]) * factor
        sides.append(slice((low + start[axis]) * factor, last))
    held = np.pad(body[tuple(own for own, _ in parts)], [margin for _, margin in parts])
    return (sides[0], sides[1], sides[2]), held


def soft_doubts(soft_hu: float) -> list[str]:
    """Return a sentence if the soft tissue is not where a scanner has it."""
    if BELIEVED_SOFT_HU[0] - 10 <= soft_hu <= BELIEVED_SOFT_HU[1] + 10:
        return []
    return [f"soft tissue reads {soft_hu:.0f} HU, expected -120 to 80 HU; check the calibration"]


def cut_doubts(mice: list[FoundMouse], shape: tuple[int, ...], grid: Grid) -> list[str]:
    """Return a sentence for each end of the field that cuts a mouse."""
    doubts = []
    for number, mouse in enumerate(mice, start=1):
        for axis, name in enumerate("zyx"):
            area = float(np.prod(grid.spacing_mm)) / grid.spacing_mm[axis]
            first, last = (float(mouse.body.take(at, axis=axis).sum()) * area for at in (0, -1))
            part = mouse.box[axis]
            ends = [("first", first, part.start == 0), ("last", last, part.stop == shape[axis])]
            doubts += [
                f"mouse {number} is cut by the field of view: {cut:.0f} mm2 of it lie on the {end} slice along {name}"
                for end, cut, at_edge in ends
                if at_edge and cut > CUT_MM2
            ]
    return doubts


def touch_doubts(labels: Labels, grid: Grid) -> list[str]:
    """Return a sentence for each two mice that touch."""
    highest = int(labels.max()) + 1
    meeting = np.zeros(highest * highest, np.int64)
    for here, there in neighbours()[::2]:
        first, second = labels[here], labels[there]
        met = (first != second) & (first > 0) & (second > 0)
        meeting += np.bincount(first[met].astype(np.intp) * highest + second[met], minlength=len(meeting))
    area = meeting.reshape(highest, highest) * step_mm(grid.spacing_mm) ** 2
    return [
        f"mice {a} and {b} touch over {area[a, b] + area[b, a]:.0f} mm2 and were parted there"
        + (
            ", which is uncertain over so wide a contact: look at the outlines"
            if area[a, b] + area[b, a] > PRESSED_MM2
            else ""
        )
        for a, b in combinations(range(1, highest), 2)
        if area[a, b] + area[b, a] > TOUCH_MM2
    ]
