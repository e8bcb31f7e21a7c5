"""Which scans to look at first: a score per scan that is a sum of concerns, each kept in words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.numerics.intervals import Codes, Floats

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.integer[Any]]

# what is usual, and no concern; each time as much beyond it is one point
USUAL_DICE_LOSS = 0.10  # Jensen et al. 2024, Table 3: the mean Dice of two annotators is 0.90
USUAL_LOG_WIDTH = 0.20  # half of a 90 % interval of a tumor's volume, an annotator against the mean of the others
USUAL_MISFIT = 2.0  # spreads: growth differs so much by itself
HU_POINTS = 3.0  # a failed HU check puts the whole scan in doubt
TOLD_POINTS = 0.5  # from here on a concern is told in words
DIGITS = 6  # of points; what rounding leaves does not decide an order

LEAST_MM3 = 1.0  # a volume of 0 has no logarithm; a tumor that is gone on one day shall stand out
LEAST_SPREAD = 0.10  # of log volumes; below it the annotators themselves differ
MAD_TO_SD = 1.4826


@dataclass(frozen=True, eq=False)
class ScanConcerns:
    """What may be wrong with each scan, (n,) each; NaN: not known, and no concern.

    Attributes
    ----------
    interval_low_mm3, interval_high_mm3
        Interval of the tumor of the scan that has the widest one (ratio of its edges).
    expected_dice
        What Dice to expect (`murinoma.numerics.expected_dice`).
    growth_misfit
        Largest of the scan's tumors (`growth_misfit`).
    hu_failed
        Whether the HU check of the scan failed.
    annotators_dice
        Mean Dice of the annotators of the scan with one another.
    """

    interval_low_mm3: Floats
    interval_high_mm3: Floats
    expected_dice: Floats
    growth_misfit: Floats
    hu_failed: Flags
    annotators_dice: Floats


@dataclass(frozen=True)
class QueueEntry:
    """One scan of the queue: its row among the concerns, its points, and the reasons in words, heaviest first."""

    place: int
    score: float
    reasons: tuple[str, ...]


def review_queue(concerns: ScanConcerns) -> list[QueueEntry]:
    """Return the scans in the order in which a look gains most; equal ones stay in their order.

    The score is the sum of five concerns, each by how far it is beyond what is usual, in multiples of that: 0.20 for
    half an interval on the log scale; 0.10 for a Dice below 1, expected or of the annotators; two spreads for growth
    that does not fit. A failed HU check is three points. A concern of half a point or more is told in words.

    Examples
    --------
    A scan like any other, and one whose network is in doubt.

    >>> unknown = np.full(2, np.nan)
    >>> dice, failed = np.array([0.92, 0.7]), np.array([False, False])
    >>> first, second = review_queue(ScanConcerns(unknown, unknown, dice, unknown, failed, unknown))
    >>> first
    QueueEntry(place=1, score=2.0, reasons=('expected Dice 0.70',))
    >>> second.reasons
    ()
    """
    points = _points(concerns)
    score = points.sum(axis=1).round(DIGITS)
    order = np.argsort(-score, kind="stable")
    return [QueueEntry(int(place), float(score[place]), _reasons(concerns, points[place], place)) for place in order]


def growth_misfit(volumes_mm3: Floats, hours: Floats, tumors: Codes, strata: Codes) -> Floats:
    """Return how far each volume lies off what the other scans of its tumor let expect, in usual spreads, (n,).

    On the log scale a tumor is expected to grow as the median tumor of its dataset does: each other scan of it, moved
    to this hour, gives an expectation, and their median counts. The usual spread is that of all differences (1.48
    times their median size), at least 0.10. With two scans of a tumor both are equally off: one of them may be wrong.

    Parameters
    ----------
    volumes_mm3
        (n,) one row per tumor and scan; 0 where it is gone counts as 1 mm3, NaN is left out.
    hours
        (n,) time of the scan.
    tumors
        (n,) code of the tumor, unique over mice.
    strata
        (n,) code of what grows alike: its dataset, or its arm.

    Returns
    -------
    Not negative; NaN for the only scan of a tumor.

    Examples
    --------
    Four tumors double each day; the second scan of the last one is eight times too large: 2.08 on the log scale.

    >>> hours, tumors = np.tile([0.0, 24, 48], 4), np.repeat(np.arange(4), 3)
    >>> volumes = np.tile([100.0, 200, 400], 4)
    >>> volumes[10] *= 8
    >>> growth_misfit(volumes, hours, tumors, tumors * 0)[9:].round(1)
    array([10.4, 20.8, 10.4])
    """
    logs = np.log(np.maximum(volumes_mm3, LEAST_MM3))
    slopes = _usual_slopes(logs, hours, tumors, strata)
    differences = np.full(len(logs), np.nan)
    for tumor in np.unique(tumors):
        rows = np.flatnonzero((tumors == tumor) & np.isfinite(logs + hours))
        if len(rows) > 1:
            expected = logs[rows] + slopes[rows] * (hours[rows, None] - hours[rows])  # [scan, by which other scan]
            others = expected[~np.eye(len(rows), dtype=bool)].reshape(len(rows), -1)
            differences[rows] = logs[rows] - np.median(others, axis=1)
    return np.asarray(np.abs(differences) / _spread(differences))


def found_early(order: Indices, errors: Floats, *, worst: float = 0.1, first: float = 0.2) -> float:
    """Return which share of the worst scans stands in the first part of a queue; NaN without scans.

    Parameters
    ----------
    order
        (n,) rows of the scans as they stand in the queue.
    errors
        (n,) how bad each scan is; larger is worse.
    worst, first
        Share of the scans that count as worst, and share of the queue that is looked at; both rounded up to scans.

    Examples
    --------
    >>> found_early(np.array([3, 0, 1, 2, 4]), np.array([0.0, 0.0, 0.0, 0.9, 0.1]))
    1.0
    """
    n = len(errors)
    if not n:
        return float("nan")
    worst_places = np.argsort(-errors, kind="stable")[: int(np.ceil(worst * n))]
    return float(np.isin(worst_places, order[: int(np.ceil(first * n))]).mean())


def _points(concerns: ScanConcerns) -> Floats:
    """Return the points of each concern, (n, 5), in the order of `_reasons`; 0 for what is usual or unknown."""
    known = np.isfinite(concerns.interval_low_mm3) & (concerns.interval_low_mm3 > 0)
    low = np.where(known, concerns.interval_low_mm3, np.nan)
    columns = [
        np.log(concerns.interval_high_mm3 / low) / 2 / USUAL_LOG_WIDTH - 1,
        (1 - concerns.expected_dice) / USUAL_DICE_LOSS - 1,
        concerns.growth_misfit / USUAL_MISFIT - 1,
        concerns.hu_failed * HU_POINTS,
        (1 - concerns.annotators_dice) / USUAL_DICE_LOSS - 1,
    ]
    points = np.nan_to_num(np.column_stack(columns).astype(np.float64), nan=0.0)
    return np.asarray(np.maximum(points, 0.0).round(DIGITS))


def _reasons(concerns: ScanConcerns, points: Floats, place: int) -> tuple[str, ...]:
    low, high = concerns.interval_low_mm3[place], concerns.interval_high_mm3[place]
    words = [
        f"volume known only to lie within {low:.0f} to {high:.0f} mm3",
        f"expected Dice {concerns.expected_dice[place]:.2f}",
        f"volume {concerns.growth_misfit[place]:.1f} usual spreads off what the mouse's other scans let expect",
        "HU check failed",
        f"annotators far apart: mean Dice {concerns.annotators_dice[place]:.2f}",
    ]
    heaviest = np.argsort(-points, kind="stable")
    return tuple(words[one] for one in heaviest if points[one] >= TOLD_POINTS)


def _usual_slopes(logs: Floats, hours: Floats, tumors: Codes, strata: Codes) -> Floats:
    """Return the median growth rate from scan to scan in each row's stratum, (n,) per hour; 0 where none is known."""
    known = np.flatnonzero(np.isfinite(logs + hours))
    rows = known[np.lexsort((hours[known], tumors[known]))]
    before, after = rows[:-1], rows[1:]
    steps = (tumors[before] == tumors[after]) & (hours[after] > hours[before])
    before, after = before[steps], after[steps]
    rates = (logs[after] - logs[before]) / (hours[after] - hours[before])
    slopes = np.zeros(len(logs))
    for stratum in np.unique(strata[after]):
        slopes[strata == stratum] = np.median(rates[strata[after] == stratum])
    return slopes


def _spread(differences: Floats) -> float:
    known = np.abs(differences[np.isfinite(differences)])
    return max(LEAST_SPREAD, MAD_TO_SD * float(np.median(known))) if len(known) else LEAST_SPREAD
