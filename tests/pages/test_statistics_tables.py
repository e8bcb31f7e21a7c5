from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma.pages.cells import Cell, Intervals
from murinoma.pages.printed_notes import pooled_std
from murinoma.pages.report_tables import ReportTables
from murinoma.pages.statistics_tables import (
    ALONE,
    EXPECTED,
    LARGER,
    OTHER_SIZES,
    SMALLER,
    TOO_FEW,
    limits_view,
    size_sentences,
    size_verdict,
    size_view,
    surface_view,
    worst_view,
)

EMPTY = pd.DataFrame()
NAN = float("nan")


def tables_of(scans: pd.DataFrame = EMPTY, **others: Any) -> ReportTables:
    """Return tables of annotators A and B with what a test gives."""
    tumors = pd.DataFrame(columns=["volume_cm3_A", "volume_cm3_B", "volume_cm3_mean"])
    table1 = others.pop("table1", EMPTY)
    return ReportTables(scans, tumors, table1, EMPTY, EMPTY, EMPTY, EMPTY, **others)


def size_row(low: float, high: float, dataset: str = "Dataset 4", expected: float = 10.0) -> dict[str, Any]:
    """Return a row of size_trend.csv whose ratio has this interval."""
    counts = {"dataset": dataset, "n_tumors": 9, "n_mice": 7, "volume_cm3": 0.1, "dice_mean": 0.9}
    found = {"difference_cm3": 0.01, "difference_percent": 8.0, "expected_percent": expected, "ratio": 0.8}
    return {**counts, **found, "ratio_low": low, "ratio_high": high}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.7, 0.9, SMALLER), (0.9, 1.1, EXPECTED), (1.1, 1.5, LARGER), (NAN, NAN, TOO_FEW), (1.0, 1.5, EXPECTED)],
)
def test_size_explains_a_dataset_whose_interval_holds_one(low: float, high: float, verdict: str) -> None:
    """Below 1 differences are smaller than expected, above it larger; without an interval nothing is said."""
    assert size_verdict(size_row(low, high)) == verdict


def test_sizes_that_no_other_dataset_has_are_no_ground_for_a_verdict() -> None:
    """What is expected there is extrapolated, however narrow its interval is."""
    row = {**size_row(0.7, 0.9), "sizes_shared": 0.4}
    assert size_verdict(row) == OTHER_SIZES
    (sentence,) = size_sentences(tables_of(size_trend=pd.DataFrame([row])))
    assert sentence.endswith("10.0 % expected, but there are no tumors of such sizes in other datasets (7 mice).")
    assert size_verdict({**row, "sizes_shared": 0.6}) == SMALLER


def test_one_dataset_alone_has_nothing_to_compare_with() -> None:
    """Then there is no expectation, however many mice there are."""
    table = pd.DataFrame([size_row(NAN, NAN, expected=NAN)])
    assert size_verdict(table.to_dict("records")[0]) == ALONE
    (sentence,) = size_sentences(tables_of(size_trend=table))
    assert sentence == "Dataset 4: differences of 8.0 %; there is no other dataset to compare with (7 mice)."


def test_a_sentence_says_what_was_found_expected_and_from_how_many_mice() -> None:
    """The verdict follows from the numbers beside it."""
    (sentence,) = size_sentences(tables_of(size_trend=pd.DataFrame([size_row(0.7, 0.9)])))
    assert sentence == (
        "Dataset 4: differences of 8.0 %, 10.0 % expected; smaller than expected from tumor size "
        "(ratio 0.80, 0.70 to 0.90; 7 mice)."
    )


def test_the_papers_explanation_is_held_against_the_data() -> None:
    """Datasets 4 and 6 are as size explains, 9 is smaller; another study says nothing of the paper."""
    rows = [size_row(0.9, 1.1), size_row(0.9, 1.1, "Dataset 6"), size_row(0.7, 0.9, "Dataset 9")]
    trend = pd.DataFrame(rows)
    published = size_view(tables_of(size_trend=trend, table1=pd.DataFrame({"published_year": [2016]})))
    assert published is not None
    assert published.notes[1:] == [
        "The paper puts the smaller scatter of volume differences in Dataset 4, Dataset 6 and Dataset 9 down to better "
        "images.",
        "In Dataset 4 and Dataset 6 the size of the tumors explains it.",
        "In Dataset 9 the differences are smaller than size explains, which fits better images.",
    ]
    other = size_view(tables_of(size_trend=trend))
    assert other is not None
    assert len(other.notes) == 1


def test_surfaces_are_shown_where_all_pairs_have_them() -> None:
    """Mean ± deviation over scans with both measures, from two mice."""
    scans = pd.DataFrame({"dataset": "Dataset 1", "mouse": ["M01", "M02"], "surface_dice_A_B": [0.8, 0.9]})
    assert surface_view(tables_of(scans)) is None
    view = surface_view(tables_of(scans.assign(hd95_mm_A_B=[0.5, 0.7])))
    assert view is not None
    assert [cell.text for cell in view.rows[0].cells] == ["0.850 ± 0.071", "0.60 ± 0.14", "2", "2"]


def test_limits_have_their_intervals_and_the_last_row_the_agreement_of_all() -> None:
    """A ratio of 1.05 from 0.98 to 1.12; no limits for all together."""
    pair = {"a": "A", "b": "B", "ratio": 1.05, "ratio_low": 0.98, "ratio_high": 1.12, "n_tumors": 9, "n_mice": 7}
    table = pd.DataFrame([pair, {"a": "all", "b": None, "icc": 0.97, "icc_low": 0.9, "icc_high": 0.99}])
    view = limits_view(tables_of(volume_agreement=table))
    assert view is not None
    assert [row.name for row in view.rows] == ["A vs. B", "All"]
    assert view.rows[0].cells[0] == Cell("1.050", interval="0.980 to 1.120")
    assert view.rows[1].cells[3] == Cell("0.970", interval="0.900 to 0.990")
    assert view.rows[1].cells[0].text == "–"
    assert limits_view(tables_of()) is None


def test_the_worst_scans_are_listed_with_what_is_left_out() -> None:
    """The lowest of two; the one without a Dice is counted, and where the rest stands is said."""
    key = {"dataset": "Dataset 1", "time": "0d", "fleiss_kappa": 0.5, "n_annotators": 2}
    dice = {"M01": 0.9, "M02": 0.7, "M03": np.nan}
    scans = pd.DataFrame([{**key, "mouse": mouse, "dice_A_B": d, "dice_mean": d} for mouse, d in dice.items()])
    view = worst_view(tables_of(scans), 1)
    assert [row.name for row in view.rows] == ["Dataset 1 M02_0d"]
    assert [cell.text for cell in view.rows[0].cells] == ["0.700", "0.700 (A vs. B)", "0.500", "2"]
    assert view.notes == [
        "1 more stand in scans.csv.",
        "Scans in which no Dice is defined, because masks are empty: 1.",
    ]


def test_an_interval_stands_where_there_is_one_and_its_absence_is_said() -> None:
    """Four mice have none; an unknown measure has none and says nothing."""
    few = {"dataset": "Dataset 1", "measure": "dice_A_B", "low": NAN, "high": NAN, "n_mice": 4, "method": "none"}
    many = {"dataset": "all", "measure": "dice_A_B", "low": 0.8, "high": 0.9, "n_mice": 9, "method": "t over mice"}
    intervals = Intervals(pd.DataFrame([few, many]))
    assert intervals.beside(Cell("0.850"), "all", "dice_A_B", 2).interval == "0.80 to 0.90"
    assert intervals.beside(Cell("0.850"), "Dataset 1", "dice_A_B", 2) == Cell("0.850")
    assert intervals.beside(Cell("0.850"), "all", "unknown", 2) == Cell("0.850")
    assert list(intervals.notes(["all", "Dataset 1"], ["dice_A_B"])) == [
        "Second line: 95 % interval of the mean over mice (t over mice).",
        "No interval of Dataset 1: 4 mice, fewer than five.",
    ]
    assert list(Intervals().notes(["all"], ["dice_A_B"])) == []


def test_the_printed_deviation_of_b_and_c_does_not_follow_from_table_4() -> None:
    """Over all scans Table 4 gives 0.049, Table 3 prints 0.046."""
    assert round(pooled_std(), 3) == 0.049
