"""What a store holds, read: the state of each scan, its slices, labels and removed voxels, and the log."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from murinoma.campaign.packing import unpack

Labels = npt.NDArray[np.uint8]
Shape = tuple[int, int, int]
State = Literal["waiting", "drawing", "review", "done", "second_look", "skipped"]
SCANS = """
SELECT code, state, note, shape, seconds, started_from,
       (SELECT count(DISTINCT z) FROM slices WHERE slices.code = scans.code),
       coalesce((SELECT voxels FROM removed WHERE removed.code = scans.code), 0),
       (SELECT sha256 FROM labels WHERE labels.code = scans.code)
FROM scans"""
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True)
class ScanRow:
    """How far a scan is.

    Attributes
    ----------
    note
        Why it was skipped, or what to look at a second time.
    shape
        Of its CT, (z, y, x); None before it was opened.
    seconds
        Active time.
    started_from
        Source of the mask that was corrected; None where it was drawn from nothing.
    n_slices
        Drawn slices.
    n_removed
        Voxels that the tissue rule took away.
    sha256
        Of the final labels; None before there are any.
    """

    code: str
    state: State
    note: str
    shape: Shape | None
    seconds: float
    started_from: str | None
    n_slices: int
    n_removed: int
    sha256: str | None


@dataclass(frozen=True)
class Event:
    """One line of the log: when (UTC), on which scan (empty: none), what, and details that name no scan."""

    number: int
    utc: str
    code: str
    what: str
    note: str


def scan_rows(connection: sqlite3.Connection) -> dict[str, ScanRow]:
    """Return every scan by its code; no mask is read."""
    return {row[0]: _scan_row(row) for row in connection.execute(SCANS).fetchall()}


def scan_row(connection: sqlite3.Connection, code: str) -> ScanRow:
    """Return one scan, which the store must have."""
    return _scan_row(connection.execute(f"{SCANS} WHERE code = ?", (code,)).fetchone())


def _scan_row(row: tuple[Any, ...]) -> ScanRow:
    code, state, note, shape, *others = row
    return ScanRow(code, state, note, tuple(json.loads(shape)) if shape else None, *others)


def drawn_labels(connection: sqlite3.Connection, code: str) -> dict[int, tuple[int, ...]]:
    """Return for each label the slices on which it was drawn, ascending; also those where it was drawn as nothing."""
    drawn: dict[int, tuple[int, ...]] = {}
    rows = connection.execute("SELECT label, z FROM slices WHERE code = ? ORDER BY label, z", (code,)).fetchall()
    for label, z in rows:
        drawn[label] = (*drawn.get(label, ()), z)
    return drawn


def drawn_slices(connection: sqlite3.Connection, code: str) -> dict[int, Labels]:
    """Return the labels (y, x) of each drawn slice."""
    planes: dict[int, Labels] = {}
    rows = connection.execute("SELECT z, label, mask FROM slices WHERE code = ? ORDER BY z", (code,)).fetchall()
    for z, label, packed in rows:
        mask = unpack(packed)
        plane = planes.setdefault(z, np.zeros(mask.shape, np.uint8))
        plane[mask] = label
    return planes


def removed_voxels(connection: sqlite3.Connection, code: str) -> Labels | None:
    """Return what the tissue rule took away; nothing before it was applied."""
    row = connection.execute("SELECT mask FROM removed WHERE code = ?", (code,)).fetchone()
    return None if row is None else unpack(row[0])


def final_labels(connection: sqlite3.Connection, code: str) -> Labels | None:
    """Return the labels of the whole scan as last saved; nothing before that."""
    row = connection.execute("SELECT labels FROM labels WHERE code = ?", (code,)).fetchone()
    return None if row is None else unpack(row[0])


def are_labels_up_to_date(connection: sqlite3.Connection, code: str) -> bool:
    """Tell whether a scan has labels, and no slice was drawn since they were saved."""
    row = connection.execute("SELECT outdated FROM labels WHERE code = ?", (code,)).fetchone()
    return row is not None and not row[0]


def labels_without_voxels(connection: sqlite3.Connection, code: str) -> list[int]:
    """Return the labels that were drawn and of which nothing is in the labels of the scan, which must have some."""
    row = connection.execute("SELECT present FROM labels WHERE code = ?", (code,)).fetchone()
    drawn = {label for plane in drawn_slices(connection, code).values() for label in np.unique(plane).tolist()}
    return sorted(drawn - {0} - set(json.loads(row[0])))


def events(connection: sqlite3.Connection) -> list[Event]:
    """Return the whole log, oldest first."""
    rows = connection.execute("SELECT number, utc, code, what, note FROM events ORDER BY number").fetchall()
    return [Event(*row) for row in rows]


def last_saved(connection: sqlite3.Connection) -> str:
    """Return the time (UTC) of the last event; empty where there is none."""
    row = connection.execute("SELECT utc FROM events ORDER BY number DESC LIMIT 1").fetchone()
    return row[0] if row else ""
