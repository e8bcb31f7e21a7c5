"""Which files of a foreign folder belong to which scans."""

from pathlib import Path

import pytest

from murinoma.errors import StudyError
from murinoma.study import read_study
from murinoma.study.foreign_masks import find_masks
from tests.builders import three_masks, write_scan

Key = tuple[str, str, str]
D1: Key = ("Dataset 1", "M01", "0d")
D2: Key = ("Dataset 2", "M01", "0d")
OTHER: Key = ("Dataset 2", "M02", "22.5h")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a study of two datasets that both have a scan M01_0d, and one M02_22.5h."""
    for scan, dataset in (("M01_0d", "Dataset 1"), ("M01_0d", "Dataset 2"), ("M02_22.5h", "Dataset 2")):
        write_scan(tmp_path / "study", scan, three_masks(), dataset=dataset)
    return tmp_path / "study"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("D2_M01_0d.nii.gz", D2),
        ("d02-M01_0d.nii", D2),
        ("Dataset002_M01_0d.nii.gz", D2),
        ("Dataset 1/CT_M01_0d_seg.nii.gz", D1),
        ("Study 1/M01_M02_0d/M01_0d/mask.nii.gz", D1),
        ("M02_22.5h.nii.gz", OTHER),  # in one dataset only
        ("Dataset 2/M01_M02_22.5h/M02_22.5h/Prediction.nii.gz", OTHER),
        ("Dataset 2/M01_0d/D1_M01_0d.nii.gz", D1),  # what is said last counts
        ("M01_0d.nii.gz", None),  # of which dataset?
        ("Dataset 3/M01_0d.nii.gz", None),
        ("D1_M01_0days.nii.gz", None),
        ("D1_XM01_0d.nii.gz", None),
        ("D2_M02_22.nii.gz", None),  # cut at the first dot
    ],
)
def test_what_a_path_names(path: str, key: Key | None, root: Path, tmp_path: Path) -> None:
    """The scan as a whole word, and the dataset before it unless there is only one."""
    file = tmp_path / "masks" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    if key is None:
        with pytest.raises(StudyError, match=r"none of the 1 files below .* names a scan"):
            find_masks(read_study(root), tmp_path / "masks")
        return
    assert dict(find_masks(read_study(root), tmp_path / "masks").masks) == {key: (file,)}


def test_several_files_of_a_scan_and_strangers(root: Path, tmp_path: Path) -> None:
    """All files of a scan, sorted; hidden ones and other kinds do not count."""
    folder = tmp_path / "samples"
    for name in ("D1_M01_0d_2.nii.gz", "D1_M01_0d_1.nii.gz", "D1_M09_0d.nii.gz", ".D1_M01_0d.nii.gz", "D1_M01_0d.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")
    found = find_masks(read_study(root), folder)
    assert [path.name for path in found.masks[D1]] == ["D1_M01_0d_1.nii.gz", "D1_M01_0d_2.nii.gz"]
    assert [path.name for path in found.strangers] == ["D1_M09_0d.nii.gz"]


def test_no_folder_and_an_empty_one_are_refused(root: Path, tmp_path: Path) -> None:
    """With what to name instead."""
    with pytest.raises(StudyError, match="is no folder"):
        find_masks(read_study(root), tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match="holds no NIfTI file"):
        find_masks(read_study(root), tmp_path / "empty")
