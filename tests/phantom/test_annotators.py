"""Annotators: what a perfect one draws, what each error does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murinoma.phantom.annotators import Annotator, annotate, drawn_slices, one_outline, see_tumors
from murinoma.volume import Volume

SPACING_MM = 0.3
PERFECT = Annotator("A", bias_mm=0, bias_sd_mm=0, roughness_mm=0, overlooked_mm2=1e-9, gap_mm=SPACING_MM)


def ball_scan(radius_mm: float = 3.0, tissue_hu: int = 50) -> tuple[Volume, Volume]:
    """Make a CT of uniform tissue and a ball of tumor number 1 in it."""
    offsets = (np.arange(40) - 19.5) * SPACING_MM
    z, y, x = np.meshgrid(offsets, offsets, offsets, indexing="ij", sparse=True)
    truth = (z**2 + y**2 + x**2 <= radius_mm**2).astype(np.uint8)
    affine = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
    return Volume(np.full(truth.shape, tissue_hu, dtype=np.int16), affine), Volume(truth, affine)


def drawn(annotator: Annotator, ct: Volume, truth: Volume, seed: int = 0) -> np.ndarray:
    """Return the voxels that an annotator marks."""
    rng = np.random.default_rng(seed)
    return annotate(ct, see_tumors(truth), annotator, air_hu=-300, bone_hu=500, rng=rng).labels


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Dice of two masks."""
    return float(2 * ((a > 0) & (b > 0)).sum() / ((a > 0).sum() + (b > 0).sum()))


def test_a_perfect_annotator_who_draws_every_slice_gives_the_truth() -> None:
    """Without bias, roughness and gaps the annotation is the truth but for single voxels, as uint8 on the CT's grid."""
    ct, truth = ball_scan()
    rng = np.random.default_rng(0)
    annotation = annotate(ct, see_tumors(truth), PERFECT, air_hu=-300, bone_hu=500, rng=rng)
    assert dice(annotation.labels, truth.voxels) > 0.985
    assert annotation.labels.dtype == np.uint8
    assert annotation.labels.shape == ct.shape


def test_what_the_tissue_rule_took_was_between_the_drawn_slices() -> None:
    """Labels and removed voxels are what was drawn and interpolated; drawn slices are where the sketch has marks."""
    ct, truth = ball_scan()
    hu = np.where(np.arange(40) < 18, -900, ct.voxels).astype(np.int16)
    rng = np.random.default_rng(0)
    made = annotate(ct.with_voxels(hu), see_tumors(truth), PERFECT, air_hu=-300, bone_hu=500, rng=rng)
    assert made.removed[:, :, :18].any()
    assert not made.labels[:, :, :18].any()
    assert not (made.labels[made.removed > 0] > 0).any()
    assert made.drawn == {1: tuple(np.flatnonzero(made.sketch.any(axis=(1, 2))).tolist())}
    np.testing.assert_array_equal((made.labels + made.removed)[list(made.drawn[1])], made.sketch[list(made.drawn[1])])


@pytest.mark.parametrize("bias_mm", [-0.3, -0.1, 0.1, 0.3])
def test_bias_is_a_shift_of_the_surface_in_millimetres(bias_mm: float) -> None:
    """A bias of 0.1 mm, a third of a voxel, makes a ball of 3 mm radius one of 3.1 mm, within 3 % of its volume."""
    ct, truth = ball_scan()
    volume = drawn(replace(PERFECT, bias_mm=bias_mm), ct, truth).sum() * SPACING_MM**3
    assert volume == pytest.approx(4 / 3 * np.pi * (3 + bias_mm) ** 3, rel=0.03)


def test_every_fifth_slice_alone_loses_the_ends() -> None:
    """With gaps of five slices the annotation is smaller than the tumor, and almost all of it lies inside."""
    ct, truth = ball_scan()
    with_gaps = drawn(replace(PERFECT, gap_mm=5 * SPACING_MM), ct, truth)
    assert 0.6 < with_gaps.sum() / truth.voxels.sum() < 0.97
    assert (with_gaps[truth.voxels == 0] > 0).sum() < 0.01 * truth.voxels.sum()


def test_drawing_the_ends_brings_them_back() -> None:
    """With the first and last slice drawn as well, the annotation reaches as far as the tumor, to a slice."""
    ct, truth = ball_scan()
    whole = drawn(replace(PERFECT, gap_mm=5 * SPACING_MM, draws_ends=True), ct, truth)
    reach, true_reach = (np.ptp(np.flatnonzero(mask.any(axis=(1, 2)))) for mask in (whole, truth.voxels))
    assert abs(int(reach) - int(true_reach)) <= 2


def test_a_small_outermost_slice_is_overlooked() -> None:
    """Somebody who overlooks 1 mm2 leaves out an end of 0.01 mm2 and keeps one of 20 mm2."""
    areas = np.array([0, 20.0, 20.0, 20.0, 20.0, 0.01, 0])
    annotator = replace(PERFECT, overlooked_mm2=1.0)
    assert drawn_slices(areas, annotator, 1, rng=np.random.default_rng(0)) == [1, 2, 3, 4]


def test_the_tissue_rule_applies() -> None:
    """Air at the edge of the tumor leaves the annotation."""
    ct, truth = ball_scan()
    hu = ct.voxels.copy()
    hu[:, :, 22:] = -400
    marked = drawn(PERFECT, ct.with_voxels(hu), truth)
    assert not marked[:, :, 22:].any()
    assert dice(marked[:, :, :22], truth.voxels[:, :, :22]) > 0.98


def test_several_tumors_keep_their_numbers() -> None:
    """Number 2 stays number 2, and a missing number 1 is no trouble."""
    ct, truth = ball_scan()
    assert set(np.unique(drawn(PERFECT, ct, truth.with_voxels(2 * truth.voxels)))) == {0, 2}


def test_without_a_tumor_nothing_is_drawn() -> None:
    """An empty truth gives an empty annotation."""
    ct, truth = ball_scan()
    assert not drawn(PERFECT, ct, truth.with_voxels(np.zeros_like(truth.voxels))).any()


def test_one_outline_is_the_largest_piece_without_holes() -> None:
    """A ring and a speck become a disc."""
    shape = np.zeros((7, 9), dtype=bool)
    shape[1:6, 1:6] = True
    shape[3, 3] = False
    shape[3, 8] = True
    assert one_outline(shape).sum() == 25


@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=10)
def test_chance_is_an_argument(seed: int) -> None:
    """The same generator draws the same, another one something else, and the truth stays untouched."""
    ct, truth = ball_scan()
    before = truth.voxels.copy()
    annotator = Annotator("A")
    first, again, other = (drawn(annotator, ct, truth, seed=s) for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(truth.voxels, before)
