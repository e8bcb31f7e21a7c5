"""Dice, Fleiss' kappa and volume RMSE: by hand, by property, against plain numpy and statsmodels."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_kappa

from murinoma.numerics.agreement import fleiss_kappa, marked_voxels, mean_volume, pairwise_dice, volume_rmse
from murinoma.numerics.votes import count_votes
from tests.builders import three_masks

SHAPE = (4, 4, 4)
MASKS = st.lists(arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 1])), min_size=2, max_size=12)


def plain_dice(x: np.ndarray, y: np.ndarray) -> float:
    """Return the definition, voxel by voxel."""
    total = np.count_nonzero(x) + np.count_nonzero(y)
    return 2 * np.count_nonzero((x > 0) & (y > 0)) / total if total else float("nan")


def plain_kappa(masks: list[np.ndarray]) -> float:
    """Return statsmodels' Fleiss kappa of a table with a row per voxel."""
    votes = np.sum([mask > 0 for mask in masks], axis=0).ravel()
    return float(statsmodels_kappa(np.c_[len(masks) - votes, votes]))


def test_nested_boxes_by_hand() -> None:
    """Boxes of 48, 64 and 80 voxels, each in the next: Dice = 2 * 48 / 112, 2 * 48 / 128, 2 * 64 / 144."""
    votes = count_votes(list(three_masks().values()))
    dice = pairwise_dice(votes.counts)
    assert marked_voxels(votes.counts).tolist() == [48, 64, 80]
    assert dice[0, 1] == pytest.approx(6 / 7)
    assert dice[0, 2] == pytest.approx(3 / 4)
    assert dice[1, 2] == pytest.approx(8 / 9)
    assert np.diag(dice).tolist() == [1, 1, 1]


def test_kappa_is_nearly_the_pooled_dice_over_a_huge_background() -> None:
    """Kappa = 1 - (1 - S) / (1 - p), S the pooled Dice (sum of overlaps over sum of sizes), p the mean share."""
    counts = count_votes(list(three_masks((8, 8, 8)).values())).counts
    pooled = 2 * (48 + 48 + 64) / (112 + 128 + 144)
    share = (48 + 64 + 80) / 3 / 512
    assert fleiss_kappa(counts) == pytest.approx(1 - (1 - pooled) / (1 - share), abs=1e-15)
    counts[0] += 10**9
    assert fleiss_kappa(counts) == pytest.approx(pooled, abs=1e-6)


def test_kappa_keeps_its_digits_in_a_real_background() -> None:
    """One disputed voxel among 200 marked, in 16.6 million: exact to the 12th digit, against whole numbers."""
    n, one, both = 16_588_800, 1, 200
    disagreement = one * n * 4 * n / ((one + 2 * both) * (2 * n - one - 2 * both) * 2 * n)
    assert fleiss_kappa(np.array([n - one - both, one, 0, both])) == pytest.approx(1 - disagreement, abs=1e-12)


@given(masks=MASKS)
def test_any_masks_agree_with_the_libraries(masks: list[np.ndarray]) -> None:
    """2 to 12 annotators: Dice as the definition, kappa as statsmodels; NaN where it is undefined."""
    counts = count_votes(masks).counts
    dice = pairwise_dice(counts)
    for i, j in combinations(range(len(masks)), 2):
        assert dice[i, j] == pytest.approx(plain_dice(masks[i], masks[j]), abs=1e-15, nan_ok=True)
    share = np.mean([mask > 0 for mask in masks])
    if 0 < share < 1:
        assert fleiss_kappa(counts) == pytest.approx(plain_kappa(masks), abs=1e-12)
    else:
        assert np.isnan(fleiss_kappa(counts))


@given(masks=MASKS, seed=st.integers(0, 99))
def test_the_order_of_annotators_and_of_voxels_does_not_matter(masks: list[np.ndarray], seed: int) -> None:
    """Permuted annotators permute the Dice table and leave kappa; a mirrored scan changes nothing."""
    order = np.random.default_rng(seed).permutation(len(masks))
    straight, turned = count_votes(masks).counts, count_votes([masks[r][::-1] for r in order]).counts
    np.testing.assert_allclose(pairwise_dice(turned), pairwise_dice(straight)[np.ix_(order, order)], rtol=1e-15)
    assert fleiss_kappa(turned) == pytest.approx(fleiss_kappa(straight), abs=1e-12, nan_ok=True)


@given(masks=MASKS)
def test_dice_is_symmetric_and_in_its_range(masks: list[np.ndarray]) -> None:
    """Between 0 and 1; 1 with itself unless empty; kappa is at most 1."""
    counts = count_votes(masks).counts
    dice = pairwise_dice(counts)
    np.testing.assert_array_equal(dice, dice.T)
    known = dice[np.isfinite(dice)]
    assert ((known >= 0) & (known <= 1)).all()
    assert [value == 1 for value in np.diag(dice)] == [bool(mask.any()) for mask in masks]
    assert not fleiss_kappa(counts) > 1


def test_empty_masks() -> None:
    """Both empty: NaN. One empty: 0. Kappa is NaN if nobody marked anything, all marked all, or there is no voxel."""
    empty, full = np.zeros(SHAPE, np.uint8), np.ones(SHAPE, np.uint8)
    some = empty.copy()
    some[0] = 1
    dice = pairwise_dice(count_votes([empty, empty, some]).counts)
    assert np.isnan(dice[0, 1])
    assert dice[0, 2] == 0
    for masks in ([empty] * 3, [full] * 3):
        assert np.isnan(fleiss_kappa(count_votes(masks).counts))
    assert np.isnan(fleiss_kappa(count_votes([empty] * 3).box_counts))


def test_one_annotator_agrees_with_nobody() -> None:
    """Dice with oneself is 1, kappa is undefined."""
    counts = np.array([10, 5])
    assert pairwise_dice(counts).tolist() == [[1]]
    assert np.isnan(fleiss_kappa(counts))


def test_rmse_divides_by_the_annotators_who_saw_the_scan() -> None:
    """Volumes 3, 4, 5: root of 2/3. One who missed it has 0: 0, 3 gives 1.5. One who did not see it does not count."""
    volumes = np.array([[3, 4, 5], [0, 3, np.nan], [2, np.nan, np.nan], [np.nan] * 3])
    np.testing.assert_allclose(volume_rmse(volumes), [np.sqrt(2 / 3), 1.5, 0, np.nan])
    np.testing.assert_allclose(mean_volume(volumes), [4, 1.5, 2, np.nan])


@given(volumes=arrays(float, st.tuples(st.integers(0, 4), st.integers(1, 12)), elements=st.floats(0, 1e4)))
def test_rmse_is_the_population_standard_deviation(volumes: np.ndarray) -> None:
    """With everybody present it is numpy's std with divisor R."""
    np.testing.assert_allclose(volume_rmse(volumes), volumes.std(axis=-1), rtol=1e-9, atol=1e-9)


def test_an_outsider_who_is_just_as_good_errs_1_41_times_more() -> None:
    """sqrt((1 + 1/R) / ((R - 1) / R)) for R = 3 is 1.414: members sit inside their own mean."""
    rng = np.random.default_rng(0)
    volumes = rng.normal(100, 5, (200_000, 4))
    inside = volume_rmse(volumes[:, :3])
    outside = volumes[:, 3] - mean_volume(volumes[:, :3])
    assert np.sqrt(np.mean(outside**2) / np.mean(inside**2)) == pytest.approx(np.sqrt(2), rel=0.01)
