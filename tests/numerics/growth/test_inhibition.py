"""T/C and TGI: by hand, on documented curves, by property, against scipy, and what leaves them undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from murinoma.errors import InputError
from murinoma.numerics.growth.inhibition import Effect, growth_inhibition, treatment_over_control

NAN = np.nan
ARM = np.array([100.0, 120, 90, 150, 110])
GROWN = ARM * np.array([3.0, 4, 5, 3.5, 4.5])


def inhibition(first: np.ndarray, last: np.ndarray, seed: int = 0, floor_mm3: float = 0.0) -> Effect:
    """Return the TGI of an arm against the control of this file."""
    return growth_inhibition(first, last, ARM, GROWN, floor_mm3=floor_mm3, rng=np.random.default_rng(seed))


def test_tgi_by_hand() -> None:
    """The control gains 400 mm3 on the mean; an arm that gains 100 has 75 %, one that loses 40 has 110 %."""
    start = np.array([80.0, 120.0])
    for gain, expected in ((100, 75), (0, 100), (-40, 110), (400, 0), (600, -50)):
        found = growth_inhibition(start, start + gain, start, start + 400, rng=np.random.default_rng(0))
        assert found.value == pytest.approx(expected)


def test_the_formula_of_drap_on_the_volumes_of_xeva() -> None:
    """DRAP's documented TGI (method deltaV, 1 - (V_t - V_0) / (C_t - C_0)) of the curves in Xeva's manual of TGI.

    1.35 to 53.91 in the control and 0.4 to 9.44 treated: 1 - 9.04 / 52.56. Neither manual prints the number; Xeva
    itself defines its TGI as another ratio.
    """
    first, last, control_first, control_last = (np.array([volume]) for volume in (0.4, 9.44, 1.35, 53.91))
    found = growth_inhibition(first, last, control_first, control_last, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(82.80, abs=0.005)


def test_tgi_is_of_arm_means_not_a_mean_of_mice() -> None:
    """Gains of 0 and 300 against 100 and 500: 100 (1 - 150 / 300) = 50 %, whatever the pairs."""
    start = np.full(2, 50.0)
    last, control_last = np.array([50.0, 350]), np.array([150.0, 550])
    found = growth_inhibition(start, last, start, control_last, rng=np.random.default_rng(0))
    assert found.value == pytest.approx(50)


def test_tgi_is_undefined_where_the_control_did_not_grow() -> None:
    """C_t <= C_0."""
    found = growth_inhibition(ARM, GROWN, ARM, ARM, rng=np.random.default_rng(0))
    assert np.isnan(found.value)
    assert found.reason == "the control did not grow, so there is no growth to inhibit"


def test_the_interval_of_tgi_holds_it_is_skewed_and_chance_is_fixed() -> None:
    """The lower end lies further off than the upper one; the same seed gives the same ends, another one nearly."""
    found = inhibition(ARM, 1.5 * GROWN / 3)
    assert found.low < found.value < found.high
    assert found.value - found.low > found.high - found.value
    assert found == inhibition(ARM, 1.5 * GROWN / 3)
    other = inhibition(ARM, 1.5 * GROWN / 3, seed=1)
    width = found.high - found.low
    assert abs(other.low - found.low) < 0.2 * width
    assert abs(other.high - found.high) < 0.2 * width


def test_the_interval_of_tgi_narrows_to_the_normal_one_in_many_mice() -> None:
    """2,000 mice in each arm of little scatter: the delta method's standard error of the ratio of mean gains."""
    rng = np.random.default_rng(5)
    first, control_first = rng.lognormal(5, 0.1, (2, 2000))
    last, control_last = first * rng.lognormal(0.5, 0.1, 2000), control_first * rng.lognormal(1.2, 0.1, 2000)
    found = growth_inhibition(first, last, control_first, control_last, rng=rng)
    gains, control_gains = last - first, control_last - control_first
    ratio = gains.mean() / control_gains.mean()
    error = np.sqrt(gains.var() + ratio**2 * control_gains.var()) / np.sqrt(2000) / control_gains.mean()
    assert (found.high - found.low) / 2 == pytest.approx(100 * 1.96 * error, rel=0.08)


def test_a_vanished_tumor_counts_in_tgi_and_takes_its_interval_unless_a_floor_is_stated() -> None:
    """The value uses 0 as it is; the interval needs a logarithm."""
    last = np.where(np.arange(5) == 0, 0.0, ARM)
    bare = inhibition(ARM, last)
    assert bare.value == pytest.approx(100 + 100 * 20 / (GROWN - ARM).mean())
    assert (bare.method, bare.reason) == ("none", "a volume of 0 has no logarithm; state a floor")
    floored = inhibition(ARM, last, floor_mm3=5.0)
    assert floored.value == bare.value
    assert floored.low < floored.value


def test_a_control_that_may_not_have_grown_gives_no_interval() -> None:
    """Its mean gain is 2 mm3 with a standard deviation of 40: the ratio has no lower limit."""
    control = ARM + np.array([-50.0, 40, 30, -45, 35])
    found = growth_inhibition(ARM, GROWN, ARM, control, rng=np.random.default_rng(0))
    assert np.isfinite(found.value)
    assert np.isnan(found.low)
    assert "may not have grown" in found.reason


def test_t_over_c_by_hand() -> None:
    """Twofold and eightfold (geometric mean 4) against fourfold and sixteenfold (8): 0.5."""
    start = np.array([100.0, 300.0])
    found = treatment_over_control(start, start * [2, 8], start, start * [4, 16])
    assert found.value == pytest.approx(0.5)
    assert found.reason == "an interval needs 5 mice in each arm; there are 2 and 2"


@given(seed=st.integers(0, 999), n=st.integers(5, 9), k=st.integers(5, 9))
def test_the_interval_of_t_over_c_is_welchs_on_the_log_scale(seed: int, n: int, k: int) -> None:
    """As scipy has it; and the other way round it is the reciprocal one."""
    rng = np.random.default_rng(seed)
    arm, control = rng.lognormal(5, 0.4, (2, n)), rng.lognormal(5, 0.4, (2, k))
    found = treatment_over_control(arm[0], arm[1], control[0], control[1])
    logs = np.log(arm[1] / arm[0]), np.log(control[1] / control[0])
    oracle = stats.ttest_ind(*logs, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((np.exp(oracle.low), np.exp(oracle.high)))
    turned = treatment_over_control(control[0], control[1], arm[0], arm[1])
    assert (turned.value, turned.low) == pytest.approx((1 / found.value, 1 / found.high))


def test_mice_with_one_volume_are_left_out_and_nobody_left_is_said() -> None:
    """NaN on either day; an arm without any pair is undefined."""
    first = np.array([100.0, NAN, 100])
    last = np.array([200.0, 200, NAN])
    assert treatment_over_control(first, last, ARM, GROWN).n_mice == 1
    for nobody in (
        treatment_over_control(first[1:], last[1:], ARM, GROWN),
        inhibition(first[1:], last[1:]),
    ):
        assert np.isnan(nobody.value)
        assert nobody.reason == "no mouse of one of the arms has both volumes"


def test_a_vanished_tumor_needs_a_floor_in_t_over_c() -> None:
    """0 has no relative volume on the log scale; a floor of 10 mm3 makes it a tenth."""
    first, last = np.array([100.0, 100]), np.array([0.0, 1000])
    assert "state a floor" in treatment_over_control(first, last, first, first).reason
    assert treatment_over_control(first, last, first, first, floor_mm3=10.0).value == pytest.approx(1)


def test_arrays_of_other_mice_are_refused() -> None:
    """First and last volumes belong to the same mice."""
    with pytest.raises(InputError, match="the same mice in the same order"):
        treatment_over_control(ARM, GROWN[:3], ARM, GROWN)
