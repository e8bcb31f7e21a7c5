"""Interpolation between drawn slices: by hand, by property, on a sphere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.errors import InputError
from murinoma.numerics.interpolate import interpolate_slices

ISOTROPIC = (1.0, 1.0)


def stack(*drawings: str) -> np.ndarray:
    """Make labels (z, y, x) from drawings: rows divided by blanks, digits are labels, dots are background."""
    return np.array(
        [[[0 if voxel == "." else int(voxel) for voxel in row] for row in drawing.split()] for drawing in drawings],
        dtype=np.uint8,
    )


def ball(radius: float, shape: tuple[int, int, int], centre: tuple[float, float, float]) -> np.ndarray:
    """Make a ball of label 1, all in voxels."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    squared = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
    return (squared <= radius**2).astype(np.uint8)


SQUARE = "....... .11111. .11111. .11111. .11111. .11111. ......."
DOT = "....... ....... ....... ...1... ....... ....... ......."
EMPTY = "....... ....... ....... ....... ....... ....... ......."


def test_equal_shapes_are_joined_by_a_prism() -> None:
    """Between two equal drawn shapes every slice has that shape."""
    filled = interpolate_slices(stack(SQUARE, EMPTY, EMPTY, SQUARE), [0, 3], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled, stack(SQUARE, SQUARE, SQUARE, SQUARE))


def test_a_square_shrinks_to_a_dot_linearly_in_its_signed_distance() -> None:
    """Two thirds of the way from a 5 x 5 square to its central voxel, 3 x 3 voxels without corners are left.

    The voxel above the centre: 1/3 of +1.5 (in the square) and 2/3 of -0.5 (out of the dot) is positive; the
    corner: 1/3 of 1.5 and 2/3 of 0.5 - sqrt(2) is not.
    """
    middle = "....... ....... ...1... ..111.. ...1... ....... ......."
    filled = interpolate_slices(stack(SQUARE, EMPTY, EMPTY, DOT), [0, 3], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled[2], stack(middle)[0])


def test_uneven_gaps_are_weighted_by_the_distance_to_the_drawn_slices() -> None:
    """In a gap of three slices the one next to the dot is smaller than the one next to the square."""
    labels = stack(SQUARE, EMPTY, SQUARE, EMPTY, EMPTY, EMPTY, DOT)
    sizes = interpolate_slices(labels, [0, 2, 6], spacing_mm=ISOTROPIC).sum(axis=(1, 2))
    assert sizes[1] == 25
    assert list(sizes[2:]) == sorted(sizes[2:], reverse=True)
    assert sizes[3] > sizes[5]


def test_nothing_grows_beyond_the_first_and_last_drawn_slice() -> None:
    """Slices outside the drawn range stay empty."""
    filled = interpolate_slices(stack(EMPTY, SQUARE, EMPTY, SQUARE, EMPTY), [1, 3], spacing_mm=ISOTROPIC)
    assert filled.any(axis=(1, 2)).tolist() == [False, True, True, True, False]


def test_an_empty_drawn_slice_ends_the_shape() -> None:
    """A slice that was drawn empty separates two pieces; nothing is filled towards it."""
    labels = stack(SQUARE, EMPTY, SQUARE, EMPTY, EMPTY, EMPTY, SQUARE)
    filled = interpolate_slices(labels, [0, 2, 4, 6], spacing_mm=ISOTROPIC)
    assert filled.any(axis=(1, 2)).tolist() == [True, True, True, False, False, False, True]


def test_what_was_between_drawn_slices_is_replaced() -> None:
    """An older interpolation between two drawn slices does not survive."""
    filled = interpolate_slices(stack(DOT, SQUARE, DOT), [0, 2], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled, stack(DOT, DOT, DOT))


def test_shapes_without_overlap_travel_along_their_centroids() -> None:
    """A square that jumps by 6 voxels is half way, 3 voxels on, in the slice between, with its full size."""
    near, far = np.zeros((2, 5, 12), dtype=np.uint8)
    near[1:4, 1:4] = far[1:4, 7:10] = 1
    filled = interpolate_slices(np.stack([near, near * 0, far]), [0, 2], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled[1], np.roll(near, 3, axis=1))


def test_a_shape_that_splits_is_filled_towards_both_parts() -> None:
    """Between one wide shape and its two ends the middle thins out and both ends stay."""
    whole = "....... 1111111 1111111 1111111 ......."
    parts = "....... 11...11 11...11 11...11 ......."
    labels = stack(whole, EMPTY[:39], EMPTY[:39], EMPTY[:39], parts)
    filled = interpolate_slices(labels, [0, 4], spacing_mm=ISOTROPIC)
    assert filled[1:4, 2, [0, 6]].all()
    assert filled[1:4, 2, 3].tolist() == [1, 0, 0]


def test_other_labels_are_untouched() -> None:
    """A label outside `only` keeps its voxels, also where the interpolated label would go."""
    labels = stack(SQUARE, EMPTY, SQUARE)
    labels[1, 3, 3] = 2
    filled = interpolate_slices(labels, [0, 2], spacing_mm=ISOTROPIC, only=[1])
    assert filled[1, 3, 3] == 2
    assert (filled[1] == 1).sum() == 24


def test_two_touching_labels_share_the_gap_without_order() -> None:
    """Two labels side by side keep their halves, whatever their numbers."""
    halves = "....... .11122. .11122. .11122. ......."
    labels = stack(halves, EMPTY[:39], EMPTY[:39], halves)
    filled = interpolate_slices(labels, [0, 3], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled[1], labels[0])
    exchanged = np.array([0, 2, 1], dtype=np.uint8)
    np.testing.assert_array_equal(
        interpolate_slices(exchanged[labels], [0, 3], spacing_mm=ISOTROPIC), exchanged[filled]
    )


def test_the_spacing_counts() -> None:
    """A dot grows along the axis with the finer spacing into more voxels."""
    filled = interpolate_slices(stack(SQUARE, EMPTY, EMPTY, DOT), [0, 3], spacing_mm=(2.0, 1.0))
    rows, columns = np.nonzero(filled[2])
    assert np.ptp(columns) > np.ptp(rows)


@pytest.mark.parametrize("drawn", [[], [1], [0, 1, 2]])
def test_without_a_gap_nothing_changes(drawn: list[int]) -> None:
    """No, one, or only neighbouring drawn slices leave the labels as they are."""
    labels = stack(SQUARE, DOT, SQUARE)
    np.testing.assert_array_equal(interpolate_slices(labels, drawn, spacing_mm=ISOTROPIC), labels)


def test_a_drawn_slice_outside_the_volume_is_refused() -> None:
    """A slice index beyond the volume is an error that names it."""
    with pytest.raises(InputError, match=r"\[7\].*3 slices"):
        interpolate_slices(stack(SQUARE, DOT, SQUARE), [0, 7], spacing_mm=ISOTROPIC)


def test_an_empty_annotation_stays_empty() -> None:
    """No label in the drawn slices: nothing is written."""
    assert not interpolate_slices(stack(EMPTY, EMPTY, EMPTY), [0, 2], spacing_mm=ISOTROPIC).any()


@given(labels=arrays(np.uint8, (6, 6, 5), elements=st.sampled_from([0, 0, 1, 2])), gap=st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_drawn_slices_dtype_and_input_survive(labels: np.ndarray, gap: int) -> None:
    """Drawn slices stay as drawn, no new label appears, and the input is untouched."""
    before = labels.copy()
    drawn = [0, gap, 5]
    filled = interpolate_slices(labels, drawn, spacing_mm=(0.3, 0.2))
    np.testing.assert_array_equal(filled[drawn], labels[drawn])
    np.testing.assert_array_equal(labels, before)
    assert filled.dtype == labels.dtype
    assert set(np.unique(filled)) <= set(np.unique(labels)) | {0}


@given(ends=arrays(np.uint8, (2, 6, 5), elements=st.sampled_from([0, 0, 1])))
@settings(deadline=None, max_examples=60)
def test_mirror_images_have_mirrored_results(ends: np.ndarray) -> None:
    """Where shapes overlap, turning the stack around turns the result around."""
    if not (ends[0] & ends[1]).any():
        ends = np.maximum(ends, ends[::-1])
    labels = np.zeros((5, 6, 5), dtype=np.uint8)
    labels[[0, 4]] = ends
    filled = interpolate_slices(labels, [0, 4], spacing_mm=ISOTROPIC)
    backwards = interpolate_slices(labels[::-1], [0, 4], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(backwards[::-1], filled)


@given(ends=arrays(np.uint8, (2, 6, 5), elements=st.sampled_from([0, 0, 1])))
@settings(deadline=None, max_examples=60)
def test_the_result_lies_between_overlapping_shapes(ends: np.ndarray) -> None:
    """An interpolated slice holds what both shapes hold and nothing that neither holds."""
    ends[:, 2, 2] = 1
    labels = np.zeros((4, 6, 5), dtype=np.uint8)
    labels[[0, 3]] = ends
    filled = interpolate_slices(labels, [0, 3], spacing_mm=ISOTROPIC)
    assert (filled >= ends.min(axis=0)).all()
    assert (filled <= ends.max(axis=0)).all()


def test_a_sphere_drawn_on_every_fifth_slice_with_its_ends_keeps_its_volume() -> None:
    """A 226 mm3 sphere at 0.21 mm loses less than 5 % where its first and last slices are drawn as well."""
    radius = (226 * 3 / (4 * np.pi)) ** (1 / 3) / 0.21
    sphere = ball(radius, (45, 45, 45), (22.0, 22.0, 22.0))
    slices = np.flatnonzero(sphere.any(axis=(1, 2)))
    drawn = [*slices[::5], slices[-1]]
    filled = interpolate_slices(sphere, drawn, spacing_mm=(0.21, 0.21))
    assert 0.95 < filled.sum() / sphere.sum() < 1
    assert 2 * (filled & sphere).sum() / (filled.sum() + sphere.sum()) > 0.97
