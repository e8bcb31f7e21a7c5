"""Our values as layers of napari, and back: pure functions, which need no viewer.

A layer is (array, keywords, kind), as napari's plugins write it. Arrays stay (z, y, x), `scale` is the spacing along
them in mm, and the corner of the scan is at 0: its true place would tell which bed of the scanner the mouse lay on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.steps.annotate import Annotation
from murinoma.volume import Volume

Array = npt.NDArray[Any]
Labels = npt.NDArray[np.uint8]
LayerTuple = tuple[Array, dict[str, Any], str]
Colours = Mapping[int | None, str]

CT, TUMORS, REMOVED, GHOST = "CT", "tumors", "taken by the tissue rule", "drawn before and after"
CLEAR = "transparent"

# told apart by people who see no red or green, and on grey
TUMOR_COLOURS = ("#ffb000", "#3fb8ff", "#b8e04a", "#ff7b6b", "#c9a3ff", "#5fe0c0")
REMOVED_COLOUR = "#ff2fd0"
BEFORE_COLOUR, AFTER_COLOUR = "#ffffff", "#7dff8a"


def tumor_colour(label: int) -> str:
    """Return the colour of a tumor; after the sixth they come again."""
    return TUMOR_COLOURS[(label - 1) % len(TUMOR_COLOURS)]


def tumor_colours() -> dict[int | None, str]:
    """Return the colour of every label that a mask can hold, 0 and what is no label clear."""
    return {None: CLEAR, 0: CLEAR, **{label: tumor_colour(label) for label in range(1, 256)}}


def scan_layers(ct: Volume, annotation: Annotation, *, window_hu: tuple[float, float]) -> list[LayerTuple]:
    """Return the layers of a scan from below: its CT, the outlines beside, the tumors, what the tissue rule took.

    The masks are copies: napari paints into them.
    """
    scale = ct.spacing_mm
    image = {"name": CT, "colormap": "gray", "contrast_limits": window_hu, "interpolation2d": "linear"}
    taken: Colours = {None: CLEAR, 0: CLEAR, **dict.fromkeys(range(1, 256), REMOVED_COLOUR)}
    beside: Colours = {None: CLEAR, 0: CLEAR, 1: BEFORE_COLOUR, 2: AFTER_COLOUR}
    blank = np.zeros(ct.shape[1:], np.uint8)
    return [
        (np.asarray(ct.voxels), {**image, **_placed(scale)}, "image"),
        (blank, {"name": GHOST, "opacity": 0.8, "colormap": beside, **_placed(scale[1:])}, "labels"),
        (
            annotation.labels.copy(),
            {"name": TUMORS, "opacity": 0.45, "colormap": tumor_colours(), **_placed(scale)},
            "labels",
        ),
        (annotation.removed.copy(), {"name": REMOVED, "opacity": 0.75, "colormap": taken, **_placed(scale)}, "labels"),
    ]


def _placed(spacing_mm: tuple[float, ...]) -> dict[str, Any]:
    axes = ("z", "y", "x")[-len(spacing_mm) :]
    corner = (0.0,) * len(spacing_mm)
    return {"scale": spacing_mm, "translate": corner, "units": ("mm",) * len(axes), "axis_labels": axes}


def write_slices(layer: Array, labels: Labels, slices: list[int]) -> None:
    """Copy some slices of our labels into the array of a layer, in place."""
    layer[slices] = labels[slices]


def painted_slices(layer: Array, labels: Labels, at: int) -> list[int]:
    """Return the slices on which a layer differs from our labels; `at` is looked at first, most often it is all."""
    if (layer[at] != labels[at]).any():
        return [at]
    return [int(z) for z in np.flatnonzero((layer != labels).any(axis=(1, 2)))]


def middle_of(plane: Labels, label: int) -> tuple[int, int] | None:
    """Return the voxel (y, x) in the middle of a tumor on a slice; None if it is not there."""
    rows, columns = np.nonzero(plane == label)
    return (round(float(rows.mean())), round(float(columns.mean()))) if rows.size else None


def voxel_at(point_mm: tuple[float, ...], spacing_mm: tuple[float, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the voxel (z, y, x) nearest to a point in mm, inside the scan.

    Examples
    --------
    >>> voxel_at((1.0, 0.4, -3.0), (0.2, 0.2, 0.2), (50, 50, 50))
    (5, 2, 0)
    """
    nearest = (round(place / step) for place, step in zip(point_mm, spacing_mm, strict=True))
    return tuple(min(max(place, 0), length - 1) for place, length in zip(nearest, shape, strict=True))
