"""Surface Dice and 95 % Hausdorff distance of one real-size scan in memory, against surface-distance."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import surface_distance
from scans import SPACING_MM, Mask, lumpy_masks
from timing import Row, fastest, ratio

from murinoma.numerics.surface import robust_hausdorff, surface_agreement, surface_dice, surface_distances
from murinoma.numerics.votes import Votes, count_votes

SPACING = (SPACING_MM, SPACING_MM, SPACING_MM)
Pairs = list[tuple[float, float]]


def surfaces_by_library(masks: list[Mask]) -> Pairs:
    """Return surface Dice at one voxel and 95 % Hausdorff distance (mm) of each pair, as a careful user would."""
    found = []
    for one, other in combinations([mask > 0 for mask in masks], 2):
        distances = surface_distance.compute_surface_distances(one, other, SPACING)
        dice = surface_distance.compute_surface_dice_at_tolerance(distances, SPACING_MM)
        found.append((float(dice), float(surface_distance.compute_robust_hausdorff(distances, 95))))
    return found


def surfaces_by_votes(masks: list[Mask]) -> Pairs:
    """Return the same from murinoma."""
    found = surface_agreement(masks, spacing_mm=SPACING, tolerance_mm=SPACING_MM)
    pairs = combinations(range(len(masks)), 2)
    return [(float(found.dice[pair]), float(found.hausdorff95_mm[pair])) for pair in pairs]


def measures_of_votes(votes: Votes) -> None:
    """Do what is left to do where the votes have been counted for Dice and kappa anyway."""
    distances = surface_distances(votes, spacing_mm=SPACING)
    surface_dice(distances, tolerance_mm=SPACING_MM)
    robust_hausdorff(distances)


def rows() -> Iterator[Row]:
    """Yield a row for a scan with one tumor and one for a scan with two, and what they cost once votes are counted."""
    rng = np.random.default_rng(1)
    one = lumpy_masks(rng)
    two = [first | second for first, second in zip(one, lumpy_masks(rng), strict=True)]
    for masks, tumors in ((one, "1 tumor"), (two, "2 tumors")):
        apart = np.abs(np.subtract(surfaces_by_library(masks), surfaces_by_votes(masks))).max()
        if apart > 1e-9:
            raise SystemExit(f"the two ways disagree by {apart}")
        slow = fastest(lambda masks=masks: surfaces_by_library(masks), 2)  # type: ignore[misc]
        fast = fastest(lambda masks=masks: surfaces_by_votes(masks), 10)  # type: ignore[misc]
        what = f"surface Dice and HD95 of one scan in memory (192x192x450, 3 masks, {tumors})"
        yield Row(what, ratio(slow, fast), "<= 12 ms", "surface-distance")
        votes = count_votes(masks)
        alone = fastest(lambda votes=votes: measures_of_votes(votes), 10)  # type: ignore[misc]
        yield Row("  beside it: the same where the votes are counted", f"{alone * 1000:.3g} ms", "", "")
