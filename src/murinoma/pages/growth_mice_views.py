"""Tables with a row per mouse or scan: every mouse, welfare, jumps; and where the mice went, planned and done."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Row, TableView, fixed, from_to
from murinoma.pages.growth_axes import TimeScale
from murinoma.pages.growth_changes import neighbour_changes
from murinoma.pages.growth_content import GrowthContent, arm_name, arms_of, rows_of
from murinoma.pages.growth_response import NOT_EVALUABLE

SOON_DAYS = 14.0  # after the last scan; beyond, nobody should trust a growth rate
NO_MOUSE_VALUE = "it cannot be told; the last column says why, or that the mouse has no such event"


def mice_views(content: GrowthContent) -> list[TableView]:
    """Return the table of every mouse, one per dataset, arm by arm."""
    return [_mice_view(content, dataset) for dataset in dict.fromkeys(content.tables["mice"]["dataset"])]


def _mice_view(content: GrowthContent, dataset: str) -> TableView:
    arms = arms_of(content, dataset)
    mice = rows_of(content.tables["mice"], dataset)
    rows = [
        Row(row["mouse"], [Cell(arm_name(arm, arms)), *_mouse_cells(row)])
        for arm in arms
        for row in rows_of(mice, dataset, arm).to_dict("records")
    ]
    head = [
        "Mouse",
        "Arm",
        "Scans, n",
        "First to last",
        "Burden, first to last (mm³)",
        "Growth rate (per day)",
        "Doubling time",
    ]
    head += [
        "Best response, mRECIST",
        "Last change, RECIST",
        f"{content.multiple:g}-fold after",
        "Notes",
    ]
    notes = [
        "Growth rate: slope of the natural logarithm of the burden; second line: 95 % interval, of two scans from the "
        "measurement error alone. RECIST: by the volumes of spheres."
    ]
    return TableView(f"{dataset}: every mouse.", head, rows, notes, NO_MOUSE_VALUE)


def _mouse_cells(row: dict[Any, Any]) -> list[Cell]:
    scale = TimeScale(row["last_day"])
    span = scale.words(row["last_day"])
    if row["n_scans"] > 1:
        span = f"{scale.shown(row['first_day']):.3g} to {span}"
    low, high = row["rate_low_per_day"], row["rate_high_per_day"]
    doubling, _, ends = str(row["doubling"]).partition(" (")
    return [
        Cell(f"{int(row['n_scans'])}"),
        Cell(span),
        Cell(_burdens(row)),
        Cell(fixed(row["rate_per_day"], 3), interval=from_to(low, high, 3)),
        Cell(doubling or NOTHING, interval=ends.removesuffix(")")),
        Cell(_percent(row["best_response_percent"], row["mrecist"])),
        Cell(_percent(row["last_change_percent"], row["recist"])),
        Cell(_reached(row)),
        Cell("; ".join(_mouse_notes(row)), css="list"),
    ]


def _percent(value: Any, category: str) -> str:
    """Return a change and the class that it leads to: ``+64 %, mPD``."""
    if pd.isna(value):
        return NOTHING
    change = f"{'+' if value > 0 else ''}{fixed(value, 0)} %"
    return change if category in ("", NOT_EVALUABLE) else f"{change}, {category}"


def _burdens(row: dict[Any, Any]) -> str:
    last = _volume(row["last_mm3"])
    if row["n_scans"] < 2:
        return last
    return f"{_volume(row['baseline_mm3']) if pd.notna(row['baseline_mm3']) else 'no baseline'} to {last}"


def _volume(value: Any) -> str:
    return NOTHING if pd.isna(value) else f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def _reached(row: dict[Any, Any]) -> str:
    """Return between which days the n-fold volume was reached."""
    after, by = row["fold_after_day"], row["fold_by_day"]
    if pd.isna(after) and pd.isna(by):
        return NOTHING
    return "not reached" if np.isinf(by) else f"{after:.3g} to {by:.3g} d"


def _mouse_notes(row: dict[Any, Any]) -> Iterator[str]:
    if pd.notna(row["died_day"]):
        yield f"died on day {row['died_day']:g}" + (f" ({row['death_reason']})" if row["death_reason"] else "")
    elif row["end"] not in ("", "last scan", "death"):
        yield row["end"]
    if row["welfare"] not in ("", "below", "unknown"):
        yield f"{row['welfare']} mm³"
    if row["n_jumps"]:
        yield "implausible jump" if row["n_jumps"] == 1 else f"{int(row['n_jumps'])} implausible jumps"
    if row["exchange_with"]:
        yield f"perhaps exchanged with {row['exchange_with']}"
    if row["identity"] == "doubtful":
        yield "tumors doubtful from day to day, burden used"
    if row["model"] not in ("", "exponential"):
        yield f"{row['model']} growth fits best"
    if row["reason"]:
        yield str(row["reason"])


def welfare_view(content: GrowthContent) -> TableView | None:
    """Return every scan over a limit, or perhaps over it, the worst first; none if none is."""
    table = content.tables["welfare"]
    if table.empty:
        return None
    order = {name: place for place, name in enumerate(_levels(content.limits_mm3))}
    table = table.assign(rank=table["level"].map(order).fillna(len(order)))
    rows = []
    for row in table.sort_values(["rank", "volume_mm3"], ascending=[True, False], kind="stable").to_dict("records"):
        name = f"{row['dataset']} {row['mouse']}, {row['time']}"
        level = Cell(f"{row['level']} mm³", css="alarm" if row["rank"] == 0 else "")
        last = "yes" if row["last_scan"] else "no"
        arm = arm_name(row["arm"], arms_of(content, row["dataset"]))
        rows.append(
            Row(name, [level, Cell(_volume(row["volume_mm3"])), Cell(_volume(row["high_mm3"])), Cell(last), Cell(arm)])
        )
    head = ["Scan", "Level", "Burden (mm³)", "Upper end of its interval (mm³)", "The mouse’s last scan", "Arm"]
    notes = ["‘May be over’: the burden is below the limit, the upper end of its 95 % interval is not."]
    return TableView("Scans over the limits of welfare.", head, rows, notes)


def _levels(limits_mm3: tuple[float, float]) -> list[str]:
    flag, shout = (f"{limit:,.0f}" for limit in limits_mm3)
    return [f"over {shout}", f"over {flag}", f"may be over {shout}", f"may be over {flag}"]


def expected_view(content: GrowthContent) -> TableView | None:
    """Return when mice that grow reach the lower limit, the soonest after their last scan first; none if none does."""
    table = content.tables["expected"]
    if table.empty:
        return None
    left = (table["limit_day"] - table["last_day"]).rename("left_days")
    near = table.assign(left_days=left).sort_values("left_days", kind="stable")
    soon = near[near["left_days"] <= SOON_DAYS]
    rows = [
        Row(
            f"{row['dataset']} {row['mouse']}",
            [
                Cell(f"{row['last_day']:.1f} d"),
                Cell(_volume(row["last_mm3"])),
                Cell(fixed(row["rate_per_day"], 3)),
                Cell(f"{row['limit_day']:.1f} d"),
                Cell(f"{fixed(row['left_days'], 1 if row['left_days'] < 10 else 0)} d"),
            ],
        )
        for row in soon.to_dict("records")
    ]
    limit = f"{table['limit_mm3'].iloc[0]:,.0f} mm³"
    head = [
        "Mouse",
        "Last scan",
        "Burden then (mm³)",
        "Growth rate (per day)",
        f"{limit} expected on day",
        "After the last scan",
    ]
    notes = [
        "If the mouse goes on growing at its rate, as far as that is known; the limit may be reached earlier or later.",
        f"{len(table) - len(rows)} more reach it later than {SOON_DAYS:g} days after their last scan; "
        "expected.csv has them.",
    ][: 1 + (len(table) > len(rows))]
    return TableView(f"When {limit} is expected.", head, rows, notes)


def jumps_view(content: GrowthContent) -> TableView | None:
    """Return the implausible jumps, the strangest first; none if there is none."""
    changes = neighbour_changes(content)
    jumps = changes[changes["jump"]] if len(changes) else changes
    if jumps.empty:
        return None
    order = jumps["robust_z"].abs().sort_values(ascending=False, kind="stable").index
    rows = [
        Row(
            f"{row['dataset']} {row['mouse']}",
            [
                Cell(f"{row['from_time']} to {row['to_time']}"),
                Cell(f"{_volume(row['from_mm3'])} to {_volume(row['to_mm3'])}"),
                Cell(fixed(row["change_percent"], 0)),
                Cell(fixed(row["robust_z"], 1)),
                Cell(row["exchange_with"] or NOTHING),
            ],
        )
        for row in jumps.loc[order].to_dict("records")
    ]
    head = ["Mouse", "Between", "Burden (mm³)", "Change (%)", "Robust z", "Perhaps exchanged with"]
    notes = [
        "Robust z: against the growth of the dataset’s own mice. Implausible is more than 3.5 and more than "
        "measurement explains: look at both masks."
    ]
    return TableView(
        "Implausible jumps.", head, rows, notes, "no exchange of two mice of one acquisition removes both jumps"
    )


def plan_view(content: GrowthContent) -> TableView | None:
    """Return what was planned and what was done; none if nothing was planned."""
    table = content.tables["plan"]
    if table.empty or not (table["planned"] != "").any():
        return None
    rows = [
        Row(
            row["item"],
            [
                Cell(row["planned"] or NOTHING, css="words"),
                Cell(row["done"] or NOTHING, css="words"),
                Cell(row["agrees"], css="alarm" if row["agrees"] in ("no", "not done") else ""),
                Cell(row["remark"], css="words"),
            ],
        )
        for row in table.to_dict("records")
    ]
    return TableView("Planned and done.", ["", "Planned", "Done", "As planned", "Remark"], rows, gap="nothing was set")


def flow_view(content: GrowthContent) -> TableView | None:
    """Return where the mice went, as ARRIVE asks for."""
    table = content.tables["flow"]
    if table.empty:
        return None
    rows = [
        Row(
            row["stage"],
            [
                Cell(row["dataset"]),
                Cell(row["arm"]),
                Cell(fixed(row["mice"], 0)),
                Cell(fixed(row["scans"], 0)),
                Cell(row["reason"], css="words"),
            ],
        )
        for row in table.to_dict("records")
    ]
    return TableView(
        "Where the mice went.",
        ["Stage", "Dataset", "Arm", "Mice, n", "Scans, n", "Why"],
        rows,
        gap="it is not counted there",
    )
