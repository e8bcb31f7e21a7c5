"""Where the annotation of one CT goes, and where it is saved meanwhile."""

from pathlib import Path

import pytest

from murinoma.study.annotation_paths import annotation_beside, autosave_folder, image_stem

CT = Path("Dataset 2/M01_M02_8d/M02_8d/CT_M02_8d.nii.gz")


def test_beside_the_ct_of_a_study_an_annotation_has_the_name_that_is_read() -> None:
    """For somebody with a name; without one it is no annotator's file, and the study does not take it for one."""
    assert annotation_beside(CT, "Zoë") == CT.parent / "Annotator_Zoë_M02_8d.nii.gz"
    assert annotation_beside(CT).name == "CT_M02_8d_annotation.nii.gz"


@pytest.mark.parametrize("name", ["mouse.nii", "mouse.nii.gz", "mouse"])
def test_any_other_image_gets_a_file_of_its_own(name: str) -> None:
    """One per annotator; strokes are kept in a hidden folder, one per annotation."""
    path = Path("images") / name
    assert image_stem(path) == "mouse"
    assert annotation_beside(path) == Path("images/mouse_annotation.nii.gz")
    assert annotation_beside(path, "A") == Path("images/mouse_annotation_A.nii.gz")
    folders = {autosave_folder(annotation_beside(path, who)) for who in ("", "A", "B")}
    assert len(folders) == 3
    assert all(folder.name.startswith(".") and folder.parent == path.parent for folder in folders)
