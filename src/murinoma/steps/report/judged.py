"""What evaluate and calibrate have written, as the page shows it, with pictures of the worst cases."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from murinoma.errors import FileError, InputError
from murinoma.files.masks import read_grid, read_labels
from murinoma.files.tables import read_table
from murinoma.files.versioned import read_versioned
from murinoma.models.calibration import Calibration
from murinoma.pages.doubts_section import Doubts
from murinoma.pages.evaluation_content import (
    ANNOTATOR,
    MODEL,
    Calibrated,
    SourceEvaluation,
    WorstCase,
)
from murinoma.pages.evaluation_section import Judged
from murinoma.pages.evaluation_tables import worst_scans
from murinoma.pages.figures import line_styles
from murinoma.pages.source_picture import view_source
from murinoma.pages.upright import turned
from murinoma.runs import Failure
from murinoma.settings import ReportSettings
from murinoma.steps.report.pictures import read_seen
from murinoma.steps.report.places import Sidecars
from murinoma.steps.report.predictions import read_calibration, read_predictions, read_queue
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import calibration_path, evaluation_folder, predictions_folder

Table = pd.DataFrame
KEY = ["dataset", "mouse", "time"]
VERDICT = "murinoma.verdict/1"
TABLES = {
    "verdict": ("criterion", "value", "low", "high", "least", "most", "state", "mice_needed", "n_mice"),
    "scans": (*KEY, "dice_annotators", "human_dice", "source_volume_cm3", "annotators_volume_cm3", "false_lesions"),
    "tumors": (*KEY, "tumor", "volume_cm3_mean", "volume_cm3_source"),
    "detection": ("dataset", "measure", "group", "count", "total", "value", "low", "high", "n_mice"),
    "false_lesions": (*KEY, "volume_mm3", "distance_mm", "counted"),
    "left_out": (*KEY, "reason"),
    "summary": ("by", "group", "unit_of", "measure", "mean", "low", "high", "n_mice", "n", "method"),
    "volume_agreement": ("against", "n_tumors", "n_mice", "missed", "ratio", "limit_low", "limit_high", "icc"),
    "table4": ("dataset", "scans", "dice_source_mean"),
}
SCORED = ("samples", "probabilities")
RELIABILITY = ("low", "high", "n_voxels", "probability", "share")
COVERAGE = ("group", "nominal", "by_mouse", "by_tumor", "splits")
AGAIN = "run 'murinoma evaluate' again"


def read_judged(study: Study, sidecars: Sidecars, settings: ReportSettings) -> tuple[Judged, list[Failure]]:
    """Return the evaluations, predictions and review queue of a study, and a failure for each scan not shown.

    Raises
    ------
    FileError
        If a table, a verdict or a calibration is damaged or newer.
    """
    folders = sorted(path.parent for path in evaluation_folder(study, "").glob("*/verdict.json"))
    sources, failed = [], []
    for place, folder in enumerate(folders):
        source = _source(study, folder)
        count = _pictures(settings.worst, len(folders), place)
        worst, unshown = _worst(study, source, sidecars, count)
        sources.append(replace(source, worst=worst))
        failed += unshown
    sources.sort(key=lambda source: (source.kind == ANNOTATOR, source.name))
    return Judged(sources, list(_doubts(study)), read_predictions(study), read_queue(study)), failed


def _pictures(total: int, sources: int, place: int) -> int:
    """Return how many pictures a source has, so that all together have `total`."""
    return total // sources + (place < total % sources)


def _source(study: Study, folder: Path) -> SourceEvaluation:
    """Return an evaluation as its folder holds it."""
    found = read_versioned(folder / "verdict.json", _verdict, kind=VERDICT, remedy=AGAIN)
    if found is None:
        raise FileError(f"{folder} has lost its verdict.json; {AGAIN}")
    said, weights = found
    tables = {name: read_table(folder / f"{name}.csv", columns) for name, columns in TABLES.items()}
    calibration = read_calibration(study, said["name"])
    return SourceEvaluation(
        **said,
        tables=tables,
        calibrated=None if calibration is None else _calibrated(study, calibration, weights),
        expected=_expected(study, said["name"], tables["scans"]),
    )


def _verdict(content: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what ``verdict.json`` says of a source, and the weights that were evaluated."""
    williams = content["williams_index"]
    said = {
        "name": str(content["source"]),
        "kind": str(content["kind"]),
        "outcome": str(content["verdict"]),
        "sentence": str(content["sentence"]),
        "annotators": tuple(map(str, content["annotators"])),
        "training_known": bool(content["training_known"]),
        "williams": math.nan if williams is None else float(williams),
    }
    return said, tuple(map(str, content["weights"]))


def _calibrated(study: Study, calibration: Calibration, weights: tuple[str, ...]) -> Calibrated | None:
    """Return a calibration as the page shows it; nothing if it is of other weights than those evaluated."""
    if calibration.weights != weights:
        return None
    volumes, dice = calibration.volumes, calibration.dice
    rows = [
        {
            "low_mm3": one.low_mm3,
            "high_mm3": one.high_mm3,
            "factor": math.exp(one.log_half_width),
            "n_mice": one.n_mice,
            "n_tumors": one.n_tumors,
        }
        for one in volumes.classes
    ]
    path = calibration_path(study, calibration.source)
    coverage = path.with_name(f"{path.stem}_coverage.csv")
    return Calibrated(
        coverage=volumes.coverage,
        classes=Table(rows),
        mice=volumes.n_mice,
        tumors=volumes.n_tumors,
        missed=volumes.n_missed,
        false=volumes.n_false,
        study=calibration.study,
        dice_error=math.nan if dice is None else dice.error,
        constant_error=math.nan if dice is None else dice.constant_error,
        measured=read_table(coverage, COVERAGE) if coverage.exists() else None,
    )


def _expected(study: Study, name: str, scans: Table) -> Table:
    """Return the scans that have an expected Dice and a found one."""
    path = predictions_folder(study, name) / "scans.csv"
    if not path.exists():
        return Table(columns=[*KEY, "expected_dice", "dice_annotators"])
    said = read_table(path, (*KEY, "expected_dice"))
    both = scans[[*KEY, "dice_annotators"]].merge(said[[*KEY, "expected_dice"]], on=KEY)
    numbers = both.assign(**{column: pd.to_numeric(both[column]) for column in ("expected_dice", "dice_annotators")})
    return numbers.dropna()[[*KEY, "expected_dice", "dice_annotators"]]


def _doubts(study: Study) -> Iterator[Doubts]:
    """Yield what is known of probabilities and sampled masks; of a source that has both, the samples."""
    for folder in sorted(evaluation_folder(study, "").glob("*/")):
        kinds = [kind for kind in SCORED if (folder / f"{kind}.csv").exists()]
        if kinds and (folder / "reliability.csv").exists():
            scans = read_table(folder / f"{kinds[0]}.csv", (*KEY, "brier", "calibration_error"))
            yield Doubts(folder.name, kinds[0], scans, read_table(folder / "reliability.csv", RELIABILITY))


# Worst cases


def _worst(
    study: Study, source: SourceEvaluation, sidecars: Sidecars, count: int
) -> tuple[list[WorstCase], list[Failure]]:
    """Return the scans in which a source is farthest from the annotators; masks outside the study cannot be shown."""
    scans = {scan.key: scan for scan in study.scans}
    cases, failed = [], []
    for row in worst_scans(source.tables["scans"]).head(count).to_dict("records"):
        scan = scans.get((str(row["dataset"]), str(row["mouse"]), str(row["time"])))
        path = None if scan is None else _mask(study, scan, source)
        if scan is None or path is None:
            continue  # the scan went away since evaluate ran, or its mask lies outside the study
        try:
            cases.append(_case(study, scan, (source, path), sidecars, row))
        except InputError as error:
            failed.append(Failure(scan.title, f"{source.name} cannot be shown on it: {error}"))
    return cases, failed


def _mask(study: Study, scan: Scan, source: SourceEvaluation) -> Path | None:
    """Return the file with the source's mask of a scan, if it lies in the study."""
    if source.kind == ANNOTATOR:
        return scan.annotations.get(source.name)
    path = study.prediction_path(scan, source.name)
    return path if source.kind == MODEL and path.exists() else None


def _case(
    study: Study, scan: Scan, judged: tuple[SourceEvaluation, Path], sidecars: Sidecars, row: Mapping[Any, Any]
) -> WorstCase:
    source, path = judged
    seen = read_seen(study, scan, sidecars)
    mask = turned(read_labels(path, read_grid(scan))[0], seen.axes)
    view = view_source(
        seen.ct,
        (source.name, mask),
        {name: seen.annotations.masks[name] for name in source.annotators if name in seen.annotations.masks},
        spacing_mm=seen.annotations.spacing_mm,
        styles=line_styles(study.annotators),
        sides=seen.sides,
    )
    return WorstCase(scan.dataset, scan.name, float(row["dice_annotators"]), float(row["human_dice"]), view)
