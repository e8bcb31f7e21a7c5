"""The response of one mouse: mRECIST of patient-derived xenografts, and the classes of volumetric RECIST."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.numerics.growth.courses import check_days

Floats = npt.NDArray[np.float64]

LEAST_DAY = 10.0  # Gao 2015: from the tenth day on
NOT_EVALUABLE = "not evaluable"
# mRECIST: the class, and what best response and best average response lie below, %; the first that holds
MRECIST = (("mCR", -95.0, -40.0), ("mPR", -50.0, -20.0), ("mSD", 35.0, 30.0))
PARTIAL, PROGRESSIVE = 0.343, 1.728  # the volumes of spheres of 0.7 and 1.2 times the diameter: RECIST's -30 and +20 %
NAN = float("nan")


@dataclass(frozen=True)
class Response:
    """The modified RECIST class of one mouse.

    Attributes
    ----------
    best_percent, best_day
        Smallest change from day 0 on day 10 or later, %, and its day.
    best_average_percent
        Smallest, on day 10 or later, of the means of all changes from day 0 to that day, %.
    category
        'mCR', 'mPR', 'mSD', 'mPD' or 'not evaluable'.
    reason
        Why it is not evaluable, or "".
    """

    best_percent: float
    best_day: float
    best_average_percent: float
    category: str
    reason: str


@dataclass(frozen=True)
class VolumeResponse:
    """The volumetric RECIST class of one mouse on its last day, and the best one before any progression.

    ``change_percent`` is from day 0 to the last day, ``growth_percent`` from the smallest volume before to the last.
    """

    last_day: float
    change_percent: float
    growth_percent: float
    category: str
    best_category: str
    reason: str


def mrecist(days: Floats, volumes_mm3: Floats, *, least_day: float = LEAST_DAY) -> Response:
    """Return the modified RECIST class of one mouse (Gao et al. 2015, Nature Medicine 21:1318).

    BestResponse is the smallest change from day 0 on day 10 or later; BestAvgResponse the smallest mean of all changes
    from day 0 (which is 0 %) to such a day. mCR: below -95 and -40 %, mPR: below -50 and -20 %, mSD: below 35 and 30 %,
    else mPD. Not evaluable without a volume on day 0, and without one on day 10 or later.

    Parameters
    ----------
    days
        (d,) days since the start of treatment, increasing; days before 0 do not count.
    volumes_mm3
        (d,) burden of the mouse; NaN where it was not measured.
    least_day
        The first day that counts for a response.

    Examples
    --------
    +20 % on day 7, -60 % on day 14: the mean from day 0 on is (0 + 20 - 60) / 3 %.

    >>> mrecist(np.array([0.0, 7.0, 14.0]), np.array([100.0, 120.0, 40.0]))
    Response(best_percent=-60.0, best_day=14.0, best_average_percent=-13.333333333333334, category='mSD', reason='')
    """
    days, volumes, reason = _from_day_0(days, volumes_mm3)
    late = days >= least_day
    if not reason and not late.any():
        reason = f"no scan on day {least_day:g} or later"
    if reason:
        return Response(NAN, NAN, NAN, NOT_EVALUABLE, reason)
    changes = 100 * (volumes / volumes[0] - 1)
    means = np.cumsum(changes) / np.arange(1, len(changes) + 1)
    place = int(np.flatnonzero(late)[np.argmin(changes[late])])
    best, average = float(changes[place]), float(means[late].min())
    return Response(best, float(days[place]), average, _modified_class(best, average), "")


def volumetric_recist(days: Floats, volumes_mm3: Floats) -> VolumeResponse:
    """Return the classes of RECIST 1.1 with volumes in the place of diameters, as for spheres.

    CR: no tumor seen. PD: 72.8 % or more above the smallest volume before, or seen again after CR. PR: 65.7 % or more
    below day 0. Else SD. Not evaluable without day 0 and one day more.

    Parameters
    ----------
    days, volumes_mm3
        As in `mrecist`.

    Examples
    --------
    >>> course = volumetric_recist(np.array([0.0, 7.0, 14.0]), np.array([100.0, 30.0, 60.0]))
    >>> course.category, course.best_category, round(course.change_percent), round(course.growth_percent)
    ('PD', 'PR', -40, 100)
    """
    days, volumes, reason = _from_day_0(days, volumes_mm3)
    if not reason and len(days) < 2:
        reason = "no scan after day 0"
    if reason:
        return VolumeResponse(NAN, NAN, NAN, NOT_EVALUABLE, NOT_EVALUABLE, reason)
    lowest = np.minimum.accumulate(volumes)[:-1]
    classes = [_class(after, float(volumes[0]), before) for before, after in zip(lowest, volumes[1:], strict=True)]
    until = classes.index("PD") if "PD" in classes else len(classes)
    best = min(classes[:until], key=("CR", "PR", "SD").index, default="PD")
    growth = 100 * (volumes[-1] / lowest[-1] - 1) if lowest[-1] > 0 else NAN
    change = 100 * (volumes[-1] / volumes[0] - 1)
    return VolumeResponse(float(days[-1]), float(change), float(growth), classes[-1], best, "")


def _from_day_0(days: Floats, volumes_mm3: Floats) -> tuple[Floats, Floats, str]:
    """Return the measured days and volumes from day 0 on, and why there is no baseline."""
    volumes_mm3 = np.asarray(volumes_mm3, dtype=np.float64)
    check_days(days, volumes_mm3)
    used = np.isfinite(volumes_mm3) & (days >= 0)
    days, volumes = days[used], volumes_mm3[used]
    if not len(days) or days[0] != 0:
        return days, volumes, "no scan on day 0"
    return days, volumes, "" if volumes[0] > 0 else "no tumor on day 0"


def _modified_class(best: float, average: float) -> str:
    return next((name for name, low, mean in MRECIST if best < low and average < mean), "mPD")


def _class(volume: float, baseline: float, lowest: float) -> str:
    if volume == 0:
        return "CR"
    if volume >= PROGRESSIVE * lowest:
        return "PD"
    return "PR" if volume <= PARTIAL * baseline else "SD"
