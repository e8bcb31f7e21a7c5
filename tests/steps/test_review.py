"""The step review: which scans stand first, why, and how they are opened."""

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import StudyError, UsageError
from murinoma.files.nifti import read_volume
from murinoma.settings import ReviewSettings, RunSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.steps.annotate.queue import open_queue
from murinoma.steps.merge import merge
from murinoma.steps.review import review
from murinoma.study import read_study
from tests.builders import box, write_nifti, write_scan

SHAPE = (8, 8, 8)
CT = np.zeros(SHAPE, np.int16)
HEAD = "dataset,mouse,time,hours,source,tumor,volume_mm3,volume_low_mm3,volume_high_mm3\n"


def run(root: Path, source: str = "", **how: Any) -> StepResult:
    """Read a study and make the queue."""
    return review(read_study(root), settings=ReviewSettings(source), how=RunSettings(**how))


def queue(root: Path) -> pd.DataFrame:
    """Return the queue."""
    return pd.read_csv(root / "derivatives" / "review" / "queue.csv", keep_default_na=False, na_values=[""])


def write_volumes(root: Path, *rows: str) -> None:
    """Write volumes.csv."""
    (root / "derivatives").mkdir(exist_ok=True)
    (root / "derivatives" / "volumes.csv").write_text(HEAD + "\n".join(rows) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return three mice with a CT each; the annotators of the second are far apart."""
    apart = {"A": box(SHAPE, (2, 6), (2, 6), (2, 6)), "B": box(SHAPE, (2, 6), (2, 6), (5, 8))}
    alike = dict.fromkeys("AB", box(SHAPE, (2, 6), (2, 6), (2, 6)))
    for number, masks in enumerate((alike, apart, alike), start=1):
        write_scan(tmp_path / "study", f"M{number:02d}_0d", masks, ct=CT)
    return tmp_path / "study"


def test_annotators_who_are_far_apart_come_first_with_the_command_that_opens_the_scan(root: Path) -> None:
    """After agree and merge: the reason in words, the CT and the consensus to start from."""
    agree(read_study(root))
    merge(read_study(root))
    result = run(root)
    rows = queue(root)
    assert rows["mouse"].tolist()[0] == "M02"
    assert rows["rank"].tolist() == [1, 2, 3]
    assert "annotators far apart" in rows["reasons"][0]
    assert rows["reasons"].isna().tolist() == [False, True, True]
    words = shlex.split(rows["command"][0])
    assert words[:2] == ["murinoma", "annotate"]
    assert Path(words[2]).name == "CT_M02_0d.nii.gz"
    assert Path(words[words.index("--start-from") + 1]) == Path(rows["start_from"][0])
    assert Path(rows["start_from"][0]).name == "STAPLE_M02_0d.nii.gz"
    assert result.result == root / "derivatives" / "review" / "queue.csv"
    assert result.numbers["with_reasons"] == 1


def test_wide_intervals_low_expected_dice_and_odd_grey_values_of_a_model_count(root: Path) -> None:
    """Each of the three scans has one concern, from the files that segment writes."""
    write_volumes(
        root,
        "Dataset 1,M01,0d,0,net,1,100,90,111",
        "Dataset 1,M02,0d,0,net,1,100,40,250",
        "Dataset 1,M02,0d,0,net,2,100,95,105",
        "Dataset 1,M03,0d,0,net,1,100,90,111",
    )
    folder = root / "derivatives" / "predictions" / "net"
    folder.mkdir(parents=True)
    (folder / "scans.csv").write_text("dataset,mouse,time,expected_dice\nDataset 1,M01,0d,0.6\nDataset 1,M02,0d,\n")
    notice = "soft tissue reads 400 HU, usually -150 to 250: check the calibration"
    entry = {"inputs": {}, "result": {"notices": [notice]}}
    record = {"step": "net", "version": "0", "settings": {}, "scans": {"Dataset 1 M03_0d": entry}}
    (folder / "record.json").write_text(json.dumps({"format": "murinoma.record/1", **record}))
    write_nifti(folder / "Dataset 1" / "M02_0d" / "Prediction_M02_0d.nii.gz", box(SHAPE, (2, 6), (2, 6), (2, 6)))
    run(root, "net")
    rows: dict[Any, Any] = queue(root).set_index("mouse").to_dict("index")
    assert "0.60" in rows["M01"]["reasons"]
    assert (rows["M02"]["interval_low_mm3"], rows["M02"]["interval_high_mm3"]) == (40, 250)
    assert "within 40 to 250 mm3" in rows["M02"]["reasons"]
    assert rows["M03"]["hu_failed"]
    assert "HU" in rows["M03"]["reasons"]
    assert rows["M02"]["start_from"].endswith("Prediction_M02_0d.nii.gz")
    assert pd.isna(rows["M01"]["start_from"])  # no mask of the model: nothing to start from


def test_growth_that_does_not_fit_the_mouse_counts(tmp_path: Path) -> None:
    """Five mice grow alike over three days but for one scan of the last, which is ten times too large."""
    lines = []
    for number in range(1, 6):
        for day in range(3):
            name = f"M{number:02d}_{day}d"
            write_scan(tmp_path, name, ct=CT)
            volume = 100 * 2**day * (1 + 0.02 * number) * (10 if name == "M05_1d" else 1)
            lines.append(f"Dataset 1,M{number:02d},{day}d,{24 * day},staple,,{volume},,")
    write_volumes(tmp_path, *lines)
    run(tmp_path)
    first = queue(tmp_path).iloc[0]
    assert (first["mouse"], first["time"]) == ("M05", "1d")
    assert "volume" in first["reasons"] or "growth" in first["reasons"]


def test_tumors_are_followed_one_by_one_only_where_all_days_show_the_same_numbers(tmp_path: Path) -> None:
    """Mouse 1 has tumors 1 and 2 on both days, mouse 2 on one day only: there the whole mouse counts."""
    rows = []
    for mouse, second_day in (("M01", (1, 2)), ("M02", (1,))):
        for day, numbers in ((0, (1, 2)), (1, second_day)):
            write_scan(tmp_path, f"{mouse}_{day}d", ct=CT)
            rows.append(f"Dataset 1,{mouse},{day}d,{24 * day},staple,,{100 * len(numbers)},,")
            rows += [f"Dataset 1,{mouse},{day}d,{24 * day},staple,{k},100,," for k in numbers]
    write_volumes(tmp_path, *rows)
    run(tmp_path)
    misfits = queue(tmp_path).groupby("mouse")["growth_misfit"].max()
    assert misfits["M02"] > misfits["M01"]


def test_a_failed_check_of_split_puts_its_mice_in_front(root: Path) -> None:
    """The record of split has doubts about the acquisition of M03."""
    result = {"dataset": "Dataset 1", "time": "0d", "mice": ["M03"], "doubts": ["soft tissue reads 300 HU, expected"]}
    entry = {"inputs": {}, "result": result}
    record = {"format": "murinoma.record/1", "step": "split", "version": "0", "settings": {}, "scans": {"x": entry}}
    folder = root / "derivatives" / "split"
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(record))
    run(root)
    assert queue(root)["mouse"].tolist()[0] == "M03"


def test_nothing_known_is_no_queue(root: Path) -> None:
    """With what to run first."""
    with pytest.raises(StudyError, match="nothing is known of the scans"):
        run(root)


def test_a_dry_run_writes_nothing(root: Path) -> None:
    """It says how many scans have reasons."""
    agree(read_study(root))
    result = run(root, dry_run=True)
    assert result.result is None
    assert result.numbers["with_reasons"] == 1
    assert not (root / "derivatives" / "review").exists()


def test_a_corrected_mask_moves_the_scan_back(root: Path) -> None:
    """A new mask of B that agrees with A: agree again, and the queue follows."""
    agree(read_study(root))
    run(root)
    assert queue(root)["mouse"][0] == "M02"
    mask = box(SHAPE, (2, 6), (2, 6), (2, 6))
    write_nifti(root / "Dataset 1/M02_0d/M02_0d/Annotator_B_M02_0d.nii.gz", mask)
    agree(read_study(root))
    run(root)
    assert queue(root)["mouse"][0] != "M02"


# the queue, one scan after the other


def test_the_queue_is_opened_scan_by_scan_under_a_name(root: Path) -> None:
    """The first scan that R has not annotated, from the mask that the queue names; handing in brings the next."""
    agree(read_study(root))
    merge(read_study(root))
    run(root)
    names = []
    for _ in range(2):
        sitting = open_queue(root, "R")
        sitting.open_next()
        sitting.submit()
        assert sitting.result is not None
        names.append(sitting.result.name)
        sitting.close()
    assert names == ["Annotator_R_M02_0d.nii.gz", "Annotator_R_M01_0d.nii.gz"]
    study = read_study(root)
    corrected = {scan.name: path for scan in study.scans if (path := scan.annotations.get("R")) is not None}
    np.testing.assert_array_equal(
        read_volume(corrected["M02_0d"]).voxels > 0,
        read_volume(study.consensus_path(study.scans[1], "staple")).voxels > 0,
    )


def test_a_queue_needs_a_name_a_review_and_something_left(root: Path) -> None:
    """One sentence each."""
    with pytest.raises(UsageError, match="give it with --annotator"):
        open_queue(root, "")
    with pytest.raises(UsageError, match="run 'murinoma review' first"):
        open_queue(root, "R")
    agree(read_study(root))
    run(root)
    with pytest.raises(UsageError, match="A has annotated every scan"):
        open_queue(root, "A")
