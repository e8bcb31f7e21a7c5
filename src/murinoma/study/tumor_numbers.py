"""Which lesion a tumor is, where people say so: ``tumors.csv`` beside the datasets; it is never written."""

import csv
from collections.abc import Mapping
from pathlib import Path

from murinoma.errors import StudyError
from murinoma.study.values import Study, TimePoint, clean_dataset, dataset_name

Key = tuple[str, str, str]
COLUMNS = "dataset, mouse, time, tumor (its number in the mask) and lesion (its number on all days)"
LARGEST = 254  # numbers that a mask can hold


def read_tumor_numbers(study: Study, *, source: str = "") -> dict[Key, dict[int, int]]:
    """Return what people say in ``tumors.csv``: by a scan's key, number in its mask -> lesion; empty without the file.

    Parameters
    ----------
    study
        Its scans are all that a row may name.
    source
        Whose masks are asked about (``xeno-0``): a row with another name in a column ``source`` does not count, one
        with none holds for all.

    Raises
    ------
    StudyError
        If a column is missing, a row cannot be understood or is no scan here, or two tumors of a scan are one lesion.
    """
    path = tumor_numbers_path(study)
    if not path.exists():
        return {}
    known = {(scan.dataset, scan.mouse, scan.time): scan.key for scan in study.scans}
    numbers: dict[Key, dict[int, int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for line, row in enumerate(csv.DictReader(stream), start=2):
                if (row.get("source") or "").strip() in ("", source):
                    _take(numbers, known, row, line)
    except (OSError, csv.Error, KeyError, ValueError, TypeError, AttributeError, StudyError) as error:
        raise StudyError(f"{path} cannot be read ({error}); it needs the columns {COLUMNS}") from error
    return numbers


def tumor_numbers_path(study: Study) -> Path:
    """Return the file in which people say which lesion a tumor is; that of a single dataset lies beside it."""
    return (study.root.parent if dataset_name(study.root.name) else study.root) / "tumors.csv"


def _take(
    numbers: dict[Key, dict[int, int]],
    known: Mapping[tuple[str, str, TimePoint], Key],
    row: Mapping[str, str],
    line: int,
) -> None:
    """Add one row to what is said of its scan."""
    dataset, mouse, time = clean_dataset(row["dataset"].strip()), row["mouse"].strip(), row["time"].strip()
    key = known.get((dataset or "", mouse, TimePoint.parse(time)))
    if key is None:
        raise ValueError(f"line {line}: {row['dataset']} {mouse}_{time} is no scan here")
    tumor, lesion = int(row["tumor"]), int(row["lesion"])
    if not (1 <= tumor <= LARGEST and 1 <= lesion <= LARGEST):
        raise ValueError(f"line {line}: tumor {tumor}, lesion {lesion}; both are numbers from 1 to {LARGEST}")
    said = numbers.setdefault(key, {})
    if tumor in said or lesion in said.values():
        raise ValueError(f"line {line}: tumor {tumor} or lesion {lesion} stands twice for {mouse}_{time}")
    said[tumor] = lesion
