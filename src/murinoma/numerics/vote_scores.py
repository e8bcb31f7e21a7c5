"""How well probabilities, or sampled masks, tell the share of annotators who mark a voxel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.boxes import EMPTY_BOX, Box, positive_box, union_box

N_BINS = 10  # of equal width: 0-0.1, ..., 0.9-1
PROBABLE = 0.1  # from here on a voxel is inside the box that is scored
MARGIN = 5  # voxels around it: what is nearly background counts too, and what is far away does not

Mask = npt.NDArray[Any]
Grades = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Bin:
    """The voxels of ``low`` <= probability < ``high`` (the last bin holds 1): mean probability, mean share of votes."""

    low: float
    high: float
    n_voxels: int
    probability: float
    share: float


@dataclass(frozen=True)
class VoteScores:
    """How probabilities do against the share of votes.

    Attributes
    ----------
    brier
        Mean squared difference of probability and share of votes, 0..1. It is 0 for the annotators' own shares;
        the Brier score against single votes is larger by the annotators' own disagreement.
    calibration_error
        Mean over voxels of ``|mean probability - mean share|`` of the voxel's bin, 0..1.
    bins
        The ten bins; mean values of an empty one are NaN.
    n_voxels
        Voxels that were scored.
    """

    brier: float
    calibration_error: float
    bins: tuple[Bin, ...]
    n_voxels: int


def vote_scores(probability: Grades, share: Grades) -> VoteScores:
    """Return Brier score and calibration error of probabilities against the share of votes of one scan.

    Scored is the box around every voxel that an annotator marked or that has a probability of 0.1 or more, with five
    voxels around it: over the whole scan, background that nobody doubts would make any source look perfect.

    Parameters
    ----------
    probability
        (z, y, x) 0..1; for sampled masks see `sampled_share`.
    share
        (z, y, x) share of the annotators who marked the voxel, 0..1.

    Returns
    -------
    NaN without a voxel to score.

    Raises
    ------
    GeometryError
        If the shapes differ.
    InputError
        If a probability is not a number in 0..1.

    Examples
    --------
    One voxel at 0.8 that all mark, one at 0.3 that nobody marks: (0.2^2 + 0.3^2) / 2.

    >>> scores = vote_scores(np.array([[[0.8, 0.3]]]), np.array([[[1.0, 0.0]]]))
    >>> round(scores.brier, 3), round(scores.calibration_error, 3), scores.n_voxels
    (0.065, 0.25, 2)
    """
    if probability.shape != share.shape:
        raise GeometryError(
            f"probabilities of shape {probability.shape} cannot be scored against votes of shape {share.shape}; "
            "put both on the same grid first"
        )
    box = _scored_box(probability, share)
    p, votes = probability[box].ravel().astype(np.float64), share[box].ravel().astype(np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError(f"probabilities from {p.min()} to {p.max()}; they must lie between 0 and 1")
    bins = _bins(p, votes)
    if not len(p):
        return VoteScores(float("nan"), float("nan"), bins, 0)
    off = sum(one.n_voxels * abs(one.probability - one.share) for one in bins if one.n_voxels)
    return VoteScores(float(np.mean((p - votes) ** 2)), off / len(p), bins, len(p))


def sampled_share(samples: Sequence[Mask]) -> npt.NDArray[np.float64]:
    """Return the share of sampled masks that mark each voxel, (z, y, x): their probability.

    Raises
    ------
    InputError
        If there are none.
    GeometryError
        If the shapes differ.

    Examples
    --------
    >>> sampled_share([np.array([[[0, 1]]]), np.array([[[1, 1]]])])
    array([[[0.5, 1. ]]])
    """
    _checked(samples)
    total = np.zeros(samples[0].shape)
    for sample in samples:
        total += sample > 0
    return total / len(samples)


def generalised_energy_distance(samples: Sequence[Mask], annotations: Sequence[Mask]) -> float:
    """Return how far sampled masks of a scan are from its annotations as distributions, 0..2, squared.

    ``2 E d(sample, annotation) - E d(sample, sample') - E d(annotation, annotation')`` with d = 1 - IoU, over all
    pairs, those of a mask with itself among them (Kohl et al. 2018). Two empty masks have a distance of 0. It is 0
    if both sets hold the same masks equally often.

    Parameters
    ----------
    samples, annotations
        Masks of one shape (z, y, x), marked where above 0; one mask of a source that does not sample is a list of one.

    Raises
    ------
    InputError
        If either is empty.
    GeometryError
        If the shapes differ.

    Examples
    --------
    One sample against two annotations: itself, and one without a voxel in common: 2 x 1/2 - 0 - 1/2.

    >>> one, other = np.array([[[1, 0]]]), np.array([[[0, 1]]])
    >>> generalised_energy_distance([one], [one, other])
    0.5
    """
    _checked(samples)
    _checked(annotations)
    distances = _iou_distances([*samples, *annotations])
    n = len(samples)
    across, within_samples, within_annotations = distances[:n, n:], distances[:n, :n], distances[n:, n:]
    return float(2 * across.mean() - within_samples.mean() - within_annotations.mean())


def _iou_distances(masks: Sequence[Mask]) -> npt.NDArray[np.float64]:
    """Return 1 - IoU of every pair of masks, (M, M)."""
    if len({mask.shape for mask in masks}) > 1:
        raise GeometryError(f"masks of shapes {sorted({mask.shape for mask in masks})}; they must share one")
    box = union_box([positive_box(mask) for mask in masks])
    marks = np.array([mask[box].ravel() > 0 for mask in masks], dtype=np.float64)
    shared = marks @ marks.T
    sizes = np.diag(shared)
    either = sizes[:, None] + sizes - shared
    return 1 - np.divide(shared, either, out=np.ones_like(shared), where=either > 0)


def _checked(masks: Sequence[Mask]) -> None:
    if not len(masks):
        raise InputError("no masks to compare; give at least one")
    if len({mask.shape for mask in masks}) > 1:
        raise GeometryError(f"masks of shapes {sorted({mask.shape for mask in masks})}; they must share one")


def _scored_box(probability: Grades, share: Grades) -> Box:
    box = positive_box((share > 0) | (probability >= PROBABLE))
    if box == EMPTY_BOX:
        return box
    z, y, x = (slice(max(0, side.start - MARGIN), side.stop + MARGIN) for side in box)
    return z, y, x


def _bins(p: npt.NDArray[np.float64], votes: npt.NDArray[np.float64]) -> tuple[Bin, ...]:
    place = np.minimum((p * N_BINS).astype(np.int64), N_BINS - 1)
    n = np.bincount(place, minlength=N_BINS)
    sums = (np.bincount(place, weights, minlength=N_BINS) for weights in (p, votes))
    probability, share = (np.divide(one, n, out=np.full(N_BINS, np.nan), where=n > 0) for one in sums)
    return tuple(
        Bin(k / N_BINS, (k + 1) / N_BINS, int(n[k]), float(probability[k]), float(share[k])) for k in range(N_BINS)
    )
