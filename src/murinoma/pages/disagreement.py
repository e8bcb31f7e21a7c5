"""Where annotators disagree: the slice with most disputed voxels, the share of votes in it, and the whole animal.

A voxel is disputed if some annotators of the scan marked it, and not all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

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
from murinoma.pages.planes import Frame, Plane, grey_levels, joined_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[Any]
REACH_MM = 4.0  # around the marks: enough to see what the tumor lies against
FEW, MANY = 0.35, 0.95  # of the colour map: its dark end does not show on a CT
VOTE_ALPHA = 0.8
DEPTH_COLOUR = (1.0, 0.54, 0.1)
DEPTH_ALPHA = (0.35, 0.95)  # of the shallowest and the deepest column


@dataclass(frozen=True, eq=False)
class DisagreementView:
    """One scan where its annotators disagree most.

    Attributes
    ----------
    scan
        The slice near the marks, with outlines, and the whole animal.
    votes
        How many annotators marked each pixel of the slice.
    depth_mm
        Disputed voxels along the line of sight, mm, for each pixel of the whole animal.
    annotators
        How many have seen the scan.
    disputed_mm3, marked_mm3
        Volume that is disputed, and that anybody marked.
    """

    scan: ScanView
    votes: npt.NDArray[np.uint8]
    depth_mm: npt.NDArray[np.float64]
    annotators: int
    disputed_mm3: float
    marked_mm3: float


@dataclass(frozen=True)
class DisagreementImages:
    """The three pictures of a disagreement as data URIs (SVG)."""

    outlined: str
    votes: str
    whole: str


def view_disagreement(
    ct: Array | None,
    masks: Mapping[str, Array],
    *,
    spacing_mm: tuple[float, float, float],
    styles: Mapping[str, LineStyle],
    sides: tuple[str, str] | None = None,
) -> DisagreementView:
    """Return one scan at the axial slice with most disputed voxels; parameters as `murinoma.pages.figures.view_scan`.

    Where nothing is disputed it is the slice with most marks.
    """
    dz, dy, dx = spacing_mm
    votes: npt.NDArray[np.uint8] = np.asarray(np.sum([mask > 0 for mask in masks.values()], axis=0, dtype=np.uint8))
    disputed = (votes > 0) & (votes < len(masks))
    index = int((disputed if disputed.any() else votes > 0).sum(axis=(1, 2)).argmax())
    view = view_scan(ct, masks, spacing_mm=spacing_mm, slice_index=index, styles=styles, sides=sides)
    near = Frame.near(votes[index].T > 0, (dx, dy), REACH_MM)
    values: Array = votes / len(masks) if ct is None else ct
    window = SHARE if ct is None else SOFT_TISSUE_HU
    zoomed = replace(
        view,
        axial=near.plane(grey_levels(values[index].T, window)),
        outlines={name: near.cut(labels[index].T > 0) for name, labels in masks.items()},
    )
    depth = whole_frame(solid_voxels(ct, votes > 0), spacing_mm).cut(disputed.sum(axis=2)[::-1])
    return DisagreementView(
        zoomed,
        near.cut(votes[index].T),
        joined_rows(depth, MAX_ROWS)[0] * dx,
        len(masks),
        float(disputed.sum() * dx * dy * dz),
        float((votes > 0).sum() * dx * dy * dz),
    )


def disagreement_images(view: DisagreementView) -> DisagreementImages:
    """Return the three pictures of a disagreement, the same bytes for the same view."""
    outlined, voted = (panel(view.scan.axial, AXIAL_INCHES) for _ in range(2))
    whole = panel(view.scan.whole, WHOLE_INCHES)
    for figure in (outlined, voted):
        draw_axial(figure.axes[0], view.scan)
    draw_outlines(outlined.axes[0], view.scan)
    draw_whole(whole.axes[0], view.scan)
    _lay_over(voted.axes[0], view.scan.axial, _vote_rgba(view))
    _lay_over(whole.axes[0], view.scan.whole, _depth_rgba(view.depth_mm))
    smooth = view.scan.is_ct
    return DisagreementImages(
        svg_uri(outlined, smooth=smooth), svg_uri(voted, smooth=False), svg_uri(whole, smooth=smooth)
    )


def vote_colours(annotators: int) -> dict[int, str]:
    """Return the colour of a voxel that so many of the annotators marked, from 1 to all but one.

    Examples
    --------
    >>> sorted(vote_colours(4))
    [1, 2, 3]
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shares = np.linspace(FEW, MANY, max(annotators - 1, 1))
    return {votes: to_hex(colormaps["plasma"](share)) for votes, share in enumerate(shares[: annotators - 1], start=1)}


def _lay_over(axes: "Axes", plane: Plane, rgba: Array) -> None:
    height, width = plane.size_mm
    axes.imshow(rgba, extent=(0, width, height, 0), interpolation="none", aspect="equal")


def _vote_rgba(view: DisagreementView) -> Array:
    """Return (rows, columns, 4): disputed pixels in the colour of their votes, the others transparent."""
    from matplotlib.colors import to_rgba

    table = np.zeros((view.annotators + 1, 4))
    for votes, colour in vote_colours(view.annotators).items():
        table[votes] = to_rgba(colour, VOTE_ALPHA)
    return np.asarray(table[view.votes])


def _depth_rgba(depth_mm: Array) -> Array:
    """Return (rows, columns, 4): the more voxels are disputed along the line of sight, the denser."""
    low, high = DEPTH_ALPHA
    share = depth_mm / max(float(depth_mm.max()), 1e-9)
    rgba = np.zeros((*depth_mm.shape, 4))
    rgba[..., :3] = DEPTH_COLOUR
    rgba[..., 3] = np.where(depth_mm > 0, low + (high - low) * share, 0)
    return rgba
