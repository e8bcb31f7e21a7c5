"""How many mice the next study needs, from the variance of the growth rates that this one found."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

MOST_MICE = 10_000  # per arm; nobody plans a study beyond it
LEAST_DEGREES = 4  # below it the interval of a standard deviation says nothing
NAN = float("nan")


@dataclass(frozen=True)
class Power:
    """Mice per arm that show a difference of growth rates with the power asked; NaN where undefined, with a reason.

    ``low_per_arm`` and ``high_per_arm`` are the mice for the ends of the standard deviation's 95 % interval: it was
    found on a few mice itself. ``power`` is what ``n_per_arm`` mice reach.
    """

    n_per_arm: float
    low_per_arm: float
    high_per_arm: float
    power: float
    difference_per_day: float
    sd_per_day: float
    degrees: int
    reason: str


def mice_per_arm(
    difference_per_day: float,
    sd_per_day: float,
    *,
    degrees: int = 0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> Power:
    """Return how many mice each of two arms needs so that a two-sided t test shows a difference with the power asked.

    Exact, by the noncentral t distribution, for equal variances and numbers, where Welch's test hardly differs.

    Parameters
    ----------
    difference_per_day
        Difference of the mean growth rates that matters.
    sd_per_day
        Standard deviation of the rates between the mice of an arm, measurement error included.
    degrees
        Degrees of freedom that it was found with; under 4 there is no interval.
    power, alpha
        Asked power, and the level of the test.

    Examples
    --------
    Cohen (1988), table 2.4.1: a difference of half a standard deviation takes 64 in each arm.

    >>> mice_per_arm(0.5, 1.0).n_per_arm
    64.0
    """
    if not (0 < alpha < power < 1):
        raise InputError(f"a power of {power:g} at the level {alpha:g} makes no sense; give 0 < level < power < 1")
    reason = _why_not(difference_per_day, sd_per_day)
    if reason:
        return Power(NAN, NAN, NAN, NAN, difference_per_day, sd_per_day, degrees, reason)
    low, high = _sd_interval(sd_per_day, degrees)
    n, fewest, most = (_smallest(abs(difference_per_day) / sd, power, alpha) for sd in (sd_per_day, low, high))
    reached = achieved_power(difference_per_day, sd_per_day, int(n), alpha=alpha) if np.isfinite(n) else NAN
    reason = "" if np.isfinite(n) else f"more than {MOST_MICE:,} mice in each arm"
    return Power(n, fewest, most, reached, difference_per_day, sd_per_day, degrees, reason)


def _why_not(difference: float, sd: float) -> str:
    if not np.isfinite(sd) or sd <= 0:
        return "the growth rates have no variance to plan with; two mice with a rate in one arm are the least"
    return "" if np.isfinite(difference) and difference != 0 else "no difference to plan for"


def _sd_interval(sd: float, degrees: int) -> tuple[float, float]:
    if degrees < LEAST_DEGREES:
        return NAN, NAN
    low, high = (sd * float(np.sqrt(degrees / stats.chi2.ppf(share, degrees))) for share in (0.975, 0.025))
    return low, high


def _smallest(effect: float, power: float, alpha: float) -> float:
    """Return the smallest number per arm by bisection; power grows with it."""
    if not np.isfinite(effect):
        return NAN
    low, high = 1, 2
    while achieved_power(effect, 1.0, high, alpha=alpha) < power:
        low, high = high, 2 * high
        if low >= MOST_MICE:
            return NAN
    while high - low > 1:
        middle = (low + high) // 2
        enough = achieved_power(effect, 1.0, middle, alpha=alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return float(high)


def achieved_power(difference_per_day: float, sd_per_day: float, n_per_arm: int, *, alpha: float = 0.05) -> float:
    """Return the power of a two-sided t test with so many mice in each of two arms; NaN under two.

    Examples
    --------
    >>> round(achieved_power(0.03, 0.02, 8), 3)
    0.797
    """
    if n_per_arm < 2:
        return NAN
    shift = abs(difference_per_day) / sd_per_day * np.sqrt(n_per_arm / 2)
    edge = float(stats.t.ppf(1 - alpha / 2, 2 * n_per_arm - 2))
    if shift > edge + 10:
        return 1.0  # the noncentral distribution loses its digits out there
    degrees = 2 * n_per_arm - 2
    return float(stats.nct.sf(edge, degrees, shift) + stats.nct.cdf(-edge, degrees, shift))


def pooled_sd(rates_per_day: Floats, arms: Codes) -> tuple[float, int]:
    """Return the standard deviation of growth rates within arms, and its degrees of freedom; NaN and 0 without any.

    Parameters
    ----------
    rates_per_day
        (m,) one rate per mouse; NaN is left out.
    arms
        (m,) code of the mouse's arm.

    Examples
    --------
    >>> pooled_sd(np.array([1.0, 3.0, 10.0, 12.0, 7.0]), np.array([0, 0, 1, 1, 2]))
    (1.4142135623730951, 2)
    """
    seen = np.isfinite(rates_per_day)
    rates, names = rates_per_day[seen], np.asarray(arms)[seen]
    groups = [rates[names == arm] for arm in np.unique(names)]
    degrees = sum(len(group) - 1 for group in groups)
    if degrees < 1:
        return NAN, 0
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    return float(np.sqrt(squares / degrees)), degrees


def power_by_source(
    rates_per_day: Floats, arms: Codes, *, difference_per_day: float, power: float = 0.8, alpha: float = 0.05
) -> list[Power]:
    """Return how many mice per arm each source of volumes needs to show the same difference with the same power.

    Only mice that have a rate from every source count, so that sources are compared on the same mice.

    Parameters
    ----------
    rates_per_day
        (s, m) a row per source, a column per mouse.
    arms
        (m,) code of the mouse's arm.
    difference_per_day, power, alpha
        As in `mice_per_arm`.

    Examples
    --------
    The second source scatters twice as much.

    >>> rates = np.array([0.08, 0.10, 0.12, 0.05, 0.07, 0.09])
    >>> both = np.stack([rates, np.mean(rates) + 2 * (rates - np.mean(rates))])
    >>> [found.n_per_arm for found in power_by_source(both, np.arange(6) // 3, difference_per_day=0.03)]
    [9.0, 29.0]
    """
    shared = np.isfinite(rates_per_day).all(axis=0)
    found = [pooled_sd(rates[shared], arms[shared]) for rates in rates_per_day]
    return [mice_per_arm(difference_per_day, sd, degrees=degrees, power=power, alpha=alpha) for sd, degrees in found]
