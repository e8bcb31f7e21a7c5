"""Arms: their curves, the day on which they are compared, and the test of their growth rates."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from murinoma.errors import InputError
from murinoma.numerics.growth.courses import LEAST_MICE, LEAST_TESTED, check_days, floored_logs, raised
from murinoma.numerics.intervals import t_interval

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

NAN = float("nan")


@dataclass(frozen=True)
class ArmPoint:
    """The mice of an arm on one day.

    Attributes
    ----------
    day
        The day.
    n_mice, n_started
        Mice measured on this day, and mice that the arm began with.
    geometric_mean_mm3, low_mm3, high_mm3
        Geometric mean over the mice measured on this day, with its 95 % interval over mice.
    after_dropout
        Whether a mouse of the arm has left before this day: the mean is then over those that are left.
    n_below_floor
        How many volumes were below the floor and count as the floor.
    reason
        Why the mean or its interval is NaN, or why mice are missing; "" when all is well.
    """

    day: float
    n_mice: int
    n_started: int
    geometric_mean_mm3: float
    low_mm3: float
    high_mm3: float
    after_dropout: bool
    n_below_floor: int
    reason: str


@dataclass(frozen=True)
class DayChoice:
    """The day on which two arms are compared, and the day that they are compared with; NaN where there is none."""

    baseline_day: float
    day: float
    fixed: bool
    reason: str


@dataclass(frozen=True)
class ArmTest:
    """Welch's t test of the growth rates of one arm against those of the control.

    The difference is arm less control, per day on the natural log scale, with its 95 % interval from five mice in each
    arm on; ``p_holm`` is corrected for all arms that were tested together. NaN where undefined; ``reason`` says why.
    """

    arm: int
    n_mice: int
    n_control: int
    mean_per_day: float
    control_mean_per_day: float
    difference_per_day: float
    low_per_day: float
    high_per_day: float
    t: float
    degrees: float
    p: float
    p_holm: float
    reason: str


def arm_curve(
    days: Floats, volumes_mm3: Floats, *, last_days: Floats | None = None, floor_mm3: float = 0.0
) -> list[ArmPoint]:
    """Return the geometric mean of an arm on every day on which a mouse of it was measured.

    Volumes relative to the baseline give the relative curve in the same way.

    Parameters
    ----------
    days
        (d,) days, increasing.
    volumes_mm3
        (m, d) a row per mouse; NaN where it was not measured. A mouse without any volume is not counted.
    last_days
        (m,) last day on which each mouse was under observation, for instance its death; its last scan if None or NaN.
    floor_mm3
        Volumes below it count as the floor; with 0, a volume of 0 leaves the mean of its day undefined.

    Examples
    --------
    Two mice of 100 and 400 mm3; one leaves after day 0.

    >>> start, later = arm_curve(np.array([0.0, 7.0]), np.array([[100.0, np.nan], [400.0, 500.0]]))
    >>> round(start.geometric_mean_mm3), start.after_dropout, later.n_mice, later.after_dropout
    (200, False, 1, True)
    """
    volumes_mm3 = np.asarray(volumes_mm3, dtype=np.float64)
    check_days(days, volumes_mm3)
    started = np.isfinite(volumes_mm3).any(axis=-1)
    if not started.any():
        return []
    kept = volumes_mm3[started]
    seen = np.isfinite(kept)
    last = np.array([days[row].max() for row in seen])
    if last_days is not None:
        last = np.where(np.isfinite(last_days[started]), np.maximum(last_days[started], last), last)
    return [
        _point(float(day), kept[:, place], bool(day > last.min()), floor_mm3)
        for place, day in enumerate(days)
        if seen[:, place].any()
    ]


def _point(day: float, volumes_mm3: Floats, after_dropout: bool, floor_mm3: float) -> ArmPoint:
    volumes = volumes_mm3[np.isfinite(volumes_mm3)]
    logs = floored_logs(volumes, floor_mm3)
    mean = t_interval(float(logs.mean()), _standard_error(logs), len(logs), len(logs) - 1)
    middle, low, high = (raised(edge) for edge in (mean.value, mean.low, mean.high))
    below = int((volumes < floor_mm3).sum())
    reason = _point_reason(logs, len(volumes_mm3))
    return ArmPoint(day, len(logs), len(volumes_mm3), middle, low, high, after_dropout, below, reason)


def _point_reason(logs: Floats, n_started: int) -> str:
    if np.isnan(logs).any():
        return "a volume of 0 has no logarithm; state a floor"
    reasons = []
    if len(logs) < n_started:
        reasons.append(f"{n_started - len(logs)} of {n_started} mice not measured on this day")
    if len(logs) < LEAST_MICE:
        reasons.append(f"no interval under {LEAST_MICE} mice")
    return "; ".join(reasons)


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else NAN


def comparison_day(
    days: Floats, treated_mm3: Floats, control_mm3: Floats, *, fixed_day: float | None = None
) -> DayChoice:
    """Return the day on which two arms are compared.

    It is the day fixed beforehand, else the last day on which every mouse of both arms was measured. The baseline is
    the first day on which every mouse of both arms was measured. On a fixed day mice may be missing; `reason` counts
    them.

    Parameters
    ----------
    days
        (d,) days, increasing.
    treated_mm3, control_mm3
        (m, d) and (k, d) a row per mouse; NaN where it was not measured. A mouse without any volume is not counted.
    fixed_day
        A day that was fixed before the volumes were known.

    Examples
    --------
    A mouse of the control is gone on day 14.

    >>> days = np.array([0.0, 7.0, 14.0])
    >>> choice = comparison_day(days, np.array([[1.0, 2, 3]]), np.array([[1.0, 2, np.nan]]))
    >>> choice.baseline_day, choice.day
    (0.0, 7.0)
    """
    check_days(days, treated_mm3)
    check_days(days, control_mm3)
    seen = np.isfinite(np.concatenate([treated_mm3, control_mm3]))
    seen = seen[seen.any(axis=1)]
    complete = days[seen.all(axis=0)] if len(seen) else days[:0]
    fixed = fixed_day is not None
    if not len(complete):
        return DayChoice(NAN, NAN, fixed, "there is no day on which all mice of both arms were measured")
    first = float(complete[0])
    if fixed_day is None:
        if len(complete) == 1:
            return DayChoice(first, NAN, fixed, f"day {first:g} is the only day with all mice of both arms")
        return DayChoice(first, float(complete[-1]), fixed, "")
    return _fixed_choice(days, seen, first, fixed_day)


def _fixed_choice(days: Floats, seen: npt.NDArray[np.bool_], first: float, fixed_day: float) -> DayChoice:
    if fixed_day not in days or fixed_day <= first:
        why = f"day {fixed_day:g}, fixed beforehand, is no day with scans after the baseline on day {first:g}"
        return DayChoice(first, NAN, True, why)
    missing = int((~seen[:, days == fixed_day]).sum())
    reason = f"{missing} of {len(seen)} mice were not measured on day {fixed_day:g}" if missing else ""
    return DayChoice(first, float(fixed_day), True, reason)


def arm_test(rates_per_day: Floats, control_per_day: Floats, *, arm: int = 0) -> ArmTest:
    """Return Welch's t test of the growth rates of an arm against those of the control.

    One rate per mouse, so that a mouse counts once, however often it was scanned. Two mice in each arm are needed for
    the test, five for the interval.

    Parameters
    ----------
    rates_per_day
        (m,) slope of the log volume of each mouse of the arm; NaN is left out.
    control_per_day
        (k,) the same of the control.
    arm
        The arm's code, for the result.

    Examples
    --------
    Means 0.05 and 0.10, equal variances: t = -0.05 / (0.0158 sqrt(2 / 5)) = -5.

    >>> control = np.array([0.08, 0.09, 0.10, 0.11, 0.12])
    >>> found = arm_test(control - 0.05, control)
    >>> round(found.t, 3), round(found.degrees, 3), round(found.p, 5)
    (-5.0, 8.0, 0.00105)
    """
    rates = rates_per_day[np.isfinite(rates_per_day)]
    control = control_per_day[np.isfinite(control_per_day)]
    n, k = len(rates), len(control)
    means = [float(values.mean()) if len(values) else NAN for values in (rates, control)]
    difference = means[0] - means[1]
    error, degrees, reason = welch(rates, control)
    if reason:
        return ArmTest(arm, n, k, means[0], means[1], difference, NAN, NAN, NAN, NAN, NAN, NAN, reason)
    t = difference / error
    p = float(2 * stats.t.sf(abs(t), degrees))
    enough = min(n, k) >= LEAST_MICE
    half = error * float(stats.t.ppf(0.975, degrees)) if enough else NAN
    reason = "" if enough else few_mice(n, k)
    return ArmTest(
        arm, n, k, means[0], means[1], difference, difference - half, difference + half, t, degrees, p, p, reason
    )


def welch(one: Floats, other: Floats) -> tuple[float, float, str]:
    """Return the standard error of the difference of two means, its degrees of freedom, and why there is none.

    Welch (1947), with Satterthwaite's degrees of freedom.

    Examples
    --------
    >>> welch(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]))
    (0.816496580927726, 4.0, '')
    >>> welch(np.array([1.0]), np.array([1.0, 2, 3]))[2]
    'a test needs 2 mice in each arm; there are 1 and 3'
    """
    if min(len(one), len(other)) < LEAST_TESTED:
        return NAN, NAN, f"a test needs {LEAST_TESTED} mice in each arm; there are {len(one)} and {len(other)}"
    shares = np.array([values.var(ddof=1) / len(values) for values in (one, other)])
    scale = max(np.abs(one).max(), np.abs(other).max())
    if shares.sum() <= (1e-12 * scale) ** 2:
        return NAN, NAN, "the mice of each arm are all alike, so there is no variance to test with"
    degrees = shares.sum() ** 2 / (shares**2 / np.array([len(one) - 1, len(other) - 1])).sum()
    return float(np.sqrt(shares.sum())), float(degrees), ""


def few_mice(n_mice: int, n_control: int) -> str:
    """Return the sentence of an interval that is not given.

    Examples
    --------
    >>> few_mice(4, 8)
    'an interval needs 5 mice in each arm; there are 4 and 8'
    """
    return f"an interval needs {LEAST_MICE} mice in each arm; there are {n_mice} and {n_control}"


def arm_tests(rates_per_day: Floats, arms: Codes, *, control: int) -> list[ArmTest]:
    """Return the test of every arm against the control, in the order of their codes, with Holm's correction over them.

    Parameters
    ----------
    rates_per_day
        (m,) slope of the log volume of each mouse; NaN is left out.
    arms
        (m,) code of the mouse's arm.
    control
        Code of the control arm.

    Raises
    ------
    InputError
        No mouse is in the control arm.

    Examples
    --------
    >>> rates = np.array([0.10, 0.11, 0.12, 0.05, 0.06, 0.07, 0.09, 0.10, 0.12])
    >>> [(test.arm, round(test.p, 4), round(test.p_holm, 4)) for test in arm_tests(rates, np.arange(9) // 3, control=0)]
    [(1, 0.0036, 0.0072), (2, 0.5666, 0.5666)]
    """
    if not (arms == control).any():
        raise InputError(f"no mouse is in the control arm {control}; name an arm that has mice")
    others = [int(arm) for arm in np.unique(arms) if arm != control]
    tests = [arm_test(rates_per_day[arms == arm], rates_per_day[arms == control], arm=arm) for arm in others]
    corrected = holm(np.array([test.p for test in tests]))
    return [replace(test, p_holm=float(p)) for test, p in zip(tests, corrected, strict=True)]


def holm(p: Floats) -> Floats:
    """Return p values corrected by Holm (1979); NaN is left out and stays NaN.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03, np.nan]))
    array([0.03, 0.06, 0.06,  nan])
    """
    corrected = np.full(p.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1) if len(order) else steps
    return corrected
