"""Tables of the growth page with a row per dataset or arm: growth, arms, response, time to event, the next study."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Row, TableView, fixed, from_to
from murinoma.pages.growth_answer import p_words
from murinoma.pages.growth_axes import TimeScale
from murinoma.pages.growth_content import UNKNOWN, GrowthContent, Table, arm_name, arms_of, datasets_of, rows_of
from murinoma.pages.growth_response import NOT_EVALUABLE

SCHEMES = {"mRECIST": ("mCR", "mPR", "mSD", "mPD"), "volumetric RECIST": ("CR", "PR", "SD", "PD")}
NO_VALUE = "there is no value; the table in the files says why"


def rates_view(content: GrowthContent) -> TableView:
    """Return growth rate and doubling time of every dataset and arm."""
    rows = []
    for row in content.tables["rates"].to_dict("records"):
        last = rows_of(content.tables["mice"], row["dataset"], row["arm"])["last_day"].max()
        cells = [
            Cell(_count(row["n_mice"])),
            Cell(_count(row["n_evaluable"])),
            Cell(TimeScale(last).words(last)),
            _spread(row, "rate", 3),
            Cell(fixed(row["sd_per_day"], 3)),
            Cell(row["doubling"] or NOTHING),
            Cell(row["reason"], css="words"),
        ]
        rows.append(Row(_place(content, row["dataset"], row["arm"]), cells))
    head = [
        "",
        "Mice, n",
        "With a rate, n",
        "Followed up to",
        "Growth rate (per day)",
        "SD between mice",
        "Doubling time",
        "",
    ]
    notes = [
        "Growth rate: mean over mice of the slope of the natural logarithm of the burden. Second line: 95 % interval."
    ]
    whose = "arm" if any(content.arms.values()) else f"dataset, {UNKNOWN}"
    return TableView(f"Growth of every {whose}.", head, rows, notes, NO_VALUE, long_names=True)


def arms_view(content: GrowthContent) -> TableView:
    """Return every treated arm against its control."""
    rows = []
    for row in content.tables["arms"].to_dict("records"):
        day = f"{row['day']:g} d" if np.isfinite(row["day"]) else NOTHING
        cells = [
            Cell(f"{_count(row['n_arm'])} / {_count(row['n_control'])}"),
            _spread(row, "difference", 3),
            Cell(_p(row["p_holm"])),
            Cell(day),
            Cell(fixed(row["tc"], 2), interval=from_to(row["tc_low"], row["tc_high"], 2)),
            Cell(fixed(row["tgi_percent"], 0), interval=from_to(row["tgi_low_percent"], row["tgi_high_percent"], 0)),
            Cell(_p(row["logrank_p"])),
            _mixed(row),
        ]
        rows.append(Row(_place(content, row["dataset"], row["arm"]), cells))
    head = ["", "Mice, arm / control", "Difference of growth rates (per day)", "p (Holm)", "Day", "T/C"]
    head += ["TGI (%)", "Log-rank p", "Mixed model (per day)"]
    return TableView(
        f"Arms against {' or '.join(dict.fromkeys(content.tables['arms']['control']))}.",
        head,
        rows,
        [*_arm_notes(content)],
        NO_VALUE,
        long_names=True,
    )


def _p(p: float) -> str:
    return NOTHING if pd.isna(p) else p_words(p).removeprefix("p ").removeprefix("= ")


def _mixed(row: dict[Any, Any]) -> Cell:
    if not row["mixed_converged"]:
        return Cell("not reported" if row["mixed_note"] else NOTHING)
    interval = from_to(row["mixed_low_per_day"], row["mixed_high_per_day"], 3)
    return Cell(fixed(row["mixed_difference_per_day"], 3), interval=interval)


def _arm_notes(content: GrowthContent) -> Iterator[str]:
    yield "Difference: arm minus control of the mean growth rates of mice (Welch’s t); p with Holm’s correction."
    yield "T/C: ratio of geometric mean relative burdens. TGI: inhibition of the growth of the mean burden."
    yield "The mixed model (random line per mouse) describes only. Second line: 95 % interval."
    arms = content.tables["arms"]
    rules = sorted({f"day {row.day:g}: {row.day_rule}" for row in arms[arms["day"].notna()].itertuples()})
    yield from [f"{'; '.join(rules)}.".capitalize()] if rules else []
    for row in arms.to_dict("records"):
        names = ("tc_note", "tgi_note", "test_note", "logrank_note", "mixed_note")
        said = dict.fromkeys(filter(None, (row[name] for name in names)))
        yield from [f"{row['arm']}: {'; '.join(said)}."] if said else []


def response_views(content: GrowthContent) -> list[TableView]:
    """Return how many mice are of each class, a table per scheme; none for a scheme that no mouse is evaluable for."""
    found = []
    for scheme, classes in SCHEMES.items():
        table = content.tables["response"]
        rows = [*_class_rows(content, table[table["scheme"] == scheme], classes)] if len(table) else []
        if rows:
            head = ["", *classes, "Evaluable, n", "Not evaluable, n"]
            notes = ["Mice, and percent of the evaluable ones. Datasets without an evaluable mouse are left out."]
            found.append(TableView(f"Response: {scheme}.", head, rows, notes, NO_VALUE, long_names=True))
    return found


def _class_rows(content: GrowthContent, table: Table, classes: Sequence[str]) -> Iterator[Row]:
    for (dataset, arm), rows in table.groupby(["dataset", "arm"], sort=False):
        count = rows.set_index("category")["n_mice"]
        evaluable = int(sum(count.get(name, 0) for name in classes))
        if evaluable:
            cells = [
                Cell(f"{int(count.get(name, 0))} ({100 * count.get(name, 0) / evaluable:.0f} %)") for name in classes
            ]
            left = Cell(_count(count.get(NOT_EVALUABLE, 0)))
            yield Row(_place(content, str(dataset), str(arm)), [*cells, Cell(str(evaluable)), left])


def medians_view(content: GrowthContent) -> TableView:
    """Return the median time to each event."""
    rows = []
    for row in content.tables["medians"].to_dict("records"):
        turnbull = NOTHING
        if pd.notna(row["turnbull_after_day"]):
            turnbull = _between(row["turnbull_after_day"], row["turnbull_by_day"])
        cells = [
            Cell(row["event"]),
            Cell(_count(row["n_mice"])),
            Cell(_count(row["n_events"])),
            Cell(_reached(row["median_day"])),
            Cell(_interval_words(row["median_low_day"], row["median_high_day"])),
            Cell(turnbull),
            Cell(row["reason"], css="words"),
        ]
        rows.append(Row(_place(content, row["dataset"], row["arm"]), cells))
    head = ["", "Event", "Mice, n", "Events, n", "Median (d)", "95 % interval (d)", "Between scans (Turnbull, d)", ""]
    notes = [
        "Kaplan-Meier counts an event on the scan that first shows it, so its medians are late by up to one interval. "
        "Turnbull’s estimate says between which scans the median lies."
    ]
    return TableView("Median time to event.", head, rows, notes, NO_VALUE, long_names=True)


def _reached(day: float) -> str:
    return NOTHING if pd.isna(day) else "not reached" if np.isinf(day) else f"{day:.3g}"


def _interval_words(low: Any, high: Any) -> str:
    if pd.isna(low) or pd.isna(high):
        return NOTHING
    return "not reached" if np.isinf(low) else f"from {low:.3g} on" if np.isinf(high) else f"{low:.3g} to {high:.3g}"


def _between(after: float, by: float) -> str:
    return f"after {after:.3g}" if np.isinf(by) else f"{after:.3g} to {by:.3g}"


def power_view(content: GrowthContent) -> TableView | None:
    """Return how many mice the next study needs, a column per effect; none if nothing is known."""
    table = content.tables["power"]
    if table.empty or not table["mice_per_arm"].notna().any():
        return None
    effects = list(dict.fromkeys(table["effect"]))
    rows = []
    for dataset, part in table.groupby("dataset", sort=False):
        known = {row["effect"]: row for row in part.to_dict("records")}
        cells = [_mice_needed(known.get(effect, {})) for effect in effects]
        sd = Cell(fixed(part["sd_per_day"].iloc[0], 3))
        reason = next((text for text in part["reason"] if text), "")
        rows.append(Row(str(dataset), [Cell(_count(part["n_mice"].iloc[0])), sd, *cells, Cell(reason, css="words")]))
    power, alpha = table["power"].dropna().iloc[0], table["alpha"].dropna().iloc[0]
    notes = [
        f"Mice per arm for a power of {100 * power:.0f} % at the level {alpha:g}: two arms, as long a study, and the "
        "spread between mice found here. Second line: with the ends of the interval of that spread."
    ]
    return TableView(
        "Mice per arm for the next study.", ["", "From mice, n", "SD (per day)", *effects, ""], rows, notes, NO_VALUE
    )


def _mice_needed(row: dict[Any, Any]) -> Cell:
    if not row or pd.isna(row["mice_per_arm"]):
        return Cell(NOTHING)
    ends = (row.get("mice_low"), row.get("mice_high"))
    return Cell(_count(row["mice_per_arm"]), interval="" if any(map(pd.isna, ends)) else from_to(*ends, 0))


def sources_view(content: GrowthContent) -> TableView | None:
    """Return how many mice each source of volumes would need; none where there is one source only."""
    table = content.tables["sources"]
    if table.empty or table["source"].nunique() < 2:
        return None
    rows = [
        Row(
            f"{row['dataset']}, {row['source']}",
            [
                Cell(_count(row["n_mice"])),
                Cell(fixed(row["rate_per_day"], 3)),
                Cell(fixed(row["sd_per_day"], 3)),
                Cell(fixed(row["residual_sd_log"], 3)),
                Cell(_count(row["mice_per_arm"])),
                Cell(fixed(row["ratio"], 2)),
                Cell(row["reason"], css="words"),
            ],
        )
        for row in table.to_dict("records")
    ]
    head = ["", "Mice, n", "Growth rate (per day)", "SD between mice", "SD about the line (log)", "Mice per arm"]
    note = f"Mice per arm for the same effect and power; last column: times as many as with ‘{content.source}’."
    return TableView("Sources of volumes compared.", [*head, "Ratio", ""], rows, [note], NO_VALUE, long_names=True)


def _spread(row: dict[Any, Any], name: str, digits: int) -> Cell:
    low, high = (row[f"{name}_{end}_per_day"] for end in ("low", "high"))
    return Cell(fixed(row[f"{name}_per_day"], digits), interval=from_to(low, high, digits))


def _place(content: GrowthContent, dataset: str, arm: str) -> str:
    """Return the dataset where there are several, and the arm."""
    if not any(content.arms.values()):
        return dataset
    named = arm_name(arm, arms_of(content, dataset))
    return f"{dataset}, {named}" if len(datasets_of(content)) > 1 else named


def trimmed(table: TableView | None) -> TableView | None:
    """Return a table without the columns in which no cell says anything."""
    if table is None:
        return None
    cells = [[row.cells[at] for row in table.rows] for at in range(len(table.head) - 1)]
    kept = [at for at, column in enumerate(cells) if any(cell.text or cell.interval for cell in column)]
    rows = [Row(row.name, [row.cells[at] for at in kept]) for row in table.rows]
    return replace(table, head=[table.head[0], *(table.head[at + 1] for at in kept)], rows=rows)


def _count(value: Any) -> str:
    return NOTHING if pd.isna(value) else f"{int(value):,}"
