"""Tiles: they cover, they blend to what one pass gives, and they shrink when memory is short."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from murinoma.errors import MurinomaError
from murinoma.models.tiles import TileRules, probabilities, tile_boxes
from tests.models.small_models import BrightNetwork


@given(size=st.integers(1, 100), side=st.integers(4, 40), overlap=st.integers(0, 3))
def test_tiles_cover_and_overlap(size: int, side: int, overlap: int) -> None:
    """Neighbours overlap as asked, none is longer than asked, the ends are the image's."""
    axis = [box[0] for box in tile_boxes((size, 1, 1), side, overlap)]
    assert axis[0].start == 0
    assert axis[-1].stop == size
    assert all(part.stop - part.start == min(side, size) for part in axis)
    assert all(one.stop - other.start >= overlap for one, other in pairwise(axis))


def test_tiled_is_as_in_one_piece() -> None:
    """A network that looks at single voxels gives the same, tiled or not, at sides that no tile divides."""
    image = np.random.default_rng(0).normal(0, 0.1, (37, 50, 21)).astype(np.float32)
    expected = special.expit(100 * (image - np.float32(0.2)))
    network = BrightNetwork(heads=2)
    for side in (16, 32, 64):
        found = probabilities(network, image[None], TileRules(side=side, overlap=8))
        assert found.shape == (2, 37, 50, 21)
        assert np.allclose(found, expected, atol=1e-5)
    assert {length % 16 for shape in network.shapes for length in shape} == {0}


def test_short_of_memory_tiles_get_smaller() -> None:
    """Room for 40^3 voxels: tiles of 128 and 64 are refused, those of 32 give the same as one piece."""
    image = np.random.default_rng(0).normal(0, 0.1, (96, 64, 64)).astype(np.float32)
    network = BrightNetwork(heads=1, room=40**3)
    found = probabilities(network, image[None], TileRules())
    assert np.allclose(found[0], special.expit(100 * (image - np.float32(0.2))), atol=1e-5)
    assert max(max(shape) for shape in network.shapes) == 32


def test_no_memory_at_all_is_one_sentence() -> None:
    """What happened and what to do."""
    with pytest.raises(MurinomaError, match="out of memory: not even 32x32x32 voxels"):
        probabilities(BrightNetwork(room=10), np.zeros((1, 40, 40, 40), np.float32), TileRules())
