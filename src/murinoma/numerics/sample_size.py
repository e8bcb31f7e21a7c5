"""How many mice would tell what a study leaves open, if its figures stay as they are."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import stats

from murinoma.numerics.event_rates import Rate
from murinoma.numerics.intervals import CONFIDENCE, LEAST_MICE, Interval

POWER = 0.8  # the chance that a study of the stated number of mice decides
MOST_MICE = 100_000  # a larger number is no plan


def mice_for_mean(interval: Interval, least: float, most: float) -> int | None:
    """Return how many mice would put the 95 % interval of a mean inside or outside its margins; None if none is known.

    The interval gets narrower with the square root of the number of mice, and the value of a new study lies off this
    one's by chance.

    Examples
    --------
    Value 1, half width 1 with 50 mice, to be above 0.5: four times as many would do for half of the studies,
    (1.960 + 0.842)^2 / 1.960^2 times four for eight of ten.

    >>> mice_for_mean(Interval(1.0, 0.0, 2.0, 50, "bootstrap over mice"), 0.5, np.inf)
    409
    """
    if interval.method == "none":
        return None
    further = 1 + stats.norm.ppf(POWER) / stats.norm.ppf((1 + CONFIDENCE) / 2)

    def decides(n_mice: int) -> bool:
        narrower = further * np.sqrt(interval.n_mice / n_mice)
        low = interval.value - (interval.value - interval.low) * narrower
        high = interval.value + (interval.high - interval.value) * narrower
        return bool((low > least and high < most) or high < least or low > most)

    return _least_mice(decides, interval.n_mice)


def mice_for_rate(rate: Rate, most: float) -> int | None:
    """Return how many mice would put the bound of a rate below or above its margin; None if none is known.

    Examples
    --------
    Nothing happened in 20 mice: 60 without an event are needed to say that it happens to less than one in twenty.

    >>> mice_for_rate(Rate(0.0, 0.0, 1 / 20, 1 / 400, 20), 0.05)
    60
    """
    if rate.n_mice < LEAST_MICE:
        return None

    def decides(n_mice: int) -> bool:
        there = rate.among(n_mice)
        drift = stats.norm.ppf(POWER) * np.sqrt(there.variance)
        if rate.value < most:
            return replace(there, value=rate.value + drift).upper < most
        return rate.value > drift and replace(there, value=rate.value - drift).lower > most

    return _least_mice(decides, rate.n_mice)


def _least_mice(decides: Callable[[int], bool], n_mice: int) -> int | None:
    """Return the least number of mice from here on that decides, by doubling and halving; None above the most."""
    below, above = n_mice, 2 * n_mice
    while not decides(above):
        below, above = above, 2 * above
        if above > MOST_MICE:
            return None
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if decides(middle) else (middle, above)
    return above
