"""How many mice would tell: against the formula of a mean, the rule of three, and by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from murinoma.numerics.event_rates import Rate, rate_over_mice
from murinoma.numerics.intervals import Interval, no_interval
from murinoma.numerics.sample_size import MOST_MICE, mice_for_mean, mice_for_rate

PLANNED = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)


@given(value=st.floats(-0.019, 0.5), sd=st.floats(0.05, 0.3), n_mice=st.integers(5, 60))
def test_a_one_sided_margin_follows_the_textbook_formula(value: float, sd: float, n_mice: int) -> None:
    """((1.960 + 0.842) SD / distance)^2 mice, not fewer than there are, none above the most."""
    half = stats.norm.ppf(0.975) * sd / np.sqrt(n_mice)
    needed = mice_for_mean(Interval(value, value - half, value + half, n_mice, "t over mice"), -0.02, np.inf)
    textbook = (PLANNED * sd / (value + 0.02)) ** 2
    if textbook > MOST_MICE:
        assert needed is None
    else:
        assert needed in (None, max(n_mice + 1, int(np.ceil(textbook))), max(n_mice + 1, int(np.ceil(textbook)) + 1))
        assert needed is not None or textbook > MOST_MICE / 2


def test_two_margins_need_the_nearer_one_kept() -> None:
    """Value 0.01 between -0.05 and 0.05: 0.04 to the nearer one."""
    needed = mice_for_mean(Interval(0.01, -0.09, 0.11, 40, "bootstrap over mice"), -0.05, 0.05)
    assert needed == int(np.ceil(40 * (0.1 * PLANNED / stats.norm.ppf(0.975) / 0.04) ** 2))


def test_beyond_the_margin_the_number_is_of_those_that_would_fail() -> None:
    """Value 0.08 with a margin at 0.05: 0.03 to go below it."""
    needed = mice_for_mean(Interval(0.08, -0.02, 0.18, 40, "bootstrap over mice"), -0.05, 0.05)
    assert needed == int(np.ceil(40 * (0.1 * PLANNED / stats.norm.ppf(0.975) / 0.03) ** 2))


def test_no_interval_has_no_number() -> None:
    """Below five mice nothing is known of the spread."""
    assert mice_for_mean(no_interval(0.3, 4), 0.0, 1.0) is None
    assert mice_for_rate(Rate(0.0, 0.0, 0.25, 0.0625, 4), 0.1) is None


@pytest.mark.parametrize(("per_scan", "n_mice"), [(0.04, 40), (0.2, 12)])
def test_the_stated_number_decides_in_about_four_of_five_studies(per_scan: float, n_mice: int) -> None:
    """A rate below and one above 0.1: between 70 and 95 % of 500 studies of that size are decided as foreseen.

    At that size few events occur, so the chance moves in steps.
    """
    rng = np.random.default_rng(3)
    typical = Rate(per_scan, per_scan / n_mice, 1 / n_mice, 1 / n_mice**2, n_mice)
    needed = mice_for_rate(typical, 0.1)
    assert needed is not None
    decided = 0
    for _ in range(500):
        events = rng.poisson(per_scan, needed).astype(float)
        rate = rate_over_mice(events, np.ones(needed), np.arange(needed), np.zeros(needed, int))
        decided += rate.upper < 0.1 if per_scan < 0.1 else rate.lower > 0.1
    assert 350 < decided < 475


def test_a_rate_at_its_margin_is_decided_by_no_number() -> None:
    """0.1 against 0.1: more mice come ever closer and never decide."""
    assert mice_for_rate(Rate(0.1, 0.005, 1 / 20, 1 / 400, 20), 0.1) is None
