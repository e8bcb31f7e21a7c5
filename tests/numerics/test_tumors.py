"""Which tumors a scan has: drawings by hand, conservation of voxels, and tumors that people numbered."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from murinoma.errors import InputError
from murinoma.numerics.tumors import Tumors, number_tumors, without_tumors
from murinoma.numerics.votes import count_votes
from tests.builders import box

MM: tuple[float, float, float] = (1.0, 1.0, 1.0)
SHAPE = (8, 20, 20)
LEFT, RIGHT = ((2, 6), (1, 5), (2, 6)), ((2, 6), (14, 18), (2, 6))  # 64 voxels each, 9 mm apart along y


def find(
    masks: list[np.ndarray], *, speck_mm3: float = 10, reach_mm: float = 3, spacing_mm: tuple[float, float, float] = MM
) -> Tumors:
    """Find tumors with the project's defaults at 1 mm."""
    return number_tumors(masks, spacing_mm=spacing_mm, speck_mm3=speck_mm3, reach_mm=reach_mm)


def line(*rows: str) -> list[np.ndarray]:
    """Return masks of one row of voxels each, drawn as digits."""
    return [np.array([[[0 if voxel == "." else int(voxel) for voxel in row]]], np.uint8) for row in rows]


def test_two_tumors_are_numbered_along_the_second_axis() -> None:
    """Two boxes 9 mm apart along y are two tumors, in that order, with each annotator's voxels."""
    a = box(SHAPE, *LEFT) | box(SHAPE, *RIGHT)
    b = box(SHAPE, *LEFT)
    found = find([a, b, a])
    assert found.numbers == (1, 2)
    assert found.voxels.tolist() == [[64, 64, 64], [64, 0, 64]]
    assert found.labels[3, 2, 3] == 1
    assert found.labels[3, 15, 3] == 2
    assert (found.specks, found.speck_voxels.tolist()) == (0, [0, 0, 0])


def test_numbers_follow_position_never_size() -> None:
    """The small tumor at y = 3 is 1 beside a large one at y = 15; with equal y the body axis z decides."""
    small, large = box(SHAPE, (2, 5), (2, 5), (2, 5)), box(SHAPE, (1, 7), (13, 18), (1, 9))
    assert find([small | large] * 2).voxels[:, 0].tolist() == [27, 240]
    tall = (20, 8, 8)
    low, high = box(tall, (1, 4), (2, 5), (2, 5)), box(tall, (14, 19), (2, 5), (2, 5))
    assert find([low | high] * 2).voxels[:, 0].tolist() == [27, 45]


def test_diagonal_neighbours_belong_together() -> None:
    """Two boxes that touch at one corner are one tumor (26-neighbourhood)."""
    mask = box((6, 6, 6), (0, 3), (0, 3), (0, 3)) | box((6, 6, 6), (3, 6), (3, 6), (3, 6))
    assert find([mask, mask], reach_mm=0).voxels.tolist() == [[54, 54]]


def test_a_voxel_goes_to_the_nearest_seed() -> None:
    """Two seeds joined by one annotator's bridge: the bridge is shared out by distance."""
    found = find(line("111.....111", "111.....111", "11111111111"), speck_mm3=2, reach_mm=3)
    assert found.labels[0, 0].tolist()[:4] == [1, 1, 1, 1]
    assert found.labels[0, 0].tolist()[-4:] == [2, 2, 2, 2]
    assert found.voxels.sum(axis=0).tolist() == [6, 6, 11]


@pytest.mark.parametrize(("gap", "separate"), [(2, False), (3, True)])
def test_a_piece_within_3_mm_of_a_tumor_belongs_to_it(gap: int, separate: bool) -> None:
    """Distance between voxel centres: 3 mm with two voxels between, 4 mm with three."""
    row = "1111" + "." * gap + "1"
    found = find(line("1111" + "." * (gap + 1), row), speck_mm3=2, reach_mm=3)
    assert found.numbers == (1,)
    assert found.specks == (1 if separate else 0)
    assert found.voxels.tolist() == [[4, 4 if separate else 5]]


def test_the_reach_is_in_mm_on_every_axis() -> None:
    """The same two voxels between are 6 mm where the voxels are 2 mm long."""
    found = find(line("1111...", "1111..1"), speck_mm3=3, reach_mm=3, spacing_mm=(1, 1, 2))
    assert found.specks == 1


@pytest.mark.parametrize(("length", "tumors"), [(9, 0), (10, 1)])
def test_a_piece_of_10_mm3_is_a_tumor_a_smaller_one_a_speck(length: int, tumors: int) -> None:
    """9 voxels of 1 mm3 that all annotators drew are a speck, 10 are a tumor."""
    found = find(line("1" * length, "1" * length))
    assert len(found.numbers) == tumors
    assert found.specks == 1 - tumors
    assert found.speck_voxels.tolist() == [length * (1 - tumors)] * 2


def test_10_mm3_at_the_published_spacing_are_1080_voxels() -> None:
    """10 / 0.21^3 = 1079.8: 1079 voxels are a speck, 1080 a tumor."""
    for voxels, tumors in ((1079, 0), (1080, 1)):
        mask = np.zeros((12, 10, 12), np.uint8)
        mask.ravel()[:voxels] = 1
        assert len(find([mask, mask], spacing_mm=(0.21, 0.21, 0.21)).numbers) == tumors


def test_what_one_annotator_alone_drew_is_a_tumor_if_large() -> None:
    """A box far from all others, drawn by one of three: a tumor with fewer annotators."""
    a, b = box(SHAPE, *LEFT), box(SHAPE, *LEFT) | box(SHAPE, *RIGHT)
    assert find([a, a, b]).voxels.tolist() == [[64, 64, 64], [0, 0, 64]]


def test_without_a_majority_anywhere_the_pieces_are_the_tumors() -> None:
    """Two annotators who drew different tumors: two tumors, each missed by one."""
    found = find([box(SHAPE, *RIGHT), box(SHAPE, *LEFT)])
    assert found.voxels.tolist() == [[0, 64], [64, 0]]


@pytest.mark.parametrize("n", [1, 2, 12])
def test_empty_masks_have_no_tumor(n: int) -> None:
    """Nothing drawn, or no voxel at all (the empty box of empty votes)."""
    for shape in (SHAPE, (0, 0, 0)):
        found = find([np.zeros(shape, np.uint8)] * n)
        assert found.numbers == ()
        assert found.voxels.shape == (0, n)
        assert found.speck_voxels.tolist() == [0] * n


def test_a_mask_of_0_and_255_is_a_binary_mask() -> None:
    """Many programs write 255 for "yes": tumors are found, not read."""
    mask = box(SHAPE, *LEFT, label=255) | box(SHAPE, *RIGHT, label=255)
    found = find([mask, np.minimum(mask, 1)])
    assert found.numbers == (1, 2)
    assert found.voxels.tolist() == [[64, 64], [64, 64]]


# tumors that people numbered


def test_numbers_that_people_gave_are_kept() -> None:
    """Tumors 3 and 7, in any order of position; a large one is not 1."""
    mask = box(SHAPE, *LEFT, label=7) | box(SHAPE, *RIGHT, label=3)
    found = find([mask, mask])
    assert found.numbers == (3, 7)
    assert found.voxels.tolist() == [[64, 64], [64, 64]]


def test_swapped_numbers_are_matched_by_overlap() -> None:
    """The second annotator calls tumor 1 "2" and 2 "1": they are matched to the first's."""
    a = box(SHAPE, *LEFT, label=1) | box(SHAPE, *RIGHT, label=2)
    b = box(SHAPE, *LEFT, label=2) | box(SHAPE, (3, 6), (14, 18), (2, 6), label=1)
    assert find([a, b]).voxels.tolist() == [[64, 64], [64, 48]]


def test_touching_tumors_stay_two_if_people_say_so() -> None:
    """Two labels side by side are two tumors, also in the mask of someone who wrote 0 and 1 only."""
    found = find(line("1111122222", "1111222222", "1111111111"), speck_mm3=2)
    assert found.voxels.tolist() == [[5, 4, 5], [5, 6, 5]]


def test_a_label_without_a_partner_gets_a_number_of_its_own() -> None:
    """The second annotator's tumor 2 lies where nobody else drew: it must not join the first's 2."""
    a = box(SHAPE, *LEFT, label=1) | box(SHAPE, (0, 1), (9, 11), (14, 20), label=2)
    b = box(SHAPE, *LEFT, label=1) | box(SHAPE, *RIGHT, label=2)
    found = find([a, b])
    assert found.numbers == (1, 2, 3)
    assert found.voxels.tolist() == [[64, 64], [12, 0], [0, 64]]


def test_a_free_number_is_never_the_one_of_specks() -> None:
    """Beside a tumor numbered 254 a second nameless tumor must not become 255, which means "no tumor"."""
    a = box(SHAPE, *LEFT, label=254) | box(SHAPE, (0, 1), (9, 11), (14, 20), label=1)
    b = box(SHAPE, *LEFT, label=254) | box(SHAPE, *RIGHT, label=1)
    found = find([a, b])
    assert len(found.numbers) == 3
    assert found.voxels.sum(axis=0).tolist() == [76, 128]
    assert found.speck_voxels.tolist() == [0, 0]


def test_a_voxel_marked_255_beside_numbered_tumors_goes_to_the_nearest() -> None:
    """255 marks a voxel without saying of which tumor."""
    mixed = np.array([[[1] * 10 + [255] * 2 + [0] * 6 + [2] * 10]], np.uint8)
    plain = np.array([[[1] * 10 + [0] * 8 + [2] * 10]], np.uint8)
    assert find([mixed, plain]).voxels.tolist() == [[12, 10], [10, 10]]


@pytest.mark.parametrize("agreed", [True, False])
def test_more_tumors_than_numbers_are_refused_with_their_count(agreed: bool) -> None:
    """300 separate pieces are no tumors: the sentence says 300, whether or not the annotators agree on them."""
    mask = np.zeros((1, 30, 160), np.uint8)
    mask[:, ::2, ::8] = 1
    masks = [mask, mask] if agreed else [mask, np.zeros_like(mask)]
    with pytest.raises(InputError, match="300 separate tumors"):
        find(masks, speck_mm3=1, reach_mm=0.5)


# properties


MASKS = st.integers(2, 4).flatmap(
    lambda n: st.lists(arrays(np.uint8, (4, 5, 6), elements=st.sampled_from([0, 0, 0, 0, 1])), min_size=n, max_size=n)
)
NUMBERED = st.lists(
    arrays(np.uint8, (4, 5, 6), elements=st.sampled_from([0, 0, 0, 0, 1, 2, 5, 255])), min_size=2, max_size=4
)


@given(masks=st.one_of(MASKS, NUMBERED), speck=st.sampled_from([0, 2, 5, 20]), reach=st.sampled_from([0, 1.5, 3]))
def test_every_marked_voxel_is_in_a_tumor_or_a_speck(masks: list[np.ndarray], speck: float, reach: float) -> None:
    """Per annotator, tumors and specks add up to the marked voxels; labels cover the union; inputs are untouched."""
    before = [mask.copy() for mask in masks]
    found = find(masks, speck_mm3=speck, reach_mm=reach)
    marked = [int(np.count_nonzero(mask)) for mask in masks]
    assert (found.voxels.sum(axis=0) + found.speck_voxels).tolist() == marked
    np.testing.assert_array_equal(found.labels > 0, np.any([mask > 0 for mask in masks], axis=0))
    assert (found.voxels.max(axis=1, initial=0) > 0).all()
    assert list(found.numbers) == sorted(set(found.numbers))
    np.testing.assert_array_equal(before, masks)


@given(masks=MASKS, seed=st.integers(0, 9))
def test_the_order_of_annotators_does_not_matter(masks: list[np.ndarray], seed: int) -> None:
    """Permuted 0/1 masks give the same map of tumors and permuted columns."""
    order = np.random.default_rng(seed).permutation(len(masks))
    straight = find(masks, speck_mm3=3)
    turned = find([masks[r] for r in order], speck_mm3=3)
    np.testing.assert_array_equal(turned.labels, straight.labels)
    np.testing.assert_array_equal(turned.voxels, straight.voxels[:, order])
    assert turned.specks == straight.specks


@given(masks=MASKS)
def test_a_crop_around_the_marks_is_enough(masks: list[np.ndarray]) -> None:
    """Background around the scan changes no number and no volume."""
    padded = [np.pad(mask, 3) for mask in masks]
    straight, wide = find(masks, speck_mm3=3), find(padded, speck_mm3=3)
    assert straight.numbers == wide.numbers
    np.testing.assert_array_equal(straight.voxels, wide.voxels)
    np.testing.assert_array_equal(wide.labels[3:-3, 3:-3, 3:-3], straight.labels)


# tumors that people leave out


def test_a_tumor_left_out_is_as_if_nobody_had_drawn_it() -> None:
    """Votes, voxels and labels of the other tumor stay; its number stays too."""
    both, left = box(SHAPE, *LEFT) | box(SHAPE, *RIGHT), box(SHAPE, *LEFT)
    masks = [both, left, both]
    votes = count_votes(masks)
    tumors = find([mask[votes.box] for mask in masks])
    without, kept = without_tumors(votes, tumors, {1})
    assert without.counts.tolist() == count_votes([both - left, left - left, both - left]).counts.tolist()
    assert kept.numbers == (2,)
    assert kept.voxels.tolist() == [[64, 0, 64]]
    assert int(kept.labels.max()) == 2
    assert votes.counts[7] == 64  # the values given stay as they were


def test_leaving_out_no_tumor_changes_nothing() -> None:
    """A number that does not exist leaves votes and tumors as they are."""
    masks = [box(SHAPE, *LEFT), box(SHAPE, *LEFT)]
    votes = count_votes(masks)
    tumors = find([mask[votes.box] for mask in masks])
    without, kept = without_tumors(votes, tumors, {5})
    np.testing.assert_array_equal(without.counts, votes.counts)
    np.testing.assert_array_equal(kept.labels, tumors.labels)
    assert kept.numbers == tumors.numbers
