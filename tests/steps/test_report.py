from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError, StudyError
from murinoma.files.tables import write_table
from murinoma.settings import ReportSettings, RunSettings
from murinoma.steps.agree import agree
from murinoma.steps.report import report
from murinoma.study import read_study
from tests.builders import box, three_masks, two_scan_study, write_scan

SHAPE = (12, 10, 8)


def page_of(root: Path) -> str:
    """Return the page of a study after `agree`."""
    study = read_study(root)
    agree(study)
    path = report(study).result
    assert path is not None
    return path.read_text(encoding="utf-8")


def test_the_page_is_written_into_the_folder_of_the_step(tmp_path: Path) -> None:
    """It lies in ``report/index.html`` below ``--out``, and the result says where and how many scans it tells of."""
    study = read_study(two_scan_study(tmp_path / "study"), out=tmp_path / "out")
    agree(study)
    result = report(study)
    assert result.result == tmp_path / "out" / "report" / "index.html"
    assert result.result.is_file()
    assert (result.step, result.scans, result.failed, result.numbers) == ("report", 2, (), {"pictures": 1})
    assert not (tmp_path / "study" / "derivatives").exists()


def test_without_agreement_the_command_to_run_is_named(tmp_path: Path) -> None:
    """A study that was not compared gives one sentence with the command, and with ``--out`` where it was used."""
    root = two_scan_study(tmp_path / "study")
    with pytest.raises(StudyError, match=rf"run 'murinoma agree {root}' first"):
        report(read_study(root))
    with pytest.raises(StudyError, match=rf"run 'murinoma agree {root} --out {tmp_path / 'out'}' first"):
        report(read_study(root, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    """An empty findings table stops the step with the file's name; no page is written."""
    study = read_study(two_scan_study(tmp_path))
    agree(study)
    path = study.step_folder("check") / "findings.csv"
    path.parent.mkdir(parents=True)
    path.write_text("", encoding="utf-8")
    with pytest.raises(FileError, match=r"findings\.csv"):
        report(study)
    assert not study.step_folder("report").exists()


def test_masks_alone_make_a_picture(tmp_path: Path) -> None:
    """Without a CT the picture shows the masks, and says so."""
    page = page_of(two_scan_study(tmp_path))
    assert page.count("<img ") == 3
    assert "There is no CT" in page


def test_the_slice_halves_the_largest_tumor(tmp_path: Path) -> None:
    """Of tumors in slices 1 to 2 and 5 to 9 (counted from 0) the second is larger; its middle is the eighth slice."""
    mask = box(SHAPE, (1, 3), (1, 4), (1, 4)) + box(SHAPE, (5, 10), (6, 9), (4, 8))
    ct = np.where(mask > 0, 40, -1000).astype(np.int16)
    write_scan(tmp_path, "M01_0d", {"A": mask, "B": mask}, ct)
    page = page_of(tmp_path)
    assert "Slice 8 of 12, counted from the rump" in page
    assert "−160 to 240 HU" in page
    assert "which side is left is not recorded" in page


def test_a_sidecar_tells_left_from_right(tmp_path: Path) -> None:
    """Where the axes are recorded beside the CT, L and R are in the picture."""
    mask = box(SHAPE, (2, 8), (2, 8), (2, 6))
    folder = write_scan(tmp_path, "M01_0d", {"A": mask, "B": mask}, np.full(SHAPE, 40, np.int16))
    (folder / "CT_M01_0d.json").write_text('{"axes": {"y": "right to left"}}', encoding="utf-8")
    assert "the animal’s own left and right" in page_of(tmp_path)


def test_the_typical_scan_has_the_median_tumor(tmp_path: Path) -> None:
    """Of tumors of 12, 48 and 80 mm3 the middle one is shown; two pictures show the quartiles."""
    for mouse, stop in (("M01", 11), ("M02", 5), ("M03", 3)):
        mask = box(SHAPE, (2, stop), (2, 6), (2, 6)) if stop > 3 else box(SHAPE, (2, 3), (2, 6), (2, 5))
        write_scan(tmp_path, f"{mouse}_0d", {"A": mask, "B": mask})
    page = page_of(tmp_path)
    assert "M02_0d holds the tumor (0.048 cm³) closest to the median tumor volume" in page
    study = read_study(tmp_path)
    assert report(study, settings=ReportSettings(pictures=2)).numbers == {"pictures": 2}


def test_what_is_excluded_failed_or_bare_is_said(tmp_path: Path) -> None:
    """An excluded scan with its reason, one with a single annotator, and one without any stand in the page."""
    root = two_scan_study(tmp_path)
    write_scan(root, "M02_0d", {"A": three_masks()["A"]})
    write_scan(root, "M03_0d", {}, np.full((8, 8, 8), 40, np.int16))
    write_scan(root, "M04_0d", three_masks())
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\n1,M04,0d,,moved <much>\n", encoding="utf-8")
    page = page_of(root)
    assert "Dataset 1 M04_0d: moved &lt;much&gt;" in page
    assert "<strong>Dataset 1 M02_0d</strong>: agree has no result for it" in page
    assert "Scans without an annotation, which no table counts: 1 (first Dataset 1 M03_0d)." in page


def test_a_scan_that_cannot_be_read_any_more_is_named_and_the_page_is_written(tmp_path: Path) -> None:
    """The picture is left out, the tables stay."""
    study = read_study(two_scan_study(tmp_path))
    agree(study)
    for scan in study.scans:
        scan.annotations["A"].write_bytes(b"not an image")
    result = report(study)
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_0d"]
    assert "cannot be shown" in result.failed[0].message
    assert result.result is not None
    assert "No scan with a tumor could be shown" in result.result.read_text(encoding="utf-8")


def test_findings_and_performance_appear_once_they_are_there(tmp_path: Path) -> None:
    """Their tables are read from the folders of their steps."""
    study = read_study(two_scan_study(tmp_path))
    agree(study)
    path = report(study).result
    assert path is not None
    assert "Only names and folders were looked at" in path.read_text(encoding="utf-8")
    finding = {"severity": "oddity", "kind": "speck", "scan": "", "message": "a speck here", "remedy": "erase it"}
    write_table(pd.DataFrame([finding]), study.step_folder("check") / "findings.csv")
    row = {"dataset": "Dataset 1", "annotator": "A", "sensitivity": 0.9, "specificity": 1.0, "precision": 0.8}
    write_table(pd.DataFrame([row]), study.step_folder("consensus") / "performance.csv")
    report(study)
    page = path.read_text(encoding="utf-8")
    assert "a speck here" in page
    assert "0.900 ± –" in page
    assert "Only names and folders" not in page


def test_the_page_does_not_say_where_the_study_lies(tmp_path: Path) -> None:
    """Findings and failures name files from the study's root on: the page is sent around."""
    root = two_scan_study(tmp_path / "study")
    write_scan(root, "M02_0d", {"A": three_masks()["A"], "B": np.zeros((8, 8, 9), np.uint8)})
    (root / "notes.txt").write_text("stray", encoding="utf-8")
    page = page_of(root)
    assert "notes.txt is not part of a study" in page
    assert "Dataset 1 M02_0d" in page
    assert str(tmp_path) not in page


def test_a_second_run_writes_the_same_bytes(tmp_path: Path) -> None:
    """The page depends on the study alone."""
    assert page_of(two_scan_study(tmp_path / "study")) == page_of(tmp_path / "study")


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    """It says how many pictures would be made."""
    study = read_study(two_scan_study(tmp_path))
    agree(study)
    result = report(study, how=RunSettings(dry_run=True))
    assert (result.result, result.numbers) == (None, {"pictures": 1})
    assert not study.step_folder("report").exists()


def test_the_skeleton_of_the_published_database_stands_beside_the_paper(skeleton: Path, tmp_path: Path) -> None:
    """452 scans: ten pictures, the printed values beside ours, and a page under 1 MB."""
    study = read_study(skeleton, out=tmp_path)
    agree(study)
    told: list[tuple[int, int]] = []
    path = report(study, progress=lambda done, of, _: told.append((done, of))).result
    assert path is not None
    page = path.read_text(encoding="utf-8")
    assert "452 scans of 223 mice in 10 datasets" in page
    assert told == [(count, 10) for count in range(1, 11)]
    assert "published 0.330 ± 0.153" in page
    assert "Human baseline" not in page
    assert len(page) < 1_000_000


def test_scans_left_out_after_agree_are_said(tmp_path: Path) -> None:
    """Tables that still hold an excluded scan are older than the study, and the page says so."""
    root = two_scan_study(tmp_path / "study")
    agree(read_study(root))
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\nDataset 1,M01,8d,,moved\n")
    page = report(read_study(root)).result
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert "The tables hold 1 scans that the study no longer has" in text
