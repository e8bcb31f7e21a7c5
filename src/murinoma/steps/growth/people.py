"""What people say about the mice: arms, deaths, plan; and the arms that `murinoma assign` drew, sealed or open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from murinoma.errors import StudyError
from murinoma.files.sealed import read_sealed
from murinoma.files.tables import read_table
from murinoma.files.versioned import read_versioned, write_versioned
from murinoma.settings import GrowthSettings
from murinoma.study import Finding
from murinoma.study.growth_paths import (
    ARM_KEY_FORMAT,
    assignment_flow_path,
    assignment_path,
    sealed_key_path,
    unsealed_path,
)
from murinoma.study.mice_table import Event, GrowthPlan, MouseEntry, read_events, read_mice, read_plan

UNSEALED_FORMAT = "murinoma.arm-key-unsealed/1"
CONTROLS = ("control", "ctrl", "vehicle", "untreated", "placebo", "saline", "pbs")
AS_PLANNED = ("source", "control", "baseline_day", "day", "multiple", "alpha")
Mouse = tuple[str, str]


@dataclass(frozen=True)
class People:
    """What people say.

    Attributes
    ----------
    arms
        (dataset, mouse) -> arm; mice of no arm are not in it.
    entries
        The mice of ``mice.csv``.
    assigned
        The mice that `murinoma assign` drew.
    assignment
        Its account of the mice that were assessed, if there is one.
    sealed
        True while arms are codes.
    notices
        (place, sentence) of what does not count.
    """

    arms: Mapping[Mouse, str] = field(default_factory=dict)
    entries: Mapping[Mouse, MouseEntry] = field(default_factory=dict)
    events: Sequence[Event] = ()
    plan: GrowthPlan | None = None
    assigned: frozenset[Mouse] = frozenset()
    assignment: pd.DataFrame | None = None
    sealed: bool = False
    notices: tuple[tuple[str, str], ...] = ()

    def last_day(self, mouse: Mouse) -> float | None:
        """Return the day of a mouse's death, if it died."""
        days = [event.day for event in self.events if (event.dataset, event.mouse) == mouse and event.event == "death"]
        return min(days, default=None)


def read_people(folder: Path, *, unseal: bool) -> People:
    """Return what lies in a folder: ``mice.csv``, ``events.csv``, ``plan.toml`` and the assignment; all may be absent.

    ``mice.csv`` counts; a mouse whose arm stands in the assignment too, and differently, belongs to no arm.

    Raises
    ------
    StudyError, FileError
        If one of them cannot be understood, or there is no assignment to unseal.
    OutputError
        If the opening of the key cannot be recorded.
    """
    entries, wrong = read_mice(folder)
    events, odd = read_events(folder)
    drawn, sealed = _assignment(folder, unseal=unseal)
    said = {entry.key: entry.arm for entry in entries if entry.arm}
    torn = {} if sealed else {mouse for mouse in said.keys() & drawn.keys() if said[mouse] != drawn[mouse]}
    notices = [*_sentences([*wrong, *odd]), *(_torn(mouse, said, drawn) for mouse in sorted(torn))]
    lost = {(one.scan.rpartition(" ")[0], one.scan.rpartition(" ")[2]) for one in wrong if one.kind == "two arms"}
    arms = {mouse: arm for mouse, arm in {**drawn, **said}.items() if mouse not in torn and mouse not in lost}
    by_mouse = {entry.key: entry for entry in entries}
    path = assignment_flow_path(folder)
    return People(
        arms,
        by_mouse,
        tuple(events),
        read_plan(folder),
        frozenset(drawn),
        read_table(path) if path.exists() else None,
        sealed and not said,
        tuple(notices),
    )


def _sentences(findings: Iterable[Finding]) -> Iterator[tuple[str, str]]:
    yield from ((one.scan, f"{one.message}; {one.remedy}") for one in findings)


def _torn(mouse: Mouse, said: Mapping[Mouse, str], drawn: Mapping[Mouse, str]) -> tuple[str, str]:
    what = f"mice.csv puts it into {said[mouse]}, the assignment into {drawn[mouse]}"
    return " ".join(mouse), f"{what}; it counts in no arm until they agree"


def _assignment(folder: Path, *, unseal: bool) -> tuple[dict[Mouse, str], bool]:
    """Return the arm of every mouse that was assigned, and whether that is a code still."""
    path = assignment_path(folder)
    if not path.exists():
        if unseal:
            raise StudyError(f"{path} is not there, so there is no key to open; run 'murinoma assign' first")
        return {}, False
    table = read_table(path, ("dataset", "mouse", "arm"))
    codes = {(row["dataset"], row["mouse"]): str(row["arm"]) for row in table.to_dict("records")}
    key = _open_key(folder) if unseal else _opened_key(folder)
    if key is None:
        return codes, True
    return {mouse: key[code] for mouse, code in codes.items()}, False


def _opened_key(folder: Path) -> dict[str, str] | None:
    """Return the key if it was opened before."""
    path = unsealed_path(folder)
    return read_versioned(path, lambda said: dict(said["key"]), kind=UNSEALED_FORMAT, remedy="unseal again")


def _open_key(folder: Path) -> dict[str, str]:
    """Open the key, and record when that was; a key that is open stays as recorded."""
    known = _opened_key(folder)
    if known is not None:
        return known
    path = sealed_key_path(folder)
    sealed = read_sealed(path, kind=ARM_KEY_FORMAT)
    if sealed is None:
        raise StudyError(f"{path} is gone, so the codes cannot be turned into arms; restore it from a copy")
    key = {str(code): str(arm) for code, arm in sealed["key"].items()}
    opened = datetime.now(UTC).isoformat(timespec="seconds")
    write_versioned({"opened": opened, "key": key}, unsealed_path(folder), kind=UNSEALED_FORMAT)
    return key


def as_planned(settings: GrowthSettings, plan: GrowthPlan | None) -> GrowthSettings:
    """Return the settings that count: what the user said, else what was planned, else the default."""
    usual = GrowthSettings()
    said = {
        name: getattr(plan, name)
        for name in AS_PLANNED
        if plan is not None and getattr(plan, name) is not None and getattr(settings, name) == getattr(usual, name)
    }
    return replace(settings, **said)


def control_of(arms: Sequence[str], wanted: str) -> str:
    """Return which of the arms is the control; nothing where none is called so.

    Examples
    --------
    >>> control_of(["drug A", "Vehicle"], "")
    'Vehicle'
    """
    if wanted:
        return wanted if wanted in arms else ""
    found = [arm for arm in arms if any(word in arm.lower().split() for word in CONTROLS)]
    return found[0] if len(found) == 1 else ""
