"""The paper's Figure 2: Dice, volume difference and RMSE as boxes, per dataset and pair of annotators.

As in the paper the middle line is the median, the ends of a box are the quartiles, whiskers reach to the last value
within 1.5 interquartile ranges of the box, and dots are the values beyond. Fewer than five values make no box: each
is a dot, and a line is their median. Beyond six pairs the boxes show each annotator against all others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.pages.chart_labels import LETTER_PT, cut, folded
from murinoma.pages.chart_svg import COLOURS, HATCHES, INK, PAPER, WIDTH_INCHES, drawing, explain, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PAIRS = 6
MIN_BOX = 5  # values; the quartiles of fewer say nothing
WHISKER = 1.5  # interquartile ranges
MAX_BOXES, MAX_DATASETS = 36, 12  # side by side; more datasets go into another row
SLOT, MAX_BOX_SHARE = 0.8, 0.3  # of the room of a dataset: all its boxes, and one
PANEL_INCHES = 2.3
LINE_PT = 9.6
ALONE = COLOURS[-1]  # of boxes that are of all annotators together

Values = npt.NDArray[np.float64]
Series = Mapping[str, pd.Series]


@dataclass(frozen=True, eq=False)
class _Panel:
    """What one panel shows: legend entry -> values, row by row as `datasets`; `counted` names what a value is of."""

    label: str
    series: Series
    datasets: pd.Series
    counted: str
    note: str = ""
    zero_line: bool = False

    def values(self, name: str, dataset: str) -> Values:
        """Return the values of one box."""
        values: Values = self.series[name][self.datasets.astype(str) == dataset].to_numpy(np.float64)
        return values[np.isfinite(values)]

    def count(self, dataset: str) -> str:
        """Return how many values the boxes of a dataset hold, ``n = 40–43`` where they differ."""
        counts = [len(self.values(name, dataset)) for name in self.series] or [0]
        return f"n = {min(counts)}" if min(counts) == max(counts) else f"n = {min(counts)}–{max(counts)}"


def dice_chart(scans: pd.DataFrame, annotators: Sequence[str]) -> str:
    """Return Figure 2a as SVG: Dice of each pair of annotators, per dataset; a value is one scan.

    Parameters
    ----------
    scans
        ``agreement/scans.csv``.
    annotators
        All annotators of the study, in the order of the table's columns.
    """
    pairs = list(combinations(annotators, 2))
    series = {f"{a} vs. {b}": scans[f"dice_{a}_{b}"] for a, b in pairs}
    if len(pairs) > MAX_PAIRS:
        series = {
            _against(name): scans[[f"dice_{a}_{b}" for a, b in pairs if name in (a, b)]].mean(axis=1)
            for name in annotators
        }
    label = "Dice" if len(pairs) <= MAX_PAIRS else "Mean Dice with the others"
    return _box_chart([_Panel(label, series, scans["dataset"], "scans")])


def difference_chart(tumors: pd.DataFrame, annotators: Sequence[str]) -> str:
    """Return Figure 2b as SVG: volume of the first minus the second annotator, in cm3 and in percent.

    Percent are of the mean of all annotators, as in Table 3; the paper does not say of what. A tumor that someone
    missed has volume 0 there. A value is one tumor in one scan.

    Parameters
    ----------
    tumors
        ``agreement/tumors.csv``.
    annotators
        As `dice_chart`.
    """
    volumes = tumors[[f"volume_cm3_{name}" for name in annotators]].set_axis(list(annotators), axis=1)
    pairs = list(combinations(annotators, 2))
    series = {f"{a} vs. {b}": volumes[a] - volumes[b] for a, b in pairs}
    if len(pairs) > MAX_PAIRS:
        series = {_against(name): volumes[name] - volumes.drop(columns=name).mean(axis=1) for name in annotators}
    mean = tumors["volume_cm3_mean"].where(tumors["volume_cm3_mean"] > 0)
    percent = {name: 100 * values / mean for name, values in series.items()}
    what = "first minus second annotator" if len(pairs) <= MAX_PAIRS else "annotator minus mean of the others"
    note = f"Volume difference: {what}; percent are of the mean of all annotators."
    rest = (tumors["dataset"], "tumors", note, True)
    return _box_chart(
        [_Panel("Volume difference (cm³)", series, *rest), _Panel("Volume difference (%)", percent, *rest)]
    )


def rmse_chart(tumors: pd.DataFrame) -> str:
    """Return Figure 2c as SVG: how far the annotators' volumes lie from their mean, in cm3 and in percent of it.

    Parameters
    ----------
    tumors
        ``agreement/tumors.csv``; a value is one tumor in one scan.
    """
    panels = (("Volume RMSE (cm³)", "rmse_cm3"), ("Volume RMSE (%)", "rmse_percent"))
    return _box_chart([_Panel(label, {"": tumors[name]}, tumors["dataset"], "tumors") for label, name in panels])


def _against(name: str) -> str:
    return f"{name} vs. the others"


def _box_chart(panels: Sequence[_Panel]) -> str:
    """Return the panels below one another, each in as many rows as its datasets need."""
    from matplotlib.figure import Figure

    rows = _rows([str(name) for name in panels[0].datasets.unique()], len(panels[0].series))
    count = max(1, len(rows[0]))
    boxes = count * max(1, len(panels[0].series))
    width = min(WIDTH_INCHES, max(4.2, 0.9 + 0.2 * boxes, 0.9 + 0.62 * count))
    with drawing():
        figure = Figure(figsize=(width, 0.5 + PANEL_INCHES * len(rows) * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels) * len(rows), 1, squeeze=False)[:, 0]
        slot_pt = 72 * (width - 0.9) / count
        for at, panel in enumerate(panels):
            mine = axes[at * len(rows) : (at + 1) * len(rows)]
            for place, (single, datasets) in enumerate(zip(mine, rows, strict=True)):
                _draw_boxes(single, panel, datasets, f"{at}-{place}")
                _label_datasets(single, panel, datasets, (slot_pt, count))
            _share_range(mine)
        _explain(figure, panels)
        return svg_text(figure)


def _rows(datasets: Sequence[str], series: int) -> list[Sequence[str]]:
    """Return the datasets in rows of about the same length, each short enough to be read."""
    most = max(1, min(MAX_DATASETS, MAX_BOXES // max(1, series)))
    count = max(1, -(-len(datasets) // most))
    length = max(1, -(-len(datasets) // count))
    return [datasets[start : start + length] for start in range(0, len(datasets), length)] or [[]]


def _draw_boxes(axes: "Axes", panel: _Panel, datasets: Sequence[str], gid: str) -> None:
    """Draw the boxes of one row; their parts have ids such as ``medians-PANEL-ROW-SERIES-BOX``."""
    width = min(MAX_BOX_SHARE, SLOT / max(1, len(panel.series)))
    for number, name in enumerate(panel.series):
        shift = (number + 0.5 - len(panel.series) / 2) * width
        filled = [(place + shift, panel.values(name, dataset)) for place, dataset in enumerate(datasets)]
        filled = [(place, values) for place, values in filled if len(values)]
        drawn = axes.bxp(
            [_box(values) for _, values in filled],
            positions=[place for place, _ in filled],
            widths=0.86 * width,
            patch_artist=True,
            showcaps=False,
            manage_ticks=False,
            **_look(name, number),
        )
        for part, artists in drawn.items():
            for box, artist in enumerate(artists):
                artist.set_gid(f"{part}-{gid}-{number}-{box}")
    axes.grid(axis="y")
    if panel.zero_line:
        axes.axhline(0, color=INK, linewidth=0.7, zorder=1)


def _box(values: Values) -> dict[str, Any]:
    """Return what one box shows."""
    from matplotlib.cbook import boxplot_stats

    box: dict[str, Any] = boxplot_stats(values, whis=WHISKER)[0]
    if len(values) < MIN_BOX:
        box |= dict.fromkeys(("q1", "q3", "whislo", "whishi"), box["med"]) | {"fliers": values}
    return box


def _look(name: str, number: int) -> dict[str, Any]:
    """Return how the boxes of a series look; the median has a border, or it would drown in the hatch."""
    from matplotlib.patheffects import Normal, Stroke

    colour, hatch = COLOURS[number % len(COLOURS)], HATCHES[number % len(HATCHES)]
    if not name:
        colour, hatch = ALONE, ""
    border = [Stroke(linewidth=3.0, foreground=PAPER), Normal()]
    return {
        "boxprops": {"facecolor": colour, "edgecolor": INK, "hatch": hatch, "linewidth": 0.7},
        "whiskerprops": {"color": INK, "linewidth": 0.7},
        "medianprops": {"color": INK, "linewidth": 1.4, "solid_capstyle": "butt", "path_effects": border},
        "flierprops": {
            "marker": "o",
            "markersize": 2.2,
            "markerfacecolor": colour,
            "markeredgecolor": "none",
            "zorder": 4,
        },
    }


def _label_datasets(axes: "Axes", panel: _Panel, datasets: Sequence[str], slot: tuple[float, int]) -> None:
    """Write each dataset and its n below its boxes; a shorter last row keeps the width of the others' boxes."""
    width_pt, count = slot
    names = folded(datasets, width_pt)
    below = max(map(len, names), default=0)
    for place, (dataset, lines) in enumerate(zip(datasets, names, strict=True)):
        for line, text in [*enumerate(lines), (below, panel.count(dataset))]:
            axes.annotate(
                text,
                (place, 0),
                (0, -4 - LINE_PT * line),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                ha="center",
                va="top",
                annotation_clip=False,
            )
    axes.set_xticks([])
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylabel(panel.label)
    for edge in range(1, len(datasets)):
        axes.axvline(edge - 0.5, color=INK, alpha=0.15, linewidth=0.6)


def _share_range(axes: npt.NDArray[Any]) -> None:
    """Give the rows of one panel the same range, so that boxes compare across them."""
    ranges = np.array([single.get_ylim() for single in axes])
    for single in axes:
        single.set_ylim(ranges[:, 0].min(), ranges[:, 1].max())


def _explain(figure: "Figure", panels: Sequence[_Panel]) -> None:
    """Write the legend of the pairs on top, and below how to read the boxes."""
    from matplotlib.patches import Patch

    names = list(panels[0].series)
    labels = [cut(name) + ("" if panels[0].series[name].notna().any() else " (no values)") for name in names]
    if names and names != [""]:
        looks = [_look(name, number)["boxprops"] for number, name in enumerate(names)]
        handles = [Patch(label=label, **look) for label, look in zip(labels, looks, strict=True)]
        fitting = int(figure.get_figwidth() * 72 / (36 + LETTER_PT * max(map(len, labels))))
        figure.legend(
            handles=handles,
            loc="outside upper center",
            ncols=min(6, max(1, fitting)),
            handleheight=1.1,
            handlelength=2.4,
        )
    explain(figure, _reading(panels[0]))


def _reading(panel: _Panel) -> Iterator[str]:
    order = "; boxes stand in the order of the legend" if len(panel.series) > 1 else ""
    yield f"n: {panel.counted}{order}."
    yield from [panel.note] if panel.note else []
    yield "Middle line: median; box: quartiles; whiskers: 1.5 interquartile ranges; dots: beyond."
    counts = [
        len(panel.values(name, dataset)) for name in panel.series for dataset in map(str, panel.datasets.unique())
    ]
    if any(0 < count < MIN_BOX for count in counts):
        yield f"Fewer than {MIN_BOX} values: each is a dot, the line is their median."
