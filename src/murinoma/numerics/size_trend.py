"""Whether annotators' errors follow from the size of the tumors: a power law of volume, and what each dataset adds."""

from dataclasses import dataclass

import numpy as np

from murinoma.numerics.intervals import Codes, Floats, Interval, Rows, jackknife, mapped, t_interval
from murinoma.numerics.volume_ratios import log_volumes

MOST_STEPS = 100


@dataclass(frozen=True)
class DatasetTrend:
    """A dataset's mean error beside what the size of its tumors lets expect, after the law of the other datasets.

    ``ratio`` is observed / expected: 1 if size explains the error, below 1 if annotators did better than that.
    ``volume`` is the geometric mean, in the unit of the volumes given.
    """

    dataset: int
    n_tumors: int
    volume: float
    observed: float
    expected: float
    ratio: Interval


@dataclass(frozen=True)
class SizeTrend:
    """The law error = ``at_unit_volume`` x volume^``exponent`` over all rows, and every dataset beside it.

    One distance in mm that everybody errs by gives an exponent of -1/3: the surface of a tumor over its volume.
    """

    exponent: Interval
    at_unit_volume: float
    datasets: tuple[DatasetTrend, ...]


def mean_log_difference(volumes: Floats) -> Floats:
    """Return the mean over pairs of annotators of ``|log ratio|`` of their volumes, (n, R) -> (n,).

    Volumes of 0 (missed) and NaN (absent) are left out; NaN where fewer than two remain.

    Examples
    --------
    Pairs of 100 and 110, 100 and 121, 110 and 121: log 1.1 twice and log 1.21 once, on average 4/3 log 1.1.

    >>> float(mean_log_difference(np.array([[100.0, 110.0, 121.0]]))[0] / np.log(1.1)).__round__(6)
    1.333333
    """
    return _mean_over_pairs(log_volumes(volumes))


def mean_absolute_difference(volumes: Floats) -> Floats:
    """Return the mean over pairs of annotators of ``|difference|`` of their volumes, (n, R) -> (n,), in the same unit.

    A missed tumor (0) and an absent annotator (NaN) are left out, as in `mean_log_difference`.

    Examples
    --------
    >>> mean_absolute_difference(np.array([[1.0, 2.0, 4.0], [1.0, 0.0, 3.0], [1.0, 0.0, np.nan]]))
    array([ 2.,  2., nan])
    """
    return _mean_over_pairs(np.where(np.isfinite(log_volumes(volumes)), volumes, np.nan))


def _mean_over_pairs(values: Floats) -> Floats:
    first, second = np.triu_indices(values.shape[1], 1)
    differences = np.abs(values[:, first] - values[:, second])
    known = np.isfinite(differences)
    pairs, total = known.sum(axis=1), np.where(known, differences, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, pairs, out=np.full(len(values), np.nan), where=pairs > 0))


def size_trend(errors: Floats, volumes: Floats, mice: Codes, datasets: Codes) -> SizeTrend:
    """Return how errors follow volume, and each dataset's error over what the other datasets' law expects at its sizes.

    The law error = c x volume^b is fitted to the errors themselves, not their logarithms (Poisson score equations), so
    errors of 0 are allowed and the expected errors of the fitted rows add up to the observed ones. A dataset's
    ``expected`` is the mean over its rows of the law fitted without it. Intervals are t intervals of b, and of
    log(observed / expected) with two jackknife errors joined: over the dataset's mice, and over the other mice for the
    law. The ratio's degrees of freedom are the mice of the dataset less 1; below 5 mice none.

    Parameters
    ----------
    errors
        (n,) not negative: ``|log ratio|`` per tumor (`mean_log_difference`), or 1 - Dice per scan. Rows with NaN are
        left out.
    volumes
        (n,) positive, for example the annotators' mean; rows without are left out.
    mice, datasets
        (n,) codes of the row's mouse, unique over all datasets, and of its dataset.

    Examples
    --------
    Errors that halve when the volume grows eightfold: exponent -1/3; no dataset differs from it.

    >>> volumes = np.array([1.0, 8, 64, 1, 8, 64])
    >>> trend = size_trend(0.1 * volumes ** (-1 / 3), volumes, np.arange(6), np.array([0, 0, 0, 1, 1, 1]))
    >>> round(trend.exponent.value, 4), round(trend.at_unit_volume, 4), round(trend.datasets[1].ratio.value, 4)
    (-0.3333, 0.1, 1.0)
    """
    logs = log_volumes(volumes)
    known = np.isfinite(errors + logs)
    rows = _Errors(errors[known], logs[known], mice[known], datasets[known])

    def exponent(kept: Rows) -> Floats:
        return np.array([_power_law(rows.errors[kept], rows.logs[kept])[1]])

    return SizeTrend(
        exponent=jackknife(exponent, rows.mice, rows.datasets).interval(0),
        at_unit_volume=float(np.exp(_power_law(rows.errors, rows.logs)[0])),
        datasets=tuple(_dataset_trend(rows, int(dataset)) for dataset in np.unique(rows.datasets)),
    )


@dataclass(frozen=True)
class _Errors:
    errors: Floats
    logs: Floats
    mice: Codes
    datasets: Codes

    def of(self, chosen: Rows) -> "_Errors":
        return _Errors(self.errors[chosen], self.logs[chosen], self.mice[chosen], self.datasets[chosen])


def _dataset_trend(rows: _Errors, dataset: int) -> DatasetTrend:
    own, others = rows.of(rows.datasets == dataset), rows.of(rows.datasets != dataset)
    law = _power_law(others.errors, others.logs)
    observed, expected = float(own.errors.mean()), _expected(law, own.logs)

    def log_ratio(kept: Rows) -> Floats:
        return _log(own.errors[kept].mean()) - _log(_expected(law, own.logs[kept]))

    def log_expected(kept: Rows) -> Floats:
        return _log(_expected(_power_law(others.errors[kept], others.logs[kept]), own.logs))

    of_mice = jackknife(log_ratio, own.mice, own.datasets)
    of_law = jackknife(log_expected, others.mice, others.datasets)
    error = float(np.hypot(of_mice.errors[0], of_law.errors[0]))
    ratio = mapped(t_interval(float(of_mice.values[0]), error, of_mice.n_mice, of_mice.degrees), np.exp)
    return DatasetTrend(dataset, len(own.errors), float(np.exp(own.logs.mean())), observed, expected, ratio)


def _expected(law: tuple[float, float], logs: Floats) -> float:
    return float(np.exp(law[0] + law[1] * logs).mean())


def _log(value: float) -> Floats:
    return np.array([np.log(value) if value > 0 else np.nan])


def _power_law(errors: Floats, logs: Floats) -> tuple[float, float]:
    """Return log c and b of errors = c x volume^b by Newton's method; NaN without errors at two volumes."""
    nothing = float("nan"), float("nan")
    if len(np.unique(logs[errors > 0])) < 2:
        return nothing
    centre = logs.mean()
    design = np.column_stack([np.ones(len(logs)), logs - centre])
    law = np.array([np.log(errors.mean()), 0.0])
    for _ in range(MOST_STEPS):
        expected = np.exp(design @ law)
        step = np.linalg.solve(design.T @ (expected[:, None] * design), design.T @ (errors - expected))
        law = law + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-10:
            return float(law[0] - law[1] * centre), float(law[1])
    return nothing
