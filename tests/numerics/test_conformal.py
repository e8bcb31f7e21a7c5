"""Conformal intervals of volumes: by hand, by property, coverage by simulation, real annotators."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.conformal import (
    VolumeCalibration,
    calibrate_volumes,
    split_coverage,
    volume_interval,
    weighted_quantile,
)
from tests.numerics.real_masks import real_masks

ONE_CLASS = (0.0, np.inf)


def mice_with_tumors(n_mice: int, rng: np.random.Generator, spread: float = 0.15) -> tuple[np.ndarray, ...]:
    """Return predicted and target volumes and mice: 1 to 8 tumors per mouse, alike within it, errors by size."""
    mice = np.repeat(np.arange(n_mice), rng.integers(1, 9, n_mice))
    target = np.exp(rng.normal(5.3, 0.9, n_mice)[mice] + rng.normal(0, 0.3, len(mice)))
    errors = np.sqrt(0.5) * (rng.standard_normal(n_mice)[mice] + rng.standard_normal(len(mice)))
    return target * np.exp(0.03 + spread * (target / 200) ** (-1 / 3) * errors), target, mice


def test_nine_mice_are_the_fewest_at_ninety_percent() -> None:
    """With nine mice the largest error is the half width, with eight there is no interval; at 80 % four suffice."""
    errors = np.arange(1, 10) / 100
    target = 100 * np.exp(errors * np.array([1, -1, 1, -1, 1, -1, 1, -1, 1]))
    predicted = np.full(9, 100.0)
    nine = calibrate_volumes(predicted, target, np.arange(9))
    eight = calibrate_volumes(predicted[:8], target[:8], np.arange(8))
    assert nine.classes[0].log_half_width == pytest.approx(0.09)
    assert np.isnan(eight.classes[0].log_half_width)
    assert np.isnan(volume_interval(eight, predicted[:1])).all()
    assert calibrate_volumes(predicted[:4], target[:4], np.arange(4), coverage=0.8).classes[
        0
    ].log_half_width == pytest.approx(0.04)
    assert (eight.n_mice, eight.n_tumors) == (8, 8)


def test_the_interval_is_a_factor_up_and_down() -> None:
    """Nine mice off by at most a factor of 2: 100 mm3 lies within 50 and 200."""
    found = calibrate_volumes(np.full(9, 10.0), np.append(np.full(8, 10.0), 5.0), np.arange(9))
    low, high = volume_interval(found, np.array([100.0, 0.0, np.nan]))
    assert low == pytest.approx([50, np.nan, np.nan], nan_ok=True)
    assert high == pytest.approx([200, np.nan, np.nan], nan_ok=True)


def test_a_mouse_with_many_tumors_weighs_no_more_than_another() -> None:
    """Ten mice of 0.1 to 1.0; the last has a hundred tumors: nine and nine tenths of eleven are its tenth largest."""
    scores = np.concatenate([np.arange(1, 10) / 10, np.linspace(0.91, 1.9, 100)])
    mice = np.append(np.arange(9), np.full(100, 9))
    assert weighted_quantile(scores, mice, 0.9) == pytest.approx(np.linspace(0.91, 1.9, 100)[89])
    assert weighted_quantile(scores[:9], mice[:9], 0.5) == pytest.approx(0.5)


@given(
    scores=st.lists(st.floats(0, 5), min_size=1, max_size=40),
    coverage=st.sampled_from([0.5, 0.8, 0.9]),
)
def test_with_one_tumor_a_mouse_it_is_the_common_conformal_quantile(scores: list[float], coverage: float) -> None:
    """The ceil((n + 1) coverage)-th smallest score; NaN where that is beyond the last."""
    rank = int(np.ceil(round((len(scores) + 1) * coverage, 9)))
    found = weighted_quantile(np.array(scores), np.arange(len(scores)), coverage)
    if rank > len(scores):
        assert np.isnan(found)
    else:
        assert found == sorted(scores)[rank - 1]


def test_missed_tumors_and_false_lesions_are_counted_beside() -> None:
    """Of twelve rows one was missed, one is false, one has no value; nine calibrate."""
    predicted = np.append(np.full(9, 10.0), [0.0, 30.0, np.nan])
    target = np.append(np.full(9, 11.0), [20.0, 0.0, 10.0])
    found = calibrate_volumes(predicted, target, np.arange(12))
    assert (found.n_missed, found.n_false, found.n_tumors, found.n_mice) == (1, 1, 9, 9)


def test_classes_of_size_have_a_hundred_mice_each() -> None:
    """250 mice of three sizes (150, 30, 70): the 30 join the 70; the classes reach from 0 to infinity."""
    predicted = np.repeat([20.0, 150.0, 1000.0], [150, 30, 70])
    target = predicted * np.exp(np.repeat([0.3, 0.2, 0.1], [150, 30, 70]))
    found = calibrate_volumes(predicted, target, np.arange(250))
    assert [(one.low_mm3, one.high_mm3, one.n_mice) for one in found.classes] == [(0, 50, 150), (50, np.inf, 100)]
    assert [one.log_half_width for one in found.classes] == pytest.approx([0.3, 0.2])
    low, high = volume_interval(found, np.array([49.9, 50.0]))
    assert high / low == pytest.approx(np.exp([0.6, 0.4]))


def test_a_mouse_with_tumors_of_two_sizes_counts_in_both_classes() -> None:
    """A hundred mice with a small and a large tumor each: two classes of a hundred."""
    mice = np.repeat(np.arange(100), 2)
    predicted = np.tile([20.0, 1000.0], 100)
    found = calibrate_volumes(predicted, predicted * 1.1, mice)
    assert [one.n_mice for one in found.classes] == [100, 100]
    assert found.n_mice == 100


def test_ninety_nine_mice_are_one_class() -> None:
    """Of two sizes with 99 and 150 mice nothing is split."""
    predicted = np.repeat([20.0, 1000.0], [99, 150])
    assert len(calibrate_volumes(predicted, predicted, np.arange(249)).classes) == 1


def test_nothing_to_calibrate_on() -> None:
    """No rows: one class without an interval."""
    found = calibrate_volumes(np.zeros(0), np.zeros(0), np.zeros(0, int))
    assert (found.n_mice, len(found.classes)) == (0, 1)
    assert np.isnan(found.classes[0].log_half_width)
    assert np.isnan(split_coverage(np.zeros(0), np.zeros(0), np.zeros(0, int), rng=np.random.default_rng(0)).by_mouse)


def test_bad_coverage_and_edges_are_refused() -> None:
    """Both are told with their value."""
    one = np.ones(1)
    with pytest.raises(InputError, match=r"coverage of 90"):
        calibrate_volumes(one, one, np.zeros(1, int), coverage=90)
    with pytest.raises(InputError, match=r"must increase"):
        calibrate_volumes(one, one, np.zeros(1, int), edges_mm3=(0, 50, 50))


def test_a_calibration_is_json() -> None:
    """It holds numbers and tuples only: written and read again it gives the same intervals."""
    rng = np.random.default_rng(0)
    predicted, target, mice = mice_with_tumors(30, rng)
    found = calibrate_volumes(predicted, target, mice)
    again = json.loads(json.dumps(asdict(found)))
    classes = tuple(type(found.classes[0])(**one) for one in again.pop("classes"))
    assert replace(VolumeCalibration(classes=(), **again), classes=classes) == found


@given(seed=st.integers(0, 200), factor=st.floats(0.01, 100))
def test_the_unit_of_volume_does_not_matter(seed: int, factor: float) -> None:
    """Both volumes in another unit: the same half width."""
    predicted, target, mice = mice_with_tumors(15, np.random.default_rng(seed))
    one = calibrate_volumes(predicted, target, mice, edges_mm3=ONE_CLASS).classes[0]
    other = calibrate_volumes(factor * predicted, factor * target, mice, edges_mm3=ONE_CLASS).classes[0]
    assert other.log_half_width == pytest.approx(one.log_half_width)


def test_a_random_tumor_of_a_new_mouse_is_held_as_often_as_stated() -> None:
    """3,000 studies of 19 mice, a new mouse each: 90 to 95 % (stated 90, at most 1 / 20 more), within three errors."""
    rng = np.random.default_rng(5)
    held = []
    for _ in range(3000):
        predicted, target, mice = mice_with_tumors(20, rng)
        new = mice == 19
        found = calibrate_volumes(predicted[~new], target[~new], mice[~new], edges_mm3=ONE_CLASS)
        low, high = volume_interval(found, predicted[new])
        held.append(((low <= target[new]) & (target[new] <= high)).mean())
    error = np.std(held) / np.sqrt(len(held))
    assert 0.90 - 3 * error < np.mean(held) < 0.95 + 3 * error


def test_coverage_over_random_splits() -> None:
    """400 mice: 89 to 92 % overall, 88 to 94 % in each class, each with a hundred mice or more to calibrate."""
    rng = np.random.default_rng(2)
    predicted, target, mice = mice_with_tumors(400, rng)
    found = split_coverage(predicted, target, mice, splits=50, rng=rng)
    assert 0.89 < found.by_mouse < 0.92
    often = [one for one in found.classes if one.splits >= 25]
    assert len(often) >= 2
    for one in often:
        assert one.calibration_mice >= 100
        assert 0.88 < one.coverage < 0.94


def test_a_random_split_by_hand() -> None:
    """All errors are equal, so every interval holds; with eighteen mice nine calibrate, with sixteen none can."""
    predicted = np.full(18, 100.0)
    found = split_coverage(predicted, predicted * 1.2, np.arange(18), splits=5, rng=np.random.default_rng(0))
    assert (found.by_mouse, found.by_tumor, found.splits) == (1.0, 1.0, 5)
    assert found.classes[0].calibration_mice == 9
    few = split_coverage(predicted[:16], predicted[:16], np.arange(16), splits=5, rng=np.random.default_rng(0))
    assert np.isnan(few.by_mouse)


def test_real_annotator_d_against_the_mean_of_the_others(shared_data: Path) -> None:
    """The lesions of the real study: the half width is the score of the right rank, counted here by hand."""
    scores = []
    for masks in real_masks(shared_data):
        volumes = {one: float(mask.sum()) for one, mask in masks.items()}
        scores.append((volumes["D"], np.mean([volumes[one] for one in "ABC"])))
    predicted, target = np.array(scores).T
    found = calibrate_volumes(predicted, target, np.arange(len(scores)), coverage=0.8)
    ordered = np.sort(np.abs(np.log(target / predicted)))
    assert found.classes[0].log_half_width == pytest.approx(ordered[int(np.ceil(0.8 * (len(scores) + 1) - 1e-9)) - 1])
