"""Write everything that growth found: tables, one workbook, tables for Prism, figures, the methods and the page."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murinoma.files.atomic import write_text
from murinoma.files.tables import write_table, write_workbook
from murinoma.files.versioned import write_versioned
from murinoma.pages.growth_content import GrowthContent
from murinoma.pages.growth_page import growth_charts, render_growth
from murinoma.steps.growth.cohort import Cohort

Table = pd.DataFrame
Tables = Mapping[str, Table]
SUMMARY_FORMAT = "murinoma.growth/1"
TITLES = {
    "mice": "Every mouse",
    "rates": "Growth of every dataset and arm",
    "arms": "Arms against the control",
    "curves": "Curves of the arms",
    "response": "Classes of response",
    "survival": "Time to event",
    "medians": "Median time to event",
    "welfare": "Burdens over the limits",
    "expected": "When the limit is expected",
    "changes": "Every change",
    "scans": "Every scan",
    "tumors": "Every tumor",
    "models": "Growth laws",
    "mixed": "The mixed model",
    "power": "Mice for the next study",
    "sources": "Sources compared",
    "plan": "Planned and done",
    "flow": "Where the mice went",
    "events": "Events",
    "notices": "What is odd",
}


def write_tables(tables: Tables, folder: Path) -> None:
    """Write every table as CSV, and all of them as one workbook.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    for name in TITLES:
        write_table(tables[name], folder / f"{name}.csv")
    write_workbook({TITLES[name]: tables[name] for name in TITLES}, folder / "growth.xlsx")


def prism_tables(cohort: Cohort) -> dict[str, Table]:
    """Return by dataset a table for Prism: a row per day, a column per mouse, the mice of an arm side by side."""
    found = {}
    for dataset, arms in cohort.arms.items():
        mice = [one for one in cohort.courses if one.mouse[0] == dataset]
        order = [one for arm in (*arms, "") for one in mice if one.arm == arm]
        columns = {f"{one.arm} {one.mouse[1]}".strip(): pd.Series(one.volumes_mm3, index=one.days) for one in order}
        wide = Table(columns).sort_index()
        wide.index.name = "days"
        found[dataset] = wide.reset_index()
    return found


def write_prism(cohort: Cohort, folder: Path) -> None:
    """Write the tables for Prism.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    for dataset, table in prism_tables(cohort).items():
        write_table(table, folder / "prism" / f"{_file_name(dataset)}.csv")


def _file_name(dataset: str) -> str:
    return "".join(sign if sign.isalnum() or sign in " _-." else "_" for sign in dataset).strip(" .") or "dataset"


def write_page(content: GrowthContent, datasets: list[str], folder: Path) -> Path:
    """Write the figures, each with its table, the methods, what is in short, and the page; return the page's path.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    charts = growth_charts(content)
    for chart in charts.values():
        write_text(folder / "figures" / f"{chart.name}.svg", chart.svg)
        write_table(chart.table, folder / "figures" / f"{chart.name}.csv")
    write_text(folder / "methods.md", methods_text(content))
    write_versioned(_summary(content), folder / "summary.json", kind=SUMMARY_FORMAT)
    files = [*_files(datasets), *((chart.title, f"figures/{chart.name}.svg") for chart in charts.values())]
    path = folder / "index.html"
    write_text(path, render_growth(_with_files(content, files), charts))
    return path


def _summary(content: GrowthContent) -> dict[str, Any]:
    """Return what stands in no table, for other programs and for the report."""
    fall, rise = content.detectable
    return {
        "title": content.title,
        "source": content.source,
        "control": content.control,
        "multiple": content.multiple,
        "limits_mm3": list(content.limits_mm3),
        "detectable_fall": fall,
        "detectable_rise": rise,
        "detectable_from": content.detectable_from,
        "figures": dict(content.figures),
    }


def _with_files(content: GrowthContent, files: list[tuple[str, str]]) -> GrowthContent:
    return replace(content, files=tuple(files))


def _files(datasets: list[str]) -> Iterator[tuple[str, str]]:
    yield "All tables, a sheet each", "growth.xlsx"
    yield from ((title, f"{name}.csv") for name, title in TITLES.items())
    yield from ((f"{dataset} for Prism", f"prism/{_file_name(dataset)}.csv") for dataset in datasets)
    yield "The methods as they were done", "methods.md"


def methods_text(content: GrowthContent) -> str:
    """Return the methods as they were done, for a paper."""
    lines = [f"# Growth: methods as they were done ({content.title}, murinoma {content.version})", ""]
    lines += [f"**{what}.** {said}\n" for what, said in content.methods]
    if content.notices:
        lines += ["## What is odd", "", *(f"- {said}" for said in content.notices), ""]
    return "\n".join(lines)


def shares(changes: Table) -> tuple[int, int]:
    """Return how many changes within a day there are between neighbouring scans, and how many are beyond detection."""
    near = changes[(changes["kind"] == "neighbours") & (changes["hours_apart"] <= 24)]
    return len(near), int(np.sum(near["beyond_detectable"].astype(bool)))
