"""Pictures of one scan: an axial slice through its tumor, bare and outlined, and the whole animal beside it.

`view_scan` turns arrays into a `ScanView`, where every plane lies as it is shown; `view_images` draws it as three
small SVG images for a page, `view_png` as one picture for a README. Nothing here knows a file or global state.
"""

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from murinoma.pages.planes import Frame, Mask, Plane, grey_levels, joined_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOFT_TISSUE_HU = (-160.0, 240.0)
SKELETON_HU = (-200.0, 1000.0)  # of the projection: in a soft-tissue window it would be white all over
BODY_HU = -300.0
SHARE = (0.0, 1.6)  # white would drown the outlines
MAX_ROWS = 300  # of the projection
AXIAL_INCHES, WHOLE_INCHES = 3.6, 1.8  # widths; text and lines are sized for them
BAR_MM = (0.5, 1, 2, 5, 10, 20, 50, 100)
COLOURS = ("#5cc8ff", "#ffd54a", "#ff7f6b", "#8ee66b", "#d7a6ff", "#ffffff")  # seen on black, also with one cone less
DASHES: tuple[tuple[float, ...], ...] = ((), (5.0, 2.5), (1.2, 1.6), (6.0, 1.8, 1.2, 1.8))


@dataclass(frozen=True)
class LineStyle:
    """How an annotator's outline is drawn: colour, and dashes in line widths (none: solid)."""

    colour: str
    dashes: tuple[float, ...]

    @property
    def pattern(self) -> Any:
        """The dashes as matplotlib takes them (its annotations leave out that None means solid)."""
        return 0, self.dashes or None

    @property
    def svg_dashes(self) -> str:
        """The dashes as SVG takes them, for a line 2.5 units wide."""
        return " ".join(f"{2.5 * length:g}" for length in self.dashes)


@dataclass(frozen=True, eq=False)
class ScanView:
    """One scan as it is shown.

    Attributes
    ----------
    axial
        The slice: back on top, the second stored axis from left to right.
    outlines
        Annotator -> marked pixels of `axial`.
    styles
        Annotator -> how the outline is drawn.
    whole
        The projection along the vertical axis: nose on top, columns as in `axial`.
    line_mm
        How far below the top of `whole` the slice lies, mm.
    slice_number, slices
        The slice, counted from 1, and how many there are.
    sides
        What stands at the left and at the right edge of the picture, such as ``("R", "L")``; None if unknown.
    is_ct
        True for CT values, false where grey is the share of annotators who marked a voxel.
    """

    axial: Plane
    outlines: Mapping[str, Mask]
    styles: Mapping[str, LineStyle]
    whole: Plane
    line_mm: float
    slice_number: int
    slices: int
    sides: tuple[str, str] | None
    is_ct: bool


@dataclass(frozen=True)
class ViewImages:
    """The three pictures of a view as data URIs (SVG)."""

    plain: str
    outlined: str
    whole: str


def view_scan(
    ct: npt.NDArray[Any] | None,
    masks: Mapping[str, npt.NDArray[Any]],
    *,
    spacing_mm: tuple[float, float, float],
    slice_index: int,
    styles: Mapping[str, LineStyle],
    sides: tuple[str, str] | None = None,
) -> ScanView:
    """Return one scan as it is shown: cropped to the animal, or to the masks where there is no CT.

    Parameters
    ----------
    ct
        (z, y, x), HU; None shows the masks alone.
    masks
        Annotator -> labels of the same shape; above 0 is marked.
    spacing_mm
        Along (z, y, x): body length, left-right, from back to belly.
    slice_index
        The axial slice to show.
    styles
        How to draw each annotator's outline; see `line_styles`.
    sides
        What the low and the high end of the second axis are, such as ``("R", "L")``; None if unknown.
    """
    dz, dy, dx = spacing_mm
    marked = {name: labels > 0 for name, labels in masks.items()}
    share: npt.NDArray[np.float64] = np.asarray(np.mean(list(marked.values()), axis=0))
    values = share if ct is None else ct
    solid = solid_voxels(ct, share > 0)
    seen = Frame.around(solid[slice_index].T, (dx, dy))
    body = whole_frame(solid, spacing_mm)
    slices = values.shape[0]
    return ScanView(
        axial=seen.plane(grey_levels(values[slice_index].T, SHARE if ct is None else SOFT_TISSUE_HU)),
        outlines={name: seen.cut(mask[slice_index].T) for name, mask in marked.items()},
        styles={name: styles[name] for name in masks},
        whole=_fewer_rows(body.plane(grey_levels(values.max(axis=2)[::-1], SHARE if ct is None else SKELETON_HU))),
        line_mm=(slices - slice_index - 0.5 - body.rows.start + body.margin[0]) * dz,
        slice_number=slice_index + 1,
        slices=slices,
        sides=sides,
        is_ct=ct is not None,
    )


def solid_voxels(ct: npt.NDArray[Any] | None, marked: Mask) -> Mask:
    """Return which voxels are the animal, (z, y, x); without a CT, those that anybody marked."""
    return marked if ct is None else np.asarray((ct > BODY_HU) | marked)


def whole_frame(solid: Mask, spacing_mm: tuple[float, float, float]) -> Frame:
    """Return the frame of the projection along the vertical axis, nose on top."""
    seen: Mask = np.asarray(solid.any(axis=2))
    return Frame.around(seen[::-1], spacing_mm[:2])


def line_styles(annotators: Sequence[str]) -> dict[str, LineStyle]:
    """Return how each annotator of a study is drawn, the same in all its pictures; the first twelve all differ."""
    return {
        name: LineStyle(COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])
        for place, name in enumerate(annotators)
    }


def view_images(view: ScanView) -> ViewImages:
    """Return the three pictures of a view, the same bytes for the same view."""
    plain, outlined = (panel(view.axial, AXIAL_INCHES) for _ in range(2))
    whole = panel(view.whole, WHOLE_INCHES)
    for figure in (plain, outlined):
        draw_axial(figure.axes[0], view)
    draw_outlines(outlined.axes[0], view)
    draw_whole(whole.axes[0], view)
    return ViewImages(*(svg_uri(figure, smooth=view.is_ct) for figure in (plain, outlined, whole)))


def view_png(view: ScanView, *, dpi: int = 160) -> bytes:
    """Return one picture, PNG: the slice bare and outlined, the whole animal, and the legend."""
    figure = _drawn_panels(view)
    for axes in figure.axes if view.is_ct else ():  # of masks the voxels are meant to show
        axes.images[0].set_interpolation("bilinear")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def view_svg(view: ScanView) -> str:
    """Return the picture of `view_png` as SVG."""
    return svg_text(_drawn_panels(view), smooth=view.is_ct)


def _drawn_panels(view: ScanView) -> "Figure":
    figure = _three_panels(view)
    plain, outlined, whole = figure.axes
    draw_axial(plain, view)
    draw_axial(outlined, view)
    draw_outlines(outlined, view)
    draw_whole(whole, view)
    figure.legend(handles=_legend_lines(view.styles), loc="lower center", ncols=6, frameon=False, labelcolor="white")
    return figure


def draw_axial(axes: "Axes", view: ScanView) -> None:
    """Draw the bare slice with a scale bar, and left and right where they are known."""
    _draw_plane(axes, view.axial)
    left, right = view.sides or ("", "left/right unknown: stored axes")
    _label(axes, (0.03, 0.97), left, "left", "top")
    _label(axes, (0.97, 0.97), right, "right", "top")


def draw_outlines(axes: "Axes", view: ScanView) -> None:
    """Draw every annotator's outline over a slice, each in its own colour and line style."""
    dy, dx = view.axial.spacing_mm
    for name, mask in view.outlines.items():
        if not mask.any():
            continue
        rows, columns = (np.arange(-1, count + 1) for count in mask.shape)
        style = view.styles[name]
        lines = axes.contour(
            (columns + 0.5) * dx, (rows + 0.5) * dy, np.pad(mask, 1), levels=[0.5], colors=style.colour, linewidths=1.4
        )
        lines.set_linestyle([style.pattern])


def draw_whole(axes: "Axes", view: ScanView) -> None:
    """Draw the projection of the whole animal, with a line where the slice lies."""
    _draw_plane(axes, view.whole)
    axes.axhline(view.line_mm, color="black", linewidth=2.4, alpha=0.6)
    axes.axhline(view.line_mm, color=COLOURS[1], linewidth=1.0)


def _fewer_rows(plane: Plane) -> Plane:
    """Return the plane with blocks of pixels joined (the brightest counts) until it has few enough rows."""
    joined, block = joined_rows(plane.grey, MAX_ROWS)
    return Plane(joined, (plane.spacing_mm[0] * block, plane.spacing_mm[1] * block))


def panel(plane: Plane, width_inches: float) -> "Figure":
    """Return a figure that is one plane from edge to edge, in its true proportions."""
    from matplotlib.figure import Figure

    height, width = plane.size_mm
    figure = Figure(figsize=(width_inches, width_inches * height / width), facecolor="black")
    figure.add_axes((0, 0, 1, 1))
    return figure


def _three_panels(view: ScanView) -> "Figure":
    """Return a figure with two axes for the slice and one, as high as they are, for the whole animal."""
    from matplotlib.figure import Figure

    (height, width), (whole_height, whole_width) = view.axial.size_mm, view.whole.size_mm
    inches = AXIAL_INCHES * height / width
    widths = [AXIAL_INCHES, AXIAL_INCHES, inches * whole_width / whole_height]
    legend = 0.35 * -(-len(view.outlines) // 6)
    figure = Figure(figsize=(sum(widths) + 0.2, inches + legend), facecolor="black")
    bottom = legend / (inches + legend)
    figure.subplots(
        1, 3, width_ratios=widths, gridspec_kw={"left": 0, "right": 1, "top": 1, "bottom": bottom, "wspace": 0.03}
    )
    return figure


def _legend_lines(styles: Mapping[str, LineStyle]) -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=style.colour, linestyle=style.pattern, label=f"annotator {name}")
        for name, style in styles.items()
    ]


def _draw_plane(axes: "Axes", plane: Plane) -> None:
    height, width = plane.size_mm
    extent = (0, width, height, 0)
    axes.imshow(plane.grey, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="none", aspect="equal")
    axes.set_axis_off()
    axes.autoscale(enable=False)
    bar = max([length for length in BAR_MM if length <= 0.3 * width], default=BAR_MM[0])
    left, bottom = 0.03 * width, height - 0.03 * width
    for colour, thickness in (("black", 4.0), ("white", 2.0)):
        axes.plot([left, left + bar], [bottom, bottom], color=colour, linewidth=thickness, solid_capstyle="butt")
    _label(axes, (0.03, 0.03 * width / height), f"{bar:g} mm", "left", "bottom")


def _label(axes: "Axes", place: tuple[float, float], text: str, across: Any, along: Any) -> None:
    """Write a text at a share of the axes' width and height, on a shade that keeps it legible."""
    shade = {"facecolor": "black", "alpha": 0.55, "edgecolor": "none", "pad": 1.5}
    look = {"color": "white", "fontsize": 8.5, "ha": across, "va": along, "bbox": shade}
    axes.annotate(text, place, (0, 4 if along == "bottom" else 0), "axes fraction", "offset points", **look)


def svg_uri(figure: "Figure", *, smooth: bool) -> str:
    """Return a figure as a data URI; shown as an image it needs no unique ids and takes no style from the page."""
    return "data:image/svg+xml," + quote(svg_text(figure, smooth=smooth), safe=" /:;=,+@!$()*?'[]")


def svg_text(figure: "Figure", *, smooth: bool) -> str:
    """Return a figure as SVG, the same text for the same figure.

    matplotlib asks for square pixels in SVG; `smooth` lets the reader's program interpolate between them.
    """
    from matplotlib import rc_context

    stream = io.StringIO()
    look: dict[Any, Any] = {"svg.hashsalt": "murinoma", "svg.fonttype": "none", "font.family": "sans-serif"}
    with rc_context(look), warnings.catch_warnings():
        # texts stay texts: the reader's fonts show what matplotlib's own lacks
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    text = stream.getvalue()
    if smooth:
        return text.replace("image-rendering:crisp-edges;image-rendering:pixelated", "image-rendering:auto")
    return text
