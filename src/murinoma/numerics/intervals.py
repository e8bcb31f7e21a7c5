"""95 % intervals that resample mice: scans of one mouse are alike, so the mouse is what was sampled."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]
Statistic = Callable[[Rows], Floats]

CONFIDENCE = 0.95
BOOTSTRAP_MICE = 20  # from here on the bootstrap, which follows a skewed distribution; below it t
LEAST_MICE = 5  # below this no interval: its width would be a guess
RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; ``low`` and ``high`` are NaN where there is none.

    ``method`` is 'bootstrap over mice', 't over mice', 'MOVER over mice' (limits of agreement) or 'none'.
    """

    value: float
    low: float
    high: float
    n_mice: int
    method: str


def mean_interval(
    values: Floats, mice: Codes, strata: Codes, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> Interval:
    """Return the mean over rows with its interval over mice; see `mean_intervals`.

    Examples
    --------
    Five mice with one scan each: mean 3, standard error sqrt(2.5 / 5), t(4) = 2.776.

    >>> one = np.zeros(5, dtype=np.int64)
    >>> mean = mean_interval(np.array([1.0, 2, 3, 4, 5]), np.arange(5), one, rng=np.random.default_rng(0))
    >>> mean.value, round(mean.low, 3), round(mean.high, 3), mean.method
    (3.0, 1.037, 4.963, 't over mice')
    """
    return mean_intervals(values[:, None], mice, strata, rng=rng, resamples=resamples)[0]


def mean_intervals(
    values: Floats, mice: Codes, strata: Codes, *, rng: np.random.Generator, resamples: int = RESAMPLES
) -> list[Interval]:
    """Return the mean of every column with its 95 % interval over mice; the columns share the resampling.

    The value is the mean over rows, as tables print it, so a mouse weighs with its number of scans, in the value and in
    its interval. From 20 mice on: percentile bootstrap over mice within each dataset, of m - 1 of its m mice (Rao
    & Wu 1988: m of m would be too narrow by sqrt((m - 1) / m)), at the percentiles where a normal variable has the
    quantiles of t (Hesterberg 2015). From 5 to 19 mice: t interval with the jackknife error over mice, which is the
    common t interval where every mouse has one scan. Below 5: none.

    Parameters
    ----------
    values
        (n, k), a row per scan (or tumor), a column per measure; NaN is left out of its column.
    mice
        (n,) code of the row's mouse, unique over all datasets.
    strata
        (n,) code of the row's dataset; a mouse is in one.
    rng
        Source of chance.
    resamples
        Number of bootstrap resamples.
    """
    weights: Floats | None = None
    found = []
    for column in values.T:
        seen = np.isfinite(column)
        n_mice = len(np.unique(mice[seen]))
        if n_mice < BOOTSTRAP_MICE:
            found.append(_jackknifed_mean(column[seen], mice[seen], strata[seen]))
            continue
        if weights is None:
            weights = _resampled_weights(mouse_strata(mice, strata)[1], resamples, rng)
        low, high = _percentiles(column, mice, strata, weights)
        found.append(Interval(float(column[seen].mean()), low, high, n_mice, "bootstrap over mice"))
    return found


def _jackknifed_mean(values: Floats, mice: Codes, strata: Codes) -> Interval:
    if not len(values):
        return no_interval(float("nan"), 0)
    jackknifed = jackknife(lambda kept: np.array([values[kept].mean()]), mice, strata)
    return jackknifed.interval(0)


def _resampled_weights(stratum_of_mouse: Codes, resamples: int, rng: np.random.Generator) -> Floats:
    """Return how much each mouse weighs in each resample, (resamples, mice): m - 1 of m mice, times m / (m - 1)."""
    weights = np.empty((resamples, len(stratum_of_mouse)))
    first = np.arange(resamples)[:, None]
    for stratum in np.unique(stratum_of_mouse):
        members = np.flatnonzero(stratum_of_mouse == stratum)
        m = len(members)
        drawn = rng.integers(0, m, (resamples, m - 1)) + m * first
        counts = np.bincount(drawn.ravel(), minlength=resamples * m).reshape(resamples, m)
        weights[:, members] = counts * (m / (m - 1))
    return weights


def _percentiles(column: Floats, mice: Codes, strata: Codes, weights: Floats) -> tuple[float, float]:
    seen = np.isfinite(column)
    mouse = np.unique(mice, return_inverse=True)[1]
    rows = weights @ np.bincount(mouse, seen, minlength=weights.shape[1])
    sums = weights @ np.bincount(mouse, np.where(seen, column, 0.0), minlength=weights.shape[1])
    means = sums[rows > 0] / rows[rows > 0]
    names, stratum_of_mouse = mouse_strata(mice[seen], strata[seen])
    degrees = len(names) - len(np.unique(stratum_of_mouse))
    shares = stats.norm.cdf(stats.t.ppf([(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], degrees))
    low, high = np.quantile(means, shares)
    return float(low), float(high)


@dataclass(frozen=True)
class Jackknifed:
    """Statistics of all mice, their standard errors, and how many mice and degrees of freedom carry them."""

    values: Floats
    errors: Floats
    n_mice: int
    degrees: int

    def interval(self, place: int) -> Interval:
        """Return the t interval of one of the statistics."""
        return t_interval(float(self.values[place]), float(self.errors[place]), self.n_mice, self.degrees)


def jackknife(statistic: Statistic, mice: Codes, strata: Codes) -> Jackknifed:
    """Return statistics with standard errors from leaving out one mouse at a time.

    With M mice in all, the squared error is the sum over datasets of m / (m - 1) ((M - 1) / M)^2 times the squared
    deviations of its m left-out values from their own mean; for one dataset that is the common delete-one jackknife.
    Degrees of freedom are mice less datasets. A mouse that is alone in its dataset is put together with others like
    it, or with the first dataset that has more.

    Parameters
    ----------
    statistic
        Takes the (n,) bool array of the rows to use, returns a (k,) array. NaN where undefined; its error is then NaN.
    mice, strata
        (n,) codes of the row's mouse, and of its dataset.

    Examples
    --------
    The mean of 1 to 5, a mouse each: error sqrt(2.5 / 5) with 4 degrees of freedom.

    >>> rows = np.array([1.0, 2, 3, 4, 5])
    >>> jackknife(lambda kept: np.array([rows[kept].mean()]), np.arange(5), np.zeros(5, dtype=np.int64)).errors.round(4)
    array([0.7071])
    """
    whole = np.asarray(statistic(np.ones(len(mice), dtype=bool)), dtype=np.float64)
    names, stratum_of_mouse = mouse_strata(mice, strata)
    n_strata = len(np.unique(stratum_of_mouse))
    if len(names) < LEAST_MICE:
        return Jackknifed(whole, np.full(whole.shape, np.nan), len(names), len(names) - n_strata)
    without = np.array([statistic(mice != mouse) for mouse in names])
    squares = np.zeros(whole.shape)
    for stratum in np.unique(stratum_of_mouse):
        left_out = without[stratum_of_mouse == stratum]
        squares += len(left_out) * left_out.var(axis=0, ddof=1)
    return Jackknifed(whole, np.sqrt(squares) * (1 - 1 / len(names)), len(names), len(names) - n_strata)


def t_interval(value: float, error: float, n_mice: int, degrees: int) -> Interval:
    """Return value +- t x error; none below 5 mice, or where value or error is undefined.

    Examples
    --------
    >>> t_interval(10.0, 1.0, 4, 3).method
    'none'
    """
    if n_mice < LEAST_MICE or degrees < 1 or not np.isfinite(value + error):
        return no_interval(value, n_mice)
    half = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))
    return Interval(value, value - half, value + half, n_mice, "t over mice")


def no_interval(value: float, n_mice: int) -> Interval:
    """Return a value without an interval."""
    return Interval(value, float("nan"), float("nan"), n_mice, "none")


def mapped(interval: Interval, scale: Callable[[float], float]) -> Interval:
    """Return the interval on another scale; the scale must be increasing.

    Examples
    --------
    >>> mapped(Interval(2.0, 1.0, 3.0, 9, "t over mice"), lambda x: 10 * x)
    Interval(value=20.0, low=10.0, high=30.0, n_mice=9, method='t over mice')
    """
    value, low, high = (float(scale(edge)) for edge in (interval.value, interval.low, interval.high))
    return Interval(value, low, high, interval.n_mice, interval.method)


def mouse_strata(mice: Codes, strata: Codes) -> tuple[Codes, Codes]:
    """Return the mice that occur, sorted, and the stratum of each, in which none is alone (if there are two mice).

    Examples
    --------
    Mice 1 and 2 in dataset 0, mouse 3 alone in dataset 1, mouse 4 alone in dataset 2.

    >>> mouse_strata(np.array([1, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 2]))[1]
    array([ 0,  0, -1, -1])
    """
    names, first = np.unique(mice, return_index=True)
    stratum = strata[first].astype(np.int64)
    labels, inverse, sizes = np.unique(stratum, return_inverse=True, return_counts=True)
    lonely = sizes[inverse] == 1
    if lonely.sum() == 1 and len(names) > 1:
        stratum[lonely] = labels[sizes > 1][0]
    elif lonely.any():
        stratum[lonely] = -1
    return names, stratum
