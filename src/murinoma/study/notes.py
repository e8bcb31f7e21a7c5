"""Read what people write beside a study: ``study.toml`` and ``exclude.csv``; neither is ever written."""

import csv
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from murinoma.errors import StudyError
from murinoma.study.values import DatasetNotes, Exclusion, Finding, Scan, TimePoint, clean_dataset, dataset_name

STUDY_FORMAT = "murinoma.study/1"
NUMBERS = ("kvp", "ua", "ms")
WORDS = ("scanner", "reconstruction", "bed", "site")
AXES = [("back", "belly"), ("left", "right"), ("nose", "rump")]  # of an animal, the ends sorted


def read_notes(root: Path) -> tuple[str, dict[str, DatasetNotes]]:
    """Return the title and the notes on each dataset from ``study.toml``; without one, the folder's name and none.

    Raises
    ------
    StudyError
        If the file cannot be understood or is of a newer format.
    """
    path = notes_path(root)
    if not path.exists():
        return root.name, {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        known = table.get("format", STUDY_FORMAT)
        notes = _notes(table, root)
    except (
        StudyError,
        OSError,
        UnicodeDecodeError,
        tomllib.TOMLDecodeError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        raise StudyError(f"{path} cannot be read: {error}; correct it or take it away") from error
    if known != STUDY_FORMAT:
        raise StudyError(f"{path} has format '{known}', this murinoma reads '{STUDY_FORMAT}'; update murinoma")
    return str(table.get("title", root.name)), notes


def notes_path(root: Path) -> Path:
    """Return the file in which people say what their study is."""
    return root / "study.toml"


def _notes(table: Mapping[str, Any], root: Path) -> dict[str, DatasetNotes]:
    """Return the notes by dataset; axes at the top of the file hold for every dataset that does not say its own."""
    axes = _axes(table.get("axes", ""))
    found = [dataset_name(folder.name) for folder in root.iterdir()] if axes else []
    return {name: DatasetNotes(axes=axes) for name in found if name} | {
        clean_dataset(name) or name: _dataset_notes({"axes": axes, **_lower(entry)})
        for name, entry in table.get("datasets", {}).items()
    }


def _lower(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in entry.items()}  # kVp and uA are how everybody writes them


def _dataset_notes(entry: Mapping[str, Any]) -> DatasetNotes:
    year, expected = entry.get("year"), entry.get("expected_tumors")
    said: dict[str, Any] = {key: _positive(key, entry[key]) for key in NUMBERS if key in entry}
    said |= {key: _words(key, entry[key]) for key in WORDS if key in entry}
    return DatasetNotes(
        year=None if year is None else int(year),
        expected_tumors=None if expected is None else int(expected),
        time_points=tuple(sorted(TimePoint.parse(label) for label in entry.get("time_points", ()))),
        axes=_axes(entry["axes"]),
        **said,
    )


def _positive(key: str, said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said < math.inf:
        raise ValueError(f"{key} = {said!r} is not a number above 0")
    return float(said)


def _words(key: str, said: object) -> str:
    if not isinstance(said, str):
        raise ValueError(f"{key} = {said!r} is not a text in quotes")
    return said.strip()


def _axes(said: object) -> str:
    """Return what the axes mean, once it is understood; nothing for an empty text."""
    text = _words("axes", said)
    return ", ".join(axes_meaning(text).values()) if text else ""


def axes_meaning(text: str) -> dict[str, str]:
    """Return what the stored axes x, y and z mean, from ``back to belly, right to left, rump to nose``.

    Raises
    ------
    StudyError
        If it does not name the three axes of an animal, each once.

    Examples
    --------
    >>> axes_meaning("back to belly, right to left, rump to nose")["y"]
    'right to left'
    """
    said = [part.strip() for part in text.split(",")]
    if sorted(tuple(sorted(part.split(" to "))) for part in said) != AXES:
        raise StudyError(
            f"'{text}' does not say what the axes x, y, z mean; write it like "
            "'back to belly, right to left, rump to nose'"
        )
    return dict(zip("xyz", said, strict=True))


def read_exclusions(root: Path, scans: list[Scan]) -> tuple[list[Exclusion], list[Finding]]:
    """Return what ``exclude.csv`` leaves out, and a finding for each row that matches no scan.

    Raises
    ------
    StudyError
        If a column is missing or a row cannot be understood.
    """
    path = root / "exclude.csv"
    if not path.exists():
        return [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [_exclusion(row) for row in csv.DictReader(stream)]
    except (OSError, csv.Error, KeyError, ValueError, TypeError, AttributeError, StudyError) as error:
        raise StudyError(
            f"{path} cannot be read ({error}); it needs the columns dataset, mouse, time, tumor, reason"
        ) from error
    unmatched = [row for row in rows if not any(row.names(scan) for scan in scans)]
    return rows, [
        Finding("oddity", "exclusion", "", f"{path} leaves out {row.title}, which is no scan here", "correct the row")
        for row in unmatched
    ]


def _exclusion(row: Mapping[str, str]) -> Exclusion:
    dataset = clean_dataset(row["dataset"].strip())
    if dataset is None:
        raise ValueError(f"no dataset is called '{row['dataset']}'")
    tumor = (row.get("tumor") or "").strip()
    time = TimePoint.parse(row["time"].strip())
    reason = (row.get("reason") or "").strip()
    return Exclusion(dataset, row["mouse"].strip(), time, int(tumor) if tumor else None, reason)
