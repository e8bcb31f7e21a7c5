"""Finding mice: drawings first, then phantoms, then the real scan of two mice."""

from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from murinoma.errors import GeometryError
from murinoma.numerics.blocks import block_mean, dilate, erode, spread
from murinoma.numerics.mice import FoundMice, find_mice
from murinoma.phantom.body import Build, Pose
from murinoma.phantom.mouse import Mouse, paint_mouse
from murinoma.phantom.scanner import Scanner, acquire
from murinoma.phantom.shapes import Grid
from murinoma.phantom.tumors import Tumor

Image = npt.NDArray[Any]
MM = 0.7  # voxels of the drawings
FIELD_MM = (110.0, 40.0, 76.0)
REAL_MM = 0.39082


class Drawing:
    """A field of air in which simple animals, sheets and rods are drawn, in millimetres (z, y, x)."""

    def __init__(self, size_mm: tuple[float, float, float] = FIELD_MM) -> None:
        shape = [round(size / MM) for size in size_mm]
        self.hu = np.full(shape, -1000.0, np.float32)
        self.owner = np.zeros(shape, np.uint8)
        self.axes = np.meshgrid(*[np.arange(size) * MM for size in shape], indexing="ij", sparse=True)

    def ball(self, centre: tuple[float, ...], radii: tuple[float, ...], hu: float, owner: int = 0) -> None:
        """Fill an ellipsoid."""
        inside = sum(((a - c) / r) ** 2 for a, c, r in zip(self.axes, centre, radii, strict=True)) <= 1
        self.hu[inside] = hu
        self.owner[inside & (self.owner == 0)] = owner

    def block(self, low: tuple[float, ...], high: tuple[float, ...], hu: float) -> None:
        """Fill a block where there is air."""
        sides = (slice(round(a / MM), round(b / MM)) for a, b in zip(low, high, strict=True))
        part = self.hu[tuple(sides)]
        part[part < hu] = hu

    def mouse(self, owner: int, y: float, x: float, *, z: float = 55.0, length: float = 80.0) -> None:
        """Draw a body 22 mm wide and 18 mm high with a skull, a spine and a pelvis; its head at the high end."""
        self.ball((z, y, x), (length / 2, 9, 11), 0, owner)
        self.ball((z + 0.36 * length, y, x), (7, 4, 5), 900)
        self.ball((z, y + 2, x), (0.42 * length, 1.6, 1.6), 900)
        self.ball((z - 0.3 * length, y, x), (6, 3, 7), 900)

    def found(self, **options: Any) -> FoundMice:
        """Return the mice that are found in it."""
        return find_mice(self.hu, spacing_mm=(MM, MM, MM), **options)


def masks(shape: tuple[int, ...], found: FoundMice) -> npt.NDArray[np.uint8]:
    """Return the numbers 1, 2, ... of the mice found on the grid of the image."""
    labels = np.zeros(shape, np.uint8)
    for number, mouse in enumerate(found.mice, start=1):
        part = labels[mouse.box]
        part[mouse.mask()] = number
    return labels


def share_in_box(owner: npt.NDArray[np.uint8], number: int, found: FoundMice) -> float:
    """Return the share of an animal's voxels inside the box of the mouse with its number."""
    own = owner == number
    return float(own[found.mice[number - 1].box].sum() / own.sum())


def pair() -> Drawing:
    """Draw two mice side by side, 4 mm apart."""
    drawing = Drawing()
    drawing.mouse(1, 20, 20)
    drawing.mouse(2, 20, 46)
    return drawing


# ---- tools


def test_block_mean_is_the_mean_and_drops_what_is_left_over() -> None:
    """Blocks of 2 x 1 x 2 voxels are averaged; a third column that fills no block is not used."""
    image = np.array([[[0, 2, 9]], [[4, 6, 9]]], np.int16)
    assert block_mean(image, (2, 1, 2)).tolist() == [[[3.0]]]


def test_growing_and_shrinking_reach_faces_first_and_corners_second() -> None:
    """One step adds 6 voxels to one; two steps fill a block of 27 and its six caps of 9; shrinking takes them back."""
    mask = np.zeros((9, 9, 9), bool)
    mask[4, 4, 4] = True
    assert dilate(mask, 1).sum() == 7
    assert dilate(mask, 2).sum() == 27 + 6 * 9
    np.testing.assert_array_equal(erode(dilate(mask, 2), 2), mask)


def test_labels_spread_only_within_a_mask() -> None:
    """A wall stops a label; voxels behind it stay 0 and unreached."""
    labels, taken = spread(np.array([[[1, 0, 0, 0]]]), np.array([[[True, True, False, True]]]), 5)
    assert labels.tolist() == [[[1, 1, 0, 0]]]
    assert taken.tolist() == [[[0, 1, 255, 255]]]


# ---- drawings


def test_two_mice_side_by_side_are_found_left_first() -> None:
    """Two bodies in air are two mice, whole in their boxes, without a doubt; the left one comes first."""
    drawing = pair()
    found = drawing.found()
    assert [(mouse.row, mouse.column) for mouse in found.mice] == [(0, 0), (0, 1)]
    assert found.doubts == ()
    assert found.soft_tissue_hu == pytest.approx(0, abs=15)
    np.testing.assert_allclose(found.mice[0].centre_mm, (55, 20, 20), atol=1)
    assert share_in_box(drawing.owner, 1, found) == 1
    assert share_in_box(drawing.owner, 2, found) == 1


def test_the_mask_is_the_body() -> None:
    """A mask in full resolution has the shape of its box and differs from the drawn body by less than 5 %."""
    drawing = pair()
    found = drawing.found()
    mouse = found.mice[1]
    assert mouse.mask().shape == drawing.hu[mouse.box].shape
    labels = masks(drawing.hu.shape, found)
    assert ((labels == 2) != (drawing.owner == 2)).sum() < 0.05 * (drawing.owner == 2).sum()


def test_an_empty_place_keeps_the_numbers_of_the_others() -> None:
    """Of four places with the lower left one empty, the mouse at the lower right is in row 1, column 1."""
    drawing = Drawing((110.0, 76.0, 76.0))
    for owner, (y, x) in enumerate(((20, 20), (20, 50), (54, 50)), start=1):
        drawing.mouse(owner, y, x)
    found = drawing.found()
    assert [(mouse.row, mouse.column) for mouse in found.mice] == [(0, 0), (0, 1), (1, 1)]


def test_a_bed_a_cable_and_a_box_are_no_mouse_and_in_no_body() -> None:
    """A sheet that the body touches, a bright rod and a thick wall change neither the number nor the bodies."""
    drawing = pair()
    drawing.block((0, 29, 2), (110, 30.4, 70), 0)
    drawing.block((0, 6, 33), (110, 7.4, 34.4), 1500)
    drawing.block((0, 34, 0), (110, 40, 76), -50)
    found = drawing.found()
    assert len(found.mice) == 2
    labels = masks(drawing.hu.shape, found)
    foreign = (labels > 0) & ~ndimage.binary_dilation(drawing.owner > 0, iterations=3)
    assert foreign.sum() < 0.002 * (drawing.owner > 0).sum()


def test_mice_that_touch_are_parted_and_it_is_said() -> None:
    """Two bodies that overlap by 1 mm stay two, share less than 1 % of a body, and a doubt names them."""
    drawing = Drawing()
    drawing.mouse(1, 20, 20)
    drawing.mouse(2, 20, 41)
    found = drawing.found()
    labels = masks(drawing.hu.shape, found)
    assert len(found.mice) == 2
    for own, other in ((1, 2), (2, 1)):
        assert ((labels == own) & (drawing.owner == other)).sum() < 0.01 * (drawing.owner == other).sum()
    assert any("mice 1 and 2 touch" in doubt for doubt in found.doubts)


def test_a_bulging_tumor_is_in_the_box_of_its_own_mouse() -> None:
    """A ball of 16 mm on one mouse's flank, far from every bone and against its neighbour, belongs to that mouse."""
    drawing = Drawing((110.0, 44.0, 96.0))
    drawing.mouse(1, 20, 20)
    drawing.mouse(2, 20, 56.5)
    drawing.ball((40, 20, 36.5), (8, 8, 8), 10, owner=1)
    found = drawing.found()
    labels = masks(drawing.hu.shape, found)
    tumor = np.zeros(drawing.hu.shape, bool)
    tumor[tuple(slice(round((c - 4) / MM), round((c + 4) / MM)) for c in (40, 20, 38))] = True
    assert (labels[tumor] == 1).mean() > 0.99
    assert share_in_box(drawing.owner, 1, found) > 0.999


def test_a_mouse_cut_by_the_field_is_found_and_the_place_is_said() -> None:
    """A body that runs out of the field at its last slice along z is found, and the doubt names that end."""
    drawing = Drawing()
    drawing.mouse(1, 20, 30, z=80)
    found = drawing.found()
    assert len(found.mice) == 1
    assert any("mouse 1 is cut" in doubt and "last slice along z" in doubt for doubt in found.doubts)


@pytest.mark.parametrize(("expected", "kept"), [(1, 1), (2, 2), (3, 2)])
def test_another_number_than_expected_is_a_doubt(expected: int, kept: int) -> None:
    """Two mice where one or three are expected: at most the expected number is kept, and the difference is said."""
    found = pair().found(expected=expected)
    assert len(found.mice) == kept
    assert any("expected" in doubt for doubt in found.doubts) == (expected != 2)


def test_an_empty_field_has_no_mouse_and_a_doubt() -> None:
    """Air with a bed in it gives no mouse, no error, and a sentence."""
    drawing = Drawing()
    drawing.block((0, 29, 2), (110, 30.4, 70), 0)
    found = drawing.found()
    assert found.mice == ()
    assert "no mouse was found" in found.doubts[0]


def test_a_larger_animal_is_no_mouse() -> None:
    """The same drawing in voxels 4 times as large is an animal of 30 cm: no mouse, and the doubt says too large."""
    found = find_mice(pair().hu, spacing_mm=(4 * MM,) * 3)
    assert found.mice == ()
    assert any("too large" in doubt for doubt in found.doubts)


def test_flesh_without_a_skeleton_is_no_mouse() -> None:
    """A tube of water with a bright straight rod in it is no mouse."""
    drawing = Drawing()
    drawing.ball((55, 20, 30), (40, 9, 9), 0)
    drawing.block((20, 19, 29), (90, 21, 31), 1200)
    assert drawing.found().mice == ()


def test_an_image_that_is_no_volume_is_refused() -> None:
    """A single slice, or a spacing of 0 mm, is refused with both values."""
    with pytest.raises(GeometryError, match=r"\(4, 4\)"):
        find_mice(np.zeros((4, 4)), spacing_mm=(1, 1, 1))
    with pytest.raises(GeometryError, match="spacing"):
        find_mice(np.zeros((4, 4, 4)), spacing_mm=(1, 0, 1))


@settings(max_examples=6)
@given(
    offset_hu=st.integers(-120, 80),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    order=st.permutations((0, 1, 2)),
    shift=st.integers(-8, 8),
)
def test_number_does_not_depend_on_place_orientation_or_offset(
    offset_hu: int, flips: tuple[bool, bool, bool], order: list[int], shift: int
) -> None:
    """Two mice stay two whatever is mirrored, turned, moved or added to the HU; the body axis turns with them."""
    image = np.flip(np.roll(pair().hu, shift, axis=2), tuple(axis for axis in range(3) if flips[axis]))
    found = find_mice(image.transpose(order) + np.float32(offset_hu), spacing_mm=(MM, MM, MM))
    assert len(found.mice) == 2
    assert found.body_axis == order.index(0)
    assert found.soft_tissue_hu == pytest.approx(offset_hu, abs=20)


def test_noise_does_not_change_the_number() -> None:
    """With noise of 200 HU per voxel both mice are found, and nearly all of each is in its box."""
    drawing = pair()
    drawing.hu += np.random.default_rng(1).normal(0, 200, drawing.hu.shape).astype(np.float32)
    found = drawing.found()
    assert len(found.mice) == 2
    assert share_in_box(drawing.owner, 1, found) > 0.999


# ---- phantoms

PHANTOM_MM = 0.5


@cache
def phantom(roll_deg: float, length_mm: float, tumor_mm3: float) -> npt.NDArray[np.float32]:
    """Return the HU of a phantom mouse with a tumor on its left flank."""
    grid = Grid((212, 112, 112), PHANTOM_MM)
    mouse = Mouse(Build(length_mm=length_mm), (Tumor(side=1, along=0.28),))
    painted = paint_mouse(mouse, Pose(roll_deg=roll_deg, centre_mm=(28.0, 28.0)), [tumor_mm3], grid)
    return painted.hu


def acquisition(places_mm: list[tuple[float, float]], animals: list[Image], width_mm: float) -> tuple[Image, Image]:
    """Return the CT of phantom mice at places (y, x), mm, on a bed each, and whose each voxel is."""
    shape = (230, round(56 / PHANTOM_MM), round(width_mm / PHANTOM_MM))
    hu, owner = np.full(shape, -1000, np.float32), np.zeros(shape, np.uint8)
    y, x = np.ogrid[: shape[1], : shape[2]]
    for number, ((at_y, at_x), animal) in enumerate(zip(places_mm, animals, strict=True), start=1):
        low = [
            8,
            *(round(at / PHANTOM_MM) - size // 2 for at, size in zip((at_y, at_x), animal.shape[1:], strict=True)),
        ]
        part = tuple(slice(start, start + size) for start, size in zip(low, animal.shape, strict=True))
        owner[part][(animal > -500) & (owner[part] == 0)] = number
        np.maximum(hu[part], animal, out=hu[part])
        ring = np.abs(np.hypot(y * PHANTOM_MM - at_y, x * PHANTOM_MM - at_x) - 16) < 0.5
        hu[:, ring & (y * PHANTOM_MM > at_y)] = np.maximum(hu[:, ring & (y * PHANTOM_MM > at_y)], 50)
    scanner = Scanner(low_hu=-1000, high_hu=3000, shift_hu=-60)
    return acquire(hu, PHANTOM_MM, scanner, rng=np.random.default_rng(3)), owner


def check_phantoms(ct: Image, owner: Image, number: int) -> None:
    """Check that so many mice are found, each whole in its box and nearly without its neighbours."""
    found = find_mice(ct, spacing_mm=(PHANTOM_MM,) * 3)
    assert len(found.mice) == number
    labels = masks(ct.shape, found)
    for mouse in range(1, number + 1):
        assert share_in_box(owner, mouse, found) > 0.999
        strangers = [
            ((labels == mouse) & (owner == other)).sum() / (owner == other).sum() for other in range(1, number + 1)
        ]
        assert sum(strangers) - strangers[mouse - 1] < 0.01


def test_three_phantoms_in_a_row_with_a_short_one_and_a_large_tumor() -> None:
    """Heads at either end, one of 62 mm, one with a tumor of 2 cm3: all three are found, whole, in beds."""
    animals = [phantom(90, 84, 300), phantom(90, 62, 100)[::-1], phantom(-90, 84, 2000)]
    ct, owner = acquisition([(26, 26), (26, 64), (26, 102)], animals, 130)
    check_phantoms(ct, owner, 3)


def test_phantoms_that_touch() -> None:
    """Two phantoms pressed together until their skins meet are two, and less than 1 % of one is the other's."""
    left, right = phantom(90, 84, 100), phantom(90, 84, 100)[::-1]
    gap = next(gap for gap in range(60, 0, -1) if ((left > -500)[:, :, gap:] & (right > -500)[:, :, :-gap]).any())
    ct, owner = acquisition([(26, 28), (26, 28 + (gap + 1) * PHANTOM_MM)], [left, right], 100)
    check_phantoms(ct, owner, 2)


# ---- the real scan


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Image:
    """Return the real scan of two mice, (z, y, x)."""
    loaded: Any = nib.load(shared_data / "inveon_two_mice_0.39mm.nii.gz")
    return np.asarray(loaded.dataobj).T


@pytest.fixture(scope="module")
def real_found(real: Image) -> FoundMice:
    """Return what is found in the real scan."""
    return find_mice(real, spacing_mm=(REAL_MM,) * 3)


def test_real_scan_holds_two_mice_of_plausible_size(real_found: FoundMice) -> None:
    """Two mice lie side by side along z, each of 15 to 20 cm3; their soft tissue reads about -90 HU."""
    assert [(mouse.row, mouse.column) for mouse in real_found.mice] == [(0, 0), (0, 1)]
    assert real_found.body_axis == 0
    assert real_found.soft_tissue_hu == pytest.approx(-90, abs=25)
    for mouse in real_found.mice:
        assert 15 < mouse.body.sum() * REAL_MM**3 / 1000 < 20


def test_real_tumors_and_limbs_are_in_the_masks(real: Image, real_found: FoundMice) -> None:
    """Both flank tumors (seen at slice 210), all eight paws and both snouts are body; bed, cone and wall are not."""
    labels = masks(real.shape, real_found)
    tumors, paws = [(210, 138, 120), (210, 140, 203)], [(75, 148, 66), (75, 138, 112), (75, 138, 169), (75, 149, 210)]
    hind, snouts = [(280, 148, 78), (280, 148, 136), (280, 146, 152), (280, 146, 211)], [(70, 152, 100), (60, 155, 185)]
    for z, y, x in tumors + paws + hind + snouts:
        assert labels[z - 2 : z + 3, y - 4 : y + 5, x - 4 : x + 5].any(), (z, y, x)
    for z, y, x in [(159, 180, 103), (159, 180, 185), (60, 138, 98), (200, 100, 44), (200, 58, 128), (160, 230, 128)]:
        assert not labels[z - 2 : z + 3, y - 1 : y + 2, x - 1 : x + 2].any(), (z, y, x)


def test_real_scan_turned_cut_and_offset(real: Image, real_found: FoundMice) -> None:
    """Mirrored, turned, 100 HU darker or brighter: the same two bodies, to 2 % of their volume."""
    volumes = sorted(int(mouse.body.sum()) for mouse in real_found.mice)
    for image in (real[::-1], real[:, :, ::-1], np.rot90(real, 1, (0, 2)), real + 100, real - 100):
        found = find_mice(image, spacing_mm=(REAL_MM,) * 3)
        assert sorted(int(mouse.body.sum()) for mouse in found.mice) == pytest.approx(volumes, rel=0.02)


@pytest.mark.parametrize("third", [0, 1, 2])
def test_a_third_of_the_real_scan_still_holds_two_mice_and_says_they_are_cut(real: Image, third: int) -> None:
    """Heads, trunks or hind parts alone are two mice, left and right, both said to be cut by the field of view."""
    found = find_mice(real[113 * third : 113 * (third + 1)], spacing_mm=(REAL_MM,) * 3)
    assert [mouse.column for mouse in found.mice] == [0, 1]
    for number in (1, 2):
        assert any(f"mouse {number} is cut" in doubt for doubt in found.doubts)


def test_real_scan_with_noise(real: Image, real_found: FoundMice) -> None:
    """With noise of 200 HU added, 99 % of what was body is in the boxes."""
    noisy = real + np.random.default_rng(2).normal(0, 200, real.shape)
    found = find_mice(noisy, spacing_mm=(REAL_MM,) * 3)
    labels = masks(real.shape, real_found)
    assert len(found.mice) == 2
    for number, mouse in enumerate(found.mice, start=1):
        assert (labels[mouse.box] == number).sum() > 0.99 * (labels == number).sum()
