"""An annotator at work: the open scan, what is drawn in it, its steps, and all of it saved at once."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.campaign import Store
from murinoma.errors import FileError, InputError, UsageError
from murinoma.settings import AnnotateSettings
from murinoma.steps.annotate import annotation as drawing
from murinoma.steps.annotate import todo
from murinoma.steps.annotate.annotation import Annotation, Labels
from murinoma.steps.annotate.autosave import Autosave
from murinoma.steps.annotate.history import Change, History, change_between, redone, undone
from murinoma.steps.annotate.shown import OpenScan, Shown, Tumor
from murinoma.volume import Volume

FINISHED = ("done", "skipped")


@dataclass(frozen=True)
class Workplace:
    """Where the scans of an annotator come from, and where the annotations go.

    Attributes
    ----------
    store
        Keeps every stroke.
    read_ct
        Returns the CT of a scan by its code.
    start_from
        Source of the masks that are corrected; empty where scans are drawn from nothing.
    start_mask
        Returns that mask of a scan.
    hand_in
        Called with the labels of a scan after it was submitted; returns what is said about it.
    result
        The file that this writes; None where that is not to be known.
    """

    store: Store
    read_ct: Callable[[str], Volume]
    start_from: str
    start_mask: Callable[[str], Labels]
    hand_in: Callable[[Volume], str]
    result: Path | None = None


class Sitting:
    """The drawing actions on one scan after the other; what each changed is saved when it returns.

    Where something cannot be saved it stays in memory and on the screen, `Shown.trouble` says why, and the next
    action saves it, too. `notice` is what is to be said about the scan that was opened last.
    """

    def __init__(self, workplace: Workplace, settings: AnnotateSettings, notice: str = "") -> None:
        """Sit down; no scan is open before `open_next`."""
        self.settings, self.notice = settings, notice
        self.scan: OpenScan | None = None
        self.annotation = drawing.empty_annotation((1, 1, 1))
        self._workplace, self._store = workplace, workplace.store
        self._history = History(settings.undo_steps)
        self._aside: list[str] = []  # the one put aside last comes last
        self._unreadable: set[str] = set()
        self._is_closed = False
        self._autosave = Autosave(workplace.store, "")

    @property
    def result(self) -> Path | None:
        """The annotation that was written; None in a campaign, and before it is."""
        path = self._workplace.result
        return path if path is not None and path.exists() else None

    @property
    def trouble(self) -> str:
        """Why the last strokes are not saved; empty if they are."""
        return self._autosave.trouble if self.scan is not None else ""

    # ---- which scan

    def open_next(self) -> OpenScan | None:
        """Open the next scan; None if all are handed in or skipped. Those that were put aside come at the end.

        Raises
        ------
        FileError
            If scans are left and none of them can be read.
        """
        failure: FileError | None = None
        while (code := self._next_code()) is not None:
            try:
                return self.open(code)
            except FileError as error:
                failure, self.notice = error, str(error)
                self._unreadable.add(code)
        if failure is not None:
            raise failure
        return None

    def open(self, code: str) -> OpenScan:
        """Open a scan as it was left.

        Raises
        ------
        FileError
            If its CT is not the one that was handed out, or cannot be read.
        OutputError
            If the store cannot be written.
        """
        self.put_aside()
        ct = self._workplace.read_ct(code)
        self._store.begin(code, ct.shape)
        self._start(code)
        saved = drawing.restored(
            self._store.drawn_slices(code),
            {label: frozenset(slices) for label, slices in self._store.drawn_labels(code).items()},
            shape=ct.shape,
            saved=self._store.labels(code),
            removed=self._store.removed(code),
        )
        self.annotation = drawing.keep_what_stays(saved, ct.voxels, self.settings.protocol)
        self._history, self._autosave = History(self.settings.undo_steps), Autosave(self._store, code)
        self.scan = OpenScan(code, ct, self._store.scans()[code].started_from)
        return self.scan

    def put_aside(self) -> None:
        """Leave the open scan as it is, to come back to it later.

        Raises
        ------
        OutputError
            If what was drawn cannot be saved: the scan stays open.
        """
        if self.scan is not None:
            self._autosave.save_all(self.annotation)
            self._store.leave()
            self._aside = [*(code for code in self._aside if code != self.scan.code), self.scan.code]
            self.scan = None

    def submit(self) -> str:
        """Hand in the open scan, and return what to say about it.

        Raises
        ------
        InputError
            If slices are still to be drawn or interpolated, air or bone is in a tumor, or a tumor lost its voxels.
        OutputError
            If it cannot be saved: the scan stays open.
        """
        scan, found = self._open(), self.obstacles()
        if found:
            raise InputError(f"scan {scan.code} is not done: {'; '.join(found)}")
        self._autosave.save_all(self.annotation, is_final=True)
        self._store.submit(scan.code)
        said = self._workplace.hand_in(scan.ct.with_voxels(self.annotation.labels))
        self.scan = None
        return said

    def skip(self, reason: str) -> None:
        """Leave the open scan out, and say why; errors as `murinoma.campaign.Store.skip`."""
        code = self._open().code
        self._autosave.save_all(self.annotation)
        self._store.skip(code, reason)
        self.scan = None

    def second_look(self, note: str) -> None:
        """Put the open scan aside for a second look at its end; errors as `murinoma.campaign.Store.second_look`."""
        code = self._open().code
        self._autosave.save_all(self.annotation)
        self._store.second_look(code, note)
        self.scan = None

    def close(self) -> None:
        """Save what is drawn and give the store back; a second time does nothing.

        Raises
        ------
        OutputError
            If something cannot be saved; the store is given back all the same.
        """
        try:
            if not self._is_closed:
                self._is_closed = True
                self.put_aside()
        finally:
            self._store.close()

    # ---- drawing: each returns what it changed, None if nothing

    def draw(self, z: int, plane: npt.NDArray[Any]) -> Change | None:
        """Take over a slice (y, x) as the pen left it."""
        return self._do(f"stroke on slice {z}", drawing.with_stroke(self.annotation, z, plane), is_stroke=True)

    def mark_end(self, z: int, label: int) -> Change | None:
        """Say that a tumor ends on slice `z` where it was drawn, or that it is not on this slice."""
        return self._do(f"end of tumor {label} at slice {z}", drawing.with_end(self.annotation, z, label))

    def forget_slice(self, z: int, label: int) -> Change | None:
        """Take away what was drawn of a tumor on a slice, as if it never had been."""
        return self._do(f"slice {z} not drawn", drawing.without_slice(self.annotation, z, label))

    def interpolate(self) -> Change | None:
        """Fill the slices between the drawn ones; in a mask that is corrected only gaps of the protocol's step."""
        scan = self._open()
        reach = self.settings.protocol.step if scan.is_correction else None
        return self._do("interpolation", drawing.interpolated(self.annotation, scan.ct.spacing_mm, reach=reach))

    def apply_tissue_rule(self) -> Change | None:
        """Take air and bone out of the tumors; when nothing else is to be done, the scan is under review."""
        scan = self._open()
        ruled = drawing.without_air_and_bone(self.annotation, scan.ct.voxels, self.settings.protocol)
        change = self._do("tissue rule", ruled)
        if not self.obstacles():
            self._autosave.attempt(lambda: self._store.review(scan.code))
        return change

    def put_back_slice(self, z: int) -> Change | None:
        """Put back what the tissue rule took on a slice."""
        return self._do(f"put back on slice {z}", drawing.with_removed_back(self.annotation, slice(z, z + 1)))

    def put_back_all(self) -> Change | None:
        """Put back all that the tissue rule took."""
        return self._do("put back", drawing.with_removed_back(self.annotation, slice(None)))

    def undo(self) -> Change | None:
        """Take the last step back; None if there is none."""
        change = self._history.back()
        if change is not None:
            self._adopt(undone(self.annotation, change), change)
        return change

    def redo(self) -> Change | None:
        """Do a step again that was taken back; None if there is none."""
        change = self._history.forth()
        if change is not None:
            self._adopt(redone(self.annotation, change), change)
        return change

    # ---- looking

    def next_slice(self, z: int, label: int) -> int | None:
        """Return the next slice to draw of a tumor; None if none is known."""
        return todo.next_slice(self.annotation, z, label, self.settings.protocol)

    def previous_slice(self, z: int, label: int) -> int | None:
        """Return the slice to draw before `z`; None if none is known."""
        return todo.previous_slice(self.annotation, z, label, self.settings.protocol)

    def ghost(self, z: int, label: int) -> Labels:
        """Return the outlines (y, x) of a tumor on the drawn slices before (1) and after (2) a slice."""
        return drawing.ghost(self.annotation, z, label)

    def obstacles(self) -> list[str]:
        """Return why the open scan cannot be handed in yet, one clause each."""
        scan, protocol = self._open(), self.settings.protocol
        return todo.obstacles(self.annotation, scan.ct.voxels, protocol, is_correction=scan.is_correction)

    def shown(self, labels: Collection[int] = ()) -> Shown:
        """Return what is said about the sitting: every tumor that was drawn, and those of `labels`."""
        rows = self._store.scans().values()
        finished = sum(row.state in FINISHED for row in rows)
        if self.scan is None:
            return Shown("", finished, len(rows))
        return Shown(
            self.scan.code,
            finished,
            len(rows),
            self.scan.started_from or "",
            self._tumors(labels),
            int(np.count_nonzero(self.annotation.removed)),
            self._history.next_undo,
            self._history.next_redo,
            self.trouble,
        )

    def is_at_work(self) -> None:
        """Note that the annotator is at work: the time since the last sign of life counts."""
        self._autosave.attempt(self._store.touch)

    # ---- inside

    def _open(self) -> OpenScan:
        if self.scan is None:
            raise UsageError("no scan is open; open the next one first")
        return self.scan

    def _next_code(self) -> str | None:
        """Return the scan to open now: one in work, one that waits, one for a second look, at last one put aside."""
        rows = self._store.scans()
        left = [code for code, row in rows.items() if row.state not in FINISHED and code not in self._unreadable]

        def rank(code: str) -> tuple[int, int]:
            aside = self._aside.index(code) if code in self._aside else -1
            return aside, ("drawing", "review", "waiting", "second_look").index(rows[code].state)

        return min(left, key=rank, default=None)

    def _start(self, code: str) -> None:
        """Take the mask that is to be corrected, unless somebody drew here before."""
        row = self._store.scans()[code]
        if not self._workplace.start_from or row.n_slices or row.sha256:
            return
        try:
            mask = self._workplace.start_mask(code)
        except FileError as error:
            self.notice = f"{error}; it is drawn from nothing"
            return
        self._store.start_from(code, self._workplace.start_from)
        self._store.save_labels(code, mask)

    def _tumors(self, labels: Collection[int]) -> tuple[Tumor, ...]:
        scan = self._open()
        volumes = drawing.volumes_mm3(self.annotation, scan.ct.voxel_mm3)
        return tuple(
            Tumor(
                label,
                volumes.get(label, 0.0),
                len(self.annotation.slices_with(label)),
                "" if scan.is_correction else todo.sentence_of(self.annotation, label, self.settings.protocol),
            )
            for label in sorted({*volumes, *self.annotation.drawn, *labels})
        )

    def _do(self, what: str, after: Annotation, *, is_stroke: bool = False) -> Change | None:
        """Take a step: remember it, adopt it, save it; nothing if it changes nothing."""
        self._open()
        if after is self.annotation:
            return None
        change = change_between(self.annotation, after, what)
        self._history.add(change)
        self._adopt(after, change, is_stroke=is_stroke)
        return change

    def _adopt(self, after: Annotation, change: Change, *, is_stroke: bool = False) -> None:
        before, self.annotation = self.annotation, after
        self._autosave.take(before, after, change, is_stroke=is_stroke)
