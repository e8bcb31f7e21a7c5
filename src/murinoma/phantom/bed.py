"""What mice lie on and in: tubes, half-tubes, trays, hammocks and cones of thin plastic, painted on a grid."""

from dataclasses import dataclass

import numpy as np

from murinoma.phantom.shapes import Array, Box, Capsule, Field, Grid, Point, coverage, paint

Span = tuple[float, float]


@dataclass(frozen=True)
class Tube:
    """A tube along z, or the lower part of one.

    Attributes
    ----------
    axis_mm
        Where its axis lies along (y, x), mm.
    radius_mm, wall_mm
        Inner radius, and thickness of the wall outside of it.
    span_mm
        From where to where it goes along z.
    hu
        What it is made of.
    arc_deg
        How far the wall goes up on each side of the lowest point: 180 is a whole tube, 90 a half one.
    """

    axis_mm: tuple[float, float]
    radius_mm: float
    wall_mm: float
    span_mm: Span
    hu: float = 0.0
    arc_deg: float = 180.0


@dataclass(frozen=True)
class Slab:
    """A flat piece between two corners (z, y, x), mm: a tray, or the wall of a box."""

    low_mm: Point
    high_mm: Point
    hu: float = 0.0

    @property
    def span_mm(self) -> Span:
        """From where to where it goes along z."""
        return self.low_mm[0], self.high_mm[0]

    @property
    def section_mm(self) -> tuple[Span, Span]:
        """From where to where it goes along y, and along x."""
        return (self.low_mm[1], self.high_mm[1]), (self.low_mm[2], self.high_mm[2])


@dataclass(frozen=True)
class Sheet:
    """A hammock: a thin sheet along z that hangs between two edges and sags in the middle.

    Attributes
    ----------
    axis_mm
        Height of the edges (y) and middle between them (x), mm.
    half_mm, sag_mm
        Half the distance of the edges, and how far the middle hangs under them.
    wall_mm, span_mm, hu
        As of a `Tube`.
    """

    axis_mm: tuple[float, float]
    half_mm: float
    sag_mm: float
    wall_mm: float
    span_mm: Span
    hu: float = 0.0


@dataclass(frozen=True)
class Cone:
    """A hollow cone along z, as over a nose: axis (y, x), inner radii at both ends of its span, wall, mm."""

    axis_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    wall_mm: float
    span_mm: Span
    hu: float = 0.0


Support = Tube | Slab | Sheet
Furniture = Support | Cone | Capsule


def paint_furniture(hu: Field, grid: Grid, piece: Furniture) -> None:
    """Replace by its own HU what a piece of furniture covers, in place, with soft edges."""
    if isinstance(piece, Capsule):
        paint(hu, grid, piece)
    elif isinstance(piece, Cone):
        paint_cone(hu, grid, piece)
    else:
        paint_support(hu, grid, piece)


def paint_support(hu: Field, grid: Grid, piece: Support) -> None:
    """Paint what has the same section all along z: the section is made once."""
    box = support_box(grid, piece)
    part = hu[box]
    if not part.size:
        return
    z, y, x = grid.axes(box)
    section = coverage(section_depth(piece, y[0], x[0]), grid.spacing_mm)
    rows, columns = np.nonzero(section)
    old = part[:, rows, columns]
    share = coverage(span_depth(piece.span_mm, z[:, 0]), grid.spacing_mm) * section[rows, columns]
    part[:, rows, columns] = old + share * (np.float32(piece.hu) - old)


def paint_cone(hu: Field, grid: Grid, cone: Cone) -> None:
    """Paint a hollow cone, in place."""
    box = cone_box(grid, cone)
    if hu[box].size:
        hu[box] += coverage(cone_depth(grid, box, cone), grid.spacing_mm) * (np.float32(cone.hu) - hu[box])


def cone_box(grid: Grid, cone: Cone) -> Box:
    """Return the voxels in which a cone lies, with a voxel around it."""
    reach = max(cone.radii_mm) + cone.wall_mm
    return section_box(grid, cone.axis_mm, (reach, reach), cone.span_mm)


def cone_depth(grid: Grid, box: Box, cone: Cone) -> Field:
    """Return about how deep each voxel of a box lies in the wall of a cone, mm, negative outside."""
    z, y, x = grid.axes(box)
    first, last = cone.span_mm
    along = np.clip((z - np.float32(first)) / np.float32(last - first), 0, 1)
    middle = cone.radii_mm[0] + np.float32(cone.radii_mm[1] - cone.radii_mm[0]) * along + np.float32(cone.wall_mm / 2)
    distance = np.hypot(y - np.float32(cone.axis_mm[0]), x - np.float32(cone.axis_mm[1]))
    depth: Field = np.minimum(np.float32(cone.wall_mm / 2) - np.abs(distance - middle), span_depth(cone.span_mm, z))
    return depth


def support_box(grid: Grid, piece: Support) -> Box:
    """Return the voxels in which a support lies, with a voxel around it."""
    if isinstance(piece, Slab):
        return grid.box(np.subtract(piece.low_mm, grid.spacing_mm), np.add(piece.high_mm, grid.spacing_mm))
    if isinstance(piece, Sheet):
        return section_box(grid, piece.axis_mm, (abs(piece.sag_mm) + piece.wall_mm, piece.half_mm), piece.span_mm)
    reach = piece.radius_mm + piece.wall_mm
    return section_box(grid, piece.axis_mm, (reach, reach), piece.span_mm)


def section_box(grid: Grid, axis_mm: tuple[float, float], reach_mm: tuple[float, float], span_mm: Span) -> Box:
    """Return the voxels of a span along z that lie within a reach along y and x of an axis."""
    middle = (sum(span_mm) / 2, *axis_mm)
    half = np.array([abs(span_mm[1] - span_mm[0]) / 2, *reach_mm]) + grid.spacing_mm
    return grid.box(middle - half, middle + half)


def span_depth(span_mm: Span, z: Field) -> Field:
    """Return how far each place along z lies within a span, mm, negative outside."""
    depth: Field = np.minimum(z - np.float32(span_mm[0]), np.float32(span_mm[1]) - z)
    return depth


def section_depth(piece: Support, y: Field, x: Field) -> Field:
    """Return how deep each place of the section (rows y, columns x, mm) lies in a support, mm, negative outside.

    Examples
    --------
    >>> tube = Tube((0, 0), radius_mm=10, wall_mm=1, span_mm=(0, 50))
    >>> section_depth(tube, np.zeros((1, 1)), np.array([[9.5, 10.0, 10.5, 11.0]]))
    array([[-0.5,  0. ,  0.5,  0. ]])
    """
    if isinstance(piece, Slab):
        flat: Field = np.minimum(span_depth(piece.section_mm[0], y), span_depth(piece.section_mm[1], x))
        return flat
    down, right = y - piece.axis_mm[0], x - piece.axis_mm[1]
    if isinstance(piece, Sheet):
        share = np.clip(right / piece.half_mm, -1, 1)
        slope = 2 * piece.sag_mm / piece.half_mm * share
        across = piece.wall_mm / 2 - np.abs(down - piece.sag_mm * (1 - share**2)) / np.sqrt(1 + slope**2)
        hung: Field = np.minimum(across, piece.half_mm - np.abs(right))
        return hung
    distance = np.hypot(down, right)
    ring: Field = piece.wall_mm / 2 - np.abs(distance - piece.radius_mm - piece.wall_mm / 2)
    within = distance * (np.radians(piece.arc_deg) - np.abs(np.arctan2(right, down)))
    return np.minimum(ring, within) if piece.arc_deg < 180 else ring


def surface_mm(piece: Support, x: Array) -> Array:
    """Return the height (y, mm) on which something rests at places along x; infinite where there is no support.

    Examples
    --------
    >>> surface_mm(Tube((20, 0), radius_mm=10, wall_mm=1, span_mm=(0, 50)), np.array([0.0, 6.0, 12.0]))
    array([30., 28., inf])
    """
    if isinstance(piece, Slab):
        on_it = (x >= piece.low_mm[2]) & (x <= piece.high_mm[2])
        return np.where(on_it, piece.low_mm[1], np.inf)
    right = np.abs(x - piece.axis_mm[1])
    if isinstance(piece, Sheet):
        hanging = piece.axis_mm[0] + piece.sag_mm * (1 - (right / piece.half_mm) ** 2) - piece.wall_mm / 2
        return np.where(right <= piece.half_mm, hanging, np.inf)
    edge = np.radians(min(piece.arc_deg, 90.0))
    inside = piece.axis_mm[0] + np.sqrt(np.maximum(piece.radius_mm**2 - right**2, 0))
    rim = piece.axis_mm[0] + piece.radius_mm * np.cos(edge)
    on_rim = right <= (piece.radius_mm + piece.wall_mm) * np.sin(edge)
    return np.where(right < piece.radius_mm * np.sin(edge), inside, np.where(on_rim, rim, np.inf))
