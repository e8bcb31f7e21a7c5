"""The charts of the report: Figure 2 of the paper, limits of agreement, and agreement against tumor size."""

from collections.abc import Iterator
from dataclasses import dataclass

from murinoma.pages.cells import annotators_of, fixed
from murinoma.pages.chart_svg import for_page
from murinoma.pages.charts import MAX_PAIRS, dice_chart, difference_chart, rmse_chart
from murinoma.pages.report_tables import ReportTables
from murinoma.pages.volume_charts import limits_chart, size_chart


@dataclass(frozen=True)
class Chart:
    """A chart: a word that names it in the page and as a file, its title, what it shows in words, and the SVG."""

    name: str
    title: str
    description: str
    svg: str

    @property
    def inline(self) -> str:
        """The chart as an element of the page, in the page's colours."""
        return for_page(self.svg, prefix=self.name, title=self.title, description=self.description)


def report_charts(tables: ReportTables) -> dict[str, Chart]:
    """Return the charts of a study by name: of volumes only where a tumor was found, limits once they are there."""
    charts = [*_figure2(tables), *([] if tables.tumors.empty else _volume_charts(tables))]
    return {chart.name: chart for chart in charts}


def _figure2(tables: ReportTables) -> Iterator[Chart]:
    scans, tumors, annotators = tables.scans, tables.tumors, annotators_of(tables.tumors)
    many = len(annotators) * (len(annotators) - 1) // 2 > MAX_PAIRS
    whom = "each annotator and the others" if many else "each pair of annotators"
    datasets = f"{len(tables.datasets)} {'dataset' if len(tables.datasets) == 1 else 'datasets'}"
    if scans["dice_mean"].notna().any():
        yield Chart(
            "figure-2a-dice",
            f"Figure 2a. Sørensen-Dice coefficient of {whom}.",
            f"Boxes of the Dice of {whom}, one value per scan, in {datasets}; "
            f"medians are near {fixed(scans['dice_mean'].median(), 2)}. Table 4 has the means.",
            dice_chart(scans, annotators),
        )
    if tumors.empty:
        return
    yield Chart(
        "figure-2b-volume-difference",
        f"Figure 2b. Difference of the volumes of {whom}.",
        f"Boxes of the volume differences in cubic centimetres and in percent, one value per tumor and scan, in "
        f"{datasets}. Table 3 has the means over all datasets.",
        difference_chart(tumors, annotators),
    )
    yield Chart(
        "figure-2c-rmse",
        "Figure 2c. RMSE between each annotator’s volume and the mean of all.",
        f"Boxes of the volume RMSE in cubic centimetres and in percent, one value per tumor and scan, in {datasets}; "
        f"the median is {fixed(tumors['rmse_percent'].median(), 1)} percent.",
        rmse_chart(tumors),
    )


def _volume_charts(tables: ReportTables) -> Iterator[Chart]:
    tumors = tables.tumors
    if tables.volume_agreement is not None:
        pairs = tables.volume_agreement[tables.volume_agreement["a"] != "all"]
        yield Chart(
            "limits-of-agreement",
            "Limits of agreement of the volumes.",
            "For each pair of annotators the ratio of their volumes against their mean, one point per tumor and scan, "
            "with the mean ratio and the limits that hold 95 percent. The table below has the numbers.",
            limits_chart(tumors, pairs),
        )
    yield Chart(
        "agreement-and-size",
        "Agreement against tumor size.",
        "Two panels against tumor volume on a logarithmic axis: the mean Dice of each scan, and the volume difference "
        "of each tumor in percent; larger marks are the means of the datasets.",
        size_chart(tables.scans, tumors, annotators_of(tumors), tables.size_curve),
    )
