"""The mixed model of log volumes: descriptive, beside the arm test, and not reported unless it converged."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

OPTIMIZERS = ("lbfgs", "bfgs", "powell", "cg")  # in turn, until one reaches the top
STEPS = 500
STEEP = 0.1  # slope of the log likelihood per scaled parameter: below it the top is reached
GAIN = 0.01  # of the log likelihood: what one more search from the same place may find at most
SEARCHES = 5  # at most
LEAST_MICE = 2  # in each arm
NOTHING = 1e-3  # of the residual variance: below it a variance between mice was not found
NAN = float("nan")


@dataclass(frozen=True)
class FixedEffect:
    """One fixed effect with its 95 % t interval; log volume, or log volume per day."""

    name: str
    estimate: float
    error: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class MixedModel:
    """A fitted mixed model, or why there is none.

    Attributes
    ----------
    converged
        Whether it may be reported; if not, `fixed` is empty and `reason` says why.
    reason, note
        Why it is not reported; what a reader must know if it is.
    fixed
        'intercept' and 'per day' of the control, then 'arm K' and 'per day x arm K': what arm K differs by.
    sd_intercept, sd_slope, correlation
        Of the mice: log volume on day 0, log volume per day, and the correlation of both.
    sd_tumor, sd_residual
        Between tumors of a mouse (NaN where mice have one), and of one log volume around its mouse's line.
    n_rows, n_mice
        Volumes and mice in the model.
    optimizer
        The optimizer that converged.
    """

    converged: bool
    reason: str
    note: str
    fixed: tuple[FixedEffect, ...]
    sd_intercept: float
    sd_slope: float
    correlation: float
    sd_tumor: float
    sd_residual: float
    n_rows: int
    n_mice: int
    optimizer: str


def mixed_model(
    log_volumes: Floats, days: Floats, arms: Codes, mice: Codes, *, tumors: Codes | None = None
) -> MixedModel:
    """Return the mixed model of log volumes: day x arm, a line for each mouse, a level for each tumor in it; REML.

    One arm alone gives its intercept and its rate.

    Fitted with the days and the log volumes scaled, and given back per day. Intervals and p values use t with mice
    less arms degrees of freedom, as a mouse is what was sampled.

    Parameters
    ----------
    log_volumes
        (n,) natural logarithm of a volume; NaN is left out.
    days, arms, mice
        (n,) day, code of the arm (the smallest is the control), and a code per mouse.
    tumors
        (n,) number of the tumor within its mouse; one row per mouse and day if None.

    Examples
    --------
    Four mice whose lines have the slopes 0.1 and 0.2, and 0.0 and 0.1 in the other arm.

    >>> mice, days = np.repeat(np.arange(4), 4), np.tile(np.array([0.0, 5.0, 10.0, 15.0]), 4)
    >>> uneven = 0.05 * np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, 1, -1, -1, -1, 1, -1, 1])
    >>> model = mixed_model(5 + np.array([0.1, 0.2, 0, 0.1])[mice] * days + uneven, days, mice // 2, mice)
    >>> model.converged, [(effect.name, round(effect.estimate, 2)) for effect in model.fixed[2:]]
    (True, [('per day', 0.15), ('per day x arm 1', -0.1)])
    """
    columns: list[Any] = [np.asarray(column) for column in (log_volumes, days, arms, mice)]
    columns.append(np.zeros(len(columns[0]), dtype=np.int64) if tumors is None else np.asarray(tumors))
    if len({column.shape for column in columns}) > 1:
        raise InputError(f"the columns have {[len(column) for column in columns]} rows; give one of each per volume")
    kept = np.isfinite(columns[0]) & np.isfinite(columns[1])
    rows = _Rows(*(column[kept] for column in columns))
    reason = _why_not(rows)
    if reason:
        return _not_reported(rows, reason)
    return _fit(rows)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of the model, all of them finite."""

    log_volumes: Floats
    days: Floats
    arms: Codes
    mice: Codes
    tumors: Codes

    @property
    def nested(self) -> bool:
        """Whether a mouse has two tumors or more."""
        return any(len(np.unique(self.tumors[self.mice == mouse])) > 1 for mouse in np.unique(self.mice))


def _why_not(rows: _Rows) -> str:
    if not len(rows.arms):
        return "no volumes"
    for arm in np.unique(rows.arms):
        n_mice = len(np.unique(rows.mice[rows.arms == arm]))
        if n_mice < LEAST_MICE:
            return f"arm {arm} has {n_mice} mouse; the model needs {LEAST_MICE} in each arm"
        if len(np.unique(rows.days[rows.arms == arm])) < 2:
            return f"arm {arm} was scanned on one day only"
    most = max(len(np.unique(rows.days[rows.mice == mouse])) for mouse in np.unique(rows.mice))
    if most < 3:
        return "no mouse was scanned on three days, so a line and its scatter cannot be told apart"
    return "" if np.ptp(rows.log_volumes) > 0 else "all volumes are equal"


def _fit(rows: _Rows) -> MixedModel:
    centre, day_scale, scale = rows.days.mean(), rows.days.std(), rows.log_volumes.std()
    fixed, names = _fixed_columns(rows, (rows.days - centre) / day_scale)
    model = _statsmodel(rows, fixed, scale)
    fit, optimizer, reason = _maximum(model)
    if fit is None:
        return _not_reported(rows, reason)
    return _reported(rows, fit, names, (float(centre), float(day_scale), float(scale)), optimizer)


def _maximum(model: Any) -> tuple[Any, str, str]:
    """Return the fit at the top of the likelihood and its optimizer, or None and why there is none.

    What an optimizer calls converged may lie below the top where a variance is near 0 (L-BFGS: by up to 6 in the log
    likelihood). So the slope must vanish; where it does not, as at the boundary, one more search from the best place
    must find nothing better.
    """
    found, reasons = [], []
    for optimizer in OPTIMIZERS:
        fit, reason = _fitted(model, optimizer)
        if fit is None:
            reasons.append(f"{optimizer}: {reason}")
            continue
        if _steepness(model, fit) <= STEEP:
            return fit, optimizer, ""
        found.append((float(fit.llf), optimizer, fit))
    if not found:
        return None, "", "; ".join(reasons)
    _, optimizer, fit = max(found, key=lambda one: one[0])
    for _ in range(SEARCHES):
        again, reason = _fitted(model, "powell", start=fit.params_object)
        if again is None:
            return None, "", f"one more search from the best place: {reason}"
        if again.llf <= fit.llf + GAIN:
            return fit, optimizer, ""
        fit = again
    return None, "", f"after {SEARCHES} searches more the likelihood still rose"


def _steepness(model: Any, fit: Any) -> float:
    """Return the largest slope of the log likelihood at a fit; infinite where it has none, on the boundary."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a singular covariance of the mice is what is asked about
        slope = float(np.abs(model.score(fit.params_object)).max())
    return slope if np.isfinite(slope) else float("inf")


def _fixed_columns(rows: _Rows, scaled_days: Floats) -> tuple[Floats, list[str]]:
    others = np.unique(rows.arms)[1:]
    members = [(rows.arms == arm).astype(np.float64) for arm in others]
    levels = [np.ones(len(rows.arms)), *members]
    names = ["intercept", *(f"arm {arm}" for arm in others), "per day", *(f"per day x arm {arm}" for arm in others)]
    return np.column_stack([*levels, *(level * scaled_days for level in levels)]), names


def _statsmodel(rows: _Rows, fixed: Floats, scale: float) -> Any:
    from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec

    days = fixed[:, fixed.shape[1] // 2]
    nested = {"exog_vc": VCSpec(["tumor"], *_tumor_columns(rows))} if rows.nested else {}
    line = np.column_stack([np.ones(len(days)), days])
    return MixedLM(rows.log_volumes / scale, fixed, groups=rows.mice, exog_re=line, **nested)


def _tumor_columns(rows: _Rows) -> tuple[list[list[list[str]]], list[list[Floats]]]:
    """Return names and 0-1 columns of the tumors of every mouse, mice in the order of their codes."""
    names, columns = [], []
    for mouse in np.unique(rows.mice):
        own = rows.tumors[rows.mice == mouse]
        found = np.unique(own)
        names.append([f"tumor {tumor}" for tumor in found])
        columns.append((own[:, None] == found).astype(np.float64))
    return [names], [columns]


def _fitted(model: Any, optimizer: str, start: Any = None) -> tuple[Any, str]:
    """Return the fit, or None and why it does not count as converged."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns where we look at what it warns about
        try:
            fit = model.fit(start_params=start, reml=True, method=[optimizer], maxiter=STEPS)
        except (np.linalg.LinAlgError, ValueError) as problem:
            return None, str(problem)
        if not fit.converged:
            return None, "not converged"
        if not np.isfinite(np.concatenate([fit.fe_params, fit.bse_fe])).all() or not (fit.bse_fe > 0).all():
            return None, "standard errors undefined"
        return fit, ""


def _reported(rows: _Rows, fit: Any, names: list[str], units: tuple[float, float, float], optimizer: str) -> MixedModel:
    centre, day_scale, scale = units
    half = len(names) // 2
    # scaled back: a slope by the day's scale; a level from the mean day to day 0
    back = np.eye(len(names)) * scale
    back[half:, half:] /= day_scale
    back[:half, half:] = -centre / day_scale * scale * np.eye(half)
    estimates = back @ fit.fe_params
    covariance = back @ np.asarray(fit.cov_params())[: len(names), : len(names)] @ back.T
    line = np.array([[1.0, -centre / day_scale], [0.0, 1 / day_scale]]) * scale
    random = line @ np.asarray(fit.cov_re) @ line.T
    residual = float(fit.scale) * scale**2
    degrees = len(np.unique(rows.mice)) - half
    sds = np.sqrt(np.maximum(np.diag(random), 0))
    correlation = float(random[0, 1] / sds.prod()) if sds.prod() > 0 else NAN
    return MixedModel(
        converged=True,
        reason="",
        note=_note(np.asarray(fit.cov_re), float(fit.scale)),
        fixed=_effects(names, estimates, np.sqrt(np.diag(covariance)), degrees),
        sd_intercept=float(sds[0]),
        sd_slope=float(sds[1]),
        correlation=correlation,
        sd_tumor=float(np.sqrt(fit.vcomp[0])) * scale if rows.nested else NAN,
        sd_residual=float(np.sqrt(residual)),
        n_rows=len(rows.days),
        n_mice=len(np.unique(rows.mice)),
        optimizer=optimizer,
    )


def _note(random: Floats, residual: float) -> str:
    if random[1, 1] < NOTHING * residual:
        return "no variance of slopes between mice was found"
    return "the variance between mice is on its boundary" if np.linalg.det(random) < (NOTHING * residual) ** 2 else ""


def _effects(names: list[str], estimates: Floats, errors: Floats, degrees: int) -> tuple[FixedEffect, ...]:
    reach = float(stats.t.ppf(0.975, degrees)) * errors
    p = 2 * stats.t.sf(np.abs(estimates / errors), degrees)
    columns = (estimates, errors, estimates - reach, estimates + reach, p)
    values = zip(names, *(column.tolist() for column in columns), strict=True)
    return tuple(FixedEffect(*row) for row in values)


def _not_reported(rows: _Rows, reason: str) -> MixedModel:
    n_mice = len(np.unique(rows.mice))
    return MixedModel(False, reason, "", (), NAN, NAN, NAN, NAN, NAN, len(rows.days), n_mice, "")
