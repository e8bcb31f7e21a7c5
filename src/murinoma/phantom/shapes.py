"""Solid shapes and random fields on a grid of voxels; everything in millimetres, so any resolution shows the same."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Array = npt.NDArray[np.float64]
Point = tuple[float, float, float]
Box = tuple[slice, slice, slice]

LATTICE = 32  # control points along each axis of a random field, then it repeats
LATTICE_SD = 0.41  # of a quadratic spline through independent values of SD 1, averaged over its cells


@dataclass(frozen=True)
class Grid:
    """Places of the voxels of an array (z, y, x).

    Attributes
    ----------
    shape
        Number of voxels along (z, y, x).
    spacing_mm
        Distance between voxel centres, mm, the same along all axes.
    origin_mm
        Centre of voxel (0, 0, 0), mm, (z, y, x).
    """

    shape: tuple[int, int, int]
    spacing_mm: float
    origin_mm: Point = (0.0, 0.0, 0.0)

    def axes(self, box: Box | None = None) -> list[Field]:
        """Return the voxel centres along z, y and x (of a box), mm, shaped to broadcast against each other."""
        lines = [
            (start + self.spacing_mm * np.arange(length)).astype(np.float32)
            for start, length in zip(self.origin_mm, self.shape, strict=True)
        ]
        if box is not None:
            lines = [line[part] for line, part in zip(lines, box, strict=True)]
        return [line.reshape([-1 if axis == own else 1 for axis in range(3)]) for own, line in enumerate(lines)]

    def box(self, low_mm: npt.ArrayLike, high_mm: npt.ArrayLike) -> Box:
        """Return the voxels between two corners (z, y, x), mm; a box outside the grid has no voxels."""
        first = np.floor((np.asarray(low_mm) - self.origin_mm) / self.spacing_mm).astype(int)
        last = np.ceil((np.asarray(high_mm) - self.origin_mm) / self.spacing_mm).astype(int) + 1
        first, last = np.clip(first, 0, self.shape), np.clip(last, 0, self.shape)
        z, y, x = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return z, y, x

    def part(self, box: Box) -> "Grid":
        """Return the grid of a box of this one."""
        starts = [part.start for part in box]
        z, y, x = (at + self.spacing_mm * start for at, start in zip(self.origin_mm, starts, strict=True))
        shape = (box[0].stop - starts[0], box[1].stop - starts[1], box[2].stop - starts[2])
        return Grid(shape, self.spacing_mm, (z, y, x))


@dataclass(frozen=True)
class Capsule:
    """A rod with round ends whose radius changes evenly from its start to its end, mm; `hu` is what it is made of."""

    start: Point
    end: Point
    radii: tuple[float, float]
    hu: float = 0.0


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with radii along (z, y, x), mm; with `wall_mm` only its outer wall is solid."""

    centre: Point
    radii: Point
    hu: float = 0.0
    wall_mm: float = 0.0


Solid = Capsule | Ellipsoid


def corners(solid: Solid) -> tuple[Array, Array]:
    """Return the lowest and the highest (z, y, x), mm, of a solid."""
    if isinstance(solid, Ellipsoid):
        return np.subtract(solid.centre, solid.radii), np.add(solid.centre, solid.radii)
    reach = max(solid.radii)
    return np.minimum(solid.start, solid.end) - reach, np.maximum(solid.start, solid.end) + reach


def solid_box(grid: Grid, solid: Solid, margin_mm: float) -> Box:
    """Return the voxels in which a solid and `margin_mm` around it lie."""
    low, high = corners(solid)
    return grid.box(low - margin_mm, high + margin_mm)


def solid_depth(grid: Grid, box: Box, solid: Solid) -> Field:
    """Return how deep each voxel of a box lies in a solid, mm, negative outside."""
    if isinstance(solid, Capsule):
        return capsule_depth(grid, box, solid)
    return ellipsoid_depth(grid, box, solid)


def capsule_depth(grid: Grid, box: Box, capsule: Capsule) -> Field:
    """Return how deep each voxel of a box lies in a capsule, mm, negative outside."""
    offsets = [axis - np.float32(at) for axis, at in zip(grid.axes(box), capsule.start, strict=True)]
    way = np.subtract(capsule.end, capsule.start).astype(np.float32)
    along = sum(offset * step for offset, step in zip(offsets, way, strict=True)) / max(float(way @ way), 1e-6)
    along = np.clip(along, 0, 1)
    squared = sum((offset - along * step) ** 2 for offset, step in zip(offsets, way, strict=True))
    radius = capsule.radii[0] + np.float32(capsule.radii[1] - capsule.radii[0]) * along
    depth: Field = radius - np.sqrt(squared)
    return depth


def ellipsoid_depth(grid: Grid, box: Box, ellipsoid: Ellipsoid) -> Field:
    """Return about how deep each voxel of a box lies in an ellipsoid or in its wall, mm, negative outside."""
    parts = zip(grid.axes(box), ellipsoid.centre, ellipsoid.radii, strict=True)
    share = np.sqrt(sum(((axis - np.float32(at)) / np.float32(radius)) ** 2 for axis, at, radius in parts))
    depth: Field = (1 - share) * np.float32(min(ellipsoid.radii))
    if ellipsoid.wall_mm:
        depth = ellipsoid.wall_mm / 2 - np.abs(depth - ellipsoid.wall_mm / 2)
    return depth


def coverage(depth: Field, spacing_mm: float) -> Field:
    """Return the share of each voxel that lies inside, from the depth of its centre: 0 to 1."""
    share: Field = np.clip(depth / np.float32(spacing_mm) + np.float32(0.5), 0, 1)
    return share


def paint(hu: Field, grid: Grid, solid: Solid) -> None:
    """Replace by its own HU what a solid covers, in place, with soft edges."""
    box = solid_box(grid, solid, grid.spacing_mm)
    if hu[box].size:
        hu[box] += coverage(solid_depth(grid, box, solid), grid.spacing_mm) * (solid.hu - hu[box])


def grow(depth: Field, grid: Grid, solid: Solid, blend_mm: float) -> None:
    """Let a body described by its depth (mm, positive inside) grow by a solid, in place, with a rounded joint."""
    box = solid_box(grid, solid, blend_mm + 2 * grid.spacing_mm)
    if depth[box].size:
        depth[box] = rounded_maximum(depth[box], solid_depth(grid, box, solid), blend_mm)


def rounded_maximum(a: Field, b: Field, blend_mm: float) -> Field:
    """Return the larger of two depths, lifted where they are closer than `blend_mm`: a fillet."""
    overlap = np.maximum(np.float32(blend_mm) - np.abs(a - b), 0)
    union: Field = np.maximum(a, b) + overlap * overlap * np.float32(0.25 / blend_mm)
    return union


def smooth_field(grid: Grid, length_mm: Point, *, rng: np.random.Generator, anchor_mm: Point = (0, 0, 0)) -> Field:
    """Return a smooth random field of mean 0 and SD about 1 on a grid.

    `length_mm` is the distance of its control points along (z, y, x); the field repeats after 32 of them.
    It hangs on `anchor_mm`, not on the grid: other voxels or another box of the same space show the same
    field for the same generator.
    """
    controls = rng.standard_normal((LATTICE, LATTICE, LATTICE), dtype=np.float32) / np.float32(LATTICE_SD)
    positions = [
        (axis.ravel().astype(np.float64) - anchor) / length
        for axis, anchor, length in zip(grid.axes(), anchor_mm, length_mm, strict=True)
    ]
    return spline_field(controls, positions)


def spline_field(controls: Field, positions: list[Array]) -> Field:
    """Return a periodic quadratic spline of control values, at positions (in lattice steps) along each axis."""
    field = controls
    for axis in (2, 1, 0):  # the longest axis last: the first two work on few values
        field = spline_along(field, positions[axis], axis)
    return field


def spline_along(controls: Field, positions: Array, axis: int) -> Field:
    """Return control values interpolated along one axis."""
    middle = np.rint(positions).astype(int)
    rest = positions - middle
    weights = (0.5 * (0.5 - rest) ** 2, 0.75 - rest**2, 0.5 * (0.5 + rest) ** 2)
    form = [-1 if own == axis else 1 for own in range(3)]
    parts = [
        np.take(controls, middle + step, axis=axis, mode="wrap") * weight.astype(np.float32).reshape(form)
        for step, weight in zip((-1, 0, 1), weights, strict=True)
    ]
    field: Field = parts[0] + parts[1] + parts[2]
    return field
