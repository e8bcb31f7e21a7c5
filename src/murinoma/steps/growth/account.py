"""The account of the analysis: where every mouse went, what was planned and what was done, what is odd, the methods."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.steps.growth.cohort import Cohort
from murinoma.study.mice_table import GrowthPlan

Table = pd.DataFrame
Tables = dict[str, Table]
FLOW_COLUMNS = ["stage", "dataset", "arm", "mice", "scans", "reason"]
PLAN_COLUMNS = ["item", "planned", "done", "agrees", "remark"]
EVENT_COLUMNS = ["dataset", "mouse", "arm", "day", "event", "value", "unit", "reason"]
TEST = "Welch's t test of the growth rates of the mice"


def flow_table(cohort: Cohort, mice: Table) -> Table:
    """Return ``flow.csv``: mice assessed, assigned, measured, left out and analysed, as ARRIVE asks for."""
    before = cohort.people.assignment
    first = [] if before is None else before[before["stage"] != "assigned"].to_dict("records")
    rows = [*first, *_assigned(cohort), *_measured(cohort), *_left_out(cohort), *_analysed(cohort, mice)]
    return Table(rows, columns=FLOW_COLUMNS)


def _measured(cohort: Cohort) -> Iterator[dict[str, Any]]:
    for dataset, part in cohort.volumes.scans.groupby("dataset", sort=False):
        yield {"stage": "measured", "dataset": dataset, "mice": part["mouse"].nunique(), "scans": len(part)}


def _left_out(cohort: Cohort) -> Iterator[dict[str, Any]]:
    for stage, rows in (("left out by people", cohort.volumes.excluded), ("not usable", cohort.volumes.left_out)):
        for dataset, mouse, reason in rows:
            yield {"stage": stage, "dataset": dataset, "mice": np.nan, "scans": 1, "reason": f"{mouse} {reason}"}


def _assigned(cohort: Cohort) -> Iterator[dict[str, Any]]:
    """Yield the mice of every arm, whether they were measured or not."""
    measured = {one.mouse for one in cohort.courses}
    counts = Counter((dataset, arm) for (dataset, _), arm in cohort.people.arms.items())
    for (dataset, arm), n in sorted(counts.items()):
        absent = [mouse for mouse, name in cohort.people.arms.items() if name == arm and mouse not in measured]
        missing = sorted(name for here, name in absent if here == dataset)
        reason = f"without a volume: {', '.join(missing)}" if missing else ""
        yield {"stage": "assigned", "dataset": dataset, "arm": arm, "mice": n, "reason": reason}


def _analysed(cohort: Cohort, mice: Table) -> Iterator[dict[str, Any]]:
    for (dataset, arm), part in mice.groupby(["dataset", "arm"], sort=False):
        counted = part[part["evaluable"].astype(bool)]
        named = {"dataset": dataset, "arm": arm}
        yield {"stage": "analysed", **named, "mice": len(counted), "scans": int(counted["n_scans"].sum())}
        rest = part[~part["evaluable"].astype(bool)]
        for reason, group in rest.groupby("reason", sort=False):
            scans = int(group["n_scans"].sum())
            yield {"stage": "no growth rate", **named, "mice": len(group), "scans": scans, "reason": reason}


def plan_table(cohort: Cohort, tables: Tables) -> Table:
    """Return ``plan.csv``: every choice that could be made beforehand, beside the one that was made."""
    rows = [
        {
            "item": item,
            "planned": _shown(planned),
            "done": _shown(done),
            "agrees": _agrees(planned, done, same),
            "remark": remark,
        }
        for item, planned, done, same, remark in _choices(cohort, tables, cohort.people.plan or GrowthPlan())
    ]
    return Table(rows, columns=PLAN_COLUMNS)


Choice = tuple[str, Any, Any, bool, str]


def _choices(cohort: Cohort, tables: Tables, plan: GrowthPlan) -> Iterator[Choice]:
    """Yield (item, planned, done, whether they agree, remark)."""
    settings = cohort.settings
    arms = sorted({arm for names in cohort.arms.values() for arm in names})
    controls = sorted({cohort.control(dataset) for dataset in cohort.arms} - {""})
    yield _plain("source of the volumes", plan.source, cohort.volumes.source)
    yield "arms", list(plan.arms) or None, arms, sorted(plan.arms) == arms, ""
    yield "control", plan.control, controls, controls == [plan.control], ""
    yield _mice_per_arm(tables["mice"], plan)
    yield _plain("day of the baseline", plan.baseline_day, settings.baseline_day)
    yield _day(tables["arms"], plan)
    tested = bool(tables["arms"]["p"].notna().any())
    yield "test", plan.test, TEST if tested else None, "welch" in (plan.test or "").lower(), ""
    yield _margin(tables["arms"], plan)
    yield _plain("multiple of the first volume", plan.multiple, settings.multiple)
    yield _plain("level of the test", plan.alpha, settings.alpha)
    yield _exclusions(cohort, plan)


def _plain(item: str, planned: object, done: object) -> Choice:
    return item, planned, done, planned == done, ""


def _mice_per_arm(mice: Table, plan: GrowthPlan) -> Choice:
    counts = Counter((str(row["dataset"]), str(row["arm"])) for row in mice.to_dict("records") if row["arm"])
    said = [f"{arm} {n}" for (_, arm), n in counts.items()]
    same = bool(counts) and all(n == plan.mice_per_arm for n in counts.values())
    return "mice per arm", plan.mice_per_arm, said or None, same, ""


def _day(arms: Table, plan: GrowthPlan) -> Choice:
    days = sorted({float(day) for day in arms["day"].dropna()})
    rules = ", ".join(sorted({str(rule) for rule in arms["day_rule"].dropna()}))
    return "day of the comparison", plan.day, days or None, days == [plan.day], rules


def _margin(arms: Table, plan: GrowthPlan) -> Choice:
    """Return which arms are below the planned T/C."""
    known = arms.dropna(subset=["tc"])
    found = [f"{row['arm']} {row['tc']:.2f}" for row in known.to_dict("records")]
    if plan.margin_tc is None or not found:
        return "T/C that counts as active", plan.margin_tc, found or None, False, ""
    below = [row["arm"] for row in known.to_dict("records") if row["tc"] < plan.margin_tc]
    remark = f"below {plan.margin_tc:g}: {', '.join(map(str, below)) or 'no arm'}"
    return "T/C that counts as active", plan.margin_tc, found, True, remark


def _exclusions(cohort: Cohort, plan: GrowthPlan) -> Choice:
    """Compare the reasons for which scans were left out with those that were foreseen."""
    done = [f"{dataset} {mouse} {reason}" for dataset, mouse, reason in cohort.volumes.excluded]
    foreseen = [reason.lower() for reason in plan.exclusions]
    odd = [said for said in done if not any(reason in said.lower() for reason in foreseen)]
    remark = f"not foreseen: {'; '.join(odd)}" if odd else ""
    return "exclusions", list(plan.exclusions) or None, done or "none", not odd, remark


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _agrees(planned: object, done: object, same: bool) -> str:
    if planned is None:
        return "not planned"
    if done is None:
        return "not done"
    return "yes" if same else "no"


def event_table(cohort: Cohort) -> Table:
    """Return ``events.csv`` as it was read, with the arm of each mouse."""
    rows = [
        [
            one.dataset,
            one.mouse,
            cohort.arm((one.dataset, one.mouse)),
            one.day,
            one.event,
            one.value,
            one.unit,
            one.reason,
        ]
        for one in cohort.people.events
    ]
    return Table(rows, columns=EVENT_COLUMNS)
