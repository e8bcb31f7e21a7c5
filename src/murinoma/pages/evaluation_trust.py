"""What a source's volumes are worth: intervals and whether they hold, what to look at first, what a model predicts."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from murinoma.pages.cells import Cell, Row, TableView, fixed, from_to
from murinoma.pages.evaluation_content import Calibrated
from murinoma.pages.evaluation_tables import with_units
from murinoma.pages.evaluation_verdict import percent

ONE_CLASS = 2  # rows of a coverage table with a single class, which says what the whole says


def classes_view(name: str, known: Calibrated) -> TableView:
    """Return by how much a predicted volume may be off, by class of predicted volume."""
    rows = [
        Row(_class_name(row["low_mm3"], row["high_mm3"]), _class_cells(row)) for row in known.classes.to_dict("records")
    ]
    notes = [
        f"The annotators’ mean volume lies between volume / factor and volume × factor in {100 * known.coverage:g} % "
        f"of new mice like these (split conformal prediction, the mouse as unit, {known.mice} mice of {known.study}). "
        f"No interval tells of tumors that were missed ({known.missed}) and of false lesions ({known.false}).",
        "Sizes have classes of their own where 100 or more mice stand in each.",
    ]
    head = ["Predicted volume", "Factor", "Mice, n", "Tumors, n"]
    gap = "there are too few mice for an interval"
    return TableView(f"Intervals of the volumes: {name}.", head, rows, notes, gap=gap)


def _class_name(low_mm3: float, high_mm3: float) -> str:
    if math.isinf(high_mm3):
        return f"over {low_mm3:g} mm³" if low_mm3 else "all sizes"
    return f"{low_mm3:g}\N{EN DASH}{high_mm3:g} mm³"


def _class_cells(row: Mapping[Any, Any]) -> list[Cell]:
    return [Cell(fixed(row["factor"], 2)), Cell(fixed(row["n_mice"], 0)), Cell(fixed(row["n_tumors"], 0))]


def coverage_view(name: str, table: pd.DataFrame) -> TableView:
    """Return how many intervals held on mice that did not calibrate."""
    shares, splits = ("nominal", "by_mouse", "by_tumor"), fixed(table["splits"].max(), 0)
    shown = table.head(1) if len(table) <= ONE_CLASS else table
    rows = [
        Row(with_units(str(row["group"])), [Cell(percent(row[share])) for share in shares])
        for row in shown.to_dict("records")
    ]
    notes = [f"Mean over {splits} random halvings of the mice: one half calibrates, the other is asked."]
    head = ["Sizes", "Promised", "Held, by mouse", "Held, by tumor"]
    gap = "it was not measured, or too few mice are left in a half"
    return TableView(f"Do the intervals hold? {name}.", head, rows, notes, gap=gap)


# The queue


def queue_view(queue: pd.DataFrame, shown: int) -> TableView:
    """Return the first rows of the review queue, with the reasons and what opens the scan."""
    rows = []
    for row in queue.head(shown).to_dict("records"):
        reasons, command = (str(row[name]) if pd.notna(row[name]) else "" for name in ("reasons", "command"))
        cells = [
            Cell(f"{row['dataset']} {row['mouse']}_{row['time']}"),
            Cell(reasons.replace("mm3", "mm³") or "nothing odd", css="list"),
        ]
        rows.append(Row(fixed(row["rank"], 0), [*cells, Cell(command or "no CT to open", css="list")]))
    more = len(queue) - len(rows)
    notes = [
        "Paths are as seen from the study. After a correction run the steps again: the numbers follow.",
        f"{more} more stand in review/queue.csv." if more else "",
    ]
    head = ["Rank", "Scan", "Why", "What opens it (put your name for YOU)"]
    return TableView("Scans by what is gained by looking.", head, rows, [note for note in notes if note])


# Predictions


def predictions_view(volumes: pd.DataFrame, name: str, listed: int) -> TableView:
    """Return what a model predicts: the volume of each tumor with its interval, or that it is not calibrated."""
    rows = [
        Row(f"{row['dataset']} {row['mouse']}_{row['time']}", _predicted_cells(row))
        for row in volumes.head(listed).to_dict("records")
    ]
    more = len(volumes) - len(rows)
    notes = [f"{more} more stand in volumes.csv."] if more else []
    head = ["Scan", "Tumor", "Volume (cm³)", "Interval (cm³)", "Expected Dice", "Heads disagree"]
    gap = "there is no value: no calibration, or the model has one head"
    return TableView(f"Volumes predicted by {name}.", head, rows, notes, gap=gap, long_names=True)


def _predicted_cells(row: Mapping[Any, Any]) -> list[Cell]:
    low, high = (float(row[f"volume_{end}_mm3"]) / 1000 for end in ("low", "high"))
    return [
        Cell(fixed(row["tumor"], 0)),
        Cell(fixed(float(row["volume_mm3"]) / 1000, 3)),
        Cell(from_to(low, high, 3) or "not calibrated"),
        Cell(fixed(row["expected_dice"], 2)),
        Cell(fixed(row["heads_disagreement"], 3)),
    ]


def queue_counts(queue: pd.DataFrame) -> tuple[int, int]:
    """Return how many scans have a reason to be looked at, and how many there are."""
    return int(queue["reasons"].notna().sum()), len(queue)
