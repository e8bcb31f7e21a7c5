"""What every shown table is made of: numbers as text, cells, rows, and a table with its notes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pandas as pd

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
PUBLISHED = "published_"


@dataclass(frozen=True)
class Cell:
    """What one cell shows, with its interval and the published value below it, if there are any.

    Where its text may be broken, `css` is ``words`` or ``list``.
    """

    text: str
    published: str = ""
    css: str = ""
    interval: str = ""


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


def from_to(low: Any, high: Any, digits: int) -> str:
    """Return ``0.880 to 0.910``; nothing where there is no interval."""
    return "" if pd.isna(low) or pd.isna(high) else f"{fixed(low, digits)} to {fixed(high, digits)}"


@dataclass(frozen=True)
class Column:
    """A column of a shown table: its head, and the columns of the CSV that it is made of.

    `value` with `std` beside it, or alone; an interval from `low` to `high` below.
    """

    head: str
    value: str
    std: str = ""
    digits: int = 3
    low: str = ""
    high: str = ""

    def cell(self, row: Mapping[Any, Any]) -> Cell:
        """Return the cell of one row of the CSV, with the published value where the row has one."""
        known = f"{PUBLISHED}{self.value}" in row
        interval = from_to(row.get(self.low), row.get(self.high), self.digits) if self.low else ""
        return Cell(self._text(row, ""), self._text(row, PUBLISHED) if known else "", interval=interval)

    def _text(self, row: Mapping[Any, Any], prefix: str) -> str:
        value = row.get(f"{prefix}{self.value}")
        if not self.std:
            return fixed(value, self.digits)
        return mean_and_std(value, row.get(f"{prefix}{self.std}"), self.digits)


def dataset_rows(table: pd.DataFrame, columns: Sequence[Column]) -> tuple[list[str], list[Row]]:
    """Return the head and the rows of a table that has one row per dataset."""
    rows = [Row(str(row["dataset"]), [column.cell(row) for column in columns]) for row in table.to_dict("records")]
    return ["Dataset", *(column.head for column in columns)], rows


def annotators_of(tumors: pd.DataFrame) -> list[str]:
    """Return the annotators of a study, whose volumes are columns of its table of tumors."""
    prefix = "volume_cm3_"
    return [name.removeprefix(prefix) for name in map(str, tumors.columns) if name.startswith(prefix)][:-1]


def pair_names(annotators: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return (A, B) -> ``A vs. B`` for all pairs, in order."""
    return {(a, b): f"{a} vs. {b}" for a, b in combinations(annotators, 2)}


@dataclass(frozen=True, eq=False)
class Intervals:
    """The 95 % intervals of means over mice, ``agreement/intervals.csv``; none before agree wrote them."""

    table: pd.DataFrame | None = None

    def beside(self, cell: Cell, dataset: str, measure: str, digits: int) -> Cell:
        """Return a cell with the interval of its mean below it, where there is one."""
        row = self._row(dataset, measure)
        return cell if row is None else replace(cell, interval=from_to(row["low"], row["high"], digits))

    def mice(self, dataset: str, measure: str) -> str:
        """Return from how many mice an interval comes; an en dash where nothing is known."""
        row = self._row(dataset, measure)
        return NOTHING if row is None else fixed(row["n_mice"], 0)

    def notes(self, datasets: Sequence[str], measures: Sequence[str]) -> Iterator[str]:
        """Yield what intervals are and how they were made, and where there is none."""
        if self.table is None:
            return
        rows = {name: [self._row(name, measure) for measure in measures] for name in datasets}
        known = {name: [row for row in found if row is not None] for name, found in rows.items()}
        shown = [row for found in known.values() for row in found if pd.notna(row["low"])]
        if shown:
            methods = list(dict.fromkeys(str(row["method"]) for row in shown))
            yield f"Second line: 95 % interval of the mean over mice ({'; '.join(methods)})."
        few = [name for name, found in known.items() if found and all(pd.isna(row["low"]) for row in found)]
        for name in few:
            mice = max(int(row["n_mice"]) for row in known[name])
            place = "" if name == "all" else f" of {name}"
            yield f"No interval{place}: {mice} {'mouse' if mice == 1 else 'mice'}, fewer than five."

    def _row(self, dataset: str, measure: str) -> "pd.Series[Any] | None":
        if self.table is None:
            return None
        rows = self.table[(self.table["dataset"] == dataset) & (self.table["measure"] == measure)]
        return None if rows.empty else rows.iloc[0]
