"""How the volumes of two annotators compare on the log scale: mean ratio and limits of agreement, mouse by mouse."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from murinoma.numerics.intervals import Codes, Floats, Interval, Rows, jackknife, mapped, mean_interval, no_interval

NORMAL_95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class LimitsOfAgreement:
    """The mean ratio of two annotators' volumes and the limits that hold 95 % of all ratios, each with an interval.

    ``sd_between_mice`` and ``sd_within_mice`` are of the log ratio; the first is NaN where no mouse has two tumors or
    scans, and the second then holds both.
    """

    ratio: Interval
    lower: Interval
    upper: Interval
    sd_between_mice: float
    sd_within_mice: float
    n_tumors: int
    n_missed: int


def log_volumes(volumes: Floats) -> Floats:
    """Return the natural logarithm of volumes; NaN for a missed tumor (volume 0) and for an absent annotator (NaN).

    Examples
    --------
    >>> log_volumes(np.array([1.0, 0.0, np.nan]))
    array([ 0., nan, nan])
    """
    logs: Floats = np.log(volumes, out=np.full(np.shape(volumes), np.nan), where=np.asarray(volumes) > 0)
    return logs


def geometric_mean_ratio(
    volumes: Floats, reference: Floats, mice: Codes, strata: Codes, *, rng: np.random.Generator
) -> Interval:
    """Return the geometric mean of ``volumes / reference`` over the tumors that both have, with its interval over mice.

    Parameters
    ----------
    volumes, reference
        (n,) volumes of the tumors in any unit; 0 for a missed tumor, NaN for an absent annotator: both are left out.
    mice, strata
        (n,) codes of the tumor's mouse, and of its dataset.
    rng
        Source of chance; used from 20 mice on.

    Examples
    --------
    Ratios of 0.5 and 2 cancel; two mice have no interval.

    >>> codes = np.array([0, 1])
    >>> volumes, reference = np.array([1.0, 2.0]), np.array([2.0, 1.0])
    >>> geometric_mean_ratio(volumes, reference, codes, np.zeros(2, dtype=np.int64), rng=np.random.default_rng(0))
    Interval(value=1.0, low=nan, high=nan, n_mice=2, method='none')
    """
    difference = log_volumes(volumes) - log_volumes(reference)
    return mapped(mean_interval(difference, mice, strata, rng=rng), np.exp)


def limits_of_agreement(
    volumes: Floats, reference: Floats, mice: Codes, strata: Codes, *, rng: np.random.Generator
) -> LimitsOfAgreement:
    """Return the 95 % limits of agreement of ``volumes / reference``, the mouse being a random effect.

    On the log scale: mean difference +- 1.96 sqrt(variance between mice + variance within mice) (Bland & Altman 2007,
    where the true value varies), the variances from the one-way analysis of variance with unequal numbers, the one
    between mice not below 0. The interval of a limit joins that of the mean and that of the SD (MOVER, Zou 2013). Both
    are t intervals with the jackknife error over mice, the SD's on its logarithm: the chi-square interval of the SD is
    too narrow where a few tumors differ much.

    Parameters
    ----------
    volumes, reference, mice, strata, rng
        As for `geometric_mean_ratio`.

    Examples
    --------
    Log differences of -1, 0 and 1 in three mice: SD 1, limits exp(-1.96) and exp(1.96).

    >>> codes = np.arange(3)
    >>> limits = limits_of_agreement(np.exp([-1.0, 0, 1]), np.ones(3), codes, codes * 0, rng=np.random.default_rng(0))
    >>> round(limits.lower.value, 3), round(limits.ratio.value, 3), round(limits.upper.value, 3)
    (0.141, 1.0, 7.099)
    """
    difference = log_volumes(volumes) - log_volumes(reference)
    both = np.isfinite(difference)
    difference, mice, strata = difference[both], mice[both], strata[both]
    between, within = mouse_variances(difference, mice)
    lower, upper = _limits(difference, mice, strata)
    missed = np.isfinite(volumes + reference) & ~both
    return LimitsOfAgreement(
        ratio=mapped(mean_interval(difference, mice, strata, rng=rng), np.exp),
        lower=mapped(lower, np.exp),
        upper=mapped(upper, np.exp),
        sd_between_mice=float(np.sqrt(between)),
        sd_within_mice=float(np.sqrt(within)),
        n_tumors=len(difference),
        n_missed=int(missed.sum()),
    )


def _limits(difference: Floats, mice: Codes, strata: Codes) -> tuple[Interval, Interval]:
    """Return mean -+ 1.96 SD; mean and log SD are jackknifed over mice together."""

    def mean_and_log_sd(kept: Rows) -> Floats:
        sd = _total_sd(difference[kept], mice[kept])
        return np.array([difference[kept].mean(), np.log(sd) if sd > 0 else np.nan])

    n_mice, sd = len(np.unique(mice)), _total_sd(difference, mice)
    if not sd > 0:
        equal = no_interval(float(difference.mean()) + sd if n_mice else sd, n_mice)
        return equal, equal
    jackknifed = jackknife(mean_and_log_sd, mice, strata)
    mean, spread = jackknifed.interval(0), mapped(jackknifed.interval(1), np.exp)
    return _limit(mean, spread, -NORMAL_95), _limit(mean, spread, NORMAL_95)


def _total_sd(difference: Floats, mice: Codes) -> float:
    between, within = mouse_variances(difference, mice)
    return float(np.sqrt(np.nansum([between, within]))) if np.isfinite(within) else float("nan")


def _limit(mean: Interval, sd: Interval, factor: float) -> Interval:
    """Return mean + factor x SD; its edges by the method of variance estimates recovery (MOVER)."""
    value = mean.value + factor * sd.value
    if "none" in (mean.method, sd.method):
        return no_interval(value, mean.n_mice)
    narrow, wide = (sd.low, sd.high) if factor > 0 else (sd.high, sd.low)
    low = value - np.hypot(mean.value - mean.low, factor * (sd.value - narrow))
    high = value + np.hypot(mean.high - mean.value, factor * (wide - sd.value))
    return Interval(value, float(low), float(high), mean.n_mice, "MOVER over mice")


def mouse_variances(values: Floats, mice: Codes) -> tuple[float, float]:
    """Return the variance between mice and within mice of a one-way random effects model with unequal numbers.

    Analysis of variance (Searle 1971): within = MSW; between = (MSB - MSW) / n0, at least 0, with n0 = (N - sum of
    n^2 / N) / (m - 1). Where every mouse has one row the first is NaN and the second the plain variance; NaN, NaN where
    one mouse is all.

    Examples
    --------
    Two mice with 1, 3 and 5, 7: MSW = 2, MSB = 16, n0 = 2.

    >>> mouse_variances(np.array([1.0, 3, 5, 7]), np.array([0, 0, 1, 1]))
    (7.0, 2.0)
    """
    counts = np.unique(mice, return_counts=True)[1]
    m, n = len(counts), len(values)
    if m < 2:
        return float("nan"), float("nan")
    if m == n:
        return float("nan"), float(values.var(ddof=1))
    mouse = np.unique(mice, return_inverse=True)[1]
    means = np.bincount(mouse, values) / counts
    within = float(((values - means[mouse]) ** 2).sum() / (n - m))
    mean_square = float((counts * (means - values.mean()) ** 2).sum() / (m - 1))
    n0 = (n - (counts**2).sum() / n) / (m - 1)
    return max(0.0, float((mean_square - within) / n0)), within
