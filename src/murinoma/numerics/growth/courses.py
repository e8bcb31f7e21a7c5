"""What the volumes of mice over days must look like before anything is computed from them."""

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]

LEAST_MICE = 5  # in each arm, for an interval: as everywhere in murinoma
LEAST_TESTED = 2  # in each arm, for a test: below it there is no variance


def check_days(days: Floats, volumes_mm3: Floats) -> None:
    """Refuse days that do not increase, volumes of another number of days, and volumes below 0.

    Parameters
    ----------
    days
        (d,) days, increasing.
    volumes_mm3
        (..., d) volumes; NaN where nothing was measured.

    Raises
    ------
    InputError
        The sentence says what is wrong.

    Examples
    --------
    >>> check_days(np.array([0.0, 7.0]), np.array([[100.0, np.nan]]))
    """
    if np.ndim(days) != 1 or np.shape(volumes_mm3)[-1:] != np.shape(days):
        raise InputError(
            f"the volumes have the shape {np.shape(volumes_mm3)} and the days {np.shape(days)}; "
            "the last axis of the volumes must have one place per day"
        )
    if not np.isfinite(days).all() or (np.diff(days) <= 0).any():
        raise InputError(f"the days {np.asarray(days).tolist()} do not increase; sort the scans of a mouse by day")
    check_volumes(volumes_mm3)


def check_volumes(*volumes_mm3: Floats) -> None:
    """Refuse volumes below 0 and infinite ones, and arrays of unequal shape.

    Raises
    ------
    InputError
        The sentence says which value, or which shapes.

    Examples
    --------
    >>> check_volumes(np.array([0.0, 12.0]), np.array([5.0, np.nan]))
    """
    shapes = {np.shape(volumes) for volumes in volumes_mm3}
    if len(shapes) > 1:
        raise InputError(f"the volumes have the shapes {sorted(shapes)}; give the same mice in the same order")
    for volumes in volumes_mm3:
        bad = volumes[(volumes < 0) | np.isinf(volumes)]
        if bad.size:
            raise InputError(f"a volume is {bad.flat[0]:g} mm3; a volume is a number of 0 or more, NaN if not measured")


def floored_logs(volumes_mm3: Floats, floor_mm3: float) -> Floats:
    """Return the natural logarithm of volumes, of which those below the floor count as the floor.

    NaN stays NaN; so does a volume of 0 where the floor is 0.

    Examples
    --------
    >>> floored_logs(np.array([np.e, 0.0, np.nan]), 1.0)
    array([ 1.,  0., nan])
    >>> floored_logs(np.array([0.0]), 0.0)
    array([nan])
    """
    raised = np.maximum(volumes_mm3, floor_mm3)
    logs: Floats = np.log(raised, out=np.full(np.shape(raised), np.nan), where=raised > 0)
    return logs


def raised(log: float) -> float:
    """Return the exponential, infinite where it has no number: the end of an interval may lie beyond all bounds.

    Examples
    --------
    >>> raised(0.0), raised(1000.0)
    (1.0, inf)
    """
    with np.errstate(over="ignore"):
        return float(np.exp(log))
