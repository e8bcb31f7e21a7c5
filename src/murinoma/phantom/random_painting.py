"""What a random mouse is made of, painted on a grid of its own field: HU, and how deep each voxel lies in a tumor."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.phantom.body import as_point, ramp
from murinoma.phantom.organs import GUT, LUNGS, WALL_MM, airways, blend_texture, bubbles
from murinoma.phantom.random_animal import Animal, animal_depth
from murinoma.phantom.random_lesions import FAR, RandomTumor, paint_tumor, tumor_box, tumor_depth
from murinoma.phantom.random_limbs import limb_bones
from murinoma.phantom.shapes import (
    Box,
    Ellipsoid,
    Field,
    Grid,
    Solid,
    corners,
    coverage,
    paint,
    rounded_maximum,
    smooth_field,
    solid_box,
    solid_depth,
)
from murinoma.phantom.skeleton import breast, paint_bones, pelvis, ribs, skull, spine

OUTSIDE_HU = -3000.0  # no tissue has it: where it is mixed with skin, the share of skin can be told
THICKER_MM = 0.15  # than its cover the skin over a tumor may be, and still be outlined with it
BONE_SHARE = 0.3  # a voxel with more bone belongs to no tumor


@dataclass(frozen=True, eq=False)
class PaintedAnimal:
    """A random mouse on a grid of its own field.

    Attributes
    ----------
    grid
        Its voxels.
    hu
        Of the mouse; `OUTSIDE_HU` where there is none.
    tumor_depth
        How deep each voxel lies in the nearest tumor or the skin over it, mm, negative outside, `FAR` far from all.
    territory
        The number of that tumor; 0 far from all.
    """

    grid: Grid
    hu: Field
    tumor_depth: Field
    territory: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SeenTumor:
    """A tumor in a grid: its number, the box that holds it, how deep each voxel of the box lies in it, mm."""

    number: int
    tumor: RandomTumor
    box: Box
    depth: Field

    def outlined(self, under_skin: Field) -> Field:
        """Return how deep each voxel lies in what a person outlines, mm, from the depth of its box under the skin.

        That is the tumor and the skin over it: people draw beyond a bulge, and what is air leaves the annotation
        (`murinoma.numerics.tissue`). Skin that is thicker than the tumor's own cover stays out.
        """
        covered = self.depth + np.float32(self.tumor.cover_mm)
        over = np.minimum(covered, np.minimum(covered + np.float32(THICKER_MM) - under_skin, under_skin))
        outlined: Field = np.maximum(self.depth, over)
        return outlined


def paint_animal(animal: Animal, grid: Grid) -> PaintedAnimal:
    """Return a random mouse, painted; a part of a larger grid shows the same as that grid does there."""
    depth, seen = whole_depth(animal, grid)
    hu = tissue(animal, depth, grid)
    paint_inside(hu, depth, animal, grid)
    tumor_mm = np.full(grid.shape, FAR, dtype=np.float32)
    territory = np.zeros(grid.shape, dtype=np.uint8)
    for one in seen:
        paint_tumor(hu[one.box], one.depth, one.tumor, grid.part(one.box), animal.body.anchor_mm)
        outlined = one.outlined(depth[one.box])
        territory[one.box][outlined > tumor_mm[one.box]] = one.number
        np.maximum(tumor_mm[one.box], outlined, out=tumor_mm[one.box])
    bone = paint_skeleton(hu, animal, grid)
    tumor_mm[bone > BONE_SHARE] = FAR
    hu[(depth <= 0) & (bone < BONE_SHARE)] = OUTSIDE_HU
    for solid in animal.outside:
        stick(hu, solid, grid)
    return PaintedAnimal(grid, hu, tumor_mm, territory)


def whole_depth(animal: Animal, grid: Grid) -> tuple[Field, list[SeenTumor]]:
    """Return how deep each voxel lies under the skin of a mouse with its tumors, mm, and the tumors in the grid."""
    under_skin = animal_depth(animal, grid)
    depth, seen = under_skin.copy(), []
    for number, (tumor, factor) in enumerate(zip(animal.tumors, animal.factors, strict=True), start=1):
        box = grid.box(*tumor_box(animal.body, tumor, factor))
        if not depth[box].size:
            continue
        own = tumor_depth(animal.body, tumor, factor, under_skin[box], grid.part(box))
        depth[box] = rounded_maximum(depth[box], own + np.float32(tumor.cover_mm), tumor.blend_mm)
        seen.append(SeenTumor(number, tumor, box, own))
    return depth, seen


def tissue(animal: Animal, depth: Field, grid: Grid) -> Field:
    """Return the HU of skin, fat and muscle by the depth under the skin, to the edge of the grid."""
    build, rng = animal.body.build, np.random.default_rng([animal.body.build.texture_seed, 2])
    anchor = animal.body.anchor_mm
    fatness = smooth_field(grid, (6.0, 4.0, 4.0), rng=rng, anchor_mm=anchor)
    fat_mm = np.maximum(np.float32(build.fat_mm) * (1 + fatness), 0)
    hu = np.float32(animal.fibre_hu) * smooth_field(grid, (3.0, 1.2, 1.2), rng=rng, anchor_mm=anchor)
    hu += np.float32(build.muscle_hu)
    hu += (1 - ramp(depth - fat_mm, build.skin_mm, grid.spacing_mm)) * (np.float32(build.fat_hu) - hu)
    hu += (1 - ramp(depth, build.skin_mm, grid.spacing_mm)) * (np.float32(build.skin_hu) - hu)
    return hu


def paint_inside(hu: Field, depth: Field, animal: Animal, grid: Grid) -> None:
    """Paint organs and all else that lies in a mouse, in place."""
    body, seed = animal.body, animal.body.build.texture_seed
    cavity = ramp(depth, WALL_MM, grid.spacing_mm)
    soft = [(Ellipsoid(as_point(body.place(at)), radii, animal.lung_hu), (75.0, 1.1)) for at, radii, _ in LUNGS]
    soft.append((Ellipsoid(as_point(body.place(GUT[0])), GUT[1], body.build.muscle_hu - 25), (25.0, 1.9)))
    for number, (solid, texture) in enumerate(soft, start=3):
        if touches(grid, solid):
            blend_texture(hu, cavity, grid, solid, texture, rng=np.random.default_rng([seed, number]))
    gas = bubbles(body, rng=np.random.default_rng([seed, 6]))
    for part in [*animal.inside, *gas, *airways(body)]:
        if touches(grid, part):
            paint(hu, grid, part)


def paint_skeleton(hu: Field, animal: Animal, grid: Grid) -> Field:
    """Paint the bones of a mouse, in place, and return the share of bone of each voxel."""
    solids: list[Solid] = []
    for part in (spine, ribs, breast, pelvis, skull):
        solids += part(animal.body)
    for own in animal.limbs:
        solids += limb_bones(animal.body, own)
    share, added = paint_bones([solid for solid in solids if touches(grid, solid)], grid)
    hu *= 1 - share
    hu += added
    return share


def stick(hu: Field, solid: Solid, grid: Grid) -> None:
    """Paint what sticks to a mouse, in place: around it, not in it."""
    box = solid_box(grid, solid, grid.spacing_mm)
    if hu[box].size:
        share = coverage(solid_depth(grid, box, solid), grid.spacing_mm) > 0.5
        hu[box][share & (hu[box] <= OUTSIDE_HU)] = solid.hu


def touches(grid: Grid, solid: Solid) -> bool:
    """Tell whether a solid reaches into a grid."""
    low, high = corners(solid)
    first = np.asarray(grid.origin_mm) - grid.spacing_mm
    last = first + grid.spacing_mm * (np.asarray(grid.shape) + 1)
    return bool((high > first).all() and (low < last).all())
