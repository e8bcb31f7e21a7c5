import re
from html import unescape
from typing import Any

import pandas as pd
import pytest

from murinoma.pages.evaluation_charts import Drawn
from murinoma.pages.evaluation_content import ModelPredictions, SourceEvaluation
from murinoma.pages.evaluation_section import (
    Judged,
    evaluation_section,
    judged_sections,
    predictions_section,
    review_section,
)
from murinoma.pages.report_charts import Chart
from tests.pages.evaluation_cases import KEY, calibrated, evaluated, evaluation_tables, scan_table, worst_case

MODULE = "murinoma.pages.evaluation_section"
CLAIM = re.compile(r"better than (human|people|annotators|an annotator)|superhuman|outperform", re.IGNORECASE)
VOLUME = {"dataset": "Dataset 1", "mouse": "M01", "time": "0d", "tumor": 1, "volume_mm3": 500.0}
EMPTY = {"volume_low_mm3": float("nan"), "volume_high_mm3": float("nan"), "expected_dice": float("nan")}


def drawn(name: str) -> Drawn:
    """Return a chart without a picture."""
    return Drawn(Chart(name, f"{name}.", "", '<svg viewBox="0 0 1 1"></svg>'), pd.DataFrame({"x": [1]}))


@pytest.fixture(autouse=True)
def _no_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the charts out: tests/pages/test_evaluation_charts.py looks at them, and they take their time."""
    monkeypatch.setattr(f"{MODULE}.verdict_chart", lambda sources: drawn("evaluation-verdict"))
    monkeypatch.setattr(f"{MODULE}.source_charts", _charts)


def _charts(source: SourceEvaluation, slug: str) -> list[Drawn]:
    kinds = ["dice", "limits", *(["expected"] if len(source.expected) else [])]
    return [drawn(f"evaluation-{slug}-{kind}") for kind in kinds]


def words(html: str) -> str:
    """Return the text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", " ", html, flags=re.DOTALL))).split())


def shown(*sources: SourceEvaluation) -> str:
    """Return the text of the section."""
    return words(evaluation_section(sources or (evaluated(),)).html)


def test_the_verdict_comes_first() -> None:
    """Before any table the outcome and the sentence; at the top of the page a short form of it."""
    text = shown()
    assert text.startswith("Evaluation net: not within human variability. net is not within human variability, on 12")
    assert evaluation_section([evaluated()]).answer == "net is not within human variability (judged on 2 mice)."


@pytest.mark.parametrize("outcome", ["within human variability", "cannot tell", "no human baseline"])
def test_no_outcome_is_called_better_than_people(outcome: str) -> None:
    """Whatever the verdict."""
    section = evaluation_section([evaluated(outcome=outcome, worst=[worst_case()])])
    assert not CLAIM.search(words(section.html) + section.answer)


def test_minus_signs_are_true_ones() -> None:
    """A hyphen inside a name stays."""
    assert "net-1 is −0.02 (95\xa0% −0.1 to 0.1)." in unescape(
        evaluation_section([evaluated(name="net-1", sentence="net-1 is -0.02 (95 % -0.1 to 0.1)")]).html
    )


def test_several_sources_are_compared_and_each_has_its_part() -> None:
    """One table beside another, and ids that differ; a single source has no such table."""
    section = evaluation_section([evaluated(), evaluated(name="other")])
    assert "The sources beside one another" in section.html
    assert {'id="evaluation-net"', 'id="evaluation-other"'} <= set(re.findall(r'id="evaluation-\w+"', section.html))
    assert "The sources beside one another" not in shown()
    names = [chart.name for chart in section.charts]
    assert len(names) == len(set(names)) == 5
    assert set(section.tables) == set(names)


def test_scans_that_were_left_out_are_named_loudly() -> None:
    """How many, why, the first; and judged scans of mice that the model knows."""
    reason = "its CT is in the training of the model"
    left_out = pd.DataFrame([["Dataset 1", "M02", "4d", 96.0, reason]], columns=[*KEY, "reason"])
    text = shown(evaluated(tables=evaluation_tables() | {"left_out": left_out}))
    assert f"net: 1 scan not judged , because {reason} (first Dataset 1 M02_4d)." in text
    assert "1 judged scan shows a mouse that net has learned from on another day" in text
    assert "not judged" not in shown()


def test_unknown_training_is_said() -> None:
    """Masks without a card."""
    assert "Training unknown." in shown(evaluated(training_known=False))
    assert "Training unknown." not in shown()


def test_without_a_calibration_it_says_not_calibrated() -> None:
    """And with one the factor, what was missed, and whether coverage was measured."""
    assert "net is not calibrated : its volumes have no interval" in shown()
    text = shown(evaluated(calibrated=calibrated()))
    assert "not calibrated" not in text
    assert "Whether these intervals hold was not measured" in text


def test_expected_dice_comes_with_its_error_beside_a_constant() -> None:
    """Or it is said that there is none."""
    assert "There is no expected Dice" in shown()
    expected = scan_table()[["dataset", "mouse", "time", "dice_annotators"]].assign(expected_dice=0.8)
    known = calibrated(dice_error=0.03, constant_error=0.06)
    assert "wrong by 0.030 on average; saying the mean of all scans is wrong by 0.060" in shown(
        evaluated(expected=expected, calibrated=known)
    )


def test_worst_cases_are_shown_with_their_sides_or_that_they_are_unknown() -> None:
    """Three pictures; missed and added volumes below."""
    html = evaluation_section([evaluated(worst=[worst_case()])]).html
    assert html.count("<img ") == 3
    text = words(html)
    assert "1. Dataset 1 M02_0d: Dice 0.500 with the annotators, 0.800 among them" in text
    assert "Missed: 4.0 mm³. Added: 3.0 mm³." in text
    assert "Which side is left is not recorded" in text
    assert "No scan with a Dice could be shown" in shown()
    assert "The masks lie outside the study" in shown(evaluated(kind="masks"))


def predictions(**changes: Any) -> ModelPredictions:
    """Return one predicted tumor without an interval."""
    volumes = pd.DataFrame([VOLUME | EMPTY | {"heads_disagreement": float("nan")}])
    values: dict[str, Any] = {
        "facts": [("Limits", "no real mouse")],
        "scans": 1,
        "uncalibrated": {"no such scanner": 1},
    }
    return ModelPredictions("net", volumes=volumes, **(values | changes))


def test_predictions_say_of_which_model_and_what_for() -> None:
    """Its card, that it is for research, and why there is no interval."""
    text = words(predictions_section([predictions()]).html)
    for said in ("for research", "no real mouse", "Not calibrated in 1 scan: no such scanner", "0.500 not calibrated"):
        assert said in text
    assert "No card." in words(predictions_section([predictions(facts=[])]).html)


def test_only_what_is_there_has_a_section() -> None:
    """Nothing, an empty queue, or all of it in reading order."""
    queue = pd.DataFrame(
        [[1, "Dataset 1", "M01", "0d", "far apart", None]], columns=["rank", *KEY[:3], "reasons", "command"]
    )
    assert judged_sections(Judged()) == judged_sections(Judged(queue=queue.head(0))) == []
    found = judged_sections(Judged([evaluated()], [], [predictions()], queue))
    assert [section.anchor for section in found] == ["evaluation", "predictions", "review"]
    assert "1 of 1 scan has a reason" in words(review_section(queue).html)


def test_names_are_text_and_never_tags() -> None:
    """A source called like a tag is written as text."""
    html = evaluation_section([evaluated(name="<b>x</b>", worst=[worst_case()])]).html
    assert "<b>x</b>" not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
