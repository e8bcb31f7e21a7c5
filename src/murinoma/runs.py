"""One function over many scans: workers, progress, skip what is done, collect failures, stop at Ctrl-C.

The function gets one scan (or one acquisition: anything with a key and a title) and returns a result that JSON can
hold. Its errors are collected, and the others go on. What was done is kept in the step's record, also when the run is
stopped; so are entries of scans that this run was not asked for.
"""

import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol

from murinoma.errors import FileError, MurinomaError
from murinoma.files.records import Entry, Record, fingerprint, is_unchanged, read_record, write_record
from murinoma.settings import RunSettings

Result = Mapping[str, Any]
Progress = Callable[[int, int, str], None]
SAVE_SECONDS = 5.0


class Item(Protocol):
    """What is worked on: a scan, or an acquisition. `key` identifies it, `title` names it for people, both uniquely."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the item."""

    @property
    def title(self) -> str:
        """The item's name for people."""


class ScanWork(Protocol):
    """What is done with one item: a picklable value with the item's inputs, its outputs and the work itself.

    `scans_per_worker`: fewer scans than this do not pay the half second that a second process takes to start.
    """

    scans_per_worker: ClassVar[int]

    def inputs(self, item: Any, /) -> list[Path]:
        """Return the files that the result depends on."""

    def options(self, item: Any, /) -> Mapping[str, Any]:
        """Return what else the result depends on, beside the files and the step's settings; JSON can hold it."""

    def outputs(self, item: Any, /) -> list[Path]:
        """Return the files that the work writes; if one is gone, the item is done again."""

    def __call__(self, item: Any, /) -> Result:
        """Do the work and return what JSON can hold."""


@dataclass(frozen=True)
class Failure:
    """A scan that could not be worked on, and the sentence that says why."""

    scan: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What became of every scan.

    `results` by the scan's key; `skipped` counts those taken from the record, `waiting` those that a dry run
    would have worked on.
    """

    results: Mapping[tuple[str, str, str], Result]
    failures: tuple[Failure, ...]
    skipped: int
    waiting: int


@dataclass
class _Ledger:
    """The entries and failures of a run, saved every few seconds while it goes on."""

    path: Path
    settings: Mapping[str, Any]
    entries: dict[str, Entry]
    failures: dict[str, str] = field(default_factory=dict)
    saved: float = field(default_factory=time.monotonic)

    def add(self, scan: Item, entry: Entry | None, message: str) -> None:
        if entry is None:
            self.failures[scan.title] = message
        else:
            self.entries[scan.title] = entry
        if time.monotonic() - self.saved > SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        write_record(Record(self.path.parent.name, version("murinoma"), self.settings, self.entries), self.path)
        self.saved = time.monotonic()


def run_scans(
    scans: Sequence[Item],
    work: ScanWork,
    record: Path,
    *,
    settings: Any,
    how: RunSettings,
    progress: Progress | None = None,
) -> Outcome:
    """Return the results of `work` on every scan, doing only what the record does not show as done.

    Parameters
    ----------
    scans
        The scans; their order is the order of the results.
    work
        What is done with each.
    record
        The ``record.json`` of the step; kept up to date while the run goes on.
    settings
        The step's settings, a dataclass: results made with others are not taken.
    how
        Workers, force, dry run.
    progress
        Called with (done, of how many, scan) after each scan.

    Raises
    ------
    FileError, OutputError
        If the record is damaged or cannot be written.
    KeyboardInterrupt
        On Ctrl-C, after the record was written.
    """
    known = dict(_valid_entries(record, settings, forgive=how.force))
    todo = [s for s in scans if how.force or s.title not in known or not _is_done(s, work, known[s.title])]
    for scan in todo:
        known.pop(scan.title, None)
    ledger = _Ledger(record, plain(settings), known)
    if todo and not how.dry_run:
        try:
            _fill(ledger, todo, _finish(todo, work, how.workers), progress)
        finally:
            ledger.save()
    return Outcome(
        {scan.key: known[scan.title]["result"] for scan in scans if scan.title in known},
        tuple(Failure(scan.title, ledger.failures[scan.title]) for scan in scans if scan.title in ledger.failures),
        len(scans) - len(todo),
        len(todo) if how.dry_run else 0,
    )


def _fill(ledger: _Ledger, todo: Sequence[Item], finished: "Iterator[Finished]", progress: Progress | None) -> None:
    for count, (scan, entry, message) in enumerate(finished, start=1):
        ledger.add(scan, entry, message)
        if progress is not None:
            progress(count, len(todo), scan.title)


def plain(settings: Any) -> Mapping[str, Any]:
    """Return a settings dataclass as a record gives it back: tuples become lists."""
    kept: Mapping[str, Any] = json.loads(json.dumps(asdict(settings)))
    return kept


def _valid_entries(record: Path, settings: Any, *, forgive: bool) -> Mapping[str, Entry]:
    """Return the entries that this version made with these settings; `forgive` takes a damaged record for none."""
    try:
        known = read_record(record)
    except FileError:
        if not forgive:
            raise
        known = None
    if known is None or known.version != version("murinoma") or known.settings != plain(settings):
        return {}
    return known.entries


def _is_done(scan: Item, work: ScanWork, entry: Entry) -> bool:
    try:
        return (
            entry.get("options", {}) == work.options(scan)
            and all(path.exists() for path in work.outputs(scan))
            and is_unchanged(work.inputs(scan), entry["inputs"])
        )
    except MurinomaError:
        return False  # the work itself will say what is wrong


Finished = tuple[Item, Entry | None, str]  # the entry, or else why there is none


def _finish(scans: Sequence[Item], work: ScanWork, workers: int) -> Iterator[Finished]:
    """Yield every scan when it is finished, from this process if one is enough."""
    workers = workers or min(os.cpu_count() or 1, -(-len(scans) // work.scans_per_worker))
    if workers == 1:
        yield from (_work_on(scan, work) for scan in scans)
        return
    # spawn, always: a forked child hangs with the threads of numerical libraries
    pool = ProcessPoolExecutor(
        min(workers, len(scans)), multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(work,)
    )
    try:
        with _deaf_to_ctrl_c():  # a worker that is still importing would print its traceback
            waiting = {pool.submit(_work_in_worker, scan): scan for scan in scans}
        for future in as_completed(waiting):
            yield _outcome_of(future, waiting[future])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ignore Ctrl-C for a moment; processes that are started meanwhile ignore it for good."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _outcome_of(future: Future[Finished], scan: Item) -> Finished:
    try:
        return future.result()
    except BrokenProcessPool:
        return scan, None, "a worker process was killed, most often for lack of memory; run again with --workers 1"


def _work_on(scan: Item, work: ScanWork) -> Finished:
    try:
        inputs = fingerprint(work.inputs(scan))  # before the work: a file that changes meanwhile is noticed next time
        return scan, {"inputs": inputs, "options": work.options(scan), "result": work(scan)}, ""
    except MurinomaError as error:
        return scan, None, str(error)
    except MemoryError:
        return scan, None, "there is not enough memory for this scan; run again with --workers 1"


_worker_task: list[ScanWork] = []  # set once per worker process, so that a task carries one scan only


def _start_worker(work: ScanWork) -> None:
    # Ctrl-C goes to the whole terminal group; the parent alone decides what happens then
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _worker_task[:] = [work]


def _work_in_worker(scan: Item) -> Finished:
    return _work_on(scan, _worker_task[0])
