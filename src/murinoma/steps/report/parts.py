"""What can be taken out of the page: every table and figure as a file beside it, and in it where there is room."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from murinoma.files.atomic import write_text
from murinoma.files.tables import table_text, write_table, write_workbook
from murinoma.pages.downloads import Download, carried
from murinoma.pages.figures import view_svg
from murinoma.pages.report import ScanPicture
from murinoma.pages.report_charts import Chart
from murinoma.pages.report_tables import ReportTables
from murinoma.pages.sections import Section
from murinoma.settings import ReportSettings
from murinoma.study import Study

TITLES = {
    "table1": "Table 1",
    "table2": "Table 2",
    "table3": "Table 3, and what it holds beyond the paper’s",
    "table4": "Table 4",
    "scans": "Every scan",
    "tumors": "Every tumor",
    "intervals": "Intervals of the means",
    "volume_agreement": "Limits of agreement and ICC",
    "size_trend": "Volume differences and size",
    "size_curve": "The trend against size",
    "performance": "Annotators against the consensus, every scan",
    "findings": "Findings",
}


@dataclass(frozen=True, eq=False)
class Figures:
    """What the page draws: the charts of agreement, pictures of typical scans, and the sections with theirs."""

    charts: Mapping[str, Chart]
    pictures: Sequence[ScanPicture] = ()
    sections: Sequence[Section] = ()

    @property
    def all_charts(self) -> list[Chart]:
        """Every chart, in reading order."""
        return [*self.charts.values(), *(chart for section in self.sections for chart in section.charts)]


def write_parts(study: Study, tables: ReportTables, figures: Figures, settings: ReportSettings) -> list[Download]:
    """Write the workbook, Table 2 and the figures into the folder of the step, and return all downloads.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder = study.step_folder("report")
    shown = _tables(tables)
    write_table(tables.table2, folder / "table2.csv")
    write_workbook(shown, folder / "tables.xlsx")
    for chart in figures.all_charts:
        write_text(folder / "figures" / f"{chart.name}.svg", chart.svg)
    for picture in figures.pictures:
        write_text(folder / "figures" / f"{_figure1_name(picture)}.svg", view_svg(picture.view))
    for section in figures.sections:
        for name, (_, table) in section.tables.items():
            write_table(table, folder / "figures" / f"{name}.csv")
    return carried(_files(shown, figures, folder), settings.carried_bytes)


def _tables(tables: ReportTables) -> dict[str, pd.DataFrame]:
    """Return the tables that are there, by name."""
    found = {"intervals": tables.intervals.table} | {
        name: getattr(tables, name) for name in TITLES if name != "intervals"
    }
    return {name: table for name in TITLES if (table := found[name]) is not None}


def _figure1_name(picture: ScanPicture) -> str:
    return f"figure-1-{picture.dataset}-{picture.scan}".replace(" ", "-").lower()


def _files(tables: Mapping[str, pd.DataFrame], figures: Figures, folder: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Yield (title, name, place, content): the workbook, the tables, the figures, the numbers of sections."""
    yield "All tables, a sheet each", "tables.xlsx", "tables.xlsx", (folder / "tables.xlsx").read_bytes()
    for name, table in tables.items():
        yield TITLES[name], f"{name}.csv", f"{name}.csv", table_text(table).encode("utf-8")
    for chart in figures.all_charts:
        yield chart.title.rstrip("."), f"{chart.name}.svg", f"figures/{chart.name}.svg", chart.svg.encode("utf-8")
    for section in figures.sections:
        for name, (title, table) in section.tables.items():
            yield title, f"{name}.csv", f"figures/{name}.csv", table_text(table).encode("utf-8")
