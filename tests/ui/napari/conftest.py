"""What the tests of the napari front end share: no screen, settings in a folder of their own, a sitting to draw in."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from murinoma.campaign import create_plan
from murinoma.settings import AnnotationSettings
from murinoma.steps.annotate import Sitting, open_campaign
from murinoma.study import read_study
from tests.builders import write_scan

# before Qt and napari are imported: no window is shown, and nobody's own settings are read or written
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp()) / "settings.yaml")

SHAPE = (30, 20, 24)
SPACING_MM = (0.5, 0.4, 0.25)
SECRETS = ("Dataset", "M07", "M08", "8d", "CT_", "Annotator_")


def ct_of(value: int) -> npt.NDArray[np.int16]:
    """Return a CT of soft tissue with air on the left; `value` tells it from others."""
    ct = np.full(SHAPE, 40 + value, np.int16)
    ct[..., :4] = -400
    return ct


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a study of two mice with a campaign of annotator A."""
    for value, mouse in enumerate(("M07", "M08")):
        write_scan(tmp_path / "study", f"{mouse}_8d", ct=ct_of(value), dataset="Dataset 2", spacing_mm=SPACING_MM)
    study = read_study(tmp_path / "study")
    create_plan(study, ["A"], seed=1, repeat_share=0.0, protocol=asdict(AnnotationSettings()))
    return tmp_path / "study"


@pytest.fixture
def sitting(root: Path) -> Iterator[Sitting]:
    """Return a sitting of annotator A; the front end opens the scans."""
    opened = open_campaign(read_study(root), "A")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def application() -> Any:
    """Return the one Qt application of the session."""
    widgets = pytest.importorskip(
        "qtpy.QtWidgets", reason="Qt is not installed; pip install 'murinoma[napari]' pyside6"
    )
    return widgets.QApplication.instance() or widgets.QApplication([])
