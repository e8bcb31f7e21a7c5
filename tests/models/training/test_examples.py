"""Labelled scans as examples: grids, heads, absent annotators, places of tumors."""

import numpy as np

from murinoma.models.training.examples import (
    Example,
    ExampleCache,
    coarse_example,
    consensus,
    fine_example,
    trunk_skin,
)
from tests.models.training.small_examples import SHAPE, block_example, block_scan, tumor_mask


def whole(example: Example, head: int) -> np.ndarray:
    """Return the target of a head over the whole image."""
    targets = np.zeros(example.image.shape, np.uint8)
    targets[example.box] = example.targets[head]
    return targets


def test_on_the_scans_own_grid_a_target_is_its_mask() -> None:
    """255 where the annotator marked, in the scan's own voxels; all heads count."""
    example = block_example()
    assert example.image.shape == SHAPE
    np.testing.assert_array_equal(whole(example, 0), tumor_mask() * np.uint8(255))
    np.testing.assert_array_equal(whole(example, 1), tumor_mask(2) * np.uint8(255))
    assert example.weights.tolist() == [1, 1, 1]
    assert abs(example.anchor_hu - 50) < 10


def test_a_coarse_target_is_the_share_that_anybody_marked() -> None:
    """A tumor of 8 to 18 voxels from 10 on fills 5 coarse voxels; one voxel more fills half of the next."""
    example = coarse_example(block_scan(), [tumor_mask(), tumor_mask(1)])
    assert example.targets.shape == (1, 5, 4, 4)
    assert [axis.start for axis in example.box] == [5, 4, 6]
    assert example.targets[0, :, 0, 0].tolist() == [255, 255, 255, 255, 128]


def test_an_absent_annotator_weighs_nothing() -> None:
    """Its target is empty and its weight 0; with one annotator the consensus is that one's mask."""
    example = fine_example(block_scan(), [None, tumor_mask()])
    assert example.weights.tolist() == [0, 1, 1]
    assert not example.targets[0].any()
    np.testing.assert_array_equal(example.targets[1], example.targets[2])


def test_nobody_marked_anything() -> None:
    """A mouse without a tumor teaches that there is none."""
    example = fine_example(block_scan(), [np.zeros(SHAPE, np.bool_)])
    assert example.weights.tolist() == [1, 1]
    assert example.tumors == ()
    assert len(example.body) > 100
    assert consensus([]) is None


def test_each_piece_has_its_own_places() -> None:
    """A large and a small tumor: two sets of voxels, all of them marked."""
    mask = tumor_mask()
    mask[30:32, 24:26, 26:28] = True
    example = fine_example(block_scan(), [mask])
    assert len(example.tumors) == 2
    for places in example.tumors:
        assert mask[tuple(places.T)].all()
    assert min(map(len, example.tumors)) == 8


def test_places_of_the_body_lie_in_it() -> None:
    """All but those on its rim, where a coarse voxel is half air."""
    example = block_example()
    assert (example.image[tuple(example.body.T)] > -200).mean() > 0.95


def test_a_cache_makes_each_example_once_and_lets_the_oldest_go() -> None:
    """Room for two: the third pushes out the one that was not asked for last."""
    made: list[int] = []
    example = block_example()

    def make(number: int) -> Example:
        made.append(number)
        return example

    cache = ExampleCache(make, 2 * example.n_bytes)
    for number in (0, 1, 0, 2, 0, 1):
        cache(number)
    assert made == [0, 1, 2, 1]


def test_the_skin_of_a_trunk_and_the_way_out_of_it() -> None:
    """A block of 10 mm with a sheet of 2 mm on it, a bed: no place lies where it juts out; ways lead out of faces."""
    body = np.zeros((40, 40, 40), np.bool_)
    body[10:30, 10:30, 10:30] = True
    body[10:30, 30:34, :] = True
    places, ways = trunk_skin(body, 0.5)
    assert (places >= 10).all()
    assert (places[:, [0, 2]] < 30).all()
    np.testing.assert_allclose(np.linalg.norm(ways, axis=1), 1)
    front = (places[:, 0] == 10) & (np.abs(places[:, 1:] - 20) < 4).all(axis=1)
    np.testing.assert_allclose(ways[front].mean(axis=0), [-1, 0, 0], atol=0.1)
