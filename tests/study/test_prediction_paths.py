"""Where lies what a model makes: beside the masks of a study, and of CT files that are in none."""

from pathlib import Path

import pytest

from murinoma.errors import UsageError
from murinoma.study import read_study
from murinoma.study.prediction_paths import disagreement_path, file_results, pasted_path, preview_path
from tests.builders import two_scan_study


def test_pictures_and_maps_lie_beside_the_mask(tmp_path: Path) -> None:
    """In the scan's folder of the model, called after the scan; what is put back, one folder up, after the group."""
    study = read_study(two_scan_study(tmp_path))
    scan = study.scans[1]
    mask = study.prediction_path(scan, "xeno-0")
    assert preview_path(study, scan, "xeno-0") == mask.with_name("Preview_M01_8d.png")
    assert disagreement_path(study, scan, "xeno-0") == mask.with_name("Disagreement_M01_8d.nii.gz")
    pasted = pasted_path(study, "xeno-0", "Dataset 1", "M01_M02_8d")
    assert pasted == mask.parents[1] / "Prediction_M01_M02_8d.nii.gz"


def test_files_of_one_folder_are_told_by_their_names() -> None:
    """No folder is made for them."""
    found = file_results([Path("x/one.nii.gz"), Path("x/two.nii")], Path("out"))
    assert [mask for mask, *_ in found.values()] == [Path("out") / f"Prediction_{n}.nii.gz" for n in ("one", "two")]


def test_two_that_would_share_a_mask_are_refused() -> None:
    """Both are named."""
    with pytest.raises(UsageError, match=r"x/one.nii and x/one.nii.gz would have the same mask"):
        file_results([Path("x/one.nii.gz"), Path("x/one.nii")], Path("out"))
