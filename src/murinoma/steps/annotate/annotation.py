"""What an annotator has drawn in one scan, and every change of it: an annotation in, an annotation out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.protocol import slices_beyond
from murinoma.numerics.tissue import put_back, take_out, voxels_leaving
from murinoma.settings import AnnotationSettings

Labels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
Shape = tuple[int, int, int]
Drawn = Mapping[int, frozenset[int]]

NOWHERE: Places = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Annotation:
    """One scan as it is drawn so far; nothing changes it, each change is another one.

    Attributes
    ----------
    labels
        Tumor number of each voxel (z, y, x), uint8.
    removed
        The number that each voxel had before the tissue rule took it, 0 elsewhere.
    drawn
        For each tumor the slices on which it was drawn, also those where it was drawn as nothing.
    kept
        Voxels (flat, ascending) that were put back by hand: the tissue rule leaves them.
    is_ruled
        Whether the tissue rule was applied to what is there now.
    """

    labels: Labels
    removed: Labels
    drawn: Drawn = field(default_factory=dict)
    kept: Places = field(default_factory=lambda: NOWHERE)
    is_ruled: bool = False

    @property
    def shape(self) -> Shape:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.labels.shape
        return z, y, x

    def slices_with(self, label: int) -> list[int]:
        """Return the slices on which a tumor was drawn as something, ascending."""
        return [z for z in sorted(self.drawn.get(label, ())) if self._has(z, label)]

    def slices_without(self, label: int) -> list[int]:
        """Return the slices of which somebody said that this tumor is not on them, ascending."""
        return [z for z in sorted(self.drawn.get(label, ())) if not self._has(z, label)]

    def labels_drawn_on(self, z: int) -> list[int]:
        """Return the tumors that were drawn on a slice, also as nothing."""
        return sorted(label for label, slices in self.drawn.items() if z in slices)

    def drawn_plane(self, z: int) -> Labels:
        """Return what the pen drew on a slice (y, x), air and bone included, without what was interpolated."""
        plane = put_back(self.labels[z], self.removed[z])
        return np.where(np.isin(plane, self.labels_drawn_on(z)), plane, 0).astype(np.uint8)

    def _has(self, z: int, label: int) -> bool:
        return bool((self.labels[z] == label).any() or (self.removed[z] == label).any())


def empty_annotation(shape: Shape) -> Annotation:
    """Return an annotation of a scan with nothing drawn."""
    return Annotation(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))


def restored(
    planes: Mapping[int, Labels], drawn: Drawn, *, shape: Shape, saved: Labels | None, removed: Labels | None
) -> Annotation:
    """Return an annotation as it was saved: the last whole labels, and over them what was drawn since.

    Parameters
    ----------
    planes
        Drawn slices (y, x) by their index, air and bone included.
    drawn
        For each tumor the slices on which it was drawn, also as nothing.
    shape
        Of the scan.
    saved
        The last whole labels, if there are any.
    removed
        The labels that the tissue rule took away, if it was applied.
    """
    blank = empty_annotation(shape)
    gone = blank.removed if removed is None else removed
    labels = blank.labels.copy() if saved is None else saved.copy()
    for z, plane in planes.items():
        here = [label for label, slices in drawn.items() if z in slices]
        labels[z][np.isin(labels[z], here)] = 0
        pen = np.isin(plane, here) & (plane > 0) & (gone[z] == 0)
        labels[z][pen] = plane[pen]
    return Annotation(labels, gone, {k: frozenset(v) for k, v in drawn.items()}, is_ruled=bool(gone.any()))


def with_stroke(annotation: Annotation, z: int, plane: npt.NDArray[Any]) -> Annotation:
    """Return the annotation with a slice as it now looks; the tumors that changed on it count as drawn there.

    A tumor of which nothing is left was drawn as nothing. What is painted over a removed voxel stays.

    Raises
    ------
    GeometryError
        If the slice is not one of the scan.
    """
    if plane.shape != annotation.shape[1:] or not 0 <= z < annotation.shape[0]:
        raise GeometryError(f"slice {z} of shape {plane.shape} does not fit a scan of shape {annotation.shape}")
    old, new = annotation.labels[z], plane.astype(np.uint8)
    changed = old != new
    if not changed.any():
        return annotation
    touched = {int(label) for label in np.unique([*old[changed], *new[changed]])} - {0}
    labels = annotation.labels.copy()
    labels[z] = new
    painted_over = (annotation.removed[z] > 0) & (new > 0)
    lost = [label for label in touched if not (new == label).any()]
    removed = _without(annotation.removed, z, painted_over | np.isin(annotation.removed[z], lost))
    kept = _joined(annotation.kept, np.flatnonzero(painted_over) + z * old.size)
    return replace(annotation, labels=labels, removed=removed, kept=kept, drawn=_added(annotation, touched, {z}))


def with_end(annotation: Annotation, z: int, label: int) -> Annotation:
    """Return the annotation with an end of a tumor known: it is on no slice beyond `z`, or, if not drawn, not on `z`.

    Raises
    ------
    InputError
        If the tumor was drawn on both sides of `z`.
    """
    with_tumor = annotation.slices_with(label)
    empty = slices_beyond(with_tumor, z, n_slices=annotation.shape[0]) if z in with_tumor else (z,)
    if not empty and 0 < z < annotation.shape[0] - 1:
        raise InputError(
            f"tumor {label} was drawn on both sides of slice {z}; go to its first or last slice to say that it ends"
        )
    cleared = _cleared(annotation, empty, label)
    return replace(cleared, drawn=_added(annotation, {label}, set(empty)))


def without_slice(annotation: Annotation, z: int, label: int) -> Annotation:
    """Return the annotation as if a tumor had never been drawn on a slice.

    Raises
    ------
    InputError
        If it was not.
    """
    if z not in annotation.drawn.get(label, ()):
        raise InputError(f"tumor {label} was not drawn on slice {z}; there is nothing to take away")
    cleared = _cleared(annotation, (z,), label)
    others = {other: slices for other, slices in annotation.drawn.items() if other != label}
    left = annotation.drawn[label] - {z}
    return replace(cleared, drawn={**others, label: left} if left else others)


def interpolated(
    annotation: Annotation, spacing_mm: tuple[float, float, float], *, reach: int | None = None
) -> Annotation:
    """Return the annotation with the slices between drawn slices filled; what the tissue rule took is back first.

    With `reach` only gaps up to so many slices are filled: what lies in wider ones is a mask that is corrected.

    Raises
    ------
    InputError
        If no tumor was drawn on two slices.
    """
    if all(len(annotation.slices_with(label)) < 2 for label in annotation.drawn):
        raise InputError("no tumor was drawn on two slices yet; draw its first and its last slice, then interpolate")
    labels = put_back(annotation.labels, annotation.removed).astype(np.uint8)
    for runs in _runs(annotation.drawn, reach):
        labels = interpolate_slices(labels, runs, spacing_mm=spacing_mm[1:]).astype(np.uint8)
    return replace(annotation, labels=labels, removed=np.zeros_like(labels), is_ruled=False)


def without_air_and_bone(annotation: Annotation, ct_hu: npt.NDArray[Any], protocol: AnnotationSettings) -> Annotation:
    """Return the annotation without air and bone; what was put back by hand stays."""
    leaving = voxels_to_leave(annotation, ct_hu, protocol)
    labels, gone = take_out(annotation.labels, leaving)
    removed = np.where(gone > 0, gone, annotation.removed).astype(np.uint8)
    return replace(annotation, labels=labels.astype(np.uint8), removed=removed, is_ruled=True)


def voxels_to_leave(annotation: Annotation, ct_hu: npt.NDArray[Any], protocol: AnnotationSettings) -> Mask:
    """Return which voxels of the tumors the tissue rule would take now."""
    leaving = voxels_leaving(annotation.labels, ct_hu, air_hu=protocol.air_hu, bone_hu=protocol.bone_hu)
    leaving.flat[annotation.kept] = False
    return leaving


def keep_what_stays(annotation: Annotation, ct_hu: npt.NDArray[Any], protocol: AnnotationSettings) -> Annotation:
    """Return an annotation that was saved after the tissue rule: air and bone that it still holds were put back."""
    if not annotation.is_ruled:
        return annotation
    return replace(annotation, kept=np.flatnonzero(voxels_to_leave(annotation, ct_hu, protocol)))


def with_removed_back(annotation: Annotation, slices: slice) -> Annotation:
    """Return the annotation with what the tissue rule took on some slices back, for good.

    Raises
    ------
    InputError
        If it took nothing there.
    """
    returning = np.zeros_like(annotation.removed)
    returning[slices] = annotation.removed[slices]
    if not returning.any():
        raise InputError("the tissue rule took nothing here; there is nothing to put back")
    labels = put_back(annotation.labels, returning).astype(np.uint8)
    removed = np.where(returning > 0, 0, annotation.removed).astype(np.uint8)
    kept = _joined(annotation.kept, np.flatnonzero(returning))
    return replace(annotation, labels=labels, removed=removed, kept=kept)


def volumes_mm3(annotation: Annotation, voxel_mm3: float) -> dict[int, float]:
    """Return the volume of each tumor that has voxels, mm3."""
    slices = annotation.labels[annotation.labels.any(axis=(1, 2))]
    counts = np.bincount(slices.ravel(), minlength=1)
    return {int(label): float(counts[label] * voxel_mm3) for label in np.flatnonzero(counts[1:]) + 1}


def gaps(annotation: Annotation, label: int) -> list[int]:
    """Return the slices between drawn slices of a tumor that nobody filled yet."""
    with_tumor, known = set(annotation.slices_with(label)), sorted(annotation.drawn.get(label, ()))
    return [
        z
        for low, high in pairwise(known)
        if {low, high} <= with_tumor
        for z in range(low + 1, high)
        if not ((annotation.labels[z] == label).any() or (annotation.removed[z] == label).any())
    ]


def ghost(annotation: Annotation, z: int, label: int) -> Labels:
    """Return outlines (y, x) of a tumor on the nearest drawn slices: 1 of the one before `z`, 2 of the one after.

    There are none on a slice that interpolation has filled: they would hide it.
    """
    with_tumor = annotation.slices_with(label)
    outlines = np.zeros(annotation.shape[1:], np.uint8)
    if z not in annotation.drawn.get(label, ()) and (annotation.labels[z] == label).any():
        return outlines
    before, after = [low for low in with_tumor if low < z], [high for high in with_tumor if high > z]
    for number, nearest in ((1, before[-1:]), (2, after[:1])):
        for index in nearest:
            outlines[_outline(annotation.drawn_plane(index) == label)] = number
    return outlines


def _outline(shape: Mask) -> Mask:
    """Return the voxels of a shape that have a side to the outside."""
    framed = np.pad(shape, 1)
    inner = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    return shape & ~inner


def _without(labels: Labels, z: int, where: Mask) -> Labels:
    if not where.any():
        return labels
    left = labels.copy()
    left[z][where] = 0
    return left


def _cleared(annotation: Annotation, slices: Collection[int], label: int) -> Annotation:
    """Return the annotation without a tumor on some slices."""
    labels, removed = annotation.labels.copy(), annotation.removed.copy()
    for z in slices:
        labels[z][labels[z] == label] = 0
        removed[z][removed[z] == label] = 0
    return replace(annotation, labels=labels, removed=removed)


def _added(annotation: Annotation, labels: set[int], slices: set[int]) -> Drawn:
    more = {label: annotation.drawn.get(label, frozenset()) | slices for label in labels}
    return dict(sorted({**annotation.drawn, **more}.items()))


def _joined(places: Places, more: Places) -> Places:
    return np.union1d(places, more) if more.size else places


def _runs(drawn: Drawn, reach: int | None) -> list[dict[int, list[int]]]:
    """Return what is interpolated at once: all drawn slices; or, with `reach`, those without a wider gap."""
    if reach is None:
        return [{label: sorted(slices) for label, slices in drawn.items()}]
    runs: list[dict[int, list[int]]] = []
    for label, slices in drawn.items():
        in_order = sorted(slices)
        breaks = [at + 1 for at, (low, high) in enumerate(pairwise(in_order)) if high - low > reach]
        edges = [0, *breaks, len(in_order)]
        runs += [{label: in_order[start:stop]} for start, stop in pairwise(edges)]
    return runs
