"""ICC(A,1) of tumor volumes: the share of the spread of log volumes that lies in the tumors, not in the annotators."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from murinoma.numerics.intervals import Codes, Floats, Interval, Rows, jackknife, mapped, no_interval
from murinoma.numerics.volume_ratios import mouse_variances

LOG_RATIOS = (-14.0, 25.0)  # bounds of log(variance / error variance); the lower one is 0 for all purposes
NO_ERROR = 1e-12  # share of the sum of squares


@dataclass(frozen=True)
class AgreementModel:
    """The variances of log volume = annotator + mouse + tumor in a scan + error, and ICC(A,1) from them.

    ``mouse`` is NaN where no mouse has two tumors or scans; ``tumor`` then holds both. ``annotator`` is an unbiased
    estimate, so it can be slightly below 0. All are NaN where the volumes cannot tell the variances apart.
    """

    icc: float
    mouse: float
    tumor: float
    annotator: float
    error: float


def icc_agreement(logs: Floats, mice: Codes, strata: Codes) -> Interval:
    """Return ICC(A,1) of log volumes with its interval over mice.

    The interval is the t interval of log(ICC / (1 - ICC)) with the jackknife error over mice (`jackknife`). So it is
    about these annotators and other mice. None below 5 mice.

    Parameters
    ----------
    logs, mice
        As for `fit_agreement`.
    strata
        (n,) code of the row's dataset.

    Examples
    --------
    >>> logs = np.log([[1.0, 1.1], [2.0, 2.1], [4.0, 4.4], [8.0, 8.1], [16.0, 17.0]])
    >>> icc_agreement(logs, np.arange(5), np.zeros(5, dtype=np.int64)).method
    't over mice'
    """
    known = np.isfinite(logs).any(axis=1)
    logs, mice, strata = logs[known], mice[known], strata[known]

    def logit_icc(kept: Rows) -> Floats:
        icc = fit_agreement(logs[kept], mice[kept]).icc
        return np.array([special.logit(icc) if 0 < icc < 1 else np.nan])

    interval = mapped(jackknife(logit_icc, mice, strata).interval(0), special.expit)
    if np.isfinite(interval.value):
        return interval
    return no_interval(fit_agreement(logs, mice).icc, interval.n_mice)


def fit_agreement(logs: Floats, mice: Codes) -> AgreementModel:
    """Return the variances behind ICC(A,1), absolute agreement of single volumes (McGraw & Wong 1996).

    log volume = annotator + mouse + tumor in a scan of the mouse + error; ICC(A,1) = (mouse + tumor) / (mouse + tumor +
    annotator + error). Mouse, tumor and error by restricted maximum likelihood with the annotators as fixed effects;
    the annotators' variance is that of their effects less what chance adds to it. With one row per mouse and nobody
    absent it is the classical ICC(A,1), where that is above 0.

    Parameters
    ----------
    logs
        (n, R) natural logarithm of the volumes, a row per tumor and scan, a column per annotator; NaN where absent or
        missed.
    mice
        (n,) code of the row's mouse, unique over all datasets.

    Examples
    --------
    The second annotator draws 0.2 more throughout: nothing but the annotators disagrees.

    >>> logs = np.array([[1.0, 1.2], [2.0, 2.2], [3.0, 3.2]]) + [[0.01, 0], [0, 0], [-0.01, 0]]
    >>> model = fit_agreement(logs, np.arange(3))
    >>> round(model.tumor, 3), round(model.annotator, 3), round(model.icc, 3)
    (0.99, 0.02, 0.98)
    """
    logs = logs[:, np.isfinite(logs).any(axis=0)]
    rows = np.isfinite(logs).any(axis=1)
    logs, mice = logs[rows], np.unique(mice[rows], return_inverse=True)[1]
    n, n_annotators = logs.shape
    if n < 2 or np.isfinite(logs).sum() < n + n_annotators:
        return AgreementModel(*[float("nan")] * 5)
    sums = _Sums.of(logs, mice)
    effects, error = _tumors_as_fixed(sums)
    if error <= NO_ERROR * sums.cross[-1, -1]:
        return _model_without_error(sums, effects)
    return _model(sums, _variance_ratios(sums))


@dataclass(frozen=True)
class _Sums:
    """What the likelihood reads of the volumes, X being the annotators' 0/1 matrix and y the centred log volumes.

    ``cross`` is [X y]'[X y]. ``tumors`` holds, per row, who saw it and the sum of its y: 1'[X y], (n, R + 1). ``mice``
    is the code of the row's mouse, 0 to m - 1.
    """

    cross: Floats
    tumors: Floats
    mice: Codes

    @classmethod
    def of(cls, logs: Floats, mice: Codes) -> "_Sums":
        seen = np.isfinite(logs)
        y = np.where(seen, logs - logs[seen].mean(), 0.0)
        cross = np.diag([*seen.sum(axis=0).astype(np.float64), float((y**2).sum())])
        cross[-1, :-1] = cross[:-1, -1] = y.sum(axis=0)
        return cls(cross, np.column_stack([seen, y.sum(axis=1)]), mice)

    @property
    def n_seen(self) -> Floats:
        """The number of annotators of each row, (n,)."""
        return np.asarray(self.tumors[:, :-1].sum(axis=1))

    @property
    def nested(self) -> bool:
        """Whether some mouse has several rows, so that mouse and tumor can be told apart."""
        return int(self.mice.max()) + 1 < len(self.mice)


def _variance_ratios(sums: _Sums) -> tuple[float, float]:
    """Return mouse and tumor variance over error variance, where the restricted likelihood is largest."""
    start = np.ones(2 if sums.nested else 1)
    fit = optimize.minimize(
        lambda log_ratios: _criterion(sums, log_ratios),
        start,
        method="L-BFGS-B",
        jac=True,
        bounds=[LOG_RATIOS] * len(start),
        options={"ftol": 1e-13, "gtol": 1e-8},
    )
    return _ratios(fit.x)


def _ratios(log_ratios: Floats) -> tuple[float, float]:
    ratios = np.exp(log_ratios)
    return (float(ratios[0]) if len(ratios) == 2 else 0.0), float(ratios[-1])


def _criterion(sums: _Sums, log_ratios: Floats) -> tuple[float, Floats]:
    """Return -2 log of the restricted likelihood, the error variance profiled out, and its gradient."""
    ratios = _ratios(log_ratios)
    white = _whitened(sums, *ratios)
    xx, xy = white.cross[:-1, :-1], white.cross[:-1, -1]
    inverse = np.linalg.inv(xx)
    effects = inverse @ xy
    left = white.cross[-1, -1] - effects @ xy
    degrees = sums.n_seen.sum() - len(effects)
    value = degrees * np.log(left) + white.log_determinant + np.linalg.slogdet(xx)[1]
    slopes = []
    for ratio, projected, trace in zip(ratios, (white.mice, white.tumors), white.traces, strict=True):
        x, residuals = projected[:, :-1], projected[:, -1] - projected[:, :-1] @ effects
        slopes.append(ratio * (trace - np.sum((x @ inverse) * x) - degrees * (residuals @ residuals) / left))
    return float(value), np.array(slopes[-len(log_ratios) :])


@dataclass(frozen=True)
class _Whitened:
    """With V = 1 + tumor (same row) + mouse (same mouse): [X y]' V^-1 [X y], log |V|, and what the gradient reads.

    ``mice`` and ``tumors`` are Z' V^-1 [X y], Z being the 0/1 matrix of the mice or of the rows, and ``traces`` the two
    traces of Z' V^-1 Z.
    """

    cross: Floats
    log_determinant: float
    mice: Floats
    tumors: Floats
    traces: tuple[float, float]


def _whitened(sums: _Sums, mouse: float, tumor: float) -> _Whitened:
    """Return what V takes from the sums, by Woodbury's identity: first the rows, then the mice."""
    shrink = 1 / (1 + tumor * sums.n_seen)
    in_row = shrink[:, None] * sums.tumors
    in_mouse = np.zeros((int(sums.mice.max()) + 1, in_row.shape[1]))
    np.add.at(in_mouse, sums.mice, in_row)
    seen = in_mouse[:, :-1].sum(axis=1)
    mice = in_mouse / (1 + mouse * seen)[:, None]
    weight = shrink * sums.n_seen
    tumors = in_row - mouse * weight[:, None] * mice[sums.mice]
    own = weight - mouse * weight**2 / (1 + mouse * seen)[sums.mice]
    return _Whitened(
        cross=sums.cross - tumor * (sums.tumors.T @ in_row) - mouse * (in_mouse.T @ mice),
        log_determinant=float(np.log1p(mouse * seen).sum() - np.log(shrink).sum()),
        mice=mice,
        tumors=tumors,
        traces=(float((seen / (1 + mouse * seen)).sum()), float(own.sum())),
    )


def _model(sums: _Sums, ratios: tuple[float, float]) -> AgreementModel:
    cross = _whitened(sums, *ratios).cross
    n_annotators = len(cross) - 1
    effects = np.linalg.solve(cross[:-1, :-1], cross[:-1, -1])
    error = (cross[-1, -1] - effects @ cross[:-1, -1]) / (sums.n_seen.sum() - n_annotators)
    covariance = error * np.linalg.inv(cross[:-1, :-1])
    by_chance = (np.trace(covariance) - covariance.mean(axis=0).sum()) / (n_annotators - 1)
    mouse = ratios[0] * error if sums.nested else np.nan
    return _shares(mouse, ratios[1] * error, effects.var(ddof=1) - by_chance, error)


def _shares(mouse: float, tumor: float, annotator: float, error: float) -> AgreementModel:
    subject = np.nansum([mouse, tumor])
    total = subject + annotator + error
    icc = subject / total if total > 0 else np.nan
    return AgreementModel(float(icc), float(mouse), float(tumor), float(annotator), float(error))


def _tumors_as_fixed(sums: _Sums) -> tuple[Floats, float]:
    """Return the annotators' effects within tumors, and the sum of squares that they leave there."""
    cross = sums.cross - sums.tumors.T @ (sums.tumors / sums.n_seen[:, None])
    effects = np.linalg.pinv(cross[:-1, :-1], hermitian=True) @ cross[:-1, -1]
    return effects, float(cross[-1, -1] - effects @ cross[:-1, -1])


def _model_without_error(sums: _Sums, effects: Floats) -> AgreementModel:
    """Return the variances where annotators differ by a factor or not at all, which the likelihood cannot fit."""
    means = (sums.tumors[:, -1] - sums.tumors[:, :-1] @ effects) / sums.n_seen
    mouse, tumor = mouse_variances(means, sums.mice)
    return _shares(mouse, tumor, effects.var(ddof=1), 0.0)
