"""The anchor: soft tissue is found whatever the HU are off by."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.models.intensity import body_threshold_hu, normalised, soft_tissue_hu


def mouse(*, air_hu: float, noise_hu: float, share: int = 3) -> np.ndarray:
    """Return 40^3 voxels: one in `share` slices is soft tissue at 40 HU, a tenth of it bone, the rest air."""
    image = np.full((40, 40, 40), air_hu)
    depth = 40 // share
    image[:depth] = 40.0
    image[:depth, :4] = 900.0
    return image + np.random.default_rng(3).normal(0, noise_hu, image.shape)


@pytest.mark.parametrize("air_hu", [-400.0, -1000.0])
@pytest.mark.parametrize("noise_hu", [0.0, 30.0, 100.0])
@pytest.mark.parametrize("share", [2, 3, 8])
def test_the_anchor_is_the_soft_tissue(air_hu: float, noise_hu: float, share: int) -> None:
    """Clipped air or not, noise or not, a small mouse or a large one: 40 HU within 12."""
    assert soft_tissue_hu(mouse(air_hu=air_hu, noise_hu=noise_hu, share=share)) == pytest.approx(40, abs=12)


@given(offset=st.integers(-300, 300), scale=st.sampled_from([0.7, 1.0, 1.5]))
def test_a_shift_of_hu_moves_the_anchor_alone(offset: int, scale: float) -> None:
    """The anchor follows offset and scale; at scale 1 what the network sees stays the same within a bin."""
    image = mouse(air_hu=-1000.0, noise_hu=30.0)
    moved = image * scale + offset
    assert soft_tissue_hu(moved) == pytest.approx(40 * scale + offset, abs=15)
    if scale == 1.0:
        seen, seen_moved = normalised(image, soft_tissue_hu(image)), normalised(moved, soft_tissue_hu(moved))
        assert np.abs(seen - seen_moved).max() <= 10 / 250


def test_with_a_body_only_its_voxels_count() -> None:
    """A bed of plastic outside the body does not matter."""
    image = np.full((20, 20, 20), -400.0)
    image[:15] = 120.0  # the bed is larger
    body = np.zeros(image.shape, bool)
    body[16:19] = True
    image[body] = 30.0
    assert soft_tissue_hu(image, body) == pytest.approx(30, abs=5)


def test_voxels_that_are_not_finite_are_left_out() -> None:
    """NaN and infinities change nothing."""
    image = mouse(air_hu=-400.0, noise_hu=20.0)
    before = soft_tissue_hu(image)
    image[20:30, ::2] = np.nan
    image[30:, ::2] = np.inf
    assert soft_tissue_hu(image) == pytest.approx(before, abs=10)


@pytest.mark.parametrize(
    "image",
    [
        np.full((9, 9, 9), -400.0),
        np.random.default_rng(1).normal(-1000, 20, (9, 9, 9)),
        np.linspace(0, 1, 729).reshape(9, 9, 9),  # grey values in 1/cm
        np.full((9, 9, 9), np.nan),
        np.zeros((0, 9, 9)),
    ],
)
def test_air_alone_is_no_body(image: np.ndarray) -> None:
    """An empty field, and grey values that are no HU, are one clear sentence."""
    with pytest.raises(InputError, match="no body found"):
        soft_tissue_hu(image)


def test_the_threshold_lies_half_way() -> None:
    """Air at -1000, tissue at 100 HU: in between, and bone does not pull it up."""
    image = np.repeat([-1000.0, 100.0, 3000.0], [700, 250, 50])
    assert -800 < body_threshold_hu(image) < -300


def test_normalised_values_are_small_and_float32() -> None:
    """0 is the anchor, 250 HU are 1, the ends are cut, the input stays."""
    hu = np.array([-2000, 40, 290, 30000], np.int16)
    assert normalised(hu, 40.0).tolist() == [-2.0, 0.0, 1.0, 3.0]
    assert normalised(hu, 40.0).dtype == np.float32
    assert hu[0] == -2000
