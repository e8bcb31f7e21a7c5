"""Joining bones into skeletons: drawings in blocks of 1 mm."""

import numpy as np
import numpy.typing as npt
import pytest

from murinoma.numerics.skeletons import Skeletons, _Group, are_two, describe, limbs_by_trunk

MM = (1.0, 1.0, 1.0)
SOFT_HU, BONE_HU, AIR_HU = 0.0, 900.0, -1000.0


def group(*bones: tuple[int, int, int]) -> _Group:
    """Return bones given as (first slice, slice after the last, voxels per slice) in a field of 100 slices."""
    profile = np.zeros(100, np.int64)
    for first, last, voxels in bones:
        profile[first:last] = voxels
    return _Group(profile, np.zeros(3), np.full(3, 50.0))


TAILED = group((10, 30, 1), (30, 42, 15), (42, 65, 3))  # tail, pelvis and half a spine
OTHER = group((38, 50, 15), (50, 80, 3), (80, 100, 25))


def test_two_pelvises_with_spines_side_by_side_are_two_animals_though_a_tail_runs_on_alone() -> None:
    """27 mm side by side are two animals, although they are only half of the 55 mm that one has with its tail."""
    assert are_two(TAILED, OTHER, 3.4, 1.0, largest=500)


@pytest.mark.parametrize(
    ("bones", "gap_mm"),
    [
        (group((38, 65, 2)), 3.4),  # a leg: 27 mm long, but light
        (TAILED, 2.0),  # bones of one animal that nearly touch
        (group((2, 30, 3), (30, 45, 15)), 3.4),  # the next part of the same animal: 7 mm side by side
    ],
)
def test_a_limb_and_the_next_part_of_an_animal_are_no_second_one(bones: _Group, gap_mm: float) -> None:
    """Light bones, bones that nearly touch, and bones that follow one another may be one animal's."""
    assert not are_two(bones, OTHER, gap_mm, 1.0, largest=500)


def two_animals(leg_x: int, counted_to: int) -> tuple[npt.NDArray[np.float32], Skeletons]:
    """Return two animals pressed together, and their skeletons, which touch.

    The trunks lie along z at x = 10 and x = 42; the leg at `leg_x` is counted to one of them.
    """
    hu = np.full((60, 24, 54), AIR_HU, np.float32)
    hu[5:55, 4:20, 2:50] = SOFT_HU
    bones = np.zeros(hu.shape, np.int32)
    bones[8:52, 10:14, 8:12] = 1
    bones[8:52, 10:14, 40:44] = 2
    bones[20:30, 11:13, leg_x : leg_x + 2] = counted_to
    bones[40:42, 11:13, 12:27], bones[40:42, 11:13, 27:40] = 1, 2
    hu[bones > 0] = BONE_HU
    return hu, skeletons_of(bones)


def skeletons_of(bones: npt.NDArray[np.int32]) -> Skeletons:
    """Return two skeletons, of which only the labels count here."""
    found = sorted(describe(bones, bones > 0, MM), key=lambda skeleton: skeleton.label)
    return Skeletons(bones, tuple(found), (), 0)


@pytest.mark.parametrize(("leg_x", "owner"), [(18, 1), (33, 2), (25, 0)])
@pytest.mark.parametrize("counted_to", [1, 2])
def test_a_leg_is_the_nearer_trunks_and_nobodys_where_it_is_as_near_to_both(
    leg_x: int, owner: int, counted_to: int
) -> None:
    """Legs 6 and 28 mm away from two trunks, 21 and 6 mm, and 13 and 14 mm, to whichever they were counted."""
    hu, skeletons = two_animals(leg_x, counted_to)
    given = limbs_by_trunk(skeletons, hu, MM, SOFT_HU).labels
    assert set(np.unique(given[20:30, 11:13, leg_x : leg_x + 2])) == {owner}
    assert (given[8:52, 10:14, 8:12] == 1).all()
    assert (given[8:52, 10:14, 40:44] == 2).all()
