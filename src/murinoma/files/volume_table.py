"""Read volumes from any CSV with named columns and units: a catalogue, calipers, another program.

A row that cannot be used is left out and said, and the others go on. What is read is one table: ``dataset, mouse,
time, hours, source, tumor, volume_mm3, volume_low_mm3, volume_high_mm3, group``, with an empty ``tumor`` where a row is
all of the mouse.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from murinoma.errors import FileError, StudyError
from murinoma.files.volume_columns import FORMULAS, NOTHING_TOLD, Column, Told, VolumeColumns, understand
from murinoma.study.values import HOURS, TimePoint, clean_dataset

ROWS = ["dataset", "mouse", "time", "hours", "source", "tumor", "volume_mm3", "volume_low_mm3", "volume_high_mm3"]
ROWS += ["group"]
SCAN = ["dataset", "mouse", "time", "hours"]
KEY = ["dataset", "mouse", "hours", "source", "tumor"]
Table = pd.DataFrame
Left = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class VolumeTable:
    """Volumes as read.

    Attributes
    ----------
    rows
        The usable rows, with the columns of this module's first lines.
    how
        Where the volumes come from, for people: a column, or a formula.
    left_out
        (dataset, mouse, sentence) of every row that could not be used.
    """

    rows: Table
    how: str
    left_out: tuple[Left, ...] = ()


def read_volume_table(path: Path, told: Told = NOTHING_TOLD) -> VolumeTable:
    """Return the volumes of a CSV.

    The separator may be a comma, a semicolon (then decimal commas are read too) or a tab. Volumes are in the unit that
    their column names (mm3, uL, cm3, mL), or `told` says; or they follow from calipers.

    Raises
    ------
    FileError
        If it cannot be read, or lacks a column.
    UsageError
        If `told` names a column, a unit or a formula that does not exist.
    """
    cells = _cells(path)
    columns = understand([str(head) for head in cells.columns], told, str(path))
    rows, left_out = _rows(cells, columns, path)
    usable = rows.dropna(subset=["hours", "volume_mm3"])
    doubled = usable.duplicated(KEY, keep=False)
    twice = [(*_mouse(row), f"{_when(row)}: {path} has this row twice; keep one") for row in _records(usable[doubled])]
    names = _tumors(cells[columns.texts["tumor"]])[1] if "tumor" in columns.texts else ""
    return VolumeTable(usable[~doubled].reset_index(drop=True), columns.how + names, (*left_out, *dict.fromkeys(twice)))


def burdens(rows: Table) -> Table:
    """Return a row per scan: all of the mouse as the source says it, else the sum of its tumors.

    A sum has no interval: the errors of two tumors of a mouse may go together.

    Parameters
    ----------
    rows
        As `read_volume_table` gives them, of one source; more columns stay where a scan has a row of its own.
    """
    keys = list(map(tuple, rows[SCAN].to_numpy().tolist()))
    whole = rows["tumor"].isna().to_numpy(bool)
    told = {key for key, is_whole in zip(keys, whole, strict=True) if is_whole}
    part = rows[np.array([key not in told for key in keys], dtype=bool)]
    summed = part.groupby([*SCAN, "group"], sort=False)["volume_mm3"].sum().reset_index()
    both = [one for one in (rows[whole], summed.reindex(columns=rows.columns)) if len(one)]
    return pd.concat(both, ignore_index=True) if both else rows


def _cells(path: Path) -> Table:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            head = stream.readline()
        separator = max(";\t,", key=head.count)
        cells = pd.read_csv(path, sep=separator, encoding="utf-8-sig", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read the volumes in {path} ({error}); it must be a CSV in UTF-8") from error
    stripped = pd.DataFrame({head: cells[head].str.strip() for head in cells.columns})
    return stripped[(stripped != "").any(axis=1)]


def _rows(cells: Table, columns: VolumeColumns, path: Path) -> tuple[Table, list[Left]]:
    """Return all rows, with NaN where time or volume is not usable, and what is wrong with those."""
    texts = {what: cells[name] for what, name in columns.texts.items()}
    said = texts.get("dataset", pd.Series("1", cells.index))
    labels, hours = _times(cells, columns, texts)
    rows = Table(
        {
            "dataset": [clean_dataset(name) or name or "Dataset 1" for name in said],
            "mouse": texts["mouse"],
            "time": labels,
            "hours": hours,
            "source": texts.get("source", ""),
            "tumor": _tumors(texts["tumor"])[0] if "tumor" in texts else np.nan,
            "volume_mm3": _volumes(cells, columns),
            "volume_low_mm3": np.nan if columns.low is None else _numbers(cells, columns.low),
            "volume_high_mm3": np.nan if columns.high is None else _numbers(cells, columns.high),
            "group": texts.get("group", ""),
        },
        columns=ROWS,
    )
    absent = rows["mouse"] == ""
    rows.loc[absent | ~(rows["volume_mm3"] >= 0), "volume_mm3"] = np.nan
    wrong = rows[rows["volume_mm3"].isna() | rows["hours"].isna()]
    return rows, [(*_mouse(row), _what_is_wrong(row, number, path)) for number, row in _numbered(wrong)]


def _numbered(rows: Table) -> Iterator[tuple[int, pd.Series]]:
    yield from ((int(str(at)) + 2, row) for at, row in rows.iterrows())  # line 1 holds the names


def _records(rows: Table) -> Iterator[pd.Series]:
    yield from (row for _, row in rows.iterrows())


def _what_is_wrong(row: pd.Series, line: int, path: Path) -> str:
    if row["mouse"] == "":
        return f"line {line} of {path} names no mouse; the row is left out"
    if np.isnan(row["hours"]):
        return f"line {line} of {path} has no usable time ('{row['time']}'); write a number, or a label such as 8d"
    return f"line {line} of {path} has no usable volume; write a number of 0 or more, or take the row away"


def _times(cells: Table, columns: VolumeColumns, texts: dict[str, pd.Series]) -> tuple[list[str], list[float]]:
    """Return labels such as 8d, and hours."""
    if columns.clock is None:
        labels = [str(text) for text in texts["time"]]
        return labels, [_hours(label) for label in labels]
    hours = [float(value) for value in _numbers(cells, columns.clock)]
    if "time" in texts:
        return [str(text) for text in texts["time"]], hours
    shown = cells[columns.clock.name]
    return [_label(value) or str(text) for value, text in zip(hours, shown, strict=True)], hours


def _hours(label: str) -> float:
    try:
        return TimePoint.parse(label.lower()).hours
    except StudyError:
        return float("nan")


def _label(hours: float) -> str:
    """Return the label of a time: 8d, or 22.5h where it is no whole day."""
    if np.isnan(hours):
        return ""
    return f"{hours / HOURS['d']:g}d" if hours % HOURS["d"] == 0 else f"{hours:g}h"


def _volumes(cells: Table, columns: VolumeColumns) -> pd.Series:
    if columns.volume is not None:
        return _numbers(cells, columns.volume)
    sides = [_numbers(cells, column) for column in columns.calipers]
    both = pd.concat(sides[:2], axis=1)
    length, width = both.max(axis=1), both.min(axis=1)  # the longer one is the length
    third = sides[2] if "H" in columns.formula else width
    volumes: pd.Series = FORMULAS[columns.formula] * length * width * third
    return volumes.where((pd.concat(sides, axis=1) >= 0).all(axis=1))


def _tumors(texts: pd.Series) -> tuple[pd.Series, str]:
    """Return the numbers of tumors, NaN for none, and what they stand for, where people wrote names (left, right)."""
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.notna().equals(texts != ""):
        return numbers, ""
    names = {name: place for place, name in enumerate(sorted(set(texts) - {""}), start=1)}
    said = ", ".join(f"{name} = {place}" for name, place in names.items())
    return texts.map(names), f" (tumors: {said})"


def _numbers(cells: Table, column: Column) -> pd.Series:
    """Return a column's numbers, mm3, mm or hours; NaN for what is none."""
    texts = cells[column.name].str.replace(",", ".", regex=False)
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64) * column.worth
    return numbers.where(np.isfinite(numbers))


def _mouse(row: pd.Series) -> tuple[str, str]:
    return str(row["dataset"]), str(row["mouse"])


def _when(row: pd.Series) -> str:
    return str(row["time"]) if pd.isna(row["tumor"]) else f"{row['time']}, tumor {row['tumor']:g}"
