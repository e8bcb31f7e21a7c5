"""A painted mouse: its anatomy in HU, its size, its tumors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from murinoma.errors import InputError
from murinoma.phantom.body import Body, Build, Pose
from murinoma.phantom.mouse import Mouse, centred, draw_build, draw_pose, field_grid, paint_mouse
from murinoma.phantom.shapes import Field, Grid
from murinoma.phantom.tumors import Tumor

SPACING_MM = 0.63
GRID = field_grid(SPACING_MM)


def painted(mouse: Mouse, volumes_mm3: list[float], pose: Pose | None = None) -> tuple[Field, np.ndarray, Pose]:
    """Paint a mouse on the whole field: HU, tumor numbers, and its centred pose."""
    pose = centred(mouse, pose or Pose(), volumes_mm3, GRID)
    parts = paint_mouse(mouse, pose, volumes_mm3, GRID)
    hu, labels = np.full(GRID.shape, -1000, dtype=np.float32), np.zeros(GRID.shape, dtype=np.uint8)
    hu[parts.box], labels[parts.box] = parts.hu, parts.labels
    return hu, labels, pose


def around(hu: Field, body: Body, point: tuple[float, float, float]) -> float:
    """Return the mean HU of 3 x 3 x 3 voxels around a point in body coordinates."""
    z, y, x = np.rint(body.place(point) / SPACING_MM).astype(int)
    return float(hu[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2].mean())


def test_a_mouse_has_lungs_bones_and_soft_tissue_where_they_belong() -> None:
    """Lungs are dark, the skull's base and vertebrae bright, liver and tumor soft, air around."""
    mouse = Mouse(Build(), (Tumor(side=1, along=0.3),))
    hu, labels, pose = painted(mouse, [500.0])
    body = Body(mouse.build, pose)
    assert around(hu, body, (0.57, 4.0, -0.5)) < -250
    assert 0 < around(hu, body, (0.46, -1.4, 1.6)) < 120
    assert 0 < hu[labels == 1].mean() < 100
    assert hu[:, GRID.shape[1] // 2].max() > 500
    assert (hu == -1000).mean() > 0.5


def test_a_mouse_has_the_size_of_a_mouse() -> None:
    """The skeleton is 80 to 95 mm long with hind feet, the trunk 22 to 30 mm wide and lower than wide."""
    hu, _, _ = painted(Mouse(), [])
    soft = ndimage.binary_opening(hu > -300, iterations=2)
    trunk = np.argwhere(soft[60:110])
    width, height = (np.ptp(trunk[:, axis]) * SPACING_MM for axis in (1, 2))
    bony = np.flatnonzero((hu > 400).any(axis=(1, 2)))
    assert 80 < np.ptp(bony) * SPACING_MM < 97
    assert 22 < width < 30
    assert 14 < height < width


def test_the_skin_follows_a_tumor() -> None:
    """A tumor bulges out of the body and has skin, not air, at every face."""
    _, labels, pose = painted(Mouse(Build(), (Tumor(1, 0.3, embedded=0.3),)), [900.0])
    hu, _, _ = painted(Mouse(Build(), (Tumor(1, 0.3, embedded=0.3),)), [900.0])
    bare = paint_mouse(Mouse(), pose, [], GRID)
    without = np.full(GRID.shape, -1000, dtype=np.float32)
    without[bare.box] = bare.hu
    tumor = labels == 1
    shell = ndimage.binary_dilation(tumor) & ~tumor
    assert (without[tumor] < -300).mean() > 0.3
    assert (hu[shell] < -700).mean() < 0.1


@given(volume=st.floats(14, 3000), side=st.sampled_from([1, -1]), along=st.floats(0.22, 0.34), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=12)
def test_a_tumor_has_its_volume_and_one_piece(volume: float, side: int, along: float, seed: int) -> None:
    """Whatever its size and place, the true mask has the volume asked for, to a voxel and 1 %, in one piece."""
    tumor = Tumor(side, along, angle_deg=30.0, lumpiness=0.07, seed=seed)
    _, labels, _ = painted(Mouse(Build(), (tumor,)), [volume])
    assert (labels > 0).sum() * SPACING_MM**3 == pytest.approx(volume, rel=0.01, abs=SPACING_MM**3)
    assert ndimage.label(labels, np.ones((3, 3, 3)))[1] == 1


def test_tumors_are_numbered_by_position() -> None:
    """The tumor with the smaller y is number 1, whatever their sizes and the order they were given in."""
    left, right = Tumor(side=1, along=0.3), Tumor(side=-1, along=0.25)
    _, labels, _ = painted(Mouse(Build(), (left, right)), [300.0, 100.0])
    _, swapped, _ = painted(Mouse(Build(), (right, left)), [100.0, 300.0])
    np.testing.assert_array_equal(labels, swapped)
    first, second = (np.argwhere(labels == number)[:, 1].mean() for number in (1, 2))
    assert first < second
    assert (labels == 1).sum() < (labels == 2).sum()


def test_a_necrotic_core_is_darker_but_no_air() -> None:
    """The inner third of a necrotic tumor reads less than its rim and stays soft tissue."""
    _, labels, _ = painted(Mouse(Build(), (Tumor(1, 0.3, necrosis=0.6),)), [1500.0])
    hu, _, _ = painted(Mouse(Build(), (Tumor(1, 0.3, necrosis=0.6),)), [1500.0])
    depth = ndimage.distance_transform_edt(labels == 1)
    core, rim = hu[depth > 0.7 * depth.max()].mean(), hu[(depth > 2) & (depth < 0.3 * depth.max())].mean()
    assert -50 < core < rim - 10


def test_a_tumor_spares_bone() -> None:
    """A tumor on the ribs holds no voxel of bone."""
    hu, labels, _ = painted(Mouse(Build(), (Tumor(1, 0.53, wall_mm=3.0),)), [600.0])
    assert hu[labels == 1].max() < 400


def test_a_tumor_without_room_is_refused() -> None:
    """A tumor that the field cannot hold is an error that names its volume."""
    small = Grid((20, 20, 20), SPACING_MM)
    with pytest.raises(InputError, match="3000 mm3 has no room"):
        paint_mouse(Mouse(Build(), (Tumor(1, 0.3),)), Pose(centre_mm=(6.0, 6.0)), [3000.0], small)


def test_mice_and_poses_vary_and_are_repeatable() -> None:
    """Two draws differ, the same generator draws the same."""
    first, again, other = (draw_build(rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert draw_pose(rng=np.random.default_rng(1)) == draw_pose(rng=np.random.default_rng(1))
