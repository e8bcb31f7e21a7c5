"""Merge the annotations of every scan into consensus masks, and say how each annotator did against them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import InputError, StudyError
from murinoma.files.masks import Annotations, read_annotations, read_grid, read_labels
from murinoma.files.nifti import write
from murinoma.files.tables import replace_sources, write_table
from murinoma.numerics.agreement import pairwise_dice
from murinoma.numerics.staple import Staple, staple
from murinoma.numerics.tumors import SPECK_LABEL, count_tumors
from murinoma.numerics.votes import Votes, count_votes, majority_patterns, vote_entropy, vote_share
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import MergeSettings, RunSettings
from murinoma.steps import (
    Done,
    Number,
    StepResult,
    done_of,
    dry_result,
    finite,
    header_notice,
    key_columns,
    study_failures,
    study_notices,
    volume_rows,
)
from murinoma.study import Scan, Study
from murinoma.volume import Volume

Table = pd.DataFrame


def merge(
    study: Study,
    *,
    settings: MergeSettings = MergeSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write consensus masks and maps of the votes for every scan, and ``consensus/*.csv``.

    A consensus mask is uint8: 0, the number of the tumor, and 255 for a voxel of the consensus that belongs to no
    tumor (a speck). The published STAPLE of a scan, where there is one, is compared and never touched.

    Raises
    ------
    StudyError
        If no scan has an annotation.
    OutputError
        If the results cannot be written.
    """
    scans = [scan for scan in study.scans if scan.annotations]
    if not scans and not study_failures(study):
        raise StudyError(f"no scan of {study.root} has an annotation; there is nothing to merge")
    folder = study.step_folder("consensus")
    work = _Merge(settings, replace(study, scans=(), findings=()), study.excluded_tumors())
    outcome = run_scans(scans, work, folder / "record.json", settings=settings, how=how, progress=progress)
    if how.dry_run:
        return dry_result("merge", study, outcome)
    failed = (*study_failures(study), *outcome.failures)
    done = done_of(scans, outcome)
    if not done:
        return StepResult("merge", None, 0, failed)
    by_scan = _write_tables(study, done, folder)
    return StepResult("merge", folder, len(done), failed, (*study_notices(study), *_notices(done)), _numbers(by_scan))


@dataclass(frozen=True)
class _Merge:
    """The work on one scan; `places` is the study without its scans: it knows where results go."""

    settings: MergeSettings
    places: Study
    excluded: Mapping[tuple[str, str, str], frozenset[int]]
    scans_per_worker: ClassVar[int] = 60

    def inputs(self, scan: Scan) -> list[Path]:
        others = [path for path in (scan.ct, scan.staple) if path is not None]
        return [*scan.annotations.values(), *others]

    def options(self, scan: Scan) -> dict[str, Any]:
        return {"left_out": sorted(self.excluded.get(scan.key, ()))}

    def outputs(self, scan: Scan) -> list[Path]:
        masks = [self.places.consensus_path(scan, method) for method in self.settings.methods]
        return [*masks, *(self.places.votes_path(scan, measure) for measure in ("share", "entropy"))]

    def __call__(self, scan: Scan) -> Result:
        if len(scan.annotations) < 2:
            name = next(iter(scan.annotations))
            raise InputError(f"{scan.folder} has one annotation ('{name}'); a consensus needs two or more")
        annotations = read_annotations(scan)
        masks, left_out = list(annotations.masks.values()), self.excluded.get(scan.key, frozenset())
        votes, tumors = count_tumors(
            masks, spacing_mm=annotations.spacing_mm, **asdict(self.settings.tumors), left_out=left_out
        )
        estimate = staple(votes.counts)
        chosen = {"staple": estimate.foreground, "majority": majority_patterns(len(masks))}
        consensus = {
            method: np.where(chosen[method][votes.codes], tumors.labels, 0) for method in self.settings.methods
        }
        dice = _dice_with_published(scan, votes, estimate.foreground)
        self._write(scan, annotations, votes, consensus)
        return _result(annotations, estimate, consensus) | {"dice_published": dice, "specks": tumors.specks}

    def _write(self, scan: Scan, annotations: Annotations, votes: Votes, consensus: Mapping[str, Any]) -> None:
        n = len(annotations.masks)
        maps = {"share": vote_share(n), "entropy": vote_entropy(n)}
        for method, labels in consensus.items():
            whole = _uncropped(labels.astype(np.uint8), votes)
            write(Volume(whole, annotations.affine), self.places.consensus_path(scan, method))
        for measure, table in maps.items():
            whole = _uncropped(table.astype(np.float32)[votes.codes], votes)
            write(Volume(whole, annotations.affine), self.places.votes_path(scan, measure))


def _uncropped(part: npt.NDArray[Any], votes: Votes) -> npt.NDArray[Any]:
    """Put the voxels of the votes' box back into the whole scan; elsewhere it is 0."""
    whole = np.zeros(votes.shape, part.dtype)
    whole[votes.box] = part
    return whole


def _dice_with_published(scan: Scan, votes: Votes, foreground: npt.NDArray[np.bool_]) -> float | None:
    """Return the Dice of our STAPLE mask with the published one; nothing where there is none or both are empty."""
    if scan.staple is None:
        return None
    labels, _ = read_labels(scan.staple, read_grid(scan))
    ours = _uncropped(foreground[votes.codes], votes)
    return finite(pairwise_dice(count_votes([ours, labels]).counts)[0, 1])


def _result(annotations: Annotations, estimate: Staple, consensus: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    measures = {
        "sensitivity": estimate.sensitivity, "specificity": estimate.specificity, "precision": estimate.precision
    }  # fmt: skip
    return {
        "annotators": list(annotations.masks),
        "performance": {name: [finite(value) for value in values] for name, values in measures.items()},
        "iterations": estimate.iterations,
        "converged": estimate.converged,
        "volumes_mm3": {method: _volumes(labels, annotations.voxel_mm3) for method, labels in consensus.items()},
        "dice_methods": _dice_of(consensus),
        "conflicts": dict(annotations.conflicts),
    }


def _volumes(labels: npt.NDArray[Any], voxel_mm3: float) -> dict[str, Any]:
    """Return the volume of a consensus mask, and of each tumor in it, mm3."""
    counts = np.bincount(labels.ravel(), minlength=SPECK_LABEL + 1)
    numbers = [int(n) for n in np.flatnonzero(counts) if n not in (0, SPECK_LABEL)]
    tumors = {str(n): float(counts[n] * voxel_mm3) for n in numbers}
    return {"whole": float(counts[1:].sum() * voxel_mm3), "tumors": tumors}


def _dice_of(consensus: Mapping[str, npt.NDArray[Any]]) -> float | None:
    """Return the Dice of the two consensus masks; nothing if only one was asked for, or both are empty."""
    if len(consensus) < 2:
        return None
    return finite(pairwise_dice(count_votes(list(consensus.values())).counts)[0, 1])


def _write_tables(study: Study, done: Done, folder: Path) -> Table:
    by_scan = Table([_scan_row(scan, result) for scan, result in done])
    write_table(by_scan, folder / "scans.csv")
    write_table(
        Table([row for scan, result in done for row in _performance_rows(scan, result)]), folder / "performance.csv"
    )
    volumes = Table([row for scan, result in done for row in _volume_rows(scan, result)])
    replace_sources(volumes, study.volumes_path(), ["staple", "majority"])
    return by_scan


def _scan_row(scan: Scan, result: Result) -> dict[str, Any]:
    volumes = {f"{method}_volume_mm3": found["whole"] for method, found in result["volumes_mm3"].items()}
    return {
        **key_columns(scan),
        "n_annotators": len(result["annotators"]),
        **volumes,
        "dice_staple_majority": result["dice_methods"],
        "dice_published_staple": result["dice_published"],
        "iterations": result["iterations"],
        "converged": result["converged"],
        "specks": result["specks"],
    }


def _performance_rows(scan: Scan, result: Result) -> Iterator[dict[str, Any]]:
    for place, name in enumerate(result["annotators"]):
        measures = {measure: values[place] for measure, values in result["performance"].items()}
        yield {**key_columns(scan), "annotator": name, **measures}


def _volume_rows(scan: Scan, result: Result) -> Iterator[dict[str, Any]]:
    for method, found in result["volumes_mm3"].items():
        yield from volume_rows(scan, method, found["whole"], {int(n): volume for n, volume in found["tumors"].items()})


def _notices(done: Done) -> Iterator[str]:
    yield from header_notice(result["conflicts"] for _, result in done)
    empty = [scan.title for scan, result in done if not any(v["whole"] for v in result["volumes_mm3"].values())]
    if empty:
        yield f"{len(empty)} scans have an empty consensus (first {empty[0]}): nobody, or no majority, marked a tumor"
    slow = [scan.title for scan, result in done if not result["converged"]]
    if slow:
        yield f"STAPLE did not converge in {len(slow)} scans (first {slow[0]}); look at their annotations"


def _numbers(by_scan: Table) -> dict[str, Number]:
    columns = [name for name in map(str, by_scan.columns) if name.startswith("dice_") or name.endswith("_mm3")]
    return {f"{name}_mean": finite(pd.to_numeric(by_scan[name]).mean()) for name in columns}
