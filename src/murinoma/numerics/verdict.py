"""Whether a source of masks draws as people do: four conditions that were fixed before anything was measured.

*Within human variability* if all four hold, *not* if one of the bounds lies wholly beyond its margin, else *cannot
tell*. The mouse is the unit throughout. Agreement is never called better than human: a smooth mask agrees with every
annotator more than they do with one another, and may have the wrong volume.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from murinoma.numerics.event_rates import Rate, rate_over_mice
from murinoma.numerics.intervals import Codes, Floats, Interval, Rows, jackknife, mapped, mean_intervals
from murinoma.numerics.sample_size import mice_for_mean, mice_for_rate
from murinoma.numerics.volume_ratios import log_volumes

WITHIN = "within human variability"
NOT_WITHIN = "not within human variability"
CANNOT_TELL = "cannot tell"

State = Literal["holds", "fails", "open"]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Margins:
    """What a source must keep to; fixed beforehand, and the same for every source.

    Attributes
    ----------
    dice_gain
        Least mean over mice of mean Dice(source, annotator) - mean Dice(annotator, annotator).
    ratio_low, ratio_high
        What holds the geometric mean ratio of the source's volume to the annotators'.
    false_per_scan
        Most false lesions per scan.
    recall
        Least share of the tumors that are found.
    """

    dice_gain: float = -0.02
    ratio_low: float = 0.95
    ratio_high: float = 1.05
    false_per_scan: float = 0.1
    recall: float = 0.95


@dataclass(frozen=True, eq=False)
class ScanFigures:
    """What is judged per scan, (n,) each: see `dice_gain`; false lesions are counted. NaN: not known, left out."""

    mice: Codes
    strata: Codes
    dice_gain: Floats
    false_positives: Floats


@dataclass(frozen=True, eq=False)
class TumorFigures:
    """What is judged per true tumor of a scan, (n,) each: see `volume_log_ratio`; whether the source found it."""

    mice: Codes
    strata: Codes
    log_ratio: Floats
    found: Flags


@dataclass(frozen=True)
class Criterion:
    """One of the four conditions: the figure, and what it must lie within.

    The interval of 'dice' and 'volume' is a 95 % one; each bound of 'false positives' and 'recall' is one-sided at
    95 %. ``mice_needed`` is the number of mice at which figures like these would decide with a chance of 80 %; None
    where it is decided, and where no number is known.
    """

    name: str
    interval: Interval
    least: float
    most: float
    state: State
    mice_needed: int | None


@dataclass(frozen=True)
class Verdict:
    """The outcome, its four conditions in their order, and the mice that would tell where it cannot be told."""

    outcome: str
    criteria: tuple[Criterion, ...]
    mice_needed: int | None
    n_mice: int
    has_human_baseline: bool


def verdict(
    scans: ScanFigures, tumors: TumorFigures, *, margins: Margins = Margins(), rng: np.random.Generator
) -> Verdict:
    """Return whether a source is within human variability, and the four figures that say so.

    - **dice**: the lower 97.5 % bound of the mean over mice of `dice_gain` is above its margin.
    - **volume**: the 95 % interval of the geometric mean over mice of exp(`volume_log_ratio`) is inside its margins.
    - **false positives**: the upper 95 % bound of false lesions per scan is below its margin.
    - **recall**: the lower 95 % bound of the share of tumors found is above its margin.

    The first two are means over mice of the mouse's mean, with intervals of `murinoma.numerics.intervals`; the others
    have the bounds of `murinoma.numerics.event_rates`. Without two annotators on any scan there is no human baseline,
    and nothing can be told.

    Parameters
    ----------
    scans, tumors
        The figures of all scans that are judged, and of all their tumors; codes of mice mean the same in both.
    margins
        What must be kept.
    rng
        Source of chance; used from 20 mice on.

    Examples
    --------
    Thirty mice, a tumor each, drawn as people do. None of 30 tumors was missed, yet one of 20 may be.

    >>> mice, rng = np.arange(30), np.random.default_rng(0)
    >>> scans = ScanFigures(mice, mice * 0, rng.normal(0, 0.02, 30), np.zeros(30))
    >>> tumors = TumorFigures(mice, mice * 0, rng.normal(0, 0.05, 30), np.ones(30, bool))
    >>> found = verdict(scans, tumors, rng=rng)
    >>> found.outcome, [one.state for one in found.criteria], found.mice_needed
    ('cannot tell', ['holds', 'holds', 'holds', 'open'], 60)
    """
    dice, log_ratio = _means_over_mice(scans, tumors, rng)
    false = rate_over_mice(scans.false_positives, np.ones(len(scans.mice)), scans.mice, scans.strata)
    missed = rate_over_mice((~tumors.found).astype(np.float64), np.ones(len(tumors.mice)), tumors.mice, tumors.strata)
    criteria = (
        _criterion("dice", dice, margins.dice_gain, np.inf),
        _in_ratios(_criterion("volume", log_ratio, np.log(margins.ratio_low), np.log(margins.ratio_high))),
        _rare("false positives", false, margins.false_per_scan),
        _in_recall(_rare("recall", missed, 1 - margins.recall)),
    )
    has_baseline = bool(np.isfinite(scans.dice_gain).any())
    outcome = _outcome(criteria) if has_baseline else CANNOT_TELL
    needed = _mice_needed(criteria) if has_baseline and outcome == CANNOT_TELL else None
    return Verdict(outcome, criteria, needed, len(np.union1d(scans.mice, tumors.mice)), has_baseline)


def dice_gain(with_annotators: Floats, among_annotators: Floats) -> Floats:
    """Return how much more a source agrees with the annotators of a scan than they do with one another, (n,).

    Parameters
    ----------
    with_annotators
        (n, R) Dice of the source with each annotator; NaN where both are empty, or the annotator is absent.
    among_annotators
        (n, pairs) Dice of each pair of annotators.

    Returns
    -------
    Mean less mean. NaN where either has no value: with one annotator, and where nobody marked anything.

    Examples
    --------
    >>> dice_gain(np.array([[0.9, 0.8, 0.7]]), np.array([[0.9, 0.9, 0.84]])).round(3)
    array([-0.08])
    """
    return _mean_of_known(with_annotators) - _mean_of_known(among_annotators)


def volume_log_ratio(source: Floats, annotators: Floats) -> Floats:
    """Return the log ratio of a source's volumes to the leave-one-annotator-out means, (n,); an equal has 0 on average.

    An annotator r is compared with the mean M_r of the other annotators, so the source is compared with each M_r and
    the log ratios are averaged. The logarithm of a mean of unequal volumes is above the mean of their logarithms, so
    even an annotator has log(V_r / M_r) below 0 on average; what the annotators of this very tumor have is taken off:

    mean over r of log(V / M_r) - mean over r of log(V_r / M_r) = log V - mean over r of log V_r.

    The means M_r drop out. Whoever draws from the same distribution as the annotators has an expected value of 0.

    Parameters
    ----------
    source
        (n,) volumes of the tumors.
    annotators
        (n, R) volumes, in the same unit.

    Returns
    -------
    NaN where the source missed the tumor (0), and where fewer than two annotators marked it. Who missed it (0) or was
    absent (NaN) is left out; that a tumor was missed is judged by recall.

    Examples
    --------
    >>> volume_log_ratio(np.array([8.0, 8.0]), np.array([[1.0, 4.0], [4.0, 0.0]])) / np.log(2)
    array([ 2., nan])
    """
    logs = log_volumes(annotators)
    enough = np.isfinite(logs).sum(axis=1) >= 2
    return np.where(enough, log_volumes(source) - _mean_of_known(logs), np.nan)


def williams_index(with_annotators: Floats, among_annotators: Floats, mice: Codes, strata: Codes) -> Interval:
    """Return the Williams index: mean Dice(source, annotator) over mean Dice(annotator, annotator), over mice.

    A ratio of two means over mice (Williams 1976), with a t interval from the jackknife over mice. It is reported, not
    decisive: 1 is as good as people, yet a smooth mask with 20 % too much volume may exceed it.

    Parameters
    ----------
    with_annotators, among_annotators
        As for `dice_gain`; scans without either are left out.
    mice, strata
        (n,) codes of the scan's mouse, and of its dataset.

    Examples
    --------
    >>> one = np.zeros(1, dtype=np.int64)
    >>> round(williams_index(np.array([[0.9, 0.8, 0.7]]), np.array([[0.9, 0.9, 0.6]]), one, one).value, 6)
    1.0
    """
    source, people = _mean_of_known(with_annotators), _mean_of_known(among_annotators)
    both = np.isfinite(source + people)
    means, strata_of_mice = _mouse_means(np.column_stack([source, people])[both], mice[both], strata[both])

    def ratio(kept: Rows) -> Floats:
        return np.array([_ratio_of_means(means[kept])])

    return jackknife(ratio, np.arange(len(means)), strata_of_mice).interval(0)


def _ratio_of_means(means: Floats) -> float:
    total = means.sum(axis=0)
    return float(total[0] / total[1]) if total[1] > 0 else float("nan")


def _mean_of_known(values: Floats) -> Floats:
    known = np.isfinite(values)
    n = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))


def _means_over_mice(scans: ScanFigures, tumors: TumorFigures, rng: np.random.Generator) -> list[Interval]:
    """Return the mean over mice of gain in Dice and of log ratio; both share the resampling of mice."""
    mice, strata = np.concatenate([scans.mice, tumors.mice]), np.concatenate([scans.strata, tumors.strata])
    rows = np.full((len(mice), 2), np.nan)
    rows[: len(scans.mice), 0] = scans.dice_gain
    rows[len(scans.mice) :, 1] = tumors.log_ratio
    means, strata_of_mice = _mouse_means(rows, mice, strata)
    return mean_intervals(means, np.arange(len(means)), strata_of_mice, rng=rng)


def _mouse_means(rows: Floats, mice: Codes, strata: Codes) -> tuple[Floats, Codes]:
    """Return the mean of each column over each mouse's rows, (mice, k), NaN where it has none; and its stratum."""
    names, first, mouse = np.unique(mice, return_index=True, return_inverse=True)
    known = np.isfinite(rows)
    n, total = np.zeros((len(names), rows.shape[1])), np.zeros((len(names), rows.shape[1]))
    np.add.at(n, mouse, known)
    np.add.at(total, mouse, np.where(known, rows, 0.0))
    return np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0), strata[first]


def _criterion(name: str, interval: Interval, least: float, most: float) -> Criterion:
    """Return whether an interval lies within two margins, outside of them, or neither."""
    if interval.low > least and interval.high < most:
        return Criterion(name, interval, least, most, "holds", None)
    if interval.high < least or interval.low > most:
        return Criterion(name, interval, least, most, "fails", None)
    return Criterion(name, interval, least, most, "open", mice_for_mean(interval, least, most))


def _in_ratios(criterion: Criterion) -> Criterion:
    """Return a condition on log ratios as one on ratios."""
    interval = mapped(criterion.interval, np.exp)
    least, most = float(np.exp(criterion.least)), float(np.exp(criterion.most))
    return Criterion(criterion.name, interval, least, most, criterion.state, criterion.mice_needed)


def _rare(name: str, rate: Rate, most: float) -> Criterion:
    """Return whether something is rarer than it may be."""
    interval = rate.interval
    if interval.high < most:
        return Criterion(name, interval, 0.0, most, "holds", None)
    if interval.low > most:
        return Criterion(name, interval, 0.0, most, "fails", None)
    return Criterion(name, interval, 0.0, most, "open", mice_for_rate(rate, most))


def _in_recall(criterion: Criterion) -> Criterion:
    """Return a condition on the share of missed tumors as one on those that were found."""
    missed = criterion.interval
    low = float(np.maximum(1 - missed.high, 0.0))  # which keeps NaN
    found = Interval(1 - missed.value, low, 1 - missed.low, missed.n_mice, missed.method)
    return Criterion(criterion.name, found, 1 - criterion.most, 1.0, criterion.state, criterion.mice_needed)


def _outcome(criteria: tuple[Criterion, ...]) -> str:
    states = {criterion.state for criterion in criteria}
    if "fails" in states:
        return NOT_WITHIN
    return WITHIN if states == {"holds"} else CANNOT_TELL


def _mice_needed(criteria: tuple[Criterion, ...]) -> int | None:
    """Return the mice that decide: the first that would fail, or else all that would hold."""
    undecided = [criterion for criterion in criteria if criterion.state == "open"]
    failing = [one.mice_needed for one in undecided if not one.least <= one.interval.value <= one.most]
    known = [mice for mice in failing if mice is not None]
    if failing:
        return min(known, default=None)
    all_needed = [one.mice_needed for one in undecided]
    return None if None in all_needed else max(mice for mice in all_needed if mice is not None)
