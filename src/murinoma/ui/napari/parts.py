"""The parts of the panel: a button with its key, the row of a tumor, a plane along the body."""

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from murinoma.steps.annotate import Tumor
from murinoma.ui.napari.actions import Action
from murinoma.ui.napari.layers import tumor_colour
from murinoma.ui.napari.planes import SidePlane


def action_button(action: Action, do: Callable[[str], None], *, name: str = "action") -> Any:
    """Return a button that says what it does and its key; it never takes the keyboard from the picture."""
    button = QPushButton()
    button.setObjectName(name)
    button.setToolTip(f"{action.tip}  ({action.shown_key})")
    button.setAccessibleName(action.text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setCheckable(action.name in ("brush", "polygon", "erase"))
    line = QHBoxLayout(button)
    line.setContentsMargins(9, 0, 8, 0)
    for words, part in ((action.text, "name"), (action.shown_key, "key")):
        label = QLabel(words)
        label.setObjectName(part)
        label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        line.addWidget(label)
    line.insertStretch(1)
    button.clicked.connect(lambda: do(action.name))
    return button


def words(text: str, name: str) -> Any:
    """Return a text that wraps."""
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


class TumorRow(QFrame):
    """A tumor: its number and colour, its volume, and what is still to be drawn; a click chooses it."""

    def __init__(self, label: int, choose: Callable[[int], None]) -> None:
        """Show tumor `label`; `choose` is called with it."""
        super().__init__()
        self.setObjectName("tumor")
        self._label, self._choose = label, choose
        self.volume, self.drawn, self.sentence = words("", "volume"), words("", "quiet"), words("", "quiet")
        badge = QLabel(str(label))
        badge.setFixedSize(22, 22)
        badge.setAlignment(Qt.AlignmentFlag.AlignCenter)
        badge.setStyleSheet(
            f"background: {tumor_colour(label)}; color: #16191d; border-radius: 11px; font-weight: 700;"
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(9, 6, 9, 6)
        grid.setVerticalSpacing(2)
        grid.addWidget(badge, 0, 0)
        grid.addWidget(self.volume, 0, 1)
        grid.addWidget(self.drawn, 0, 2, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.sentence, 1, 1, 1, 2)
        grid.setColumnStretch(1, 1)

    def show_tumor(self, tumor: Tumor, *, is_chosen: bool) -> None:
        """Show the values of a tumor."""
        self.volume.setText(f"{tumor.volume_mm3:,.1f} mm³")
        self.drawn.setText(f"{tumor.n_drawn} slice{'s' * (tumor.n_drawn != 1)} drawn")
        self.sentence.setText(tumor.sentence)
        self.sentence.setVisible(bool(tumor.sentence))
        self.setProperty("chosen", is_chosen)
        self.style().unpolish(self)
        self.style().polish(self)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 Qt's name
        """Choose this tumor."""
        self._choose(self._label)


class PlaneView(QWidget):
    """A plane along the body with a cross; a click goes there."""

    def __init__(self, title: str, go: Callable[[int, int], None]) -> None:
        """Show nothing yet; `go` is called with (slice, column) of a click."""
        super().__init__()
        self._title, self._go = title, go
        self._plane: SidePlane | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(150)
        self.setToolTip("Click to go there")

    def show_plane(self, plane: SidePlane) -> None:
        """Show a plane, as high as its size in mm asks for."""
        self._plane = plane
        height, width = plane.size_mm
        self.setFixedHeight(max(60, round(self.width() * height / width)))
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 Qt's name
        """Paint the plane, its cross and its name."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("#000000"))
        if self._plane is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        rows, columns, _ = self._plane.picture.shape
        pixels = np.ascontiguousarray(self._plane.picture)
        image = QImage(pixels.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        painter.drawImage(QRectF(self.rect()), image)
        painter.setPen(QPen(QColor(143, 199, 255, 150), 1))
        row, column = self._plane.cross
        y, x = (row + 0.5) / rows * self.height(), (column + 0.5) / columns * self.width()
        painter.drawLine(QPointF(0, y), QPointF(self.width(), y))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        painter.setPen(QColor("#c8d0d8"))
        painter.drawText(6, self.height() - 6, self._title)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 Qt's name
        """Go to the voxel under the pointer."""
        if self._plane is None:
            return
        rows, columns, _ = self._plane.picture.shape
        place = event.position() if hasattr(event, "position") else event.localPos()
        row = min(rows - 1, int(place.y() / self.height() * rows))
        column = min(columns - 1, int(place.x() / self.width() * columns))
        self._go(self._plane.first_slice + row, column)
