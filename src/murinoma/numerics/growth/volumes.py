"""Volumes as they come: units, units that were mixed up, and the burden of a mouse."""

import unicodedata

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

CUBIC_MILLIMETRES = ("mm3", "mm^3", "uL", "µL")
CUBIC_CENTIMETRES = ("cm3", "cm^3", "cc", "mL")
SMALLEST_TYPICAL_MM3 = 5.0  # a cube of 1.7 mm: no study's typical tumor
LARGEST_TYPICAL_MM3 = 20_000.0  # as heavy as the mouse
THOUSAND = float(np.log(1000))
REACH = float(np.log(10))  # a volume within this factor of 1000 times the others; tumors grow sixfold in 8 days


def to_mm3(volumes: Floats, unit: str) -> Floats:
    """Return volumes in mm3.

    Parameters
    ----------
    volumes
        (n,) in `unit`.
    unit
        mm3, uL, cm3, mL or cc; capitals do not matter.

    Examples
    --------
    >>> to_mm3(np.array([0.25, 1.5]), "cm3")
    array([ 250., 1500.])
    """
    name = _plain(unit)
    for units, factor in ((CUBIC_MILLIMETRES, 1.0), (CUBIC_CENTIMETRES, 1000.0)):
        if name in map(_plain, units):
            return np.asarray(volumes, dtype=np.float64) * factor
    known = ", ".join(CUBIC_MILLIMETRES + CUBIC_CENTIMETRES)
    raise InputError(f"the unit '{unit}' of volumes is not known; use one of {known}")


def _plain(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).strip().lower()  # two signs look like µ, and mm³ means mm3


def suspect_unit(volumes_mm3: Floats) -> str:
    """Return a sentence if the volumes are hardly in mm3, else an empty text.

    Examples
    --------
    >>> suspect_unit(np.array([0.2, 0.4, 0.9]))
    'half of the volumes are under 0.4 mm3: are they in cm3?'
    >>> suspect_unit(np.array([200.0, 400.0, 900.0]))
    ''
    """
    seen = volumes_mm3[np.isfinite(volumes_mm3) & (volumes_mm3 > 0)]
    if not len(seen):
        return ""
    typical = float(np.median(seen))
    if typical < SMALLEST_TYPICAL_MM3:
        return f"half of the volumes are under {typical:.3g} mm3: are they in cm3?"
    if typical > LARGEST_TYPICAL_MM3:
        return f"half of the volumes are over {typical:,.0f} mm3, as much as a mouse: were mm3 taken for cm3?"
    return ""


def mixed_units(volumes_mm3: Floats, mice: Codes) -> Codes:
    """Return the rows whose volume is about a thousand times off the others of the same mouse.

    Between mm3 and cm3 lies a factor of 1000; a row is named if it lies within a factor of 10 of 1000 times, or of a
    thousandth of, the median of the mouse's other volumes, and that median within a factor of 10 of the median of all.
    With two volumes of a mouse, the one that lies further from the median of all is named.

    Parameters
    ----------
    volumes_mm3
        (n,) of the rows; 0 and NaN say nothing.
    mice
        (n,) a number per mouse.

    Examples
    --------
    >>> mixed_units(np.array([210.0, 0.25, 310.0, 180.0, 200.0]), np.array([0, 0, 0, 1, 1]))
    array([1])
    """
    seen = np.isfinite(volumes_mm3) & (volumes_mm3 > 0)
    logs = np.log(volumes_mm3, out=np.full(len(volumes_mm3), np.nan), where=seen)
    typical = float(np.median(logs[seen])) if seen.any() else float("nan")
    odd = [row for row in np.flatnonzero(seen) if _is_off(logs[row], _others(logs, seen, mice, row), typical)]
    return np.array(odd, dtype=np.int64)


def _others(logs: Floats, seen: npt.NDArray[np.bool_], mice: Codes, row: np.int64) -> Floats:
    return np.asarray(logs[seen & (mice == mice[row]) & (np.arange(len(logs)) != row)])


def _is_off(log: float, others: Floats, typical: float) -> bool:
    if not len(others):
        return False
    usual = float(np.median(others))
    thousandfold = abs(abs(log - usual) - THOUSAND) <= REACH
    return bool(thousandfold and abs(usual - typical) <= REACH and abs(log - typical) > abs(usual - typical))


def burden(volumes: Floats) -> Floats:
    """Return a mouse's burden per time, the sum over its tumors: (n_tumors, n_times) -> (n_times,).

    A tumor that was looked for and not seen is 0; one that was not measured is NaN, and so is then the burden.

    Examples
    --------
    >>> burden(np.array([[100.0, 150.0, 200.0], [0.0, 20.0, np.nan]]))
    array([100., 170.,  nan])
    """
    return np.asarray(np.sum(volumes, axis=0))


def checked(days: Floats, volumes: Floats, *codes: Codes) -> tuple[Floats, Floats]:
    """Return times and volumes as float arrays; NaN volumes stay, everything else that is no number is refused.

    Parameters
    ----------
    days, volumes
        (n,) times in days, volumes in mm3.
    codes
        Further columns of the same rows, such as the mouse; only their length is looked at.

    Raises
    ------
    InputError
        For arrays of unequal length, a time that is not a number, and volumes below 0 or without end.

    Examples
    --------
    >>> checked([0, 8], [100, 250])
    (array([0., 8.]), array([100., 250.]))
    """
    days, volumes = np.asarray(days, dtype=np.float64), np.asarray(volumes, dtype=np.float64)
    if days.ndim != 1 or days.shape != volumes.shape:
        raise InputError(f"{days.shape} times do not fit {volumes.shape} volumes; give one time for each volume")
    for column in codes:
        if np.shape(column) != days.shape:
            raise InputError(f"{len(column)} codes do not fit {len(days)} volumes; give a mouse for each volume")
    if not np.isfinite(days).all():
        place = int(np.flatnonzero(~np.isfinite(days))[0])
        raise InputError(f"the time of volume {place + 1} is {days[place]}; give its day as a number")
    wrong = volumes[(volumes < 0) | np.isinf(volumes)]
    if len(wrong):
        raise InputError(f"a volume is {wrong[0]:g} mm3; volumes are 0 (not seen), positive, or empty (not measured)")
    return days, volumes
