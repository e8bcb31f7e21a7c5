"""Growth with arms: rates, T/C, TGI, tests, events and plan of trials that can be checked by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from murinoma.settings import GrowthSettings
from murinoma.steps.growth import growth_cohort
from murinoma.steps.growth.writing import prism_tables
from tests.steps.growth.cohorts import exponential, run, sentences, table, trial, write_csv

CONTROL = (0.08, 0.09, 0.10, 0.11, 0.12)
TREATED = (0.03, 0.04, 0.05, 0.06, 0.07)


@pytest.fixture(scope="module")
def two_arms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the volumes of a trial of two arms on which growth has run: mean rates 0.10 and 0.05 per day."""
    volumes = trial(tmp_path_factory.mktemp("trial"), {"vehicle": CONTROL, "drug A": TREATED})
    run(volumes)
    return volumes


def test_rates_and_doubling_times_by_hand(two_arms: Path) -> None:
    """Exactly exponential growth: the rates are those that were put in, doubling is log(2) / rate."""
    mice = table(two_arms, "mice").set_index("mouse")
    assert mice["rate_per_day"].tolist() == pytest.approx([*CONTROL, *TREATED])
    assert mice["doubling_days"].iloc[0] == pytest.approx(np.log(2) / 0.08)
    rates = table(two_arms, "rates").set_index("arm")
    assert rates.loc["vehicle", "rate_per_day"] == pytest.approx(0.10)
    half = stats.t.ppf(0.975, 4) * np.std(CONTROL, ddof=1) / np.sqrt(5)
    assert rates.loc["vehicle", "rate_high_per_day"] == pytest.approx(0.10 + half)


def test_arms_against_the_control_by_hand(two_arms: Path) -> None:
    """The vehicle is the control. T/C at day 14 is exp(-0.05 x 14); the test is scipy's Welch on the slopes."""
    (row,) = table(two_arms, "arms").to_dict("records")
    assert (row["arm"], row["control"], row["n_arm"], row["n_control"]) == ("drug A", "vehicle", 5, 5)
    assert (row["baseline_day"], row["day"], row["day_rule"]) == (0, 14, "last day with all mice of both arms")
    assert row["tc"] == pytest.approx(np.exp(-0.05 * 14))
    means = [np.exp(np.array(rates) * 14).mean() for rates in (TREATED, CONTROL)]
    assert row["tgi_percent"] == pytest.approx(100 * (1 - (means[0] - 1) / (means[1] - 1)))
    expected = stats.ttest_ind(TREATED, CONTROL, equal_var=False)
    assert row["p"] == pytest.approx(expected.pvalue)
    assert row["difference_per_day"] == pytest.approx(-0.05)


def test_curves_by_hand(two_arms: Path) -> None:
    """The geometric mean of the control on day 7 is 100 exp(0.7) mm3, relative to the baseline exp(0.7)."""
    curves = table(two_arms, "curves")
    (row,) = curves[(curves["arm"] == "vehicle") & (curves["day"] == 7)].to_dict("records")
    assert row["mean_mm3"] == pytest.approx(100 * np.exp(0.7))
    assert row["relative"] == pytest.approx(np.exp(0.7))
    assert (row["n_mice"], row["n_started"], row["after_dropout"]) == (5, 5, False)


def test_the_table_for_prism(two_arms: Path) -> None:
    """Days as rows; the mice of the control come first, side by side."""
    wide = prism_tables(growth_cohort(None, two_arms, GrowthSettings()))["Dataset 1"]
    assert wide["days"].tolist() == [0, 4, 7, 11, 14]
    assert wide.columns.tolist()[1:7] == [*(f"vehicle M0{n}" for n in range(1, 6)), "drug A M06"]


def test_what_was_done_stands_beside_an_empty_plan(two_arms: Path) -> None:
    """Without a plan every choice is 'not planned'."""
    plan = table(two_arms, "plan").set_index("item")
    assert set(plan["agrees"]) == {"not planned"}
    assert plan.loc["control", "done"] == "vehicle"


def test_a_plan_is_followed_and_compared(tmp_path: Path) -> None:
    """The planned day is the day of the comparison; another control and number of mice are said to differ."""
    volumes = trial(tmp_path, {"vehicle": CONTROL, "drug A": TREATED})
    (tmp_path / "plan.toml").write_text(
        'day = 7\ncontrol = "drug A"\nmice_per_arm = 8\ntest = "ANOVA"\nmargin_tc = 0.9\n', encoding="utf-8"
    )
    run(volumes, control="vehicle")
    (row,) = table(volumes, "arms").to_dict("records")
    assert (row["day"], row["day_rule"]) == (7, "set beforehand")
    assert row["tc"] == pytest.approx(np.exp(-0.05 * 7))
    plan = table(volumes, "plan").set_index("item")
    agreed = {item: plan.loc[item, "agrees"] for item in ("day of the comparison", "control", "mice per arm", "test")}
    assert agreed == {"day of the comparison": "yes", "control": "no", "mice per arm": "no", "test": "no"}
    assert plan.loc["T/C that counts as active", "remark"] == "below 0.9: drug A"


def test_deaths_and_the_flow_of_mice(tmp_path: Path) -> None:
    """A mouse dies on day 8: the curve after it is marked, the death stands in the survival table with its reason."""
    volumes = trial(tmp_path, {"vehicle": CONTROL, "drug A": TREATED})
    rows = pd.read_csv(volumes)
    rows[~((rows["mouse"] == "M02") & rows["time"].isin(["11d", "14d"]))].to_csv(volumes, index=False)
    write_csv(tmp_path / "events.csv", "dataset,mouse,time,event,reason", [("1", "M02", "8d", "killed", "ulcer")])
    run(volumes)
    mouse = table(volumes, "mice").set_index("mouse").loc["M02"]
    assert (mouse["died_day"], mouse["death_reason"], mouse["end"]) == (8, "ulcer", "death")
    survival = table(volumes, "survival")
    deaths = survival[(survival["event"] == "death") & (survival["arm"] == "vehicle")].set_index("day")
    assert deaths.loc[8, "survival"] == pytest.approx(0.8)
    others = survival[(survival["event"] == "death") & (survival["arm"] != "vehicle")]
    assert len(others) > 0, "arms in which nobody died have a curve too"
    assert (others["survival"] == 1).all()
    curves = table(volumes, "curves").set_index(["arm", "day"])["after_dropout"]
    assert not curves[("vehicle", 7)]
    assert curves[("vehicle", 11)]
    assert not curves[("drug A", 11)]
    (row,) = table(volumes, "arms").to_dict("records")
    assert row["day"] == 7  # the last day with all mice
    flow = table(volumes, "flow")
    analysed = flow[flow["stage"] == "analysed"].set_index("arm")
    assert analysed["mice"].to_dict() == {"vehicle": 5, "drug A": 5}
    assert analysed["scans"].to_dict() == {"vehicle": 23, "drug A": 25}


def test_the_time_to_the_doubled_volume_lies_between_two_scans(two_arms: Path) -> None:
    """At 0.10 per day 100 mm3 become 200 on day 6.9: seen on day 7, not yet on day 4."""
    mouse = table(two_arms, "mice").set_index("mouse").loc["M03"]
    assert (mouse["fold_after_day"], mouse["fold_by_day"]) == (4, 7)
    medians = table(two_arms, "medians").set_index(["arm", "event"])
    assert medians.loc[("vehicle", "2-fold volume"), "n_events"] == 5


def test_tumors_of_a_mouse_are_added(tmp_path: Path) -> None:
    """Two tumors of 40 and 60 mm3 are a burden of 100; each has a rate, and they are as the file numbers them."""
    sizes = {1: 40, 2: 60}
    rows = [("1", "M01", f"{day}d", tumor, sizes[tumor] * 2 ** (day / 4)) for day in (0, 4) for tumor in sizes]
    volumes = write_csv(tmp_path / "two.csv", "dataset,mouse,time,tumor,volume_mm3", rows)
    run(volumes)
    mouse = table(volumes, "mice").iloc[0]
    assert (mouse["baseline_mm3"], mouse["last_mm3"], mouse["identity"]) == (100, 200, "as numbered")
    tumors = table(volumes, "tumors")
    assert tumors["rate_per_day"].tolist() == pytest.approx([np.log(2) / 4] * 2)


def test_exchanged_mice_are_suspected(tmp_path: Path) -> None:
    """Two mice of one acquisition whose volumes are swapped on day 4: both would fit if they were exchanged."""
    rows = []
    for place in range(8):
        rows += [(*row, f"G{place}") for row in exponential(f"M{place:02d}", 100.0 + place, 0.05)]
    for mouse, sizes in (("M20", (100, 900, 120)), ("M21", (800, 110, 950))):
        rows += [("1", mouse, f"{day}d", size, "G9") for day, size in zip((0, 4, 7), sizes, strict=True)]
    volumes = write_csv(tmp_path / "swap.csv", "dataset,mouse,time,volume_mm3,group", rows)
    result = run(volumes)
    mice = table(volumes, "mice").set_index("mouse")
    assert mice["exchange_with"].dropna().to_dict() == {"M20": "M21", "M21": "M20"}
    assert "exchanged with M21, both would fit" in sentences(result)


def test_welfare_and_the_day_on_which_the_limit_is_expected(tmp_path: Path) -> None:
    """1,000 mm3 on day 4, doubling in 4 d: 1,500 mm3 on day 4 + 4 log2(1.5) = 6.34."""
    volumes = write_csv(
        tmp_path / "big.csv", "dataset,mouse,day,volume_mm3", [("1", "M01", 0, 500), ("1", "M01", 4, 1000)]
    )
    run(volumes)
    (row,) = table(volumes, "expected").to_dict("records")
    assert row["limit_day"] == pytest.approx(4 + 4 * np.log2(1.5))
    assert table(volumes, "welfare").empty
    write_csv(tmp_path / "events.csv", "dataset,mouse,day,event", [("1", "M01", 5, "death")])
    run(volumes)
    assert table(volumes, "expected").empty  # a mouse that died reaches nothing


def test_the_next_study_by_hand(two_arms: Path) -> None:
    """SD 0.0158 within arms, growth 0.10 to be halved: an effect of 3.16 SD needs the mice that scipy's power says."""
    power = next(row for row in table(two_arms, "power").to_dict("records") if row["effect"] == "growth halved")
    assert power["difference_per_day"] == pytest.approx(0.05)
    assert power["sd_per_day"] == pytest.approx(np.std(CONTROL, ddof=1))
    n, effect = int(power["mice_per_arm"]), 0.05 / np.std(CONTROL, ddof=1)

    def reached(mice: int) -> float:
        edge = stats.t.ppf(0.975, 2 * mice - 2)
        return float(stats.nct.sf(edge, 2 * mice - 2, effect * np.sqrt(mice / 2)))

    assert reached(n) >= 0.8 > reached(n - 1)
