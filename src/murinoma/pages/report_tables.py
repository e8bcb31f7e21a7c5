"""The tables as the report shows them: every number is text, with the published value beside it where there is one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.pages.paper_tables import BETWEEN

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
PUBLISHED = "published_"


@dataclass(frozen=True, eq=False)
class ReportTables:
    """The tables that the page shows, as their steps wrote them; `performance` is None before a merge."""

    scans: pd.DataFrame
    tumors: pd.DataFrame
    table1: pd.DataFrame
    table2: pd.DataFrame
    table3: pd.DataFrame
    table4: pd.DataFrame
    findings: pd.DataFrame
    performance: pd.DataFrame | None = None


@dataclass(frozen=True)
class Cell:
    """What one cell shows, and the published value beside it, if there is one.

    Where its text may be broken, `css` is ``words`` or ``list``.
    """

    text: str
    published: str = ""
    css: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table: its name and its cells."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class TableView:
    """A table as it is shown; `notes` stand below it, and what a dash means (`gap`) where there is one.

    Long names of rows may be broken on a narrow screen.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    gap: str = "there is no value: a single one has no standard deviation, two empty masks have no Dice"
    long_names: bool = False

    @property
    def has_published(self) -> bool:
        """Whether any cell has a published value beside it."""
        return any(cell.published for row in self.rows for cell in row.cells)

    @property
    def has_gaps(self) -> bool:
        """Whether any cell shows that there is no value."""
        return any(NOTHING in cell.text for row in self.rows for cell in row.cells)


def fixed(value: Any, digits: int) -> str:
    """Return a number with so many decimals and a true minus; an en dash where there is none.

    Examples
    --------
    >>> fixed(0.9, 3), fixed(float("nan"), 3), fixed(-0.0001, 3)
    ('0.900', '–', '0.000')
    """
    if pd.isna(value):
        return NOTHING
    text = f"{float(value):.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text.replace("-", MINUS)


def mean_and_std(mean: Any, std: Any, digits: int) -> str:
    """Return ``0.900 ± 0.056``; an en dash alone where there is no mean, after ± where there is no deviation."""
    return NOTHING if pd.isna(mean) else f"{fixed(mean, digits)} ± {fixed(std, digits)}"


@dataclass(frozen=True)
class _Column:
    """A column of a shown table: its head, and the columns of the CSV that it is made of."""

    head: str
    value: str
    std: str = ""
    digits: int = 3

    def cell(self, row: Mapping[Any, Any]) -> Cell:
        known = f"{PUBLISHED}{self.value}" in row
        return Cell(self._text(row, ""), self._text(row, PUBLISHED) if known else "")

    def _text(self, row: Mapping[Any, Any], prefix: str) -> str:
        value = row.get(f"{prefix}{self.value}")
        if not self.std:
            return fixed(value, self.digits)
        return mean_and_std(value, row.get(f"{prefix}{self.std}"), self.digits)


TABLE1 = (
    _Column("Scans, n", "scans", digits=0),
    _Column("Mice, n", "mice", digits=0),
    _Column("Tumors per mouse", "tumors_per_mouse", digits=0),
    _Column("Volume (cm³)", "volume_mean_cm3", "volume_std_cm3"),
    _Column("Minimum (cm³)", "volume_min_cm3"),
    _Column("Maximum (cm³)", "volume_max_cm3"),
    _Column("Year of scans", "year", digits=0),
    _Column("Tumor volumes, n", "tumors", digits=0),
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
PRINTED_LACKS = {"Dataset 2": "M14: 8d", "Dataset 6": "M03: 0d", "Dataset 10": "M07: 13d; M25: 13d"}
NONE = "none"
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
    head, rows = _dataset_rows(tables.table1, columns)
    return TableView("Table 1. Details for each dataset.", head, rows, [note], gap=NO_YEAR)


def table2_view(tables: ReportTables) -> TableView:
    """Return Table 2 as it is shown: the paper's columns, and the others of which anything is known."""
    table = tables.table2
    columns = {name: head for name, head in TABLE2.items() if name in ALWAYS or table[name].notna().any()}
    rows = [
        Row(str(row["dataset"]), [_text_cell(row, column) for column in columns]) for row in table.to_dict("records")
    ]
    caption = "Table 2. Scan parameters and time points for each dataset."
    head, notes = ["Dataset", *columns.values()], list(_table2_notes(table))
    return TableView(caption, head, rows, notes, gap=NOT_RECORDED)


def _text_cell(row: Mapping[Any, Any], column: str) -> Cell:
    nothing, css = (NONE, "list") if column == "missing" else (NOTHING, "words" if column in WORDS else "")
    text = str(row[column]) if pd.notna(row[column]) and row[column] else nothing
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


def _table2_notes(table: pd.DataFrame) -> Iterator[str]:
    others = [f"{row['dataset']} {row['other_scans']}" for row in table.to_dict("records") if row["other_scans"]]
    if others:
        yield f"Scans at other times: {BETWEEN.join(others)}."
    if f"{PUBLISHED}missing" not in table:
        return
    absent = [f"{name} {PRINTED_LACKS[name]}" for name in table["dataset"] if name in PRINTED_LACKS]
    if absent:
        yield (
            f"The printed table leaves out {BETWEEN.join(absent)}: these scans are not among the published files, "
            "and without them the numbers of scans are those of Table 1."
        )
    if "Dataset 10" in set(table["dataset"]):
        yield "It says 3d for Dataset 10, whose folders say 13d."


def table4_view(tables: ReportTables) -> TableView:
    """Return Table 4 as it is shown."""
    columns = [
        _Column(f"Dice {a} vs. {b}", f"dice_{a}{b}_mean", f"dice_{a}{b}_std")
        for a, b in combinations(_annotators(tables.tumors), 2)
    ]
    columns += [
        _Column("Fleiss’ kappa", "fleiss_kappa_mean", "fleiss_kappa_std"),
        _Column("Scans, n", "scans", digits=0),
    ]
    note = "Mean ± standard deviation over scans."
    return TableView("Table 4. Agreement for each dataset.", *_dataset_rows(tables.table4, columns), [note])


def _dataset_rows(table: pd.DataFrame, columns: Sequence[_Column]) -> tuple[list[str], list[Row]]:
    rows = [Row(str(row["dataset"]), [column.cell(row) for column in columns]) for row in table.to_dict("records")]
    return ["Dataset", *(column.head for column in columns)], rows


def _annotators(tumors: pd.DataFrame) -> list[str]:
    prefix = "volume_cm3_"
    return [name.removeprefix(prefix) for name in map(str, tumors.columns) if name.startswith(prefix)][:-1]


MeasureRows = Mapping[tuple[str, str, str], Mapping[Any, Any]]


def _measures(table3: pd.DataFrame) -> MeasureRows:
    """Return the rows of Table 3 by measure, pair (or ``all``) and unit."""
    rows = table3.astype({"unit": object}).fillna({"unit": ""}).to_dict("records")
    return {(str(row["measure"]), str(row["group"]), str(row["unit"])): row for row in rows}


def table3_views(tables: ReportTables) -> list[TableView]:
    """Return Table 3 as it is shown: the pairs of annotators, then all of them together."""
    rows, names = _measures(tables.table3), _pair_names(_annotators(tables.tumors))
    counts = ("Scans, n", "Tumors, n")
    return [
        TableView(
            "Table 3. Comparison between pairs of annotators.",
            ["Annotators", *(measure[0] for measure in PAIR_MEASURES), *counts],
            [Row(name, _measure_cells(rows, group, PAIR_MEASURES)) for group, name in names.items()],
            ["Volume differences are first minus second annotator; % is of the mean of all annotators."],
        ),
        TableView(
            "Table 3, continued. All annotators together.",
            ["Annotators", *(measure[0] for measure in OVERALL_MEASURES), *counts],
            [Row("All", _measure_cells(rows, "all", OVERALL_MEASURES))],
            ["RMSE is between the volume of each annotator and the mean of all; a missed tumor counts as 0 cm³."],
        ),
    ]


def _pair_names(annotators: Sequence[str]) -> dict[str, str]:
    """Return ``A-B`` -> ``A vs. B`` for all pairs, in order."""
    return {f"{a}-{b}": f"{a} vs. {b}" for a, b in combinations(annotators, 2)}


Measure = tuple[str, str, str, int]


def _measure_cells(rows: MeasureRows, group: str, measures: Sequence[Measure]) -> list[Cell]:
    """Return the cells of one pair (or of all), then how many scans and tumors have a value."""
    found = [(rows.get((measure, group, unit), {}), digits) for _, measure, unit, digits in measures]
    cells = [_Column("", "mean", "std", digits).cell(row) for row, digits in found]
    return [*cells, *(Cell(_count(row)) for row, _ in found[:2])]


def _count(row: Mapping[Any, Any]) -> str:
    without = int(row.get("undefined", 0))
    return fixed(row.get("n"), 0) + (f" ({without} without a value)" if without else "")


def beyond_view(tables: ReportTables) -> TableView:
    """Return what Table 3 holds beyond the paper's."""
    names = _pair_names(_annotators(tables.tumors))
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
    rows, names = _measures(published.table(3)), _pair_names("ABC")
    dice = [(f"Dice {name}", rows["dice", group, ""], 3) for group, name in names.items()]
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
