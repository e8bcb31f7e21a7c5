"""Turnbull's estimate: by hand, a published example, by property, and against Kaplan-Meier."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.growth.survival import kaplan_meier
from murinoma.numerics.growth.turnbull import turnbull

INF = np.inf

# Finkelstein & Wolfe 1985, Biometrics 41:933: months until breast retraction of 46 women with radiotherapy alone
RADIOTHERAPY = """45-  6-10 0-7 46- 46- 7-16 17- 7-14 37-44 0-8 4-11 15- 11-15 22- 46- 46- 25-37 46- 26-40 46- 27-34
36-44 46- 36-48 37- 40- 17-25 46- 11-18 38- 5-12 37- 0-5 18- 24- 36- 5-11 19-35 17-25 24- 32- 33- 19-26 37- 34- 36-"""


def test_the_breast_retraction_of_finkelstein_and_wolfe_1985() -> None:
    """The estimate printed by Fay & Shaw 2010 (J Stat Software 36(2), `icfit`), to four digits."""
    pairs = [pair.split("-") for pair in RADIOTHERAPY.split()]
    after = np.array([float(first) for first, _ in pairs])
    by = np.array([float(last) if last else INF for _, last in pairs])
    curve = turnbull(after, by)
    held = curve.shares > 1e-4
    intervals = list(zip(curve.after_days[held], curve.by_days[held], strict=True))
    assert intervals == [(4, 5), (6, 7), (7, 8), (11, 12), (24, 25), (33, 34), (38, 40), (46, 48)]
    expected = [0.0463, 0.0334, 0.0887, 0.0708, 0.0926, 0.0818, 0.1209, 0.4656]
    assert curve.shares[held] == pytest.approx(expected, abs=2e-4)
    assert (curve.converged, curve.n_mice) == (True, 46)
    assert (curve.median_after, curve.median_by) == (38, 40)


def test_mice_on_one_schedule_are_counted() -> None:
    """All scanned on days 0, 7 and 14: the shares are those of the mice."""
    curve = turnbull(np.array([0.0, 0, 7, 14]), np.array([7.0, 7, 14, INF]))
    assert curve.shares == pytest.approx([0.5, 0.25, 0.25])
    assert (curve.median_after, curve.median_by) == (0, 7)


def test_a_wide_interval_lends_its_weight_to_where_others_are() -> None:
    """(0, 14] overlaps (0, 7] and (7, 14], which hold one mouse each: a half in both."""
    curve = turnbull(np.array([0.0, 7, 0]), np.array([7.0, 14, 14]))
    assert curve.shares == pytest.approx([0.5, 0.5])


@given(seed=st.integers(0, 9999), n=st.integers(3, 25))
def test_on_one_schedule_it_is_kaplan_meier_on_the_scan_days(seed: int, n: int) -> None:
    """Mice that leave do so at a scan: then both estimates agree on every scan day."""
    rng = np.random.default_rng(seed)
    scan = 7.0 * rng.integers(1, 5, n).astype(np.float64)
    events = rng.random(n) < 0.6
    curve = turnbull(np.where(events, scan - 7, scan), np.where(events, scan, INF))
    reference = kaplan_meier(scan, events)
    assert curve.shares.sum() == pytest.approx(1)
    assert curve.converged
    for day, left in zip(reference.days, reference.survival, strict=True):
        assert 1 - curve.shares[curve.by_days <= day].sum() == pytest.approx(left, abs=2e-3)


@given(seed=st.integers(0, 9999), n=st.integers(2, 15))
def test_nothing_near_it_is_more_likely(seed: int, n: int) -> None:
    """Moving weight between two of its intervals does not raise the likelihood."""
    rng = np.random.default_rng(seed)
    after = rng.integers(0, 20, n).astype(float)
    by = np.where(rng.random(n) < 0.3, INF, after + rng.integers(1, 10, n))
    curve = turnbull(after, by)
    inside = (curve.after_days >= after[:, None]) & (curve.by_days <= by[:, None])
    best = np.log(inside @ curve.shares).sum()
    for _ in range(10):
        other = 0.95 * curve.shares + 0.05 * rng.dirichlet(np.ones(len(curve.shares)))
        assert np.log(inside @ other).sum() <= best + 1e-4


def test_edges() -> None:
    """Nobody has a reason; an interval must end after it begins; where nobody shows the event, no median is reached."""
    nobody = turnbull(np.array([np.nan]), np.array([np.nan]))
    assert (nobody.n_mice, nobody.reason) == (0, "no mouse is evaluable")
    with pytest.raises(InputError, match="after day 7 and by day 7"):
        turnbull(np.array([7.0]), np.array([7.0]))
    calm = turnbull(np.array([14.0, 21.0]), np.array([INF, INF]))
    assert (calm.shares.tolist(), calm.median_after, calm.median_by) == ([1], 21, INF)
