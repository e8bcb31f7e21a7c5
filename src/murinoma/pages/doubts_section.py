"""What another program is unsure of, in the report: its probabilities, or masks it sampled, against the annotators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import Cell, Row, TableView, fixed, mean_and_std
from murinoma.pages.chart_svg import COLOURS, INK, MARKERS, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.report_charts import Chart
from murinoma.pages.sections import Section, render_section

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEASURES = {"brier": 4, "calibration_error": 4, "energy_distance": 3}
HEAD = ["Source", "Scored", "Brier score", "Calibration error", "Energy distance", "Scans, n"]
MAX_LINES = 6
NOTES = (
    "Mean ± standard deviation over scans; the smaller the better. Brier score: mean squared difference of probability "
    "and share of the annotators’ votes, in the voxels near what is marked or probable. Calibration error: mean "
    "difference of the two within bins of probability. Generalised energy distance: 0 where sampled masks scatter as "
    "the annotators do.",
)


@dataclass(frozen=True, eq=False)
class Doubts:
    """What a source's probabilities, or masks it sampled, are worth.

    Attributes
    ----------
    scored
        ``probabilities`` or ``samples``.
    scans
        A row per scan: ``brier, calibration_error``, of samples also ``energy_distance``.
    reliability
        A row per bin over all scans: ``low, high, n_voxels, probability, share``.
    """

    name: str
    scored: str
    scans: pd.DataFrame
    reliability: pd.DataFrame


def doubts_section(doubts: Sequence[Doubts]) -> Section:
    """Return how well the doubts of sources fit those among the annotators."""
    reliability = pd.concat([one.reliability.assign(source=one.name) for one in doubts], ignore_index=True)
    title = "Share of the votes against probability."
    words = "For each bin of probability the mean share of annotators who marked the voxel, a line per source."
    chart = Chart("probabilities-reliability", title, words, _reliability_chart(doubts))
    html = render_section("doubts.html.j2", scores=doubts_view(doubts), chart=chart)
    tables = {chart.name: (f"The numbers of: {title.rstrip('.')}", reliability)}
    return Section("probabilities", "Probabilities", html, charts=[chart], tables=tables)


def doubts_view(doubts: Sequence[Doubts]) -> TableView:
    """Return the scores of every source, means over scans."""
    rows = [Row(one.name, [Cell(one.scored), *_score_cells(one.scans), Cell(str(len(one.scans)))]) for one in doubts]
    gap = "that was not scored, or one scan has no standard deviation"
    return TableView("Doubts against the annotators’ votes.", HEAD, rows, NOTES, gap=gap)


def _score_cells(scans: pd.DataFrame) -> list[Cell]:
    found: Mapping[str, pd.Series] = {name: scans[name] for name in MEASURES if name in scans}
    return [
        Cell(mean_and_std(found[name].mean(), found[name].std(), digits) if name in found else fixed(np.nan, digits))
        for name, digits in MEASURES.items()
    ]


def _reliability_chart(doubts: Sequence[Doubts]) -> str:
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(0.55 * WIDTH_INCHES, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.7, gid="equal")
        for place, one in enumerate(doubts[:MAX_LINES]):
            _draw_reliability(axes, one, place)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
        axes.set(xlabel="Probability of tumor", ylabel="Share of annotators who marked it")
        axes.grid()
        figure.legend(loc="outside upper center", ncols=3)
        more = [f"Shown are the first {MAX_LINES} of {len(doubts)} sources."] if len(doubts) > MAX_LINES else []
        explain(figure, ["Mark: the voxels of a bin, over all scans. Thin line: perfect calibration.", *more])
        return svg_text(figure)


def _draw_reliability(axes: "Axes", one: Doubts, place: int) -> None:
    known = one.reliability.dropna(subset=["probability", "share"])
    look: dict[str, Any] = {
        "color": COLOURS[place % len(COLOURS)],
        "marker": MARKERS[place],
        "markersize": 4.5,
        "linewidth": 1.2,
    }
    axes.plot(known["probability"], known["share"], label=one.name, gid=f"bins-{place}", **look)
