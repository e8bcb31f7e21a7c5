"""Doubling times in numbers and words: by hand, by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.numerics.growth.doubling import doubling_time
from murinoma.numerics.growth.rates import GroupRate, MeasurementError, growth_rate
from tests.numerics.growth.catalogue import SD_WITHIN

ERROR = MeasurementError(SD_WITHIN)


def test_words_of_doubling_times() -> None:
    """Growing, slower than can be told, falling within the error, shrinking."""
    rates = [growth_rate(np.array([0.0, 8]), np.array([100.0, v]), error=ERROR) for v in (200, 110, 99, 50)]
    assert [doubling_time(rate).verdict for rate in rates] == ["growing", "not growing", "not growing", "shrinking"]
    texts = [doubling_time(rate).text for rate in rates]
    assert texts == ["8.0 d (6.2 to 11.3)", "longer than 20.8 d", "not growing", "halves in 8.0 d (6.2 to 11.3)"]
    longer = doubling_time(rates[1]).longer_than_days
    assert longer == pytest.approx(np.log(2) / rates[1].highest_per_day)
    assert doubling_time(growth_rate(np.array([0.0, 8]), np.array([100.0, 83]), error=ERROR)).longer_than_days == np.inf


@given(st.floats(0.001, 3), st.floats(0.01, 0.99))
def test_the_doubling_time_and_its_interval_are_log_2_over_the_rate(rate: float, share: float) -> None:
    """The edges change places; a mirrored rate has the same halving time."""
    up = doubling_time(GroupRate(rate, rate * share, rate / share, rate / share, 0.1, 9, "t over mice"))
    down = doubling_time(GroupRate(-rate, -rate / share, -rate * share, -rate * share, 0.1, 9, "t over mice"))
    assert np.array([up.low_days, up.days, up.high_days]) * rate == pytest.approx(
        np.log(2) * np.array([share, 1, 1 / share])
    )
    assert (down.low_days, down.days, down.high_days) == pytest.approx((up.low_days, up.days, up.high_days))
    assert down.text == f"halves in {up.text}"


def test_a_group_of_three_mice_has_a_doubling_time_without_an_interval() -> None:
    """Its rate is known, its interval is not; a falling one says nothing."""
    nan = np.nan
    assert doubling_time(GroupRate(0.1, nan, nan, nan, 0.1, 3, "none")).text == "6.9 d (no interval)"
    assert doubling_time(GroupRate(-0.1, nan, nan, nan, 0.1, 3, "none")).text == "unknown"


@pytest.mark.parametrize(("rate", "text"), [(2.0, "0.35 d"), (0.0693147, "10.0 d"), (0.000693147, "1,000 d")])
def test_a_doubling_time_is_as_short_as_it_can_be_read(rate: float, text: str) -> None:
    """Two digits under a day, a tenth under 100 days, whole days above."""
    assert doubling_time(GroupRate(rate, rate, rate, rate, 0.1, 9, "t over mice")).text.startswith(text)
