"""Intervals for predicted volumes that hold the annotators' mean volume as often as they say: split conformal.

What a model's volumes were off by in mice with annotations says how far they may be off in the next mouse. Nothing is
assumed of the model or of the distribution; the mice must be alike (same scanner, species and kind of tumor). The
mouse is the exchangeable unit: its tumors and days are not new evidence, so they share its weight (Lee, Barber &
Willett 2023, hierarchical conformal prediction).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError
from murinoma.numerics.intervals import Codes, Floats

COVERAGE = 0.9
EDGES_MM3 = (0.0, 50.0, 100.0, 200.0, 400.0, 800.0, np.inf)  # candidates; neighbours are joined until they have mice
CLASS_MICE = 100  # below this a class of its own would say more about its mice than about its size
ROUNDING = 1e-9

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SizeClass:
    """One class of predicted volumes, ``low_mm3`` <= v < ``high_mm3``: intervals reach from v / f to v x f.

    ``log_half_width`` is log f; NaN where fewer than 9 mice (at 90 %) calibrate it and no interval is valid.
    """

    low_mm3: float
    high_mm3: float
    log_half_width: float
    n_mice: int
    n_tumors: int


@dataclass(frozen=True)
class VolumeCalibration:
    """What a source's volumes were off by, by size; with the tumors it missed, and the false lesions, beside.

    The intervals are about tumors that exist and were found: of ``n_missed`` others there is no volume to put an
    interval around, and ``n_false`` lesions have no true one.
    """

    coverage: float
    classes: tuple[SizeClass, ...]
    n_mice: int
    n_tumors: int
    n_missed: int
    n_false: int


def calibrate_volumes(
    predicted_mm3: Floats,
    target_mm3: Floats,
    mice: Codes,
    *,
    coverage: float = COVERAGE,
    edges_mm3: Sequence[float] = EDGES_MM3,
) -> VolumeCalibration:
    """Return how far predicted volumes are off the annotators' mean, as far as the stated share of mice goes.

    The score of a tumor is ``|log(target / predicted)|``. With K mice, each of a mouse's n tumors weighs 1 / n, and
    the next mouse weighs 1 with an infinite score; the half width is the `coverage` quantile of all K + 1. So a random
    tumor of a random new mouse is held with at least that chance, and, where each mouse has one tumor, with at most
    1 / (K + 1) more.

    Neighbouring classes of predicted size are joined until each has 100 mice; with fewer in all there is one class.

    Parameters
    ----------
    predicted_mm3
        (n,) one row per tumor and scan; 0 for a tumor that was missed.
    target_mm3
        (n,) the annotators' mean (`murinoma.numerics.agreement.mean_volume`); 0 for a false lesion. Rows with NaN in
        either are left out.
    mice
        (n,) code of the row's mouse, unique over all datasets.
    coverage
        Share of the intervals that shall hold the target, above 0 and below 1.
    edges_mm3
        Increasing edges of the classes of size, mm3.

    Raises
    ------
    InputError
        If the coverage is not between 0 and 1, or the edges do not increase.

    Examples
    --------
    Nine mice, off by 1 to 9 %: at 90 % the ninth of ten. A tenth tumor was missed.

    >>> target = np.append(100 * np.exp(np.arange(1, 10) / 100), 50.0)
    >>> found = calibrate_volumes(np.append(np.full(9, 100.0), 0.0), target, np.arange(10))
    >>> [round(one.log_half_width, 9) for one in found.classes], found.n_missed
    ([0.09], 1)
    >>> volume_interval(found, np.array([200.0, 0.0]))[1].round(1)
    array([218.8,   nan])
    """
    if not 0 < coverage < 1:
        raise InputError(f"a coverage of {coverage}; it must lie between 0 and 1, for example {COVERAGE}")
    if not all(low < high for low, high in pairwise(edges_mm3)):
        raise InputError(f"edges of classes at {list(edges_mm3)} mm3; they must increase")
    known = np.isfinite(predicted_mm3 + target_mm3)
    used = known & (predicted_mm3 > 0) & (target_mm3 > 0)
    predicted, mouse = predicted_mm3[used], mice[used]
    scores = np.abs(np.log(target_mm3[used] / predicted))
    return VolumeCalibration(
        coverage=coverage,
        classes=tuple(
            _size_class(low, high, scores, mouse, _inside(predicted, low, high), coverage)
            for low, high in pairwise(_joined_edges(predicted, mouse, edges_mm3))
        ),
        n_mice=len(np.unique(mouse)),
        n_tumors=len(scores),
        n_missed=int(np.count_nonzero(known & (predicted_mm3 <= 0) & (target_mm3 > 0))),
        n_false=int(np.count_nonzero(known & (predicted_mm3 > 0) & (target_mm3 <= 0))),
    )


def volume_interval(calibration: VolumeCalibration, predicted_mm3: Floats) -> tuple[Floats, Floats]:
    """Return the lower and upper edge of each predicted volume's interval, (n,) each, mm3.

    NaN where there is none: nothing was predicted (0 or NaN), or too few mice calibrate its class.
    """
    log_half_width = np.full(len(predicted_mm3), np.nan)
    for one in calibration.classes:
        log_half_width[_inside(predicted_mm3, one.low_mm3, one.high_mm3)] = one.log_half_width
    found = np.where(predicted_mm3 > 0, predicted_mm3, np.nan)
    return found * np.exp(-log_half_width), found * np.exp(log_half_width)


def weighted_quantile(scores: Floats, mice: Codes, coverage: float) -> float:
    """Return the score that the stated share of K mice and one more, of an infinite score, does not exceed.

    NaN if even all K do not make up that share: with fewer than coverage / (1 - coverage) mice.

    Examples
    --------
    Mouse 0 has one tumor, mouse 1 four: half of three mice are mouse 0 and two tumors of mouse 1.

    >>> weighted_quantile(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0, 1, 1, 1, 1]), 0.5)
    0.3
    """
    _, mouse, counts = np.unique(mice, return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    reached = np.cumsum(1 / counts[mouse[order]]) >= coverage * (len(counts) + 1) - ROUNDING
    return float(scores[order][np.argmax(reached)]) if reached.any() else float("nan")


@dataclass(frozen=True)
class ClassCoverage:
    """How often the intervals of one class of predicted volumes held, over the splits that had this class."""

    low_mm3: float
    high_mm3: float
    coverage: float
    calibration_mice: float
    splits: int


@dataclass(frozen=True)
class SplitCoverage:
    """How often intervals hold in mice that did not calibrate them, over random halves of the mice.

    ``by_mouse`` is the mean over mice of the mouse's share, ``by_tumor`` the share of all tumors; a class's coverage
    is by mouse, its ``calibration_mice`` the mean over splits.
    """

    by_mouse: float
    by_tumor: float
    classes: tuple[ClassCoverage, ...]
    splits: int


def split_coverage(
    predicted_mm3: Floats,
    target_mm3: Floats,
    mice: Codes,
    *,
    splits: int = 200,
    coverage: float = COVERAGE,
    edges_mm3: Sequence[float] = EDGES_MM3,
    rng: np.random.Generator,
) -> SplitCoverage:
    """Return how often the intervals hold: half of the mice calibrate, the other half tests, many times.

    Parameters
    ----------
    predicted_mm3, target_mm3, mice, coverage, edges_mm3
        As for `calibrate_volumes`; only tumors that exist and were found are tested.
    splits
        Number of random halves.
    rng
        Source of chance.

    Returns
    -------
    NaN where no half has enough mice.
    """
    used = np.isfinite(predicted_mm3 + target_mm3) & (predicted_mm3 > 0) & (target_mm3 > 0)
    predicted, target, mouse = predicted_mm3[used], target_mm3[used], mice[used]
    names = np.unique(mouse)
    rows: list[_Tested] = []
    for _ in range(splits):
        calibrating = np.isin(mouse, rng.permutation(names)[: len(names) // 2])
        found = calibrate_volumes(
            predicted[calibrating], target[calibrating], mouse[calibrating], coverage=coverage, edges_mm3=edges_mm3
        )
        rows += _tested(found, predicted[~calibrating], target[~calibrating], mouse[~calibrating])
    return SplitCoverage(
        by_mouse=_mean([row.by_mouse for row in rows if row.size_class is None]),
        by_tumor=_mean([row.by_tumor for row in rows if row.size_class is None]),
        classes=_class_coverages(rows),
        splits=splits,
    )


@dataclass(frozen=True)
class _Tested:
    """One split: the share held over all sizes (no class), or in one class."""

    size_class: SizeClass | None
    by_mouse: float
    by_tumor: float


def _tested(calibration: VolumeCalibration, predicted: Floats, target: Floats, mouse: Codes) -> list[_Tested]:
    low, high = volume_interval(calibration, predicted)
    known = np.isfinite(low)
    held = (low <= target * (1 + ROUNDING)) & (target <= high * (1 + ROUNDING))
    rows = [_Tested(None, _mean_by_mouse(held[known], mouse[known]), _mean(held[known]))]
    for one in calibration.classes:
        own = known & _inside(predicted, one.low_mm3, one.high_mm3)
        rows.append(_Tested(one, _mean_by_mouse(held[own], mouse[own]), _mean(held[own])))
    return rows


def _class_coverages(rows: list[_Tested]) -> tuple[ClassCoverage, ...]:
    by_edges: dict[tuple[float, float], list[tuple[float, int]]] = {}
    for row in rows:
        if row.size_class is not None:
            edges = (row.size_class.low_mm3, row.size_class.high_mm3)
            by_edges.setdefault(edges, []).append((row.by_mouse, row.size_class.n_mice))
    return tuple(
        ClassCoverage(low, high, _mean([share for share, _ in found]), _mean([mice for _, mice in found]), len(found))
        for (low, high), found in sorted(by_edges.items())
    )


def _mean(values: Sequence[float] | Floats | Flags) -> float:
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else float("nan")


def _mean_by_mouse(held: Flags, mouse: Codes) -> float:
    """Return the mean over mice of the share of the mouse's tumors that are held."""
    _, place, counts = np.unique(mouse, return_inverse=True, return_counts=True)
    return _mean(np.bincount(place, held, minlength=len(counts)) / counts)


def _inside(volumes: Floats, low: float, high: float) -> Flags:
    return np.asarray((volumes >= low) & (volumes < high))


def _size_class(low: float, high: float, scores: Floats, mouse: Codes, own: Flags, coverage: float) -> SizeClass:
    n_mice = len(np.unique(mouse[own]))
    return SizeClass(low, high, weighted_quantile(scores[own], mouse[own], coverage), n_mice, int(own.sum()))


def _joined_edges(predicted: Floats, mouse: Codes, edges_mm3: Sequence[float]) -> list[float]:
    """Return the edges from 0 to infinity that leave each class 100 mice, or only these two."""
    kept = [0.0]
    for edge in edges_mm3:
        below, above = _inside(predicted, kept[-1], edge), predicted >= edge
        if all(len(np.unique(mouse[side])) >= CLASS_MICE for side in (below, above)):
            kept.append(float(edge))
    return [*kept, float("inf")]
