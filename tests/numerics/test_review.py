"""The review queue: points and words by hand, growth by hand, the worst scans come first on simulated ones."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.numerics.review import ScanConcerns, found_early, growth_misfit, review_queue


def concerns(n: int, **known: Any) -> ScanConcerns:
    """Return concerns of n scans of which only some are known."""
    unknown = np.full(n, np.nan)
    fields = {
        "interval_low_mm3": unknown,
        "interval_high_mm3": unknown,
        "expected_dice": unknown,
        "growth_misfit": unknown,
        "hu_failed": np.zeros(n, bool),
        "annotators_dice": unknown,
    }
    return ScanConcerns(**{**fields, **{name: np.asarray(values) for name, values in known.items()}})


def test_points_and_words_by_hand() -> None:
    """Half of log(495 / 100) is 0.8: 3 points; Dice 0.75: 1.5; 5 spreads: 1.5; HU: 3; annotators' Dice 0.7: 2."""
    (entry,) = review_queue(
        concerns(
            1,
            interval_low_mm3=[100.0],
            interval_high_mm3=[100 * np.exp(1.6)],
            expected_dice=[0.75],
            growth_misfit=[5.0],
            hu_failed=[True],
            annotators_dice=[0.7],
        )
    )
    assert entry.score == pytest.approx(3 + 1.5 + 1.5 + 3 + 2)
    assert entry.reasons == (
        "volume known only to lie within 100 to 495 mm3",
        "HU check failed",
        "annotators far apart: mean Dice 0.70",
        "expected Dice 0.75",
        "volume 5.0 usual spreads off what the mouse's other scans let expect",
    )


def test_what_is_usual_does_not_count_and_little_beyond_is_not_told() -> None:
    """A Dice of 0.95 and growth two spreads off are no points; 0.86 is 0.4 without a word; unknown is none."""
    (entry,) = review_queue(concerns(1, expected_dice=[0.95], growth_misfit=[2.0]))
    assert (entry.score, entry.reasons) == (0.0, ())
    (entry,) = review_queue(concerns(1, expected_dice=[0.86]))
    assert (entry.score, entry.reasons) == (0.4, ())
    (entry,) = review_queue(concerns(1))
    assert (entry.score, entry.reasons) == (0.0, ())


def test_an_interval_of_nothing_is_no_concern() -> None:
    """A lower edge of 0 has no ratio."""
    (entry,) = review_queue(concerns(1, interval_low_mm3=[0.0], interval_high_mm3=[5.0]))
    assert entry.score == 0


def test_the_queue_is_sorted_and_ties_stay_in_order() -> None:
    """0.8, 0.7, 0.8, unknown: rows 1, 0, 2, 3. No scans: no queue."""
    queue = review_queue(concerns(4, expected_dice=[0.8, 0.7, 0.8, np.nan]))
    assert [entry.place for entry in queue] == [1, 0, 2, 3]
    assert review_queue(concerns(0)) == []


@given(dice=st.lists(st.floats(0, 1), min_size=1, max_size=20), failed=st.integers(0, 2**20))
def test_every_scan_stands_once_and_the_score_falls(dice: list[float], failed: int) -> None:
    """The queue is a permutation; a failed check never moves a scan back."""
    n = len(dice)
    flags = np.array([failed >> k & 1 for k in range(n)], bool)
    queue = review_queue(concerns(n, expected_dice=dice, hu_failed=flags))
    assert sorted(entry.place for entry in queue) == list(range(n))
    assert all(one.score >= other.score for one, other in pairwise(queue))
    worse = review_queue(concerns(n, expected_dice=dice, hu_failed=flags | (np.arange(n) == 0)))
    place = [entry.place for entry in queue].index(0)
    assert [entry.place for entry in worse].index(0) <= place


def test_growth_by_hand() -> None:
    """Three tumors double each day and a fourth stands still: log 2 off, the others not; the spread is at least 0.1."""
    hours, tumors = np.tile([0.0, 24.0], 4), np.repeat(np.arange(4), 2)
    volumes = np.array([100.0, 200, 50, 100, 10, 20, 100, 100])
    found = growth_misfit(volumes, hours, tumors, tumors * 0)
    assert found == pytest.approx([0] * 6 + [np.log(2) / 0.1] * 2, abs=1e-9)


def test_the_spread_is_that_of_the_study() -> None:
    """Differences of 0.2, 0.4 and 0.6 about the median growth, each at two scans: the spread is 1.4826 times 0.4."""
    steps = np.array([0.5, -0.5, 1.0, -1.0, 0.0])
    volumes = np.exp(np.column_stack([np.full(5, 5.0), 5 + steps])).ravel()
    hours, tumors = np.tile([0.0, 24.0], 5), np.repeat(np.arange(5), 2)
    found = growth_misfit(volumes, hours, tumors, tumors * 0)
    assert found == pytest.approx(np.repeat(np.abs(steps), 2) / (1.4826 * 0.5))


def test_a_tumor_that_is_gone_on_one_day_stands_out() -> None:
    """Of 200, 0 and 240 mm3 the day without is the one that is farthest off."""
    hours, tumors = np.tile([0.0, 24.0, 48.0], 3), np.repeat(np.arange(3), 3)
    volumes = np.array([200.0, 220, 240, 100, 110, 120, 200, 0, 240])
    found = growth_misfit(volumes, hours, tumors, tumors * 0)
    assert np.argmax(found) == 7
    assert found[7] > 20


def test_arms_grow_each_in_their_own_way() -> None:
    """Half of the tumors shrink; told apart, nothing is off; taken together, all are."""
    hours, tumors = np.tile([0.0, 24.0], 8), np.repeat(np.arange(8), 2)
    arm = tumors // 4
    volumes = np.where(arm == 0, 100 * 2 ** (hours / 24), 100 * 0.5 ** (hours / 24))
    assert growth_misfit(volumes, hours, tumors, arm) == pytest.approx(np.zeros(16), abs=1e-9)
    assert growth_misfit(volumes, hours, tumors, tumors * 0).max() > 0.5


def test_a_single_scan_has_no_misfit() -> None:
    """One scan of a tumor, and one whose other scan has no volume: NaN; no rows: none."""
    found = growth_misfit(np.array([10.0, 20, np.nan]), np.array([0.0, 0, 24]), np.array([0, 1, 1]), np.zeros(3, int))
    assert np.isnan(found).all()
    assert len(growth_misfit(np.zeros(0), np.zeros(0), np.zeros(0, int), np.zeros(0, int))) == 0


@given(seed=st.integers(0, 999), factor=st.floats(0.5, 20), shift=st.floats(0, 100))
def test_misfit_depends_on_ratios_and_on_time_differences(seed: int, factor: float, shift: float) -> None:
    """Another unit of volume (above the floor) and another first hour change nothing."""
    rng = np.random.default_rng(seed)
    tumors = np.repeat(np.arange(6), 3)
    hours, volumes = np.tile([0.0, 20, 72], 6), 100 * np.exp(rng.normal(0, 0.4, 18))
    one = growth_misfit(volumes, hours, tumors, tumors % 2)
    assert growth_misfit(factor * volumes, hours + shift, tumors, tumors % 2) == pytest.approx(one)


def test_the_share_found_early_by_hand() -> None:
    """Ten scans: the worst one is within the first two, or it is not; no scans: NaN."""
    errors = np.arange(10.0)
    assert found_early(np.array([3, 9, 1, 2, 4, 5, 6, 7, 8, 0]), errors) == 1
    assert found_early(np.arange(10), errors) == 0
    assert found_early(np.arange(10)[::-1], errors, worst=0.3, first=0.2) == pytest.approx(2 / 3)
    assert np.isnan(found_early(np.zeros(0, int), np.zeros(0)))
