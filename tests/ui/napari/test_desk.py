"""Strokes, keys and layers of a viewer without a window: what is drawn arrives, what is refused is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from murinoma.campaign import Store
from murinoma.errors import OutputError
from murinoma.steps.annotate import Sitting
from murinoma.ui.napari import actions
from murinoma.ui.napari.layers import CT, GHOST, REMOVED
from tests.builders import write_nifti
from tests.ui.napari.conftest import SECRETS, SHAPE, SPACING_MM, ct_of

components = pytest.importorskip("napari.components", reason="the extra napari is not installed")
from napari.utils.key_bindings import KeymapHandler  # noqa: E402 after the skip

from murinoma.ui.napari.desk import Desk  # noqa: E402 after the skip


class Table:
    """A desk with a viewer; `answers` are given to questions in turn, `asked` are the questions."""

    def __init__(self, sitting: Sitting) -> None:
        self.viewer = components.ViewerModel()
        self.answers: list[Any] = []
        self.asked: list[str] = []
        self.desk = Desk(self.viewer, sitting, ask=self.ask, confirm=self.confirm, refresh=lambda: None)

    def ask(self, title: str, question: str) -> Any:
        """Answer a question."""
        self.asked.append(question)
        return self.answers.pop(0)

    def confirm(self, question: str) -> Any:
        """Answer yes or no."""
        return self.ask("", question)

    def press(self, *keys: str) -> str:
        """Press keys one after the other, as over the picture; return what was said last."""
        for key in keys:
            handler = KeymapHandler()
            active = self.viewer.layers.selection.active
            handler.keymap_providers = [*([active] if active else []), self.viewer]
            assert handler.press_key(key), key
        return self.desk.said

    def polygon(self, z: int, x: tuple[int, int] = (6, 12), label: int = 1) -> None:
        """Draw a rectangle from y = 5 to 10 with the polygon tool."""
        self.desk.go_to(z)
        corners = [[z, y, x] for y, x in ((5, x[0]), (5, x[1] - 1), (10, x[1] - 1), (10, x[0]))]
        self.desk.tumors.paint_polygon(corners, label)

    def tumor(self, x: tuple[int, int] = (6, 12)) -> None:
        """Draw a tumor from slice 10 to 20 with both of its ends."""
        for z in (10, 12, 14, 15, 16, 18, 20):
            self.polygon(z, x)
        for z in (10, 20):
            self.desk.go_to(z)
            self.press("0")

    @property
    def labels(self) -> Any:
        """What the sitting holds; the layer shows the same."""
        assert (self.desk.tumors.data == self.desk.sitting.annotation.labels).all()
        assert (self.viewer.layers[REMOVED].data == self.desk.sitting.annotation.removed).all()
        return self.desk.sitting.annotation.labels


@pytest.fixture
def table(sitting: Sitting) -> Table:
    """Return a desk with the first scan open."""
    return Table(sitting)


def test_a_scan_opens_at_soft_tissue_on_its_first_slice(table: Table) -> None:
    """Its code is the title; the brush is in the hand; tumors never take voxels of one another."""
    assert table.viewer.title == f"murinoma  {table.desk.sitting._store.codes[0]}"
    assert table.viewer.layers[CT].contrast_limits == [-160, 240]
    assert (table.desk.z, table.desk.label) == (0, 1)
    assert table.viewer.layers.selection.active is table.desk.tumors
    assert (str(table.desk.tumors.mode), table.desk.tumors.preserve_labels) == ("paint", True)


def test_each_tool_is_one_stroke(table: Table) -> None:
    """Brush, polygon and eraser: what the layer shows is what is drawn, and one step to undo."""
    tumors = table.desk.tumors
    table.desk.go_to(10)
    with tumors.block_history():  # as napari does while the button is down
        tumors.paint((10, 8, 8), 1)
        tumors.paint((10, 8, 12), 1)
    assert table.desk.sitting.shown().undo == "stroke on slice 10"
    brushed = table.labels.copy()
    assert brushed[10, 8, [8, 12]].tolist() == [1, 1]
    table.polygon(11)
    table.polygon(11, x=(9, 15), label=2)
    assert (table.labels[11, 5:11, 6:12] == 1).all(), "a tumor takes no voxel of another"
    assert (table.labels[11, 5:11, 12:15] == 2).all()
    tumors.brush_size = 9
    tumors.selected_label = 2
    tumors.paint((11, 7, 12), 0)
    assert (table.labels[11, 5:11, 6:12] == 1).all(), "nor does the eraser"
    assert not (table.labels[11] == 2).all()
    table.press("Control-Z", "Control-Z", "Control-Z")
    assert (table.labels == brushed).all()
    table.press("Control-Z")
    assert not table.labels.any()
    assert table.press("Control-Z") == "there is nothing to do"
    table.press("Control-Shift-Z")
    assert (table.labels == brushed).all()


def test_every_action_has_its_own_key_and_does_not_fail_on_an_empty_scan(table: Table) -> None:
    """All of the table: a key once, a method of the desk each; refusals are said."""
    keys = [action.key for action in actions.ALL] + list(actions.LABEL_KEYS)
    assert len(keys) == len(set(keys))
    table.answers = [False, None, None]
    for action in actions.ALL:
        assert action.text
        assert action.tip
        table.press(action.key)
    for key in actions.LABEL_KEYS:
        table.press(key)
        assert table.desk.label == int(key)


def test_a_tumor_by_keys_from_the_first_slice_to_the_next_scan(table: Table) -> None:
    """Draw, ends, interpolate, tissue rule, undo, submit: the way of every scan."""
    first = table.desk.sitting._store.codes[0]
    table.polygon(10, x=(2, 12))
    for z in (15, 20):
        table.press("F")
        assert table.desk.z == z
        table.polygon(z, x=(2, 12))
    table.press("F", "0")
    assert table.desk.z == 25
    assert table.press("Control-Enter").startswith(f"scan {first} is not done: tumor 1: slice 10 is not yet marked")
    assert table.desk.is_error
    table.desk.go_to(20)
    table.press("0")
    table.desk.go_to(10)
    table.press("0", "F")
    while table.desk.sitting.next_slice(table.desk.z, 1) is not None:  # a short tumor needs more slices
        table.polygon(table.desk.z, x=(2, 12))
        table.press("F")
    table.press("I")
    assert (table.labels[10:21, 5:11, 2:12] == 1).all()
    assert table.press("T") == "132 voxels of air or bone were taken out"
    assert int((table.viewer.layers[REMOVED].data > 0).sum()) == 132
    table.desk.go_to(13)
    table.press("Y")
    assert int((table.viewer.layers[REMOVED].data > 0).sum()) == 120
    table.press("Control-Z")
    assert int((table.labels > 0).sum()) == 11 * 6 * 8
    assert table.press("Control-Enter") == f"{first}: handed in"
    assert table.desk.sitting._store.state(first) == "done"
    assert table.viewer.title == f"murinoma  {table.desk.sitting._store.codes[1]}"
    assert not table.labels.any()
    assert len(table.viewer.layers) == 4


def test_a_stroke_through_several_slices_is_taken_over_whole(table: Table) -> None:
    """With napari's brush in three dimensions, 5 voxels of 0.25 mm wide: each of three slices of 0.5 mm is drawn."""
    table.desk.go_to(10)
    table.desk.tumors.n_edit_dimensions = 3
    table.desk.tumors.brush_size = 5
    table.desk.tumors.paint((10, 8, 12), 1)
    assert np.flatnonzero(table.labels.any(axis=(1, 2))).tolist() == [9, 10, 11]
    assert table.desk.sitting.annotation.slices_with(1) == [9, 10, 11]


def test_a_layer_that_was_deleted_comes_back(table: Table) -> None:
    """With the next key, and with all that was drawn."""
    table.polygon(10)
    for name in (GHOST, table.desk.tumors.name):
        table.viewer.layers.remove(name)
        table.viewer.dims.set_current_step(0, 11)
        table.desk.do("go_back")
        assert table.labels[10].any()
    assert [layer.name for layer in table.viewer.layers] == [CT, GHOST, table.desk.tumors.name, REMOVED]
    table.polygon(12)
    assert table.labels[12].any()


def test_undo_goes_where_something_changed(table: Table) -> None:
    """A step on another slice is not taken back unseen."""
    table.polygon(10)
    table.desk.go_to(25)
    assert table.press("Control-Z") == "taken back: stroke on slice 10"
    assert table.desk.z == 10


def test_the_ghost_follows_slice_and_tumor(table: Table) -> None:
    """White before, green after; none of another tumor; G hides it."""
    table.polygon(10)
    table.polygon(20, x=(8, 15))
    table.desk.go_to(12)
    assert set(np.unique(table.viewer.layers[GHOST].data)) == {0, 1, 2}
    table.press("2")
    assert not table.viewer.layers[GHOST].data.any()
    table.press("1", "G")
    assert not table.viewer.layers[GHOST].visible


def test_planes_go_through_the_last_stroke_or_click(table: Table) -> None:
    """A click in one plane opens its slice."""
    assert table.desk.point == (0, SHAPE[1] // 2, SHAPE[2] // 2)
    table.polygon(10)
    assert table.desk.point == (10, 8, 8)
    table.desk.pin(17, 3, 4)
    assert table.desk.point == (17, 3, 4)


def test_scans_are_skipped_with_a_reason_or_put_aside(table: Table) -> None:
    """Nothing happens if the annotator thinks better of it; then the next scan comes, at last none."""
    first, second = table.desk.sitting._store.codes
    table.answers = [None, "", "moved", "lower end", "no better"]
    table.press("N", "N")
    assert table.desk.sitting.scan is not None
    assert table.desk.sitting.scan.code == first
    table.press("K")
    assert table.desk.sitting._store.state(first) == "waiting"
    assert "reason" in table.press("K")
    assert table.desk.is_error
    table.press("K")
    assert table.desk.sitting._store.scans()[first].note == "moved"
    table.press("L")
    assert table.desk.sitting._store.state(second) == "second_look"
    assert table.press("K") == "all scans are done"
    assert (len(table.viewer.layers), table.viewer.title) == (0, "murinoma")
    for action in actions.ALL:
        table.desk.do(action.name)  # without a scan no key does harm


def test_a_scan_without_a_tumor_is_asked_about(table: Table) -> None:
    """It may be what was meant."""
    first = table.desk.sitting._store.codes[0]
    table.answers = [False, True]
    table.press("Control-Enter")
    assert table.desk.sitting._store.state(first) == "waiting"
    table.press("Control-Enter")
    assert table.desk.sitting._store.state(first) == "done"
    assert table.asked == ["Nothing is drawn. Hand it in as a scan without a tumor?"] * 2


def test_a_stroke_that_cannot_be_saved_stays_on_the_screen(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the panel says why, until it is saved."""

    def full(*given: object, **options: object) -> None:
        raise OutputError("cannot save to annotator_A.sqlite: database or disk is full; free space")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_slice", full)
        table.polygon(10)
        assert table.labels[10].any()
        assert "disk is full" in table.desk.shown().trouble
    table.polygon(11)
    assert table.desk.shown().trouble == ""


def test_a_ct_that_changed_is_said_in_the_window(sitting: Sitting, root: Path) -> None:
    """The next scan is open; where none is left, that is all there is to say."""
    for path in root.rglob("CT_*.nii.gz"):
        write_nifti(path, ct_of(9), spacing_mm=SPACING_MM)
    table = Table(sitting)
    assert "is not the one that was handed out" in table.desk.said
    assert table.desk.is_error
    assert not table.viewer.layers
    assert [word for word in SECRETS if word in table.desk.said] == []
