"""What a reader can take out of the page: files that it carries with it, or names where they lie."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass

KINDS = {
    "csv": "text/csv;charset=utf-8",
    "svg": "image/svg+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Download:
    """A file: what it is, its name, where it lies for people, and its content.

    The page carries `content`; without it, it names the place only.
    """

    title: str
    name: str
    place: str
    size_bytes: int
    content: bytes | None = None

    @property
    def address(self) -> str:
        """The content as a data URI; empty where the page does not carry it."""
        if self.content is None:
            return ""
        kind = KINDS[self.name.rpartition(".")[2]]
        return f"data:{kind};base64,{b64encode(self.content).decode('ascii')}"

    @property
    def size(self) -> str:
        """Its size for people."""
        kilobytes = self.size_bytes / 1000
        return f"{kilobytes / 1000:.1f} MB" if kilobytes >= 1000 else f"{max(kilobytes, 1):.0f} kB"


def carried(files: Iterable[tuple[str, str, str, bytes]], most_bytes: int) -> list[Download]:
    """Return downloads from (title, name, place, content), in order; the page carries as many as fit `most_bytes`."""
    found, left = [], most_bytes
    for title, name, place, content in files:
        fits = len(content) <= left
        left -= len(content) if fits else 0
        found.append(Download(title, name, place, len(content), content if fits else None))
    return found
