"""Bounding boxes: the smallest box, and nothing lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

from murinoma.numerics.boxes import EMPTY_BOX, positive_box, union_box

MASKS = arrays(np.uint8, array_shapes(min_dims=3, max_dims=3, max_side=6), elements=st.sampled_from([0, 0, 0, 1, 200]))


def test_one_voxel_is_its_own_box() -> None:
    """Voxel (1, 2, 3) of 4 x 4 x 4."""
    mask = np.zeros((4, 4, 4), bool)
    mask[1, 2, 3] = True
    assert positive_box(mask) == (slice(1, 2), slice(2, 3), slice(3, 4))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int16, np.float32])
def test_an_empty_mask_has_an_empty_box(dtype: type) -> None:
    """No voxel above 0, in any type; negative values do not count; no voxel at all neither."""
    assert positive_box(np.zeros((3, 4, 5), dtype)) == EMPTY_BOX
    assert positive_box(np.zeros((0, 4, 5), dtype)) == EMPTY_BOX
    if dtype is not bool and np.dtype(dtype).kind != "u":
        assert positive_box(np.full((3, 4, 5), -1, dtype)) == EMPTY_BOX


@given(mask=MASKS)
def test_the_box_is_scipys(mask: np.ndarray) -> None:
    """Scipy's find_objects gives the same box, in any memory order."""
    found = ndimage.find_objects((mask > 0).astype(int))
    expected = found[0] if found else EMPTY_BOX
    assert positive_box(mask) == expected
    assert positive_box(np.asfortranarray(mask)) == expected
    assert positive_box(mask[::-1][::-1]) == expected


@given(masks=st.lists(arrays(np.uint8, (4, 5, 3), elements=st.sampled_from([0, 0, 0, 0, 1])), max_size=4))
def test_the_box_of_all_masks_is_the_box_of_their_union(masks: list[np.ndarray]) -> None:
    """Joining boxes is the same as joining masks first."""
    union = np.any([np.zeros((4, 5, 3), bool), *masks], axis=0)
    assert union_box([positive_box(mask) for mask in masks]) == positive_box(union)
