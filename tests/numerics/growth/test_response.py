"""Response classes of one mouse: by hand, Xeva's documented example, by property, and the published catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.numerics.growth.response import mrecist, volumetric_recist
from tests.numerics.growth.catalogue import DATASETS, real_scans

NAN = np.nan


def days_of(n: int) -> np.ndarray:
    """Return days 0, 7, 14, ..."""
    return 7.0 * np.arange(n)


def test_xevas_documented_example() -> None:
    """The example of `mRECIST` in the manual of the R package Xeva (bhklab/Xeva, R/mRECIST.R; Mer et al. 2019).

    Best response +52.6 % (day 11, the smallest from day 10 on), best average response +35.2 % (day 11 too): mPD.
    """
    days = np.array([0.0, 3, 7, 11, 18, 22, 26, 30, 32, 35])
    volumes = np.array([250.8, 320.4, 402.3, 382.6, 384, 445.9, 460.2, 546.8, 554.3, 617.9])
    found = mrecist(days, volumes)
    assert (round(found.best_percent, 1), round(found.best_average_percent, 1)) == (52.6, 35.2)
    assert (found.best_day, found.category, found.reason) == (11, "mPD", "")


@pytest.mark.parametrize(
    ("last", "category"),
    [
        # on days 0, 10 and 20: the volume is 100, x, x; the mean on day 20 is two thirds of the change
        (4.0, "mCR"),  # -96 and -64 %
        (6.0, "mPR"),  # -94 and -63 %
        (49.0, "mPR"),  # -51 and -34 %
        (51.0, "mSD"),  # -49 and -33 %
        (134.0, "mSD"),  # +34 and +17 % (the mean on day 10)
        (136.0, "mPD"),  # +36 and +18 %
    ],
)
def test_the_limits_of_gao_2015(last: float, category: str) -> None:
    """Below -95, -50 and 35 % in the best response, if the average is below its own limit."""
    assert mrecist(np.array([0.0, 10, 20]), np.array([100.0, last, last])).category == category


def test_the_average_can_cost_a_class() -> None:
    """-60 % on the last of many days, after +50 % on most: the average stays above -20 %, so no mPR."""
    found = mrecist(days_of(6), np.array([100.0, 150, 150, 150, 150, 40]))
    assert found.best_percent == pytest.approx(-60)
    assert found.category == "mSD"
    assert found.best_average_percent == pytest.approx(140 / 6)


def test_limits_themselves_belong_to_the_worse_class() -> None:
    """A tumor of exactly half its volume is not below -50 %."""
    assert mrecist(np.array([0.0, 10]), np.array([64.0, 32.0])).category == "mSD"


@pytest.mark.parametrize(
    ("days", "volumes", "reason"),
    [
        ([1, 14], [100, 50], "no scan on day 0"),
        ([0, 14], [NAN, 50], "no scan on day 0"),
        ([0, 14], [0, 50], "no tumor on day 0"),
        ([0, 7], [100, 50], "no scan on day 10 or later"),
        ([0, 14], [100, NAN], "no scan on day 10 or later"),
        ([], [], "no scan on day 0"),
    ],
)
def test_who_is_not_evaluable(days: list[float], volumes: list[float], reason: str) -> None:
    """Without a tumor on day 0, or without day 10 or later; the reason says which."""
    found = mrecist(np.array(days, dtype=float), np.array(volumes, dtype=float))
    assert (found.category, found.reason) == ("not evaluable", reason)
    assert np.isnan([found.best_percent, found.best_average_percent, found.best_day]).all()


def test_days_before_the_treatment_do_not_count() -> None:
    """A scan on day -3 changes nothing."""
    with_earlier = mrecist(np.array([-3.0, 0, 14]), np.array([10.0, 100, 40]))
    assert with_earlier == mrecist(np.array([0.0, 14]), np.array([100.0, 40]))


@given(seed=st.integers(0, 999), n=st.integers(3, 8), factor=st.floats(0.01, 100))
def test_the_unit_of_volume_does_not_matter(seed: int, n: int, factor: float) -> None:
    """Volumes in another unit give the same changes; the best average is never below the smallest change."""
    volumes = np.random.default_rng(seed).lognormal(5, 0.7, n)
    one, other = mrecist(days_of(n), volumes), mrecist(days_of(n), factor * volumes)
    assert (one.best_percent, one.best_average_percent) == pytest.approx(
        (other.best_percent, other.best_average_percent)
    )
    assert one.best_average_percent >= 100 * (volumes.min() / volumes[0] - 1) - 1e-9
    assert one.best_day >= 10


def test_volumetric_recist_by_hand() -> None:
    """-30 % of a diameter is -65.7 % of a volume, +20 % is +72.8 %; PD counts from the smallest volume before."""
    assert volumetric_recist(days_of(2), np.array([1000.0, 343.0])).category == "PR"
    assert volumetric_recist(days_of(2), np.array([1000.0, 344.0])).category == "SD"
    assert volumetric_recist(days_of(2), np.array([1000.0, 1727.0])).category == "SD"
    assert volumetric_recist(days_of(2), np.array([1000.0, 1728.0])).category == "PD"
    regrown = volumetric_recist(days_of(3), np.array([1000.0, 200.0, 346.0]))
    assert (regrown.category, regrown.best_category) == ("PD", "PR")
    assert (round(regrown.change_percent, 1), round(regrown.growth_percent, 1)) == (-65.4, 73.0)


def test_a_tumor_that_vanishes_and_comes_back() -> None:
    """CR while it is gone; seen again it is PD, and what it grew by has no percentage."""
    gone = volumetric_recist(days_of(3), np.array([100.0, 0.0, 0.0]))
    assert (gone.category, gone.best_category, gone.change_percent) == ("CR", "CR", -100)
    back = volumetric_recist(days_of(3), np.array([100.0, 0.0, 5.0]))
    assert (back.category, back.best_category) == ("PD", "CR")
    assert np.isnan(back.growth_percent)


def test_progression_ends_the_search_for_the_best_class() -> None:
    """What shrinks after progression is no response; one that progresses at once has PD as its best."""
    found = volumetric_recist(days_of(3), np.array([100.0, 300.0, 30.0]))
    assert (found.category, found.best_category) == ("PR", "PD")


def test_who_is_not_evaluable_by_recist() -> None:
    """No day 0, no tumor on it, or no later day."""
    assert volumetric_recist(np.array([7.0, 14]), np.array([1.0, 2])).reason == "no scan on day 0"
    assert volumetric_recist(np.array([0.0, 14]), np.array([0.0, 2])).reason == "no tumor on day 0"
    lonely = volumetric_recist(np.array([0.0]), np.array([5.0]))
    assert (lonely.category, lonely.reason) == ("not evaluable", "no scan after day 0")


def test_29_mice_of_the_published_catalogue_are_evaluable() -> None:
    """Of 223 mice, 193 have a scan at 0, and 29 of them one on day 10 or later."""
    reasons = []
    for scans in map(real_scans, DATASETS):
        for mouse in np.unique(scans.mice):
            own = np.flatnonzero(scans.mice == mouse)
            own = own[np.argsort(scans.days[own])]
            reasons.append(mrecist(scans.days[own], scans.volumes[own]).reason)
    assert len(reasons) == 223
    assert reasons.count("") == 29
    assert reasons.count("no scan on day 0") == 30
