"""The coordinator's side of a campaign: planned, looked at, revealed once; and what agree makes of it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.campaign import Plan, Store, open_store, read_plan
from murinoma.errors import InputError, UsageError
from murinoma.files.nifti import read_volume
from murinoma.settings import CampaignSettings, RepeatabilitySettings
from murinoma.steps.agree import agree
from murinoma.steps.campaign import campaign_status, has_campaign, new_campaign, reveal_campaign
from murinoma.steps.repeatability import AGAIN, measure_repeatability
from murinoma.study import read_study
from murinoma.study.campaign_paths import campaign_repeat_path
from tests.builders import write_scan

SHAPE = (8, 10, 10)
SCANS = ["M01_0d", "M02_0d", "M03_0d", "M04_0d"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a study of four scans with CTs and no annotation, and a campaign of A and B with one repeat."""
    for number, scan in enumerate(SCANS):
        write_scan(tmp_path, scan, {}, ct=np.full(SHAPE, number, np.int16))
    new_campaign(read_study(tmp_path), settings=CampaignSettings(("A", "B"), seed=3, repeat_share=0.25))
    return tmp_path


def plan_of(root: Path) -> Plan:
    """Return the plan of a study's campaign."""
    return read_plan(read_study(root))


def box_labels(width: int) -> np.ndarray:
    """Return labels with one tumor, 4 x 4 x `width` voxels."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:6, 3:7, 2 : 2 + width] = 1
    return labels


def hand_in(store: Store, code: str, labels: np.ndarray) -> None:
    """Draw every slice of a tumor and hand the scan in; the tissue rule takes one voxel."""
    store.begin(code, SHAPE)
    for index in np.flatnonzero(labels.any(axis=(1, 2))):
        store.save_slice(code, int(index), labels[index])
    removed = np.zeros(SHAPE, np.uint8)
    removed[2, 2, 2] = 1
    store.save_removed(code, removed)
    store.save_labels(code, labels)
    store.submit(code)


def annotate_all(root: Path, skip: tuple[str, str] = ("", "")) -> None:
    """Let A draw boxes 4 wide and B 5 wide, both one less wide the second time; `skip` names annotator and scan."""
    study, plan = read_study(root), plan_of(root)
    for annotator, width in (("A", 4), ("B", 5)):
        with open_store(study, annotator) as store:
            for assigned in plan.order_of(annotator):
                if (annotator, "_".join(assigned.scan.key[1:])) == skip:
                    store.skip(assigned.code, "cut by the field of view")
                else:
                    hand_in(store, assigned.code, box_labels(width - assigned.repeat))


def test_a_new_campaign_hands_out_every_scan_and_says_which_have_no_ct(root: Path) -> None:
    """Four scans and one repeat for two annotators; a second plan is refused."""
    assert has_campaign(read_study(root))
    assert {name: len(order) for name, order in plan_of(root).orders.items()} == {"A": 5, "B": 5}
    with pytest.raises(UsageError, match="a plan is written once"):
        new_campaign(read_study(root))


def test_scans_without_a_ct_are_said(tmp_path: Path) -> None:
    """One of two scans has a mask only: it is not handed out."""
    write_scan(tmp_path, "M01_0d", {}, ct=np.zeros(SHAPE, np.int16))
    write_scan(tmp_path, "M02_0d", {"Z": box_labels(3)}, ct=None)
    result = new_campaign(read_study(tmp_path))
    assert result.scans == 1
    assert result.notices == ("1 scans have no CT and are not handed out (first Dataset 1 M02_0d)",)


def test_the_status_counts_and_names_a_changed_ct(root: Path) -> None:
    """A has handed in one of five; the CT of M02 was written again."""
    study = read_study(root)
    with open_store(study, "A") as store:
        hand_in(store, store.codes[0], box_labels(4))
    ct = next(scan.ct for scan in study.scans if scan.mouse == "M02")
    assert ct is not None
    ct.write_bytes(ct.read_bytes() + b"\0")
    result = campaign_status(study)
    assert str(result.numbers["A"]).startswith("1 of 5 done")
    assert str(result.numbers["B"]).startswith("0 of 5 done")
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M02 0d"]
    assert "not the one that was handed out" in result.failed[0].message


def test_the_reveal_waits_for_everybody(root: Path) -> None:
    """Nothing is written while scans are open; --unfinished writes what there is."""
    with open_store(read_study(root), "A") as store:
        hand_in(store, store.codes[0], box_labels(4))
    with pytest.raises(InputError, match="not handed in yet"):
        reveal_campaign(read_study(root))
    assert read_study(root).annotators == []
    result = reveal_campaign(read_study(root), unfinished=True)
    assert (result.scans, result.numbers["annotations"]) == (1, 1)
    assert "9 annotations were skipped or are still open" in result.notices[0]


def test_revealed_annotations_stand_under_their_true_names(root: Path) -> None:
    """Eight masks on the CT's grid, each the one that was drawn for that scan; the repeats lie apart."""
    annotate_all(root)
    result = reveal_campaign(read_study(root))
    assert (result.failed, result.numbers["annotations"], result.numbers["repeats"]) == ((), 8, 2)
    study = read_study(root)
    assert study.annotators == ["A", "B"]
    for scan in study.scans:
        for annotator, width in (("A", 4), ("B", 5)):
            np.testing.assert_array_equal(read_volume(scan.annotations[annotator]).voxels, box_labels(width))
    table = pd.read_csv(root / "campaign" / "annotations.csv")
    assert len(table) == 10
    assert set(table["removed_voxels"]) == {1}
    (mouse,) = set(table.loc[table["repeat"] == 1, "mouse"])
    scan = next(scan for scan in study.scans if scan.mouse == mouse)
    np.testing.assert_array_equal(read_volume(campaign_repeat_path(study, scan, "B")).voxels, box_labels(4))


def test_a_second_reveal_writes_no_file_again(root: Path) -> None:
    """What A draws anew after the reveal stays in the store; file and mask are as revealed, the table says it."""
    annotate_all(root)
    reveal_campaign(read_study(root))
    before = {path: path.read_bytes() for path in root.rglob("Annotator_*.nii.gz")}
    with open_store(read_study(root), "A") as store:
        hand_in(store, store.codes[0], box_labels(2))
    result = reveal_campaign(read_study(root))
    assert {path: path.read_bytes() for path in before} == before
    assert "1 annotations were changed after the reveal" in result.notices[0]
    assert pd.read_csv(root / "campaign" / "annotations.csv")["changed_after_reveal"].sum() == 1


def test_a_scan_handed_in_after_the_reveal_is_not_written(root: Path) -> None:
    """Revealed unfinished; B hands in another scan later: it is named, and no file appears."""
    with open_store(read_study(root), "A") as store:
        hand_in(store, store.codes[0], box_labels(4))
    reveal_campaign(read_study(root), unfinished=True)
    with open_store(read_study(root), "B") as store:
        hand_in(store, store.codes[0], box_labels(4))
    result = reveal_campaign(read_study(root))
    assert len(result.failed) == 1
    assert "after the reveal, when the names were known" in result.failed[0].message
    assert read_study(root).annotators == ["A"]


def test_a_changed_ct_keeps_its_annotation_out(root: Path) -> None:
    """The CT of M03 was replaced: its masks are not written beside another image, all others are."""
    annotate_all(root)
    ct = next(scan.ct for scan in read_study(root).scans if scan.mouse == "M03")
    assert ct is not None
    ct.write_bytes(ct.read_bytes() + b"\0")
    result = reveal_campaign(read_study(root))
    assert {failure.scan for failure in result.failed} >= {"Dataset 1 M03 0d, annotator A"}
    assert {scan.mouse for scan in read_study(root).scans if scan.annotations} == {"M01", "M02", "M04"}


def test_agree_tells_how_each_annotator_agrees_with_oneself(root: Path) -> None:
    """A draws 64 and then 48 voxels of one scan: Dice 6/7, ratio 3/4; one voxel a scan went by the tissue rule."""
    annotate_all(root)
    reveal_campaign(read_study(root))
    assert agree(read_study(root)).failed == ()
    folder = root / "derivatives" / "agreement"
    repeats = pd.read_csv(folder / "repeats.csv").set_index("annotator")
    assert repeats.loc["A", "dice"] == pytest.approx(6 / 7)
    assert repeats.loc["B", "dice"] == pytest.approx(8 / 9)
    annotators = pd.read_csv(folder / "annotators.csv").set_index("annotator")
    assert annotators.loc["A", "repeat_ratio"] == pytest.approx(3 / 4)
    assert annotators["scans"].tolist() == [4, 4]
    assert annotators["removed_voxels_mean"].tolist() == [1, 1]
    assert (annotators["seconds_median"] >= 0).all()


def test_repeatability_counts_what_was_drawn_twice(root: Path) -> None:
    """The two repeats stand beside scans close in time; here there are none of those."""
    annotate_all(root)
    reveal_campaign(read_study(root))
    agree(read_study(root))
    result = measure_repeatability(read_study(root), settings=RepeatabilitySettings("A"))
    table = pd.read_csv(result.result / "repeatability.csv")  # type: ignore[operator]
    assert table[["kind", "source", "n_changes"]].to_numpy().tolist() == [[AGAIN, "A", 1], [AGAIN, "B", 1]]
    assert table["mean_change"].tolist() == pytest.approx([np.log(3 / 4), np.log(4 / 5)])


def test_a_skipped_scan_is_absent_and_counted(root: Path) -> None:
    """B skips M01: A's mask of it is there, B's is not."""
    annotate_all(root, skip=("B", "M01_0d"))
    result = reveal_campaign(read_study(root))
    assert "skipped" in result.notices[0]
    scan = next(scan for scan in read_study(root).scans if scan.mouse == "M01")
    assert list(scan.annotations) == ["A"]
