"""Lesions: each on its own merit, numbered by position, and every dropped one says why."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError, UsageError
from murinoma.models.lesions import Lesion, LesionRules, lesion_labels, reason_to_drop
from murinoma.models.segmenter import Patch, Prediction
from murinoma.numerics.boxes import Box

SHAPE = (30, 20, 20)
GOOD = Lesion(0, (slice(0, 5),) * 3, volume_mm3=125.0, mean=0.9, peak=0.99, coarse=0.8, depth_mm=0.0)


def prediction(*cubes: tuple[Box, float], skin_mm: float = 0.5, coarse: float = 0.9) -> Prediction:
    """Return one patch over all of a scan of 1 mm, one head, with cubes of some probability."""
    probability = np.zeros((1, *SHAPE), np.float16)
    for box, value in cubes:
        probability[:, *box] = value
    whole = (slice(0, 30), slice(0, 20), slice(0, 20))
    depth, first = (np.full(SHAPE, value, np.float16) for value in (skin_mm, coarse))
    return Prediction(SHAPE, (1.0, 1.0, 1.0), ("consensus",), (Patch(whole, probability, depth, first),), 40.0)


def cube(z: int, y: int, x: int, side: int) -> Box:
    """Return a cube."""
    return slice(z, z + side), slice(y, y + side), slice(x, x + side)


def test_a_model_may_ask_for_surer_lesions() -> None:
    """Of two cubes the one that the coarse pass gives 0.8 on average goes where 0.85 is asked; given rules go first."""
    found = replace(prediction((cube(2, 8, 2, 8), 0.9), (cube(20, 1, 1, 3), 0.9)), least_coarse=0.85)
    found.patches[0].coarse[cube(20, 1, 1, 3)] = np.arange(27).reshape(3, 3, 3) / 26 * 0.4 + 0.6
    assert [lesion.dropped for lesion in lesion_labels(found)[1]] == [
        "",
        "has a mean probability of 0.80 in the coarse pass (at least 0.85)",
    ]
    assert not any(lesion.dropped for lesion in lesion_labels(found, rules=LesionRules())[1])


def test_two_cubes_are_two_lesions_by_position() -> None:
    """27 mm3 lies before 512 mm3 along y, so it is number 1; both volumes are right."""
    labels, lesions = lesion_labels(prediction((cube(2, 8, 2, 8), 0.9), (cube(20, 1, 1, 3), 0.95)))
    assert [lesion.volume_mm3 for lesion in lesions] == [27, 512]
    assert np.bincount(labels.ravel())[1:].tolist() == [27, 512]
    assert lesions[0].box == cube(20, 1, 1, 3)


def test_a_small_lesion_beside_a_huge_one_stays() -> None:
    """8 mm3 beside 4096 mm3: a five-hundredth, and nothing drops it."""
    _, lesions = lesion_labels(prediction((cube(0, 0, 0, 16), 0.9), (cube(25, 17, 17, 2), 0.9)))
    assert [lesion.dropped for lesion in lesions] == ["", ""]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"volume_mm3": 4.0}, "has 4.0 mm3"),
        ({"mean": 0.5}, "mean probability of 0.50"),
        ({"peak": 0.7}, "highest probability of 0.70"),
        ({"coarse": 0.1}, "0.10 in the coarse pass"),
        ({"depth_mm": 3.1}, "lies 3.1 mm under the skin"),
        ({}, ""),
    ],
)
def test_the_reason_names_the_value(change: dict[str, Any], reason: str) -> None:
    """One rule broken at a time."""
    found = reason_to_drop(replace(GOOD, **change), LesionRules())
    assert reason in found
    assert bool(found) == bool(reason)


def test_dropped_components_are_told_and_leave_the_mask() -> None:
    """A deep one has number 0 and its reason; the mask is empty."""
    labels, (deep,) = lesion_labels(prediction((cube(5, 5, 5, 4), 0.9), skin_mm=4.0))
    assert not labels.any()
    assert deep.number == 0
    assert "under the skin" in deep.dropped


def test_an_empty_prediction_has_no_lesion() -> None:
    """A mouse without a tumor: an empty mask is an answer."""
    labels, lesions = lesion_labels(replace(prediction(), patches=()))
    assert labels.shape == SHAPE
    assert not labels.any()
    assert lesions == ()


@given(sides=st.lists(st.integers(2, 4), min_size=1, max_size=4), others=st.lists(st.integers(2, 4), max_size=2))
def test_a_lesion_does_not_depend_on_the_others(sides: list[int], others: list[int]) -> None:
    """With more lesions beside them the first ones are judged as before."""
    first = [(cube(7 * number, 0, 0, side), 0.9) for number, side in enumerate(sides)]
    more = [(cube(7 * number, 12, 12, side), 0.9) for number, side in enumerate(others)]
    alone, beside = (lesion_labels(prediction(*marks))[1] for marks in (first, first + more))
    judged = {lesion.box[0].start: (lesion.volume_mm3, lesion.dropped) for lesion in beside if lesion.box[1].start == 0}
    assert judged == {lesion.box[0].start: (lesion.volume_mm3, lesion.dropped) for lesion in alone}


def test_more_lesions_than_numbers_is_refused() -> None:
    """A model that finds 300 lesions cannot be trusted."""
    marks = [(cube(z, y, x, 1), 0.9) for z in range(0, 30, 2) for y in range(0, 20, 4) for x in range(0, 20, 4)]
    with pytest.raises(InputError, match="375 lesions were found"):
        lesion_labels(prediction(*marks), rules=LesionRules(least_mm3=0.5))


def test_a_head_that_is_not_there_is_told() -> None:
    """The heads it has are named; the dense array has zeros where no patch is."""
    found = prediction((cube(1, 1, 1, 2), 0.5))
    with pytest.raises(UsageError, match="no head 'D'; it has consensus"):
        found.dense("D")
    assert found.dense().sum() == 4
    assert found.dense().shape == SHAPE
