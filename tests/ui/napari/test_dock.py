"""The panel beside the picture, without a window: what it says, its buttons, and nothing that names a scan."""

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from murinoma.campaign import Store
from murinoma.errors import OutputError
from murinoma.steps.annotate import Sitting, open_file
from tests.builders import write_nifti
from tests.ui.napari.conftest import SECRETS, SPACING_MM, ct_of

components = pytest.importorskip("napari.components", reason="the extra napari is not installed")
qt = pytest.importorskip("qtpy.QtWidgets", reason="Qt is not installed; pip install 'murinoma[napari]' pyside6")
from qtpy.QtCore import QPoint, Qt  # noqa: E402 after the skip
from qtpy.QtTest import QTest  # noqa: E402 after the skip

from murinoma.ui.napari.dock import AnnotateDock  # noqa: E402 after the skip
from murinoma.ui.napari.window import CloseGuard  # noqa: E402 after the skip


@pytest.fixture
def dock(application: Any, sitting: Sitting) -> Iterator[AnnotateDock]:
    """Return the panel with the first scan open."""
    panel = AnnotateDock(components.ViewerModel(), sitting)
    panel.resize(350, 900)
    yield panel
    panel.stop()
    panel.close()


def texts(widget: Any) -> list[str]:
    """Return everything that a widget and its parts say or would say, hidden or not."""
    parts = [widget, *widget.findChildren(qt.QWidget)]
    said = [part.text() for part in parts if hasattr(part, "text")]
    asked = (
        "windowTitle",
        "toolTip",
        "statusTip",
        "whatsThis",
        "accessibleName",
        "accessibleDescription",
        "objectName",
    )
    return [*said, *(getattr(part, name)() for part in parts for name in asked)]


def draw(dock: AnnotateDock, z: int, x: int = 2) -> None:
    """Draw a rectangle on a slice."""
    assert dock.desk is not None
    dock.desk.go_to(z)
    dock.desk.tumors.paint_polygon([[z, 5, x], [z, 5, 11], [z, 10, 11], [z, 10, x]], 1)


def test_the_panel_says_how_things_stand(dock: AnnotateDock) -> None:
    """Code, progress, volume, what is to be drawn; live."""
    assert dock.panel is not None
    assert dock.desk is not None
    assert dock.panel.code.text() == dock.desk.sitting._store.codes[0]
    assert dock.panel.progress.text() == "0 of 2 done"
    assert sorted(dock.panel.rows) == [1, 2]
    row = dock.panel.rows[1]
    assert (row.volume.text(), row.drawn.text()) == ("0.0 mm³", "0 slices drawn")
    draw(dock, 10)
    assert (row.volume.text(), row.drawn.text()) == ("3.0 mm³", "1 slice drawn")  # 60 voxels of 0.05 mm3
    assert "slice 10 is not yet marked as the first" in row.sentence.text()
    dock.desk.choose(3)
    assert sorted(dock.panel.rows) == [1, 2, 3]


def test_buttons_do_what_the_keys_do(dock: AnnotateDock) -> None:
    """Every button is clicked; those that have nothing to do are off."""
    assert dock.panel is not None
    assert dock.desk is not None
    buttons = dock.panel.buttons
    assert not buttons["undo"].isEnabled()
    assert not buttons["put_back_all"].isEnabled()
    for z in (10, 11, 12):
        draw(dock, z)
    for name in ("polygon", "mark_end", "interpolate", "apply_tissue_rule"):
        QTest.mouseClick(buttons[name], Qt.MouseButton.LeftButton)
    assert str(dock.desk.tumors.mode) == "polygon"
    assert buttons["polygon"].isChecked()
    assert dock.panel.said.text() == "36 voxels of air or bone were taken out"
    assert buttons["put_back_all"].isEnabled()
    assert buttons["undo"].toolTip() == "tissue rule"
    QTest.mouseClick(buttons["undo"], Qt.MouseButton.LeftButton)
    assert buttons["redo"].isEnabled()
    assert all(button.focusPolicy() == Qt.FocusPolicy.NoFocus for button in buttons.values())


def test_a_refusal_looks_like_one(dock: AnnotateDock) -> None:
    """It has its own colour, and is gone with the next action."""
    assert dock.panel is not None
    assert dock.desk is not None
    draw(dock, 10)
    dock.desk.do("submit")
    assert dock.panel.said.objectName() == "refusal"
    assert "is not done" in dock.panel.said.text()
    dock.desk.do("brush")
    assert not dock.panel.said.isVisibleTo(dock)


def test_what_is_not_saved_is_said_in_red(dock: AnnotateDock, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as it is so."""

    def full(*given: object, **options: object) -> None:
        raise OutputError("cannot save to annotator_A.sqlite: database or disk is full; free space")

    assert dock.panel is not None
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_slice", full)
        draw(dock, 10)
    assert dock.panel.trouble.text().startswith("NOT SAVED YET: cannot save")
    draw(dock, 11)
    assert not dock.panel.trouble.isVisibleTo(dock)


def test_a_window_with_unsaved_strokes_asks_before_it_closes(
    dock: AnnotateDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays open if somebody thinks better of it; with everything saved it just closes."""

    def full(*given: object, **options: object) -> None:
        raise OutputError("cannot save to annotator_A.sqlite: database or disk is full; free space")

    assert dock.desk is not None
    asked: list[str] = []

    def second_time(question: str) -> bool:
        asked.append(question)
        return len(asked) == 2

    guard = CloseGuard(dock.desk.sitting, second_time)
    window = qt.QWidget()
    window.installEventFilter(guard)
    assert window.close()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "save_slice", full)
        draw(dock, 10)
        window.show()
        assert not window.close()
        assert window.close()
    assert len(asked) == 2
    assert "disk is full" in asked[0]


def test_a_click_in_a_plane_goes_there(dock: AnnotateDock) -> None:
    """The row is the slice, the column the place along x."""
    assert dock.panel is not None
    assert dock.desk is not None
    plane = dock.panel.planes[0]
    plane.setFixedSize(240, 300)  # of 24 x 30 voxels
    dock.grab()
    QTest.mouseClick(plane, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(75, 175))
    assert dock.desk.point == (17, 10, 7)
    QTest.mouseClick(dock.panel.rows[2], Qt.MouseButton.LeftButton)
    assert dock.desk.label == 2
    dock.desk.do("toggle_planes")
    assert not plane.isVisibleTo(dock)


def test_without_a_scan_the_panel_asks_for_one(application: Any, root: Path, tmp_path: Path) -> None:
    """From napari's menu of plugins: a study and a name, or a file; what is wrong is said."""
    panel = AnnotateDock(components.ViewerModel())
    panel._start.open_study(root)
    assert "no annotator ''; it has A" in panel._start.said.text()
    panel._start.annotator.setText("A")
    panel._start.open_study(root)
    assert panel.desk is not None
    assert panel.desk.sitting.scan is not None
    path = write_nifti(tmp_path / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    panel.start(open_file(path))  # the campaign's store is given back
    assert panel.panel is not None
    assert panel.panel.code.text() == "mouse.nii.gz"
    panel._start.open_study(root)
    panel.stop()


def test_nothing_in_the_window_names_a_scan(
    application: Any, sitting: Sitting, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Titles, layers, metadata, texts and tips of the panel, messages, the log, napari's settings and new files."""
    caplog.set_level(logging.DEBUG)
    next(root.rglob("CT_M08*")).write_bytes(b"damaged")
    viewer = components.ViewerModel()
    panel = AnnotateDock(viewer, sitting)
    told: list[str] = []
    for name in ("submit", "interpolate", "brush", "put_back_all", "apply_tissue_rule", "toggle_outline", "go_on"):
        draw(panel, 10)
        assert panel.desk is not None
        panel.desk.do(name)
        told += [viewer.title, viewer.status if isinstance(viewer.status, str) else str(viewer.status), panel.desk.said]
        told += texts(panel)
        for layer in viewer.layers:
            told += [
                repr(layer),
                layer.name,
                str(layer.metadata),
                str(layer.source),
                str(layer.as_layer_data_tuple()[1]),
            ]
    panel.stop()
    assert len(told) > 500
    told += [record.getMessage() for record in caplog.records]
    settings = Path(os.environ["NAPARI_CONFIG"])
    told.append(settings.read_text(encoding="utf-8") if settings.exists() else "")
    told += [path.name for path in (root / "campaign").iterdir()]
    told += [path.name for path in tmp_path.iterdir()]
    bare = [re.sub(r"0x[0-9a-f]+", "", text) for text in told]  # an address may hold "8d" by chance
    assert [text for text in bare for word in SECRETS if word in text] == []
