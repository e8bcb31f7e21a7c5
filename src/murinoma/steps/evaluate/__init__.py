"""Judge a source of masks by the annotators of a study: a model, another program, or one of the annotators."""

import pandas as pd

from murinoma.errors import StudyError
from murinoma.runs import Failure, Progress, run_scans
from murinoma.settings import EvaluateSettings, RunSettings
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
from murinoma.steps.evaluate.compare import IN_TRAINING, Judge
from murinoma.steps.evaluate.rows import check_names
from murinoma.steps.evaluate.sources import ANNOTATOR, Source, find_source
from murinoma.steps.evaluate.tables import write_evaluation
from murinoma.steps.evaluate.words import outcome_of, sentence_of
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import evaluation_folder

Table = pd.DataFrame
LeftOut = list[tuple[Scan, str]]
NO_MASK = "the source has no mask of it"
NO_JUDGE = "nobody else has annotated it"
NAMED = 5  # scans that a notice names


def evaluate(
    study: Study,
    source: str | Source,
    *,
    settings: EvaluateSettings = EvaluateSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Judge a source by every annotator of the study, and write ``evaluation/NAME``: tables, and the verdict.

    Scans that the model has learned from are left out, and named. What the verdict asks for stands in
    `murinoma.numerics.verdict`.

    Parameters
    ----------
    source
        An annotator, or a model that has segmented the study; what `find_source` returns for all else.

    Raises
    ------
    UsageError
        If there is no such source.
    StudyError
        If no scan can be judged: nobody else has annotated one, or the model has learned from all of them.
    FileError
        If a card or the record is damaged, or the card is not of the model that made the masks.
    OutputError
        If the results cannot be written.
    """
    source = find_source(study, source) if isinstance(source, str) else source
    annotators = [name for name in study.annotators if source.kind != ANNOTATOR or name != source.name]
    check_names(annotators)
    scans, left_out, doubtful = _sorted_out(study, source)
    folder = evaluation_folder(study, source.name)
    work = Judge(settings, source, study.excluded_tumors())
    outcome = run_scans(scans, work, folder / "record.json", settings=settings, how=how, progress=progress)
    if how.dry_run:
        return dry_result("evaluate", study, outcome)
    results = done_of(scans, outcome)
    left_out += [(scan, IN_TRAINING) for scan, result in results if "kept_out" in result]
    done = [(scan, result) for scan, result in results if "kept_out" not in result]
    failed = (*study_failures(study), *doubtful, *outcome.failures)
    if results and not done:
        raise StudyError(
            f"'{source.name}' has learned from all {len(results)} scans that could be judged; "
            "annotate scans of mice that it has not seen"
        )
    if not done:
        return StepResult("evaluate", None, 0, failed)
    names = [name for name in annotators if any(name in result["judges"] for _, result in done)]
    by_scan, by_tumor, verdict = write_evaluation(folder, source, names, done, left_out, settings)
    notices = (sentence_of(verdict, source.name, names), *_notices(study, source, done, left_out))
    numbers = {"verdict": outcome_of(verdict), "mice_needed": verdict.mice_needed, **_numbers(by_scan, by_tumor)}
    return StepResult("evaluate", folder, len(done), failed, notices, numbers)


def _sorted_out(study: Study, source: Source) -> tuple[list[Scan], LeftOut, list[Failure]]:
    """Return the scans that can be judged, those that cannot with the reason, and those whose masks are doubtful.

    Raises
    ------
    StudyError
        If there is none to judge, and nothing is wrong with names or folders.
    """
    doubtful = [Failure(scan.title, source.doubtful[scan.key]) for scan in study.scans if scan.key in source.doubtful]
    masked = [scan for scan in study.scans if scan.key in source.masks]
    scans = [scan for scan in masked if source.judges(scan)]
    left_out = [
        (scan, NO_MASK if scan.key not in source.masks else NO_JUDGE)
        for scan in study.scans
        if scan not in scans and scan.key not in source.doubtful
    ]
    if not scans and not doubtful and not study_failures(study):
        raise StudyError(
            f"no scan of {study.root} has both a mask of '{source.name}' and an annotation of somebody else; "
            "annotate some of the scans that it has masks of"
        )
    return scans, left_out, doubtful


def _notices(study: Study, source: Source, done: Done, left_out: LeftOut) -> list[str]:
    notices = [*_training_notices(source, done, left_out), *source.notices, *study_notices(study)]
    notices += header_notice(result["conflicts"] for _, result in done)
    for reason in (NO_MASK, NO_JUDGE):
        titles = [scan.title for scan, why in left_out if why == reason]
        if titles:
            notices.append(f"{some(len(titles), 'scan is', 'scans are')} not judged: {reason} (first {titles[0]})")
    lone = [scan.title for scan, result in done if len(result["judges"]) < 2]
    if lone:
        notices.append(
            f"{some(len(lone), 'scan has', 'scans have')} one annotator and no human baseline (first {lone[0]})"
        )
    notices += _overlap_notices(source, done)
    slow = [scan.title for scan, result in done if not result["staple_converged"]]
    if slow:
        notices.append(
            f"STAPLE did not converge in {some(len(slow), 'scan')} (first {slow[0]}); look at its annotations"
        )
    return notices


def _training_notices(source: Source, done: Done, left_out: LeftOut) -> list[str]:
    learned = [scan for scan, why in left_out if why == IN_TRAINING]
    if not learned:
        return []
    named = ", ".join(scan.title for scan in learned[:NAMED])
    more = f" and {len(learned) - NAMED} more" if len(learned) > NAMED else ""
    notices = [
        f"LEFT OUT: '{source.name}' has learned from {some(len(learned), 'scan')} of this study "
        f"({named}{more}; left_out.csv lists them)"
    ]
    mice = {(scan.dataset, scan.mouse) for scan in learned}
    leaking = [scan.title for scan, _ in done if (scan.dataset, scan.mouse) in mice]
    if leaking:
        notices.append(
            f"{some(len(leaking), 'judged scan shows a mouse', 'judged scans show mice')} that the model knows from "
            f"another day (first {leaking[0]}); the numbers are too good"
        )
    return notices


def _overlap_notices(source: Source, done: Done) -> list[str]:
    """Return a sentence if a source with masks meets nobody's tumor anywhere: it may be stored mirrored."""
    drawn = [result["scan"] for _, result in done if result["scan"]["source_volume_cm3"] > 0]
    if not drawn:
        return [f"every mask of '{source.name}' is empty"]
    if any(row["dice_annotators"] for row in drawn):
        return []
    return [f"no mask of '{source.name}' meets a tumor of anybody; are its axes stored in another order or direction?"]


def _numbers(scans: Table, tumors: Table) -> dict[str, Number]:
    means = {
        "dice_mean": scans["dice_annotators"].mean(),
        "human_dice_mean": scans["human_dice"].mean(),
        "surface_dice_mean": scans["surface_dice_annotators"].mean(),
        "false_lesions_per_scan": scans["false_lesions"].mean(),
    }
    agreed = tumors[tumors["agreed"].astype(bool)]
    counts = {"tumors": len(agreed), "tumors_found": int(agreed["found"].sum())}
    return counts | {name: finite(value) for name, value in means.items()}
