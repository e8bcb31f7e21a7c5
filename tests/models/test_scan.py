"""A CT made ready: the body found, the skin measured, and what is no mouse refused."""

import numpy as np
import pytest

from murinoma.errors import InputError
from murinoma.models.scan import check_body, check_field, coarse_input, fine_input, notices, prepare, skin_depth_mm

SPACING_MM = (0.42, 0.42, 0.42)
BODY = (slice(10, 50), slice(10, 40), slice(10, 40))  # 16.8 x 12.6 x 12.6 mm: 2.7 cm3


def block_mouse(offset_hu: float = 0.0) -> np.ndarray:
    """Return a block of tissue with a lung of air inside, on a bed, air around."""
    image = np.full((60, 52, 50), -400, np.int16)
    image[BODY] = 40
    image[20:28, 20:28, 20:28] = -400
    image[:, 42:44, :] = 30  # the bed: thin, and the mouse lies on it by a foot
    image[20:24, 40:42, 20:24] = 30
    return image + np.int16(offset_hu)


def test_the_body_is_the_largest_thing_and_solid() -> None:
    """The lung is filled, 20 x 15 x 15 rough voxels; of the bed less than 1 % of that is held for mouse."""
    scan = prepare(block_mouse(), SPACING_MM, 0.84, 0.21)
    assert scan.body[5:25, 5:20, 5:20].all()
    assert 20 * 15 * 15 <= np.count_nonzero(scan.body) < 1.01 * 20 * 15 * 15
    assert scan.box == (slice(1, 29), slice(1, 26), slice(1, 24))
    finer = prepare(block_mouse(), SPACING_MM, 0.42, 0.21)
    assert finer.box == (slice(2, 58), slice(2, 52), slice(2, 48))
    assert (finer.body == scan.body).all()
    assert scan.anchor_hu == pytest.approx(40, abs=5)
    assert notices(scan) == []


def test_the_axis_that_the_mouse_lies_along_comes_first() -> None:
    """More than twice as long as wide along x it is the last one; a cube keeps the image's order."""
    long = np.full((50, 50, 90), -400, np.int16)
    long[10:40, 10:40, 10:80] = 40
    assert prepare(long, SPACING_MM, 0.84, 0.21).axes == (2, 0, 1)
    assert prepare(long[:, :, :44], SPACING_MM, 0.84, 0.21).axes == (0, 1, 2)


def test_depth_is_counted_from_the_skin() -> None:
    """The outermost voxels are half a voxel deep, the middle 7.5 voxels: 6.3 mm; outside it is 0."""
    scan = prepare(block_mouse(), SPACING_MM, 0.84, 0.21)
    depth, box = skin_depth_mm(scan)
    assert box == scan.box
    assert depth[4, 11, 11] == pytest.approx(0.42)
    assert depth[14, 11, 11] == pytest.approx(7.5 * 0.84)
    assert depth[0].max() == 0


def test_where_the_image_cuts_the_mouse_there_is_no_skin() -> None:
    """The first slice of a mouse that starts outside the image is as deep as the middle."""
    image = block_mouse()[12:]
    depth, _ = skin_depth_mm(prepare(image, SPACING_MM, 0.84, 0.21))
    assert depth[0].max() == pytest.approx(depth[6].max())


@pytest.mark.parametrize("offset_hu", [-300, -100, 100, 300])
def test_an_offset_changes_nothing_that_a_network_sees(offset_hu: float) -> None:
    """Coarse and fine inputs stay within a fiftieth; far off, the user is told."""
    scan, moved = (prepare(block_mouse(offset), SPACING_MM, 0.84, 0.21) for offset in (0.0, offset_hu))
    box = (slice(30, 62), slice(16, 48), slice(16, 48))
    assert np.abs(coarse_input(scan) - coarse_input(moved)).max() < 0.02
    nothing = np.zeros(coarse_input(scan).shape[1:], np.float32)
    assert np.abs(fine_input(scan, nothing, box) - fine_input(moved, nothing, box)).max() < 0.02
    assert bool(notices(moved)) == (abs(offset_hu) == 300)


def test_fine_voxels_are_the_images_own_where_the_spacing_fits() -> None:
    """At 0.21 mm nothing is resampled; what is suspected lies beside it, on the coarse voxels' own places."""
    image = np.repeat(np.repeat(np.repeat(block_mouse(), 2, 0), 2, 1), 2, 2)
    scan = prepare(image, (0.21, 0.21, 0.21), 0.84, 0.21)
    box = (slice(15, 31), slice(10, 42), slice(20, 36))
    expected = np.clip((image[box] - np.float32(scan.anchor_hu)) / 250, -2, 3)
    suspected = np.zeros(coarse_input(scan).shape[1:], np.float32)
    suspected[2] = 1
    found = fine_input(scan, suspected, box)
    assert np.allclose(found[0], expected, atol=1e-6)
    held = 4 * (scan.corner[0] + 2)  # the coarse voxels that are suspected cover four fine ones
    rows = np.arange(15, 31)
    assert set(rows[found[1, :, 16, 8] > 0.5]) == set(range(held, held + 4)) & set(rows)


def test_voxels_that_are_not_finite_are_air() -> None:
    """NaN outside the mouse leaves no trace; the image given stays as it was."""
    image = block_mouse().astype(np.float32)
    image[:5] = np.nan
    scan = prepare(image, SPACING_MM, 0.84, 0.21)
    assert np.isfinite(scan.rough_hu).all()
    assert np.isnan(image[0, 0, 0])
    with pytest.raises(InputError, match="no finite voxel"):
        prepare(np.full((20, 20, 20), np.nan), SPACING_MM, 0.84, 0.21)


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "sentence"),
    [
        ((10, 10), (0.2, 0.2, 0.2), "three axes"),
        ((10, 10, 1), (0.2, 0.2, 0.2), "three axes"),
        ((100, 512, 512), (1.0, 0.7, 0.7), "voxels of 1 x 0.7 x 0.7 mm"),  # a human's
        ((600, 512, 512), (0.5, 0.5, 0.5), "too large for one mouse"),
        ((60, 60, 60), (0.21, 0.21, 0.0), "is the spacing in its header right"),
    ],
)
def test_what_cannot_be_a_mouse_is_refused(
    shape: tuple[int, ...], spacing_mm: tuple[float, float, float], sentence: str
) -> None:
    """By its field of view alone, before anything is computed."""
    with pytest.raises(InputError, match=sentence):
        check_field(shape, spacing_mm)


@pytest.mark.parametrize("cm3", [0.2, 400.0])
def test_a_body_that_is_no_mouse_is_refused(cm3: float) -> None:
    """A speck, and several mice or another animal."""
    with pytest.raises(InputError, match="a mouse 1 to 120 cm3"):
        check_body(cm3)


def test_an_empty_bed_is_refused() -> None:
    """A plate of plastic, 1.7 mm thick, has the contrast of a body, and is none."""
    image = np.full((60, 52, 50), -400, np.int16)
    image[:, 24:28] = 40
    with pytest.raises(InputError, match="as thick as a mouse"):
        prepare(image, SPACING_MM, 0.84, 0.21)


def test_an_empty_field_is_refused() -> None:
    """Air with noise."""
    image = np.random.default_rng(0).normal(-400, 30, (60, 52, 50))
    with pytest.raises(InputError, match="no body found"):
        prepare(image, SPACING_MM, 0.84, 0.21)
