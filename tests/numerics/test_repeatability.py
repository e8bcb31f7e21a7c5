"""Repeatability: by hand, on the published catalogue, and against a simulation."""

import numpy as np
import pytest

from murinoma import published
from murinoma.numerics.repeatability import close_pairs, detectable_change, repeatability
from murinoma.study import TimePoint


def test_two_changes_by_hand() -> None:
    """Log changes of 0.1 and 0.3: mean 0.2, SD sqrt(2 * 0.1^2), of one measurement 0.1."""
    found = repeatability(np.array([0.1, 0.3]), np.array([0, 1]))
    assert (found.n_changes, found.n_mice) == (2, 2)
    assert found.mean_change == pytest.approx(0.2)
    assert found.sd_change == pytest.approx(np.sqrt(0.02))
    assert found.sd_within == pytest.approx(0.1)


def test_under_five_mice_there_is_no_interval() -> None:
    """Ten changes of four mice give none, of five one around the figure."""
    changes = np.linspace(-0.2, 0.2, 10)
    assert np.isnan(repeatability(changes, np.arange(10) % 4).low)
    five = repeatability(changes, np.arange(10) % 5)
    assert five.low < five.sd_within < five.high


@pytest.mark.parametrize("n", [0, 1])
def test_without_two_changes_there_is_no_figure(n: int) -> None:
    """No change or one: nothing can be said."""
    assert np.isnan(repeatability(np.zeros(n), np.zeros(n, np.int64)).sd_within)


def test_the_interval_holds_the_truth_in_95_of_100_studies() -> None:
    """1,000 studies of 12 mice, one change each: the true SD lies inside in 93 to 97 %."""
    rng = np.random.default_rng(5)
    inside = [
        found.low <= 0.07 <= found.high
        for found in (repeatability(rng.normal(0, 0.07 * np.sqrt(2), 12), np.arange(12)) for _ in range(1000))
    ]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_neighbours_in_time_are_paired_in_any_order() -> None:
    """0, 2, 6 and 30 h, stored in another order: 0-2 and 2-6, and the pair 0-6 is not counted again."""
    assert close_pairs([30.0, 2.0, 0.0, 6.0], 6.0) == [(2, 1), (1, 3)]
    assert close_pairs([5.0], 6.0) == []


def test_the_published_pairs_up_to_6_h_apart() -> None:
    """39 pairs of 29 mice, SD of the log change 0.104: volumes move by -18 or +23 % by measurement alone."""
    table = published.catalogue()
    table["hours"] = [TimePoint.parse(time).hours for time in table["time"]]
    changes, mice = [], []
    for number, (_, part) in enumerate(table.groupby(["dataset", "mouse"])):
        logs = np.log(part["staple_volume_mm3"].to_numpy())
        for a, b in close_pairs(list(part["hours"]), 6.0):
            changes.append(logs[b] - logs[a])
            mice.append(number)
    found = repeatability(np.array(changes), np.array(mice))
    assert (found.n_changes, found.n_mice) == (39, 29)
    assert found.sd_change == pytest.approx(0.104, abs=5e-4)
    assert detectable_change(found.sd_within) == pytest.approx((-0.18, 0.23), abs=6e-3)
