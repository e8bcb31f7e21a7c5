"""One sitting of an annotator: the store is locked, every change is one transaction, and every change is logged."""

import os
import platform
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from murinoma.campaign.database import SESSION, connect, lock, spoken, transaction
from murinoma.campaign.stopwatch import Stopwatch
from murinoma.errors import OutputError


@dataclass(frozen=True)
class Clock:
    """Two clocks: the time of day, which may jump, for the log; and one that only goes on, for durations."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seconds: Callable[[], float] = time.monotonic


SYSTEM_CLOCK = Clock()
FLUSH_SECONDS = 30.0  # active time that a crash may lose
TRACES = ("opened", "left", "CT changed", "CT unreadable")  # events that change no annotation


@dataclass(frozen=True)
class Place:
    """The files of one annotator's store: the store, its lock, and the mark that says the campaign was revealed."""

    store: Path
    lock: Path
    revealed: Path


class Session:
    """A store that is open for writing, and nobody else's until it is closed.

    `connection` reaches the store, `scan` is the code of the scan that the annotator works on, if any.
    """

    def __init__(self, place: Place, identity: dict[str, str], codes: Sequence[str], *, clock: Clock) -> None:
        """Lock and open the store at `place`; errors as `murinoma.campaign.open_store`."""
        self._place, self._clock = place, clock
        self._number = f"{secrets.token_hex(8)} process {os.getpid()} on {platform.node()}"
        self.scan: str | None = None
        self._active, self._watch = 0.0, Stopwatch(clock.seconds)
        self._lock = lock(place.lock, place.store)
        try:
            self.connection = connect(place.store, identity, codes)
        except BaseException:
            self._lock.close()
            raise
        try:
            self._enter()
        except BaseException:
            self._let_go()
            raise

    def _enter(self) -> None:
        with self.asking(), transaction(self.connection):
            if self._holder() is not None:
                self._log("", "the session before was not closed", "")
            self.connection.execute("INSERT OR REPLACE INTO store VALUES ('session', ?)", (self._number,))
            self._log("", "session opened", "")

    def close(self) -> None:
        """End the session and give the lock back."""
        try:
            with self.asking():
                is_mine = self._holder() == self._number
            if is_mine:
                self.leave()
                with self.changing("", "session closed"):
                    self.connection.execute("DELETE FROM store WHERE name = 'session'")
        finally:
            self._let_go()

    def begin(self, code: str) -> None:
        """Take up a scan: from now on the time is its."""
        self.leave()
        self.scan, self._active, self._watch = code, 0.0, Stopwatch(self._clock.seconds)

    def leave(self) -> None:
        """Put the scan aside; its time is saved."""
        if self.scan is not None:
            self.note(self.scan, "left")
        self.scan = None

    def touch(self) -> None:
        """Take a sign of life: the time since the last one was work."""
        self._active += self._watch.lap()
        if self.scan is not None and self._active >= FLUSH_SECONDS:
            self.note(self.scan, "")

    def unsaved_seconds(self, code: str) -> float:
        """Return the active time on a scan that the store does not know yet."""
        return self._active if code == self.scan else 0.0

    def note(self, code: str, what: str) -> None:
        """Log an event that changes nothing but the time."""
        with self.changing(code, what):
            pass

    @contextmanager
    def asking(self) -> Iterator[sqlite3.Connection]:
        """Read from the store; what SQLite says becomes a sentence.

        Raises
        ------
        FileError, OutputError
            If the store is damaged, or out of reach.
        """
        with spoken(self._place.store):
            yield self.connection

    @contextmanager
    def changing(self, code: str, what: str, note: str = "") -> Iterator[sqlite3.Connection]:
        """Make all changes of the block and log them as one event, or, if anything fails, none of them.

        With it the active time on that scan is saved. A change of a scan after the campaign was revealed is logged
        as such, too; without `what` nothing is logged.

        Raises
        ------
        OutputError
            If they cannot be saved, or another window has opened this store meanwhile.
        """
        self._active += self._watch.lap()
        active = self.unsaved_seconds(code)
        with spoken(self._place.store), transaction(self.connection):
            if self._holder() != self._number:
                raise OutputError(
                    f"{self._place.store.name} was opened in another window meanwhile, because this folder knows no "
                    "locks; close this window, what it saved before is there"
                )
            yield self.connection
            self.connection.execute("UPDATE scans SET seconds = seconds + ? WHERE code = ?", (active, code))
            if what:
                self._log(code, what, note)
            if code and what and what not in TRACES and self._place.revealed.exists():
                self._log(code, "changed after reveal", "")
        self._active -= active

    def _holder(self) -> str | None:
        row = self.connection.execute(SESSION).fetchone()
        return row[0] if row else None

    def _log(self, code: str, what: str, note: str) -> None:
        utc = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds")
        row = (utc, code, what, note)
        self.connection.execute("INSERT INTO events (utc, code, what, note) VALUES (?, ?, ?, ?)", row)

    def _let_go(self) -> None:
        self.connection.close()
        self._lock.close()  # last: whoever comes next finds the store closed
