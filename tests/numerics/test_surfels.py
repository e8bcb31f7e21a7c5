"""Areas of surface elements: by hand, by symmetry, and against the table of surface-distance."""

import numpy as np
import pytest
from surface_distance import lookup_tables

from murinoma.numerics.surfels import CORNERS, surfel_areas

SPACINGS = ((1.0, 1.0, 1.0), (0.21, 0.21, 0.21), (3.0, 0.59, 0.61), (0.3, 0.7, 2.1))


def cube(*corners: tuple[int, int, int]) -> int:
    """Return the number of the cube in which these corners are marked."""
    return sum(1 << index for index, corner in enumerate(CORNERS.tolist()) if tuple(corner) in corners)


def test_cubes_by_hand() -> None:
    """In voxels of 4 x 2 x 1 mm: a corner, an edge, a face, and nothing where all or no corners are marked."""
    areas = surfel_areas((4.0, 2.0, 1.0))
    # the corner's triangle has its vertices 2, 1 and 0.5 mm from the corner along z, y and x
    assert areas[cube((0, 0, 0))] == pytest.approx(np.sqrt((1 * 0.5) ** 2 + (2 * 0.5) ** 2 + (2 * 1) ** 2) / 2)
    # an edge along x: a rectangle, as long as the voxel, between points 2 mm along z and 1 mm along y
    assert areas[cube((0, 0, 0), (0, 0, 1))] == pytest.approx(1 * np.hypot(2, 1))
    assert areas[cube((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1))] == pytest.approx(2 * 1)
    assert areas[[0, 255]].tolist() == [0, 0]


def test_a_diagonal_of_two_corners_counts_as_two_triangles() -> None:
    """Marked corners that share no edge are separate parts."""
    areas = surfel_areas((1.0, 1.0, 1.0))
    triangle = areas[cube((0, 0, 0))]
    assert areas[cube((0, 0, 0), (0, 1, 1))] == pytest.approx(2 * triangle)
    assert areas[cube((0, 0, 0), (1, 1, 1))] == pytest.approx(2 * triangle)
    assert areas[cube((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))] == pytest.approx(4 * triangle)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_the_other_side_of_a_surface_has_its_area(spacing_mm: tuple[float, float, float]) -> None:
    """Marked and unmarked exchanged, or the cube mirrored through its centre: the same area."""
    areas = surfel_areas(spacing_mm)
    np.testing.assert_allclose(areas[::-1], areas, rtol=1e-14)
    mirrored = [int(f"{code:08b}"[::-1], 2) for code in range(256)]
    np.testing.assert_allclose(areas[mirrored], areas, rtol=1e-14)


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_all_areas_equal_those_of_surface_distance(spacing_mm: tuple[float, float, float]) -> None:
    """The library counts corners from the other end of the cube."""
    theirs = lookup_tables.create_table_neighbour_code_to_surface_area(spacing_mm)
    ours = surfel_areas(spacing_mm)
    weights = lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL.ravel()
    codes = [int(weights[(code >> np.arange(8) & 1).astype(bool)].sum()) for code in range(256)]
    np.testing.assert_allclose(ours, theirs[codes], rtol=1e-12)
