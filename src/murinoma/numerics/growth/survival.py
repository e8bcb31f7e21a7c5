"""Time until a mouse's burden has grown to a multiple: known between two scans only, and treated as such.

The event lies after the last scan that does not show it and by the first that does. Turnbull's estimate takes these
intervals as they are. Kaplan-Meier and the log-rank test need one day: the scan that first shows the event. That day is
late by up to the gap between scans, by the same rule in all arms: a fair comparison if the arms were scanned on the
same days, and of no meaning if one arm was scanned more often than the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from murinoma.errors import InputError
from murinoma.numerics.growth.courses import LEAST_MICE, check_days

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]

NORMAL_95 = float(stats.norm.ppf(0.975))
NAN = float("nan")
INF = float("inf")


@dataclass(frozen=True)
class EventTime:
    """The event of one mouse lies after one day and by the other, which is infinite where it was not seen."""

    after_day: float
    by_day: float
    reason: str


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Kaplan-Meier estimate: a row per day with an event or a mouse leaving.

    Attributes
    ----------
    days, n_at_risk, n_events
        (k,) the day, the mice at risk just before it, and the events on it.
    survival, low, high
        (k,) share without the event after the day, and its pointwise 95 % interval (log-log scale).
    median_day, median_low, median_high
        First day on which half or less is left, with its 95 % interval (Brookmeyer & Crowley 1982); infinite where
        that was not reached.
    n_mice
        Mice in the estimate.
    reason
        Why there is no curve or no interval, or "".
    """

    days: Floats
    n_at_risk: Codes
    n_events: Codes
    survival: Floats
    low: Floats
    high: Floats
    median_day: float
    median_low: float
    median_high: float
    n_mice: int
    reason: str


@dataclass(frozen=True)
class LogRank:
    """The log-rank test of equal survival in all arms; observed and expected events in the order of the arms' codes."""

    chi_squared: float
    degrees: int
    p: float
    arms: tuple[int, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    reason: str


def time_to_multiple(days: Floats, volumes_mm3: Floats, *, multiple: float) -> EventTime:
    """Return between which scans the burden of one mouse first reached a multiple of its volume on day 0.

    Parameters
    ----------
    days
        (d,) days, increasing; days before 0 do not count.
    volumes_mm3
        (d,) burden; NaN where it was not measured.
    multiple
        For instance 4: time to the fourfold volume.

    Examples
    --------
    >>> time_to_multiple(np.array([0.0, 7.0, 14.0]), np.array([100.0, 190.0, 420.0]), multiple=4)
    EventTime(after_day=7.0, by_day=14.0, reason='')
    >>> time_to_multiple(np.array([0.0, 7.0]), np.array([100.0, 190.0]), multiple=4)
    EventTime(after_day=7.0, by_day=inf, reason='')
    """
    if not multiple > 1:
        raise InputError(f"the multiple of the first volume is {multiple:g}; give a number above 1")
    volumes_mm3 = np.asarray(volumes_mm3, dtype=np.float64)
    check_days(days, volumes_mm3)
    used = np.isfinite(volumes_mm3) & (days >= 0)
    days, volumes = days[used], volumes_mm3[used]
    if not len(days) or days[0] != 0:
        return EventTime(NAN, NAN, "no scan on day 0")
    if volumes[0] == 0:
        return EventTime(NAN, NAN, "no tumor on day 0")
    if len(days) == 1:
        return EventTime(NAN, NAN, "no scan after day 0")
    reached = np.flatnonzero(volumes >= multiple * volumes[0])
    if not len(reached):
        return EventTime(float(days[-1]), INF, "")
    return EventTime(float(days[reached[0] - 1]), float(days[reached[0]]), "")


def right_censored(times: Sequence[EventTime]) -> tuple[Floats, Rows]:
    """Return one day for each mouse, and whether it is that of the event: the scan that first shows it.

    A mouse without the event is censored at its last scan; one that is not evaluable has the day NaN.

    Examples
    --------
    >>> right_censored([EventTime(7.0, 14.0, ""), EventTime(14.0, float("inf"), "")])
    (array([14., 14.]), array([ True, False]))
    """
    events = np.array([bool(np.isfinite(time.by_day)) for time in times], dtype=bool)
    days = [time.by_day if event else time.after_day for time, event in zip(times, events, strict=True)]
    return np.array(days, dtype=np.float64), events


def kaplan_meier(days: Floats, events: Rows) -> SurvivalCurve:
    """Return the Kaplan-Meier estimate with Greenwood's error.

    Parameters
    ----------
    days
        (m,) day of the event, or the last day under observation; NaN leaves a mouse out.
    events
        (m,) whether the day is that of the event. Who is censored on the day of an event counts as at risk.

    Examples
    --------
    Four mice: events on days 5 and 8, one leaves on day 5, one stays to day 10.

    >>> curve = kaplan_meier(np.array([5.0, 5.0, 8.0, 10.0]), np.array([True, False, True, False]))
    >>> curve.n_at_risk, curve.survival, curve.median_day
    (array([4, 2, 1]), array([0.75 , 0.375, 0.375]), 8.0)
    """
    days, events = _evaluable(days, events)
    n = len(days)
    if not n:
        none, counts = np.empty(0), np.empty(0, dtype=np.int64)
        return SurvivalCurve(none, counts, counts, none, none, none, NAN, NAN, NAN, 0, "no mouse is evaluable")
    times = np.unique(days)
    at_risk = (days[None, :] >= times[:, None]).sum(axis=1)
    happened = ((days[None, :] == times[:, None]) & events).sum(axis=1)
    survival = np.cumprod(1 - happened / at_risk)
    low, high = _survival_interval(survival, at_risk, happened)
    median = _first_at_half(times, survival)
    if n < LEAST_MICE:
        empty = np.full(len(times), np.nan)
        why = f"no interval under {LEAST_MICE} mice"
        return SurvivalCurve(times, at_risk, happened, survival, empty, empty, median, NAN, NAN, n, why)
    lowest, highest = _first_at_half(times, low), _first_at_half(times, high)
    return SurvivalCurve(times, at_risk, happened, survival, low, high, median, lowest, highest, n, "")


def _evaluable(days: Floats, events: Rows) -> tuple[Floats, Rows]:
    if np.shape(days) != np.shape(events) or np.ndim(days) != 1:
        raise InputError(f"there are {np.size(days)} days and {np.size(events)} events; give one of each per mouse")
    seen = np.isfinite(days)
    return np.asarray(days, dtype=np.float64)[seen], np.asarray(events, dtype=bool)[seen]


def _survival_interval(survival: Floats, at_risk: Codes, happened: Codes) -> tuple[Floats, Floats]:
    """Return the interval on the log-log scale; 1 to 1 before the first event, 0 to 0 where nobody is left."""
    inside = (survival > 0) & (survival < 1)
    steps = np.divide(happened, at_risk * (at_risk - happened), out=np.zeros(len(survival)), where=(at_risk > happened))
    logs = np.log(survival, out=np.full(len(survival), -1.0), where=inside)
    reach = np.exp(NORMAL_95 * np.sqrt(np.cumsum(steps)) / -logs)
    low, high = (np.where(inside, np.exp(logs * power), survival) for power in (reach, 1 / reach))
    return low, high


def _first_at_half(times: Floats, survival: Floats) -> float:
    reached = np.flatnonzero(survival <= 0.5 + 1e-12)
    return float(times[reached[0]]) if len(reached) else INF


def log_rank(days: Floats, events: Rows, arms: Codes) -> LogRank:
    """Return the log-rank test of equal survival in all arms (Mantel 1966).

    Parameters
    ----------
    days, events
        As in `kaplan_meier`.
    arms
        (m,) code of the mouse's arm.

    Examples
    --------
    >>> days, arms = np.array([1.0, 2, 3, 4, 5, 6, 7, 8]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> found = log_rank(days, np.ones(8, dtype=bool), arms)
    >>> round(found.chi_squared, 3), found.degrees, round(found.p, 4)
    (7.344, 1, 0.0067)
    """
    if np.shape(arms) != np.shape(days):
        raise InputError(f"there are {np.size(days)} days and {np.size(arms)} arms; give one of each per mouse")
    codes = arms[np.isfinite(days)]
    days, events = _evaluable(days, events)
    names = np.unique(codes)
    member = codes[None, :] == names[:, None]
    observed = (member & events).sum(axis=1)
    expected, covariance = _expected_events(days, events, member)
    labels, counts, means = (tuple(values.tolist()) for values in (names, observed.astype(np.float64), expected))
    rank = int(np.linalg.matrix_rank(covariance)) if len(names) else 0
    if len(names) < 2 or rank < len(names) - 1:
        reason = "one arm only" if len(names) < 2 else "no event while mice of all arms were at risk"
        return LogRank(NAN, max(len(names) - 1, 0), NAN, labels, counts, means, reason)
    excess = (observed - expected)[1:]
    chi_squared = float(excess @ np.linalg.solve(covariance[1:, 1:], excess))
    p = float(stats.chi2.sf(chi_squared, len(names) - 1))
    return LogRank(chi_squared, len(names) - 1, p, labels, counts, means, "")


def _expected_events(days: Floats, events: Rows, member: Rows) -> tuple[Floats, Floats]:
    """Return the expected events of each arm, (a,), and their hypergeometric covariance, (a, a)."""
    expected, covariance = np.zeros(len(member)), np.zeros((len(member), len(member)))
    for day in np.unique(days[events]):
        at_risk = days >= day
        n, happened = int(at_risk.sum()), int((events & (days == day)).sum())
        share = (member & at_risk).sum(axis=1) / n
        expected += happened * share
        if n > 1:
            covariance += happened * (n - happened) / (n - 1) * (np.diag(share) - np.outer(share, share))
    return expected, covariance
