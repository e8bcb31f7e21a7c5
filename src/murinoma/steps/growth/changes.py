"""The tables of scans and of changes: what moved beyond the measurement, what is implausible, and who was exchanged."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.numerics.growth.change import beyond_detectable
from murinoma.numerics.growth.jumps import (
    Neighbours,
    OwnRate,
    are_jumps,
    exchanged_mice,
    jump_scores,
    neighbours,
    own_rate,
)
from murinoma.numerics.repeatability import NORMAL_95
from murinoma.steps.growth.cohort import Cohort, Course, rows_of

Table = pd.DataFrame
SCAN_COLUMNS = ["dataset", "mouse", "time", "hours", "day", "arm", "volume_mm3", "low_mm3", "high_mm3", "n_tumors"]
SCAN_COLUMNS += ["group", "baseline_mm3", "relative", "change_percent", "censored", "after_dropout"]
CHANGE_COLUMNS = ["dataset", "mouse", "arm", "kind", "from_time", "to_time", "from_day", "to_day", "hours_apart"]
CHANGE_COLUMNS += ["from_mm3", "to_mm3", "change_percent", "log_change", "fall_limit_percent", "rise_limit_percent"]
CHANGE_COLUMNS += ["beyond_detectable", "robust_z", "jump", "group", "exchange_with"]
HOURS_PER_DAY = 24.0


def scan_table(cohort: Cohort) -> Table:
    """Return ``scans.csv``: every volume with its interval, and what it is of the baseline.

    The interval is the source's own, where it has one, else that of the measurement error alone.
    """
    table = cohort.volumes.scans.copy()
    reach = np.exp(NORMAL_95 * cohort.precision.error.sd_within)
    table["low_mm3"] = table["low_mm3"].fillna(table["volume_mm3"] / reach)
    table["high_mm3"] = table["high_mm3"].fillna(table["volume_mm3"] * reach)
    table["baseline_mm3"] = np.nan
    table["arm"] = ""
    for one in cohort.courses:
        table.loc[one.rows, "baseline_mm3"] = cohort.baseline(one)
        table.loc[one.rows, "arm"] = one.arm
    table["relative"] = table["volume_mm3"] / table["baseline_mm3"]
    table["change_percent"] = 100 * (table["relative"] - 1)
    table["censored"] = table["volume_mm3"] < cohort.settings.limit_mm3
    table["after_dropout"] = _after_dropout(cohort, table)
    return table[SCAN_COLUMNS]


def _after_dropout(cohort: Cohort, table: Table) -> npt.NDArray[np.bool_]:
    """Tell which scans lie after the day on which the first mouse of their arm was seen last."""
    flags = np.zeros(len(table), dtype=bool)
    for _, _, mice in cohort.groups():
        if mice:
            first_end = min(one.days[-1] for one in mice)
            rows = np.concatenate([one.rows for one in mice])
            flags[rows] = table.loc[rows, "day"].to_numpy() > first_end
    return flags


def change_table(cohort: Cohort) -> Table:
    """Return ``changes.csv``: the change of every mouse between neighbouring scans, and from its baseline."""
    rows: list[dict[str, Any]] = []
    for dataset in cohort.arms:
        mice = [one for one in cohort.courses if one.mouse[0] == dataset]
        rows += [*_neighbour_rows(cohort, mice), *_baseline_rows(cohort, mice)]
    return Table(rows, columns=CHANGE_COLUMNS)


def _neighbour_rows(cohort: Cohort, mice: list[Course]) -> Iterator[dict[str, Any]]:
    """Yield the changes between neighbouring scans of one dataset, judged by the dataset's own rate."""
    days, volumes, codes = rows_of(mice)
    found = neighbours(days, volumes, codes)
    rate = own_rate(found, sd_within=cohort.precision.error.sd_within)
    scores, jumps = jump_scores(found, rate), are_jumps(found, rate)
    swapped = _exchanged(cohort, mice, rate, found, jumps)
    scans = cohort.volumes.scans.loc[np.concatenate([one.rows for one in mice])]
    for place, (a, b) in enumerate(zip(found.earlier, found.later, strict=True)):
        yield {
            **_change(cohort, scans.iloc[int(a)], scans.iloc[int(b)], "neighbours"),
            "robust_z": scores[place],
            "jump": bool(jumps[place]),
            "exchange_with": swapped.get(int(b), ""),
        }


def _exchanged(
    cohort: Cohort, mice: list[Course], rate: OwnRate, found: Neighbours, jumps: npt.NDArray[np.bool_]
) -> dict[int, str]:
    """Return the scans at which a mouse was perhaps exchanged -> the other mouse, of one acquisition."""
    if not jumps.any():
        return {}
    days, volumes, codes = rows_of(mice)
    scans = cohort.volumes.scans.loc[np.concatenate([one.rows for one in mice])]
    alone = [
        f"{group} {hours}" if group else f"alone {row}"
        for row, (group, hours) in enumerate(zip(scans["group"], scans["hours"], strict=True))
    ]
    pairs = exchanged_mice(days, volumes, codes, pd.factorize(np.array(alone))[0].astype(np.int64), rate)
    names = [mice[code].mouse[1] for code in codes]
    return {here: names[there] for pair in pairs for here, there in (pair, pair[::-1])}


def _baseline_rows(cohort: Cohort, mice: list[Course]) -> Iterator[dict[str, Any]]:
    """Yield the change of every later scan from the mouse's baseline."""
    start = cohort.settings.baseline_day
    for one in mice:
        at = np.flatnonzero(np.isclose(one.days, start))
        if not len(at) or one.volumes_mm3[at[0]] <= 0:
            continue
        scans = cohort.volumes.scans.loc[one.rows]
        for place in np.flatnonzero(one.days > start):
            change = _change(cohort, scans.iloc[int(at[0])], scans.iloc[int(place)], "baseline")
            yield {**change, "robust_z": np.nan, "jump": False, "exchange_with": ""}


def _change(cohort: Cohort, before: pd.Series, after: pd.Series, kind: str) -> dict[str, Any]:
    fall, rise = cohort.precision.limits
    with np.errstate(divide="ignore"):
        log_change = float(np.log(after["volume_mm3"] / before["volume_mm3"]))
    return {
        "dataset": before["dataset"],
        "mouse": before["mouse"],
        "arm": cohort.arm((before["dataset"], before["mouse"])),
        "kind": kind,
        "from_time": before["time"],
        "to_time": after["time"],
        "from_day": before["day"],
        "to_day": after["day"],
        "hours_apart": after["hours"] - before["hours"],
        "from_mm3": before["volume_mm3"],
        "to_mm3": after["volume_mm3"],
        "change_percent": 100 * (after["volume_mm3"] / before["volume_mm3"] - 1),
        "log_change": log_change,
        "fall_limit_percent": 100 * fall,
        "rise_limit_percent": 100 * rise,
        "beyond_detectable": bool(beyond_detectable(np.array([log_change]), cohort.precision.error.sd_within)[0]),
        "group": after["group"],
    }
