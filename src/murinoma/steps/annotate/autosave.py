"""Saving while somebody draws: each step at once, and what could not be saved together with the next."""

from collections.abc import Callable

from murinoma.campaign import Store
from murinoma.errors import MurinomaError
from murinoma.steps.annotate.annotation import Annotation
from murinoma.steps.annotate.history import Change


class Autosave:
    """What the store does not know yet of one scan; `trouble` says why, and is empty if it knows all.

    The labels of the whole scan are saved after each step but a stroke: a stroke changes one slice, which is saved.
    """

    def __init__(self, store: Store, code: str) -> None:
        """Start with a scan that is saved."""
        self.trouble = ""
        self._store, self._code = store, code
        self._slices: set[int] = set()
        self._removed = self._labels = self._are_labels_old = False

    def take(self, before: Annotation, after: Annotation, change: Change, *, is_stroke: bool) -> None:
        """Save a change; where that fails, say so and go on: nothing is lost that is still on the screen."""
        self._slices |= _redrawn(before, after, change)
        self._removed |= change.removed.places.size > 0
        self._labels |= not is_stroke
        self.attempt(lambda: self._save(after))

    def attempt(self, save: Callable[[], None]) -> None:
        """Call what saves, and keep the sentence of its failure."""
        try:
            save()
        except MurinomaError as error:
            self.trouble = str(error)
        else:
            self.trouble = self.trouble if self._slices or self._removed or self._labels else ""

    def save_all(self, annotation: Annotation, *, is_final: bool = False) -> None:
        """Save all that is not saved, and, if it is final, the labels in any case.

        Raises
        ------
        OutputError
            If that fails.
        """
        self._labels |= self._are_labels_old or is_final
        self._save(annotation)
        self.trouble = ""

    def _save(self, annotation: Annotation) -> None:
        for z in sorted(self._slices):
            drawn = annotation.labels_drawn_on(z)
            self._store.save_slice(self._code, z, annotation.drawn_plane(z), drawn=drawn)
            self._slices.discard(z)
            self._are_labels_old = True
        if self._removed:
            self._store.save_removed(self._code, annotation.removed)
            self._removed = False
        if self._labels:
            self._store.save_labels(self._code, annotation.labels)
            self._labels = self._are_labels_old = False


def _redrawn(before: Annotation, after: Annotation, change: Change) -> set[int]:
    """Return the slices of which another thing was drawn now."""
    places = set(change.slices(after))
    for label in {*before.drawn, *after.drawn}:
        places |= before.drawn.get(label, frozenset()) ^ after.drawn.get(label, frozenset())
    return {z for z in places if _is_redrawn(before, after, z)}


def _is_redrawn(before: Annotation, after: Annotation, z: int) -> bool:
    if before.labels_drawn_on(z) != after.labels_drawn_on(z):
        return True
    return bool(after.labels_drawn_on(z)) and bool((before.drawn_plane(z) != after.drawn_plane(z)).any())
