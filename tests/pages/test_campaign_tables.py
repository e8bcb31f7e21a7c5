"""The annotators of a campaign, and the repeatability of volumes, as the report shows them."""

import pandas as pd

from murinoma.pages.campaign_tables import annotators_view, repeatability_view

NAN = float("nan")


def test_an_annotator_has_time_tissue_rule_and_agreement_with_oneself() -> None:
    """252 s are 4.2 minutes; under a minute seconds are shown; who drew nothing twice has dashes."""
    row = {"annotator": "A", "scans": 12, "seconds_median": 252.0, "removed_voxels_mean": 20.6, "corrected": 0}
    first = {**row, "repeats": 2, "repeat_dice_mean": 0.9214, "repeat_ratio": 1.05}
    second = {
        **row,
        "annotator": "B",
        "seconds_median": 41.4,
        "repeats": 0,
        "repeat_dice_mean": NAN,
        "repeat_ratio": NAN,
    }
    a, b = annotators_view(pd.DataFrame([first, second])).rows
    assert (a.name, [cell.text for cell in a.cells]) == ("A", ["4.2 min", "12", "21", "0", "2", "0.921", "1.050"])
    assert [cell.text for cell in b.cells] == ["41 s", "12", "21", "0", "0", "–", "–"]


def test_repeatability_says_what_measurement_alone_changes() -> None:
    """39 pairs with an SD of 0.104: -18 to +23 %; a single pair has neither SD nor change."""
    row = {"kind": "scans close in time, whole mouse", "source": "staple", "n_changes": 39, "n_mice": 29}
    found = {"sd_change": 0.104, "sd_within": 0.0735, "sd_within_low": 0.058, "sd_within_high": 0.099}
    first = {**row, **found, "fall_percent": -18.4, "rise_percent": 22.6}
    single = {**row, **dict.fromkeys([*found, "fall_percent", "rise_percent"], NAN), "n_changes": 1}
    a, b = repeatability_view(pd.DataFrame([first, single])).rows
    assert a.name == "Scans close in time, whole mouse, staple"
    assert [cell.text for cell in a.cells] == ["39", "29", "0.104", "0.073", "−18 to +23 %"]
    assert a.cells[3].interval == "0.058 to 0.099"
    assert [cell.text for cell in b.cells] == ["1", "29", "–", "–", "–"]
