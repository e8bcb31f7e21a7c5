"""Tables 1 to 4 of small studies, by hand."""

import re
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma import published
from murinoma.pages.paper_tables import table1, table2, table3, table4


def scan(dataset: str = "Dataset 1", mouse: str = "M01", time: str = "0d", **values: float) -> dict[str, object]:
    """Return a row of ``scans.csv``."""
    return {"dataset": dataset, "mouse": mouse, "time": time, "fleiss_kappa_box": 0.5, **values}


def tumor(volumes: tuple[float, ...], dataset: str = "Dataset 1", mouse: str = "M01") -> dict[str, object]:
    """Return a row of ``tumors.csv`` with the volumes of annotators A, B, ...; 0: missed, NaN: did not see the scan."""
    seen = np.array([volume for volume in volumes if not np.isnan(volume)])
    rmse = seen.std()
    return {
        "dataset": dataset,
        "mouse": mouse,
        "time": "0d",
        **{f"volume_cm3_{name}": volume for name, volume in zip("ABCDEFGHIJKL", volumes, strict=False)},
        "volume_cm3_mean": seen.mean(),
        "rmse_cm3": rmse,
        "rmse_percent": 100 * rmse / seen.mean(),
        "missed_by": "X" if (seen == 0).any() else None,
    }


SCANS = pd.DataFrame(
    [
        scan(mouse="M01", dice_A_B=0.8, fleiss_kappa=0.7),
        scan(mouse="M02", dice_A_B=0.9, fleiss_kappa=0.9),
        scan(mouse="M02", time="8d", dice_A_B=np.nan, fleiss_kappa=np.nan),
        scan(dataset="Dataset 2", dice_A_B=0.6, fleiss_kappa=0.5),
    ]
)
TUMORS = pd.DataFrame(
    [tumor((1, 3)), tumor((4, 4)), tumor((0, 2), mouse="M02"), tumor((2, np.nan), dataset="Dataset 2")]
)


def row(table: pd.DataFrame, **values: str) -> dict[str, Any]:
    """Return the one row of a table with these values."""
    for name, value in values.items():
        table = table[table[name] == value]
    (found,) = table.to_dict("records")
    return {str(name): value for name, value in found.items()}


def test_table_1_counts_scans_and_mice_and_averages_tumors() -> None:
    """Dataset 1: 3 scans, 2 mice, tumors of 2, 4 and 1 cm3 (means over annotators): 7/3 +- 1.528, 1 to 4."""
    first = row(table1(SCANS, TUMORS, {"Dataset 1": 2020}, []), dataset="Dataset 1")
    assert (first["scans"], first["mice"], first["tumors"], first["tumors_per_mouse"]) == (3, 2, 3, 2)
    assert first["volume_mean_cm3"] == pytest.approx(7 / 3)
    assert first["volume_std_cm3"] == pytest.approx(np.std([2, 4, 1], ddof=1))
    assert (first["volume_min_cm3"], first["volume_max_cm3"]) == (1, 4)
    assert first["year"] == 2020


def test_table_1_of_one_tumor_has_no_standard_deviation() -> None:
    """N - 1 is 0: the cell stays empty, without a warning."""
    second = row(table1(SCANS, TUMORS, {}, []), dataset="Dataset 2")
    assert second["volume_mean_cm3"] == 2
    assert np.isnan(second["volume_std_cm3"])


def made(mouse: str, time: str, dataset: str = "Dataset 1", **parameters: float | str) -> dict[str, object]:
    """Return how a scan was made, as `table2` takes it; the time in days."""
    return {"dataset": dataset, "mouse": mouse, "time": time, "hours": 24.0 * float(time[:-1]), **parameters}


def table_2(rows: list[dict[str, object]], *nominal: int, **said: str) -> dict[str, Any]:
    """Return the row of Dataset 1, with nominal days, and what people say."""
    times = {"Dataset 1": {f"{day}d": 24.0 * day for day in nominal}} if nominal else {}
    return row(table2(pd.DataFrame(rows), times, {"Dataset 1": said}, [], []), dataset="Dataset 1")


def test_table_2_lists_what_is_missing_as_the_paper_does() -> None:
    """Days 0, 7, 13: M01 lacks 7 and 13, M02 nothing, M03 day 0; the days are sorted by hours, not as text."""
    rows = [made("M01", "0d"), *(made("M02", f"{day}d") for day in (0, 13, 7)), made("M03", "7d"), made("M03", "13d")]
    found = table_2(rows)
    assert found["time_points"] == "0d; 7d; 13d"
    assert found["missing"] == "M01: 7d, 13d; M03: 0d"
    assert found["other_scans"] == ""


def test_nominal_time_points_win_over_those_found() -> None:
    """Nominal 0 and 8, found 0 and 9: 8 is missing, 9 is another scan; 192 h are 8 d."""
    rows = [made("M01", "0d"), made("M01", "9d"), made("M02", "0d"), {**made("M02", "8d"), "time": "192h"}]
    found = table_2(rows, 0, 8)
    assert (found["time_points"], found["missing"], found["other_scans"]) == ("0d; 8d", "M01: 8d", "M01: 9d")


def test_a_scan_that_was_left_out_is_not_missing() -> None:
    """M01 was scanned on day 8, and people left the scan out: Table 2 is about scans that were made."""
    rows = pd.DataFrame([made("M01", "0d"), made("M02", "0d"), made("M02", "8d")])
    table = table2(rows, {}, {}, [("Dataset 1", "M01", 192.0), ("Dataset 2", "M02", 0.0)], [])
    assert row(table, dataset="Dataset 1")["missing"] == ""


def test_parameters_that_differ_are_all_listed_and_people_win() -> None:
    """65 and 80 kVp in one dataset: both, in order; the exposure is what people say; nothing is known of the bed."""
    rows = [made("M01", "0d", voltage_kVp=80.0, exposure_ms=270, scanner="Inveon"), made("M01", "8d", voltage_kVp=65)]
    found = table_2(rows, exposure_ms="350")
    assert (found["voltage_kVp"], found["exposure_ms"], found["scanner"]) == ("65; 80", "350", "Inveon")
    assert pd.isna(found["bed"])
    assert pd.isna(found["current_uA"])


def test_a_text_where_a_number_belongs_is_shown_as_it_is() -> None:
    """A sidecar is not ours alone: ``70 kV`` beside 70 gives both."""
    assert table_2([made("M01", "0d", voltage_kVp=70), made("M01", "8d", voltage_kVp="70 kV")])["voltage_kVp"] == (
        "70; 70 kV"
    )


def printed_absences(text: str) -> set[tuple[str, str]]:
    """Return (mouse, time) from a cell of the printed Table 2: ``M01:20d;M02:20d,M03:13d,20d`` or ``M07-M18:0h``."""
    found = set()
    for first, last, times in re.findall(r"M(\d+)(?:-M(\d+))?:((?:[\d.]+[hd],?)+)", text):
        mice = range(int(first), int(last or first) + 1)
        found |= {(f"M{mouse:02d}", time) for mouse in mice for time in times.strip(",").split(",")}
    return found


def test_the_printed_table_2_lacks_four_absences() -> None:
    """Of the catalogue's 452 scans; with them the counts are those of Table 1. Everything else agrees."""
    scans = published.catalogue().assign(hours=0.0)
    unit = scans["time"].str[-1].map({"h": 1, "d": 24})
    scans["hours"] = scans["time"].str[:-1].astype(float) * unit
    scans = scans.sort_values(["dataset", "mouse"])
    every = [f"Dataset {number}" for number in range(1, 11)]
    table = table2(scans[["dataset", "mouse", "time", "hours"]], {}, {}, [], every).set_index("dataset")
    extra = {}
    for dataset in every:
        ours, printed = (
            printed_absences(str(table.loc[dataset, column]).replace(" ", ""))
            for column in ("missing", "published_missing")
        )
        assert printed <= ours, dataset
        extra[dataset] = ours - printed
    assert {dataset: found for dataset, found in extra.items() if found} == {
        "Dataset 2": {("M14", "8d")},
        "Dataset 6": {("M03", "0d")},
        "Dataset 10": {("M07", "13d"), ("M25", "13d")},
    }
    assert (table.loc["Dataset 10", "time_points"], table.loc["Dataset 10", "published_time_points"]) == (
        "0d; 13d",
        "0h;3d",
    )


def test_table_3_by_hand() -> None:
    """Dice over 3 scans and one undefined; differences -2, 0, -2 cm3; ratio 1/3 and 1; RMSE with and without a miss."""
    table = table3(SCANS, TUMORS, ["A", "B"], [])
    dice = row(table, measure="dice", group="A-B")
    assert (dice["n"], dice["undefined"]) == (3, 1)
    assert dice["mean"] == pytest.approx(2.3 / 3)
    assert dice["std"] == pytest.approx(np.std([0.8, 0.9, 0.6], ddof=1))
    difference = row(table, measure="volume_difference", unit="cm3")
    assert difference["mean"] == pytest.approx(-4 / 3)
    assert difference["n"] == 3
    percent = row(table, measure="volume_difference", unit="percent")
    assert percent["mean"] == pytest.approx((-100 + 0 - 200) / 3)
    ratio = row(table, measure="volume_ratio", group="A-B")
    assert ratio["mean"] == pytest.approx(np.sqrt(1 / 3))
    assert ratio["n"] == 2
    rmse = row(table, measure="volume_rmse", unit="cm3")
    assert rmse["mean"] == pytest.approx((1 + 0 + 1 + 0) / 4)
    found = row(table, measure="volume_rmse_found", unit="percent")
    assert found["mean"] == pytest.approx((50 + 0 + 0) / 3)


def test_percent_of_all_and_of_the_pair_differ_with_three_annotators() -> None:
    """Volumes 1, 2 and 6: A - B is -1, in % of the mean of all 3 -33.3, of the pair's 1.5 -66.7."""
    scans = pd.DataFrame([scan(dice_A_B=1, dice_A_C=1, dice_B_C=1, fleiss_kappa=1)])
    table = table3(scans, pd.DataFrame([tumor((1, 2, 6))]), ["A", "B", "C"], [])
    assert row(table, measure="volume_difference", group="A-B", unit="percent")["mean"] == pytest.approx(-100 / 3)
    assert row(table, measure="volume_difference", group="A-B", unit="percent_of_pair")["mean"] == pytest.approx(
        -200 / 3
    )


def test_table_4_has_a_row_per_dataset() -> None:
    """Means and standard deviations of each dataset alone."""
    table = table4(SCANS, ["A", "B"], [])
    assert list(table["dataset"]) == ["Dataset 1", "Dataset 2"]
    first = row(table, dataset="Dataset 1")
    assert first["dice_AB_mean"] == pytest.approx(0.85)
    assert first["fleiss_kappa_std"] == pytest.approx(np.std([0.7, 0.9], ddof=1))
    assert first["scans"] == 3


def test_printed_values_stand_beside_where_the_study_is_the_published_one() -> None:
    """A whole database has them in all three tables, one published dataset in Tables 1 and 4, others nowhere."""
    scans = pd.DataFrame([scan(dice_A_B=0.9, dice_A_C=0.9, dice_B_C=0.9, fleiss_kappa=0.9)])
    tumors = pd.DataFrame([tumor((1, 1, 1))])
    every = [f"Dataset {number}" for number in range(1, 11)]
    for known, in_1_and_4, in_3 in ((every, True, True), (["Dataset 1"], True, False), ([], False, False)):
        first, third = table1(scans, tumors, {}, known), table3(scans, tumors, list("ABC"), known)
        fourth = table4(scans, list("ABC"), known)
        assert ("published_volume_mean_cm3" in first) == in_1_and_4
        assert ("published_fleiss_kappa_mean" in fourth) == in_1_and_4
        assert ("published_mean" in third) == in_3
    assert row(table3(scans, tumors, list("ABC"), every), measure="dice", group="A-C")["published_mean"] == 0.907


def test_every_row_of_the_printed_table_3_has_its_own_beside() -> None:
    """Measure, group and unit of each printed row occur in ours: none is lost in the merge."""
    scans = pd.DataFrame([scan(dice_A_B=0.9, dice_A_C=0.9, dice_B_C=0.9, fleiss_kappa=0.9)])
    every = [f"Dataset {number}" for number in range(1, 11)]
    ours = table3(scans, pd.DataFrame([tumor((1, 1, 1))]), ["A", "B", "C"], every)
    assert ours["published_mean"].notna().sum() == len(published.table(3))


@pytest.mark.parametrize("names", [[str(n) for n in range(1, 13)], ["a", "ab", "b", "bb"]])
def test_every_pair_keeps_its_own_column(names: list[str]) -> None:
    """Annotators called 1 to 12 (1 with 12, and 11 with 2), or a, ab, b, bb: no pair overwrites another."""
    names = sorted(names)
    pairs = list(combinations(names, 2))
    values = {pair: place / 100 for place, pair in enumerate(pairs)}
    scans = pd.DataFrame([{**scan(fleiss_kappa=1), **{f"dice_{a}_{b}": values[a, b] for a, b in pairs}}])
    table = table4(scans, names, [])
    dice_means = [name for name in map(str, table) if name.startswith("dice_") and name.endswith("_mean")]
    assert len(dice_means) == len(pairs)
    assert sorted(table[dice_means].iloc[0]) == pytest.approx(sorted(values.values()))
