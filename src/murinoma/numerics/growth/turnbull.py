"""Turnbull's estimate of survival from events that are known between two scans only."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]

STEPS = 20_000  # of the EM algorithm at most; a study of mice needs some hundreds
SLACK = 1e-6  # per mouse, in the condition of the maximum
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class TurnbullCurve:
    """The nonparametric maximum likelihood estimate of interval-censored times.

    Attributes
    ----------
    after_days, by_days
        (k,) the only intervals (after, by] that can hold events; within one nothing is known about when.
    shares
        (k,) share of the events in each; 1 less their cumulated sum is the survival after ``by_days``.
    median_after, median_by
        The interval in which half of the events is reached; the second is infinite where the mice left before.
    n_mice, steps
        Mice in the estimate, and steps taken.
    converged
        Whether the condition of the maximum holds (Gentleman & Geyer 1994).
    reason
        Why there is no estimate, or "".
    """

    after_days: Floats
    by_days: Floats
    shares: Floats
    median_after: float
    median_by: float
    n_mice: int
    steps: int
    converged: bool
    reason: str


def turnbull(after_days: Floats, by_days: Floats) -> TurnbullCurve:
    """Return the nonparametric maximum likelihood estimate of times that lie in intervals (after, by] (Turnbull 1976).

    Parameters
    ----------
    after_days
        (m,) last scan of each mouse without the event; NaN leaves the mouse out.
    by_days
        (m,) first scan with the event; infinite where it was never seen.

    Raises
    ------
    InputError
        An interval that does not end after it begins.

    Examples
    --------
    All mice scanned on days 0, 7 and 14: one event by day 7, two between 7 and 14, one not seen.

    >>> curve = turnbull(np.array([0.0, 7.0, 7.0, 14.0]), np.array([7.0, 14.0, 14.0, np.inf]))
    >>> curve.by_days, curve.shares.round(3), (curve.median_after, curve.median_by)
    (array([ 7., 14., inf]), array([0.25, 0.5 , 0.25]), (7.0, 14.0))
    """
    seen = np.isfinite(after_days)
    after, by = np.asarray(after_days, dtype=np.float64)[seen], np.asarray(by_days, dtype=np.float64)[seen]
    if not len(after):
        return TurnbullCurve(after, by, after, NAN, NAN, 0, 0, False, "no mouse is evaluable")
    if not (by > after).all():
        place = int(np.flatnonzero(~(by > after))[0])
        raise InputError(f"an event lies after day {after[place]:g} and by day {by[place]:g}; the second must be later")
    starts, ends = _innermost(after, by)
    inside = (starts[None, :] >= after[:, None]) & (ends[None, :] <= by[:, None])
    shares, steps, converged = _expectation_maximisation(inside.astype(np.float64))
    reason = "" if converged else f"not converged in {steps} steps"
    half = int(np.flatnonzero(np.cumsum(shares) >= 0.5 - 1e-9)[0])
    return TurnbullCurve(
        starts, ends, shares, float(starts[half]), float(ends[half]), len(after), steps, converged, reason
    )


def _innermost(after: Floats, by: Floats) -> tuple[Floats, Floats]:
    """Return the intervals from a beginning to the very next end; on one day ends come first, as they are closed."""
    days = np.concatenate([after, by])
    begins = np.repeat([True, False], len(after))
    order = np.lexsort((begins, days))
    days, begins = days[order], begins[order]
    place = np.flatnonzero(begins[:-1] & ~begins[1:])
    return days[place], days[place + 1]


def _expectation_maximisation(inside: Floats) -> tuple[Floats, int, bool]:
    """Return the shares, the steps taken and whether they are the maximum, from (mice, intervals) 0 and 1."""
    n, k = inside.shape
    shares = np.full(k, 1 / k)
    for step in range(1, STEPS + 1):
        gain = (inside / (inside @ shares)[:, None]).sum(axis=0) / n
        if gain.max() <= 1 + SLACK and np.abs(shares * (gain - 1)).max() <= SLACK:
            return shares, step, True
        shares = shares * gain
    return shares, STEPS, False
