"""Growth as a part of the study's report: short, true, and absent where there is nothing."""

import numpy as np
import pandas as pd

from murinoma.pages.growth_section import growth_section
from tests.pages.growth_study import DRUG, empty, trial_tables, unknown_tables
from tests.pages.test_report import Page


def read_back(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return tables as they come out of CSV: empty texts are NaN."""
    return {name: rows.replace("", np.nan) for name, rows in tables.items()}


def test_the_section_says_the_answer_and_shows_one_chart() -> None:
    """The arms compared, the table of arms, the way to the whole page; its numbers go with it."""
    section = growth_section(read_back(trial_tables()), page="../growth/index.html")
    assert section is not None
    assert section.answer.startswith(f"{DRUG} slowed tumor growth")
    assert [chart.name for chart in section.charts] == ["growth-arms"]
    assert len(section.tables["growth-arms"][1]) == 8
    read = Page(section.html)
    assert "Arms against control." in read.tables
    assert "../growth/index.html" in read.addresses
    assert read.tags.count("section") == 1


def test_without_arms_the_growth_itself_is_shown() -> None:
    """Every mouse behind the mean, and how fast tumors grow; unknown is said to be unknown."""
    section = growth_section(read_back(unknown_tables()))
    assert section is not None
    assert [chart.name for chart in section.charts] == ["growth-mice"]
    assert "Growth: treatment unknown" in section.html
    assert "Growth of every dataset, treatment unknown." in Page(section.html).tables


def test_the_control_stands_first_whatever_the_order_of_mice() -> None:
    """The grey line is the control's."""
    tables = trial_tables()
    tables["mice"] = tables["mice"][::-1].reset_index(drop=True)
    section = growth_section(tables)
    assert section is not None
    assert section.charts[0].svg.index(">control<") < section.charts[0].svg.index("drug &lt;A&gt;")


def test_nothing_measured_is_no_section() -> None:
    """No mice, or a table that is not there."""
    assert growth_section({}) is None
    assert growth_section(trial_tables() | {"mice": trial_tables()["mice"][:0]}) is None
    assert growth_section({name: rows for name, rows in trial_tables().items() if name != "curves"}) is None
    assert growth_section(trial_tables() | {"curves": empty("curves")}) is not None
