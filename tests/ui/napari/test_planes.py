"""The planes along the body: the right voxels, in the right colours, as large as they are; no viewer is needed."""

import numpy as np

from murinoma.steps.annotate import Annotation
from murinoma.ui.napari.planes import REACH_MM, coloured, side_planes
from murinoma.volume import Volume

WINDOW_HU = (-160.0, 240.0)


def test_each_plane_goes_through_the_point() -> None:
    """A bright line along x shows as a row in the plane along x, and as a dot in the other."""
    voxels = np.full((9, 5, 7), -160, np.int16)
    voxels[4, 2, :] = 240
    blank = np.zeros(voxels.shape, np.uint8)
    ct = Volume(voxels, np.diag([0.25, 0.5, 1.0, 1.0]))
    along_x, along_y = side_planes(ct, Annotation(blank, blank), (4, 2, 3), window_hu=WINDOW_HU)
    assert along_x.picture.shape == (9, 7, 3)
    assert along_y.picture.shape == (9, 5, 3)
    assert (along_x.picture[4] == 255).all()
    assert np.argwhere(along_y.picture[..., 0]).tolist() == [[4, 2]]
    assert (along_x.cross, along_y.cross) == ((4, 3), (4, 2))
    assert (along_x.size_mm, along_y.size_mm) == ((9.0, 1.75), (9.0, 2.5))


def test_only_the_slices_near_the_open_one_are_shown() -> None:
    """Up to 20 mm on both sides, less at the end of the scan."""
    voxels = np.zeros((100, 3, 3), np.int16)
    blank = np.zeros(voxels.shape, np.uint8)
    ct = Volume(voxels, np.eye(4))
    plane, _ = side_planes(ct, Annotation(blank, blank), (50, 1, 1), window_hu=WINDOW_HU)
    assert (plane.first_slice, plane.picture.shape[0]) == (50 - REACH_MM, 2 * REACH_MM + 1)
    plane, _ = side_planes(ct, Annotation(blank, blank), (2, 1, 1), window_hu=WINDOW_HU)
    assert (plane.first_slice, plane.cross[0]) == (0, 2)


def test_a_tumor_and_what_was_taken_are_tinted() -> None:
    """Half grey, half the colour: #ffb000 of tumor 1, #ff2fd0 of what the tissue rule took."""
    hu = np.array([[-500, 40, 240, 40]])
    labels, removed = np.array([[0, 0, 1, 0]], np.uint8), np.array([[0, 0, 0, 1]], np.uint8)
    grey = 127
    assert coloured(hu, labels, removed, window_hu=WINDOW_HU).tolist() == [
        [[0, 0, 0], [grey, grey, grey], [255, (255 + 0xB0) // 2, 127], [191, (127 + 0x2F) // 2, (127 + 0xD0) // 2]]
    ]
