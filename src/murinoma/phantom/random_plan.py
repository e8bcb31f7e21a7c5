"""What a random scan shows, before it is painted: a mouse as it lies, its bed, a neighbour, the scanner, the window."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from murinoma.phantom.bed import Cone, Furniture, Support, surface_mm
from murinoma.phantom.body import as_point
from murinoma.phantom.furniture import Bed, Cell, rims, support
from murinoma.phantom.random_animal import Animal, draw_animal
from murinoma.phantom.random_field import draw_bed, draw_cone, draw_surroundings
from murinoma.phantom.random_look import Look, draw_look
from murinoma.phantom.random_painting import whole_depth
from murinoma.phantom.random_warp import Warp, sampled
from murinoma.phantom.shapes import Array, Capsule, Field, Grid, Point

WIDTH_MM = 40.32  # of the window that `split` cuts
COARSE_MM = 1.6  # voxels on which it is found where a mouse lies
AROUND_MM = (75.0, 36.0, 36.0)  # so far from its middle it is looked for
WALLS_MM = (0.4, 2.4)  # of beds
TAIL_HU, TAIL_STEP_MM = 30.0, 3.6
NOSE, TAIL_ROOT = (1.0, 0.0, 2.6), (-0.11, 0.0, -4.4)  # body coordinates


@dataclass(frozen=True, eq=False)
class LaidAnimal:
    """A mouse in the scanner's field: the animal, how the field maps into it, and where it lies, coarsely."""

    animal: Animal
    warp: Warp
    grid: Grid
    body: npt.NDArray[np.bool_]

    @cached_property
    def box_mm(self) -> tuple[Array, Array]:
        """Return the lowest and the highest (z, y, x), mm, of its body, within a coarse voxel."""
        places = np.argwhere(self.body) * self.grid.spacing_mm + self.grid.origin_mm
        low, high = places.min(axis=0) - COARSE_MM / 2, places.max(axis=0) + COARSE_MM / 2
        return low, high


@dataclass(frozen=True)
class RandomPlan:
    """All that a random scan shows, before it is painted in voxels of any size.

    Attributes
    ----------
    animals
        The mouse, and a neighbour if there is one.
    furniture
        What else is in the field.
    look
        How the scanner sees.
    origin_mm, length_mm
        Where the window begins (z, y, x), and how long it is.
    turns, flips
        Quarter turns of the finished section, and which axes (z, x) are reversed then.
    """

    animals: tuple[LaidAnimal, ...]
    furniture: tuple[Furniture, ...]
    look: Look
    origin_mm: Point
    length_mm: float
    turns: int
    flips: tuple[bool, bool]

    def window(self, spacing_mm: float) -> Grid:
        """Return the voxels of the whole window; its first voxel lies on a multiple of the spacing."""
        z, y, x = (round(at / spacing_mm) * spacing_mm for at in self.origin_mm)
        side = round(WIDTH_MM / spacing_mm)
        return Grid((round(self.length_mm / spacing_mm), side, side), spacing_mm, (z, y, x))


def random_plan(seed: int, *, wider: bool = False) -> RandomPlan:
    """Return what a random scan shows; it depends on the seed and `wider` alone."""
    rng = np.random.default_rng([seed, 8 if wider else 7])
    size = (float(rng.uniform(88, 140)), float(rng.uniform(60, 95)), float(rng.uniform(60, 110)))
    margin = (float(rng.uniform(13, 20)), float(rng.uniform(6, 14)))
    middle = as_point(np.add(np.multiply(size, 0.5), (0.0, *rng.uniform(-12, 12, 2))))
    warp = draw_warp(middle, wider=wider, rng=rng)
    first = laid(draw_animal(tumors=True, wider=wider, rng=rng), warp)
    animals, furniture = [first], list(under(first, size, rng=rng))
    if rng.random() < 0.3:
        animals.append(neighbour(first, wider=wider, rng=rng))
    for one in animals:
        furniture += [*tail(one, rng=rng), *cone(one, rng=rng)]
    if rng.random() < 0.75:
        furniture += draw_surroundings(size, margin, rng=rng)
    length, z = draw_span(first, size[0], rng=rng)
    low, high = first.box_mm
    corner = (low + high)[1:] / 2 - WIDTH_MM / 2 + rng.normal(0, 1.0, 2) + (rng.random() < 0.1) * rng.normal(0, 5, 2)
    return RandomPlan(
        animals=tuple(animals),
        furniture=tuple(furniture),
        look=draw_look(size[1:], wider=wider, rng=rng),
        origin_mm=(z, float(corner[0]), float(corner[1])),
        length_mm=length,
        turns=int(rng.integers(4)),
        flips=(bool(rng.random() < 0.5), bool(rng.random() < 0.5)),
    )


def draw_warp(middle_mm: Point, *, wider: bool, rng: np.random.Generator) -> Warp:
    """Return how a mouse lies: mostly on its back, rolled, askew, its section bent up by what it lies in."""
    odd = 1.4 if wider else 1.0
    posture = float(rng.choice([90.0, 270.0, 0.0, 180.0], p=(0.6, 0.25, 0.075, 0.075)))
    down, right = (float(angle) for angle in rng.normal(0, 2.5 * odd, 2))
    z, y, x = np.exp(rng.normal(0, 0.07 * odd, 3))
    return Warp(
        at_mm=middle_mm,
        middle_mm=(50.0, 0.0, 0.0),
        turn_deg=posture + float(rng.normal(0, 13 * odd)),
        tilt_deg=(down, right),
        head_first=bool(rng.random() < 0.5),
        bend_per_mm=float(np.clip(rng.normal(0.015, 0.025), -0.02, 0.06)),
        stretch=(float(z), float(y), float(x)),
        soft_mm=float(rng.uniform(0.2, 1.5 * odd)),
        soft_length_mm=float(rng.uniform(7.0, 18.0)),
        seed=int(rng.integers(2**31)),
    )


def laid(animal: Animal, warp: Warp) -> LaidAnimal:
    """Return a mouse with where it lies, found on coarse voxels."""
    first = np.floor(np.subtract(warp.at_mm, AROUND_MM) / COARSE_MM)
    z, y, x = (int(size) for size in np.ceil(2 * np.asarray(AROUND_MM) / COARSE_MM))
    grid = Grid((z, y, x), COARSE_MM, as_point(first * COARSE_MM))
    places = warp.own_places(grid)
    own = own_grid(animal, places, COARSE_MM)
    depth, _ = whole_depth(animal, own)
    return LaidAnimal(animal, warp, grid, np.asarray(sampled(depth, own, places, -9.0) > 0))


def own_grid(animal: Animal, places: Field, spacing_mm: float) -> Grid:
    """Return the voxels of a mouse's own field that hold places (3, ...) of it, on multiples of the spacing."""
    low, high = animal.reach_mm()
    flat = places.reshape(3, -1)
    low = np.maximum(low, flat.min(axis=1) - 2 * spacing_mm)
    high = np.minimum(high, flat.max(axis=1) + 2 * spacing_mm)
    first = np.floor(low / spacing_mm).astype(int)
    z, y, x = (max(1, int(size)) for size in np.ceil(high / spacing_mm) - first + 1)
    return Grid((z, y, x), spacing_mm, as_point(first * spacing_mm))


def under(first: LaidAnimal, size_mm: Point, *, rng: np.random.Generator) -> list[Furniture]:
    """Return what a mouse lies on: just touched, pressed into, or a little below it."""
    bed = replace(draw_bed(rng=rng), wall_mm=float(rng.uniform(*WALLS_MM)))
    span = (2.0, size_mm[0] - float(rng.uniform(2.0, 25.0)))
    carrier = carrier_at(0.0, bed, first, size_mm[2], span)
    if carrier is None:
        return []
    y, x = (axis.ravel().astype(np.float64) for axis in first.grid.axes()[1:])
    covered = np.asarray(first.body.any(axis=0))
    lowest = np.where(covered.any(axis=0), y[len(y) - 1 - np.argmax(covered[::-1], axis=0)], -np.inf)
    drop = float(np.max(lowest - surface_mm(carrier, x)))
    bottom = (drop if np.isfinite(drop) else float(first.box_mm[1][1])) + float(rng.uniform(-1.0, 2.5))
    found = carrier_at(bottom, bed, first, size_mm[2], span)
    return [found, *rims([found])] if found else []


def carrier_at(
    bottom_mm: float, bed: Bed, first: LaidAnimal, width_mm: float, span_mm: tuple[float, float]
) -> Support | None:
    """Return what carries a mouse, with its lowest point at some height; None without a bed."""
    low, high = first.box_mm
    half = (high - low)[1:] / 2
    middle = (bottom_mm - float(half[0]), float(low[2] + half[1]))
    return support(bed, Cell(middle, (float(half[0]), float(half[1]))), width_mm, span_mm)


def neighbour(first: LaidAnimal, *, wider: bool, rng: np.random.Generator) -> LaidAnimal:
    """Return another mouse beside one, above or below it; it has no tumor, for the truth is that of the first."""
    other = laid(draw_animal(tumors=False, wider=wider, rng=rng), draw_warp(first.warp.at_mm, wider=wider, rng=rng))
    axis, way = (2 if rng.random() < 0.7 else 1), float(rng.choice([1, -1]))
    reach = [(high - low)[axis] / 2 for low, high in (first.box_mm, other.box_mm)]
    shift = np.zeros(3)
    shift[axis] = way * (sum(reach) + rng.uniform(-1.0, 6.0))
    shift[0] = rng.normal(0, 6)
    return laid(other.animal, replace(other.warp, at_mm=as_point(np.add(other.warp.at_mm, shift))))


def draw_span(first: LaidAnimal, field_mm: float, *, rng: np.random.Generator) -> tuple[float, float]:
    """Return length and start of the window along z: that of the field; now and then it cuts the mouse off."""
    low, high = (float(end[0]) for end in first.box_mm)
    spare = field_mm - (high - low)
    if rng.random() < 0.15:
        cut = float(rng.uniform(2.0, 30.0))
        return field_mm, low + cut if rng.random() < 0.5 else high - cut - field_mm
    return field_mm, low - float(rng.uniform(0.05, 0.95)) * spare


def tail(one: LaidAnimal, *, rng: np.random.Generator) -> list[Furniture]:
    """Return the tail of a mouse behind its root, with its vertebrae."""
    root = one.warp.field_place(one.animal.body.place(TAIL_ROOT))
    steps = np.arange(0.0, rng.uniform(0.0, 70.0), TAIL_STEP_MM)
    away = np.array([1.0 if one.warp.head_first else -1.0, 0.0, 0.0])
    bends = np.array([0.0, *rng.normal(0, 3.0, 2)])
    places = [as_point(root + at * away + bends * np.sin(at / 25)) for at in steps]
    found: list[Furniture] = []
    for rank, (start, end) in enumerate(pairwise(places)):
        thick = 1.5 - 0.9 * rank / len(places)
        short = as_point(np.add(start, np.subtract(end, start) * 0.8))
        found += [Capsule(start, end, (thick, thick), TAIL_HU), Capsule(start, short, (0.42 * thick,) * 2, 650.0)]
    return found


def cone(one: LaidAnimal, *, rng: np.random.Generator) -> list[Cone]:
    """Return the cone over a nose, if there is one."""
    if rng.random() < 0.5:
        return []
    drawn = draw_cone(rng=rng)
    z, y, x = one.warp.field_place(one.animal.body.place(NOSE))
    (near, far), radii = drawn.span_mm, drawn.radii_mm
    if one.warp.head_first:
        near, far, radii = -far, -near, (radii[1], radii[0])
    return [replace(drawn, axis_mm=(float(y), float(x)), span_mm=(float(z + near), float(z + far)), radii_mm=radii)]
