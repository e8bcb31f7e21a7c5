import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError
from murinoma.files.sidecar import Sidecar, write_sidecar
from murinoma.files.tables import replace_sources, write_table
from murinoma.files.versioned import write_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_content
from murinoma.models.folder import FORMAT
from murinoma.models.provenance import card_path
from murinoma.numerics.conformal import SizeClass, VolumeCalibration
from murinoma.numerics.expected_dice import DiceCalibration
from murinoma.pages.sections import Section
from murinoma.settings import ReportSettings
from murinoma.steps.agree import agree
from murinoma.steps.evaluate import evaluate
from murinoma.steps.growth import growth
from murinoma.steps.report import _with_room, report
from murinoma.steps.report.growth_part import growth_part
from murinoma.steps.report.judged import read_judged
from murinoma.steps.report.predictions import read_predictions, read_queue
from murinoma.study import Study, axes_meaning, read_study
from murinoma.study.evaluation_paths import calibration_path, evaluation_folder, predictions_folder, review_path
from tests.builders import box, three_masks, write_scan

KEY = ["dataset", "mouse", "time", "hours"]
WEIGHTS = ("ab" * 32, "cd" * 32)


@pytest.fixture(autouse=True)
def _no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts of agreement and of sources out: other tests look at them, and they take their time."""
    monkeypatch.setattr("murinoma.steps.report.report_charts", lambda tables: {})
    monkeypatch.setattr("murinoma.pages.evaluation_section.source_charts", lambda source, slug: [])


def judged_study(root: Path) -> Study:
    """Write a study of two scans with annotators A, B and C, and the evaluation of C."""
    for scan in ("M01_0d", "M02_0d"):
        write_scan(root, scan, three_masks(), np.full((8, 8, 8), 40, np.int16))
    study = read_study(root)
    evaluate(study, "C")
    return study


def predicted(study: Study, name: str = "net", *, card: bool = True) -> None:
    """Write what a model would: masks, its card, the tables of scans and volumes."""
    folder = predictions_folder(study, name)
    rows = []
    for scan in study.scans:
        mask = study.prediction_path(scan, name)
        mask.parent.mkdir(parents=True)
        mask.write_bytes(scan.annotations["A"].read_bytes())
        rows.append([scan.dataset, scan.mouse, scan.time.label, scan.time.hours, name, 1, 27.0, np.nan, np.nan])
    ends = ["source", "tumor", "volume_mm3", "volume_low_mm3", "volume_high_mm3"]
    replace_sources(pd.DataFrame(rows, columns=[*KEY, *ends]), study.volumes_path(), [name])
    said = pd.DataFrame([row[:4] for row in rows], columns=KEY)
    write_table(said.assign(expected_dice=0.8, heads_disagreement=0.1), folder / "scans.csv")
    if card:
        content = {
            "format": FORMAT,
            "name": name,
            "training_cts": [],
            "limits": "no real mouse",
            "tried_on": "phantoms",
        }
        networks = {role: {"sha256": sha} for role, sha in zip(("coarse", "fine"), WEIGHTS, strict=True)}
        card_path(folder).write_text(json.dumps(content | networks), encoding="utf-8")


def calibrated(study: Study, name: str, weights: tuple[str, ...], scanner: str = "") -> None:
    """Write a calibration of a factor of e, 2.718."""
    volumes = VolumeCalibration(0.9, (SizeClass(0.0, float("inf"), 1.0, 20, 20),), 20, 20, 0, 0)
    dice = DiceCalibration(0.1, 0.9, 20, 20, 0.03, 0.06)
    calibration = Calibration(name, weights, study.title, "mouse", (scanner,), ("A", "B"), volumes, dice)
    write_versioned(calibration_content(calibration), calibration_path(study, name), kind=CALIBRATION)


def grown(study: Study) -> None:
    """Write volumes of two mice on two days, and what growth makes of them."""
    rows = [
        ["Dataset 1", mouse, time, hours, "staple", "", volume]
        for mouse in ("M01", "M02")
        for time, hours, volume in (("0d", 0.0, 100.0), ("4d", 96.0, 200.0))
    ]
    table = pd.DataFrame(rows, columns=[*KEY, "source", "tumor", "volume_mm3"])
    replace_sources(table.assign(volume_low_mm3=np.nan, volume_high_mm3=np.nan), study.volumes_path(), ["staple"])
    growth(study)


def page_of(study: Study) -> str:
    """Return the report of a study after `agree`."""
    agree(study)
    path = report(study).result
    assert path is not None
    return path.read_text(encoding="utf-8")


def test_a_study_that_nobody_judged_has_no_such_section(tmp_path: Path) -> None:
    """Neither evaluation, predictions, queue nor growth, and no link to them."""
    write_scan(tmp_path, "M01_0d", three_masks())
    page = page_of(read_study(tmp_path))
    for anchor in ("evaluation", "probabilities", "predictions", "review", "growth"):
        assert f"#{anchor}" not in page
    assert "<strong>Evaluation.</strong>" not in page


def test_the_evaluation_is_in_the_report_with_its_numbers_beside(tmp_path: Path) -> None:
    """The section, its link, the answer at a glance, and the chart of the verdict as SVG and CSV, again the same."""
    study = judged_study(tmp_path)
    page = page_of(study)
    assert '<a href="#evaluation">Evaluation</a>' in page
    assert 'id="evaluation"' in page
    assert "C may or may not be within human variability" in page
    figures = study.step_folder("report") / "figures"
    assert {"evaluation-verdict.svg", "evaluation-verdict.csv"} <= {path.name for path in figures.iterdir()}
    assert 'download="evaluation-verdict.csv"' in page
    assert '<th scope="row">evaluate C</th><td>found_dice</td>' in page
    assert "<strong>Evaluation.</strong>" in page
    assert page_of(study) == page


def test_worst_cases_share_the_pictures_of_the_report(tmp_path: Path) -> None:
    """Of three pictures in all a first source has two and a second one; each names who judged."""
    study = judged_study(tmp_path)
    evaluate(study, "A")
    judged, failed = read_judged(study, {}, ReportSettings(worst=3))
    assert [(source.name, len(source.worst)) for source in judged.sources] == [("A", 2), ("C", 1)]
    assert failed == []
    assert list(judged.sources[0].worst[0].view.scan.outlines) == ["B", "C", "A"]


def test_a_sidecar_tells_left_from_right_in_a_worst_case(tmp_path: Path) -> None:
    """The mask of the source is turned as the CT is: nothing is missed where it equals the majority."""
    shape = (12, 10, 8)
    mask = box(shape, (2, 8), (2, 8), (2, 4))
    folder = write_scan(tmp_path, "M01_0d", dict.fromkeys("ABC", mask), np.full(shape, 40, np.int16))
    write_sidecar(Sidecar(axes=axes_meaning("rump to nose, left to right, belly to back")), folder / "CT_M01_0d.json")
    study = read_study(tmp_path)
    evaluate(study, "C")
    page = page_of(study)
    assert "Missed: 0.0 mm³. Added: 0.0 mm³. Slice 3 of 8" in page
    assert "L and R are the animal’s own left and right." in page


def test_a_scan_that_cannot_be_read_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    """The mask was damaged after evaluate ran."""
    study = judged_study(tmp_path)
    study.scans[0].annotations["C"].write_bytes(b"no image")
    judged, failed = read_judged(study, {}, ReportSettings())
    assert [case.scan for case in judged.sources[0].worst] == ["M02_0d"]
    assert [failure.scan for failure in failed] == ["Dataset 1 M01_0d"]
    assert "C cannot be shown on it" in failed[0].message


def test_a_damaged_or_newer_verdict_is_named(tmp_path: Path) -> None:
    """One sentence with the file and what to do."""
    study = judged_study(tmp_path)
    path = evaluation_folder(study, "C") / "verdict.json"
    path.write_text('{"format": "murinoma.verdict/2"}', encoding="utf-8")
    with pytest.raises(FileError, match="update murinoma"):
        read_judged(study, {}, ReportSettings())
    path.write_text('{"format": "murinoma.verdict/1"}', encoding="utf-8")
    with pytest.raises(FileError, match=r"verdict\.json.*run 'murinoma evaluate' again"):
        read_judged(study, {}, ReportSettings())


def test_a_calibration_counts_for_the_weights_that_were_evaluated(tmp_path: Path) -> None:
    """An annotator has none; a calibration of other weights is none of this source."""
    study = judged_study(tmp_path)
    calibrated(study, "C", ())
    (source,) = read_judged(study, {}, ReportSettings())[0].sources
    assert source.calibrated is not None
    assert source.calibrated.classes["factor"].to_list() == pytest.approx([2.718], abs=1e-3)
    calibrated(study, "C", WEIGHTS)
    (source,) = read_judged(study, {}, ReportSettings())[0].sources
    assert source.calibrated is None


def test_predictions_come_with_the_card_and_why_they_have_no_interval(tmp_path: Path) -> None:
    """Before a calibration, with one of another scanner, and with one that counts."""
    study = judged_study(tmp_path)
    predicted(study)
    (model,) = read_predictions(study)
    assert dict(model.facts)["Trained on"] == "simulated mice alone, no real scan"
    assert dict(model.facts)["Limits"] == "no real mouse"
    assert (model.scans, list(model.volumes["expected_dice"])) == (2, [0.8, 0.8])
    assert list(model.uncalibrated.values()) == [2]
    calibrated(study, "net", WEIGHTS, "another scanner")
    (reason,) = read_predictions(study)[0].uncalibrated
    assert "has seen no scan of an unknown scanner" in reason
    calibrated(study, "net", WEIGHTS)
    assert read_predictions(study)[0].uncalibrated == {}


def test_masks_without_a_card_are_no_model(tmp_path: Path) -> None:
    """Without a record as well: somebody's masks, or a phantom's truth. A record alone makes a model without facts."""
    study = judged_study(tmp_path)
    predicted(study, card=False)
    assert read_predictions(study) == []
    (predictions_folder(study, "net") / "record.json").write_text("{}", encoding="utf-8")
    assert [list(model.facts) for model in read_predictions(study)] == [[]]


def test_a_model_is_judged_with_its_expected_dice(tmp_path: Path) -> None:
    """Scans that have both stand beside one another; its worst cases show its own masks."""
    study = judged_study(tmp_path)
    predicted(study)
    evaluate(study, "net")
    model, annotator = read_judged(study, {}, ReportSettings())[0].sources
    assert (model.name, annotator.name) == ("net", "C")  # models first
    assert list(model.expected["expected_dice"]) == [0.8, 0.8]
    assert [len(case.view.scan.outlines) for case in model.worst] == [4, 4]


def test_the_queue_shows_no_place_on_this_machine(tmp_path: Path) -> None:
    """Paths are as seen from the study."""
    study = judged_study(tmp_path)
    command = f"murinoma annotate {study.scans[0].ct} --annotator YOU"
    rows = [[1, "Dataset 1", "M01", "0d", "far apart", command]]
    path = review_path(study)
    assert read_queue(study) is None
    write_table(pd.DataFrame(rows, columns=["rank", *KEY[:3], "reasons", "command"]), path)
    queue = read_queue(study)
    assert queue is not None
    assert str(tmp_path) not in queue["command"][0]
    assert "murinoma annotate Dataset 1" in queue["command"][0].replace("'", "")


def test_scores_of_probabilities_are_shown_without_a_verdict(tmp_path: Path) -> None:
    """A folder of evaluation may hold them alone."""
    study = judged_study(tmp_path)
    folder = evaluation_folder(study, "soft")
    scans = pd.DataFrame([["Dataset 1", "M01", "0d", 0.0, 0.01, 0.1]], columns=[*KEY, "brier", "calibration_error"])
    bins = pd.DataFrame([[0.0, 1.0, 8, 0.5, 0.5]], columns=["low", "high", "n_voxels", "probability", "share"])
    write_table(scans, folder / "probabilities.csv")
    write_table(bins, folder / "reliability.csv")
    judged, _ = read_judged(study, {}, ReportSettings())
    assert [(one.name, one.scored) for one in judged.doubts] == [("soft", "probabilities")]
    assert [source.name for source in judged.sources] == ["C"]


def test_growth_is_in_the_report_with_a_way_to_its_own_page(tmp_path: Path) -> None:
    """Its section, its numbers beside, and a link as seen from the page; before growth ran there is none."""
    study = judged_study(tmp_path)
    agree(study)
    assert growth_part(study) is None
    grown(study)
    page = page_of(study)
    assert '<a href="#growth">Growth</a>' in page
    assert 'href="../growth/index.html"' in page
    figures = {path.stem for path in (study.step_folder("report") / "figures").glob("growth-*")}
    assert len(figures) == 1


def test_sections_take_their_room_from_the_sheets_of_split() -> None:
    """Of 1,000 bytes a section of 400 leaves 700, because a sheet grows by a third in the page; never under 0."""
    section = Section("a", "A", "x" * 400)
    assert _with_room(ReportSettings(sheet_bytes=1000), [section]).sheet_bytes == 700
    assert _with_room(ReportSettings(sheet_bytes=100), [section]).sheet_bytes == 0
    assert _with_room(ReportSettings(), []) == ReportSettings()
