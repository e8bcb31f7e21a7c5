"""Charts against tumor volume: limits of agreement of each pair, and how Dice and volume errors depend on the volume.

Volumes agree by ratio, so their axes are logarithmic. A tumor that an annotator missed has no ratio; it is counted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.pages.chart_labels import LETTER_PT, SMALL_PT, TEXT_PT, cut, free_places, nice_ticks, short_names
from murinoma.pages.chart_svg import COLOURS, INK, MARKERS, PAPER, WIDTH_INCHES, drawing, explain, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 6
PANEL_INCHES = 2.1
MANY_POINTS = 150
NARROW = 2.5  # factor between the ends of an axis that is too little to read it
MOST_OF_BAND = 1.5  # times as far from 1, in logs, as points and limits reach, is an interval drawn at most
MARGIN = 1.12  # factor beyond the smallest and the largest value of a logarithmic axis
LABEL_SHARE = 0.085  # of a panel's height: the room that a value at a line needs
LINES = ("limit_low", "ratio", "limit_high")

VOLUMES_CM3 = [
    tuple(step * 10.0**power for power in range(-6, 5) for step in steps) for steps in ((1, 2, 5), (1, 3), (1,))
]
RATIOS = [
    (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2),
    (0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6),
    (0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4),
    (0.1, 0.2, 0.5, 1, 2, 5, 10),
    tuple(10.0**power for power in range(-6, 7)),
]
PERCENTS = [
    (0, 2, 4, 6, 8, 10, 12, 14),
    (0, 5, 10, 15, 20, 25, 30, 35),
    (0, 10, 20, 30, 40, 50, 60, 80),
    (0, 20, 50, 100, 150, 200, 300),
    (0, 50, 100, 200, 500, 1000, 2000),
    (0, *(10.0**power for power in range(2, 9))),
]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Pair:
    """One pair of annotators: the tumors that both found, how many one missed, and the row of limits."""

    a: str
    b: str
    mean_cm3: Values
    ratio: Values
    missed: int
    limits: pd.Series

    @property
    def title(self) -> str:
        missed = f", {self.missed} missed" if self.missed else ""
        return f"{cut(self.a, 16)} / {cut(self.b, 16)} (n = {len(self.ratio)}{missed})"


def limits_chart(tumors: pd.DataFrame, limits: pd.DataFrame) -> str:
    """Return the limits of agreement as SVG: a panel per pair, ratio of volumes against their geometric mean.

    Of more than six pairs the six with the widest limits are shown, and that is said.

    Parameters
    ----------
    tumors
        ``agreement/tumors.csv``; a point is one tumor in one scan.
    limits
        A row per pair, ratios a / b: ``a, b, ratio, limit_low, limit_high``, and the ends of their 95 % intervals
        ``limit_low_low, limit_low_high, limit_high_low, limit_high_high``. NaN where there are too few mice.
    """
    from matplotlib.figure import Figure

    pairs = [_pair(tumors, row) for _, row in _widest(limits).iterrows()]
    columns = min(2, max(1, len(pairs)))
    rows = max(1, -(-len(pairs) // columns))
    with drawing():
        size = (WIDTH_INCHES * (0.62 if columns == 1 else 1), 0.75 + PANEL_INCHES * rows)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        _set_ranges(axes, pairs, columns)
        for single, pair in zip(axes, pairs, strict=False):
            _draw_pair(single, pair)
        for unused in axes[len(pairs) :]:
            unused.set_axis_off()
        explain(figure, _reading(pairs, len(limits)))
        return svg_text(figure)


def size_chart(
    scans: pd.DataFrame, tumors: pd.DataFrame, annotators: Sequence[str], trend: pd.DataFrame | None = None
) -> str:
    """Return Dice and volume difference against volume as SVG, two panels, with the mean of every dataset.

    Dice is the mean over the pairs of a scan, against the volume of its consensus (STAPLE). The difference is the
    mean of the absolute log ratio over the pairs that both found the tumor, written as percent, against the tumor's
    mean volume.
    The mean of a dataset is arithmetic for Dice, and of the logarithms for all else.

    Parameters
    ----------
    scans, tumors
        ``agreement/scans.csv`` and ``agreement/tumors.csv``.
    annotators
        All annotators of the study.
    trend
        A line for each panel: ``volume_cm3, dice, abs_percent``.
    """
    from matplotlib.figure import Figure

    clouds = (
        _cloud(scans["dataset"], scans["staple_volume_cm3"], scans["dice_mean"]),
        _cloud(tumors["dataset"], tumors["volume_cm3_mean"], _log_factor(tumors, annotators)),
    )
    datasets = [str(name) for name in scans["dataset"].unique()]
    with drawing():
        figure = Figure(figsize=(WIDTH_INCHES, 3.6 + 0.17 * (len(datasets) // 4)), layout="constrained")
        dice, factor = figure.subplots(1, 2)
        for single, cloud in zip((dice, factor), clouds, strict=True):
            _draw_cloud(single, cloud, datasets)
            _volume_axis(single, cloud["volume_cm3"])
        dice.set(xlabel="Volume of the scan's tumors (cm³)", ylabel="Dice, mean of the pairs")
        factor.set(xlabel="Mean volume of the tumor (cm³)", ylabel="Volume difference, mean of the pairs (%)")
        _percent_axis(factor, clouds[1]["value"])
        _draw_trend((dice, factor), trend)
        _size_legend(figure, datasets, has_trend=trend is not None and len(trend) > 0)
        for single, cloud in zip((dice, factor), clouds, strict=True):
            _name_means(figure, single, cloud, datasets)
        return svg_text(figure)


# Limits of agreement


def _widest(limits: pd.DataFrame) -> pd.DataFrame:
    """Return up to six pairs, in the order given: those with the widest limits, pairs without limits last."""
    width = limits["limit_high"] / limits["limit_low"]
    kept = width.sort_values(ascending=False, kind="stable", na_position="last").index[:MAX_PANELS]
    return limits.loc[limits.index.isin(kept)]


def _pair(tumors: pd.DataFrame, row: pd.Series) -> _Pair:
    first, second = (tumors[f"volume_cm3_{row[side]}"].to_numpy(np.float64) for side in ("a", "b"))
    seen = np.isfinite(first) & np.isfinite(second)
    found = seen & (first > 0) & (second > 0)
    first, second = first[found], second[found]
    missed = int((seen & ~found).sum())
    return _Pair(str(row["a"]), str(row["b"]), np.sqrt(first * second), first / second, missed, row)


def _widest_log(ratios: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return how far the farthest of some ratios is from 1, as a logarithm."""
    joined = np.concatenate(ratios)
    return float(np.nanmax(np.abs(np.log(joined[np.isnan(joined) | (joined > 0)]))))


def _set_ranges(axes: npt.NDArray[Any], pairs: Sequence[_Pair], columns: int) -> None:
    """Give all panels the same two axes: from what is drawn in any, the ratio as far below 1 as above.

    The interval of a limit may reach very far; it is cut off where it would squeeze points and limits flat.
    """
    volumes = np.concatenate([pair.mean_cm3 for pair in pairs] or [np.ones(0)])
    bands = [f"{line}_{end}" for line in ("limit_low", "limit_high") for end in ("low", "high")]
    lines, ends = ([pair.limits[names].to_numpy(np.float64) for pair in pairs] for names in ([*LINES], bands))
    near = _widest_log([*lines, *(pair.ratio for pair in pairs), np.array([1.05])])
    far = MARGIN * np.exp(max(near, min(MOST_OF_BAND * near, _widest_log([*ends, np.ones(1)]))))
    ticks = nice_ticks(1 / far, far, RATIOS)
    for at, single in enumerate(axes):
        single.set_yscale("log")
        single.set_ylim(1 / far, far)
        single.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        single.minorticks_off()
        _volume_axis(single, volumes)
        if at + columns >= len(pairs):
            single.set_xlabel("Geometric mean volume (cm³)")
        single.set_ylabel("Ratio of volumes")
        single.grid()


def _volume_axis(axes: "Axes", volumes: Values | pd.Series) -> None:
    """Make the horizontal axis logarithmic, with plain numbers at its ticks."""
    low, high = (volumes.min(), volumes.max()) if len(volumes) else (0.1, 1.0)
    widen = MARGIN if high > NARROW * low else NARROW
    low, high = low / widen, high * widen
    ticks = nice_ticks(low, high, VOLUMES_CM3)
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _draw_pair(axes: "Axes", pair: _Pair) -> None:
    axes.set_title(pair.title, loc="left")
    look: dict[str, Any] = {
        "markersize": 2.6,
        "markerfacecolor": COLOURS[0],
        "markeredgecolor": "none",
        "alpha": _alpha(len(pair.ratio)),
    }
    axes.plot(pair.mean_cm3, pair.ratio, linestyle="none", marker="o", gid="points", **look)
    axes.axhline(1, color=INK, linewidth=0.6)
    for line, style in zip(LINES, ((0, (5, 2)), "-", (0, (5, 2))), strict=True):
        value = pair.limits[line]
        if np.isfinite(value):
            axes.axhline(value, color=COLOURS[1], linewidth=1.4, linestyle=style, gid=line)
    for line in ("limit_low", "limit_high"):
        ends = pair.limits[[f"{line}_low", f"{line}_high"]].to_numpy(np.float64)
        if np.isfinite(ends).all():
            axes.axhspan(*ends, facecolor=COLOURS[1], alpha=0.25, edgecolor="none", gid=f"{line}_band")
    _write_values(axes, pair.limits)


def _alpha(points: int) -> float:
    """Return how solid points are: few must be seen each, many must not hide one another."""
    return 0.9 if points < MANY_POINTS else 0.65


def _write_values(axes: "Axes", limits: pd.Series) -> None:
    """Write the values right of the lines, apart from one another where lines are close."""
    low, high = np.log(axes.get_ylim())
    known = [line for line in LINES if np.isfinite(limits[line])]
    at = {line: (np.log(limits[line]) - low) / (high - low) for line in known}
    for outer, side in (("limit_low", -1), ("limit_high", 1)):
        if outer in at and "ratio" in at:
            at[outer] = side * max(side * at[outer], side * at["ratio"] + LABEL_SHARE)
    texts = [(at[line], _value(limits, line)) for line in known]
    if len(known) < len(LINES):
        texts.append((0.9, "too few mice for limits"))
    for height, text in texts:
        axes.text(1.02, height, text, transform=axes.transAxes, va="center", fontsize=SMALL_PT)


def _value(limits: pd.Series, line: str) -> str:
    """Return ``1.24 (1.19–1.30)``, without the interval where there is none."""
    ends = [limits.get(f"{line}_{end}", np.nan) for end in ("low", "high")]
    return f"{limits[line]:.2f}" + (f" ({ends[0]:.2f}–{ends[1]:.2f})" if np.isfinite(ends).all() else "")


def _reading(pairs: Sequence[_Pair], all_pairs: int) -> Iterator[str]:
    yield "Point: a tumor in a scan. Solid line: geometric mean. Dashed: 95 % limits of agreement, with 95 % intervals."
    if any(pair.missed for pair in pairs):
        yield "Missed: tumors that one of the two did not mark have no ratio and are left out."
    if all_pairs > len(pairs):
        yield f"Shown are the {len(pairs)} of {all_pairs} pairs with the widest limits."


# Agreement against volume


def _log_factor(tumors: pd.DataFrame, annotators: Sequence[str]) -> pd.Series:
    """Return the mean of |log ratio| over the pairs that both found a tumor."""
    volumes = {name: tumors[f"volume_cm3_{name}"] for name in annotators}
    logs = {name: np.log(column.where(column > 0)) for name, column in volumes.items()}
    return pd.DataFrame({(a, b): (logs[a] - logs[b]).abs() for a, b in combinations(annotators, 2)}).mean(axis=1)


def _cloud(datasets: pd.Series, volumes_cm3: pd.Series, values: pd.Series) -> pd.DataFrame:
    """Return the points of one panel: those with a volume and a value."""
    cloud = pd.DataFrame({"dataset": datasets.astype(str), "volume_cm3": volumes_cm3, "value": values})
    return cloud[(cloud["volume_cm3"] > 0) & cloud["value"].notna()].astype({"volume_cm3": float, "value": float})


def _draw_cloud(axes: "Axes", cloud: pd.DataFrame, datasets: Sequence[str]) -> None:
    """Draw the points of every dataset."""
    for number, dataset in enumerate(datasets):
        part = cloud[cloud["dataset"] == dataset]
        look = _marker(number) | {"markersize": 3.0, "markeredgecolor": "none", "alpha": _alpha(len(cloud))}
        axes.plot(part["volume_cm3"], part["value"], gid=f"points-{number}", **look)
    axes.grid()


def _marker(number: int) -> dict[str, Any]:
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    return {"linestyle": "none", "marker": marker, "markerfacecolor": colour}


def _percent_axis(axes: "Axes", log_factors: pd.Series) -> None:
    """Write log factors as percent: log 1.25 is 25 %."""
    high = 1.05 * log_factors.max() if len(log_factors) and log_factors.max() > 0 else 0.1
    ticks = nice_ticks(0, 100 * np.expm1(high), PERCENTS)
    axes.set_ylim(0, high)
    axes.set_yticks(np.log1p(np.array(ticks) / 100), [f"{tick:g}" for tick in ticks])


def _draw_trend(axes: Sequence["Axes"], trend: pd.DataFrame | None) -> None:
    if trend is None:
        return
    for single, values in zip(axes, (trend["dice"], np.log1p(trend["abs_percent"] / 100)), strict=True):
        limits = single.get_xlim()
        single.plot(trend["volume_cm3"], values, color=INK, linewidth=1.2, gid="trend")
        single.set_xlim(limits)


def _size_legend(figure: "Figure", datasets: Sequence[str], *, has_trend: bool) -> None:
    """Write which marker is which dataset, and below what the points are."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], label=cut(name), markersize=6, markeredgecolor=INK, markeredgewidth=0.6, **_marker(number))
        for number, name in enumerate(datasets)
    ]
    letters = max([len(cut(name)) for name in datasets], default=1)
    fitting = int(72 * WIDTH_INCHES / (24 + LETTER_PT * letters))
    if handles:
        figure.legend(handles=handles, loc="outside upper center", ncols=max(1, min(5, fitting)), handletextpad=0.2)
    words = ["Small marks: scans (left), tumors in a scan (right); large marks: means of the datasets."]
    explain(figure, [*words, "Line: trend over all datasets."] if has_trend else words)


def _name_means(figure: "Figure", axes: "Axes", cloud: pd.DataFrame, datasets: Sequence[str]) -> None:
    """Draw the mean of every dataset with its name beside it, where no other name or mark is."""
    numbers = [number for number, name in enumerate(datasets) if (cloud["dataset"] == name).any()]
    parts = [cloud[cloud["dataset"] == datasets[number]] for number in numbers]
    places = [(float(np.exp(np.log(part["volume_cm3"]).mean())), float(part["value"].mean())) for part in parts]
    for number, (x, y) in zip(numbers, places, strict=True):
        look = _marker(number) | {"markersize": 7.5, "markeredgecolor": INK, "markeredgewidth": 0.9}
        axes.plot([x], [y], gid=f"mean-{number}", zorder=4, **look)
    figure.draw_without_rendering()  # the place of the axes is known only now
    points_pt = axes.transData.transform(np.reshape(places, (-1, 2))) * 72 / figure.dpi
    area_pt = axes.get_window_extent().get_points() * 72 / figure.dpi
    short = short_names(datasets)
    names = [cut(short[number], 16) for number in numbers]
    for name, place, offset in zip(names, places, free_places(points_pt, names, area_pt), strict=True):
        look_text: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 3.5, "fontsize": TEXT_PT}
        look_text["bbox"] = {"facecolor": PAPER, "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
        look_text["arrowprops"] = {"arrowstyle": "-", "linewidth": 0.6, "color": INK, "shrinkA": 0, "shrinkB": 4}
        text = axes.annotate(name, place, tuple(offset), textcoords="offset points", **look_text)
        text.set_in_layout(False)
