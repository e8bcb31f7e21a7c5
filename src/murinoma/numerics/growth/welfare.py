"""Welfare: whether the burden of a mouse is over the limits, and when it will be."""

from dataclasses import dataclass

import numpy as np

FLAG_MM3 = 1500.0
SHOUT_MM3 = 2000.0
NAN = float("nan")


@dataclass(frozen=True)
class Welfare:
    """What the burden of a mouse means for it.

    Attributes
    ----------
    level
        0 below the first limit, 1 over it (flagged), 2 over the second (shouted); -1 where the burden is not known.
    level_of_high
        The same for the upper end of the burden's interval: what it may be.
    limit_day
        Day on which the first limit is expected, by the exponential rate; NaN where it is passed, or will not come.
    reason
        Why there is no such day, or "".
    """

    level: int
    level_of_high: int
    limit_day: float
    reason: str

    @property
    def words(self) -> str:
        """The level in words, with the limits that murinoma comes with."""
        return {-1: "unknown", 0: "below", 1: "over 1,500", 2: "over 2,000"}[self.level]


def welfare(
    burden_mm3: float,
    *,
    high_mm3: float = NAN,
    day: float = NAN,
    rate_per_day: float = NAN,
    limits_mm3: tuple[float, float] = (FLAG_MM3, SHOUT_MM3),
) -> Welfare:
    """Return whether a burden, the sum of all tumors of a mouse, is over the limits, and when it is expected to be.

    Parameters
    ----------
    burden_mm3
        Burden of the mouse; NaN if not known.
    high_mm3
        Upper end of its interval; the burden itself if NaN.
    day
        The day of the scan.
    rate_per_day
        Growth rate of the mouse, natural log scale.
    limits_mm3
        Flagged over the first, shouted over the second.

    Examples
    --------
    1,000 mm3 on day 10, 10 % more per day: log(1.5) / 0.1 = 4.05 days later.

    >>> found = welfare(1000.0, high_mm3=1600.0, day=10.0, rate_per_day=0.1)
    >>> found.level, found.level_of_high, round(found.limit_day, 2)
    (0, 1, 14.05)
    >>> welfare(2100.0).words
    'over 2,000'
    """
    level = _level(burden_mm3, limits_mm3)
    level_of_high = max(level, _level(high_mm3, limits_mm3))
    reason = _why_no_day(burden_mm3, day, rate_per_day, limits_mm3[0])
    if reason:
        return Welfare(level, level_of_high, NAN, reason)
    return Welfare(level, level_of_high, float(day + np.log(limits_mm3[0] / burden_mm3) / rate_per_day), "")


def _level(volume_mm3: float, limits_mm3: tuple[float, float]) -> int:
    return -1 if np.isnan(volume_mm3) else sum(volume_mm3 > limit for limit in limits_mm3)


def _why_no_day(burden_mm3: float, day: float, rate_per_day: float, limit_mm3: float) -> str:
    if np.isnan(burden_mm3):
        return "the burden is not known"
    if burden_mm3 > limit_mm3:
        return "already over the limit"
    if np.isnan(day + rate_per_day):
        return "no growth rate"
    return "" if rate_per_day > 0 and burden_mm3 > 0 else "not growing"
