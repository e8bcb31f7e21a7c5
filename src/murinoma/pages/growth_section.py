"""The growth of the tumors as a part of the study's report: the answer, one chart, one table, the way to all of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from murinoma.pages.growth_answer import answer_sentences, known_treatment, welfare_sentences
from murinoma.pages.growth_content import GrowthContent, Table, datasets_of, readable
from murinoma.pages.growth_curves import arms_chart, overview_chart, spaghetti_chart
from murinoma.pages.growth_views import arms_view, rates_view, trimmed
from murinoma.pages.report_charts import Chart
from murinoma.pages.sections import Section, render_section

ANCHOR = "growth"
NEEDED = ("mice", "scans", "rates", "curves", "changes", "arms", "plan")


@dataclass(frozen=True, eq=False)
class _Shown:
    """The chart of the section, and the numbers that it shows."""

    chart: Chart
    table: Table


def growth_section(
    tables: Mapping[str, pd.DataFrame], *, page: str = "", limits_mm3: tuple[float, float] = (1500.0, 2000.0)
) -> Section | None:
    """Return the part of the report about growth; None if ``growth/`` holds no mice.

    Parameters
    ----------
    tables
        The tables of ``growth/`` by the name of their file, as read back.
    page
        Address of the growth page, seen from the report; empty: no link.
    limits_mm3
        The burdens that are flagged and shouted.
    """
    known = readable(tables)
    if any(name not in known for name in NEEDED) or known["mice"].empty or known["scans"].empty:
        return None
    content = _content(known, limits_mm3)
    answer = answer_sentences(known)
    shown = _chart(content)
    html = render_section(
        "growth_section.html.j2",
        answer=answer,
        unknown=known_treatment(known),
        alarms=welfare_sentences(known, limits_mm3),
        chart=shown.chart,
        rates=trimmed(rates_view(content)) if len(known["rates"]) else None,
        arms=trimmed(arms_view(content)) if len(known["arms"]) else None,
        page=page,
    )
    numbers = {shown.chart.name: (f"Numbers of the chart of growth: {shown.chart.title}", shown.table)}
    return Section(ANCHOR, "Growth", html, answer[0], (shown.chart,), numbers)


def _content(tables: dict[str, Table], limits_mm3: tuple[float, float]) -> GrowthContent:
    """Return what charts and tables need; what is not in the files is not shown in this section."""
    mice, compared = tables["mice"], tables["arms"]
    controls = dict(zip(compared["dataset"], compared["control"], strict=True)) if len(compared) else {}
    arms = {}
    for dataset, rows in mice.groupby("dataset", sort=False):
        names = [name for name in dict.fromkeys(rows["arm"]) if name]
        arms[str(dataset)] = tuple(sorted(names, key=lambda name: name != controls.get(dataset)))
    nothing = (float("nan"), float("nan"))
    return GrowthContent("", "", "", tables, arms, "", 2.0, limits_mm3, nothing, "", (), (), (), ())


def _chart(content: GrowthContent) -> _Shown:
    """Return the arms compared if there is one dataset with arms; every mouse of one without; else all side by side."""
    datasets = datasets_of(content)
    scans = content.tables["scans"]
    if len(datasets) > 1:
        title = f"Burden of every mouse of the {len(datasets)} datasets, mm³, on one logarithmic axis."
        return _Shown(Chart(f"{ANCHOR}-overview", title, title, overview_chart(content)), scans)
    dataset = datasets[0]
    if len(content.arms[dataset]) > 1 and len(content.tables["curves"]):
        title = "The arms compared: geometric mean burden, and relative to the baseline, with 95 % intervals over mice."
        return _Shown(Chart(f"{ANCHOR}-arms", title, title, arms_chart(content, dataset)), content.tables["curves"])
    title = f"Burden of every mouse of {dataset} and the geometric mean with its 95 % interval over mice."
    return _Shown(Chart(f"{ANCHOR}-mice", title, title, spaghetti_chart(content, dataset)), scans)
