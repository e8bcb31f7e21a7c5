"""One window at a time, all or nothing, and one sentence for whatever the disk or the folder does."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from murinoma.campaign import open_store, progress, read_plan
from murinoma.campaign.session import Session
from murinoma.errors import FileError, OutputError
from murinoma.study import Study
from murinoma.study.campaign_paths import campaign_lock_path, campaign_plan_path, campaign_store_path
from tests.campaign.campaigns import SHAPE, annotate, plane, small_campaign, volume

OPENED = """
import os, sys
from pathlib import Path
from murinoma.campaign import open_store
from murinoma.study import read_study
store = open_store(read_study(Path(sys.argv[1])), "A")
store.begin(store.codes[0], (6, 5, 4))
print(store.codes[0], flush=True)
sys.stdin.read()
"""

FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from murinoma.campaign import open_store
from murinoma.errors import OutputError
from murinoma.study import read_study
with open_store(read_study(Path(sys.argv[1])), "A") as store:
    code = store.codes[0]
    store.begin(code, (20, 100, 100))
    drawn = np.random.default_rng(1).integers(0, 2, (100, 100)).astype(np.uint8)
    store.save_slice(code, 0, drawn)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
    try:
        store.save_labels(code, np.random.default_rng(0).integers(0, 9, (20, 100, 100)).astype(np.uint8))
    except OutputError as error:
        print(error)
    print(np.array_equal(store.drawn_slices(code)[0], drawn), store.labels(code))
    store.save_slice(code, 1, drawn)
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Return a study with a campaign of A and B."""
    return small_campaign(tmp_path)[0]


def start(study: Study) -> "subprocess.Popen[str]":
    """Return another process that has the store of A open."""
    order = [sys.executable, "-c", OPENED, str(study.root)]
    process = subprocess.Popen(order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_second_window_of_the_same_process_is_refused(study: Study) -> None:
    """The sentence names the store and who has it; the first goes on; another annotator is not hindered."""
    with open_store(study, "A") as store:
        with pytest.raises(OutputError, match=r"annotator_A\.sqlite is open in another window \(process \d+ on "):
            open_store(study, "A")
        annotate(store, store.codes[0], 1)
        with open_store(study, "B") as other:
            assert not set(other.codes) & set(store.codes)


def test_a_second_process_is_refused_until_the_first_is_killed(study: Study) -> None:
    """SIGKILL leaves no lock behind, whatever the first was doing, and the log says that it was not closed."""
    with start(study) as process:
        with pytest.raises(OutputError, match=f"process {process.pid} on "):
            open_store(study, "A")
        process.kill()
    with open_store(study, "A") as store:
        assert [event.what for event in store.events()] == [
            "session opened", "opened", "the session before was not closed", "session opened",
        ]  # fmt: skip


def test_a_full_disk_is_one_sentence_and_loses_nothing(study: Study) -> None:
    """A process that may write 120 kB (a real limit of the system) saves labels of more: what was there stays."""
    done = subprocess.run([sys.executable, "-c", FULL, str(study.root)], capture_output=True, text=True, check=True)
    sentence, kept = done.stdout.strip().splitlines()
    assert sentence.startswith("cannot save to annotator_A.sqlite: ")
    assert sentence.endswith("; free space; all that was saved before is safe")
    assert kept == "True None"
    with open_store(study, "A") as store:
        assert list(store.drawn_slices(store.codes[0])) == [0, 1]


def test_sqlite_says_that_a_disk_is_full(study: Study) -> None:
    """A store that may not grow: the same sentence, the transaction is gone, and the next save works."""
    with open_store(study, "A") as store:
        code = store.codes[0]
        annotate(store, code, 1)
        store.begin(code, SHAPE)
        connection = store._session.connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(OutputError, match=r"annotator_A\.sqlite: database or disk is full; free space"):
            store.second_look(code, "x" * 100_000)
        assert store.state(code) == "done"
        connection.execute("PRAGMA max_page_count = 1000")
        store.second_look(code, "x" * 100_000)
        assert store.state(code) == "second_look"


def test_an_interrupted_save_changes_nothing(study: Study) -> None:
    """Ctrl-C in the middle of a change takes back all of it; the time is kept for the next."""
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
        before = store.scans(), store.events()
        with pytest.raises(KeyboardInterrupt):
            _interrupted(store._session, store.codes[0])
        assert (store.scans(), store.events()) == before


def _interrupted(session: Session, code: str) -> None:
    with session.changing(code, "slice") as connection:
        connection.execute("DELETE FROM labels")
        raise KeyboardInterrupt


def test_without_locks_the_earlier_window_notices_the_later(study: Study, tmp_path: Path) -> None:
    """A folder that knows no locks lets two windows in: the first saves no more, and the second is not disturbed."""
    with open_store(study, "A") as first:
        first.begin(first.codes[0], SHAPE)
        first.save_slice(first.codes[0], 1, plane(1))
        campaign_lock_path(study, "A").unlink()  # as if the lock of the first were nowhere
        with open_store(study, "A") as second:
            with pytest.raises(OutputError, match=r"annotator_A\.sqlite was opened in another window meanwhile"):
                first.save_slice(first.codes[0], 2, plane(2))
            second.begin(second.codes[0], SHAPE)
            second.save_slice(second.codes[0], 3, plane(3))
            first.close()
            second.save_slice(second.codes[0], 4, plane(1))
            assert list(second.drawn_slices(second.codes[0])) == [1, 3, 4]


def test_a_newer_store_is_refused(study: Study) -> None:
    """Format 2 asks for an update, and is left as it was."""
    open_store(study, "A").close()
    path = campaign_store_path(study, "A")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE store SET value = 'murinoma.campaign-store/2' WHERE name = 'format'")
    content = path.read_bytes()
    with pytest.raises(
        FileError, match=r"annotator_A\.sqlite has format 'murinoma\.campaign-store/2'.*update murinoma"
    ):
        open_store(study, "A")
    assert path.read_bytes() == content


def test_the_store_of_another_annotator_is_refused(study: Study) -> None:
    """A store that was copied under another name does not give B the work of A."""
    open_store(study, "A").close()
    campaign_store_path(study, "A").rename(campaign_store_path(study, "B"))
    with pytest.raises(FileError, match=r"annotator_B\.sqlite belongs to annotator 'A', the plan says 'B'"):
        open_store(study, "B")


def test_the_store_of_another_campaign_is_refused(study: Study, tmp_path: Path) -> None:
    """A store beside the plan of another seed: codes would point to other scans."""
    open_store(study, "A").close()
    other, _ = small_campaign(tmp_path / "other", ["A"])
    campaign_plan_path(study).unlink()
    campaign_plan_path(other).rename(campaign_plan_path(study))
    with pytest.raises(FileError, match=r"belongs to campaign '\w+', the plan says '\w+'"):
        open_store(study, "A")


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be one" * 100, b"SQLite format 3\0x"])
def test_a_file_that_is_no_store_is_refused_and_left(study: Study, content: bytes) -> None:
    """One sentence with its name; the bytes stay; the lock is given back."""
    path = campaign_store_path(study, "A")
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(FileError, match=r"annotator_A\.sqlite is damaged"):
            open_store(study, "A")
    assert path.read_bytes() == content


def test_another_sqlite_file_is_no_store(study: Study) -> None:
    """A database of somebody else is refused."""
    with closing(sqlite3.connect(campaign_store_path(study, "A"))) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    with pytest.raises(FileError, match="no store of a campaign"):
        open_store(study, "A")


def test_damaged_labels_are_told(study: Study) -> None:
    """A blob that is none: one sentence, no crash."""
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
        store._session.connection.execute("UPDATE labels SET labels = x'00'")
        with pytest.raises(FileError, match="a stored mask is damaged"):
            store.labels(store.codes[0])


def test_a_folder_that_cannot_be_written_is_one_sentence(study: Study, tmp_path: Path) -> None:
    """A file where the campaign's folder should be: the remedy is said, the study's path is not."""
    path = campaign_lock_path(study, "A")
    path.mkdir()
    with pytest.raises(OutputError, match=r"cannot lock annotator_A\.sqlite: .*; make the campaign's folder writable"):
        open_store(study, "A")


def test_a_killed_maker_leaves_a_store_that_waits(study: Study) -> None:
    """An empty file, all that is left of a process killed while it made the store, is made into one."""
    campaign_store_path(study, "A").write_bytes(b"")
    before = progress(study, read_plan(study))[0]
    assert (before.problem, before.counts["waiting"]) == ("", 3)
    with open_store(study, "A") as store:
        assert {row.state for row in store.scans().values()} == {"waiting"}


def test_a_reveal_meanwhile_is_noticed_at_the_next_change(study: Study) -> None:
    """The window was open all the time: opening and leaving scans is no change, drawing is."""
    with open_store(study, "A") as store:
        code = store.codes[0]
        store.begin(code, SHAPE)
        campaign_plan_path(study).with_name("revealed.json").write_text('{"format": "murinoma.campaign-revealed/1"}')
        store.leave()
        store.begin(code, SHAPE)
        assert "changed after reveal" not in [event.what for event in store.events()]
        store.save_slice(code, 1, plane(1))
        assert [event.what for event in store.events()][-2:] == ["slice", "changed after reveal"]
        store.save_labels(code, np.asfortranarray(volume(1)))
        assert store.events()[-1].code == code
