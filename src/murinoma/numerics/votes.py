"""Count vote patterns: all that agreement and consensus need of a scan, in 2^R numbers.

With R annotators a voxel shows one of 2^R patterns of marked and unmarked. How often each pattern occurs
fixes every pairwise Dice, Fleiss' kappa, STAPLE and the volumes; where it occurs fixes the consensus masks.
The voxels are counted here once, and nobody else touches them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.boxes import Box, positive_box, union_box

Counts = npt.NDArray[np.int64]
MAX_ANNOTATORS = 12


@dataclass(frozen=True, eq=False)
class Votes:
    """The votes of R annotators on one scan.

    Attributes
    ----------
    counts
        (2^R,) int64: how many voxels of the whole scan show each pattern; bit r of a pattern's number is set
        where annotator r marked the voxel.
    codes
        The pattern of every voxel inside `box`, shape (z, y, x), uint8 (uint16 above 8 annotators).
    box
        The smallest box that holds every marked voxel; outside it the pattern is 0.
    shape
        Number of voxels of the whole scan along (z, y, x).
    """

    counts: Counts
    codes: npt.NDArray[np.unsignedinteger[Any]]
    box: Box
    shape: tuple[int, int, int]

    @property
    def box_counts(self) -> Counts:
        """The counts inside the box alone, (2^R,) int64."""
        counts = self.counts.copy()
        counts[0] -= int(np.prod(self.shape)) - self.codes.size
        return counts


def count_votes(masks: Sequence[npt.NDArray[Any]]) -> Votes:
    """Return how often, and where, each pattern of votes occurs.

    Parameters
    ----------
    masks
        One array per annotator, all of the same shape (z, y, x); a voxel is marked where its value is above 0.

    Raises
    ------
    InputError
        If there are no masks, or more than 12.
    GeometryError
        If the shapes differ.

    Examples
    --------
    Two annotators, four voxels: nobody, the first, both, both.

    >>> a, b = np.array([[[0, 1, 1, 1]]]), np.array([[[0, 0, 1, 1]]])
    >>> count_votes([a, b]).counts
    array([1, 1, 0, 2])
    """
    if not 1 <= len(masks) <= MAX_ANNOTATORS:
        raise InputError(f"{len(masks)} annotators; votes can be counted for 1 to {MAX_ANNOTATORS}")
    shapes = {mask.shape for mask in masks}
    if len(shapes) > 1 or masks[0].ndim != 3:
        raise GeometryError(f"masks of shapes {sorted(shapes)}; they must share one shape (z, y, x)")
    box = union_box([positive_box(mask) for mask in masks])
    bits: type[np.uint8] | type[np.uint16] = np.uint8 if len(masks) <= 8 else np.uint16
    codes = np.zeros(masks[0][box].shape, bits)
    for place, mask in enumerate(masks):
        codes |= np.where(mask[box] > 0, bits(1 << place), bits(0))
    counts = np.bincount(codes.ravel(), minlength=2 ** len(masks))
    counts[0] += masks[0].size - codes.size
    return Votes(counts, codes, box, masks[0].shape)


@cache
def patterns(n_annotators: int) -> npt.NDArray[np.bool_]:
    """Return which annotators mark a voxel of each pattern: (2^R, R) bool, read-only.

    Examples
    --------
    >>> patterns(2).astype(int)
    array([[0, 0],
           [1, 0],
           [0, 1],
           [1, 1]])
    """
    codes = np.arange(2**n_annotators)[:, None]
    table: npt.NDArray[np.bool_] = (codes >> np.arange(n_annotators) & 1).astype(bool)
    table.flags.writeable = False
    return table


def annotators_of(counts: Counts) -> int:
    """Return R, the number of annotators behind 2^R counts."""
    return int(counts.size).bit_length() - 1


def majority_patterns(n_annotators: int) -> npt.NDArray[np.bool_]:
    """Return which patterns more than half of the annotators marked, (2^R,) bool; a tie is background.

    Examples
    --------
    >>> majority_patterns(2)
    array([False, False, False,  True])
    """
    marked: npt.NDArray[np.bool_] = 2 * patterns(n_annotators).sum(axis=1) > n_annotators
    return marked


def vote_share(n_annotators: int) -> npt.NDArray[np.float64]:
    """Return the share of annotators who marked a voxel of each pattern, (2^R,) in 0..1.

    Examples
    --------
    >>> vote_share(2)
    array([0. , 0.5, 0.5, 1. ])
    """
    return np.asarray(patterns(n_annotators).mean(axis=1))


def vote_entropy(n_annotators: int) -> npt.NDArray[np.float64]:
    """Return the binary entropy of each pattern's share of votes, (2^R,), bit: 0 where all agree, 1 at a tie.

    Examples
    --------
    >>> vote_entropy(2)
    array([0., 1., 1., 0.])
    """
    share = vote_share(n_annotators)
    split = (share > 0) & (share < 1)
    inner = np.where(split, share, 0.5)
    return np.where(split, -(inner * np.log2(inner) + (1 - inner) * np.log2(1 - inner)), 0.0)
