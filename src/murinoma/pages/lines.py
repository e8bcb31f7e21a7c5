"""Lines of text in a picture: how wide they are, where they break, what the font cannot show."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

DPI = 100
INK = "#1c1d1f"
TEXT_PT = 11.5
LEADING = 1.5
FONT = "DejaVu Sans"  # comes with matplotlib, so a picture looks the same everywhere


@dataclass(frozen=True)
class Line:
    """A line of text on the sheet; `mark` is a number or bullet before it, on a badge if it has a colour."""

    text: str
    size: float = TEXT_PT
    colour: str = INK
    weight: str = "normal"
    indent: int = 0
    mark: str = ""
    fill: str = "none"

    @property
    def height(self) -> float:
        """Pixels that the line takes."""
        return self.size * DPI / 72 * LEADING


def sentence(text: str, names: Sequence[str] = ()) -> str:
    """Return a text with a capital and a full stop; a name at its start stays as it is."""
    text = " ".join(text.split())
    if text.partition(" ")[0].replace("/", "").isalpha() and not text.startswith(tuple(names)):
        text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def legible(text: str) -> str:
    """Return a text on one line; what the font cannot show becomes a diamond with a question mark."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont(FONT))
    return "".join(c if font.get_char_index(ord(c)) else "\ufffd" for c in " ".join(text.split()))


def text_width(text: str, size: float, weight: str) -> float:
    """Return the width of a text, pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text:
        return 0.0
    outline = TextPath((0, 0), text, prop=FontProperties(family=FONT, size=size, weight=weight))
    return float(np.max(outline.vertices, axis=0, initial=0.0)[0]) * DPI / 72


def broken_lines(lines: Sequence[Line], width: float) -> list[Line]:
    """Return lines of which each fits `width` pixels, broken between words, or within one that is too long."""
    fitting = []
    for line in lines:
        text = legible(line.text)
        parts, room = [text] if text else [], width - line.indent
        while parts:
            longest = max(len(part) for part in parts)
            wide = max(text_width(part, line.size, line.weight) for part in parts)
            if wide <= room:
                break
            parts = textwrap.wrap(text, max(1, min(longest - 1, int(longest * room / wide))))
        fitting += [replace(line, text=part, mark="" if at else line.mark) for at, part in enumerate(parts)]
    return fitting
