"""Which tumors a scan has, by its annotations alone, and how many voxels each annotator gave to each.

Masks that number their tumors keep the numbers. In 0/1 masks the components of the majority are the seeds:
a voxel goes to the nearest one. What is too small and too far from any tumor is a speck: counted, not numbered.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from murinoma.errors import InputError
from murinoma.numerics.votes import Votes, count_votes

Labels = npt.NDArray[np.integer[Any]]
Spacing = tuple[float, float, float]
SPECK_LABEL = 255  # value of voxels without a tumor number in the masks that murinoma writes
NEIGHBOURS_26 = np.ones((3, 3, 3), bool)


@dataclass(frozen=True, eq=False)
class Tumors:
    """The tumors of one scan.

    Attributes
    ----------
    numbers
        (T,) their numbers, ascending. From 1 by position (second stored axis y, then body length z) for 0/1
        masks; those that people gave otherwise.
    labels
        (z, y, x) int16: for every voxel that anybody marked the tumor it belongs to, 255 for specks, else 0.
    voxels
        (T, R) int64: voxels that each annotator gave to each tumor; 0 where one missed it.
    specks
        Number of separate pieces too small and too far away to be a tumor.
    speck_voxels
        (R,) int64: voxels that each annotator marked in specks.
    """

    numbers: tuple[int, ...]
    labels: npt.NDArray[np.int16]
    voxels: npt.NDArray[np.int64]
    specks: int
    speck_voxels: npt.NDArray[np.int64]


def number_tumors(masks: Sequence[Labels], *, spacing_mm: Spacing, speck_mm3: float, reach_mm: float) -> Tumors:
    """Return the tumors that the annotations of one scan show.

    Parameters
    ----------
    masks
        One array per annotator, all (z, y, x): 0, and 1 or the number of a tumor, up to 254; 255 marks a voxel
        without saying of which tumor. A crop around all marked voxels is enough, and faster.
    spacing_mm
        Spacing along (z, y, x), mm.
    speck_mm3
        A piece below this volume is no tumor of its own, mm3.
    reach_mm
        A piece within this distance of a tumor belongs to it, mm.

    Raises
    ------
    InputError
        If there are more than 254 tumors.

    Examples
    --------
    Two annotators agree on a tumor of 3 x 3 x 3 mm; the second also marks one voxel 5 mm away: a speck.

    >>> a = np.zeros((3, 3, 12), np.uint8)
    >>> a[:, :, :3] = 1
    >>> b = a.copy()
    >>> b[1, 1, 8] = 1
    >>> found = number_tumors([a, b], spacing_mm=(1, 1, 1), speck_mm3=10, reach_mm=3)
    >>> found.numbers, found.voxels.tolist(), found.specks, found.speck_voxels.tolist()
    ((1,), [[27, 27]], 1, [0, 1])
    """
    if masks[0].size == 0 or not any(mask.any() for mask in masks):
        return _no_tumors(masks)
    min_voxels = speck_mm3 / float(np.prod(spacing_mm))
    numbered = _numbered_by_people(masks)
    if any(mask is not None for mask in numbered):
        return _count(masks, *_grow(masks, _first_number(numbered), spacing_mm, min_voxels, reach_mm), numbered)
    votes = np.sum([mask > 0 for mask in masks], axis=0, dtype=np.uint8)
    seeds = _large_components(np.asarray(2 * votes > len(masks)), min_voxels)
    labels, specks = _grow(masks, seeds, spacing_mm, min_voxels, reach_mm)
    return _count(masks, _by_position(labels, spacing_mm), specks, numbered)


def count_tumors(
    masks: Sequence[Labels],
    *,
    spacing_mm: Spacing,
    speck_mm3: float,
    reach_mm: float,
    left_out: Collection[int] = (),
) -> tuple[Votes, Tumors]:
    """Return the votes and the tumors of one scan, both inside the box of the votes.

    Parameters
    ----------
    masks, spacing_mm, speck_mm3, reach_mm
        As in `number_tumors`, whole scans.
    left_out
        Numbers of tumors that do not count: votes and tumors are as if nobody had marked them.

    Raises
    ------
    InputError, GeometryError
        As `number_tumors` and `murinoma.numerics.votes.count_votes`.
    """
    votes = count_votes(masks)
    inside = [mask[votes.box] for mask in masks]
    tumors = number_tumors(inside, spacing_mm=spacing_mm, speck_mm3=speck_mm3, reach_mm=reach_mm)
    return without_tumors(votes, tumors, left_out) if left_out else (votes, tumors)


def _no_tumors(masks: Sequence[Labels]) -> Tumors:
    empty = np.zeros((0, len(masks)), np.int64)
    return Tumors((), np.zeros(masks[0].shape, np.int16), empty, 0, np.zeros(len(masks), np.int64))


def _large_components(mask: npt.NDArray[np.bool_], min_voxels: float) -> npt.NDArray[np.int16]:
    """Return the components of at least `min_voxels`, numbered from 1 in order of appearance."""
    components, n = ndimage.label(mask, NEIGHBOURS_26)
    sizes = np.bincount(components.ravel(), minlength=n + 1)
    large = sizes >= min_voxels
    large[0] = False
    numbers = np.where(large, np.cumsum(large), 0).astype(np.int16)
    return np.asarray(numbers[components])


def _grow(
    masks: Sequence[Labels], seeds: npt.NDArray[np.int16], spacing_mm: Spacing, min_voxels: float, reach_mm: float
) -> tuple[npt.NDArray[np.int16], int]:
    """Give every marked voxel the number of its seed, a new number, or 255; return that and the number of specks.

    A piece of the union that touches a seed, or comes within reach of one, belongs to it, voxel by voxel to the
    nearest seed; so nobody's outline is cut at 3 mm. Of the other pieces the large ones are tumors of their own.
    """
    union = np.any([mask > 0 for mask in masks], axis=0)
    pieces, n = ndimage.label(union, NEIGHBOURS_26)
    labels = seeds.copy()
    left = np.argwhere(union & (seeds == 0))
    piece_of = pieces[tuple(left.T)]
    free = np.ones(n + 1, bool)
    if len(left) and seeds.any():
        distance, nearest = _nearest_seed(seeds, left, spacing_mm)
        to_seed = np.full(n + 1, np.inf)
        np.minimum.at(to_seed, piece_of, distance)
        to_seed[np.unique(pieces[seeds > 0])] = 0
        free = to_seed > reach_mm
        near = ~free[piece_of]
        labels[tuple(left[near].T)] = nearest[near]
    sizes = np.bincount(piece_of[free[piece_of]], minlength=n + 1)
    new = sizes >= max(min_voxels, 1)
    names = np.where(sizes > 0, SPECK_LABEL, 0).astype(np.int16)
    names[new] = _free_numbers(np.unique(seeds[seeds > 0]).tolist(), int(new.sum()))
    lone = left[free[piece_of]]
    labels[tuple(lone.T)] = names[pieces[tuple(lone.T)]]
    return labels, int(np.count_nonzero((sizes > 0) & ~new))


def _free_numbers(taken: Collection[int], count: int) -> list[int]:
    """Return `count` numbers that no tumor has: those above the largest, then the gaps below it."""
    if len(taken) + count >= SPECK_LABEL:
        raise InputError(f"{len(taken) + count} separate tumors; a mask of a mouse has a few: look at the annotations")
    largest = max(taken, default=0)
    order = [*range(largest + 1, SPECK_LABEL), *range(1, largest)]
    return [number for number in order if number not in taken][:count]


def _nearest_seed(
    seeds: npt.NDArray[np.int16], points: npt.NDArray[np.int64], spacing_mm: Spacing
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int16]]:
    """Return the distance (mm) of each point, (n, 3) voxels, to the nearest seed voxel, and that seed's number."""
    # only a seed's rim can be the nearest
    rim = np.argwhere((seeds > 0) & (ndimage.minimum_filter(seeds, size=3, mode="constant") == 0))
    distance, index = cKDTree(rim * spacing_mm).query(points * spacing_mm)
    return distance, seeds[tuple(rim[index].T)]


def _by_position(labels: npt.NDArray[np.int16], spacing_mm: Spacing) -> npt.NDArray[np.int16]:
    """Renumber tumors from 1 by their centre: second stored axis (y), then body length (z)."""
    numbers = [int(n) for n in np.unique(labels) if n not in (0, SPECK_LABEL)]
    centres = {n: np.mean(np.nonzero(labels == n), axis=1) * spacing_mm for n in numbers}
    order = sorted(numbers, key=lambda n: (centres[n][1], centres[n][0]))
    table = np.arange(max([*numbers, SPECK_LABEL]) + 1, dtype=np.int16)
    table[order] = np.arange(1, len(order) + 1)
    return np.asarray(table[labels])


def _numbered_by_people(masks: Sequence[Labels]) -> list[Labels | None]:
    """Return each mask with its tumor numbers matched to the others', or nothing for masks of 0 and 1 alone.

    The mask with most tumors gives the numbers; another's tumors take those that maximise the total overlap.
    A scan in which nobody wrote a number above 1 has none.
    """
    labels_of = [[int(n) for n in np.unique(mask) if 0 < n < SPECK_LABEL] for mask in masks]
    if all(not names or max(names) == 1 for names in labels_of):
        return [None] * len(masks)
    order = sorted(range(len(masks)), key=lambda r: -len(labels_of[r]))
    reference = np.zeros(masks[0].shape, np.int16)
    matched: list[Labels | None] = [None] * len(masks)
    for r in order:
        if labels_of[r] and max(labels_of[r]) > 1:
            mine = _matched(masks[r], labels_of[r], reference)
            matched[r] = mine
            reference = np.where(reference > 0, reference, mine)
    return matched


def _matched(mask: Labels, names: list[int], reference: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return `mask` with its tumors renumbered to those of `reference` that they overlap most in total."""
    known = [int(n) for n in np.unique(reference) if n > 0]
    overlap = np.array([[np.count_nonzero((mask == a) & (reference == b)) for b in known] for a in names])
    renamed: dict[int, int] = {}
    if known:
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        renamed = {names[i]: known[j] for i, j in zip(rows, columns, strict=True) if overlap[i, j] > 0}
    taken = {*known, *renamed.values()}
    for name in [name for name in names if name not in renamed]:
        renamed[name] = name if name not in taken else _free_numbers(taken, 1)[0]
        taken.add(renamed[name])
    table = np.zeros(SPECK_LABEL + 1, np.int16)
    table[list(renamed)] = list(renamed.values())
    return np.asarray(table[mask])


def _first_number(numbered: Sequence[Labels | None]) -> npt.NDArray[np.int16]:
    """Return the number that the first annotator who numbered a voxel gave it."""
    known = [mask for mask in numbered if mask is not None]
    labels = np.zeros(known[0].shape, np.int16)
    for mask in known:
        labels = np.where(labels > 0, labels, mask).astype(np.int16)
    return labels


def _count(
    masks: Sequence[Labels], labels: npt.NDArray[np.int16], specks: int, numbered: Sequence[Labels | None]
) -> Tumors:
    """Count each annotator's voxels per tumor: by their own numbers where they gave some, else by the shared map."""
    shared = [np.where(mask > 0, labels, 0) for mask in masks]
    own = [
        map_ if mine is None else np.where(mine > 0, mine, map_) for map_, mine in zip(shared, numbered, strict=True)
    ]
    counts = np.array([np.bincount(mask.ravel(), minlength=SPECK_LABEL + 1) for mask in own])
    numbers = tuple(int(n) for n in np.flatnonzero(counts.sum(axis=0)) if n not in (0, SPECK_LABEL))
    return Tumors(numbers, labels, counts[:, list(numbers)].T, specks, counts[:, SPECK_LABEL])


def without_tumors(votes: Votes, tumors: Tumors, left_out: Collection[int]) -> tuple[Votes, Tumors]:
    """Return votes and tumors as if nobody had marked the tumors `left_out`; the others keep their numbers.

    A voxel goes by the shared map `Tumors.labels`, so that it leaves every annotator's mask at once.
    """
    gone = np.isin(tumors.labels, list(left_out))
    codes = np.where(gone, 0, votes.codes).astype(votes.codes.dtype)
    counts = np.bincount(codes.ravel(), minlength=votes.counts.size)
    counts[0] += int(np.prod(votes.shape)) - codes.size
    kept = [place for place, number in enumerate(tumors.numbers) if number not in left_out]
    numbers = tuple(tumors.numbers[place] for place in kept)
    labels = np.where(gone, 0, tumors.labels).astype(np.int16)
    return (
        replace(votes, counts=counts, codes=codes),
        replace(tumors, numbers=numbers, labels=labels, voxels=tumors.voxels[kept]),
    )
