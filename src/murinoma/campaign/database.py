"""The SQLite file of one annotator: made, opened, locked, read by others, and its failures in plain words.

It has a rollback journal, because WAL does not work on network folders. Whoever writes it holds a second, empty file
locked for the whole session. The system drops that lock when the process ends, however it ends, and the coordinator
can still read the store. Every session also leaves its number in the store: where the locks of a network folder do
not work, the earlier of two windows notices the later one and writes no more.

Sentences name the store's file only, never its folder: a path may hold a dataset's name.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from murinoma.errors import FileError, MurinomaError, OutputError

FORMAT = "murinoma.campaign-store/1"
PATIENCE_SECONDS = 10.0  # how long a write waits for somebody who reads
SESSION = "SELECT value FROM store WHERE name = 'session'"  # number by chance, process and computer
FULL_DISK = "free space; all that was saved before is safe"

SCHEMA = """
CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE scans (code TEXT PRIMARY KEY, state TEXT NOT NULL, note TEXT NOT NULL DEFAULT '', shape TEXT,
                    seconds REAL NOT NULL DEFAULT 0, started_from TEXT);
CREATE TABLE slices (code TEXT NOT NULL, z INTEGER NOT NULL, label INTEGER NOT NULL, mask BLOB NOT NULL,
                     PRIMARY KEY (code, z, label)) WITHOUT ROWID;
CREATE TABLE removed (code TEXT PRIMARY KEY, voxels INTEGER NOT NULL, mask BLOB NOT NULL);
CREATE TABLE labels (code TEXT PRIMARY KEY, sha256 TEXT NOT NULL, present TEXT NOT NULL,
                     outdated INTEGER NOT NULL, labels BLOB NOT NULL);
CREATE TABLE events (number INTEGER PRIMARY KEY, utc TEXT NOT NULL, code TEXT NOT NULL, what TEXT NOT NULL,
                     note TEXT NOT NULL);
CREATE TRIGGER no_event_changes BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
CREATE TRIGGER no_event_goes BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are only added'); END;
"""


def lock(path: Path, store: Path) -> sqlite3.Connection:
    """Return the lock on a store; closing it, or the end of the process, gives it back.

    Raises
    ------
    OutputError
        If another window has it, or the folder cannot be written or knows no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error  # without the path
        raise OutputError(f"cannot lock {store.name}: {reason}; make the campaign's folder writable") from error
    try:
        held.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        held.close()
        raise OutputError(_refusal(error, store)) from error
    return held


def _refusal(error: sqlite3.Error, store: Path) -> str:
    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
        return f"cannot lock {store.name}: {error}; the campaign's folder must be writable and know file locks"
    return (
        f"{store.name} is open in another window{_where(store)}; go on there, or close it first "
        "(after a crash of another computer the lock goes after a minute or two)"
    )


def _where(store: Path) -> str:
    """Return the process that has a store open, as words; nothing where that cannot be known."""
    try:
        with reading(store) as connection:
            row = connection.execute(SESSION).fetchone()
    except (MurinomaError, sqlite3.Error):
        return ""
    return f" ({row[0].partition(' ')[2]})" if row else ""


def connect(path: Path, identity: dict[str, str], codes: Sequence[str]) -> sqlite3.Connection:
    """Return the store at `path` for writing; made, with every code waiting, if there is none.

    `identity` is what the store must say of itself: campaign and annotator. Hold the lock first.

    Raises
    ------
    FileError
        If the file is no store, a newer one, or that of another campaign or annotator.
    OutputError
        If it cannot be written.
    """
    with spoken(path):
        connection = sqlite3.connect(path, timeout=PATIENCE_SECONDS, isolation_level=None)
    try:
        with spoken(path):
            # EXTRA: after a cut of the power the journal of the last change is gone for sure
            connection.executescript("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;")
            if is_empty(connection):
                _make(connection, identity, codes)
        check_identity(connection, path, identity)
    except BaseException:
        connection.close()
        raise
    return connection


def is_empty(connection: sqlite3.Connection) -> bool:
    """Tell whether a file holds nothing yet: whoever made it was killed before its first change was written."""
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def _make(connection: sqlite3.Connection, identity: dict[str, str], codes: Sequence[str]) -> None:
    """Fill an empty file; all of it is there, or nothing."""
    with transaction(connection):
        for statement in SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.executemany("INSERT INTO store VALUES (?, ?)", [("format", FORMAT), *identity.items()])
        connection.executemany("INSERT INTO scans (code, state) VALUES (?, 'waiting')", [(code,) for code in codes])


def check_identity(connection: sqlite3.Connection, path: Path, identity: dict[str, str]) -> None:
    """Refuse a store that is newer, or not the one of this campaign and annotator.

    Raises
    ------
    FileError
        If so.
    """
    try:
        said = dict(connection.execute("SELECT name, value FROM store").fetchall())
    except sqlite3.DatabaseError as error:
        raise FileError(f"{path.name} is no store of a campaign ({error}); take it from your backup") from error
    if said.get("format") != FORMAT:
        raise FileError(
            f"{path.name} has format '{said.get('format')}', this murinoma reads '{FORMAT}'; update murinoma"
        )
    for name, value in identity.items():
        if said.get(name) != value:
            raise FileError(
                f"{path.name} belongs to {name} '{said.get(name)}', the plan says '{value}'; "
                "put it back beside its own plan"
            )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all that the block changes at its end, or nothing if it fails or is interrupted."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # on a full disk SQLite may have taken it back itself
            connection.execute("ROLLBACK")
        raise


@contextmanager
def spoken(path: Path) -> Iterator[None]:
    """Turn what SQLite says into a sentence for people: a damaged file is a FileError, all else an OutputError."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of the caller: another thread, or a store that was closed
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise FileError(f"{path.name} is damaged ({error}); take it from your backup") from error
        raise OutputError(f"cannot save to {path.name}: {error}; {_remedy(code)}") from error


def _remedy(code: int) -> str:
    if code == sqlite3.SQLITE_BUSY:
        return "somebody reads it for long; try again"
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return "make the campaign's folder writable"
    return FULL_DISK


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store to look at it: nothing is written, and its annotator can go on.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    try:
        opened = _restored_copy(path) if _is_half_written(path) else closing(_read_only(path))
        with opened as connection:
            yield connection
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot read {path.name}: {reason}; try again, or take it from your backup") from error


def _read_only(path: Path) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)


def _is_half_written(path: Path) -> bool:
    """Tell whether a process was killed while it wrote; who only reads may not take the half back."""
    with closing(_read_only(path)) as connection:
        try:
            is_empty(connection)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
                return True
            raise
    return False


@contextmanager
def _restored_copy(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy, in which SQLite takes the half back; the annotator's next session does so in the store."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        journal = f"{path.name}-journal"
        shutil.copy(path, copy)
        shutil.copy(path.with_name(journal), copy.with_name(journal))
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            yield connection
