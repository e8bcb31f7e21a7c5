"""Where a source of masks differs from the annotators: the slice where most does, what it missed and added, the animal.

People say what is tumor by majority: more than half of the annotators of the scan; a tie is background.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.pages.disagreement import REACH_MM
from murinoma.pages.figures import (
    AXIAL_INCHES,
    MAX_ROWS,
    SHARE,
    SOFT_TISSUE_HU,
    WHOLE_INCHES,
    LineStyle,
    ScanView,
    draw_axial,
    draw_outlines,
    draw_whole,
    panel,
    solid_voxels,
    svg_uri,
    view_scan,
    whole_frame,
)
from murinoma.pages.planes import Frame, Mask, Plane, grey_levels, joined_rows

Array = npt.NDArray[Any]
SOURCE_STYLE = LineStyle("#ffffff", ())  # white and solid: no annotator's of the first twelve
MISSED_COLOUR, ADDED_COLOUR = "#ff8a1a", "#3fb6ff"
ALPHA = 0.75
DEPTH_ALPHA = (0.4, 0.95)  # of the shallowest and the deepest column


@dataclass(frozen=True, eq=False)
class SourceView:
    """One scan where a source is far from the annotators.

    Attributes
    ----------
    scan
        The slice near the marks, with all outlines (the source's last), and the whole animal.
    missed, added
        Pixels of the slice that the majority marked and the source did not, and the other way round.
    missed_mm, added_mm
        The same along the line of sight, mm, for each pixel of the whole animal.
    missed_mm3, added_mm3
        The same in the whole scan.
    """

    scan: ScanView
    missed: Mask
    added: Mask
    missed_mm: npt.NDArray[np.float64]
    added_mm: npt.NDArray[np.float64]
    missed_mm3: float
    added_mm3: float


@dataclass(frozen=True)
class SourceImages:
    """The three pictures of a view as data URIs (SVG)."""

    outlined: str
    difference: str
    whole: str


def view_source(
    ct: Array | None,
    source: tuple[str, Array],
    masks: Mapping[str, Array],
    *,
    spacing_mm: tuple[float, float, float],
    styles: Mapping[str, LineStyle],
    sides: tuple[str, str] | None = None,
) -> SourceView:
    """Return one scan at the axial slice with most voxels that the source missed or added.

    Parameters
    ----------
    ct
        (z, y, x), HU; None shows the masks alone.
    source
        Its name, and its labels in the shape of the CT; above 0 is marked.
    masks
        Annotator -> labels.
    spacing_mm, styles, sides
        As `murinoma.pages.figures.view_scan`; the source has its own style.
    """
    name, drawn = source[0], source[1] > 0
    dz, dy, dx = spacing_mm
    votes = np.sum([mask > 0 for mask in masks.values()], axis=0, dtype=np.uint8)
    agreed: Mask = np.asarray(2 * votes > len(masks))
    missed, added = agreed & ~drawn, drawn & ~agreed
    index = _slice(missed | added, drawn | (votes > 0))
    every = {**masks, name: source[1]}
    view = view_scan(
        ct, every, spacing_mm=spacing_mm, slice_index=index, styles={**styles, name: SOURCE_STYLE}, sides=sides
    )
    marked: Mask = np.asarray((votes > 0) | drawn)
    near = Frame.near(marked[index].T, (dx, dy), REACH_MM)
    values: Array = np.mean([mask > 0 for mask in every.values()], axis=0) if ct is None else ct
    grey = grey_levels(values[index].T, SHARE if ct is None else SOFT_TISSUE_HU)
    outlines = {who: near.cut(labels[index].T > 0) for who, labels in every.items()}
    body = whole_frame(solid_voxels(ct, marked), spacing_mm)
    missed_mm, added_mm = (joined_rows(body.cut(part.sum(axis=2)[::-1]), MAX_ROWS)[0] * dx for part in (missed, added))
    return SourceView(
        replace(view, axial=near.plane(grey), outlines=outlines),
        near.cut(missed[index].T),
        near.cut(added[index].T),
        missed_mm,
        added_mm,
        float(missed.sum() * dx * dy * dz),
        float(added.sum() * dx * dy * dz),
    )


def _slice(differing: Mask, marked: Mask) -> int:
    """Return the axial slice with most differences; with most marks where there is none."""
    return int((differing if differing.any() else marked).sum(axis=(1, 2)).argmax())


def source_images(view: SourceView) -> SourceImages:
    """Return the three pictures of a view, the same bytes for the same view."""
    outlined, difference = (panel(view.scan.axial, AXIAL_INCHES) for _ in range(2))
    whole = panel(view.scan.whole, WHOLE_INCHES)
    for figure in (outlined, difference):
        draw_axial(figure.axes[0], view.scan)
    draw_outlines(outlined.axes[0], view.scan)
    draw_whole(whole.axes[0], view.scan)
    parts = ((MISSED_COLOUR, view.missed, view.missed_mm), (ADDED_COLOUR, view.added, view.added_mm))
    for colour, pixels, depth_mm in parts:
        _lay_over(difference, view.scan.axial, _rgba(colour, ALPHA * pixels))
        _lay_over(whole, view.scan.whole, _rgba(colour, _depth_alpha(depth_mm)))
    smooth = view.scan.is_ct
    return SourceImages(
        svg_uri(outlined, smooth=smooth), svg_uri(difference, smooth=False), svg_uri(whole, smooth=smooth)
    )


def _lay_over(figure: Any, plane: Plane, rgba: Array) -> None:
    height, width = plane.size_mm
    figure.axes[0].imshow(rgba, extent=(0, width, height, 0), interpolation="none", aspect="equal")


def _depth_alpha(depth_mm: Array) -> Array:
    """Return how dense each pixel is: the more voxels differ along the line of sight, the denser."""
    low, high = DEPTH_ALPHA
    share = depth_mm / max(float(depth_mm.max()), 1e-9)
    return np.where(depth_mm > 0, low + (high - low) * share, 0)


def _rgba(colour: str, alpha: Array) -> Array:
    """Return (rows, columns, 4): one colour, as dense as `alpha`."""
    from matplotlib.colors import to_rgb

    return np.concatenate([np.broadcast_to(to_rgb(colour), (*alpha.shape, 3)), alpha[..., None]], axis=-1)
