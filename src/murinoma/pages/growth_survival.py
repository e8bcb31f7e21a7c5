"""Kaplan-Meier curves: steps, ticks where mice left, and the numbers at risk below."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from murinoma.pages.chart_labels import SMALL_PT, cut
from murinoma.pages.chart_svg import INK, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.growth_axes import TimeScale, Values, time_axis
from murinoma.pages.growth_content import GrowthContent, Table, arm_look, arm_name, arms_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BANDS = 2  # curves with their intervals filled; more would hide one another
LINE_PT = 10.5
DEATH = "death"


def survival_chart(content: GrowthContent, dataset: str, event: str) -> str:
    """Return the Kaplan-Meier curves of the arms of a dataset as SVG, with the numbers at risk."""
    from matplotlib.figure import Figure

    arms, curves = arms_of(content, dataset), event_rows(content.tables["survival"], dataset, event)
    shown = [arm for arm in arms if (curves["arm"] == arm).any()]
    scale = TimeScale(float(curves["day"].max()))
    with drawing():
        figure = Figure(figsize=(0.8 * WIDTH_INCHES, 3.4 + 0.15 * len(shown)), layout="constrained")
        axes = figure.subplots()
        time_axis(axes, scale, label=False)
        for arm in shown:
            look = arm_look(arms.index(arm), arms) | {"label": cut(arm_name(arm, arms), 32)}
            _draw_steps(axes, curves[curves["arm"] == arm], scale, look, band=len(shown) <= MOST_BANDS)
        axes.set(ylim=(-3, 104), ylabel=still(event))
        axes.grid(axis="y")
        _risk_table(axes, curves, [(arm, arm_name(arm, arms)) for arm in shown], scale)
        if len(shown) > 1:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=min(3, len(shown)))
        explain(figure, _reading(len(shown)))
        return svg_text(figure)


def event_rows(table: Table, dataset: str, event: str) -> Table:
    """Return the rows of one dataset and event, by arm and day."""
    rows = rows_of(table, dataset)
    return rows[rows["event"] == event] if len(rows) else rows


def still(event: str) -> str:
    """Return what the mice are that have not had an event yet."""
    return "Mice alive (%)" if event == DEATH else f"Mice below {event} (%)"


def left_at(curve: Table) -> Values:
    """Return how many mice left without the event on each day of a curve.

    Those at risk are fewer on the next day by the events and by the mice that left.
    """
    there, events = (curve[name].to_numpy(np.float64) for name in ("at_risk", "events"))
    left: Values = there - events - np.append(there[1:], 0)
    return left


def _draw_steps(axes: "Axes", curve: Table, scale: TimeScale, look: dict[str, Any], *, band: bool) -> None:
    curve = curve.sort_values("day", kind="stable")
    days, share = scale.shown(curve["day"]), 100 * curve["survival"].to_numpy(np.float64)
    low, high = (100 * curve[name].to_numpy(np.float64) for name in ("low", "high"))
    if band and np.isfinite(low).any():
        axes.fill_between(days, low, high, step="post", color=look["color"], alpha=0.18, linewidth=0, gid="band")
    line = {name: look[name] for name in ("color", "linestyle", "label")}
    axes.step(days, share, where="post", linewidth=2.2, gid="survival", **line)
    left = left_at(curve) > 0
    ticks: dict[str, Any] = {"linestyle": "none", "marker": "|", "markersize": 9, "markeredgewidth": 1.3, "color": INK}
    axes.plot(days[left], share[left], gid="left", zorder=4, **ticks)


def at_risk(curve: Table, day: float) -> int:
    """Return how many mice are at risk just before a day."""
    later = curve[curve["day"] >= day - 1e-9]
    return int(later.sort_values("day")["at_risk"].iloc[0]) if len(later) else 0


def _risk_table(axes: "Axes", curves: Table, arms: Sequence[tuple[str, str]], scale: TimeScale) -> None:
    """Write the numbers at risk below the ticks, a line per arm."""
    look: dict[str, Any] = {"textcoords": "offset points", "va": "top", "fontsize": SMALL_PT, "annotation_clip": False}
    under: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "ha": "center"} | look
    beside: dict[str, Any] = {"xycoords": "axes fraction", "ha": "right"} | look
    axes.annotate(scale.label, (0.5, 0), (0, -16), xycoords="axes fraction", ha="center", va="top", **_offset(look))
    axes.annotate("At risk", (0, 0), (-8, -16 - LINE_PT), fontweight="bold", **beside)
    for line, (arm, name) in enumerate(arms, 2):
        axes.annotate(cut(name, 18), (0, 0), (-8, -16 - LINE_PT * line), **beside)
        curve = curves[curves["arm"] == arm]
        for tick in scale.ticks():
            count = at_risk(curve, tick / (24 if scale.in_hours else 1))
            axes.annotate(str(count), (tick, 0), (0, -16 - LINE_PT * line), gid="at-risk", **under)


def _offset(look: dict[str, Any]) -> dict[str, Any]:
    return {"textcoords": look["textcoords"], "annotation_clip": False}


def _reading(curves: int) -> Iterator[str]:
    shade = " Shade: 95 % interval." if curves <= MOST_BANDS else ""
    yield f"Steps: Kaplan-Meier. Upright ticks: mice followed no longer.{shade}"
