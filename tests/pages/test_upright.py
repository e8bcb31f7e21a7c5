"""Voxels turned as pictures take them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from murinoma.pages.upright import sides_of, turned, turned_mm

KNOWN = {"x": "back to belly", "y": "right to left", "z": "rump to nose"}
ENDS = (("nose", "rump"), ("left", "right"), ("back", "belly"))


def test_axes_as_pictures_take_them_stay() -> None:
    """Nothing moves; without any knowledge they are taken so as well."""
    voxels = np.arange(24).reshape(2, 3, 4)
    assert np.array_equal(turned(voxels, KNOWN), voxels)
    assert np.array_equal(turned(voxels, {}), voxels)
    assert (sides_of(KNOWN), sides_of({})) == (("R", "L"), None)


def test_ends_are_exchanged_but_never_left_and_right() -> None:
    """Nose to rump is turned, left to right is named."""
    voxels = np.arange(24).reshape(2, 3, 4)
    axes = {"x": "belly to back", "y": "left to right", "z": "nose to rump"}
    assert np.array_equal(turned(voxels, axes), voxels[::-1, :, ::-1])
    assert sides_of(axes) == ("L", "R")


@given(st.permutations(range(3)), st.tuples(*[st.booleans()] * 3))
def test_the_first_axis_is_always_the_body(order: list[int], exchanged: tuple[bool, ...]) -> None:
    """However the voxels are stored, shape and spacing go with the axes."""
    said = [" to ".join(pair[::-1] if swap else pair) for pair, swap in zip(ENDS, exchanged, strict=True)]
    axes = dict(zip("zyx", (said[place] for place in order), strict=True))
    shape, spacing_mm = np.array([7, 5, 3])[order], np.array([0.7, 0.5, 0.3])[order]
    assert turned(np.zeros(shape), axes).shape == (7, 5, 3)
    assert turned_mm(tuple(spacing_mm), axes) == (0.7, 0.5, 0.3)
