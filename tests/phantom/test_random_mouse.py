"""Random mice: reproducible, as `split` cuts them, tumors as large as drawn and no brighter than muscle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

from murinoma.phantom.body import Body, Build, Pose
from murinoma.phantom.random_animal import Animal, draw_animal, factor, lies_on_limbs
from murinoma.phantom.random_lesions import (
    LARGEST_MM3,
    SMALLEST_MM3,
    RandomTumor,
    draw_tumor,
    draw_tumors,
    draw_volume_mm3,
    tumor_box,
)
from murinoma.phantom.random_limbs import draw_limbs
from murinoma.phantom.random_look import Look, rows, seen
from murinoma.phantom.random_mouse import cube, numbered, random_mouse, rendered
from murinoma.phantom.random_painting import OUTSIDE_HU, SeenTumor, paint_animal, whole_depth
from murinoma.phantom.random_plan import LaidAnimal, RandomPlan, random_plan
from murinoma.phantom.random_warp import Warp, refined
from murinoma.phantom.shapes import Grid
from murinoma.phantom.tumors import Tumor

SPACING_MM = 0.84
SEED = 9  # shows two tumors


@pytest.fixture(scope="module")
def plan() -> RandomPlan:
    """Return what one random scan shows, its section not turned."""
    return replace(random_plan(SEED), turns=0, flips=(False, False))


def plain_animal(*tumors: RandomTumor) -> Animal:
    """Return a usual mouse with some tumors of the size asked for."""
    build = Build()
    limbs = draw_limbs(build.length_mm, 1.0, 5.0, rng=np.random.default_rng(1))
    animal = Animal(Body(build, Pose(centre_mm=(0.0, 0.0))), limbs, tumors=tumors)
    return replace(animal, factors=tuple(factor(animal, tumor) for tumor in tumors))


def own_field(animal: Animal, spacing_mm: float) -> Grid:
    """Return the grid of a mouse's own field."""
    low, high = animal.reach_mm()
    z, y, x = (int(size) for size in np.ceil((high - low) / spacing_mm))
    return Grid((z, y, x), spacing_mm, (float(low[0]), float(low[1]), float(low[2])))


def test_a_mouse_on_its_back_has_its_belly_up() -> None:
    """At a turn of 90 degrees 3 mm up (low y) are 3 mm towards the belly; head first, 2 mm along z are backwards."""
    warp = Warp(at_mm=(50.0, 30.0, 30.0), middle_mm=(40.0, 0.0, 0.0), turn_deg=90.0)
    places = [(50.0, 27.0, 30.0), (52.0, 30.0, 30.0)]
    own = [warp.own_places(Grid((1, 1, 1), 1.0, at))[:, 0, 0, 0] for at in places]
    np.testing.assert_allclose(own, [(40.0, 0.0, 3.0), (42.0, 0.0, 0.0)], atol=1e-5)
    turned = replace(warp, head_first=True).own_places(Grid((1, 1, 1), 1.0, places[1]))[:, 0, 0, 0]
    np.testing.assert_allclose(turned, (38.0, 0.0, 0.0), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    turn=st.floats(0, 360),
    tilt=st.floats(-5, 5),
    soft=st.floats(0, 1.2),
    seed=st.integers(0, 99),
    at=st.tuples(st.floats(20, 80), st.floats(-8, 8), st.floats(-6, 6)),
)
def test_a_warp_is_undone(turn: float, tilt: float, soft: float, seed: int, at: tuple[float, float, float]) -> None:
    """A place of the mouse, found in the field and mapped back, is the same place."""
    warp = Warp((60, 30, 35), (50, 0, 0), turn, (tilt, -tilt), seed % 2 == 0, 0.01, (1.05, 0.95, 1.0), soft, 14.0, seed)
    z, y, x = (float(value) for value in warp.field_place(at))
    back = warp.own_places(Grid((1, 1, 1), 1e-3, (z, y, x)))[:, 0, 0, 0]
    np.testing.assert_allclose(back, at, atol=0.1)


def test_values_between_lattice_points_are_scipys() -> None:
    """The refined field equals SciPy's linear interpolation."""
    lattice = Grid((4, 5, 6), 2.0, (-2.0, 0.0, 4.0))
    grid = Grid((7, 9, 11), 0.7, (-1.9, 0.3, 4.1))
    values = np.random.default_rng(0).standard_normal(lattice.shape).astype(np.float32)
    oracle = RegularGridInterpolator([axis.ravel() for axis in lattice.axes()], values)
    places = np.stack(np.meshgrid(*[axis.ravel() for axis in grid.axes()], indexing="ij"), axis=-1)
    np.testing.assert_allclose(refined(values, lattice, grid), oracle(places), atol=1e-5)


@pytest.mark.parametrize("volume_mm3", [30.0, 250.0, 1500.0])
def test_a_tumor_has_the_volume_asked_for(volume_mm3: float) -> None:
    """In its own field, lobed and cut off by the body wall, a tumor has its volume within a tenth."""
    tumor = RandomTumor(Tumor(side=1, along=0.28, embedded=0.4, seed=3), volume_mm3)
    lobed = replace(tumor, lobe=replace(tumor.shape, along=0.31, seed=4), lobe_mm3=0.4 * volume_mm3)
    for one in (tumor, lobed):
        _, (seen,) = whole_depth(plain_animal(one), own_field(plain_animal(one), 0.42))
        assert (seen.depth > 0).sum() * 0.42**3 == pytest.approx(volume_mm3, rel=0.1)


def test_a_tumor_in_a_thigh_does_not_fit() -> None:
    """One flat under the skin of the back does, one about the hip of a hind limb does not."""
    animal = plain_animal()
    back = RandomTumor(Tumor(side=1, along=0.4, angle_deg=-35.0, wall_mm=2.4), 60.0)
    hip = animal.limbs[0].joints[1]
    thigh = RandomTumor(Tumor(side=1, along=hip[0], angle_deg=40.0, embedded=1.0, wall_mm=4.4), 60.0)
    assert lies_on_limbs(animal, back)
    assert not lies_on_limbs(animal, thigh)


def test_a_tumor_that_fits_nowhere_is_left_out() -> None:
    """Nothing is drawn for ever; where all fits there are none, one or two."""
    rng = np.random.default_rng(0)
    assert draw_tumors(50.0, lambda _: False, wider=True, rng=rng) == ()
    counts = {len(draw_tumors(50.0, lambda _: True, wider=False, rng=rng)) for _ in range(60)}
    assert counts == {0, 1, 2}


def test_what_is_outlined_is_the_tumor_and_the_skin_over_it() -> None:
    """The tumor 3 mm deep, its cover of 0.5 mm up to the air, and no thicker skin beside it."""
    own = np.array([3.0, 0.2, -0.2, -0.4, -0.6, -0.2, -0.2], np.float32)
    under_skin = np.array([3.5, 0.7, 0.3, 0.1, -0.1, 0.6, 2.0], np.float32)
    tumor = RandomTumor(Tumor(side=1, along=0.28), 30.0, cover_mm=0.5)
    outlined = SeenTumor(1, tumor, (slice(None),) * 3, own).outlined(under_skin)
    assert (outlined > 0).tolist() == [True, True, True, True, False, False, False]
    assert outlined[0] == 3.0


def test_a_part_of_a_mouse_is_painted_as_in_the_whole() -> None:
    """HU, tumors and territory of a box do not depend on what is painted around it."""
    animal = draw_animal(tumors=True, wider=False, rng=np.random.default_rng(5))
    grid = own_field(animal, SPACING_MM)
    whole = paint_animal(animal, grid)
    box = (slice(20, 60), slice(10, 40), slice(4, 25))
    part = paint_animal(animal, grid.part(box))
    np.testing.assert_allclose(part.hu, whole.hu[box], atol=0.5)
    np.testing.assert_array_equal(part.territory, whole.territory[box])
    np.testing.assert_allclose(part.tumor_depth, whole.tumor_depth[box], atol=1e-3)
    assert ((whole.hu == OUTSIDE_HU) | (whole.hu >= -1100)).all()


def test_equal_seeds_give_equal_scans_and_other_seeds_others() -> None:
    """A scan depends on its seed alone, byte for byte; wider settings are other scans."""
    one, again, other = (random_mouse(seed, spacing_mm=1.68) for seed in (1, 1, 2))
    assert one.ct.voxels.tobytes() == again.ct.voxels.tobytes()
    assert one.truth.voxels.tobytes() == again.truth.voxels.tobytes()
    assert one.ct.voxels.tobytes() != other.ct.voxels.tobytes()
    assert one.ct.voxels.tobytes() != random_mouse(1, spacing_mm=1.68, wider=True).ct.voxels.tobytes()


def test_a_scan_is_what_split_writes() -> None:
    """40.32 mm wide and as long as a scanner's field, int16 from -400 HU to bone and at most 1000, much of it air."""
    scan = random_mouse(SEED, spacing_mm=SPACING_MM)
    assert scan.ct.shape[1:] == (48, 48)
    assert 88 <= scan.ct.shape[0] * SPACING_MM <= 140
    assert [one.voxels.dtype.name for one in (scan.ct, scan.truth)] == ["int16", "uint8"]
    assert scan.ct.voxels.min() == -400
    assert 300 < scan.ct.voxels.max() <= 1000
    assert np.mean(scan.ct.voxels < -300) > 0.4


def test_a_patch_is_a_part_of_its_scan(plan: RandomPlan) -> None:
    """Painted alone, a cube has the truth of its place in the whole scan, and its HU but for the noise."""
    quiet = replace(plan, look=replace(plan.look, noise_hu=0.0, grainless_hu=0.0, bands=0.0))
    window = quiet.window(SPACING_MM)
    whole = rendered(quiet, window)
    middle = np.argwhere(whole.truth.voxels == 1).mean(axis=0) * SPACING_MM + window.origin_mm
    grid = cube(window, middle, 24)
    patch = rendered(quiet, grid)
    start = np.rint((np.array(grid.origin_mm) - window.origin_mm) / SPACING_MM).astype(int)
    box = tuple(slice(at, at + 24) for at in start)
    np.testing.assert_array_equal(patch.truth.voxels > 0, whole.truth.voxels[box] > 0)
    inner = (slice(3, -3),) * 3  # the blur sees no further
    difference = np.abs(patch.ct.voxels[inner].astype(int) - whole.ct.voxels[box][inner])
    assert difference.max() <= 2
    assert (patch.truth.voxels > 0).any()


def test_another_spacing_shows_the_same_tumors(plan: RandomPlan) -> None:
    """At half the spacing the volumes of both tumors are within a tenth."""
    volumes = []
    for spacing in (SPACING_MM, SPACING_MM / 2):
        truth = rendered(plan, plan.window(spacing)).truth.voxels
        volumes.append(np.bincount(truth.ravel())[1:] * spacing**3)
    assert len(volumes[0]) == 2
    np.testing.assert_allclose(volumes[0], volumes[1], rtol=0.1)


def test_a_cube_that_fits_stays_in_the_window_and_a_larger_one_holds_it() -> None:
    """Along z the cube is moved inside; along y and x, where it is too large, it holds the window."""
    window = Grid((40, 10, 10), 1.0, (5.0, 0.0, 0.0))
    grid = cube(window, np.array([5.0, 5.0, 5.0]), 20)
    assert grid.origin_mm[0] == 5.0
    assert all(at <= 0 and at + 20 >= 10 for at in grid.origin_mm[1:])


def test_numbers_follow_y_then_z() -> None:
    """The tumor at lower y is 1, whatever it was."""
    truth = np.zeros((2, 4, 2), np.uint8)
    truth[0, 3, 0], truth[1, 0, 1], truth[0, 0, 0] = 1, 3, 2
    found = numbered(truth)
    assert (found[0, 0, 0], found[1, 0, 1], found[0, 3, 0]) == (1, 2, 3)


def test_a_tumor_is_as_often_darker_as_brighter_than_muscle() -> None:
    """Of 400 tumors between a quarter and a half are brighter than the muscle beside them: brightness tells nothing."""
    rng = np.random.default_rng(0)
    tumors = [draw_tumor(1, True, 52.0, wider=False, rng=rng) for _ in range(400)]
    brighter = np.mean([tumor.shape.hu > 52.0 for tumor in tumors])
    assert 0.25 < brighter < 0.5
    assert abs(np.median([tumor.shape.hu for tumor in tumors]) - 48.0) < 3


@given(seed=st.integers(0, 10**6))
def test_volumes_stay_in_the_published_range(seed: int) -> None:
    """14 to 4,000 mm3."""
    assert SMALLEST_MM3 <= draw_volume_mm3(wider=False, rng=np.random.default_rng(seed)) <= LARGEST_MM3


def test_many_plans_show_every_kind() -> None:
    """Forty plans: none, one and two tumors, a neighbour in some, muscle from under -90 to over 50 HU."""
    plans = [random_plan(seed) for seed in range(40)]
    assert {len(one.animals[0].animal.tumors) for one in plans} >= {0, 1, 2}
    assert 2 < sum(len(one.animals) == 2 for one in plans) < 25
    assert not any(one.animals[1].animal.tumors for one in plans if len(one.animals) == 2)
    muscle = [one.look.contrast * 1052 - 1000 + one.look.shift_hu for one in plans]
    assert -120.5 < min(muscle) < -90
    assert 50 < max(muscle) < 80.5


def test_a_tumor_lies_where_the_plan_says(plan: RandomPlan) -> None:
    """The truth has a voxel within the reach of each tumor's place, and all of it lies in the first mouse."""
    window = plan.window(SPACING_MM)
    truth = rendered(plan, window).truth.voxels
    places = np.argwhere(truth > 0) * SPACING_MM + window.origin_mm
    first: LaidAnimal = plan.animals[0]
    for tumor in first.animal.tumors:
        low, high = tumor_box(first.animal.body, tumor)
        assert np.linalg.norm(places - first.warp.field_place((low + high) / 2), axis=1).min() < 3.0
    low, high = first.box_mm
    assert (places >= low - 2).all()
    assert (places <= high + 2).all()


def test_a_scanner_without_faults_shows_true_hu_on_its_scale() -> None:
    """Contrast 0.9 and a shift of 10 turn 50 HU into 0.9 * 1050 - 1000 + 10 = -45; noise has the SD asked for."""
    grid = Grid((24, 24, 24), 0.21)
    even = np.full(grid.shape, 50.0, np.float32)
    clear = seen(even.copy(), grid, Look(contrast=0.9, shift_hu=10.0, noise_hu=0.0))
    assert np.unique(clear).tolist() == [-45]
    noisy = seen(even.copy(), grid, Look(noise_hu=40.0))[4:-4, 4:-4, 4:-4]
    assert noisy.std() == pytest.approx(40.0, rel=0.2)


def test_bone_darkens_what_lies_beside_it() -> None:
    """A rod of bone along z: soft tissue in its row and column is darker, on the diagonal it is not."""
    grid = Grid((20, 60, 60), 0.42)
    hu = np.full(grid.shape, 50.0, np.float32)
    hu[:, 28:32, 28:32] = 1050.0
    found = seen(hu, grid, Look(noise_hu=0.0, bands=0.5))
    assert found[10, 30, 40] < 45
    assert found[10, 40, 30] < 45
    assert found[10, 40, 40] == 50


def test_stripes_hang_on_the_field() -> None:
    """A part of the field shows the stripes of the whole, the same all along x."""
    grid = Grid((20, 20, 4), 0.5, (3.0, -2.0, 0.0))
    whole = rows(grid, rng=np.random.default_rng(2))
    box = (slice(5, 15), slice(3, 9), slice(0, 4))
    np.testing.assert_allclose(rows(grid.part(box), rng=np.random.default_rng(2)), whole[5:15, 3:9], atol=1e-5)
    assert whole.shape == (20, 20, 1)
    assert whole.std() > 0.5
