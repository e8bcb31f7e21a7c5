"""Score what another program is unsure of: its probabilities against the share of votes, or masks that it sampled."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import FileError, GeometryError, InputError, StudyError
from murinoma.files.masks import read_annotations, read_grid, read_labels
from murinoma.files.nifti import read
from murinoma.files.tables import write_table
from murinoma.numerics.intervals import mean_intervals
from murinoma.numerics.vote_scores import VoteScores, generalised_energy_distance, sampled_share, vote_scores
from murinoma.numerics.votes import count_votes, vote_share
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import EvaluateSettings, RunSettings
from murinoma.steps import Number, StepResult, dry_result, finite, key_columns, study_failures
from murinoma.steps.evaluate.compare import file_stamps
from murinoma.steps.evaluate.sources import strangers_notice
from murinoma.steps.evaluate.statistics import Mice
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import evaluation_folder
from murinoma.study.foreign_masks import find_masks
from murinoma.study.model_paths import checked_name
from murinoma.volume import same_spacing

Table = pd.DataFrame
Key = tuple[str, str, str]
LEAST_SAMPLES = 2
BIN_COLUMNS = ["low", "high", "n_voxels", "probability", "share"]
PROBABILITIES, SAMPLES = "probabilities", "samples"


def score_probabilities(
    study: Study, name: str, folder: Path, *, how: RunSettings = RunSettings(), progress: Progress | None = None
) -> StepResult:
    """Score probabilities of tumor in a folder (NIfTI, 0..1, named as `murinoma.study.foreign_masks` says).

    Writes ``evaluation/NAME/probabilities.csv``, a row per scan: Brier score and calibration error against the share of
    the annotators' votes; and ``reliability.csv``: mean probability and share of votes by bin, over all voxels.

    Raises
    ------
    UsageError, StudyError
        If `name` cannot be that of a source, or no annotated scan has a file there.
    OutputError
        If the results cannot be written.
    """
    return _score(study, checked_name(name), folder, PROBABILITIES, how, progress)


def score_samples(
    study: Study, name: str, folder: Path, *, how: RunSettings = RunSettings(), progress: Progress | None = None
) -> StepResult:
    """Score sampled masks in a folder, two or more for each scan, named as `murinoma.study.foreign_masks` says.

    Writes ``evaluation/NAME/samples.csv``, a row per scan: the generalised energy distance between samples and
    annotators, and Brier score and calibration error of the share of samples; and ``reliability.csv``.

    Raises
    ------
    UsageError, StudyError
        If `name` cannot be that of a source, or no annotated scan has files there.
    OutputError
        If the results cannot be written.
    """
    return _score(study, checked_name(name), folder, SAMPLES, how, progress)


def _score(study: Study, name: str, folder: Path, kind: str, how: RunSettings, progress: Progress | None) -> StepResult:
    found = find_masks(study, folder)
    scans = [scan for scan in study.scans if scan.key in found.masks and scan.annotations]
    if not scans:
        raise StudyError(f"no scan with files in {folder} is annotated; annotate some of them")
    place = evaluation_folder(study, name)
    work = _Score(kind, found.masks)
    settings = EvaluateSettings()
    outcome = run_scans(scans, work, place / f"record_{kind}.json", settings=settings, how=how, progress=progress)
    if how.dry_run:
        return dry_result("evaluate", study, outcome)
    done = [(scan, outcome.results[scan.key]) for scan in scans if scan.key in outcome.results]
    failed = (*study_failures(study), *outcome.failures)
    if not done:
        return StepResult("evaluate", None, 0, failed)
    table = Table([{**key_columns(scan), **result["scores"]} for scan, result in done])
    write_table(table, place / f"{kind}.csv")
    write_table(_reliability([result["bins"] for _, result in done]), place / "reliability.csv")
    return StepResult(
        "evaluate",
        place / f"{kind}.csv",
        len(done),
        failed,
        strangers_notice(found.strangers),
        _numbers(table, settings.seed),
    )


@dataclass(frozen=True)
class _Score:
    """The work on one scan: `files` by the scan's key are its probabilities, or its sampled masks."""

    scans_per_worker: ClassVar[int] = 40
    kind: str
    files: Mapping[Key, tuple[Path, ...]]

    def inputs(self, scan: Scan) -> list[Path]:
        return [*scan.annotations.values(), *([scan.ct] if scan.ct else [])]

    def options(self, scan: Scan) -> dict[str, Any]:
        return {"files": file_stamps(self.files[scan.key])}  # inputs are told apart by names, and these may be alike

    def outputs(self, scan: Scan) -> list[Path]:
        return []

    def __call__(self, scan: Scan) -> Result:
        masks = list(read_annotations(scan).masks.values())
        votes = count_votes(masks)
        share = np.zeros(votes.shape)
        share[votes.box] = vote_share(len(masks))[votes.codes]
        scores: dict[str, Any] = {"n_annotators": len(masks)}
        if self.kind == PROBABILITIES:
            found = vote_scores(_probabilities(self.files[scan.key], scan), share)
        else:
            samples = self._samples(scan)
            scores |= {"n_samples": len(samples), "energy_distance": generalised_energy_distance(samples, masks)}
            found = vote_scores(sampled_share(samples), share)
        return {
            "scores": scores | _plain(found),
            "bins": [[finite(x) for x in asdict(one).values()] for one in found.bins],
        }

    def _samples(self, scan: Scan) -> list[npt.NDArray[np.uint8]]:
        paths, grid = self.files[scan.key], read_grid(scan)
        if len(paths) < LEAST_SAMPLES:
            raise InputError(
                f"{paths[0]} is the only sample of {scan.title}; a distribution needs {LEAST_SAMPLES} or more"
            )
        return [read_labels(path, grid)[0] for path in paths]


def _probabilities(paths: Sequence[Path], scan: Scan) -> npt.NDArray[np.float64]:
    """Return the probabilities of a scan, checked against its grid.

    Raises
    ------
    FileError
        If there are several files, or one holds anything but 0..1.
    GeometryError
        If shape or spacing are not the scan's.
    """
    if len(paths) > 1:
        raise FileError(f"{len(paths)} files name {scan.title} (first {paths[0]}, {paths[1]}); keep one")
    image, grid = read(paths[0]), read_grid(scan)
    if image.header.shape != grid.header.shape or not same_spacing(image.header.spacing_mm, grid.header.spacing_mm):
        raise GeometryError(
            f"{paths[0]} has {image.header.shape} voxels of {image.header.spacing_mm} mm (z, y, x), {grid.path.name} "
            f"{grid.header.shape} of {grid.header.spacing_mm} mm; put the probabilities on the scan's own grid"
        )
    values = image.volume.voxels.astype(np.float64)
    if values.min() < 0 or values.max() > 1:
        raise FileError(f"{paths[0]} holds values from {values.min():g} to {values.max():g}; probabilities are 0 to 1")
    return values


def _plain(scores: VoteScores) -> dict[str, Any]:
    known = {"brier": finite(scores.brier), "calibration_error": finite(scores.calibration_error)}
    return {**known, "n_voxels": scores.n_voxels}


def _reliability(bins: Sequence[Sequence[Sequence[float | None]]]) -> Table:
    """Return the bins over all scans: voxels add up, and weigh the means."""
    table = Table([one for of_scan in bins for one in of_scan], columns=BIN_COLUMNS).astype(np.float64)
    weighted = table.assign(**{name: table[name] * table["n_voxels"] for name in ("probability", "share")})
    pooled = weighted.groupby(["low", "high"], as_index=False)[["n_voxels", "probability", "share"]].sum()
    voxels = pooled["n_voxels"].where(pooled["n_voxels"] > 0)
    return pooled.assign(probability=pooled["probability"] / voxels, share=pooled["share"] / voxels)[BIN_COLUMNS]


def _numbers(table: Table, seed: int) -> dict[str, Number]:
    names = [name for name in ("energy_distance", "brier", "calibration_error") if name in table]
    values = table[names].astype(np.float64).to_numpy()
    intervals = mean_intervals(values, *Mice.of(table).codes(table), rng=np.random.default_rng(seed))
    numbers: dict[str, Number] = {}
    for name, one in zip(names, intervals, strict=True):
        numbers |= {name: finite(one.value), f"{name}_low": finite(one.low), f"{name}_high": finite(one.high)}
    return numbers
