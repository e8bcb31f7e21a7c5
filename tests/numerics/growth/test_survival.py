"""Time to a multiple, Kaplan-Meier and log-rank: by hand, published examples, by property, against statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from murinoma.errors import InputError
from murinoma.numerics.growth.survival import EventTime, kaplan_meier, log_rank, right_censored, time_to_multiple

NAN, INF = np.nan, np.inf

# Freireich et al. 1963, Blood 21:699: weeks in remission of 21 children with 6-MP and 21 with placebo
MERCAPTOPURINE = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35], dtype=float)
RELAPSED = np.arange(21) < 9
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], dtype=float)


def test_kaplan_meier_of_freireich_1963() -> None:
    """The survival printed by Cox & Oakes 1984 and by Kleinbaum & Klein 2012 (chapter 2); medians 23 and 8 weeks."""
    curve = kaplan_meier(MERCAPTOPURINE, RELAPSED)
    with_events = curve.n_events > 0
    assert curve.days[with_events].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.n_at_risk[with_events].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert curve.survival[with_events].round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert curve.median_day == 23
    assert kaplan_meier(PLACEBO, np.ones(21, dtype=bool)).median_day == 8


def test_log_rank_of_freireich_1963() -> None:
    """Kleinbaum & Klein 2012 (chapter 2): chi-squared 16.79; 9 relapses where 19.25 were expected, 21 where 10.75."""
    days, events = np.concatenate([MERCAPTOPURINE, PLACEBO]), np.concatenate([RELAPSED, np.ones(21, dtype=bool)])
    found = log_rank(days, events, np.repeat([0, 1], 21))
    assert (round(found.chi_squared, 2), found.degrees) == (16.79, 1)
    assert list(found.observed) == [9, 21]
    assert np.round(found.expected, 2).tolist() == [19.25, 10.75]
    assert found.p == pytest.approx(4.17e-5, rel=0.01)


def random_mice(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return days with ties, and events, at least one of them."""
    rng = np.random.default_rng(seed)
    events = rng.random(n) < 0.7
    events[0] = True
    return rng.integers(1, 12, n).astype(float), events


@given(seed=st.integers(0, 9999), n=st.integers(5, 30))
def test_kaplan_meier_is_that_of_statsmodels(seed: int, n: int) -> None:
    """Survival, Greenwood's error through the interval, and the median with its interval on the log-log scale."""
    days, events = random_mice(seed, n)
    curve, oracle = kaplan_meier(days, events), SurvfuncRight(days, events)
    places = np.isin(curve.days, oracle.surv_times)
    assert curve.survival[places] == pytest.approx(oracle.surv_prob)
    inside = (oracle.surv_prob > 0) & (oracle.surv_prob < 1)
    survival = oracle.surv_prob[inside]
    reach = 1.959964 * oracle.surv_prob_se[inside] / (survival * np.log(survival))
    expected = np.sort(np.stack([survival ** np.exp(reach), survival ** np.exp(-reach)]), axis=0)
    assert np.stack([curve.low[places][inside], curve.high[places][inside]]) == pytest.approx(expected, rel=1e-5)
    half = np.flatnonzero(oracle.surv_prob <= 0.5 + 1e-12)
    assert curve.median_day == (oracle.surv_times[half[0]] if len(half) else INF)
    assert curve.median_low <= curve.median_day <= curve.median_high


@given(seed=st.integers(0, 9999), n=st.integers(6, 30), n_arms=st.integers(2, 3))
def test_log_rank_is_that_of_statsmodels(seed: int, n: int, n_arms: int) -> None:
    """Chi-squared and p; two or three arms."""
    days, events = random_mice(seed, n)
    arms = np.arange(n) % n_arms
    found = log_rank(days, events, arms)
    assert sum(found.observed) == pytest.approx(sum(found.expected))
    if not found.reason:
        assert (found.chi_squared, found.p) == pytest.approx(survdiff(days, events, arms), rel=1e-6, abs=1e-9)


def test_kaplan_meier_without_censoring_is_the_share_of_the_living() -> None:
    """Ten mice, an event a day: 0.9, 0.8, ..."""
    curve = kaplan_meier(np.arange(1.0, 11), np.ones(10, dtype=bool))
    assert curve.survival == pytest.approx(np.arange(0.9, -0.05, -0.1))
    assert curve.median_day == 5


def test_edges_of_kaplan_meier() -> None:
    """Nobody: a reason. Few mice: no interval. No event: survival stays 1 and no median is reached."""
    nobody = kaplan_meier(np.array([NAN]), np.array([True]))
    assert (nobody.n_mice, nobody.reason) == (0, "no mouse is evaluable")
    few = kaplan_meier(np.array([5.0, 8, NAN]), np.array([True, True, False]))
    assert (few.n_mice, few.reason, few.median_day) == (2, "no interval under 5 mice", 5)
    assert np.isnan(few.median_low)
    calm = kaplan_meier(np.full(6, 9.0), np.zeros(6, dtype=bool))
    assert (calm.survival.tolist(), calm.low.tolist(), calm.median_day, calm.median_low) == ([1], [1], INF, INF)
    with pytest.raises(InputError, match="one of each per mouse"):
        kaplan_meier(np.ones(3), np.ones(2, dtype=bool))


def test_edges_of_log_rank() -> None:
    """One arm, no mouse, and no event have reasons."""
    days, events = np.array([5.0, 6, 7, 8]), np.ones(4, dtype=bool)
    assert log_rank(days, events, np.zeros(4, int)).reason == "one arm only"
    assert log_rank(np.full(4, NAN), events, np.arange(4)).reason == "one arm only"
    assert "no event" in log_rank(days, ~events, np.array([0, 0, 1, 1])).reason
    with pytest.raises(InputError, match="one of each per mouse"):
        log_rank(days, events, np.zeros(3, int))


def test_the_event_lies_between_two_scans() -> None:
    """Fourfold is reached between days 7 and 14; a later fall does not undo it; a missed scan widens the interval."""
    days = np.array([0.0, 7, 14, 21])
    assert time_to_multiple(days, np.array([100.0, 200, 400, 300]), multiple=4) == EventTime(7, 14, "")
    assert time_to_multiple(days, np.array([100.0, NAN, 400, 300]), multiple=4) == EventTime(0, 14, "")
    assert time_to_multiple(days, np.array([100.0, 200, 300, 399]), multiple=4) == EventTime(21, INF, "")


@pytest.mark.parametrize(
    ("volumes", "reason"),
    [([NAN, 5.0], "no scan on day 0"), ([0.0, 5.0], "no tumor on day 0"), ([5.0, NAN], "no scan after day 0")],
)
def test_who_has_no_time(volumes: list[float], reason: str) -> None:
    """Both ends are NaN, and a sentence says why."""
    found = time_to_multiple(np.array([0.0, 7.0]), np.array(volumes), multiple=2)
    assert found.reason == reason
    assert np.isnan([found.after_day, found.by_day]).all()


def test_a_multiple_is_above_1() -> None:
    """The volume itself is no event."""
    with pytest.raises(InputError, match="above 1"):
        time_to_multiple(np.array([0.0]), np.array([5.0]), multiple=1)


def test_the_rule_of_the_day() -> None:
    """An event counts on the scan that first shows it, a censored mouse at its last scan; who has no time is NaN."""
    days, events = right_censored([EventTime(7, 14, ""), EventTime(21, INF, ""), EventTime(NAN, NAN, "no scan")])
    np.testing.assert_array_equal(days, [14, 21, NAN])
    assert events.tolist() == [True, False, False]
