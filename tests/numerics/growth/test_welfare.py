"""Welfare: the limits by hand, the day they are reached, and the published catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma import published
from murinoma.numerics.growth.welfare import welfare


@pytest.mark.parametrize(
    ("burden", "level", "words"),
    [
        (1500.0, 0, "below"),
        (1500.1, 1, "over 1,500"),
        (2000.0, 1, "over 1,500"),
        (2000.1, 2, "over 2,000"),
        (np.nan, -1, "unknown"),
        (0.0, 0, "below"),
    ],
)
def test_the_limits(burden: float, level: int, words: str) -> None:
    """Over 1,500 mm3 is flagged, over 2,000 shouted; the limits themselves are not over."""
    found = welfare(burden)
    assert (found.level, found.words) == (level, words)


def test_the_upper_end_of_the_interval_counts_too() -> None:
    """1,400 mm3 may be 1,600; the burden's own level is the least."""
    assert welfare(1400.0, high_mm3=1600.0).level_of_high == 1
    assert welfare(1600.0).level_of_high == 1
    assert welfare(1600.0, high_mm3=2100.0).level_of_high == 2


def test_the_day_of_the_limit_by_hand() -> None:
    """750 mm3 on day 8, doubling in 7 days: day 15."""
    assert welfare(750.0, day=8.0, rate_per_day=np.log(2) / 7).limit_day == pytest.approx(15)


@pytest.mark.parametrize(
    ("burden", "rate", "reason"),
    [
        (750.0, -0.1, "not growing"),
        (750.0, 0.0, "not growing"),
        (0.0, 0.1, "not growing"),
        (750.0, np.nan, "no growth rate"),
        (1600.0, 0.1, "already over the limit"),
        (np.nan, 0.1, "the burden is not known"),
    ],
)
def test_no_day_has_a_reason(burden: float, rate: float, reason: str) -> None:
    """NaN where the tumor shrinks, is gone, has no rate, or is over the limit already."""
    found = welfare(burden, day=8.0, rate_per_day=rate)
    assert np.isnan(found.limit_day)
    assert found.reason == reason


@given(burden=st.floats(1, 1499), rate=st.floats(0.01, 1), day=st.floats(0, 50))
def test_on_that_day_the_burden_is_the_limit(burden: float, rate: float, day: float) -> None:
    """By exponential growth from the scan on."""
    found = welfare(burden, day=day, rate_per_day=rate)
    assert burden * np.exp(rate * (found.limit_day - day)) == pytest.approx(1500)


def test_the_published_catalogue() -> None:
    """Of its 452 scans 13 are over 1,500 mm3, and 8 of these over 2,000."""
    levels = np.array([welfare(volume).level for volume in published.catalogue().staple_volume_mm3])
    assert len(levels) == 452
    assert ((levels >= 1).sum(), (levels == 2).sum()) == (13, 8)
