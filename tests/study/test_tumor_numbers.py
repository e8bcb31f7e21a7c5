"""tumors.csv: what people say about which tumor is which, and what is wrong with it."""

from pathlib import Path

import pytest

from murinoma.errors import StudyError
from murinoma.study import read_study
from murinoma.study.tumor_numbers import read_tumor_numbers, tumor_numbers_path
from tests.builders import two_scan_study

HEAD = "dataset,mouse,time,tumor,lesion,source\n"


def said(root: Path, *rows: str, source: str = "") -> dict[tuple[str, str, str], dict[int, int]]:
    """Return what is read from a study with these rows."""
    study = read_study(two_scan_study(root))
    tumor_numbers_path(study).write_text(HEAD + "".join(row + "\n" for row in rows), encoding="utf-8-sig")
    return read_tumor_numbers(study, source=source)


def test_without_the_file_nobody_says_anything(tmp_path: Path) -> None:
    """Empty."""
    assert read_tumor_numbers(read_study(two_scan_study(tmp_path))) == {}


def test_rows_are_read_by_scan(tmp_path: Path) -> None:
    """A dataset may be a number; 192h is the scan of 8d."""
    found = said(tmp_path, "1,M01,0d,1,2,", "Dataset 1,M01,192h,2,1,", "1,M01,0d,2,1,")
    assert found == {("Dataset 1", "M01", "0d"): {1: 2, 2: 1}, ("Dataset 1", "M01", "8d"): {2: 1}}


def test_a_row_may_be_for_one_source(tmp_path: Path) -> None:
    """It does not count for another; one without a source counts for all."""
    rows = "1,M01,0d,1,2,xeno-0", "1,M01,0d,2,3,A", "1,M01,0d,3,1,"
    assert said(tmp_path, *rows, source="xeno-0") == {("Dataset 1", "M01", "0d"): {1: 2, 3: 1}}


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (["1,M09,0d,1,2,"], "line 2: 1 M09_0d is no scan here"),
        (["1,M01,0d,1,2,", "1,M01,0d,2,2,"], "line 3: tumor 2 or lesion 2 stands twice"),
        (["1,M01,0d,0,2,"], "both are numbers from 1 to 254"),
        (["1,M01,0d,one,2,"], "invalid literal"),
        (["1,M01,soon,1,2,"], "'soon' is not a time point"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, rows: list[str], sentence: str) -> None:
    """With the line, and the columns that are needed."""
    with pytest.raises(StudyError, match=sentence) as told:
        said(tmp_path, *rows)
    assert "it needs the columns dataset, mouse, time" in str(told.value)


def test_of_a_single_dataset_the_file_lies_beside_it(tmp_path: Path) -> None:
    """As the other tables that people keep."""
    study = read_study(two_scan_study(tmp_path) / "Dataset 1")
    assert tumor_numbers_path(study) == tmp_path / "tumors.csv"
