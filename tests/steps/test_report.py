import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError, StudyError
from murinoma.files.parameters import Parameters
from murinoma.files.records import Record, write_record
from murinoma.files.sidecar import Sidecar, write_sidecar
from murinoma.files.tables import write_table
from murinoma.pages.upright import turned
from murinoma.settings import ReportSettings, RunSettings
from murinoma.steps.agree import agree
from murinoma.steps.report import report
from murinoma.study import axes_meaning, read_study
from tests.builders import box, three_masks, two_scan_study, write_scan

SHAPE = (12, 10, 8)


@pytest.fixture(autouse=True)
def _no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts out: tests/steps/test_report_parts.py looks at them, and each takes a fifth of a second."""
    monkeypatch.setattr("murinoma.steps.report.report_charts", lambda tables: {})


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
    assert (result.step, result.scans, result.failed, result.numbers) == ("report", 2, (), {"pictures": 3})
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
    assert page.count("<img ") == 3 * (1 + 2)  # the typical scan, and both as the worst
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
    axes = axes_meaning("back to belly, right to left, rump to nose")
    write_sidecar(Sidecar(axes=axes), folder / "CT_M01_0d.json")
    assert "the animal’s own left and right" in page_of(tmp_path)


def test_study_toml_wins_over_the_sidecar_and_turns_the_picture(tmp_path: Path) -> None:
    """A tumor 4 voxels from the low end of x is in the fifth slice from the rump if x runs from rump to nose.

    The sidecar says that z does; with nose to rump the slice is counted from the other end.
    """
    mask = box(SHAPE, (2, 8), (2, 8), (4, 5))
    folder = write_scan(tmp_path, "M01_0d", {"A": mask, "B": mask}, np.full(SHAPE, 40, np.int16))
    stored = axes_meaning("back to belly, right to left, rump to nose")
    write_sidecar(Sidecar(axes=stored), folder / "CT_M01_0d.json")
    assert "Slice 5 of 12, counted from the rump" in page_of(tmp_path)
    (tmp_path / "study.toml").write_text('axes = "rump to nose, left to right, belly to back"\n')
    assert "Slice 5 of 8, counted from the rump" in page_of(tmp_path)
    (tmp_path / "study.toml").write_text('axes = "nose to rump, left to right, belly to back"\n')
    page = page_of(tmp_path)
    assert "Slice 4 of 8, counted from the rump" in page
    assert "the animal’s own left and right" in page


def test_a_turned_array_runs_from_rump_to_nose_between_the_sides_and_from_back_to_belly() -> None:
    """Of 2 x 3 x 4 voxels (z left-right, y belly to back, x nose to rump) x comes first, and both others follow."""
    voxels = np.arange(24).reshape(2, 3, 4)
    upright = turned(voxels, {"x": "nose to rump", "y": "belly to back", "z": "left to right"})
    assert upright.shape == (4, 2, 3)
    assert upright[0, 1, 0] == voxels[1, 2, 3]
    assert upright[3, 0, 2] == voxels[0, 0, 0]
    assert (turned(voxels, {}) == voxels).all()


@pytest.mark.parametrize(
    "content",
    [
        "not json",
        '{"parameters": {}}',
        '{"format": "murinoma.ct/2"}',
        '{"format": "murinoma.ct/1", "axes": {"y": "right to left"}}',
        '{"format": "murinoma.ct/1", "axes": "sideways"}',
        '{"format": "murinoma.ct/1", "axes": {"x": "up", "y": "down", "z": "left"}}',
    ],
)
def test_a_damaged_sidecar_is_named_and_the_page_is_written(tmp_path: Path, content: str) -> None:
    """One failure for the scan; its picture is shown without left and right."""
    mask = box(SHAPE, (2, 8), (2, 8), (2, 6))
    folder = write_scan(tmp_path, "M01_0d", {"A": mask, "B": mask}, np.full(SHAPE, 40, np.int16))
    (folder / "CT_M01_0d.json").write_text(content, encoding="utf-8")
    study = read_study(tmp_path)
    agree(study)
    result = report(study)
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_0d"]
    assert result.numbers == {"pictures": 2}


def test_table_2_is_written_from_sidecars_headers_and_study_toml(tmp_path: Path) -> None:
    """70 and 80 kVp beside the CTs, 350 ms by people, 1 mm in the header, M02 without day 8 though it was planned."""
    for mouse, day, kvp in (("M01", "0d", 70), ("M01", "8d", 80), ("M02", "0d", 70)):
        folder = write_scan(tmp_path, f"{mouse}_{day}", three_masks(), np.full((8, 8, 8), 40, np.int16))
        write_sidecar(Sidecar(Parameters(kvp=kvp, ms=300, scanner="Inveon")), folder / f"CT_{mouse}_{day}.json")
    (tmp_path / "study.toml").write_text('[datasets.1]\nms = 350\nbed = "flat"\n')
    page = page_of(tmp_path)
    table = pd.read_csv(tmp_path / "derivatives" / "report" / "table2.csv", dtype=str).to_dict("records")[0]
    assert {key: table[key] for key in ("voltage_kVp", "exposure_ms", "voxel_mm", "scanner", "bed", "missing")} == {
        "voltage_kVp": "70; 80",
        "exposure_ms": "350",
        "voxel_mm": "1.000",
        "scanner": "Inveon",
        "bed": "flat",
        "missing": "M02: 8d",
    }
    assert page.index("Table 1. ") < page.index("Table 2. ") < page.index("Table 3. ")


def test_scans_that_were_made_are_not_missing(tmp_path: Path) -> None:
    """M02's day 8 was left out, M03's has files that name another scan: neither is missing; M04's is."""
    root = two_scan_study(tmp_path)
    for scan in ("M02_0d", "M02_8d", "M03_0d", "M03_8d", "M04_0d"):
        write_scan(root, scan, three_masks())
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\n1,M02,8d,,moved\n", encoding="utf-8")
    folder = root / "Dataset 1" / "M03_8d" / "M03_8d"
    (folder / "Annotator_A_M03_8d.nii.gz").rename(folder / "Annotator_A_M09_8d.nii.gz")
    page_of(root)
    (row,) = pd.read_csv(root / "derivatives" / "report" / "table2.csv", dtype=str).to_dict("records")
    assert (row["time_points"], row["missing"]) == ("0d; 8d", "M04: 8d")


def split_record(root: Path, splits: dict[str, list[str]], size: int = 100) -> None:
    """Write what split leaves: a record of acquisitions (title -> doubts) of M01 and M02, and a sheet for each."""
    entries = {}
    for title, doubts in splits.items():
        word, number, time, source = title.split(" ", 3)
        path = root / "derivatives" / "split" / f"{word} {number}" / f"M01_M02_{time}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x89PNG" + bytes(size))
        said = {"dataset": f"{word} {number}", "time": time, "source": source, "doubts": doubts}
        entries[title] = {"inputs": {}, "result": {**said, "mice": {"M01": {}, "M02": {}}, "notices": []}}
    write_record(Record("split", "1", {}, entries), root / "derivatives" / "split" / "record.json")


def test_sheets_of_split_are_shown_wherever_other_results_go(tmp_path: Path) -> None:
    """The sheet and its doubts are in the page, its file is named from the study on, also with ``--out``."""
    root = two_scan_study(tmp_path / "study")
    split_record(root, {"Dataset 1 8d b c.img": [], "Dataset 1 0d a.img": ["two mice touch"]})
    study = read_study(root, out=tmp_path / "out")
    agree(study)
    result = report(study)
    assert result.result is not None
    page = result.result.read_text(encoding="utf-8")
    assert page.count('class="sheet"') == 2
    assert page.index("a.img") < page.index("b c.img")
    assert "two mice touch" in page
    assert f"Sheet: {Path('derivatives/split/Dataset 1/M01_M02_0d.png')}" in page
    assert str(tmp_path) not in page


def test_an_acquisition_is_what_its_result_says_not_its_title(tmp_path: Path) -> None:
    """Where split says dataset, time and file, the title may be anything."""
    root = two_scan_study(tmp_path)
    split_record(root, {"Dataset 1 8d a.img": []})
    record = root / "derivatives" / "split" / "record.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    (entry,) = content["scans"].values()
    entry["result"] |= {"dataset": "Dataset 1", "time": "8d", "source": "b.img"}
    content["scans"] = {"sideways": entry}
    record.write_text(json.dumps(content), encoding="utf-8")
    page = page_of(root)
    assert "From b.img. Sheet: " in page
    assert "<summary>Dataset 1 M01_M02_8d</summary>" in page


def test_of_many_sheets_some_are_shown_and_all_are_listed(tmp_path: Path) -> None:
    """Of 200 acquisitions of 300 kB, 12 are shown: one of each dataset, then those with doubts; under 10 MB."""
    root = two_scan_study(tmp_path)
    titles: dict[str, list[str]] = {
        f"Dataset {number} {day}d scan{day}.img": [] for number in range(1, 11) for day in range(20)
    }
    doubted = {f"Dataset 3 {day}d scan{day}.img": ["it is cut"] for day in (7, 9, 11)}
    split_record(root, {**titles, **doubted}, 300_000)
    page = page_of(root)
    shown = re.findall(r"<summary>(Dataset .*?)(?:</summary>| <span)", page)
    assert shown == [
        "Dataset 1 M01_M02_0d",
        "Dataset 2 M01_M02_0d",
        *(f"Dataset 3 M01_M02_{day}d" for day in (7, 9, 11)),
        *(f"Dataset {number} M01_M02_0d" for number in range(4, 11)),
    ]
    assert "188 more acquisitions" in page
    assert page.count("M01_M02_19d.png") == 10
    assert len(page) < 10_000_000


def test_large_sheets_are_listed_instead_of_shown(tmp_path: Path) -> None:
    """Two sheets of 3 MB each: one is shown; a sheet that is gone is said to be."""
    root = two_scan_study(tmp_path)
    split_record(root, {f"Dataset 1 {day}d a.img": [] for day in range(3)}, 3_000_000)
    (root / "derivatives" / "split" / "Dataset 1" / "M01_M02_2d.png").unlink()
    page = page_of(root)
    assert page.count('class="sheet"') == 1
    assert "2 more acquisitions" in page
    assert "gone; split the acquisition again" in page


@pytest.mark.parametrize("result", ["{}", "[]", '{"mice": {}, "doubts": 3}', "null"])
@pytest.mark.parametrize("title", ["Dataset 1 0d a.img", "sideways"])
def test_a_damaged_record_of_split_is_named_and_the_page_is_written(tmp_path: Path, title: str, result: str) -> None:
    """One failure; the rest of the page is there."""
    root = two_scan_study(tmp_path)
    split_record(root, {"Dataset 1 0d a.img": []})
    record = root / "derivatives" / "split" / "record.json"
    content = json.loads(record.read_text(encoding="utf-8"))
    content["scans"] = {title: {"inputs": {}, "result": json.loads(result)}}
    record.write_text(json.dumps(content), encoding="utf-8")
    study = read_study(root)
    agree(study)
    assert [failure.scan for failure in report(study).failed] == ["What split has recorded"]


def test_the_typical_scan_has_the_median_tumor(tmp_path: Path) -> None:
    """Of tumors of 12, 48 and 80 mm3 the middle one is shown; two pictures show the quartiles."""
    for mouse, stop in (("M01", 11), ("M02", 5), ("M03", 3)):
        mask = box(SHAPE, (2, stop), (2, 6), (2, 6)) if stop > 3 else box(SHAPE, (2, 3), (2, 6), (2, 5))
        write_scan(tmp_path, f"{mouse}_0d", {"A": mask, "B": mask})
    page = page_of(tmp_path)
    assert "M02_0d holds the tumor (0.048 cm³) closest to the median tumor volume" in page
    study = read_study(tmp_path)
    assert report(study, settings=ReportSettings(pictures=2, worst=0)).numbers == {"pictures": 2}


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
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M01_0d", "Dataset 1 M01_8d"]
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
    assert (result.result, result.numbers) == (None, {"pictures": 3})
    assert not study.step_folder("report").exists()


def test_the_skeleton_of_the_published_database_stands_beside_the_paper(skeleton: Path, tmp_path: Path) -> None:
    """452 scans: 16 pictures, the printed values beside ours (M14 8d is in our Table 2), and a page under 1.5 MB."""
    study = read_study(skeleton, out=tmp_path)
    agree(study)
    told: list[tuple[int, int]] = []
    path = report(study, progress=lambda done, of, _: told.append((done, of))).result
    assert path is not None
    page = path.read_text(encoding="utf-8")
    assert "452 scans of 223 mice in 10 datasets" in page
    assert told == [(count, 16) for count in range(1, 17)]
    assert "published 0.330 ± 0.153" in page
    assert "M13: 8d; M14: 8d; M23: 8d" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "Human baseline" not in page
    assert "Dataset 5: the published consensus masks have a mean of 0.983 cm³, the paper prints 0.932" in page
    assert len(page) < 1_500_000


def test_scans_left_out_after_agree_are_said(tmp_path: Path) -> None:
    """Tables that still hold an excluded scan are older than the study, and the page says so."""
    root = two_scan_study(tmp_path / "study")
    agree(read_study(root))
    (root / "exclude.csv").write_text("dataset,mouse,time,tumor,reason\nDataset 1,M01,8d,,moved\n")
    page = report(read_study(root)).result
    assert page is not None
    text = page.read_text(encoding="utf-8")
    assert "The tables hold 1 scans that the study no longer has" in text
