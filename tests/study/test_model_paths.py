"""Where models lie in a study."""

from pathlib import Path

import pytest

from murinoma.errors import UsageError
from murinoma.study import new_study
from murinoma.study.model_paths import model_folder, training_folder

STUDY = new_study(Path("/studies/drug"))


def test_a_model_lies_in_its_study_and_its_training_among_the_results() -> None:
    """``--out`` moves the second, never the first."""
    assert model_folder(STUDY, "flank-1") == Path("/studies/drug/models/flank-1")
    assert training_folder(STUDY, "flank-1") == Path("/studies/drug/derivatives/training/flank-1")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "-x", "C:", "x" * 65, "a b"])
def test_a_name_that_is_no_folder_everywhere_is_refused(name: str) -> None:
    """The sentence says which letters there are."""
    with pytest.raises(UsageError, match=r"cannot name a model; use letters, digits and \. _ \+ -"):
        model_folder(STUDY, name)
