"""The tables of mice and of tumors: how fast each grows, how it responded, and why it says nothing."""

from typing import Any

import numpy as np
import pandas as pd

from murinoma.numerics.growth.doubling import DoublingTime, doubling_time
from murinoma.numerics.growth.models import best_curve, fit_curves
from murinoma.numerics.growth.rates import GrowthRate, Scatter, growth_rate, pooled_scatter
from murinoma.numerics.growth.response import mrecist, volumetric_recist
from murinoma.numerics.growth.survival import time_to_multiple
from murinoma.numerics.growth.welfare import welfare
from murinoma.steps.growth.cohort import Cohort, Course, Floats, rows_of
from murinoma.steps.growth.outcomes import over
from murinoma.steps.growth.people import Mouse

Table = pd.DataFrame
LEAST_FOR_MODEL = 6  # volumes of one mouse; fewer tell no growth law
RATE_COLUMNS = ["rate_per_day", "rate_low_per_day", "rate_high_per_day", "rate_method", "doubling_days"]
RATE_COLUMNS += ["doubling_low_days", "doubling_high_days", "doubling"]
MOUSE_COLUMNS = ["dataset", "mouse", "arm", "treatment", "n_scans", "first_day", "last_day", "baseline_mm3"]
MOUSE_COLUMNS += ["last_mm3", "largest_mm3", *RATE_COLUMNS, "model", "best_response_percent", "best_response_day"]
MOUSE_COLUMNS += ["best_average_percent", "mrecist", "last_change_percent", "recist", "fold_after_day", "fold_by_day"]
MOUSE_COLUMNS += ["died_day", "death_reason", "end", "n_jumps", "exchange_with", "identity", "welfare", "limit_day"]
MOUSE_COLUMNS += ["evaluable", "reason"]
TUMOR_COLUMNS = ["dataset", "mouse", "tumor", "arm", "n_scans", "first_day", "last_day", "first_mm3", "last_mm3"]
TUMOR_COLUMNS += [*RATE_COLUMNS, "identity", "reason"]


def rates(cohort: Cohort) -> dict[Mouse, GrowthRate]:
    """Return the growth rate of every mouse; its scatter is pooled over the mice of its dataset and arm."""
    found = {}
    pools = {(dataset, arm): _scatter(cohort, mice) for dataset, arm, mice in cohort.groups()}
    for one in cohort.courses:
        pool = pools.get((one.mouse[0], one.arm))
        found[one.mouse] = _rate(cohort, one.days, one.volumes_mm3, pool)
    return found


def _scatter(cohort: Cohort, mice: list[Course]) -> Scatter:
    days, volumes, codes = rows_of(mice)
    return pooled_scatter(days, volumes, codes, limit_mm3=cohort.settings.limit_mm3)


def _rate(cohort: Cohort, days: Floats, volumes: Floats, pool: Scatter | None) -> GrowthRate:
    return growth_rate(days, volumes, error=cohort.precision.error, scatter=pool, limit_mm3=cohort.settings.limit_mm3)


def mouse_table(cohort: Cohort, found: dict[Mouse, GrowthRate], changes: Table) -> Table:
    """Return ``mice.csv``: one row per mouse.

    Parameters
    ----------
    found
        The growth rates (`rates`).
    changes
        ``changes.csv``: the jumps of each mouse are counted there.
    """
    jumps = changes[changes["jump"].astype(bool)] if len(changes) else changes
    rows = []
    for one in cohort.courses:
        mine = jumps[(jumps["dataset"] == one.mouse[0]) & (jumps["mouse"] == one.mouse[1])]
        swapped = sorted({str(name) for name in mine["exchange_with"] if name})
        rows.append(
            _identified(cohort, one)
            | rate_columns(found[one.mouse])
            | {"model": _model(cohort, one)}
            | _response(cohort, one)
            | _end(cohort, one)
            | {"n_jumps": len(mine), "exchange_with": " ".join(swapped), "identity": _identity(cohort, one.mouse)}
            | _welfare(cohort, one, found[one.mouse])
            | _evaluable(cohort, one, found[one.mouse])
        )
    return Table(rows, columns=MOUSE_COLUMNS)


def _identified(cohort: Cohort, one: Course) -> dict[str, Any]:
    entry = cohort.people.entries.get(one.mouse)
    return {
        "dataset": one.mouse[0],
        "mouse": one.mouse[1],
        "arm": one.arm,
        "treatment": entry.said.get("treatment", "") if entry else "",
        "n_scans": len(one.days),
        "first_day": one.days[0],
        "last_day": one.days[-1],
        "baseline_mm3": cohort.baseline(one),
        "last_mm3": one.volumes_mm3[-1],
        "largest_mm3": one.volumes_mm3.max(),
    }


def rate_columns(rate: GrowthRate) -> dict[str, Any]:
    """Return the columns about growth that mice and tumors share."""
    double = doubling_time(rate)
    return {
        "rate_per_day": rate.rate_per_day,
        "rate_low_per_day": rate.low_per_day,
        "rate_high_per_day": rate.high_per_day,
        "rate_method": _method(rate),
        **doubling_columns(double),
    }


def doubling_columns(double: DoublingTime) -> dict[str, Any]:
    """Return a doubling time with its ends and its words; the times of a tumor that shrinks are halving times."""
    days = double.days if double.verdict in ("growing", "unknown") else np.nan
    ends = (double.low_days, double.high_days) if double.verdict == "growing" else (np.nan, np.nan)
    if double.verdict == "not growing":
        ends = (double.longer_than_days, np.inf)
    return {
        "doubling_days": days,
        "doubling_low_days": ends[0],
        "doubling_high_days": ends[1],
        "doubling": double.text,
    }


def _method(rate: GrowthRate) -> str:
    """Say what a rate and its interval rest on."""
    if rate.basis == "none":
        return ""
    scans = f"{rate.n_points} scans"
    if rate.basis == "measurement error":
        return f"{scans}, measurement error alone"
    if rate.basis == "bound":
        return f"{scans}, above the limit on one day only"
    censored = f", {rate.n_censored} below the limit" if rate.n_censored else ""
    return f"least squares through {scans}{censored}"


def _model(cohort: Cohort, one: Course) -> str:
    """Return the growth law with the smallest AICc, of a mouse with enough volumes; else the exponential."""
    if (one.volumes_mm3 >= cohort.settings.limit_mm3).sum() < LEAST_FOR_MODEL:
        return "exponential"
    codes = np.zeros(len(one.days), dtype=np.int64)
    best = best_curve(fit_curves(one.days, one.volumes_mm3, codes, limit_mm3=cohort.settings.limit_mm3))
    return "exponential" if best is None else best.model.lower()


def _response(cohort: Cohort, one: Course) -> dict[str, Any]:
    """Return the best responses and classes, and the interval in which the n-fold volume was reached."""
    days = one.days - cohort.settings.baseline_day
    best = mrecist(days, one.volumes_mm3, least_day=cohort.settings.least_response_days)
    last = volumetric_recist(days, one.volumes_mm3)
    reached = time_to_multiple(days, one.volumes_mm3, multiple=cohort.settings.multiple)
    return {
        "best_response_percent": best.best_percent,
        "best_response_day": best.best_day,
        "best_average_percent": best.best_average_percent,
        "mrecist": best.category,
        "last_change_percent": last.change_percent,
        "recist": last.category,
        "fold_after_day": reached.after_day,
        "fold_by_day": reached.by_day,
    }


def _end(cohort: Cohort, one: Course) -> dict[str, Any]:
    day = cohort.people.last_day(one.mouse)
    deaths = [event for event in cohort.people.events if event.event == "death"]
    reasons = [event.reason for event in deaths if (event.dataset, event.mouse) == one.mouse and event.day == day]
    reason = reasons[0] if reasons else ""
    end = "last scan" if day is None else "death"
    return {"died_day": np.nan if day is None else day, "death_reason": reason, "end": end}


def _identity(cohort: Cohort, mouse: Mouse) -> str:
    """Say whether the tumors of a mouse are the same on all days."""
    tumors = cohort.volumes.tumors
    mine = tumors[(tumors["dataset"] == mouse[0]) & (tumors["mouse"] == mouse[1])]
    if mouse in (cohort.volumes.doubts or {}):
        return "doubtful"
    count = mine["tumor"].nunique()
    return {0: "burden only", 1: "one tumor"}.get(count, "sure" if cohort.volumes.followed else "as numbered")


def _welfare(cohort: Cohort, one: Course, rate: GrowthRate) -> dict[str, Any]:
    """Return the level of the largest burden, and the day on which the limit is expected of a mouse that lives."""
    limits = (cohort.settings.flag_mm3, cohort.settings.shout_mm3)
    level = welfare(float(one.volumes_mm3.max()), limits_mm3=limits).level
    last, day = float(one.volumes_mm3[-1]), float(one.days[-1])
    coming = welfare(last, day=day, rate_per_day=rate.rate_per_day, limits_mm3=limits)
    grows = rate.low_per_day > 0 and cohort.people.last_day(one.mouse) is None
    return {"welfare": over(level, limits), "limit_day": coming.limit_day if grows else np.nan}


def _evaluable(cohort: Cohort, one: Course, rate: GrowthRate) -> dict[str, Any]:
    """Say whether a mouse has a growth rate, and what it lacks."""
    has_rate = bool(np.isfinite(rate.rate_per_day))
    said = [rate.note, (cohort.volumes.doubts or {}).get(one.mouse, "")]
    if np.isnan(cohort.baseline(one)):
        said.append(f"no baseline: no tumor volume on day {cohort.settings.baseline_day:g}")
    if cohort.arms[one.mouse[0]] and not one.arm:
        said.append("no arm in mice.csv")
    return {"evaluable": has_rate, "reason": "; ".join(filter(None, said))}


def tumor_table(cohort: Cohort) -> Table:
    """Return ``tumors.csv``: one row per tumor; empty where the source has no numbered tumors."""
    rows = []
    for (dataset, mouse, _), part in cohort.volumes.tumors.groupby(["dataset", "mouse", "tumor"], sort=False):
        key = (str(dataset), str(mouse))
        days, volumes = (part[name].to_numpy(np.float64) for name in ("day", "volume_mm3"))
        rate = _rate(cohort, days, volumes, None)
        doubt = (cohort.volumes.doubts or {}).get(key, "")
        rows.append(
            {
                "dataset": dataset,
                "mouse": mouse,
                "tumor": int(part["tumor"].iloc[0]),
                "arm": cohort.arm(key),
                "n_scans": len(days),
                "first_day": days[0],
                "last_day": days[-1],
                "first_mm3": volumes[0],
                "last_mm3": volumes[-1],
                **rate_columns(rate),
                "identity": _identity(cohort, key),
                "reason": "; ".join(filter(None, [rate.note, doubt])),
            }
        )
    return Table(rows, columns=TUMOR_COLUMNS)
