"""Segment CT files that are in no study: masks, pictures and one table of volumes in a folder."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from murinoma.errors import UsageError
from murinoma.files.tables import write_table
from murinoma.runs import Progress, Result
from murinoma.settings import RunSettings, SegmentSettings
from murinoma.steps import StepResult, some
from murinoma.steps.segment.opening import find_model
from murinoma.steps.segment.tables import card_notice, numbers
from murinoma.steps.segment.targets import Target
from murinoma.steps.segment.work import SegmentWork, run_all
from murinoma.study.prediction_paths import file_results

VOLUME_COLUMNS = ["file", "source", "tumor", "volume_mm3", "volume_low_mm3", "volume_high_mm3"]
ENDINGS = (".nii", ".nii.gz")
FOLDER = "segmented"

Done = Sequence[tuple[Target, Result]]


def segment_files(
    cts: Sequence[Path],
    model: str,
    *,
    out: Path | None = None,
    settings: SegmentSettings = SegmentSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write the mask and the picture of every CT, ``volumes.csv`` and ``lesions.csv``, into a folder.

    Tumors are numbered by their position in each CT alone: nobody says which files show the same mouse.

    Parameters
    ----------
    cts
        NIfTI files of one mouse each.
    model
        A model's folder, or the name of a shipped one.
    out
        The folder; without it ``segmented`` beside the first CT.

    Raises
    ------
    UsageError
        If a CT is no NIfTI file, two would share a mask, or there is no such model or head.
    FileError
        If the model is damaged.
    OutputError
        If the results cannot be written.
    """
    _check(cts)
    folder, card = find_model(model, settings.head)
    results = out or cts[0].parent / FOLDER
    places = file_results(cts, results)
    targets = [Target(("", "", str(ct)), str(ct), ct, *places[ct]) for ct in cts]
    outcome = run_all(targets, SegmentWork(folder, card, settings), results, how=how, progress=progress)
    if how.dry_run:
        return StepResult("segment", None, 0, (), (), {"waiting": outcome.waiting, "done": outcome.skipped})
    done = [(target, outcome.results[target.key]) for target in targets if target.key in outcome.results]
    if not done:
        return StepResult("segment", None, 0, outcome.failures)
    _write_tables(done, card.name, results)
    said = [f"{target.title}: {notice}" for target, result in done for notice in result["notices"]]
    empty = [target.title for target, result in done if not result["volumes_mm3"]]
    if empty:
        said.append(f"no tumor was found in {some(len(empty), 'CT')} (first {empty[0]})")
    said.append(card_notice(card))
    return StepResult("segment", results, len(done), outcome.failures, tuple(said), numbers([r for _, r in done]))


def _check(cts: Sequence[Path]) -> None:
    for ct in cts:
        if not ct.name.lower().endswith(ENDINGS):
            raise UsageError(f"{ct} is neither a study nor a NIfTI file; cut scanner files up with 'murinoma split'")
    if len({ct.absolute() for ct in cts}) < len(cts):
        raise UsageError("a CT is named twice; name each once")


def _write_tables(done: Done, name: str, folder: Path) -> None:
    volumes, lesions = [], []
    for target, result in done:
        by_tumor = {int(number): volume for number, volume in result["volumes_mm3"].items()}
        row = {"file": str(target.ct), "source": name}
        volumes += [
            {**row, "tumor": n, "volume_mm3": v} for n, v in [(None, sum(by_tumor.values())), *by_tumor.items()]
        ]
        lesions += [{"file": str(target.ct), **lesion} for lesion in result["lesions"]]
    write_table(pd.DataFrame(volumes, columns=VOLUME_COLUMNS), folder / "volumes.csv")
    write_table(pd.DataFrame(lesions), folder / "lesions.csv")
