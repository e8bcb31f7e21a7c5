"""The verdict on sources of masks as the report shows it: four conditions, each with its bound beside its margin."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Row, TableView, fixed
from murinoma.pages.evaluation_content import SourceEvaluation

CONDITIONS = {
    "dice": "Dice, minus the annotators’ own",
    "volume": "Volume, divided by theirs",
    "false positives": "False lesions per scan",
    "recall": "Tumors found",
}
MEANING = (
    "Dice: its mean with the annotators, minus theirs with one another. Volume: geometric mean of the ratios to the "
    "annotators, each left out in turn. False lesions: over 10 mm³, and nobody marked any of it. All four must hold; "
    "the margins were fixed beforehand."
)
STATES = {"holds": "holds", "fails": "does not hold", "open": "cannot tell"}
GAP = "there is no value: too few mice for a bound, or nothing to compare"
BEYOND_HUMAN = (
    "Agreement says how much alike masks are, not which of them is right: whatever the figures, no source is called "
    "better than its annotators."
)


def verdict_view(source: SourceEvaluation) -> TableView:
    """Return the four conditions: what was measured, the bound that decides, its margin, whether it holds."""
    rows = [
        Row(
            CONDITIONS[row["criterion"]],
            [
                Cell(_figure(row, "value")),
                Cell(_bound(row)),
                Cell(_margin(row)),
                Cell(STATES[row["state"]]),
                Cell(fixed(row["n_mice"], 0)),
                Cell(_mice_needed(row)),
            ],
        )
        for row in source.tables["verdict"].to_dict("records")
    ]
    head = ["Condition", "Measured", "Bound that decides", "Margin", "Result", "Mice, n", "Mice that could tell"]
    notes = [MEANING, *_williams_notes(source), BEYOND_HUMAN]
    return TableView(f"Is {source.name} within human variability?", head, rows, notes, gap=GAP, long_names=True)


def sources_view(sources: Sequence[SourceEvaluation]) -> TableView:
    """Return several sources beside one another: the verdict, and its four figures with their bounds."""
    rows = []
    for source in sources:
        conditions = {row["criterion"]: row for row in source.tables["verdict"].to_dict("records")}
        figures = [
            Cell(_figure(conditions[name], "value"), interval=_bound(conditions[name]).replace(NOTHING, ""))
            for name in CONDITIONS
        ]
        judged = [Cell(", ".join(source.annotators), css="words"), Cell(f"{source.scans} of {source.mice}")]
        rows.append(
            Row(source.name, [Cell(source.outcome, css="words"), *figures, Cell(fixed(source.williams, 3)), *judged])
        )
    head = [
        "Source",
        "Verdict",
        "Dice, minus the annotators’",
        "Volume ratio",
        "False lesions per scan",
        "Tumors found",
    ]
    head += ["Williams’ index", "Judged by", "Scans of mice"]
    notes = [
        "Second line: the bounds that decide. Sources compare only where the same annotators judged the same scans.",
        BEYOND_HUMAN,
    ]
    return TableView("The sources beside one another.", head, rows, notes, gap=GAP)


def percent(share: Any) -> str:
    r"""Return a share as percent.

    Examples
    --------
    >>> percent(0.5)
    '50.0\xa0%'
    """
    return NOTHING if pd.isna(share) else f"{fixed(100 * float(share), 1)}\N{NO-BREAK SPACE}%"


def _williams_notes(source: SourceEvaluation) -> list[str]:
    if math.isnan(source.williams):
        return []
    return [
        f"Williams’ index {source.williams:.3f}, its Dice divided by theirs, decides nothing: a smooth mask with a "
        "fifth too much volume can reach 1.03."
    ]


def _figure(row: Mapping[Any, Any], name: str) -> str:
    if row["criterion"] == "recall":
        return percent(row[name])
    return fixed(row[name], 2 if row["criterion"] == "false positives" else 3)


def _bound(row: Mapping[Any, Any]) -> str:
    """Return the interval where both of its ends can decide, else the end that does, or could."""
    low, high = (_figure(row, name) for name in ("low", "high"))
    if row["criterion"] in ("dice", "volume"):
        return NOTHING if NOTHING in (low, high) else f"{low} to {high}"
    is_upper = (row["criterion"] == "false positives") != (row["state"] == "fails")
    end, word = (high, "at most") if is_upper else (low, "at least")
    return end if end == NOTHING else f"{word} {end}"


def _margin(row: Mapping[Any, Any]) -> str:
    """Return between what the bound must lie."""
    least, most = row["least"], row["most"]
    if row["criterion"] == "volume":
        return f"inside {least:g} to {most:g}"
    if row["criterion"] == "false positives":
        return f"below {most:g}"
    return f"above {100 * least:g}\N{NO-BREAK SPACE}%" if row["criterion"] == "recall" else f"above {fixed(least, 2)}"


def _mice_needed(row: Mapping[Any, Any]) -> str:
    """Return how many mice could tell about a condition that is open."""
    if row["state"] != "open":
        return ""
    needed = row["mice_needed"]
    return "not known" if pd.isna(needed) else f"about {int(needed)}"
