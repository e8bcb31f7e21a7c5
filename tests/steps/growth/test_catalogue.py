"""Growth on the published catalogue: 452 scans of 223 mice in 10 datasets, treatment unknown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma import published
from murinoma.steps import StepResult
from murinoma.steps.growth import growth

CATALOGUE = Path(published.__file__).with_name("scans.csv")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StepResult]:
    """Return the folder and the result of one run."""
    out = tmp_path_factory.mktemp("catalogue") / "growth"
    return out, growth(volumes=CATALOGUE, out=out)


def read(done: tuple[Path, StepResult], name: str) -> pd.DataFrame:
    """Return a table of the run."""
    return pd.read_csv(done[0] / f"{name}.csv")


def test_all_scans_and_mice_are_used(done: tuple[Path, StepResult]) -> None:
    """452 scans, 223 mice, nothing failed; 56 mice have one scan only and so no rate."""
    result = done[1]
    assert (result.scans, result.failed) == (452, ())
    numbers = result.numbers
    assert (numbers["mice"], numbers["with_rate"]) == (223, 167)
    once = published.catalogue().groupby(["dataset", "mouse"]).size()
    assert (once == 1).sum() == 223 - 167
    mice = read(done, "mice")
    assert mice.loc[~mice["evaluable"], "reason"].str.contains("one volume only").all()


def test_mice_without_a_baseline(done: tuple[Path, StepResult]) -> None:
    """30 of the 223 mice have no scan at 0; the result says so, and they have no change from baseline."""
    mice = read(done, "mice")
    assert mice["baseline_mm3"].isna().sum() == 30
    assert "30 mice have no tumor volume on day 0" in "\n".join(done[1].notices)
    assert mice.loc[mice["baseline_mm3"].isna(), "mrecist"].eq("not evaluable").all()


def test_who_is_evaluable_for_mrecist(done: tuple[Path, StepResult]) -> None:
    """29 mice have day 0 and a scan on day 10 or later."""
    assert done[1].numbers["mrecist_evaluable"] == 29
    scans = published.catalogue()
    days = scans["time"].str[:-1].astype(float) / scans["time"].str[-1].map({"h": 24.0, "d": 1.0})
    found = days.groupby([scans["dataset"], scans["mouse"]]).agg(["min", "max"])
    assert ((found["min"] == 0) & (found["max"] >= 10)).sum() == 29


def test_burdens_over_the_limits(done: tuple[Path, StepResult]) -> None:
    """13 scans are over 1,500 mm3, 8 of them over 2,000; more may be, by the upper end of their interval."""
    levels = read(done, "welfare")["level"].value_counts()
    assert levels["over 2,000"] == 8
    assert levels["over 1,500"] + levels["over 2,000"] == 13
    assert levels[levels.index.str.startswith("may be")].sum() > 0


@pytest.mark.parametrize(
    ("dataset", "mouse", "before", "after"),
    [("Dataset 3", "M01", 342, 732), ("Dataset 5", "M07", 56, 112), ("Dataset 7", "M04", 727, 452)],
)
def test_implausible_changes_within_a_day(
    dataset: str, mouse: str, before: int, after: int, done: tuple[Path, StepResult]
) -> None:
    """A tumor that doubles, or loses a third, between two scans of a day is named with both volumes."""
    changes = read(done, "changes")
    jumps = changes[changes["jump"] & (changes["dataset"] == dataset) & (changes["mouse"] == mouse)]
    (row,) = jumps.to_dict("records")
    assert (round(row["from_mm3"]), round(row["to_mm3"])) == (before, after)
    assert row["hours_apart"] <= 24
    assert f"{dataset} {mouse}: implausible: {before} -> {after} mm3" in "\n".join(done[1].notices)


def test_doubling_times_of_the_long_datasets(done: tuple[Path, StepResult]) -> None:
    """2 and 8 double in 6.0 (5.2 to 7.0) and 13.2 (10.7 to 16.8) d; 6 and 10 were not shown to grow."""
    rates = read(done, "rates").set_index("dataset")
    assert rates.loc["Dataset 2", "doubling"] == "6.0 d (5.2 to 7.0)"
    assert rates.loc["Dataset 8", "doubling"] == "13.2 d (10.7 to 16.8)"
    for name in ("Dataset 6", "Dataset 10"):
        row = rates.loc[name]
        assert row["rate_low_per_day"] < 0 < row["rate_high_per_day"]
        assert row["doubling"].startswith("longer than")
        assert np.isnan(row["doubling_days"])


def test_doubling_times_of_dataset_2_by_hand(done: tuple[Path, StepResult]) -> None:
    """Two scans per mouse, 8 d apart: the mean of log(V8 / V0) / 8, without murinoma's numerics."""
    scans = published.catalogue()
    wide = scans[scans["dataset"] == "Dataset 2"].pivot(index="mouse", columns="time", values="staple_volume_mm3")
    changed = (wide["8d"] / wide["0d"]).dropna()
    rates = np.log(changed.to_numpy()) / 8
    row = read(done, "rates").set_index("dataset").loc["Dataset 2"]
    assert row["n_evaluable"] == len(rates)
    assert row["rate_per_day"] == pytest.approx(rates.mean(), rel=1e-6)
    assert row["doubling_days"] == pytest.approx(np.log(2) / rates.mean(), rel=1e-6)


def test_two_scans_carry_the_measurement_error_alone(done: tuple[Path, StepResult]) -> None:
    """Of a mouse of dataset 2 the interval is +- t sqrt(2) s / 8 about its rate, and the method says so."""
    mice = read(done, "mice")
    mine = mice[(mice["dataset"] == "Dataset 2") & mice["evaluable"]]
    assert mine["rate_method"].eq("2 scans, measurement error alone").all()
    half = (mine["rate_high_per_day"] - mine["rate_low_per_day"]) / 2
    assert half.to_numpy() == pytest.approx(np.full(len(half), half.iloc[0]), rel=1e-6)
    assert half.iloc[0] == pytest.approx(1.96 * 0.104 / 8, rel=0.06)  # t of 28 degrees is 2.05


def test_the_detectable_change_is_that_of_the_catalogue(done: tuple[Path, StepResult]) -> None:
    """-18 and +23 %, as the methods say; 25 of the 108 changes within a day are beyond it."""
    changes = read(done, "changes")
    assert changes["fall_limit_percent"].iloc[0] == pytest.approx(-18, abs=0.6)
    assert changes["rise_limit_percent"].iloc[0] == pytest.approx(23, abs=0.6)
    assert done[1].numbers["day_changes_beyond"] == "25 of 108"
    text = (done[0] / "methods.md").read_text(encoding="utf-8")
    assert "39 pairs of published micro-CT scans" in text
    assert "Treatment unknown: nothing was compared." in text


def test_what_is_written(done: tuple[Path, StepResult]) -> None:
    """A page, a workbook, a table for Prism per dataset, and every figure with its numbers."""
    folder, result = done
    assert result.result == folder / "index.html"
    assert (folder / "growth.xlsx").stat().st_size > 10_000
    assert len(list((folder / "prism").glob("*.csv"))) == 10
    figures = sorted(path.stem for path in (folder / "figures").glob("*.svg"))
    assert figures
    assert figures == sorted(path.stem for path in (folder / "figures").glob("*.csv"))
    for name in ("arms", "mixed", "events", "tumors"):
        assert read(done, name).empty
    wide = pd.read_csv(folder / "prism" / "Dataset 2.csv")
    assert wide["days"].tolist() == [0, 8]
    assert len(wide.columns) == 1 + 32


def test_the_page_says_treatment_unknown(done: tuple[Path, StepResult]) -> None:
    """Nobody may read an arm into the datasets."""
    assert "treatment unknown" in (done[0] / "index.html").read_text(encoding="utf-8").lower()
