"""The axes of the growth charts: logarithmic mm³, and time in days, or in hours where all is over in three days."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from murinoma.pages.chart_labels import SMALL_PT, nice_ticks
from murinoma.pages.chart_svg import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HOURS_UP_TO = 3.0  # days; shorter studies are told in hours
STEPS_H = (1, 2, 3, 6, 12, 24)
STEPS_D = (1, 2, 4, 7, 14, 28, 56, 112, 224)
VOLUMES_MM3 = [
    tuple(step * 10.0**power for power in range(-3, 7) for step in steps) for steps in ((1, 2, 5), (1, 3), (1,))
]
NARROW = 2.5  # factor between the ends of an axis that is too little to read it
MARGIN = 1.15
SEEN_FROM_MM3 = 1.0  # the axis does not go below, unless all volumes do

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TimeScale:
    """How days become the numbers of an axis, up to the last day."""

    last_day: float

    @property
    def in_hours(self) -> bool:
        """Whether the axis is in hours."""
        return self.last_day <= HOURS_UP_TO

    @property
    def label(self) -> str:
        """What stands below the axis."""
        return "Time (h)" if self.in_hours else "Time (d)"

    def shown(self, days: Any) -> Any:
        """Return days in the unit of the axis."""
        return np.asarray(days, np.float64) * (24 if self.in_hours else 1)

    def ticks(self, most: int = 7) -> list[float]:
        """Return the ticks."""
        last = float(self.shown(self.last_day))
        ladders = [np.arange(0, last + step, step).tolist() for step in (STEPS_H if self.in_hours else STEPS_D)]
        return nice_ticks(0, last * 1.001, ladders, most=most)

    def words(self, day: float) -> str:
        """Return a day for people: ``8 d``, ``22.5 h``."""
        return f"{float(self.shown(day)):.3g} {'h' if self.in_hours else 'd'}"


def time_axis(axes: "Axes", scale: TimeScale, *, most: int = 7, label: bool = True) -> None:
    """Set the horizontal axis to time."""
    last = float(scale.shown(scale.last_day)) or 1.0
    axes.set_xlim(-0.04 * last, 1.06 * last)
    axes.set_xticks(scale.ticks(most))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    if label:
        axes.set_xlabel(scale.label)


def volume_range(volumes_mm3: Values, *, seen_from: float = SEEN_FROM_MM3) -> tuple[float, float]:
    """Return the ends of a logarithmic axis that holds all volumes from `seen_from` on, or all above 0."""
    seen = volumes_mm3[np.isfinite(volumes_mm3) & (volumes_mm3 > 0)]
    if not len(seen):
        return 10.0, 1000.0
    low, high = max(float(seen.min()), min(seen_from, float(seen.max()))), float(seen.max())
    widen = MARGIN if high > NARROW * low else NARROW
    return low / widen, high * widen


def volume_axis(axes: "Axes", ends_mm3: tuple[float, float], *, label: str = "Burden (mm³)") -> None:
    """Set the vertical axis to logarithmic volumes with plain numbers."""
    ticks = nice_ticks(*ends_mm3, VOLUMES_MM3)
    axes.set_yscale("log")
    axes.set_ylim(*ends_mm3)
    axes.set_yticks(ticks, [f"{tick:,.6g}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y")
    if label:
        axes.set_ylabel(label)


def holds(ends: tuple[float, float], value: float) -> bool:
    """Return whether a value lies between the ends of an axis."""
    return ends[0] < value < ends[1]


def limit_lines(axes: "Axes", limits_mm3: Sequence[float], *, named: bool = True) -> None:
    """Draw the welfare limits that lie on the axis, with their values at the right end."""
    for limit, style, side in zip(limits_mm3, ((0, (1, 1.5)), (0, (4, 1.5))), ("top", "bottom"), strict=False):
        if holds(axes.get_ylim(), limit):
            axes.axhline(limit, color=INK, linewidth=0.8, linestyle=style, gid=f"limit-{limit:g}", zorder=1.5)
            if named:
                name = f"{limit:,.0f}"
                place: dict[str, Any] = {
                    "xycoords": axes.get_yaxis_transform(),
                    "textcoords": "offset points",
                    "va": side,
                }
                axes.annotate(
                    name,
                    (1.0, limit),
                    (3, 2 if side == "top" else -2),
                    fontsize=SMALL_PT,
                    annotation_clip=False,
                    **place,
                )
