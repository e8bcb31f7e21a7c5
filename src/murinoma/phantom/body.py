"""The body of a mouse: its outline along the length, its posture in the field, its limbs, skin, fat and muscle."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from murinoma.phantom.shapes import Array, Capsule, Field, Grid, Point, grow, smooth_field

RUMP_Z_MM = 8.5  # the tail base lies so far inside the field: hind feet and the root of the tail are seen
SLAB = 24  # slices worked on at once: they stay in the processor's cache

# share of the body length from the tail base: half width, back, belly (mm from the axis), drop of the axis (mm)
OUTLINE = np.array(
    [
        (-0.030, 1.2, 1.2, 1.2, -4.6),
        (0.000, 2.4, 2.4, 2.6, -4.2),
        (0.040, 6.2, 4.2, 5.2, -2.6),
        (0.100, 9.6, 6.0, 6.6, -1.4),
        (0.180, 11.2, 7.0, 7.4, -0.6),
        (0.300, 12.4, 7.4, 8.2, -0.2),
        (0.430, 12.0, 7.6, 8.8, 0.0),
        (0.540, 10.6, 7.6, 8.8, 0.1),
        (0.640, 9.6, 7.2, 7.8, 0.3),
        (0.710, 8.4, 6.4, 6.6, 0.5),
        (0.755, 7.0, 5.6, 5.8, 0.8),
        (0.810, 7.2, 5.7, 5.9, 1.0),
        (0.870, 6.4, 5.0, 5.3, 1.4),
        (0.925, 4.5, 3.7, 4.1, 1.9),
        (0.970, 2.9, 2.5, 2.7, 2.4),
        (0.995, 1.4, 1.3, 1.4, 2.6),
        (1.010, 0.3, 0.3, 0.3, 2.6),
    ]
)

# joints as (share of the length, sideways mm, towards the belly mm), and the radius of the flesh there, mm
HIND_LIMB = (
    ((0.125, 5.4, -1.2), 4.9),
    ((0.205, 10.6, 4.4), 3.1),
    ((0.030, 11.6, 6.2), 1.5),
    ((-0.070, 12.6, 6.4), 0.8),
)
FORE_LIMB = (((0.690, 5.2, 2.2), 3.3), ((0.605, 8.9, 4.6), 2.3), ((0.755, 10.6, 6.2), 1.3), ((0.825, 9.6, 6.8), 0.8))
EAR = (((0.800, 5.4, -3.6), 0.7), ((0.765, 8.0, -5.6), 0.5))
TAIL = ((0.02, -4.2, 2.2), (-0.05, -4.4, 1.7), (-0.12, -4.4, 1.5))  # share of the length, belly mm, radius mm


@dataclass(frozen=True)
class Build:
    """What stays the same in one mouse: its size and the make of its tissues (HU before any shift of the scanner)."""

    length_mm: float = 84.0
    girth: float = 1.0
    belly: float = 1.0
    fat_mm: float = 0.5
    skin_mm: float = 0.45
    muscle_hu: float = 55.0
    fat_hu: float = -70.0
    skin_hu: float = 35.0
    texture_seed: int = 0


@dataclass(frozen=True)
class Pose:
    """How a mouse lies on one day: sideways bend and arch of its axis (mm), roll (degrees), limbs (mm), place (mm)."""

    bend_mm: float = 0.0
    arch_mm: float = 0.0
    roll_deg: float = 0.0
    limbs_mm: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    centre_mm: tuple[float, float] = (20.05, 20.05)


@dataclass(frozen=True)
class Body:
    """One mouse as it lies: turns body coordinates into places of the field.

    Body coordinates are (share of the length from the tail base, sideways mm, towards the belly mm), sideways
    counted from the axis towards the animal's left. The field's are (z, y, x), mm.
    """

    build: Build
    pose: Pose

    @property
    def anchor_mm(self) -> Point:
        """A place that moves with the body, where its textures hang."""
        return as_point(self.place((0.5, 0.0, 0.0)))

    @cached_property
    def outline(self) -> PchipInterpolator:
        """Half width, back, belly and drop of the axis, mm, as a function of the share of the length."""
        sizes = OUTLINE[:, 1:] * [self.build.girth, self.build.girth, self.build.girth * self.build.belly, 1.0]
        return PchipInterpolator(OUTLINE[:, 0], sizes)

    def sizes(self, share: npt.ArrayLike) -> Array:
        """Return half width, back, belly and drop of the axis, mm, shape (..., 4), at shares of the length."""
        sizes: Array = self.outline(np.clip(share, OUTLINE[0, 0], OUTLINE[-1, 0]))
        return sizes

    def axis(self, share: npt.ArrayLike) -> tuple[Array, Array]:
        """Return where the axis lies along y and x, mm, at shares of the length."""
        along = np.asarray(share, dtype=np.float64)
        y = self.pose.centre_mm[0] + self.pose.bend_mm * np.sin(np.pi * np.clip(along, -0.1, 1.1) * 1.3)
        x = self.pose.centre_mm[1] + self.pose.arch_mm * np.cos(np.pi * np.clip(along, -0.1, 1.1) * 1.6)
        return y, x

    def place(self, points: npt.ArrayLike) -> Array:
        """Return the (z, y, x), mm, of points (..., 3) in body coordinates."""
        share, side, belly = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
        sine, cosine = np.sin(np.radians(self.pose.roll_deg)), np.cos(np.radians(self.pose.roll_deg))
        y, x = self.axis(share)
        z = RUMP_Z_MM + share * self.build.length_mm
        return np.stack([z, y + cosine * side - sine * belly, x + sine * side + cosine * belly], axis=-1)

    def rod(self, start: Point, end: Point, radii: tuple[float, float], hu: float = 0.0) -> Capsule:
        """Return a capsule between two points in body coordinates."""
        places = self.place([start, end])
        return Capsule(as_point(places[0]), as_point(places[1]), radii, hu)


def as_point(values: npt.ArrayLike) -> Point:
    """Return three numbers as a tuple of floats."""
    z, y, x = (float(value) for value in np.asarray(values))
    return z, y, x


def limb_joints(body: Body) -> list[list[Point]]:
    """Return the joints of the four limbs in body coordinates: hind left, hind right, fore left, fore right."""
    joints = []
    for number, stretch_mm in enumerate(body.pose.limbs_mm):
        limb, side = (HIND_LIMB, FORE_LIMB)[number // 2], (1, -1)[number % 2]
        joints.append(
            [(s + rank * stretch_mm / 300, side * u * body.build.girth, v) for rank, ((s, u, v), _) in enumerate(limb)]
        )
    return joints


def flesh(body: Body) -> list[Capsule]:
    """Return the soft parts of limbs, ears and tail."""
    parts = []
    for number, joints in enumerate(limb_joints(body)):
        radii = [radius for _, radius in (HIND_LIMB, FORE_LIMB)[number // 2]]
        parts += [body.rod(joints[k], joints[k + 1], (radii[k], radii[k + 1])) for k in range(3)]
    for side in (-1, 1):
        (root, root_radius), (tip, tip_radius) = (((s, side * u, v), radius) for (s, u, v), radius in EAR)
        parts.append(body.rod(root, tip, (root_radius, tip_radius)))
    tail = [((s, 0.0, v), radius) for s, v, radius in TAIL]
    return parts + [body.rod(a, b, (ra, rb)) for (a, ra), (b, rb) in pairwise(tail)]


def outline_depth(body: Body, grid: Grid) -> Field:
    """Return how deep each voxel lies under the outline of trunk and head, mm, negative outside."""
    depth = np.empty(grid.shape, dtype=np.float32)
    z, y, x = grid.axes()
    share = (z - np.float32(RUMP_Z_MM)) / np.float32(body.build.length_mm)
    for first in range(0, grid.shape[0], SLAB):
        slab = slice(first, first + SLAB)
        depth[slab] = cross_section(body, share[slab], y, x)
    return depth


def cross_section(body: Body, share: Field, y: Field, x: Field) -> Field:
    """Return the depth (mm) under the outline for some slices; shapes (slices, 1, 1), (1, rows, 1), (1, 1, columns)."""
    width, back, belly, drop = np.moveaxis(body.sizes(share).astype(np.float32), -1, 0)
    axis_y, axis_x = (values.astype(np.float32) for values in body.axis(share))
    sine, cosine = (np.float32(part(np.radians(body.pose.roll_deg))) for part in (np.sin, np.cos))
    side = (cosine * (y - axis_y) + sine * (x - axis_x)) / width
    along = cosine * (x - axis_x) - sine * (y - axis_y) - drop
    half = np.where(along < 0, back, belly)
    side, along = side * side, (along / half) ** 2
    squared = (
        side + along - np.float32(0.3) * side * along / (1 + side * along)
    )  # fuller at the corners than an ellipse
    slope = np.sqrt(side / (width * width) + along / (half * half)) + np.float32(1e-3)
    radius = np.sqrt(squared)
    beyond = (share < OUTLINE[0, 0]) | (share > OUTLINE[-1, 0])
    return np.where(beyond, np.float32(-9), (1 - radius) * radius / slope).astype(np.float32)


def body_depth(body: Body, grid: Grid) -> Field:
    """Return how deep each voxel lies under the skin of trunk, head, limbs, ears and tail, mm, negative outside."""
    depth = outline_depth(body, grid)
    unevenness = np.random.default_rng([body.build.texture_seed, 1])
    depth += np.float32(0.18) * smooth_field(grid, (5.0, 4.0, 4.0), rng=unevenness, anchor_mm=body.anchor_mm)
    for part in flesh(body):
        grow(depth, grid, part, blend_mm=1.6 if part.radii[0] > 1 else 0.3)
    return depth


def soft_tissue(body: Body, depth: Field, grid: Grid) -> Field:
    """Return the HU of skin, fat and muscle by the depth under the skin; air outside."""
    build, textures = body.build, np.random.default_rng([body.build.texture_seed, 2])
    hu = np.full(depth.shape, -1000, dtype=np.float32)
    inside = depth > -grid.spacing_mm
    under_skin = depth[inside]
    fatness = smooth_field(grid, (6.0, 4.0, 4.0), rng=textures, anchor_mm=body.anchor_mm)[inside]
    fibres = smooth_field(grid, (3.0, 1.2, 1.2), rng=textures, anchor_mm=body.anchor_mm)[inside]
    fat_mm = np.maximum(np.float32(build.fat_mm) * (1 + fatness), 0)
    skin = ramp(under_skin, 0.0, grid.spacing_mm)
    fat = ramp(under_skin, build.skin_mm, grid.spacing_mm)
    muscle = ramp(under_skin - fat_mm, build.skin_mm, grid.spacing_mm)
    tissue = build.skin_hu + fat * (build.fat_hu - build.skin_hu)
    tissue += muscle * (build.muscle_hu + 6 * fibres - tissue)
    hu[inside] += skin * (tissue + 1000)
    return hu


def ramp(depth: Field, start_mm: float, width_mm: float) -> Field:
    """Return 0 above a depth and 1 below it, over the width of a voxel."""
    share: Field = np.clip((depth - np.float32(start_mm)) / np.float32(width_mm) + np.float32(0.5), 0, 1)
    return share
