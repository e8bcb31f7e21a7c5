"""The tables as the report shows them: every number is text, with the published value beside it where there is one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.pages.cells import (
    NOTHING,
    PUBLISHED,
    Cell,
    Column,
    Intervals,
    Row,
    TableView,
    annotators_of,
    dataset_rows,
    fixed,
    mean_and_std,
    pair_names,
)
from murinoma.pages.printed_notes import table1_notes, table2_notes, table3_notes


@dataclass(frozen=True, eq=False)
class ReportTables:
    """The tables that the page shows, as their steps wrote them; those that may be None were not written yet.

    `performance` comes with merge; intervals, `volume_agreement`, `size_trend` and `size_curve` with agree, which also
    writes `campaign` (``annotators.csv``) once one was revealed; the last is repeatability's.
    """

    scans: pd.DataFrame
    tumors: pd.DataFrame
    table1: pd.DataFrame
    table2: pd.DataFrame
    table3: pd.DataFrame
    table4: pd.DataFrame
    findings: pd.DataFrame
    performance: pd.DataFrame | None = None
    intervals: Intervals = field(default_factory=Intervals)
    volume_agreement: pd.DataFrame | None = None
    size_trend: pd.DataFrame | None = None
    size_curve: pd.DataFrame | None = None
    campaign: pd.DataFrame | None = None
    repeatability: pd.DataFrame | None = None

    @property
    def annotators(self) -> list[str]:
        """The annotators of the study, in the order of the columns."""
        return annotators_of(self.tumors)

    @property
    def datasets(self) -> list[str]:
        """The datasets with measured scans, in order."""
        return [str(name) for name in self.scans["dataset"].unique()]


TABLE1 = (
    Column("Scans, n", "scans", digits=0),
    Column("Mice, n", "mice", digits=0),
    Column("Tumors per mouse", "tumors_per_mouse", digits=0),
    Column("Volume (cm³)", "volume_mean_cm3", "volume_std_cm3"),
    Column("Minimum (cm³)", "volume_min_cm3"),
    Column("Maximum (cm³)", "volume_max_cm3"),
    Column("Year of scans", "year", digits=0),
    Column("Tumor volumes, n", "tumors", digits=0),
)
TABLE2 = {
    "voltage_kVp": "Voltage (kVp)",
    "exposure_ms": "Exposure time (ms)",
    "current_uA": "Current (µA)",
    "voxel_mm": "Voxel size (mm)",
    "time_points": "Scan time points",
    "missing": "Scans not present at time points",
    "scanner": "Scanner",
    "reconstruction": "Reconstruction",
    "bed": "Bed",
    "site": "Site of inoculation",
}
WORDS = ("scanner", "reconstruction", "bed", "site")
ALWAYS = ("voltage_kVp", "exposure_ms", "current_uA", "voxel_mm", "time_points", "missing")
NONE = "none"
LONG = 30  # letters; a longer cell is broken
NOT_RECORDED = "not recorded: neither a file beside the CT nor study.toml says it"
NO_YEAR = "there is no value: a single one has no standard deviation, a year may not be recorded"
PAIR_MEASURES = (
    ("Sørensen-Dice coefficient", "dice", "", 3),
    ("Volume difference (cm³)", "volume_difference", "cm3", 3),
    ("Volume difference (%)", "volume_difference", "percent", 1),
)
OVERALL_MEASURES = (
    ("Fleiss’ kappa", "fleiss_kappa", "", 3),
    ("Volume RMSE (cm³)", "volume_rmse", "cm3", 3),
    ("Volume RMSE (%)", "volume_rmse", "percent", 1),
)
INTERVALS_OF = {
    ("fleiss_kappa", ""): "fleiss_kappa",
    ("volume_rmse", "cm3"): "rmse_cm3",
    ("volume_rmse", "percent"): "rmse_percent",
}  # the measures of all annotators whose means have intervals
BEYOND = {
    ("volume_difference", "percent_of_pair"): ("Volume difference (% of the pair’s mean)", 1),
    ("volume_ratio", "geometric"): ("Volume ratio, first / second (geometric mean ×/÷ SD)", 3),
    ("fleiss_kappa_box", ""): ("Fleiss’ kappa inside the box of all marks", 3),
    ("volume_rmse_found", "cm3"): ("Volume RMSE (cm³) of tumors that everyone marked", 3),
    ("volume_rmse_found", "percent"): ("Volume RMSE (%) of tumors that everyone marked", 1),
}


def table1_view(tables: ReportTables) -> TableView:
    """Return Table 1 as it is shown, with the years where any is known."""
    dated = tables.table1["year"].notna().any() or f"{PUBLISHED}year" in tables.table1
    columns = [column for column in TABLE1 if dated or column.value != "year"]
    note = "Volumes are per tumor and scan, the mean of the annotators; mean ± standard deviation over these."
    head, rows = dataset_rows(tables.table1, columns)
    notes = [note, *table1_notes(tables.table1)]
    return TableView("Table 1. Details for each dataset.", head, rows, notes, gap=NO_YEAR)


def table2_view(tables: ReportTables) -> TableView:
    """Return Table 2 as it is shown: the paper's columns, and the others of which anything is known."""
    table = tables.table2
    columns = {name: head for name, head in TABLE2.items() if name in ALWAYS or table[name].notna().any()}
    rows = [
        Row(str(row["dataset"]), [_text_cell(row, column) for column in columns]) for row in table.to_dict("records")
    ]
    caption = "Table 2. Scan parameters and time points for each dataset."
    head, notes = ["Dataset", *columns.values()], list(table2_notes(table))
    return TableView(caption, head, rows, notes, gap=NOT_RECORDED)


def _text_cell(row: Mapping[Any, Any], column: str) -> Cell:
    nothing, css = (NONE, "list") if column == "missing" else (NOTHING, "words" if column in WORDS else "")
    text = str(row[column]) if pd.notna(row[column]) and row[column] else nothing
    css = css or ("list" if len(text) > LONG else "")
    if f"{PUBLISHED}{column}" not in row:
        return Cell(_unbroken(text), css=css)
    printed = _as_printed(column, row[f"{PUBLISHED}{column}"])
    repeated = column == "missing" and printed == text != NONE
    return Cell(_unbroken(text), "the same" if repeated else _unbroken(printed), css)


def _as_printed(column: str, printed: Any) -> str:
    """Return a cell of the printed Table 2 with the blanks that ours has."""
    if pd.isna(printed):
        return NONE
    if column == "voxel_mm":
        return fixed(printed, 3)
    return re.sub(r"([;:,])(?=\S)", r"\1 ", str(printed))


def _unbroken(text: str) -> str:
    """Return a text that is broken after the times of a mouse only: ``M03: 13d, 20d;``."""
    return re.sub(r"(?<=[:,]) ", "\N{NO-BREAK SPACE}", text)


def table4_view(tables: ReportTables) -> TableView:
    """Return Table 4 as it is shown, with the interval of each mean."""
    pairs, intervals = pair_names(tables.annotators), tables.intervals
    between = "" if max(map(len, tables.annotators), default=1) == 1 else "_"
    columns = [
        (Column(f"Dice {name}", f"dice_{a}{between}{b}_mean", f"dice_{a}{between}{b}_std"), f"dice_{a}_{b}")
        for (a, b), name in pairs.items()
    ]
    columns.append((Column("Fleiss’ kappa", "fleiss_kappa_mean", "fleiss_kappa_std"), "fleiss_kappa"))
    rows = []
    for row in tables.table4.to_dict("records"):
        dataset = str(row["dataset"])
        cells = [intervals.beside(column.cell(row), dataset, measure, 3) for column, measure in columns]
        mice = tables.scans.loc[tables.scans["dataset"] == dataset, "mouse"].nunique()
        rows.append(Row(dataset, [*cells, Cell(fixed(row["scans"], 0)), Cell(str(mice))]))
    head = ["Dataset", *(column.head for column, _ in columns), "Scans, n", "Mice, n"]
    notes = ["Mean ± standard deviation over scans.", *intervals.notes(tables.datasets, [name for _, name in columns])]
    return TableView("Table 4. Agreement for each dataset.", head, rows, notes)


MeasureRows = Mapping[tuple[str, str, str], Mapping[Any, Any]]


def _measures(table3: pd.DataFrame) -> MeasureRows:
    """Return the rows of Table 3 by measure, pair (or ``all``) and unit."""
    rows = table3.astype({"unit": object}).fillna({"unit": ""}).to_dict("records")
    return {(str(row["measure"]), str(row["group"]), str(row["unit"])): row for row in rows}


def table3_views(tables: ReportTables) -> list[TableView]:
    """Return Table 3 as it is shown: the pairs of annotators, then all of them together."""
    rows, pairs = _measures(tables.table3), pair_names(tables.annotators)
    names, mice = {f"{a}-{b}": name for (a, b), name in pairs.items()}, Cell(str(n_mice(tables.scans)))
    dice = {f"{a}-{b}": f"dice_{a}_{b}" for a, b in pairs}
    counts = ("Scans, n", "Tumors, n", "Mice, n")
    pair_notes = [
        "Volume differences are first minus second annotator; % is of the mean of all annotators.",
        *tables.intervals.notes(["all"], list(dice.values())),
        *table3_notes(tables.table3),
    ]
    return [
        TableView(
            "Table 3. Comparison between pairs of annotators.",
            ["Annotators", *(measure[0] for measure in PAIR_MEASURES), *counts],
            [
                Row(name, [*_measure_cells(rows, group, PAIR_MEASURES, tables.intervals, dice[group]), mice])
                for group, name in names.items()
            ],
            pair_notes,
        ),
        TableView(
            "Table 3, continued. All annotators together.",
            ["Annotators", *(measure[0] for measure in OVERALL_MEASURES), *counts],
            [Row("All", [*_measure_cells(rows, "all", OVERALL_MEASURES, tables.intervals), mice])],
            [
                "RMSE is between the volume of each annotator and the mean of all; a missed tumor counts as 0 cm³.",
                *tables.intervals.notes(["all"], list(INTERVALS_OF.values())),
            ],
        ),
    ]


Measure = tuple[str, str, str, int]


def _measure_cells(
    rows: MeasureRows, group: str, measures: Sequence[Measure], intervals: Intervals, dice: str = ""
) -> list[Cell]:
    """Return the cells of one pair (or of all), then how many scans and tumors have a value."""
    cells, found = [], [rows.get((measure, group, unit), {}) for _, measure, unit, _ in measures]
    for row, (_, measure, unit, digits) in zip(found, measures, strict=True):
        name = dice if measure == "dice" else INTERVALS_OF.get((measure, unit), "")
        cells.append(intervals.beside(Column("", "mean", "std", digits).cell(row), "all", name, digits))
    return [*cells, *(Cell(_count(row)) for row in found[:2])]


def _count(row: Mapping[Any, Any]) -> str:
    without = int(row.get("undefined", 0))
    return fixed(row.get("n"), 0) + (f" ({without} without a value)" if without else "")


def n_mice(rows: pd.DataFrame) -> int:
    """Return how many mice a table is about: their numbers are unique within a dataset only."""
    return len(rows[["dataset", "mouse"]].drop_duplicates())


def beyond_view(tables: ReportTables) -> TableView:
    """Return what Table 3 holds beyond the paper's."""
    names = {f"{a}-{b}": name for (a, b), name in pair_names(tables.annotators).items()}
    rows = []
    for (measure, group, unit), row in _measures(tables.table3).items():
        if (measure, unit) in BEYOND:
            name, digits = BEYOND[measure, unit]
            text = mean_and_std(row["mean"], row["std"], digits)
            shown = text.replace("±", "×/÷") if unit == "geometric" else text
            rows.append(Row(name, [Cell(names.get(group, group)), Cell(shown), Cell(_count(row))]))
    return TableView("Beyond the paper’s tables.", ["Measure", "Annotators", "Value", "n"], rows, long_names=True)


def is_published(table3: pd.DataFrame) -> bool:
    """Tell whether the study is the whole published one: its Table 3 has the printed values beside it."""
    return f"{PUBLISHED}mean" in table3.columns


def baseline() -> list[tuple[str, str]]:
    """Return agreement and RMSE of the paper's Table 3 as (measure, value)."""
    rows, names = _measures(published.table(3)), pair_names("ABC")
    dice = [(f"Dice {name}", rows["dice", f"{a}-{b}", ""], 3) for (a, b), name in names.items()]
    overall = [(name, rows[measure, "all", unit], digits) for name, measure, unit, digits in OVERALL_MEASURES]
    return [(name, mean_and_std(row["mean"], row["std"], digits)) for name, row, digits in [*dice, *overall]]


def key_figures(tables: ReportTables) -> list[tuple[str, str]]:
    """Return the study at a glance as (name, value)."""
    scans, tumors = tables.scans, tables.tumors
    return [
        ("mean Dice of all pairs", mean_and_std(scans["dice_mean"].mean(), scans["dice_mean"].std(), 3)),
        ("Fleiss’ kappa", mean_and_std(scans["fleiss_kappa"].mean(), scans["fleiss_kappa"].std(), 3)),
        ("volume RMSE (%)", mean_and_std(tumors["rmse_percent"].mean(), tumors["rmse_percent"].std(), 1)),
        ("tumor volume (cm³)", mean_and_std(tumors["volume_cm3_mean"].mean(), tumors["volume_cm3_mean"].std(), 3)),
    ]


def performance_view(table: pd.DataFrame) -> TableView:
    """Return the annotators against the consensus, mean and standard deviation over scans."""
    measures = {"sensitivity": 3, "specificity": 5, "precision": 3}
    rows = []
    for name, part in table.groupby("annotator"):
        cells = [Cell(mean_and_std(part[key].mean(), part[key].std(), digits)) for key, digits in measures.items()]
        rows.append(Row(str(name), [*cells, Cell(str(len(part)))]))
    head = ["Annotator", *(f"{key.capitalize()}" for key in measures), "Scans, n"]
    return TableView("Annotators against the STAPLE consensus.", head, rows)
