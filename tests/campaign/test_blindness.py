"""Whatever an annotator's store says, shows, logs or refuses: no dataset, no mouse, no day, no path of a scan."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from murinoma.campaign import Store, open_store
from murinoma.errors import FileError, MurinomaError
from murinoma.study import Study
from murinoma.study.campaign_paths import campaign_store_path
from tests.campaign.campaigns import SECRETS, SHAPE, annotate, plane, small_campaign, volume


def assert_blind(*shown: object) -> None:
    """Fail if any text holds a word that names a scan."""
    text = " ".join(f"{one} {one!r}" for one in shown)
    assert [word for word in SECRETS if word in text] == []


def work(store: Store) -> None:
    """Do everything that a front end can do."""
    one, two, three = store.codes
    annotate(store, one, 1, 2)
    store.begin(two, SHAPE)
    store.start_from(two, "staple")
    store.save_slice(two, 1, plane(1))
    store.save_removed(two, volume(1) > 0)
    store.review(two)
    store.second_look(two, "the lower end")
    store.skip(three, "blurred")


def test_what_a_store_shows_names_no_scan(tmp_path: Path) -> None:
    """Codes, rows, log, protocol, and the store itself, printed."""
    study, _ = small_campaign(tmp_path)
    with open_store(study, "A") as store:
        work(store)
        assert_blind(store, store.codes, store.scans(), store.events(), store.protocol, store.annotator)


def test_the_file_of_a_store_names_no_scan(tmp_path: Path) -> None:
    """Every byte of the store and its lock, and every name in the folder."""
    study, _ = small_campaign(tmp_path)
    with open_store(study, "A") as store:
        work(store)
    folder = campaign_store_path(study, "A").parent
    for path in folder.iterdir():
        assert_blind(path.name)
        if path.name != "plan.json":  # the one file that annotators do not open
            assert [word for word in SECRETS if word.encode() in path.read_bytes()] == []
    with closing(sqlite3.connect(campaign_store_path(study, "A"))) as connection:
        assert_blind(*connection.iterdump())


REFUSALS: list[Callable[[Study, Store], object]] = [
    lambda study, store: store.state("XXXXX"),
    lambda study, store: store.save_slice(store.codes[0], 1, plane(1)),
    lambda study, store: store.submit(store.codes[0]),
    lambda study, store: store.skip(store.codes[0], ""),
    lambda study, store: store.begin(store.codes[1], (1, 1, 1)),
    lambda study, store: open_store(study, "A"),
    lambda study, store: store.read_ct(store.codes[2], Path.read_bytes),
]


@pytest.mark.parametrize("refused", REFUSALS)
def test_no_refusal_names_a_scan(tmp_path: Path, refused: Callable[[Study, Store], object]) -> None:
    """Neither the sentence nor what it was raised from."""
    study, plan = small_campaign(tmp_path)
    (tmp_path / plan.orders["A"][2].scan.ct).unlink()
    with open_store(study, "A") as store:
        store.begin(store.codes[1], SHAPE)
        with pytest.raises(MurinomaError) as raised:
            refused(study, store)
    assert_blind(raised.value, raised.value.__cause__, raised.value.__context__)


@pytest.mark.parametrize("kind", [FileError, PermissionError])
def test_a_reader_that_fails_is_blinded(tmp_path: Path, kind: type[Exception]) -> None:
    """The sentence of a reader names the file; what comes out has the code only, and remembers no other error."""
    study, _ = small_campaign(tmp_path)

    def read(path: Path) -> None:
        raise kind(f"{path} is cut short")

    with open_store(study, "A") as store:
        code = store.codes[0]
        with pytest.raises(FileError, match=f"the CT of scan {code} cannot be read") as raised:
            store.read_ct(code, read)
        assert store.events()[-1].what == "CT unreadable"
    assert_blind(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None


def test_a_mistake_of_a_program_is_not_hidden(tmp_path: Path) -> None:
    """What is no failure of a file goes its way, and a debugger finds it."""
    study, _ = small_campaign(tmp_path)
    with open_store(study, "A") as store, pytest.raises(ZeroDivisionError):
        store.read_ct(store.codes[0], lambda path: 1 / 0)
