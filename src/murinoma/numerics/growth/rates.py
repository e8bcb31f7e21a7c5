"""The exponential growth rate of one tumor or mouse with an honest interval, and the mean rate of several mice."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from murinoma.errors import InputError
from murinoma.numerics.growth.censored import Line, LogPoints, fit_line, rate_bound, scatter_of_line
from murinoma.numerics.growth.volumes import Codes, Floats, checked
from murinoma.numerics.intervals import LEAST_MICE, mean_interval

NAN = float("nan")
LEAST_DEGREES = 3  # fewer do not tell that the scatter is no more than the measurement error


@dataclass(frozen=True)
class MeasurementError:
    """The SD of one log volume by measurement alone, and the degrees of freedom it was found with.

    It holds what differs from scan to scan. An error that all days share, such as an annotator who draws 10 % too
    large, moves every log volume alike: it cancels in a rate and is not added.
    """

    sd_within: float
    degrees: float = float("inf")


@dataclass(frozen=True)
class Scatter:
    """The SD of log volumes around exponential curves, pooled over mice, with its degrees of freedom (0: none)."""

    sd: float
    degrees: int


@dataclass(frozen=True)
class GrowthRate:
    """The exponential growth rate of one tumor or mouse; what is undefined is NaN.

    Attributes
    ----------
    n_points, n_censored, n_left_out
        Volumes used, how many of them only known to be below the limit, and volumes of 0 left out for want of a limit.
    span_days
        From the first to the last volume used.
    rate_per_day
        Slope of the natural logarithm of the volume.
    low_per_day, high_per_day
        Its 95 % interval.
    highest_per_day
        One-sided 95 % upper bound, for "the doubling time is longer than x".
    log_volume_at_0
        Logarithm of the volume (mm3) on the fitted curve at day 0.
    sd_log
        SD of one log volume that the interval rests on.
    basis
        'measurement error' (two volumes: nothing else can be known), 'residuals' (three or more; at least the
        measurement error), 'bound' (volumes on one day only above the limit: one edge is infinite), or 'none'.
    note
        For people: what is missing, and why; else empty.
    """

    n_points: int
    n_censored: int
    n_left_out: int
    span_days: float
    rate_per_day: float
    low_per_day: float
    high_per_day: float
    highest_per_day: float
    log_volume_at_0: float
    sd_log: float
    basis: str
    note: str


@dataclass(frozen=True)
class GroupRate:
    """The mean growth rate of several mice, its 95 % interval, one-sided upper bound, and the SD between mice."""

    rate_per_day: float
    low_per_day: float
    high_per_day: float
    highest_per_day: float
    sd_per_day: float
    n_mice: int
    method: str


def growth_rate(
    days: Floats,
    volumes: Floats,
    *,
    error: MeasurementError | None = None,
    scatter: Scatter | None = None,
    limit_mm3: float = NAN,
) -> GrowthRate:
    """Return the exponential growth rate of one tumor or mouse: the least squares line through its log volumes.

    Two volumes carry the measurement error alone: ``sqrt(2) s / days apart``. From three on, the interval rests on the
    scatter around the line, which holds measurement and uneven growth; on `scatter`, the one pooled over the mice of
    the dataset, where given. Where that is less than the measurement error, the latter is used, as well known as it is;
    with under 3 degrees of freedom, where little scatter may be luck, as little known as the scatter. Simulated, such
    intervals hold 94 to 97 % from three degrees on, also where growth is twice as uneven as the measurement.

    Volumes below a stated limit are left-censored (Tobit likelihood, interval by its profile).

    Parameters
    ----------
    days, volumes
        (n,) times in days and volumes in mm3, in any order. NaN: not measured, left out. 0: not seen; censored where a
        limit is stated, else left out and counted.
    error
        Measurement error of a log volume; without one, two volumes have no interval.
    scatter
        Of the dataset (`pooled_scatter`).
    limit_mm3
        Volumes below it are known to be below it only.

    Raises
    ------
    InputError
        For times and volumes that do not fit together or are no numbers, a limit or an error not above 0.

    Examples
    --------
    100 mm3 become 200 within 8 days, measured with s = 0.07: log(2) / 8 +- 1.96 sqrt(2) 0.07 / 8.

    >>> rate = growth_rate([0, 8], [100, 200], error=MeasurementError(0.07))
    >>> round(rate.rate_per_day, 4), round(rate.low_per_day, 4), round(rate.high_per_day, 4), rate.basis
    (0.0866, 0.0624, 0.1109, 'measurement error')
    """
    points, n_left_out = _log_points(days, volumes, limit_mm3)
    sd, degrees, basis = _deviation(points, _sound(error), scatter)
    seen_days = len(np.unique(points.days[~points.below]))
    unseen = f"{n_left_out} of volume 0 left out: no limit is stated" if n_left_out else ""
    if seen_days == 0 or len(np.unique(points.days)) < 2:
        return _without(points, n_left_out, "; ".join(filter(None, [_why_none(points, limit_mm3), unseen])))
    if seen_days > 1:
        line, note = fit_line(points, sd, degrees), unseen
    elif np.isfinite(sd):
        line, note = rate_bound(points, sd, degrees), f"above {limit_mm3:g} mm3 on one day only: a bound"
        basis = "bound"
    else:
        return _without(points, n_left_out, "above the limit on one day only, and no measurement error is known")
    if not np.isfinite(sd):
        note = "; ".join(filter(None, [note, "no interval: no measurement error is known"]))
    if basis == "bound" and np.isinf(line.low) and np.isinf(line.high):
        return _without(points, n_left_out, "above the limit on one day only, between days below it")
    return _rate(points, n_left_out, line, sd, basis, note)


def pooled_scatter(days: Floats, volumes: Floats, mice: Codes, *, limit_mm3: float = NAN) -> Scatter:
    """Return the SD of log volumes around each mouse's own exponential curve, over all mice with three or more volumes.

    Mice with a volume below the limit are left out. Divisor: volumes less two per mouse.

    Parameters
    ----------
    days, volumes, mice
        (n,) times in days, volumes in mm3, a number per mouse (of one dataset).
    limit_mm3
        As in `growth_rate`.

    Examples
    --------
    Log volumes 0, 1.2, 2 on days 0, 1, 2: residuals -1/15, 2/15, -1/15, one degree of freedom.

    >>> found = pooled_scatter([0, 1, 2], np.exp([0, 1.2, 2]), np.zeros(3, dtype=np.int64))
    >>> round(found.sd, 4), found.degrees
    (0.1633, 1)
    """
    days, volumes = checked(days, volumes, mice)
    squares, degrees = 0.0, 0
    for mouse in np.unique(mice):
        points, _ = _log_points(days[mice == mouse], volumes[mice == mouse], limit_mm3)
        if len(points.days) < 3 or points.below.any() or len(np.unique(points.days)) < 2:
            continue
        residuals = fit_line(points, NAN, NAN).residuals
        squares, degrees = squares + float(residuals @ residuals), degrees + len(residuals) - 2
    return Scatter(float(np.sqrt(squares / degrees)), degrees) if degrees else Scatter(NAN, 0)


def group_rate(rates_per_day: Floats, *, rng: np.random.Generator) -> GroupRate:
    """Return the mean of mice's growth rates with its interval over mice; NaN rates are left out.

    Parameters
    ----------
    rates_per_day
        (m,) one rate per mouse.
    rng
        Source of chance; used from 20 mice on (`murinoma.numerics.intervals`).

    Examples
    --------
    >>> found = group_rate(np.array([0.1, 0.12, 0.08, 0.1, 0.1, np.nan]), rng=np.random.default_rng(0))
    >>> found.n_mice, round(found.rate_per_day, 3), round(found.low_per_day, 4), round(found.high_per_day, 4)
    (5, 0.1, 0.0824, 0.1176)
    """
    rates = np.asarray(rates_per_day, dtype=np.float64)
    rates = rates[np.isfinite(rates)]
    n, codes = len(rates), np.arange(len(rates))
    mean = mean_interval(rates, codes, np.zeros_like(codes), rng=rng)
    sd = float(rates.std(ddof=1)) if n > 1 else NAN
    highest = mean.value + float(stats.t.ppf(0.95, n - 1)) * sd / np.sqrt(n) if n >= LEAST_MICE else NAN
    return GroupRate(mean.value, mean.low, mean.high, float(highest), sd, n, mean.method)


def _sound(error: MeasurementError | None) -> MeasurementError | None:
    if error is not None and not error.sd_within > 0:
        raise InputError(f"the SD of a log volume is {error.sd_within:g}; give one above 0, or none")
    return error


def _log_points(days: Floats, volumes: Floats, limit_mm3: float) -> tuple[LogPoints, int]:
    """Return the log volumes used, those below the limit at the limit, and the number of zeros left out."""
    days, volumes = checked(days, volumes)
    if limit_mm3 <= 0 or np.isinf(limit_mm3):
        raise InputError(f"the limit of volumes is {limit_mm3:g} mm3; give one above 0, or none")
    below = volumes < limit_mm3
    used = below | (volumes > 0)
    highest = np.where(below, limit_mm3, volumes)[used]
    return LogPoints(days[used], np.log(highest), below[used]), int(np.sum(~used & (volumes == 0)))


def _deviation(points: LogPoints, error: MeasurementError | None, scatter: Scatter | None) -> tuple[float, float, str]:
    """Return the SD of one log volume, its degrees of freedom and what they come from."""
    measured = NAN if error is None else error.sd_within
    own = int(np.sum(~points.below)) - 2
    if len(points.days) < 3 or (own < 1 and not (scatter and scatter.degrees)):
        return measured, NAN if error is None else error.degrees, "none" if error is None else "measurement error"
    if scatter is None or not scatter.degrees:
        if len(np.unique(points.days[~points.below])) < 2:
            return measured, float(own), "residuals"
        scatter = Scatter(scatter_of_line(points), own)
    if error is None or scatter.sd >= measured:
        return scatter.sd, float(scatter.degrees), "residuals"
    return measured, error.degrees if scatter.degrees >= LEAST_DEGREES else float(scatter.degrees), "residuals"


def _why_none(points: LogPoints, limit_mm3: float) -> str:
    if not len(points.days):
        return "no volume"
    if points.below.all():
        return f"never above the limit of {limit_mm3:g} mm3"
    return "volumes at one time only" if len(points.days) > 1 else "one volume only"


def _without(points: LogPoints, n_left_out: int, note: str) -> GrowthRate:
    return _rate(points, n_left_out, Line(NAN, NAN, NAN, NAN, NAN, np.empty(0)), NAN, "none", note)


def _rate(points: LogPoints, n_left_out: int, line: Line, sd: float, basis: str, note: str) -> GrowthRate:
    return GrowthRate(
        n_points=len(points.days),
        n_censored=int(points.below.sum()),
        n_left_out=n_left_out,
        span_days=float(np.ptp(points.days)) if len(points.days) else NAN,
        rate_per_day=line.slope,
        low_per_day=line.low,
        high_per_day=line.high,
        highest_per_day=line.highest,
        log_volume_at_0=line.start,
        sd_log=sd,
        basis=basis,
        note=note,
    )
