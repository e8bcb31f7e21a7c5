import math

from murinoma.pages.evaluation_verdict import sources_view, verdict_view
from tests.pages.evaluation_cases import evaluated, evaluation_tables, texts, verdict_table


def test_each_condition_stands_with_its_bound_beside_its_margin() -> None:
    """One holds, one does not, two cannot be told, of which one says how many mice could."""
    rows = texts(verdict_view(evaluated()))
    assert list(rows.values()) == [
        ["−0.010", "−0.015 to 0.005", "above −0.02", "holds", "12", ""],
        ["1.200", "1.100 to 1.300", "inside 0.95 to 1.05", "does not hold", "12", ""],
        ["0.05", "at most 0.20", "below 0.1", "cannot tell", "12", "about 40"],
        ["97.5\xa0%", "at least 90.0\xa0%", "above 95\xa0%", "cannot tell", "12", "not known"],
    ]


def test_where_a_condition_fails_the_other_end_decides() -> None:
    """Too many false lesions are shown by the lower bound, too few tumors found by the upper one."""
    table = verdict_table(false_positives={"state": "fails", "low": 0.15}, recall={"state": "fails", "high": 0.93})
    rows = texts(verdict_view(evaluated(tables=evaluation_tables() | {"verdict": table})))
    assert rows["False lesions per scan"][1] == "at least 0.15"
    assert rows["Tumors found"][1] == "at most 93.0\xa0%"


def test_too_few_mice_have_a_dash_for_a_bound() -> None:
    """Without intervals nothing is made up."""
    table = verdict_table().assign(low=math.nan, high=math.nan, state="open", mice_needed=math.nan)
    view = verdict_view(evaluated(tables=evaluation_tables() | {"verdict": table}))
    assert {row[1] for row in texts(view).values()} == {"–"}
    assert view.has_gaps


def test_no_table_calls_a_source_better_than_people() -> None:
    """The notes say that agreement is not truth, and what Williams' index is worth."""
    for view in (verdict_view(evaluated()), sources_view([evaluated(), evaluated(name="other")])):
        said = " ".join(view.notes)
        assert "no source is called better than its annotators" in said
    assert "0.940" in " ".join(verdict_view(evaluated()).notes)
    assert "Williams" not in " ".join(verdict_view(evaluated(williams=math.nan)).notes)


def test_several_sources_stand_beside_one_another() -> None:
    """A row each: verdict, the four figures, the index, and who judged on what."""
    rows = texts(sources_view([evaluated(), evaluated(name="other", outcome="cannot tell")]))
    assert rows["net"] == [
        "not within human variability",
        "−0.010",
        "1.200",
        "0.05",
        "97.5\xa0%",
        "0.940",
        "A, B",
        "2 of 2",
    ]
    assert rows["other"][0] == "cannot tell"
