"""Arm curves, the day of comparison and the arm test: by hand, by property, against scipy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from murinoma.errors import InputError
from murinoma.numerics.growth.arms import arm_curve, arm_test, arm_tests, comparison_day, holm

DAYS = np.array([0.0, 7.0, 14.0])
NAN = np.nan


def test_the_curve_is_the_geometric_mean_of_the_mice_alive_and_says_who_left() -> None:
    """Mice of 100 and 400 mm3: 200. From day 14 on one mouse is gone, and the mean is of the other."""
    curve = arm_curve(DAYS, np.array([[100.0, 200, NAN], [400, 800, 1000]]))
    assert [round(point.geometric_mean_mm3, 6) for point in curve] == [200, 400, 1000]
    assert [(point.n_mice, point.n_started, point.after_dropout) for point in curve] == [
        (2, 2, False),
        (2, 2, False),
        (1, 2, True),
    ]
    assert "1 of 2 mice not measured" in curve[2].reason


def test_the_interval_is_that_of_t_on_the_log_scale_from_five_mice_on() -> None:
    """Five mice: scipy's t interval of the log volumes; four mice: none, and a reason."""
    volumes = np.array([[100.0], [150], [120], [300], [90]])
    (point,) = arm_curve(DAYS[:1], volumes)
    logs = np.log(volumes[:, 0])
    expected = stats.t.interval(0.95, 4, logs.mean(), stats.sem(logs))
    assert np.log([point.low_mm3, point.high_mm3]) == pytest.approx(expected)
    (few,) = arm_curve(DAYS[:1], volumes[:4])
    assert np.isnan(few.low_mm3)
    assert few.reason == "no interval under 5 mice"


def test_a_mouse_that_was_skipped_once_has_not_left() -> None:
    """Measured again on day 14, the mouse is missing on day 7, but nobody has dropped out."""
    curve = arm_curve(DAYS, np.array([[100.0, NAN, 400], [100, 200, 400]]))
    assert not any(point.after_dropout for point in curve)
    assert curve[1].n_mice == 1


def test_a_mouse_known_to_be_under_observation_has_not_left() -> None:
    """Its last scan is on day 0, but it lived to day 14: only later days would be after a drop-out."""
    volumes = np.array([[100.0, NAN, NAN], [100, 200, 400]])
    lived = arm_curve(DAYS, volumes, last_days=np.array([14.0, NAN]))
    assert not any(point.after_dropout for point in lived)
    assert [point.after_dropout for point in arm_curve(DAYS, volumes)] == [False, True, True]


def test_a_vanished_tumor_needs_a_floor() -> None:
    """Volume 0 leaves the mean undefined; with a floor of 1 mm3 the mean of 0 and 100 is 10, and it is counted."""
    volumes = np.array([[0.0], [100.0]])
    (bare,) = arm_curve(DAYS[:1], volumes)
    assert np.isnan(bare.geometric_mean_mm3)
    assert bare.reason == "a volume of 0 has no logarithm; state a floor"
    (floored,) = arm_curve(DAYS[:1], volumes, floor_mm3=1.0)
    assert floored.geometric_mean_mm3 == pytest.approx(10)
    assert floored.n_below_floor == 1


def test_no_mouse_has_no_curve_and_wrong_arrays_are_refused() -> None:
    """Empty in, empty out; days that do not increase, volumes below 0 and other shapes are one sentence each."""
    assert arm_curve(DAYS, np.full((2, 3), NAN)) == []
    with pytest.raises(InputError, match="do not increase"):
        arm_curve(DAYS[::-1], np.ones((2, 3)))
    with pytest.raises(InputError, match="a volume is -1 mm3"):
        arm_curve(DAYS, -np.ones((2, 3)))
    with pytest.raises(InputError, match="one place per day"):
        arm_curve(DAYS, np.ones((2, 2)))


@given(seed=st.integers(0, 999), factor=st.floats(0.01, 100))
def test_the_unit_of_volume_scales_the_curve(seed: int, factor: float) -> None:
    """Mean and interval in another unit are the same numbers times the factor."""
    volumes = np.random.default_rng(seed).lognormal(5, 0.5, (6, 3))
    for one, other in zip(arm_curve(DAYS, volumes), arm_curve(DAYS, factor * volumes), strict=True):
        assert other.geometric_mean_mm3 == pytest.approx(factor * one.geometric_mean_mm3)
        assert (other.low_mm3, other.high_mm3) == pytest.approx((factor * one.low_mm3, factor * one.high_mm3))


def test_arms_are_compared_on_the_last_day_with_all_their_mice() -> None:
    """A control mouse left before day 14, so day 7; a day fixed beforehand stands, and the missing are counted."""
    treated, control = np.ones((3, 3)), np.array([[1.0, 1, 1], [1, 1, NAN]])
    choice = comparison_day(DAYS, treated, control)
    assert (choice.baseline_day, choice.day, choice.fixed, choice.reason) == (0, 7, False, "")
    fixed = comparison_day(DAYS, treated, control, fixed_day=14)
    assert (fixed.day, fixed.fixed) == (14, True)
    assert fixed.reason == "1 of 5 mice were not measured on day 14"


@pytest.mark.parametrize(
    ("treated", "fixed_day", "reason"),
    [
        ([[NAN, 1.0, NAN], [1.0, NAN, NAN]], None, "there is no day on which all mice of both arms"),
        ([[1.0, NAN, NAN]], None, "day 0 is the only day with all mice"),
        ([[1.0, 1, 1]], 10, "day 10, fixed beforehand, is no day with scans after the baseline"),
        ([[1.0, 1, 1]], 0, "day 0, fixed beforehand, is no day with scans after the baseline"),
    ],
)
def test_no_day_of_comparison_has_a_reason(treated: list[list[float]], fixed_day: float | None, reason: str) -> None:
    """The day is NaN, and a sentence says why."""
    choice = comparison_day(DAYS, np.array(treated), np.ones((2, 3)), fixed_day=fixed_day)
    assert np.isnan(choice.day)
    assert reason in choice.reason


@given(seed=st.integers(0, 999), n=st.integers(5, 12), k=st.integers(5, 12))
def test_the_arm_test_is_welchs_in_scipy(seed: int, n: int, k: int) -> None:
    """T, degrees of freedom, p and interval of the difference agree with `scipy.stats.ttest_ind(equal_var=False)`."""
    rng = np.random.default_rng(seed)
    rates, control = rng.normal(0.06, 0.03, n), rng.normal(0.1, 0.01, k)
    found, oracle = arm_test(rates, control), stats.ttest_ind(rates, control, equal_var=False)
    assert (found.t, found.degrees, found.p) == pytest.approx((oracle.statistic, oracle.df, oracle.pvalue))
    interval = oracle.confidence_interval(0.95)
    assert (found.low_per_day, found.high_per_day) == pytest.approx((interval.low, interval.high))


def test_mice_without_a_rate_are_left_out() -> None:
    """NaN is not a mouse in the test."""
    rates = np.array([0.05, 0.06, NAN, 0.08])
    found = arm_test(rates, rates[~np.isnan(rates)] + 0.1)
    assert (found.n_mice, found.n_control) == (3, 3)
    assert found.difference_per_day == pytest.approx(-0.1)
    assert found.reason == "an interval needs 5 mice in each arm; there are 3 and 3"
    assert found.p < 0.01
    assert np.isnan(found.low_per_day)


@pytest.mark.parametrize(
    ("rates", "reason"),
    [([0.1], "a test needs 2 mice in each arm"), ([], "a test needs 2 mice"), ([0.1, 0.1], "all alike")],
)
def test_no_test_has_a_reason(rates: list[float], reason: str) -> None:
    """One mouse, none, or mice without variance: p is NaN."""
    found = arm_test(np.array(rates), np.array([0.2, 0.2]))
    assert np.isnan(found.p)
    assert reason in found.reason


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_holm_is_that_of_statsmodels(n: int) -> None:
    """And NaN among them changes nothing."""
    p = np.random.default_rng(n).random(n) ** 3
    expected = multipletests(p, method="holm")[1]
    assert holm(p) == pytest.approx(expected)
    assert holm(np.append(p, NAN))[:-1] == pytest.approx(expected)


def test_several_arms_are_each_tested_against_the_control() -> None:
    """Codes 1 and 5 against 3; p is that of the pair, p_holm twice the smaller one."""
    rng = np.random.default_rng(0)
    arms = np.repeat([3, 1, 5], 6)
    rates = rng.normal(0.1, 0.02, 18) - 0.04 * (arms == 5)
    first, second = arm_tests(rates, arms, control=3)
    assert (first.arm, second.arm) == (1, 5)
    assert second.p == arm_test(rates[arms == 5], rates[arms == 3]).p
    assert second.p_holm == pytest.approx(2 * second.p)
    assert arm_tests(rates[:6], arms[:6], control=3) == []
    with pytest.raises(InputError, match="no mouse is in the control arm 9"):
        arm_tests(rates, arms, control=9)
