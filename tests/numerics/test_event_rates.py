"""Rates over mice: by hand, by property, against SciPy and statsmodels, and their coverage by simulation."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from murinoma.numerics.event_rates import Rate, rate_bounds, rate_over_mice


def codes(*scans: int) -> np.ndarray:
    """Return the mouse of each scan from the number of scans per mouse."""
    return np.repeat(np.arange(len(scans)), scans)


def test_nothing_in_twenty_mice_is_the_rule_of_three() -> None:
    """However many scans the mice have, no event among 20 mice leaves -log(0.05) / 20."""
    for scans in (1, 4):
        mice = codes(*[scans] * 20)
        found = rate_bounds(np.zeros(len(mice)), np.ones(len(mice)), mice, mice * 0)
        assert (found.value, found.low, found.n_mice) == (0, 0, 20)
        assert found.high == pytest.approx(-np.log(0.05) / 20)


def test_variance_and_weights_by_hand() -> None:
    """Mice of 1, 1 and 2 scans with 3, 0 and 1 events: rate 1; residuals 1/2, -1/4, -1/4; 3/2 x 3/8."""
    mice = codes(1, 1, 2)
    rate = rate_over_mice(np.array([3.0, 0, 1, 0]), np.ones(4), mice, mice * 0)
    assert rate.value == 1
    assert rate.variance == pytest.approx(3 / 2 * 3 / 8)
    assert rate.mean_weight == pytest.approx(1 / 3)
    assert rate.mean_square == pytest.approx((1 / 16 + 1 / 16 + 1 / 4) / 3)


def test_only_what_differs_within_a_dataset_counts() -> None:
    """Three mice with four events each in one dataset, three without in the other: that of a Poisson count, 12 / 36."""
    events, strata = np.repeat([4.0, 0.0], 3), np.repeat([0, 1], 3)
    rate = rate_over_mice(events, np.ones(6), np.arange(6), strata)
    assert (rate.value, rate.variance) == pytest.approx((2, 12 / 36))
    assert rate.lower == pytest.approx(stats.gamma.ppf(0.05, 12) / 6)
    assert rate_over_mice(events, np.ones(6), np.arange(6), strata * 0).variance == pytest.approx(0.8)


def test_independent_events_have_nearly_poissons_exact_bounds() -> None:
    """Ten events among 200 mice with a scan each: within 6 % of the exact bounds of a Poisson count."""
    events = np.zeros(200)
    events[:10] = 1
    found = rate_bounds(events, np.ones(200), np.arange(200), np.zeros(200, int))
    assert found.low == pytest.approx(stats.gamma.ppf(0.05, 10) / 200, rel=0.06)
    assert found.high == pytest.approx(stats.gamma.ppf(0.95, 11) / 200, rel=0.06)


def test_events_of_one_mouse_are_fewer_witnesses() -> None:
    """Eight events in two mice of four scans leave wider bounds than in eight mice."""
    mice = codes(*[4] * 40)
    first = np.zeros(160)
    first[:8] = 1
    spread = np.zeros(160)
    spread[: 8 * 4 : 4] = 1
    in_two = rate_bounds(first, np.ones(160), mice, mice * 0)
    in_eight = rate_bounds(spread, np.ones(160), mice, mice * 0)
    assert in_two.value == in_eight.value
    assert in_two.low < in_eight.low
    assert in_two.high > in_eight.high


@pytest.mark.parametrize("n_mice", [8, 40])
def test_the_variance_is_the_clustered_one_of_statsmodels(n_mice: int) -> None:
    """One event rate of scans: the squared cluster-robust error of a constant, with the factor m / (m - 1)."""
    rng = np.random.default_rng(n_mice)
    mice = np.repeat(np.arange(n_mice), rng.integers(1, 5, n_mice))
    events = (2 * rng.poisson(0.5, len(mice))).astype(np.float64)
    kinds = {"groups": mice, "use_correction": False}
    fit = sm.OLS(events, np.ones(len(mice))).fit(cov_type="cluster", cov_kwds=kinds)
    variance = rate_over_mice(events, np.ones(len(mice)), mice, mice * 0).variance
    assert variance == pytest.approx(fit.bse[0] ** 2 * n_mice / (n_mice - 1))


@pytest.mark.parametrize(("n_mice", "per_scan"), [(10, 0.02), (30, 0.05), (30, 0.5), (120, 0.02)])
def test_the_bounds_hold_though_events_recur_in_a_mouse(n_mice: int, per_scan: float) -> None:
    """Half of the events stand in every scan of their mouse; each bound holds in at least 93 % of 1,000 studies."""
    rng = np.random.default_rng(n_mice)
    above = below = 0
    for _ in range(1000):
        mice = np.repeat(np.arange(n_mice), rng.integers(1, 5, n_mice))
        events = rng.poisson(per_scan / 2, n_mice)[mice] + rng.poisson(per_scan / 2, len(mice))
        found = rate_bounds(events.astype(float), np.ones(len(mice)), mice, mice * 0)
        above += found.high >= per_scan
        below += found.low <= per_scan
    assert above >= 930
    assert below >= 930


def test_too_few_mice_rows_without_values_and_nothing_at_all() -> None:
    """Four mice have a rate without bounds; NaN is left out; no rows give NaN."""
    four = rate_bounds(np.ones(4), np.ones(4), np.arange(4), np.zeros(4, int))
    assert (four.value, four.method, four.n_mice) == (1, "none", 4)
    some = rate_bounds(np.array([np.nan, 1.0]), np.ones(2), np.arange(2), np.zeros(2, int))
    assert (some.value, some.n_mice) == (1, 1)
    nothing = rate_bounds(np.zeros(0), np.zeros(0), np.zeros(0, int), np.zeros(0, int))
    assert np.isnan(nothing.value)
    assert nothing.method == "none"


@given(counts=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 3)), min_size=5, max_size=30))
def test_bounds_hold_their_rate_and_more_mice_narrow_them(counts: list[tuple[int, int]]) -> None:
    """Low <= value <= high; four times the mice at the same rate: a lower upper bound, no lower lower one."""
    exposure, events = np.array(counts, dtype=float).T
    rate = rate_over_mice(events, exposure, np.arange(len(counts)), np.zeros(len(counts), int))
    more = rate.among(4 * rate.n_mice)
    assert 0 <= rate.lower <= rate.value <= rate.upper
    assert more.upper < rate.upper
    assert more.lower >= rate.lower - 1e-12
    assert more.n_mice == 4 * rate.n_mice


def test_a_study_of_twice_the_same_mice_is_the_rate_among_twice_as_many() -> None:
    """Planning says what doubling the rows gives, but for (m - 1) / m of the variance."""
    events, exposure = np.tile([0.0, 1, 0, 2, 0, 0], 10), np.tile([1.0, 2, 3, 1, 2, 4], 10)
    once = rate_over_mice(events, exposure, np.arange(60), np.zeros(60, int)).among(120)
    twice = rate_over_mice(np.tile(events, 2), np.tile(exposure, 2), np.arange(120), np.zeros(120, int))
    assert isinstance(once, Rate)
    assert once.upper == pytest.approx(twice.upper, rel=0.01)
    assert once.lower == pytest.approx(twice.lower, rel=0.01)
