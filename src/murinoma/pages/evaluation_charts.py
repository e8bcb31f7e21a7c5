"""The charts of the evaluation: the four conditions, Dice by dataset, limits of agreement, expected and found Dice."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import fixed
from murinoma.pages.chart_labels import SMALL_PT, cut
from murinoma.pages.chart_svg import COLOURS, INK, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.charts import MAX_PAIRS, dice_chart
from murinoma.pages.evaluation_content import SourceEvaluation
from murinoma.pages.report_charts import Chart
from murinoma.pages.volume_charts import limits_chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MEAN = "annotators’ mean"
PANELS = (
    ("dice", "Dice, minus the\nannotators’", 1.0),
    ("volume", "Volume, divided by\nthe annotators’", 1.0),
    ("false positives", "False lesions\nper scan", 1.0),
    ("recall", "Tumors found\n(%)", 100.0),
)
ENDS = {"dice": (-0.06, 0.02), "volume": (0.9, 1.1), "false positives": (0.0, 0.15), "recall": (88.0, 100.0)}
MANY_POINTS = 150
ROOM = 0.015  # beyond a Dice of 1, so that no point is cut
KEY = ["dataset", "mouse", "time"]
Tables = dict[str, tuple[str, pd.DataFrame]]


@dataclass(frozen=True, eq=False)
class Drawn:
    """A chart and its numbers."""

    chart: Chart
    table: pd.DataFrame


def verdict_chart(sources: Sequence[SourceEvaluation]) -> Drawn:
    """Return the four figures of every source with their bounds; where they must lie is shaded."""
    from matplotlib.figure import Figure

    table = pd.concat([source.tables["verdict"].assign(source=source.name) for source in sources], ignore_index=True)
    names = [source.name for source in sources]
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 1.25 + 0.3 * len(names)), layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (criterion, label, scale) in zip(panels, PANELS, strict=True):
            _draw_condition(axes, table[table["criterion"] == criterion], names, (criterion, label, scale))
        panels[0].set_yticks(range(len(names)), [cut(name, 20) for name in names])
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        explain(figure, ["Point: measured. Line: its bounds. Shaded: where the deciding bound must lie."])
        svg = svg_text(figure)
    title = "The four conditions of the verdict."
    words = f"For {', '.join(names)}: each figure with its bounds beside its margin. The table has the numbers."
    columns = ["source", *(name for name in table if name != "source")]
    return Drawn(Chart("evaluation-verdict", title, words, svg), table[columns])


def _draw_condition(axes: "Axes", rows: pd.DataFrame, names: Sequence[str], panel: tuple[str, str, float]) -> None:
    criterion, label, scale = panel
    known = rows.set_index("source")[["value", "low", "high"]].to_dict("index")
    least, most = (scale * rows[side].dropna().max() for side in ("least", "most"))
    shown = scale * rows[["value", "low", "high"]].to_numpy(np.float64)
    low, high = _range(shown, ENDS[criterion])
    floor, ceiling = (0.0 if criterion == "false positives" else low), (100.0 if criterion == "recall" else high)
    axes.axvspan(
        floor if np.isnan(least) else max(least, low),
        ceiling if np.isnan(most) else min(most, high),
        facecolor=COLOURS[2],
        alpha=0.2,
        edgecolor="none",
        gid=f"margin-{criterion.split()[0]}",
    )
    for place, name in enumerate(names):
        value, bottom, top = (scale * float(known[name][column]) for column in ("value", "low", "high"))
        if np.isfinite(bottom) and np.isfinite(top):
            axes.plot([max(bottom, low), min(top, high)], [place, place], color=INK, linewidth=1.2, gid="bounds")
        if np.isfinite(value):
            axes.plot([value], [place], "o", color=COLOURS[0], markersize=4.5, gid="value")
        else:
            axes.annotate("no value", (0.5, place), xycoords=axes.get_yaxis_transform(), ha="center", va="center")
    axes.set_xlim(low, high)
    axes.set_xlabel(label)
    axes.tick_params(axis="x", labelsize=SMALL_PT)
    axes.locator_params(axis="x", nbins=4)
    axes.grid(axis="x")


def _range(shown: Any, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of an axis: what a margin needs, and all that is drawn."""
    known = shown[np.isfinite(shown)]
    low, high = min([ends[0], *known]), max([ends[1], *known])
    room = 0.06 * (high - low)
    return low - room, high + room


def source_charts(source: SourceEvaluation, slug: str) -> Iterator[Drawn]:
    """Yield the charts of one source; `slug` is a word that names it in files and ids."""
    if source.tables["scans"]["dice_annotators"].notna().any():
        yield _dice(source, f"evaluation-{slug}-dice")
    if (source.tables["tumors"]["volume_cm3_source"] > 0).any():
        yield _limits(source, f"evaluation-{slug}-limits")
    if len(source.expected):
        yield _expected(source, f"evaluation-{slug}-expected")


def _dice(source: SourceEvaluation, name: str) -> Drawn:
    own = source.name
    scans = source.tables["scans"].rename(columns={f"dice_{one}": f"dice_{own}_{one}" for one in source.annotators})
    everyone = [own, *source.annotators]
    many = len(everyone) * (len(everyone) - 1) // 2 > MAX_PAIRS
    whom = "each annotator, and the source, with all others" if many else "each pair"
    chart = Chart(
        name,
        f"Figure 2a with {own} as a further annotator.",
        f"Boxes of the Dice of {whom}, one value per judged scan, by dataset. Table 4 has the means.",
        dice_chart(scans, everyone),
    )
    columns = [f"dice_{a}_{b}" for a, b in combinations(everyone, 2)]
    return Drawn(chart, scans[[*KEY, *columns]])


def _limits(source: SourceEvaluation, name: str) -> Drawn:
    volumes = {f"volume_cm3_{one}": f"volume_cm3_{one}" for one in source.annotators}
    tumors = source.tables["tumors"][[*KEY, "tumor", *volumes, "volume_cm3_mean", "volume_cm3_source"]].rename(
        columns={"volume_cm3_mean": f"volume_cm3_{MEAN}", "volume_cm3_source": f"volume_cm3_{source.name}"}
    )
    against = source.tables["volume_agreement"]
    pairs = against.assign(a=source.name, b=against["against"].replace("annotators", MEAN))
    chart = Chart(
        name,
        f"Limits of agreement of the volumes: {source.name} against the annotators.",
        f"The ratio of the volumes of {source.name} and each annotator against their mean, one point per tumor and "
        "scan, with the mean ratio and the limits that hold 95 percent. The table has the numbers.",
        limits_chart(tumors, pairs),
    )
    return Drawn(chart, tumors)


def _expected(source: SourceEvaluation, name: str) -> Drawn:
    from matplotlib.figure import Figure

    table = source.expected
    with drawing():
        figure = Figure(figsize=(0.55 * WIDTH_INCHES, 3.6), layout="constrained")
        axes = figure.subplots()
        expected, found = (table[column].to_numpy(np.float64) for column in ("expected_dice", "dice_annotators"))
        low = min(0.95, np.floor(10 * min(expected.min(), found.min())) / 10)
        look: dict[str, Any] = {"markersize": 3, "markerfacecolor": COLOURS[0], "markeredgecolor": "none"}
        axes.plot([low, 1], [low, 1], color=INK, linewidth=0.7, gid="equal")
        alpha = 0.9 if len(table) < MANY_POINTS else 0.65
        axes.plot(expected, found, linestyle="none", marker="o", alpha=alpha, gid="points", **look)
        axes.set(xlim=(low - ROOM, 1 + ROOM), ylim=(low - ROOM, 1 + ROOM), aspect="equal")
        axes.set(xlabel="Expected Dice", ylabel="Found: mean Dice with the annotators")
        axes.grid()
        explain(figure, ["Point: a scan. Line: as expected."])
        svg = svg_text(figure)
    error = fixed(np.abs(expected - found).mean(), 3)
    words = f"Found against expected Dice, one point per scan, {len(table)} scans; they differ by {error} on average."
    chart = Chart(name, f"Expected against found Dice: {source.name}.", words, svg)
    return Drawn(chart, table)


def slugs(names: Sequence[str]) -> Mapping[str, str]:
    """Return a word for each source that can stand in a file name and an id, all different.

    Examples
    --------
    >>> slugs(["Net 1", "net-1", "D"])
    {'Net 1': 'net-1', 'net-1': 'net-1-2', 'D': 'd'}
    """
    found: dict[str, str] = {}
    for place, name in enumerate(names, start=1):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or f"source-{place}"
        found[name] = f"{slug}-{place}" if slug in found.values() else slug
    return found
