"""Curves of burden against time: every mouse behind its arm's mean, all datasets side by side, arms compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from murinoma.pages.chart_labels import SMALL_PT, cut
from murinoma.pages.chart_svg import INK, PAPER, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.growth_axes import TimeScale, Values, holds, limit_lines, time_axis, volume_axis, volume_range
from murinoma.pages.growth_content import GrowthContent, Table, arm_look, arm_name, arms_of, datasets_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANEL_INCHES = 2.6
SMALL_PANEL_INCHES = 1.75
MAX_COLUMNS, MAX_SMALL = 3, 4
MANY_MICE = 16
DODGE = 0.008  # of the axis between the intervals of neighbouring arms


@dataclass(frozen=True, eq=False)
class _Panel:
    """One arm of one dataset: its scans, its curve, its jumps and deaths."""

    dataset: str
    arm: str
    title: str
    scans: Table
    curve: Table
    jumps: Table
    died: Table
    look: dict[str, Any]


def spaghetti_chart(content: GrowthContent, dataset: str) -> str:
    """Return every mouse of a dataset behind the geometric mean of its arm as SVG, a panel per arm."""
    panels = _panels(content, dataset)
    columns = min(MAX_COLUMNS, len(panels))
    with drawing():
        figure, axes = _grid(len(panels), columns, PANEL_INCHES)
        scale = _time_scale(content, dataset)
        ends = volume_range(np.concatenate([panel.scans["volume_mm3"].to_numpy(np.float64) for panel in panels]))
        for at, (single, panel) in enumerate(zip(axes, panels, strict=False)):
            last_row = at + columns >= len(panels)
            volume_axis(single, ends, label="Burden (mm³)" if at % columns == 0 else "")
            time_axis(single, scale, label=last_row)
            limit_lines(single, content.limits_mm3, named=at % columns == columns - 1 or at == len(panels) - 1)
            _draw_panel(single, panel, scale)
        explain(figure, _reading(panels, content, ends))
        return svg_text(figure)


def overview_chart(content: GrowthContent) -> str:
    """Return all datasets side by side as SVG, all with the same volume axis; short ones are told in hours."""
    rows = _overview_rows(content)
    height = SMALL_PANEL_INCHES * len(rows) + 0.6
    with drawing():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
        most = max(map(len, rows))
        axes = figure.subplots(len(rows), most, squeeze=False)
        ends = volume_range(content.tables["scans"]["volume_mm3"].to_numpy(np.float64))
        for line, row in zip(axes, rows, strict=True):
            _draw_row(line, content, row, ends)
        explain(figure, ["Thin: a mouse. Thick: geometric mean of an arm, or of all mice where there are no arms."])
        return svg_text(figure)


def _draw_row(
    line: Sequence["Axes"], content: GrowthContent, datasets: Sequence[str], ends: tuple[float, float]
) -> None:
    """Draw some datasets side by side on one time axis; places without a dataset stay empty."""
    scale = TimeScale(max(_time_scale(content, dataset).last_day for dataset in datasets))
    for at, (single, dataset) in enumerate(zip(line, datasets, strict=False)):
        volume_axis(single, ends, label="Burden (mm³)" if at == 0 else "")
        time_axis(single, scale, most=5)
        if at:
            single.tick_params(axis="y", labelleft=False)
        limit_lines(single, content.limits_mm3, named=at == len(line) - 1)
        _draw_small(single, content, dataset, scale)
    for unused in line[len(datasets) :]:
        unused.set_axis_off()


def arms_chart(content: GrowthContent, dataset: str) -> str:
    """Return the curves of the arms in one picture as SVG: burden left, relative to the baseline right."""
    from matplotlib.figure import Figure

    arms = [arm for arm in arms_of(content, dataset) if arm]
    curves = rows_of(content.tables["curves"], dataset)
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 3.5 + 0.16 * (len(arms) // 4)), layout="constrained")
        scale = _time_scale(content, dataset)
        names = (("mean_mm3", "low_mm3", "high_mm3"), ("relative", "relative_low", "relative_high"))
        labels = ("Burden, geometric mean (mm³)", "Burden / baseline, geometric mean")
        for single, columns, label in zip(figure.subplots(1, 2), names, labels, strict=True):
            volume_axis(
                single, volume_range(curves[list(columns)].to_numpy(np.float64).ravel(), seen_from=0.0), label=label
            )
            time_axis(single, scale)
            for number, arm in enumerate(arms):
                shift = DODGE * (number - (len(arms) - 1) / 2) * float(scale.shown(scale.last_day))
                look = arm_look(number, arms) | {"label": cut(arm, 32)}
                _draw_mean(single, rows_of(curves, dataset, arm), columns, (scale, shift), look)
        figure.legend(*single.get_legend_handles_labels(), loc="outside upper center", ncols=min(4, len(arms)))
        explain(figure, _arm_reading(curves))
        return svg_text(figure)


# Panels


def _panels(content: GrowthContent, dataset: str) -> list[_Panel]:
    tables, arms = content.tables, arms_of(content, dataset)
    found = []
    for number, arm in enumerate(arms):
        mice = rows_of(tables["mice"], dataset, arm)
        name = arm_name(arm, arms)
        changes = rows_of(tables["changes"], dataset, arm)
        found.append(
            _Panel(
                dataset,
                arm,
                f"{cut(name, 26)} (n = {len(mice)})",
                rows_of(tables["scans"], dataset, arm),
                rows_of(tables["curves"], dataset, arm),
                changes[changes["jump"] & (changes["kind"] == "neighbours")] if len(changes) else changes,
                mice[mice["died_day"].notna()],
                arm_look(number, arms),
            )
        )
    return found


def _grid(count: int, columns: int, height: float) -> tuple["Figure", npt.NDArray[Any]]:
    """Return a figure with so many panels in rows, and its axes; places left over stay empty."""
    from matplotlib.figure import Figure

    rows = -(-count // columns)
    width = WIDTH_INCHES * (0.72 if columns == 1 else 1)
    figure = Figure(figsize=(width, 0.8 + height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=False, sharey=False).ravel()
    for unused in axes[count:]:
        unused.set_axis_off()
    return figure, axes


def _time_scale(content: GrowthContent, dataset: str) -> TimeScale:
    return TimeScale(float(rows_of(content.tables["scans"], dataset)["day"].max()))


def _draw_panel(axes: "Axes", panel: _Panel, scale: TimeScale) -> None:
    axes.set_title(panel.title, loc="left")
    colour = panel.look["color"]
    _draw_mice(axes, panel.scans, scale, colour, mark=2.2)
    _draw_jumps(axes, panel.jumps, scale)
    _draw_deaths(axes, panel, scale)
    columns = ("mean_mm3", "low_mm3", "high_mm3")
    _draw_mean(axes, panel.curve, columns, (scale, 0.0), panel.look | {"linestyle": "-"})


def _draw_small(axes: "Axes", content: GrowthContent, dataset: str, scale: TimeScale) -> None:
    arms = arms_of(content, dataset)
    mice = rows_of(content.tables["mice"], dataset)
    axes.set_title(f"{cut(dataset, 18)} (n = {len(mice)})", loc="left")
    for number, arm in enumerate(arms):
        look = arm_look(number, arms)
        _draw_mice(axes, rows_of(content.tables["scans"], dataset, arm), scale, look["color"], mark=1.2)
        curve = rows_of(content.tables["curves"], dataset, arm)
        border: dict[str, Any] = {"color": PAPER, "linewidth": 3.6, "zorder": 2.9}
        axes.plot(scale.shown(curve["day"]), curve["mean_mm3"], **border)
        axes.plot(
            scale.shown(curve["day"]),
            curve["mean_mm3"],
            color=INK,
            linewidth=1.8,
            linestyle=look["linestyle"],
            zorder=3,
        )


def _overview_rows(content: GrowthContent) -> list[list[str]]:
    """Return the datasets in rows of up to four, those in hours and those in days apart."""
    scales = {dataset: _time_scale(content, dataset).in_hours for dataset in datasets_of(content)}
    rows = []
    for in_hours in (False, True):
        names = [dataset for dataset, short in scales.items() if short is in_hours]
        length = -(-len(names) // -(-len(names) // MAX_SMALL)) if names else 1
        rows += [names[at : at + length] for at in range(0, len(names), length)]
    return rows


# What is drawn


def _draw_mice(axes: "Axes", scans: Table, scale: TimeScale, colour: str, *, mark: float) -> None:
    """Draw a line per mouse and a dot per scan; a burden of 0 is a triangle at the lower end."""
    low = axes.get_ylim()[0]
    alpha = 0.75 if scans["mouse"].nunique() < MANY_MICE else 0.5
    days, volumes = _broken(scans, scale)
    axes.plot(days, np.maximum(volumes, low), color=colour, linewidth=0.7, alpha=alpha, gid="mice")
    seen = volumes > 0
    dots: dict[str, Any] = {"linestyle": "none", "markerfacecolor": colour, "markeredgecolor": "none"}
    axes.plot(days[seen], volumes[seen], marker="o", markersize=mark, alpha=alpha, gid="scans", **dots)
    gone = volumes <= 0
    if gone.any():
        look = dots | {"markeredgecolor": INK, "markeredgewidth": 0.5}
        axes.plot(days[gone], np.full(gone.sum(), low), marker="v", markersize=5, clip_on=False, gid="gone", **look)


def _broken(scans: Table, scale: TimeScale) -> tuple[Values, Values]:
    """Return times and volumes of all mice as one line, broken between two mice."""
    days, volumes = [np.zeros(0)], [np.zeros(0)]
    for _, mouse in scans.sort_values("day", kind="stable").groupby("mouse", sort=True):
        days += [scale.shown(mouse["day"]), np.array([np.nan])]
        volumes += [mouse["volume_mm3"].to_numpy(np.float64), np.array([np.nan])]
    return np.concatenate(days), np.concatenate(volumes)


def _draw_jumps(axes: "Axes", jumps: Table, scale: TimeScale) -> None:
    """Draw implausible changes as thick dashed lines with the mouse's name."""
    low = axes.get_ylim()[0]
    for _, row in jumps.iterrows():
        days = scale.shown([row["from_day"], row["to_day"]])
        volumes = np.maximum([row["from_mm3"], row["to_mm3"]], low)
        axes.plot(days, volumes, color=INK, linewidth=1.4, linestyle=(0, (3, 1.2)), gid="jump", zorder=2.5)
        name = axes.annotate(
            cut(row["mouse"], 10),
            (days[1], volumes[1]),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL_PT,
            bbox={"facecolor": PAPER, "alpha": 0.75, "edgecolor": "none", "pad": 0.4},
            zorder=4,
        )
        name.set_in_layout(False)


def _draw_deaths(axes: "Axes", panel: _Panel, scale: TimeScale) -> None:
    """Draw a cross after the last burden of a mouse that died."""
    low = axes.get_ylim()[0]
    look: dict[str, Any] = {"linestyle": "none", "marker": "X", "markersize": 6, "markerfacecolor": INK}
    for _, mouse in panel.died.iterrows():
        height = max(float(mouse["last_mm3"]), low)
        days = scale.shown([mouse["last_day"], mouse["died_day"]])
        axes.plot(days, [height] * 2, color=INK, linewidth=0.7, linestyle=(0, (1, 1.5)), zorder=2.5)
        axes.plot(days[1:], [height], markeredgecolor=PAPER, markeredgewidth=0.5, zorder=3.5, gid="death", **look)


def _draw_mean(
    axes: "Axes", curve: Table, columns: tuple[str, str, str], place: tuple[TimeScale, float], look: dict[str, Any]
) -> None:
    """Draw a geometric mean with its interval; after the first drop-out its line is thin and its marks are open."""
    scale, shift = place
    rows = curve[curve[columns[0]] > 0].sort_values("day", kind="stable")
    if rows.empty:
        return
    days = scale.shown(rows["day"]) + shift
    mean, low, high = (rows[name].to_numpy(np.float64) for name in columns)
    known = np.isfinite(low) & np.isfinite(high) & (low > 0)
    late = rows["after_dropout"].to_numpy(bool)
    colour, marker = look["color"], look["marker"]
    axes.vlines(days[known], low[known], high[known], color=INK, linewidth=1.2, zorder=3, gid="interval")
    first = int(np.argmax(late)) if late.any() else len(days)
    for part, width in ((slice(0, first), 2.6), (slice(max(first - 1, 0), None), 1.3)):
        axes.plot(days[part], mean[part], color=colour, linestyle=look["linestyle"], linewidth=width, zorder=3)
    for chosen, face in ((~late, colour), (late, PAPER)):
        marks: dict[str, Any] = {"linestyle": "none", "marker": marker, "markeredgecolor": INK, "markersize": 5.5}
        axes.plot(days[chosen], mean[chosen], markerfacecolor=face, markeredgewidth=0.9, zorder=3.2, **marks)
    if "label" in look:
        mark = {"marker": marker, "markeredgecolor": INK, "markersize": 5.5}
        axes.plot([], [], color=colour, linestyle=look["linestyle"], linewidth=2.4, label=look["label"], **mark)


def _reading(panels: Sequence[_Panel], content: GrowthContent, ends: tuple[float, float]) -> Iterator[str]:
    yield "Thin lines: mice. Thick line with marks: geometric mean; bars: its 95 % interval over mice (from 5 mice on)."
    if any(panel.curve["after_dropout"].any() for panel in panels if len(panel.curve)):
        yield "Thinner mean with open marks: after the first drop-out, so of fewer mice."
    marks = []
    if any(len(panel.jumps) for panel in panels):
        marks.append("dashed with a name: implausible change")
    if any(len(panel.died) for panel in panels):
        marks.append("cross: death")
    if any((panel.scans["volume_mm3"] <= 0).any() for panel in panels):
        marks.append("triangle at the lower end: no tumor seen")
    limits = [f"{limit:,.0f}" for limit in content.limits_mm3 if holds(ends, limit)]
    if limits:
        marks.append(f"dotted: welfare {'limit' if len(limits) == 1 else 'limits'}, {' and '.join(limits)} mm³")
    if marks:
        said = "; ".join(marks)
        yield f"{said[0].upper()}{said[1:]}."


def _arm_reading(curves: Table) -> Iterator[str]:
    yield "Marks: geometric means over mice; bars: 95 % intervals (from 5 mice on), side by side so that all are seen."
    if curves["after_dropout"].any():
        yield "Thinner line with open marks: after the arm's first drop-out."
