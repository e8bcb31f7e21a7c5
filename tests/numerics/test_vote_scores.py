"""Probabilities and sampled masks against votes: by hand, by property, against formulas written out, real masks."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from murinoma.errors import GeometryError, InputError
from murinoma.numerics.vote_scores import generalised_energy_distance, sampled_share, vote_scores
from tests.numerics.real_masks import real_masks

MASKS = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 3), st.just(2), st.just(2), st.just(3)), elements=st.integers(0, 1)
)


def row(*values: float) -> np.ndarray:
    """Return a row of voxels."""
    return np.array([[values]])


def test_brier_and_calibration_error_by_hand() -> None:
    """Squares 0.04, 0.09 and 0.01; bins 0.8 (off 0.2), 0.3 (two voxels: mean 0.35, share 0.25, off 0.1)."""
    scores = vote_scores(row(0.8, 0.3, 0.399), row(1.0, 0.0, 0.5))
    assert scores.brier == pytest.approx((0.04 + 0.09 + 0.101**2) / 3)
    assert scores.calibration_error == pytest.approx((0.2 + 2 * abs(0.3495 - 0.25)) / 3)
    assert [one.n_voxels for one in scores.bins] == [0, 0, 0, 2, 0, 0, 0, 0, 1, 0]
    assert (scores.bins[3].low, scores.bins[3].high) == (0.3, 0.4)


def test_a_probability_of_one_is_in_the_last_bin() -> None:
    """The last bin holds its upper edge; an empty bin has no mean."""
    scores = vote_scores(row(1.0, 0.9), row(1.0, 1.0))
    assert scores.bins[9].n_voxels == 2
    assert np.isnan(scores.bins[0].probability)


def test_background_that_nobody_doubts_does_not_count() -> None:
    """A marked voxel amid a long row: it and five voxels to each side are scored."""
    probability, share = np.zeros((1, 1, 100)), np.zeros((1, 1, 100))
    share[0, 0, 50] = 1
    scores = vote_scores(probability, share)
    assert scores.n_voxels == 11
    assert scores.brier == pytest.approx(1 / 11)
    probability[0, 0, 80] = 0.1
    assert vote_scores(probability, share).n_voxels == 41


def test_nothing_to_score() -> None:
    """Nobody marked anything and nothing is probable: NaN of no voxels."""
    scores = vote_scores(np.full((2, 2, 2), 0.05), np.zeros((2, 2, 2)))
    assert scores.n_voxels == 0
    assert np.isnan([scores.brier, scores.calibration_error]).all()


@pytest.mark.parametrize("wrong", [1.2, -0.1, np.nan])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    """Logits given as probabilities are an error, and NaN is."""
    with pytest.raises(InputError, match="between 0 and 1"):
        vote_scores(row(0.5, wrong), row(1.0, 1.0))


def test_other_grids_and_no_masks_are_refused() -> None:
    """Shapes are named; an empty list of samples or annotations is an error."""
    with pytest.raises(GeometryError, match=r"\(1, 1, 2\)"):
        vote_scores(row(0.1, 0.2), row(1.0))
    with pytest.raises(GeometryError, match="share one"):
        generalised_energy_distance([row(1, 0)], [row(1)])
    with pytest.raises(GeometryError, match="share one"):
        sampled_share([row(1, 0), row(1)])
    for samples, annotations in ([], [row(1)]), ([row(1)], []):
        with pytest.raises(InputError, match="at least one"):
            generalised_energy_distance(samples, annotations)


@given(masks=MASKS)
def test_the_share_of_votes_scores_nought(masks: np.ndarray) -> None:
    """Whoever says the share of votes has Brier 0 and calibration error 0, and their masks energy distance 0."""
    share = sampled_share(list(masks))
    assert share == pytest.approx(masks.mean(axis=0))
    assert generalised_energy_distance(list(masks), list(masks)) == pytest.approx(0, abs=1e-12)
    if share.any():
        scores = vote_scores(share, share)
        assert (scores.brier, scores.calibration_error) == pytest.approx((0, 0))


@given(probability=arrays.arrays(np.float64, (2, 3, 4), elements=st.floats(0, 1)), masks=st.integers(0, 999))
def test_scores_agree_with_their_formulas(probability: np.ndarray, masks: int) -> None:
    """Brier against single votes less their own disagreement; the calibration error from a loop over bins."""
    probability[0, 0, 0], probability[-1, -1, -1] = 1, 1  # so that the box is the whole
    votes = np.random.default_rng(masks).integers(0, 2, (3, 2, 3, 4))
    share = votes.mean(axis=0)
    scores = vote_scores(probability, share)
    against_votes = np.mean([(probability - vote) ** 2 for vote in votes])
    assert scores.brier == pytest.approx(against_votes - (share * (1 - share)).mean())
    off = 0.0
    for k in range(10):
        last = probability <= 1 if k == 9 else probability * 10 < k + 1
        inside = (probability * 10 >= k) & last
        if inside.any():
            off += inside.mean() * abs(probability[inside].mean() - share[inside].mean())
    assert scores.calibration_error == pytest.approx(off)


def test_energy_distance_by_hand() -> None:
    """One sample 1100 against 1100 and 0110: distances 0 and 2/3; annotations 2/3 apart: 2 x 1/3 - 0 - 1/3."""
    sample, other = row(1, 1, 0, 0), row(0, 1, 1, 0)
    assert generalised_energy_distance([sample], [sample, other]) == pytest.approx(1 / 3)
    assert generalised_energy_distance([sample], [row(0, 0, 1, 1)]) == 2


def test_two_empty_masks_agree() -> None:
    """Empty against empty is 0; empty against a mask is as far as can be."""
    empty = row(0, 0)
    assert generalised_energy_distance([empty], [empty]) == 0
    assert generalised_energy_distance([empty], [row(1, 0)]) == 2


@given(samples=MASKS, annotations=MASKS)
def test_energy_distance_agrees_with_its_formula(samples: np.ndarray, annotations: np.ndarray) -> None:
    """A loop over all pairs gives the same, and it is symmetric."""

    def apart(ones: np.ndarray, others: np.ndarray) -> float:
        return float(np.mean([[iou_distance(one, other) for other in others] for one in ones]))

    expected = 2 * apart(samples, annotations) - apart(samples, samples) - apart(annotations, annotations)
    assert generalised_energy_distance(list(samples), list(annotations)) == pytest.approx(expected)
    assert generalised_energy_distance(list(annotations), list(samples)) == pytest.approx(expected)


def iou_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 - IoU from the voxels, 0 for two empty masks."""
    either = np.logical_or(one, other).sum()
    return 1 - np.logical_and(one, other).sum() / either if either else 0.0


def test_real_annotators_as_samples_of_one_another(shared_data: Path) -> None:
    """A and B as samples of C and D are nearer to them than one of them alone is, in the mean of the real scans."""
    both, alone = [], []
    for masks in real_masks(shared_data):
        a, b, c, d = (masks[one] for one in "ABCD")
        both.append(generalised_energy_distance([a, b], [c, d]))
        alone += [generalised_energy_distance([a], [c, d]), generalised_energy_distance([b], [c, d])]
        share = sampled_share([c, d])
        assert vote_scores(sampled_share([a, b]), share).brier < vote_scores(a.astype(float), share).brier + 0.05
    assert 0 <= np.mean(both) < np.mean(alone)
