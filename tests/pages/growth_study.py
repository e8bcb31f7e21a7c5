"""A made study of growth as the tables of `murinoma growth`, worked out by hand and without the code under test.

Two arms of six mice, days 0, 4, 8, 12. Controls double every four days from 100 mm³; treated mice stay at 100 mm³.
M03 of the control dies on day 10, M08 was not scanned on day 0, M09 loses its tumor, M10 jumps to 400 mm³ on day 8.
"""

from typing import Any

import numpy as np
import pandas as pd

from murinoma.pages.growth_content import GrowthContent

DAYS = (0.0, 4.0, 8.0, 12.0)
CONTROL, DRUG = "control", "drug <A> & b"
DATASET = "Dataset 1"
DOUBLING = float(np.log(2) / 4)
COLUMNS = {
    "events": "dataset mouse arm day event value unit reason",
    "models": "dataset arm model n_mice n_points parameters aicc delta_aicc chosen reason",
    "mixed": "dataset name estimate error low high converged note",
    "tumors": "dataset mouse tumor arm n_scans",
    "sources": "dataset source n_mice rate_per_day sd_per_day residual_sd_log difference_per_day mice_per_arm ratio "
    "reason",
    "power": "dataset effect sd_per_day difference_per_day power alpha mice_per_arm mice_low mice_high n_mice reason",
    "plan": "item planned done agrees remark",
    "flow": "stage dataset arm mice scans reason",
    "notices": "place sentence",
    "arms": "dataset arm control n_arm n_control baseline_day day day_rule tc tc_low tc_high tc_note tgi_percent "
    "tgi_low_percent tgi_high_percent tgi_note rate_arm_per_day rate_control_per_day difference_per_day "
    "difference_low_per_day difference_high_per_day t degrees p p_holm test_note logrank_p logrank_note "
    "mixed_difference_per_day mixed_low_per_day mixed_high_per_day mixed_converged mixed_note",
    "welfare": "dataset mouse arm time day volume_mm3 high_mm3 level last_scan",
    "expected": "dataset mouse arm last_day last_mm3 rate_per_day limit_mm3 limit_day",
    "survival": "dataset arm event day at_risk events survival low high",
    "medians": "dataset arm event n_mice n_events median_day median_low_day median_high_day turnbull_after_day "
    "turnbull_by_day reason",
    "changes": "dataset mouse arm kind from_time to_time from_day to_day hours_apart from_mm3 to_mm3 change_percent "
    "log_change beyond_detectable robust_z jump group exchange_with",
    "curves": "dataset arm day n_mice n_started mean_mm3 low_mm3 high_mm3 relative relative_low relative_high "
    "after_dropout reason",
    "response": "dataset arm scheme category n_mice percent",
}


def empty(name: str) -> pd.DataFrame:
    """Return a table without rows."""
    return pd.DataFrame(columns=COLUMNS[name].split())


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """Return a table with all its columns; what a row does not say is missing."""
    return pd.DataFrame(list(rows), columns=COLUMNS[name].split())


def volumes(mouse: int) -> dict[float, float]:
    """Return day -> mm³ of mouse 1 to 12."""
    grows: dict[float, float | None] = {day: 100.0 * 2.0 ** (day / 4) if mouse <= 6 else 100.0 for day in DAYS}
    odd: dict[int, dict[float, float | None]] = {3: {12.0: None}, 8: {0.0: None}, 9: {12.0: 0.0}, 10: {8.0: 400.0}}
    return {day: volume for day, volume in (grows | odd.get(mouse, {})).items() if volume is not None}


def scans(dataset: str = DATASET) -> pd.DataFrame:
    """Return a row per scan."""
    rows = []
    for mouse in range(1, 13):
        for day, volume in volumes(mouse).items():
            key = {"dataset": dataset, "mouse": f"M{mouse:02d}", "time": f"{day:g}d", "hours": 24 * day, "day": day}
            found = {"arm": arm_of(mouse), "volume_mm3": volume, "low_mm3": 0.87 * volume, "high_mm3": 1.15 * volume}
            rows.append({**key, **found, "censored": volume < 10, "after_dropout": False})
    return pd.DataFrame(rows)


def arm_of(mouse: int) -> str:
    """Return the arm of mouse 1 to 12."""
    return CONTROL if mouse <= 6 else DRUG


def mice(dataset: str = DATASET) -> pd.DataFrame:
    """Return a row per mouse."""
    return pd.DataFrame([_mouse(dataset, mouse) for mouse in range(1, 13)])


def _mouse(dataset: str, mouse: int) -> dict[str, Any]:
    course, grows = volumes(mouse), mouse <= 6
    rate = DOUBLING if grows else 0.0
    died, whole = (10.0 if mouse == 3 else np.nan), mouse not in (3, 8)
    return {
        "dataset": dataset,
        "mouse": f"M{mouse:02d}",
        "arm": arm_of(mouse),
        "treatment": arm_of(mouse),
        "n_scans": len(course),
        "first_day": min(course),
        "last_day": max(course),
        "baseline_mm3": course.get(0.0, np.nan),
        "last_mm3": course[max(course)],
        "largest_mm3": max(course.values()),
        "rate_per_day": rate,
        "rate_low_per_day": rate - 0.02,
        "rate_high_per_day": rate + 0.02,
        "rate_method": f"least squares through {len(course)} scans",
        "doubling": "4.0 d (3.6 to 4.5)" if grows else "longer than 34.7 d",
        "model": "exponential",
        "best_response_percent": (700.0 if grows else -100.0 if mouse == 9 else 0.0) if whole else np.nan,
        "best_response_day": 12.0 if whole else np.nan,
        "best_average_percent": 275.0 if grows else 0.0,
        "mrecist": ("mPD" if grows else "mCR" if mouse == 9 else "mSD") if whole else "not evaluable",
        "last_change_percent": (700.0 if grows else 0.0) if mouse != 8 else np.nan,
        "recist": "PD" if grows else "SD",
        "fold_after_day": 0.0 if grows else 12.0,
        "fold_by_day": 4.0 if grows else np.inf,
        "died_day": died,
        "death_reason": "ulcer" if mouse == 3 else None,
        "end": "death" if mouse == 3 else "last scan",
        "n_jumps": 2 if mouse == 10 else 0,
        "exchange_with": None,
        "identity": "one tumor",
        "welfare": "below",
        "limit_day": np.nan,
        "evaluable": True,
        "reason": "no baseline: no tumor volume on day 0" if mouse == 8 else None,
    }


def curves() -> pd.DataFrame:
    """Return the geometric means of both arms; the control misses a mouse on day 12."""
    rows = []
    for arm in (CONTROL, DRUG):
        for day in DAYS:
            ratio = 2 ** (day / 4) if arm == CONTROL else 1.0
            late = arm == CONTROL and day == DAYS[-1]
            numbers = {"mean_mm3": 100 * ratio, "low_mm3": 80 * ratio, "high_mm3": 125 * ratio, "relative": ratio}
            ends = {"relative_low": 0.8 * ratio, "relative_high": 1.25 * ratio, "after_dropout": late}
            count = {"n_mice": 5 if late else 6, "n_started": 6}
            rows.append({"dataset": DATASET, "arm": arm, "day": day, **count, **numbers, **ends})
    return table("curves", *rows)


def rates() -> pd.DataFrame:
    """Return the growth of both arms."""
    control, drug = ((DOUBLING, 0.15, 0.2, "4.0 d (3.5 to 4.6)"), (0.0, -0.03, 0.03, "longer than 23.1 d"))
    rows = []
    for arm, (rate, low, high, words) in ((CONTROL, control), (DRUG, drug)):
        numbers = {"rate_per_day": rate, "rate_low_per_day": low, "rate_high_per_day": high, "sd_per_day": 0.02}
        rows.append({"dataset": DATASET, "arm": arm, "n_mice": 6, "n_evaluable": 6, **numbers, "doubling": words})
    return pd.DataFrame(rows).assign(reason=None)


def changes() -> pd.DataFrame:
    """Return the changes from scan to scan; the two of M10 are jumps."""
    rows = []
    for (dataset, mouse, arm), course in scans().groupby(["dataset", "mouse", "arm"]):
        for (_, first), (_, last) in zip(course[:-1].iterrows(), course[1:].iterrows(), strict=True):
            ratio = last["volume_mm3"] / first["volume_mm3"]
            key = {"dataset": dataset, "mouse": mouse, "arm": arm, "kind": "neighbours", "hours_apart": 96.0}
            ends = {f"{end}_{name}": one[column] for end, one in (("from", first), ("to", last))
                    for name, column in (("time", "time"), ("day", "day"), ("mm3", "volume_mm3"))}  # fmt: skip
            jump = mouse == "M10" and 400.0 in (first["volume_mm3"], last["volume_mm3"])
            found = {"change_percent": 100 * (ratio - 1), "log_change": np.log(ratio) if ratio > 0 else np.nan}
            rows.append({**key, **ends, **found, "robust_z": 9.0 if jump else 0.0, "jump": jump})
    return table("changes", *rows)


def compared(**changed: Any) -> dict[str, Any]:
    """Return the row of the treated arm against the control, with what a test changes."""
    row = {"dataset": DATASET, "arm": DRUG, "control": CONTROL, "n_arm": 6, "n_control": 6, "day": 8.0}
    row |= {"day_rule": "last day with all mice of both arms", "tc": 0.25, "tc_low": 0.2, "tc_high": 0.32}
    row |= {"tgi_percent": 100.0, "tgi_low_percent": 90.0, "tgi_high_percent": 110.0, "logrank_p": 0.0012}
    row |= {"difference_per_day": -0.173, "difference_low_per_day": -0.2, "difference_high_per_day": -0.146}
    row |= {"p": 1e-6, "p_holm": 1e-6, "mixed_difference_per_day": -0.17, "mixed_low_per_day": -0.2}
    return row | {"mixed_high_per_day": -0.14, "mixed_converged": True} | changed


def survival() -> pd.DataFrame:
    """Return the time to the 2-fold volume: all controls on day 4, no treated mouse."""
    steps = [(CONTROL, 0, 6, 0, 1.0), (CONTROL, 4, 6, 6, 0.0), (DRUG, 0, 6, 0, 1.0), (DRUG, 12, 6, 0, 1.0)]
    names = ("arm", "day", "at_risk", "events", "survival")
    rows = [{"dataset": DATASET, "event": "2-fold volume", **dict(zip(names, step, strict=True))} for step in steps]
    return table("survival", *rows)


def trial_tables() -> dict[str, pd.DataFrame]:
    """Return all tables of the study."""
    found = {name: empty(name) for name in COLUMNS}
    found |= {"scans": scans(), "mice": mice(), "curves": curves(), "rates": rates(), "changes": changes()}
    found |= {"survival": survival(), "arms": table("arms", compared())}
    key = {"dataset": DATASET, "event": "2-fold volume", "n_mice": 6}
    infinite = dict.fromkeys(("median_day", "median_low_day", "median_high_day", "turnbull_by_day"), np.inf)
    grown = {"median_day": 4.0, "median_low_day": 4.0, "median_high_day": 4.0, "turnbull_by_day": 4.0}
    found["medians"] = table(
        "medians",
        {**key, "arm": CONTROL, "n_events": 6, **grown, "turnbull_after_day": 0.0},
        {**key, "arm": DRUG, "n_events": 0, **infinite, "turnbull_after_day": 12.0},
    )
    over = {"dataset": DATASET, "mouse": "M01", "arm": CONTROL, "time": "12d", "day": 12.0, "last_scan": True}
    found["welfare"] = table("welfare", {**over, "volume_mm3": 2100.0, "high_mm3": 2400.0, "level": "over 2,000"})
    plan = ("day of the comparison", "12", "8", "no", "a mouse died")
    found["plan"] = table("plan", dict(zip(COLUMNS["plan"].split(), plan, strict=True)))
    flow = {"stage": "analysed", "dataset": DATASET, "arm": CONTROL, "mice": 6, "scans": 23}
    found["flow"] = table("flow", flow)
    return found


def unknown_tables() -> dict[str, pd.DataFrame]:
    """Return the same mice without arms, as read back: empty cells are NaN."""
    found = trial_tables() | {name: empty(name) for name in ("arms", "survival", "medians", "curves", "plan")}
    found["mice"] = found["mice"].assign(arm=np.nan)
    found["scans"], found["changes"] = (found[name].assign(arm=np.nan) for name in ("scans", "changes"))
    found["rates"] = found["rates"][:1].assign(arm=np.nan)
    return found


def content(tables: dict[str, pd.DataFrame] | None = None, **changed: Any) -> GrowthContent:
    """Return what the page takes."""
    known = trial_tables() if tables is None else tables
    arms = tuple(name for name in dict.fromkeys(known["mice"]["arm"]) if isinstance(name, str))
    values: dict[str, Any] = {
        "title": "A study",
        "source": "staple",
        "version": "1",
        "tables": known,
        "arms": dict.fromkeys(dict.fromkeys(known["mice"]["dataset"]), arms),
        "control": arms[0] if arms else "",
        "multiple": 2.0,
        "limits_mm3": (1500.0, 2000.0),
        "detectable": (-0.18, 0.23),
        "detectable_from": "the published scans",
        "figures": [("mice", "12")],
        "methods": [("Growth rate", "The slope.")],
        "notices": ["Dataset 1 M10: implausible"],
        "files": [("Every mouse", "mice.csv"), ("For Prism", "prism/Dataset 1.csv"), ("A figure", "figures/rates.svg")],
    }
    return GrowthContent(**(values | changed))
