"""What all parts of the growth page share: tables read back, names, and how arms look."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.pages.growth_axes import TimeScale, volume_range
from murinoma.pages.growth_content import arm_look, arms_of, readable, slugs
from tests.pages.growth_study import content, mice, trial_tables


def test_tables_read_back_are_as_they_were() -> None:
    """Empty cells become empty texts, words become truths; numbers stay."""
    table = pd.DataFrame({"arm": [np.nan, "A"], "jump": ["True", "False"], "day": [0.0, np.nan]})
    read = readable({"t": table})["t"]
    assert read["arm"].tolist() == ["", "A"]
    assert read["jump"].tolist() == [True, False]
    assert np.isnan(read["day"][1])
    assert table["arm"].isna()[0]  # the input stays


def test_mice_without_an_arm_stand_last() -> None:
    """They are shown beside the arms, not lost."""
    tables = trial_tables()
    tables["mice"] = mice().assign(arm=["", *mice()["arm"][1:]])
    assert arms_of(content(tables, arms={"Dataset 1": ("control",)}), "Dataset 1")[-1] == ""


def test_no_two_arms_look_alike() -> None:
    """Of twelve arms each has its own line and marker, so they are told apart without colour."""
    arms = [f"arm {number}" for number in range(12)]
    looks = [arm_look(number, arms) for number in range(12)]
    assert all((a["linestyle"], a["marker"]) != (b["linestyle"], b["marker"]) for a, b in combinations(looks, 2))


@given(st.lists(st.text(max_size=12), unique=True, max_size=8))
def test_every_dataset_has_a_word_of_its_own(names: list[str]) -> None:
    """A word that is safe as a file name and as an id, and no two alike."""
    found = slugs(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert all(word and set(word) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for word in found.values())


@pytest.mark.parametrize(("last", "label", "words"), [(1.0, "Time (h)", "24 h"), (21.0, "Time (d)", "21 d")])
def test_short_studies_are_told_in_hours(last: float, label: str, words: str) -> None:
    """Up to three days hours, then days; the ticks begin at 0 and stay on the axis."""
    scale = TimeScale(last)
    assert (scale.label, scale.words(last)) == (label, words)
    assert scale.ticks()[0] == 0
    assert max(scale.ticks()) <= scale.shown(last) * 1.01


def test_the_volume_axis_holds_all_volumes_and_survives_none() -> None:
    """Zeros have no place on a logarithmic axis; without any volume there still is one."""
    low, high = volume_range(np.array([0.0, np.nan, 50.0, 5000.0]))
    assert 0 < low < 50
    assert high > 5000
    assert volume_range(np.array([np.nan])) == (10.0, 1000.0)
