"""Tables as CSV: UTF-8, one row per scan or tumor, the unit in the column's name."""

from pathlib import Path

import pandas as pd

from murinoma.errors import FileError
from murinoma.files.atomic import write_text

TEXT = dict.fromkeys(("dataset", "mouse", "time", "source"), str)  # names stay names: mouse 01, annotator NA
SIGNIFICANT = "%.9g"  # digits of a number: beyond any measurement, and the same bytes on every machine


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all; missing values are empty.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_text(path, table.to_csv(index=False, float_format=SIGNIFICANT, lineterminator="\n"))


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
