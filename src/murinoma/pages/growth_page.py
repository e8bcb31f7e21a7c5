"""The growth page: one self-contained HTML page that begins with the answer of the study.

What is asked for, in reading order: the answer, welfare, growth, the arms compared, response, time to event, what
measurement explains, every mouse, the next study, what was planned and done, the methods, and everything to take away.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from murinoma.pages.downloads import Download, carried
from murinoma.pages.growth_answer import answer_sentences, known_treatment, welfare_sentences
from murinoma.pages.growth_charts import growth_charts
from murinoma.pages.growth_content import GrowthChart, GrowthContent, Table, datasets_of, readable
from murinoma.pages.growth_mice_views import (
    expected_view,
    flow_view,
    jumps_view,
    mice_views,
    plan_view,
    welfare_view,
)
from murinoma.pages.growth_views import (
    arms_view,
    medians_view,
    power_view,
    rates_view,
    response_views,
    sources_view,
    trimmed,
)
from murinoma.pages.sections import page_environment

__all__ = ["GrowthChart", "GrowthContent", "growth_charts", "render_growth"]

MOST_CARRIED_BYTES = 8_000_000
FOLDED_FROM = 4  # datasets; the figures of fewer lie open
FIGURES = "figures"  # folder beside the page


@dataclass(frozen=True)
class _Link:
    """A file beside the page: what it is, its name, and its address, escaped."""

    title: str
    name: str
    address: str


def render_growth(content: GrowthContent, charts: Mapping[str, GrowthChart]) -> str:
    """Return the whole page; the same values give the same text.

    Parameters
    ----------
    content
        What is shown; its `files` are linked, and the tables among them lie in the page.
    charts
        As `growth_charts` returns them for the same content.
    """
    shown = replace(content, tables=readable(content.tables))
    tables = shown.tables
    return (
        page_environment()
        .get_template("growth.html.j2")
        .render(
            content=shown,
            answer=answer_sentences(tables),
            unknown=known_treatment(tables),
            alarms=welfare_sentences(tables, content.limits_mm3),
            parts=_parts(charts),
            by_dataset=_by_dataset(charts, datasets_of(shown)),
            folded=len(datasets_of(shown)) >= FOLDED_FROM,
            downloads=_figure_files(charts.values()),
            tables=list(_table_files(content)),
            links=list(_links(content)),
            **_views(shown),
        )
    )


def _views(content: GrowthContent) -> dict[str, Any]:
    tables = content.tables
    views = {
        "rates": rates_view(content) if len(tables["rates"]) else None,
        "arms": arms_view(content) if len(tables["arms"]) else None,
        "medians": medians_view(content) if len(tables["medians"]) else None,
        "power": power_view(content),
        "sources": sources_view(content),
        "welfare": welfare_view(content),
        "expected": expected_view(content),
        "jumps": jumps_view(content),
        "plan": plan_view(content),
        "flow": flow_view(content),
    }
    several = {"responses": response_views(content), "mice": mice_views(content)}
    return {name: trimmed(view) for name, view in views.items()} | {
        name: [trimmed(view) for view in found] for name, found in several.items()
    }


def _parts(charts: Mapping[str, GrowthChart]) -> dict[str, list[GrowthChart]]:
    """Return by section the charts that are of all datasets, and of the sections that show every dataset openly."""
    found: dict[str, list[GrowthChart]] = {"growth": [], "arms": [], "response": [], "survival": [], "precision": []}
    for chart in charts.values():
        if not chart.dataset or chart.section in ("arms", "survival"):
            found[chart.section].append(chart)
    return found


def _by_dataset(charts: Mapping[str, GrowthChart], datasets: Sequence[str]) -> dict[str, dict[str, list[GrowthChart]]]:
    """Return the charts of one dataset each, by section and dataset."""
    found: dict[str, dict[str, list[GrowthChart]]] = {}
    for section in ("growth", "response"):
        for dataset in datasets:
            mine = [one for one in charts.values() if (one.section, one.dataset) == (section, dataset)]
            if mine:
                found.setdefault(section, {})[dataset] = mine
    return found


def _figure_files(charts: Iterator[GrowthChart] | Any) -> dict[str, list[Download]]:
    """Return for every chart its numbers and its picture, as files that the page carries."""
    files = [file for chart in charts for file in _two_files(chart)]
    found: dict[str, list[Download]] = {}
    for file in carried(files, MOST_CARRIED_BYTES):
        found.setdefault(file.name.rpartition(".")[0], []).append(file)
    return found


def _two_files(chart: GrowthChart) -> Iterator[tuple[str, str, str, bytes]]:
    for kind, content in (("csv", _csv(chart.table)), ("svg", chart.svg.encode())):
        name = f"{chart.name}.{kind}"
        yield chart.title, name, f"{FIGURES}/{name}", content


def _csv(table: Table) -> bytes:
    return table.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode()


def _table_files(content: GrowthContent) -> Iterator[Download]:
    """Yield the tables among the files, carried by the page."""
    for title, path in content.files:
        stem, _, kind = path.rpartition(".")
        if kind == "csv" and stem in content.tables:
            yield from carried([(title, path, path, _csv(content.tables[stem]))], MOST_CARRIED_BYTES)


def _links(content: GrowthContent) -> Iterator[_Link]:
    """Yield the files that lie beside the page only; figures stand below each chart."""
    for title, path in content.files:
        stem, _, kind = path.rpartition(".")
        if not path.startswith(f"{FIGURES}/") and not (kind == "csv" and stem in content.tables):
            yield _Link(title, path, quote(path))
