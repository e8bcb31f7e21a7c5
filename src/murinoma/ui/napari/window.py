"""Open napari with a sitting, until the window is closed."""

from collections.abc import Callable
from typing import Any

import napari
from qtpy.QtCore import QEvent, QObject

from murinoma.steps.annotate import Sitting
from murinoma.ui.napari.dock import AnnotateDock, confirm

CLOSE = "The last strokes are not saved: {trouble}. Close the window and lose them?"


def open_window(sitting: Sitting) -> tuple[napari.Viewer, AnnotateDock]:
    """Return a viewer with the panel and the next scan in it."""
    viewer = napari.Viewer(title="murinoma")
    overlays = viewer.canvas.overlays if hasattr(viewer, "canvas") else viewer  # moved in napari 0.9
    overlays.scale_bar.visible = True
    dock = AnnotateDock(viewer, sitting)
    viewer.window.add_dock_widget(dock, name="Annotate tumors", area="right")
    guard = CloseGuard(sitting, lambda question: confirm(dock, question))
    guard.setParent(dock)
    dock.window().installEventFilter(guard)
    return viewer, dock


def annotate_in_window(sitting: Sitting) -> None:
    """Show the next scan, and wait until the window is closed; what was drawn is saved then.

    Raises
    ------
    OutputError
        If the last strokes cannot be saved.
    """
    try:
        open_window(sitting)
        napari.run()
    finally:
        sitting.close()


class CloseGuard(QObject):
    """Asks before a window is closed while strokes are not saved."""

    def __init__(self, sitting: Sitting, confirm: Callable[[str], bool]) -> None:
        """Install it as an event filter of the window."""
        super().__init__()
        self._sitting, self._confirm = sitting, confirm

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 Qt's name
        """Keep the window open if somebody thinks better of it."""
        if event.type() != QEvent.Type.Close:
            return False
        trouble = self._sitting.trouble
        if not trouble or self._confirm(CLOSE.format(trouble=trouble)):
            return False
        event.ignore()
        return True
