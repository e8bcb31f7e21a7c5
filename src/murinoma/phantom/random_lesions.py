"""Tumors of every look: where, how large, how deep, lobed, lumpy, necrotic, with or without a rim of fat."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from murinoma.phantom.body import Body, as_point
from murinoma.phantom.shapes import Array, Field, Grid, Point, coverage, smooth_field
from murinoma.phantom.tumors import Tumor, ball_radius_mm, lumpy_radius, tumor_corners, tumor_frame

Mask = npt.NDArray[np.bool_]

SMALLEST_MM3, LARGEST_MM3 = 14.0, 4000.0  # as in the published database
WIDER_MM3 = (10.0, 5000.0)
ALONG = ((0.15, 0.37), (0.44, 0.62))  # share of the length: flank, behind the front legs
FLANK_SHARE = 0.75
HIDDEN = 0.6  # a tumor that is embedded more than this is seen by its rim alone
FAINTEST_RIM_HU, MOST_GAPS = (15.0, 10.0), (1.3, 1.6)  # of a rim about a tumor that is no hidden one; second: wider
MOST_FACTOR = 1.5
TRIES = 10  # to find a place for a tumor
FAR = -9.0  # depth in a tumor where there is none


@dataclass(frozen=True)
class RandomTumor:
    """A tumor with what makes it hard to see.

    Attributes
    ----------
    shape, volume_mm3
        The tumor as for `murinoma.phantom.tumors`; the volume is aimed at.
    lobe
        A second ball that is grown together with it, of `lobe_mm3`; None: there is only one.
    cover_mm, blend_mm
        Skin over it, and the width of the fillet where it rises from the body.
    rim_mm, rim_hu, rim_gaps
        Fat between it and its surroundings: its thickness, how much darker it is, and how much of it is missing
        (-1: nothing; 1: nearly all).
    grain_hu, grain_mm
        SD and length of the texture inside.
    """

    shape: Tumor
    volume_mm3: float
    lobe: Tumor | None = None
    lobe_mm3: float = 0.0
    cover_mm: float = 0.5
    blend_mm: float = 1.2
    rim_mm: float = 0.3
    rim_hu: float = 60.0
    rim_gaps: float = 0.0
    grain_hu: float = 4.0
    grain_mm: float = 1.5

    @property
    def balls(self) -> list[tuple[Tumor, float]]:
        """The parts that it consists of, with the volume of each, mm3."""
        return [(self.shape, self.volume_mm3)] + ([(self.lobe, self.lobe_mm3)] if self.lobe else [])


def draw_tumors(
    muscle_hu: float, fits: Callable[[RandomTumor], bool], *, wider: bool, rng: np.random.Generator
) -> tuple[RandomTumor, ...]:
    """Return none, one or two tumors; with `wider` now and then a third, and all of it more varied.

    A tumor that does not fit where it lies, by `fits`, is drawn anew some times, then left out.
    """
    sides = ([], [1], [-1], [1, -1], [1, 1], [-1, -1])[int(rng.choice(6, p=(0.1, 0.23, 0.23, 0.38, 0.03, 0.03)))]
    if wider and rng.random() < 0.06:
        sides = [*sides, int(rng.choice([1, -1]))]
    flank = rng.random() < FLANK_SHARE
    found: list[RandomTumor] = []
    for side in sides:
        own = flank if rng.random() < 0.9 else not flank
        drawn = (draw_tumor(side, own, muscle_hu, wider=wider, rng=rng) for _ in range(TRIES))
        found += islice((one for one in drawn if all(apart(one, other) for other in found) and fits(one)), 1)
    return tuple(found)


def apart(one: RandomTumor, other: RandomTumor) -> bool:
    """Tell whether two tumors leave room between them: they lie on two sides, or far apart along the body."""
    reach = 1.5 * (ball_radius_mm(one.volume_mm3) + ball_radius_mm(other.volume_mm3)) + 2.0
    return one.shape.side != other.shape.side or 84 * abs(one.shape.along - other.shape.along) > reach


def draw_tumor(side: int, flank: bool, muscle_hu: float, *, wider: bool, rng: np.random.Generator) -> RandomTumor:
    """Return a tumor on one side, on the flank or behind the front leg."""
    low, high = ALONG[0] if flank else ALONG[1]
    volume = draw_volume_mm3(wider=wider, rng=rng)
    pressed_in = float(rng.uniform(0.0, 0.3)) * ball_radius_mm(volume)  # large ones push the belly in, not the ribs
    longer, broader = np.exp(rng.normal(0.1, 0.15)), np.exp(rng.normal(0.03, 0.13))
    wide = 0.03 if wider else 0.0
    shape = Tumor(
        side=side,
        along=float(rng.uniform(low - wide, high + wide)),
        angle_deg=float(rng.uniform(-35.0 - 400 * wide, 68.0 + 200 * wide)),
        embedded=float(rng.uniform(0.15, 0.9)),
        wall_mm=float(pressed_in + rng.uniform(2.4, 4.4) if flank else rng.uniform(1.2, 2.4)),
        stretch=(float(longer), float(broader), float(1 / (longer * broader))),
        lumpiness=float(rng.uniform(0.02, 0.14 + wide)),
        necrosis=float(rng.uniform(0.35, 0.75)) if rng.random() < 0.3 else 0.0,
        hu=float(muscle_hu + rng.normal(-4.0, 10.0 + 200 * wide)),
        core_drop_hu=float(rng.uniform(8.0, 40.0)),
        seed=int(rng.integers(2**31)),
    )
    return finished(shape, volume, wider=wider, rng=rng)


def finished(shape: Tumor, volume_mm3: float, *, wider: bool, rng: np.random.Generator) -> RandomTumor:
    """Return a tumor with its lobe, cover, rim and texture."""
    radius, hidden = ball_radius_mm(volume_mm3), shape.embedded > HIDDEN
    lobed = volume_mm3 > 30 and rng.random() < 0.35
    share = float(rng.uniform(0.15, 0.7)) * lobed
    away, around = rng.normal(0, 1, 2) / (1e-6 + abs(rng.normal(1, 0.1))) * radius * 0.8
    lobe = replace(
        shape,
        along=float(np.clip(shape.along + np.clip(away, -radius, radius) / 84, 0.1, 0.66)),
        angle_deg=float(shape.angle_deg + np.degrees(np.clip(around, -radius, radius) / 11.0)),
        seed=shape.seed + 1,
    )
    return RandomTumor(
        shape,
        volume_mm3,
        lobe=lobe if lobed else None,
        lobe_mm3=share * volume_mm3,
        cover_mm=float(rng.uniform(0.25, 0.8)),
        blend_mm=float(rng.uniform(0.6, 2.5 + 0.35 * radius)),
        rim_mm=float(rng.uniform(0.1, 0.6)),
        rim_hu=float(rng.uniform(60.0 if hidden else FAINTEST_RIM_HU[wider], 120.0)),
        rim_gaps=float(rng.uniform(-1.0, 0.0 if hidden else MOST_GAPS[wider])),
        grain_hu=float(rng.uniform(0.0, 9.0)),
        grain_mm=float(rng.uniform(0.5, 3.0)),
    )


def draw_volume_mm3(*, wider: bool, rng: np.random.Generator) -> float:
    """Return a volume as in the published database, small and large ones favoured over how common they are."""
    low, high = WIDER_MM3 if wider else (SMALLEST_MM3, LARGEST_MM3)
    if rng.random() < 0.5:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return float(np.clip(np.exp(rng.normal(5.5, 1.0)), low, high))


def tumor_box(body: Body, found: RandomTumor, factor: float = MOST_FACTOR) -> tuple[Array, Array]:
    """Return the lowest and highest (z, y, x), mm, that a tumor with its skin and rim can reach at a size factor."""
    corners = [tumor_corners(body, ball, factor**3 * volume) for ball, volume in found.balls]
    frames = [tumor_frame(body, ball, volume)[0] for ball, volume in found.balls]
    aside = [
        np.abs(tumor_frame(body, ball, factor**3 * volume)[0] - centre)
        for (ball, volume), centre in zip(found.balls, frames, strict=True)
    ]
    low = np.min([one - way for (one, _), way in zip(corners, aside, strict=True)], axis=0)
    high = np.max([one + way for (_, one), way in zip(corners, aside, strict=True)], axis=0)
    return low - found.blend_mm - 0.5, high + found.blend_mm + 0.5


def radius_share(body: Body, found: RandomTumor, part: Grid) -> Field:
    """Return each voxel's distance to a tumor, 1 about its surface: that of the nearest of its lobes."""
    shares = []
    for ball, volume in found.balls:
        centre, axes, radii = tumor_frame(body, ball, volume)
        shares.append(lumpy_radius(part, centre, axes, radii, ball))
    nearest: Field = np.min(shares, axis=0)
    return nearest


def size_factor(body: Body, found: RandomTumor, under_skin: Field, part: Grid) -> float:
    """Return how much larger than drawn a tumor must be to have its volume above the body wall, within limits."""
    share = radius_share(body, found, part)
    room = share[under_skin < found.shape.wall_mm]
    wanted = round(found.volume_mm3 / part.spacing_mm**3)
    if not 0 < wanted < room.size:
        return 1.0
    return float(np.clip(np.partition(room, wanted)[wanted], 0.7, MOST_FACTOR))


def tumor_depth(body: Body, found: RandomTumor, factor: float, under_skin: Field, part: Grid) -> Field:
    """Return how deep each voxel lies in a tumor, mm, negative outside; under the body wall there is none."""
    inside = (np.float32(factor) - radius_share(body, found, part)) * np.float32(ball_radius_mm(found.volume_mm3))
    depth: Field = np.minimum(inside, np.float32(found.shape.wall_mm) - under_skin)
    return depth


def paint_tumor(hu: Field, depth: Field, found: RandomTumor, part: Grid, anchor_mm: Point) -> None:
    """Paint a tumor, its core, texture and rim over the tissue of its box, in place; air outside stays as it is."""
    rng = np.random.default_rng([found.shape.seed, 2])
    tissue = hu > -300
    paint_rim(hu, depth, found, part, tissue, rng=rng)
    radius = np.float32(ball_radius_mm(found.volume_mm3))
    own = np.full(depth.shape, found.shape.hu, dtype=np.float32)
    if found.shape.necrosis:
        ragged = depth + 0.15 * radius * smooth_field(part, (0.5 * float(radius),) * 3, rng=rng, anchor_mm=anchor_mm)
        core = np.clip((ragged - (1 - np.float32(found.shape.necrosis)) * radius) / np.float32(0.8), 0, 1)
        own -= np.float32(found.shape.core_drop_hu) * core
    grain = (found.grain_mm, found.grain_mm, found.grain_mm)
    own += np.float32(found.grain_hu) * smooth_field(part, grain, rng=rng, anchor_mm=anchor_mm)
    share = np.where(tissue, coverage(depth, part.spacing_mm), np.float32(0))
    hu += share * (own - hu)


def paint_rim(
    hu: Field, depth: Field, found: RandomTumor, part: Grid, tissue: Mask, *, rng: np.random.Generator
) -> None:
    """Darken a thin, patchy layer around a tumor, in place: the fat between it and its surroundings."""
    length = 0.8 * ball_radius_mm(found.volume_mm3)
    anchor = as_point((0.0, 0.0, 0.0))
    patches = smooth_field(part, (length, length, length), rng=rng, anchor_mm=anchor) - np.float32(found.rim_gaps)
    thick = np.float32(max(found.rim_mm, 0.5 * part.spacing_mm))
    thinner = np.float32(min(1.0, found.rim_mm / part.spacing_mm))
    layer = np.exp(-(((depth + thick) / thick) ** 2)) * np.clip(patches + np.float32(0.5), 0, 1)
    hu -= np.where(tissue, np.float32(found.rim_hu) * thinner * layer, np.float32(0))
