"""Parting bodies that touch: drawings in blocks of 0.4 mm."""

import numpy as np
import numpy.typing as npt

from murinoma.numerics.bodies import parted, smoothed, without_islands

MM = 0.4
SOFT_HU, AIR_HU = 0.0, -1000.0
Labels = npt.NDArray[np.uint8]


def field(truth: Labels) -> npt.NDArray[np.float32]:
    """Return soft tissue where somebody is, else air."""
    return np.where(truth > 0, SOFT_HU, AIR_HU).astype(np.float32)


def test_a_paw_on_anothers_flank_is_its_own_arms() -> None:
    """A paw that touches a flank along its side, but was given to it, goes back to the arm it hangs on."""
    truth = np.zeros((60, 30, 80), np.uint8)
    truth[:, :, :30], truth[:, :, 50:] = 1, 2
    truth[25:35, 10:20, 30:44] = 1  # the upper arm
    truth[25:55, 10:20, 41:49] = 1  # the paw, along the flank
    truth[38:44, 12:18, 49] = 1  # where it touches
    bones = np.zeros_like(truth)
    bones[:, 14:16, 14:16], bones[:, 14:16, 64:66] = 1, 2
    before = truth.copy()
    before[36:55, 10:20, 41:50][truth[36:55, 10:20, 41:50] > 0] = 2
    after = parted(before, bones, field(truth), MM)
    assert (before != truth).sum() > 1500
    assert (after != truth).sum() < 40


def test_bodies_pressed_together_are_parted_at_the_seam() -> None:
    """The seam lies 10 mm from one spine and 6 mm from the other; the flesh between is not halved."""
    truth = np.ones((40, 40, 60), np.uint8)
    truth[:, :, 35:] = 2
    hu = field(truth)
    hu[:, :, 34:36] = SOFT_HU - 150  # two skins; still flesh
    bones = np.zeros_like(truth)
    bones[:, 19:21, 9:11], bones[:, 19:21, 49:51] = 1, 2
    before = np.where(np.arange(60) < 30, 1, 2).astype(np.uint8) * np.ones_like(truth)
    after = parted(before, bones, hu, MM)
    assert (before != truth).sum() == 40 * 40 * 5
    assert (after != truth).sum() == 0


def test_bodies_that_do_not_touch_stay_as_they_are() -> None:
    """Without a neighbour nothing is parted."""
    labels = np.zeros((10, 10, 30), np.uint8)
    labels[:, :, :12], labels[:, :, 15:] = 1, 2
    assert np.array_equal(parted(labels, labels, field(labels), MM), labels)


def test_a_skin_that_runs_out_over_a_neighbour_is_the_neighbours() -> None:
    """A layer of 0.8 mm of one mouse on another is the other's; a flat contact stays where it is."""
    labels = np.ones((40, 40, 60), np.uint8)
    labels[:, :, 30:] = 2
    spur = labels.copy()
    spur[10:30, 38:, 30:50] = 1
    assert (smoothed(spur, MM)[12:28, 38:, 36:50] == 2).all()
    assert np.array_equal(smoothed(labels, MM), labels)


def test_only_small_pieces_are_islands() -> None:
    """A piece of 8 voxels is taken away where 10 are asked for, one of 12 stays."""
    labels = np.zeros((4, 4, 20), np.uint8)
    labels[:, :, :5] = 1
    labels[:2, :2, 8:10] = 1
    labels[:2, :2, 12:15] = 1
    assert np.flatnonzero((without_islands(labels, 10) != labels).any(axis=(0, 1))).tolist() == [8, 9]
