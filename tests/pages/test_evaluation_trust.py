import math

import pandas as pd
import pytest

from murinoma.pages.evaluation_trust import classes_view, coverage_view, predictions_view, queue_counts, queue_view
from tests.pages.evaluation_cases import calibrated, texts


def test_a_class_with_too_few_mice_has_no_interval() -> None:
    """Its factor is a dash; missed tumors and false lesions stand beside."""
    view = classes_view("net", calibrated())
    assert texts(view) == {"0–100 mm³": ["1.50", "15", "15"], "over 100 mm³": ["–", "5", "6"]}
    assert "missed (3) and of false lesions (2)" in view.notes[0]


def test_coverage_stands_beside_what_was_promised() -> None:
    """90 % promised, 88 % held; a class may lack a figure."""
    rows = [["all", 0.9, 0.88, 0.87, 200], ["predicted 0-30 mm3", 0.9, math.nan, math.nan, 200]]
    rows.append(["predicted over 30 mm3", 0.9, 0.88, math.nan, 200])
    table = pd.DataFrame(rows, columns=["group", "nominal", "by_mouse", "by_tumor", "splits"])
    view = coverage_view("net", table)
    assert texts(view)["all"] == ["90.0\xa0%", "88.0\xa0%", "87.0\xa0%"]
    assert texts(view)["predicted 0–30 mm³"][1] == "–"
    assert list(texts(coverage_view("net", table.head(2)))) == ["all"]  # one class says what the whole says


@pytest.mark.parametrize(("low", "said"), [(800.0, "0.800 to 1.500"), (math.nan, "not calibrated")])
def test_a_predicted_volume_has_an_interval_or_says_that_it_is_not_calibrated(low: float, said: str) -> None:
    """1,000 mm3 are 1 cm3."""
    row = {"dataset": "Dataset 1", "mouse": "M01", "time": "0d", "tumor": 1, "volume_mm3": 1000.0}
    row |= {"volume_low_mm3": low, "volume_high_mm3": 1500.0, "expected_dice": math.nan, "heads_disagreement": math.nan}
    assert texts(predictions_view(pd.DataFrame([row]), "net", 5))["Dataset 1 M01_0d"] == ["1", "1.000", said, "–", "–"]


def test_the_queue_gives_reasons_and_what_opens_the_scan() -> None:
    """A scan without a reason or a CT says so; what is not shown is counted."""
    rows = [
        [1, "Dataset 1", "M01", "0d", "wide interval", "murinoma annotate ct.nii"],
        [2, "Dataset 1", "M02", "0d", None, None],
    ]
    queue = pd.DataFrame(rows, columns=["rank", "dataset", "mouse", "time", "reasons", "command"])
    assert queue_counts(queue) == (1, 2)
    assert texts(queue_view(queue, 2))["2"] == ["Dataset 1 M02_0d", "nothing odd", "no CT to open"]
    assert queue_view(queue, 1).notes[-1].startswith("1 more")
