"""The picture by which a model's mask is looked over: the whole mouse from above and from the side, and each tumor.

Grey values and outlines are painted as pixels, matplotlib writes the texts: a tenth of the time that axes would take.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from murinoma.pages.figures import BAR_MM, COLOURS, SOFT_TISSUE_HU
from murinoma.pages.planes import GREY_LEVELS, grey_levels
from murinoma.pages.projections import grey, project

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
HEAD, GAP = 26, 6  # pixels: the line of text on top, and between panels
LEAST_WIDE = 760  # for the line on top
WHOLE_HIGH = 620
TILE = 200
SHOWN = 6  # tumors, the largest; more are counted
ROWS = 3  # of tumors, before a second block of them begins
LEAST_TILE_MM, AROUND_MM = 16.0, 4.0
FINEST_MM = 0.4  # of the projections: more would not be seen

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class PredictionView:
    """A scan and what a model made of it, turned upright.

    Attributes
    ----------
    title
        What stands on top.
    ct
        HU, (body, sides, vertical): from rump to nose, from side to side, from back to belly.
    labels
        Numbers of the tumors on the same grid, 0 elsewhere.
    spacing_mm
        Along the same axes.
    sides
        What the low and the high end of the second axis are, such as ``("R", "L")``; None if unknown.
    knows_axes
        False where the other axes are taken as the published database has them.
    volumes_mm3
        Of each tumor.
    """

    title: str
    ct: Array
    labels: Array
    spacing_mm: tuple[float, float, float]
    sides: tuple[str, str] | None = None
    knows_axes: bool = False
    volumes_mm3: Mapping[int, float] = field(default_factory=dict)


def prediction_png(view: PredictionView) -> bytes:
    """Return the picture as PNG, the same bytes for the same view."""
    from matplotlib.figure import Figure

    tumors = _tumors(view.labels)
    whole = list(_whole(view, tumors))
    shown = sorted(tumors, key=lambda number: (-view.volumes_mm3.get(number, 0), number))[:SHOWN]
    panels = [*whole, *_close(view, tumors, sorted(shown), left=whole[-1].right + GAP)]
    width, high = max(max(panel.right for panel in panels) + GAP, LEAST_WIDE), HEAD + WHOLE_HIGH + GAP
    canvas = np.zeros((high, width, 3), np.uint8)
    figure = Figure(figsize=(width / DPI, high / DPI), dpi=DPI, facecolor="black")
    for panel in panels:
        _paint(canvas, panel)
        _label(figure, panel)
    figure.figimage(canvas, origin="upper")
    _write(figure, (GAP, HEAD / 2), _headline(view, len(tumors) - len(shown)), "left", size=9)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 4})
    return stream.getvalue()


def _headline(view: PredictionView, unshown: int) -> str:
    count, total = len(view.volumes_mm3), sum(view.volumes_mm3.values())
    found = f"{count} tumor{'s' * (count != 1)}, {total:.0f} mm³" if count else "no tumor found"
    return f"{view.title}: {found}{f' ({unshown} smaller ones are not shown close up)' * (unshown > 0)}"


@dataclass(frozen=True, eq=False)
class _Tumor:
    """One tumor: the first voxel of its box, and its mask in the box."""

    start: tuple[int, ...]
    mask: Mask

    @property
    def middle(self) -> list[int]:
        """The voxel at which as much lies before as behind, along each axis."""
        areas = [self.mask.sum(axis=tuple({0, 1, 2} - {axis})) for axis in range(3)]
        return [
            int(first + np.searchsorted(area.cumsum(), area.sum() / 2))
            for first, area in zip(self.start, areas, strict=True)
        ]


def _tumors(labels: Array) -> dict[int, _Tumor]:
    """Return the tumors by number."""
    if not labels.any():
        return {}
    start, box = _box(labels)
    inside, found = labels[box], {}
    for number in np.unique(inside[inside > 0]).tolist():
        first, part = _box(inside == number)
        found[number] = _Tumor(tuple(a + b for a, b in zip(start, first, strict=True)), inside[part] == number)
    return found


def _box(mask: Array) -> tuple[tuple[int, ...], tuple[slice, ...]]:
    """Return the first voxel of what is marked, and its box."""
    ends = []
    for axis in range(3):
        held = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        ends.append(slice(int(held[0]), int(held[-1]) + 1))
    return tuple(part.start for part in ends), tuple(ends)


@dataclass(frozen=True, eq=False)
class _Panel:
    """One picture in the picture.

    Attributes
    ----------
    left, top, wide, high
        Where it stands, pixels.
    grey
        Values from 0 to 1, first row on top.
    width_mm
        That it shows.
    outlines
        Number of a tumor -> pixels of `grey` that show it.
    numbered
        Numbers stand beside the outlines.
    texts
        What stands at the left, the right and the lower edge, and in the upper left corner.
    """

    left: int
    top: int
    wide: int
    high: int
    grey: Array
    width_mm: float
    outlines: Mapping[int, Mask]
    numbered: bool = False
    texts: tuple[str, str, str, str] = ("", "", "", "")

    @property
    def right(self) -> int:
        """Where it ends, pixels."""
        return self.left + self.wide

    @property
    def bar_mm(self) -> float:
        """Length of its scale bar."""
        return max([length for length in BAR_MM if length <= 0.3 * self.width_mm], default=BAR_MM[0])


def _whole(view: PredictionView, tumors: Mapping[int, _Tumor]) -> Iterator[_Panel]:
    """Yield the mouse from above and from the side, nose on top."""
    steps = [max(1, round(FINEST_MM / step)) for step in view.spacing_mm]
    _, from_side, from_above = project(view.ct[:: steps[0], :: steps[1], :: steps[2]])
    left, long_mm = GAP, view.ct.shape[0] * view.spacing_mm[0]
    ends = ("back", "belly", "from the side", "") if view.knows_axes else ("", "", "axes not recorded", "")
    low, high = view.sides or ("", "")
    texts = (low, high, "from above" if view.sides else "left/right unknown", "")
    for seen, across, said in ((from_above, 1, texts), (from_side, 2, ends)):
        width_mm = view.ct.shape[across] * view.spacing_mm[across]
        wide = round(WHOLE_HIGH * width_mm / long_mm)
        outlines = {number: _shadow(tumor, view.labels.shape, 3 - across) for number, tumor in tumors.items()}
        yield _Panel(left, HEAD, wide, WHOLE_HIGH, grey(seen)[::-1], width_mm, outlines, True, said)
        left += wide + GAP


def _shadow(tumor: _Tumor, shape: tuple[int, ...], axis: int) -> Mask:
    """Return a tumor as it is seen along an axis, nose on top."""
    rows, columns = (other for other in range(3) if other != axis)
    plane = np.zeros((shape[rows], shape[columns]), bool)
    seen = tumor.mask.any(axis=axis)
    top, left = tumor.start[rows], tumor.start[columns]
    plane[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return plane[::-1]


def _close(view: PredictionView, tumors: Mapping[int, _Tumor], numbers: list[int], *, left: int) -> Iterator[_Panel]:
    """Yield three planes through each tumor: across the body, and along it from above and from the side."""
    low, high = view.sides or ("", "")
    unsaid = "" if view.sides else "left/right unknown"
    for place, number in enumerate(numbers):
        tumor = tumors[number]
        top = HEAD + (place % ROWS) * (WHOLE_HIGH + GAP) // ROWS
        first = left + (place // ROWS) * (3 * TILE + 4 * GAP)
        volume = f"{number}: {view.volumes_mm3.get(number, 0):.1f} mm³"
        side_mm = max(
            LEAST_TILE_MM,
            *(n * step + 2 * AROUND_MM for n, step in zip(tumor.mask.shape, view.spacing_mm, strict=True)),
        )
        above, side = ("from above", "from the side") if view.knows_axes else ("", "")
        said = [(low, high, unsaid, volume), (low, high, "", above), ("", "", "", side)]
        for at, (axis, texts) in enumerate(zip((0, 2, 1), said, strict=True)):
            plane, outline = _plane(view, tumor, number, axis, side_mm)
            yield _Panel(first + at * (TILE + GAP), top, TILE, TILE, plane, side_mm, {number: outline}, False, texts)


def _plane(view: PredictionView, tumor: _Tumor, number: int, axis: int, side_mm: float) -> tuple[Array, Mask]:
    """Return grey values and outline of one plane through a tumor: `side_mm` wide and high, black beyond the image."""
    middle = tumor.middle
    rows, columns = ((2, 1), (0, 2), (0, 1))[axis]
    cut: list[Any] = [slice(None)] * 3
    cut[axis] = middle[axis]
    padding = []
    for along in (rows, columns):
        half = round(side_mm / view.spacing_mm[along] / 2)
        start, stop, size = middle[along] - half, middle[along] + half + 1, view.ct.shape[along]
        cut[along] = slice(max(start, 0), min(stop, size))
        padding.append((max(-start, 0), max(stop - size, 0)))
    turn = axis == 0  # across the body the back is on top, in the others the nose
    hu, labels = (values[tuple(cut)].T if turn else values[tuple(cut)] for values in (view.ct, view.labels))
    shown = np.pad(grey_levels(hu, SOFT_TISSUE_HU), padding), np.pad(labels == number, padding)
    return shown if turn else (shown[0][::-1], shown[1][::-1])


def _paint(canvas: Array, panel: _Panel) -> None:
    """Paint grey values, outlines, and a bar of some mm."""
    place = canvas[panel.top : panel.top + panel.high, panel.left : panel.right]
    levels = np.rint(_resized(panel.grey, place.shape[:2]) * (GREY_LEVELS - 1)) / (GREY_LEVELS - 1)
    place[:] = np.rint(255 * levels).astype(np.uint8)[..., None]
    for number, mask in panel.outlines.items():
        place[_edge(_resized(mask.astype(np.float32), place.shape[:2]) > 0.5)] = _rgb(_colour(number))
    long = round(panel.bar_mm * panel.wide / panel.width_mm)
    place[-9:-5, 5 : 7 + long] = 0
    place[-8:-6, 6 : 6 + long] = 255


def _resized(values: Array, shape: tuple[int, int]) -> Array:
    """Return a plane with another number of pixels, linear between the middles of its own."""
    result = np.asarray(values, np.float32)
    for axis, wanted in enumerate(shape):
        own = result.shape[axis]
        at = np.clip((np.arange(wanted, dtype=np.float32) + 0.5) * own / wanted - 0.5, 0, own - 1)
        low = np.minimum(at.astype(int), max(own - 2, 0))
        share = np.expand_dims(at - low, 1 - axis)
        above = np.minimum(low + 1, own - 1)
        result = result.take(low, axis) * (1 - share) + result.take(above, axis) * share
    return result


def _edge(mask: Mask) -> Mask:
    """Return the outermost two pixels of what is marked."""
    padded = np.pad(mask, 2)
    inner = padded.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            inner &= np.roll(padded, step, axis)
    return np.asarray((padded & ~inner)[2:-2, 2:-2])


def _label(figure: "Figure", panel: _Panel) -> None:
    """Write what stands at the edges of a panel, and the numbers of its tumors."""
    left, right, lower, upper = panel.texts
    middle, bottom = panel.top + panel.high / 2, panel.top + panel.high
    _write(figure, (panel.left + 4, middle), left, "left")
    _write(figure, (panel.right - 4, middle), right, "right")
    _write(figure, (panel.right - 4, bottom - 9), lower, "right")
    _write(figure, (panel.left + 4, panel.top + 10), upper, "left")
    _write(figure, (panel.left + 5, bottom - 18), f"{panel.bar_mm:g} mm", "left", size=7)
    for number, mask in panel.outlines.items() if panel.numbered else ():
        columns = panel.left + np.flatnonzero(mask.any(axis=0))[[0, -1]] * panel.wide / mask.shape[1]
        row = panel.top + np.flatnonzero(mask.any(axis=1)).mean() * panel.high / mask.shape[0]
        at_left = columns.mean() < panel.left + panel.wide / 2
        beside = float(np.clip(columns[0] - 4 if at_left else columns[1] + 6, panel.left + 16, panel.right - 16))
        across = "right" if at_left else "left"
        _write(figure, (beside, float(row)), str(number), across, size=11, colour=_colour(number))


def _colour(number: int) -> str:
    return COLOURS[(number - 1) % len(COLOURS)]


def _rgb(colour: str) -> list[int]:
    """Return ``#5cc8ff`` as three numbers."""
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _write(
    figure: "Figure", place: tuple[float, float], text: str, across: str, *, size: float = 8, colour: str = "white"
) -> None:
    """Write a text at a place in pixels from the upper left corner, on a shade that keeps it legible."""
    if text:
        width, high = figure.get_size_inches() * figure.dpi
        shade = {"facecolor": "black", "alpha": 0.55, "edgecolor": "none", "pad": 1.0}
        at = place[0] / width, 1 - place[1] / high
        figure.text(*at, text, color=colour, fontsize=size, ha=across, va="center", bbox=shade)
