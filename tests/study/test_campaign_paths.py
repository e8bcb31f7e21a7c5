"""Where a campaign lies in a study, and how its paths survive a move."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import StudyError
from murinoma.study import new_study
from murinoma.study.campaign_paths import (
    campaign_lock_path,
    campaign_plan_path,
    campaign_revealed_path,
    campaign_store_path,
    path_from_study,
    path_in_study,
)

STUDY = new_study(Path("/studies/drug"))


def test_a_campaign_lies_in_a_folder_of_its_study() -> None:
    """Plan, mark, store and lock stand side by side in STUDY/campaign."""
    folder = Path("/studies/drug/campaign")
    assert campaign_plan_path(STUDY) == folder / "plan.json"
    assert campaign_revealed_path(STUDY) == folder / "revealed.json"
    assert campaign_store_path(STUDY, "A") == folder / "annotator_A.sqlite"
    assert campaign_lock_path(STUDY, "A") == folder / "annotator_A.lock"


def test_odd_letters_of_a_name_are_encoded() -> None:
    """Slashes, dots between folders and accents become ASCII that any file system takes."""
    assert campaign_store_path(STUDY, "../Jørgen B.").name == "annotator_..%2FJ%C3%B8rgen B..sqlite"


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_names_never_share_a_file(one: str, other: str) -> None:
    """Names that differ give stores and locks that differ, all directly in the campaign's folder."""
    paths = [campaign_store_path(STUDY, name) for name in (one, other)]
    assert (paths[0] == paths[1]) == (one == other)
    assert {path.parent for path in paths} == {STUDY.root / "campaign"}
    assert (campaign_lock_path(STUDY, one) == campaign_lock_path(STUDY, other)) == (one == other)


def test_a_path_in_a_study_goes_with_it() -> None:
    """What was kept relative to one folder is found below another."""
    kept = path_in_study(STUDY, STUDY.root / "Dataset 2" / "M01_8d" / "CT_M01_8d.nii.gz")
    assert kept == "Dataset 2/M01_8d/CT_M01_8d.nii.gz"
    assert path_from_study(new_study(Path("/new")), kept) == Path("/new/Dataset 2/M01_8d/CT_M01_8d.nii.gz")


def test_a_file_elsewhere_is_no_path_in_the_study() -> None:
    """A CT outside the study would be lost with a move; the sentence names it."""
    with pytest.raises(StudyError, match=r"/other/ct\.nii is not in the study /studies/drug; put it there"):
        path_in_study(STUDY, Path("/other/ct.nii"))


@pytest.mark.parametrize("kept", ["/etc/passwd", "../other/ct.nii", "a/../../b", "a\\..\\b", "C:/ct.nii"])
def test_no_kept_path_leads_out_of_the_study(kept: str) -> None:
    """A plan is a file that anybody may have edited."""
    with pytest.raises(StudyError, match="leads out of the study"):
        path_from_study(STUDY, kept)
