"""The scanner: blur, noise, range."""

import numpy as np
import pytest

from murinoma.phantom.scanner import Scanner, acquire

CLEAN = Scanner(noise_hu=0.0)


def rng() -> np.random.Generator:
    """Return the same chance for every test."""
    return np.random.default_rng(7)


def test_air_and_metal_are_clipped_to_the_stored_range() -> None:
    """True -1000 HU is stored as -400, true 3000 HU as 1000, in int16."""
    hu = np.array([-1000.0, 3000.0], dtype=np.float32)[:, None, None] * np.ones((1, 9, 9), dtype=np.float32)
    ct = acquire(np.repeat(hu, 9, axis=0), 0.21, CLEAN, rng=rng())
    assert ct.dtype == np.int16
    assert (ct.min(), ct.max()) == (-400, 1000)


@pytest.mark.parametrize("spacing_mm", [0.21, 0.1])
def test_noise_has_the_stated_sd_whatever_the_grain(spacing_mm: float) -> None:
    """Uniform tissue of 50 HU reads 50 +- 42 HU at voxels of 0.21 mm and below."""
    ct = acquire(np.full((70, 70, 70), 50, dtype=np.float32), spacing_mm, Scanner(noise_hu=42.0), rng=rng())
    inner = ct[6:-6, 6:-6, 6:-6]  # at the faces the blur has fewer voxels to average
    assert inner.mean() == pytest.approx(50, abs=4)
    assert inner.std() == pytest.approx(42, rel=0.06)


def test_larger_voxels_are_less_noisy() -> None:
    """Twice the voxel has half the noise."""
    ct = acquire(np.zeros((40, 40, 40), dtype=np.float32), 0.42, Scanner(noise_hu=42.0), rng=rng())
    assert ct.std() == pytest.approx(21, rel=0.06)


def test_noise_is_grainy() -> None:
    """Neighbouring voxels of 0.21 mm err together."""
    ct = acquire(np.zeros((40, 40, 40), dtype=np.float32), 0.21, Scanner(), rng=rng()).astype(float)
    assert np.corrcoef(ct[:-1].ravel(), ct[1:].ravel())[0, 1] > 0.3


def test_an_edge_is_blurred_by_the_point_spread() -> None:
    """The blur of a step has the SD of the point spread: 16 % of the step one SD before the edge."""
    hu = np.zeros((1, 1, 41), dtype=np.float32)
    hu[..., 21:] = 400
    profile = acquire(hu, 0.05, Scanner(blur_mm=0.2, noise_hu=0.0), rng=rng())[0, 0]
    assert profile[20 - 4] == pytest.approx(0.16 * 400, abs=12)
    assert profile[21 + 4] == pytest.approx(0.84 * 400, abs=12)


def test_another_scanner_reads_other_hu() -> None:
    """A shift of -140 HU moves soft tissue from 50 to -90 HU."""
    ct = acquire(np.full((3, 3, 3), 50, dtype=np.float32), 0.21, Scanner(noise_hu=0.0, shift_hu=-140), rng=rng())
    assert (ct == -90).all()


def test_the_true_hu_stay_untouched() -> None:
    """The input is not changed."""
    hu = np.zeros((5, 5, 5), dtype=np.float32)
    acquire(hu, 0.21, Scanner(), rng=rng())
    assert not hu.any()
