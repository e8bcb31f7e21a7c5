"""The panel beside the picture: which scan it is, what is still to be drawn, the volumes, and every action."""

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from murinoma.errors import MurinomaError
from murinoma.steps.annotate import Shown, Sitting, open_campaign, open_file
from murinoma.study import read_study
from murinoma.ui.napari import actions
from murinoma.ui.napari.actions import Action
from murinoma.ui.napari.desk import Desk
from murinoma.ui.napari.parts import PlaneView, TumorRow, action_button, words
from murinoma.ui.napari.planes import side_planes
from murinoma.ui.napari.style import SHEET

WIDTH = 350  # pixels


class AnnotateDock(QWidget):
    """The panel; without a sitting it asks for a study or a CT first."""

    def __init__(self, napari_viewer: Any, sitting: Sitting | None = None) -> None:
        """Show the panel of `napari_viewer`, and go on with `sitting`, if there is one."""
        super().__init__()
        self.viewer = napari_viewer
        self.desk: Desk | None = None
        self.panel: Panel | None = None
        self.setObjectName("annotate")
        self.setStyleSheet(SHEET)
        self.setMinimumWidth(WIDTH)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._start = StartPage(self.start)
        self._column.addWidget(self._start)
        if sitting is not None:
            self.start(sitting)
        else:  # nobody else closes what is opened here
            QApplication.instance().aboutToQuit.connect(self.stop)

    def start(self, sitting: Sitting) -> None:
        """Take up a sitting; the one before is closed."""
        self.stop()
        if self.panel is not None:
            self._column.removeWidget(self.panel)
            self.panel.deleteLater()
            self.panel = None
        self._start.hide()
        self.desk = Desk(
            self.viewer,
            sitting,
            ask=lambda title, question: ask(self, title, question),
            confirm=lambda question: confirm(self, question),
            refresh=self.refresh,
        )
        self.panel = Panel(self.desk)
        self._column.addWidget(self.panel)
        self.refresh()

    def refresh(self) -> None:
        """Show how things stand."""
        if self.panel is not None and self.desk is not None:
            self.panel.show_all()

    def stop(self) -> None:
        """Close the sitting, if there is one; the window may be gone by then.

        Raises
        ------
        OutputError
            If something cannot be saved.
        """
        desk, self.desk = self.desk, None
        if desk is not None:
            desk.sitting.close()


class StartPage(QWidget):
    """What the panel shows when napari was opened without a scan: where to find one."""

    def __init__(self, start: Any) -> None:
        """`start` is called with the sitting."""
        super().__init__()
        self._start = start
        self.annotator = QLineEdit()
        self.annotator.setPlaceholderText("your name in the campaign")
        self.said = words("", "refusal")
        self.said.hide()
        column = QVBoxLayout(self)
        column.addWidget(words("Annotate tumors", "code"))
        column.addWidget(words("A campaign: the next scan comes by itself, under a code.", "quiet"))
        column.addWidget(self.annotator)
        column.addWidget(self._button("Open the study of a campaign ...", self._choose_study))
        column.addWidget(words("One scan, without a campaign:", "quiet"))
        column.addWidget(self._button("Open a CT (NIfTI) ...", self._choose_ct))
        column.addWidget(self.said)
        column.addStretch()

    def _button(self, text: str, act: Any) -> Any:
        button = QPushButton(text)
        button.clicked.connect(act)
        return button

    def _choose_study(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of the study")
        if folder:
            self.open_study(Path(folder))

    def _choose_ct(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "CT", "", "NIfTI (*.nii *.nii.gz)")
        if name:
            self._try(lambda: open_file(Path(name)))

    def open_study(self, folder: Path) -> None:
        """Open the campaign of a study for the annotator that was named."""
        self._try(lambda: open_campaign(read_study(folder), self.annotator.text().strip()))

    def _try(self, sit_down: Any) -> None:
        try:
            self._start(sit_down())
        except MurinomaError as error:
            self.said.setText(str(error))
            self.said.show()


class Panel(QScrollArea):
    """The panel of an open sitting."""

    def __init__(self, desk: Desk) -> None:
        """Lay out everything; `show_all` fills it."""
        super().__init__()
        self._desk = desk
        self.code, self.progress, self.bar = words("", "code"), words("", "progress"), QProgressBar()
        self.source = words("", "quiet")
        self.trouble, self.said = words("", "trouble"), words("", "said")
        self.rows: dict[int, TumorRow] = {}
        self.buttons: dict[str, Any] = {}
        self.planes = (PlaneView("along x", self._go_along_x), PlaneView("along y", self._go_along_y))
        self._tumors, self._planes_line = QVBoxLayout(), QWidget()
        self.bar.setTextVisible(False)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._laid_out())

    def _laid_out(self) -> Any:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(self.code, 1)
        head.addWidget(self.progress, 0, Qt.AlignmentFlag.AlignBottom)
        column.addLayout(head)
        for widget in (self.bar, self.source, self.trouble, self.said):
            column.addWidget(widget)
        column.addLayout(self._tumors)
        for title, group, columns in (
            ("DRAW", actions.DRAWING, 3),
            ("SLICES", actions.SLICES, 2),
            ("WHOLE TUMOR", actions.WHOLE, 2),
            ("VIEW", actions.VIEW, 2),
        ):
            column.addWidget(words(title, "section"))
            column.addLayout(self._grid(group, columns))
        line = QHBoxLayout(self._planes_line)
        line.setContentsMargins(0, 0, 0, 0)
        for plane in self.planes:
            line.addWidget(plane)
        column.addWidget(self._planes_line)
        column.addWidget(words("SCAN", "section"))
        column.addLayout(self._grid(actions.SCANS, 2))
        column.addStretch()
        return inside

    def _grid(self, group: tuple[Action, ...], columns: int) -> Any:
        grid = QGridLayout()
        grid.setSpacing(5)
        for place, action in enumerate(group):
            name = "submit" if action.name == "submit" else "action"
            self.buttons[action.name] = action_button(action, self._desk.do, name=name)
            grid.addWidget(self.buttons[action.name], place // columns, place % columns)
        return grid

    def show_all(self) -> None:
        """Show how the sitting stands."""
        shown = self._desk.shown()
        self.code.setText(shown.code or "Done")
        self.progress.setText(f"{shown.finished} of {shown.total} done")
        self.bar.setRange(0, max(1, shown.total))
        self.bar.setValue(shown.finished)
        _say(self.source, f"corrects the mask of '{shown.started_from}'" if shown.started_from else "")
        _say(self.trouble, f"NOT SAVED YET: {shown.trouble}" if shown.trouble else "")
        self._show_said()
        self._show_tumors(shown)
        self._show_tools(shown)
        self._show_planes()

    def _show_said(self) -> None:
        self.said.setObjectName("refusal" if self._desk.is_error else "said")
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        _say(self.said, self._desk.said)

    def _show_tumors(self, shown: Shown) -> None:
        for tumor in shown.tumors:
            if tumor.label not in self.rows:
                self.rows[tumor.label] = TumorRow(tumor.label, self._desk.choose)
                self._tumors.addWidget(self.rows[tumor.label])
            self.rows[tumor.label].show_tumor(tumor, is_chosen=tumor.label == self._desk.label)
        for label, row in self.rows.items():
            row.setVisible(label in {tumor.label for tumor in shown.tumors})

    def _show_tools(self, shown: Shown) -> None:
        mode = str(self._desk.tumors.mode) if self._desk.tumors is not None else ""
        for name, tool in (("brush", "paint"), ("polygon", "polygon"), ("erase", "erase")):
            self.buttons[name].setChecked(mode == tool)
        for button in self.buttons.values():
            button.setEnabled(bool(shown.code))
        for name, what in (("undo", shown.undo), ("redo", shown.redo)):
            self.buttons[name].setEnabled(bool(what))
            self.buttons[name].setToolTip(what)
        for name in ("put_back_slice", "put_back_all"):
            self.buttons[name].setEnabled(shown.removed > 0)

    def _show_planes(self) -> None:
        sitting = self._desk.sitting
        is_shown = self._desk.are_planes_shown and sitting.scan is not None
        self._planes_line.setVisible(is_shown)
        if is_shown and sitting.scan is not None:
            window = sitting.settings.window_hu
            planes = side_planes(sitting.scan.ct, sitting.annotation, self._desk.point, window_hu=window)
            for view, plane in zip(self.planes, planes, strict=True):
                view.show_plane(plane)

    def _go_along_x(self, z: int, x: int) -> None:
        self._desk.pin(z, self._desk.point[1], x)

    def _go_along_y(self, z: int, y: int) -> None:
        self._desk.pin(z, y, self._desk.point[2])


def _say(label: Any, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


def ask(parent: Any, title: str, question: str) -> str | None:
    """Return what somebody writes; None if they changed their mind."""
    text, is_given = QInputDialog.getText(parent, title, question)
    return text if is_given else None


def confirm(parent: Any, question: str) -> bool:
    """Return whether somebody says yes."""
    return bool(QMessageBox.question(parent, "murinoma", question) == QMessageBox.StandardButton.Yes)
