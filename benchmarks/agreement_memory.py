"""Votes, Dice, kappa, STAPLE and volumes of one real-size scan in memory, against the libraries."""

from collections.abc import Iterator

import numpy as np
from scans import SPACING_MM, Mask, lumpy_masks, mean_dice
from timing import Row, fastest, ratio
from yardstick import agreement_by_libraries

from murinoma.numerics.agreement import fleiss_kappa, marked_voxels, pairwise_dice
from murinoma.numerics.staple import staple
from murinoma.numerics.tumors import number_tumors
from murinoma.numerics.votes import count_votes, majority_patterns

VOXEL_MM3 = SPACING_MM**3
AGAINST = "SimpleITK STAPLE + statsmodels kappa + numpy Dice"


def agreement_by_votes(masks: list[Mask]) -> dict[str, float]:
    """Return what the yardstick returns, and the majority's volume, from counted vote patterns."""
    counts = count_votes(masks).counts
    consensus = counts[staple(counts).foreground].sum() * VOXEL_MM3
    return {
        "dice": float(np.mean(pairwise_dice(counts)[np.triu_indices(len(masks), 1)])),
        "kappa": fleiss_kappa(counts),
        "consensus_mm3": float(consensus),
        "mean_mm3": float(marked_voxels(counts).mean() * VOXEL_MM3),
        "majority_mm3": float(counts[majority_patterns(len(masks))].sum() * VOXEL_MM3),
    }


def rows() -> Iterator[Row]:
    """Yield the first row of DESIGN section 8, and what the tumors' numbers cost beside."""
    masks = lumpy_masks(np.random.default_rng(1))
    theirs, ours = agreement_by_libraries(masks, VOXEL_MM3), agreement_by_votes(masks)
    apart = max(abs(ours[name] - value) for name, value in theirs.items())
    if apart > 1e-5:
        raise SystemExit(f"the two ways disagree by {apart}: {ours} against {theirs}")
    slow = fastest(lambda: agreement_by_libraries(masks, VOXEL_MM3), 2)
    fast = fastest(lambda: agreement_by_votes(masks), 20)
    what = f"agreement of one scan in memory (192x192x450, 3 masks, mean Dice {mean_dice(masks):.2f})"
    yield Row(what, ratio(slow, fast), ">= 600 x", AGAINST)
    votes = count_votes(masks)
    inside = [mask[votes.box] for mask in masks]
    spacing = (SPACING_MM, SPACING_MM, SPACING_MM)
    numbering = fastest(lambda: number_tumors(inside, spacing_mm=spacing, speck_mm3=10, reach_mm=3), 5)
    yield Row("  beside it: which tumors the scan has", f"{numbering * 1000:.3g} ms", "", "no library does this")
