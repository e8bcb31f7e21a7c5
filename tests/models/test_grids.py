"""Grids: nothing shifts, nothing is lost at the edges, and the way back ends where it began."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from murinoma.models.grids import Grid, axis_weights, carry, covering_box, grid_at, image_grid

SIZES = st.integers(1, 40)


@given(n_from=SIZES, n_to=SIZES)
def test_a_constant_stays_constant(n_from: int, n_to: int) -> None:
    """Every row of weights adds up to 1, and none is negative."""
    weights = axis_weights(n_from, n_to).toarray()
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert (weights >= 0).all()


@given(n_from=st.integers(2, 40), n_to=st.integers(2, 40))
def test_a_ramp_stays_where_it_is(n_from: int, n_to: int) -> None:
    """Positions carried as values: away from the outermost half voxels they are the target's own centres."""
    centres = (np.arange(n_from) + 0.5) / n_from
    carried = axis_weights(n_from, n_to) @ centres
    expected = (np.arange(n_to) + 0.5) / n_to
    if n_to <= n_from:
        # the mean of a voxelised ramp over a cell cut anywhere is off by less than an eighth of a fine voxel
        assert np.abs(carried - expected).max() <= 0.126 / n_from
    else:
        assert np.allclose(carried, np.clip(expected, centres[0], centres[-1]), atol=1e-6)


@given(n_from=SIZES, n_to=SIZES)
def test_means_keep_the_total(n_from: int, n_to: int) -> None:
    """Carried to coarser voxels an axis keeps its mean: mass neither vanishes nor appears at the edges."""
    values = np.random.default_rng(n_from).normal(size=n_from)
    if n_to <= n_from:
        assert (axis_weights(n_from, n_to) @ values).mean() == pytest.approx(values.mean(), abs=1e-5)


@pytest.mark.parametrize("spacing_mm", [0.1, 0.195, 0.21, 0.3, 0.5])
def test_a_sphere_comes_back_in_place_and_size(spacing_mm: float) -> None:
    """There (0.21 mm) and back: the image's own shape, centre within a fiftieth of a voxel, volume within 2 %."""
    shape = (61, 47, 52)
    grid = image_grid(shape, (spacing_mm,) * 3)
    fine = grid_at(grid, 0.21)
    at = np.indices(shape) - np.array([33.3, 21.7, 27.1]).reshape(3, 1, 1, 1)
    sphere = (np.sqrt((at**2).sum(axis=0)) < 13).astype(np.float32)
    there = carry(sphere, grid.whole, grid, fine, fine.whole)
    back = carry(there, fine.whole, fine, grid, grid.whole)
    assert back.shape == shape
    centre, expected = (np.array(ndimage.center_of_mass(image)) for image in (back, sphere))
    assert np.abs(centre - expected).max() < 0.02
    assert (back > 0.5).sum() == pytest.approx(sphere.sum(), rel=0.02)


@given(data=st.data())
def test_a_part_is_the_part_of_the_whole(data: st.DataObject) -> None:
    """What is carried into a box is what lies there when all is carried."""
    n_from, n_to = data.draw(st.integers(4, 12)), data.draw(st.integers(4, 12))
    image = np.random.default_rng(0).normal(size=(n_from, 3, 5))
    source, target = Grid((n_from, 3, 5), (1.0, 1.0, 1.0)), Grid((n_to, 3, 4), (1.0, 1.0, 1.0))
    start = data.draw(st.integers(0, n_to - 2))
    box = (slice(start, data.draw(st.integers(start + 1, n_to))), slice(1, 3), slice(0, 4))
    whole = carry(image, source.whole, source, target, target.whole)
    assert np.allclose(carry(image, source.whole, source, target, box), whole[box], atol=1e-6)


def test_beyond_what_is_held_there_is_nothing() -> None:
    """One voxel of 1 is held; the others of the target are 0."""
    grid = Grid((1, 1, 4), (1, 1, 4))
    held = (slice(0, 1), slice(0, 1), slice(2, 3))
    assert carry(np.ones((1, 1, 1)), held, grid, grid, grid.whole).ravel().tolist() == [0, 0, 1, 0]


def test_grids_of_odd_sizes_share_their_edges() -> None:
    """450 voxels of 0.21 mm are 112 of 0.84375 mm: the extent is the image's, not a multiple of 0.84."""
    scan = image_grid((450, 193, 191), (0.21, 0.21, 0.21))
    coarse = grid_at(scan, 0.84)
    assert coarse.shape == (112, 48, 48)
    assert coarse.extent_mm == scan.extent_mm
    assert coarse.spacing_mm[0] == pytest.approx(0.84375)


@given(start=st.integers(0, 10), length=st.integers(1, 10), n_to=st.integers(1, 60))
def test_a_covering_box_covers(start: int, length: int, n_to: int) -> None:
    """Both faces lie on or outside the box, by less than one voxel."""
    source, target = Grid((20,) * 3, (1.0,) * 3), Grid((n_to,) * 3, (1.0,) * 3)
    covering = covering_box((slice(start, start + length),) * 3, source, target)[0]
    low, high = start / 20, (start + length) / 20
    assert covering.start / n_to <= low + 1e-9 < (covering.start + 1) / n_to + 2e-9
    assert (covering.stop - 1) / n_to - 2e-9 < high - 1e-9 <= covering.stop / n_to
