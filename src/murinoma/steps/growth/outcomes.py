"""The tables of what became of the mice: time to the n-fold volume and death, classes of response, welfare."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.numerics.growth.survival import EventTime, SurvivalCurve, kaplan_meier, right_censored
from murinoma.numerics.growth.turnbull import turnbull
from murinoma.numerics.growth.welfare import welfare
from murinoma.steps.growth.cohort import Cohort, Course
from murinoma.steps.growth.comparisons import event_times

Table = pd.DataFrame
SURVIVAL_COLUMNS = ["dataset", "arm", "event", "day", "at_risk", "events", "survival", "low", "high"]
MEDIAN_COLUMNS = ["dataset", "arm", "event", "n_mice", "n_events", "median_day", "median_low_day", "median_high_day"]
MEDIAN_COLUMNS += ["turnbull_after_day", "turnbull_by_day", "reason"]
RESPONSE_COLUMNS = ["dataset", "arm", "scheme", "category", "n_mice", "percent"]
WELFARE_COLUMNS = ["dataset", "mouse", "arm", "time", "day", "volume_mm3", "high_mm3", "level", "last_scan"]
EXPECTED_COLUMNS = ["dataset", "mouse", "arm", "last_day", "last_mm3", "rate_per_day", "limit_mm3", "limit_day"]
NOT_EVALUABLE = "not evaluable"
SCHEMES = {
    "mRECIST": ("mrecist", ("mCR", "mPR", "mSD", "mPD", NOT_EVALUABLE)),
    "volumetric RECIST": ("recist", ("CR", "PR", "SD", "PD", NOT_EVALUABLE)),
}


def survival_tables(cohort: Cohort) -> tuple[Table, Table]:
    """Return ``survival.csv``, the steps of Kaplan and Meier's curves, and ``medians.csv``."""
    steps: list[dict[str, Any]] = []
    medians: list[dict[str, Any]] = []
    for dataset, arm, mice in cohort.groups():
        for event, times in _events(cohort, mice):
            if not times:
                continue
            days, happened = right_censored(times)
            curve = kaplan_meier(days, happened)
            named = {"dataset": dataset, "arm": arm, "event": event}
            steps += [{**named, **row} for row in _steps(curve)]
            medians.append({**named, **_median(curve, times)})
    return Table(steps, columns=SURVIVAL_COLUMNS), Table(medians, columns=MEDIAN_COLUMNS)


def _events(cohort: Cohort, mice: list[Course]) -> Iterator[tuple[str, list[EventTime]]]:
    """Yield the events of an arm: the n-fold volume, and death where anybody recorded one in its dataset."""
    yield f"{cohort.settings.multiple:g}-fold volume", event_times(cohort, mice)
    deaths, start = cohort.ends(mice), cohort.settings.baseline_day
    if cohort.records_deaths(mice[0].mouse[0]):
        ends = [
            EventTime(day - start, day - start, "") if np.isfinite(day) else EventTime(one.days[-1] - start, np.inf, "")
            for one, day in zip(mice, deaths, strict=True)
        ]
        yield "death", ends


def _steps(curve: SurvivalCurve) -> Iterator[dict[str, Any]]:
    yield {"day": 0.0, "at_risk": curve.n_mice, "events": 0, "survival": 1.0, "low": 1.0, "high": 1.0}
    columns = (curve.days, curve.n_at_risk, curve.n_events, curve.survival, curve.low, curve.high)
    for values in zip(*columns, strict=True):
        yield dict(zip(SURVIVAL_COLUMNS[3:], map(float, values), strict=True))


def _median(curve: SurvivalCurve, times: list[EventTime]) -> dict[str, Any]:
    """Return the median of an arm; between scans by Turnbull's estimate, which takes the intervals as they are."""
    after, by = (np.array([getattr(one, name) for one in times]) for name in ("after_day", "by_day"))
    row = {
        "n_mice": curve.n_mice,
        "n_events": int(curve.n_events.sum()),
        "median_day": curve.median_day,
        "median_low_day": curve.median_low,
        "median_high_day": curve.median_high,
        "reason": curve.reason,
    }
    if (after == by).any():
        return row  # the day itself is known
    between = turnbull(after, by)
    ends = {"turnbull_after_day": between.median_after, "turnbull_by_day": between.median_by}
    return row | ends | {"reason": "; ".join(dict.fromkeys(filter(None, [curve.reason, between.reason])))}


def response_table(mice: Table, cohort: Cohort) -> Table:
    """Return ``response.csv``: how many mice of each arm are in which class; percent are of those that are in one."""
    rows: list[dict[str, Any]] = []
    for dataset, arm, group in cohort.groups():
        names = {one.mouse[1] for one in group}
        part = mice[(mice["dataset"] == dataset) & mice["mouse"].isin(names)]
        for scheme, (column, categories) in SCHEMES.items():
            counts = part[column].value_counts()
            classed = len(part) - int(counts.get(NOT_EVALUABLE, 0))
            for category in categories:
                n = int(counts.get(category, 0))
                share = 100 * n / classed if classed and category != NOT_EVALUABLE else np.nan
                rows.append(dict(zip(RESPONSE_COLUMNS, (dataset, arm, scheme, category, n, share), strict=True)))
    return Table(rows, columns=RESPONSE_COLUMNS)


def welfare_table(scans: Table, cohort: Cohort) -> Table:
    """Return ``welfare.csv``: every scan with a burden over a limit, or whose interval reaches over it."""
    limits = (cohort.settings.flag_mm3, cohort.settings.shout_mm3)
    last = scans.groupby(["dataset", "mouse"])["hours"].transform("max")
    rows = []
    for scan, day in zip(scans.to_dict("records"), last, strict=True):
        found = welfare(scan["volume_mm3"], high_mm3=scan["high_mm3"], limits_mm3=limits)
        if found.level_of_high < 1:
            continue
        level = over(found.level, limits) if found.level else f"may be {over(found.level_of_high, limits)}"
        named = {name: scan[name] for name in ("dataset", "mouse", "arm", "time", "day", "volume_mm3", "high_mm3")}
        rows.append({**named, "level": level, "last_scan": bool(scan["hours"] == day)})
    return Table(rows, columns=WELFARE_COLUMNS)


def over(level: int, limits_mm3: tuple[float, float]) -> str:
    """Return a level of welfare in words.

    Examples
    --------
    >>> over(0, (1500, 2000)), over(2, (1500, 2000))
    ('below', 'over 2,000')
    """
    return f"over {limits_mm3[level - 1]:,.0f}" if level > 0 else "below"


def expected_table(mice: Table, cohort: Cohort) -> Table:
    """Return ``expected.csv``: when the mice that grow, and are below the limit, reach it, the nearest first."""
    limit = cohort.settings.flag_mm3
    coming = mice[mice["limit_day"].notna() & (mice["last_mm3"] < limit)]
    rows = coming.assign(limit_mm3=limit)[EXPECTED_COLUMNS]
    wait = rows["limit_day"] - rows["last_day"]
    return rows.loc[wait.sort_values(kind="stable").index].reset_index(drop=True)
