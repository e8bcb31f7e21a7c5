"""The step calibrate: intervals from an evaluation, for which masks they count, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError, StudyError
from murinoma.files.versioned import read_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_of
from murinoma.numerics.conformal import volume_interval
from murinoma.settings import CalibrateSettings, RunSettings
from murinoma.steps.calibrate import calibrate
from murinoma.steps.evaluate import evaluate
from murinoma.study import read_study
from murinoma.study.evaluation_paths import calibration_path
from tests.builders import box, write_nifti, write_scan

SHAPE = (8, 40, 8)
TUMOR = box(SHAPE, (2, 6), (2, 7), (2, 6))  # 80 mm3
FALSE = box(SHAPE, (2, 6), (30, 34), (2, 6))
WEIGHTS = {"coarse": {"sha256": "c"}, "fine": {"sha256": "f"}}
CARD = {"format": "murinoma.model/1", "name": "net", "training_cts": [], "limits": "", **WEIGHTS}


def study_of(root: Path, mice: int, weights: bool = True) -> Path:
    """Write mice of one tumor of 80 mm3; the model draws 64, 80 or 96 in turn, misses mouse 5 and sees one too many."""
    for number in range(1, mice + 1):
        name = f"M{number:02d}_0d"
        write_scan(root, name, dict.fromkeys("AB", TUMOR))
        mask = box(SHAPE, (2, 6), (2, 6 + number % 3), (2, 6)) if number != 5 else np.zeros_like(TUMOR)
        mask = mask | FALSE if number == 4 else mask
        write_nifti(root / f"derivatives/predictions/net/Dataset 1/{name}/Prediction_{name}.nii.gz", mask)
    if weights:
        (root / "derivatives/predictions/net/model.json").write_text(json.dumps(CARD))
    evaluate(read_study(root), "net")
    return root


def read_back(root: Path) -> Calibration:
    """Return what calibrate has written."""
    found = read_versioned(calibration_path(read_study(root), "net"), calibration_of, kind=CALIBRATION, remedy="")
    assert found is not None
    return found


def test_intervals_hold_the_annotators_volume_by_hand(tmp_path: Path) -> None:
    """Of 14 found tumors off by log(80/64), 0 or log(80/96), 90 % of 15 mice is the largest: 1.25 either way."""
    result = calibrate(read_study(study_of(tmp_path, 15)), "net")
    found = read_back(tmp_path)
    (only,) = found.volumes.classes
    assert only.log_half_width == pytest.approx(np.log(80 / 64))
    assert (found.volumes.n_mice, found.volumes.n_missed, found.volumes.n_false) == (14, 1, 1)
    low, high = volume_interval(found.volumes, np.array([100.0]))
    assert (low[0], high[0]) == pytest.approx((80, 125))
    assert (found.weights, found.species, found.scanners) == (("c", "f"), "mouse", ("",))
    assert found.annotators == ("A", "B")
    assert result.numbers["widest_factor"] == pytest.approx(1.25)
    assert any("1 tumor was missed and 1 lesion is false" in notice for notice in result.notices)
    assert any("nobody knows the scanner" in notice for notice in result.notices)


def test_the_coverage_is_measured_on_mice_that_did_not_calibrate(tmp_path: Path) -> None:
    """Halves of 30 mice: the table says how often the intervals held, near what they promise or above."""
    calibrate(read_study(study_of(tmp_path, 30)), "net", settings=CalibrateSettings(splits=50))
    table = pd.read_csv(tmp_path / "derivatives" / "calibration" / "net_coverage.csv")
    assert table["group"].tolist() == ["all", "all sizes in one class"]
    assert (table["nominal"] == 0.9).all()
    assert 0.88 < table["by_mouse"][0] <= 1


def test_the_soft_dice_of_the_model_is_calibrated_where_segment_wrote_it(tmp_path: Path) -> None:
    """It is the Dice less 0.1: the line gives it back."""
    study_of(tmp_path, 12)
    scans = pd.read_csv(tmp_path / "derivatives" / "evaluation" / "net" / "scans.csv")
    soft = scans[["dataset", "mouse", "time"]].assign(soft_dice=scans["dice_annotators"] - 0.1)
    soft.to_csv(tmp_path / "derivatives" / "predictions" / "net" / "scans.csv", index=False)
    result = calibrate(read_study(tmp_path), "net")
    dice = read_back(tmp_path).dice
    assert dice is not None
    assert (dice.slope, dice.intercept) == pytest.approx((1, 0.1))
    assert result.numbers["expected_dice_error"] == pytest.approx(0, abs=1e-9)


def test_too_few_mice_give_no_interval(tmp_path: Path) -> None:
    """Nine at 90 %; with how many there are."""
    study = read_study(study_of(tmp_path, 8))
    with pytest.raises(StudyError, match=r"7 mice have a tumor that 'net' found.* takes 9 or more"):
        calibrate(study, "net")
    assert not calibration_path(study, "net").exists()
    assert calibrate(study, "net", settings=CalibrateSettings(coverage=0.6)).result is not None


def test_a_source_that_was_not_evaluated_is_refused(tmp_path: Path) -> None:
    """With the command that does it."""
    write_scan(tmp_path, masks={"A": TUMOR})
    with pytest.raises(StudyError, match="'net' was not evaluated on this study; run 'murinoma evaluate' first"):
        calibrate(read_study(tmp_path), "net")


def test_other_weights_than_those_evaluated_are_refused(tmp_path: Path) -> None:
    """The masks were made anew by another model of that name."""
    study = read_study(study_of(tmp_path, 12))
    other: dict[str, Any] = {**CARD, "fine": {"sha256": "new"}}
    (tmp_path / "derivatives/predictions/net/model.json").write_text(json.dumps(other))
    with pytest.raises(FileError, match="were made by other weights than those evaluated; run 'murinoma evaluate'"):
        calibrate(study, "net")


def test_without_a_card_the_intervals_are_for_no_new_scan(tmp_path: Path) -> None:
    """They are written, and say so."""
    result = calibrate(read_study(study_of(tmp_path, 12, weights=False)), "net")
    assert read_back(tmp_path).weights == ()
    assert any("for this table and for no new scan" in notice for notice in result.notices)


def test_a_dry_run_writes_nothing_and_a_rerun_the_same(tmp_path: Path) -> None:
    """To the byte."""
    study = read_study(study_of(tmp_path, 12))
    path = calibration_path(study, "net")
    assert calibrate(study, "net", how=RunSettings(dry_run=True)).result is None
    assert not path.exists()
    calibrate(study, "net")
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    calibrate(study, "net")
    assert before == {file.name: file.read_bytes() for file in path.parent.iterdir()}


def test_a_fourth_reader_of_real_masks_is_calibrated(shared_data: Path, tmp_path: Path) -> None:
    """LIDC: D's 20 volumes against the mean of A, B, C; nine of ten and more lie within, by numpy."""
    study = read_study(shared_data / "lidc_study", out=tmp_path)
    evaluate(study, "D")
    calibrate(study, "D")
    content = json.loads(calibration_path(study, "D").read_text())
    (only,) = content["volumes"]["classes"]
    tumors = pd.read_csv(tmp_path / "evaluation" / "D" / "tumors.csv")
    off = np.abs(np.log(tumors["volume_cm3_mean"] / tumors["volume_cm3_source"]))
    assert only["log_half_width"] == pytest.approx(np.sort(off)[18])  # the 19th of 20: 0.9 x 21 = 18.9
    assert (off <= only["log_half_width"] + 1e-9).sum() == 19
