"""Segment a study with a model: a mask per scan with its tumors numbered, their volumes, and a picture to check it."""

from pathlib import Path

from murinoma.errors import StudyError
from murinoma.files.tables import write_table
from murinoma.runs import Progress
from murinoma.settings import RunSettings, SegmentSettings
from murinoma.steps import StepResult, done_of, dry_result, study_failures
from murinoma.steps.segment.intervals import read_trust
from murinoma.steps.segment.numbering import identify_all, identity_table, renumber_all
from murinoma.steps.segment.opening import find_model
from murinoma.steps.segment.tables import notices, numbers, write_tables
from murinoma.steps.segment.targets import Target
from murinoma.steps.segment.work import SegmentWork, run_all
from murinoma.study import DatasetNotes, Scan, Study
from murinoma.study.evaluation_paths import predictions_folder
from murinoma.study.prediction_paths import disagreement_path, preview_path
from murinoma.study.tumor_numbers import read_tumor_numbers


def segment(
    study: Study,
    model: str,
    *,
    settings: SegmentSettings = SegmentSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``predictions/NAME`` for every scan with a CT, and the model's rows of ``volumes.csv``.

    A mask is uint8: 0, and the number of the tumor, the same on every day of its mouse (``identity.csv`` says how sure
    that is, ``tumors.csv`` overrides it). An empty mask is a valid answer. ``lesions.csv`` also lists what was left
    out, and why. Volumes have an interval where a calibration counts for the scan.

    Parameters
    ----------
    model
        A model's folder, or the name of one that was trained on this study, or is shipped.

    Raises
    ------
    UsageError
        If there is no such model or head, or neither openvino nor torch is installed.
    FileError
        If the model, or its calibration, is damaged.
    StudyError
        If no scan has a CT, or ``tumors.csv`` cannot be understood.
    OutputError
        If the results cannot be written.
    """
    folder, card = find_model(model, settings.head, study)
    trust = read_trust(study, card)
    told = read_tumor_numbers(study, source=card.name)
    targets = {scan.key: _target(study, scan, scan.ct, card.name) for scan in study.scans if scan.ct is not None}
    if not targets:
        raise StudyError(f"no scan of {study.root} has a CT; there is nothing to segment")
    results = predictions_folder(study, card.name)
    work = SegmentWork(folder, card, settings)
    outcome = run_all(list(targets.values()), work, results, how=how, progress=progress)
    if how.dry_run:
        return dry_result("segment", study, outcome)
    done = done_of(study.scans, outcome)
    failed = (*study_failures(study), *outcome.failures)
    if not done:
        return StepResult("segment", None, 0, failed)
    identities = identify_all(done, told)
    table = results / "identity.csv"
    unnumbered = renumber_all(done, identities, targets, table, card.name)
    write_tables(study, card.name, done, identities, trust)
    write_table(identity_table(done, identities, told), table)
    said = notices(study, card, done, identities, trust)
    return StepResult("segment", results, len(done), (*failed, *unnumbered), said, numbers([r for _, r in done]))


def _target(study: Study, scan: Scan, ct: Path, model: str) -> Target:
    axes = study.notes.get(scan.dataset, DatasetNotes()).axes
    mask, preview = study.prediction_path(scan, model), preview_path(study, scan, model)
    return Target(scan.key, scan.title, ct, mask, preview, disagreement_path(study, scan, model), axes)
