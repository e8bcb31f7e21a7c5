import re
from base64 import b64decode
from html import unescape
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError
from murinoma.files.sidecar import Sidecar, write_sidecar
from murinoma.files.tables import read_table, write_table
from murinoma.settings import ReportSettings
from murinoma.steps.agree import agree
from murinoma.steps.report import report
from murinoma.steps.report.facts import made_with, study_flow, study_tree
from murinoma.steps.report.places import read_sidecars
from murinoma.steps.report.tables import read_tables
from murinoma.study import Study, read_study
from tests.builders import box, three_masks, two_scan_study, write_scan

EXCLUDE = "dataset,mouse,time,tumor,reason\n"
SHAPE = (12, 10, 8)


def compared(root: Path) -> Study:
    """Return a study after `agree`."""
    study = read_study(root)
    agree(study)
    return study


@pytest.fixture
def no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts out where a test does not look at them: they take their time."""
    monkeypatch.setattr("murinoma.steps.report.report_charts", lambda tables: {})


def page_of(study: Study, **settings: Any) -> str:
    """Return the page of a compared study."""
    path = report(study, settings=ReportSettings(**settings)).result
    assert path is not None
    return path.read_text(encoding="utf-8")


def shown_table(page: str, start: str) -> list[list[str]]:
    """Return the rows of the table whose caption starts so, each cell as its first line."""
    (table,) = [t for t in re.findall(r"<table.*?</table>", page, re.DOTALL) if f"<caption><span>{start}" in t]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(cell.split("<span")[0].strip()) for cell in row] for row in cells]


def odd_study(root: Path) -> Path:
    """Write a study of nine scans of which five leave: one of each kind, and two left out by people."""
    two_scan_study(root)
    for scan in ("M02_0d", "M05_0d", "M06_0d"):
        write_scan(root, scan, three_masks())
    write_scan(root, "M03_0d", {"A": three_masks()["A"]})
    write_scan(root, "M04_0d", {}, np.full((8, 8, 8), 40, np.int16))
    write_scan(root, "M07_0d", {"A": three_masks()["A"], "B": np.zeros((8, 8, 9), np.uint8)})
    write_scan(root, "M08_0d", three_masks())
    wrong = root / "Dataset 1" / "M08_0d" / "M08_0d" / "Annotator_A_M08_0d.nii.gz"
    wrong.rename(wrong.with_name("Annotator_A_M09_0d.nii.gz"))
    rows = "1,M05,0d,,moved\n1,M06,0d,,moved\n1,M06,0d,,moved again\n1,M77,0d,,no such scan\n1,M02,0d,1,necrosis\n"
    (root / "exclude.csv").write_text(EXCLUDE + rows, encoding="utf-8")
    return root


def test_every_scan_of_the_folders_is_counted_once(tmp_path: Path) -> None:
    """Nine folders: three measured, and one of each kind that leaves; a row about no scan and a second one count not.

    Of the tumors the one that people left out stands before the others.
    """
    study = compared(odd_study(tmp_path))
    flow = study_flow(study, read_tables(study, {}), [])
    assert flow.found == len(list((tmp_path / "Dataset 1").glob("*/*"))) == 9
    assert (flow.measured, flow.without_annotation, flow.one_annotator, flow.unmeasured) == (3, 1, 1, 1)
    assert (flow.contradictory, flow.left_out) == (1, {"moved": 2})
    assert (flow.tumors, flow.missed, flow.tumors_left_out) == (2, 0, {"necrosis": 1})


@pytest.mark.usefixtures("no_charts")
def test_each_stage_of_the_flow_is_the_one_before_without_its_exits(tmp_path: Path) -> None:
    """Scans: 9, 6, 3; tumors: 3, 2, 2; and the page says them."""
    study = compared(odd_study(tmp_path))
    flow = study_flow(study, read_tables(study, {}), [])
    for stages, counts in ((flow.scan_stages, [9, 6, 3]), (flow.tumor_stages, [3, 2, 2])):
        assert [stage.count for stage in stages] == counts
        for before, after in pairwise(stages):
            assert before.count - sum(leaving.count for leaving in before.exits) == after.count
    page = page_of(study, worst=0)
    assert "<strong>9</strong> scans found" in page
    assert "<strong>2</strong> left out by people: moved (2)" in page


def test_a_tumor_that_somebody_missed_leaves_before_those_that_everyone_marked(tmp_path: Path) -> None:
    """B marks one of A's two tumors: two are measured, one is marked by both."""
    first, second = box(SHAPE, (1, 4), (1, 4), (1, 4)), box(SHAPE, (7, 11), (6, 9), (4, 8))
    write_scan(tmp_path, "M01_0d", {"A": first + second, "B": first})
    study = compared(tmp_path)
    flow = study_flow(study, read_tables(study, {}), [])
    assert (flow.tumors, flow.missed, flow.marked_by_all) == (2, 1, 1)


def test_the_tree_shows_one_scan_in_full_and_counts_the_others(tmp_path: Path) -> None:
    """Of three scans in two groups and two datasets the one with most files is shown, its sidecar too."""
    write_scan(tmp_path, "M01_0d", three_masks(), group="M01_M02_0d")
    folder = write_scan(tmp_path, "M02_0d", three_masks(), np.zeros((8, 8, 8), np.int16), group="M01_M02_0d")
    write_scan(tmp_path, "M03_0d", three_masks())
    write_scan(tmp_path, "M01_0d", three_masks(), dataset="Dataset 2")
    write_sidecar(Sidecar(), folder / "CT_M02_0d.json")
    study = read_study(tmp_path)
    tree = study_tree(study, read_sidecars(study)[0])
    dataset, more_datasets, results = tree.inside
    group, more_groups = dataset.inside
    scan, more_scans = group.inside
    assert [tree.name, dataset.name, group.name, scan.name] == [
        f"{tmp_path.name}/",
        "Dataset 1/",
        "M01_M02_0d/",
        "M02_0d/",
    ]
    assert [file.name for file in scan.inside] == sorted(
        (path.name for path in folder.iterdir()), key=lambda name: (not name.startswith("CT"), "json" in name, name)
    )
    assert [more.note for more in (more_scans, more_groups, more_datasets)] == [
        "1 more folder of a scan",
        "1 more folder with 1 scan",
        "1 more folder with 1 scan",
    ]
    assert results.name == "derivatives/"


def test_a_study_that_is_one_dataset_has_a_tree_too(tmp_path: Path) -> None:
    """The folder of a single dataset is the root; results elsewhere are not in the tree."""
    write_scan(tmp_path, "M01_0d", three_masks())
    study = read_study(tmp_path / "Dataset 1", out=tmp_path / "out")
    tree = study_tree(study, {})
    assert (tree.name, [branch.name for branch in tree.inside]) == ("Dataset 1/", ["M01_0d/"])


def test_what_the_page_carries_is_what_lies_beside_it(tmp_path: Path) -> None:
    """Each link holds the bytes of its file: tables, charts, and the workbook; pictures lie beside as SVG."""
    study = compared(two_scan_study(tmp_path))
    page = page_of(study)
    links = dict(re.findall(r'<a href="data:[^,"]*,([^"]*)" download="([^"]*)"', page))
    carried = {name: b64decode(content) for content, name in links.items()}
    folder, agreement = study.step_folder("report"), study.step_folder("agreement")
    for name in ("scans", "tumors", "table1", "table3", "table4"):
        assert carried[f"{name}.csv"] == (agreement / f"{name}.csv").read_bytes()
    assert carried["table2.csv"] == (folder / "table2.csv").read_bytes()
    assert carried["tables.xlsx"] == (folder / "tables.xlsx").read_bytes()
    assert carried["figure-2a-dice.svg"] == (folder / "figures" / "figure-2a-dice.svg").read_bytes()
    names = {path.name for path in (folder / "figures").iterdir()}
    assert {name for name in carried if name.endswith("svg")} <= names
    assert "figure-1-dataset-1-m01_0d.svg" in names


def test_what_is_too_large_for_the_page_is_named(tmp_path: Path) -> None:
    """Without room the links become the places of the files."""
    page = page_of(compared(two_scan_study(tmp_path)), carried_bytes=0, worst=0)
    assert "download=" not in page
    assert "<code>figures/figure-2a-dice.svg</code>" in page


def test_the_charts_are_in_the_page_with_words_for_those_who_do_not_see_them(tmp_path: Path) -> None:
    """Figure 2 in three parts, each an image with a title and a description; ids are used once."""
    page = page_of(compared(two_scan_study(tmp_path)), worst=0)
    for name in ("figure-2a-dice", "figure-2b-volume-difference", "figure-2c-rmse", "agreement-and-size"):
        assert f'aria-labelledby="{name}-title {name}-words"' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


@pytest.mark.usefixtures("no_charts")
def test_numbers_of_the_page_are_those_of_the_tables(tmp_path: Path) -> None:
    """Every mean and deviation of Tables 1, 3 and 4 in the page is the number of the CSV, to the printed digits."""
    rng = np.random.default_rng(4)
    for dataset in ("Dataset 1", "Dataset 2"):
        for mouse in range(3):
            masks = {name: box(SHAPE, (2, 8), (2, 7), (2, 5 + int(rng.integers(3)))) for name in "ABC"}
            write_scan(tmp_path, f"M0{mouse + 1}_0d", masks, dataset=dataset)
    study = compared(tmp_path)
    page = page_of(study, pictures=0, worst=0)
    table1, table4 = (pd.read_csv(study.step_folder("agreement") / f"table{number}.csv") for number in (1, 4))
    for row, shown in zip(table1.itertuples(), shown_table(page, "Table 1")[1:], strict=True):
        assert shown[4:7] == [
            f"{row.volume_mean_cm3:.3f} ± {row.volume_std_cm3:.3f}",
            f"{row.volume_min_cm3:.3f}",
            f"{row.volume_max_cm3:.3f}",
        ]
    for values, shown in zip(table4.to_dict("records"), shown_table(page, "Table 4")[1:], strict=True):
        names = [*(f"dice_{a}{b}" for a, b in combinations("ABC", 2)), "fleiss_kappa"]
        assert shown[1:5] == [f"{values[f'{n}_mean']:.3f} ± {values[f'{n}_std']:.3f}" for n in names]
    table3 = pd.read_csv(study.step_folder("agreement") / "table3.csv").fillna({"unit": ""})
    kept = {(row["measure"], row["group"], row["unit"]): row for row in table3.to_dict("records")}
    for (a, b), shown in zip(combinations("ABC", 2), shown_table(page, "Table 3. ")[1:], strict=True):
        found = [kept[key] for key in (("dice", f"{a}-{b}", ""), ("volume_difference", f"{a}-{b}", "cm3"))]
        expected = [f"{one['mean']:.3f} ± {one['std']:.3f}".replace("-", "\N{MINUS SIGN}") for one in found]
        assert shown[1:3] == expected


def later_tables(study: Study) -> None:
    """Write what a newer agree writes: intervals, limits of agreement, and what size explains."""
    folder = study.step_folder("agreement")
    few: dict[str, Any] = {"n_mice": 4, "n": 4, "mean": 0.9, "low": None, "high": None, "method": "none"}
    many = few | {"n_mice": 12, "low": 0.871, "high": 0.912, "method": "t over mice"}
    measures = [*(f"dice_{a}_{b}" for a, b in combinations("ABC", 2)), "fleiss_kappa"]
    rows = [{"dataset": "all", "measure": m, **many} for m in measures]
    rows += [{"dataset": "Dataset 1", "measure": m, **few} for m in measures]
    write_table(pd.DataFrame(rows), folder / "intervals.csv")
    middles = {"ratio": 1.0, "limit_low": 0.8, "limit_high": 1.25, "icc": 0.9}
    steps = {"": 0.0, "_low": -0.05, "_high": 0.05}
    ends = {f"{name}{end}": middle + step for name, middle in middles.items() for end, step in steps.items()}
    pairs = [{"a": a, "b": b, "n_tumors": 9, "n_mice": 7, **ends} for a, b in combinations("ABC", 2)]
    whole = {"a": "all", "b": None, "n_tumors": 9, "n_mice": 7, "icc": 0.95, "icc_low": 0.9, "icc_high": 0.97}
    write_table(pd.DataFrame([*pairs, whole]), folder / "volume_agreement.csv")
    size = {"dataset": "Dataset 1", "n_tumors": 9, "n_mice": 7, "volume_cm3": 0.1, "dice_mean": 0.9,
            "difference_cm3": 0.01, "difference_percent": 8.0, "expected_percent": 10.0, "ratio": 0.8,
            "ratio_low": 0.7, "ratio_high": 0.9}  # fmt: skip
    write_table(pd.DataFrame([size]), folder / "size_trend.csv")
    curve = pd.DataFrame({"volume_cm3": [0.04, 0.08], "dice": [0.8, 0.9], "abs_percent": [12.0, 8.0]})
    write_table(curve, folder / "size_curve.csv")


def test_what_an_older_agree_did_not_write_is_said_and_what_a_newer_one_wrote_is_shown(tmp_path: Path) -> None:
    """Without the tables the sections say what to run; with them intervals, limits and size are there."""
    study = compared(two_scan_study(tmp_path))
    folder = study.step_folder("agreement")
    for name in ("intervals", "volume_agreement", "size_trend", "size_curve"):
        (folder / f"{name}.csv").unlink(missing_ok=True)
    before = page_of(study, worst=0)
    assert "Limits of agreement are not there yet: ‘murinoma agree’ writes them." in before
    later_tables(study)
    page = page_of(study, worst=0)
    assert "not there yet" not in page
    assert "95 %: 0.871 to 0.912" in page
    assert "No interval of Dataset 1: 4 mice, fewer than five." in page
    assert shown_table(page, "Limits of agreement")[4][4:] == ["0.950", "9", "7", "–"]
    assert "smaller than expected from tumor size (ratio 0.80, 0.70 to 0.90; 7 mice)" in page
    assert 'aria-labelledby="limits-of-agreement-title' in page


def test_a_later_table_without_its_columns_is_named(tmp_path: Path) -> None:
    """A damaged table stops the step with the file's name, as the others do."""
    study = compared(two_scan_study(tmp_path))
    write_table(pd.DataFrame({"x": [1]}), study.step_folder("agreement") / "size_trend.csv")
    with pytest.raises(FileError, match=r"size_trend\.csv lacks the columns dataset"):
        report(study)


def test_settings_and_versions_are_those_that_were_used(tmp_path: Path) -> None:
    """The record of agree says below what a piece is a speck; a damaged record is one failure."""
    study = compared(two_scan_study(tmp_path))
    made, failed = made_with(study)
    assert ("agree", "tumors.speck_mm3", "10.0") in made.settings
    assert {"Python", "numpy", "scipy"} <= set(made.libraries)
    assert failed == []
    (study.step_folder("agreement") / "record.json").write_text("{", encoding="utf-8")
    assert [failure.scan for failure in made_with(study)[1]] == ["The record of agree"]


@pytest.mark.usefixtures("no_charts")
def test_the_worst_scans_come_first_with_their_lowest_pair(tmp_path: Path) -> None:
    """Of three scans the two of lowest mean Dice are shown, the lowest first; all are listed."""
    for mouse, stop in (("M01", 5), ("M02", 7), ("M03", 8)):
        masks = {"A": box(SHAPE, (2, 8), (2, 6), (2, 5)), "B": box(SHAPE, (2, 8), (2, 6), (2, stop))}
        write_scan(tmp_path, f"{mouse}_0d", masks)
    page = page_of(compared(tmp_path), worst=2, pictures=0)
    assert re.findall(r"<h3>(\d\. .*?)</h3>", page) == [
        "1. Dataset 1 M03_0d: mean Dice 0.667",
        "2. Dataset 1 M02_0d: mean Dice 0.750",
    ]
    assert [row[0] for row in shown_table(page, "Scans by mean Dice")[1:]] == [
        "Dataset 1 M03_0d",
        "Dataset 1 M02_0d",
        "Dataset 1 M01_0d",
    ]


def bad_studies(root: Path, kind: str) -> Path:
    """Write a study that is odd in one way."""
    if kind == "one mouse, absent annotators":
        write_scan(root, "M01_0d", three_masks())
        write_scan(root, "M01_8d", {name: three_masks()[name] for name in "AC"})
    elif kind == "12 annotators":
        masks = {f"N{n:02}": box(SHAPE, (2, 8), (2, 7), (2, 5 + n % 3)) for n in range(12)}
        write_scan(root, "M01_0d", masks)
    elif kind == "empty masks":
        write_scan(root, "M01_0d", dict.fromkeys("AB", np.zeros(SHAPE, np.uint8)))
    elif kind == "no glyph":
        write_scan(root, "M01_0d", {"李": three_masks()["A"], "王": three_masks()["B"]})
        (root / "study.toml").write_text('title = "小鼠研究 <b>"\n', encoding="utf-8")
    else:
        write_scan(root, "M01_0d", three_masks())
    return root


@pytest.mark.parametrize(
    "kind", ["one scan", "one mouse, absent annotators", "12 annotators", "empty masks", "no glyph"]
)
def test_an_odd_study_has_a_page(tmp_path: Path, kind: str) -> None:
    """No failure and no warning; the page stays small, and what it says of scans adds up."""
    study = compared(bad_studies(tmp_path, kind))
    result = report(study, settings=ReportSettings(worst=1))
    assert result.failed == ()
    assert result.result is not None
    page = result.result.read_text(encoding="utf-8")
    assert len(page.encode("utf-8")) < 10_000_000
    scans = len(study.scans)
    assert f"<strong>{scans}</strong> {'scan' if scans == 1 else 'scans'} measured" in page
    if kind == "no glyph":
        assert "小鼠研究 &lt;b&gt;" in page
        assert "李 vs. 王" in page


def test_the_published_study_with_everything_stays_under_10_megabytes(skeleton: Path, tmp_path: Path) -> None:
    """452 scans with real charts and all tables: far under 10 MB; with the known disagreements beside the tables."""
    study = read_study(skeleton, out=tmp_path)
    agree(study)
    page = page_of(study, worst=1, pictures=1)
    assert len(page.encode("utf-8")) < 10_000_000
    assert "B vs. C, 0.046, does not follow from the printed Table 4, which gives 0.049" in page
    assert "Dataset 10: two tumors per mouse are the rule; M07 on 0d has one." in page
    with ZipFile(study.step_folder("report") / "tables.xlsx") as book:
        sheets = book.read("xl/workbook.xml").decode("utf-8")
    assert 'name="table4"' in sheets
    assert len(read_table(study.step_folder("agreement") / "scans.csv")) == 452
