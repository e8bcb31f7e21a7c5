"""Our values as layers and back; no napari is needed for any of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.steps.annotate import Annotation
from murinoma.ui.napari.layers import (
    CT,
    GHOST,
    REMOVED,
    TUMORS,
    middle_of,
    painted_slices,
    scan_layers,
    tumor_colours,
    voxel_at,
    write_slices,
)
from murinoma.volume import Volume

SPACING_MM = (0.5, 0.4, 0.25)


def volume() -> Volume:
    """Return a CT of 5 x 4 x 3 voxels that lies somewhere in a scanner."""
    affine = np.diag([*SPACING_MM[::-1], 1.0])
    affine[:3, 3] = (17.0, -40.0, 8.0)
    return Volume(np.arange(60, dtype=np.int16).reshape(5, 4, 3), affine)


def annotation() -> Annotation:
    """Return an annotation with one voxel of tumor 2, and one that the tissue rule took."""
    labels, removed = np.zeros((2, 5, 4, 3), np.uint8)
    labels[1, 2, 0], removed[3, 3, 2] = 2, 1
    return Annotation(labels, removed)


def test_layers_are_in_millimetres_with_the_corner_at_zero() -> None:
    """Axes (z, y, x), the spacing as scale, soft tissue from black to white; where it lay in the bed is not shown."""
    layers = scan_layers(volume(), annotation(), window_hu=(-160, 240))
    assert [keywords["name"] for _, keywords, _ in layers] == [CT, GHOST, TUMORS, REMOVED]
    assert [kind for _, _, kind in layers] == ["image", "labels", "labels", "labels"]
    assert [array.shape for array, _, _ in layers] == [(5, 4, 3), (4, 3), (5, 4, 3), (5, 4, 3)]
    for array, keywords, _ in layers:
        assert keywords["scale"] == SPACING_MM[-array.ndim :]
        assert keywords["translate"] == (0.0,) * array.ndim
        assert keywords["units"] == ("mm",) * array.ndim
        assert keywords["axis_labels"] == ("z", "y", "x")[-array.ndim :]
    assert layers[0][1]["contrast_limits"] == (-160, 240)


def test_painting_in_a_layer_does_not_touch_our_values() -> None:
    """The masks of the layers are copies, and can be written."""
    ours = annotation()
    layers = {keywords["name"]: array for array, keywords, _ in scan_layers(volume(), ours, window_hu=(0, 1))}
    layers[TUMORS][:] = 7
    layers[REMOVED][:] = 7
    assert ours.labels.sum() == 2
    assert ours.removed.sum() == 1


def test_every_label_has_a_colour_and_background_has_none() -> None:
    """Neighbouring numbers differ."""
    colours = tumor_colours()
    assert set(colours) == {None, *range(256)}
    assert colours[0] == colours[None] == "transparent"
    assert all(colours[label] != colours[label + 1] for label in range(1, 255))


@given(st.sets(st.integers(0, 4)), st.integers(0, 4))
def test_what_was_painted_is_found_and_brought_over(painted: set[int], at: int) -> None:
    """The open slice alone if it was painted, as it most often is; else every slice that differs."""
    labels = np.zeros((5, 4, 3), np.uint8)
    layer = labels.copy()
    layer[sorted(painted)] = 1
    assert painted_slices(layer, labels, at) == ([at] if at in painted else sorted(painted))
    write_slices(labels, layer, sorted(painted))
    assert painted_slices(layer, labels, at) == []


def test_the_middle_of_a_tumor_on_a_slice() -> None:
    """Rounded to a voxel; None where it is not."""
    plane = np.zeros((6, 6), np.uint8)
    plane[1:4, 2:5] = 3
    assert middle_of(plane, 3) == (2, 3)
    assert middle_of(plane, 1) is None


@given(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)))
def test_a_voxel_is_found_at_its_own_place(voxel: tuple[int, int, int]) -> None:
    """Round trip: voxel to mm and back; a click outside of the scan is taken to its edge."""
    point = tuple(place * step for place, step in zip(voxel, SPACING_MM, strict=True))
    assert voxel_at(point, SPACING_MM, (5, 4, 3)) == voxel
    assert voxel_at((-99, 99, 0), SPACING_MM, (5, 4, 3)) == (0, 3, 0)


def test_layers_are_what_napari_takes() -> None:
    """Every keyword is one of napari's; units and colours arrive."""
    components = pytest.importorskip("napari.components", reason="the extra napari is not installed")
    viewer = components.ViewerModel()
    for array, keywords, kind in scan_layers(volume(), annotation(), window_hu=(-160, 240)):
        getattr(viewer, f"add_{kind}")(array, **keywords)
    assert tuple(viewer.layers[TUMORS].scale) == pytest.approx(SPACING_MM)
    assert viewer.layers[TUMORS].get_color(1)[:3] == pytest.approx([1, 0xB0 / 255, 0], abs=0.01)
    assert viewer.dims.nsteps == (5, 4, 3)
