"""People who outline tumors: each with a bias, a rough hand and doubts about the ends, on every fifth slice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, special

from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.tissue import voxels_leaving
from murinoma.phantom.shapes import Box, Field, Grid, smooth_field
from murinoma.volume import Volume

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]

VIEW_MM = 2.5  # how far around a tumor an outline may stray
NEAR_SURFACE = 0.47  # a blurred mask between 0.03 and 0.97 lies within two voxels of the surface


@dataclass(frozen=True)
class Annotator:
    """How one person draws. The same values serve tumors of any size, because a hand errs in millimetres.

    Attributes
    ----------
    name
        ``A``, ``B``, ...
    bias_mm
        How far outside the true surface this person draws, on average over many scans.
    bias_sd_mm
        SD of the same from scan to scan.
    roughness_mm
        SD of the outline around that, within a scan.
    grain_mm
        Length over which the outline strays to one side, in the slice and along the body.
    redrawn
        Share of the roughness (variance) that each drawn slice has for itself; the rest runs along the body.
    overlooked_mm2
        Area of an outermost slice at which it is left out with a chance of 1/e; a larger one is left out less often.
    gap_mm
        Distance of the drawn slices: every fifth at 0.21 mm.
    draws_ends
        Whether the first and last slice with tumor are drawn as well; the paper's annotators did not.
    """

    name: str
    bias_mm: float = 0.05
    bias_sd_mm: float = 0.08
    roughness_mm: float = 0.11
    grain_mm: float = 2.2
    redrawn: float = 0.3
    overlooked_mm2: float = 5.0
    gap_mm: float = 1.05
    draws_ends: bool = False


# fitted to the agreement of Datasets 8 and 10 in Table 4 of the paper (evidence/phantom_agreement.py shows it)
ANNOTATORS = (
    Annotator("A", bias_mm=0.07, bias_sd_mm=0.080, roughness_mm=0.085),
    Annotator("B", bias_mm=0.08, bias_sd_mm=0.095, roughness_mm=0.145),
    Annotator("C", bias_mm=0.04, bias_sd_mm=0.085, roughness_mm=0.125),
)


@dataclass(frozen=True)
class SeenTumor:
    """One true tumor: its number, a box around it, and the signed distance to its surface, mm, positive inside."""

    number: int
    box: Box
    distance: Field


def see_tumors(truth: Volume) -> tuple[SeenTumor, ...]:
    """Return the true tumors as annotators need them; computed once, used by all.

    Parameters
    ----------
    truth
        Tumor numbers, 0 is background; voxels of equal size along all axes.
    """
    spacing = truth.spacing_mm[0]
    margin = int(np.ceil(VIEW_MM / spacing))
    seen = []
    for number, found in enumerate(ndimage.find_objects(truth.voxels), start=1):
        if found is None:
            continue
        z, y, x = (
            slice(max(part.start - margin, 0), min(part.stop + margin, size))
            for part, size in zip(found, truth.shape, strict=True)
        )
        seen.append(SeenTumor(number, (z, y, x), signed_distance(truth.voxels[z, y, x] == number, spacing)))
    return tuple(seen)


def signed_distance(mask: Mask, spacing_mm: float) -> Field:
    """Return the distance to the surface of a mask, mm, positive inside.

    Near the surface it comes from the blurred mask, which knows parts of a voxel: the distance between voxel
    centres alone would let a hand err by whole voxels only.
    """
    inside = ndimage.distance_transform_edt(mask) - 0.5
    outside = 0.5 - ndimage.distance_transform_edt(~mask)
    blurred = ndimage.gaussian_filter(mask.astype(np.float32), 1.0)
    near = np.abs(blurred - 0.5) < NEAR_SURFACE
    voxels = np.where(mask, inside, outside)
    voxels[near] = special.ndtri(blurred[near])
    distance: Field = (voxels * spacing_mm).astype(np.float32)
    return distance


@dataclass(frozen=True, eq=False)
class Drawing:
    """What one person drew on a scan; all labels are (z, y, x), uint8, with tumor numbers.

    Attributes
    ----------
    sketch
        The drawn slices alone.
    drawn
        Tumor -> slices on which it was drawn.
    removed
        What the tissue rule took from the interpolated labels.
    labels
        The annotation: interpolated, after the tissue rule.
    """

    sketch: Labels
    drawn: Mapping[int, tuple[int, ...]]
    removed: Labels
    labels: Labels


def annotate(
    ct: Volume,
    tumors: Sequence[SeenTumor],
    annotator: Annotator,
    *,
    air_hu: float,
    bone_hu: float,
    rng: np.random.Generator,
) -> Drawing:
    """Return what one person draws on a scan: slices, interpolated, after the tissue rule.

    Parameters
    ----------
    ct
        The CT, HU; voxels of equal size along all axes.
    tumors
        Its true tumors, see `see_tumors`.
    annotator
        Who draws.
    air_hu, bone_hu
        Limits of the tissue rule, HU.
    rng
        The person's form on this day.
    """
    sketch, removed, labels = (np.zeros(ct.shape, dtype=np.uint8) for _ in range(3))
    drawn: dict[int, tuple[int, ...]] = {}
    bias_mm = annotator.bias_mm + annotator.bias_sd_mm * float(rng.standard_normal())
    for tumor in tumors:
        lines, slices = drawn_lines(tumor, annotator, bias_mm, ct.spacing_mm[0], rng=rng)
        outline = interpolate_slices(lines, slices, spacing_mm=(ct.spacing_mm[0],) * 2) > 0
        leaving = voxels_leaving(outline, ct.voxels[tumor.box], air_hu=air_hu, bone_hu=bone_hu)
        for target, part in ((sketch, lines > 0), (removed, leaving), (labels, outline & ~leaving)):
            target[tumor.box][part & (target[tumor.box] == 0)] = tumor.number
        drawn[tumor.number] = tuple(tumor.box[0].start + index for index in slices)
    return Drawing(sketch, drawn, removed, labels)


def drawn_lines(
    tumor: SeenTumor, annotator: Annotator, bias_mm: float, spacing_mm: float, *, rng: np.random.Generator
) -> tuple[Labels, list[int]]:
    """Return one tumor as a person draws it, slices in its box, and which slices those are."""
    grid = Grid(tumor.distance.shape, spacing_mm)
    believed = tumor.distance + np.float32(bias_mm) + stray(grid, annotator, rng=rng) > 0
    gap = max(1, round(annotator.gap_mm / spacing_mm))
    drawn = drawn_slices(believed.sum(axis=(1, 2)) * spacing_mm**2, annotator, gap, rng=rng)
    sketch = np.zeros(grid.shape, dtype=np.uint8)
    for index in drawn:
        sketch[index] = one_outline(believed[index])
    return sketch, drawn


def stray(grid: Grid, annotator: Annotator, *, rng: np.random.Generator) -> Field:
    """Return how far outside its mean a person's outline runs at each voxel, mm."""
    grain = annotator.grain_mm
    lasting = smooth_field(grid, (grain, grain, grain), rng=rng)
    redrawn = smooth_field(grid, (annotator.gap_mm / 2, grain, grain), rng=rng)
    share = annotator.redrawn
    field: Field = np.float32(annotator.roughness_mm) * (np.sqrt(1 - share) * lasting + np.sqrt(share) * redrawn)
    return field.astype(np.float32)


def drawn_slices(
    areas_mm2: npt.NDArray[np.float64], annotator: Annotator, gap: int, *, rng: np.random.Generator
) -> list[int]:
    """Return the slices that a person draws: every `gap`-th of those with tumor, small outermost ones perhaps not."""
    with_tumor = np.flatnonzero(areas_mm2)
    start, chances = int(rng.integers(gap)), rng.random(2)
    drawn = [int(index) for index in with_tumor if index % gap == start]
    if annotator.draws_ends and with_tumor.size:
        return sorted({*drawn, int(with_tumor[0]), int(with_tumor[-1])})
    if len(drawn) > 3 and chances[0] < np.exp(-areas_mm2[drawn[0]] / annotator.overlooked_mm2):
        drawn = drawn[1:]
    if len(drawn) > 3 and chances[1] < np.exp(-areas_mm2[drawn[-1]] / annotator.overlooked_mm2):
        drawn = drawn[:-1]
    return drawn or [int(index) for index in with_tumor[len(with_tumor) // 2 :][:1]]


def one_outline(shape: Mask) -> Mask:
    """Return the largest piece of a shape without its holes: what one closed line encloses."""
    pieces, count = ndimage.label(shape)
    if count > 1:
        shape = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    filled: Mask = ndimage.binary_fill_holes(shape)
    return filled
