"""Segment the scans of a study with a model: a mask per scan with its tumors numbered, and their volumes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from murinoma.errors import InputError, StudyError, UsageError
from murinoma.files.nifti import read_volume, write
from murinoma.files.tables import replace_sources, write_table
from murinoma.models.folder import ModelCard, read_card
from murinoma.models.lesions import Lesion, lesion_labels
from murinoma.models.runtime import CoarseToFine, load_segmenter
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import RunSettings, SegmentSettings
from murinoma.steps import Number, StepResult, dry_result, key_columns, some, study_failures, volume_rows
from murinoma.study import Scan, Study
from murinoma.study.model_paths import model_folder

LESION_COLUMNS = ["dataset", "mouse", "time", "hours", "tumor", "volume_mm3", "mean_probability", "peak_probability"]
LESION_COLUMNS += ["depth_mm", "left_out_because"]


def segment(
    study: Study,
    model: str,
    *,
    settings: SegmentSettings = SegmentSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``predictions/NAME`` for every scan with a CT, and the model's rows of ``volumes.csv``.

    A mask is uint8: 0, and the number of the tumor by its position in this scan; the same tumor may have another number
    on another day. An empty mask is a valid answer. ``lesions.csv`` also lists what was left out, and why. The volumes
    have no interval: that takes a calibration.

    Parameters
    ----------
    model
        A model's folder, or the name of one that was trained on this study.

    Raises
    ------
    UsageError
        If there is no such model or head, or neither openvino nor torch is installed.
    FileError
        If the model is damaged.
    StudyError
        If no scan has a CT.
    OutputError
        If the results cannot be written.
    """
    folder = _folder(study, model)
    card = read_card(folder)
    if settings.head not in card.heads:
        raise UsageError(f"the model {card.name} has no head '{settings.head}'; it has {', '.join(card.heads)}")
    scans = [scan for scan in study.scans if scan.ct is not None]
    if not scans:
        raise StudyError(f"no scan of {study.root} has a CT; there is nothing to segment")
    results = study.prediction_path(scans[0], card.name).parents[2]
    work = _Segment(replace(study, scans=(), findings=()), folder, card, settings.head)
    one = replace(how, workers=1)  # a single process: the network takes all cores
    outcome = run_scans(scans, work, results / "record.json", settings=settings, how=one, progress=progress)
    if how.dry_run:
        return dry_result("segment", study, outcome)
    failed = (*study_failures(study), *outcome.failures)
    done = [(scan, outcome.results[scan.key]) for scan in scans if scan.key in outcome.results]
    if not done:
        return StepResult("segment", None, 0, failed)
    _write_tables(study, done, card.name, results)
    return StepResult("segment", results, len(done), failed, _notices(study, card, done), _numbers(done))


def _folder(study: Study, model: str) -> Path:
    """Return the folder of a model: a path, or a name within the study."""
    if Path(model).is_dir():
        return Path(model)
    folder = model_folder(study, model)
    if not folder.is_dir():
        raise UsageError(
            f"there is no model '{model}', neither as a folder nor as {folder}; train one, or name a folder"
        )
    return folder


@dataclass(frozen=True)
class _Segment:
    """The work on one scan; `places` is the study without its scans: it knows where masks go."""

    places: Study
    folder: Path
    card: ModelCard
    head: str
    scans_per_worker: ClassVar[int] = 1_000_000

    def inputs(self, scan: Scan) -> list[Path]:
        return [scan.ct] if scan.ct else []

    def options(self, scan: Scan) -> dict[str, Any]:
        return {"coarse": self.card.coarse.sha256, "fine": self.card.fine.sha256, "head": self.head}

    def outputs(self, scan: Scan) -> list[Path]:
        return [self.places.prediction_path(scan, self.card.name)]

    def __call__(self, scan: Scan) -> Result:
        if scan.ct is None:
            raise InputError(f"{scan.folder} holds no CT")
        ct = read_volume(scan.ct)
        prediction = _opened(self.folder).predict(ct.voxels, ct.spacing_mm)
        labels, lesions = lesion_labels(prediction, self.head)
        write(ct.with_voxels(labels), self.places.prediction_path(scan, self.card.name))
        counts = np.bincount(labels.ravel(), minlength=256)[1:]
        volumes = {str(k): float(n * ct.voxel_mm3) for k, n in enumerate(counts, start=1) if n}
        return {
            "volumes_mm3": volumes,
            "lesions": [_lesion_row(lesion) for lesion in lesions],
            "notices": list(prediction.notices),
        }


@cache
def _opened(folder: Path) -> CoarseToFine:
    """Return a model, opened once for all scans."""
    return load_segmenter(folder)


def _lesion_row(lesion: Lesion) -> dict[str, Any]:
    return {
        "tumor": lesion.number or None,
        "volume_mm3": round(lesion.volume_mm3, 3),
        "mean_probability": round(float(lesion.mean), 4),
        "peak_probability": round(float(lesion.peak), 4),
        "depth_mm": round(float(lesion.depth_mm), 3),
        "left_out_because": lesion.dropped or None,
    }


Done = Sequence[tuple[Scan, Result]]


def _write_tables(study: Study, done: Done, name: str, folder: Path) -> None:
    lesions = [{**key_columns(scan), **row} for scan, result in done for row in result["lesions"]]
    write_table(pd.DataFrame(lesions, columns=LESION_COLUMNS), folder / "lesions.csv")
    rows = [row for scan, result in done for row in volume_rows(scan, name, *_volumes(result))]
    replace_sources(pd.DataFrame(rows), study.volumes_path(), [name])


def _volumes(result: Mapping[str, Any]) -> tuple[float, dict[int, float]]:
    by_tumor = {int(number): volume for number, volume in result["volumes_mm3"].items()}
    return sum(by_tumor.values()), by_tumor


def _notices(study: Study, card: ModelCard, done: Done) -> tuple[str, ...]:
    said = [f"{scan.title}: {notice}" for scan, result in done for notice in result["notices"]]
    bare = sum(scan.ct is None for scan in study.scans)
    empty = [scan.title for scan, result in done if not result["volumes_mm3"]]
    if bare:
        said.append(f"{some(bare, 'scan has', 'scans have')} no CT and no prediction")
    if empty:
        said.append(f"no tumor was found in {some(len(empty), 'scan')} (first {empty[0]})")
    limits = f"; its limits: {card.limits}" if card.limits else ""
    return (*said, f"made by the model {card.name}, for research, not for diagnosis{limits}")


def _numbers(done: Done) -> dict[str, Number]:
    wholes = [_volumes(result)[0] for _, result in done]
    return {"tumors": sum(len(result["volumes_mm3"]) for _, result in done), "volume_mm3_mean": float(np.mean(wholes))}
