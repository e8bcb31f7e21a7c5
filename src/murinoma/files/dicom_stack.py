"""The geometry of a DICOM series: slices in order along their normal, the gaps between them, their place in RAS."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError
from murinoma.volume import Affine, check_affine

SAME_DIRECTION = 1e-3
SAME_SPACING = 1e-3  # relative
SAME_PLACE_MM = 1e-3
SIDEWAYS = 0.1  # share of a pixel that slices may shift across the normal: rounding, not a tilted gantry
UNEVEN = 0.1  # share of a step that a position may be off: rounding, not another spacing
SHOWN = 5  # gaps or duplicates that an error lists
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """One slice of a series, as its file describes it.

    Attributes
    ----------
    path, frame
        Where its pixels are: the file, and the frame in it (0 where there is one).
    position_mm
        Centre of the first pixel, LPS.
    directions
        Unit vectors of rising column and of rising row, LPS, one after the other.
    spacing_mm
        Between rows, between columns.
    shape
        Rows, columns.
    stored
        Type of the stored values, such as ``u2``.
    slope, intercept
        HU = stored value * slope + intercept.
    thickness_mm
        As recorded; nothing where it is not.
    """

    path: Path
    frame: int
    position_mm: tuple[float, ...]
    directions: tuple[float, ...]
    spacing_mm: tuple[float, ...]
    shape: tuple[int, int]
    stored: str
    slope: float
    intercept: float
    thickness_mm: float | None


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order, on an even grid.

    Attributes
    ----------
    slices
        In order of rising position along the normal.
    places
        Index of each slice in the volume, 0 first; what is left out is missing.
    affine
        (4, 4): from (x, y, z, 1) to RAS mm, z counting places.
    gaps
        One phrase per run of missing slices: which, counted from 1, and where.
    """

    slices: tuple[Slice, ...]
    places: tuple[int, ...]
    affine: Affine
    gaps: tuple[str, ...]

    @property
    def length(self) -> int:
        """Number of slices with the missing ones."""
        return self.places[-1] + 1


def stack_slices(slices: Sequence[Slice], name: str, *, fill_gaps: int = 0) -> Stack:
    """Return the slices in order, with at most `fill_gaps` neighbouring slices missing anywhere.

    `name` stands for the series in errors.

    Raises
    ------
    GeometryError
        If there are fewer than two slices, two lie at one place, they differ in size, spacing or direction, shift
        sideways or are unevenly spaced, more are missing than `fill_gaps`, or they are oblique.
    """
    if len(slices) < 2:
        raise GeometryError(f"{name} has {len(slices)} slice; a volume needs two at least: give the whole series")
    _check_alike(slices, name)
    normal = _normal(slices[0])
    positions = np.array([each.position_mm for each in slices]) @ normal
    order = np.argsort(positions, kind="stable")
    ordered, along = tuple(slices[index] for index in order), positions[order]
    _check_straight(ordered, along, normal, name)
    _check_single(ordered, along, name)
    jumps = _jumps(along, name)
    gaps = _gaps(along, jumps, name, fill_gaps)
    places = np.concatenate([[0], np.cumsum(jumps)])
    affine = _affine(ordered[0], normal, float(along[-1] - along[0]) / int(places[-1]))
    try:
        check_affine(affine)
    except GeometryError as error:
        raise GeometryError(f"{name}: {error}") from error
    return Stack(ordered, tuple(places.tolist()), affine, gaps)


def _check_alike(slices: Sequence[Slice], name: str) -> None:
    first = slices[0]
    for other in slices:
        alike = (
            other.shape == first.shape
            and np.allclose(other.spacing_mm, first.spacing_mm, rtol=SAME_SPACING, atol=0)
            and np.allclose(other.directions, first.directions, rtol=0, atol=SAME_DIRECTION)
        )
        if not alike:
            raise GeometryError(
                f"{name} mixes slices: {first.path.name} is {_grid(first)}, {other.path.name} {_grid(other)}; "
                "keep one kind in the folder"
            )


def _grid(one: Slice) -> str:
    spacing, directions = (" ".join(f"{value:g}" for value in values) for values in (one.spacing_mm, one.directions))
    return f"{one.shape[0]} x {one.shape[1]} at {spacing} mm along {directions}"


def _normal(one: Slice) -> Floats:
    return np.cross(one.directions[:3], one.directions[3:])


def _check_straight(ordered: Sequence[Slice], along: Floats, normal: Floats, name: str) -> None:
    across = np.array([each.position_mm for each in ordered]) - np.outer(along, normal)
    shift = float(np.abs(across - across[0]).max())
    if shift > SIDEWAYS * min(ordered[0].spacing_mm):
        raise GeometryError(
            f"the slices of {name} shift sideways by up to {shift:.3g} mm (a tilted gantry?); resample them to a "
            "straight stack first"
        )


def _check_single(ordered: Sequence[Slice], along: Floats, name: str) -> None:
    twice = np.flatnonzero(np.diff(along) < SAME_PLACE_MM)
    if twice.size:
        pairs = [f"{_where(ordered[i])} and {_where(ordered[i + 1])} at {along[i]:.3f} mm" for i in twice[:SHOWN]]
        raise GeometryError(
            f"{name} has {twice.size} slice(s) twice: {_shortened(pairs, twice.size)}; remove the copies"
        )


def _where(one: Slice) -> str:
    return f"{one.path.name}, frame {one.frame + 1}" if one.frame else one.path.name


def _jumps(along: Floats, name: str) -> npt.NDArray[np.int64]:
    """Return the distance between neighbours, in steps; 1 where none is missing."""
    differences = np.diff(along)
    step = float(np.median(differences))
    jumps = np.maximum(np.rint(differences / step), 1)
    uneven = np.flatnonzero(np.abs(differences / step - jumps) > UNEVEN)
    if uneven.size:
        index = int(uneven[0])
        raise GeometryError(
            f"the slices of {name} are unevenly spaced: {differences[index]:.4g} mm after {along[index]:.3f} mm where "
            f"the step is {step:.4g} mm; export one reconstruction with one spacing"
        )
    return jumps.astype(np.int64)


def _gaps(along: Floats, jumps: npt.NDArray[np.int64], name: str, fill_gaps: int) -> tuple[str, ...]:
    places = np.concatenate([[0], np.cumsum(jumps)])
    runs: list[int] = np.flatnonzero(jumps > 1).tolist()
    total = int(places[-1]) + 1

    def phrase(index: int) -> str:
        step = (along[index + 1] - along[index]) / jumps[index]
        first, last = int(places[index]) + 2, int(places[index + 1])  # counted from 1
        start, end = along[index] + step, along[index + 1] - step
        if first == last:
            return f"slice {first} of {total} (at {start:.3f} mm)"
        return f"slices {first} to {last} of {total} (at {start:.3f} to {end:.3f} mm)"

    too_long = [index for index in runs if jumps[index] - 1 > fill_gaps]
    if too_long:
        listed = _shortened([phrase(index) for index in too_long[:SHOWN]], len(too_long))
        longest = int(jumps.max()) - 1
        raise GeometryError(
            f"{name} lacks {listed}; copy them from the scanner again, or interpolate up to {longest} neighbouring "
            f"slices with --fill-gaps {longest}"
        )
    return tuple(phrase(index) for index in runs)


def _shortened(phrases: list[str], count: int) -> str:
    return ", ".join(phrases) + (f" and {count - len(phrases)} more" if count > len(phrases) else "")


def _affine(first: Slice, normal: Floats, step: float) -> Affine:
    rows, columns = first.spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = np.array(first.directions[:3]) * columns
    affine[:3, 1] = np.array(first.directions[3:]) * rows
    affine[:3, 2] = normal * step
    affine[:3, 3] = first.position_mm
    turned: Affine = LPS_TO_RAS @ affine + 0.0  # no -0
    return turned
