"""Forests of growth rates: a row per mouse or per arm, with intervals, and what they mean as doubling times."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from murinoma.pages.chart_labels import SMALL_PT, cut
from murinoma.pages.chart_svg import INK, PAPER, WIDTH_INCHES, drawing, explain, svg_text
from murinoma.pages.growth_axes import TimeScale
from murinoma.pages.growth_content import LONG_DAYS, GrowthContent, Table, arm_look, arm_name, arms_of, counted, rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_INCHES = 0.168
DOUBLINGS_D = (0.25, 0.5, 1, 2, 3, 5, 7, 14, 28)
LEAST_APART = 0.1  # of the axis, between the doubling times above it
SHORT = " *"  # beside a doubling time that comes from a short follow-up
MARKS_SAY = (
    "Filled: the interval is above 0, it grows; triangle: below 0, it shrinks; open: it holds 0, or there is none.",
    "Right: doubling time in days with its 95 % interval. Arrows: the interval goes on.",
)
FAR = 0.6  # of the range of all rates: intervals are drawn no farther beyond it


@dataclass(frozen=True)
class _Row:
    """One row: its name, rate and interval per day, words at its right end, and how it looks; `big` is a mean."""

    name: str
    rate: float = np.nan
    low: float = np.nan
    high: float = np.nan
    words: str = ""
    colour: str = INK
    big: bool = False
    heading: bool = False


def rates_chart(content: GrowthContent) -> str:
    """Return the growth of every dataset and arm as SVG, a row each."""
    rows = [*_group_rows(content)]
    short = any(row.words.endswith(SHORT) for row in rows)
    star = f"{SHORT}: followed for less than {LONG_DAYS:g} days." if short else ""
    return _forest(rows, f"Mean over mice; bar: 95 % interval (from 5 mice on).{star}")


def forest_chart(content: GrowthContent, dataset: str) -> str:
    """Return the growth of every mouse of a dataset as SVG, the fastest first, with the mean of each arm below."""
    note = "Bars: 95 % intervals; of two scans, from the measurement error alone. Diamond: mean over mice."
    return _forest([*_mouse_rows(content, dataset)], note)


def _group_rows(content: GrowthContent) -> Iterator[_Row]:
    rates, before = content.tables["rates"], ""
    several = rates["arm"].ne("").any()
    for _, row in rates.iterrows():
        dataset, arms = str(row["dataset"]), arms_of(content, str(row["dataset"]))
        last = float(rows_of(content.tables["mice"], dataset, row["arm"])["last_day"].max())
        if several and dataset != before:
            yield _Row(cut(dataset), heading=True)
        before = dataset
        name = cut(arm_name(row["arm"], arms), 24) if several else cut(dataset, 20)
        name = f"{name} (n = {int(row['n_evaluable'])}, {TimeScale(last).words(last)})"
        colour = _colour(row["arm"], arms)
        star = SHORT if last < LONG_DAYS else ""
        yield _Row(name, *_interval(row), f"{_words(row)}{star}", colour, big=True)


def _mouse_rows(content: GrowthContent, dataset: str) -> Iterator[_Row]:
    arms = arms_of(content, dataset)
    for arm in arms:
        mice = rows_of(content.tables["mice"], dataset, arm)
        mice = mice[mice["rate_per_day"].notna()].sort_values("rate_per_day", ascending=False, kind="stable")
        if mice.empty:
            continue
        colour = _colour(arm, arms)
        yield _Row(f"{cut(arm_name(arm, arms), 30)}, {counted(len(mice), 'mouse', 'mice')}", heading=True)
        for _, row in mice.iterrows():
            yield _Row(cut(row["mouse"], 14), *_interval(row), _words(row), colour)
        for _, row in rows_of(content.tables["rates"], dataset, arm).iterrows():
            yield _Row("mean", *_interval(row), _words(row), colour, big=True)


def _colour(arm: str, arms: Sequence[str]) -> str:
    return str(arm_look(arms.index(arm) if arm in arms else 0, arms)["color"])


def _interval(row: Any) -> tuple[float, float, float]:
    return float(row["rate_per_day"]), float(row["rate_low_per_day"]), float(row["rate_high_per_day"])


def _words(row: Any) -> str:
    return str(row["doubling"]) or "unknown"


def _forest(rows: Sequence[_Row], note: str) -> str:
    from matplotlib.figure import Figure

    with drawing():
        size = (WIDTH_INCHES, 1.45 + ROW_INCHES * len(rows))
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        low, high = _ends(rows)
        axes.set(xlim=(low, high), ylim=(len(rows) - 0.4, -0.6), xlabel="Growth rate (per day, natural logarithm)")
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        for at, row in enumerate(rows):
            _draw_row(axes, at, row, (low, high))
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.tick_params(axis="y", length=0)
        for text, row in zip(axes.get_yticklabels(), rows, strict=True):
            text.set_fontweight("bold" if row.heading or row.name == "mean" else "normal")
        _doubling_axis(axes, low, high)
        explain(figure, [note, *MARKS_SAY])
        return svg_text(figure)


def _ends(rows: Sequence[_Row]) -> tuple[float, float]:
    """Return the ends of the axis: 0, all rates, and the intervals; the widest are cut off."""
    rates = np.array([0.0, *(row.rate for row in rows if np.isfinite(row.rate))])
    ends = np.array([end for row in rows for end in (row.low, row.high) if np.isfinite(end)] or [0.0])
    span = float(np.ptp(rates)) or 0.1
    low = min(float(rates.min()), max(float(ends.min()), float(rates.min()) - FAR * span))
    high = max(float(rates.max()), min(float(ends.max()), float(rates.max()) + FAR * span))
    room = 0.04 * (high - low) or 0.05
    return low - room, high + room


def _draw_row(axes: "Axes", at: int, row: _Row, ends: tuple[float, float]) -> None:
    if row.heading or not np.isfinite(row.rate):
        return
    known = np.isfinite(row.low) and np.isfinite(row.high)
    if known:
        bar = np.clip([row.low, row.high], *ends)
        axes.plot(bar, [at, at], color=row.colour, linewidth=2.6 if row.big else 1.4, solid_capstyle="butt", gid="bar")
        beyond = ((row.low < ends[0], ends[0], "<"), (row.high > ends[1], ends[1], ">"))
        for _, end, marker in (one for one in beyond if one[0]):
            axes.plot([end], [at], marker=marker, markersize=4, color=row.colour, clip_on=False)
    marker, filled = _mark(row, known)
    size = 7 if row.big else 4.5
    look: dict[str, Any] = {"marker": marker, "markersize": size, "markeredgecolor": INK, "markeredgewidth": 0.8}
    axes.plot([row.rate], [at], markerfacecolor=row.colour if filled else PAPER, linestyle="none", zorder=3, **look)
    place: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    weight = "bold" if row.big else "normal"
    axes.annotate(
        row.words, (1, at), (8, 0), fontsize=SMALL_PT, fontweight=weight, gid="words", annotation_clip=False, **place
    )


def _mark(row: _Row, known: bool) -> tuple[str, bool]:
    """Return the marker of a row, and whether it is filled."""
    shrinks = known and row.high < 0
    shape = "v" if shrinks else "D" if row.big else "o"
    return shape, known and (row.low > 0 or shrinks)


def _doubling_axis(axes: "Axes", low: float, high: float) -> None:
    """Write above the axis how long doubling takes, or halving left of 0, where the numbers have room."""
    places: list[tuple[float, str]] = [(0.0, "∞")]
    for days in DOUBLINGS_D:
        places += [(np.log(2) / days, f"{days:g}"), (-np.log(2) / days, f"½: {days:g}")]
    kept: list[tuple[float, str]] = []
    for rate, text in places:
        apart = all(abs(rate - other) > LEAST_APART * (high - low) for other, _ in kept)
        if low <= rate <= high and apart:
            kept.append((rate, text))
    upper = axes.secondary_xaxis("top")
    upper.set_xticks([rate for rate, _ in kept], [text for _, text in kept])
    upper.set_xlabel("Doubling time (d); left of ∞: halving (½)" if low < 0 else "Doubling time (d)")
    upper.spines["top"].set_visible(True)


def forest_table(content: GrowthContent, dataset: str) -> Table:
    """Return the numbers of the forest of a dataset."""
    names = ["rate_per_day", "rate_low_per_day", "rate_high_per_day", "doubling"]
    mice = rows_of(content.tables["mice"], dataset)
    return mice.loc[mice["rate_per_day"].notna(), ["dataset", "mouse", "arm", "n_scans", "rate_method", *names]]
