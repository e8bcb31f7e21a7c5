"""The tables of arms one by one: their curves, how fast they grow, and which growth law describes them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.numerics.growth.arms import arm_curve
from murinoma.numerics.growth.doubling import doubling_time
from murinoma.numerics.growth.models import CurveFit, best_curve, fit_curves
from murinoma.numerics.growth.rates import GrowthRate, group_rate
from murinoma.steps.growth.cohort import Cohort, Course, Floats, matrix, rows_of
from murinoma.steps.growth.mice import doubling_columns
from murinoma.steps.growth.people import Mouse

Table = pd.DataFrame
CURVE_COLUMNS = ["dataset", "arm", "day", "n_mice", "n_started", "mean_mm3", "low_mm3", "high_mm3", "relative"]
CURVE_COLUMNS += ["relative_low", "relative_high", "after_dropout", "reason"]
RATE_COLUMNS = ["dataset", "arm", "n_mice", "n_evaluable", "rate_per_day", "rate_low_per_day", "rate_high_per_day"]
RATE_COLUMNS += ["sd_per_day", "doubling_days", "doubling_low_days", "doubling_high_days", "doubling", "reason"]
MODEL_COLUMNS = ["dataset", "arm", "model", "n_mice", "n_points", "parameters", "aicc", "delta_aicc", "chosen"]
MODEL_COLUMNS += ["reason"]
LEAST_POINTS = 3  # volumes per mouse of a fit to a group
LEAST_SPAN_DAYS = 2.0  # a growth law over hours would describe the measurement error


def curve_table(cohort: Cohort) -> Table:
    """Return ``curves.csv``: the geometric mean of every arm on every day, in mm3 and relative to the baseline."""
    rows: list[dict[str, Any]] = []
    for dataset, arm, mice in cohort.groups():
        if not mice:
            continue
        days, volumes = matrix(mice)
        floor, ends = cohort.settings.limit_mm3, cohort.ends(mice)
        relative = _relative_curve(cohort, mice, days, volumes)
        for point in arm_curve(days, volumes, last_days=ends, floor_mm3=floor):
            rows.append(
                {
                    "dataset": dataset,
                    "arm": arm,
                    "day": point.day,
                    "n_mice": point.n_mice,
                    "n_started": point.n_started,
                    "mean_mm3": point.geometric_mean_mm3,
                    "low_mm3": point.low_mm3,
                    "high_mm3": point.high_mm3,
                    **relative.get(point.day, {}),
                    "after_dropout": point.after_dropout,
                    "reason": point.reason,
                }
            )
    return Table(rows, columns=CURVE_COLUMNS)


def _relative_curve(cohort: Cohort, mice: list[Course], days: Floats, volumes: Floats) -> dict[float, dict[str, float]]:
    """Return by day the geometric mean of the volumes relative to each mouse's own baseline."""
    baselines = np.array([cohort.baseline(one) for one in mice])
    known = np.isfinite(baselines)
    if not known.any():
        return {}
    floored = np.maximum(volumes[known], cohort.settings.limit_mm3)
    points = arm_curve(days, floored / np.maximum(baselines[known], cohort.settings.limit_mm3)[:, None])
    return {
        point.day: {
            "relative": point.geometric_mean_mm3,
            "relative_low": point.low_mm3,
            "relative_high": point.high_mm3,
        }
        for point in points
    }


def rate_table(cohort: Cohort, found: dict[Mouse, GrowthRate]) -> Table:
    """Return ``rates.csv``: the mean growth rate of every arm, and its doubling time."""
    rows = []
    for dataset, arm, mice in cohort.groups():
        rates = np.array([found[one.mouse].rate_per_day for one in mice])
        mean = group_rate(rates, rng=np.random.default_rng(cohort.settings.seed))
        rows.append(
            {
                "dataset": dataset,
                "arm": arm,
                "n_mice": len(mice),
                "n_evaluable": mean.n_mice,
                "rate_per_day": mean.rate_per_day,
                "rate_low_per_day": mean.low_per_day,
                "rate_high_per_day": mean.high_per_day,
                "sd_per_day": mean.sd_per_day,
                **doubling_columns(doubling_time(mean)),
                "reason": "" if mean.method != "none" else f"no interval under 5 mice; there are {mean.n_mice}",
            }
        )
    return Table(rows, columns=RATE_COLUMNS)


def model_table(cohort: Cohort) -> Table:
    """Return ``models.csv``: the growth laws that were tried on every arm with three or more volumes per mouse."""
    rows: list[dict[str, Any]] = []
    for dataset, arm, mice in cohort.groups():
        limit = cohort.settings.limit_mm3
        long = [one for one in mice if (one.volumes_mm3 > limit).sum() >= LEAST_POINTS]
        if long and max(np.ptp(one.days) for one in long) >= LEAST_SPAN_DAYS:
            fits = fit_curves(*rows_of(long), limit_mm3=limit)
            rows += [{"dataset": dataset, "arm": arm, **row} for row in _model_rows(fits, len(long))]
    return Table(rows, columns=MODEL_COLUMNS)


def _model_rows(fits: tuple[CurveFit, ...], n_mice: int) -> Iterator[dict[str, Any]]:
    best = best_curve(fits)
    for fit in fits:
        yield {
            "model": fit.model.lower(),
            "n_mice": n_mice,
            "n_points": fit.n_points,
            "parameters": _parameters(fit),
            "aicc": fit.aicc,
            "delta_aicc": np.nan if best is None else fit.aicc - best.aicc,
            "chosen": best is not None and fit.model == best.model,
            "reason": fit.reason,
        }


def _parameters(fit: CurveFit) -> str:
    """Return what the mice of a group share, in words."""
    if not fit.converged or np.isnan(fit.shape):
        return f"a start and a rate per mouse, {fit.n_parameters} in all"
    shared = {
        "Gompertz": f"the rate falls by {100 * fit.shape:.3g} % a day",
        "logistic": f"a plateau of {fit.shape:,.0f} mm3",
    }
    return shared[fit.model]
