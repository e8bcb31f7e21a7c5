"""A line through log volumes of which some are only known to be below a limit: least squares, or Tobit likelihood."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from murinoma.numerics.growth.volumes import Floats

MOST_STEPS = 100
CLOSE = 1e-10
LARGEST_SD = 5.0  # of a log volume: a factor of 150
SMALLEST_SD = 1e-6


@dataclass(frozen=True, eq=False)
class LogPoints:
    """Times in days, log volumes, and which of them are only known to be below; there the log volume is the limit's."""

    days: Floats
    logs: Floats
    below: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Line:
    """A line through log volumes: value at day 0, slope, its 95 % interval, its one-sided 95 % upper bound, residuals.

    ``residuals`` are those of the points that are not censored.
    """

    start: float
    slope: float
    low: float
    high: float
    highest: float
    residuals: Floats


def fit_line(points: LogPoints, sd: float, degrees: float) -> Line:
    """Return the line of maximum likelihood, which is least squares where nothing is censored.

    Parameters
    ----------
    points
        With volumes above the limit on two days or more.
    sd, degrees
        SD of one log volume and its degrees of freedom (infinite: normal quantiles). Where `sd` is NaN there is no
        interval, and censored points are left out.

    Examples
    --------
    >>> points = LogPoints(np.array([0.0, 1, 2]), np.array([1.0, 2, 3]), np.zeros(3, bool))
    >>> line = fit_line(points, 0.1, np.inf)
    >>> round(line.slope, 6), round(line.low, 4), round(line.high, 4)  # 1 +- 1.96 x 0.1 / sqrt 2
    (1.0, 0.8614, 1.1386)
    """
    if not points.below.any() or np.isnan(sd):
        return _least_squares(points, sd, degrees)
    start, slope = _maximum(points, sd, None)
    top = _likelihood(points, start, slope, sd)
    error = sd / np.sqrt(_square_sum(points.days[~points.below]))

    def edge(quantile: float) -> float:
        return _profile_edge(points, sd, (slope, top), quantile, error)

    two, one = _quantiles(degrees)
    seen = ~points.below
    residuals = points.logs[seen] - start - slope * points.days[seen]
    return Line(start, slope, edge(-two), edge(two), edge(one), residuals)


def rate_bound(points: LogPoints, sd: float, degrees: float) -> Line:
    """Return the bounds of the slope where volumes are above the limit on one day only; start and slope are NaN.

    A tumor that vanishes has an upper bound only, one that appears a lower bound only; between two days below the limit
    there is neither.
    """
    seen, nothing = ~points.below, float("nan")
    day = float(points.days[seen][0])
    gaps = points.days[points.below] - day
    two, one = _quantiles(degrees)
    if (gaps > 0).any() == (gaps < 0).any():
        return Line(nothing, nothing, -np.inf, np.inf, np.inf, np.empty(0))
    moved = LogPoints(points.days - day, points.logs, points.below)
    if (gaps > 0).any():
        return Line(nothing, nothing, -np.inf, _bound(moved, sd, two), _bound(moved, sd, one), np.empty(0))
    return Line(nothing, nothing, _bound(moved, sd, -two), np.inf, np.inf, np.empty(0))


def scatter_of_line(points: LogPoints) -> float:
    """Return the SD around the line, divisor n - 2 with n the volumes above the limit (at least three).

    With censored points it is the maximum likelihood SD times sqrt(n / (n - 2)).

    Examples
    --------
    >>> scatter_of_line(LogPoints(np.array([0.0, 1, 2]), np.array([0, 1.2, 2]), np.zeros(3, bool))).__round__(4)
    0.1633
    """
    n = int(np.sum(~points.below))
    if not points.below.any():
        residuals = _least_squares(points, float("nan"), float("nan")).residuals
        return float(np.sqrt(residuals @ residuals / (n - 2)))

    def unlikelihood(log_sd: float) -> float:
        sd = float(np.exp(log_sd))
        return -_likelihood(points, *_maximum(points, sd, None), sd)

    # the profile has one maximum (Olsen 1978)
    found = optimize.minimize_scalar(unlikelihood, bounds=(np.log(SMALLEST_SD), np.log(LARGEST_SD)), method="bounded")
    return float(np.exp(found.x) * np.sqrt(n / (n - 2)))


def _least_squares(points: LogPoints, sd: float, degrees: float) -> Line:
    days, logs = points.days[~points.below], points.logs[~points.below]
    centre = days.mean()
    slope = float((days - centre) @ logs / _square_sum(days))
    start = float(logs.mean() - slope * centre)
    error = sd / np.sqrt(_square_sum(days))
    two, one = _quantiles(degrees)
    low, high, highest = (float(slope + quantile * error) for quantile in (-two, two, one))
    return Line(start, slope, low, high, highest, logs - start - slope * days)


def _square_sum(days: Floats) -> float:
    return float(((days - days.mean()) ** 2).sum())


def _quantiles(degrees: float) -> tuple[float, float]:
    """Return the two-sided and the one-sided 95 % quantile of t."""
    two, one = stats.t.ppf([0.975, 0.95], degrees)
    return float(two), float(one)


def _likelihood(points: LogPoints, start: float, slope: float, sd: float) -> float:
    """Return the Tobit log likelihood, with the constants that depend on `sd`."""
    distance = (points.logs - start - slope * points.days) / sd
    seen = -0.5 * distance**2 - np.log(sd)
    return float(np.where(points.below, special.log_ndtr(distance), seen).sum())


def _maximum(points: LogPoints, sd: float, slope: float | None) -> tuple[float, float]:
    """Return start and slope of maximum likelihood, the slope kept where given; Newton's method, concave."""
    design = np.column_stack([np.ones(len(points.days)), points.days])
    free = slice(0, 2 if slope is None else 1)
    seen = LogPoints(points.days[~points.below], points.logs[~points.below], points.below[~points.below])
    if slope is None:
        line = _least_squares(seen, sd, np.inf)
        at = np.array([line.start, line.slope])
    else:
        at = np.array([float(np.mean(seen.logs - slope * seen.days)), slope])
    for _ in range(MOST_STEPS):
        gradient, curvature = _derivatives(points, design, at, sd)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curvature[free, free], gradient[free])
        step = _shortened(points, at, step, sd)
        at = at + step
        if np.abs(step).max() < CLOSE:
            break
    return float(at[0]), float(at[1])


def _derivatives(points: LogPoints, design: Floats, at: Floats, sd: float) -> tuple[Floats, Floats]:
    """Return the gradient and the negative second derivative of the log likelihood."""
    distance = (points.logs - design @ at) / sd
    mills = np.exp(-0.5 * distance**2 - 0.5 * np.log(2 * np.pi) - special.log_ndtr(distance))
    pull = np.where(points.below, -mills, distance) / sd
    weight = np.where(points.below, np.clip(mills * (distance + mills), 0, 1), 1.0) / sd**2
    return design.T @ pull, design.T @ (weight[:, None] * design)


def _shortened(points: LogPoints, at: Floats, step: Floats, sd: float) -> Floats:
    now = _likelihood(points, at[0], at[1], sd)
    for _ in range(40):
        if _likelihood(points, at[0] + step[0], at[1] + step[1], sd) >= now - CLOSE:
            return step
        step = step / 2
    return step


def _bound(points: LogPoints, sd: float, quantile: float) -> float:
    """Return the slope at which the profile likelihood has fallen from what it is for endless slopes; seen on day 0."""
    here, side = points.days == 0, np.sign(quantile)
    that_day = LogPoints(points.days[here], points.logs[here], points.below[here])
    top = _likelihood(that_day, *_maximum(that_day, sd, 0.0), sd)
    gaps = points.days[~here]
    gap = float(gaps[np.argmin(np.abs(gaps))])
    steepest = sd / abs(gap)
    safe = float(points.logs[points.below].min() - points.logs[~points.below].mean()) / gap
    while top - _likelihood(points, *_maximum(points, sd, safe), sd) >= quantile**2 / 4:
        safe, steepest = float(safe - side * steepest), 2 * steepest
    return _profile_edge(points, sd, (safe, top), quantile, steepest)


def _profile_edge(points: LogPoints, sd: float, top: tuple[float, float], quantile: float, scale: float) -> float:
    """Return the slope beyond the given one whose profile likelihood is half the squared quantile below `top`."""
    slope, likelihood = top
    side = float(np.sign(quantile))

    def excess(far: float) -> float:
        return likelihood - _likelihood(points, *_maximum(points, sd, slope + side * far), sd) - quantile**2 / 2

    far = scale
    while excess(far) < 0:
        far *= 2
    return slope + side * float(optimize.brentq(excess, 0.0, far, xtol=1e-12))
