"""The store of one annotator: what was saved is there, in the order of the protocol, and it is nobody else's."""

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.campaign import Clock, Store, open_store, read_plan
from murinoma.campaign.rows import STATES
from murinoma.errors import FileError, GeometryError, InputError, UsageError
from murinoma.study import Study, read_study
from tests.campaign.campaigns import PROTOCOL, SHAPE, annotate, plane, small_campaign, volume

PLANES = arrays(np.uint8, SHAPE[1:], elements=st.integers(0, 3))


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Return a study with a campaign of A and B."""
    return small_campaign(tmp_path)[0]


@pytest.fixture
def store(study: Study) -> Iterator[Store]:
    """Return the open store of A."""
    with open_store(study, "A") as opened:
        yield opened


def test_what_was_drawn_is_there_in_the_next_session(study: Study) -> None:
    """Slices, removed voxels, labels, states and the protocol survive the window."""
    with open_store(study, "A") as first:
        code = first.next_code()
        assert code is not None
        first.begin(code, SHAPE)
        first.save_slice(code, 1, plane(1))
        first.save_slice(code, 4, plane(1, 2), drawn=[3])
        first.save_removed(code, volume(1, 2))
        first.save_labels(code, volume(1, 2))
        first.review(code)
    with open_store(study, "A") as again:
        assert again.protocol == PROTOCOL
        assert again.state(code) == "review"
        slices = again.drawn_slices(code)
        assert list(slices) == [1, 4]
        assert np.array_equal(slices[4], plane(1, 2))
        assert again.drawn_labels(code) == {1: (1, 4), 2: (4,), 3: (4,)}
        assert np.array_equal(again.removed(code), volume(1, 2))  # type: ignore[arg-type]
        assert np.array_equal(again.labels(code), volume(1, 2))  # type: ignore[arg-type]
        assert again.next_code() == code


@settings(max_examples=20)  # each writes to the disk
@given(st.lists(st.tuples(st.integers(0, SHAPE[0] - 1), PLANES), max_size=6))
def test_the_last_drawing_of_a_slice_counts(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[int, npt.NDArray[np.uint8]]]
) -> None:
    """Whatever is drawn, and however often: a slice is what was drawn there last, and none where that is nothing."""
    study, _ = small_campaign(tmp_path_factory.mktemp("study"))
    with open_store(study, "A") as store:
        code = store.codes[0]
        store.begin(code, SHAPE)
        for z, labels in drawn:
            store.save_slice(code, z, labels)
        wanted = {z: labels for z, labels in dict(drawn).items() if labels.any()}
        found = store.drawn_slices(code)
        assert sorted(found) == sorted(wanted)
        assert all(np.array_equal(found[z], wanted[z]) for z in wanted)


def test_a_slice_drawn_as_nothing_is_a_drawn_slice(store: Store) -> None:
    """It ends a tumor there; without `drawn` an empty slice is none."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    store.save_slice(code, 3, plane(), drawn=[2])
    assert store.drawn_labels(code) == {2: (3,)}
    assert not store.drawn_slices(code)[3].any()
    store.save_slice(code, 3, plane())
    assert store.drawn_labels(code) == {}


def test_the_day_of_an_annotator(store: Store) -> None:
    """Scans come in their own order; one in work first, a second look last; skipped ones do not come again."""
    one, two, three = store.codes
    assert store.next_code() == one
    store.second_look(one, "is that the kidney?")
    store.skip(two, "the mouse moved")
    assert store.next_code() == three
    annotate(store, three, 1)
    assert store.next_code() == one
    assert store.scans()[one].note == "is that the kidney?"
    annotate(store, one)
    assert store.next_code() is None
    assert [row.state for row in store.scans().values()] == ["done", "skipped", "done"]
    assert store.scans()[one].note == ""


def test_a_change_takes_a_scan_back_to_work(store: Store) -> None:
    """What was handed in is in work again after a stroke, until it is handed in again."""
    code = store.codes[0]
    annotate(store, code, 1)
    store.begin(code, SHAPE)
    assert store.state(code) == "done"
    store.save_slice(code, 3, plane(1))
    assert store.state(code) == "drawing"
    assert set(STATES) >= {row.state for row in store.scans().values()}


def test_nothing_is_saved_in_a_scan_that_is_not_open(store: Store) -> None:
    """A late save of the scan before does not get into the next, nor into one that was handed in."""
    one, two, _ = store.codes
    store.begin(one, SHAPE)
    store.begin(two, SHAPE)
    with pytest.raises(UsageError, match=f"scan {one} is not open \\({two} is\\)"):
        store.save_slice(one, 1, plane(1))
    annotate(store, two, 1)
    with pytest.raises(UsageError, match=r"is not open \(none is\)"):
        store.save_labels(two, volume())
    with pytest.raises(UsageError, match="has no scan 'AAAAA'"):
        store.state("AAAAA")


@pytest.mark.parametrize("wrong", [(6, plane(1)), (-1, plane(1)), (0, np.zeros((4, 5), np.uint8))])
def test_what_does_not_fit_the_scan_is_refused(store: Store, wrong: tuple[int, npt.NDArray[Any]]) -> None:
    """A slice beyond the scan, or of another shape, is not saved."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    with pytest.raises(GeometryError, match="does not fit scan"):
        store.save_slice(code, *wrong)
    with pytest.raises(GeometryError, match="do not fit scan"):
        store.save_labels(code, np.zeros((2, 2, 2), np.uint8))
    with pytest.raises(InputError, match="whole numbers"):
        store.save_labels(code, np.full(SHAPE, 0.5))
    assert store.drawn_slices(code) == {}


def test_a_scan_keeps_its_shape(store: Store) -> None:
    """A CT of another shape than at the first opening is another CT."""
    store.begin(store.codes[0], SHAPE)
    with pytest.raises(GeometryError, match=r"had shape \(6, 5, 4\), now \(6, 5, 5\)"):
        store.begin(store.codes[0], (6, 5, 5))


def test_a_scan_without_labels_is_not_handed_in(store: Store) -> None:
    """No labels at all is a mistake; labels without any tumor are an answer."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    with pytest.raises(InputError, match="has no labels of all its slices"):
        store.submit(code)
    store.save_labels(code, volume())
    store.submit(code)
    assert store.state(code) == "done"


def test_a_label_that_lost_all_its_voxels_is_not_handed_in(store: Store) -> None:
    """Label 2 was drawn, and the tissue rule took all of it: the annotator must say what is meant."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    store.save_slice(code, 2, plane(1, 2))
    store.save_labels(code, volume(1))
    with pytest.raises(InputError, match=f"label 2 of scan {code} was drawn but has no voxel left"):
        store.submit(code)
    store.save_slice(code, 2, plane(1))
    store.save_labels(code, volume(1))
    store.submit(code)
    assert store.state(code) == "done"


def test_labels_that_are_older_than_a_slice_are_not_handed_in(store: Store) -> None:
    """After another stroke the slices in between must be interpolated again."""
    code = store.codes[0]
    annotate(store, code, 1)
    store.begin(code, SHAPE)
    store.save_slice(code, 4, plane(1))
    with pytest.raises(InputError, match="has no labels of all its slices; interpolate them, then submit"):
        store.submit(code)
    store.save_labels(code, volume(1))
    store.submit(code)
    assert store.state(code) == "done"


def test_skipping_and_a_second_look_need_words(store: Store) -> None:
    """Blanks are none; nothing changes."""
    with pytest.raises(InputError, match="skip a scan with a reason"):
        store.skip(store.codes[0], "  ")
    with pytest.raises(InputError, match="say in a note"):
        store.second_look(store.codes[0], "")
    assert store.state(store.codes[0]) == "waiting"


def test_a_correction_says_what_it_started_from(store: Store) -> None:
    """The source is recorded before the first slice, and not after it."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    store.start_from(code, "staple")
    assert store.scans()[code].started_from == "staple"
    store.save_slice(code, 1, plane(1))
    with pytest.raises(InputError, match="comes before the first slice"):
        store.start_from(code, "other")


def test_a_row_counts_what_was_done(store: Store) -> None:
    """Drawn slices, removed voxels and the hash of the labels, for tables of the campaign."""
    code = store.codes[0]
    store.begin(code, SHAPE)
    for z in (1, 3):
        store.save_slice(code, z, plane(1, 2))
    store.save_removed(code, volume(1, 1, 2) > 0)
    store.save_labels(code, volume(1))
    row = store.scans()[code]
    assert (row.n_slices, row.n_removed, row.shape) == (2, 3, SHAPE)
    assert row.sha256 is not None


class Hands:
    """Two clocks that a test sets by hand."""

    def __init__(self) -> None:
        self.seconds, self.now = 0.0, datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

    @property
    def clock(self) -> Clock:
        """The clock for a store."""
        return Clock(lambda: self.now, lambda: self.seconds)


def test_time_is_that_of_work(study: Study) -> None:
    """10 s of drawing, 20 s of looking and an hour away (a minute) are 90 s; the other scan has its own."""
    hands = Hands()
    with open_store(study, "A", clock=hands.clock) as store:
        one, two, _ = store.codes
        store.begin(one, SHAPE)
        hands.seconds += 10
        store.save_slice(one, 1, plane(1))
        hands.seconds += 20
        store.touch()
        assert store.seconds(one) == 30
        hands.seconds += 3_600
        store.begin(two, SHAPE)
        hands.seconds += 5
        assert store.seconds(one) == 90
    with open_store(study, "A", clock=hands.clock) as store:
        assert (store.seconds(one), store.seconds(two)) == (90, 5)


def test_looking_for_long_is_saved_without_a_stroke(study: Study) -> None:
    """Every 30 s of signs of life are written: a crash forgets no more."""
    hands = Hands()
    with open_store(study, "A", clock=hands.clock) as store:
        store.begin(store.codes[0], SHAPE)
        for _ in range(7):
            hands.seconds += 10
            store.touch()
        assert store.scans()[store.codes[0]].seconds == 60
        assert store.seconds(store.codes[0]) == 70


def test_a_clock_that_jumps_does_no_harm(study: Study) -> None:
    """The time of day goes back a year: the log keeps its order, and no scan has negative or absurd time."""
    hands = Hands()
    with open_store(study, "A", clock=hands.clock) as store:
        code = store.codes[0]
        store.begin(code, SHAPE)
        hands.now = hands.now.replace(year=2025)
        hands.seconds -= 1e6
        store.save_slice(code, 1, plane(1))
        hands.seconds += 2e9
        store.save_slice(code, 2, plane(1))
        assert store.seconds(code) == 60
        logged = store.events()
    assert [event.what for event in logged] == ["session opened", "opened", "slice", "slice"]
    assert [event.number for event in logged] == [1, 2, 3, 4]
    assert [event.utc[:4] for event in logged] == ["2026", "2026", "2025", "2025"]


def test_the_log_is_only_added_to(store: Store) -> None:
    """Neither a change nor a deletion of an event gets through, whoever tries."""
    for order in ("DELETE FROM events", "UPDATE events SET what = 'nothing'"):
        with pytest.raises(sqlite3.IntegrityError, match="events are only added"):
            store._session.connection.execute(order)
    assert [event.what for event in store.events()] == ["session opened"]


def test_a_ct_that_changed_is_not_handed_out(study: Study, store: Store) -> None:
    """It is read until its bytes are others; from then on it is refused, and that is logged."""
    code = store.codes[0]
    path = study.root / read_plan(study).orders["A"][0].scan.ct
    assert store.read_ct(code, Path.read_bytes) == path.read_bytes()
    path.write_bytes(b"another image")
    with pytest.raises(FileError, match=f"the CT of scan {code} is not the one that was handed out"):
        store.read_ct(code, Path.read_bytes)
    assert store.events()[-1].what == "CT changed"


def test_a_study_that_moved_is_gone_on_with(tmp_path: Path) -> None:
    """Plan, store and CTs are found in the new folder."""
    study, _ = small_campaign(tmp_path / "here")
    with open_store(study, "A") as store:
        annotate(store, store.codes[0], 1)
    shutil.move(tmp_path / "here", tmp_path / "there")
    with open_store(read_study(tmp_path / "there"), "A") as store:
        assert store.state(store.codes[0]) == "done"
        assert store.read_ct(store.codes[1], lambda path: path.is_relative_to(tmp_path / "there"))


def test_names_with_odd_letters_have_stores_of_their_own(tmp_path: Path) -> None:
    """What one of them draws the other does not have."""
    names = ["Zoë Ø", "Zo%C3%AB Ø", "50%"]
    study, _ = small_campaign(tmp_path, names)
    for name in names:
        with open_store(study, name) as store:
            assert {row.state for row in store.scans().values()} == {"waiting"}
            annotate(store, store.codes[0], 1)
    assert len(list((tmp_path / "campaign").glob("*.sqlite"))) == 3


def test_a_closed_store_stays_closed(study: Study) -> None:
    """Closing twice does nothing, and the next window may open it."""
    store = open_store(study, "A")
    store.close()
    store.close()
    open_store(study, "A").close()
