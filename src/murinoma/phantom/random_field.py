"""Acquisitions of every kind, drawn by chance: to try a split on what a facility may send."""

from dataclasses import replace

import numpy as np

from murinoma.phantom.acquisition import HIGHEST_HU, AcquisitionSpec
from murinoma.phantom.arrangement import Layout, arranged, has_one_before
from murinoma.phantom.bed import Cone, Furniture
from murinoma.phantom.cohort import SITES, DatasetPlan, draw_tumor
from murinoma.phantom.furniture import Bed, cable, container, cradle, needle, ribbed_block, rims
from murinoma.phantom.mouse import Mouse, centred, draw_build, draw_pose
from murinoma.phantom.placing import PlacedMouse
from murinoma.phantom.scanner import Scanner
from murinoma.phantom.shapes import Grid, Point

ARRANGEMENTS: dict[str, tuple[tuple[int, int], ...]] = {
    "one": ((0, 0),),
    "side by side": ((0, 0), (0, 1)),
    "stacked": ((0, 0), (1, 0)),
    "diagonal": ((0, 0), (1, 1)),
    "other diagonal": ((0, 1), (1, 0)),
    "three in a row": ((0, 0), (0, 1), (0, 2)),
    "three stacked": ((0, 0), (1, 0), (2, 0)),
    "empty place between": ((0, 0), (0, 2)),
    "2x2": ((0, 0), (0, 1), (1, 0), (1, 1)),
    "2x2 with an empty place": ((0, 0), (1, 0), (1, 1)),
    "five": ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2)),
    "six": ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)),
}
BEDS = ("trough", "tube", "tray", "hammock", "none")
ON_BACK, LEFT_UP, PRONE, RIGHT_UP = 1, 2, 3, 0
WIDE_MM = (110.0, 70.0, 70.0)  # own field of a mouse that lies as it likes, root of the tail included
BEHIND_MM = 6.0


def random_acquisition(seed: int, spacing_mm: float, arrangement: str | None = None) -> AcquisitionSpec:
    """Return an acquisition whose mice, postures, beds, furniture and scanner are drawn at random.

    Parameters
    ----------
    seed
        Decides everything; the size of the voxels changes nothing else.
    spacing_mm
        Voxel size.
    arrangement
        A key of `ARRANGEMENTS`; None draws one.

    Examples
    --------
    >>> spec = random_acquisition(3, 0.42, "diagonal")
    >>> len(spec.mice), random_acquisition(3, 0.42, "diagonal") == spec
    (2, True)
    """
    rng = np.random.default_rng([seed, 4])
    drawn = str(rng.choice(list(ARRANGEMENTS)))
    places = ARRANGEMENTS[arrangement or drawn]
    bed, layout = draw_bed(rng=rng), draw_layout(places, rng=rng)
    if layout.touching is not None:
        bed = replace(bed, kind="tray" if layout.touching == 2 and rng.random() < 0.7 else "none")
    mice, carriers, size = arranged(draw_mice(len(places), spacing_mm, rng=rng), bed, layout)
    furniture = [*carriers, *rims(carriers), *draw_surroundings(size, layout.margin_mm, rng=rng)]
    z, y, x = (round(extent / spacing_mm) for extent in size)
    return AcquisitionSpec(
        name=f"{arrangement or drawn}, {bed.kind}{', touching' if layout.touching else ''}",
        shape=(z, y, x),
        spacing_mm=spacing_mm,
        mice=tuple(mice),
        furniture=tuple(furniture),
        seed=seed,
        scanner=draw_scanner(rng=rng),
        contrast=float(rng.uniform(0.86, 1.04)),
        streaks_hu=float(rng.uniform(0.0, 40.0)),
        circle_mm=round_field_mm(size, layout.margin_mm) if rng.random() < 0.4 else None,
    )


def draw_scanner(*, rng: np.random.Generator) -> Scanner:
    """Return a scanner: sharp or blurred, quiet or noisy, with its own zero."""
    return Scanner(
        blur_mm=float(rng.uniform(0.12, 0.32)),
        noise_hu=float(rng.uniform(25.0, 110.0)),
        shift_hu=float(rng.uniform(-30.0, 30.0)),
        low_hu=float(rng.choice([-1000.0, -1024.0, -3000.0])),
        high_hu=HIGHEST_HU,
    )


def draw_bed(*, rng: np.random.Generator) -> Bed:
    """Return what the mice lie on: thin plastic of any kind."""
    return Bed(
        kind=str(rng.choice(BEDS)),
        wall_mm=float(rng.uniform(0.5, 1.5)),
        hu=float(rng.uniform(-150.0, 150.0)),
        radius_mm=float(rng.uniform(16.0, 21.0)),
        arc_deg=float(rng.uniform(55.0, 90.0)),
        sag_mm=float(rng.uniform(2.0, 9.0)),
    )


def draw_layout(places: tuple[tuple[int, int], ...], *, rng: np.random.Generator) -> Layout:
    """Return the distances of some places; now and then the mice touch, along x or, where they are stacked, along y."""
    layouts = [Layout(places, touching=axis) for axis in (2, 1)]
    pushed = [one.touching for one in layouts if any(has_one_before(place, one) for place in places)]
    return Layout(
        places,
        gap_mm=(float(rng.uniform(9.0, 14.0)), float(rng.uniform(1.0, 9.0))),
        margin_mm=(float(rng.uniform(13.0, 22.0)), float(rng.uniform(5.0, 16.0))),
        clear_mm=float(rng.uniform(2.0, 18.0)),
        touching=pushed[0] if pushed and rng.random() < 0.3 else None,
    )


def draw_mice(count: int, spacing_mm: float, *, rng: np.random.Generator) -> list[PlacedMouse]:
    """Return mice that mostly, but not always, lie the same way."""
    usual, turned = int(rng.choice([ON_BACK, PRONE])), bool(rng.random() < 0.5)
    same = rng.random() < 0.5
    mice = []
    for _ in range(count):
        turns = usual if same else int(rng.choice([ON_BACK, PRONE, LEFT_UP, RIGHT_UP]))
        head_first = turned if same else bool(rng.random() < 0.5)
        mice.append(draw_placed(turns, head_first, spacing_mm, rng=rng))
    return mice


def draw_placed(turns: int, head_first: bool, spacing_mm: float, *, rng: np.random.Generator) -> PlacedMouse:
    """Return one mouse with one or two tumors at random, or none, turned as asked and rolled a little from there."""
    z, y, x = (round(extent / spacing_mm) for extent in WIDE_MM)
    grid = Grid((z, y, x), spacing_mm, (-BEHIND_MM, 0.0, 0.0))
    site = DatasetPlan("random", 1, site=str(rng.choice(list(SITES))))
    sides = ([], [1], [-1], [1, -1])[int(rng.choice(4, p=(0.1, 0.3, 0.3, 0.3)))]
    mouse = Mouse(draw_build(rng=rng), tuple(draw_tumor(side, site, rng=rng) for side in sides))
    volumes = tuple(float(np.clip(np.exp(rng.normal(5.5, 0.9)), 20.0, 1500.0)) for _ in sides)
    pose = replace(draw_pose(rng=rng), roll_deg=float(np.clip(rng.normal(0.0, 12.0), -40.0, 40.0)))
    pose = centred(mouse, pose, volumes, grid)
    return PlacedMouse(
        mouse,
        pose,
        volumes,
        grid,
        at_mm=(float(rng.uniform(-8.0, 8.0)), float(rng.uniform(-2.5, 0.0)), float(rng.uniform(-0.5, 0.5))),
        quarter_turns=turns,
        head_first=head_first,
        pressed_mm=float(rng.uniform(0.0, 1.6)),
        tail_mm=float(rng.uniform(10.0, 80.0)),
        tail_bends_mm=(float(rng.normal(0.0, 1.0)), float(rng.normal(0.0, 3.0))),
        nose_cone=draw_cone(rng=rng) if rng.random() < 0.5 else None,
    )


def draw_cone(*, rng: np.random.Generator) -> Cone:
    """Return the cone over a nose, in mm from its tip."""
    wide = float(rng.uniform(7.5, 11.0))
    span = (-float(rng.uniform(4.0, 13.0)), float(rng.uniform(6.0, 14.0)))
    return Cone((0.0, 0.0), (wide, wide * rng.uniform(0.4, 1.0)), rng.uniform(0.6, 1.5), span, rng.uniform(-150, 150))


def draw_surroundings(size_mm: Point, margin_mm: tuple[float, float], *, rng: np.random.Generator) -> list[Furniture]:
    """Return cables, needles, the walls of a box, a cradle and a printed block, some of them."""
    length, height, width = size_mm
    pieces: list[Furniture] = []
    for _ in range(int(rng.integers(0, 5))):
        start = cable_start(size_mm, margin_mm, rng=rng)
        hu = float(rng.choice([rng.uniform(0, 400), rng.uniform(400, 2500)]))
        pieces += cable(start, length, float(rng.uniform(0.4, 1.2)), hu, rng=rng)
    if rng.random() < 0.3:
        tip = (rng.uniform(0.2, 0.8) * length, rng.uniform(4.0, margin_mm[0] - 2.0), rng.uniform(0.2, 0.8) * width)
        pieces.append(needle(tip, rng=rng))
    if rng.random() < 0.5:
        walls = " ".join(name for name in ("top", "bottom", "left", "right") if rng.random() < 0.75)
        wall = float(rng.uniform(0.8, 2.8))
        pieces += container(size_mm, float(rng.uniform(0.3, 1.5)), wall, float(rng.uniform(-400, 100)), walls)
    if rng.random() < 0.35:
        pieces.append(cradle(size_mm, margin_mm[0] - 6.0, float(rng.uniform(0.8, 1.5)), float(rng.uniform(-150, 150))))
    if rng.random() < 0.25:
        high = (rng.uniform(4.0, 15.0), height - 1.0, width - 4.0)
        pieces += ribbed_block((1.0, height - margin_mm[0] + 3.0, 4.0), high, 0.6, float(rng.uniform(-300, 0)))
    return pieces


def cable_start(size_mm: Point, margin_mm: tuple[float, float], *, rng: np.random.Generator) -> Point:
    """Return a place where a cable may begin: over the mice, beside them, or among them, where some will touch it."""
    _, height, width = size_mm
    where = rng.random()
    if where < 0.15:
        return 0.0, float(rng.uniform(margin_mm[0], height - margin_mm[0])), float(rng.uniform(0.1, 0.9) * width)
    if where < 0.6:
        return 0.0, float(rng.uniform(2.5, margin_mm[0] - 2.5)), float(rng.uniform(0.1, 0.9) * width)
    beside = float(rng.uniform(1.5, margin_mm[1] - 1.0))
    x = beside if rng.random() < 0.5 else width - beside
    return 0.0, float(rng.uniform(0.2, 0.8) * height), x


def round_field_mm(size_mm: Point, margin_mm: tuple[float, float]) -> float:
    """Return the radius of a round field that still holds what lies within the margins."""
    return float(np.hypot(size_mm[1] / 2 - margin_mm[0], size_mm[2] / 2 - margin_mm[1])) + 5.0
