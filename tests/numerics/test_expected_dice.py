"""Expected Dice: soft overlap by hand and against drawn masks, the line against NumPy's, real annotators."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from murinoma.errors import GeometryError
from murinoma.numerics.expected_dice import calibrate_dice, expected_dice, soft_dice
from tests.numerics.real_masks import real_masks


def test_soft_dice_by_hand() -> None:
    """In the mask 0.9 + 0.7, in all 2.0, two voxels: 2 x 1.6 / 4. A sure mask has 1, one beside what is probable 0."""
    probability = np.array([[[0.9, 0.7, 0.4, 0.0]]])
    assert soft_dice(probability, probability > 0.5) == pytest.approx(0.8)
    sure = np.array([[[1.0, 0.0]]])
    assert soft_dice(sure, sure > 0.5) == 1
    assert soft_dice(1 - sure, sure > 0.5) == 0


def test_nothing_predicted_has_no_soft_dice() -> None:
    """An empty mask: NaN if nothing was probable, 0 if something was and was dropped."""
    empty = np.zeros((1, 1, 4), bool)
    assert np.isnan(soft_dice(np.full((1, 1, 4), 0.1), empty))
    assert soft_dice(np.full((1, 1, 4), 0.4), empty) == 0


def test_another_grid_is_refused() -> None:
    """Both shapes are named."""
    with pytest.raises(GeometryError, match=r"\(1, 1, 2\).*\(1, 1, 3\)"):
        soft_dice(np.zeros((1, 1, 2)), np.zeros((1, 1, 3), bool))


@given(probability=arrays.arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32)))
def test_soft_dice_is_a_share_and_largest_for_a_sure_mask(probability: np.ndarray) -> None:
    """It lies in 0..1, and rounding the probabilities to 0 and 1 makes it 1 (or NaN where nothing is left)."""
    mask = probability > 0.5
    found = soft_dice(probability, mask)
    assert np.isnan(found) or 0 <= found <= 1
    sure = soft_dice(mask.astype(np.float32), mask)
    assert sure == 1 if mask.any() else np.isnan(sure)


def test_it_is_the_mean_dice_with_masks_drawn_from_the_probabilities() -> None:
    """2,000 masks drawn voxel by voxel from a blurred ball: their mean Dice with the mask within 0.002."""
    z, y, x = np.ogrid[-8:9, -8:9, -8:9]
    probability = 1 / (1 + np.exp((np.sqrt(z**2 + y**2 + x**2) - 5) / 0.7))
    mask = probability > 0.5
    rng = np.random.default_rng(0)
    drawn = [rng.random(mask.shape) < probability for _ in range(2000)]
    dice = [2 * (one & mask).sum() / (one.sum() + mask.sum()) for one in drawn]
    assert soft_dice(probability, mask) == pytest.approx(np.mean(dice), abs=0.002)


def test_the_line_is_weighted_least_squares() -> None:
    """Slope and intercept agree with numpy's polyfit, each scan weighing one over its mouse's number."""
    rng = np.random.default_rng(1)
    mice = np.repeat(np.arange(12), rng.integers(1, 5, 12))
    soft = rng.uniform(0.7, 1.0, len(mice))
    dice = np.clip(0.2 + 0.7 * soft + rng.normal(0, 0.03, len(mice)), 0, 1)
    found = calibrate_dice(soft, dice, mice)
    counts = np.bincount(mice)[mice]
    assert (found.slope, found.intercept) == pytest.approx(np.polyfit(soft, dice, 1, w=np.sqrt(1 / counts)))
    assert (found.n_mice, found.n_scans) == (12, len(mice))


def test_errors_leave_out_one_mouse_at_a_time() -> None:
    """Six mice with a scan each: every error is off the line, and off the mean, of the five others."""
    soft = np.array([0.95, 0.92, 0.90, 0.85, 0.80, 0.70])
    dice = np.array([0.93, 0.90, 0.91, 0.82, 0.80, 0.66])
    found = calibrate_dice(soft, dice, np.arange(6))
    off_line, off_mean = [], []
    for place in range(6):
        others = np.arange(6) != place
        line = np.polyfit(soft[others], dice[others], 1)
        off_line.append(abs(np.polyval(line, soft[place]) - dice[place]))
        off_mean.append(abs(dice[others].mean() - dice[place]))
    assert found.error == pytest.approx(np.mean(off_line))
    assert found.constant_error == pytest.approx(np.mean(off_mean))
    assert found.error < 0.3 * found.constant_error


def test_a_soft_dice_that_says_the_contrary_gives_a_constant() -> None:
    """A falling relation, and equal soft Dice everywhere: slope 0, the mean Dice for all."""
    dice = np.array([0.8, 0.85, 0.9, 0.95, 1.0])
    for soft in (1 - dice, np.full(5, 0.9)):
        found = calibrate_dice(soft, dice, np.arange(5))
        assert found.slope == 0
        assert expected_dice(found, np.array([0.1, 0.9])) == pytest.approx([0.9, 0.9])


def test_few_mice_and_gaps() -> None:
    """Four mice: no expected Dice. A scan without a soft Dice or without a Dice is left out."""
    soft, dice = np.array([0.9, 0.8, 0.7, 0.6, np.nan, 0.8]), np.array([0.9, 0.8, 0.7, 0.6, 0.9, np.nan])
    found = calibrate_dice(soft, dice, np.arange(6))
    assert (found.n_mice, found.n_scans) == (4, 4)
    assert np.isnan([found.slope, found.error]).all()
    assert np.isnan(expected_dice(found, np.array([0.9]))).all()


@given(soft=st.lists(st.floats(0, 1), min_size=5, max_size=20), intercept=st.floats(-1, 1), slope=st.floats(0, 2))
def test_an_exact_line_is_found_and_the_expected_dice_stays_a_share(
    soft: list[float], intercept: float, slope: float
) -> None:
    """Dice exactly on a line is expected exactly; what would lie outside 0..1 is put on its edge."""
    x = np.array(soft)
    found = calibrate_dice(x, intercept + slope * x, np.arange(len(x)))
    assert expected_dice(found, x) == pytest.approx(np.clip(intercept + slope * x, 0, 1), abs=1e-6)


def test_the_share_of_real_annotators_foretells_their_dice(shared_data: Path) -> None:
    """The share of A, B and C as probabilities, their majority as mask: soft Dice is nearly the mean Dice with them.

    Where one of them marked far more than the others it is lower: a ratio of means is no mean of ratios.
    """
    soft, dice = [], []
    for of_scan in real_masks(shared_data):
        masks = [of_scan[one] for one in "ABC"]
        share = np.mean(masks, axis=0)
        majority = share > 0.5
        soft.append(soft_dice(share, majority))
        dice.append(np.mean([2 * (majority & one).sum() / (majority.sum() + one.sum()) for one in masks]))
    assert np.corrcoef(soft, dice)[0, 1] > 0.95
    assert np.median(np.abs(np.array(soft) - dice)) < 0.003
