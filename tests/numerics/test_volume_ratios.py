"""Geometric-mean ratios and limits of agreement: by hand, by property, against statsmodels, on real masks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from murinoma.numerics.volume_ratios import (
    NORMAL_95,
    LimitsOfAgreement,
    geometric_mean_ratio,
    limits_of_agreement,
    log_volumes,
    mouse_variances,
)
from tests.numerics.test_icc import real_volumes


def chance(seed: int = 0) -> np.random.Generator:
    """Return a source of chance."""
    return np.random.default_rng(seed)


def limits(difference: np.ndarray, mice: np.ndarray) -> LimitsOfAgreement:
    """Return the limits of volumes whose log ratios are given."""
    return limits_of_agreement(np.exp(difference), np.ones(len(mice)), mice, np.zeros_like(mice), rng=chance())


def test_half_and_double_cancel() -> None:
    """Ratios 1/2 and 2: geometric mean 1, where percentages would give +25 %."""
    found = geometric_mean_ratio(np.array([1.0, 4]), np.array([2.0, 2]), np.arange(2), np.zeros(2, int), rng=chance())
    assert found.value == pytest.approx(1)
    assert (found.method, found.n_mice) == ("none", 2)


def test_missed_tumors_and_absent_annotators_are_left_out_and_counted() -> None:
    """Volume 0 is a miss and counted; NaN is an annotator who was not there, and is not."""
    volumes = np.array([2.0, 2, 0, np.nan, 2, 2, 2])
    reference = np.array([1.0, 1, 1, 1, 0, 1, np.nan])
    found = limits_of_agreement(volumes, reference, np.arange(7), np.zeros(7, int), rng=chance())
    assert found.ratio.value == pytest.approx(2)
    assert (found.n_tumors, found.n_missed, found.ratio.n_mice) == (3, 2, 3)
    np.testing.assert_array_equal(log_volumes(np.array([0.0, np.nan, 1])), [np.nan, np.nan, 0])


def test_one_tumor_per_mouse_is_bland_and_altman_1986() -> None:
    """Mean +- 1.96 SD (ddof 1) of the log ratios."""
    difference = chance().normal(0.1, 0.2, 12)
    found = limits(difference, np.arange(12))
    mean, sd = difference.mean(), difference.std(ddof=1)
    assert (np.log(found.lower.value), np.log(found.upper.value)) == pytest.approx(
        (mean - 1.96 * sd, mean + 1.96 * sd), abs=1e-4
    )
    assert found.sd_within_mice == pytest.approx(sd)
    assert np.isnan(found.sd_between_mice)


def test_variances_by_hand() -> None:
    """1, 3 and 5, 7: within 2; between (16 - 2) / 2. With 1, 3 and 2: MSB 0, so between is 0, not below."""
    assert mouse_variances(np.array([1.0, 3, 5, 7]), np.array([0, 0, 1, 1])) == (7, 2)
    assert mouse_variances(np.array([1.0, 3, 2]), np.array([0, 0, 1])) == (0, 2)
    assert np.isnan(mouse_variances(np.array([1.0, 3]), np.array([0, 0]))).all()


def test_unequal_numbers_by_hand() -> None:
    """Mice with 1, 3 | 5, 7, 9 | 11: MSW = 10 / 3, MSB = 60 / 2, n0 = (6 - 14 / 6) / 2 = 11 / 6, between 160 / 11."""
    between, within = mouse_variances(np.array([1.0, 3, 5, 7, 9, 11]), np.array([0, 0, 1, 1, 1, 2]))
    assert within == pytest.approx(10 / 3)
    assert between == pytest.approx(160 / 11)


def test_equal_numbers_agree_with_restricted_maximum_likelihood() -> None:
    """Ten mice with three tumors each: statsmodels MixedLM finds the same two variances."""
    rng, mice = chance(4), np.repeat(np.arange(10), 3)
    values = 0.3 * rng.normal(size=10)[mice] + 0.2 * rng.normal(size=30)
    fit = MixedLM(values, np.ones(30), groups=mice).fit(reml=True)
    between, within = mouse_variances(values, mice)
    assert between == pytest.approx(float(fit.cov_re[0, 0]), rel=1e-3)
    assert within == pytest.approx(fit.scale, rel=1e-3)


@given(seed=st.integers(0, 999), n_mice=st.integers(5, 24))
def test_swapping_the_annotators_turns_the_ratios_over(seed: int, n_mice: int) -> None:
    """A / B and B / A: reciprocal ratio and limits, and t intervals' edges; the volume's unit does not matter."""
    rng = chance(seed)
    mice = np.repeat(np.arange(n_mice), rng.integers(1, 4, n_mice))
    a, b = rng.lognormal(0, 0.3, len(mice)), rng.lognormal(0, 0.3, len(mice))
    one = limits_of_agreement(1000 * a, 1000 * b, mice, mice % 2, rng=chance())
    other = limits_of_agreement(b, a, mice, mice % 2, rng=chance())
    assert one.lower.value < one.ratio.value < one.upper.value
    assert one.lower.low < one.lower.value < one.lower.high
    assert (other.ratio.value, other.upper.value) == pytest.approx((1 / one.ratio.value, 1 / one.lower.value))
    if n_mice < 20:
        assert (other.upper.low, other.upper.high) == pytest.approx((1 / one.lower.high, 1 / one.lower.low))


def test_the_outer_edge_of_a_limit_lies_further_away() -> None:
    """An SD may be much larger than estimated, not much smaller; so the limits' intervals lean outwards."""
    found = limits(chance(5).normal(0, 0.2, 10), np.arange(10))
    lower, upper = (np.log([one.low, one.value, one.high]) for one in (found.lower, found.upper))
    assert lower[1] - lower[0] > lower[2] - lower[1]
    assert upper[2] - upper[1] > upper[1] - upper[0]


def test_the_interval_of_a_limit_is_near_bland_and_altmans_in_many_mice() -> None:
    """400 mice, one tumor each: standard error sqrt(1 / n + 1.96^2 / (2 (n - 1))) SD, within 10 %."""
    difference = chance(6).normal(0, 0.2, 400)
    found = limits(difference, np.arange(400))
    error = difference.std(ddof=1) * np.sqrt(1 / 400 + NORMAL_95**2 / 2 / 399)
    assert np.log(found.upper.high / found.upper.low) / 2 == pytest.approx(stats.t.ppf(0.975, 399) * error, rel=0.1)


def test_edge_cases() -> None:
    """Nobody: NaN. One mouse: a ratio without limits. Equal volumes: limits 1 without an interval."""
    nothing = limits(np.empty(0), np.empty(0, int))
    assert np.isnan(nothing.ratio.value)
    assert nothing.n_tumors == 0
    one = limits(np.array([0.1, 0.3]), np.zeros(2, int))
    assert one.ratio.value == pytest.approx(np.exp(0.2))
    assert np.isnan(one.lower.value)
    equal = limits(np.zeros(8), np.arange(8))
    assert (equal.lower.value, equal.upper.value, equal.upper.method) == (1, 1, "none")
    assert (equal.ratio.low, equal.ratio.high) == (1, 1)


def test_real_masks_agree_with_plain_numpy(shared_data: Path) -> None:
    """Nodules outlined by four radiologists, one or more per patient: ratio and total SD of each pair."""
    volumes, mice = real_volumes(shared_data)
    for r in range(1, volumes.shape[1]):
        table = pd.DataFrame({"mouse": mice, "a": volumes[:, 0], "b": volumes[:, r]}).query("a > 0 and b > 0")
        difference = np.log(table.a / table.b)
        found = limits_of_agreement(volumes[:, 0], volumes[:, r], mice, np.zeros_like(mice), rng=chance())
        assert found.n_tumors == len(table)
        assert found.ratio.value == pytest.approx(float(np.exp(difference.mean())))
        assert found.ratio.n_mice == table.mouse.nunique()
        assert np.log(found.upper.value / found.lower.value) == pytest.approx(3.92 * difference.std(), rel=0.1)
        assert found.lower.low < found.lower.value < found.ratio.value < found.upper.value < found.upper.high
