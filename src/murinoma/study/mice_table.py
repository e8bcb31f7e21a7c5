"""Read what people write about the mice of a study: who belongs to which arm, what happened, and what was planned.

``mice.csv``, ``events.csv`` and ``plan.toml`` lie beside the datasets (or beside a file of volumes); none is ever
written. A row that cannot be understood becomes a finding, and the others count.
"""

import csv
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from murinoma.errors import StudyError
from murinoma.study.values import Finding, TimePoint, clean_dataset

PLAN_FORMAT = "murinoma.plan/1"
EVENTS = ("death", "dose", "weight", "note")
DEATHS = ("death", "died", "dead", "killed", "euthanized", "euthanised", "sacrificed", "end")
HOURS_PER_DAY = 24.0
Row = Mapping[str, str]
Value = TypeVar("Value")


@dataclass(frozen=True)
class MouseEntry:
    """One mouse of ``mice.csv``: its arm (empty: not said) and every other column as it stands there."""

    dataset: str
    mouse: str
    arm: str
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Dataset and mouse."""
        return self.dataset, self.mouse


@dataclass(frozen=True)
class Event:
    """One row of ``events.csv``: what happened to a mouse, ``death``, ``dose``, ``weight`` or ``note``.

    `value` and `unit` are of a dose or a weight; `value` is NaN where there is none.
    """

    dataset: str
    mouse: str
    day: float
    event: str
    value: float = math.nan
    unit: str = ""
    reason: str = ""


@dataclass(frozen=True)
class GrowthPlan:
    """What was decided before the data were looked at (``plan.toml``); nothing where it was left open.

    Attributes
    ----------
    source
        Whose volumes count.
    arms, control
        Which arms there are, and which one is the control.
    mice_per_arm
        How many mice each arm was to have.
    baseline_day, day
        Day of the baseline, and day at which the arms are compared.
    test
        The test between arms, in words; murinoma has Welch's t on growth rates: ``welch``.
    margin_tc
        T/C below which the treatment counts as active.
    multiple
        The n of the time to n-fold volume.
    alpha
        Level of the test.
    exclusions
        Reasons for which scans or mice may be left out.
    """

    source: str | None = None
    arms: tuple[str, ...] = ()
    control: str | None = None
    mice_per_arm: int | None = None
    baseline_day: float | None = None
    day: float | None = None
    test: str | None = None
    margin_tc: float | None = None
    multiple: float | None = None
    alpha: float | None = None
    exclusions: tuple[str, ...] = ()


def read_mice(folder: Path) -> tuple[list[MouseEntry], list[Finding]]:
    """Return the mice of ``mice.csv`` in its order, and a finding for each row that does not count.

    A mouse in two arms belongs to none: all its rows are findings.

    Raises
    ------
    StudyError
        If the file cannot be read or lacks a column.
    """
    path = folder / "mice.csv"
    entries, findings = _read(path, ("dataset", "mouse", "arm"), _mouse)
    arms: dict[tuple[str, str], set[str]] = {}
    for entry in entries:
        arms.setdefault(entry.key, set()).add(entry.arm)
    torn = {key for key, names in arms.items() if len(names) > 1}
    for dataset, mouse in sorted(torn):
        names = " and ".join(sorted(name or "no arm" for name in arms[dataset, mouse]))
        what = f"{path} puts it into {names}"
        findings.append(Finding("error", "two arms", f"{dataset} {mouse}", what, "keep one row; it counts in no arm"))
    return list({entry.key: entry for entry in entries if entry.key not in torn}.values()), findings


def read_events(folder: Path) -> tuple[list[Event], list[Finding]]:
    """Return the events of ``events.csv`` in its order, and a finding for each row that does not count.

    The columns are ``dataset, mouse``, ``time`` (8d, 36h) or ``day``, ``event``, and perhaps ``value, unit, reason``.

    Raises
    ------
    StudyError
        If the file cannot be read or lacks a column.
    """
    return _read(folder / "events.csv", ("dataset", "mouse", "event"), _event)


def read_plan(folder: Path) -> GrowthPlan | None:
    """Return what ``plan.toml`` says, or nothing if there is none.

    Raises
    ------
    StudyError
        If it cannot be understood, or says something that murinoma does not know.
    """
    path = folder / "plan.toml"
    if not path.exists():
        return None
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        known = said.pop("format", PLAN_FORMAT)
        if known != PLAN_FORMAT:
            raise ValueError(f"its format is '{known}', this murinoma reads '{PLAN_FORMAT}'")
        return _plan(said)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, ValueError) as error:
        raise StudyError(f"{path} cannot be read: {error}; correct it or take it away") from error


def _read(path: Path, columns: tuple[str, ...], build: Callable[[Row], Value]) -> tuple[list[Value], list[Finding]]:
    """Return what `build` makes of every row, and the rows that it refuses."""
    if not path.exists():
        return [], []
    found, findings = [], []
    try:
        for line, row in _rows(path, columns):
            try:
                found.append(build(row))
            except (ValueError, StudyError) as error:
                place = f"{row['dataset']} {row['mouse']}".strip()
                what = f"line {line} of {path} does not count: {error}"
                findings.append(Finding("error", "table row", place, what, "correct the row"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"{path} cannot be read ({error}); save it as CSV with commas, in UTF-8") from error
    return found, findings


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
    """Yield (line, row) with names in small letters and without blanks at the ends; blank lines are passed over."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        head = [name.strip().lower() for name in next(reader, [])]
        absent = [name for name in columns if name not in head]
        if absent:
            raise StudyError(f"{path} lacks the columns {', '.join(absent)}; it has {', '.join(head) or 'none'}")
        for cells in reader:
            if any(cell.strip() for cell in cells):
                filled = [*cells, *[""] * (len(head) - len(cells))]
                yield reader.line_num, dict(zip(head, (cell.strip() for cell in filled), strict=False))


def _mouse(row: Row) -> MouseEntry:
    dataset, mouse = _key(row)
    said = {name: text for name, text in row.items() if name not in ("dataset", "mouse", "arm")}
    return MouseEntry(dataset, mouse, row["arm"], said)


def _key(row: Row) -> tuple[str, str]:
    if not row["mouse"]:
        raise ValueError("it names no mouse")
    return clean_dataset(row["dataset"]) or row["dataset"] or "Dataset 1", row["mouse"]


def _event(row: Row) -> Event:
    dataset, mouse = _key(row)
    said = row["event"].lower()
    kind = "death" if said in DEATHS else said
    if kind not in EVENTS:
        raise ValueError(f"'{row['event']}' is no event; write {', '.join(EVENTS)}")
    value = row.get("value", "")
    number = float(value) if value else math.nan
    return Event(dataset, mouse, _day(row), kind, number, row.get("unit", ""), row.get("reason", ""))


def _day(row: Row) -> float:
    if row.get("day"):
        day = float(row["day"])
        if not math.isfinite(day):
            raise ValueError(f"'{row['day']}' is no day")
        return day
    return TimePoint.parse(row.get("time", "")).hours / HOURS_PER_DAY


def _plan(said: Mapping[str, Any]) -> GrowthPlan:
    kinds = {one.name: str(one.type) for one in fields(GrowthPlan)}
    unknown = sorted(set(said) - set(kinds))
    if unknown:
        raise ValueError(f"nothing is called {', '.join(unknown)}; it may say {', '.join(kinds)}")
    plan = GrowthPlan(**{name: _planned(name, kinds[name], value) for name, value in said.items()})
    if plan.multiple is not None and plan.multiple <= 1:
        raise ValueError(f"multiple = {plan.multiple:g} is not above 1")
    if plan.alpha is not None and not 0 < plan.alpha < 0.5:
        raise ValueError(f"alpha = {plan.alpha:g} is not between 0 and 0.5")
    return plan


def _planned(name: str, kind: str, value: Any) -> Any:
    """Return a value of the plan as the kind that its field has."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind.startswith("tuple") and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if kind.startswith("str") and isinstance(value, str):
        return value
    if kind.startswith("float") and number:
        return float(value)
    if kind.startswith("int") and isinstance(value, int) and number:
        return value
    shown = {"tuple": "a list of texts", "str": "a text", "float": "a number", "int": "a whole number"}
    wanted = next(words for start, words in shown.items() if kind.startswith(start))
    raise ValueError(f"{name} = {value!r} is not {wanted}")
