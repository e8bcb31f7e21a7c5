"""A part of the report that stands for itself: its place in the navigation, its HTML, its figures and their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from murinoma.pages.cells import NOTHING, fixed
from murinoma.pages.report_charts import Chart

if TYPE_CHECKING:
    from jinja2 import Environment


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the report.

    Attributes
    ----------
    anchor
        Id of its heading, a plain word; other ids inside begin with it.
    title
        Of the link to it.
    html
        One whole ``section`` element, which loads nothing from elsewhere.
    answer
        What it finds, in one sentence, for the top of the page; may be empty.
    charts
        Its figures; each becomes a file beside the page. Their names begin with the anchor.
    tables
        Name of a file -> title and table: the numbers of a chart have the chart's name.
    """

    anchor: str
    title: str
    html: str
    answer: str = ""
    charts: Sequence[Chart] = ()
    tables: Mapping[str, tuple[str, pd.DataFrame]] = field(default_factory=dict)


def page_environment() -> "Environment":
    """Return what renders the templates of the report and of its sections."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["fixed"] = fixed
    environment.globals["nothing"] = NOTHING
    return environment


def render_section(template: str, **values: Any) -> str:
    """Return the HTML of a section from its template and the values that it shows."""
    return page_environment().get_template(template).render(**values)
