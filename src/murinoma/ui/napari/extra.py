"""What the napari front end needs beside murinoma: the extra, a Qt, a screen. It says so before a scan is opened."""

import os
import sys
from collections.abc import Callable

from murinoma.errors import UsageError
from murinoma.steps.annotate import Sitting

INSTALL = "pip install 'murinoma[napari]' pyside6"
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def load_window() -> Callable[[Sitting], None]:
    """Return what shows a sitting in a napari window and waits until it is closed.

    Raises
    ------
    UsageError
        If napari or Qt is not installed, or there is no screen.
    """
    try:
        from murinoma.ui.napari.window import annotate_in_window
    except ImportError as error:
        raise UsageError(f"annotating needs napari and Qt ({error}); install them: {INSTALL}") from error
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in SCREENS):
        raise UsageError("napari needs a screen, and none is set (DISPLAY); log in with one, or use xvfb-run or VNC")
    return annotate_in_window
