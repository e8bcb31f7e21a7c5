"""Synthetic tumors: that they are where they should be, look like their texture, and leave the rest alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from murinoma.models.training import pasting
from murinoma.models.training.examples import fine_example
from murinoma.models.training.pasting import Shape, Texture, grain, pasted_tumor, with_pasted_tumor
from tests.models.training.small_examples import SHAPE, block_example, block_scan

MM = 0.4
SIDE = 48
PLACE = np.array([24.0, 24.0, 20.0])  # x < 20 is air


def half_space() -> pasting.Image:
    """Return flesh (0) from x = 20 on, air (-450) before it."""
    image = np.zeros((SIDE, SIDE, SIDE), np.float32)
    image[:, :, :20] = -450
    return image


def texture(mean: float = 30.0, sd: float = 15.0) -> Texture:
    """Return a block of white noise."""
    return Texture(np.random.default_rng(0).normal(mean, sd, (8, 8, 8)).astype(np.float32))


def pasted(shape: Shape, seed: int = 1) -> tuple[pasting.Image, pasting.Mask]:
    """Return the half space with a tumor at its surface."""
    return pasted_tumor(half_space(), PLACE, shape, texture(), MM, rng=np.random.default_rng(seed))


def test_a_bulging_tumor_lifts_the_skin() -> None:
    """Half of its thickness lies where air was; there is skin over it, and it has about the wanted volume."""
    image, mask = pasted(Shape(100.0, 0.5, 9.0, 0.03))
    assert mask.sum() * MM**3 == pytest.approx(100, rel=0.35)
    outside = mask[:, :, :20].sum() / mask.sum()
    assert 0.3 < outside < 0.7
    skin = ndimage.binary_dilation(mask) & ~mask
    assert (image[skin] > -250).mean() > 0.95
    assert (image[:, :, :20][~ndimage.binary_dilation(mask, iterations=12)[:, :, :20]] == -450).all()


def test_an_embedded_tumor_lies_under_the_old_skin() -> None:
    """Where the wall is deep enough, nothing of it is outside."""
    _, mask = pasted(Shape(40.0, 1.1, 9.0, 0.03))
    assert mask.any()
    assert not mask[:, :, :20].any()


def test_a_tumor_grows_outwards_from_the_body_wall() -> None:
    """With the wall 2 mm deep, nothing lies deeper than 2 mm (5 voxels)."""
    _, mask = pasted(Shape(200.0, 1.0, 2.0, 0.05))
    assert mask.any()
    assert np.argwhere(mask)[:, 2].max() <= 20 + round(2.0 / MM)


def test_grey_values_are_those_of_the_texture() -> None:
    """Mean within the spread of tumors (12 HU) and SD of the labelled one, well inside."""
    means = []
    for seed in range(6):
        image, mask = pasted(Shape(150.0, 0.8, 9.0, 0.03), seed=seed)
        inside = image[ndimage.binary_erosion(mask, iterations=2)]
        assert 8 < inside.std() < 30
        means.append(inside.mean())
    assert np.mean(means) == pytest.approx(30 - 0.2 * 25 / 2, abs=15)


def test_bone_stays_and_a_place_right_over_bone_is_refused() -> None:
    """A rod 3 mm under the skin keeps its grey values and belongs to no tumor; one 0.8 mm under it leaves no room."""
    image = half_space()
    image[:, 22:26, 27:29] = 600
    found, mask = pasted_tumor(image, PLACE, Shape(150.0, 1.0, 9.0, 0.03), texture(), MM, rng=np.random.default_rng(1))
    assert mask.any()
    assert not mask[image > 500].any()
    np.testing.assert_array_equal(found[image > 500], 600)
    image[:, 22:26, 21:23] = 600
    _, none = pasted_tumor(image, PLACE, Shape(150.0, 1.0, 9.0, 0.03), texture(), MM, rng=np.random.default_rng(1))
    assert not none.any()


@given(st.integers(0, 10**6))
def test_grain_has_mean_0_and_the_textures_sd_and_grain(seed: int) -> None:
    """Of a smooth block the grain is smooth: neighbours agree as they do in the block."""
    rng = np.random.default_rng(seed)
    block = ndimage.gaussian_filter(rng.normal(0, 60, (16, 16, 16)), 1.0).astype(np.float32)
    found = grain(Texture(block + 40), (30, 32, 34), rng=rng)
    assert abs(found.mean()) < block.std()
    assert found.std() == pytest.approx(block.std(), rel=0.3)
    assert np.corrcoef(found[1:].ravel(), found[:-1].ravel())[0, 1] > 0.5


def test_a_scan_gets_one_tumor_more_in_every_head() -> None:
    """Its voxels are 255 in every head, the old tumor is untouched, and the example it came from is unchanged."""
    example = block_example()
    before = example.image.copy(), example.targets.copy()
    found = next(
        result
        for seed in range(60)
        if (result := with_pasted_tumor(example, rng=np.random.default_rng(seed))) is not None
    )
    more, places = found
    np.testing.assert_array_equal(example.image, before[0])
    np.testing.assert_array_equal(example.targets, before[1])
    assert len(more.tumors) == 2
    whole = np.zeros((3, *SHAPE), np.uint8)
    whole[:, *more.box] = more.targets
    assert (whole[:, *places.T] == 255).all()
    old = np.zeros((3, *SHAPE), np.uint8)
    old[:, *example.box] = example.targets
    assert (whole.astype(int) - old).sum() == 255 * 3 * len(places)


def test_without_a_labelled_tumor_nothing_is_pasted() -> None:
    """There is no texture to take."""
    example = fine_example(block_scan(), [np.zeros(SHAPE, np.bool_)])
    assert with_pasted_tumor(example, rng=np.random.default_rng(0)) is None
