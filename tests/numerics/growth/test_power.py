"""Power: published numbers, by property, against statsmodels and a simulation, and what leaves it undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower

from murinoma.errors import InputError
from murinoma.numerics.growth.power import MOST_MICE, achieved_power, mice_per_arm, pooled_sd, power_by_source


@pytest.mark.parametrize(("effect", "n"), [(0.2, 394), (0.5, 64), (0.8, 26), (1.0, 17)])
def test_the_numbers_of_cohen(effect: float, n: int) -> None:
    """Two-sided 5 %, power 80 % (Cohen 1988, table 2.4.1; G*Power prints 394 where Cohen rounds to 393)."""
    assert mice_per_arm(effect, 1.0).n_per_arm == n


@given(effect=st.floats(0.3, 2.5), power=st.sampled_from([0.7, 0.8, 0.9, 0.95]), alpha=st.sampled_from([0.01, 0.05]))
def test_it_is_the_power_of_statsmodels(effect: float, power: float, alpha: float) -> None:
    """The number reaches the power there, one mouse less in each arm does not."""
    found = mice_per_arm(effect, 1.0, power=power, alpha=alpha)
    n = int(found.n_per_arm)
    oracle = TTestIndPower()
    assert found.power == pytest.approx(oracle.power(effect, n, alpha), abs=1e-6)
    assert found.power >= power
    assert n == 2 or oracle.power(effect, n - 1, alpha) < power


def test_it_is_the_power_of_simulated_studies() -> None:
    """8 mice in each arm, a difference of 1.5 standard deviations: 4,000 Welch tests."""
    rng = np.random.default_rng(2)
    arm, control = rng.normal(1.5, 1, (4000, 8)), rng.normal(0, 1, (4000, 8))
    share = (stats.ttest_ind(arm, control, axis=1, equal_var=False).pvalue < 0.05).mean()
    assert achieved_power(1.5, 1.0, 8) == pytest.approx(share, abs=0.02)


def test_the_sign_and_the_unit_do_not_matter() -> None:
    """Slower by 0.03 is as easy to see as faster by 0.03; per week is seven times both."""
    one = mice_per_arm(0.03, 0.02)
    assert mice_per_arm(-0.03, 0.02).n_per_arm == one.n_per_arm
    assert mice_per_arm(0.21, 0.14).n_per_arm == one.n_per_arm


def test_the_interval_of_the_standard_deviation_is_carried_along() -> None:
    """With 8 degrees of freedom it reaches from 0.675 to 1.916 times (chi-squared); with 3 there is none."""
    found = mice_per_arm(1.0, 1.0, degrees=8)
    assert found.low_per_arm == mice_per_arm(1.0, np.sqrt(8 / 17.5345)).n_per_arm
    assert found.high_per_arm == mice_per_arm(1.0, np.sqrt(8 / 2.17973)).n_per_arm
    assert found.low_per_arm < found.n_per_arm < found.high_per_arm
    assert np.isnan(mice_per_arm(1.0, 1.0, degrees=3).high_per_arm)


@pytest.mark.parametrize(
    ("difference", "sd", "reason"),
    [
        (0.0, 0.02, "no difference to plan for"),
        (np.nan, 0.02, "no difference to plan for"),
        (0.03, np.nan, "no variance to plan with"),
        (0.03, 0.0, "no variance to plan with"),
        (1e-6, 1.0, f"more than {MOST_MICE:,} mice"),
    ],
)
def test_what_has_no_number(difference: float, sd: float, reason: str) -> None:
    """NaN, and a sentence says why."""
    found = mice_per_arm(difference, sd)
    assert np.isnan(found.n_per_arm)
    assert reason in found.reason


def test_a_huge_difference_needs_two_and_a_senseless_power_is_refused() -> None:
    """Two mice in each arm are the least; a power below the level is no power."""
    assert mice_per_arm(1000.0, 1.0).n_per_arm == 2
    assert np.isnan(achieved_power(1.0, 1.0, 1))
    with pytest.raises(InputError, match="makes no sense"):
        mice_per_arm(1.0, 1.0, power=0.01)


def test_the_pooled_standard_deviation_by_hand() -> None:
    """1, 3 and 10, 12 scatter by 2 around their own means; a lonely mouse and NaN add nothing."""
    rates, arms = np.array([1.0, 3, 10, 12, 7, np.nan]), np.array([0, 0, 1, 1, 2, 2])
    sd, degrees = pooled_sd(rates, arms)
    assert sd == pytest.approx(np.sqrt(2))
    assert degrees == 2
    assert np.isnan(pooled_sd(rates[4:], arms[4:])[0])


def test_a_source_with_more_error_needs_more_mice() -> None:
    """On the same mice; a mouse without a rate from one source counts for neither."""
    rng = np.random.default_rng(3)
    truth = rng.normal(0.1, 0.02, 24)
    precise, coarse = truth + rng.normal(0, 0.002, 24), truth + rng.normal(0, 0.04, 24)
    coarse[0] = np.nan
    arms = np.arange(24) // 12
    one, other = power_by_source(np.stack([precise, coarse]), arms, difference_per_day=0.03)
    assert (one.degrees, other.degrees) == (21, 21)
    assert one.n_per_arm < other.n_per_arm
    assert one.sd_per_day == pooled_sd(precise[1:], arms[1:])[0]
