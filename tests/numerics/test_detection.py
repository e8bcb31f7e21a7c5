"""Detection of tumors: by hand, by property, and against statsmodels and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from statsmodels.stats.proportion import proportion_confint

from murinoma.errors import GeometryError
from murinoma.numerics.detection import Detection, detect, is_second, recall_by_size, share_of

UNIT = (1.0, 1.0, 1.0)


def line(text: str) -> np.ndarray:
    """Return a row of voxels drawn as digits, dots for 0: ``..11.``."""
    return np.array([[[0 if character == "." else int(character) for character in text]]])


def drawn(truth: str, prediction: str) -> Detection:
    """Return the detection of a drawn row, voxels of 1 mm."""
    return detect(line(truth), line(prediction), spacing_mm=UNIT)


def test_a_tumor_found_in_part_a_missed_one_and_a_false_lesion() -> None:
    """Two of three voxels found: Dice 4 / 5. The false lesion lies 4 mm from the missed tumor."""
    found = drawn("111.....22..........", "11...........1......")
    assert found.numbers == (1, 2)
    assert found.true_mm3.tolist() == [3, 2]
    assert found.dice == pytest.approx([4 / 5, 0])
    assert found.volume_error == pytest.approx([-1 / 3, -1])
    assert found.false_mm3.tolist() == [1]
    assert found.false_distance_mm.tolist() == [4]
    assert found.found(0.1).tolist() == [True, False]


def test_a_lesion_that_joins_two_tumors_has_found_both() -> None:
    """Each voxel between them is the nearest tumor's, so both have Dice 2 * 2 / (2 + 3)."""
    found = drawn("11..22", "111111")
    assert found.dice == pytest.approx([4 / 5, 4 / 5])
    assert len(found.false_mm3) == 0


def test_two_pieces_of_one_tumor_are_one_find() -> None:
    """A prediction with a hole in the middle counts with both pieces."""
    assert drawn("11111", "11.11").dice == pytest.approx([8 / 9])


def test_a_voxel_inside_another_tumor_counts_for_that_one() -> None:
    """Where two tumors touch, what is predicted in each is its own: the prediction equals the truth."""
    assert drawn("1122", "1111").dice.tolist() == [1, 1]


def test_a_graze_is_no_find() -> None:
    """One voxel of ten in a lesion of ten has Dice 0.1: found at 0.1, not at 0.2."""
    found = drawn("1111111111.........", ".........1111111111")
    assert found.dice == pytest.approx([0.1])
    assert (found.found(0.1).tolist(), found.found(0.2).tolist()) == ([True], [False])


def test_nothing_predicted_and_nothing_there() -> None:
    """Empty scans give empty figures; a lesion where there is no tumor is infinitely far from one."""
    nothing = drawn("....", "....")
    assert (nothing.numbers, nothing.false_over(0), len(nothing.dice)) == ((), 0, 0)
    false = drawn("....", ".11.")
    assert (false.false_mm3.tolist(), false.false_distance_mm.tolist()) == ([2], [np.inf])
    assert (false.false_over(1.9), false.false_over(2)) == (1, 0)
    assert drawn("11..", "....").volume_error.tolist() == [-1]


def test_spacing_scales_volumes_and_distances() -> None:
    """Voxels of 1 x 2 x 3 mm hold 6 mm3; four steps along x are 12 mm."""
    found = detect(line("1....1"), line(".....1"), spacing_mm=(1, 2, 3))
    assert found.true_mm3.tolist() == [12]
    away = detect(line("1...."), line("....1"), spacing_mm=(1, 2, 3))
    assert away.false_distance_mm.tolist() == [12]


def test_other_shapes_are_refused() -> None:
    """A prediction on another grid is an error that names both shapes."""
    with pytest.raises(GeometryError, match=r"\(1, 1, 3\).*\(1, 1, 2\)"):
        detect(line(".."), line("..."), spacing_mm=UNIT)


@settings(max_examples=60, deadline=None)
@given(
    truth=arrays.arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 2)),
    prediction=arrays.arrays(np.uint8, (4, 5, 6), elements=st.integers(0, 1)),
)
def test_no_predicted_voxel_is_lost(truth: np.ndarray, prediction: np.ndarray) -> None:
    """What is predicted for tumors and what is false make up the prediction; the distance is SciPy's."""
    found = detect(truth, prediction, spacing_mm=UNIT)
    assert found.predicted_mm3.sum() + found.false_mm3.sum() == np.count_nonzero(prediction)
    assert ((found.dice >= 0) & (found.dice <= 1)).all()
    if (truth > 0).any():
        pieces, count = ndimage.label(prediction, np.ones((3, 3, 3)))
        away = ndimage.distance_transform_edt(truth == 0)
        nearest = [away[pieces == number].min() for number in range(1, count + 1)]
        assert found.false_distance_mm == pytest.approx([distance for distance in nearest if distance > 0])


@given(truth=arrays.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 3)))
@settings(max_examples=30, deadline=None)
def test_the_truth_finds_itself(truth: np.ndarray) -> None:
    """The truth against itself has Dice 1 for every tumor, no volume error and nothing false."""
    found = detect(truth, truth, spacing_mm=UNIT)
    assert (found.dice == 1).all()
    assert (found.volume_error == 0).all()
    assert len(found.false_mm3) == 0


@given(count=st.integers(0, 40), more=st.integers(0, 40))
def test_the_interval_is_wilsons(count: int, more: int) -> None:
    """Count and bounds agree with statsmodels; nothing of nothing is NaN."""
    share = share_of(np.array([True] * count + [False] * more, dtype=bool))
    if count + more == 0:
        assert np.isnan([share.value, share.low, share.high]).all()
        return
    assert (share.low, share.high) == pytest.approx(proportion_confint(count, count + more, method="wilson"), abs=1e-9)


def test_recall_by_size_and_of_the_second_tumor() -> None:
    """A class holds its lower edge; the second tumor is any but the largest; a scan without one has none."""
    classes = recall_by_size(np.array([10.0, 30.0, 100.0]), np.array([False, True, True]), (10, 30, 100, 200))
    assert [(one.count, one.total) for one in classes] == [(0, 1), (1, 1), (1, 1)]
    assert is_second(np.array([50.0])).tolist() == [False]
    assert is_second(np.array([5.0, 50.0, 7.0])).tolist() == [True, False, True]
    assert is_second(np.zeros(0)).tolist() == []
