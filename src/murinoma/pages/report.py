"""The report: one self-contained HTML page from a study's tables and pictures.

What is asked for, in reading order: the study at a glance, the paper's Tables 1, 3 and 4 with the published values
beside them, a picture of each dataset, the annotators against the consensus, and the methods.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.pages.figures import SKELETON_HU, SOFT_TISSUE_HU, ScanView, view_images

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
PUBLISHED = "published_"


@dataclass(frozen=True)
class ScanPicture:
    """A picture of one scan, and why it was chosen.

    `scan` is its name (``M02_8d``); it holds the tumor (`volume_cm3`) closest to the `aim` of the dataset, such as
    ``median tumor volume``, which is `aim_cm3`.
    """

    dataset: str
    scan: str
    volume_cm3: float
    aim: str
    aim_cm3: float
    view: ScanView


@dataclass(frozen=True)
class StudyFacts:
    """What the page says about the study as a whole.

    Attributes
    ----------
    datasets, mice, scans
        How many the study has.
    annotators
        Their names.
    exclusions
        (scan or tumor, reason) of everything left out by people.
    failures
        (scan, sentence) of every scan without a result.
    notices
        Sentences about what is odd.
    checked
        False if `findings` knows names and folders only, because the files were not checked.
    """

    title: str
    datasets: int
    mice: int
    scans: int
    annotators: tuple[str, ...]
    exclusions: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    checked: bool = True


@dataclass(frozen=True, eq=False)
class ReportTables:
    """The tables that the page shows, as their steps wrote them; `performance` is None before a merge."""

    scans: pd.DataFrame
    tumors: pd.DataFrame
    table1: pd.DataFrame
    table3: pd.DataFrame
    table4: pd.DataFrame
    findings: pd.DataFrame
    performance: pd.DataFrame | None = None


@dataclass(frozen=True)
class Cell:
    """What one cell shows, and the published value beside it, if there is one."""

    text: str
    published: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table: its name and its cells."""

    name: str
    cells: Sequence[Cell]


@dataclass(frozen=True)
class TableView:
    """A table as it is shown; `notes` stand below it. Long names of rows may be broken on a narrow screen."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    notes: Sequence[str] = ()
    long_names: bool = False

    @property
    def has_published(self) -> bool:
        """Whether any cell has a published value beside it."""
        return any(cell.published for row in self.rows for cell in row.cells)

    @property
    def has_gaps(self) -> bool:
        """Whether any cell shows that there is no value."""
        return any(NOTHING in cell.text for row in self.rows for cell in row.cells)


def render_report(facts: StudyFacts, tables: ReportTables, pictures: Sequence[ScanPicture], *, version: str) -> str:
    """Return the whole page; the same values give the same text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["fixed"] = fixed
    order = {"error": 0, "oddity": 1}
    findings = tables.findings.sort_values("severity", key=lambda column: column.map(order), kind="stable")
    return environment.get_template("report.html.j2").render(
        facts=facts,
        version=version,
        nothing=NOTHING,
        figures=_key_figures(tables),
        measured=len(tables.scans),
        tumor_volumes=len(tables.tumors),
        findings=findings.astype(object).fillna("").to_dict("records"),
        errors=int((findings["severity"] == "error").sum()),
        table1=_table1(tables),
        table3=_table3(tables),
        table4=_table4(tables),
        beyond=_beyond(tables),
        baseline=None if _is_published(tables.table3) else _baseline(),
        pictures=[(picture, view_images(picture.view)) for picture in pictures],
        soft=[fixed(limit, 0) for limit in SOFT_TISSUE_HU],
        skeleton=[fixed(limit, 0) for limit in SKELETON_HU],
        performance=None if tables.performance is None else _performance(tables.performance),
    )


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


def _table1(tables: ReportTables) -> TableView:
    dated = tables.table1["year"].notna().any() or f"{PUBLISHED}year" in tables.table1
    columns = [column for column in TABLE1 if dated or column.value != "year"]
    note = "Volumes are per tumor and scan, the mean of the annotators; mean ± standard deviation over these."
    return TableView("Table 1. Details for each dataset.", *_dataset_rows(tables.table1, columns), [note])


def _table4(tables: ReportTables) -> TableView:
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


def _table3(tables: ReportTables) -> list[TableView]:
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


def _beyond(tables: ReportTables) -> TableView:
    names = _pair_names(_annotators(tables.tumors))
    rows = []
    for (measure, group, unit), row in _measures(tables.table3).items():
        if (measure, unit) in BEYOND:
            name, digits = BEYOND[measure, unit]
            text = mean_and_std(row["mean"], row["std"], digits)
            shown = text.replace("±", "×/÷") if unit == "geometric" else text
            rows.append(Row(name, [Cell(names.get(group, group)), Cell(shown), Cell(_count(row))]))
    return TableView("Beyond the paper’s tables.", ["Measure", "Annotators", "Value", "n"], rows, long_names=True)


def _is_published(table3: pd.DataFrame) -> bool:
    return f"{PUBLISHED}mean" in table3.columns


def _baseline() -> list[tuple[str, str]]:
    """Return agreement and RMSE of the paper's Table 3 as (measure, value)."""
    rows, names = _measures(published.table(3)), _pair_names("ABC")
    dice = [(f"Dice {name}", rows["dice", group, ""], 3) for group, name in names.items()]
    overall = [(name, rows[measure, "all", unit], digits) for name, measure, unit, digits in OVERALL_MEASURES]
    return [(name, mean_and_std(row["mean"], row["std"], digits)) for name, row, digits in [*dice, *overall]]


def _key_figures(tables: ReportTables) -> list[tuple[str, str]]:
    scans, tumors = tables.scans, tables.tumors
    return [
        ("mean Dice of all pairs", mean_and_std(scans["dice_mean"].mean(), scans["dice_mean"].std(), 3)),
        ("Fleiss’ kappa", mean_and_std(scans["fleiss_kappa"].mean(), scans["fleiss_kappa"].std(), 3)),
        ("volume RMSE (%)", mean_and_std(tumors["rmse_percent"].mean(), tumors["rmse_percent"].std(), 1)),
        ("tumor volume (cm³)", mean_and_std(tumors["volume_cm3_mean"].mean(), tumors["volume_cm3_mean"].std(), 3)),
    ]


def _performance(table: pd.DataFrame) -> TableView:
    measures = {"sensitivity": 3, "specificity": 5, "precision": 3}
    rows = []
    for name, part in table.groupby("annotator"):
        cells = [Cell(mean_and_std(part[key].mean(), part[key].std(), digits)) for key, digits in measures.items()]
        rows.append(Row(str(name), [*cells, Cell(str(len(part)))]))
    head = ["Annotator", *(f"{key.capitalize()}" for key in measures), "Scans, n"]
    return TableView("Annotators against the STAPLE consensus.", head, rows)
