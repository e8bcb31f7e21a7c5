"""The step evaluate on small studies by hand, on bad ones, and on real masks against an independent computation."""

import hashlib
import json
import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import surface_distance

from murinoma.errors import FileError, StudyError, UsageError
from murinoma.settings import RunSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.steps.evaluate import evaluate
from murinoma.steps.evaluate.sources import find_source
from murinoma.study import read_study
from tests.builders import box, three_masks, two_scan_study, write_nifti, write_scan

Array = npt.NDArray[Any]
SHAPE = (8, 8, 8)
TABLES = ["detection", "false_lesions", "left_out", "scans", "summary", "table4", "tumors", "verdict"]
TABLES += ["volume_agreement"]
FILES = sorted(["record.json", "verdict.json", *(f"{name}.csv" for name in TABLES)])
CT = np.zeros(SHAPE, np.int16)
MIDDLE = three_masks()["B"]  # 64 voxels, between A's 48 and C's 80


def run(root: Path, source: str = "net", *, out: Path | None = None, **options: Any) -> StepResult:
    """Read a study and judge a source; `masks` and `model` are folders, all else is of the run."""
    study = read_study(root, out=out)
    where = {name: options.pop(name) for name in ("masks", "model") if name in options}
    return evaluate(study, find_source(study, source, **where), how=RunSettings(**options))


def table(root: Path, name: str, source: str = "net") -> pd.DataFrame:
    """Return a table of an evaluation."""
    return pd.read_csv(
        root / "derivatives" / "evaluation" / source / f"{name}.csv", keep_default_na=False, na_values=[""]
    )


def verdict(root: Path, source: str = "net") -> dict[str, Any]:
    """Return what verdict.json says."""
    content = json.loads((root / "derivatives" / "evaluation" / source / "verdict.json").read_text("utf-8"))
    return dict(content)


def predict(root: Path, mask: Array, scan: str = "M01_0d", name: str = "net", **header: Any) -> Path:
    """Write the mask of a model, as segment does."""
    folder = root / "derivatives" / "predictions" / name / "Dataset 1" / scan
    return write_nifti(folder / f"Prediction_{scan}.nii.gz", mask, **header)


def write_card(folder: Path, *learned: Path, weights: tuple[str, str] = ("c", "f")) -> Path:
    """Write a model's card that knows some CTs, without its weights."""
    cts = [hashlib.sha256(path.read_bytes()).hexdigest() for path in learned]
    networks = {name: {"spacing_mm": 0.5, "sha256": sha} for name, sha in zip(("coarse", "fine"), weights, strict=True)}
    folder.mkdir(parents=True, exist_ok=True)
    card = {"format": "murinoma.model/1", "name": "net", **networks, "training_cts": cts, "limits": ""}
    path = folder / "model.json"
    path.write_text(json.dumps(card))
    return path


def judged_study(root: Path, mask: Array = MIDDLE, mice: int = 1, **scan: Any) -> Path:
    """Write mice with one scan each that three people have annotated, and a model has segmented with `mask`."""
    for number in range(1, mice + 1):
        write_scan(root, f"M{number:02d}_0d", three_masks(), **scan)
        predict(root, mask, f"M{number:02d}_0d")
    return root


# by hand


def test_a_model_between_three_annotators_by_hand(tmp_path: Path) -> None:
    """Nested boxes of 48, 64 and 80 voxels, the model as the middle one: Dice 6/7, 1, 8/9; 64 mm3 is their mean."""
    result = run(judged_study(tmp_path))
    (scan,) = table(tmp_path, "scans").to_dict("records")
    assert [scan[f"dice_{name}"] for name in "ABC"] == pytest.approx([6 / 7, 1, 8 / 9])
    assert scan["dice_annotators"] == pytest.approx((6 / 7 + 1 + 8 / 9) / 3)
    assert scan["human_dice"] == pytest.approx((6 / 7 + 3 / 4 + 8 / 9) / 3)
    assert scan["dice_difference"] == pytest.approx(1 / 3 - 3 / 4 / 3)
    assert scan["dice_majority"] == 1
    assert scan["volume_error_cm3_A"] == pytest.approx(0.016)
    assert scan["volume_log_ratio_C"] == pytest.approx(np.log(64 / 80))
    assert scan["volume_error_cm3_annotators"] == pytest.approx(0)
    assert (scan["source_volume_cm3"], scan["annotators_volume_cm3"]) == (0.064, 0.064)
    assert (scan["tumors"], scan["tumors_found"], scan["tumors_disputed"], scan["false_lesions"]) == (1, 1, 0, 0)
    (tumor,) = table(tmp_path, "tumors").to_dict("records")
    assert (tumor["n_annotators"], tumor["agreed"], tumor["second"], tumor["found"]) == (3, True, False, True)
    assert tumor["volume_cm3_source"] == pytest.approx(0.064)
    assert tumor["volume_log_ratio_leave_one_out"] == pytest.approx(np.log(64) - np.log([48, 64, 80]).mean())
    assert result.scans == 1
    assert result.numbers["dice_mean"] == pytest.approx(scan["dice_annotators"])
    assert sorted(path.name for path in (tmp_path / "derivatives/evaluation/net").iterdir()) == FILES


def test_staple_without_an_annotator_stands_beside_that_annotator(tmp_path: Path) -> None:
    """B and C without A: STAPLE of two nested masks; what A has with it and what the source has with it."""
    run(judged_study(tmp_path, three_masks()["A"]))
    (scan,) = table(tmp_path, "scans").to_dict("records")
    assert scan["dice_staple_without_A"] == pytest.approx(scan["human_dice_staple_without_A"])
    assert scan["hd95_mm_staple_without_A"] == pytest.approx(scan["human_hd95_mm_staple_without_A"])
    assert scan["dice_staple_without_A"] == pytest.approx(96 / 128)  # a tie of STAPLE is tumor: C's 80 voxels
    assert scan["dice_staple_without_C"] == pytest.approx(96 / 112)


def test_an_annotator_is_judged_by_the_others(tmp_path: Path) -> None:
    """B as a source: nobody judges oneself, and the Dice with A and C are those that agree gives the pairs."""
    two_scan_study(tmp_path)
    run(tmp_path, "B")
    agree(read_study(tmp_path))
    scans, pairs = table(tmp_path, "scans", "B"), pd.read_csv(tmp_path / "derivatives" / "agreement" / "scans.csv")
    assert scans["dice_A"].tolist() == pytest.approx(pairs["dice_A_B"].tolist())
    assert scans["dice_C"].tolist() == pytest.approx(pairs["dice_B_C"].tolist())
    assert scans["human_dice"].tolist() == pytest.approx(pairs["dice_A_C"].tolist())
    assert scans["hd95_mm_A"].tolist() == pytest.approx(pairs["hd95_mm_A_B"].tolist())
    assert scans["fleiss_kappa_with_source"].tolist() == pytest.approx(pairs["fleiss_kappa"].tolist())
    assert not {"dice_B", "dice_A_B"} & set(scans.columns)


def test_table_4_has_the_source_as_further_columns(tmp_path: Path) -> None:
    """The annotators' columns are those of agree; the mean of the source's Dice stands beside."""
    agree(read_study(judged_study(tmp_path, mice=2)))
    run(tmp_path)
    found = table(tmp_path, "table4")
    theirs = pd.read_csv(tmp_path / "derivatives" / "agreement" / "table4.csv")
    pd.testing.assert_frame_equal(found[theirs.columns], theirs)
    assert found["dice_source_mean"].tolist() == pytest.approx([(6 / 7 + 1 + 8 / 9) / 3])
    assert found["dice_source_A_mean"].tolist() == pytest.approx([6 / 7])
    assert found["fleiss_kappa_with_source_mean"].notna().all()


def test_recall_by_size_of_the_second_tumor_and_false_lesions_by_hand(tmp_path: Path) -> None:
    """Tumors of 64 and 125 mm3 of which the model finds the larger one, and 27 mm3 that nobody marked."""
    shape = (8, 40, 8)
    small, large = box(shape, (2, 6), (1, 5), (2, 6)), box(shape, (1, 6), (14, 19), (1, 6))
    false = box(shape, (2, 5), (30, 33), (2, 5))
    write_scan(tmp_path, masks=dict.fromkeys("AB", small | large))
    predict(tmp_path, large | false)
    run(tmp_path)
    detection = table(tmp_path, "detection").query("dataset == 'all'")
    counts = dict(zip(detection["group"], zip(detection["count"], detection["total"], strict=True), strict=True))
    assert (counts["all"], counts["second tumor"]) == ((1, 2), (0, 1))
    assert (counts["30-100 mm3"], counts["100-300 mm3"]) == ((0, 1), (1, 1))
    assert counts["over 10 mm3"] == (1, 1)  # false lesions among scans
    assert detection["low"].isna().all()  # one mouse has no interval
    (lesion,) = table(tmp_path, "false_lesions").to_dict("records")
    assert (lesion["volume_mm3"], lesion["distance_mm"], lesion["counted"]) == (27, 12, True)
    (scan,) = table(tmp_path, "scans").to_dict("records")
    assert (scan["false_lesions"], scan["false_cm3"], scan["false_distance_mm"]) == (1, 0.027, 12)
    assert table(tmp_path, "tumors")["found"].tolist() == [False, True]


def test_means_come_by_dataset_size_and_day(tmp_path: Path) -> None:
    """Two days of one mouse: a row for each, and for the class of their size."""
    two_scan_study(tmp_path)
    run(tmp_path, "B")
    rows = table(tmp_path, "summary", "B").query("measure == 'dice_annotators' and unit_of == 'scan'")
    assert list(zip(rows["by"], rows["group"], strict=True)) == [
        ("all", "all"), ("dataset", "Dataset 1"), ("size", "30-100 mm3"), ("day", "0d"), ("day", "8d")
    ]  # fmt: skip
    assert rows["n"].tolist() == [2, 2, 2, 1, 1]
    assert rows["n_mice"].tolist() == [1, 1, 1, 1, 1]


# the verdict


def test_the_verdict_is_a_sentence_and_never_says_better_than_human(tmp_path: Path) -> None:
    """Twelve mice drawn between the annotators: too few for recall and false lesions; the mice that would tell."""
    result = run(judged_study(tmp_path, mice=12))
    said = verdict(tmp_path)
    assert said["format"] == "murinoma.verdict/1"
    assert said["verdict"] == "cannot tell"
    assert said["mice"] == 12
    assert said["mice_needed"] > 12
    assert result.notices[0] == said["sentence"]
    assert "cannot be told from 12 mice" in said["sentence"]
    assert f"about {said['mice_needed']} mice would tell" in said["sentence"]
    assert "better" not in said["sentence"]
    assert said["williams_index"] == pytest.approx((6 / 7 + 1 + 8 / 9) / (6 / 7 + 3 / 4 + 8 / 9))
    rows = table(tmp_path, "verdict").set_index("criterion")
    assert rows["state"].to_dict() == {"dice": "holds", "volume": "holds", "false positives": "open", "recall": "open"}


def test_as_many_mice_as_the_verdict_asks_for_tell(tmp_path: Path) -> None:
    """Seventy identical mice: within human variability, and all four figures in the sentence."""
    run(judged_study(tmp_path, mice=70))
    said = verdict(tmp_path)
    assert said["verdict"] == "within human variability"
    assert said["sentence"].startswith("net is within human variability, on 70 mice: its Dice with the annotators is")
    assert "0.00 false lesions per scan (at most 0.04; margin 0.1)" in said["sentence"]
    assert said["mice_needed"] is None


def test_a_model_with_too_much_volume_is_not_within_human_variability(tmp_path: Path) -> None:
    """Boxes of 96 voxels where people draw 64: 1.5 times too large on 12 mice."""
    run(judged_study(tmp_path, box(SHAPE, (2, 6), (2, 6), (1, 7)), mice=12))
    said = verdict(tmp_path)
    assert said["verdict"] == "not within human variability"
    assert "its volumes are 1.5" in said["sentence"]


def test_one_mouse_has_no_interval_and_cannot_tell(tmp_path: Path) -> None:
    """The sentence says that there are too few mice."""
    run(judged_study(tmp_path))
    said = verdict(tmp_path)
    assert said["verdict"] == "cannot tell"
    assert "no interval: too few mice" in said["sentence"]
    assert "how many mice would tell is not known" in said["sentence"]


def test_with_one_annotator_there_is_no_human_baseline(tmp_path: Path) -> None:
    """The scores are there, the verdict says why it is none."""
    write_scan(tmp_path, masks={"A": MIDDLE})
    predict(tmp_path, MIDDLE)
    result = run(tmp_path)
    said = verdict(tmp_path)
    assert said["verdict"] == "no human baseline"
    assert "no scan has two other annotators (A)" in said["sentence"]
    assert any("1 scan has one annotator and no human baseline" in notice for notice in result.notices)
    (scan,) = table(tmp_path, "scans").to_dict("records")
    assert scan["dice_A"] == scan["dice_annotators"] == 1
    assert np.isnan(scan["human_dice"])


# training


def test_scans_that_the_model_has_learned_from_are_left_out_loudly(tmp_path: Path) -> None:
    """By the SHA-256 of the CT; named in a notice and in left_out.csv, and in no other table."""
    judged_study(tmp_path, mice=3, ct=CT)
    marked = write_scan(tmp_path, "M02_0d", ct=CT + 7)
    write_card(tmp_path / "models" / "net", marked / "CT_M02_0d.nii.gz")
    result = run(tmp_path)
    assert table(tmp_path, "scans")["mouse"].tolist() == ["M01", "M03"]
    assert table(tmp_path, "left_out")[["mouse", "reason"]].to_numpy().tolist() == [
        ["M02", "its CT is in the training of the model"]
    ]
    assert any("LEFT OUT: 'net' has learned from 1 scan of this study (Dataset 1 M02_0d" in n for n in result.notices)
    assert verdict(tmp_path)["training_known"] is True


def test_another_day_of_a_mouse_that_the_model_knows_is_told(tmp_path: Path) -> None:
    """It is judged, and a notice says that the numbers are too good."""
    first = write_scan(tmp_path, "M01_0d", three_masks(), ct=CT)
    write_scan(tmp_path, "M01_8d", three_masks(), ct=CT + 1)
    for scan in ("M01_0d", "M01_8d"):
        predict(tmp_path, MIDDLE, scan)
    write_card(tmp_path / "derivatives" / "predictions" / "net", first / "CT_M01_0d.nii.gz")
    result = run(tmp_path)
    assert result.scans == 1
    assert any("knows from another day (first Dataset 1 M01_8d)" in notice for notice in result.notices)


def test_a_model_that_has_learned_from_all_scans_is_not_judged(tmp_path: Path) -> None:
    """With what to do."""
    judged_study(tmp_path, mice=2, ct=CT)
    write_card(tmp_path / "models" / "net", tmp_path / "Dataset 1/M01_0d/M01_0d/CT_M01_0d.nii.gz")  # all CTs are alike
    with pytest.raises(StudyError, match=r"has learned from all 2 scans.*mice that it has not seen"):
        run(tmp_path)


def test_a_model_without_a_card_is_judged_and_that_is_said(tmp_path: Path) -> None:
    """Nobody knows what it has learned from."""
    result = run(judged_study(tmp_path, ct=CT))
    assert any(
        "'net' has no card (model.json)" in notice and "NONE was left out" in notice for notice in result.notices
    )
    assert verdict(tmp_path)["training_known"] is False


def test_the_card_of_another_model_is_refused(tmp_path: Path) -> None:
    """The record of the masks has other weights than the card; with --model the right one is named."""
    judged_study(tmp_path, ct=CT)
    entry = {"inputs": {}, "options": {"coarse": "c", "fine": "f", "head": "consensus"}, "result": {}}
    record = {"format": "murinoma.record/1", "step": "net", "version": "0", "settings": {}, "scans": {"x": entry}}
    (tmp_path / "derivatives/predictions/net/record.json").write_text(json.dumps(record))
    write_card(tmp_path / "models" / "net", weights=("other", "f"))
    with pytest.raises(FileError, match="is not of the model that made the masks"):
        run(tmp_path)
    write_card(tmp_path / "elsewhere")
    assert run(tmp_path, model=tmp_path / "elsewhere").scans == 1
    assert verdict(tmp_path)["weights"] == ["c", "f"]


def test_a_damaged_card_is_refused(tmp_path: Path) -> None:
    """Guessing that it knows no scan would be too good."""
    judged_study(tmp_path)
    write_card(tmp_path / "models" / "net").write_text("{}")
    with pytest.raises(FileError, match="is no card of a model"):
        run(tmp_path)


# masks of other programs


def test_a_folder_of_another_program_is_judged(tmp_path: Path) -> None:
    """Flat names with the dataset in them, as nnU-Net writes; the evaluation has the name that was given."""
    write_scan(tmp_path / "study", masks=three_masks())
    masks = tmp_path / "nnunet"
    write_nifti(masks / "D1_M01_0d.nii.gz", MIDDLE)
    write_nifti(masks / "D1_M09_0d.nii.gz", MIDDLE)
    result = run(tmp_path / "study", "nnunet", masks=masks)
    assert table(tmp_path / "study", "scans", "nnunet")["dice_B"].tolist() == [1]
    assert any("1 file names no scan of the study (first D1_M09_0d.nii.gz)" in notice for notice in result.notices)
    assert verdict(tmp_path / "study", "nnunet")["kind"] == "masks"


def test_a_mask_called_like_its_ct_is_read_again_when_it_changes(tmp_path: Path) -> None:
    """TumSeg keeps the CT's name; what a record knows of files goes by their names."""
    write_scan(tmp_path / "study", masks=three_masks(), ct=CT)
    masks = tmp_path / "masks"
    for mask, dice in ((MIDDLE, 1), (three_masks()["A"], 6 / 7)):
        write_nifti(masks / "CT_M01_0d.nii.gz", mask)
        run(tmp_path / "study", "tumseg", masks=masks)
        assert table(tmp_path / "study", "scans", "tumseg")["dice_B"].tolist() == pytest.approx([dice])


def test_two_files_of_one_scan_are_a_failure_of_that_scan(tmp_path: Path) -> None:
    """The others go on."""
    for scan in ("M01_0d", "M02_0d"):
        write_scan(tmp_path / "study", scan, three_masks())
    masks = tmp_path / "masks"
    for name in ("M01_0d.nii.gz", "again/M01_0d.nii.gz", "M02_0d.nii.gz"):
        write_nifti(masks / name, MIDDLE)
    result = run(tmp_path / "study", "x", masks=masks)
    assert result.scans == 1
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_0d"]
    assert "2 files" in result.failed[0].message


# what is refused, what is odd


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        ("nobody", UsageError, "there is no source 'nobody'; this study has A, B, C"),
        ("staple", UsageError, "'staple' is made of the annotators who would judge it"),
        ("a/b", UsageError, "'a/b' cannot name a model"),
    ],
)
def test_a_source_that_does_not_exist_is_wrong_use(
    source: str, error: type[Exception], sentence: str, tmp_path: Path
) -> None:
    """With the sources that there are."""
    two_scan_study(tmp_path)
    with pytest.raises(error, match=sentence):
        run(tmp_path, source)


def test_predictions_of_other_scans_are_refused(tmp_path: Path) -> None:
    """A folder of masks that names none of this study's scans."""
    two_scan_study(tmp_path)
    predict(tmp_path, MIDDLE, "M77_0d")
    with pytest.raises(StudyError, match="holds no mask of a scan"):
        run(tmp_path)


def test_a_prediction_on_another_grid_fails_with_both_sizes(tmp_path: Path) -> None:
    """Shape or spacing: the scan fails, the others go on."""
    judged_study(tmp_path, mice=3, ct=CT)
    predict(tmp_path, np.zeros((8, 8, 9), np.uint8), "M01_0d")
    predict(tmp_path, MIDDLE, "M02_0d", spacing_mm=(2, 1, 1))
    result = run(tmp_path)
    assert result.scans == 1
    assert "has 9 x 8 x 8 voxels, CT_M01_0d.nii.gz has 8 x 8 x 8" in result.failed[0].message
    assert "has voxels of 1 x 1 x 2 mm" in result.failed[1].message


def test_nan_in_a_mask_fails(tmp_path: Path) -> None:
    """It is neither tumor nor background."""
    judged_study(tmp_path)
    broken = MIDDLE.astype(np.float32)
    broken[0, 0, 0] = np.nan
    predict(tmp_path, broken)
    result = run(tmp_path)
    assert result.result is None
    assert "NaN" in result.failed[0].message


def test_no_tumor_in_any_mask_is_no_score_and_no_crash(tmp_path: Path) -> None:
    """Dice is undefined, nothing is missed, and an empty source is told."""
    empty = np.zeros(SHAPE, np.uint8)
    write_scan(tmp_path, masks={"A": empty, "B": empty})
    predict(tmp_path, empty)
    result = run(tmp_path)
    assert table(tmp_path, "scans")["dice_annotators"].isna().all()
    assert len(table(tmp_path, "tumors")) == 0
    assert any("every mask of 'net' is empty" in notice for notice in result.notices)
    assert verdict(tmp_path)["verdict"] == "no human baseline"


def test_masks_that_meet_no_tumor_may_be_mirrored(tmp_path: Path) -> None:
    """A notice asks for it."""
    result = run(judged_study(tmp_path, box(SHAPE, (6, 8), (6, 8), (0, 2))))
    assert any("are its axes stored in another order or direction?" in notice for notice in result.notices)


def test_names_that_would_share_a_column_are_refused(tmp_path: Path) -> None:
    """An annotator called staple."""
    write_scan(tmp_path, masks={"A": MIDDLE, "staple": MIDDLE, "C": MIDDLE})
    predict(tmp_path, MIDDLE)
    with pytest.raises(StudyError, match="two columns the name dice_staple"):
        run(tmp_path)


def test_a_scan_nobody_else_annotated_is_left_out_with_the_reason(tmp_path: Path) -> None:
    """Also one without a mask of the source."""
    write_scan(tmp_path, "M01_0d", {"A": MIDDLE, "B": MIDDLE})
    write_scan(tmp_path, "M02_0d", {"A": MIDDLE})
    write_scan(tmp_path, "M03_0d", {"B": MIDDLE})
    result = run(tmp_path, "A")
    assert result.scans == 1
    assert table(tmp_path, "left_out", "A")["reason"].tolist() == [
        "nobody else has annotated it", "the source has no mask of it"
    ]  # fmt: skip


def test_a_rerun_reads_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    """What the record shows as done is taken from it."""
    judged_study(tmp_path)
    first = run(tmp_path)
    assert first.result is not None
    before = {path.name: path.read_bytes() for path in first.result.iterdir()}
    assert run(tmp_path, dry_run=True).numbers == {"waiting": 0, "done": 1}
    run(tmp_path, force=True)
    after = {path.name: path.read_bytes() for path in first.result.iterdir()}
    assert {name: before[name] for name in before if name != "record.json"} == {
        name: after[name] for name in after if name != "record.json"
    }


# real masks


def voxels(path: Path) -> Array:
    """Return the stored values of a mask, read by nibabel."""
    image: Any = nib.load(path)
    return np.asarray(image.dataobj)


@pytest.mark.filterwarnings("ignore:Please (use|import):DeprecationWarning:surface_distance.*")
def test_a_fourth_reader_of_real_masks_by_an_independent_computation(shared_data: Path, tmp_path: Path) -> None:
    """LIDC: D against A, B and C with nibabel, numpy and surface-distance, scan by scan; no line of ours."""
    run(shared_data / "lidc_study", "D", out=tmp_path)
    found = pd.read_csv(tmp_path / "evaluation" / "D" / "scans.csv").set_index("mouse")
    assert len(found) == 20
    for mouse in found.index:
        folder = shared_data / "lidc_study" / "Dataset 1" / f"{mouse}_0h" / f"{mouse}_0h"
        files: dict[str, Any] = {name: nib.load(folder / f"Annotator_{name}_{mouse}_0h.nii.gz") for name in "ABCD"}
        masks = {name: np.asarray(file.dataobj) > 0 for name, file in files.items()}
        spacing = tuple(float(side) for side in files["A"].header.get_zooms())
        row = found.loc[mouse]
        volume = {name: mask.sum() * np.prod(spacing) / 1000 for name, mask in masks.items()}
        pairs = {(a, b): 2 * (masks[a] & masks[b]).sum() / (masks[a].sum() + masks[b].sum()) for a, b in
                 combinations("ABCD", 2)}  # fmt: skip
        mine = [pairs[name, "D"] for name in "ABC"]
        theirs = [pairs["A", "B"], pairs["A", "C"], pairs["B", "C"]]
        assert [row[f"dice_{name}"] for name in "ABC"] == pytest.approx(mine)
        assert row["dice_difference"] == pytest.approx(np.mean(mine) - np.mean(theirs))
        assert row["volume_error_cm3_A"] == pytest.approx(volume["D"] - volume["A"])
        assert row["volume_log_ratio_B"] == pytest.approx(np.log(volume["D"] / volume["B"]))
        assert row["annotators_volume_cm3"] == pytest.approx(np.mean([volume[name] for name in "ABC"]))
        if mouse in ("M01", "M07", "M13"):
            distances = surface_distance.compute_surface_distances(masks["D"], masks["C"], spacing)
            near = surface_distance.compute_surface_dice_at_tolerance(distances, max(spacing))
            assert row["surface_dice_C"] == pytest.approx(near, abs=1e-6)
            low, high = (surface_distance.compute_robust_hausdorff(distances, 95 + step) for step in (-1e-6, 1e-6))
            assert low - 1e-6 <= row["hd95_mm_C"] <= high + 1e-6


def test_the_sentence_on_real_masks_by_an_independent_computation(shared_data: Path, tmp_path: Path) -> None:
    """LIDC: means over the 20 cases of difference, log ratio and Williams index, by numpy from the masks."""
    root = shutil.copytree(shared_data / "lidc_study", tmp_path / "lidc")
    result = run(root, "D")
    differences, logs, mine, theirs = [], [], [], []
    for scan in read_study(root).scans:
        masks = {name: voxels(path) > 0 for name, path in scan.annotations.items()}
        pair = {(a, b): 2 * (masks[a] & masks[b]).sum() / (masks[a].sum() + masks[b].sum()) for a, b in
                combinations("ABCD", 2)}  # fmt: skip
        mine.append(np.mean([pair[name, "D"] for name in "ABC"]))
        theirs.append(np.mean([pair["A", "B"], pair["A", "C"], pair["B", "C"]]))
        differences.append(mine[-1] - theirs[-1])
        sizes = {name: np.log(mask.sum()) for name, mask in masks.items()}
        logs.append(sizes["D"] - np.mean([sizes[name] for name in "ABC"]))
    rows = table(root, "verdict", "D").set_index("criterion")
    assert rows.loc["dice", "value"] == pytest.approx(np.mean(differences))
    assert rows.loc["volume", "value"] == pytest.approx(np.exp(np.mean(logs)), abs=2e-3)  # specks are in no tumor
    assert verdict(root, "D")["williams_index"] == pytest.approx(np.mean(mine) / np.mean(theirs))
    assert result.numbers["tumors_found"] == 20
    assert f"{abs(np.mean(differences)):.3f} below theirs" in verdict(root, "D")["sentence"]


# what segment has written


def test_the_masks_of_segment_are_judged_with_their_card(tmp_path: Path) -> None:
    """A tiny model of random weights: its card, copied, says weights and training; the record fits."""
    pytest.importorskip("torch", reason="models need torch or openvino")
    pytest.importorskip("onnx", reason="a model is written with onnx")
    from murinoma.steps.segment import segment
    from tests.models.small_models import write_tiny_model

    z, y, x = np.ogrid[-45:45, -18:18, -18:18]
    noise = np.random.default_rng(1).normal(40, 40, (90, 36, 36))
    ct = np.where((z / 40) ** 2 + (y / 14) ** 2 + (x / 14) ** 2 < 1, noise, -1000).astype(np.int16)
    masks = dict.fromkeys("AB", box((90, 36, 36), (40, 46), (10, 16), (10, 16)))
    write_scan(tmp_path / "study", masks=masks, ct=ct, spacing_mm=(0.5, 0.5, 0.5))
    write_tiny_model(tmp_path / "tiny")
    made = segment(read_study(tmp_path / "study"), str(tmp_path / "tiny"))
    assert made.result is not None
    name = made.result.name
    result = run(tmp_path / "study", name)
    assert result.scans == 1
    said = verdict(tmp_path / "study", name)
    card = json.loads((tmp_path / "tiny" / "model.json").read_text())
    assert said["weights"] == [card["coarse"]["sha256"], card["fine"]["sha256"]]
    assert (said["kind"], said["training_known"]) == ("model", True)
