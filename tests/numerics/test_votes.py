"""Vote patterns: counted by hand, by a plain loop, and what follows from them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.votes import (
    annotators_of,
    count_votes,
    majority_patterns,
    patterns,
    vote_entropy,
    vote_share,
)

SHAPE = (3, 4, 2)
MASKS = st.lists(arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 0, 1, 2])), min_size=1, max_size=12)


def test_patterns_by_hand() -> None:
    """Three annotators, six voxels: nobody, A, B, A and B, C, all; bit r belongs to annotator r."""
    a, b, c = (np.array([[row]]) for row in ([0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 0, 1], [0, 0, 0, 0, 1, 1]))
    votes = count_votes([a, b, c])
    assert votes.counts.tolist() == [1, 1, 1, 1, 1, 0, 0, 1]
    assert votes.codes.tolist() == [[[1, 2, 3, 4, 7]]]
    assert votes.box == (slice(0, 1), slice(0, 1), slice(1, 6))
    assert votes.box_counts.tolist() == [0, 1, 1, 1, 1, 0, 0, 1]
    assert votes.shape == (1, 1, 6)


@given(masks=MASKS)
def test_the_counts_are_those_of_a_plain_loop(masks: list[np.ndarray]) -> None:
    """For 1 to 12 annotators; any value above 0 is a mark; the box holds all marks; inputs stay untouched."""
    before = [mask.copy() for mask in masks]
    votes = count_votes(masks)
    loop = Counter(sum(1 << r for r, mask in enumerate(masks) if mask[voxel] > 0) for voxel in np.ndindex(*SHAPE))
    assert votes.counts.tolist() == [loop[code] for code in range(2 ** len(masks))]
    assert int(votes.counts.sum()) == np.prod(SHAPE)
    whole = np.zeros(SHAPE, int)
    whole[votes.box] = votes.codes
    for r, mask in enumerate(masks):
        np.testing.assert_array_equal(whole >> r & 1, mask > 0)
    assert int(votes.box_counts.sum()) == votes.codes.size
    np.testing.assert_array_equal(before, masks)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.uint16, np.float32])
def test_a_mask_of_any_type_votes(dtype: type) -> None:
    """Bool, integer and float masks give the same counts, also as views that are not contiguous."""
    mask: np.ndarray = np.array([[[0, 1], [1, 1]]]).astype(dtype)
    assert count_votes([mask, mask.transpose(0, 2, 1)]).counts.tolist() == [1, 0, 0, 3]


@pytest.mark.parametrize("n", [1, 3, 8, 9, 12])
def test_empty_masks_show_one_pattern(n: int) -> None:
    """Nobody marked anything: all voxels are pattern 0, the box is empty."""
    votes = count_votes([np.zeros(SHAPE, np.uint8)] * n)
    assert votes.counts[0] == np.prod(SHAPE)
    assert votes.counts[1:].sum() == 0
    assert votes.codes.size == 0
    assert votes.box_counts.sum() == 0


def test_too_many_or_no_annotators_are_refused() -> None:
    """The limit is 12: 2^R patterns are counted."""
    for n in (0, 13):
        with pytest.raises(InputError, match=f"{n} annotators"):
            count_votes([np.zeros(SHAPE, np.uint8)] * n)


def test_masks_of_different_shapes_are_refused() -> None:
    """The error names the shapes; a plane is no scan."""
    with pytest.raises(GeometryError, match=r"\(3, 4, 2\).*\(3, 4, 3\)"):
        count_votes([np.zeros((3, 4, 3)), np.zeros(SHAPE)])
    with pytest.raises(GeometryError, match=r"\(3, 4\)"):
        count_votes([np.zeros((3, 4))])


@pytest.mark.parametrize("n", range(1, 13))
def test_majority_share_and_entropy_follow_the_number_of_votes(n: int) -> None:
    """More than half is a majority, a tie is not; entropy is scipy's, in bits."""
    votes = [bin(code).count("1") for code in range(2**n)]
    assert annotators_of(np.zeros(2**n, np.int64)) == n
    assert patterns(n).sum(axis=1).tolist() == votes
    assert majority_patterns(n).tolist() == [2 * v > n for v in votes]
    np.testing.assert_allclose(vote_share(n), np.array(votes) / n)
    np.testing.assert_allclose(vote_entropy(n), [stats.entropy([v / n, 1 - v / n], base=2) for v in votes], atol=1e-15)


def test_the_shared_table_of_patterns_cannot_be_changed() -> None:
    """It is made once and handed to everybody."""
    with pytest.raises(ValueError, match="read-only"):
        patterns(3)[0, 0] = True
