"""How far a volume moves although the tumor does not: repeated measurements on the logarithmic scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
LEAST_MICE = 5  # fewer give no interval
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Repeatability:
    """The variability of repeated measurements of one volume.

    Attributes
    ----------
    n_changes, n_mice
        How many changes there are, and of how many mice.
    mean_change
        Mean of the log changes: what all repeats share, such as growth between two scans.
    sd_change
        Standard deviation of the log changes, divisor n - 1.
    sd_within
        Standard deviation of one measurement on the log scale: ``sd_change / sqrt(2)``.
    low, high
        95 % interval of `sd_within` (chi-squared, with a degree of freedom per mouse, less one); NaN under 5 mice.
    """

    n_changes: int
    n_mice: int
    mean_change: float
    sd_change: float
    sd_within: float
    low: float
    high: float


def repeatability(log_changes: Floats, mice: npt.NDArray[np.integer]) -> Repeatability:
    """Return the variability that repeated measurements show.

    Parameters
    ----------
    log_changes
        (n,) natural logarithm of second over first volume.
    mice
        (n,) a number per mouse; changes of one mouse are not counted as independent in the interval.

    Examples
    --------
    Changes of +10, -10, +10 and -10 %, of four mice.

    >>> found = repeatability(np.log([1.1, 0.9, 1.1, 0.9]), np.arange(4))
    >>> round(found.sd_change, 4), round(found.sd_within, 4), found.n_mice
    (0.1159, 0.0819, 4)
    """
    n, n_mice = len(log_changes), len(np.unique(mice))
    mean = float(np.mean(log_changes)) if n else float("nan")
    sd = float(np.std(log_changes, ddof=1)) if n > 1 else float("nan")
    within = sd / np.sqrt(2)
    low, high = _interval(within, n_mice - 1) if n_mice >= LEAST_MICE else (float("nan"), float("nan"))
    return Repeatability(n, n_mice, mean, sd, float(within), low, high)


def detectable_change(sd_within: float) -> tuple[float, float]:
    """Return the smallest fall and rise of a volume that measurement alone shows in 5 % of cases only, as shares.

    ``exp(+-1.96 sqrt(2) s) - 1``: both measurements vary.

    Examples
    --------
    The published scans up to 6 h apart (s = 0.104 / sqrt 2): -18 and +23 %.

    >>> fall, rise = detectable_change(0.104 / np.sqrt(2))
    >>> round(fall, 2), round(rise, 2)
    (-0.18, 0.23)
    """
    reach = NORMAL_95 * np.sqrt(2) * sd_within
    return float(np.expm1(-reach)), float(np.expm1(reach))


def close_pairs(hours: Sequence[float], within_hours: float) -> list[tuple[int, int]]:
    """Return the pairs of neighbouring times that are at most so far apart, as places in `hours`.

    Examples
    --------
    >>> close_pairs([0.0, 2.0, 6.0, 16.0], 6.0)
    [(0, 1), (1, 2)]
    """
    order = [int(place) for place in np.argsort(hours, kind="stable")]
    return [(a, b) for a, b in pairwise(order) if hours[b] - hours[a] <= within_hours]


def _interval(sd: float, degrees: int) -> tuple[float, float]:
    """Return the 95 % interval of a standard deviation."""
    low, high = (sd * np.sqrt(degrees / stats.chi2.ppf(share, degrees)) for share in (0.975, 0.025))
    return float(low), float(high)
