"""Changes that a dataset's own growth and the measurement error cannot explain, and mice that were exchanged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from murinoma.errors import InputError
from murinoma.numerics.growth.change import beyond_detectable
from murinoma.numerics.growth.volumes import Codes, Floats, checked
from murinoma.numerics.jumps import Point, look_exchanged

LEAST_CHANGES = 4  # fewer do not tell how a dataset grows
HIGHEST_SCORE = 3.5  # Iglewicz & Hoaglin 1993
HALF_NORMAL_MEDIAN = float(stats.norm.ppf(0.75))  # 0.6745


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The changes between neighbouring scans of a mouse.

    ``earlier`` and ``later`` are (k,) rows, ``days`` (k,) how far apart, ``log_change`` (k,) log of later over earlier
    volume.
    """

    earlier: Codes
    later: Codes
    days: Floats
    log_change: Floats


@dataclass(frozen=True)
class OwnRate:
    """How the mice of one dataset change, found so that a few jumps among them do not matter.

    Attributes
    ----------
    rate_per_day
        Median rate, each change weighted with its days.
    spread_per_day
        SD of the rate between changes, beside the measurement error; 0 where that explains all.
    sd_within
        SD of one log volume that was put in.
    n_changes
        Changes it rests on; under 4 the rates are NaN, and no change is a jump.
    """

    rate_per_day: float
    spread_per_day: float
    sd_within: float
    n_changes: int

    def score(self, log_change: Floats, days: Floats) -> Floats:
        """Return the robust z of log changes: their distance from the own rate in expected SDs.

        ``(change - rate x days) / sqrt(2 s^2 + (spread x days)^2)``

        Examples
        --------
        A dataset that grows by 10 % of its logarithm per day; twice the volume within a day, and 8 days later.

        >>> rate = OwnRate(rate_per_day=0.1, spread_per_day=0.05, sd_within=0.07, n_changes=20)
        >>> rate.score(np.log([2.0, 2.0]), np.array([1.0, 8.0])).round(2)
        array([ 5.35, -0.26])
        """
        expected = np.sqrt(2 * self.sd_within**2 + (self.spread_per_day * days) ** 2)
        return np.asarray((log_change - self.rate_per_day * days) / expected)

    def allow(self, earlier: Point, later: Point) -> bool:
        """Tell whether two volumes (day, mm3) can be those of one mouse; true if either is 0, which says nothing.

        Examples
        --------
        >>> rate = OwnRate(rate_per_day=0.1, spread_per_day=0.05, sd_within=0.07, n_changes=20)
        >>> rate.allow((0, 100), (1, 200)), rate.allow((0, 100), (8, 200))
        (False, True)
        """
        if earlier[1] <= 0 or later[1] <= 0:
            return True
        change, days = np.log([later[1] / earlier[1]]), np.array([later[0] - earlier[0]])
        return not bool(_is_jump(change, days, self)[0])


def neighbours(days: Floats, volumes: Floats, mice: Codes) -> Neighbours:
    """Return the change of every mouse from each scan to its next; volumes of 0 or NaN are passed over.

    Examples
    --------
    >>> found = neighbours([8, 0, 0, 4], [200.0, 100.0, 50.0, 0.0], np.array([1, 1, 2, 1]))
    >>> found.earlier, found.later, found.days, found.log_change.round(3)
    (array([1]), array([0]), array([8.]), array([0.693]))
    """
    days, volumes = checked(days, volumes, mice)
    mice = np.asarray(mice)
    seen = np.flatnonzero(np.nan_to_num(volumes) > 0)
    order = seen[np.lexsort((days[seen], mice[seen]))]
    earlier, later = order[:-1], order[1:]
    next_of_mouse = (mice[earlier] == mice[later]) & (days[earlier] < days[later])
    earlier, later = earlier[next_of_mouse], later[next_of_mouse]
    return Neighbours(earlier, later, days[later] - days[earlier], np.log(volumes[later] / volumes[earlier]))


def own_rate(changes: Neighbours, *, sd_within: float) -> OwnRate:
    """Return the rate at which the mice of one dataset change, and how it spreads.

    The rate is the median of the rates, weighted with their days: the line through 0 of least absolute deviations. The
    spread is such that the median of ``|z|`` is that of a normal variable. Where all changes are equally long, z
    is the distance from the median in 1.4826 median absolute deviations, but at least in SDs of the measurement. Rates
    of scans 2 h and of scans 10 d apart cannot share one SD, which is why the days stand in it.

    Parameters
    ----------
    changes
        Of one dataset.
    sd_within
        SD of one log volume (`murinoma repeatability`), above 0.

    Raises
    ------
    InputError
        Where `sd_within` is not above 0.

    Examples
    --------
    Five mice, one of which trebles within a day: it does not move the rate.

    >>> days = np.tile([0.0, 1.0], 5)
    >>> volumes = np.array([100, 110, 200, 222, 50, 54, 80, 89, 100, 300.0])
    >>> rate = own_rate(neighbours(days, volumes, np.repeat(np.arange(5), 2)), sd_within=0.07)
    >>> round(rate.rate_per_day, 3), rate.spread_per_day
    (0.104, 0.0)
    """
    if not sd_within > 0:
        raise InputError(f"the SD of a log volume is {sd_within:g}; a jump is judged against one above 0")
    n = len(changes.days)
    if n < LEAST_CHANGES:
        return OwnRate(float("nan"), float("nan"), sd_within, n)
    rate = _weighted_median(changes.log_change / changes.days, changes.days)

    def excess(spread: float) -> float:
        scores = OwnRate(rate, spread, sd_within, n).score(changes.log_change, changes.days)
        return float(np.median(np.abs(scores))) - HALF_NORMAL_MEDIAN

    if excess(0.0) <= 0:
        return OwnRate(rate, 0.0, sd_within, n)
    widest = 2 * float(np.max(np.abs(changes.log_change / changes.days - rate))) / HALF_NORMAL_MEDIAN
    return OwnRate(rate, float(optimize.brentq(excess, 0.0, widest)), sd_within, n)


def jump_scores(changes: Neighbours, rate: OwnRate) -> Floats:
    """Return the robust z of every change, (k,); NaN where the dataset has too few changes to know its rate."""
    return rate.score(changes.log_change, changes.days)


def are_jumps(changes: Neighbours, rate: OwnRate) -> npt.NDArray[np.bool_]:
    """Tell which changes are implausible, (k,): ``|z|`` above 3.5, and beyond the detectable change."""
    return _is_jump(changes.log_change, changes.days, rate)


def exchanged_mice(
    days: Floats, volumes: Floats, mice: Codes, acquisitions: Codes, rate: OwnRate
) -> list[tuple[int, int]]:
    """Return the pairs of rows of one acquisition whose jumps both vanish if the two mice are exchanged.

    Two scans of a pair cannot tell at which of them the mice were exchanged: the later one is named, once per pair of
    mice. Mice of about the same size can be exchanged without a trace.

    Parameters
    ----------
    days, volumes
        (n,) times in days and volumes in mm3, of one dataset.
    mice, acquisitions
        (n,) a number per mouse, and per acquisition (the mice of one group at one time).
    rate
        What change is believed (`own_rate`, which a few exchanged mice do not move).

    Examples
    --------
    Mouse 0 of 100 mm3 and mouse 1 of 900 mm3 come back the other way round.

    >>> rate = OwnRate(rate_per_day=0.1, spread_per_day=0.02, sd_within=0.07, n_changes=20)
    >>> volumes, both = np.array([100.0, 900.0, 950.0, 110.0]), np.array([0, 1, 0, 1])
    >>> exchanged_mice([0, 0, 1, 1], volumes, both, np.array([0, 0, 1, 1]), rate)
    [(2, 3)]
    """
    days, volumes = checked(days, volumes, mice, acquisitions)
    points = list(zip(days.tolist(), volumes.tolist(), strict=True))
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for acquisition in sorted(np.unique(acquisitions), key=lambda one: -float(days[acquisitions == one].max())):
        rows = [int(row) for row in np.flatnonzero(acquisitions == acquisition) if volumes[row] > 0]
        for a, b in combinations(rows, 2):
            pair = (int(min(mice[a], mice[b])), int(max(mice[a], mice[b])))
            others = (_others(points, mice, a), _others(points, mice, b))
            if pair not in found and look_exchanged((points[a], points[b]), others, rate):
                found[pair] = (a, b)
    return sorted(found.values())


def _others(points: Sequence[Point], mice: Codes, row: int) -> list[Point]:
    rows: list[int] = np.flatnonzero(mice == mice[row]).tolist()
    return [points[other] for other in rows if other != row and points[other][1] > 0]


def _is_jump(log_change: Floats, days: Floats, rate: OwnRate) -> npt.NDArray[np.bool_]:
    unlike = np.abs(rate.score(log_change, days)) > HIGHEST_SCORE
    return np.asarray(unlike & beyond_detectable(log_change, rate.sd_within))


def _weighted_median(values: Floats, weights: Floats) -> float:
    """Return the median of values with weights: the mean of two where the weights fall in equal halves."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weights[order]) / np.sum(weights)
    place = int(np.searchsorted(share, 0.5 - 1e-12))
    following = place + 1 if abs(share[place] - 0.5) <= 1e-12 else place
    return float(values[order][[place, following]].mean())
