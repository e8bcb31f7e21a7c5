"""Acquisitions: where each mouse lies, what carries it, what the scanner sees, and the truth about all of it."""

import pickle
from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from murinoma.errors import InputError
from murinoma.numerics.agreement import pairwise_dice
from murinoma.numerics.votes import count_votes
from murinoma.phantom.acquisition import (
    AcquisitionSpec,
    PhantomAcquisition,
    acquisitions,
    plan_acquisitions,
    render_acquisition,
)
from murinoma.phantom.arrangement import Layout, arranged, tracks
from murinoma.phantom.attachments import TAIL
from murinoma.phantom.bed import Cone, Slab, Tube
from murinoma.phantom.body import Build, Pose
from murinoma.phantom.cohort import DatasetPlan, StudyPlan, plan_scans, render
from murinoma.phantom.furniture import Bed
from murinoma.phantom.mouse import Mouse, centred, field_grid
from murinoma.phantom.placing import PlacedMouse, Scene, add_mouse, empty_scene
from murinoma.phantom.random_field import ARRANGEMENTS, random_acquisition
from murinoma.phantom.scanner import Scanner
from murinoma.phantom.shapes import Capsule, Grid, Point
from murinoma.phantom.tumors import Tumor
from murinoma.volume import Box

SPACING_MM = 0.6
QUIET = Scanner(blur_mm=0.05, noise_hu=0.0, low_hu=-1000.0, high_hu=3000.0)
FIELD = Grid((190, 90, 110), SPACING_MM)  # 114 x 54 x 66 mm
FLANK = Mouse(Build(), (Tumor(side=1, along=0.3),))
PLAN = StudyPlan(
    (
        DatasetPlan("Dataset 1", 3, ("0d", "8d"), median_mm3=400.0),
        DatasetPlan("Dataset 2", 4, ("0d",), tumors_per_mouse=2, median_mm3=200.0, mice_per_acquisition=4),
    ),
    spacing_mm=SPACING_MM,
    air_hu=-300,
    bone_hu=500,
)


def mouse_at(at_mm: Point, **how: object) -> PlacedMouse:
    """Return a mouse of 500 mm3 of tumor on its left flank, at a place of the field."""
    grid = field_grid(SPACING_MM)
    placed = PlacedMouse(FLANK, centred(FLANK, Pose(), [500.0], grid), (500.0,), grid, at_mm)
    return replace(placed, **how)  # type: ignore[arg-type]


def scene_of(*mice: PlacedMouse) -> tuple[Scene, list[PlacedMouse]]:
    """Return a field with some mice in it, and where they came to rest."""
    scene = empty_scene(FIELD)
    return scene, [add_mouse(scene, placed, number)[1] for number, placed in enumerate(mice, start=1)]


def bounds_mm(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the lowest and highest place of a mask along (z, y, x), mm."""
    first, last = edges(mask)
    return first.astype(np.float64) * SPACING_MM, last.astype(np.float64) * SPACING_MM


def voxel(placed: PlacedMouse, point: Point) -> tuple[int, int, int]:
    """Return the voxel of the field at a point in body coordinates."""
    z, y, x = np.rint(placed.to_field(placed.body.place(point)) / SPACING_MM).astype(int).tolist()
    return z, y, x


@pytest.fixture(scope="module")
def study() -> list[PhantomAcquisition]:
    """All five acquisitions of the small study."""
    return list(acquisitions(PLAN, seed=5))


def test_a_mouse_lies_where_it_was_told() -> None:
    """The middle of its body is the place asked for to 1 mm; along z to 3, as its own field cuts the tail."""
    for at_mm in ((57.0, 27.0, 33.0), (55.0, 30.3, 25.1)):
        scene, _ = scene_of(mouse_at(at_mm))
        low, high = bounds_mm(scene.bodies == 1)
        assert (np.abs((low + high) / 2 - at_mm) < (3.0, 1.0, 1.0)).all()


@pytest.mark.parametrize(("turns", "head_first"), list(product(range(4), (False, True))))
def test_anatomy_follows_the_turn(turns: int, head_first: bool) -> None:
    """However it is turned, lungs are dark, the brain case is bright and the tumor is where the body has them."""
    placed = mouse_at((57.0, 27.0, 33.0), quarter_turns=turns, head_first=head_first)
    scene, _ = scene_of(placed)
    assert scene.hu[voxel(placed, (0.575, 3.9, -0.6))] < -250
    assert scene.hu[voxel(placed, (0.575, -4.0, -0.4))] < -250
    teeth = voxel(placed, (0.968, 0.5, 2.0))
    assert scene.hu[tuple(slice(at - 1, at + 2) for at in teeth)].max() > 700
    tumor = np.argwhere(scene.tumors == 1).mean(axis=0) * SPACING_MM
    left = placed.to_field(placed.body.place((0.3, 13.0, 4.0)))
    assert np.linalg.norm(tumor - left) < 3.5


def test_a_mouse_on_its_back_has_its_spine_below() -> None:
    """With one quarter turn the belly points up, in a slice shown with y downwards; with three it points down."""
    for turns, sign in ((1, -1), (3, 1)):
        placed = mouse_at((57.0, 27.0, 33.0), quarter_turns=turns)
        back, belly = (placed.to_field(placed.body.place((0.4, 0.0, v))) for v in (-5.0, 5.0))
        np.testing.assert_allclose(belly - back, (0, sign * 10, 0), atol=1e-9)


def test_the_head_can_lie_at_either_end_without_mirroring() -> None:
    """Turned round, nose and tail swap ends, the belly still points up, and the left flank changes sides."""
    for head_first in (False, True):
        placed = mouse_at((57.0, 27.0, 33.0), head_first=head_first)
        places = [placed.body.place(p) for p in ((0.2, 0.0, 0.0), (0.8, 0.0, 0.0), (0.5, 6.0, 0.0), (0.5, 0.0, 6.0))]
        rump, head, left, belly = placed.to_field(places)
        axes = np.array([head - rump, left - (rump + head) / 2, belly - (rump + head) / 2])
        assert (head[0] < rump[0]) == head_first
        assert belly[1] < rump[1]
        assert np.linalg.det(axes) > 0  # as in its own field, where they run along z, y and x


@pytest.mark.parametrize("start_mm", [15.0, 27.0, 40.0])
def test_a_mouse_is_let_down_on_its_tray(start_mm: float) -> None:
    """From wherever it starts, the lowest voxel of its body lies right above the tray, and none below."""
    tray = Slab((0.0, 42.0, 2.0), (114.0, 43.0, 64.0))
    scene, _ = scene_of(mouse_at((57.0, start_mm, 33.0), rests_on=tray))
    _, high = bounds_mm(scene.bodies == 1)
    assert 42.0 - SPACING_MM <= high[1] < 42.0


def test_a_mouse_lies_in_its_half_tube() -> None:
    """No body lies in the wall or under it, and some of it lies within 1.5 voxels of the inner surface."""
    tube = Tube((25.0, 33.0), radius_mm=18.0, wall_mm=1.0, span_mm=(0.0, 114.0), arc_deg=90.0)
    scene, _ = scene_of(mouse_at((57.0, 27.0, 33.0), rests_on=tube))
    y, x = (axis.astype(float) for axis in FIELD.axes()[1:])
    outside = np.where(y > 25.0, np.hypot(y - 25.0, x - 33.0) - 18.0, -1.0)
    depth = np.broadcast_to(outside, FIELD.shape)[scene.bodies == 1]
    assert -1.5 * SPACING_MM < depth.max() <= 0


def test_a_pressed_mouse_is_flattened_but_not_its_tumor() -> None:
    """Pressed by 1.2 mm it covers more of the tray; a tumor on the side it lies on keeps every voxel."""
    tray = Slab((0.0, 42.0, 2.0), (114.0, 43.0, 64.0))
    loose, pressed = (
        scene_of(mouse_at((57.0, 27.0, 33.0), rests_on=tray, pressed_mm=by))[0].bodies == 1 for by in (0.0, 1.2)
    )
    row = round(42.0 / SPACING_MM) - 1
    assert pressed[:, row].sum() > loose[:, row].sum() > 0
    assert not pressed[:, row + 1 :].any()
    on_tumor, _ = scene_of(mouse_at((57.0, 20.0, 33.0), quarter_turns=0, rests_on=tray, pressed_mm=5.0))
    assert (on_tumor.tumors > 0).sum() * SPACING_MM**3 == pytest.approx(500.0, rel=0.01)


@pytest.mark.parametrize(("axis", "second_mm"), [(2, (57.0, 27.0, 60.0)), (1, (57.0, 47.0, 18.0))])
def test_mice_can_touch(axis: int, second_mm: Point) -> None:
    """A mouse pushed along x (or y) shares a face with the one before it, and no voxel."""
    first = mouse_at((57.0, 20.0, 17.0))
    apart, _ = scene_of(first, mouse_at(second_mm))
    near, (_, at_rest) = scene_of(first, mouse_at(second_mm, slides=axis))
    grown = ndimage.binary_dilation(near.bodies == 1)
    assert (grown & (near.bodies == 2)).any()
    assert (near.bodies == 1).sum() == (apart.bodies == 1).sum()
    assert at_rest.at_mm[axis] < second_mm[axis]


def test_mice_pressed_together_share_a_face_and_no_voxel() -> None:
    """Pressed by 2 mm they touch over a larger face; the first keeps its body, the second its tumor."""
    first, second = mouse_at((57.0, 27.0, 17.0)), mouse_at((57.0, 27.0, 50.0), slides=2)
    loose, _ = scene_of(first, second)
    tight, _ = scene_of(first, replace(second, pressed_mm=2.0))
    faces = [(ndimage.binary_dilation(s.bodies == 1) & (s.bodies == 2)).sum() for s in (loose, tight)]
    assert faces[1] > faces[0] > 0
    assert (tight.bodies == 1).sum() == (loose.bodies == 1).sum()
    assert (tight.tumors[tight.bodies == 2] > 0).sum() == (loose.tumors[loose.bodies == 2] > 0).sum()


def test_a_lonely_mouse_is_not_pushed_anywhere() -> None:
    """Without a mouse before it, or a bed under it, it stays where it is."""
    beside = Slab((0.0, 42.0, 100.0), (114.0, 43.0, 120.0))
    placed = mouse_at((57.0, 27.0, 33.0))
    _, (at_rest,) = scene_of(replace(placed, slides=2, rests_on=beside))
    assert at_rest.at_mm == placed.at_mm


def test_a_mouse_can_be_cut_by_the_field() -> None:
    """Half of it outside is no error: the rest is there, and its box ends with the field."""
    spec = AcquisitionSpec("cut", (100, 60, 80), SPACING_MM, (mouse_at((60.0, 18.0, 24.0)),), scanner=QUIET)
    found = render_acquisition(spec)
    assert found.boxes[0][0].stop == 100
    assert (found.bodies.voxels == 1).any()
    away = render_acquisition(replace(spec, mice=(mouse_at((500.0, 18.0, 24.0)),)))
    assert not away.bodies.voxels.any()


def test_the_scanner_shifts_scales_and_cuts() -> None:
    """With a contrast of 0.86 liver of 72 HU reads -78 HU, shifted by 50 HU -28; outside the circle nothing is seen."""
    placed = mouse_at((57.0, 27.0, 33.0))
    liver = voxel(placed, (0.46, -3.0, 1.6))
    spec = AcquisitionSpec("one", FIELD.shape, SPACING_MM, (placed,), scanner=QUIET, contrast=0.86)
    assert render_acquisition(spec).ct.voxels[liver] == pytest.approx(-78, abs=25)
    shifted = replace(spec, scanner=replace(QUIET, shift_hu=50.0), circle_mm=26.0)
    ct = render_acquisition(shifted).ct.voxels
    assert ct[liver] == pytest.approx(-28, abs=25)
    assert (ct[:, :8, :8] == -1000).all()
    assert ct[5, 45, 33] == -950


def test_streaks_grow_towards_the_edge() -> None:
    """Without noise, air varies in the corners and hardly in the middle."""
    spec = AcquisitionSpec("air", (20, 60, 60), SPACING_MM, (), scanner=replace(QUIET, low_hu=-2000.0), streaks_hu=40.0)
    ct = render_acquisition(spec).ct.voxels
    assert ct[:, :6, :6].std() > 15 > 4 * ct[:, 28:32, 28:32].std()


def test_a_nose_cone_surrounds_the_nose_and_spares_it() -> None:
    """Plastic lies 8 to 9 mm around the tip of the nose, none in the body, whichever way the head lies."""
    cone = Cone((0.0, 0.0), (8.0, 8.0), 1.2, (-8.0, 8.0), 150.0)
    for head_first in (False, True):
        placed = mouse_at((57.0, 27.0, 33.0), head_first=head_first, nose_cone=cone)
        spec = AcquisitionSpec("cone", FIELD.shape, SPACING_MM, (placed,), scanner=QUIET)
        bare = render_acquisition(replace(spec, mice=(replace(placed, nose_cone=None),))).ct.voxels
        found = render_acquisition(spec)
        changed = found.ct.voxels.astype(int) - bare > 400
        z, y, x = voxel(placed, (1.0, 0.0, 2.6))
        beyond = z + (-5 if head_first else 5)
        distance = np.argwhere(changed[beyond]) - (y, x)
        assert np.linalg.norm(distance, axis=1) * SPACING_MM == pytest.approx(8.6, abs=1.0)
        assert not (changed & (found.bodies.voxels == 1)).any()


def test_tails_are_marked_apart_from_bodies() -> None:
    """The tail behind its root carries 10 more than the mouse, and its box is the body's alone."""
    placed = mouse_at((62.0, 27.0, 33.0), tail_mm=40.0)
    found = render_acquisition(AcquisitionSpec("tail", FIELD.shape, SPACING_MM, (placed,), scanner=QUIET))
    tail = found.bodies.voxels == TAIL + 1
    (low, _), (tail_low, tail_high) = bounds_mm(found.bodies.voxels == 1), bounds_mm(tail)
    assert tail_low[0] < 3.0
    assert tail_high[0] < low[0] + 6.0
    assert found.boxes[0][0].start * SPACING_MM == pytest.approx(low[0])
    assert found.ct.voxels[tail].max() > 300


def test_rows_and_columns_are_as_wide_as_their_widest_mouse() -> None:
    """Two rows of 20 and 10 mm, an empty one of 26 between them, gaps of 3, margins of 4 mm: 70 mm in all."""
    assert tracks([0, 2], [10, 5], gap_mm=3, margin_mm=4) == ([(4, 20), (27, 26.0), (56, 10)], 70)


def test_mice_side_by_side_lie_on_one_tray() -> None:
    """Both rest on the same tray at the bottom of their row, the second right of the first by a width and the gap."""
    mice = [mouse_at((0.0, 0.0, 0.0)) for _ in range(2)]
    layout = Layout(((0, 0), (0, 1)), gap_mm=(9.0, 5.0), margin_mm=(8.0, 6.0), touching=2)
    (left, right), (tray,), size = arranged(mice, Bed("tray", wall_mm=1.0), layout)
    low, high = mice[0].reach_mm()
    width, height = (high - low)[1:]
    assert right.at_mm[2] - left.at_mm[2] == pytest.approx(width + 5.0)
    assert size[1:] == pytest.approx((height + 16.0, 2 * width + 5.0 + 12.0))
    assert isinstance(tray, Slab)
    assert tray.low_mm[1] == pytest.approx(8.0 + height)
    assert (left.slides, right.slides) == (None, 2)
    assert left.rests_on == right.rests_on == tray


def test_a_study_is_scanned_by_groups(study: list[PhantomAcquisition]) -> None:
    """Acquisitions come by dataset, time and group, with the names of their mice; the odd mouse is alone."""
    names = [(a.spec.scans[0].dataset.name, a.spec.name, a.names) for a in study]
    assert names[:2] == [("Dataset 1", "M01_M02_0d", ("M01", "M02")), ("Dataset 1", "M03_0d", ("M03",))]
    assert names[-1] == ("Dataset 2", "M01_M02_M03_M04_0d", ("M01", "M02", "M03", "M04"))
    assert len(study) == 5
    scans = [scan for a in study for scan in a.spec.scans]
    assert scans == plan_scans(PLAN, seed=5)


def test_an_acquisition_keeps_the_scanners_range(study: list[PhantomAcquisition]) -> None:
    """int16 with air near -1000 and bone over 1000 HU, where single scans are clipped; truth is uint8 on its grid."""
    for found in study:
        assert found.ct.voxels.dtype == np.int16
        assert np.median(found.ct.voxels) == pytest.approx(-1000, abs=30)
        assert found.ct.voxels.min() < -1010
        assert found.ct.voxels.max() > 1000
        for truth in (found.bodies, found.tumors):
            assert truth.voxels.dtype == np.uint8
            assert truth.shape == found.ct.shape
            np.testing.assert_array_equal(truth.affine, found.ct.affine)


def tight_box(mask: npt.NDArray[np.bool_]) -> Box:
    """Return the smallest box that holds a mask."""
    z, y, x = (slice(int(low), int(high) + 1) for low, high in zip(*edges(mask), strict=True))
    return z, y, x


def edges(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the first and the last voxel of a mask along (z, y, x)."""
    places = np.argwhere(mask)
    return places.min(axis=0), places.max(axis=0)


def trimmed(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a mask without the empty space around it."""
    return mask[tight_box(mask > 0)]


def test_the_tumors_are_those_of_the_scan_of_each_mouse(study: list[PhantomAcquisition]) -> None:
    """Turned onto its back, the truth of `render` is the truth of the acquisition, voxel for voxel."""
    for found in study:
        for number, scan in enumerate(found.spec.scans, start=1):
            alone = np.rot90(render(scan).truth.voxels, 1, axes=(1, 2))
            truth = found.truth(number, found.boxes[number - 1])
            np.testing.assert_array_equal(trimmed(truth.voxels), trimmed(alone))


def test_mice_are_numbered_in_reading_order(study: list[PhantomAcquisition]) -> None:
    """Of four mice 1 and 2 are the upper ones, 1 and 3 the left ones."""
    centres = [ndimage.center_of_mass(study[-1].bodies.voxels == number) for number in range(1, 5)]
    (_, *one), (_, *two), (_, *three), (_, *four) = centres
    assert max(one[0], two[0]) + 14 / SPACING_MM < min(three[0], four[0])
    assert max(one[1], three[1]) + 14 / SPACING_MM < min(two[1], four[1])


def check_truth(found: PhantomAcquisition) -> None:
    """Check what holds for every acquisition: boxes around bodies in the field, tumors in bodies, nothing else."""
    count = len(found.spec.mice)
    bodies = found.bodies.voxels
    for number, box in enumerate(found.boxes, start=1):
        assert all(0 < part.start < part.stop < size for part, size in zip(box, found.ct.shape, strict=True))
        assert box == tight_box(bodies == number)
        volume_mm3 = (bodies == number).sum() * found.ct.voxel_mm3
        assert 14_000 < volume_mm3 < 30_000
        numbers = np.unique(found.tumors.voxels[bodies == number])
        assert numbers.max() == len(found.spec.mice[number - 1].volumes_mm3)
    assert set(np.unique(bodies)) <= {0, *range(1, count + 1), *range(TAIL + 1, TAIL + count + 1)}
    assert not found.tumors.voxels[(bodies == 0) | (bodies > TAIL)].any()


def test_truth_is_consistent_in_a_study(study: list[PhantomAcquisition]) -> None:
    """Boxes hold whole bodies inside the field, every tumor voxel belongs to a body."""
    for found in study:
        check_truth(found)


def test_a_split_out_mouse_can_be_annotated(study: list[PhantomAcquisition]) -> None:
    """On the crop of one mouse annotators draw all its tumors, at the crop's place, a little differently."""
    found = study[-1]
    z, y, x = found.boxes[2]
    box: Box = (z, slice(y.start - 5, y.stop + 3), slice(x.start - 4, x.stop + 2))
    truth, drawn = found.truth(3, box), found.annotations(3, box)
    assert sorted(drawn) == ["A", "B", "C"]
    masks = [truth, *drawn.values()]
    for mask in masks:
        np.testing.assert_array_equal(mask.affine, found.ct.crop(box).affine)
        assert np.unique(mask.voxels).tolist() == [0, 1, 2]
    dice = pairwise_dice(count_votes([mask.voxels for mask in masks]).counts)
    assert all(0.6 < dice[a, b] < 1 for a, b in combinations(range(4), 2))


def test_truth_of_one_mouse_leaves_out_its_neighbours(study: list[PhantomAcquisition]) -> None:
    """In a box over the whole field only the tumors of the mouse asked for are left."""
    found = study[0]
    whole: Box = (slice(0, found.ct.shape[0]), slice(0, found.ct.shape[1]), slice(0, found.ct.shape[2]))
    both = [found.truth(number, whole).voxels > 0 for number in (1, 2)]
    assert not (both[0] & both[1]).any()
    np.testing.assert_array_equal(both[0] | both[1], found.tumors.voxels > 0)


def same(a: PhantomAcquisition, b: PhantomAcquisition) -> bool:
    """Tell whether two acquisitions are equal to the byte."""
    pairs = ((a.ct, b.ct), (a.bodies, b.bodies), (a.tumors, b.tumors))
    return a.boxes == b.boxes and all(one.voxels.tobytes() == other.voxels.tobytes() for one, other in pairs)


def test_an_acquisition_depends_on_its_spec_alone(study: list[PhantomAcquisition]) -> None:
    """Made alone, from a pickled spec of a few kilobytes, it equals that of the whole study; another seed differs."""
    spec = plan_acquisitions(PLAN, seed=5)[1]
    light = pickle.dumps(spec)
    assert len(light) < 20_000
    assert same(render_acquisition(pickle.loads(light)), study[1])  # our own bytes
    assert not same(render_acquisition(plan_acquisitions(PLAN, seed=6)[1]), study[1])


def test_too_many_mice_are_refused() -> None:
    """Seven mice in one field are an error that says how many fit."""
    crowd = replace(PLAN, datasets=(DatasetPlan("Dataset 1", 7, mice_per_acquisition=7),))
    with pytest.raises(InputError, match=r"7 mice do not fit.*1 to 6"):
        plan_acquisitions(crowd, seed=1)


@pytest.mark.parametrize("arrangement", list(ARRANGEMENTS))
def test_a_random_acquisition_has_whole_mice_in_the_arrangement_asked_for(arrangement: str) -> None:
    """Every mouse lies whole inside the field, in its row and column: rows over 14 mm apart, then left to right."""
    places = ARRANGEMENTS[arrangement]
    found = render_acquisition(random_acquisition(len(arrangement), SPACING_MM, arrangement))
    check_truth(found)
    assert found.spec.name.startswith(arrangement)
    centres = [
        np.array(ndimage.center_of_mass(found.bodies.voxels == number)) * SPACING_MM
        for number in range(1, len(places) + 1)
    ]
    for (row, column), (other_row, other_column), (a, b) in (
        (places[i], places[j], (centres[i], centres[j])) for i, j in combinations(range(len(places)), 2)
    ):
        assert (b[1] - a[1] > 14) == (other_row > row)
        assert abs(b[1] - a[1]) < 14 or other_row != row
        assert (b[2] - a[2] > 0) == (other_column > column) or other_column == column


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_random_acquisitions_are_of_the_promised_kind(seed: int) -> None:
    """1 to 6 mice, plastic of 0.5 to 1.5 mm and -150 to 150 HU under them, and the same again from the same seed."""
    spec = random_acquisition(seed, SPACING_MM)
    assert random_acquisition(seed, SPACING_MM) == spec
    assert 1 <= len(spec.mice) <= 6
    carriers = {placed.rests_on for placed in spec.mice} - {None}
    for carrier in carriers:
        assert carrier is not None
        thick = carrier.high_mm[1] - carrier.low_mm[1] if isinstance(carrier, Slab) else carrier.wall_mm
        assert 0.5 <= round(thick, 9) <= 1.5
        assert -150 <= carrier.hu <= 150
    assert carriers <= set(spec.furniture)
    assert all(isinstance(piece, Capsule) or piece.hu <= 150 for piece in spec.furniture)


def test_random_acquisitions_differ() -> None:
    """Twelve seeds give over five arrangements with their beds, and no two fields of one shape."""
    specs = [random_acquisition(seed, SPACING_MM) for seed in range(12)]
    assert len({spec.name for spec in specs}) > 5
    assert all(a.shape != b.shape for a, b in pairwise(specs))
