"""What a volume has changed since the baseline, and whether measurement alone can show that."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError
from murinoma.numerics.growth.volumes import Floats, checked
from murinoma.numerics.repeatability import detectable_change

Rows = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Changes:
    """The changes of one tumor or mouse from its baseline, a value per row, in the order of the rows.

    Attributes
    ----------
    baseline_day, baseline_mm3
        When and what the baseline is; NaN without one.
    percent
        (n,) change in % of the baseline; NaN where not measured.
    low_percent, high_percent
        (n,) 95 % interval by the measurement error of both volumes; NaN at the baseline itself. The low edge of a
        volume below the limit is -100.
    beyond
        (n,) bool, whether the change is beyond what measurement alone shows in 5 % of cases.
    note
        Why there is no baseline; else empty.
    """

    baseline_day: float
    baseline_mm3: float
    percent: Floats
    low_percent: Floats
    high_percent: Floats
    beyond: Rows
    note: str


def beyond_detectable(log_changes: Floats, sd_within: float) -> Rows:
    """Tell which log changes are beyond the detectable change of a measurement's SD; NaN is not.

    ``exp(+-1.96 sqrt(2) s) - 1`` is what two measurements of one volume differ by in 5 % of cases. An error that all
    days share, such as an annotator who draws 10 % too large, cancels in the ratio and is not part of `sd_within`.

    Examples
    --------
    With s = 0.104 / sqrt 2 the limits are -18 and +23 %.

    >>> beyond_detectable(np.log([0.80, 0.84, 1.22, 1.24]), 0.104 / np.sqrt(2))
    array([ True, False, False,  True])
    """
    fall, rise = np.log1p(detectable_change(sd_within))
    return np.asarray((log_changes < fall) | (log_changes > rise))


def changes_from_baseline(
    days: Floats,
    volumes: Floats,
    *,
    sd_within: float,
    baseline_day: float = 0.0,
    window_days: float = 0.0,
    limit_mm3: float = float("nan"),
) -> Changes:
    """Return the change of every volume of one tumor or mouse from its baseline.

    Parameters
    ----------
    days, volumes
        (n,) times in days and volumes in mm3, in any order; NaN: not measured; 0: not seen, a change of -100 %.
    sd_within
        SD of one log volume (`murinoma repeatability`); NaN gives changes without interval, none of them beyond.
    baseline_day, window_days
        The baseline is the measured volume nearest to that day, at most so far from it, the earlier of two.
    limit_mm3
        Volumes below it are only known to be below: the change is beyond if that of the limit would be.

    Examples
    --------
    >>> found = changes_from_baseline([8, 0, 4], [250.0, 100.0, 110.0], sd_within=0.104 / np.sqrt(2))
    >>> found.percent.round(6), found.beyond
    (array([150.,   0.,  10.]), array([ True, False, False]))
    """
    days, volumes = checked(days, volumes)
    if sd_within < 0:
        raise InputError(f"the SD of a log volume is {sd_within:g}; it cannot be below 0")
    row, note = _baseline_row(days, volumes, baseline_day, window_days, limit_mm3)
    if row is None:
        nothing = np.full(len(days), np.nan)
        return Changes(float("nan"), float("nan"), nothing, nothing, nothing, np.zeros(len(days), bool), note)
    below = volumes < limit_mm3
    ratio = volumes / volumes[row]
    highest = np.where(below, limit_mm3, volumes) / volumes[row]
    fall, rise = detectable_change(sd_within)
    low, high = np.where(below, 0.0, ratio * (1 + fall)), highest * (1 + rise)
    beyond = (low > 1) | (high < 1)
    low[row] = high[row] = np.nan
    beyond[row] = False
    percent, low_percent, high_percent = (100 * (edge - 1) for edge in (ratio, low, high))
    return Changes(float(days[row]), float(volumes[row]), percent, low_percent, high_percent, beyond, "")


def _baseline_row(days: Floats, volumes: Floats, day: float, window: float, limit: float) -> tuple[int | None, str]:
    near = np.flatnonzero((np.abs(days - day) <= window) & np.isfinite(volumes))
    when = f"day {day:g}" if window == 0 else f"day {day:g} +- {window:g}"
    if not len(near):
        return None, f"no volume at {when}"
    row = int(min(near, key=lambda row: (abs(days[row] - day), days[row])))
    if volumes[row] == 0:
        return None, f"no tumor at {when}"
    if volumes[row] < limit:
        return None, f"the volume at {when} is below the limit of {limit:g} mm3"
    return row, ""
