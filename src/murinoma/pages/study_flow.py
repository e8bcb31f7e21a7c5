"""The flow of scans and tumors through a study: how many came in, how many left, and why.

The counts that leave are given, those before are sums: whatever the page shows adds up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FlowExit:
    """What leaves the flow: how many, why, and in more words."""

    count: int
    why: str
    more: str = ""


@dataclass(frozen=True)
class FlowStage:
    """How many are there, of what, and what leaves before the next stage."""

    count: int
    what: str
    exits: tuple[FlowExit, ...] = ()


@dataclass(frozen=True)
class StudyFlow:
    """Where each scan and each tumor of a study went.

    Attributes
    ----------
    acquisitions, cut
        How many acquisitions murinoma has split, and into how many CTs; 0 where it split none.
    contradictory
        Scans whose names or files contradict one another.
    left_out, tumors_left_out
        Reason -> scans (or tumors) that people left out.
    without_annotation, one_annotator
        Scans that nobody, or one annotator alone, has drawn on.
    unmeasured
        Scans of two annotators or more without a result.
    measured
        Scans with a result.
    missed, marked_by_all
        Tumors that at least one annotator of the scan did not mark, and those that everyone marked.
    """

    contradictory: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    without_annotation: int = 0
    one_annotator: int = 0
    unmeasured: int = 0
    measured: int = 0
    tumors_left_out: Mapping[str, int] = field(default_factory=dict)
    missed: int = 0
    marked_by_all: int = 0
    acquisitions: int = 0
    cut: int = 0

    @property
    def usable(self) -> int:
        """Scans of the study: those that nobody left out, and whose files belong together."""
        return self.without_annotation + self.one_annotator + self.unmeasured + self.measured

    @property
    def found(self) -> int:
        """Scans that the folders hold."""
        return self.usable + self.contradictory + sum(self.left_out.values())

    @property
    def tumors(self) -> int:
        """Tumors with volumes, one per tumor and scan."""
        return self.missed + self.marked_by_all

    @property
    def scan_stages(self) -> list[FlowStage]:
        """The stages of the scans; each is the one before without its exits."""
        found = _exits(
            FlowExit(self.contradictory, "with names or files that contradict one another"),
            FlowExit(sum(self.left_out.values()), "left out by people", _reasons(self.left_out)),
        )
        used = _exits(
            FlowExit(self.without_annotation, "without an annotation"),
            FlowExit(self.one_annotator, "with one annotator only"),
            FlowExit(self.unmeasured, "without a result: a file cannot be read, or agree has to run again"),
        )
        return [
            FlowStage(self.found, _of(self.found, "scan found", "scans found"), found),
            FlowStage(self.usable, _of(self.usable, "scan in the study", "scans in the study"), used),
            FlowStage(self.measured, _of(self.measured, "scan measured", "scans measured")),
        ]

    @property
    def tumor_stages(self) -> list[FlowStage]:
        """The stages of the tumors in the measured scans, then those that everyone marked."""
        left = sum(self.tumors_left_out.values())
        out = _exits(FlowExit(left, "left out by people", _reasons(self.tumors_left_out)))
        missed = _exits(FlowExit(self.missed, "that an annotator of the scan missed: 0 cm³ for that annotator"))
        return [
            *([FlowStage(self.tumors + left, "tumors in them", out)] if left else []),
            FlowStage(self.tumors, _of(self.tumors, "tumor measured", "tumors measured"), missed),
            FlowStage(self.marked_by_all, "marked by every annotator of the scan"),
        ]


def _exits(*exits: FlowExit) -> tuple[FlowExit, ...]:
    return tuple(leaving for leaving in exits if leaving.count)


def _reasons(counts: Mapping[str, int]) -> str:
    """Return ``dead (2), moved (1)``, the most frequent first."""
    return ", ".join(_reason_counts(counts))


def _reason_counts(counts: Mapping[str, int]) -> Iterator[str]:
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        yield f"{reason or 'no reason given'} ({count})"


def _of(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
