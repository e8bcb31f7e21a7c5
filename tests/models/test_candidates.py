"""Candidates: boxes that hold what is suspect, apart from one another, as large as the lesion needs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from murinoma.models.candidates import GAP_VOXELS, CandidateRules, candidate_boxes, grown, merged, rounded
from murinoma.models.grids import Grid
from murinoma.numerics.boxes import Box

COARSE, FINE = Grid((48, 24, 24), (40.32, 20.16, 20.16)), Grid((192, 96, 96), (40.32, 20.16, 20.16))


def boxes_of(*marks: tuple[Box, float]) -> list[Box]:
    """Return the candidates of an image of zeros with some boxes at some probability."""
    probability = np.zeros(COARSE.shape, np.float32)
    for box, value in marks:
        probability[box] = value
    return candidate_boxes(probability, (0, 0, 0), COARSE, FINE, CandidateRules())


def test_a_box_holds_the_lesion_with_its_margin() -> None:
    """2 coarse voxels are 8 fine ones; with 14 voxels (3 mm) on each side 36; rounded up 48."""
    (box,) = boxes_of(((slice(20, 22), slice(10, 12), slice(10, 12)), 0.3))
    assert [axis.stop - axis.start for axis in box] == [48, 48, 48]
    assert all(
        axis.start <= low - 14 and axis.stop >= high + 14
        for axis, low, high in zip(box, (80, 40, 40), (88, 48, 48), strict=True)
    )


def test_the_corner_of_a_part_is_added() -> None:
    """What lies at (1, 1, 1) of a part that starts at (20, 10, 10) lies at (21, 11, 11)."""
    part = np.zeros((4, 4, 4), np.float32)
    part[1:3, 1:3, 1:3] = 1
    moved = candidate_boxes(part, (20, 10, 10), COARSE, FINE, CandidateRules())
    assert moved == boxes_of(((slice(21, 23), slice(11, 13), slice(11, 13)), 1.0))


def test_specks_and_weak_voxels_are_no_candidates() -> None:
    """One voxel has 0.6 mm3; eight at 0.2 stay under the threshold."""
    assert boxes_of(((slice(5, 6), slice(5, 6), slice(5, 6)), 1.0)) == []
    assert boxes_of(((slice(5, 7), slice(5, 7), slice(5, 7)), 0.2)) == []


def test_a_large_lesion_does_not_hide_a_small_one() -> None:
    """Eight voxels far from three thousand have a box of their own."""
    large, small = (slice(2, 14), slice(4, 20), slice(4, 20)), (slice(44, 46), slice(2, 4), slice(2, 4))
    assert len(boxes_of((large, 0.9), (small, 0.3))) == 2


AXES = st.tuples(st.integers(0, 80), st.integers(1, 50)).map(lambda at: slice(at[0], min(at[0] + at[1], 96)))


@given(boxes=st.lists(st.tuples(AXES, AXES, AXES), max_size=6))
def test_merged_boxes_are_apart_and_hold_all(boxes: list[Box]) -> None:
    """Each box lies in one of the results; no two results come near each other; merging again changes nothing."""
    shape = (96, 96, 90)
    boxes = [(z, y, slice(min(x.start, 88), min(x.stop, 90))) for z, y, x in boxes]
    result = merged(boxes, shape)
    for box in boxes:
        assert any(
            all(a.start <= b.start and b.stop <= a.stop for a, b in zip(held, box, strict=True)) for held in result
        )
    for number, one in enumerate(result):
        for other in result[:number]:
            gaps = [max(a.start - b.stop, b.start - a.stop) for a, b in zip(one, other, strict=True)]
            assert max(gaps) >= GAP_VOXELS
    assert merged(result, shape) == result


@given(start=st.integers(0, 90), length=st.integers(1, 80), size=st.integers(1, 120))
def test_a_rounded_box_stays_in_the_image(start: int, length: int, size: int) -> None:
    """It holds the box, and its length is a multiple of 16 or the image's."""
    start = min(start, size - 1)
    stop = min(start + length, size)
    axis = rounded((slice(start, stop),) * 3, (size,) * 3)[0]
    assert 0 <= axis.start <= start
    assert stop <= axis.stop <= size
    assert (axis.stop - axis.start) % 16 == 0 or axis.stop - axis.start == size


def test_a_box_grows_where_its_lesion_reaches_a_face() -> None:
    """The lesion touches the near end of z and the far end of x; the image ends there along x."""
    box = (slice(32, 64), slice(32, 64), slice(64, 96))
    lesion = np.zeros((32, 32, 32), bool)
    lesion[2:20, 10:20, 10:32] = True
    assert grown(box, lesion, (96, 96, 96)) == (slice(16, 64), slice(32, 64), slice(64, 96))
    assert grown(box, np.zeros_like(lesion), (96, 96, 96)) == box
