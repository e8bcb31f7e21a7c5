"""Changes between neighbouring scans against the time between them: what measurement alone explains, and what jumps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from murinoma.pages.cells import MINUS, fixed
from murinoma.pages.chart_labels import SMALL_PT, cut, free_places, short_names
from murinoma.pages.chart_svg import COLOURS, INK, PAPER, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.growth_content import GrowthContent, Table, datasets_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCENTS = (-90, -75, -50, -25, 0, 33, 100, 300, 900)
HOURS = (1, 2, 3, 6, 12, 24, 48, 72, 96, 168, 336, 672, 1344)
MOST_NAMES = 25


def neighbour_changes(content: GrowthContent) -> Table:
    """Return the changes from a scan to the next that have a ratio."""
    changes = content.tables["changes"]
    if changes.empty:
        return changes
    return changes[(changes["kind"] == "neighbours") & np.isfinite(changes["log_change"].astype(float))]


def changes_chart(content: GrowthContent) -> str:
    """Return every change from a scan to the next against the hours between them as SVG; jumps are named."""
    from matplotlib.figure import Figure

    changes = neighbour_changes(content)
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 3.9), layout="constrained")
        axes = figure.subplots()
        _set_axes(axes, changes)
        low, high = np.log1p(np.array(content.detectable))
        axes.axhspan(low, high, facecolor=COLOURS[0], alpha=0.18, edgecolor="none", gid="detectable")
        axes.axhline(0, color=INK, linewidth=0.7)
        jumps = changes["jump"].to_numpy(bool)
        _points(axes, changes[~jumps], "o", 3.2, COLOURS[0])
        _points(axes, changes[jumps], "D", 5.5, COLOURS[1])
        _name_jumps(figure, axes, changes[jumps], datasets_of(content))
        explain(figure, _reading(content, changes))
        return svg_text(figure)


def _set_axes(axes: "Axes", changes: Table) -> None:
    hours, logs = (changes[name].to_numpy(np.float64) for name in ("hours_apart", "log_change"))
    axes.set_xscale("log")
    axes.set_xlim(0.75 * hours.min(), 1.4 * hours.max())
    shown = [hour for hour in HOURS if hours.min() <= hour * 1.01 and hour <= 1.01 * hours.max()]
    axes.set_xticks(shown, [f"{hour} h" if hour < 48 else f"{hour // 24} d" for hour in shown])
    axes.minorticks_off()
    far = max(0.45, 1.1 * float(np.abs(logs).max()))
    axes.set_ylim(-far, far)
    ticks = [percent for percent in PERCENTS if abs(np.log1p(percent / 100)) <= far]
    axes.set_yticks(
        np.log1p(np.array(ticks) / 100), [f"{tick:+d}".replace("-", MINUS) if tick else "0" for tick in ticks]
    )
    axes.set(xlabel="Time between the two scans (logarithmic)", ylabel="Change of burden (%)")
    axes.grid()


def _points(axes: "Axes", changes: Table, marker: str, size: float, colour: str) -> None:
    look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markersize": size, "markerfacecolor": colour}
    edge: dict[str, Any] = {"markeredgecolor": INK if marker == "D" else "none", "markeredgewidth": 0.7}
    axes.plot(changes["hours_apart"], changes["log_change"], alpha=0.75, **look, **edge)


def _name_jumps(figure: "Figure", axes: "Axes", jumps: Table, datasets: list[str]) -> None:
    """Write the names of the largest jumps where nothing else is."""
    largest = jumps.reindex(jumps["robust_z"].abs().sort_values(ascending=False, kind="stable").index)[:MOST_NAMES]
    if largest.empty:
        return
    short = dict(zip(datasets, short_names(datasets), strict=True)) if len(datasets) > 1 else {}
    names = [
        cut(" ".join(filter(None, (short.get(row["dataset"], ""), row["mouse"]))), 16)
        for row in largest.to_dict("records")
    ]
    places = largest[["hours_apart", "log_change"]].to_numpy(np.float64)
    figure.draw_without_rendering()  # the place of the axes is known only now
    points_pt = axes.transData.transform(places) * 72 / figure.dpi
    area_pt = axes.get_window_extent().get_points() * 72 / figure.dpi
    for name, place, offset in zip(names, places, free_places(points_pt, names, area_pt), strict=True):
        look: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3.5, "fontsize": SMALL_PT}
        look["bbox"] = {"facecolor": PAPER, "alpha": 0.75, "edgecolor": "none", "pad": 0.4}
        text = axes.annotate(name, tuple(place), tuple(offset), textcoords="offset points", **look)
        text.set_in_layout(False)


def _reading(content: GrowthContent, changes: Table) -> Iterator[str]:
    fall, rise = (100 * share for share in content.detectable)
    yield (
        "Point: a change from one scan to the mouse's next. "
        f"Band: {fixed(fall, 0)} to +{fixed(rise, 0)} %, what measurement alone may do in 19 of 20 cases."
    )
    jumps = int(changes["jump"].sum())
    if jumps:
        named = f"the {MOST_NAMES} largest are named" if jumps > MOST_NAMES else "with their mice"
        number = ", after the number of their dataset" if len(datasets_of(content)) > 1 else ""
        yield f"Diamonds: implausible jumps, {named}{number}."
