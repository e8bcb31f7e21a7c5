"""Active time: work counts, long pauses count a minute, and a clock that jumps does no harm."""

from hypothesis import given
from hypothesis import strategies as st

from murinoma.campaign.stopwatch import PAUSE_SECONDS, Stopwatch

READINGS = st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20)


def laps(readings: list[float]) -> list[float]:
    """Return the laps of a stopwatch whose clock reads these."""
    clock = iter(readings)
    watch = Stopwatch(lambda: next(clock))
    return [watch.lap() for _ in readings[1:]]


def test_time_between_signs_of_life_counts() -> None:
    """Strokes after 3 and 7 more seconds: 10 seconds."""
    assert laps([100.0, 103.0, 110.0]) == [3.0, 7.0]


def test_a_night_counts_as_a_minute() -> None:
    """Ten hours without a sign of life are a pause."""
    assert laps([0.0, 36_000.0, 36_002.0]) == [PAUSE_SECONDS, 2.0]


def test_a_clock_that_goes_back_counts_nothing() -> None:
    """And from there on it counts again."""
    assert laps([1_000.0, 10.0, 15.0]) == [0.0, 5.0]


@given(READINGS)
def test_no_lap_is_negative_or_absurd(readings: list[float]) -> None:
    """Whatever the clock reads, each lap is from nothing to a minute."""
    assert all(0 <= lap <= PAUSE_SECONDS for lap in laps(readings))
