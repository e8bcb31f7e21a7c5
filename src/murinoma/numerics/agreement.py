"""How well annotators agree on one scan, read off the counts of their vote patterns."""

import numpy as np
import numpy.typing as npt

from murinoma.numerics.votes import Counts, annotators_of, patterns

Floats = npt.NDArray[np.float64]


def marked_voxels(counts: Counts) -> npt.NDArray[np.int64]:
    """Return the number of voxels that each annotator marked, (R,) int64.

    Examples
    --------
    >>> marked_voxels(np.array([10, 1, 2, 5]))
    array([6, 7])
    """
    voxels: npt.NDArray[np.int64] = counts @ patterns(annotators_of(counts))
    return voxels


def pairwise_dice(counts: Counts) -> Floats:
    """Return the Sørensen-Dice coefficient of every pair of annotators, (R, R), symmetric, in 0..1.

    ``2 |X and Y| / (|X| + |Y|)`` over the whole scan, all tumors together (Jensen et al. 2024, Annotation
    metrics). NaN where both masks of a pair are empty.

    Examples
    --------
    The first marks 6 voxels, the second 7, both 5: Dice = 2 * 5 / 13.

    >>> float(pairwise_dice(np.array([10, 1, 2, 5]))[0, 1].round(4))
    0.7692
    """
    marks = patterns(annotators_of(counts)).astype(np.float64)
    overlap = marks.T @ (counts[:, None] * marks)
    sizes = np.diag(overlap)
    total = sizes[:, None] + sizes
    return np.divide(2 * overlap, total, out=np.full_like(overlap, np.nan), where=total > 0)


def fleiss_kappa(counts: Counts) -> float:
    """Return Fleiss' kappa of tumor against background over all counted voxels.

    ``(P - Pe) / (1 - Pe)`` (Fleiss 1971), written as 1 - observed / expected disagreement, which keeps its
    digits where almost every voxel is background. NaN for one annotator, and where no voxel, or every
    voxel, is marked by all.

    Examples
    --------
    Two annotators, 18 voxels, 3 of them disputed, 13 of 36 votes for tumor:
    1 - (3 / 18) / (2 * 13/36 * 23/36).

    >>> round(fleiss_kappa(np.array([10, 1, 2, 5])), 4)
    0.6388
    """
    n = annotators_of(counts)
    votes = patterns(n).sum(axis=1)
    total = float(counts.sum())
    if n < 2 or total == 0:
        return float("nan")
    share = float(counts @ votes) / (n * total)
    expected = 2 * share * (1 - share)
    if expected == 0:
        return float("nan")
    observed = float(counts @ (2 * votes * (n - votes))) / (n * (n - 1) * total)
    return 1 - observed / expected


def volume_rmse(volumes: Floats) -> Floats:
    """Return the root mean squared deviation of the annotators' volumes from their own mean, per tumor.

    Parameters
    ----------
    volumes
        (..., R) in any unit of volume; 0 for a tumor that an annotator missed, NaN for an annotator who did not
        see the scan.

    Returns
    -------
    (...) in the same unit, divisor R (the annotators who saw the scan); NaN where nobody did.

    Examples
    --------
    Volumes 1, 2 and 3: mean 2, root of (1 + 0 + 1) / 3.

    >>> float(volume_rmse(np.array([1.0, 2.0, 3.0])).round(4))
    0.8165
    """
    seen = np.isfinite(volumes)
    n = seen.sum(axis=-1)
    mean = mean_volume(volumes)
    squares = np.where(seen, volumes - mean[..., None], 0.0) ** 2
    mean_square = np.divide(squares.sum(axis=-1), n, out=np.full(n.shape, np.nan), where=n > 0)
    return np.asarray(np.sqrt(mean_square))


def mean_volume(volumes: Floats) -> Floats:
    """Return the mean of the annotators' volumes, (..., R) -> (...), leaving out those who did not see the scan.

    NaN where nobody did.

    Examples
    --------
    >>> float(mean_volume(np.array([1.0, np.nan, 3.0])))
    2.0
    """
    seen = np.isfinite(volumes)
    n = seen.sum(axis=-1)
    total = np.where(seen, volumes, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))
