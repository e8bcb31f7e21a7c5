"""Intervals over mice: by hand, by property, against scipy and statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from murinoma.numerics.intervals import (
    Interval,
    jackknife,
    mapped,
    mean_interval,
    mean_intervals,
    mouse_strata,
    t_interval,
)


def chance(seed: int = 0) -> np.random.Generator:
    """Return a source of chance."""
    return np.random.default_rng(seed)


def study(n_mice: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return values of 1 to 4 scans per mouse, alike within a mouse, and the mouse of each."""
    rng = chance(seed)
    mice = np.repeat(np.arange(n_mice), rng.integers(1, 5, n_mice))
    return rng.normal(0, 1, n_mice)[mice] + rng.normal(0, 1, len(mice)), mice


def test_one_scan_per_mouse_is_the_common_t_interval() -> None:
    """Means of 1 to 5, a mouse each: 3 +- 2.776 sqrt(2.5 / 5)."""
    found = mean_interval(np.arange(1.0, 6), np.arange(5), np.zeros(5, int), rng=chance())
    assert (found.value, found.n_mice, found.method) == (3, 5, "t over mice")
    assert found.high - 3 == pytest.approx(2.7764 * np.sqrt(0.5), abs=1e-4)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 4, 3, np.sqrt(0.5)))


def test_equal_numbers_of_scans_are_a_t_interval_on_mouse_means() -> None:
    """Twelve mice with three scans each: the mean of the twelve means, 11 degrees of freedom."""
    values, mice = chance().normal(size=36), np.repeat(np.arange(12), 3)
    means = values.reshape(12, 3).mean(axis=1)
    found = mean_interval(values, mice, np.zeros(36, int), rng=chance())
    assert found.value == pytest.approx(means.mean())
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 11, means.mean(), stats.sem(means)))


def test_the_value_is_the_mean_of_the_rows_and_the_interval_is_about_it() -> None:
    """A mouse with four scans weighs four times, in the value and in the interval's middle."""
    values, mice = np.array([10.0, 10, 10, 10, 0, 0, 0, 0]), np.array([0, 0, 0, 0, 1, 2, 3, 4])
    found = mean_interval(values, mice, np.zeros(8, int), rng=chance())
    assert found.value == 5
    assert (found.low + found.high) / 2 == pytest.approx(5)


def test_two_datasets_by_hand() -> None:
    """Mice 0, 2, 4 and 11, 13, 15: only the spread within a dataset counts; 4 in each, so sqrt(2 x 3 x 4 / 36)."""
    values, strata = np.array([0.0, 2, 4, 11, 13, 15]), np.array([0, 0, 0, 1, 1, 1])
    found = mean_interval(values, np.arange(6), strata, rng=chance())
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 4, 7.5, np.sqrt(24 / 36)))


@pytest.mark.parametrize("n_mice", [5, 12, 19])
def test_the_jackknife_error_is_the_clustered_one_of_statsmodels(n_mice: int) -> None:
    """Unequal scans: within a few percent of the cluster-robust error of a constant, and never much below it."""
    values, mice = study(n_mice)
    errors = jackknife(lambda kept: np.array([values[kept].mean()]), mice, np.zeros_like(mice)).errors
    fit = sm.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": mice})
    assert 0.98 < errors[0] / fit.bse[0] < 1.25


def test_the_bootstrap_agrees_with_theory_where_that_is_exact() -> None:
    """60 mice, one normal value each: the edges are within 3 % of the half width of the t interval."""
    values = chance(1).normal(size=60)
    found = mean_interval(values, np.arange(60), np.zeros(60, int), rng=chance(), resamples=40_000)
    low, high = stats.t.interval(0.95, 59, values.mean(), stats.sem(values))
    assert found.method == "bootstrap over mice"
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03 * (high - low) / 2)


def test_the_bootstrap_is_not_too_narrow_in_small_datasets() -> None:
    """Twelve datasets of two mice: as wide as the stratified t interval; m of m mice would be 1.4 times too narrow."""
    values, strata = chance(2).normal(size=24), np.repeat(np.arange(12), 2)
    found = mean_interval(values, np.arange(24), strata, rng=chance(), resamples=40_000)
    within = ((values.reshape(12, 2) - values.reshape(12, 2).mean(axis=1, keepdims=True)) ** 2).sum()
    half = stats.t.ppf(0.975, 12) * np.sqrt(2 * within) / 24
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.05)


def test_small_datasets_keep_their_weight_in_the_bootstrap() -> None:
    """Two mice of 10 in one dataset, 38 of 0 in another: nothing differs within a dataset, so 0.5 without width."""
    values, strata = np.repeat([10.0, 0.0], [2, 38]), np.repeat([0, 1], [2, 38])
    found = mean_interval(values, np.arange(40), strata, rng=chance(), resamples=200)
    assert [found.low, found.value, found.high] == pytest.approx([0.5, 0.5, 0.5])


def test_the_bootstrap_follows_a_skewed_distribution() -> None:
    """Values with a long tail upwards: the interval reaches further up than down."""
    found = mean_interval(chance(3).lognormal(0, 1, 40), np.arange(40), np.zeros(40, int), rng=chance())
    assert found.high - found.value > 1.1 * (found.value - found.low)


def test_the_same_chance_gives_the_same_interval() -> None:
    """Equal seeds, equal edges; the inputs stay as they are."""
    values, mice = study(30)
    copy = values.copy()
    first, second = (mean_interval(values, mice, mice % 3, rng=chance(7)) for _ in range(2))
    assert first == second
    np.testing.assert_array_equal(values, copy)


@pytest.mark.parametrize(
    ("n_mice", "method"), [(0, "none"), (1, "none"), (4, "none"), (5, "t over mice"), (20, "bootstrap over mice")]
)
def test_the_method_follows_the_number_of_mice(n_mice: int, method: str) -> None:
    """None below 5 mice, t below 20, the bootstrap from there; the number of mice is always told."""
    found = mean_interval(np.arange(n_mice, dtype=float), np.arange(n_mice), np.zeros(n_mice, int), rng=chance())
    assert (found.method, found.n_mice) == (method, n_mice)
    assert np.isnan(found.low) == np.isnan(found.high) == (method == "none")


def test_columns_share_the_resampling_and_leave_out_their_own_gaps() -> None:
    """A column with gaps is what its rows without gaps give; mice that only have gaps are not counted."""
    values, mice = study(40)
    gaps = np.where(mice < 30, values, np.nan)
    few = np.where(mice < 7, values, np.nan)
    nothing = np.full(len(values), np.nan)
    whole, some, seven, none = mean_intervals(
        np.column_stack([values, gaps, few, nothing]), mice, np.zeros_like(mice), rng=chance()
    )
    assert whole == mean_interval(values, mice, np.zeros_like(mice), rng=chance())
    assert (whole.n_mice, some.n_mice, seven.n_mice, none.n_mice) == (40, 30, 7, 0)
    assert some.value == pytest.approx(values[mice < 30].mean())
    alone = mean_interval(values[mice < 30], mice[mice < 30], np.zeros((mice < 30).sum(), int), rng=chance())
    assert some.high - some.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert seven == mean_interval(values[mice < 7], mice[mice < 7], np.zeros((mice < 7).sum(), int), rng=chance())
    assert np.isnan(none.value)


@given(n_mice=st.integers(5, 40), seed=st.integers(0, 999), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_intervals_follow_a_change_of_unit(n_mice: int, seed: int, scale: float, shift: float) -> None:
    """They hold their value, and scale and shift with the values."""
    values, mice = study(n_mice, seed)
    one = mean_interval(values, mice, mice % 2, rng=chance(), resamples=200)
    other = mean_interval(shift + scale * values, mice, mice % 2, rng=chance(), resamples=200)
    assert one.low <= one.value <= one.high
    assert (other.low, other.value, other.high) == pytest.approx(
        tuple(shift + scale * edge for edge in (one.low, one.value, one.high)), abs=1e-9
    )


@given(seed=st.integers(0, 999))
def test_codes_and_the_order_of_rows_do_not_matter_to_the_t_interval(seed: int) -> None:
    """Other codes for the mice, and rows in another order, give the same interval."""
    values, mice = study(9, seed)
    order = chance(seed).permutation(len(values))
    one = mean_interval(values, mice, mice % 2, rng=chance())
    other = mean_interval(values[order], 1000 - 7 * mice[order], mice[order] % 2, rng=chance())
    assert (other.low, other.high) == pytest.approx((one.low, one.high))


def test_equal_values_have_an_interval_without_width() -> None:
    """Nothing differs: low = value = high, by either method."""
    for n_mice in (6, 30):
        found = mean_interval(np.full(n_mice, 0.5), np.arange(n_mice), np.zeros(n_mice, int), rng=chance())
        assert (found.low, found.value, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_lonely_mice_are_put_together() -> None:
    """Two datasets of one mouse become one stratum; a single one joins the first that has more."""
    mice = np.arange(5)
    assert mouse_strata(mice, np.array([0, 0, 0, 1, 2]))[1].tolist() == [0, 0, 0, -1, -1]
    assert mouse_strata(mice, np.array([3, 1, 1, 2, 2]))[1].tolist() == [1, 1, 1, 2, 2]
    assert mouse_strata(np.array([4]), np.array([3]))[1].tolist() == [-1]
    found = mean_interval(np.arange(5.0), mice, np.arange(5), rng=chance())
    assert found == mean_interval(np.arange(5.0), mice, np.zeros(5, int), rng=chance())


def test_a_statistic_that_fails_without_a_mouse_has_no_interval() -> None:
    """NaN with one mouse left out: the error is NaN, and the method 'none'."""
    found = jackknife(lambda kept: np.array([1.0 if kept[0] else np.nan]), np.arange(6), np.zeros(6, int)).interval(0)
    assert (found.value, found.method) == (1, "none")
    assert t_interval(1.0, 0.1, 6, 0).method == "none"


def test_mapped_intervals_keep_their_mice_and_method() -> None:
    """The exponential of 0 in -1..1."""
    found = mapped(Interval(0.0, -1.0, 1.0, 8, "t over mice"), np.exp)
    assert (found.value, found.n_mice, found.method) == (1, 8, "t over mice")
    assert [found.low, found.high] == pytest.approx([np.exp(-1), np.exp(1)])
