"""`murinoma annotate` in a real window on a screen of memory (Xvfb), and what it says where something is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from murinoma.errors import UsageError
from murinoma.files.nifti import read_volume
from murinoma.steps.annotate import open_campaign
from murinoma.study import read_study
from murinoma.ui.napari import extra
from tests.builders import write_nifti
from tests.ui.napari.conftest import SECRETS, SPACING_MM, ct_of
from tests.ui.test_cli import Command

HAS_NAPARI = find_spec("napari") is not None and find_spec("qtpy") is not None

SCRIPT = """
import sys
from qtpy.QtCore import QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
import napari
from murinoma.ui import cli

def brush(viewer, canvas, tumors):
    viewer.dims.set_current_step(0, 5)
    QTest.keyClick(canvas, Qt.Key.Key_2)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mouseMove(canvas, middle)
    QApplication.processEvents()
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 6):
        QTest.mouseMove(canvas, middle + QPoint(20 * step, 0))
        QApplication.processEvents()
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(100, 0))
    QApplication.processEvents()
    print("brushed", int((tumors.data[5] == 2).sum()), file=sys.stderr)
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    print("undone", int(tumors.data.sum()), file=sys.stderr)
    QTest.keyClick(canvas, Qt.Key.Key_1)

def work():
    viewer = napari.current_viewer()
    window = viewer.window._qt_window
    canvas = viewer.window._qt_viewer.canvas.native
    tumors = viewer.layers["tumors"]
    print(window.windowTitle(), file=sys.stderr)
    brush(viewer, canvas, tumors)
    for z in (10, 11, 12):
        viewer.dims.set_current_step(0, z)
        tumors.paint_polygon([[z, 5, 6], [z, 5, 11], [z, 10, 11], [z, 10, 6]], 1)
        if z != 11:
            QTest.keyClick(canvas, Qt.Key.Key_0)
    QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    print(window.windowTitle(), file=sys.stderr)
    viewer.close()

def run(until_closed=napari.run):
    QTimer.singleShot(500, work)
    until_closed()

napari.run = run
sys.argv = ["murinoma", "annotate", *sys.argv[1:]]
cli.main()
"""


@pytest.fixture
def murinoma(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs a command line in this process."""
    return Command(monkeypatch, capsys)


@pytest.fixture
def display() -> Iterator[str]:
    """Return a screen of memory, with its own number."""
    if not HAS_NAPARI:
        pytest.skip("the extra napari is not installed")
    program = shutil.which("Xvfb")
    if program is None:
        pytest.skip("Xvfb is not installed; apt-get install xvfb")
    read, write = os.pipe()
    command = [program, "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as stream:
        number = stream.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


def ran(display: str, home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Run `murinoma annotate` in a process of its own, work in its window, and close it."""
    home.mkdir(exist_ok=True)
    places = {name: str(home / name) for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "TMPDIR")}
    for place in places.values():
        Path(place).mkdir(exist_ok=True)
    surroundings = {**os.environ, **places, "HOME": str(home), "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
    surroundings["MESA_SHADER_CACHE_DISABLE"] = "true"
    surroundings.pop("NAPARI_CONFIG", None)
    command = [sys.executable, "-c", SCRIPT, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=surroundings, timeout=60, check=False)


def test_a_campaign_in_a_real_window(display: str, root: Path, tmp_path: Path) -> None:
    """The first scan is drawn by tool and keys and handed in, the second comes; no trace names any scan."""
    home = tmp_path / "home"
    done = ran(display, home, root, "--annotator", "A")
    assert (done.returncode, done.stdout) == (0, "")
    sitting = open_campaign(read_study(root), "A")
    first, second = sitting._store.codes
    assert sitting._store.state(first) == "done"
    labels = sitting._store.labels(first)
    sitting.close()
    assert labels is not None
    assert int(labels.sum()) == 3 * 6 * 6
    title, brushed, undone, next_title = done.stderr.splitlines()[-4:]
    assert first in title
    assert second in next_title
    assert brushed.startswith("brushed ")
    assert int(brushed.split()[1]) > 10
    assert undone == "undone 0"  # the whole stroke of the mouse is one step
    assert [word for word in SECRETS if word in done.stderr] == []
    words = [*(word for word in SECRETS if word != "8d"), "_8d"]  # 8d alone is in many a hash
    traces = [path for path in home.rglob("*") if path.is_file()]
    assert [path for path in traces for word in words if word in path.name] == []
    assert [path for path in traces for word in words if word.encode() in path.read_bytes()] == []


def test_one_file_in_a_real_window(display: str, tmp_path: Path) -> None:
    """Standard output is the path of the annotation."""
    path = write_nifti(tmp_path / "mouse.nii.gz", ct_of(0), spacing_mm=SPACING_MM)
    done = ran(display, tmp_path / "home", path)
    target = tmp_path / "mouse_annotation.nii.gz"
    assert (done.returncode, done.stdout) == (0, f"{target}\n")
    assert int(read_volume(target).voxels.sum()) == 3 * 6 * 6


def test_a_second_window_is_refused(murinoma: Command, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, exit code 1; an unknown name is a matter of use."""
    monkeypatch.setattr(extra, "load_window", lambda: lambda sitting: None)
    with closing(open_campaign(read_study(root), "A")):
        ran = murinoma("annotate", root, "--annotator", "A")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "is open in another window" in ran.err
    assert murinoma("annotate", root, "--annotator", "B").code == 2
    assert murinoma("annotate", root, "--annotator", "A").code == 0


def test_a_missing_extra_is_said_with_the_command_that_installs_it(
    murinoma: Command, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of use (2), before any store is opened."""
    monkeypatch.setitem(sys.modules, "napari", None)
    monkeypatch.delitem(sys.modules, "murinoma.ui.napari.window", raising=False)
    ran = murinoma("annotate", root, "--annotator", "A")
    assert ran.code == 2
    assert "pip install 'murinoma[napari]' pyside6" in ran.err
    assert not list((root / "campaign").glob("*.sqlite"))


@pytest.mark.skipif(not HAS_NAPARI, reason="the extra napari is not installed")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="screens have names on Linux only")
def test_without_a_screen_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Qt would end the process without a word of ours."""
    for name in extra.SCREENS:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="needs a screen"):
        extra.load_window()
