"""Measure how well the annotators of a study agree: the tables of scans and tumors, and Tables 1, 3 and 4."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from murinoma import published
from murinoma.errors import InputError, StudyError
from murinoma.files.masks import Annotations, read_annotations
from murinoma.files.tables import replace_sources, write_table
from murinoma.numerics.agreement import fleiss_kappa, marked_voxels, mean_volume, pairwise_dice, volume_rmse
from murinoma.numerics.staple import staple
from murinoma.numerics.tumors import count_tumors
from murinoma.numerics.votes import majority_patterns
from murinoma.pages.paper_tables import table1, table3, table4
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import AgreeSettings, RunSettings
from murinoma.steps import (
    Number,
    StepResult,
    dry_result,
    finite,
    header_notice,
    key_columns,
    study_failures,
    study_notices,
    volume_rows,
)
from murinoma.study import Scan, Study

MM3_PER_CM3 = 1000.0
Table = pd.DataFrame


def agree(
    study: Study,
    *,
    settings: AgreeSettings = AgreeSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Compare the annotators of every scan and write ``agreement/*.csv`` and their rows of ``volumes.csv``.

    Raises
    ------
    StudyError
        If no scan has an annotation.
    OutputError
        If the results cannot be written.
    """
    scans = [scan for scan in study.scans if scan.annotations]
    if not scans and not study_failures(study):
        raise StudyError(
            f"no scan of {study.root} has an annotation; annotate first (files 'Annotator_A_M01_0d.nii.gz')"
        )
    _check_names(study.annotators)
    folder = study.step_folder("agreement")
    work = _Compare(settings, study.excluded_tumors())
    outcome = run_scans(scans, work, folder / "record.json", settings=settings, how=how, progress=progress)
    if how.dry_run:
        return dry_result("agree", study, outcome)
    failed = (*study_failures(study), *outcome.failures)
    done = [(scan, outcome.results[scan.key]) for scan in scans if scan.key in outcome.results]
    if not done:
        return StepResult("agree", None, 0, failed)
    by_scan, by_tumor, known = _write_tables(study, done, folder)
    notices = (*study_notices(study), *_notices(study, done, known))
    return StepResult("agree", folder, len(done), failed, notices, _numbers(by_scan, by_tumor))


def _check_names(annotators: Sequence[str]) -> None:
    """Refuse names of which two pairs would share a column: A with B_C, and A_B with C."""
    columns = Counter(f"dice_{a}_{b}" for a, b in combinations(annotators, 2))
    shared = [name for name, count in columns.items() if count > 1]
    if shared:
        raise StudyError(f"the annotators {', '.join(annotators)} give two pairs the column {shared[0]}; rename one")


@dataclass(frozen=True)
class _Compare:
    """The work on one scan; its result holds volumes in mm3."""

    scans_per_worker: ClassVar[int] = 500  # 29 ms a scan, most of it memory traffic: two cores did not do it faster
    settings: AgreeSettings
    excluded: Mapping[tuple[str, str, str], frozenset[int]]

    def inputs(self, scan: Scan) -> list[Path]:
        return [*scan.annotations.values(), *([scan.ct] if scan.ct else [])]

    def options(self, scan: Scan) -> dict[str, Any]:
        return {"left_out": sorted(self.excluded.get(scan.key, ()))}

    def outputs(self, scan: Scan) -> list[Path]:
        return []

    def __call__(self, scan: Scan) -> Result:
        if len(scan.annotations) < 2:
            name = next(iter(scan.annotations))
            raise InputError(f"{scan.folder} has one annotation ('{name}'); agreement needs two or more")
        annotations = read_annotations(scan)
        return _compare(annotations, self.settings, self.excluded.get(scan.key, frozenset()))


def _compare(annotations: Annotations, settings: AgreeSettings, excluded: frozenset[int]) -> Result:
    names, masks = list(annotations.masks), list(annotations.masks.values())
    votes, tumors = count_tumors(masks, spacing_mm=annotations.spacing_mm, **asdict(settings.tumors), left_out=excluded)
    dice = pairwise_dice(votes.counts)
    consensus = staple(votes.counts)
    size = annotations.voxel_mm3
    marked = marked_voxels(votes.counts)
    return {
        "annotators": names,
        "n_voxels": int(votes.counts.sum()),
        "dice": [[names[i], names[j], finite(dice[i, j])] for i, j in combinations(range(len(names)), 2)],
        "fleiss_kappa": finite(fleiss_kappa(votes.counts)),
        "fleiss_kappa_box": finite(fleiss_kappa(votes.box_counts)),
        "staple_mm3": float(votes.counts[consensus.foreground].sum() * size),
        "staple_converged": consensus.converged,
        "majority_mm3": float(votes.counts[majority_patterns(len(names))].sum() * size),
        "volumes_mm3": [float(n * size) for n in marked],
        "tumors": {
            str(k): [float(n * size) for n in row] for k, row in zip(tumors.numbers, tumors.voxels, strict=True)
        },
        "specks": tumors.specks,
        "conflicts": dict(annotations.conflicts),
    }


Done = Sequence[tuple[Scan, Result]]


def _write_tables(study: Study, done: Done, folder: Path) -> tuple[Table, Table, list[str]]:
    """Write all tables of the step and return scans, tumors, and the published datasets that the study holds."""
    pairs = list(combinations(study.annotators, 2))
    by_scan = Table([_scan_row(scan, result, pairs) for scan, result in done])
    rows = [row for scan, result in done for row in _tumor_rows(scan, result, study.annotators)]
    by_tumor = Table(rows, columns=_tumor_columns(study.annotators))
    known = published.published_datasets(scan.key for scan in study.scans)
    years = {name: notes.year for name, notes in study.notes.items() if notes.year is not None}
    write_table(by_scan, folder / "scans.csv")
    write_table(by_tumor, folder / "tumors.csv")
    write_table(table1(by_scan, by_tumor, years, known), folder / "table1.csv")
    write_table(table3(by_scan, by_tumor, study.annotators, known), folder / "table3.csv")
    write_table(table4(by_scan, study.annotators, known), folder / "table4.csv")
    volumes = Table([row for scan, result in done for row in _volume_rows(scan, result)])
    replace_sources(volumes, study.volumes_path(), study.annotators)
    return by_scan, by_tumor, known


def _scan_row(scan: Scan, result: Result, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    dice = {(a, b): value for a, b, value in result["dice"]}
    defined = [value for value in dice.values() if value is not None]
    return {
        **key_columns(scan),
        "n_annotators": len(result["annotators"]),
        "n_voxels": result["n_voxels"],
        **{f"dice_{a}_{b}": _nan(dice.get((a, b))) for a, b in pairs},
        "dice_mean": float(np.mean(defined)) if defined else np.nan,
        "fleiss_kappa": _nan(result["fleiss_kappa"]),
        "fleiss_kappa_box": _nan(result["fleiss_kappa_box"]),
        "staple_volume_cm3": result["staple_mm3"] / MM3_PER_CM3,
        "majority_volume_cm3": result["majority_mm3"] / MM3_PER_CM3,
        "tumors": len(result["tumors"]),
        "specks": result["specks"],
    }


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def _tumor_columns(annotators: Sequence[str]) -> list[str]:
    volumes = [f"volume_cm3_{name}" for name in annotators]
    keys = ["dataset", "mouse", "time", "hours", "tumor", "n_annotators"]
    return [*keys, *volumes, "volume_cm3_mean", "rmse_cm3", "rmse_percent", "missed_by"]


def _tumor_rows(scan: Scan, result: Result, annotators: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row per tumor: 0 cm3 for an annotator who missed it, empty for one who did not see the scan."""
    rows = []
    for number, volumes_mm3 in result["tumors"].items():
        seen = dict(zip(result["annotators"], volumes_mm3, strict=True))
        volumes = np.array([seen.get(name, np.nan) for name in annotators]) / MM3_PER_CM3
        mean, rmse = float(mean_volume(volumes)), float(volume_rmse(volumes))
        missed = [name for name, volume in seen.items() if volume == 0]
        rows.append(
            {
                **key_columns(scan),
                "tumor": int(number),
                "n_annotators": len(seen) - len(missed),
                **{f"volume_cm3_{name}": volume for name, volume in zip(annotators, volumes, strict=True)},
                "volume_cm3_mean": mean,
                "rmse_cm3": rmse,
                "rmse_percent": 100 * rmse / mean,
                "missed_by": " ".join(missed) or None,
            }
        )
    return rows


def _volume_rows(scan: Scan, result: Result) -> Iterator[dict[str, Any]]:
    for place, name in enumerate(result["annotators"]):
        by_tumor = {int(number): volumes[place] for number, volumes in result["tumors"].items()}
        yield from volume_rows(scan, name, result["volumes_mm3"][place], by_tumor)


def _notices(study: Study, done: Done, known: Sequence[str]) -> list[str]:
    notices = header_notice(result["conflicts"] for _, result in done)
    if known:
        share = f"{len(known)} of its 10 datasets, {len(done)} of its 452 scans"
        notices.append(f"this is the published database of Jensen et al. 2024 ({share}): its values stand beside")
    fewer = [scan.title for scan, result in done if len(result["annotators"]) < len(study.annotators)]
    if fewer:
        notices.append(f"{len(fewer)} scans lack an annotator (first {fewer[0]}); each is measured with those it has")
    bare = [scan.title for scan in study.scans if not scan.annotations]
    if bare:
        notices.append(f"{len(bare)} scans have no annotation yet (first {bare[0]}) and are left out")
    for what, titles in _empty_masks(done).items():
        if titles:
            notices.append(f"{len(titles)} scans have {what} (first {titles[0]}): their Dice is undefined or 0")
    slow = [scan.title for scan, result in done if not result["staple_converged"]]
    if slow:
        notices.append(f"STAPLE did not converge in {len(slow)} scans (first {slow[0]}); look at their annotations")
    return notices


def _empty_masks(done: Done) -> dict[str, list[str]]:
    empty = [(scan.title, [volume == 0 for volume in result["volumes_mm3"]]) for scan, result in done]
    return {
        "no tumor in any mask": [title for title, flags in empty if all(flags)],
        "an empty mask beside others with tumor": [title for title, flags in empty if any(flags) and not all(flags)],
    }


def _numbers(by_scan: Table, by_tumor: Table) -> dict[str, Number]:
    means = {
        "dice_mean": by_scan["dice_mean"].mean(),
        "fleiss_kappa_mean": by_scan["fleiss_kappa"].mean(),
        "staple_volume_cm3_mean": by_scan["staple_volume_cm3"].mean(),
        "rmse_cm3_mean": by_tumor["rmse_cm3"].mean(),
        "rmse_percent_mean": by_tumor["rmse_percent"].mean(),
    }
    return {"tumors": len(by_tumor), **{name: finite(value) for name, value in means.items()}}
