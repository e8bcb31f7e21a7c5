"""STAPLE: the consensus that weighs annotators by how well they agree with it (Warfield et al. 2004)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.numerics.votes import Counts, annotators_of, patterns

Floats = npt.NDArray[np.float64]
START = 0.99999  # sensitivity and specificity before the first step, as in ITK
TOLERANCE = 1e-9  # largest change of any sensitivity or specificity at which the steps end
MAX_STEPS = 10_000
TIE = 1e-4  # a posterior this close below one half is one half: where masks are nested in pairs it is so exactly


@dataclass(frozen=True, eq=False)
class Staple:
    """A consensus of R annotators and how each of them did against it.

    Attributes
    ----------
    posterior
        (2^R,): probability of tumor for each pattern of votes; 0 for patterns that do not occur.
    sensitivity, specificity, precision
        (R,) each: share of the consensus that the annotator marked, share of the background left unmarked,
        share of the marked voxels that are consensus. NaN where all masks are empty; precision NaN for an
        empty mask.
    prior
        Mean share of marked voxels over the annotators.
    iterations, converged
        Steps taken, and whether the last one changed nothing by more than 1e-9.
    """

    posterior: Floats
    sensitivity: Floats
    specificity: Floats
    precision: Floats
    prior: float
    iterations: int
    converged: bool

    @property
    def foreground(self) -> npt.NDArray[np.bool_]:
        """Which patterns are tumor: posterior at least one half, (2^R,) bool; never the one that nobody marked."""
        tumor: npt.NDArray[np.bool_] = self.posterior >= 0.5 - TIE
        tumor[0] = False
        return tumor


def staple(counts: Counts) -> Staple:
    """Return the binary STAPLE consensus from counted vote patterns.

    Expectation maximisation over the patterns that occur (a pattern that does not would be 0 / 0 for nested
    masks); prior = mean share of marked voxels; the result equals a run over all voxels.

    Parameters
    ----------
    counts
        (2^R,) from `murinoma.numerics.votes.count_votes`.

    Examples
    --------
    Three annotators agree on 50 voxels of 1000, and one of them marks 10 more: those are not tumor.

    >>> result = staple(np.array([940, 10, 0, 0, 0, 0, 0, 50]))
    >>> result.foreground.nonzero()[0].tolist(), result.converged
    ([7], True)
    """
    n = annotators_of(counts)
    marks = patterns(n)
    present = np.flatnonzero(counts)
    marked, weight = marks[present], counts[present].astype(np.float64)
    prior = float(weight @ marked.mean(axis=1) / weight.sum())
    if prior in (0, 1):
        return _unanimous(counts, prior)
    sensitivity = specificity = np.full(n, START)
    change, steps = np.inf, 0
    while change > TOLERANCE and steps < MAX_STEPS:
        before = sensitivity, specificity
        posterior = _posterior(marked, sensitivity, specificity, prior)
        sensitivity, specificity = _performance(marked, weight, posterior)
        change = max(np.abs(sensitivity - before[0]).max(), np.abs(specificity - before[1]).max())
        steps += 1
    table = np.zeros(counts.size)
    table[present] = posterior
    hits, drawn = (weight * posterior) @ marked, weight @ marked
    precision = np.divide(hits, drawn, out=np.full(n, np.nan), where=drawn > 0)
    return Staple(table, sensitivity, specificity, precision, prior, steps, bool(change <= TOLERANCE))


def _unanimous(counts: Counts, prior: float) -> Staple:
    """Return the result where no voxel, or every voxel, is marked by all: there is nothing to estimate."""
    unknown = np.full(annotators_of(counts), np.nan)
    known = np.ones_like(unknown) if prior == 1 else unknown
    return Staple(np.where(counts > 0, prior, 0.0), known, unknown, known, prior, 0, converged=True)


def _posterior(marked: npt.NDArray[np.bool_], sensitivity: Floats, specificity: Floats, prior: float) -> Floats:
    """Return the probability of tumor for each pattern, given how the annotators perform."""
    tumor = prior * np.where(marked, sensitivity, 1 - sensitivity).prod(axis=1)
    other = (1 - prior) * np.where(marked, 1 - specificity, specificity).prod(axis=1)
    return np.asarray(tumor / (tumor + other))


def _performance(marked: npt.NDArray[np.bool_], weight: Floats, posterior: Floats) -> tuple[Floats, Floats]:
    """Return each annotator's sensitivity and specificity, given the probabilities."""
    tumor, other = weight * posterior, weight * (1 - posterior)
    tiny = np.finfo(np.float64).tiny  # a consensus that shrinks to nothing must not divide by 0
    sensitivity, specificity = tumor @ marked / max(tumor.sum(), tiny), other @ ~marked / max(other.sum(), tiny)
    return np.minimum(sensitivity, 1.0), np.minimum(specificity, 1.0)  # sums of the same numbers may round beyond 1
