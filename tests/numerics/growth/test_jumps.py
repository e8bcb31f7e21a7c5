"""Implausible jumps and exchanged mice: by hand, by property, against statsmodels, on the published catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.quantile_regression import QuantReg

from murinoma.errors import InputError
from murinoma.numerics.growth.jumps import (
    OwnRate,
    are_jumps,
    exchanged_mice,
    jump_scores,
    neighbours,
    own_rate,
)
from tests.numerics.growth.catalogue import DATASETS, SD_WITHIN, RealScans, real_scans

Jump = tuple[str, str, float, float]


def flagged(dataset: str) -> list[Jump]:
    """Return the jumps of a published dataset: dataset, mouse, volume before and after."""
    scans = real_scans(dataset)
    changes = neighbours(scans.days, scans.volumes, scans.mice)
    jumps = are_jumps(changes, own_rate(changes, sd_within=SD_WITHIN))
    pairs = zip(changes.earlier[jumps], changes.later[jumps], strict=True)
    return [(dataset, scans.names[a], float(scans.volumes[a]), float(scans.volumes[b])) for a, b in pairs]


def exchanged(scans: RealScans, volumes: np.ndarray) -> set[tuple[int, int]]:
    """Return the pairs of mice that look exchanged where the scans have these volumes."""
    rate = own_rate(neighbours(scans.days, volumes, scans.mice), sd_within=SD_WITHIN)
    found = exchanged_mice(scans.days, volumes, scans.mice, scans.acquisitions, rate)
    return {(int(min(scans.mice[[a, b]])), int(max(scans.mice[[a, b]]))) for a, b in found}


def test_neighbours_by_hand() -> None:
    """Unsorted rows of two mice; a volume not seen and one not measured are passed over, equal times too."""
    days = np.array([8.0, 0, 0, 4, 6, 8])
    volumes = np.array([400.0, 100, 50, 0, np.nan, 500])
    found = neighbours(days, volumes, np.array([1, 1, 2, 1, 1, 1]))
    assert (found.earlier.tolist(), found.later.tolist()) == ([1], [0])
    assert found.log_change == pytest.approx(np.log(4))
    assert not len(neighbours(np.empty(0), np.empty(0), np.empty(0, np.int64)).days)


@given(seed=st.integers(0, 999), n=st.integers(4, 30))
def test_equal_times_are_the_median_and_its_absolute_deviation(seed: int, n: int) -> None:
    """The score is the distance from the median in 1.4826 MAD, or in SDs of the measurement where larger (scipy)."""
    rng = np.random.default_rng(seed)
    logs = rng.normal(0.2, rng.choice([0.02, 0.4]), n)
    volumes = np.column_stack([np.full(n, 100.0), 100 * np.exp(logs)]).ravel()
    changes = neighbours(np.tile([0.0, 2.0], n), volumes, np.repeat(np.arange(n), 2))
    scale = max(stats.median_abs_deviation(logs) / stats.norm.ppf(0.75), np.sqrt(2) * SD_WITHIN)
    rate = own_rate(changes, sd_within=SD_WITHIN)
    assert jump_scores(changes, rate) == pytest.approx((logs - np.median(logs)) / scale)
    assert rate.rate_per_day == pytest.approx(np.median(logs) / 2)


@pytest.mark.parametrize("dataset", ["Dataset 1", "Dataset 4", "Dataset 6", "Dataset 8"])
def test_the_own_rate_is_the_median_regression_through_0(dataset: str) -> None:
    """Least absolute deviations over unequal times: statsmodels' quantile regression finds no smaller sum."""
    scans = real_scans(dataset)
    changes = neighbours(scans.days, scans.volumes, scans.mice)
    rate = own_rate(changes, sd_within=SD_WITHIN).rate_per_day
    oracle = float(QuantReg(changes.log_change, changes.days).fit(q=0.5).params[0])
    ours, theirs = (float(np.abs(changes.log_change - one * changes.days).sum()) for one in (rate, oracle))
    assert ours <= theirs * (1 + 1e-9)
    assert rate == pytest.approx(oracle, rel=0.02)


def test_the_published_jumps_are_these_four_of_229() -> None:
    """Three within 24 h that no tumor does, and the smallest mouse of Dataset 4, which loses 30 % within 2 h."""
    assert sum(len(neighbours(s.days, s.volumes, s.mice).days) for s in map(real_scans, DATASETS)) == 229
    assert [jump for dataset in DATASETS for jump in flagged(dataset)] == [
        ("Dataset 3", "M01", 342.1, 731.8),
        ("Dataset 4", "M02", 54.0, 37.7),
        ("Dataset 5", "M07", 56.1, 112.2),
        ("Dataset 7", "M04", 727.2, 452.1),
    ]


def test_slow_growth_over_weeks_is_no_jump_where_the_dataset_grows_so() -> None:
    """Dataset 2 multiplies by 1.2 to 5.9 within 8 days: nothing is flagged; the same within a day would be."""
    assert flagged("Dataset 2") == []
    rate = OwnRate(rate_per_day=0.11, spread_per_day=0.045, sd_within=SD_WITHIN, n_changes=29)
    assert rate.allow((0, 64.7), (8, 381.3))
    assert not rate.allow((0, 64.7), (1, 381.3))
    assert rate.allow((0, 0), (1, 381.3))


def test_a_tumor_that_stays_is_no_jump_among_others_that_grow() -> None:
    """Its z is large, but its change is within what measurement shows: a finding about growth, not about the scan."""
    rate = OwnRate(rate_per_day=0.5, spread_per_day=0.0, sd_within=SD_WITHIN, n_changes=20)
    assert abs(rate.score(np.array([0.0]), np.array([2.0]))[0]) > 3.5
    assert rate.allow((0, 100), (2, 100))


def test_three_changes_do_not_tell_the_rate_of_a_dataset() -> None:
    """Nothing is flagged, however wild, and the score is NaN; an error that is not above 0 is refused."""
    changes = neighbours(np.tile([0.0, 1.0], 3), np.array([1.0, 100, 5, 5, 100, 1]), np.repeat(np.arange(3), 2))
    rate = own_rate(changes, sd_within=SD_WITHIN)
    assert np.isnan(jump_scores(changes, rate)).all()
    assert not are_jumps(changes, rate).any()
    with pytest.raises(InputError, match="a jump is judged against one above 0"):
        own_rate(changes, sd_within=0)


@pytest.mark.parametrize("dataset", DATASETS)
def test_no_published_mice_look_exchanged(dataset: str) -> None:
    """The four jumps are of one mouse each: no partner's volume would explain them."""
    scans = real_scans(dataset)
    assert exchanged(scans, scans.volumes) == set()


def test_exchanged_mice_of_the_catalogue_are_found_where_their_sizes_tell() -> None:
    """In Dataset 8 each pair of one acquisition exchanged in turn: 77 of 122 are found, and never another pair."""
    scans, n_found, n_pairs = real_scans("Dataset 8"), 0, 0
    repeated = np.bincount(scans.mice)[scans.mice] > 1
    for a in range(len(scans.mice)):
        partners = np.flatnonzero((scans.acquisitions == scans.acquisitions[a]) & repeated & repeated[a])
        for b in partners[partners > a]:
            volumes = scans.volumes.copy()
            volumes[[a, b]] = volumes[[b, a]]
            pair = (int(min(scans.mice[[a, b]])), int(max(scans.mice[[a, b]])))
            found = exchanged(scans, volumes)
            assert found <= {pair}
            n_found, n_pairs = n_found + len(found), n_pairs + 1
    assert (n_found, n_pairs) == (77, 122)


def test_mice_that_were_not_scanned_together_are_not_called_exchanged() -> None:
    """The same volumes, in two acquisitions."""
    rate = OwnRate(rate_per_day=0.1, spread_per_day=0.02, sd_within=SD_WITHIN, n_changes=20)
    days, volumes, mice = np.array([0.0, 0, 1, 1]), np.array([100.0, 900, 950, 110]), np.array([0, 1, 0, 1])
    assert exchanged_mice(days, volumes, mice, np.array([0, 0, 1, 1]), rate) == [(2, 3)]
    assert exchanged_mice(days, volumes, mice, np.array([0, 1, 2, 3]), rate) == []
