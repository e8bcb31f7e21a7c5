"""What an annotation still lacks: slices to draw, slices to fill, air and bone to take out."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.numerics.protocol import Missing, missing_sentence, missing_slices
from murinoma.settings import AnnotationSettings
from murinoma.steps.annotate.annotation import Annotation, gaps, voxels_to_leave


def missing_of(annotation: Annotation, label: int, protocol: AnnotationSettings) -> Missing:
    """Return the slices of a tumor that the protocol still asks for.

    The step is lowered for a small tumor only when both of its ends are known: before, nobody knows that it is small.
    """
    known = annotation.slices_with(label), annotation.slices_without(label)
    rule = partial(missing_slices, *known, n_slices=annotation.shape[0], step=protocol.step)
    missing = rule(least=protocol.least_slices)
    has_open_end = missing.unmarked_first or missing.unmarked_last
    return replace(missing, slices=rule(least=1).slices) if has_open_end else missing


def sentence_of(annotation: Annotation, label: int, protocol: AnnotationSettings) -> str:
    """Return in words what is to be done next about a tumor; nothing if all is done."""
    if not annotation.slices_with(label):
        return "nothing drawn yet"
    missing = missing_of(annotation, label, protocol)
    if missing != Missing():
        return missing_sentence(missing)
    return f"{_some(len(gaps(annotation, label)), 'slice')} to interpolate" if gaps(annotation, label) else ""


def next_slice(annotation: Annotation, z: int, label: int, protocol: AnnotationSettings) -> int | None:
    """Return the slice to go to after `z`, from the end on from the beginning; None if nothing is to be drawn.

    Where nobody knows yet how far the tumor goes, that is one step beyond its last drawn slice.
    """
    places = _places(annotation, label, protocol)
    return next((place for place in places if place > z), next(iter(places), None))


def previous_slice(annotation: Annotation, z: int, label: int, protocol: AnnotationSettings) -> int | None:
    """Return the slice to go to before `z`, from the beginning on from the end; None if nothing is to be drawn."""
    places = _places(annotation, label, protocol)[::-1]
    return next((place for place in places if place < z), next(iter(places), None))


def obstacles(
    annotation: Annotation, ct_hu: npt.NDArray[Any], protocol: AnnotationSettings, *, is_correction: bool
) -> list[str]:
    """Return why an annotation cannot be handed in yet, one clause each; a mask that is corrected needs no slices."""
    found = [] if is_correction else [_not_drawn(annotation, label, protocol) for label in annotation.drawn]
    if any(gaps(annotation, label) for label in annotation.drawn) and not is_correction:
        found.append("the slices between the drawn ones are not interpolated")
    leaving = int(np.count_nonzero(voxels_to_leave(annotation, ct_hu, protocol)))
    if leaving:
        found.append(f"{_some(leaving, 'voxel')} of air or bone are in the tumors: apply the tissue rule")
    return [clause for clause in found if clause]


def _not_drawn(annotation: Annotation, label: int, protocol: AnnotationSettings) -> str:
    missing = missing_of(annotation, label, protocol)
    return "" if missing == Missing() else f"tumor {label}: {missing_sentence(missing)}"


def _places(annotation: Annotation, label: int, protocol: AnnotationSettings) -> list[int]:
    """Return where a tumor is to be drawn next, ascending."""
    missing = missing_of(annotation, label, protocol)
    known, n_slices = annotation.drawn.get(label, frozenset()), annotation.shape[0]
    before = {_stride(first, -protocol.step, known, n_slices) for first in missing.unmarked_first}
    after = {_stride(last, protocol.step, known, n_slices) for last in missing.unmarked_last}
    return sorted({*missing.slices, *before, *after})


def _stride(end: int, step: int, known: frozenset[int], n_slices: int) -> int:
    """Return the slice one step beyond an end of a tumor; its neighbour where that is known or outside of the scan."""
    way = 1 if step > 0 else -1
    beyond = range(end + way, end + step + way, way)
    is_open = 0 <= end + step < n_slices and known.isdisjoint(beyond)
    return end + step if is_open else end + way


def _some(count: int, one: str) -> str:
    return f"{count:,} {one}{'s' * (count != 1)}"
