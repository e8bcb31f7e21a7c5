"""How the acquisitions of the study were split: what split has recorded, and its sheets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from murinoma.errors import FileError, StudyError
from murinoma.files.records import read_record
from murinoma.pages.report import AcquisitionSheet
from murinoma.runs import Failure
from murinoma.settings import ReportSettings
from murinoma.steps.report.places import from_root
from murinoma.study import Study, TimePoint, new_study


@dataclass(frozen=True)
class _Split:
    """One acquisition that split has recorded, the file of its sheet, and where it stands among the others."""

    sheet: AcquisitionSheet
    file: Path
    order: tuple[int, float, str, str]


def read_sheets(study: Study, settings: ReportSettings) -> tuple[list[AcquisitionSheet], list[Failure]]:
    """Return the acquisitions that split has recorded, some with their picture; a failure if its record is damaged."""
    places = (study.step_folder("split"), new_study(study.root).step_folder("split"))  # split knows no --out
    folder = next((place for place in places if (place / "record.json").exists()), places[0])
    try:
        record = read_record(folder / "record.json")
        entries = {} if record is None else record.entries
        splits = [_split(study, folder, entry["result"]) for entry in entries.values()]
        splits.sort(key=lambda split: split.order)
        shown = _shown(splits, settings)
        return [replace(s.sheet, png=s.file.read_bytes()) if s in shown else s.sheet for s in splits], []
    except (FileError, StudyError, KeyError, TypeError, ValueError, OSError) as error:
        return [], [Failure("What split has recorded", f"it cannot be shown: {error}; split the acquisitions again")]


def _split(study: Study, folder: Path, result: Mapping[str, Any]) -> _Split:
    dataset, time, source = (str(result[name]) for name in ("dataset", "time", "source"))
    mice = tuple(result["mice"])
    name = "_".join([*mice, time])
    file = folder / dataset / f"{name}.png"
    doubts = tuple(from_root(study, str(doubt)) for doubt in result["doubts"])
    path = from_root(study, str(file)) if file.is_file() else ""
    order = int(dataset.rpartition(" ")[2]), TimePoint.parse(time).hours, name, source
    return _Split(AcquisitionSheet(dataset, name, source, mice, doubts, path), file, order)


def _shown(splits: Sequence[_Split], settings: ReportSettings) -> list[_Split]:
    """Return whose sheet is shown: one of each dataset, then those with doubts, then others, as many as may be."""
    doubtful_first = sorted((split for split in splits if split.sheet.path), key=lambda split: not split.sheet.doubts)
    firsts = {split.sheet.dataset: split for split in reversed(doubtful_first)}
    ranked = sorted(doubtful_first, key=lambda split: split not in firsts.values())
    sizes = np.cumsum([split.file.stat().st_size for split in ranked])
    return [
        split for split, size in zip(ranked[: settings.sheets], sizes, strict=False) if size <= settings.sheet_bytes
    ]
