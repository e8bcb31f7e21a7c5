from dataclasses import replace

import pandas as pd
import pytest
from jinja2 import UndefinedError

from murinoma.pages.report import MadeWith, ReportContent, render_report
from murinoma.pages.sections import Section, render_section
from tests.pages.test_report import FACTS, tables_of

QUEUE = "review.html.j2"


def test_a_section_stands_in_the_page_with_its_link_and_its_answer() -> None:
    """After the worst scans and before the methods, in the order given; without an answer nothing stands at the top."""
    first = Section("one", "One", '<section aria-labelledby="one"><h2 id="one">1</h2></section>', "It is <1>.")
    second = replace(first, anchor="two", title="Two", html='<section><h2 id="two">2</h2></section>', answer="")
    page = render_report(ReportContent(FACTS, tables_of(), MadeWith("1"), sections=[first, second]))
    places = [page.index(f'<h2 id="{name}">') for name in ("worst", "one", "two", "methods")]
    assert places == sorted(places)
    assert '<li><a href="#two">Two</a></li>' in page
    assert '<a href="#one">One</a>: It is &lt;1&gt;.' in page
    assert '<a href="#two">Two</a>:' not in page


def test_a_template_gets_what_macros_need_and_nothing_unknown() -> None:
    """A value that nobody gave is an error, never an empty place."""
    with pytest.raises(UndefinedError):
        render_section(QUEUE, told=1, scans=1)


def test_a_section_holds_charts_and_numbers_of_its_own() -> None:
    """None by default; two sections share nothing."""
    one, two = (Section(name, name, "") for name in ("a", "b"))
    assert (list(one.charts), dict(one.tables)) == ([], {})
    assert one.tables is not two.tables
    assert isinstance(replace(one, tables={"x": ("X", pd.DataFrame())}).tables["x"][1], pd.DataFrame)
