"""Which columns of a table of volumes hold what: names and units as people write them."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from murinoma.errors import FileError, UsageError

VOLUME_UNITS = {
    **dict.fromkeys(("mm3", "mm^3", "mm³", "ul", "µl", "μl", "microl"), 1.0),
    **dict.fromkeys(("cm3", "cm^3", "cm³", "cc", "ccm", "ml"), 1000.0),
}  # mm3 in one of them
LENGTH_UNITS = {"mm": 1.0, "cm": 10.0}
TIME_UNITS = {
    **dict.fromkeys(("h", "hour", "hours"), 1.0),
    **dict.fromkeys(("d", "day", "days"), 24.0),
    **dict.fromkeys(("week", "weeks"), 168.0),
}  # hours in one of them
FORMULAS = {"pi/6 L W^2": math.pi / 6, "pi/6 L W H": math.pi / 6, "1/2 L W^2": 0.5}
NAMES = {
    "dataset": ("dataset", "study", "experiment", "cohort"),
    "mouse": ("mouse", "mouse_id", "animal", "animal_id", "id"),
    "time": ("time", "time_point", "timepoint"),
    "source": ("source", "annotator", "method"),
    "tumor": ("tumor", "tumour", "lesion", "tumor_id"),
    "group": ("group", "group_folder", "acquisition"),
}
AXES = {"length": ("length", "l"), "width": ("width", "w"), "height": ("height", "h", "depth")}
ENDS = ("low", "high", "lower", "upper")  # of an interval
JOINTS = re.compile(r"[\s\[\](){},./-]+|_+")


@dataclass(frozen=True)
class Column:
    """A column of numbers: its name in the file, and what one of its unit is worth (mm3, mm or hours)."""

    name: str
    worth: float


@dataclass(frozen=True)
class VolumeColumns:
    """What the columns of a table mean.

    Attributes
    ----------
    texts
        ``dataset``, ``mouse``, ``time``, ``source``, ``tumor``, ``group`` -> the name in the file, of those there are.
    clock
        The column of hours, days or weeks; nothing where `texts` has a column of labels such as 8d.
    volume
        The column of volumes; nothing where they are calculated.
    calipers
        The columns of length, width and perhaps height, where volumes are calculated by `formula`.
    how
        Where the volumes come from, for people.
    """

    texts: Mapping[str, str]
    clock: Column | None
    volume: Column | None
    calipers: tuple[Column, ...]
    formula: str
    how: str
    low: Column | None = None
    high: Column | None = None


@dataclass(frozen=True)
class Told:
    """What a user says about a table: the column of volumes, their unit, and a formula for calipers; empty: unsaid."""

    column: str = ""
    unit: str = ""
    formula: str = ""


NOTHING_TOLD = Told()


def understand(heads: Sequence[str], told: Told, where: str) -> VolumeColumns:
    """Return what the columns mean.

    Parameters
    ----------
    heads
        Their names.
    told
        What the user says beside them.
    where
        The file, for errors.

    Raises
    ------
    FileError
        If mouse, time or volume has no column, or more than one could be it.
    UsageError
        If `told` names a column, a unit or a formula that does not exist.

    Examples
    --------
    >>> columns = understand(["mouse", "day", "length_mm", "width_mm"], Told(), "calipers.csv")
    >>> columns.formula, columns.how
    ('pi/6 L W^2', 'pi/6 L W^2 of the columns length_mm and width_mm')
    """
    _check_told(told, heads, where)
    texts = {what: head for what, names in NAMES.items() for head in heads if _joined(head) in names}
    clock = next(_in_units(heads, TIME_UNITS), None)
    if "mouse" not in texts:
        raise FileError(f"{where} has no column of mice; name one 'mouse' (it has {', '.join(heads)})")
    if clock is None and "time" not in texts:
        raise FileError(f"{where} says no time; add a column 'day', 'hours' or 'time' (such as 8d)")
    calipers = _calipers(heads)
    volumes = _volume_columns(heads, told)
    if told.formula or (not volumes and len(calipers) > 1):
        formula = _formula(told.formula, calipers, where)
        used = calipers if "H" in formula else calipers[:2]
        how = f"{formula} of the columns {_listed([column.name for column in used])}"
        return VolumeColumns(texts, clock, None, used, formula, how)
    volume = _volume(volumes, heads, told, where)
    ends = {end: _end(heads, volume, end) for end in ("low", "high")}
    return VolumeColumns(texts, clock, volume, (), "", f"the column {volume.name}", **ends)


def _check_told(told: Told, heads: Sequence[str], where: str) -> None:
    if told.column and told.column not in heads:
        raise UsageError(f"{where} has no column '{told.column}'; it has {', '.join(heads)}")
    if told.unit and told.unit.lower() not in VOLUME_UNITS:
        raise UsageError(f"no volume is measured in '{told.unit}'; --unit takes mm3, uL, cm3 or mL")
    if told.formula and told.formula not in FORMULAS:
        raise UsageError(f"no formula is called '{told.formula}'; --formula takes one of: {', '.join(FORMULAS)}")


def _joined(head: str) -> str:
    """Return a name as its words: ``Tumor volume (mm³)`` becomes ``tumor_volume_mm³``."""
    return "_".join(_words(head))


def _words(head: str) -> list[str]:
    return [word for word in JOINTS.split(head.strip().lower()) if word]


def _in_units(heads: Sequence[str], units: Mapping[str, float]) -> Iterator[Column]:
    """Yield the columns that are called after their unit (``day``), or are a time in a unit (``time (days)``)."""
    for head in heads:
        words = _words(head)
        if words[-1:] and words[-1] in units and (len(words) == 1 or words[0] in ("time", "study")):
            yield Column(head, units[words[-1]])


def _calipers(heads: Sequence[str]) -> tuple[Column, ...]:
    """Return length, width and height, in this order, as far as they are there."""
    found = []
    for names in AXES.values():
        for head in heads:
            words = _words(head)
            unit = words[-1] if words[-1:] and words[-1] in LENGTH_UNITS else ""
            if unit and any(word in names for word in words[:-1]):
                found.append(Column(head, LENGTH_UNITS[unit]))
                break
    return tuple(found)


def _formula(said: str, calipers: tuple[Column, ...], where: str) -> str:
    formula = said or ("pi/6 L W H" if len(calipers) == len(AXES) else "pi/6 L W^2")
    needed = 3 if "H" in formula else 2
    if len(calipers) < needed:
        raise FileError(
            f"{where} lacks a column for {formula}; write length_mm, width_mm"
            f"{' and height_mm' * (needed > 2)}, with the unit"
        )
    return formula


def _volume_columns(heads: Sequence[str], told: Told) -> list[str]:
    if told.column:
        return [told.column]
    return [head for head in heads if {"volume", "vol", "burden"} & set(_words(head)) and not _is_end(head)]


def _is_end(head: str) -> bool:
    return any(end in _words(head) for end in ENDS)


def _volume(found: Sequence[str], heads: Sequence[str], told: Told, where: str) -> Column:
    if not found:
        raise FileError(
            f"{where} has no column of volumes; name one volume_mm3, or two length_mm and width_mm "
            f"(it has {', '.join(heads)})"
        )
    if len(found) > 1:
        raise FileError(f"{where} has several columns of volumes ({', '.join(found)}); choose one with --column")
    worth = _worth(found[0], told.unit)
    if worth is None:
        raise FileError(f"{where} does not say the unit of its column '{found[0]}'; say --unit mm3 (or uL, cm3, mL)")
    return Column(found[0], worth)


def _worth(head: str, unit: str) -> float | None:
    """Return the mm3 in one of a column's unit: what the user says counts, else the name."""
    if unit:
        return VOLUME_UNITS[unit.lower()]
    return next((VOLUME_UNITS[word] for word in reversed(_words(head)) if word in VOLUME_UNITS), None)


def _end(heads: Sequence[str], volume: Column, end: str) -> Column | None:
    """Return the column with an end of the interval: ``volume_low_mm3`` beside ``volume_mm3``."""
    for head in heads:
        words = _words(head)
        if end in words and [word for word in words if word != end] == _words(volume.name):
            return Column(head, volume.worth)
    return None


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
