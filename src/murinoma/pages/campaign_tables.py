"""The annotators of a campaign as the report shows them: time, tissue rule, agreement with oneself; repeatability."""

from typing import Any

import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Column, Row, TableView, fixed

ANNOTATORS = (
    Column("Scans, n", "scans", digits=0),
    Column("Voxels taken by the tissue rule, mean", "removed_voxels_mean", digits=0),
    Column("Corrected, not drawn, n", "corrected", digits=0),
    Column("Drawn twice, n", "repeats", digits=0),
    Column("Dice with oneself", "repeat_dice_mean"),
    Column("Volume ratio, second / first", "repeat_ratio"),
)
REPEATABILITY = (
    Column("Pairs, n", "n_changes", digits=0),
    Column("Mice, n", "n_mice", digits=0),
    Column("SD of the log change", "sd_change"),
    Column("SD of one measurement, log", "sd_within", low="sd_within_low", high="sd_within_high"),
)


def annotators_view(table: pd.DataFrame) -> TableView:
    """Return what a campaign tells about its annotators, from ``agreement/annotators.csv``."""
    rows = [
        Row(
            str(row["annotator"]), [Cell(_minutes(row["seconds_median"])), *(column.cell(row) for column in ANNOTATORS)]
        )
        for row in table.to_dict("records")
    ]
    notes = [
        "Time is active time: pauses of over a minute count as a minute.",
        "A scan is drawn twice under two codes, so that nobody knows; oneself is a bound for what others can reach.",
    ]
    head = ["Annotator", "Time per scan, median", *(column.head for column in ANNOTATORS)]
    return TableView("The annotators of the campaign.", head, rows, notes)


def repeatability_view(table: pd.DataFrame) -> TableView:
    """Return how far volumes move by measurement alone, from ``repeatability/repeatability.csv``."""
    rows = [
        Row(
            f"{str(row['kind']).capitalize()}, {row['source']}",
            [*(column.cell(row) for column in REPEATABILITY), Cell(_change(row["fall_percent"], row["rise_percent"]))],
        )
        for row in table.to_dict("records")
    ]
    notes = [
        "The last column: a change of a volume within it is seen in 95 % of cases although nothing changed.",
        "Second line: 95 % interval; there is none under five mice.",
    ]
    head = ["Compared", *(column.head for column in REPEATABILITY), "Change by measurement alone"]
    return TableView("Repeatability of volumes.", head, rows, notes)


def _minutes(seconds: Any) -> str:
    """Return ``4.2 min``; below a tenth of a minute the seconds."""
    if pd.isna(seconds):
        return NOTHING
    return f"{fixed(seconds, 0)} s" if seconds < 60 else f"{fixed(seconds / 60, 1)} min"


def _change(fall: float, rise: float) -> str:
    return NOTHING if pd.isna(fall) else f"−{fixed(-fall, 0)} to +{fixed(rise, 0)} %"
