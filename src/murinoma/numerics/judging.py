"""Judge one more mask of a scan by its annotators and their consensus: whole scan, tumor by tumor, and what is false.

The votes of the annotators and of the mask that is judged (the source) are counted once. Consensus masks are tables of
vote patterns, so their overlaps, volumes and surfaces are read off the same count.

Tumors come from the annotations alone. A voxel of the source belongs to the tumor that an annotator's voxel there
belongs to, else, if its piece of the source touches a tumor, to the nearest one. A piece that nobody marked any of is a
false lesion.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from murinoma.errors import InputError
from murinoma.numerics.agreement import fleiss_kappa
from murinoma.numerics.boxes import positive_box
from murinoma.numerics.detection import NEIGHBOURS_26, rim
from murinoma.numerics.staple import staple
from murinoma.numerics.surface import robust_hausdorff, surface_dice, surface_distances
from murinoma.numerics.tumors import SPECK_LABEL, number_tumors
from murinoma.numerics.votes import Votes, count_votes, majority_patterns, patterns

Labels = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Spacing = tuple[float, float, float]
MOST_ANNOTATORS = 6  # their masks, the source and all consensus masks make one pattern of 16 bits


@dataclass(frozen=True)
class Rules:
    """What is a tumor, as for `murinoma.numerics.tumors.number_tumors`, and the tolerance of surface Dice, mm."""

    speck_mm3: float
    reach_mm: float
    tolerance_mm: float


@dataclass(frozen=True, eq=False)
class Masks:
    """Which masks are compared: R annotators, the source, and for two annotators or more their consensus.

    Attributes
    ----------
    marks
        (2^(R+1), M) bool: which patterns of votes each mask holds. Columns: the annotators, the source, then STAPLE
        and majority of all annotators, then, for three or more, STAPLE without each of them in turn.
    n_annotators
        R.
    """

    marks: Flags
    n_annotators: int

    @property
    def source(self) -> int:
        """The column of the source."""
        return self.n_annotators

    @property
    def staple(self) -> int:
        """The column of STAPLE; that of the majority is the next one."""
        return self.n_annotators + 1

    def staple_without(self, annotator: int) -> int:
        """Return the column of the consensus that leaves out an annotator."""
        return self.n_annotators + 3 + annotator


@dataclass(frozen=True, eq=False)
class Compared:
    """M masks in one region (a scan, or one of its tumors), in the order of `Masks.marks`.

    Attributes
    ----------
    voxels
        (M,) int64.
    dice, surface_dice, hausdorff95_mm
        (M, M) symmetric; NaN where both masks are empty. Surface Dice is 0, the distance infinite, where one is.
    """

    voxels: Counts
    dice: Floats
    surface_dice: Floats
    hausdorff95_mm: Floats


@dataclass(frozen=True, eq=False)
class FalseLesions:
    """Pieces of the source that nobody marked any of: volume, and how far from the nearest tumor (infinite: none)."""

    volumes_mm3: Floats
    distances_mm: Floats


@dataclass(frozen=True, eq=False)
class Judged:
    """A source against the annotators of one scan.

    Attributes
    ----------
    masks
        Which masks were compared.
    whole
        All tumors, specks and false lesions together.
    tumors
        Number of the tumor -> the masks in it.
    annotated_voxels
        (T, R) int64: voxels that each annotator gave to each tumor, as `agree` counts them.
    false
        What nobody marked.
    n_voxels
        Of the whole scan.
    kappa, kappa_with_source
        Fleiss' kappa of the annotators, and with the source as one more of them.
    staple_converged
        Whether every STAPLE did.
    """

    masks: Masks
    whole: Compared
    tumors: dict[int, Compared]
    annotated_voxels: Counts
    false: FalseLesions
    n_voxels: int
    kappa: float
    kappa_with_source: float
    staple_converged: bool


def judge(
    annotators: Sequence[Labels],
    source: Labels,
    *,
    spacing_mm: Spacing,
    rules: Rules,
    left_out: Collection[int] = (),
) -> Judged:
    """Return how a source does against each annotator and their consensus.

    Parameters
    ----------
    annotators
        1 to 6 masks (z, y, x), one per annotator: 0, and 1 or the number of a tumor.
    source
        The mask to judge, of the same shape; whatever is above 0 is marked, its numbers do not matter.
    spacing_mm
        Spacing along (z, y, x), mm.
    rules
        What is a tumor, and when surfaces agree.
    left_out
        Numbers of tumors that do not count: all masks are as if nobody had marked them.

    Raises
    ------
    InputError
        If there are no annotators, or more than 6, or too many tumors.
    GeometryError
        If the shapes differ.

    Examples
    --------
    Two annotators mark three voxels, the source two of them and one far away: Dice 4 / 6, a false lesion 3 mm away.

    >>> one, source = np.array([[[1, 1, 1, 0, 0, 0]]]), np.array([[[0, 1, 1, 0, 0, 1]]])
    >>> rules = Rules(speck_mm3=1, reach_mm=1, tolerance_mm=1)
    >>> judged = judge([one, one], source, spacing_mm=(1, 1, 1), rules=rules)
    >>> float(judged.whole.dice[0, judged.masks.source].round(4)), judged.false.distances_mm.tolist()
    (0.6667, [3.0])
    >>> judged.tumors[1].voxels.tolist()  # both annotators, the source, STAPLE, majority
    [3, 3, 2, 3, 3]
    """
    n = len(annotators)
    if not 1 <= n <= MOST_ANNOTATORS:
        raise InputError(f"{n} annotators; a source can be judged against 1 to {MOST_ANNOTATORS}")
    votes = count_votes([*annotators, source])
    labels, annotated = _tumor_map([mask[votes.box] for mask in annotators], spacing_mm, rules)
    marked = (votes.codes >> n).astype(bool)
    owner, false = _owners(labels, marked, spacing_mm)
    if left_out:
        votes, owner = _without(votes, owner, left_out)
    numbers = [number for number in annotated if number not in left_out]
    of_annotators = votes.counts.reshape(2, -1).sum(axis=0)
    masks, converged = _masks(of_annotators)
    whole = _compare(votes.codes, votes.counts, masks, spacing_mm, rules.tolerance_mm)
    return Judged(
        masks=masks,
        whole=whole,
        tumors={k: _compare(*_in_tumor(votes, owner == k), masks, spacing_mm, rules.tolerance_mm) for k in numbers},
        annotated_voxels=np.array([annotated[number] for number in numbers], np.int64).reshape(-1, n),
        false=false,
        n_voxels=int(votes.counts.sum()),
        kappa=fleiss_kappa(of_annotators),
        kappa_with_source=fleiss_kappa(votes.counts),
        staple_converged=converged,
    )


def _tumor_map(
    masks: Sequence[Labels], spacing_mm: Spacing, rules: Rules
) -> tuple[npt.NDArray[np.int16], dict[int, Counts]]:
    """Return the tumor of every voxel that an annotator marked, and each tumor's voxels by annotator."""
    labels = np.zeros(masks[0].shape, np.int16)
    box = positive_box(np.any([mask > 0 for mask in masks], axis=0))  # a false lesion may lie far away
    inside, limits = [mask[box] for mask in masks], {"speck_mm3": rules.speck_mm3, "reach_mm": rules.reach_mm}
    found = number_tumors(inside, spacing_mm=spacing_mm, **limits)
    labels[box] = found.labels
    return labels, dict(zip(found.numbers, found.voxels, strict=True))


def _owners(
    labels: npt.NDArray[np.int16], marked: Flags, spacing_mm: Spacing
) -> tuple[npt.NDArray[np.int16], FalseLesions]:
    """Return the tumor of every voxel that anybody marked, the source too, and the source's false lesions."""
    pieces, count = ndimage.label(marked, NEIGHBOURS_26)
    touched, of_tumor = np.zeros(count + 1, bool), np.zeros(count + 1, bool)
    touched[pieces[labels > 0]] = True
    is_tumor = (labels > 0) & (labels != SPECK_LABEL)
    of_tumor[pieces[is_tumor]] = True
    touched[0] = of_tumor[0] = False
    false = np.flatnonzero(~touched[1:]) + 1
    box = positive_box(is_tumor)
    corner = np.array([part.start for part in box])
    edge = rim(is_tumor[box], labels[box]) + corner
    tree = cKDTree(edge * spacing_mm) if len(edge) else None
    owner = labels.copy()
    beyond = np.argwhere(of_tumor[pieces] & (labels == 0))
    if tree is not None and len(beyond):
        nearest = tree.query(beyond * spacing_mm)[1]
        owner[tuple(beyond.T)] = labels[tuple(edge[nearest].T)]
    voxel_mm3 = float(np.prod(spacing_mm))
    volumes = np.bincount(pieces.ravel(), minlength=count + 1)[false].astype(np.float64) * voxel_mm3
    return owner, FalseLesions(volumes, _distances(pieces, false, tree, spacing_mm))


def _distances(pieces: Labels, numbers: Counts, tree: "cKDTree | None", spacing_mm: Spacing) -> Floats:
    """Return how far some pieces are from the nearest voxel of a tumor, mm; infinite without a tumor."""
    if tree is None or not len(numbers):
        return np.full(len(numbers), np.inf)
    parts = ndimage.find_objects(pieces)
    found = []
    for number in numbers:
        part = parts[number - 1]
        places = np.argwhere(pieces[part] == number) + [axis.start for axis in part]
        found.append(float(tree.query(places * spacing_mm)[0].min()))
    return np.asarray(found)


def _without(
    votes: Votes, owner: npt.NDArray[np.int16], left_out: Collection[int]
) -> tuple[Votes, npt.NDArray[np.int16]]:
    """Return votes and owners as if nobody, the source too, had marked the tumors `left_out`."""
    gone = np.isin(owner, list(left_out))
    codes = np.where(gone, 0, votes.codes).astype(votes.codes.dtype)
    counts = np.bincount(codes.ravel(), minlength=votes.counts.size)
    counts[0] += int(np.prod(votes.shape)) - codes.size
    return replace(votes, counts=counts, codes=codes), np.where(gone, 0, owner).astype(np.int16)


def _masks(of_annotators: Counts) -> tuple[Masks, bool]:
    """Return which patterns of annotators and source each mask holds, and whether every STAPLE converged."""
    n = int(of_annotators.size).bit_length() - 1
    annotators = patterns(n)
    columns = [*annotators.T]
    estimates = []
    if n > 1:
        estimates.append(staple(of_annotators))
        columns += [estimates[0].foreground, majority_patterns(n)]
    for left_out in range(n if n > 2 else 0):
        others = np.delete(annotators, left_out, axis=1) @ (1 << np.arange(n - 1))
        counts = np.bincount(others, of_annotators, minlength=2 ** (n - 1)).astype(np.int64)
        estimates.append(staple(counts))
        columns.append(estimates[-1].foreground[others])
    without_source = np.stack(columns, axis=1)
    marks = np.concatenate([without_source, without_source])  # the source has the highest bit
    marks = np.insert(marks, n, np.arange(2 ** (n + 1)) >> n, axis=1)
    return Masks(marks, n), all(estimate.converged for estimate in estimates)


def _compare(codes: Labels, counts: Counts, masks: Masks, spacing_mm: Spacing, tolerance_mm: float) -> Compared:
    """Compare all masks where the patterns of votes are `codes` (in a box) and occur `counts` times."""
    n_masks = masks.marks.shape[1]
    table = (masks.marks @ (1 << np.arange(n_masks))).astype(np.uint16)
    all_codes = table[codes]
    all_counts = np.bincount(table, counts, minlength=2**n_masks).astype(np.int64)
    box = (slice(None),) * 3
    surfaces = surface_distances(Votes(all_counts, all_codes, box, codes.shape), spacing_mm=spacing_mm)
    voxels, dice = _overlaps(counts, masks.marks)
    return Compared(voxels, dice, surface_dice(surfaces, tolerance_mm=tolerance_mm), robust_hausdorff(surfaces))


def _overlaps(counts: Counts, marks: Flags) -> tuple[Counts, Floats]:
    """Return the voxels of every mask, (M,), and the Dice of every pair, (M, M)."""
    overlap = marks.T.astype(np.float64) @ (counts[:, None] * marks)
    voxels = np.diag(overlap)
    total = voxels[:, None] + voxels
    dice = np.divide(2 * overlap, total, out=np.full_like(overlap, np.nan), where=total > 0)
    return voxels.astype(np.int64), dice


def _in_tumor(votes: Votes, inside: Flags) -> tuple[Labels, Counts]:
    """Return the patterns of votes in the box of a tumor, none but its own, and how often each occurs."""
    box = positive_box(inside)
    own = np.where(inside[box], votes.codes[box], 0)
    return own, np.bincount(own.ravel(), minlength=len(votes.counts))
