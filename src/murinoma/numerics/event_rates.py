"""How often something happens per scan or per tumor, with bounds that hold where it happens rarely or in some mice."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from murinoma.numerics.intervals import LEAST_MICE, Codes, Floats, Interval, mouse_strata, no_interval

ONE_SIDED = 0.95
METHOD = "gamma over mice"


@dataclass(frozen=True)
class Rate:
    """Events per exposure (scans, tumors), and what its bounds need.

    ``variance`` is that of the rate, over mice. ``mean_weight`` and ``mean_square`` are the mean over mice of the
    mouse's share of all exposure, and of that share squared: what one more event in each scan of one mouse would add.
    """

    value: float
    variance: float
    mean_weight: float
    mean_square: float
    n_mice: int

    @property
    def upper(self) -> float:
        """The one-sided 95 % upper bound."""
        value, variance = self.value + self.mean_weight, self.variance + self.mean_square
        return float(stats.gamma.ppf(ONE_SIDED, value**2 / variance, scale=variance / value))

    @property
    def lower(self) -> float:
        """The one-sided 95 % lower bound; 0 where nothing happened."""
        if not self.value > 0:
            return self.value
        return float(stats.gamma.ppf(1 - ONE_SIDED, self.value**2 / self.variance, scale=self.variance / self.value))

    @property
    def interval(self) -> Interval:
        """The rate with both bounds; without them below 5 mice."""
        if self.n_mice < LEAST_MICE:
            return no_interval(self.value, self.n_mice)
        return Interval(self.value, self.lower, self.upper, self.n_mice, METHOD)

    def among(self, n_mice: int) -> "Rate":
        """Return the same rate as it would stand in a study of so many mice like these."""
        share = self.n_mice / n_mice
        return replace(
            self,
            variance=self.variance * share,
            mean_weight=self.mean_weight * share,
            mean_square=self.mean_square * share**2,
            n_mice=n_mice,
        )


def rate_bounds(events: Floats, exposure: Floats, mice: Codes, strata: Codes) -> Interval:
    """Return events per exposure with its bounds over mice, each of them one-sided at 95 %.

    Poisson and Wilson bounds take every scan for a witness of its own; a bone that looks like a tumor does so on every
    day. A bootstrap over mice has no width where nothing happened. So: bounds of a gamma distribution (Fay & Feuer
    1997) that has the mean and the variance of the rate, the variance between mice within each dataset; for the upper
    one, an event in every scan of one more average mouse is added first (Tiwari et al. 2006). Where nothing happened
    the upper bound is 3 / mice, the rule of three with the mouse as the witness.

    Parameters
    ----------
    events, exposure
        (n,) per scan or tumor: how often it happened, and among how many (1 for a scan). Rows with NaN are left out.
    mice, strata
        (n,) codes of the row's mouse, and of its dataset.

    Returns
    -------
    An interval of the method 'gamma over mice'; none below 5 mice.

    Examples
    --------
    No false lesion in 60 scans, of a mouse each: at most 3 / 60.

    >>> codes = np.arange(60)
    >>> found = rate_bounds(np.zeros(60), np.ones(60), codes, codes * 0)
    >>> found.value, found.low, round(found.high, 3)
    (0.0, 0.0, 0.05)
    """
    return rate_over_mice(events, exposure, mice, strata).interval


def rate_over_mice(events: Floats, exposure: Floats, mice: Codes, strata: Codes) -> Rate:
    """Return events per exposure with its variance over mice; arguments as for `rate_bounds`.

    The variance of the ratio is the linearised one: over datasets, m / (m - 1) times the sum over its m mice of the
    squared deviations of (events - rate x exposure) / all exposure from their mean. It is not below that of a Poisson
    count: a few mice may have equal numbers by chance.
    """
    known = np.isfinite(events + exposure) & (exposure > 0)
    if not known.any():
        return Rate(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    names, stratum_of_mouse = mouse_strata(mice[known], strata[known])
    mouse = np.searchsorted(names, mice[known])
    happened, exposed = np.bincount(mouse, events[known]), np.bincount(mouse, exposure[known])
    total = exposed.sum()
    value, weights = float(happened.sum() / total), exposed / total
    residuals = (happened - value * exposed) / total
    clustered = sum(_summed_variance(residuals[stratum_of_mouse == one]) for one in np.unique(stratum_of_mouse))
    variance = max(float(clustered), value / float(total))
    return Rate(value, variance, float(weights.mean()), float((weights**2).mean()), len(names))


def _summed_variance(residuals: Floats) -> float:
    return len(residuals) * float(residuals.var(ddof=1)) if len(residuals) > 1 else 0.0
