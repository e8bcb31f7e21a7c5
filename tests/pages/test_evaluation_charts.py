import math
import re

import pandas as pd
import pytest

from murinoma.pages.evaluation_charts import slugs, source_charts, verdict_chart
from tests.pages.evaluation_cases import evaluated, evaluation_tables, scan_table, verdict_table


def test_the_verdict_of_every_source_is_drawn_beside_its_margins() -> None:
    """Two sources: four margins, eight points; the numbers are those of both tables, in order."""
    drawn = verdict_chart([evaluated(), evaluated(name="other")])
    assert len(re.findall(r'id="margin-', drawn.chart.svg)) == 4
    assert drawn.chart.svg.count('id="value"') == drawn.chart.svg.count('id="bounds"') == 8
    assert list(drawn.table["source"]) == ["net"] * 4 + ["other"] * 4
    assert list(drawn.table["value"][:4]) == list(verdict_table()["value"])


def test_a_condition_without_a_value_says_so() -> None:
    """Neither a point nor bounds are made up."""
    table = verdict_table(dice={"value": math.nan, "low": math.nan, "high": math.nan})
    svg = verdict_chart([evaluated(tables=evaluation_tables() | {"verdict": table})]).chart.svg
    assert svg.count('id="value"') == svg.count('id="bounds"') == 3
    assert "no value" in svg


def test_the_same_evaluation_gives_the_same_bytes() -> None:
    """Nothing in a chart depends on when it is drawn."""
    first, second = ([verdict_chart([evaluated()]), *source_charts(evaluated(), "net")] for _ in range(2))
    assert [one.chart.svg for one in first] == [one.chart.svg for one in second]


def test_each_source_has_its_dice_and_its_limits_of_agreement() -> None:
    """The first has the source with each annotator, and these with one another; a third comes with expected Dice."""
    dice, limits = source_charts(evaluated(), "net")
    assert (dice.chart.name, limits.chart.name) == ("evaluation-net-dice", "evaluation-net-limits")
    assert list(dice.table)[3:] == ["dice_net_A", "dice_net_B", "dice_A_B"]
    assert "net vs. A" in dice.chart.svg
    assert list(limits.table)[4:] == ["volume_cm3_A", "volume_cm3_B", "volume_cm3_annotators’ mean", "volume_cm3_net"]
    assert "net / annotators’ m" in limits.chart.svg


def test_the_expected_dice_is_drawn_against_the_one_found() -> None:
    """Expected 0.8 and 0.7 for 0.85 and 0.5: off by 0.125 on average."""
    expected = scan_table()[["dataset", "mouse", "time", "dice_annotators"]].assign(expected_dice=[0.8, 0.7])
    *_, drawn = source_charts(evaluated(expected=expected), "net")
    assert drawn.chart.name == "evaluation-net-expected"
    assert "0.125" in drawn.chart.description
    assert drawn.chart.svg.count('id="points"') == 1


def test_a_source_that_found_nothing_has_no_chart_of_volumes() -> None:
    """Every volume is 0, and no ratio is there."""
    tables = evaluation_tables()
    tables["tumors"] = tables["tumors"].assign(volume_cm3_source=0.0)
    tables["scans"] = tables["scans"].assign(dice_annotators=math.nan)
    assert list(source_charts(evaluated(tables=tables), "net")) == []


@pytest.mark.parametrize("names", [["a.b", "a-b"], ["Ä", "Ö"], ["net+1", "net 1", "NET_1"]])
def test_words_for_files_are_plain_and_differ(names: list[str]) -> None:
    """Whatever sources are called."""
    found = slugs(names)
    assert len(set(found.values())) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", word) for word in found.values())


def test_charts_need_no_more_than_their_tables() -> None:
    """A dataset with one scan makes a chart."""
    tables = evaluation_tables()
    tables |= {name: tables[name].head(1) for name in ("scans", "tumors")}
    assert isinstance(tables["scans"], pd.DataFrame)
    assert len(list(source_charts(evaluated(tables=tables), "net"))) == 2
