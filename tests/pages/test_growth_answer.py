"""The answer of a study in plain sentences: what is known has its numbers, what is not is said to be unknown."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.pages.growth_answer import answer_sentences, p_words, welfare_sentences
from murinoma.pages.growth_content import readable
from tests.pages.growth_study import DRUG, compared, empty, table, trial_tables, unknown_tables


def answer(**tables: pd.DataFrame) -> list[str]:
    """Return the answer of the made study with some of its tables changed."""
    return answer_sentences(readable(trial_tables() | tables))


def test_one_arm_that_works_is_one_sentence_with_its_numbers() -> None:
    """The effect, its interval, p, the mice, and T/C and TGI on their day."""
    (said,) = answer()
    assert said.startswith(f"{DRUG} slowed tumor growth against control: the growth rates differ by −0.173 per day")
    assert "95 % interval −0.200 to −0.146" in said
    assert "p < 0.0001, 6 and 6 mice" in said
    assert "On day 8 T/C is 0.25 (0.20 to 0.32), TGI 100 (90 to 110) %." in said


def test_an_effect_that_the_test_does_not_show_cannot_be_told() -> None:
    """A p of 0.3 is no proof of no effect, and not called one."""
    (said,) = answer(arms=table("arms", compared(p_holm=0.3, difference_low_per_day=-0.3, difference_high_per_day=0.1)))
    assert said.startswith(f"Whether {DRUG} changes tumor growth against control cannot be told")
    assert "p = 0.30" in said


def test_a_drug_that_harms_is_said_to_speed_growth_up() -> None:
    """A difference above 0 is the wrong direction."""
    (said,) = answer(arms=table("arms", compared(difference_per_day=0.1)))
    assert "sped up tumor growth" in said


def test_without_a_test_the_reason_is_given() -> None:
    """An arm of one mouse has no test."""
    row = compared(p_holm=np.nan, test_note="one mouse in the arm", day=np.nan, n_arm=1)
    assert answer(arms=table("arms", row)) == [
        f"Whether {DRUG} changes tumor growth cannot be told: one mouse in the arm."
    ]


def test_several_arms_begin_with_a_headline() -> None:
    """First which arms worked and of which it cannot be told, then the numbers of each."""
    arms = table(
        "arms", compared(), compared(arm="B", p_holm=0.2), compared(arm="C", p_holm=np.nan, test_note="too few")
    )
    said = answer(arms=arms)
    first = f"{DRUG} slowed tumor growth against control; whether B and C changed tumor growth cannot be told."
    assert said[0] == first
    assert [line.split(":")[0] for line in said[1:]] == [DRUG, "B", "C"]
    assert "too few" in said[3]


def test_the_level_of_the_plan_decides() -> None:
    """A p of 0.03 is an effect at 0.05 and none at 0.01."""
    arms = table("arms", compared(p_holm=0.03))
    strict = table("plan", {"item": "level of the test", "planned": "0.01", "done": "0.01", "agrees": "yes"})
    assert "slowed" in answer(arms=arms)[0]
    assert "cannot be told" in answer(arms=arms, plan=strict)[0]


def test_without_treatments_no_drug_is_judged() -> None:
    """The first sentence says that the treatment is unknown; how fast tumors grow is still said."""
    said = answer_sentences(readable(unknown_tables()))
    assert said[0] == "The treatment of the mice is unknown, so whether a drug works cannot be told."
    assert "4.0 d (3.5 to 4.6) in Dataset 1 (6 mice)" in said[1]


def test_a_day_of_follow_up_is_too_short_to_speak_of_growth() -> None:
    """However narrow the interval, a dataset followed for a day is not said to double."""
    tables = unknown_tables()
    tables["mice"] = tables["mice"].assign(last_day=1.0)
    said = answer_sentences(readable(tables))
    assert said[1] == "Followed for less than 3 days, too short to speak of growth: Dataset 1."


def test_an_interval_that_holds_0_tells_nothing() -> None:
    """Neither growing nor shrinking."""
    tables = unknown_tables()
    tables["rates"] = tables["rates"].assign(rate_low_per_day=-0.01)
    assert answer_sentences(readable(tables))[1].startswith("Whether tumors grew cannot be told in Dataset 1")


def test_arms_without_a_control_are_not_compared() -> None:
    """Not named a control: said so, not ‘treatment unknown’."""
    assert answer(arms=empty("arms"))[0].startswith("No arm was compared")


def test_one_time_point_has_no_answer() -> None:
    """No rate at all."""
    rates = trial_tables()["rates"].assign(rate_per_day=np.nan)
    assert answer(arms=empty("arms"), rates=rates)[0].startswith("No mouse has a growth rate")


def test_welfare_counts_scans_and_mice_over_each_limit() -> None:
    """The higher limit first; a scan at the limit is not over it."""
    scans = pd.DataFrame({"dataset": "D", "mouse": ["M1", "M1", "M2"], "volume_mm3": [2500.0, 1600.0, 1500.0]})
    said = welfare_sentences({"scans": scans}, (1500.0, 2000.0))
    assert said == ["1 scan of 1 mouse is over 2,000 mm³.", "2 scans of 1 mouse are over 1,500 mm³."]
    assert welfare_sentences({"scans": scans[2:]}, (1500.0, 2000.0)) == []


@given(st.floats(1e-12, 1.0))
def test_p_is_never_printed_as_0(p: float) -> None:
    """A small p is below a bound; a p below the level is not rounded up to it."""
    words = p_words(p)
    assert words == "p < 0.0001" or float(words.removeprefix("p = ")) == pytest.approx(p, abs=0.0051)
    assert words not in ("p = 0.00", "p = 0.0000")
