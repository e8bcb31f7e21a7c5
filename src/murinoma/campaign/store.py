"""What one annotator has done, saved after every stroke: the one way in which a front end reaches a campaign.

A call that saves has saved when it returns. What a killed process was saving is there whole or not at all.
"""

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from murinoma.campaign import rows
from murinoma.campaign.packing import as_labels, labels_sha256, marked_box, pack
from murinoma.campaign.plan import Assignment, Plan, is_as_handed_out, read_plan
from murinoma.campaign.rows import Event, Labels, ScanRow, Shape, State
from murinoma.campaign.session import SYSTEM_CLOCK, Clock, Place, Session
from murinoma.errors import FileError, GeometryError, InputError, MurinomaError, UsageError
from murinoma.study import Study
from murinoma.study.campaign_paths import (
    campaign_lock_path,
    campaign_revealed_path,
    campaign_store_path,
    path_from_study,
)

Value = TypeVar("Value")


def open_store(study: Study, annotator: str, *, clock: Clock = SYSTEM_CLOCK) -> "Store":
    """Open the store of an annotator for writing; use it in a ``with`` block, and in one thread.

    Raises
    ------
    UsageError
        If the study has no campaign, or the campaign no such annotator.
    FileError
        If the plan or the store is damaged, newer, or the two do not belong together.
    OutputError
        If another window has the store open, or the folder cannot be written.
    """
    return Store(study, read_plan(study), annotator, clock=clock)


class Store:
    """An annotator's scans by their codes. Nothing that it shows names a dataset, a mouse or a day."""

    def __init__(self, study: Study, plan: Plan, annotator: str, *, clock: Clock) -> None:
        """Open the store; `open_store` says what can go wrong."""
        order = plan.order_of(annotator)
        self.annotator = plan.name_of(annotator)
        self.protocol = dict(plan.protocol)
        self._study = study
        self._assignments = {one.code: one for one in order}
        place = Place(
            campaign_store_path(study, self.annotator),
            campaign_lock_path(study, self.annotator),
            campaign_revealed_path(study),
        )
        identity = {"campaign": plan.campaign, "annotator": self.annotator}
        self._session = Session(place, identity, self.codes, clock=clock)
        self._shape: Shape | None = None  # of the open scan
        self._is_closed = False

    def __repr__(self) -> str:
        return f"Store({self.annotator!r})"

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the open scan, end the session and give the lock back; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._session.close()

    # ---- what is to be done

    @property
    def codes(self) -> tuple[str, ...]:
        """All codes in the annotator's order."""
        return tuple(self._assignments)

    def next_code(self) -> str | None:
        """Return the scan to go on with: one in work, else the next that waits, else one for a second look."""
        scans = self.scans()
        for wanted in (("drawing", "review"), ("waiting",), ("second_look",)):
            found = next((code for code in self.codes if scans[code].state in wanted), None)
            if found is not None:
                return found
        return None

    def scans(self) -> dict[str, ScanRow]:
        """Return how far each scan is."""
        with self._session.asking() as connection:
            found = rows.scan_rows(connection)
        return {code: found[code] for code in self.codes}

    def state(self, code: str) -> State:
        """Return the state of a scan."""
        return self._scan(code).state

    def seconds(self, code: str) -> float:
        """Return the active time on a scan, pauses over a minute cut to one; up to the last sign of life."""
        return self._scan(code).seconds + self._session.unsaved_seconds(code)

    def read_ct(self, code: str, read: Callable[[Path], Value]) -> Value:
        """Return what `read` makes of the file of the CT of a scan.

        Neither the path nor an error of `read` comes out of here: both name dataset, mouse and day.

        Raises
        ------
        FileError
            If the CT is not the one that was handed out, or cannot be read.
        """
        scan = self._assignment(code).scan
        if not is_as_handed_out(self._study, scan):
            self._session.note(code, "CT changed")
            raise FileError(
                f"the CT of scan {code} is not the one that was handed out; go on with another scan and tell the "
                "coordinator, who sees with 'murinoma campaign status' which file it is"
            )
        with suppress(MurinomaError, OSError):
            return read(path_from_study(self._study, scan.ct))
        self._session.note(code, "CT unreadable")  # outside: the new error shall not remember the other
        raise FileError(f"the CT of scan {code} cannot be read; go on with another scan and tell the coordinator")

    # ---- what was drawn

    def drawn_slices(self, code: str) -> dict[int, Labels]:
        """Return the labels (y, x) of every drawn slice by its index z."""
        self._assignment(code)
        with self._session.asking() as connection:
            return rows.drawn_slices(connection, code)

    def drawn_labels(self, code: str) -> dict[int, tuple[int, ...]]:
        """Return for each label the slices on which it was drawn; also where it was drawn as nothing, its end."""
        self._assignment(code)
        with self._session.asking() as connection:
            return rows.drawn_labels(connection, code)

    def removed(self, code: str) -> Labels | None:
        """Return the labels that the tissue rule took away; nothing if it was not applied."""
        self._assignment(code)
        with self._session.asking() as connection:
            return rows.removed_voxels(connection, code)

    def labels(self, code: str) -> Labels | None:
        """Return the labels of the whole scan as last saved; nothing if there are none."""
        self._assignment(code)
        with self._session.asking() as connection:
            return rows.final_labels(connection, code)

    def events(self) -> list[Event]:
        """Return the log of all that was done, oldest first."""
        with self._session.asking() as connection:
            return rows.events(connection)

    # ---- drawing

    def begin(self, code: str, shape: Shape) -> None:
        """Open a scan whose CT has this shape (z, y, x); what is saved from now on must fit it.

        Raises
        ------
        GeometryError
            If it had another shape when it was opened before.
        """
        known = self._scan(code).shape
        shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        if known not in (None, shape):
            raise GeometryError(f"scan {code} had shape {known}, now {shape}; tell the coordinator that its CT changed")
        self._session.begin(code)
        self._shape = shape
        with self._session.changing(code, "opened") as connection:
            connection.execute("UPDATE scans SET shape = ? WHERE code = ?", (json.dumps(shape), code))

    def leave(self) -> None:
        """Close the open scan, if there is one, as it is; its time is saved."""
        self._session.leave()

    def touch(self) -> None:
        """Note that the annotator is at work (a key, a move of the mouse): the time since the last sign counts."""
        self._session.touch()

    def save_slice(self, code: str, z: int, plane: npt.NDArray[Any], *, drawn: Collection[int] = ()) -> None:
        """Save slice `z` as drawn: labels (y, x), uint8; it replaces what was drawn there before.

        Drawn there are the labels that `plane` holds, and those of `drawn`: one that `plane` lacks was drawn as
        nothing, and ends its tumor there. With neither the slice is no drawn slice any more.

        Raises
        ------
        GeometryError, InputError
            If it does not fit the open scan, or holds anything but whole numbers from 0 to 255.
        OutputError
            If it cannot be saved; what was saved before is as it was.
        """
        shape = self._open_shape(code)
        if plane.shape != shape[1:] or not 0 <= z < shape[0]:
            raise GeometryError(f"slice {z} of shape {plane.shape} does not fit scan {code}, which has shape {shape}")
        labels = as_labels(plane)
        found = sorted({*np.unique(labels).tolist(), *drawn} - {0})
        packed = [(code, int(z), label, pack(labels == label)) for label in found]
        with self._drawing(code, "slice", f"z {z}, labels {' '.join(map(str, found)) or 'none'}") as connection:
            connection.execute("DELETE FROM slices WHERE code = ? AND z = ?", (code, int(z)))
            connection.executemany("INSERT INTO slices VALUES (?, ?, ?, ?)", packed)
            connection.execute("UPDATE labels SET outdated = 1 WHERE code = ?", (code,))

    def save_removed(self, code: str, removed: npt.NDArray[Any]) -> None:
        """Save the labels (z, y, x) that the tissue rule took away and nobody put back, 0 where it took nothing.

        Raises
        ------
        GeometryError, OutputError
            As `save_slice`.
        """
        self._check_shape(code, removed)
        labels = as_labels(removed)
        voxels = int(np.count_nonzero(labels))
        with self._drawing(code, "tissue rule", f"{voxels} voxels removed") as connection:
            connection.execute("INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", (code, voxels, pack(labels)))

    def save_labels(self, code: str, labels: npt.NDArray[Any]) -> None:
        """Save the labels (z, y, x) of the whole scan: what `submit` hands in.

        Raises
        ------
        GeometryError, InputError, OutputError
            As `save_slice`.
        """
        self._check_shape(code, labels)
        kept = as_labels(labels)
        counts = np.bincount(kept[marked_box(kept)].ravel(), minlength=256)[1:]
        present = [int(label) for label in np.flatnonzero(counts) + 1]
        row = (code, labels_sha256(kept), json.dumps(present), 0, pack(kept))
        with self._drawing(code, "labels", f"{int(counts.sum())} voxels of {len(present)} labels") as connection:
            connection.execute("INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?)", row)

    def start_from(self, code: str, source: str) -> None:
        """Record that the annotator corrects the mask of `source` (``staple``, a model's name) in this scan.

        Raises
        ------
        InputError
            If something was drawn before.
        """
        self._open_shape(code)
        if self._scan(code).n_slices:
            raise InputError(f"scan {code} was drawn already; a mask to start from comes before the first slice")
        with self._drawing(code, "started from", source) as connection:
            connection.execute("UPDATE scans SET started_from = ? WHERE code = ?", (source, code))

    # ---- handing in

    def review(self, code: str) -> None:
        """Go from drawing to looking again at the whole."""
        self._open_shape(code)
        self._set_state(code, "review", "review")

    def submit(self, code: str) -> None:
        """Hand in the labels that were last saved, and close the scan; a scan without any tumor is one too.

        Raises
        ------
        InputError
            If there are no labels, they are older than a drawn slice, or a label that was drawn has no voxel in them.
        """
        self._assignment(code)
        with self._session.asking() as connection:
            if not rows.are_labels_up_to_date(connection, code):
                raise InputError(f"scan {code} has no labels of all its slices; interpolate them, then submit")
            lost = rows.labels_without_voxels(connection, code)
        if lost:
            raise InputError(
                f"label {', '.join(map(str, lost))} of scan {code} was drawn but has no voxel left; put back what "
                "the tissue rule removed, interpolate again, or erase its slices"
            )
        self._set_state(code, "done", "submitted")

    def skip(self, code: str, reason: str) -> None:
        """Leave a scan out, and say why; it can be opened again.

        Raises
        ------
        InputError
            If no reason is given.
        """
        self._set_state(code, "skipped", "skipped", _said(reason, "skip a scan with a reason"))

    def second_look(self, code: str, note: str) -> None:
        """Put a scan aside for a second look, with a note on what to look at; it comes again after all others.

        Raises
        ------
        InputError
            If there is no note.
        """
        self._set_state(code, "second_look", "second look", _said(note, "say in a note what to look at again"))

    # ---- inside

    def _assignment(self, code: str) -> Assignment:
        if code not in self._assignments:
            raise UsageError(f"annotator '{self.annotator}' has no scan '{code}'; codes are five letters, as shown")
        return self._assignments[code]

    def _scan(self, code: str) -> ScanRow:
        self._assignment(code)
        with self._session.asking() as connection:
            return rows.scan_row(connection, code)

    def _open_shape(self, code: str) -> Shape:
        """Return the shape of the open scan; what is drawn in any other is a mistake, and saved nowhere."""
        self._assignment(code)
        if code != self._session.scan or self._shape is None:
            raise UsageError(
                f"scan {code} is not open ({self._session.scan or 'none'} is); begin it before you save in it"
            )
        return self._shape

    def _check_shape(self, code: str, voxels: npt.NDArray[Any]) -> None:
        shape = self._open_shape(code)
        if voxels.shape != shape:
            raise GeometryError(f"labels of shape {voxels.shape} do not fit scan {code}, which has shape {shape}")

    @contextmanager
    def _drawing(self, code: str, what: str, note: str) -> Iterator[Any]:
        """Make a change of what is drawn: a scan that waited, was handed in or left out is in work again."""
        with self._session.changing(code, what, note) as connection:
            yield connection
            connection.execute(
                "UPDATE scans SET state = 'drawing' WHERE code = ? AND state IN ('waiting', 'done', 'skipped')", (code,)
            )

    def _set_state(self, code: str, state: State, what: str, note: str = "") -> None:
        self._assignment(code)
        with self._session.changing(code, what, note) as connection:
            connection.execute("UPDATE scans SET state = ?, note = ? WHERE code = ?", (state, note, code))
        if code == self._session.scan and state != "review":
            self._session.scan = None


def _said(words: str, remedy: str) -> str:
    """Return what an annotator wrote; nothing is not enough."""
    if not words.strip():
        raise InputError(f"nothing was written; {remedy}")
    return words.strip()
