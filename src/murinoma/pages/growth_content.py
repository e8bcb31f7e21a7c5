"""What the growth page is made of: the values it takes, and its charts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from murinoma.pages.chart_svg import COLOURS, MARKERS, for_page

Table = pd.DataFrame
Tables = Mapping[str, Table]
UNKNOWN = "treatment unknown"
NO_ARM = "no arm"
LONG_DAYS = 3.0  # followed for less, a dataset says little about growth
_TEXT_COLUMNS = """
dataset mouse time arm treatment control doubling mrecist recist reason end death_reason exchange_with identity welfare
group tc_note tgi_note test_note logrank_note mixed_note day_rule note name model parameters effect source level event
unit item planned done agrees remark stage place sentence kind from_time to_time rate_method scheme category
"""
_TRUTH_COLUMNS = """
after_dropout censored beyond_detectable jump evaluable chosen converged mixed_converged last_scan
"""
TEXTS, TRUTHS = frozenset(_TEXT_COLUMNS.split()), frozenset(_TRUTH_COLUMNS.split())
_LINE_STYLES: Sequence[Any] = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 3)))


@dataclass(frozen=True, eq=False)
class GrowthContent:
    """Everything that the page shows.

    Attributes
    ----------
    title
        Of the study, or the name of the file.
    source
        Whose volumes these are.
    version
        Of murinoma.
    tables
        The tables of the step by the name of their file: ``scans``, ``mice``, ``curves``, ...
    arms
        By dataset its arms in reading order, the control first; empty where the treatment is unknown.
    control
        Name of the control arm; empty if none is named.
    multiple
        How many fold the volume must become in the time to event.
    limits_mm3
        The burdens that are flagged and shouted.
    detectable
        The smallest fall and rise that measurement alone does not explain, as shares, and where they come from.
    figures
        (name, value) of the key figures.
    methods
        (what, how it was done).
    notices
        Sentences about what is odd.
    files
        (title, path beside the page) of everything written.
    """

    title: str
    source: str
    version: str
    tables: Tables
    arms: Mapping[str, tuple[str, ...]]
    control: str
    multiple: float
    limits_mm3: tuple[float, float]
    detectable: tuple[float, float]
    detectable_from: str
    figures: Sequence[tuple[str, str]]
    methods: Sequence[tuple[str, str]]
    notices: Sequence[str]
    files: Sequence[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class GrowthChart:
    """A chart with the numbers that it shows.

    `name` is a word for the page and the files, `section` the part of the page where it stands, `dataset` the one it
    is of (empty: of all). `caption` says what is seen, with n and units; `description` is for those who cannot see it.
    """

    name: str
    title: str
    caption: str
    description: str
    svg: str
    table: Table
    section: str
    dataset: str = ""

    @property
    def inline(self) -> str:
        """The chart as an element of the page, in the page's colours."""
        return for_page(self.svg, prefix=self.name, title=self.title, description=self.description)


def readable(tables: Tables) -> dict[str, Table]:
    """Return the tables with texts as texts (empty where there is none) and truths as truths, read back or not."""
    return {name: _readable(table) for name, table in tables.items()}


def _readable(table: Table) -> Table:
    texts = {name: table[name].astype(object).fillna("").astype(str) for name in table if name in TEXTS}
    truths = {name: table[name].astype(str).str.lower().isin(["true", "1", "1.0"]) for name in table if name in TRUTHS}
    return table.assign(**texts, **truths)


def rows_of(table: Table, dataset: str, arm: str | None = None) -> Table:
    """Return the rows of a dataset, or of one of its arms; none of an empty table."""
    if table.empty:
        return table
    wanted = table["dataset"] == dataset
    return table[wanted] if arm is None else table[wanted & (table["arm"] == arm)]


def arms_of(content: GrowthContent, dataset: str) -> tuple[str, ...]:
    """Return the arms of a dataset, the control first; an empty name stands for mice without an arm."""
    named = tuple(content.arms.get(dataset, ()))
    left = set(rows_of(content.tables["mice"], dataset)["arm"]) - set(named)
    return (*named, *sorted(left - {""}), *([""] if "" in left else []))


def arm_name(arm: str, arms: Iterable[str]) -> str:
    """Return what an arm is called for people; mice without one may stand beside arms, or alone."""
    return arm or (NO_ARM if any(arms) else UNKNOWN)


def arm_look(number: int, arms: Sequence[str]) -> dict[str, Any]:
    """Return how the line of an arm looks; the control, first of several, is grey, and no two share line and marker."""
    several = len(arms) > 1
    colour = COLOURS[-1] if several and number == 0 else COLOURS[(number - several) % (len(COLOURS) - 1)]
    style = _LINE_STYLES[number % len(_LINE_STYLES)]
    return {"color": colour, "linestyle": style, "marker": MARKERS[number % len(MARKERS)]}


def datasets_of(content: GrowthContent) -> list[str]:
    """Return the datasets in the order of the table of mice."""
    return list(dict.fromkeys(content.tables["mice"]["dataset"]))


def slugs(names: Sequence[str]) -> dict[str, str]:
    """Return a plain word for each name, no two alike.

    Examples
    --------
    >>> slugs(["Dataset 2", "dataset-2", "データ"])
    {'Dataset 2': 'dataset-2', 'dataset-2': 'dataset-2-2', 'データ': 'set-3'}
    """
    found: dict[str, str] = {}
    for number, name in enumerate(names, 1):
        word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"set-{number}"
        found[name] = word if word not in found.values() else f"{word}-{number}"
    return found


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 mouse`` or ``2 mice``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
