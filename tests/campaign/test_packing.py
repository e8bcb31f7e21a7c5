"""A mask that was packed comes back voxel by voxel, and bytes that were damaged say so."""

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from murinoma.campaign.packing import as_labels, labels_sha256, marked_box, pack, unpack
from murinoma.errors import FileError, InputError

MARKED = st.sampled_from([np.bool_, np.uint8]).flatmap(
    lambda kind: arrays(kind, array_shapes(min_dims=1, max_dims=3, max_side=7), fill=st.just(kind(0)))
)


def test_a_box_is_found_and_the_rest_is_empty() -> None:
    """A mask of 192 x 192 with 4 voxels takes 34 bytes: where it is, and four bits that zlib makes 9 bytes of."""
    mask = np.zeros((192, 192), bool)
    mask[100:102, 7:9] = True
    assert marked_box(mask) == (slice(100, 102), slice(7, 9))
    assert len(pack(mask)) == 2 + 2 * 12 + 9
    assert np.array_equal(unpack(pack(mask)), mask)


@given(MARKED)
def test_what_is_packed_comes_back(marked: npt.NDArray[Any]) -> None:
    """Values, shape and type are the same, whatever the memory order."""
    for given_array in (marked, np.asfortranarray(marked), marked[::-1]):
        back = unpack(pack(given_array))
        assert back.dtype == given_array.dtype
        assert np.array_equal(back, given_array)


def test_an_empty_mask_comes_back_empty() -> None:
    """Nothing marked: no voxel is stored, the shape is."""
    back = unpack(pack(np.zeros((3, 4, 5), bool)))
    assert back.shape == (3, 4, 5)
    assert not back.any()


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 0), bool), np.zeros((), bool), np.zeros(3, np.int16)])
def test_only_masks_and_labels_are_packed(wrong: npt.NDArray[Any]) -> None:
    """Other types, an axis of no length, or a single value: refused with type and shape."""
    with pytest.raises(InputError, match="only masks"):
        pack(wrong)


@given(MARKED, st.data())
def test_damaged_bytes_are_told_or_harmless(marked: npt.NDArray[Any], data: st.DataObject) -> None:
    """Cut anywhere, the bytes are refused in one sentence."""
    packed = pack(marked)
    with pytest.raises(FileError, match="damaged"):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])


def test_labels_are_whole_numbers_of_a_byte() -> None:
    """Integers of any type become uint8; fractions and numbers beyond a byte are refused."""
    assert as_labels(np.array([0, 2, 255])).dtype == np.uint8
    assert as_labels(np.array([True])).tolist() == [1]
    for wrong in (np.array([0.5]), np.array([256]), np.array([-1])):
        with pytest.raises(InputError, match="whole numbers from 0 to 255"):
            as_labels(wrong)


def test_the_hash_is_that_of_the_voxels() -> None:
    """One byte a voxel, x fastest, whatever the memory order."""
    labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert labels_sha256(np.asfortranarray(labels)) == hashlib.sha256(bytes(range(24))).hexdigest()
