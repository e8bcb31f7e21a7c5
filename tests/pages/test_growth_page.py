"""The growth page: the answer first, every mouse on it, nothing loaded from elsewhere, and what it carries is true."""

import base64
import io
import re
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from murinoma.pages.growth_page import growth_charts, render_growth
from tests.pages.growth_study import DRUG, compared, content, empty, table, trial_tables, unknown_tables
from tests.pages.test_report import Page


def page_of(tables: dict[str, pd.DataFrame] | None = None) -> str:
    """Return the page of the made study, with tables that a test changes."""
    shown = content(tables)
    return render_growth(shown, growth_charts(shown))


@pytest.fixture(scope="module")
def page() -> str:
    """Return the page of the made study."""
    return page_of()


def test_the_answer_stands_before_everything_else(page: str) -> None:
    """The first sentence after the title says what the drug did; names are escaped."""
    after = page[page.index("</h1>") : page.index("<nav")]
    assert "slowed tumor growth against control" in after
    assert "drug &lt;A&gt; &amp; b" in after
    assert DRUG not in page
    assert "1 scan" not in after  # no burden of the made study is over a limit


def test_a_burden_over_the_limit_is_shouted_on_the_first_screen() -> None:
    """Before the navigation, with the way to the scans."""
    tables = trial_tables()
    tables["scans"] = tables["scans"].assign(volume_mm3=[2100.0, *tables["scans"]["volume_mm3"][1:]])
    page = page_of(tables)
    assert "1 scan of 1 mouse is over 2,000 mm³." in page[: page.index("<nav")]


def test_every_mouse_has_a_row_with_what_is_known(page: str) -> None:
    """Twelve rows; a death, a missing baseline and jumps stand in the notes."""
    rows = Page(page).tables["Dataset 1: every mouse."]
    found = {row[0]: row for row in rows[1:]}
    assert len(found) == 12
    assert "died on day 10 (ulcer)" in found["M03"][-1]
    assert "no baseline" in found["M08"][-1]
    assert "2 implausible jumps" in found["M10"][-1]
    assert found["M08"][7] == "–"
    assert "+700 %, mPD" in found["M01"]
    assert "−100 %, mCR" in found["M09"]
    assert "0 to 4 d" in found["M01"]
    assert "not reached" in found["M12"]


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    """No script, no address that a browser would follow by itself, and a policy that forbids all of it."""
    read = Page(page)
    assert "script" not in read.tags
    assert "default-src 'none'" in page
    outside = [address for address in read.addresses if not address.startswith(("#", "data:", "prism/"))]
    assert outside == []
    assert not re.search(r"url\((?!#)", page)


def test_every_link_inside_the_page_arrives(page: str) -> None:
    """Each place that is pointed to exists once; no id stands twice."""
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {address[1:] for address in Page(page).addresses if address.startswith("#")} <= set(ids)


def test_figures_carry_their_numbers(page: str) -> None:
    """The CSV below the forest, decoded, is the table of mice; the SVG is the picture itself."""
    links = dict(re.findall(r'<a href="data:[^;]+;(?:charset=utf-8;)?base64,([^"]+)" download="([^"]+)"', page))
    named = {name: base64.b64decode(text) for text, name in links.items()}
    rates = pd.read_csv(io.BytesIO(named["forest-dataset-1.csv"]))
    assert rates["rate_per_day"].to_numpy() == pytest.approx([np.log(2) / 4] * 6 + [0] * 6)
    assert named["waterfall.svg"].startswith(b"<?xml")
    assert len(pd.read_csv(io.BytesIO(named["mice.csv"]))) == 12


def test_files_beside_the_page_are_linked_by_their_names(page: str) -> None:
    """A blank in a name is escaped; figures are offered below each chart and not a second time."""
    addresses = [unquote(address) for address in Page(page).addresses]
    assert "prism/Dataset 1.csv" in addresses
    assert 'href="prism/Dataset%201.csv"' in page
    assert "figures/rates.svg" not in addresses


def test_arms_are_compared_with_intervals(page: str) -> None:
    """One row for the treated arm, and on which day, by which rule."""
    _, row = Page(page).tables["Arms against control."]
    assert row[:2] == [DRUG, "6 / 6"]
    assert row[2].startswith("−0.173")
    assert row[3] == "< 0.0001"
    assert "Day 8: last day with all mice of both arms." in page


def test_a_deviation_from_the_plan_is_marked(page: str) -> None:
    """Planned day 12, done on day 8."""
    (_, row) = Page(page).tables["Planned and done."]
    assert row == ["day of the comparison", "12", "8", "no", "a mouse died"]
    assert '<td class="alarm">no</td>' in page


def test_without_a_plan_that_is_said() -> None:
    """A result without a plan is to be confirmed."""
    assert "there is no plan.toml" in page_of(trial_tables() | {"plan": empty("plan")})


def test_a_model_that_did_not_converge_is_not_reported() -> None:
    """No number of it on the page."""
    arms = table(
        "arms", compared(mixed_converged=False, mixed_note="did not converge", mixed_difference_per_day=-0.987)
    )
    page = page_of(trial_tables() | {"arms": arms})
    assert "not reported" in page
    assert "0.987" not in re.sub(r'"data:[^"]+"', "", page)


def test_a_study_of_unknown_treatment_says_so() -> None:
    """In the answer, in the heading, in the table of mice; no section about arms."""
    page = page_of(unknown_tables())
    assert "whether a drug works cannot be told" in page[: page.index("<nav")]
    assert "Growth: treatment unknown" in page
    assert 'id="arms"' not in page


def test_empty_tables_make_a_page() -> None:
    """Nothing measured: a page that says so, and no chart."""
    tables = {name: rows[:0] for name, rows in trial_tables().items()}
    shown = content(tables, arms={})
    page = render_growth(shown, growth_charts(shown))
    assert "No mouse has a growth rate" in page
    assert "<svg" not in page


def test_the_same_values_give_the_same_page(page: str) -> None:
    """Byte for byte."""
    assert page_of() == page
