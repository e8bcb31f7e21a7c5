"""What chance does to a patch: turns, tilts, scales, and grey values."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.models.intensity import HIGHEST, LOWEST
from murinoma.models.training import augmentation as change


def noise(seed: int = 0) -> change.Image:
    """Return a patch of noise about soft tissue."""
    return np.random.default_rng(seed).normal(0, 0.5, (12, 10, 8)).astype(np.float32)


def test_there_are_16_turns_and_flips_and_z_stays_along_z() -> None:
    """As many as a square rod has symmetries; each keeps lengths."""
    rng = np.random.default_rng(1)
    turns = {change.draw_turn(rng=rng).tobytes() for _ in range(2000)}
    assert len(turns) == 16
    for turn in turns:
        matrix = np.frombuffer(turn).reshape(3, 3)
        np.testing.assert_array_equal(np.abs(matrix).sum(axis=0), 1)
        np.testing.assert_array_equal(np.abs(matrix[0]), [1, 0, 0])


@given(st.integers(0, 10**6))
def test_a_tilt_is_a_rotation_by_20_degrees_at_most(seed: int) -> None:
    """Orthogonal, determinant 1, trace 1 + 2 cos(angle)."""
    tilt = change.draw_tilt(rng=np.random.default_rng(seed))
    np.testing.assert_allclose(tilt @ tilt.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(tilt) == pytest.approx(1)
    assert np.trace(tilt) >= 1 + 2 * np.cos(np.radians(change.TILT_DEG)) - 1e-9


@given(st.integers(0, 10**6))
def test_a_scale_stays_in_its_range(seed: int) -> None:
    """0.8 to 1.25, and 6 % along each axis."""
    factors = np.diag(change.draw_scale(rng=np.random.default_rng(seed)))
    assert (factors > 0.8 / 1.06 - 1e-9).all()
    assert (factors < 1.25 * 1.06 + 1e-9).all()
    assert factors.max() / factors.min() < 1.06**2 + 1e-9


@pytest.mark.parametrize("one", change.CHANGES)
def test_a_change_keeps_shape_and_type_and_leaves_its_input_alone(one: Callable[..., change.Image]) -> None:
    """The same chance gives the same patch, and it is another one than before."""
    image = noise()
    before = image.copy()
    found = one(image, rng=np.random.default_rng(3))
    assert found.shape == image.shape
    assert found.dtype == np.float32
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(found, one(image, rng=np.random.default_rng(3)))
    assert not np.array_equal(found, before)


def test_what_each_change_does() -> None:
    """Blur and larger voxels lower the SD of noise, noise raises it; contrast and gamma keep order."""
    image = noise()
    rng = np.random.default_rng(5)
    assert change.blurred(image, rng=rng).std() < image.std()
    assert change.coarser(image, rng=rng).std() < image.std()
    assert change.noisier(image, rng=rng).std() > image.std()
    order = np.argsort(image, axis=None)
    for one in (change.duller, change.bent):
        assert (np.diff(one(image, rng=rng).ravel()[order]) >= 0).all()
    assert change.duller(np.zeros((2, 2, 2), np.float32), rng=rng).max() == 0


@given(st.integers(0, 10**6))
def test_a_changed_patch_stays_in_the_networks_range(seed: int) -> None:
    """-2 to 3, whatever chance does."""
    rng = np.random.default_rng(seed)
    found = change.changed(noise(seed) * 4, rng=rng)
    assert found.min() >= LOWEST
    assert found.max() <= HIGHEST
    assert abs(change.draw_offset_hu(rng=rng)) <= change.OFFSET_HU
