"""STAPLE on vote counts: by hand, by property, against SimpleITK on random, nested and real masks.

SimpleITK keeps its weights in float32 and stops when they change no more: with two annotators, where the steps
are small, that is early. So its posteriors are compared with a tolerance, its masks voxel by voxel, and a plain EM
over all voxels in float64, and one over patterns in 60 digits, stand beside it. An even number of nested masks is a
balance that SimpleITK's rounding tips: there the exact EM is the oracle.
"""

from collections.abc import Sequence
from decimal import Decimal, getcontext
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.numerics.staple import Staple, staple
from murinoma.numerics.votes import count_votes
from tests.builders import box, three_masks

COUNTS = (
    st.integers(1, 4)
    .flatmap(lambda n: arrays(np.int64, 2**n, elements=st.one_of(st.sampled_from([0, 1]), st.integers(0, 10**7))))
    .filter(lambda counts: counts.sum() > 0)
)
ITK_TOLERANCE = 1e-3
ITK_TOLERANCE_OF_TWO = 0.1


def by_itk(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return SimpleITK's posterior of every voxel."""
    images = [sitk.GetImageFromArray((mask > 0).astype(np.uint8)) for mask in masks]
    return np.asarray(sitk.GetArrayFromImage(sitk.STAPLE(images, 1)))


def by_plain_em(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return the posterior of every voxel by Warfield's equations, one voxel at a time, in float64."""
    marks = np.array([mask.ravel() > 0 for mask in masks])
    prior = marks.mean()
    p = q = np.full(len(masks), 0.99999)
    for _ in range(10_000):
        tumor = prior * np.prod(np.where(marks, p[:, None], 1 - p[:, None]), axis=0)
        other = (1 - prior) * np.prod(np.where(marks, 1 - q[:, None], q[:, None]), axis=0)
        weight = tumor / (tumor + other)
        before = np.r_[p, q]
        p, q = (marks * weight).sum(axis=1) / weight.sum(), (~marks * (1 - weight)).sum(axis=1) / (1 - weight).sum()
        if np.abs(np.r_[p, q] - before).max() <= 1e-9:
            break
    return np.asarray(weight).reshape(masks[0].shape)


def by_exact_em(counts: np.ndarray) -> np.ndarray:
    """Return the posterior of every pattern by the same equations in 60 digits: no rounding decides anything."""
    getcontext().prec = 60
    n = counts.size.bit_length() - 1
    weights = {code: Decimal(int(counts[code])) for code in np.flatnonzero(counts).tolist()}
    total = sum(weights.values(), Decimal(0))
    prior = sum((weight * code.bit_count() for code, weight in weights.items()), Decimal(0)) / (total * n)
    shares = {(r, marked): Decimal("0.99999") for r in range(n) for marked in (True, False)}
    posterior: dict[int, Decimal] = {}
    for _ in range(30):
        for code in weights:
            tumor, other = prior, 1 - prior
            for r in range(n):
                marked = bool(code >> r & 1)
                tumor *= shares[r, True] if marked else 1 - shares[r, True]
                other *= 1 - shares[r, False] if marked else shares[r, False]
            posterior[code] = tumor / (tumor + other)
        of_tumor = {code: weight * posterior[code] for code, weight in weights.items()}
        of_other = {code: weight - of_tumor[code] for code, weight in weights.items()}
        for r in range(n):
            hits = sum((value for code, value in of_tumor.items() if code >> r & 1), Decimal(0))
            misses = sum((value for code, value in of_other.items() if not code >> r & 1), Decimal(0))
            shares[r, True], shares[r, False] = hits / sum(of_tumor.values()), misses / sum(of_other.values())
    return np.array([float(posterior.get(code, 0)) for code in range(counts.size)])


def by_us(masks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return our posterior of every voxel, and the consensus mask."""
    votes = count_votes(masks)
    result = staple(votes.counts)
    posterior, mask = np.full(votes.shape, result.posterior[0]), np.zeros(votes.shape, bool)
    posterior[votes.box] = result.posterior[votes.codes]
    mask[votes.box] = result.foreground[votes.codes]
    return posterior, mask


def lumpy(rng: np.random.Generator, n: int, shape: tuple[int, int, int] = (24, 26, 28)) -> list[np.ndarray]:
    """Return balls whose centre and radius differ between annotators, with noise on the rim."""
    grid = np.indices(shape)
    masks = []
    for _ in range(n):
        centre = np.array(shape) / 2 + rng.normal(0, 0.8, 3)
        depth = rng.normal(8, 0.6) - np.sqrt(((grid - centre[:, None, None, None]) ** 2).sum(axis=0))
        masks.append((depth + rng.normal(0, 0.7, shape) > 0).astype(np.uint8))
    return masks


# by hand


def test_three_who_agree_are_the_consensus() -> None:
    """Everybody marks the same 100 of 1000 voxels: that is it, with sensitivity, specificity and precision 1."""
    result = staple(np.array([900, 0, 0, 0, 0, 0, 0, 100]))
    assert result.foreground.tolist() == [False] * 7 + [True]
    for share in (result.sensitivity, result.specificity, result.precision):
        np.testing.assert_allclose(share, 1)
    assert result.prior == pytest.approx(0.1)
    assert result.converged


def test_two_against_one_win_among_equals() -> None:
    """Symmetric annotators: a voxel that two of three marked is tumor, one vote is not."""
    result = staple(np.array([10_000, 10, 10, 10, 10, 10, 10, 300]))
    assert result.foreground.tolist() == [False, False, False, True, False, True, True, True]
    assert np.ptp(result.sensitivity) < 1e-12


def test_the_shares_follow_from_the_posterior() -> None:
    """Sensitivity, specificity and precision are the shares that their names say, weighted by the posterior."""
    counts = np.array([5000, 20, 30, 40, 10, 50, 60, 700])
    result = staple(counts)
    marks = np.array([[code >> r & 1 for r in range(3)] for code in range(8)], bool)
    tumor, other = counts * result.posterior, counts * (1 - result.posterior)
    np.testing.assert_allclose(result.sensitivity, tumor @ marks / tumor.sum(), atol=1e-8)
    np.testing.assert_allclose(result.specificity, other @ ~marks / other.sum(), atol=1e-8)
    np.testing.assert_allclose(result.precision, tumor @ marks / (counts @ marks), atol=1e-8)


# edge cases


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_all_masks_empty_is_an_empty_consensus(n: int) -> None:
    """No tumor, and nothing known of the annotators."""
    counts = np.zeros(2**n, np.int64)
    counts[0] = 1000
    result = staple(counts)
    assert not result.foreground.any()
    assert np.isnan(result.sensitivity).all()
    assert result.prior == 0


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_scan_marked_throughout_is_all_tumor(n: int) -> None:
    """The prior is 1: every voxel is tumor, specificity is unknown."""
    counts = np.zeros(2**n, np.int64)
    counts[-1] = 1000
    result = staple(counts)
    assert result.foreground.tolist() == [False] * (2**n - 1) + [True]
    assert np.isnan(result.specificity).all()


def test_one_empty_mask_among_three() -> None:
    """Two agree, the third marked nothing: the two win, the third has sensitivity 0 and no precision."""
    result = staple(np.array([900, 0, 0, 100, 0, 0, 0, 0]))
    assert result.foreground.nonzero()[0].tolist() == [3]
    assert result.sensitivity[2] == pytest.approx(0, abs=1e-6)
    assert np.isnan(result.precision[2])


def test_two_nested_masks_tie_and_the_tie_is_tumor() -> None:
    """48 voxels in 64: a voxel of the outer mask alone has a posterior of one half, which counts as tumor."""
    masks = list(three_masks().values())[:2]
    posterior, mask = by_us(masks)
    only_outer = (masks[1] > 0) & (masks[0] == 0)
    np.testing.assert_allclose(posterior[only_outer], 0.5, atol=1e-4)
    np.testing.assert_array_equal(mask, masks[1] > 0)


@settings(max_examples=40)
@given(counts=COUNTS)
@example(counts=np.array([51, 51, 51, 0, 51, 51, 51, 0, 51, 51, 51, 51, 51, 1, 51, 0]))  # rounds beyond 1
def test_any_counts_give_a_consensus_without_a_warning(counts: np.ndarray) -> None:
    """No 0 / 0, no overflow; probabilities in 0..1; the pattern that nobody marked is never tumor."""
    result = staple(counts)
    assert ((result.posterior >= 0) & (result.posterior <= 1)).all()
    assert not result.foreground[0]
    assert (result.posterior[counts == 0] == 0).all()
    for share in (result.sensitivity, result.specificity, result.precision):
        known = share[np.isfinite(share)]
        assert ((known >= 0) & (known <= 1)).all()


@settings(max_examples=25)
@given(counts=COUNTS, seed=st.integers(0, 99))
def test_the_order_of_annotators_does_not_matter(counts: np.ndarray, seed: int) -> None:
    """Permuted annotators permute their performance and leave the consensus."""
    n = counts.size.bit_length() - 1
    order = np.random.default_rng(seed).permutation(n)
    code = np.arange(counts.size)
    turned = sum((code >> int(old) & 1) << new for new, old in enumerate(order))
    moved = np.zeros_like(counts)
    moved[turned] = counts
    straight, permuted = staple(counts), staple(moved)
    assume(straight.converged and permuted.converged)
    np.testing.assert_allclose(permuted.sensitivity, straight.sensitivity[order], atol=1e-5)
    clear = np.abs(straight.posterior - 0.5) > 1e-3
    np.testing.assert_array_equal(permuted.foreground[turned][clear], straight.foreground[clear])


# against SimpleITK


@pytest.mark.parametrize("n", [2, 3, 4, 6, 9, 12])
@pytest.mark.parametrize("seed", range(3))
def test_lumpy_masks_have_itks_consensus(n: int, seed: int) -> None:
    """2 to 12 annotators of one tumor: the same mask, posteriors within 1e-3 (two annotators: 0.1)."""
    masks = lumpy(np.random.default_rng(seed), n)
    posterior, mask = by_us(masks)
    theirs = by_itk(masks)
    np.testing.assert_allclose(posterior, theirs, atol=ITK_TOLERANCE_OF_TWO if n == 2 else ITK_TOLERANCE)
    np.testing.assert_array_equal(mask, theirs >= 0.5)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_counting_patterns_is_the_same_as_going_over_all_voxels(n: int) -> None:
    """A plain EM over every voxel gives the same posteriors to 1e-6, also for two annotators."""
    masks = lumpy(np.random.default_rng(n), n, (16, 17, 18))
    np.testing.assert_allclose(by_us(masks)[0], by_plain_em(masks), atol=1e-6)


@pytest.mark.parametrize("sizes", [(3, 4, 5), (2, 3, 4, 5), (3, 3, 4), (3, 5, 5)])
def test_nested_masks_have_itks_consensus(sizes: tuple[int, ...]) -> None:
    """Boxes within boxes: patterns that do not occur must not enter."""
    masks = [box((10, 10, 10), (2, 6), (2, 6), (2, 2 + size)) for size in sizes]
    posterior, mask = by_us(masks)
    theirs = by_itk(masks)
    np.testing.assert_allclose(posterior, theirs, atol=ITK_TOLERANCE)
    np.testing.assert_array_equal(mask, theirs >= 0.5)


@pytest.mark.parametrize("seed", range(8))
def test_random_masks_have_itks_consensus(seed: int) -> None:
    """Noise of any density, three annotators who share a part of it."""
    rng = np.random.default_rng(seed)
    truth = rng.random((12, 12, 12)) < rng.uniform(0.05, 0.5)
    masks = [np.where(rng.random(truth.shape) < rng.uniform(0.02, 0.25), ~truth, truth) for _ in range(3)]
    posterior, mask = by_us(masks)
    theirs = by_itk(masks)
    np.testing.assert_allclose(posterior, theirs, atol=ITK_TOLERANCE)
    np.testing.assert_array_equal(mask, theirs >= 0.5)


def test_four_nested_masks_have_the_exact_consensus_where_itk_rounds() -> None:
    """Boxes of 3, 3, 4 and 8 slices: what only the outer two marked is no tumor in 60 digits; SimpleITK says it is."""
    masks = [box((12, 12, 14), (2, 8), (2, 8), (2, 2 + size)) for size in (3, 3, 4, 8)]
    counts = count_votes(masks).counts
    exact = by_exact_em(counts)
    np.testing.assert_allclose(staple(counts).posterior, exact, atol=1e-9)
    outer_two = (masks[2] > 0) & (masks[1] == 0)
    assert exact[0b1100] < 1e-9
    assert not by_us(masks)[1][outer_two].any()
    assert by_itk(masks)[outer_two].min() > 0.99


@pytest.mark.parametrize(
    "counts",
    [
        [5000, 20, 30, 40, 10, 50, 60, 700],
        [5000, 2, 3, 4, 1, 5, 6, 700],
        [10_000, 10, 10, 10, 10, 10, 10, 300],
        [900, 0, 0, 100, 0, 0, 0, 0],
    ],
)
def test_the_posterior_is_that_of_60_digits(counts: list[int]) -> None:
    """Where the steps end within 30, float64 loses nothing that counts."""
    np.testing.assert_allclose(staple(np.array(counts)).posterior, by_exact_em(np.array(counts)), atol=1e-7)


def real_scans(shared_data: Path) -> dict[str, list[np.ndarray]]:
    """Return the masks of every real scan, read by nibabel."""
    found: dict[str, list[np.ndarray]] = {}
    for path in sorted(shared_data.glob("*_study/**/Annotator_*.nii.gz")):
        image: Any = nib.load(path)
        found.setdefault(str(path.parent), []).append(np.ascontiguousarray(np.asanyarray(image.dataobj).T))
    return found


def test_real_masks_have_itks_consensus(shared_data: Path) -> None:
    """20 nodules by four people and one mouse tumor by two: the same masks, posteriors within 1e-3 (two: 0.1)."""
    scans = real_scans(shared_data)
    assert len(scans) == 21
    for folder, masks in scans.items():
        posterior, mask = by_us(masks)
        theirs = by_itk(masks)
        tolerance = ITK_TOLERANCE_OF_TWO if len(masks) == 2 else ITK_TOLERANCE
        np.testing.assert_allclose(posterior, theirs, atol=tolerance, err_msg=folder)
        np.testing.assert_array_equal(mask, theirs >= 0.5, err_msg=folder)


def test_the_result_says_how_it_was_reached() -> None:
    """Steps and convergence are kept."""
    result: Staple = staple(np.array([5000, 20, 30, 40, 10, 50, 60, 700]))
    assert result.converged
    assert 1 < result.iterations < 1000
