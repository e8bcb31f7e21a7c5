"""Measure how well the annotators of a study agree: the tables of scans and tumors, and Tables 1, 3 and 4."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import pandas as pd

from murinoma.errors import StudyError
from murinoma.runs import Progress, run_scans
from murinoma.settings import AgreeSettings, RunSettings
from murinoma.steps import (
    Done,
    Number,
    StepResult,
    done_of,
    dry_result,
    finite,
    header_notice,
    some,
    study_failures,
    study_notices,
)
from murinoma.steps.agree.compare import Compare
from murinoma.steps.agree.tables import write_campaign, write_tables
from murinoma.study import Study

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
    work = Compare(settings, study.excluded_tumors())
    outcome = run_scans(scans, work, folder / "record.json", settings=settings, how=how, progress=progress)
    if how.dry_run:
        return dry_result("agree", study, outcome)
    failed = (*study_failures(study), *outcome.failures)
    done = done_of(scans, outcome)
    if not done:
        return StepResult("agree", None, 0, failed)
    by_scan, by_tumor, known = write_tables(study, done, folder)
    failed = (*failed, *write_campaign(study, folder))
    notices = (*study_notices(study), *_notices(study, done, known))
    return StepResult("agree", folder, len(done), failed, notices, _numbers(by_scan, by_tumor))


def _check_names(annotators: Sequence[str]) -> None:
    """Refuse names of which two pairs would share a column: A with B_C, and A_B with C."""
    columns = Counter(f"dice_{a}_{b}" for a, b in combinations(annotators, 2))
    shared = [name for name, count in columns.items() if count > 1]
    if shared:
        raise StudyError(f"the annotators {', '.join(annotators)} give two pairs the column {shared[0]}; rename one")


def _notices(study: Study, done: Done, known: Sequence[str]) -> list[str]:
    notices = header_notice(result["conflicts"] for _, result in done)
    if known:
        share = f"{len(known)} of its 10 datasets, {len(done)} of its 452 scans"
        notices.append(f"this is the published database of Jensen et al. 2024 ({share}): its values stand beside")
    fewer = [scan.title for scan, result in done if len(result["annotators"]) < len(study.annotators)]
    if fewer:
        lacking = some(len(fewer), "scan lacks", "scans lack")
        notices.append(f"{lacking} an annotator (first {fewer[0]}) and count with those there are")
    bare = [scan.title for scan in study.scans if not scan.annotations]
    if bare:
        notices.append(f"{some(len(bare), 'scan has', 'scans have')} no annotation yet (first {bare[0]}); not measured")
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
