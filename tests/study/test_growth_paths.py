"""Where growth and assign find and put their files."""

from pathlib import Path

from murinoma.study import read_study
from murinoma.study.growth_paths import assignment_path, growth_folder, people_folder
from tests.builders import two_scan_study


def test_the_tables_of_people_lie_beside_the_datasets(tmp_path: Path) -> None:
    """Also where the study is named by its only dataset."""
    root = two_scan_study(tmp_path / "study")
    assert people_folder(read_study(root)) == root
    assert people_folder(read_study(root / "Dataset 1")) == root


def test_an_assignment_is_no_result_that_can_be_computed_again(tmp_path: Path) -> None:
    """It lies beside the datasets, whatever --out says, and the reader of studies knows it."""
    root = two_scan_study(tmp_path / "study")
    assignment_path(root).parent.mkdir()
    assignment_path(root).write_text("dataset,mouse,arm\n", encoding="utf-8")
    (root / "plan.toml").write_text("day = 14\n", encoding="utf-8")
    study = read_study(root, out=tmp_path / "out")
    assert growth_folder(study) == tmp_path / "out" / "growth"
    assert not study.findings
