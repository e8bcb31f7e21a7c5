"""Response of the mice: the waterfall of best responses, and the swimmers, how long each was followed and how it went.

Classes of response differ by colour and by hatch, so they are told apart in grey too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from murinoma.pages.cells import MINUS
from murinoma.pages.chart_labels import SMALL_PT, cut
from murinoma.pages.chart_svg import COLOURS, INK, PAPER, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.growth_axes import TimeScale, time_axis
from murinoma.pages.growth_content import GrowthContent, Table, arm_name, arms_of, datasets_of, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOT_EVALUABLE = "not evaluable"
# category -> what it is, colour, hatch
CLASSES = {
    "mCR": ("complete response", COLOURS[2], "xx"),
    "mPR": ("partial response", COLOURS[0], "//"),
    "mSD": ("stable disease", COLOURS[5], ""),
    "mPD": ("progressive disease", COLOURS[1], "--"),
    NOT_EVALUABLE: ("", "none", ""),
}
BOUNDS = {"mCR": -95.0, "mPR": -50.0, "mSD": 35.0}  # best response in percent, Gao et al. 2015
MOST_BARS = 44  # in one row
MOST_PERCENT = 200.0
GAP = 1.5  # bars between two arms
BAR_ROW_INCHES, SWIM_INCHES = 2.4, 0.155
SAME_DAY = 0.01


@dataclass(frozen=True, eq=False)
class _Group:
    """Mice of one arm side by side, the worst response first."""

    name: str
    mice: Table


def waterfall_chart(content: GrowthContent) -> str:
    """Return the best response of every evaluable mouse as SVG, arms side by side, the largest growth first."""
    from matplotlib.figure import Figure

    rows = [*_bar_rows([*_groups(content)])]
    best = content.tables["mice"]["best_response_percent"]
    top = min(MOST_PERCENT, max(60.0, 1.12 * float(best.max())))
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 0.9 + BAR_ROW_INCHES * len(rows)), layout="constrained")
        axes = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
        width = max(_width(row) for row in rows)
        for single, row in zip(axes, rows, strict=True):
            _draw_bars(single, row, top)
            single.set(
                ylim=(-109, (1.42 if (best > top).any() else 1.05) * top),
                xlim=(-1, max(width, 12)),
                ylabel="Best response (%)",
            )
        _class_legend(figure, set(content.tables["mice"]["mrecist"]) - {NOT_EVALUABLE})
        explain(figure, _waterfall_reading(best, top))
        return svg_text(figure)


def swimmer_chart(content: GrowthContent, dataset: str) -> str:
    """Return the time on study of every mouse of a dataset as SVG, a row each, with response and events."""
    from matplotlib.figure import Figure

    rows = _swimmers(content, dataset)
    scale = TimeScale(float(rows_of(content.tables["mice"], dataset)[["last_day", "died_day"]].max().max()))
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 1.3 + SWIM_INCHES * len(rows)), layout="constrained")
        axes = figure.subplots()
        time_axis(axes, scale)
        axes.grid(axis="x")
        names = []
        for at, row in enumerate(rows):
            names.append(row if isinstance(row, str) else cut(row["mouse"], 14))
            if not isinstance(row, str):
                _draw_swimmer(axes, at, row, rows_of(content.tables["scans"], dataset), scale)
                _draw_events(axes, at, row, content, scale)
        axes.set(ylim=(len(rows) - 0.4, -0.6))
        axes.set_yticks(range(len(rows)), names)
        axes.tick_params(axis="y", length=0)
        for text, row in zip(axes.get_yticklabels(), rows, strict=True):
            text.set_fontweight("bold" if isinstance(row, str) else "normal")
        _class_legend(figure, set(rows_of(content.tables["mice"], dataset)["mrecist"]))
        explain(figure, _swimmer_reading(content, dataset))
        return svg_text(figure)


# Waterfall


def _groups(content: GrowthContent) -> Iterator[_Group]:
    for dataset in datasets_of(content):
        arms = arms_of(content, dataset)
        for arm in arms:
            mice = rows_of(content.tables["mice"], dataset, arm)
            mice = mice[mice["best_response_percent"].notna() & (mice["mrecist"] != NOT_EVALUABLE)]
            if len(mice):
                name = _group_name(content, dataset, arm)
                yield _Group(name, mice.sort_values("best_response_percent", ascending=False, kind="stable"))


def _group_name(content: GrowthContent, dataset: str, arm: str) -> str:
    """Return the dataset where there are several, and the arm where there are arms."""
    arms, several = arms_of(content, dataset), len(datasets_of(content)) > 1
    names = [dataset if several else "", arm_name(arm, arms) if any(arms) or not several else ""]
    return ", ".join(filter(None, names))


def _bar_rows(groups: Sequence[_Group]) -> Iterator[list[_Group]]:
    """Yield the groups in rows that fit; a group longer than a row goes on in the next."""
    row: list[_Group] = []
    for group in groups:
        for start in range(0, len(group.mice), MOST_BARS):
            part = _Group(
                group.name if start == 0 else f"{group.name}, continued", group.mice[start : start + MOST_BARS]
            )
            if row and _width([*row, part]) > MOST_BARS + GAP:
                yield row
                row = []
            row.append(part)
    yield row


def _width(row: Sequence[_Group]) -> float:
    return sum(len(group.mice) for group in row) + GAP * (len(row) - 1)


def _draw_bars(axes: "Axes", row: Sequence[_Group], top: float) -> None:
    ticks: list[tuple[float, str]] = []
    start = 0.0
    for group in row:
        for at, (_, mouse) in enumerate(group.mice.iterrows()):
            _draw_bar(axes, start + at, mouse, top)
            ticks.append((start + at, cut(mouse["mouse"], 10)))
        text = f"{cut(group.name, max(14, int(1.6 * len(group.mice))))} (n = {len(group.mice)})"
        axes.annotate(text, (start - 0.5, 1.0), (0, 3), xycoords=axes.get_xaxis_transform(), textcoords="offset points")
        start += len(group.mice) + GAP
    axes.set_xticks([at for at, _ in ticks], [name for _, name in ticks], rotation=90, fontsize=SMALL_PT)
    axes.tick_params(axis="x", length=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    for name, bound in BOUNDS.items():
        axes.axhline(bound, color=INK, linewidth=0.7, linestyle=(0, (2, 2)), gid=f"bound-{name}")
    percents = [percent for percent in range(-100, 201, 50) if percent <= top]
    axes.set_yticks(percents, [f"{percent:+d}".replace("-", MINUS) if percent else "0" for percent in percents])
    axes.grid(axis="y")


def _draw_bar(axes: "Axes", at: float, mouse: Any, top: float) -> None:
    value = float(mouse["best_response_percent"])
    _, colour, hatch = CLASSES[mouse["mrecist"]]
    look: dict[str, Any] = {"facecolor": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.6}
    # a line, so that a mouse at 0 is seen
    axes.bar([at], [np.clip(value, -100, top) or 0.4], width=0.82, gid="bar", **look)
    if value > top:
        axes.text(at, top + 2, f"+{value:.0f}", ha="center", va="bottom", fontsize=SMALL_PT, rotation=90)


def _class_legend(figure: "Figure", shown: set[str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(label=f"{name}: {words}" if words else name, facecolor=colour, hatch=hatch, edgecolor=INK, linewidth=0.6)
        for name, (words, colour, hatch) in CLASSES.items()
        if name in shown
    ]
    if handles:
        look: dict[str, Any] = {"handleheight": 1.1, "handlelength": 2.4, "columnspacing": 1.2}
        figure.legend(handles=handles, loc="outside upper center", ncols=3 if len(handles) > 4 else 4, **look)


def _waterfall_reading(best: Any, top: float) -> Iterator[str]:
    yield "Bar: a mouse; its lowest change of burden against day 0, from day 10 on."
    yield "Dashed: the bounds of the classes, −95, −50 and +35 %."
    if (best > top).any():
        yield f"Bars beyond +{top:.0f} % are cut off; their value stands above."


# Swimmers


def _swimmers(content: GrowthContent, dataset: str) -> list[Any]:
    """Return a row per mouse, the longest followed first, below the name of its arm."""
    arms = arms_of(content, dataset)
    rows: list[Any] = []
    for arm in arms:
        mice = rows_of(content.tables["mice"], dataset, arm)
        ends = mice["died_day"].fillna(mice["last_day"]).rename("until")
        mice = mice.assign(until=ends).sort_values(["until", "mouse"], ascending=[False, True], kind="stable")
        rows += [f"{cut(arm_name(arm, arms), 30)} (n = {len(mice)})", *(row for _, row in mice.iterrows())]
    return rows


def _draw_swimmer(axes: "Axes", at: int, mouse: Any, scans: Table, scale: TimeScale) -> None:
    _, colour, hatch = CLASSES.get(mouse["mrecist"], CLASSES[NOT_EVALUABLE])
    first, last = scale.shown([mouse["first_day"], mouse["until"]])
    look: dict[str, Any] = {"facecolor": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.5}
    # a mouse scanned once has no length; its scan alone is seen
    axes.barh([at], [last - first], left=[first], height=0.6, gid="swimmer", **look)
    days = scale.shown(scans.loc[scans["mouse"] == mouse["mouse"], "day"])
    axes.plot(days, np.full(len(days), at), linestyle="none", marker="|", markersize=7, color=INK, gid="scans")


def _draw_events(axes: "Axes", at: int, mouse: Any, content: GrowthContent, scale: TimeScale) -> None:
    """Draw when the n-fold volume was seen, when the best response was, doses, and how the time ended."""
    last_of_all = float(rows_of(content.tables["mice"], mouse["dataset"])["last_day"].max())
    died = np.isfinite(mouse["died_day"])
    gone = not died and mouse["until"] < last_of_all - SAME_DAY
    marks = [
        ("D", mouse["fold_by_day"], PAPER, 6.5),
        ("*", mouse["best_response_day"] if mouse["mrecist"] != NOT_EVALUABLE else np.nan, PAPER, 5.5),
        ("X", mouse["died_day"], INK, 7.0),
        ("s", mouse["until"] if gone else np.nan, PAPER, 5.0),
    ]
    for marker, day, face, size in marks:
        if np.isfinite(day):
            look: dict[str, Any] = {"markeredgecolor": INK if face == PAPER else PAPER, "markeredgewidth": 0.8}
            axes.plot([scale.shown(day)], [at], marker, markersize=size, markerfacecolor=face, zorder=4, **look)
    events = rows_of(content.tables["events"], mouse["dataset"])
    doses = events[(events["mouse"] == mouse["mouse"]) & (events["event"] == "dose")] if len(events) else events
    if len(doses):
        look = {"linestyle": "none", "marker": "^", "markersize": 4, "markeredgecolor": INK, "markerfacecolor": INK}
        axes.plot(scale.shown(doses["day"]), np.full(len(doses), at + 0.38), clip_on=False, zorder=4, **look)


def _swimmer_reading(content: GrowthContent, dataset: str) -> Iterator[str]:
    mice = rows_of(content.tables["mice"], dataset)
    words = ["Upright strokes: scans"]
    if np.isfinite(mice["fold_by_day"].to_numpy(np.float64)).any():
        words.append(f"diamond: first scan at {content.multiple:g} times the first volume or more")
    if (mice["mrecist"] != NOT_EVALUABLE).any():
        words.append("star: best response")
    yield f"{'; '.join(words)}."
    ends = []
    if mice["died_day"].notna().any():
        ends.append("cross: death")
    if (mice["died_day"].isna() & (mice["last_day"] < mice["last_day"].max() - SAME_DAY)).any():
        ends.append("square: no scan after this")
    events = rows_of(content.tables["events"], dataset)
    if len(events) and (events["event"] == "dose").any():
        ends.append("small triangle below: dose")
    if ends:
        yield f"{'; '.join(ends)}.".capitalize()
