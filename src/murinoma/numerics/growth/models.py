"""Which curve tumors grow along: exponential, Gompertz or logistic, fitted to log volumes and compared by AICc."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from murinoma.errors import InputError
from murinoma.numerics.growth.volumes import Codes, Floats, checked

Partials = tuple[Floats, Floats, Floats, Floats]  # log volume, and its derivatives by start, rate and shape
Number = Floats | float
Curve = Callable[[Floats, Number, Number, float], Partials]

LEAST_POINTS = 6  # of a mouse alone
LEAST_POINTS_EACH = 3  # of every mouse of a group
LEAST_DAYS = 3.0  # within hours swelling and posture bend a curve, not growth
LEAST_DECAY, MOST_DECAY = 1e-3, 50.0  # Gompertz: over the whole time; less is exponential, more a step
MOST_ABOVE = 8.0  # logistic: log of the plateau over the largest volume; more is exponential
TRIES = (0.1, 1.0, 4.0)  # where the search for a shape starts
WORST_CONDITION = 1e8
MOST_EVALUATIONS = 500
MOST_EXPONENT = 500.0
EXACT = 1e-16  # variance below which log volumes lie on the curve
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class CurveFit:
    """One growth law fitted to one mouse or to a group of mice.

    Attributes
    ----------
    model
        'exponential', 'Gompertz' or 'logistic'.
    converged, reason
        Whether the fit may be used, and for people why not; `reason` is empty if it may.
    mice
        (m,) the mice's numbers.
    starts, rates
        (m,) each mouse's log volume (mm3) at day 0, and its growth rate per day: at day 0 (exponential, Gompertz), or
        that of a tumor far below the plateau (logistic).
    shape
        Shared by the mice: Gompertz, by how much the rate decays per day (a share of itself); logistic, the plateau in
        mm3; exponential, NaN.
    sd_log
        SD of log volumes around the curves, divisor volumes less parameters; NaN where none are left over.
    n_points, n_left_out, n_parameters
        Volumes used, volumes not above the limit, and parameters with the SD.
    aicc
        Akaike's criterion, corrected for small numbers; the smaller, the better. NaN if not converged.
    """

    model: str
    converged: bool
    reason: str
    mice: Codes
    starts: Floats
    rates: Floats
    shape: float
    sd_log: float
    n_points: int
    n_left_out: int
    n_parameters: int
    aicc: float


@dataclass(frozen=True, eq=False)
class _Rows:
    """Days, log volumes and the place of the mouse, a row per volume."""

    days: Floats
    logs: Floats
    mouse: Codes
    n_mice: int

    @property
    def span(self) -> float:
        """From the first to the last volume, in days."""
        return float(np.ptp(self.days))


def fit_curves(days: Floats, volumes: Floats, mice: Codes, *, limit_mm3: float = NAN) -> tuple[CurveFit, ...]:
    """Return the exponential, Gompertz and logistic fit of one mouse, or of a group whose mice share the shape.

    Least squares on log volumes. Every mouse has its own start and its own rate; one shape (decay of the rate, or
    plateau) is shared::

        exponential   log V = start + rate t
        Gompertz      log V = start + rate (1 - exp(-decay t)) / decay
        logistic      log V = log K - log(1 + (K / V0 - 1) exp(-rate t))

    A mouse alone needs six volumes, each mouse of a group three (others are left out); Gompertz and logistic need three
    days. Less gives fits that did not converge, with the reason. A shape that the volumes cannot tell from an
    exponential, or tell nothing of, has not converged either.

    Parameters
    ----------
    days, volumes, mice
        (n,) times in days, volumes in mm3, a number per mouse, in any order. NaN and 0 are left out.
    limit_mm3
        Volumes below it are left out and counted: unlike `growth_rate`, these fits know no censoring.

    Examples
    --------
    A tumor whose growth rate of 0.4 per day halves every week.

    >>> days = np.arange(0, 28, 4.0)
    >>> decay = np.log(2) / 7
    >>> volumes = 100 * np.exp(0.4 * (1 - np.exp(-decay * days)) / decay)
    >>> fits = fit_curves(days, volumes * np.exp(0.01 * np.cos(days)), np.zeros(7, dtype=np.int64))
    >>> best = best_curve(fits)
    >>> best.model, round(float(best.rates[0]), 1), round(np.log(2) / best.shape)
    ('Gompertz', 0.4, 7)
    """
    rows, known, n_left_out = _rows(days, volumes, np.asarray(mice), limit_mm3)
    return tuple(_fitted(model, rows, known, n_left_out) for model in CURVES)


def best_curve(fits: tuple[CurveFit, ...]) -> CurveFit | None:
    """Return the fit with the smallest AICc of those that converged; None without one."""
    usable = [fit for fit in fits if fit.converged]
    return min(usable, key=lambda fit: fit.aicc) if usable else None


def curve(fit: CurveFit, mouse: int, days: Floats) -> Floats:
    """Return the volumes in mm3 on the fitted curve of one mouse at the given days.

    Raises
    ------
    InputError
        If the mouse is not part of the fit.

    Examples
    --------
    >>> days = np.arange(6.0)
    >>> fit = fit_curves(days, 100 * 2.0**days, np.full(6, 7))[0]
    >>> curve(fit, 7, [0.0, 3.0]).round(6)
    array([100., 800.])
    """
    places = np.flatnonzero(fit.mice == mouse)
    if not len(places):
        raise InputError(f"mouse {mouse} is not part of the {fit.model} fit; it has {len(fit.mice)} other mice")
    days = np.asarray(days, dtype=np.float64)
    start, rate = float(fit.starts[places[0]]), float(fit.rates[places[0]])
    if fit.model == "logistic":
        away = np.expm1(np.log(fit.shape) - start) * np.exp(np.clip(-rate * days, None, MOST_EXPONENT))
        return np.asarray(fit.shape / (1 + away))
    return np.asarray(np.exp(CURVES[fit.model](days, start, rate, fit.shape)[0]))


def exponential(days: Floats, start: Number, rate: Number, shape: float) -> Partials:
    """Return the log volume of exponential growth, and its derivatives by start, rate and shape; it has no shape."""
    return start + rate * days, np.ones(len(days)), days, np.zeros(len(days))


def gompertz(days: Floats, start: Number, rate: Number, shape: float) -> Partials:
    """Return the log volume of Gompertz growth and its derivatives; `shape` is the decay of the rate per day."""
    reached = -np.expm1(-shape * days) / shape
    by_shape = rate * (days * np.exp(-shape * days) - reached) / shape
    return start + rate * reached, np.ones(len(days)), reached, by_shape


def logistic(days: Floats, start: Number, rate: Number, shape: float) -> Partials:
    """Return the log volume of logistic growth and its derivatives.

    `start` is the logit of the share of the plateau at day 0, `shape` the log of the plateau.
    """
    logit = start + rate * days
    free = special.expit(-logit)  # the share of the plateau that is still free
    return shape - np.logaddexp(0, -logit), free, free * days, np.ones(len(days))


CURVES: dict[str, Curve] = {"exponential": exponential, "Gompertz": gompertz, "logistic": logistic}


def _rows(days: Floats, volumes: Floats, mice: Codes, limit_mm3: float) -> tuple[_Rows, Codes, int]:
    """Return the rows of the mice with enough volumes above the limit, these mice, and the number of rows below it."""
    days, volumes = checked(days, volumes, mice)
    measured = np.isfinite(volumes)
    seen = measured & (volumes > 0) & ~(volumes < limit_mm3)
    known = np.array(
        [mouse for mouse in np.unique(mice[seen]) if _has_enough(days[seen & (mice == mouse)])], mice.dtype
    )
    used = seen & np.isin(mice, known)
    rows = _Rows(days[used], np.log(volumes[used]), np.searchsorted(known, mice[used]), len(known))
    return rows, known, int(np.sum(measured & ~seen))


def _has_enough(days: Floats) -> bool:
    return len(np.unique(days)) >= LEAST_POINTS_EACH


def _fitted(model: str, rows: _Rows, mice: Codes, n_left_out: int) -> CurveFit:
    n, m = len(rows.days), rows.n_mice
    n_parameters = 2 * m + (model != "exponential") + 1
    reason = _too_few(n, m, n_parameters) or _too_short(model, rows)
    if reason:
        nothing = np.full(m, NAN)
        return CurveFit(model, False, reason, mice, nothing, nothing, NAN, NAN, n, n_left_out, n_parameters, NAN)
    found = min((_search(model, rows, first) for first in TRIES), key=lambda one: float(one.cost))
    reason = _trouble(model, rows, found)
    variance = max(2 * float(found.cost) / n, EXACT)
    aicc = n * np.log(variance) + 2 * n_parameters * n / (n - n_parameters - 1)
    starts, rates, shape = _told(model, rows, found.x)
    sd = float(np.sqrt(2 * found.cost / (n - n_parameters + 1)))
    criterion = NAN if reason else float(aicc)
    return CurveFit(model, not reason, reason, mice, starts, rates, shape, sd, n, n_left_out, n_parameters, criterion)


def _too_few(n: int, n_mice: int, n_parameters: int) -> str:
    if n_mice == 0:
        return f"no mouse has {LEAST_POINTS_EACH} volumes at different times"
    if n_mice == 1 and n < LEAST_POINTS:
        return f"{n} volumes; a mouse alone needs {LEAST_POINTS}"
    if n - n_parameters < 2:
        return f"{n} volumes of {n_mice} mice are too few for {n_parameters} parameters"
    return ""


def _too_short(model: str, rows: _Rows) -> str:
    if model == "exponential" or rows.span >= LEAST_DAYS:
        return ""
    return f"{rows.span:.2g} days do not tell whether growth slows down; {LEAST_DAYS:g} or more are needed"


def _search(model: str, rows: _Rows, first: float) -> optimize.OptimizeResult:
    """Return the least squares fit of one model from one first shape; parameters are starts, rates, shape."""
    law, m, each = CURVES[model], rows.n_mice, np.arange(len(rows.days))
    free = 2 * m + (model != "exponential")

    def at(parameters: Floats) -> Partials:
        shape = float(parameters[-1]) if free > 2 * m else NAN
        return law(rows.days, parameters[:m][rows.mouse], parameters[m : 2 * m][rows.mouse], shape)

    def slopes(parameters: Floats) -> Floats:
        _, by_start, by_rate, by_shape = at(parameters)
        jacobian = np.zeros((len(each), 2 * m + 1))
        jacobian[each, rows.mouse], jacobian[each, m + rows.mouse], jacobian[:, -1] = by_start, by_rate, by_shape
        return jacobian[:, :free]

    begin, low, high = _beginning(model, rows, first)
    return optimize.least_squares(
        lambda parameters: at(parameters)[0] - rows.logs,
        begin[:free],
        jac=slopes,
        bounds=(low[:free], high[:free]),
        x_scale="jac",
        ftol=1e-12,
        xtol=1e-12,
        gtol=1e-12,
        max_nfev=MOST_EVALUATIONS,
    )


def _beginning(model: str, rows: _Rows, first: float) -> tuple[Floats, Floats, Floats]:
    """Return where the search begins, and its bounds; only the shape has any."""
    start, rate = _lines(rows)
    low, high = np.full(2 * rows.n_mice + 1, -np.inf), np.full(2 * rows.n_mice + 1, np.inf)
    shape = first / rows.span
    if model == "Gompertz":
        low[-1], high[-1] = LEAST_DECAY / rows.span, MOST_DECAY / rows.span
    if model == "logistic":
        shape = float(rows.logs.max()) + first
        low[-1], high[-1] = rows.logs.min(), rows.logs.max() + MOST_ABOVE
        start = -np.log(np.expm1(shape - np.minimum(start, shape - 0.05)))
    return np.concatenate([start, rate, [shape]]), low, high


def _lines(rows: _Rows) -> tuple[Floats, Floats]:
    """Return each mouse's least squares line, its value at day 0 and its slope."""
    n = np.bincount(rows.mouse)
    mean_day, mean_log = np.bincount(rows.mouse, rows.days) / n, np.bincount(rows.mouse, rows.logs) / n
    away = rows.days - mean_day[rows.mouse]
    rate = np.bincount(rows.mouse, away * rows.logs) / np.bincount(rows.mouse, away**2)
    return mean_log - rate * mean_day, rate


def _trouble(model: str, rows: _Rows, found: optimize.OptimizeResult) -> str:
    """Return why a fit must not be used, or an empty text."""
    if not found.success:
        return f"the search did not end within {MOST_EVALUATIONS} steps"
    shape = float(found.x[-1])
    if model == "Gompertz" and shape * rows.span > 0.99 * MOST_DECAY:
        return "growth ends within the first days: the decay of its rate cannot be told"
    straight = model == "Gompertz" and shape * rows.span < 2 * LEAST_DECAY
    if straight or (model == "logistic" and shape > rows.logs.max() + MOST_ABOVE - 0.1):
        return "growth does not slow down: not to be told from exponential"
    lengths = np.sqrt((found.jac**2).sum(axis=0))
    if not lengths.all() or np.linalg.cond(found.jac / lengths) > WORST_CONDITION:
        return "the volumes do not determine the shape"
    return ""


def _told(model: str, rows: _Rows, parameters: Floats) -> tuple[Floats, Floats, float]:
    """Return log volumes at day 0, rates and shape as people read them."""
    starts, rates = parameters[: rows.n_mice], parameters[rows.n_mice : 2 * rows.n_mice]
    if model == "exponential":
        return starts, rates, NAN
    if model == "Gompertz":
        return starts, rates, float(parameters[-1])
    return parameters[-1] - np.logaddexp(0, -starts), rates, float(np.exp(parameters[-1]))
