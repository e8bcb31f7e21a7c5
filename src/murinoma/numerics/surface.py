"""How far apart the annotators' outlines run: surface Dice at a tolerance, and the 95 % Hausdorff distance.

A mask's surface is made of elements, one for each 2 x 2 x 2 voxels that are partly marked; an element sits in the
middle of these and has the area of the surface between them (`murinoma.numerics.surfels`). The distance of an element
to another mask is the distance to the nearest of its elements, over the whole scan. These are the definitions of
DeepMind's ``surface-distance`` (Nikolov et al. 2021), and the numbers are the same.

Outlines of one tumor mostly run within a few voxels of each other. So the distances are found by looking around every
element, nearest places first, for all pairs of annotators at once; what is farther away is left to a search tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.surfels import CORNERS, surfel_areas
from murinoma.numerics.votes import Votes, annotators_of, count_votes

Floats = npt.NDArray[np.float64]
Bits = npt.NDArray[np.unsignedinteger[Any]]
Indices = npt.NDArray[np.intp]
Spacing = tuple[float, float, float]
Rings = list[tuple[float, Indices]]
ROUNDING = 1e-9  # distances and shares of an area that differ by less are the same
LOOK_AROUND = 6  # voxels, of a cube as large as the voxel; farther away a search tree is faster


@dataclass(frozen=True, eq=False)
class SurfaceAgreement:
    """How well the surfaces of R masks agree, all (R, R) float64 and symmetric.

    Attributes
    ----------
    dice
        Surface Dice at the tolerance, 0..1; NaN where both masks are empty, 0 where one is.
    hausdorff95_mm
        95 % Hausdorff distance, mm; NaN where both masks are empty, infinite where one is.
    """

    dice: Floats
    hausdorff95_mm: Floats


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """The elements of the surfaces of R masks, and how far each is from every mask's surface.

    Attributes
    ----------
    areas_mm2
        (R, N): the area of element n in the surface of mask r, mm2; 0 where that surface does not pass.
    distances_mm
        (R, N): from element n to the nearest one of mask r, mm; 0 on it, infinite if the mask is empty.
    """

    areas_mm2: Floats
    distances_mm: Floats


def surface_agreement(
    masks: Sequence[npt.NDArray[Any]], *, spacing_mm: Spacing, tolerance_mm: float
) -> SurfaceAgreement:
    """Return surface Dice and 95 % Hausdorff distance of every pair of masks of one scan.

    Parameters
    ----------
    masks
        One array per annotator, 1 to 12 of them, all of the same shape (z, y, x); a voxel is marked where its value is
        above 0. All tumors count together.
    spacing_mm
        Spacing along (z, y, x), mm.
    tolerance_mm
        Up to this distance an element of a surface agrees with the other one, mm.

    Raises
    ------
    InputError
        If there are no masks or too many, or the tolerance is negative.
    GeometryError
        If the shapes differ, or a spacing is not above 0.

    Examples
    --------
    Two single voxels, 2 mm apart; the eight corners of each are the elements. Half of them touch the other's.

    >>> masks = np.zeros((2, 1, 1, 3), bool)
    >>> masks[0, 0, 0, 0] = masks[1, 0, 0, 2] = True
    >>> agreement = surface_agreement(list(masks), spacing_mm=(1.0, 1.0, 1.0), tolerance_mm=1.0)
    >>> float(agreement.dice[0, 1].round(9)), float(agreement.hausdorff95_mm[0, 1])
    (0.5, 2.0)
    """
    distances = surface_distances(count_votes(masks), spacing_mm=spacing_mm)
    return SurfaceAgreement(surface_dice(distances, tolerance_mm=tolerance_mm), robust_hausdorff(distances))


def surface_distances(votes: Votes, *, spacing_mm: Spacing) -> SurfaceDistances:
    """Return the elements of all surfaces of one scan with their distances; every measure below reads these.

    Parameters
    ----------
    votes
        The votes on the scan (`murinoma.numerics.votes.count_votes`).
    spacing_mm
        Spacing along (z, y, x), mm.

    Raises
    ------
    GeometryError
        If a spacing is not above 0.

    Examples
    --------
    One voxel: eight elements, a corner's triangle each.

    >>> found = surface_distances(count_votes([np.ones((1, 1, 1))]), spacing_mm=(1.0, 1.0, 1.0))
    >>> found.areas_mm2.round(4).ravel(), found.distances_mm.max()
    (array([0.2165, 0.2165, 0.2165, 0.2165, 0.2165, 0.2165, 0.2165, 0.2165]), np.float64(0.0))
    """
    if not all(0 < step < np.inf for step in spacing_mm):
        raise GeometryError(f"voxels of {spacing_mm} mm (z, y, x); each side must be above 0")
    rings = _rings(spacing_mm)
    margins = 1 + np.abs(np.concatenate([offsets for _, offsets in rings])).max(axis=0)
    codes = np.pad(votes.codes, margins[:, None])
    passing = _passing(codes)
    places = np.flatnonzero(passing > 0)
    areas_mm2 = _element_areas(codes, places, annotators_of(votes.counts), spacing_mm)
    distances_mm = np.full(areas_mm2.shape, np.inf)
    _look_around(distances_mm, passing, places, rings)
    points_mm = np.stack(np.unravel_index(places, codes.shape), axis=1) * np.array(spacing_mm)
    _search_beyond(distances_mm, points_mm, areas_mm2 > 0)
    return SurfaceDistances(areas_mm2, distances_mm)


def surface_dice(surfaces: SurfaceDistances, *, tolerance_mm: float) -> Floats:
    """Return the surface Dice of every pair of masks, (R, R), symmetric, 0..1.

    The area of both surfaces within the tolerance of the other one, divided by the area of both (Nikolov et al. 2021).
    NaN where both masks are empty, 0 where one is.

    Raises
    ------
    InputError
        If the tolerance is negative or not a finite number.

    Examples
    --------
    Of 6 mm2 the first surface has 5 within 0.2 mm of the second, which has all of its 4: 9 / 10.

    >>> areas, distances = np.array([[5.0, 1.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 0.3]])
    >>> float(surface_dice(SurfaceDistances(areas, distances), tolerance_mm=0.2)[0, 1])
    0.9
    """
    if not 0 <= tolerance_mm < np.inf:
        raise InputError(f"a tolerance of {tolerance_mm} mm; it must be 0 or more, for example the side of a voxel")
    near = surfaces.distances_mm <= tolerance_mm * (1 + ROUNDING)
    # summed in the same order as the whole area, so that surfaces all of which are near have exactly 1
    within = np.array([(surfaces.areas_mm2 * near_one).sum(axis=1) for near_one in near])
    areas = surfaces.areas_mm2.sum(axis=1)
    total = areas[:, None] + areas
    return np.asarray(np.divide(within + within.T, total, out=np.full_like(total, np.nan), where=total > 0))


def robust_hausdorff(surfaces: SurfaceDistances, *, percent: float = 95.0) -> Floats:
    """Return the Hausdorff distance of every pair of masks without the farthest few percent, (R, R), symmetric, mm.

    The least distance within which `percent` of the area of one surface lies of the other one, the larger of both
    directions. With 100 it is the Hausdorff distance. NaN where both masks are empty, infinite where one is.

    Examples
    --------
    Of 20 mm2 the first surface has 19 on the second and 1 mm2 0.5 mm away from it, which has all on the first.

    >>> areas, distances = np.array([[19.0, 1.0], [4.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 0.5]])
    >>> surfaces = SurfaceDistances(areas, distances)
    >>> float(robust_hausdorff(surfaces)[0, 1]), float(robust_hausdorff(surfaces, percent=100)[0, 1])
    (0.0, 0.5)
    """
    directed = [_directed(to_mm, surfaces.areas_mm2, percent) for to_mm in surfaces.distances_mm]
    return np.asarray(np.fmax(directed, np.transpose(directed)))


def _directed(to_mm: Floats, areas_mm2: Floats, percent: float) -> Floats:
    """Return the least distances to one mask that `percent` of each mask's area does not exceed, (R,), mm.

    Parameters
    ----------
    to_mm
        (N,): the distance of every element to the one mask.
    areas_mm2
        (R, N): the area of every element in the surface of each mask.
    """
    # the elements on the surface, mostly more than half, need no sorting: they are 0 away
    away = np.flatnonzero(to_mm)
    farthest_first = away[np.argsort(-to_mm[away])]
    total = areas_mm2.sum(axis=1)
    allowed = (1 - percent / 100 + ROUNDING) * total
    left_out = np.count_nonzero(np.cumsum(areas_mm2[:, farthest_first], axis=1) <= allowed[:, None], axis=1)
    lengths_mm = np.append(to_mm[farthest_first], 0.0)
    return np.where(total > 0, lengths_mm[left_out], np.nan)


def _rings(spacing_mm: Spacing) -> Rings:
    """Return the places around an element, nearest first: a distance in mm, and the offsets in voxels of that length.

    They reach `LOOK_AROUND` voxels, or as far in mm where a voxel is no cube.
    """
    radius_mm = LOOK_AROUND * np.prod(spacing_mm) ** (1 / 3) * (1 + ROUNDING)
    steps = [np.arange(-int(radius_mm / side), int(radius_mm / side) + 1) for side in spacing_mm]
    offsets = np.stack(np.meshgrid(*steps, indexing="ij"), axis=-1).reshape(-1, 3)
    lengths_mm = np.sqrt(((offsets * spacing_mm) ** 2).sum(axis=1))
    order = np.argsort(lengths_mm)[: np.count_nonzero(lengths_mm <= radius_mm)]
    starts = np.flatnonzero(np.diff(lengths_mm[order], prepend=-1) > ROUNDING * radius_mm)
    return list(zip(lengths_mm[order[starts]].tolist(), np.split(offsets[order], starts[1:]), strict=True))


def _passing(codes: Bits) -> Bits:
    """Return where surfaces pass: bit r is set where mask r holds some, but not all, of a voxel and the next 7 ones."""
    some, every = codes.copy(), codes.copy()
    for axis in range(3):
        here, beyond = (*(slice(None),) * axis, slice(-1)), (*(slice(None),) * axis, slice(1, None))
        some[here] |= some[beyond]
        every[here] &= every[beyond]
    return some & ~every


def _element_areas(codes: Bits, places: Indices, n_annotators: int, spacing_mm: Spacing) -> Floats:
    """Return the area of the elements at `places` in the surface of each mask, (R, N), mm2."""
    areas_mm2 = surfel_areas(spacing_mm)
    corners = codes.ravel().take(places[:, None] + CORNERS @ _strides(codes))  # (N, 8)
    cubes = [np.packbits(corners >> r & 1, bitorder="little") for r in range(n_annotators)]
    return np.stack([areas_mm2.take(cube) for cube in cubes])


def _look_around(distances_mm: Floats, passing: Bits, places: Indices, rings: Rings) -> None:
    """Write the distances (R, N) that do not exceed the last ring's into `distances_mm`."""
    bits = passing.ravel()
    rows, around = np.arange(places.size), places
    missing = np.full(places.size, np.bitwise_or.reduce(bits.take(places)))
    for ring_mm, offsets in rings:
        steps = offsets @ _strides(passing)
        seen = missing & np.bitwise_or.reduce(bits.take(steps[:, None] + around), axis=0)
        for r, to_mm in enumerate(distances_mm):
            to_mm[rows[seen >> r & 1 > 0]] = ring_mm
        missing ^= seen
        left = missing > 0
        rows, around, missing = rows[left], around[left], missing[left]


def _search_beyond(distances_mm: Floats, points_mm: Floats, on: npt.NDArray[np.bool_]) -> None:
    """Write the distances (R, N) that are still infinite; `on` (R, N) says which points each surface has."""
    for to_mm, own in zip(distances_mm, on, strict=True):
        far = np.isinf(to_mm)
        if far.any() and own.any():
            # a tree that is not balanced is built in half the time, and searched as fast
            tree = cKDTree(points_mm[own], balanced_tree=False, compact_nodes=False)
            to_mm[far] = tree.query(points_mm[far])[0]


def _strides(grid: Bits) -> Indices:
    """Return how many voxels apart neighbours along (z, y, x) lie in the raveled grid."""
    _, n_y, n_x = grid.shape
    return np.array([n_y * n_x, n_x, 1])
