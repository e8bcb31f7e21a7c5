"""Tables as CSV: UTF-8, one row per scan or tumor, the unit in the column's name; and all of them as one workbook."""

import io
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd

from murinoma.errors import FileError
from murinoma.files.atomic import write_bytes, write_text

TEXT = dict.fromkeys(("dataset", "mouse", "time", "source"), str)  # names stay names: mouse 01, annotator NA
SIGNIFICANT = "%.9g"  # digits of a number: beyond any measurement, and the same bytes on every machine
SHEET_NAME = 31  # characters, by Excel
NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
CELL_TEXT = 32_767  # characters, by Excel
WIDTHS = (8, 48)  # of a column, characters
PLAIN_TEXT: dict[str, Any] = {
    "in_memory": True,
    "strings_to_formulas": False,  # a name that begins with = is a name
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all; missing values are empty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_text(path, table_text(table))


def table_text(table: pd.DataFrame) -> str:
    """Return a table as the text of its CSV; missing values are empty."""
    return str(table.to_csv(index=False, float_format=SIGNIFICANT, lineterminator="\n"))


def read_table(path: Path, columns: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return a table from CSV; it must have `columns`, and may have more.

    Raises
    ------
    FileError
        If the file is missing, is no CSV, or lacks one of `columns`.
    """
    try:
        table = pd.read_csv(path, encoding="utf-8-sig", dtype=TEXT, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read the table {path} ({error}); run the step that writes it again") from error
    absent = [name for name in columns if name not in table.columns]
    if absent:
        raise FileError(f"{path} lacks the columns {', '.join(absent)}; run the step that writes it again")
    return table


def replace_sources(rows: pd.DataFrame, path: Path, sources: list[str]) -> None:
    """Write the rows of `sources` into a table that several steps share, and leave the other sources' rows.

    `rows` has a column ``source``; the table is sorted by its source, so that the order of the steps does not show.

    Raises
    ------
    FileError, OutputError
        As `read_table` and `write_table`.
    """
    kept = read_table(path, ("source",)) if path.exists() else rows.iloc[:0]
    kept = kept[~kept["source"].astype(str).isin(sources)]
    parts = [part for part in (kept, rows) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else rows
    write_table(table.sort_values("source", kind="stable"), path)


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write tables as one XLSX, a sheet each, whole or not at all; the same tables give the same bytes.

    Missing values are empty cells, and a text is a text whatever it begins with.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_bytes(path, _workbook(tables))


def _workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    from xlsxwriter import Workbook

    stream = io.BytesIO()
    with Workbook(stream, PLAIN_TEXT) as book:
        book.set_properties({"created": datetime(2000, 1, 1)})  # no date of today: the same bytes tomorrow
        bold = book.add_format({"bold": True})
        for name, table in zip(sheet_names(tables), tables.values(), strict=True):
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for column, head in enumerate(map(str, table.columns)):
                values = list(table.iloc[:, column])
                sheet.set_column(column, column, _width([head, *values]))
                sheet.write_string(0, column, head[:CELL_TEXT], bold)
                _write_column(sheet, column, values)
    return stream.getvalue()


def sheet_names(names: Iterable[str]) -> list[str]:
    """Return names that a workbook takes: without its forbidden signs, short enough, different without regard to case.

    Examples
    --------
    >>> sheet_names(["Table 1", "table 1", "a/b"])
    ['Table 1', 'table 1 2', 'a b']
    """
    taken: list[str] = []
    for name in names:
        plain = NO_SHEET_NAME.sub(" ", name).strip(" '")[:SHEET_NAME] or "Sheet"
        tries = (plain, *(f"{plain[: SHEET_NAME - 4]} {number}" for number in range(2, 1000)))
        used = {other.lower() for other in taken} | {"history"}  # Excel keeps that name for itself
        taken.append(next(one for one in tries if one.lower() not in used))
    return taken


def _width(values: Iterable[Any]) -> int:
    low, high = WIDTHS
    return min(max(low, *(len(_cell_text(value)) + 2 for value in values)), high)


def _cell_text(value: Any) -> str:
    return "" if pd.isna(value) else f"{value:.9g}" if isinstance(value, float) else str(value)


def _write_column(sheet: Any, column: int, values: Iterable[Any]) -> None:
    for row, value in enumerate(values, start=1):
        if pd.isna(value):
            continue
        if isinstance(value, Real) and abs(float(value)) < float("inf"):
            sheet.write_number(row, column, float(f"{float(value):.9g}"))
        else:
            sheet.write_string(row, column, str(value)[:CELL_TEXT])
