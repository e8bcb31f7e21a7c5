"""Measure on annotated mice how far a source's volumes may be off, and what its own doubts are worth."""

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import FileError, StudyError
from murinoma.files.scanners import scanner_of
from murinoma.files.tables import read_table, write_table
from murinoma.files.versioned import read_versioned, write_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_content
from murinoma.models.provenance import card_path, read_provenance
from murinoma.numerics.conformal import SplitCoverage, VolumeCalibration, calibrate_volumes, split_coverage
from murinoma.numerics.expected_dice import DiceCalibration, calibrate_dice
from murinoma.settings import CalibrateSettings, RunSettings
from murinoma.steps import Number, StepResult, finite, some
from murinoma.study import Study
from murinoma.study.evaluation_paths import calibration_path, evaluation_folder, predictions_folder

Table = pd.DataFrame
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
TUMORS = ("dataset", "mouse", "time", "agreed", "volume_cm3_mean", "volume_cm3_source")
LESIONS = ("dataset", "mouse", "time", "volume_mm3", "counted")
SCANS = ("dataset", "mouse", "time", "dice_annotators")
SOFT = ("dataset", "mouse", "time", "soft_dice")
VERDICT = "murinoma.verdict/1"
AGAIN = "run 'murinoma evaluate' again"
COVERAGE_COLUMNS = ["group", "nominal", "by_mouse", "by_tumor", "calibration_mice", "splits"]


def calibrate(
    study: Study,
    source: str,
    *,
    settings: CalibrateSettings = CalibrateSettings(),
    how: RunSettings = RunSettings(),
) -> StepResult:
    """Write ``calibration/NAME.json`` from the evaluation of a source, and the coverage that it has on left-out mice.

    The intervals hold the annotators' mean volume of a tumor in the stated share of new mice like these
    (`murinoma.numerics.conformal`). They count for masks of the same weights, and for scans of the same scanners and
    species, only.

    Raises
    ------
    StudyError
        If the source was not evaluated, or too few of its mice have a tumor that it found.
    FileError
        If the evaluation is damaged, or of other weights than the masks that are there now.
    OutputError
        If the results cannot be written.
    """
    folder = evaluation_folder(study, source)
    weights, annotators = _evaluated(study, source, folder)
    tumors, scans = read_table(folder / "tumors.csv", TUMORS), read_table(folder / "scans.csv", SCANS)
    predicted, target, mice = _volumes(tumors, read_table(folder / "false_lesions.csv", LESIONS))
    volumes = calibrate_volumes(predicted, target, mice, coverage=settings.coverage)
    _check_enough(volumes, source)
    rng = np.random.default_rng(settings.seed)
    measured = split_coverage(predicted, target, mice, splits=settings.splits, coverage=settings.coverage, rng=rng)
    calibration = Calibration(
        source=source,
        weights=weights,
        study=study.title,
        species=settings.species,
        scanners=_scanners(study, scans),
        annotators=annotators,
        volumes=volumes,
        dice=_dice(study, source, scans),
    )
    path = calibration_path(study, source)
    if not how.dry_run:
        write_versioned(calibration_content(calibration), path, kind=CALIBRATION)
        write_table(coverage_table(measured, settings.coverage), path.with_name(f"{path.stem}_coverage.csv"))
    notices, numbers = _notices(calibration, measured), _numbers(calibration, measured)
    return StepResult("calibrate", None if how.dry_run else path, len(scans), (), notices, numbers)


def _evaluated(study: Study, source: str, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the weights that were evaluated, none but for a model, and the annotators that judged them."""
    found = read_versioned(
        folder / "verdict.json", lambda said: (said["weights"], said["annotators"]), kind=VERDICT, remedy=AGAIN
    )
    if found is None:
        raise StudyError(f"'{source}' was not evaluated on this study; run 'murinoma evaluate' first")
    weights, annotators = (tuple(map(str, names)) for names in found)
    card = card_path(predictions_folder(study, source))
    if weights and card.exists() and read_provenance(card).weights != weights:
        raise FileError(f"the masks of '{source}' were made by other weights than those evaluated; {AGAIN}")
    return weights, annotators


def _volumes(tumors: Table, lesions: Table) -> tuple[Floats, Floats, Codes]:
    """Return predicted volume, target and mouse of every tumor and false lesion, mm3.

    A tumor that half of the annotators or fewer marked counts where the source outlined it; it cannot be missed.
    """
    known = tumors[tumors["agreed"].astype(bool) | (tumors["volume_cm3_source"] > 0)]
    false = lesions[lesions["counted"].astype(bool)]
    drawn, meant = (1000 * known[f"volume_cm3_{name}"].to_numpy(np.float64) for name in ("source", "mean"))
    predicted = np.concatenate([drawn, false["volume_mm3"].to_numpy(np.float64)])
    target = np.concatenate([meant, np.zeros(len(false))])
    return predicted, target, _mice(pd.concat([part[["dataset", "mouse"]].astype(str) for part in (known, false)]))


def _mice(table: Table) -> Codes:
    """Return a number for the mouse of each row; names are unique within a dataset only."""
    return table.groupby(["dataset", "mouse"]).ngroup().to_numpy().astype(np.int64)


def _check_enough(volumes: VolumeCalibration, source: str) -> None:
    if all(math.isnan(one.log_half_width) for one in volumes.classes):
        least = math.ceil(volumes.coverage / (1 - volumes.coverage) - 1e-9)
        raise StudyError(
            f"{some(volumes.n_mice, 'mouse has', 'mice have')} a tumor that '{source}' found; an interval that holds "
            f"{100 * volumes.coverage:g} % takes {least} or more: annotate more mice"
        )


def _scanners(study: Study, scans: Table) -> tuple[str, ...]:
    """Return the scanners of the scans that calibrate, sorted; an empty name where nobody knows."""
    used = set(zip(scans["dataset"], scans["mouse"], scans["time"], strict=True))
    return tuple(sorted({scanner_of(study, scan) for scan in study.scans if scan.key in used}))


def _dice(study: Study, source: str, scans: Table) -> DiceCalibration | None:
    """Return what the soft Dice of a model says of its Dice with people; nothing where it was not written."""
    path = predictions_folder(study, source) / "scans.csv"
    if not path.exists():
        return None
    both = scans.merge(read_table(path, SOFT)[list(SOFT)], how="inner", on=["dataset", "mouse", "time"])
    soft, dice = (pd.to_numeric(both[name]).to_numpy(np.float64) for name in ("soft_dice", "dice_annotators"))
    found = calibrate_dice(soft, dice, _mice(both))
    return found if math.isfinite(found.slope) else None


def coverage_table(measured: SplitCoverage, nominal: float) -> Table:
    """Return the coverage on mice that did not calibrate: of all sizes, then of each class of predicted volume."""
    whole = {"group": "all", "by_mouse": measured.by_mouse, "by_tumor": measured.by_tumor, "splits": measured.splits}
    classes = [
        {
            "group": _class_name(one.low_mm3, one.high_mm3),
            "by_mouse": one.coverage,
            "calibration_mice": one.calibration_mice,
            "splits": one.splits,
        }
        for one in measured.classes
    ]
    return Table([whole, *classes], columns=COVERAGE_COLUMNS).assign(nominal=nominal)


def _class_name(low_mm3: float, high_mm3: float) -> str:
    if math.isinf(high_mm3):
        return f"predicted over {low_mm3:g} mm3" if low_mm3 else "all sizes in one class"
    return f"predicted {low_mm3:g}-{high_mm3:g} mm3"


def _notices(calibration: Calibration, measured: SplitCoverage) -> tuple[str, ...]:
    volumes = calibration.volumes
    notices = []
    if volumes.n_missed or volumes.n_false:
        missed, false = (
            some(volumes.n_missed, "tumor was", "tumors were"),
            some(volumes.n_false, "lesion is", "lesions are"),
        )
        notices.append(f"{missed} missed and {false} false: no interval tells of those")
    if math.isfinite(measured.by_mouse):
        half = f"measured on the other half of the mice, {measured.splits} times"
        notices.append(f"{100 * measured.by_mouse:.1f} % of the intervals held, {half}")
    if not calibration.weights:
        notices.append("the source is no model with a card: these intervals are for this table and for no new scan")
    elif "" in calibration.scanners:
        notices.append("nobody knows the scanner of some scans; name it in study.toml, and other studies can use this")
    if calibration.dice is None and calibration.weights:
        notices.append("no expected Dice: it takes the soft Dice of 5 or more mice; run 'murinoma segment' again")
    return tuple(notices)


def _numbers(calibration: Calibration, measured: SplitCoverage) -> dict[str, Number]:
    volumes, dice = calibration.volumes, calibration.dice
    return {
        "mice": volumes.n_mice,
        "tumors": volumes.n_tumors,
        "missed": volumes.n_missed,
        "coverage": finite(measured.by_mouse),
        "widest_factor": _widest(one.log_half_width for one in volumes.classes),
        "expected_dice_error": None if dice is None else finite(dice.error),
    }


def _widest(log_half_widths: Iterable[float]) -> float | None:
    """Return the factor by which a volume may be off in the class of the widest interval."""
    known = [width for width in log_half_widths if math.isfinite(width)]
    return math.exp(max(known)) if known else None
