"""Scans of random mice as `split` cuts them, with the truth: to train a segmenter that has seen no real annotation.

Everything is drawn at random in the manner of SynthSeg (Billot et al. 2023), far beyond what real scans show:
what a model learns from it cannot depend on the looks of one scanner, mouse strain or bed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.phantom.bed import paint_furniture
from murinoma.phantom.random_look import AIR_HU, seen
from murinoma.phantom.random_painting import OUTSIDE_HU, paint_animal
from murinoma.phantom.random_plan import LaidAnimal, RandomPlan, own_grid, random_plan
from murinoma.phantom.random_warp import nearest, sampled
from murinoma.phantom.shapes import Array, Field, Grid
from murinoma.volume import Volume

Labels = npt.NDArray[np.uint8]

MARGIN_MM = 3.0
MIXED_HU = -1100.0  # what is less is mixed with what lies outside the body


@dataclass(frozen=True, eq=False)
class RandomScan:
    """A random scan, or a patch of one: CT (int16, -400 to 1000 HU) and the true tumor numbers (uint8).

    A number covers the tumor and the skin over it, as a person would outline it.
    """

    ct: Volume
    truth: Volume


def random_mouse(seed: int, *, spacing_mm: float, wider: bool = False) -> RandomScan:
    """Return the scan of a random mouse as `split` would cut it: 40.32 mm wide, of full length.

    Parameters
    ----------
    seed
        Decides everything; another spacing shows the same mouse, with other noise.
    spacing_mm
        Voxel size.
    wider
        Draw from wider settings, to judge on what training does not show.

    Examples
    --------
    >>> scan = random_mouse(9, spacing_mm=1.68)
    >>> scan.ct.shape[1:], int(scan.truth.voxels.max())
    ((24, 24), 2)
    """
    plan = random_plan(seed, wider=wider)
    return rendered(plan, plan.window(spacing_mm))


def cube(window: Grid, middle_mm: Array, side: int) -> Grid:
    """Return the voxels of a cube about a place, moved into the window along the axes on which it fits."""
    origin = np.asarray(window.origin_mm)
    start = np.rint((middle_mm - origin) / window.spacing_mm).astype(int) - side // 2
    start = np.clip(
        start, np.minimum(0, np.subtract(window.shape, side)), np.maximum(0, np.subtract(window.shape, side))
    )
    z, y, x = origin + start * window.spacing_mm
    return Grid((side, side, side), window.spacing_mm, (float(z), float(y), float(x)))


def rendered(plan: RandomPlan, grid: Grid) -> RandomScan:
    """Return a part of a random scan, painted in the voxels of a grid, and turned as the plan says."""
    hu = np.full(grid.shape, AIR_HU, dtype=np.float32)
    for piece in plan.furniture:
        paint_furniture(hu, grid, piece)
    truth = np.zeros(grid.shape, dtype=np.uint8)
    for one in reversed(plan.animals):
        put(hu, truth, one, grid)
    ct = seen(hu, grid, plan.look)
    affine = np.diag([grid.spacing_mm] * 3 + [1.0])
    return RandomScan(Volume(turned(ct, plan), affine), Volume(numbered(turned(truth, plan)), affine))


def put(hu: Field, truth: Labels, one: LaidAnimal, grid: Grid) -> None:
    """Paint a mouse into a grid of the scanner's field, with the truth, in place."""
    low, high = one.box_mm
    box = grid.box(low - MARGIN_MM, high + MARGIN_MM)
    part = grid.part(box)
    if not hu[box].size:
        return
    places = one.warp.own_places(part)
    painted = paint_animal(one.animal, own_grid(one.animal, places, grid.spacing_mm))
    own = sampled(painted.hu, painted.grid, places, OUTSIDE_HU)
    skin = np.float32(one.animal.body.build.skin_hu)
    share = np.where(own > MIXED_HU, np.float32(1), (own - np.float32(OUTSIDE_HU)) / (skin - np.float32(OUTSIDE_HU)))
    hu[box] += share * (np.where(own > MIXED_HU, own, skin) - hu[box])
    if one.animal.tumors:
        numbers = nearest(painted.territory, painted.grid, places)
        near = numbers > 0
        depth = sampled(painted.tumor_depth, painted.grid, places[:, near], -9.0)
        truth[box][near] = np.where(depth > 0, numbers[near], 0)


def turned(voxels: npt.NDArray[Any], plan: RandomPlan) -> npt.NDArray[Any]:
    """Return an array as the plan turns and flips it."""
    turns = np.rot90(voxels, plan.turns, axes=(1, 2))
    flipped: npt.NDArray[Any] = turns[:: -1 if plan.flips[0] else 1, :, :: -1 if plan.flips[1] else 1]
    return np.ascontiguousarray(flipped)


def numbered(truth: npt.NDArray[np.uint8]) -> Labels:
    """Return tumor numbers from 1 by position along y, then z."""
    numbers = [number for number in range(1, int(truth.max()) + 1) if (truth == number).any()]
    centres = {number: np.argwhere(truth == number).mean(axis=0) for number in numbers}
    order = sorted(numbers, key=lambda number: (centres[number][1], centres[number][0]))
    table = np.zeros(256, dtype=np.uint8)
    table[order] = np.arange(1, len(order) + 1)
    found: Labels = table[truth]
    return found
