"""What was done to an annotation, step by step, so that each step can be taken back as one."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.steps.annotate.annotation import Annotation, Drawn, Labels, Places


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels that changed (flat), with what they were and what they became."""

    places: Places
    before: Labels
    after: Labels


@dataclass(frozen=True, eq=False)
class Change:
    """One step: what it was called, the voxels that it changed, and all the rest before and after it."""

    what: str
    labels: Voxels
    removed: Voxels
    before: tuple[Drawn, Places, bool]
    after: tuple[Drawn, Places, bool]

    @property
    def voxels(self) -> int:
        """How many voxels changed their tumor."""
        return self.labels.places.size

    def slices(self, annotation: Annotation) -> list[int]:
        """Return the slices that look different, ascending."""
        per_slice = annotation.labels[0].size
        places = np.concatenate([self.labels.places, self.removed.places])
        return [int(z) for z in np.unique(places // per_slice)]


def change_between(before: Annotation, after: Annotation, what: str) -> Change:
    """Return the step that leads from one annotation to another."""
    return Change(
        what,
        _voxels(before.labels, after.labels),
        _voxels(before.removed, after.removed),
        (before.drawn, before.kept, before.is_ruled),
        (after.drawn, after.kept, after.is_ruled),
    )


def undone(annotation: Annotation, change: Change) -> Annotation:
    """Return the annotation as it was before a change."""
    drawn, kept, is_ruled = change.before
    labels = _written(annotation.labels, change.labels.places, change.labels.before)
    removed = _written(annotation.removed, change.removed.places, change.removed.before)
    return replace(annotation, labels=labels, removed=removed, drawn=drawn, kept=kept, is_ruled=is_ruled)


def redone(annotation: Annotation, change: Change) -> Annotation:
    """Return the annotation as it was after a change that was undone."""
    drawn, kept, is_ruled = change.after
    labels = _written(annotation.labels, change.labels.places, change.labels.after)
    removed = _written(annotation.removed, change.removed.places, change.removed.after)
    return replace(annotation, labels=labels, removed=removed, drawn=drawn, kept=kept, is_ruled=is_ruled)


@dataclass
class History:
    """The last `limit` steps, and those that were undone since the last new one."""

    limit: int
    done: list[Change] = field(default_factory=list)
    taken_back: list[Change] = field(default_factory=list)

    def add(self, change: Change) -> None:
        """Take a new step: what was undone before is gone."""
        self.done = [*self.done, change][-self.limit :]
        self.taken_back = []

    @property
    def next_undo(self) -> str:
        """What would be undone; empty if there is nothing."""
        return self.done[-1].what if self.done else ""

    @property
    def next_redo(self) -> str:
        """What would be done again; empty if there is nothing."""
        return self.taken_back[-1].what if self.taken_back else ""

    def back(self) -> Change | None:
        """Return the step to undo now; nothing if there is none."""
        return _moved(self.done, self.taken_back)

    def forth(self) -> Change | None:
        """Return the step to redo now; nothing if there is none."""
        return _moved(self.taken_back, self.done)


def _moved(source: list[Change], target: list[Change]) -> Change | None:
    if not source:
        return None
    target.append(source.pop())
    return target[-1]


def _voxels(before: Labels, after: Labels) -> Voxels:
    if before is after:
        return Voxels(np.zeros(0, np.intp), np.zeros(0, np.uint8), np.zeros(0, np.uint8))
    places = np.flatnonzero(before != after)
    return Voxels(places, before.flat[places], after.flat[places])


def _written(labels: Labels, places: Places, values: npt.NDArray[Any]) -> Labels:
    if not places.size:
        return labels
    written = labels.copy()
    written.flat[places] = values
    return written
