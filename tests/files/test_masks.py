"""Reading the annotations of one scan: what fits together, and the sentence where it does not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from murinoma.errors import FileError, GeometryError
from murinoma.files.masks import read_annotations
from murinoma.study import Scan, read_study
from tests.builders import box, three_masks, write_nifti, write_scan

SHAPE = (6, 5, 4)
MASK = box(SHAPE, (1, 4), (1, 4), (1, 3))
CT = np.zeros(SHAPE, np.int16)


def only_scan(root: Path) -> Scan:
    """Return the one scan of a study."""
    (scan,) = read_study(root).scans
    return scan


def test_annotations_come_by_name_with_the_grid_of_the_ct(tmp_path: Path) -> None:
    """Two masks beside a CT of 0.2 x 0.3 x 0.5 mm: their names in order, the CT's spacing and voxel volume."""
    write_scan(tmp_path, masks={"B": MASK, "A": 1 - MASK}, ct=CT, spacing_mm=(0.5, 0.3, 0.2))
    found = read_annotations(only_scan(tmp_path))
    assert list(found.masks) == ["A", "B"]
    np.testing.assert_array_equal(found.masks["B"], MASK)
    assert found.spacing_mm == pytest.approx((0.5, 0.3, 0.2))
    assert found.voxel_mm3 == pytest.approx(0.03)
    assert found.conflicts == {}


def test_a_conflict_of_each_header_is_kept_by_file(tmp_path: Path) -> None:
    """CT and masks with an identity sform beside 0.21 mm: each file is named, and 0.21 mm counts."""
    write_scan(tmp_path, masks={"A": MASK}, ct=CT, spacing_mm=(0.21, 0.21, 0.21), sform=np.eye(4))
    found = read_annotations(only_scan(tmp_path))
    assert list(found.conflicts) == ["CT_M01_0d.nii.gz", "Annotator_A_M01_0d.nii.gz"]
    assert found.voxel_mm3 == pytest.approx(0.009261)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int64", "float32", "float64"])
def test_whole_numbers_of_any_type_are_labels(tmp_path: Path, dtype: str) -> None:
    """A mask of 0, 1 and 2 stored as integers or floats is the same uint8 array."""
    labels = MASK + (box(SHAPE, (1, 2), (1, 2), (1, 2)))
    write_scan(tmp_path, masks={"A": labels.astype(dtype)})
    found = read_annotations(only_scan(tmp_path)).masks["A"]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize(
    ("value", "dtype", "said"),
    [
        (-1, "int8", "holds values from -1 to 0"),
        (256, "int16", "holds values from 0 to 256"),
        (0.5, "float32", "holds fractions"),
        (np.nan, "float32", "NaN or infinite"),
    ],
)
def test_what_is_no_label_is_refused_with_the_value(tmp_path: Path, value: float, dtype: str, said: str) -> None:
    """A mask holds whole numbers from 0 to 255; the error names file and value."""
    voxels = np.zeros(SHAPE, dtype)
    voxels[0, 0, 0] = value
    write_scan(tmp_path, masks={"A": voxels})
    with pytest.raises(FileError, match=said) as caught:
        read_annotations(only_scan(tmp_path))
    assert "Annotator_A_M01_0d.nii.gz" in str(caught.value)


@pytest.mark.parametrize("with_ct", [True, False])
def test_another_shape_is_refused_with_both_files_and_both_sizes(tmp_path: Path, with_ct: bool) -> None:
    """A mask of 4 x 5 x 7 voxels beside a CT (or a first mask) of 4 x 5 x 6."""
    folder = write_scan(tmp_path, masks={"A": MASK}, ct=CT if with_ct else None)
    write_nifti(folder / "Annotator_B_M01_0d.nii.gz", np.zeros((7, 5, 4), np.uint8))
    reference = "CT_M01_0d" if with_ct else "Annotator_A_M01_0d"
    with pytest.raises(GeometryError, match=rf"Annotator_B_.* has 4 x 5 x 7 voxels, {reference}\S* has 4 x 5 x 6"):
        read_annotations(only_scan(tmp_path))


@pytest.mark.parametrize("with_ct", [True, False])
def test_another_spacing_is_refused_with_both_files_and_both_values(tmp_path: Path, with_ct: bool) -> None:
    """A mask of 0.21 mm voxels beside a CT (or a first mask) of 0.2 mm."""
    folder = write_scan(tmp_path, masks={"A": MASK}, ct=CT if with_ct else None, spacing_mm=(0.2, 0.2, 0.2))
    write_nifti(folder / "Annotator_B_M01_0d.nii.gz", MASK, spacing_mm=(0.2, 0.2, 0.21))
    with pytest.raises(GeometryError, match=r"Annotator_B_.* 0\.21 x 0\.2 x 0\.2 mm, .* of 0\.2 x 0\.2 x 0\.2 mm"):
        read_annotations(only_scan(tmp_path))


def test_rounding_of_a_spacing_is_not_another_spacing(tmp_path: Path) -> None:
    """0.21 mm and 0.2100001 mm are the same: headers hold float32."""
    folder = write_scan(tmp_path, masks={"A": MASK}, spacing_mm=(0.21, 0.21, 0.21))
    write_nifti(folder / "Annotator_B_M01_0d.nii.gz", MASK, spacing_mm=(0.2100001, 0.21, 0.21))
    assert list(read_annotations(only_scan(tmp_path)).masks) == ["A", "B"]


def test_a_scan_without_any_image_says_so(tmp_path: Path) -> None:
    """No CT, no mask, no consensus: the error names the folder."""
    write_scan(tmp_path, ct=CT)
    with pytest.raises(FileError, match="M01_0d holds no image"):
        read_annotations(replace(only_scan(tmp_path), ct=None))


def test_masks_of_a_study_are_those_that_were_written(tmp_path: Path) -> None:
    """Three masks written by nibabel's header come back voxel by voxel."""
    write_scan(tmp_path, masks=three_masks())
    found = read_annotations(only_scan(tmp_path)).masks
    for name, mask in three_masks().items():
        np.testing.assert_array_equal(found[name], mask)
