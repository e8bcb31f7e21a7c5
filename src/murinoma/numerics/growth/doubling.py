"""Doubling and halving times in numbers and in words."""

from dataclasses import dataclass

import numpy as np

from murinoma.numerics.growth.rates import GroupRate, GrowthRate

NAN = float("nan")


@dataclass(frozen=True)
class DoublingTime:
    """How long a volume takes to double.

    Attributes
    ----------
    verdict
        'growing', 'shrinking' (`days` is then the halving time), 'not growing' (the interval of the rate holds 0: no
        growth was shown) or 'unknown' (no interval, or none that tells).
    days, low_days, high_days
        Time and 95 % interval; NaN where not growing.
    longer_than_days
        Where not growing: the doubling time is longer than this (one-sided, 95 %); infinite if even that bound of the
        rate is below 0. Else NaN.
    text
        The same for people: '6.3 d (5.6 to 7.2)', 'longer than 40 d', 'not growing', 'halves in 9.0 d (7.1 to 12.4)'.
    """

    verdict: str
    days: float
    low_days: float
    high_days: float
    longer_than_days: float
    text: str


def doubling_time(rate: GrowthRate | GroupRate) -> DoublingTime:
    """Return the doubling time ``log(2) / rate`` with its interval.

    An interval of the rate across 0 has no doubling time: it is 'longer than x' where the rate itself is above 0, and
    'not growing' where it is not.

    Examples
    --------
    >>> from murinoma.numerics.growth.rates import MeasurementError, growth_rate
    >>> [doubling_time(growth_rate([0, 8], [100, v], error=MeasurementError(0.07))).text for v in (200, 110, 99, 50)]
    ['8.0 d (6.3 to 11.1)', 'longer than 21.5 d', 'not growing', 'halves in 8.0 d (6.3 to 11.1)']
    """
    low, high = rate.low_per_day, rate.high_per_day
    if np.isnan(low) or np.isnan(high) or (low <= 0 and np.isinf(high)):
        days = _days(rate.rate_per_day) if rate.rate_per_day > 0 else NAN
        text = "unknown" if np.isnan(days) else f"{_short(days)} d (no interval)"
        return DoublingTime("unknown", days, NAN, NAN, NAN, text)
    if low > 0:
        days, shortest, longest = _days(rate.rate_per_day), _days(high), _days(low)
        return DoublingTime("growing", days, shortest, longest, NAN, _words(days, shortest, longest))
    if high < 0:
        days, shortest, longest = _days(-rate.rate_per_day), _days(-low), _days(-high)
        return DoublingTime("shrinking", days, shortest, longest, NAN, f"halves in {_words(days, shortest, longest)}")
    longer = _days(rate.highest_per_day) if rate.highest_per_day > 0 else float("inf")
    text = f"longer than {_short(longer)} d" if rate.rate_per_day > 0 else "not growing"
    return DoublingTime("not growing", NAN, NAN, NAN, longer, text)


def _days(rate_per_day: float) -> float:
    return float(np.log(2) / rate_per_day)


def _words(days: float, shortest: float, longest: float) -> str:
    if np.isnan(days):  # a bound: volumes above the limit on one day only
        return f"less than {_short(longest)} d"
    return f"{_short(days)} d ({_short(shortest)} to {_short(longest)})"


def _short(days: float) -> str:
    return f"{days:.2g}" if days < 1 else f"{days:.1f}" if days < 100 else f"{days:,.0f}"
