"""The coordinator sees how far everybody is, and is in nobody's way."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from murinoma.campaign import changed_cts, open_store, progress
from murinoma.campaign.database import reading
from murinoma.study.campaign_paths import campaign_store_path
from tests.campaign.campaigns import SHAPE, annotate, plane, small_campaign

HALF_WRITTEN = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.executescript("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE")
connection.execute("UPDATE scans SET state = 'skipped'")
for number in range(2000):
    connection.execute("INSERT INTO events (utc, code, what, note) VALUES ('', '', 'lost', ?)", ("x" * 500,))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_before_anybody_began_all_wait(tmp_path: Path) -> None:
    """No store is made by looking."""
    study, plan = small_campaign(tmp_path)
    found = progress(study, plan)
    assert [(one.annotator, one.counts["waiting"], one.unfinished, one.session) for one in found] == [
        ("A", 3, 3, ""),
        ("B", 3, 3, ""),
    ]
    assert not list((tmp_path / "campaign").glob("*.sqlite"))


def test_the_states_are_counted_while_the_annotator_works(tmp_path: Path) -> None:
    """One handed in, one skipped, one in work: seen with the window open, and the window is not hindered."""
    study, plan = small_campaign(tmp_path)
    with open_store(study, "A") as store:
        one, two, three = store.codes
        annotate(store, one, 1)
        store.skip(two, "moved")
        store.begin(three, SHAPE)
        store.save_slice(three, 1, plane(1))
        found = progress(study, plan)[0]
        store.save_slice(three, 2, plane(1))
    assert found.counts == {"waiting": 0, "drawing": 1, "review": 0, "done": 1, "second_look": 0, "skipped": 1}
    assert (found.unfinished, found.problem) == (1, "")
    assert found.session.startswith("process ")
    assert found.last_saved.endswith("+00:00")
    assert found.scans[two].note == "moved"
    assert progress(study, plan)[0].session == ""


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """The store is the same to the byte, also one that may not be written."""
    study, plan = small_campaign(tmp_path)
    open_store(study, "A").close()
    path = campaign_store_path(study, "A")
    before = path.read_bytes()
    path.chmod(0o444)
    assert progress(study, plan)[0].counts["waiting"] == 3
    assert path.read_bytes() == before


def test_a_store_that_was_killed_in_a_write_can_be_looked_at(tmp_path: Path) -> None:
    """Pages of a change that never ended are in the file: a look takes them back in a copy, the annotator for good."""
    study, plan = small_campaign(tmp_path)
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
    path = campaign_store_path(study, "A")
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(path)], check=False)
    journal, half = path.with_name(path.name + "-journal"), path.read_bytes()
    assert journal.exists()
    found = progress(study, plan)[0]
    assert (found.problem, found.counts["done"]) == ("", 1)
    assert path.read_bytes() == half
    with open_store(study, "A") as store:
        assert store.state(store.codes[0]) == "done"
        assert "lost" not in [event.what for event in store.events()]
    assert not journal.exists()


def test_a_store_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    """The problem is a sentence of that annotator alone."""
    study, plan = small_campaign(tmp_path)
    campaign_store_path(study, "A").write_bytes(b"no store" * 1000)
    first, second = progress(study, plan)
    assert first.problem.startswith("cannot read annotator_A.sqlite: ")
    assert (second.problem, second.counts["waiting"]) == ("", 3)


def test_a_newer_store_says_so(tmp_path: Path) -> None:
    """The coordinator may have the older version."""
    study, plan = small_campaign(tmp_path)
    open_store(study, "A").close()
    with closing(sqlite3.connect(campaign_store_path(study, "A"))) as connection, connection:
        connection.execute("UPDATE store SET value = 'murinoma.campaign-store/2' WHERE name = 'format'")
    assert "update murinoma" in progress(study, plan)[0].problem


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """A look is read-only for SQLite, too."""
    study, _ = small_campaign(tmp_path)
    open_store(study, "A").close()
    with reading(campaign_store_path(study, "A")) as connection:
        try:
            connection.execute("DELETE FROM scans")
        except sqlite3.OperationalError as error:
            said = str(error)
    assert said == "attempt to write a readonly database"


def test_changed_cts_are_named_to_the_coordinator(tmp_path: Path) -> None:
    """Once each, with the name that annotators do not see."""
    study, plan = small_campaign(tmp_path)
    assert changed_cts(study, plan) == []
    scan = plan.orders["B"][1].scan
    (tmp_path / scan.ct).write_bytes(b"changed")
    assert [changed.title for changed in changed_cts(study, plan)] == [scan.title]
