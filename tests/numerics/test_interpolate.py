"""Interpolation between drawn slices: by hand, by property, on a sphere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.errors import InputError
from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.protocol import slices_to_draw

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


def test_a_square_shrinks_to_a_dot_linearly_in_its_squared_half_width() -> None:
    """Two thirds of the way from a square of half-width 2.5 to one voxel, half-width 0.5, a square of 1.5 is left.

    2.5^2 / 3 + 0.5^2 x 2 / 3 = 1.5^2; linear in the half-width itself, 1.17 would be left.
    """
    middle = "....... ....... ..111.. ..111.. ..111.. ....... ......."
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
    """A label without drawn slices keeps its voxels, also where the interpolated label would go."""
    labels = stack(SQUARE, EMPTY, SQUARE)
    labels[1, 3, 3] = 2
    filled = interpolate_slices(labels, {1: [0, 2]}, spacing_mm=ISOTROPIC)
    assert filled[1, 3, 3] == 2
    assert (filled[1] == 1).sum() == 24


def test_each_label_may_have_drawn_slices_of_its_own() -> None:
    """A slice that was drawn for one tumor is no end of the other, and what was drawn there stays."""
    left = "...... 11.... 11.... ......"
    right = "...... ...222 ...222 ......"
    nothing = "...... ...... ...... ......"
    both = "...... 11.222 11.222 ......"
    labels = stack(left, right, nothing, left, right)
    filled = interpolate_slices(labels, {1: [0, 3], 2: [1, 4]}, spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled, stack(left, both, both, both, right))


def test_a_label_that_was_erased_from_its_drawn_slices_leaves_those_between() -> None:
    """Where all drawn slices of a label are empty, an older interpolation goes."""
    assert not interpolate_slices(stack(EMPTY, SQUARE, EMPTY), {1: [0, 2]}, spacing_mm=ISOTROPIC).any()


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


def test_a_piece_that_stays_is_kept_while_another_jumps() -> None:
    """Shapes that share little are aligned, but what both hold is held between them."""
    near, far = np.zeros((2, 5, 16), dtype=np.uint8)
    near[1:3, 1] = far[1:3, 1] = 1
    near[1:4, 4:7] = far[1:4, 11:14] = 1
    filled = interpolate_slices(np.stack([near, near * 0, far]), [0, 2], spacing_mm=ISOTROPIC)
    assert filled[1, 1:3, 1].all()


def test_a_stalk_is_kept_below_a_sudden_growth() -> None:
    """Between two equal small shapes nothing is lost because the next one is much larger."""
    labels = np.zeros((7, 31, 31), dtype=np.uint8)
    labels[:4:3, 14:17, 14:17] = 1
    labels[6, 2:29, 2:29] = 1
    filled = interpolate_slices(labels, [0, 3, 6], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(filled[1:3], np.stack([labels[0]] * 2))


def test_a_barrel_bulges_between_equal_slices() -> None:
    """Two equal discs with smaller ones before and after have larger ones between them; alone they join straight.

    The squared radius in the middle is 400 + (400 - 100) / 8 = 20.9^2.
    """
    drawn = [0, 5, 10, 15]
    radii = {0: 10.0, 5: 20.0, 10: 20.0, 15: 10.0}
    labels = np.zeros((16, 47, 47), dtype=np.uint8)
    for index, radius in radii.items():
        labels[index] = ball(radius, (1, 47, 47), (0.0, 23.0, 23.0))[0]
    disc = int(labels[5].sum())
    assert (interpolate_slices(labels, drawn, spacing_mm=ISOTROPIC)[[7, 8]].sum(axis=(1, 2)) > disc).all()
    assert (interpolate_slices(labels, drawn[1:3], spacing_mm=ISOTROPIC)[[7, 8]].sum(axis=(1, 2)) == disc).all()


@given(ends=arrays(np.uint8, (2, 6, 5), elements=st.sampled_from([0, 0, 1])))
@settings(deadline=None, max_examples=60)
def test_mirror_images_have_mirrored_results(ends: np.ndarray) -> None:
    """Turning the stack around turns the result around."""
    labels = np.zeros((5, 6, 5), dtype=np.uint8)
    labels[[0, 4]] = ends
    filled = interpolate_slices(labels, [0, 4], spacing_mm=ISOTROPIC)
    backwards = interpolate_slices(labels[::-1], [0, 4], spacing_mm=ISOTROPIC)
    np.testing.assert_array_equal(backwards[::-1], filled)


@given(drawn=arrays(np.uint8, (4, 6, 5), elements=st.sampled_from([0, 0, 1])))
@settings(deadline=None, max_examples=60)
def test_what_both_neighbours_hold_is_held_between_them(drawn: np.ndarray) -> None:
    """A voxel that two neighbouring drawn shapes share belongs to every slice between them."""
    labels = np.zeros((10, 6, 5), dtype=np.uint8)
    labels[::3] = drawn
    filled = interpolate_slices(labels, [0, 3, 6, 9], spacing_mm=ISOTROPIC)
    for low in range(3):
        assert (filled[3 * low + 1 : 3 * low + 3] >= np.minimum(drawn[low], drawn[low + 1])).all()


@given(ends=arrays(np.uint8, (2, 6, 5), elements=st.sampled_from([0, 0, 1])))
@settings(deadline=None, max_examples=60)
def test_two_overlapping_shapes_alone_do_not_bulge(ends: np.ndarray) -> None:
    """Between two drawn slices alone nothing appears that neither holds."""
    ends[1] |= ends[0]
    labels = np.zeros((4, 6, 5), dtype=np.uint8)
    labels[[0, 3]] = ends
    assert (interpolate_slices(labels, [0, 3], spacing_mm=ISOTROPIC) <= ends[1]).all()


# ---- shapes whose true slices are known: discs of known radius


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Dice coefficient of two masks."""
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))


def redrawn(mask: np.ndarray) -> np.ndarray:
    """Return a 0/1 array after drawing it by the protocol and interpolating it, at 0.21 mm."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    drawn = slices_to_draw(int(slices[0]), int(slices[-1]), step=5, least=6)
    return interpolate_slices(mask, drawn, spacing_mm=(0.21, 0.21))


@pytest.mark.parametrize("volume_mm3", [28, 226, 2000])
def test_a_sphere_drawn_by_the_protocol_keeps_its_volume(volume_mm3: float) -> None:
    """A sphere at 0.21 mm keeps its volume within 2 %; linear in the signed distance, the smallest lost 9 %."""
    radius = (volume_mm3 * 3 / (4 * np.pi)) ** (1 / 3) / 0.21
    size = 2 * int(radius) + 9
    sphere = ball(radius, (size, size, size), (size / 2, size / 2, size / 2))
    filled = redrawn(sphere)
    assert abs(filled.sum() / sphere.sum() - 1) < 0.02
    assert dice(filled, sphere) > 0.97


def test_a_bent_tube_keeps_its_thickness() -> None:
    """A tube that wanders by up to its radius from one drawn slice to the next does not thin out between them."""
    places = np.arange(31)
    tube = np.stack([ball(6.0, (1, 60, 60), (0.0, 30 + 15 * np.sin(z / 10), 12 + 1.2 * z))[0] for z in places])
    filled = redrawn(tube)
    assert abs(filled.sum() / tube.sum() - 1) < 0.04
    assert dice(filled, tube) > 0.92


def test_a_steep_thin_tube_stays_in_one_piece() -> None:
    """A tube that moves by its own width between drawn slices is neither cut nor thinned."""
    tube = np.stack([ball(4.0, (1, 30, 70), (0.0, 15.0, 8 + 1.6 * z))[0] for z in range(31)])
    filled = redrawn(tube)
    assert filled.sum(axis=(1, 2)).min() > 0.85 * tube.sum(axis=(1, 2)).min()
    assert dice(filled, tube) > 0.94
