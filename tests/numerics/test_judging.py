"""A source against annotators: cases by hand, what must hold always, other code on real masks."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import GeometryError, InputError
from murinoma.files.masks import read_annotations
from murinoma.numerics.agreement import fleiss_kappa
from murinoma.numerics.detection import detect
from murinoma.numerics.judging import Judged, Rules, judge
from murinoma.numerics.staple import staple
from murinoma.numerics.surface import surface_agreement
from murinoma.numerics.tumors import count_tumors
from murinoma.numerics.votes import count_votes
from murinoma.study import read_study
from tests.builders import box

Array = npt.NDArray[Any]
MM = (1.0, 1.0, 1.0)
RULES = Rules(speck_mm3=10, reach_mm=3, tolerance_mm=1)
SHAPE = (8, 30, 8)


def judged(annotators: list[Array], source: Array, **options: Any) -> Judged:
    """Judge with 1 mm voxels and the usual rules."""
    return judge(annotators, source, **{"spacing_mm": MM, "rules": RULES, **options})


# by hand


def test_a_source_between_two_annotators_by_hand() -> None:
    """Boxes of 48 and 80 voxels, the source of 64 between them: Dice 96/112 and 128/144; STAPLE and majority."""
    a, b, c = (box((8, 8, 8), (2, 6), (2, 6), (2, stop)) for stop in (5, 7, 6))
    found = judged([a, b], c)
    assert found.whole.dice[2, :2] == pytest.approx([96 / 112, 128 / 144])
    assert found.whole.voxels[:3].tolist() == [48, 80, 64]
    assert found.masks.source == 2
    assert found.whole.voxels[found.masks.staple + 1] == 48  # a tie is background
    assert found.annotated_voxels.tolist() == [[48, 80]]
    assert found.n_voxels == 512


def test_the_consensus_without_an_annotator_knows_nothing_of_that_annotator() -> None:
    """Three annotators, of whom C marks nothing: without C the two others agree wholly."""
    mask, empty = box((8, 8, 8), (2, 6), (2, 6), (2, 6)), np.zeros((8, 8, 8), np.uint8)
    found = judged([mask, mask, empty], mask)
    without_c = found.masks.staple_without(2)
    assert found.whole.dice[found.masks.source, without_c] == 1
    assert found.whole.dice[2, without_c] == 0
    assert found.whole.voxels[without_c] == 64


def test_two_tumors_and_a_false_lesion_by_hand() -> None:
    """One tumor drawn as it is, one missed, and 27 mm3 that nobody marked, 6 mm from the nearest tumor."""
    first, second = box(SHAPE, (2, 6), (1, 5), (2, 6)), box(SHAPE, (2, 6), (24, 28), (2, 6))
    false = box(SHAPE, (2, 5), (10, 13), (2, 5))
    found = judged([first | second, first | second], first | false)
    assert list(found.tumors) == [1, 2]
    assert found.tumors[1].dice[2, 0] == 1
    assert (found.tumors[2].dice[2, 0], found.tumors[2].voxels[2]) == (0, 0)
    assert found.tumors[2].hausdorff95_mm[2, 0] == np.inf
    assert (found.false.volumes_mm3.tolist(), found.false.distances_mm.tolist()) == ([27], [6])
    assert found.whole.voxels[2] == 64 + 27


def test_what_one_of_three_annotators_marked_is_no_false_lesion() -> None:
    """A tumor that A alone saw: the source's lesion there belongs to it."""
    seen, disputed = box(SHAPE, (2, 6), (1, 5), (2, 6)), box(SHAPE, (2, 6), (24, 28), (2, 6))
    found = judged([seen | disputed, seen, seen], seen | disputed)
    assert len(found.false.volumes_mm3) == 0
    assert found.annotated_voxels.tolist() == [[64, 64, 64], [64, 0, 0]]
    assert found.tumors[2].dice[3, :3].tolist() == [1, 0, 0]


def test_a_speck_of_an_annotator_is_no_tumor_and_no_false_lesion() -> None:
    """Two voxels far away that A and the source marked: counted in the scan, in no tumor."""
    tumor, speck = box(SHAPE, (2, 6), (1, 5), (2, 6)), box(SHAPE, (2, 3), (20, 22), (2, 3))
    found = judged([tumor | speck, tumor], tumor | speck)
    assert list(found.tumors) == [1]
    assert len(found.false.volumes_mm3) == 0
    assert found.whole.voxels[2] == 66


def test_a_piece_of_the_source_that_joins_two_tumors_is_shared_out_to_the_nearest() -> None:
    """Tumors at y 2-5 and 12-15, the source is one bar from 2 to 15: three of the six voxel rows between go to each."""
    first, second = box(SHAPE, (2, 6), (2, 6), (2, 6)), box(SHAPE, (2, 6), (12, 16), (2, 6))
    found = judged([first | second, first | second], box(SHAPE, (2, 6), (2, 16), (2, 6)))
    assert [found.tumors[k].voxels[2] for k in (1, 2)] == [16 * 7, 16 * 7]


def test_a_tumor_that_people_left_out_is_in_no_mask() -> None:
    """Also what the source drew beyond the annotators' outline of it is gone."""
    first, second = box(SHAPE, (2, 6), (1, 5), (2, 6)), box(SHAPE, (2, 6), (20, 24), (2, 6))
    larger = box(SHAPE, (1, 7), (19, 25), (1, 7))
    found = judged([first | second, first | second], first | larger, left_out=[2])
    assert list(found.tumors) == [1]
    assert found.whole.voxels.tolist() == [64, 64, 64, 64, 64]
    assert found.whole.dice[2, 0] == 1
    assert len(found.false.volumes_mm3) == 0


# edges


def test_no_tumor_anywhere_has_no_dice_and_a_false_lesion_is_infinitely_far_from_one() -> None:
    """Empty masks: NaN; with a lesion in the source alone Dice is 0."""
    empty = np.zeros(SHAPE, np.uint8)
    found = judged([empty, empty], empty)
    assert np.isnan(found.whole.dice).all()
    assert found.tumors == {}
    assert found.annotated_voxels.shape == (0, 2)
    alone = judged([empty, empty], box(SHAPE, (2, 6), (2, 6), (2, 6)))
    assert alone.whole.dice[2, 0] == 0
    assert alone.false.distances_mm.tolist() == [np.inf]


def test_an_empty_source_misses_all() -> None:
    """Dice 0, volume 0, an infinite distance."""
    mask = box(SHAPE, (2, 6), (2, 6), (2, 6))
    found = judged([mask, mask, mask], np.zeros(SHAPE, np.uint8))
    assert found.whole.dice[3, 0] == 0
    assert found.whole.hausdorff95_mm[3, 0] == np.inf
    assert found.tumors[1].voxels[3] == 0


def test_one_annotator_has_no_consensus() -> None:
    """Two masks are compared, and kappa is undefined."""
    mask = box(SHAPE, (2, 6), (2, 6), (2, 6))
    found = judged([mask], mask)
    assert found.whole.dice.shape == (2, 2)
    assert np.isnan(found.kappa)
    assert found.kappa_with_source == 1


def test_more_annotators_than_six_are_refused() -> None:
    """With the number of them."""
    mask = box(SHAPE, (2, 6), (2, 6), (2, 6))
    with pytest.raises(InputError, match="7 annotators; a source can be judged against 1 to 6"):
        judged([mask] * 7, mask)
    assert judged([mask] * 6, mask).whole.dice.shape == (15, 15)


def test_masks_of_other_shapes_are_refused() -> None:
    """They would be compared voxel by voxel."""
    with pytest.raises(GeometryError, match="shapes"):
        judged([np.zeros((4, 4, 4), np.uint8)] * 2, np.zeros((4, 4, 5), np.uint8))


# always


@st.composite
def mask_sets(draw: st.DrawFn) -> list[Array]:
    """Draw three or four masks of random boxes."""
    masks = []
    for _ in range(draw(st.integers(3, 4))):
        mask = np.zeros((6, 12, 6), np.uint8)
        for _ in range(draw(st.integers(0, 2))):
            start, sides = (draw(st.tuples(*[st.integers(*ends)] * 3)) for ends in ((0, 4), (1, 4)))
            y = draw(st.integers(0, 8))
            mask[start[0] : start[0] + sides[0], y : y + sides[1], start[2] : start[2] + sides[2]] = 1
        masks.append(mask)
    return masks


@given(mask_sets())
def test_an_annotator_as_source_has_the_scores_that_agree_gives_the_pair(masks: list[Array]) -> None:
    """The last mask judged by the others: Dice, surface Dice, distance and kappa as from all of them at once."""
    *annotators, source = masks
    found = judged(annotators, source)
    at_once = surface_agreement(masks, spacing_mm=MM, tolerance_mm=1)
    n = len(masks)
    np.testing.assert_allclose(found.whole.surface_dice[:n, :n], at_once.dice)
    np.testing.assert_allclose(found.whole.hausdorff95_mm[:n, :n], at_once.hausdorff95_mm)
    np.testing.assert_equal(found.kappa_with_source, fleiss_kappa(count_votes(masks).counts))
    np.testing.assert_equal(found.kappa, fleiss_kappa(count_votes(annotators).counts))


@given(mask_sets())
def test_every_voxel_of_the_source_is_in_one_tumor_a_false_lesion_or_a_speck(masks: list[Array]) -> None:
    """Volumes add up, and the tumors are those that the annotators alone have."""
    *annotators, source = masks
    found = judged(annotators, source)
    _, tumors = count_tumors(annotators, spacing_mm=MM, speck_mm3=10, reach_mm=3)
    in_tumors = sum(int(one.voxels[found.masks.source]) for one in found.tumors.values())
    specks = np.count_nonzero(source) - in_tumors - found.false.volumes_mm3.sum()
    assert specks >= 0
    if tumors.specks == 0:
        assert specks == 0
    assert tuple(found.tumors) == tumors.numbers
    assert found.annotated_voxels.tolist() == tumors.voxels.tolist()


@given(mask_sets())
def test_detection_finds_the_same_false_lesions(masks: list[Array]) -> None:
    """`detect` against the union of all that anybody marked: volumes, and distances where there are no specks."""
    *annotators, source = masks
    union = np.any([mask > 0 for mask in annotators], axis=0).astype(np.uint8)
    found, expected = judged(annotators, source), detect(union, source, spacing_mm=MM)
    assert sorted(found.false.volumes_mm3) == sorted(expected.false_mm3)
    if count_tumors(annotators, spacing_mm=MM, speck_mm3=10, reach_mm=3)[1].specks == 0:
        np.testing.assert_allclose(np.sort(found.false.distances_mm), np.sort(expected.false_distance_mm))


# other code


def test_consensus_masks_on_real_masks_equal_those_made_voxel_by_voxel(shared_data: Path) -> None:
    """D of LIDC against STAPLE, majority, and STAPLE without each annotator, whose masks are painted and compared."""
    for scan in read_study(shared_data / "lidc_study").scans[::7]:
        read = read_annotations(scan)
        masks = [read.masks[name] for name in "ABC"]
        source = read.masks["D"]
        found = judged(masks, source, spacing_mm=read.spacing_mm)
        painted = [painted_staple(masks), painted_majority(masks)]
        painted += [painted_staple([masks[k] for k in range(3) if k != left_out]) for left_out in range(3)]
        for column, mask in enumerate(painted, start=found.masks.staple):
            both = np.count_nonzero((mask > 0) & (source > 0))
            assert found.whole.voxels[column] == np.count_nonzero(mask)
            expected = 2 * both / (np.count_nonzero(mask) + np.count_nonzero(source))
            assert found.whole.dice[3, column] == pytest.approx(expected)
            surfaces = surface_agreement([mask, source], spacing_mm=read.spacing_mm, tolerance_mm=1)
            assert found.whole.surface_dice[3, column] == pytest.approx(surfaces.dice[0, 1])
            assert found.whole.hausdorff95_mm[3, column] == pytest.approx(surfaces.hausdorff95_mm[0, 1])


def painted_staple(masks: list[Array]) -> Array:
    """Return the STAPLE mask of some masks, voxel by voxel."""
    votes = count_votes(masks)
    whole = np.zeros(votes.shape, np.uint8)
    whole[votes.box] = staple(votes.counts).foreground[votes.codes]
    return whole


def painted_majority(masks: list[Array]) -> Array:
    """Return where more than half of the masks are set."""
    return np.asarray(2 * np.sum([mask > 0 for mask in masks], axis=0) > len(masks), np.uint8)
