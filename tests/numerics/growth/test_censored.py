"""Lines through partly censored log volumes: by hand, against brute force with scipy."""

import numpy as np
import pytest
from scipy import optimize, stats

from murinoma.numerics.growth.censored import LogPoints, fit_line, rate_bound, scatter_of_line


def points(logs: list[float], below: list[bool]) -> LogPoints:
    """Return log volumes one day apart."""
    return LogPoints(np.arange(len(logs), dtype=float), np.array(logs), np.array(below))


def test_the_scatter_is_the_maximum_likelihood_of_all_three_parameters() -> None:
    """Six log volumes, two below 2: scipy's search over start, slope and SD, times the root of 4 / 2."""
    some = points([4.0, 3.6, 2.7, 2.4, 2.0, 2.0], [False] * 4 + [True] * 2)

    def lost(at: np.ndarray) -> float:
        fitted, sd = at[0] + at[1] * some.days, np.exp(at[2])
        seen, unseen = stats.norm.logpdf(some.logs, fitted, sd), stats.norm.logcdf(some.logs, fitted, sd)
        return -float(np.where(some.below, unseen, seen).sum())

    best = optimize.minimize(lost, [4, -0.5, -1], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert scatter_of_line(some) == pytest.approx(np.exp(best.x[2]) * np.sqrt(4 / 2), rel=1e-3)


def test_a_limit_far_above_the_line_changes_nothing() -> None:
    """A volume expected at log -4 and known to be below log 20 tells nothing."""
    seen = points([6.0, 4.1, 1.9, 0.0], [False] * 4)
    more = points([6.0, 4.1, 1.9, 0.0, 20.0], [False] * 4 + [True])
    one, other = fit_line(seen, 0.3, np.inf), fit_line(more, 0.3, np.inf)
    assert (other.slope, other.low, other.high, other.highest) == pytest.approx(
        (one.slope, one.low, one.high, one.highest), abs=1e-6
    )
    assert other.residuals == pytest.approx(one.residuals)


def test_an_exact_line_without_noise_is_found_with_an_unknown_error() -> None:
    """NaN in place of the SD: a slope, no interval."""
    line = fit_line(points([1.0, 2, 3], [False] * 3), np.nan, np.nan)
    assert (line.start, line.slope) == pytest.approx((1, 1))
    assert np.isnan([line.low, line.high, line.highest]).all()


def test_the_bound_of_a_vanished_tumor_by_brute_force() -> None:
    """Log 5 on day 0, below log 2 on day 1: the slope at which the best likelihood is 1.96^2 / 2 lower."""
    some = points([5.0, 2.0], [False, True])
    bound = rate_bound(some, 0.2, np.inf)

    def lost(start: float) -> float:
        above = (5 - start) / 0.2
        return float(above**2 / 2 - stats.norm.logcdf((2 - start - bound.high) / 0.2))

    assert optimize.minimize_scalar(lost, bounds=(3, 7), method="bounded").fun == pytest.approx(1.96**2 / 2, abs=1e-3)
    assert bound.low == -np.inf
