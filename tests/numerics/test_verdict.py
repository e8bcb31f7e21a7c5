"""The verdict: each condition by hand, what is decided and what is open, the Williams index, real annotators."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from murinoma.numerics.agreement import marked_voxels, pairwise_dice
from murinoma.numerics.verdict import (
    CANNOT_TELL,
    NOT_WITHIN,
    WITHIN,
    Margins,
    ScanFigures,
    TumorFigures,
    Verdict,
    dice_gain,
    verdict,
    volume_log_ratio,
    williams_index,
)
from murinoma.numerics.votes import count_votes
from tests.numerics.real_masks import real_masks

GOOD = 200  # mice; enough for every condition


def judged(
    n_mice: int = GOOD,
    *,
    gain: float = 0.0,
    log_ratio: float = 0.0,
    false: Sequence[int] = (),
    missed: Sequence[int] = (),
    spread: float = 0.02,
) -> Verdict:
    """Return the verdict on one scan and tumor per mouse; gains and ratios spread by as much up as down."""
    mice = np.arange(n_mice)
    around = spread * stats.norm.ppf((mice + 0.5) / n_mice)
    falses, found = np.zeros(n_mice), np.ones(n_mice, bool)
    falses[list(false)] = 1
    found[list(missed)] = False
    scans = ScanFigures(mice, mice * 0, gain + around, falses)
    tumors = TumorFigures(mice, mice * 0, log_ratio + around, found)
    return verdict(scans, tumors, rng=np.random.default_rng(0))


def states(found: Verdict) -> list[str]:
    """Return the states of the four conditions."""
    return [criterion.state for criterion in found.criteria]


def test_all_four_hold() -> None:
    """No gain, no bias, nothing false, nothing missed in 200 mice: within, and no mice are needed."""
    found = judged()
    assert found.outcome == WITHIN
    assert states(found) == ["holds"] * 4
    assert [one.name for one in found.criteria] == ["dice", "volume", "false positives", "recall"]
    assert (found.mice_needed, found.n_mice, found.has_human_baseline) == (None, GOOD, True)


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ({"gain": -0.04}, "dice"),
        ({"log_ratio": np.log(1.1)}, "volume"),
        ({"log_ratio": np.log(0.9)}, "volume"),
        ({"false": range(60)}, "false positives"),
        ({"missed": range(40)}, "recall"),
    ],
)
def test_one_bound_beyond_its_margin_is_enough(case: dict[str, Any], name: str) -> None:
    """Dice 0.04 lower, 10 % too much or too little volume, 0.3 false per scan, 20 % missed: not within."""
    found = judged(**case)
    assert found.outcome == NOT_WITHIN
    assert [one.name for one in found.criteria if one.state == "fails"] == [name]


def test_the_edges_of_the_margins_decide() -> None:
    """Twelve mice, t interval: half width w. Just more than w above the margin holds, just less is open."""
    mice = np.arange(12)
    around = 0.02 * stats.norm.ppf((mice + 0.5) / 12)
    half = stats.t.ppf(0.975, 11) * around.std(ddof=1) / np.sqrt(12)
    for shift, state in [(1.01, "holds"), (0.99, "open"), (-0.99, "open"), (-1.01, "fails")]:
        found = judged(12, gain=-0.02 + shift * half)
        assert found.criteria[0].state == state


def test_recall_is_one_less_the_rate_of_missed_tumors() -> None:
    """Two of 200 missed: value 0.99; the lower bound is one less the upper bound of the missed."""
    recall = judged(missed=[0, 1]).criteria[3]
    missed = judged(false=[0, 1]).criteria[2]
    assert (recall.interval.value, recall.least, recall.most) == (0.99, 0.95, 1.0)
    assert recall.interval.low == pytest.approx(1 - missed.interval.high)
    assert recall.interval.high == pytest.approx(1 - missed.interval.low)


def test_a_mouse_weighs_once_whatever_its_scans() -> None:
    """Nine scans of 0.1 in one mouse and one scan of 0 in each of nine: the mean over mice is 0.01."""
    mice = np.array([0] * 9 + list(range(1, 10)))
    gain = np.where(mice == 0, 0.1, 0.0)
    tumors = TumorFigures(mice, mice * 0, gain, np.ones(18, bool))
    found = verdict(ScanFigures(mice, mice * 0, gain, np.zeros(18)), tumors, rng=np.random.default_rng(0))
    assert found.criteria[0].interval.value == pytest.approx(0.01)
    assert found.criteria[1].interval.value == pytest.approx(np.exp(0.01))


def test_few_mice_cannot_tell_and_the_number_that_would_is_stated() -> None:
    """Ten mice without a fault: false lesions need 30 mice, recall 60; so 60 mice."""
    found = judged(10)
    assert found.outcome == CANNOT_TELL
    assert states(found) == ["holds", "holds", "open", "open"]
    assert [one.mice_needed for one in found.criteria] == [None, None, 30, 60]
    assert found.mice_needed == 60


def test_the_number_of_mice_would_tell_in_four_of_five_studies() -> None:
    """A gain of -0.01 with SD 0.06: the stated number decides for 74 to 86 % of 400 new studies."""
    rng = np.random.default_rng(1)
    needed = judged(40, gain=-0.01, spread=0.06).criteria[0].mice_needed
    assert needed is not None
    means = rng.normal(-0.01, 0.06, (400, needed))
    low = means.mean(axis=1) - 1.96 * means.std(axis=1, ddof=1) / np.sqrt(needed)
    assert 0.74 < (low > -0.02).mean() < 0.86


def test_one_that_would_fail_tells_first() -> None:
    """A Dice that is too low but open decides; what the others would need to hold does not matter."""
    found = judged(8, gain=-0.03, spread=0.03)
    assert states(found)[0] == "open"
    assert found.mice_needed == found.criteria[0].mice_needed


def test_exactly_at_the_margin_no_number_is_known() -> None:
    """A gain of just the margin is decided by no number of mice that anyone could scan."""
    found = judged(gain=-0.02)
    assert (found.outcome, found.criteria[0].mice_needed, found.mice_needed) == (CANNOT_TELL, None, None)


@pytest.mark.parametrize("n_mice", [0, 1, 4])
def test_one_mouse_and_no_mouse_cannot_tell(n_mice: int) -> None:
    """Below five mice there are values but no intervals, whatever the values are."""
    found = judged(n_mice, log_ratio=1.0)
    assert found.outcome == CANNOT_TELL
    assert states(found) == ["open"] * 4
    assert (found.mice_needed, found.n_mice) == (None, n_mice)
    assert [one.interval.method for one in found.criteria] == ["none"] * 4
    assert np.isnan([[one.interval.low, one.interval.high] for one in found.criteria]).all()


def test_one_annotator_is_no_human_baseline() -> None:
    """Without a pair of annotators nothing can be told, though half of the tumors are missed."""
    mice = np.arange(50)
    scans = ScanFigures(mice, mice * 0, dice_gain(np.full((50, 1), 0.9), np.empty((50, 0))), np.zeros(50))
    ratio = volume_log_ratio(np.ones(50), np.ones((50, 1)))
    found = verdict(scans, TumorFigures(mice, mice * 0, ratio, mice % 2 == 0), rng=np.random.default_rng(0))
    assert (found.outcome, found.has_human_baseline, found.mice_needed) == (CANNOT_TELL, False, None)
    assert found.criteria[3].state == "fails"


def test_scans_without_a_tumor_count_for_false_lesions_alone() -> None:
    """Thirty mice without tumors and 30 with: the rate is over 60 scans, the gain over 30 mice."""
    mice = np.arange(60)
    gain = np.where(mice < 30, 0.01 * (-1.0) ** mice, np.nan)
    tumors = TumorFigures(mice[:30], mice[:30] * 0, gain[:30], np.ones(30, bool))
    found = verdict(ScanFigures(mice, mice * 0, gain, np.zeros(60)), tumors, rng=np.random.default_rng(0))
    assert [one.interval.n_mice for one in found.criteria] == [30, 30, 60, 30]


def test_other_margins_give_another_verdict() -> None:
    """Margins are what is asked: a ratio of 1.10 lies within 0.8 to 1.25."""
    mice = np.arange(GOOD)
    ratio = np.log(1.1) + 0.02 * stats.norm.ppf((mice + 0.5) / GOOD)
    scans = ScanFigures(mice, mice * 0, ratio * 0, np.zeros(GOOD))
    tumors = TumorFigures(mice, mice * 0, ratio, np.ones(GOOD, bool))
    wide = verdict(scans, tumors, margins=Margins(ratio_low=0.8, ratio_high=1.25), rng=np.random.default_rng(0))
    assert wide.outcome == WITHIN
    assert (wide.criteria[1].least, wide.criteria[1].most) == pytest.approx((0.8, 1.25))


def test_gain_by_hand() -> None:
    """0.80 with the annotators, 0.90 among them; absent ones are left out; no pair, or nothing marked: NaN."""
    source = np.array([[0.9, 0.8, 0.7], [0.9, np.nan, 0.7], [0.9, 0.8, 0.7], [0.0, np.nan, np.nan]])
    people = np.array([[0.9, 0.9, 0.9], [np.nan, 0.9, np.nan], [np.nan] * 3, [np.nan] * 3])
    assert dice_gain(source, people) == pytest.approx([-0.1, -0.1, np.nan, np.nan], nan_ok=True)


@given(
    logs=st.lists(st.floats(-3, 3), min_size=3, max_size=6),
    source=st.floats(-3, 3),
)
def test_the_log_ratio_is_the_corrected_one_to_the_leave_one_out_means(logs: list[float], source: float) -> None:
    """The formula of the docstring, written out: each annotator's own ratio to the others' mean is taken off."""
    volumes = np.exp(logs)
    others = (volumes.sum() - volumes) / (len(logs) - 1)
    corrected = np.mean(source - np.log(others)) - np.mean(np.log(volumes / others))
    found = volume_log_ratio(np.exp([source]), volumes[None])
    assert found[0] == pytest.approx(corrected, abs=1e-9)


def test_an_equal_annotator_has_no_log_ratio_on_average() -> None:
    """20,000 tumors, 25 % spread: 0 within three errors; without the correction the others' mean would bias it."""
    rng = np.random.default_rng(0)
    volumes = np.exp(0.25 * rng.standard_normal((20_000, 4)))
    found = volume_log_ratio(volumes[:, 3], volumes[:, :3])
    error = found.std() / np.sqrt(len(found))
    others = (volumes[:, :3].sum(axis=1, keepdims=True) - volumes[:, :3]) / 2
    assert abs(found.mean()) < 3 * error
    assert np.log(volumes[:, 3:] / others).mean() < -3 * error


def test_missed_tumors_have_no_log_ratio() -> None:
    """The source missed it, one annotator of three missed it, only one annotator marked it, one was absent."""
    source = np.array([0.0, 8.0, 8.0, 8.0])
    annotators = np.array([[4.0, 4, 4], [4.0, 4, 0], [4.0, 0, 0], [2.0, 8, np.nan]])
    assert volume_log_ratio(source, annotators) / np.log(2) == pytest.approx([np.nan, 1, np.nan, 1], nan_ok=True)


def four_annotators() -> np.ndarray:
    """Return the Dice of four annotators, (4, 4), of drawn masks of ten voxels."""
    drawn = ["1111......", "1111......", ".1111.....", "..1111...."]
    counts = count_votes([np.array([[[int(voxel == "1") for voxel in row]]]) for row in drawn]).counts
    return pairwise_dice(counts)


def test_the_williams_index_of_four_annotators_by_hand() -> None:
    """Four voxels each; shared 4, 3, 2 with the first, so Dice 1, 3/4, 1/2 with it, and 3/4, 1/2 and 3/4 among others.

    The last one against the others: (1/2 + 1/2 + 3/4) / (1 + 3/4 + 3/4) = 0.7; the third: (3/4 + 3/4 + 3/4) /
    (1 + 1/2 + 1/2) = 1.125; the first and the second: (1 + 3/4 + 1/2) / (3/4 + 1/2 + 3/4) = 1.125.
    """
    dice, one = four_annotators(), np.zeros(1, int)
    found = []
    for source in range(4):
        others = [r for r in range(4) if r != source]
        among = np.array([[dice[a, b] for a, b in combinations(others, 2)]])
        found.append(williams_index(dice[source, others][None], among, one, one))
    assert [index.value for index in found] == pytest.approx([1.125, 1.125, 1.125, 0.7])
    assert {index.method for index in found} == {"none"}


def test_the_williams_index_is_a_ratio_of_means_over_mice() -> None:
    """Means of 0.8 and 0.4 (mouse 0 has two scans): 0.6 over 0.8; its interval is the jackknife's by hand."""
    source = np.array([[0.7], [0.9], [0.4], [0.6], [0.5], [0.7], [np.nan]])
    people = np.array([[0.8], [0.8], [0.8], [0.9], [0.7], [0.8], [0.9]])
    mice = np.array([0, 0, 1, 2, 3, 4, 5])
    found = williams_index(source, people, mice, mice * 0)
    means, among = np.array([0.8, 0.4, 0.6, 0.5, 0.7]), np.array([0.8, 0.8, 0.9, 0.7, 0.8])
    left_out = (means.sum() - means) / (among.sum() - among)
    error = np.sqrt(0.8 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.value == pytest.approx(means.sum() / among.sum())
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert found.n_mice == 5


def test_nothing_to_agree_on_has_no_williams_index() -> None:
    """No scan with a value: NaN without an interval."""
    nothing = williams_index(np.full((3, 2), np.nan), np.full((3, 1), np.nan), np.arange(3), np.zeros(3, int))
    assert np.isnan(nothing.value)
    assert nothing.method == "none"


def test_annotator_d_of_the_real_masks_against_the_other_three(shared_data: Path) -> None:
    """Gain, log ratio and Williams index of D follow from its Dice and volumes, computed here on the voxels."""
    gains, ratios, rows = [], [], []
    for masks in real_masks(shared_data):
        dice = {pair: overlap(*(masks[one] for one in pair)) for pair in combinations("ABCD", 2)}
        with_d = [dice[one, "D"] for one in "ABC"]
        among = [dice["A", "B"], dice["A", "C"], dice["B", "C"]]
        rows.append((with_d, among))
        gains.append(np.mean(with_d) - np.mean(among))
        volumes = {one: masks[one].sum() for one in "ABCD"}
        ratios.append(np.log(volumes["D"]) - np.log(volumes["A"] * volumes["B"] * volumes["C"]) / 3)
        counts = count_votes([masks[one] for one in "ABCD"]).counts
        found = pairwise_dice(counts)
        assert dice_gain(found[3:, :3], found[[0, 0, 1], [1, 2, 2]][None])[0] == pytest.approx(gains[-1])
        voxels = marked_voxels(counts).astype(float)
        assert volume_log_ratio(voxels[3:], voxels[None, :3])[0] == pytest.approx(ratios[-1])
    mice = np.arange(len(rows))
    index = williams_index(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), mice, mice * 0)
    assert index.value == pytest.approx(np.mean([row[0] for row in rows]) / np.mean([row[1] for row in rows]))
    assert index.method == "t over mice"


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Dice of two masks from their voxels."""
    return 2 * float(np.count_nonzero(one & other)) / float(one.sum() + other.sum())
