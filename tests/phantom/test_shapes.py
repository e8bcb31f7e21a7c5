"""Solids and random fields: by hand, and the same at every resolution."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murinoma.phantom.shapes import (
    Capsule,
    Ellipsoid,
    Grid,
    capsule_depth,
    coverage,
    ellipsoid_depth,
    paint,
    rounded_maximum,
    smooth_field,
    solid_box,
)

WHOLE = (slice(None), slice(None), slice(None))


def test_the_depth_in_a_rod_is_counted_from_its_surface() -> None:
    """On the axis of a rod of radius 2 mm the depth is 2 mm, 3 mm beside it -1 mm, 1 mm beyond its end 1 mm."""
    grid = Grid((1, 4, 7), 1.0)
    rod = Capsule((0, 0, 0), (0, 0, 5), (2.0, 2.0))
    depth = capsule_depth(grid, WHOLE, rod)
    assert depth[0, 0, 2] == pytest.approx(2)
    assert depth[0, 3, 2] == pytest.approx(-1)
    assert depth[0, 0, 6] == pytest.approx(1)


def test_a_rod_can_taper() -> None:
    """Half way between ends of 3 mm and 1 mm a rod has a radius of 2 mm."""
    grid = Grid((1, 1, 5), 1.0)
    depth = capsule_depth(grid, WHOLE, Capsule((0, 0, 0), (0, 0, 4), (3.0, 1.0)))
    np.testing.assert_allclose(depth[0, 0], [3, 2.5, 2, 1.5, 1])


def test_a_shell_is_hollow() -> None:
    """Of an ellipsoid with a wall only the wall is solid, not the centre."""
    grid = Grid((11, 11, 11), 1.0)
    shell = Ellipsoid((5, 5, 5), (4, 4, 4), wall_mm=1.0)
    depth = ellipsoid_depth(grid, WHOLE, shell)
    assert depth[5, 5, 5] < 0
    assert depth[5, 5, 8] > 0 or depth[5, 5, 9] >= 0


def test_half_a_voxel_is_covered_at_the_surface() -> None:
    """A voxel centred on a surface is half inside; half a voxel deeper it is whole."""
    np.testing.assert_allclose(coverage(np.array([-0.1, 0.0, 0.1], dtype=np.float32), 0.2), [0, 0.5, 1])


@pytest.mark.parametrize("spacing_mm", [0.2, 0.4])
def test_a_painted_ball_has_its_volume_at_any_resolution(spacing_mm: float) -> None:
    """A ball of 2 mm radius weighs 33.5 mm3 times its HU, within 2 %, with large and small voxels."""
    size = round(5 / spacing_mm)
    grid = Grid((size, size, size), spacing_mm)
    hu = np.zeros(grid.shape, dtype=np.float32)
    paint(hu, grid, Ellipsoid((2.4, 2.4, 2.4), (2, 2, 2), hu=100))
    assert hu.sum() * spacing_mm**3 == pytest.approx(100 * 4 / 3 * np.pi * 8, rel=0.02)


def test_what_lies_outside_the_grid_paints_nothing() -> None:
    """A solid beyond the grid leaves it as it is."""
    grid = Grid((3, 3, 3), 1.0)
    hu = np.zeros(grid.shape, dtype=np.float32)
    paint(hu, grid, Ellipsoid((50, 50, 50), (2, 2, 2), hu=100))
    assert not hu.any()
    assert hu[solid_box(grid, Capsule((-9, -9, -9), (-8, -8, -8), (1, 1)), 0.5)].size == 0


def test_a_box_of_a_grid_keeps_its_place() -> None:
    """The first voxel of a part lies where it lay in the whole grid."""
    grid = Grid((10, 10, 10), 0.5, (1.0, 2.0, 3.0))
    part = grid.part((slice(2, 5), slice(4, 10), slice(0, 1)))
    assert part == Grid((3, 6, 1), 0.5, (2.0, 4.0, 3.0))


def test_a_random_field_does_not_depend_on_the_box_or_the_voxels() -> None:
    """The same generator shows the same field in a part of the grid, and at every second voxel."""
    whole = smooth_field(Grid((8, 9, 10), 0.5), (2.0, 2.0, 2.0), rng=np.random.default_rng(3))
    part = smooth_field(Grid((2, 9, 10), 0.5, (1.0, 0.0, 0.0)), (2.0, 2.0, 2.0), rng=np.random.default_rng(3))
    coarse = smooth_field(Grid((4, 5, 5), 1.0), (2.0, 2.0, 2.0), rng=np.random.default_rng(3))
    np.testing.assert_allclose(part, whole[2:4], atol=1e-5)
    np.testing.assert_allclose(coarse, whole[::2, ::2, ::2], atol=1e-5)


def test_a_random_field_has_about_unit_variance() -> None:
    """Over a space of many control points the mean is near 0 and the SD near 1."""
    field = smooth_field(Grid((60, 60, 60), 1.0), (2.1, 2.1, 2.1), rng=np.random.default_rng(1))
    assert abs(field.mean()) < 0.1
    assert field.std() == pytest.approx(1, abs=0.1)


@given(a=st.floats(-5, 5), b=st.floats(-5, 5), blend=st.floats(0.1, 3))
@settings(deadline=None, max_examples=60)
def test_a_fillet_lies_above_both_surfaces_by_a_quarter_of_its_width_at_most(a: float, b: float, blend: float) -> None:
    """The rounded maximum is at least the maximum and at most a quarter of the blend above it."""
    first, second = np.array([a], dtype=np.float32), np.array([b], dtype=np.float32)
    lift = rounded_maximum(first, second, blend) - np.maximum(first, second)
    assert -1e-5 <= lift[0] <= blend / 4 + 1e-5
