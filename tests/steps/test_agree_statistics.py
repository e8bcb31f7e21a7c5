"""The statistics of agree: intervals, agreement on volumes and tumor size, on tables that can be checked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from murinoma.steps.agree.statistics import interval_table, size_tables, volume_table

MICE = [f"M{number:02}" for number in range(1, 7)]


def scan_table(dice: list[float], dataset: str = "Dataset 1", **more: list[float]) -> pd.DataFrame:
    """Return a table of one scan per mouse."""
    n = len(dice)
    columns = {"dataset": [dataset] * n, "mouse": MICE[:n], "time": ["0d"] * n, "dice_mean": dice}
    return pd.DataFrame({**columns, "staple_volume_cm3": [1.0] * n, **more})


def tumor_table(a: list[float], b: list[float], dataset: str = "Dataset 1") -> pd.DataFrame:
    """Return a table of one tumor per mouse, outlined by A and B."""
    n = len(a)
    means = [(first + second) / 2 for first, second in zip(a, b, strict=True)]
    volumes = {"volume_cm3_A": a, "volume_cm3_B": b, "volume_cm3_mean": means}
    return pd.DataFrame(
        {"dataset": [dataset] * n, "mouse": MICE[:n], "time": ["0d"] * n, "rmse_cm3": [0.1] * n} | volumes
    )


def test_five_mice_have_a_t_interval() -> None:
    """Dice of 0.80 to 0.88 in steps of 0.02: mean 0.84, error 0.0316 / sqrt 5, t(4) = 2.776."""
    table = interval_table(scan_table([0.80, 0.82, 0.84, 0.86, 0.88]), tumor_table([1.0] * 5, [1.1] * 5), seed=1)
    row = table[(table["dataset"] == "all") & (table["measure"] == "dice_mean")].iloc[0]
    reach = stats.t.ppf(0.975, 4) * np.sqrt(0.001 / 5)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.84, 0.84 - reach, 0.84 + reach))
    assert (row["n_mice"], row["n"], row["method"]) == (5, 5, "t over mice")


def test_every_measure_has_a_row_per_dataset_and_overall() -> None:
    """Two datasets, of scans and of tumors; volumes are no measure of agreement."""
    scans = pd.concat([scan_table([0.9, 0.8]), scan_table([0.7], "Dataset 2")])
    tumors = pd.concat([tumor_table([1.0, 2.0], [1.0, 2.0]), tumor_table([1.0], [1.0], "Dataset 2")])
    table = interval_table(scans, tumors, seed=1)
    assert table[["dataset", "measure"]].to_numpy().tolist() == [
        [dataset, measure] for dataset in ("all", "Dataset 1", "Dataset 2") for measure in ("dice_mean", "rmse_cm3")
    ]
    assert table["mean"].tolist() == pytest.approx([0.8, 0.1, 0.85, 0.1, 0.7, 0.1])
    assert table["low"].isna().all()  # under five mice
    assert set(table["method"]) == {"none"}


def test_the_distance_to_an_empty_mask_is_left_out_and_counted() -> None:
    """Infinite and absent distances do not enter the mean; n says how many did."""
    scans = scan_table([0.9] * 4, hd95_mm_A_B=[1.0, np.inf, np.nan, 3.0])
    table = interval_table(scans, tumor_table([1.0], [1.0]), seed=1)
    row = table[table["measure"] == "hd95_mm_A_B"].iloc[0]
    assert (row["mean"], row["n"], row["n_mice"]) == (2.0, 2, 2)


def test_a_constant_ratio_has_limits_of_its_own_value() -> None:
    """B draws half of A's volume throughout: ratio and both limits 2, and an ICC well below 1."""
    a = [1.0, 2.0, 4.0, 8.0, 16.0]
    table = volume_table(tumor_table(a, [volume / 2 for volume in a]), ["A", "B"], seed=1)
    pair, whole = table.to_dict("records")
    assert [pair[name] for name in ("ratio", "limit_low", "limit_high")] == pytest.approx([2, 2, 2])
    assert (pair["a"], pair["b"], pair["n_tumors"], pair["n_mice"], pair["missed"]) == ("A", "B", 5, 5, 0)
    logs = np.log(a)
    between, annotator = logs.var(ddof=1), np.log(2) ** 2 / 2
    assert pair["icc"] == pytest.approx(between / (between + annotator), abs=1e-6)
    assert (whole["a"], whole["n_tumors"], whole["icc"]) == ("all", 5, pytest.approx(pair["icc"]))


def test_a_missed_tumor_has_no_ratio() -> None:
    """Of three tumors B missed one: two ratios, one counted as missed."""
    table = volume_table(tumor_table([1.0, 2.0, 4.0], [1.0, 0.0, 4.0]), ["A", "B"], seed=1)
    assert table[["n_tumors", "missed"]].iloc[0].tolist() == [2, 1]


def test_differences_that_follow_size_leave_no_dataset_apart() -> None:
    """|ln ratio| = 0.1 volume^(-1/3) in both datasets: each is what the other's law expects, and lies on the curve."""
    tables = []
    for dataset, sizes in (("Dataset 1", [0.1, 0.3, 0.9]), ("Dataset 2", [0.2, 0.4, 2.0])):
        differences = 0.1 * np.array(sizes) ** (-1 / 3)
        table = tumor_table(list(sizes * np.exp(differences / 2)), list(sizes * np.exp(-differences / 2)), dataset)
        tables.append(table.assign(volume_cm3_mean=sizes))
    scans = pd.concat([scan_table([0.9] * 3), scan_table([0.8] * 3, "Dataset 2")])
    trend, curve = size_tables(scans, pd.concat(tables), ["A", "B"])
    assert trend["ratio"].tolist() == pytest.approx([1, 1], abs=1e-6)
    assert trend["difference_percent"].tolist() == pytest.approx(trend["expected_percent"].tolist())
    assert trend["dice_mean"].tolist() == pytest.approx([0.9, 0.8])
    assert curve["volume_cm3"].iloc[[0, -1]].tolist() == pytest.approx([0.1, 2.0])
    assert trend["sizes_shared"].tolist() == pytest.approx([2 / 3, 2 / 3])  # 0.1 and 2.0 lie outside the others
    law = 100 * np.expm1(0.1 * curve["volume_cm3"] ** (-1 / 3))
    assert curve["abs_percent"].to_numpy() == pytest.approx(law.to_numpy())


def test_one_dataset_has_nothing_to_expect_from() -> None:
    """The law of the others does not exist: observed differences stand alone."""
    trend, _ = size_tables(scan_table([0.9] * 3), tumor_table([1.0, 2.0, 3.0], [1.1, 2.1, 3.2]), ["A", "B"])
    assert trend["difference_percent"].notna().all()
    assert trend["ratio"].isna().all()


def test_two_tumors_make_no_law() -> None:
    """Both tables have their columns and no row."""
    trend, curve = size_tables(scan_table([0.9] * 2), tumor_table([1.0, 2.0], [1.1, 2.1]), ["A", "B"])
    assert (len(trend), len(curve)) == (0, 0)
    assert "expected_percent" in trend.columns
