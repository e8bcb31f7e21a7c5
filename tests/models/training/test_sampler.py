"""Patches: where they are cut, how often a tumor is in them, and that chance follows from seed and step."""

import os
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from murinoma.models.training.augmentation import draw_matrix
from murinoma.models.training.examples import Example, fine_example
from murinoma.models.training.sampler import Patches, Sampler, batches, cut, draw_place
from tests.models.training.small_examples import MM, block_example, block_scan, tumor_mask

EXAMPLES = [block_example(seed) for seed in range(3)]
SAMPLER = Sampler(EXAMPLES.__getitem__, 3, (12, 12, 12), 2, tumor_share=0.6, pasted_share=0.3, seed=7)


def same(one: Patches, other: Patches) -> bool:
    """Tell whether two batches are equal."""
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("images", "targets", "weights"))


def test_an_unturned_patch_is_a_part_of_the_scan() -> None:
    """About voxel (14.5, 12.5, 16.5) 8 voxels reach from 11 to 19, from 9 to 17, from 13 to 21."""
    example = EXAMPLES[0]
    patch = cut(example, np.array([14.5, 12.5, 16.5]), np.eye(3), (8, 8, 8))
    expected = (example.image[11:19, 9:17, 13:21] - example.anchor_hu) / 250
    np.testing.assert_allclose(patch.images[0], expected.clip(-2, 3), atol=1e-5)
    np.testing.assert_allclose(patch.targets[0], tumor_mask()[11:19, 9:17, 13:21], atol=1e-5)
    np.testing.assert_allclose(patch.targets[1], tumor_mask(2)[11:19, 9:17, 13:21], atol=1e-5)


def test_a_patch_lies_along_the_mouse() -> None:
    """Its first axis is the one that the example names first, in the image as in the targets."""
    centre, axes = np.array([14.5, 12.5, 16.5]), (2, 0, 1)
    straight, along = (cut(replace(EXAMPLES[0], axes=own), centre, np.eye(3), (8, 8, 8)) for own in ((0, 1, 2), axes))
    np.testing.assert_allclose(along.images[0], straight.images[0].transpose(axes), atol=1e-5)
    np.testing.assert_allclose(along.targets[0], straight.targets[0].transpose(axes), atol=1e-5)


def test_an_offset_moves_all_grey_values() -> None:
    """100 HU more are 0.4 more, where nothing is clipped."""
    centre = np.array([14.5, 12.5, 16.5])
    plain, brighter = (cut(EXAMPLES[0], centre, np.eye(3), (4, 4, 4), offset_hu=hu) for hu in (0, 100))
    np.testing.assert_allclose(brighter.images, plain.images + 0.4, atol=1e-5)


def test_beyond_the_scan_is_air() -> None:
    """A patch about a corner: dark and without tumor where there is no scan."""
    patch = cut(EXAMPLES[0], np.zeros(3), np.eye(3), (8, 8, 8))
    assert patch.images[0, :3].max() < -1.5
    assert patch.targets.max() == 0


def test_image_and_target_turn_together() -> None:
    """With grey values that are the mask itself, they stay the same under every turn, tilt and scale."""
    example = EXAMPLES[0]
    marked = replace(example, image=np.rint(tumor_mask() * 250.0).astype(np.int16), anchor_hu=0.0, air_hu=0.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        patch = cut(marked, rng.uniform(8, 20, 3), draw_matrix(rng=rng), (10, 10, 10))
        np.testing.assert_allclose(patch.images[0], patch.targets[0], atol=1e-4)


def test_a_batch_follows_from_seed_and_step() -> None:
    """Again: the same. Another step or seed: another. In any thread, in any order."""
    first = SAMPLER.patches(3)
    assert first.images.shape == (2, 1, 12, 12, 12)
    assert first.targets.shape == (2, 3, 12, 12, 12)
    assert same(first, SAMPLER.patches(3))
    assert not same(first, SAMPLER.patches(4))
    assert not same(first, replace(SAMPLER, seed=8).patches(3))
    for threads in (1, 3):
        found = list(batches(SAMPLER, 2, 7, threads))
        assert len(found) == 5
        assert all(same(one, SAMPLER.patches(step)) for step, one in enumerate(found, start=2))


def test_threads_end_when_nobody_takes_batches_any_more() -> None:
    """A loop that breaks off leaves no thread behind."""
    before = threading.active_count()
    stream = batches(SAMPLER, 0, 100, 2)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is the whole process's")
def test_threads_that_make_batches_give_way() -> None:
    """They are behind the thread that learns, whose own priority stays."""
    before, found = os.getpriority(os.PRIO_PROCESS, 0), set[int]()

    def load(number: int) -> Example:
        found.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return EXAMPLES[number]

    assert len(list(batches(replace(SAMPLER, load=load), 0, 2, 1))) == 2
    assert found == {max(before, 10)}
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_every_scan_comes_once_before_one_comes_again() -> None:
    """Six places of three scans: two rounds."""
    asked: list[int] = []
    sampler = replace(SAMPLER, load=lambda number: asked.append(number) or EXAMPLES[number])  # type: ignore[func-returns-value]
    for step in range(3):
        sampler.patches(step)
    assert sorted(asked[:3]) == sorted(asked[3:]) == [0, 1, 2]


def test_tumors_are_favoured_and_small_ones_as_much_as_large_ones() -> None:
    """Of 400 places 60 % lie in a tumor, half of these in the one of 8 voxels."""
    mask = tumor_mask()
    mask[30:32, 24:26, 26:28] = True
    example = fine_example(block_scan(), [mask])
    rng = np.random.default_rng(2)
    places = np.array([draw_place(example, 0.6, 0.0, rng=rng)[1] for _ in range(400)]).astype(int)
    pieces, _ = ndimage.label(mask)
    found = pieces[tuple(places.T)]
    assert (found > 0).mean() == pytest.approx(0.6, abs=0.08)
    assert (found == 2).sum() / (found > 0).sum() == pytest.approx(0.5, abs=0.1)


def test_a_mouse_without_a_tumor_gives_patches_too() -> None:
    """All of them anywhere in its body, with empty targets."""
    example = fine_example(block_scan(), [np.zeros_like(tumor_mask())])
    sampler = replace(SAMPLER, load=lambda _: example, count=1)
    batch = sampler.patches(0)
    assert batch.targets.max() == 0
    assert batch.weights.min() == 1
    assert example.spacing_mm == pytest.approx(MM)
