"""The charts of growth: what each shows of a study worked out by hand, and that none breaks on an odd one."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from murinoma.pages.chart_svg import HATCHES
from murinoma.pages.growth_charts import growth_charts
from murinoma.pages.growth_content import GrowthChart, readable
from murinoma.pages.growth_response import CLASSES
from murinoma.pages.growth_survival import at_risk, left_at
from tests.pages.growth_study import CONTROL, DATASET, DRUG, content, empty, table, trial_tables, unknown_tables

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def charts() -> dict[str, GrowthChart]:
    """Return the charts of the made study."""
    return growth_charts(content())


def texts(chart: GrowthChart) -> list[str]:
    """Return the texts of a picture."""
    return ["".join(node.itertext()) for node in ElementTree.fromstring(chart.svg).iter(f"{SVG}text")]


def parts(chart: GrowthChart, gid: str) -> list[ElementTree.Element]:
    """Return the parts of a picture that have this id."""
    return [node for node in ElementTree.fromstring(chart.svg).iter() if node.get("id") == gid]


def points(chart: GrowthChart, gid: str) -> int:
    """Return how many marks the parts with this id have."""
    return sum(len([*part.iter(f"{SVG}use")]) for part in parts(chart, gid))


def test_every_chart_of_a_study_with_arms_is_there(charts: dict[str, GrowthChart]) -> None:
    """In reading order; one dataset needs no overview, and no curve of deaths without a death in the table."""
    names = ["rates", "spaghetti-dataset-1", "forest-dataset-1", "arms-dataset-1", "waterfall", "swimmer-dataset-1"]
    assert list(charts) == [*names, "survival-dataset-1-2-fold-volume", "changes"]


def test_spaghetti_shows_every_scan_and_what_befell_the_mice(charts: dict[str, GrowthChart]) -> None:
    """46 scans: 45 as dots, the vanished tumor as a triangle; two jumps with their mouse, one death."""
    chart = charts["spaghetti-dataset-1"]
    assert points(chart, "scans") == 45
    assert points(chart, "gone") == 1
    assert len(parts(chart, "jump")) == 2
    assert points(chart, "death") == 1
    assert {"control (n = 6)", f"{DRUG} (n = 6)", "M10", "Burden (mm³)", "Time (d)"} <= set(texts(chart))
    assert any("after the first drop-out" in text for text in texts(chart))
    assert "12 mice, 46 scans" in chart.caption


def test_welfare_limits_are_drawn_where_they_lie_on_the_axis() -> None:
    """The burdens end at 800 mm³: a limit of 500 is drawn in both panels and named once, one of 2,000 is not."""
    chart = growth_charts(content(limits_mm3=(500.0, 2000.0)))["spaghetti-dataset-1"]
    assert len(parts(chart, "limit-500")) == 2
    assert not parts(chart, "limit-2000")
    assert "welfare limit, 500 mm³" in " ".join(texts(chart))


def test_a_burden_grows_upwards_on_a_logarithmic_axis(charts: dict[str, GrowthChart]) -> None:
    """The control doubles from day to day: its means lie at equal distances, left to right, bottom to top."""
    means, *others = parts(charts["arms-dataset-1"], "interval")
    ends = [re.findall(r"[ML] ([\d.]+) ([\d.]+)", path.get("d", "")) for path in means.iter(f"{SVG}path")]
    assert len(others) == 3  # two arms, two panels
    heights = [float(low[1]) for low, _ in filter(None, ends)]
    assert np.diff(heights) == pytest.approx(np.diff(heights)[0], abs=0.1)
    assert heights[0] > heights[-1]  # in an SVG, up is smaller


def test_the_forest_says_what_cannot_be_told(charts: dict[str, GrowthChart]) -> None:
    """Twelve mice and two means with bars; the words of the table at the right; six growths cannot be told."""
    chart = charts["forest-dataset-1"]
    assert len(parts(chart, "bar")) == 14
    shown = texts(chart)
    assert shown.count("longer than 34.7 d") == 6
    assert shown.count("4.0 d (3.6 to 4.5)") == 6
    assert "Of 6 the interval holds 0 or is unknown" in chart.caption
    assert {"Growth rate (per day, natural logarithm)", "∞", "mean"} <= set(shown)


def test_the_waterfall_has_a_bar_per_evaluable_mouse_from_tall_to_deep(charts: dict[str, GrowthChart]) -> None:
    """Ten of twelve mice; growth beyond the axis is cut and written above; classes differ by hatch."""
    chart = charts["waterfall"]
    assert len(parts(chart, "bar")) == 10
    shown = texts(chart)
    assert shown.count("+700") == 5
    assert {"mCR: complete response", "mSD: stable disease", "mPD: progressive disease"} <= set(shown)
    assert "2 mice are not evaluable" in chart.caption
    hatches = [hatch for name, (_, _, hatch) in CLASSES.items() if name != "not evaluable"]
    assert len(set(hatches)) == 4
    assert set(hatches) <= set(HATCHES)


def test_the_swimmers_show_time_and_events(charts: dict[str, GrowthChart]) -> None:
    """A bar per mouse, its scans as strokes; the death is explained below."""
    chart = charts["swimmer-dataset-1"]
    assert len(parts(chart, "swimmer")) == 12
    assert any("cross: death" in text.lower() for text in texts(chart))
    assert any("2 times the first volume" in text for text in texts(chart))


def test_kaplan_meier_has_steps_and_numbers_at_risk(charts: dict[str, GrowthChart]) -> None:
    """Both arms, and the six mice of each at risk until day 4; then none of the control."""
    chart = charts["survival-dataset-1-2-fold-volume"]
    assert len(parts(chart, "survival")) == 2
    counts = [text for part in parts(chart, "at-risk") for text in ["".join(part.itertext()).strip()]]
    assert counts == ["6", "6", "6", "0", "0", "0", "0"][: len(counts) // 2] + ["6"] * (len(counts) // 2)
    assert "Mice below 2-fold volume (%)" in texts(chart)


def test_mice_at_risk_and_mice_that_left() -> None:
    """Ten mice, two events on day 3 and one mouse gone, then seven until day 9: six leave without the event."""
    curve = pd.DataFrame({"day": [0.0, 3.0, 9.0], "at_risk": [10, 10, 7], "events": [0, 2, 1]})
    assert left_at(curve).tolist() == [0, 1, 6]
    assert [at_risk(curve, day) for day in (0, 1, 3, 4, 9, 10)] == [10, 10, 10, 7, 7, 0]


def test_jumps_are_named_in_the_chart_of_changes(charts: dict[str, GrowthChart]) -> None:
    """Both jumps of M10; a change to 0 mm³ has no ratio and is not there."""
    assert texts(charts["changes"]).count("M10") == 2
    assert len(charts["changes"].table) == 33


def test_each_chart_brings_its_numbers_and_its_words(charts: dict[str, GrowthChart]) -> None:
    """A table with rows, n in the caption, a title and a description that differ."""
    for chart in charts.values():
        assert len(chart.table)
        assert re.search(r"\d+ (mice|mouse|change)|[Mm]ice", chart.caption)
        assert chart.title != chart.description
        ElementTree.fromstring(chart.inline)


def test_the_same_study_gives_the_same_bytes(charts: dict[str, GrowthChart]) -> None:
    """Whether tables come from memory or were read back."""
    again = growth_charts(content(readable(trial_tables())))
    assert {name: chart.svg for name, chart in again.items()} == {name: chart.svg for name, chart in charts.items()}


def test_a_study_of_unknown_treatment_is_drawn_without_arms() -> None:
    """No comparison, no survival; what is unknown is said in the titles."""
    found = growth_charts(content(unknown_tables()))
    assert list(found) == [
        "rates",
        "spaghetti-dataset-1",
        "forest-dataset-1",
        "waterfall",
        "swimmer-dataset-1",
        "changes",
    ]
    assert "treatment unknown" in found["spaghetti-dataset-1"].title
    assert "treatment unknown (n = 12)" in texts(found["spaghetti-dataset-1"])


def test_several_datasets_share_one_volume_axis() -> None:
    """The overview has a panel per dataset; one that lasted a day is told in hours."""
    one, two = unknown_tables(), unknown_tables()
    for name in ("scans", "mice", "rates", "changes"):
        two[name] = two[name].assign(dataset="Dataset 2")
    two["scans"] = two["scans"].assign(day=two["scans"]["day"] / 12)
    both = {
        name: pd.concat([one[name], two[name]], ignore_index=True) for name in ("scans", "mice", "rates", "changes")
    }
    found = growth_charts(content(unknown_tables() | both))
    shown = texts(found["growth-overview"])
    assert {"Dataset 1 (n = 12)", "Dataset 2 (n = 12)", "Time (d)", "Time (h)"} <= set(shown)
    ticks = [text for text in shown if re.fullmatch(r"[\d,]+", text) and text in ("100", "1,000")]
    assert len(ticks) == 2 * len(set(ticks))


def test_one_scan_of_one_mouse_is_drawn() -> None:
    """No rate, no change, no class: the burden itself is still shown."""
    tables = {name: empty(name) for name in trial_tables() if name not in ("scans", "mice", "rates")}
    tables["scans"], tables["mice"] = trial_tables()["scans"][:1], trial_tables()["mice"][:1]
    names = ["rate_per_day", "rate_low_per_day", "rate_high_per_day", "best_response_percent"]
    tables["mice"] = tables["mice"].assign(**dict.fromkeys(names, np.nan), mrecist="not evaluable", last_day=0.0)
    tables["rates"] = trial_tables()["rates"][:0]
    assert list(growth_charts(content(tables))) == ["spaghetti-dataset-1"]


def test_rates_that_are_all_0_are_drawn() -> None:
    """Six mice that do not grow at all, without an interval: an axis around 0."""
    tables = unknown_tables()
    for name in ("mice", "rates"):
        flat = dict.fromkeys(("rate_low_per_day", "rate_high_per_day"), np.nan)
        tables[name] = tables[name].assign(rate_per_day=0.0, **flat)
    found = growth_charts(content(tables))
    assert "0.00" in texts(found["rates"])
    assert "Of 12 the interval holds 0 or is unknown" in found["forest-dataset-1"].caption


def test_no_mouse_no_chart() -> None:
    """Empty tables give no chart, and no error."""
    tables = {name: rows[:0] for name, rows in trial_tables().items()}
    assert growth_charts(content(tables, arms={})) == {}


def test_names_that_no_svg_may_hold_are_drawn() -> None:
    """Markup, other alphabets, control characters and very long names break nothing."""
    tables = trial_tables()
    odd = {CONTROL: "<b>κ</b> & $x_1$", DRUG: "データ\x07" + 60 * "long "}
    for name in ("scans", "mice", "curves", "rates", "changes", "survival", "arms"):
        tables[name] = tables[name].assign(arm=tables[name]["arm"].map(odd))
    for chart in growth_charts(content(tables)).values():
        ElementTree.fromstring(chart.svg)


def test_forty_mice_in_one_arm_fit() -> None:
    """The forest and the swimmers grow with the mice; the waterfall goes on in another row."""
    tables = trial_tables()
    many = [
        tables["mice"].assign(mouse=[f"{letter}{mouse}" for mouse in tables["mice"]["mouse"]]) for letter in "ABCDEFGHI"
    ]
    tables["mice"] = pd.concat(many, ignore_index=True).assign(arm=CONTROL)
    tables["survival"] = table("survival")
    found = growth_charts(content(tables))
    assert len(parts(found["waterfall"], "bar")) == 90
    assert any("continued" in text for text in texts(found["waterfall"]))
    assert len(parts(found["swimmer-dataset-1"], "swimmer")) == 108
    assert found["waterfall"].dataset == ""
    assert found["swimmer-dataset-1"].dataset == DATASET
