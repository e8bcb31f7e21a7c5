"""Interpolate a tumor of 2 cm3 in a mask of real size: milliseconds, and beside what ITK takes in the tumor's box."""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
from timing import Row, fastest, ratio

from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.protocol import slices_to_draw
from murinoma.settings import AnnotationSettings

SHAPE = (450, 192, 192)
SPACING_MM = 0.21
VOLUME_MM3 = 2000.0
STEP, LEAST = AnnotationSettings().step, AnnotationSettings().least_slices
ASKED = "< 100 ms"


def drawn_tumor() -> tuple[npt.NDArray[np.uint8], tuple[int, ...]]:
    """Return an ellipsoid of 2 cm3 drawn by the protocol, and its drawn slices."""
    radii = np.array([1.2, 1.0, 1 / 1.2]) * (0.75 * VOLUME_MM3 / np.pi) ** (1 / 3) / SPACING_MM
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    places = zip((z - 200, y - 96, x - 60), radii, strict=True)
    tumor = (sum((place / radius) ** 2 for place, radius in places) <= 1).astype(np.uint8)
    slices = np.flatnonzero(tumor.any(axis=(1, 2)))
    drawn = slices_to_draw(int(slices[0]), int(slices[-1]), step=STEP, least=LEAST)
    sketch = np.zeros_like(tumor)
    sketch[list(drawn)] = tumor[list(drawn)]
    return sketch, drawn


def rows() -> Iterator[Row]:
    """Yield the time for one tumor, and for two that were drawn on slices of their own."""
    sketch, drawn = drawn_tumor()
    spacing_mm = (SPACING_MM, SPACING_MM)
    ours = fastest(lambda: interpolate_slices(sketch, drawn, spacing_mm=spacing_mm), 10)
    yield Row("interpolate a tumor of 2 cm3 in 192x192x450, in memory", f"{1000 * ours:.0f} ms", ASKED, "")
    pair = sketch + 2 * np.roll(sketch, (2, 75), axis=(0, 2))
    own = {1: drawn, 2: [index + 2 for index in drawn]}
    two = fastest(lambda: interpolate_slices(pair, own, spacing_mm=spacing_mm), 10)
    yield Row("  two of them, drawn on slices of their own", f"{1000 * two:.0f} ms", "", "")
    if find_spec("itk") is None:
        yield Row("  ITK's morphological contour interpolation", "itk is not installed", "", "pip install itk")
        return
    yield Row("  faster than ITK, which gets the tumor's box alone", ratio(itk_seconds(sketch), ours), "", "itk")


def itk_seconds(sketch: npt.NDArray[np.uint8]) -> float:
    """Return what itk-morphologicalcontourinterpolation takes in the box of the tumor."""
    itk: Any = import_module("itk")
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(1)  # with more it damages the heap (ITK 5.4)
    box = sketch[(*(slice(held.min() - 2, held.max() + 3) for held in np.nonzero(sketch)),)]
    image = itk.image_from_array(np.ascontiguousarray(box))
    return fastest(lambda: itk.morphological_contour_interpolator(image, axis=2), 3)
