"""The one image value: order of axes, cropping, and which affines are refused."""

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import GeometryError
from murinoma.volume import Volume, check_affine, same_spacing

# x runs to the left by 2 mm, y forward by 3 mm, z up by 5 mm
AFFINE = np.array([[-2, 0, 0, 10], [0, 3, 0, 20], [0, 0, 5, 30], [0, 0, 0, 1.0]])
COUNTING: np.ndarray = np.arange(24).reshape(2, 3, 4)


def test_the_array_counts_z_y_x_and_the_affine_x_y_z() -> None:
    """A volume of 4 x 3 x 2 voxels (x, y, z) of 2 x 3 x 5 mm."""
    volume = Volume(COUNTING, AFFINE)
    assert volume.shape == (2, 3, 4)
    assert volume.spacing_mm == (5.0, 3.0, 2.0)
    assert volume.voxel_mm3 == 30


def test_a_crop_keeps_its_place() -> None:
    """From voxel (x, y, z) = (1, 2, 1) on: the corner moves by -2, 6 and 5 mm."""
    part = Volume(COUNTING, AFFINE).crop((slice(1, 2), slice(2, 3), slice(1, 3)))
    np.testing.assert_array_equal(part.voxels, [[[21, 22]]])
    np.testing.assert_array_equal(part.affine[:3, 3], [8, 26, 35])
    np.testing.assert_array_equal(part.affine[:3, :3], AFFINE[:3, :3])


@given(data=st.data())
def test_every_voxel_of_a_crop_stays_where_it_was(data: st.DataObject) -> None:
    """The affine of a crop sends its voxel to the same point as before; a negative start counts from the end."""
    box = tuple(
        slice(*data.draw(st.sampled_from([(0, None), (1, None), (0, n - 1), (-1, None), (None, None)])))
        for n in COUNTING.shape
    )
    part = Volume(COUNTING, AFFINE).crop((box[0], box[1], box[2]))
    z, y, x = np.argwhere(part.voxels[0, 0, 0] == COUNTING)[0]
    np.testing.assert_allclose(part.affine @ (0, 0, 0, 1), AFFINE @ (x, y, z, 1))


def test_a_volume_cannot_be_changed() -> None:
    """Neither its fields nor its arrays; the array it was made of stays writable and was not copied."""
    mine = COUNTING.copy()
    volume = Volume(mine, AFFINE)
    with pytest.raises(FrozenInstanceError):
        volume.voxels = mine  # type: ignore[misc]
    for array in (volume.voxels, volume.affine):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert mine.flags.writeable
    assert np.shares_memory(mine, volume.voxels)


def test_other_voxels_take_the_place_if_they_fit() -> None:
    """The same shape is taken, another one refused with both shapes."""
    volume = Volume(COUNTING, AFFINE)
    np.testing.assert_array_equal(volume.with_voxels(COUNTING > 3).affine, AFFINE)
    with pytest.raises(GeometryError, match=r"\(2, 3, 5\).*\(2, 3, 4\)"):
        volume.with_voxels(np.zeros((2, 3, 5)))


@pytest.mark.parametrize("shape", [(3, 4), (1, 2, 3, 4), (0, 3, 4), (2, 3, 0)])
def test_a_shape_that_is_no_volume_is_refused(shape: tuple[int, ...]) -> None:
    """Two or four axes, or an axis without voxels."""
    with pytest.raises(GeometryError, match="three axes"):
        Volume(np.zeros(shape), AFFINE)


def changed(index: Any, value: Any) -> np.ndarray:
    """Return the affine with one entry changed."""
    affine = AFFINE.copy()
    affine[index] = value
    return affine


@pytest.mark.parametrize(
    ("affine", "said"),
    [
        (np.eye(3), "4 x 4"),
        (changed((0, 0), np.nan), "finite"),
        (changed((2, 3), np.inf), "finite"),
        (changed((0, 0), 0), "length 0 mm"),
        (changed((0, 1), 0.1), "oblique or sheared"),
        (changed((slice(0, 3), 1), [-2, 0, 0]), "oblique or sheared"),
    ],
)
def test_an_affine_that_is_no_grid_is_refused(affine: np.ndarray, said: str) -> None:
    """Wrong size, not finite, singular, sheared, or two axes along the same direction."""
    with pytest.raises(GeometryError, match=said):
        check_affine(affine)


@given(
    order=st.permutations(range(3)),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    spacing=st.tuples(*[st.floats(1e-3, 1e3)] * 3),
)
def test_every_order_flip_and_spacing_of_axes_is_accepted(
    order: list[int], signs: tuple[int, int, int], spacing: tuple[float, float, float]
) -> None:
    """Any permutation of the axes with any flips and spacings; the spacing is read off the columns."""
    affine = np.eye(4)
    affine[:3, :3] = np.diag(signs)[order] * spacing
    assert Volume(COUNTING, affine).spacing_mm == pytest.approx(spacing[::-1])


def test_spacings_are_the_same_within_a_thousandth() -> None:
    """0.21 and 0.2101 mm are the same, 0.21 and 0.2105 mm are not."""
    assert same_spacing((0.21, 0.21, 0.21), (0.21, 0.21, 0.2101))
    assert not same_spacing((0.21, 0.21, 0.21), (0.21, 0.21, 0.2105))
