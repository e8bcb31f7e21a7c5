"""Random mice: bodies, postures, organs, tumors, and what looks like a tumor and is none."""

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, product

import numpy as np

from murinoma.phantom.body import Body, Build, Pose, as_point, flesh, outline_depth
from murinoma.phantom.organs import GUT, ORGANS
from murinoma.phantom.random_lesions import RandomTumor, draw_tumors, radius_share, size_factor, tumor_box
from murinoma.phantom.random_limbs import Limb, draw_limbs, limb_flesh
from murinoma.phantom.shapes import (
    Array,
    Capsule,
    Ellipsoid,
    Field,
    Grid,
    Point,
    Solid,
    corners,
    grow,
    smooth_field,
    solid_box,
    solid_depth,
)

LIMB_RODS = 12  # the first of `flesh`: four limbs of three segments
MOST_IN_LIMBS = 0.1  # of a tumor may lie in the flesh of limbs
COARSEST_MM, FINEST_MM = 0.6, 0.12  # voxels on which a tumor's size is found


@dataclass(frozen=True)
class Growth:
    """A solid that the body's outline grows by, with the width of the fillet, mm: a fold of skin, a testis."""

    solid: Solid
    blend_mm: float = 1.0


@dataclass(frozen=True)
class Animal:
    """A mouse as it lies, in its own field.

    Attributes
    ----------
    body, limbs
        Trunk, head and tail; and the limbs, whose posture is not that of `body`.
    growths
        What else belongs to its outline.
    inside
        What is painted in it, in this order: organs, pads of fat, lymph nodes, lumps of an injection, a chip.
    outside
        What sticks to it and moves with it: tape, electrodes, a tag.
    tumors, factors
        Its tumors, and how much larger than drawn each is, to have its volume.
    lung_hu, fibre_hu, uneven_mm
        Of the lungs; SD of the texture of muscle; SD of the outline.
    """

    body: Body
    limbs: tuple[Limb, ...]
    growths: tuple[Growth, ...] = ()
    inside: tuple[Solid, ...] = ()
    outside: tuple[Solid, ...] = ()
    tumors: tuple[RandomTumor, ...] = ()
    factors: tuple[float, ...] = ()
    lung_hu: float = -420.0
    fibre_hu: float = 6.0
    uneven_mm: float = 0.18

    @property
    def soft_parts(self) -> list[Growth]:
        """All solids of the outline beside trunk and head."""
        ears_and_tail = flesh(self.body)[LIMB_RODS:]
        rods = [rod for part in self.limbs for rod in limb_flesh(self.body, part)] + ears_and_tail
        return [Growth(rod, 1.6 if rod.radii[0] > 1 else 0.3) for rod in rods] + list(self.growths)

    def reach_mm(self) -> tuple[Array, Array]:
        """Return the lowest and the highest (z, y, x), mm, of all that can be painted of it."""
        shares = np.linspace(-0.03, 1.01, 40)
        width, back, belly, drop = self.body.sizes(shares).T
        trunk = [
            self.body.place(np.stack([shares, side * width, drop + depth], axis=-1))
            for side in (-1, 1)
            for depth in (-back, belly)
        ]
        parts = [(points.min(axis=0), points.max(axis=0)) for points in trunk]
        parts += [corners(part.solid) for part in self.soft_parts] + [corners(part) for part in self.outside]
        parts += [tumor_box(self.body, tumor, factor) for tumor, factor in zip(self.tumors, self.factors, strict=True)]
        return np.min([low for low, _ in parts], axis=0) - 1.0, np.max([high for _, high in parts], axis=0) + 1.0


def animal_depth(animal: Animal, grid: Grid) -> Field:
    """Return how deep each voxel lies under the skin of a mouse without its tumors, mm, negative outside."""
    body = animal.body
    depth = outline_depth(body, grid)
    rng = np.random.default_rng([body.build.texture_seed, 1])
    depth += np.float32(animal.uneven_mm) * smooth_field(grid, (5.0, 4.0, 4.0), rng=rng, anchor_mm=body.anchor_mm)
    for part in animal.soft_parts:
        grow(depth, grid, part.solid, part.blend_mm)
    return depth


def draw_animal(*, tumors: bool, wider: bool, rng: np.random.Generator) -> Animal:
    """Return a random mouse; without `tumors` it has none, as a neighbour at the edge of a scan."""
    build = draw_wide_build(wider=wider, rng=rng)
    pose = Pose(
        bend_mm=float(rng.normal(0, 1.6)),
        arch_mm=float(rng.normal(0.3, 1.2)),
        centre_mm=(0.0, 0.0),
    )
    body = Body(build, pose)
    animal = Animal(
        body=body,
        limbs=draw_limbs(build.length_mm, build.girth, 30.0 if wider else 24.0, rng=rng),
        growths=tuple(draw_growths(body, rng=rng)),
        inside=(*draw_organs(body, rng=rng), *fat_pads(body, rng=rng), *draw_distractors(body, rng=rng)),
        lung_hu=float(rng.uniform(-650, -250)),
        fibre_hu=float(rng.uniform(0, 10)),
        uneven_mm=float(rng.uniform(0.05, 0.4)),
    )
    if tumors:
        own = draw_tumors(build.muscle_hu, partial(lies_on_limbs, animal), wider=wider, rng=rng)
        animal = replace(animal, tumors=own, factors=tuple(factor(animal, tumor) for tumor in own))
    return replace(animal, outside=tuple(draw_stuck(animal, rng=rng)))


def lies_on_limbs(animal: Animal, tumor: RandomTumor) -> bool:
    """Tell whether a tumor lies beside or on the limbs: of one under the skin hardly anything lies in a thigh."""
    grid = own_voxels(animal, tumor)
    inside = radius_share(animal.body, tumor, grid) < 1
    inside &= animal_depth(animal, grid) < np.float32(tumor.shape.wall_mm)
    in_limbs = np.zeros(grid.shape, dtype=bool)
    for rod in (rod for part in animal.limbs for rod in limb_flesh(animal.body, part)):
        box = solid_box(grid, rod, 0.0)
        in_limbs[box] |= solid_depth(grid, box, rod) > 0
    return bool(np.count_nonzero(inside & in_limbs) <= MOST_IN_LIMBS * np.count_nonzero(inside))


def factor(animal: Animal, tumor: RandomTumor) -> float:
    """Return the size factor of a tumor, found on voxels that suit its size."""
    grid = own_voxels(animal, tumor)
    return size_factor(animal.body, tumor, animal_depth(animal, grid), grid)


def own_voxels(animal: Animal, tumor: RandomTumor) -> Grid:
    """Return the voxels in which a tumor lies, of a size that suits its own."""
    low, high = tumor_box(animal.body, tumor)
    spacing = float(np.clip(np.cbrt(tumor.volume_mm3) / 9, FINEST_MM, COARSEST_MM))
    z, y, x = (int(size) for size in np.ceil((high - low) / spacing))
    return Grid((z, y, x), spacing, as_point(low))


def draw_wide_build(*, wider: bool, rng: np.random.Generator) -> Build:
    """Return the build of a mouse: lean or fat, slim or stout, young or old; HU before the scanner's own scale."""
    odd = 1.5 if wider else 1.0
    muscle = float(rng.normal(52, 6 * odd))
    fatness = rng.random()
    fat = rng.uniform(0.0, 0.3) if fatness < 0.45 else rng.uniform(0.2, 1.0) if fatness < 0.85 else rng.uniform(1, 2.2)
    return Build(
        length_mm=float(np.clip(rng.normal(83, 4 * odd), 68, 95)),
        girth=float(np.clip(rng.normal(1.0, 0.09 * odd), 0.75, 1.3)),
        belly=float(np.clip(rng.normal(0.95, 0.14 * odd), 0.6, 1.35)),
        fat_mm=float(fat),
        skin_mm=float(rng.uniform(0.25, 0.6)),
        muscle_hu=muscle,
        fat_hu=muscle - float(rng.uniform(60, 170)),
        skin_hu=muscle - float(rng.uniform(-10, 45)),
        texture_seed=int(rng.integers(2**31)),
    )


def draw_growths(body: Body, *, rng: np.random.Generator) -> list[Growth]:
    """Return testes, folds of skin on flank and back, and a loose neck, some of them."""
    found: list[Growth] = []
    if rng.random() < 0.35:
        size = rng.uniform(1.6, 3.2, 3) * (1.5, 1.0, 1.0)
        for side in (-1, 1):
            at = (rng.uniform(-0.01, 0.05), side * rng.uniform(1.5, 3.2), rng.uniform(3.5, 7.0))
            found.append(Growth(Ellipsoid(as_point(body.place(at)), as_point(size * rng.normal(1, 0.08))), 0.8))
    for _ in range(int(rng.choice(4, p=(0.35, 0.35, 0.2, 0.1)))):
        found += skin_fold(body, rng=rng)
    if rng.random() < 0.3:
        neck = body.place((rng.uniform(0.68, 0.8), rng.normal(0, 2.0), -rng.uniform(4.5, 7.0)))
        found.append(Growth(Ellipsoid(as_point(neck), as_point(rng.uniform((4, 3, 1.5), (8, 6, 3.5)))), 2.5))
    return found


def skin_fold(body: Body, *, rng: np.random.Generator) -> list[Growth]:
    """Return a fold of skin along the flank, from the hind to the fore leg or a part of that."""
    side, start = float(rng.choice([1, -1])), rng.uniform(0.14, 0.45)
    shares = start + np.linspace(0, rng.uniform(0.08, 0.25), 4)
    angle = np.radians(rng.uniform(-20, 75))
    width, _, belly, drop = body.sizes(shares).T
    out: Array = 1 / np.hypot(np.cos(angle) / width, np.sin(angle) / belly) + rng.uniform(0.2, 1.6) * np.sin(
        np.linspace(0.4, np.pi - 0.4, 4)
    )
    places = body.place(np.stack([shares, side * out * np.cos(angle), drop + out * np.sin(angle)], axis=-1))
    thick = float(rng.uniform(0.5, 1.1))
    return [Growth(Capsule(as_point(a), as_point(b), (thick, thick)), 1.5) for a, b in pairwise(places)]


def draw_organs(body: Body, *, rng: np.random.Generator) -> list[Solid]:
    """Return the organs beside lungs and gut, each a little elsewhere and of another size; pellets in the gut."""
    found: list[Solid] = []
    shift = rng.normal(0, 5)
    for centre, radii, hu in ORGANS:
        at = body.place(np.asarray(centre) + rng.normal(0, (0.01, 0.5, 0.4)))
        size = np.asarray(radii) * (1, body.build.girth, body.build.girth) * np.exp(rng.normal(0, 0.08, 3))
        found.append(Ellipsoid(as_point(at), as_point(size), hu + shift + float(rng.normal(0, 8))))
    bladder = body.place((rng.uniform(0.12, 0.2), rng.normal(0, 0.8), rng.uniform(2.5, 5.0)))
    found.append(
        Ellipsoid(as_point(bladder), as_point(rng.uniform(1, 4.5) * np.array([1.2, 1, 0.9])), rng.normal(14, 6))
    )
    spleen = body.place((rng.uniform(0.36, 0.42), 7.2 * body.build.girth, rng.uniform(-2, 2)))
    found.append(Ellipsoid(as_point(spleen), as_point(rng.uniform((2, 0.8, 2), (5, 1.5, 4.5))), rng.normal(60, 6)))
    (share, _, belly), (_, width, height) = GUT
    for _ in range(int(rng.integers(0, 14))):
        place = (
            share + rng.uniform(-0.12, 0.12),
            rng.uniform(-0.6, 0.6) * width,
            belly + rng.uniform(-0.6, 0.5) * height,
        )
        hu = float(rng.choice([rng.uniform(-800, -300), rng.uniform(40, 220), rng.uniform(-10, 40)]))
        found.append(Ellipsoid(as_point(body.place(place)), as_point(rng.uniform(0.4, 1.8, 3) * (1.5, 1, 1)), hu))
    return found


def under_skin(body: Body, share: float, angle_deg: float, depth_mm: float) -> Point:
    """Return a place some way under the skin of the trunk, at an angle from the flank (90: belly), mm."""
    width, back, belly, drop = body.sizes(share)
    sine, cosine = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    out = 1 / np.hypot(cosine / width, sine / (belly if sine > 0 else back)) - depth_mm
    return as_point(body.place((share, out * cosine, drop + out * sine)))


def fat_pads(body: Body, *, rng: np.random.Generator) -> list[Solid]:
    """Return pads of fat under the skin of groin and armpit, some of them, most with a lymph node in it."""
    build, found = body.build, list[Solid]()
    for share, far_side in product((0.16, 0.24, 0.62, 0.70), (False, True)):
        if rng.random() > 0.35:
            continue
        angle = float(rng.uniform(10, 60))
        depth = float(rng.uniform(0.8, 1.8))
        at = under_skin(body, share + rng.normal(0, 0.02), 180 - angle if far_side else angle, depth)
        size = rng.uniform((1.5, 0.8, 0.8), (4.5, 2.6, 1.8))
        found.append(Ellipsoid(at, as_point(size), build.fat_hu + float(rng.uniform(0, 50))))
        if rng.random() < 0.7:
            node_hu = build.muscle_hu + float(rng.normal(-5, 8))
            found.append(Ellipsoid(at, as_point(rng.uniform(0.3, 0.9, 3)), node_hu))
    return found


def draw_distractors(body: Body, *, rng: np.random.Generator) -> list[Solid]:
    """Return the lump of an injection (gas, fluid, or what shines) and a chip, or none."""
    build, found = body.build, list[Solid]()
    if rng.random() < 0.15:
        at = under_skin(body, rng.uniform(0.2, 0.6), rng.uniform(-60, 240), rng.uniform(0.4, 1.2))
        hu = float(rng.choice([-700.0, build.muscle_hu - 70, build.muscle_hu + 120]))
        found.append(Ellipsoid(at, as_point(rng.uniform((1, 1, 0.4), (4, 3, 1.2))), hu))
    if rng.random() < 0.12:
        share, angle = rng.uniform(0.35, 0.72), rng.uniform(200, 340)
        ends = [under_skin(body, share + way, angle, 1.3) for way in (0.0, rng.uniform(0.08, 0.13))]
        found.append(Capsule(ends[0], ends[1], (0.8, 0.8), float(rng.uniform(1200, 3000))))
    return found


def draw_stuck(animal: Animal, *, rng: np.random.Generator) -> list[Solid]:
    """Return tape or electrodes around paws, pads under the trunk and a tag in an ear, some of them."""
    found: list[Solid] = []
    if rng.random() < 0.3:
        hu, thick = float(rng.uniform(-200, 250)), float(rng.uniform(0.4, 1.0))
        for part in animal.limbs:
            heel, tip = (animal.body.place(part.joints[end]) for end in (2, 3))
            size = np.add(rng.uniform((1.5, 2.0, 0.3), (4.0, 4.0, 0.8)), (0, 0, thick))
            found.append(Ellipsoid(as_point(tip + 0.4 * (heel - tip) + rng.normal(0, 1, 3)), as_point(size), hu))
    if rng.random() < 0.2:
        at = under_skin(animal.body, rng.uniform(0.2, 0.6), rng.uniform(-30, 210), -1.2)
        hu = float(rng.choice([rng.uniform(-300, 200), 2000.0]))
        found.append(Ellipsoid(at, as_point(rng.uniform((2, 0.5, 0.5), (5, 1.2, 1.2))), hu))
    if rng.random() < 0.15:
        ear = animal.body.place((0.78, float(rng.choice([1, -1])) * 6.5, -4.6))
        found.append(Ellipsoid(as_point(ear), as_point(rng.uniform(0.4, 1.8, 3)), 2800.0))
    return found
