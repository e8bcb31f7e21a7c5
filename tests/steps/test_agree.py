"""The step agree on small studies by hand, on bad ones, on the skeleton of the database, and on real masks."""

import errno
import gzip
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import OutputError, StudyError
from murinoma.files.masks import read_annotations
from murinoma.settings import AgreeSettings, RunSettings, TumorSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.study import read_study
from tests.builders import PUBLISHED_MM, box, nifti_bytes, three_masks, two_scan_study, write_nifti, write_scan

Form = Literal["NFC", "NFD"]  # accents in one letter, or in two as macOS stores them
SHAPE = (8, 8, 8)
EMPTY = np.zeros(SHAPE, np.uint8)
TABLES = ["intervals.csv", "scans.csv", "size_curve.csv", "size_trend.csv", "table1.csv", "table3.csv", "table4.csv"]
TABLES += ["tumors.csv", "volume_agreement.csv"]
FILES = len(TABLES) + 2  # record.json and volumes.csv


def run(root: Path, out: Path | None = None, settings: AgreeSettings = AgreeSettings(), **how: Any) -> StepResult:
    """Read a study and compare its annotators."""
    return agree(read_study(root, out=out), settings=settings, how=RunSettings(**how))


def table(root: Path, name: str) -> pd.DataFrame:
    """Return a table of the step."""
    return pd.read_csv(root / "derivatives" / "agreement" / name)


def row(root: Path, name: str, scan: str = "M01_0d") -> dict[str, Any]:
    """Return the one row of a scan."""
    found = table(root, name)
    mouse, time = scan.split("_")
    (only,) = found[(found["mouse"] == mouse) & (found["time"] == time)].to_dict("records")
    return {str(key): value for key, value in only.items()}


def files_in(root: Path) -> dict[str, bytes]:
    """Return every file under a folder with its content, hidden ones too."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


# by hand


def test_three_nested_boxes_by_hand(tmp_path: Path) -> None:
    """Boxes of 48, 64 and 80 voxels of 0.5 mm3: Dice 6/7, 3/4 and 8/9, volumes of 24, 32 and 40 mm3."""
    write_scan(tmp_path, masks=three_masks(), spacing_mm=(1, 1, 0.5))
    result = run(tmp_path)
    assert result.scans == 1
    assert result.failed == ()
    assert result.result == tmp_path / "derivatives" / "agreement"
    scan = row(tmp_path, "scans.csv")
    assert [scan[f"dice_{pair}"] for pair in ("A_B", "A_C", "B_C")] == pytest.approx([6 / 7, 3 / 4, 8 / 9])
    assert scan["dice_mean"] == pytest.approx((6 / 7 + 3 / 4 + 8 / 9) / 3)
    assert (scan["n_annotators"], scan["n_voxels"], scan["tumors"], scan["specks"]) == (3, 512, 1, 0)
    assert scan["majority_volume_cm3"] == pytest.approx(0.032)
    tumor = row(tmp_path, "tumors.csv")
    assert [tumor[f"volume_cm3_{name}"] for name in ("A", "B", "C", "mean")] == pytest.approx(
        [0.024, 0.032, 0.040, 0.032]
    )
    assert tumor["rmse_cm3"] == pytest.approx(np.sqrt(2 / 3) * 0.008)
    assert tumor["rmse_percent"] == pytest.approx(100 * np.sqrt(2 / 3) / 4)
    assert (tumor["tumor"], tumor["n_annotators"], tumor["hours"]) == (1, 3, 0)
    assert result.numbers["tumors"] == 1


def test_the_tables_begin_with_the_key(tmp_path: Path) -> None:
    """dataset, mouse, time, hours; the dataset in its clean name although the folder says Study 2."""
    write_scan(tmp_path, "M01_8d", three_masks(), dataset="Study 2")
    run(tmp_path)
    for name in ("scans.csv", "tumors.csv"):
        assert list(table(tmp_path, name))[:4] == ["dataset", "mouse", "time", "hours"]
        assert row(tmp_path, name, "M01_8d")["dataset"] == "Dataset 2"
        assert row(tmp_path, name, "M01_8d")["hours"] == 192
    written = sorted(path.name for path in (tmp_path / "derivatives" / "agreement").iterdir())
    assert written == sorted(["record.json", *TABLES])


def test_volumes_are_written_per_annotator_and_tumor(tmp_path: Path) -> None:
    """Whole scan (no number) with specks, then each tumor, in mm3."""
    speck = box(SHAPE, (7, 8), (7, 8), (7, 8))
    masks = {name: mask | speck for name, mask in three_masks().items()}
    write_scan(tmp_path, masks=masks)
    run(tmp_path, settings=AgreeSettings(TumorSettings(reach_mm=1)))
    volumes = pd.read_csv(tmp_path / "derivatives" / "volumes.csv")
    assert list(volumes["source"]) == ["A", "A", "B", "B", "C", "C"]
    assert volumes["volume_mm3"].tolist() == [49, 48, 65, 64, 81, 80]
    assert volumes["tumor"].isna().tolist() == [True, False] * 3


def test_the_tumors_of_one_scan_have_a_row_each(tmp_path: Path) -> None:
    """Two tumors of which annotator B missed the second: 0 cm3, not empty; the miss is named."""
    shape = (8, 20, 8)
    first, second = box(shape, (2, 6), (1, 5), (2, 6)), box(shape, (2, 6), (14, 18), (2, 6))
    write_scan(tmp_path, masks={"A": first | second, "B": first, "C": first | second})
    run(tmp_path)
    tumors = table(tmp_path, "tumors.csv")
    assert tumors["tumor"].tolist() == [1, 2]
    assert tumors["volume_cm3_B"].tolist() == pytest.approx([0.064, 0])
    assert tumors["n_annotators"].tolist() == [3, 2]
    assert tumors["missed_by"].fillna("").tolist() == ["", "B"]


# annotators


def test_an_annotator_in_some_scans_only_leaves_empty_cells(tmp_path: Path) -> None:
    """C drew one scan of two: its own number of annotators, empty pairs, and one notice."""
    masks = three_masks()
    write_scan(tmp_path, "M01_0d", masks)
    write_scan(tmp_path, "M02_0d", {name: masks[name] for name in "AB"})
    result = run(tmp_path)
    second = row(tmp_path, "scans.csv", "M02_0d")
    assert second["n_annotators"] == 2
    assert np.isnan(second["dice_A_C"])
    assert second["dice_mean"] == pytest.approx(6 / 7)
    tumor = row(tmp_path, "tumors.csv", "M02_0d")
    assert np.isnan(tumor["volume_cm3_C"])
    assert tumor["rmse_cm3"] == pytest.approx(0.008)
    assert any("1 scan lacks an annotator" in said for said in result.notices)


def test_one_annotator_cannot_agree(tmp_path: Path) -> None:
    """The scan fails with folder and name, nothing is written but the record; with another scan that goes on."""
    write_scan(tmp_path, "M01_0d", {"Anna": three_masks()["A"]})
    result = run(tmp_path)
    assert result.result is None
    assert result.failed[0].scan == "Dataset 1 M01_0d"
    assert "has one annotation ('Anna'); agreement needs two or more" in result.failed[0].message
    write_scan(tmp_path, "M02_0d", three_masks())
    again = run(tmp_path)
    assert (again.scans, len(again.failed)) == (1, 1)


def test_twelve_annotators_can_agree(tmp_path: Path) -> None:
    """66 pairs in scans.csv, in Table 3 and in Table 4, for annotators called 1 to 12."""
    rng = np.random.default_rng(0)
    masks = {str(n): np.where(rng.random(SHAPE) < 0.02, 0, three_masks()["B"]).astype(np.uint8) for n in range(1, 13)}
    write_scan(tmp_path, masks=masks)
    assert run(tmp_path).failed == ()
    scan = row(tmp_path, "scans.csv")
    assert scan["n_annotators"] == 12
    assert sum(name.startswith("dice_") and name != "dice_mean" for name in scan) == 66
    assert (table(tmp_path, "table3.csv")["measure"] == "dice").sum() == 66
    assert (
        sum(name.startswith("dice_") and name.endswith("_mean") for name in map(str, table(tmp_path, "table4.csv")))
        == 66
    )


def test_thirteen_annotators_are_refused_in_one_sentence(tmp_path: Path) -> None:
    """The limit is named."""
    write_scan(tmp_path, masks={f"{n:02}": three_masks()["A"] for n in range(13)})
    assert "13 annotators; votes can be counted for 1 to 12" in run(tmp_path).failed[0].message


def test_pairs_of_annotators_that_would_share_a_column_are_refused(tmp_path: Path) -> None:
    """A with B_C, and A_B with C, would both be dice_A_B_C: one sentence with the names, never one column for both."""
    masks = three_masks()
    write_scan(tmp_path, masks={"A": masks["A"], "A_B": masks["B"], "B_C": masks["C"], "C": masks["A"]})
    with pytest.raises(StudyError, match="A_B"):
        run(tmp_path)
    assert not (tmp_path / "derivatives").exists()


@pytest.mark.parametrize("name", ["Anna Maria", "O'Brien", 'the "best"', "a,b", "Ærø", "NA", "None", "1"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_annotators_with_any_name_have_their_columns(tmp_path: Path, name: str, form: Form) -> None:
    """Blanks, quotes, commas and accents survive into the tables, and a second run."""
    masks = three_masks()
    write_scan(tmp_path, masks={unicodedata.normalize(form, name): masks["A"], "Zoe": masks["B"]})
    for force in (False, True):
        assert run(tmp_path, force=force).failed == ()
        first, second = sorted([name, "Zoe"])
        assert row(tmp_path, "scans.csv")[f"dice_{first}_{second}"] == pytest.approx(6 / 7)
        volumes = pd.read_csv(tmp_path / "derivatives" / "volumes.csv", keep_default_na=False, dtype=str)
        assert list(volumes["source"]) == [first, first, second, second]


def test_a_study_anywhere_with_any_name_is_compared(tmp_path: Path) -> None:
    """Blanks, quotes and accents in the root, the group and the mouse."""
    root = tmp_path / 'Mäuse \'n "Tumoren"'
    write_scan(root, "Mäx 1_0d", three_masks(), group="Mäx 1_O'Hara_0d")
    assert run(root).scans == 1
    assert row(root, "scans.csv", "Mäx 1_0d")["dice_A_B"] == pytest.approx(6 / 7)


# masks


def test_all_masks_empty_is_measured_as_no_tumor(tmp_path: Path) -> None:
    """Dice and kappa undefined and counted so, volumes 0, no tumor; the notice names the scan; tables are whole."""
    write_scan(tmp_path, masks={"A": EMPTY, "B": EMPTY, "C": EMPTY})
    result = run(tmp_path)
    assert (result.scans, result.failed) == (1, ())
    scan = row(tmp_path, "scans.csv")
    assert np.isnan(scan["dice_A_B"])
    assert np.isnan(scan["fleiss_kappa"])
    assert (scan["staple_volume_cm3"], scan["tumors"]) == (0, 0)
    assert len(table(tmp_path, "tumors.csv")) == 0
    dice = table(tmp_path, "table3.csv").query("measure == 'dice'")
    assert dice["undefined"].tolist() == [1, 1, 1]
    assert any("no tumor in any mask" in notice for notice in result.notices)
    assert result.numbers["dice_mean"] is None
    assert json.loads((tmp_path / "derivatives/agreement/record.json").read_text())["scans"]


def test_one_empty_mask_has_dice_0_with_the_others(tmp_path: Path) -> None:
    """A drew nothing: 0 with B and C, who keep their own Dice; volume 0 for A; the notice says so."""
    write_scan(tmp_path, masks={**three_masks(), "A": EMPTY})
    result = run(tmp_path)
    scan = row(tmp_path, "scans.csv")
    assert [scan[f"dice_{pair}"] for pair in ("A_B", "A_C", "B_C")] == pytest.approx([0, 0, 8 / 9])
    assert row(tmp_path, "tumors.csv")["missed_by"] == "A"
    assert any("an empty mask beside others with tumor" in notice for notice in result.notices)


def test_masks_of_255_and_of_other_types_are_the_same_study(tmp_path: Path) -> None:
    """0/255 as uint8, 0/1 as float64 and bool-like int16 give the tables of 0/1."""
    masks = three_masks()
    write_scan(tmp_path / "a", masks=masks)
    write_scan(
        tmp_path / "b",
        masks={"A": masks["A"] * 255, "B": masks["B"].astype(np.float64), "C": masks["C"].astype(np.int16)},
    )
    for root in (tmp_path / "a", tmp_path / "b"):
        run(root)
    for name in TABLES:
        assert (tmp_path / f"a/derivatives/agreement/{name}").read_bytes() == (
            tmp_path / f"b/derivatives/agreement/{name}"
        ).read_bytes()


# bad files: each one sentence, the other scans go on


def cut(path: Path) -> None:
    """Cut a file in half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def bomb(path: Path) -> None:
    """Put 100 MB of zeros behind a small image."""
    path.write_bytes(gzip.compress(nifti_bytes(EMPTY) + bytes(100_000_000), 6))


def huge(path: Path) -> None:
    """Make the header ask for far more than there is."""

    def ask(header: Any) -> None:
        header["dim"][1:4] = 20_000

    path.write_bytes(gzip.compress(nifti_bytes(EMPTY, change=ask)))


def turn(path: Path) -> None:
    """Give the header a quaternion that is none, and no sform to go by."""

    def change(header: Any) -> None:
        header["quatern_b"], header["sform_code"] = 3, 0

    write_nifti(path, EMPTY, change=change)


BAD_MASKS: dict[str, Callable[[Path], object]] = {
    "truncated": cut,
    "bomb": bomb,
    "huge header": huge,
    "too much data": lambda path: path.write_bytes(gzip.compress(nifti_bytes(EMPTY) + b"\0")),
    "too little data": lambda path: path.write_bytes(gzip.compress(nifti_bytes(EMPTY)[:-1])),
    "not a number": lambda path: write_nifti(path, np.full(SHAPE, np.nan, np.float32)),
    "infinite": lambda path: write_nifti(path, np.full(SHAPE, np.inf, np.float32)),
    "fractions": lambda path: write_nifti(path, np.full(SHAPE, 0.5, np.float32)),
    "negative": lambda path: write_nifti(path, np.full(SHAPE, -1, np.int8)),
    "other shape": lambda path: write_nifti(path, np.zeros((8, 8, 9), np.uint8)),
    "other spacing": lambda path: write_nifti(path, EMPTY, spacing_mm=(1, 1, 1.1)),
    "empty file": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not an image"),
    "bad quaternion": turn,
}


@pytest.mark.parametrize("kind", BAD_MASKS)
@pytest.mark.parametrize("with_ct", [True, False])
def test_a_bad_mask_fails_its_scan_alone(tmp_path: Path, kind: str, with_ct: bool) -> None:
    """One sentence with the file; the other scan has its rows; nothing half-written anywhere."""
    root = two_scan_study(tmp_path)
    folder = root / "Dataset 1/M01_0d/M01_0d"
    if with_ct:
        write_nifti(folder / "CT_M01_0d.nii.gz", np.zeros(SHAPE, np.int16))
    BAD_MASKS[kind](folder / "Annotator_B_M01_0d.nii.gz")
    result = run(root)
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_0d"]
    assert "Annotator_B_M01_0d.nii.gz" in result.failed[0].message
    assert "\n" not in result.failed[0].message
    assert table(root, "scans.csv")["time"].tolist() == ["8d"]
    assert sorted(files_in(root / "derivatives")) == [
        f"agreement/{name}" for name in sorted(["record.json", *TABLES])
    ] + ["volumes.csv"]


def test_a_mask_that_does_not_fit_its_ct_names_both_files(tmp_path: Path) -> None:
    """All masks agree with one another but not with the CT."""
    root = two_scan_study(tmp_path)
    write_nifti(root / "Dataset 1/M01_0d/M01_0d/CT_M01_0d.nii.gz", np.zeros((8, 8, 9), np.int16))
    message = run(root).failed[0].message
    assert "Annotator_A_M01_0d.nii.gz has 8 x 8 x 8 voxels, CT_M01_0d.nii.gz has 9 x 8 x 8" in message


def test_a_study_without_annotations_is_refused(tmp_path: Path) -> None:
    """A CT alone: one sentence with the study and what to do."""
    write_scan(tmp_path, ct=np.zeros(SHAPE, np.int16))
    with pytest.raises(StudyError, match="has an annotation; annotate first"):
        run(tmp_path)
    assert not (tmp_path / "derivatives").exists()


def test_errors_in_names_are_failures_of_the_step(tmp_path: Path) -> None:
    """A scan that the reader refused is counted as failed, with its sentence."""
    folder = two_scan_study(tmp_path) / "Dataset 1/M01_0d/M01_0d"
    shutil.copy(folder / "Annotator_A_M01_0d.nii.gz", folder / "Annotator_D_M09_0d.nii.gz")
    result = run(tmp_path)
    assert (result.scans, [failure.scan for failure in result.failed]) == (1, ["Dataset 1 M01_0d"])
    assert "Annotator_D_M09_0d.nii.gz" in result.failed[0].message


# again, elsewhere, and stopped


def test_a_second_run_gives_the_same_bytes_without_reading_a_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All from the record: tables are the same, and the reader of masks is not called."""
    root = two_scan_study(tmp_path)
    first, before = run(root), files_in(root / "derivatives")

    def refuse(scan: object) -> None:
        raise AssertionError("a mask was read")

    monkeypatch.setattr("murinoma.steps.agree.compare.read_annotations", refuse)
    assert run(root) == first
    assert files_in(root / "derivatives") == before


def test_force_and_workers_give_the_same_bytes(tmp_path: Path) -> None:
    """One process, two processes, forced or not: the same files."""
    root = two_scan_study(tmp_path)
    run(root)
    before = files_in(root / "derivatives")
    run(root, force=True, workers=2)
    assert files_in(root / "derivatives") == before


def test_the_order_in_which_files_were_made_does_not_show(tmp_path: Path) -> None:
    """The same masks written in another order, on another day, give the same tables."""
    two_scan_study(tmp_path / "a")
    for scan in ("M01_8d", "M01_0d"):
        write_scan(tmp_path / "b", scan, dict(reversed(three_masks().items())))
    for root in (tmp_path / "a", tmp_path / "b"):
        run(root)
    for name in [f"agreement/{name}" for name in TABLES] + ["volumes.csv"]:
        assert (tmp_path / "a/derivatives" / name).read_bytes() == (tmp_path / "b/derivatives" / name).read_bytes()


def test_a_changed_mask_and_an_added_annotator_are_done_again(tmp_path: Path) -> None:
    """The rerun has the new values for that scan, and the old ones for the other."""
    root = two_scan_study(tmp_path)
    run(root)
    folder = root / "Dataset 1/M01_0d/M01_0d"
    write_nifti(folder / "Annotator_A_M01_0d.nii.gz", three_masks()["B"])
    write_nifti(folder / "Annotator_D_M01_0d.nii.gz", three_masks()["C"])
    run(root)
    assert row(root, "scans.csv")["dice_A_B"] == 1
    assert row(root, "scans.csv")["n_annotators"] == 4
    assert row(root, "scans.csv", "M01_8d")["n_annotators"] == 3


def test_a_tumor_left_out_later_is_left_out_by_the_rerun(tmp_path: Path) -> None:
    """exclude.csv changes what a scan's result is: the record must not hand out the old one, nor keep the new one."""
    shape = (8, 20, 8)
    both = box(shape, (2, 6), (1, 5), (2, 6)) | box(shape, (2, 6), (14, 18), (2, 6))
    write_scan(tmp_path, masks={"A": both, "B": both})
    run(tmp_path)
    assert table(tmp_path, "tumors.csv")["tumor"].tolist() == [1, 2]
    (tmp_path / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\nDataset 1,M01,0d,1,necrotic\n")
    result = run(tmp_path)
    assert table(tmp_path, "tumors.csv")["tumor"].tolist() == [2]
    assert row(tmp_path, "scans.csv")["majority_volume_cm3"] == pytest.approx(0.064)
    assert any("exclude.csv leaves out" in notice for notice in result.notices)
    (tmp_path / "exclude.csv").unlink()
    run(tmp_path)
    assert table(tmp_path, "tumors.csv")["tumor"].tolist() == [1, 2]


def test_a_scan_left_out_is_in_no_table(tmp_path: Path) -> None:
    """Excluded after a first run: its rows go."""
    root = two_scan_study(tmp_path)
    run(root)
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\n1,M01,0d,,motion\n")
    assert run(root).scans == 1
    for name in ("agreement/scans.csv", "agreement/tumors.csv", "volumes.csv"):
        assert set(pd.read_csv(root / "derivatives" / name)["time"]) == {"8d"}


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It says how many scans wait."""
    root = two_scan_study(tmp_path)
    result = run(root, dry_run=True)
    assert result.numbers == {"waiting": 2, "done": 0}
    assert not (root / "derivatives").exists()


def test_results_go_where_out_says_and_the_study_stays_untouched(tmp_path: Path) -> None:
    """Not a file of the study is made, changed or touched."""
    root = two_scan_study(tmp_path / "study")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert run(root, tmp_path / "out").result == tmp_path / "out" / "agreement"
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
    assert (tmp_path / "out" / "volumes.csv").exists()


READ_ONLY = """
import murinoma.steps.agree, murinoma.study
import os, sys
from pathlib import Path
from murinoma.errors import OutputError
os.setgid(65534), os.setuid(65534)
from murinoma.steps.agree import agree
from murinoma.study import read_study
root, out = Path(sys.argv[1]), Path(sys.argv[2])
try:
    agree(read_study(root))
except OutputError as error:
    print("OutputError", error)
print(agree(read_study(root, out=out)).result)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
def test_a_read_only_study_works_with_out(tmp_path: Path) -> None:
    """As a user who may not write the study: one sentence that names --out, and with it the tables."""
    for parent in tmp_path.parents[:3]:
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    root, out = two_scan_study(tmp_path / "study"), tmp_path / "out"
    out.mkdir()
    out.chmod(0o777)
    command = [sys.executable, "-c", READ_ONLY, str(root), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refused, written = done.stdout.splitlines()
    assert refused.startswith("OutputError cannot write")
    assert "--out" in refused
    assert written == str(out / "agreement")
    assert not (root / "derivatives").exists()
    assert (out / "agreement" / "table1.csv").exists()


def test_a_full_disk_is_one_sentence_and_keeps_the_older_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flushing fails with ENOSPC on a rerun: OutputError, every older file as it was, no temporary one left."""
    root = two_scan_study(tmp_path)
    run(root)
    before = files_in(root)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device; free space"):
        run(root, force=True)
    assert files_in(root) == before


@pytest.mark.parametrize("writes", range(FILES))
def test_a_disk_that_fills_at_any_file_leaves_whole_files_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Full at the first, second, ... file of the step: what is there can be read, and the rerun mends it."""
    root = two_scan_study(tmp_path)
    true_fsync, count = os.fsync, [0]

    def fills(descriptor: int) -> None:
        count[0] += 1
        if count[0] > writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        true_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fills)
    with pytest.raises(OutputError):
        run(root)
    found = files_in(root / "derivatives") if (root / "derivatives").exists() else {}
    assert len(found) == writes
    assert all(content.endswith(b"\n") for content in found.values())
    monkeypatch.setattr(os, "fsync", true_fsync)
    run(root)
    assert len(files_in(root / "derivatives")) == FILES


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the second scan: the first is in the record, no table is half there, the rerun reads one scan."""
    root = two_scan_study(tmp_path)
    read: list[str] = []

    def stopping(scan: Any) -> Any:
        read.append(scan.name)
        if scan.name == "M01_8d" and len(read) == 2:
            raise KeyboardInterrupt
        return read_annotations(scan)

    monkeypatch.setattr("murinoma.steps.agree.compare.read_annotations", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(root)
    assert sorted(files_in(root / "derivatives")) == ["agreement/record.json"]
    run(root)
    assert read == ["M01_0d", "M01_8d", "M01_8d"]
    assert len(table(root, "scans.csv")) == 2


# the published database


def test_the_skeleton_has_the_papers_values_beside_its_own(skeleton: Path, tmp_path: Path) -> None:
    """452 scans at 0.21 mm: volumes of 1848, 2016 and 2184 voxels, printed values beside, one notice on headers."""
    result = run(skeleton, tmp_path)
    assert (result.scans, result.failed) == (452, ())
    scans = pd.read_csv(tmp_path / "agreement" / "scans.csv")
    assert len(scans) == 452
    assert (scans["time"] == "22.5h").sum() == 13
    tumors = pd.read_csv(tmp_path / "agreement" / "tumors.csv")
    expected = [voxels * 0.21**3 / 1000 for voxels in (1848, 2016, 2184)]
    for name, volume in zip("ABC", expected, strict=True):
        np.testing.assert_allclose(tumors[f"volume_cm3_{name}"], volume, rtol=1e-6)
    first = pd.read_csv(tmp_path / "agreement" / "table1.csv")
    assert first["scans"].tolist() == first["published_scans"].tolist()
    assert first["mice"].tolist() == first["published_mice"].tolist()
    third = pd.read_csv(tmp_path / "agreement" / "table3.csv")
    assert third["published_mean"].notna().sum() == 12
    assert "published_fleiss_kappa_mean" in pd.read_csv(tmp_path / "agreement" / "table4.csv")
    assert sum("0.21 x 0.21 x 0.21" in notice for notice in result.notices) == 1
    assert any("published database" in notice and "452 of its 452 scans" in notice for notice in result.notices)


def test_0_21_mm_counts_not_the_1_mm_of_the_sform(tmp_path: Path) -> None:
    """48 voxels of 0.21 mm are 0.44 mm3; trusting the sform would say 48."""
    settings = AgreeSettings(TumorSettings(speck_mm3=0.1))
    write_scan(tmp_path, masks=three_masks(), spacing_mm=PUBLISHED_MM, sform=np.eye(4))
    run(tmp_path, settings=settings)
    assert row(tmp_path, "tumors.csv")["volume_cm3_A"] == pytest.approx(48 * 0.009261 / 1000, rel=1e-6)


# real masks


def test_lidc_by_hand_of_the_libraries(shared_data: Path, tmp_path: Path) -> None:
    """20 nodules by four people: mean Dice 0.79453, mean kappa 0.77190, mean STAPLE volume 2.42182 cm3."""
    result = run(shared_data / "lidc_study", tmp_path)
    assert (result.scans, result.failed) == (20, ())
    scans = pd.read_csv(tmp_path / "agreement" / "scans.csv")
    assert scans["dice_mean"].mean() == pytest.approx(0.79453, abs=1e-5)
    assert scans["fleiss_kappa"].mean() == pytest.approx(0.77190, abs=1e-5)
    assert scans["staple_volume_cm3"].mean() == pytest.approx(2.42182, abs=1e-5)
    assert result.numbers["dice_mean"] == pytest.approx(scans["dice_mean"].mean())
    assert not any("published" in notice for notice in result.notices)


def test_lidc_equals_the_yardstick_script(shared_data: Path, shared_bench: Path, tmp_path: Path) -> None:
    """nibabel, statsmodels and SimpleITK in a process of their own give the same three means to 1e-5."""
    script = shared_bench / "library_agreement.py"
    command = [sys.executable, str(script), str(shared_data / "lidc_study")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    theirs = json.loads(done.stdout)
    ours = run(shared_data / "lidc_study", tmp_path).numbers
    assert theirs["scans"] == 20
    assert ours["dice_mean"] == pytest.approx(theirs["dice"], abs=1e-5)
    assert ours["fleiss_kappa_mean"] == pytest.approx(theirs["kappa"], abs=1e-5)
    assert ours["staple_volume_cm3_mean"] == pytest.approx(theirs["consensus_cm3"], abs=1e-5)


def test_the_real_mouse_tumor(shared_data: Path, tmp_path: Path) -> None:
    """Two versions of one tumor: Dice 0.71833, volumes of 165 and 133 mm3."""
    result = run(shared_data / "mouse_tumor_study", tmp_path)
    assert result.numbers["dice_mean"] == pytest.approx(0.71833, abs=1e-5)
    volumes = pd.read_csv(tmp_path / "volumes.csv")
    whole = volumes[volumes["tumor"].isna()]["volume_mm3"]
    assert whole.round().tolist() == [165, 133]
