"""One CT to be segmented: what it is called, where its results go, and the picture by which they are looked over."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError
from murinoma.files.atomic import write_bytes
from murinoma.files.sidecar import read_sidecar
from murinoma.pages.prediction_picture import PredictionView, prediction_png
from murinoma.pages.upright import sides_of, turned, turned_mm
from murinoma.study import axes_meaning, sidecar_path
from murinoma.volume import Volume

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Target:
    """A CT, what it is called, and where its results go.

    Attributes
    ----------
    key, title
        What identifies it, and its name for people.
    ct, mask, preview, disagreement
        The CT; where its mask, its picture, and the map of disagreement go.
    said_axes
        What people say that the stored axes mean; it wins over what stands beside the CT.
    """

    key: tuple[str, str, str]
    title: str
    ct: Path
    mask: Path
    preview: Path
    disagreement: Path
    said_axes: str = ""

    @property
    def axes(self) -> Mapping[str, str]:
        """What the stored axes mean; nothing where nobody says."""
        if self.said_axes:
            return axes_meaning(self.said_axes)
        with suppress(FileError):  # a picture is worth less than a mask
            beside = read_sidecar(sidecar_path(self.ct))
            return {} if beside is None else beside.axes
        return {}


def write_preview(target: Target, ct: Volume, labels: Labels, model: str, volumes_mm3: Mapping[int, float]) -> None:
    """Write the picture by which a mask is looked over."""
    axes = target.axes
    view = PredictionView(
        f"{target.title}, by the model {model}, for research",
        turned(ct.voxels, axes),
        turned(labels, axes),
        turned_mm(ct.spacing_mm, axes),
        sides_of(axes),
        bool(axes),
        volumes_mm3,
    )
    write_bytes(target.preview, prediction_png(view))
