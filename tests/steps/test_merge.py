"""Consensus masks and what comes with them."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from murinoma.errors import StudyError
from murinoma.settings import MergeSettings, RunSettings
from murinoma.steps.agree import agree
from murinoma.steps.merge import merge
from murinoma.study import read_study
from tests.builders import Array, box, three_masks, two_scan_study, write_nifti, write_scan


def voxels(path: Path) -> Array:
    """Return the voxels of a NIfTI file as (z, y, x), read by nibabel."""
    image: Any = nib.load(path)
    found: Array = np.asanyarray(image.dataobj).T
    return found


def test_majority_and_staple_of_nested_masks(tmp_path: Path) -> None:
    """Of masks of 3, 4 and 5 columns the majority is the middle one, and so is STAPLE's."""
    write_scan(tmp_path / "study", "M01_0d", three_masks())
    study = read_study(tmp_path / "study")
    result = merge(study)
    assert (result.scans, result.failed) == (1, ())
    middle = three_masks()["B"]
    for method in ("majority", "staple"):
        found = voxels(study.consensus_path(study.scans[0], method))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, middle)


def test_the_maps_of_the_votes(tmp_path: Path) -> None:
    """Share is 1/3 where one of three marked a voxel, 1 where all did; entropy is 0.918 bit and 0 there."""
    write_scan(tmp_path / "study", "M01_0d", three_masks())
    study = read_study(tmp_path / "study")
    merge(study)
    share = voxels(study.votes_path(study.scans[0], "share"))
    entropy = voxels(study.votes_path(study.scans[0], "entropy"))
    np.testing.assert_allclose(share[3, 3], [0, 0, 1, 1, 1, 2 / 3, 1 / 3, 0], rtol=1e-6)
    np.testing.assert_allclose(entropy[3, 3], [0, 0, 0, 0, 0, 0.918296, 0.918296, 0], rtol=1e-5)


def test_performance_of_each_annotator(tmp_path: Path) -> None:
    """A consensus of 64 voxels: A marked 48 of them, C all and 16 more."""
    write_scan(tmp_path / "study", "M01_0d", three_masks())
    merge(read_study(tmp_path / "study"))
    table = pd.read_csv(tmp_path / "study" / "derivatives" / "consensus" / "performance.csv").set_index("annotator")
    np.testing.assert_allclose(table.loc["A", ["sensitivity", "precision"]].astype(float), [0.75, 1], atol=1e-3)
    np.testing.assert_allclose(table.loc["C", ["sensitivity", "precision"]].astype(float), [1, 0.8], atol=1e-3)
    assert list(table.columns[:4]) == ["dataset", "mouse", "time", "hours"]


def test_a_consensus_voxel_carries_its_tumor_number_and_a_speck_255(tmp_path: Path) -> None:
    """Two tumors left and right are 1 and 2; a voxel that two of three hands put far away belongs to neither."""
    shape = (6, 24, 20)
    mask = box(shape, (1, 5), (1, 5), (1, 5)) + box(shape, (1, 5), (18, 22), (1, 5))
    speck = mask.copy()
    speck[3, 12, 18] = 1
    write_scan(tmp_path / "study", "M01_0d", {"A": mask, "B": speck, "C": speck})
    study = read_study(tmp_path / "study")
    merge(study)
    found = voxels(study.consensus_path(study.scans[0], "majority"))
    assert (found[3, 3, 3], found[3, 20, 3], found[3, 12, 18]) == (1, 2, 255)
    volumes = pd.read_csv(study.volumes_path())
    majority = volumes[volumes.source == "majority"]
    assert majority.volume_mm3.tolist() == [129, 64, 64]
    assert majority.tumor.isna().tolist() == [True, False, False]


def test_the_published_consensus_is_compared_and_not_touched(tmp_path: Path) -> None:
    """The published mask has 64 of our 64 voxels and 16 more: Dice 128 / 144."""
    folder = write_scan(tmp_path / "study", "M01_0d", three_masks())
    path = write_nifti(folder / "STAPLE_M01_0d.nii.gz", three_masks()["C"])
    before = path.read_bytes()
    merge(read_study(tmp_path / "study"))
    table = pd.read_csv(tmp_path / "study" / "derivatives" / "consensus" / "scans.csv")
    assert table.dice_published_staple.item() == pytest.approx(128 / 144)
    assert path.read_bytes() == before


def test_all_masks_empty_gives_an_empty_consensus_and_says_so(tmp_path: Path) -> None:
    """Nothing to estimate: empty masks, no performance, a notice."""
    empty = np.zeros((4, 4, 4), np.uint8)
    write_scan(tmp_path / "study", "M01_0d", {"A": empty, "B": empty})
    study = read_study(tmp_path / "study")
    result = merge(study)
    assert not voxels(study.consensus_path(study.scans[0], "staple")).any()
    assert result.failed == ()
    assert any("1 scans have an empty consensus" in notice for notice in result.notices)


def test_one_annotator_alone_fails_and_the_others_go_on(tmp_path: Path) -> None:
    """A consensus needs two; the sentence names the folder and the annotator."""
    write_scan(tmp_path / "study", "M01_0d", {"A": three_masks()["A"]})
    write_scan(tmp_path / "study", "M02_0d", three_masks())
    result = merge(read_study(tmp_path / "study"))
    assert result.scans == 1
    (failure,) = result.failed
    assert "M01_0d has one annotation ('A'); a consensus needs two or more" in failure.message


def test_a_study_without_annotations_is_refused(tmp_path: Path) -> None:
    """There is nothing to merge, which one sentence says."""
    write_scan(tmp_path / "study", "M01_0d", {}, np.zeros((4, 4, 4), np.int16))
    with pytest.raises(StudyError, match="has an annotation"):
        merge(read_study(tmp_path / "study"))


def test_one_method_alone(tmp_path: Path) -> None:
    """Asked for the majority, no STAPLE mask is written, and the Dice between the two is empty."""
    write_scan(tmp_path / "study", "M01_0d", three_masks())
    study = read_study(tmp_path / "study")
    merge(study, settings=MergeSettings(methods=("majority",)))
    assert study.consensus_path(study.scans[0], "majority").exists()
    assert not study.consensus_path(study.scans[0], "staple").exists()
    assert pd.read_csv(study.step_folder("consensus") / "scans.csv").dice_staple_majority.isna().all()


def test_a_rerun_does_only_what_is_gone_or_changed(tmp_path: Path) -> None:
    """Nothing the second time; one scan after its mask was deleted; all with --force."""
    study = read_study(two_scan_study(tmp_path / "study"))
    merge(study)
    dry = RunSettings(dry_run=True)
    assert merge(study, how=dry).numbers["waiting"] == 0
    study.consensus_path(study.scans[0], "staple").unlink()
    assert merge(study, how=dry).numbers["waiting"] == 1
    assert merge(study, how=RunSettings(dry_run=True, force=True)).numbers["waiting"] == 2


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    """Every mask, map and table is byte-identical in a second run elsewhere; records are aside."""
    root = two_scan_study(tmp_path / "study")
    files = []
    for out in (tmp_path / "one", tmp_path / "two"):
        merge(read_study(root, out=out), how=RunSettings(workers=1 if out.name == "one" else 2))
        files.append(
            {path.relative_to(out): path.read_bytes() for path in out.rglob("*.*") if path.name != "record.json"}
        )
    assert files[0] == files[1]
    assert len(files[0]) == 2 * 4 + 3


def test_a_tumor_left_out_by_exclude_csv_is_in_no_result(tmp_path: Path) -> None:
    """Tumor 1 of two is excluded: the consensus and the agreement know tumor 2 alone, under its number."""
    shape = (6, 24, 8)
    mask = box(shape, (1, 5), (1, 5), (1, 5)) + box(shape, (1, 5), (18, 22), (1, 6))
    write_scan(tmp_path / "study", "M01_0d", {"A": mask, "B": mask})
    (tmp_path / "study" / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\nDataset 1,M01,0d,1,necrosis\n")
    study = read_study(tmp_path / "study")
    merge(study)
    agree(study)
    found = voxels(study.consensus_path(study.scans[0], "staple"))
    assert sorted(np.unique(found)) == [0, 2]
    tumors = pd.read_csv(study.step_folder("agreement") / "tumors.csv")
    assert tumors[["tumor", "volume_cm3_A"]].values.tolist() == [[2, 0.08]]
    assert pd.read_csv(study.step_folder("agreement") / "scans.csv").majority_volume_cm3.item() == 0.08


def test_real_masks_give_the_consensus_of_simpleitk(shared_data: Path, tmp_path: Path) -> None:
    """All twenty real nodules: our STAPLE mask is SimpleITK's, voxel by voxel."""
    study = read_study(shared_data / "lidc_study", out=tmp_path)
    merge(study, settings=MergeSettings(methods=("staple",)))
    for scan in study.scans:
        masks = [sitk.ReadImage(str(path)) for path in scan.annotations.values()]
        theirs = sitk.GetArrayFromImage(sitk.STAPLE(masks, 1)) >= 0.5
        np.testing.assert_array_equal(voxels(study.consensus_path(scan, "staple")) > 0, theirs)
