"""The same lesion has the same number on every day: in masks, tables and pictures, and after every change of mind."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import StudyError
from murinoma.files.nifti import read_volume, write
from murinoma.files.versioned import write_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_content
from murinoma.models.folder import read_card
from murinoma.numerics.conformal import SizeClass, VolumeCalibration
from murinoma.numerics.expected_dice import DiceCalibration
from murinoma.settings import SegmentSettings
from murinoma.steps import StepResult
from murinoma.steps.segment import segment
from murinoma.study import Study, read_study
from murinoma.study.evaluation_paths import calibration_path
from murinoma.study.prediction_paths import disagreement_path, preview_path
from tests.builders import write_scan
from tests.models.made_up_mice import LEFT, MM, NECK, RIGHT, ReadingModel, mouse_ct
from tests.models.small_models import write_tiny_model

pytest.importorskip("torch", reason="models need torch or openvino")
pytest.importorskip("onnx", reason="a model is written with onnx")

SPACING_MM = (MM, MM, MM)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> ReadingModel:
    """Return what segments in place of the weights."""
    reading = ReadingModel()
    # the picture is looked at elsewhere: here it only tells which numbers it would show
    draw = "murinoma.steps.segment.targets.prediction_png"
    monkeypatch.setattr(draw, lambda view: str(sorted(view.volumes_mm3)).encode())
    monkeypatch.setattr("murinoma.steps.segment.work.opened", lambda folder, card: reading)
    return reading


@pytest.fixture
def root(tmp_path: Path, model: ReadingModel) -> Path:
    """Return a mouse on three days: two tumors, one of them left and the mouse on its back, and that with a new one."""
    root = tmp_path / "study"
    write_scan(root, "M01_0d", ct=mouse_ct((LEFT, 6), (RIGHT, 5)), spacing_mm=SPACING_MM)
    write_scan(root, "M01_8d", ct=mouse_ct((RIGHT, 6))[:, ::-1, ::-1], spacing_mm=SPACING_MM)
    write_scan(root, "M01_16d", ct=mouse_ct((RIGHT, 7), (NECK, 4)), spacing_mm=SPACING_MM)
    write_tiny_model(root / "models" / "tiny")
    return root


def run(root: Path, **settings: bool) -> StepResult:
    """Segment the study."""
    return segment(read_study(root), "tiny", settings=SegmentSettings(**settings))  # type: ignore[arg-type]


def tumors(study: Study) -> dict[str, list[int]]:
    """Return the numbers in the mask of each scan."""
    masks = {scan.name: read_volume(study.prediction_path(scan, "tiny")).voxels for scan in study.scans}
    return {name: np.unique(mask[mask > 0]).tolist() for name, mask in masks.items()}


def test_a_lesion_keeps_its_number(root: Path) -> None:
    """The left one is 1 and the right one 2 on the first day; what is found alone later is 2, and the new one 3."""
    result = run(root)
    assert result.failed == ()
    assert not any("doubtful" in notice for notice in result.notices)
    study = read_study(root)
    assert tumors(study) == {"M01_0d": [1, 2], "M01_8d": [2], "M01_16d": [2, 3]}
    volumes = pd.read_csv(study.volumes_path()).dropna(subset=["tumor"])
    assert volumes["tumor"].tolist() == [1, 2, 2, 2, 3]
    right = volumes[volumes["tumor"] == 2]["volume_mm3"].tolist()
    assert right == sorted(right)
    assert right == pytest.approx([4 / 3 * np.pi * (r * MM) ** 3 for r in (5, 6, 7)], rel=0.1)


def test_the_table_says_which_is_which(root: Path) -> None:
    """Number found in the scan alone, lesion, place in the body, who says so, doubt."""
    run(root)
    table = pd.read_csv(root / "derivatives" / "predictions" / "tiny" / "identity.csv")
    assert table[["time", "tumor"]].to_numpy().tolist() == [["0d", 1], ["0d", 2], ["8d", 2], ["16d", 2], ["16d", 3]]
    assert table["found_as"].tolist()[:3] == [1, 2, 1]
    assert set(table["by"]) == {"position"}
    assert table["doubt"].isna().all()
    right = table[table["tumor"] == 2]
    assert np.ptp(right["along"].to_numpy()) < 0.05
    assert np.ptp(right["angle_deg"].to_numpy()) < 15


def test_people_may_say_otherwise(root: Path, model: ReadingModel) -> None:
    """A row in tumors.csv renumbers the mask without segmenting again; taken away, the number comes back."""
    run(root)
    seen = len(model.seen)
    (root / "tumors.csv").write_text("dataset,mouse,time,tumor,lesion\n1,M01,8d,1,7\n", encoding="utf-8")
    assert run(root).failed == ()
    assert tumors(read_study(root))["M01_8d"] == [7]
    (root / "tumors.csv").unlink()
    run(root)
    assert tumors(read_study(root))["M01_8d"] == [2]
    assert len(model.seen) == seen


def test_a_row_for_another_model_does_not_count(root: Path) -> None:
    """With a column source only its own rows do."""
    (root / "tumors.csv").write_text("dataset,mouse,time,tumor,lesion,source\n1,M01,8d,1,7,A\n", encoding="utf-8")
    run(root)
    assert tumors(read_study(root))["M01_8d"] == [2]


def test_a_first_day_that_goes_changes_the_numbers_after_it(root: Path) -> None:
    """Without the first scan the right tumor is the first one; its picture is drawn anew."""
    run(root)
    study = read_study(root)
    picture = preview_path(study, study.scans[1], "tiny")
    assert picture.read_bytes() == b"[2]"
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\n1,M01,0d,,moved\n", encoding="utf-8")
    run(root)
    assert tumors(read_study(root)) == {"M01_8d": [1], "M01_16d": [1, 2]}
    assert picture.read_bytes() == b"[1]"


def test_a_run_that_was_killed_before_its_table_is_made_good(root: Path) -> None:
    """Masks with and without their numbers, and no table: all are looked at again."""
    run(root)
    wanted = tumors(read_study(root))
    study = read_study(root)
    path = study.prediction_path(study.scans[1], "tiny")
    mask = read_volume(path)
    write(mask.with_voxels(np.where(mask.voxels == 2, 1, 0).astype(np.uint8)), path)
    (root / "derivatives" / "predictions" / "tiny" / "identity.csv").unlink()
    run(root)
    assert tumors(read_study(root)) == wanted


def test_a_mask_that_somebody_changed_is_told(root: Path) -> None:
    """It cannot get its numbers; the others do."""
    run(root)
    study = read_study(root)
    path = study.prediction_path(study.scans[1], "tiny")
    mask = read_volume(path)
    write(mask.with_voxels(np.zeros(mask.shape, np.uint8)), path)
    result = run(root)
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_8d"]
    assert "was changed since it was made" in result.failed[0].message


def test_a_row_that_names_no_scan_is_refused(root: Path) -> None:
    """With its line, before anything is segmented."""
    (root / "tumors.csv").write_text("dataset,mouse,time,tumor,lesion\n1,M09,8d,1,7\n", encoding="utf-8")
    with pytest.raises(StudyError, match="line 2: 1 M09_8d is no scan here"):
        run(root)


def test_where_the_heads_disagree_is_written_on_request(root: Path) -> None:
    """Heads that say 0.9 and 0.7 differ by 0.1 in every voxel of a tumor; the mean is in scans.csv."""
    run(root, maps=True)
    study = read_study(root)
    path = disagreement_path(study, study.scans[0], "tiny")
    mask = read_volume(study.prediction_path(study.scans[0], "tiny")).voxels > 0
    assert np.allclose(read_volume(path).voxels, np.where(mask, 0.1, 0), atol=1e-3)
    scans = pd.read_csv(root / "derivatives" / "predictions" / "tiny" / "scans.csv")
    assert scans["heads_disagreement"].tolist() == pytest.approx([0.1] * 3, abs=1e-3)
    assert scans["soft_dice"].tolist() == pytest.approx([2 * 0.9 / 1.9] * 3, abs=1e-3)


def test_short_of_memory_is_one_sentence(root: Path, model: ReadingModel) -> None:
    """What to do is said for every scan."""
    model.short_of_memory = True
    result = run(root)
    assert result.scans == 0
    assert {failure.message.split(";")[0] for failure in result.failed} == {"there is not enough memory for this scan"}


def test_volumes_have_an_interval_where_a_calibration_counts(root: Path) -> None:
    """A tumor's own; the whole scan's where it has one tumor. Of another scanner or other weights there is none."""
    study = read_study(root)
    card = read_card(root / "models" / "tiny")
    weights = (card.coarse.sha256, card.fine.sha256)
    sizes = (SizeClass(0.0, np.inf, 0.2, n_mice=20, n_tumors=40),)
    volumes = VolumeCalibration(0.9, sizes, n_mice=20, n_tumors=40, n_missed=0, n_false=0)
    dice = DiceCalibration(0.1, 0.8, n_mice=20, n_scans=40, error=0.02, constant_error=0.04)
    kept = Calibration("tiny", weights, study.title, "mouse", ("",), ("A", "B"), volumes, dice)
    path = calibration_path(study, "tiny")
    write_versioned(calibration_content(kept), path, kind=CALIBRATION)
    result = run(root)
    assert not any("interval" in notice for notice in result.notices)
    table = pd.read_csv(study.volumes_path())
    ratio = (table["volume_high_mm3"] / table["volume_mm3"]).dropna()
    assert ratio.tolist() == pytest.approx([np.exp(0.2)] * 6)
    without = table[table["volume_low_mm3"].isna()]
    assert without["time"].tolist() == ["0d", "16d"]
    assert without["tumor"].isna().all()
    scans = pd.read_csv(root / "derivatives" / "predictions" / "tiny" / "scans.csv")
    assert scans["expected_dice"].tolist() == pytest.approx((0.1 + 0.8 * scans["soft_dice"]).tolist())
    write_versioned(calibration_content(replace(kept, weights=("x", "y"))), path, kind=CALIBRATION)
    assert any("other weights" in notice for notice in run(root).notices)
    assert pd.read_csv(study.volumes_path())["volume_low_mm3"].isna().all()
