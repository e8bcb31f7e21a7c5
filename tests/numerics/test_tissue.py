"""The tissue rule: what leaves, what stays."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.errors import GeometryError
from murinoma.numerics.tissue import put_back, take_out, voxels_leaving

LIMITS = {"air_hu": -300.0, "bone_hu": 500.0}


def cube() -> tuple[np.ndarray, np.ndarray]:
    """Make soft tissue of 7 x 7 x 7 voxels with an annotation of its inner 5 x 5 x 5."""
    labels = np.zeros((7, 7, 7), dtype=np.uint8)
    labels[1:6, 1:6, 1:6] = 1
    return labels, np.full(labels.shape, 50, dtype=np.int16)


def test_soft_tissue_stays() -> None:
    """Nothing leaves an annotation of soft tissue, nor of a darker necrotic core."""
    labels, ct_hu = cube()
    ct_hu[3, 3, 3] = -50
    assert not voxels_leaving(labels, ct_hu, **LIMITS).any()


def test_the_limits_themselves_stay() -> None:
    """Exactly -300 HU and 500 HU stay, one HU beyond leaves."""
    labels = np.ones((1, 1, 4), dtype=np.uint8)
    ct_hu = np.array([[[-301, -300, 500, 501]]], dtype=np.int16)
    assert voxels_leaving(labels, ct_hu, **LIMITS).ravel().tolist() == [True, False, False, True]


def test_air_at_the_outline_leaves() -> None:
    """Air that reaches the annotation's surface leaves, all of the connected piece."""
    labels, ct_hu = cube()
    ct_hu[3, 3, 3:] = -900
    leaving = voxels_leaving(labels, ct_hu, **LIMITS)
    assert np.argwhere(leaving).tolist() == [[3, 3, 3], [3, 3, 4], [3, 3, 5]]


def test_enclosed_air_stays() -> None:
    """A gas bubble inside a tumor stays: the annotation surrounds it."""
    labels, ct_hu = cube()
    ct_hu[3, 3, 3] = -900
    assert not voxels_leaving(labels, ct_hu, **LIMITS).any()


def test_air_that_escapes_over_a_corner_leaves() -> None:
    """A bubble that touches the outside only diagonally is not enclosed."""
    labels, ct_hu = cube()
    ct_hu[5, 5, 5] = ct_hu[4, 4, 4] = -900
    assert voxels_leaving(labels, ct_hu, **LIMITS).sum() == 2


def test_air_at_the_edge_of_the_image_leaves() -> None:
    """What lies beyond the image is unknown, so air at its edge is not enclosed."""
    labels = np.ones((3, 3, 3), dtype=np.uint8)
    ct_hu = np.full(labels.shape, 50)
    ct_hu[1, 1, 0] = -900
    assert voxels_leaving(labels, ct_hu, **LIMITS).sum() == 1


def test_enclosed_bone_leaves() -> None:
    """Bone leaves wherever it lies."""
    labels, ct_hu = cube()
    ct_hu[3, 3, 3] = 900
    assert np.argwhere(voxels_leaving(labels, ct_hu, **LIMITS)).tolist() == [[3, 3, 3]]


def test_air_outside_the_annotation_is_not_reported() -> None:
    """Only annotated voxels can leave."""
    labels, ct_hu = cube()
    ct_hu[0] = -900
    assert not voxels_leaving(labels, ct_hu, **LIMITS).any()


def test_an_empty_annotation_loses_nothing() -> None:
    """No annotated voxel: an empty mask."""
    assert not voxels_leaving(np.zeros((2, 2, 2), dtype=np.uint8), np.full((2, 2, 2), -900), **LIMITS).any()


def test_shapes_must_agree() -> None:
    """An annotation and a CT of different shapes are refused with both shapes."""
    with pytest.raises(GeometryError, match=r"\(2, 2, 2\).*\(2, 2, 3\)"):
        voxels_leaving(np.zeros((2, 2, 2), dtype=np.uint8), np.zeros((2, 2, 3)), **LIMITS)


@given(
    labels=arrays(np.uint8, (4, 4, 4), elements=st.sampled_from([0, 1, 2])),
    ct_hu=arrays(np.int16, (4, 4, 4), elements=st.sampled_from([-900, 50, 900])),
)
@settings(deadline=None, max_examples=80)
def test_the_rule_takes_only_air_and_bone_and_settles_at_once(labels: np.ndarray, ct_hu: np.ndarray) -> None:
    """What leaves is annotated air or bone; all annotated bone leaves; the inputs stay untouched."""
    before = labels.copy(), ct_hu.copy()
    leaving = voxels_leaving(labels, ct_hu, **LIMITS)
    assert not (leaving & (labels == 0)).any()
    assert not (leaving & (ct_hu == 50)).any()
    assert leaving[(labels != 0) & (ct_hu == 900)].all()
    np.testing.assert_array_equal(labels, before[0])
    np.testing.assert_array_equal(ct_hu, before[1])


def test_a_removed_voxel_returns_under_its_own_label() -> None:
    """Two tumors lose air at their border, and each gets its own voxels back."""
    labels = np.array([[[1, 1, 2, 2]]], dtype=np.uint8)
    ct_hu = np.array([[[50, -900, -900, 50]]], dtype=np.int16)
    kept, removed = take_out(labels, voxels_leaving(labels, ct_hu, **LIMITS))
    assert kept.ravel().tolist() == [1, 0, 0, 2]
    assert removed.ravel().tolist() == [0, 1, 2, 0]
    np.testing.assert_array_equal(put_back(kept, removed), labels)


def test_a_part_returns_and_later_strokes_stay() -> None:
    """Only the wanted voxels come back, and not over what was annotated since."""
    kept = np.array([[[0, 0, 3]]], dtype=np.uint8)
    removed = np.array([[[1, 2, 2]]], dtype=np.uint8)
    wanted = np.array([[[True, False, True]]])
    assert put_back(kept, np.where(wanted, removed, 0)).ravel().tolist() == [1, 0, 3]


@given(
    labels=arrays(np.uint8, (4, 4, 4), elements=st.sampled_from([0, 1, 2])),
    ct_hu=arrays(np.int16, (4, 4, 4), elements=st.sampled_from([-900, 50, 900])),
)
@settings(deadline=None, max_examples=80)
def test_putting_back_is_exact(labels: np.ndarray, ct_hu: np.ndarray) -> None:
    """Taking out and putting back is the identity; type and inputs stay."""
    before, leaving = labels.copy(), voxels_leaving(labels, ct_hu, **LIMITS)
    kept, removed = take_out(labels, leaving)
    whole = put_back(kept, removed)
    np.testing.assert_array_equal(whole, before)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(removed != 0, leaving)
    assert whole.dtype == removed.dtype == labels.dtype
