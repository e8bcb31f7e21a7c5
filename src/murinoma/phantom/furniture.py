"""A scanner's furniture: what the mice of an acquisition lie on, and the boxes, cables and needles around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from murinoma.phantom.bed import Furniture, Sheet, Slab, Span, Support, Tube
from murinoma.phantom.body import as_point
from murinoma.phantom.shapes import Capsule, Point

WING_MM = 5.0  # the flat rims of a half-tube
HAMMOCK_EDGE_MM = 3.0  # how far the edges of a hammock lie outside the mouse
CABLE_PIECE_MM = 8.0


@dataclass(frozen=True)
class Cell:
    """The place of one mouse in the section: its middle and half its size along (y, x), mm."""

    middle_mm: tuple[float, float]
    half_mm: tuple[float, float]

    @property
    def bottom_mm(self) -> float:
        """Where it ends along y."""
        return self.middle_mm[0] + self.half_mm[0]


@dataclass(frozen=True)
class Bed:
    """What all mice of an acquisition lie on.

    Attributes
    ----------
    kind
        ``trough`` (a half-tube each), ``tube`` (a whole one around each), ``tray`` (flat, one a row),
        ``hammock`` (a sheet each) or ``none``.
    wall_mm, hu
        Thickness of the plastic, and what it reads.
    radius_mm, arc_deg
        Of tubes; a tube is made wide enough for its mouse.
    sag_mm
        Of hammocks.
    """

    kind: str
    wall_mm: float = 1.0
    hu: float = 0.0
    radius_mm: float = 15.0
    arc_deg: float = 90.0
    sag_mm: float = 6.0


def cell_half(bed: Bed, half_mm: tuple[float, float]) -> tuple[float, float]:
    """Return half the size (y, x), mm, of the cell that a mouse of half a size needs with its bed."""
    if bed.kind == "tube":
        reach = max(bed.radius_mm, *half_mm) + bed.wall_mm
        return reach, reach
    if bed.kind == "trough":
        return half_mm[0], max(half_mm[1], bed.radius_mm + bed.wall_mm)
    return half_mm[0], half_mm[1] + (HAMMOCK_EDGE_MM if bed.kind == "hammock" else 0.0)


def support(bed: Bed, cell: Cell, width_mm: float, span_mm: Span) -> Support | None:
    """Return what carries the mouse of a cell in a section of some width; None without a bed."""
    (middle, x), (half, half_x), bottom = cell.middle_mm, cell.half_mm, cell.bottom_mm
    if bed.kind == "tube":
        return Tube((middle, x), half - bed.wall_mm, bed.wall_mm, span_mm, bed.hu)
    if bed.kind == "trough":
        return Tube((bottom - bed.radius_mm, x), bed.radius_mm, bed.wall_mm, span_mm, bed.hu, bed.arc_deg)
    if bed.kind == "tray":
        low, high = (span_mm[0], bottom, 2.0), (span_mm[1], bottom + bed.wall_mm, width_mm - 2.0)
        return Slab(low, high, bed.hu)
    if bed.kind == "hammock":
        return Sheet((bottom - bed.sag_mm, x), half_x, bed.sag_mm, bed.wall_mm, span_mm, bed.hu)
    return None


def rims(carriers: Sequence[Support | None]) -> list[Furniture]:
    """Return the flat rims on both sides of each half-tube."""
    pieces: list[Furniture] = []
    for carrier in carriers:
        if not isinstance(carrier, Tube) or carrier.arc_deg > 90:
            continue
        edge = np.radians(carrier.arc_deg)
        y = carrier.axis_mm[0] + carrier.radius_mm * float(np.cos(edge))
        for side in (-1, 1):
            inner = carrier.axis_mm[1] + side * carrier.radius_mm * float(np.sin(edge))
            left, right = sorted((inner, inner + side * WING_MM))
            (first, last), thick = carrier.span_mm, carrier.wall_mm
            pieces.append(Slab((first, y, left), (last, y + thick, right), carrier.hu))
    return pieces


def container(size_mm: Point, inset_mm: float, wall_mm: float, hu: float, walls: str) -> list[Furniture]:
    """Return walls of a box in a field of some size (z, y, x), mm: any of ``top bottom left right``, in one string."""
    length, height, width = size_mm
    near, far = inset_mm, inset_mm + wall_mm
    sides = {
        "top": ((near, near), (far, width - near)),
        "bottom": ((height - far, near), (height - near, width - near)),
        "left": ((near, near), (height - near, far)),
        "right": ((near, width - far), (height - near, width - near)),
    }
    corners = [sides[name] for name in walls.split()]
    return [Slab((0.06 * length, *low), (0.8 * length, *high), hu) for low, high in corners]


def cradle(size_mm: Point, rise_mm: float, wall_mm: float, hu: float) -> Tube:
    """Return the wide curved plate under everything in a field of some size (z, y, x), mm.

    Its middle ends 2 mm above the bottom of the field, its edges lie `rise_mm` higher.
    """
    length, height, width = size_mm
    radius = 0.8 * width
    arc_deg = float(np.degrees(np.arccos(1 - rise_mm / radius)))
    return Tube((height - 2.0 - wall_mm - radius, width / 2), radius, wall_mm, (0.0, length), hu, min(arc_deg, 33.0))


def ribbed_block(low_mm: Point, high_mm: Point, wall_mm: float, hu: float) -> list[Furniture]:
    """Return a printed block: an outer wall, and upright ribs every 3.5 mm in it."""
    (z0, y0, x0), (z1, y1, x1) = low_mm, high_mm
    pieces: list[Furniture] = [Slab((z0, y, x0), (z1, y + wall_mm, x1), hu) for y in (y0, y1 - wall_mm)]
    ribs = np.linspace(x0, x1 - wall_mm, max(2, round((x1 - x0) / 3.5)))
    return pieces + [Slab((z0, y0, float(x)), (z1, y1, float(x) + wall_mm), hu) for x in ribs]


def cable(start: Point, length_mm: float, radius_mm: float, hu: float, *, rng: np.random.Generator) -> list[Furniture]:
    """Return a cable that runs through the field from a point at its first slice, straying up to 2 mm."""
    z = np.arange(-CABLE_PIECE_MM, length_mm + 2 * CABLE_PIECE_MM, CABLE_PIECE_MM)
    waves, phases = rng.uniform(0.3, 1.0, 2), rng.uniform(0, 2 * np.pi, 2)
    places = [as_point((at, *(start[1:] + waves * np.sin(phases + 2 * np.pi * waves * at / length_mm)))) for at in z]
    return [Capsule(a, b, (radius_mm, radius_mm), hu) for a, b in pairwise(places)]


def needle(tip: Point, *, rng: np.random.Generator) -> Capsule:
    """Return a thin metal rod, 12 to 30 mm long, that runs away from its tip: mostly along z, and upwards."""
    way = rng.uniform(12, 30) * np.array([rng.choice([-1, 1]), -rng.uniform(0.0, 0.25), rng.uniform(-0.3, 0.3)])
    radius = float(rng.uniform(0.25, 0.6))
    return Capsule(tip, as_point(np.add(tip, way)), (radius, radius), float(rng.uniform(1500, 3000)))
