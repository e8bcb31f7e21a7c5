"""The quality-control sheet of one acquisition that was split into mice: what to look at before its crops are used.

Axial, coronal and sagittal, in voxels of the acquisition, with the crop windows, the outlines of what was taken for the
animals, and every doubt in words. Nothing here knows a file or global state.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from murinoma.pages.figures import BAR_MM, COLOURS
from murinoma.pages.lines import DPI, FONT, INK, TEXT_PT, Line, broken_lines, legible, sentence, text_width
from murinoma.pages.projections import Array, Box, Projections, Shadows, grey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = "zyx"
WIDTH, MARGIN, GAP = 1600, 28, 34  # pixels
TICKS_LEFT, TICKS_BELOW, CAPTION = 40, 44, 32  # pixels around each picture
AXIAL_SHARE = 0.42  # of the width
HIGHEST, NARROW = 900, 160  # pixels of a picture: its height, and a width that its caption needs
INDENT = 44  # pixels before a line with a mark
INSET = 3  # pixels between window edges that would hide one another
TAG_STEP, TAG_WIDTH = 22, 70  # pixels between names, and what a name may always take
TITLE_PT, HEADING_PT, TAG_PT, TICK_PT = 17.0, 13.0, 11.0, 9.0
PAPER, SOFT_INK, CALM, ALARM = "#ffffff", "#55585e", "#1d6b34", "#9c2a1b"
SHADE = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.5}
COLOUR_STEPS = (8, 16, 32)  # of 256, between the colours of a sheet: the first that makes it small enough
MOST_BYTES = 380_000


_Tag = tuple[float, float, float]  # where a name stands: left, right and upper edge, pixels


@dataclass(frozen=True, eq=False)
class SheetMouse:
    """One mouse on the sheet.

    Attributes
    ----------
    name
        As in the study, such as ``M01``.
    place
        In reading order, from 1.
    window
        The crop: voxels of the acquisition along (z, y, x).
    body
        What was taken for the animal, seen along z, y and x; see `shadows`. None draws no outline.
    note
        What should be known about this crop, such as how much of a neighbour is in it.
    """

    name: str
    place: int
    window: Box
    body: Shadows | None = None
    note: str = ""


@dataclass(frozen=True, eq=False)
class SplitSheet:
    """What a sheet shows.

    Attributes
    ----------
    title
        Which acquisition this is.
    projections
        The acquisition seen along z, y and x; see `project`.
    spacing_mm
        Of the voxels along (z, y, x).
    body_axis
        Array axis along which the animals lie.
    mice
        In reading order; may be empty.
    ends
        Axis name -> what lies at its first and at its last voxel, such as ``{"z": ("tail", "nose"), "x": ("R", "L")}``;
        without an axis that is not known. "nose" decides what is up.
    doubts, notices
        Sentences: why the result may be wrong, and what else was done.
    """

    title: str
    projections: Projections
    spacing_mm: tuple[float, float, float]
    body_axis: int
    mice: Sequence[SheetMouse] = ()
    ends: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    doubts: Sequence[str] = ()
    notices: Sequence[str] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of the acquisition along (z, y, x)."""
        (y, x), z = self.projections[0].mean_hu.shape, len(self.projections[1].mean_hu)
        return z, y, x


def split_sheet(sheet: SplitSheet) -> bytes:
    """Return the sheet as a PNG of 1600 pixels width, the same bytes for the same sheet."""
    from matplotlib import rc_context

    with rc_context({"font.family": FONT, "text.parse_math": False, "text.usetex": False}):
        head, foot = broken_lines(_head(sheet), WIDTH - 2 * MARGIN), broken_lines(_foot(sheet), WIDTH - 2 * MARGIN)
        panels = _panels(sheet, MARGIN + sum(line.height for line in head))
        below = max(panel.top + panel.height for panel in panels) + TICKS_BELOW
        page = _page(below + sum(line.height for line in foot) + MARGIN)
        for panel in panels:
            _picture(page, panel, sheet)
            taken = _directions(page, panel, sheet.ends)
            _windows(page, panel, sheet.mice, taken)
            _scale_bar(page, panel, sheet.spacing_mm)
        _write(page, head, MARGIN)
        _write(page, foot, below)
        return _png(page.figure)


@dataclass(frozen=True)
class _Panel:
    """One picture: along which array axis it looks, which run down and to the right, and its place in pixels."""

    name: str
    along: int
    down: int
    right: int
    upside_down: bool
    left: float
    top: float
    pixels: tuple[float, float, float]  # per voxel along (z, y, x)
    shape: tuple[int, ...]

    @property
    def width(self) -> float:
        """Pixels across."""
        return self.shape[self.right] * self.pixels[self.right]

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.shape[self.down] * self.pixels[self.down]

    def shown(self, plane: Array) -> Array:
        """Return a projection along `along` with its rows downwards; `upside_down` is left to the axes."""
        return plane if self.down < self.right else plane.T

    def edges(self, window: Box) -> Array:
        """Return left, right, top and bottom of a window, pixels on the page."""
        across, down = window[self.right], window[self.down]
        rows = np.array([down.start, down.stop])
        if self.upside_down:
            rows = self.shape[self.down] - rows[::-1]
        columns = np.array([across.start, across.stop]) * self.pixels[self.right]
        return np.concatenate([self.left + columns, self.top + rows * self.pixels[self.down]])


def _panels(sheet: SplitSheet, top: float) -> list[_Panel]:
    """Return where the pictures lie: the axial one to the left, the other two in one scale beside it."""
    body, shape = sheet.body_axis, sheet.shape
    first, second = (axis for axis in range(3) if axis != body)
    sizes = np.array(shape) * sheet.spacing_mm
    room = WIDTH - 2 * MARGIN - 3 * TICKS_LEFT - 2 * GAP
    axial = min(AXIAL_SHARE * room / sizes[second], HIGHEST / sizes[first])
    room -= max(NARROW, axial * sizes[second])
    small, large = sorted((sizes[first], sizes[second]))
    beside = room / (small + large)
    if beside * small < NARROW:
        beside = (room - NARROW) / large
    beside = min(beside, HIGHEST / sizes[body])
    nose_last = sheet.ends.get(AXES[body], ("", ""))[1] == "nose"
    panels, left = [], float(MARGIN + TICKS_LEFT)
    for name, (along, down, right), scale, upside_down in (
        ("Axial", (body, first, second), axial, False),
        ("Coronal", (first, body, second), beside, nose_last),
        ("Sagittal", (second, body, first), beside, nose_last),
    ):
        z, y, x = (float(scale * size) for size in sheet.spacing_mm)
        panels.append(_Panel(name, along, down, right, upside_down, left, top + CAPTION, (z, y, x), shape))
        left += max(NARROW, panels[-1].width) + TICKS_LEFT + GAP
    return panels


def _head(sheet: SplitSheet) -> list[Line]:
    """Return the title, the verdict, what was scanned, and which directions are not known."""
    mice, doubts = len(sheet.mice), len(sheet.doubts)
    found = {0: "No mouse was found", 1: "1 mouse was found"}.get(mice, f"{mice} mice were found")
    doubt = {0: "no doubts", 1: "1 doubt, see below"}.get(doubts, f"{doubts} doubts, see below")
    size = " x ".join(f"{n * mm:.1f}" for n, mm in zip(sheet.shape, sheet.spacing_mm, strict=True))
    voxels = " x ".join(f"{mm:.3g}" for mm in sheet.spacing_mm)
    known = {word for pair in sheet.ends.values() for word in pair}
    unknown = [] if known & {"L", "R"} else ["left/right unknown: stored axes"]
    unknown += [] if "nose" in known else ["nose/tail unknown: shown as stored"]
    scanned = f"Field {size} mm, voxels {voxels} mm along (z, y, x); the bodies lie along {AXES[sheet.body_axis]}."
    lines = [
        Line(sheet.title, TITLE_PT, weight="bold"),
        Line(f"{found}; {doubt}.", HEADING_PT, CALM if mice and not doubts else ALARM, "bold"),
        Line(scanned, colour=SOFT_INK),
    ]
    return lines + [Line(sentence("; ".join(unknown)), colour=ALARM)] * bool(unknown)


def _foot(sheet: SplitSheet) -> list[Line]:
    """Return a line per mouse, then the doubts and the notices."""
    lines = [
        Line(_mouse_text(mouse, sheet.spacing_mm), indent=INDENT, mark=str(mouse.place), fill=_colour(mouse))
        for mouse in sheet.mice
    ]
    names = [mouse.name for mouse in sheet.mice]
    for heading, texts, colour in (("Doubts", sheet.doubts, ALARM), ("Notices", sheet.notices, INK)):
        if texts:
            lines.append(Line(heading, HEADING_PT, colour, "bold"))
            lines += [Line(sentence(text, names), indent=INDENT, mark="•") for text in texts]
    return lines


def _mouse_text(mouse: SheetMouse, spacing_mm: tuple[float, float, float]) -> str:
    """Return the name of a mouse, its window in the order of the option ``--box`` (x, y, z), and the note."""
    sides = [(AXES[axis], mouse.window[axis], spacing_mm[axis]) for axis in (2, 1, 0)]
    window = ", ".join(f"{name} {side.start}:{side.stop}" for name, side, _ in sides)
    size = " x ".join(f"{(side.stop - side.start) * mm:.1f}" for _, side, mm in sides)
    note = f" {sentence(mouse.note, [mouse.name])}" if mouse.note else ""
    return f"{mouse.name}: window {window} ({size} mm).{note}"


def _colour(mouse: SheetMouse) -> str:
    return COLOURS[(mouse.place - 1) % len(COLOURS)]


def _page(height: float) -> "Axes":
    """Return an empty page: axes in pixels from its upper left corner, over everything that is added later."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / DPI, round(height) / DPI), dpi=DPI, facecolor=PAPER)
    page = figure.add_axes((0, 0, 1, 1), zorder=2, xlim=(0, WIDTH), ylim=(round(height), 0))
    page.set_axis_off()
    page.autoscale(enable=False)
    return page


def _write(page: "Axes", lines: Sequence[Line], top: float) -> None:
    """Write lines below one another."""
    for line in lines:
        middle = top + line.height / 2
        _text(page, (MARGIN + line.indent, middle), line.text, line.size, color=line.colour, weight=line.weight)
        shade = {"facecolor": line.fill, "edgecolor": line.fill if line.fill == "none" else INK, "pad": 2.5}
        _text(page, (MARGIN + INDENT / 2, middle), line.mark, TAG_PT, ha="center", weight="bold", bbox=shade)
        top += line.height


def _text(page: "Axes", at: tuple[float, float], text: str, size: float, **look: Any) -> None:
    """Write a text with the middle of its left end at a place."""
    if text:
        page.text(*at, text, fontsize=size, **{"va": "center_baseline", "color": INK, **look})


def _picture(page: "Axes", panel: _Panel, sheet: SplitSheet) -> None:
    """Draw what was scanned and the outlines of the animals, in voxels of the acquisition, upright."""
    from matplotlib.ticker import MaxNLocator

    high, down, right = page.get_ylim()[0], AXES[panel.down], AXES[panel.right]
    corner = (panel.left / WIDTH, 1 - (panel.top + panel.height) / high)
    axes = page.figure.add_axes((*corner, panel.width / WIDTH, panel.height / high))
    rows, columns = panel.shape[panel.down], panel.shape[panel.right]
    picture = panel.shown(grey(sheet.projections[panel.along]))
    extent = (0, columns, rows, 0)
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=extent, interpolation="hanning", aspect="auto")
    for mouse in sheet.mice:
        if mouse.body is not None and mouse.body[panel.along].any():
            mask = np.pad(panel.shown(mouse.body[panel.along]), 1)
            places = (np.arange(count) - 0.5 for count in mask.shape[::-1])
            axes.contour(*places, mask, levels=[0.5], colors=_colour(mouse), linewidths=1.1)
    axes.set(xlim=(0, columns), ylim=(0, rows) if panel.upside_down else (rows, 0))
    axes.tick_params(length=3, pad=2, labelsize=TICK_PT, labelcolor=SOFT_INK, color=SOFT_INK)
    for axis, pixels in ((axes.xaxis, panel.width), (axes.yaxis, panel.height)):
        axis.set_major_locator(MaxNLocator(max(1, min(6, int(pixels // 70))), integer=True))
    arrow = "↑" if panel.upside_down else "↓"
    _text(
        page, (panel.left, panel.top - CAPTION / 2), f"{panel.name} ({down} {arrow}  {right} →)", TEXT_PT, weight="bold"
    )


def _directions(page: "Axes", panel: _Panel, ends: Mapping[str, tuple[str, str]]) -> list[_Tag]:
    """Write at the edges of a picture what lies there, where that is known, and return where it stands."""
    first, last = ends.get(AXES[panel.down], ("", ""))
    left, right = ends.get(AXES[panel.right], ("", ""))
    top, bottom = (last, first) if panel.upside_down else (first, last)
    middle, centre = panel.top + panel.height / 2, panel.left + panel.width / 2
    tags = []
    for text, share, x, y in (
        (left, 0.0, panel.left + 8, middle),
        (right, 1.0, panel.left + panel.width - 8, middle),
        (top, 0.5, centre, panel.top + 16),
        (bottom, 0.5, centre, panel.top + panel.height - 16),
    ):
        wide = text_width(text, HEADING_PT, "bold")
        x -= share * wide
        _text(page, (x, y), text, HEADING_PT, color="white", weight="bold", bbox=SHADE)
        tags += [(x - 6, x + wide + 6, y - TAG_STEP / 2)] * bool(text)
    return tags


def _windows(page: "Axes", panel: _Panel, mice: Sequence[SheetMouse], taken: list[_Tag]) -> None:
    """Draw every window and its name; an edge that would hide an earlier one moves inwards until both are seen."""
    drawn: list[Array] = []
    for mouse in mice:
        edges = panel.edges(mouse.window)
        hidden = sum((np.abs(edges - other) < INSET for other in drawn), np.zeros(4))
        drawn.append(edges)
        left, right, top, bottom = edges + hidden * [INSET, -INSET, INSET, -INSET]
        for colour, thickness in (("black", 3.4), (_colour(mouse), 1.8)):
            _stroke(page, [left, right, right, left, left], [top, top, bottom, bottom, top], colour, thickness)
        taken.append(_tag(page, panel, mouse, taken))


def _tag(page: "Axes", panel: _Panel, mouse: SheetMouse, taken: Sequence[_Tag]) -> _Tag:
    """Write place and name into the upper left corner of a window, below what is in the way."""
    left, right, y, _ = panel.edges(mouse.window) + 6
    text = whole = f"{mouse.place} {legible(mouse.name)}"
    room = max(TAG_WIDTH, right - left - 20)
    while (wide := text_width(text, TAG_PT, "bold")) > room and len(whole) > 1:
        whole = whole[: min(len(whole) - 1, int(len(whole) * room / wide) + 1)]
        text = f"{whole}…"
    wide += 10
    x = max(panel.left + 6, min(left, panel.left + panel.width - wide))
    while any(abs(y - row) < TAG_STEP and start < x + wide and x < end for start, end, row in taken):
        y += 2
    shade = {"facecolor": _colour(mouse), "edgecolor": "black", "linewidth": 0.8, "pad": 2.0}
    _text(page, (x + 3, y + TAG_STEP / 2), text, TAG_PT, color="black", weight="bold", bbox=shade)
    return x, x + wide, y


def _scale_bar(page: "Axes", panel: _Panel, spacing_mm: tuple[float, float, float]) -> None:
    """Draw a bar of a round length in the lower left corner."""
    per_mm = panel.pixels[panel.right] / spacing_mm[panel.right]
    bar = max([length for length in BAR_MM if length * per_mm <= 0.3 * panel.width], default=BAR_MM[0])
    x, y = panel.left + 12, panel.top + panel.height - 12
    for colour, thickness in (("black", 5.0), ("white", 3.0)):
        _stroke(page, [x, x + bar * per_mm], [y, y], colour, thickness)
    _text(page, (x, y - 16), f"{bar:g} mm", TAG_PT, color="white", bbox=SHADE)


def _stroke(page: "Axes", across: list[float], down: list[float], colour: str, thickness: float) -> None:
    """Draw a line with square corners through places on the page."""
    page.plot(across, down, color=colour, linewidth=thickness, solid_joinstyle="miter", solid_capstyle="butt")


def _png(figure: Any) -> bytes:
    """Return a figure as a PNG of few colours: CT noise is most of its bytes, and more cannot be told apart."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    shown = np.asarray(canvas.buffer_rgba())[..., :3].astype(np.uint16)
    unsigned: Any = {"Software": None}
    for step in COLOUR_STEPS:
        few, stream = np.minimum((shown + step // 2) // step * step, 255).astype(np.uint8), io.BytesIO()
        imsave(stream, few, format="png", dpi=DPI, metadata=unsigned)
        if stream.tell() <= MOST_BYTES:
            break
    return stream.getvalue()
