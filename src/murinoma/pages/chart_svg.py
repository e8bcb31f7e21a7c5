"""How charts become SVG: one look for all, texts that stay texts, and a form that a page can take in.

A chart is black on white in its file. `for_page` gives the same chart for the inside of an HTML page, where ink is
the page's text colour and the ground is the page's own, so it is right in light, in dark and in print. Between the
two only names change: what is drawn is the same.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from murinoma.pages.chart_labels import SMALL_PT, TEXT_PT, folded
from murinoma.pages.lines import FONT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PAPER = "#000000", "#ffffff"
# all of one luminance, 3.5 times or more away from the ink and the paper of a page, light and dark; in grey print they
# are one grey, so hatches and markers tell them apart
COLOURS = ("#2f7aca", "#ce5022", "#078a5e", "#9f5fb4", "#9f7104", "#737a82")
# no dots among them: matplotlib writes 180 kB for each
HATCHES = ("", "/////", "-----", "xxxxx", "|||||", "\\\\\\\\\\", "+++++", "//", "--", "xx", "||", "\\\\")
MARKERS = "os^DvPX<>*ph"
WIDTH_INCHES = 7.2  # two columns of a journal
UNITS_PER_REM = (12.2, 9.6)  # of the view box on a page, at its smallest and largest: texts of 10.5 to 13.3 pixels
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "murinoma",
    "svg.fonttype": "none",
    "font.family": FONT,
    "font.size": TEXT_PT,
    "text.parse_math": False,
    "text.usetex": False,
    "axes.labelsize": TEXT_PT,
    "axes.titlesize": TEXT_PT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": TEXT_PT,
    "xtick.labelsize": TEXT_PT,
    "ytick.labelsize": TEXT_PT,
}

_TAG = re.compile(r"<[^>]*>")
_LONG_NUMBER = re.compile(r"(?<![\w.#])-?\d+\.\d{3,}(?![\w.])")
_POINTS = re.compile(r'(<g clip-path="[^"]*")>((?:\s*<use [^>]*/>)+)')
_POINT_STYLE = re.compile(r' style="[^"]*"')
_FAMILY = re.compile(r"; font-family: '[^;\"]*")
_FONT = re.compile(r"font: ([\d.]+px) '[^;\"]*")  # as older versions of matplotlib write it


@contextmanager
def drawing() -> Iterator[None]:
    """Set the look of all charts while one is drawn and written.

    matplotlib warns about glyphs that its own font lacks; here texts stay texts, and the reader's fonts show them.
    """
    from matplotlib import rc_context

    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield


def svg_text(figure: "Figure") -> str:
    """Return a figure as the text of an SVG file, the same bytes each time; call it inside `drawing`."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _POINTS.sub(_with_one_style, _in_tags(stream.getvalue(), _tidied))


def for_page(svg: str, *, prefix: str, title: str, description: str) -> str:
    """Return a chart as an element for the inside of an HTML page.

    Put it into a box that scrolls: it takes the width of its box, but stays wide enough to be read.

    Parameters
    ----------
    svg
        A chart of this package, as `svg_text` returns it.
    prefix
        Of all its ids: a word that no other chart of the page has.
    title, description
        What the picture is, and what it shows, in words for those who cannot see it.
    """
    body = svg[svg.index("<svg") :]
    body = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>\s*", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r'(<g id="patch_1">).*?(?=</g>)', r"\1", body, count=1, flags=re.DOTALL)  # the white ground
    width, height = map(float, re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', body)[0])
    used = set(re.findall(r'(?:url\(|href=")#([\w.-]+)', body))
    words = f'<title id="{prefix}-title">{escape(title)}</title><desc id="{prefix}-words">{escape(description)}</desc>'
    narrow, wide = (width / units for units in UNITS_PER_REM)
    head = (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" width="100%" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-words" fill="currentColor" stroke-linejoin="round" '
        f'style="display:block;min-width:{narrow:.1f}rem;max-width:{wide:.1f}rem;height:auto">'
    )
    inside = _in_tags(body[body.index(">") + 1 :], lambda tag: _for_page(tag, prefix, used))
    return head + words + inside.strip()


def explain(figure: "Figure", sentences: Iterable[str]) -> None:
    """Write sentences below a figure, each line a text of its own: a page's font may be wider than the one laid out."""
    from matplotlib.lines import Line2D

    width_pt = 72 * figure.get_figwidth() - 12
    lines = [line for sentence in sentences for line in folded([sentence], width_pt, size_pt=SMALL_PT)[0]]
    handles = [Line2D([], [], linestyle="none", label=line) for line in lines]
    look: dict[str, Any] = {"handlelength": 0, "handletextpad": 0, "labelspacing": 0.35, "fontsize": SMALL_PT}
    figure.legend(handles=handles, loc="outside lower center", **look)


def _in_tags(svg: str, change: Callable[[str], str]) -> str:
    """Change the tags of an SVG and leave its texts, which may hold anything, as they are."""
    return _TAG.sub(lambda match: change(match[0]), svg)


def _tidied(tag: str) -> str:
    """Round to hundredths of a point, and name fonts of the same widths where the first is missing."""
    tag = _LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), tag)
    return tag.replace(f"'{FONT}'", f"'{FONT}', Verdana, sans-serif")


def _with_one_style(match: re.Match[str]) -> str:
    """Return a cloud of points with their style written once, if they share it: this halves the file."""
    styles = set(_POINT_STYLE.findall(match[2]))
    if len(styles) != 1:
        return match[0]
    return f"{match[1]}{styles.pop()}>{_POINT_STYLE.sub('', match[2])}"


def _for_page(tag: str, prefix: str, used: set[str]) -> str:
    """Return one tag with the page's colours and font, and with ids that are its own; ids that nobody uses go."""
    tag = re.sub(r' id="([\w.-]+)"', lambda match: f' id="{prefix}-{match[1]}"' if match[1] in used else "", tag)
    tag = re.sub(r'url\(#|xlink:href="#', lambda match: f"{match[0].removeprefix('xlink:')}{prefix}-", tag)
    tag = _FONT.sub(r"font-size: \1", _FAMILY.sub("", tag))
    return tag.replace(INK, "currentColor").replace(PAPER, f"var(--paper, {PAPER})")
