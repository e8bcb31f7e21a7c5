"""Changes from the baseline: by hand, by property, against a simulation, on the published catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.growth.change import beyond_detectable, changes_from_baseline
from murinoma.numerics.growth.jumps import neighbours
from murinoma.numerics.repeatability import detectable_change
from tests.numerics.growth.catalogue import DATASETS, SD_WITHIN, real_scans


def test_changes_by_hand() -> None:
    """100 to 150 and 90 mm3 with limits of -18 and +23 %: +50 (23 to 84) % is beyond, -10 (-27 to +10) % is not."""
    found = changes_from_baseline(np.array([8.0, 0, 4]), np.array([150.0, 100, 90]), sd_within=SD_WITHIN)
    assert (found.baseline_day, found.baseline_mm3, found.note) == (0, 100, "")
    assert found.percent == pytest.approx([50, 0, -10])
    assert found.low_percent[[0, 2]] == pytest.approx([22.4, -26.6], abs=0.1)
    assert found.high_percent[[0, 2]] == pytest.approx([83.9, 10.4], abs=0.1)
    assert np.isnan(found.low_percent[1])
    assert found.beyond.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("days", "volumes", "note"),
    [
        ([1.0, 8], [100.0, 200], "no volume at day 0"),
        ([0.0, 8], [np.nan, 200], "no volume at day 0"),
        ([0.0, 8], [0.0, 200], "no tumor at day 0"),
        ([0.0, 8], [4.0, 200], "the volume at day 0 is below the limit of 5 mm3"),
        ([], [], "no volume at day 0"),
    ],
)
def test_without_a_baseline_there_is_no_change_but_a_reason(days: list[float], volumes: list[float], note: str) -> None:
    """No scan at day 0, not measured, not seen, below the limit, no scan at all: NaN, nothing beyond, and why."""
    found = changes_from_baseline(np.array(days), np.array(volumes), sd_within=SD_WITHIN, limit_mm3=5)
    assert found.note == note
    assert np.isnan(found.percent).all()
    assert not found.beyond.any()


def test_a_window_takes_the_nearest_and_of_two_the_earlier() -> None:
    """Days -1 and 1 are as near to day 0: day -1 is the baseline; with a window of half a day there is none."""
    days, volumes = np.array([1.0, -1, 8]), np.array([200.0, 100, 400])
    assert changes_from_baseline(days, volumes, sd_within=SD_WITHIN, window_days=1).baseline_mm3 == 100
    none = changes_from_baseline(days, volumes, sd_within=SD_WITHIN, window_days=0.5)
    assert none.note == "no volume at day 0 +- 0.5"


def test_a_vanished_tumor_has_changed_as_much_as_the_limit_tells() -> None:
    """From 100 mm3 to not seen is beyond; from 5.5 mm3 to below a limit of 5 mm3 may be measurement alone."""
    large = changes_from_baseline(np.array([0.0, 8]), np.array([100.0, 0]), sd_within=SD_WITHIN, limit_mm3=5)
    small = changes_from_baseline(np.array([0.0, 8]), np.array([5.5, 0]), sd_within=SD_WITHIN, limit_mm3=5)
    assert (large.percent[1], large.low_percent[1]) == (-100, -100)
    assert large.high_percent[1] == pytest.approx(100 * (0.05 * (1 + detectable_change(SD_WITHIN)[1]) - 1))
    assert (large.beyond[1], small.beyond[1]) == (True, False)


@given(st.lists(st.floats(1, 4000), min_size=2, max_size=6), st.floats(0.5, 2))
def test_an_error_shared_by_all_days_cancels(volumes: list[float], shared: float) -> None:
    """An annotator who draws everything larger by the same factor finds the same changes, just as surely."""
    days = np.arange(len(volumes), dtype=float)
    one = changes_from_baseline(days, np.array(volumes), sd_within=SD_WITHIN)
    other = changes_from_baseline(days, shared * np.array(volumes), sd_within=SD_WITHIN)
    np.testing.assert_allclose(one.percent, other.percent, atol=1e-9)
    np.testing.assert_allclose(one.high_percent, other.high_percent, atol=1e-9)


def test_measurement_alone_is_beyond_in_5_of_100_cases() -> None:
    """20,000 pairs of measurements of the same volume: 4.5 to 5.5 % are beyond."""
    measured = np.random.default_rng(3).normal(0, SD_WITHIN, (20_000, 2))
    share = beyond_detectable(measured[:, 1] - measured[:, 0], SD_WITHIN).mean()
    assert 0.045 <= share <= 0.055


def test_an_unknown_change_or_error_is_not_beyond_and_a_negative_error_is_refused() -> None:
    """NaN compares with nothing."""
    assert not beyond_detectable(np.array([np.nan]), SD_WITHIN).any()
    assert not changes_from_baseline(np.arange(2.0), np.array([1.0, 9]), sd_within=np.nan).beyond.any()
    with pytest.raises(InputError, match="cannot be below 0"):
        changes_from_baseline(np.arange(2.0), np.array([1.0, 9]), sd_within=-1)


def test_the_share_of_published_changes_within_a_day_that_is_beyond() -> None:
    """Of 108 changes between scans up to 24 h apart 25 are beyond; of the 59 of them over 18 to 24 h, 21."""
    of_datasets = [neighbours(scans.days, scans.volumes, scans.mice) for scans in map(real_scans, DATASETS)]
    days = np.concatenate([found.days for found in of_datasets])
    beyond = beyond_detectable(np.concatenate([found.log_change for found in of_datasets]), SD_WITHIN)
    within_a_day, a_day = days <= 1, (days >= 0.74) & (days <= 1)
    assert (int(beyond[within_a_day].sum()), int(within_a_day.sum())) == (25, 108)
    assert (int(beyond[a_day].sum()), int(a_day.sum())) == (21, 59)


def test_30_published_mice_have_no_baseline() -> None:
    """193 of the 223 mice have a scan at 0."""
    notes = []
    for scans in map(real_scans, DATASETS):
        for mouse in np.unique(scans.mice):
            rows = scans.mice == mouse
            notes.append(changes_from_baseline(scans.days[rows], scans.volumes[rows], sd_within=SD_WITHIN).note)
    assert (len(notes), sum(note == "no volume at day 0" for note in notes)) == (223, 30)
