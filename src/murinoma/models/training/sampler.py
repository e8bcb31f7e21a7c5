"""Patches to learn from: which scan, where in it, turned and changed how; all of it follows from seed and step."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.intensity import as_channel, normalised
from murinoma.models.training.augmentation import changed, draw_matrix, draw_offset_hu
from murinoma.models.training.examples import WHOLE, Example
from murinoma.models.training.hints import cut_hint, doubted
from murinoma.models.training.pasting import with_pasted_tumor
from murinoma.numerics.boxes import Box

Array = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]
Point = npt.NDArray[np.float64]

ORDER_STREAM, PATCH_STREAM = range(2)
JITTER = 0.25  # of the patch: a tumor must not always lie in its middle
BEHIND = 10  # priority of the threads that make patches, as of `nice`
AHEAD = 2  # batches that wait for each thread


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of a batch.

    Attributes
    ----------
    images
        (n, channels, z, y, x) float32: normalised; beside it, for the fine network, what the coarse one suspects.
    targets
        (n, heads, z, y, x) float32: how much of the voxel is tumor, 0..1.
    weights
        (n, heads) float32: 0 where the annotator of a head is absent.
    """

    images: Array
    targets: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Sampler:
    """Where patches come from.

    Attributes
    ----------
    load
        Returns an example by its number.
    count
        Number of examples.
    shape
        Of a patch, voxels.
    batch
        Patches in a batch.
    tumor_share
        Share of the patches that lie about a tumor; the others lie anywhere in the mouse, paws and head too.
    pasted_share
        Share of the patches about a tumor that get a synthetic one instead.
    seed
        Decides everything, together with the number of the step.
    """

    load: Callable[[int], Example]
    count: int
    shape: tuple[int, int, int]
    batch: int
    tumor_share: float
    pasted_share: float
    seed: int

    def patches(self, step: int) -> Patches:
        """Return the batch of a step; equal seeds and steps give equal batches, in any order and thread."""
        rng = np.random.default_rng([self.seed, PATCH_STREAM, step])
        first = step * self.batch
        return stacked([self._patch(self._example_at(first + place), rng) for place in range(self.batch)])

    def _example_at(self, place: int) -> Example:
        """Return the example at a place of the endless order: every scan comes once before one comes again."""
        round_, rank = divmod(place, self.count)
        order = np.random.default_rng([self.seed, ORDER_STREAM, round_]).permutation(self.count)
        return self.load(int(order[rank]))

    def _patch(self, example: Example, rng: np.random.Generator) -> Patches:
        example, centre = draw_place(example, self.tumor_share, self.pasted_share, rng=rng)
        centre += rng.uniform(-JITTER, JITTER, 3) * self.shape
        if example.hint is not None:
            example = replace(example, hint=doubted(example.hint, rng=rng))
        patch = cut(example, centre, draw_matrix(rng=rng), self.shape, offset_hu=draw_offset_hu(rng=rng))
        patch.images[0] = changed(patch.images[0], rng=rng)
        return patch


def draw_place(
    example: Example, tumor_share: float, pasted_share: float, *, rng: np.random.Generator
) -> tuple[Example, Point]:
    """Return an example, perhaps with one more tumor, and the voxel about which a patch of it is cut."""
    about_tumor, paste = rng.random() < tumor_share, rng.random() < pasted_share
    pasted = with_pasted_tumor(example, rng=rng) if about_tumor and paste else None
    if pasted is not None:
        example, places = pasted
    elif about_tumor and example.tumors:
        places = example.tumors[rng.integers(len(example.tumors))]
    else:
        places = example.body
    return example, places[rng.integers(len(places))].astype(np.float64)


def cut(
    example: Example, centre: Point, matrix: Matrix, shape: tuple[int, int, int], *, offset_hu: float = 0.0
) -> Patches:
    """Return one patch, without the axis of the batch: linear interpolation, air beyond the scan.

    Parameters
    ----------
    example
        The scan.
    centre
        Voxel that lies in the middle of the patch.
    matrix
        From places in the patch to places in the scan, both relative to their middles; the scan's axes in the order
        of `example.axes`.
    shape
        Of the patch.
    offset_hu
        Added to all grey values.
    """
    matrix = np.eye(3)[:, example.axes] @ matrix
    start = centre - matrix @ ((np.array(shape) - 1) / 2)
    seen = ndimage.affine_transform(
        example.image, matrix, start, shape, np.float32, order=1, mode="grid-constant", cval=example.air_hu
    )
    channels = [normalised(seen, example.anchor_hu - offset_hu)]
    if example.hint is not None:
        channels.append(as_channel(cut_hint(example.hint, start, matrix, shape)))
    return Patches(np.stack(channels), _cut_targets(example, start, matrix, shape), example.weights)


def stacked(patches: list[Patches]) -> Patches:
    """Return single patches as one batch."""
    return Patches(
        np.stack([patch.images for patch in patches]),
        np.stack([patch.targets for patch in patches]),
        np.stack([patch.weights for patch in patches]),
    )


def batches(sampler: Sampler, first: int, last: int, threads: int) -> Iterator[Patches]:
    """Yield the batches of steps from `first` up to, not including, `last`; threads work ahead."""
    with ThreadPoolExecutor(threads, initializer=_give_way) as pool:
        waiting = [pool.submit(sampler.patches, step) for step in range(first, min(first + AHEAD * threads, last))]
        for step in range(first, last):
            batch = waiting.pop(0).result()
            if step + AHEAD * threads < last:
                waiting.append(pool.submit(sampler.patches, step + AHEAD * threads))
            try:
                yield batch
            except GeneratorExit:
                pool.shutdown(wait=False, cancel_futures=True)
                raise


def _give_way() -> None:
    """Let the calling thread work where others leave the processor idle: a step that waits for a core costs more."""
    if sys.platform == "linux":  # elsewhere a priority is the whole process's
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(BEHIND, os.getpriority(os.PRIO_PROCESS, thread)))


def _cut_targets(example: Example, start: Point, matrix: Matrix, shape: tuple[int, int, int]) -> Array:
    targets = np.zeros((len(example.targets), *shape), np.float32)
    origin = np.array([axis.start for axis in example.box])
    part = _part_with(example.box, start, matrix, shape)
    if example.targets.size == 0 or targets[0][part].size == 0:
        return targets
    start = start + matrix @ [axis.start for axis in part] - origin
    for share, target in zip(example.targets, targets[:, *part], strict=True):
        target[...] = ndimage.affine_transform(
            share, matrix, start, target.shape, np.float32, order=1, mode="grid-constant"
        )
    targets /= WHOLE
    return targets


def _part_with(box: Box, start: Point, matrix: Matrix, shape: tuple[int, int, int]) -> Box:
    """Return the part of a patch that shows a box of the scan: most tumors are small, and the rest is 0."""
    corners = np.array(list(product(*((axis.start - 1, axis.stop) for axis in box))))
    places = np.linalg.solve(matrix, (corners - start).T)
    low = np.clip(np.floor(places.min(axis=1)).astype(int), 0, shape)
    high = np.clip(np.ceil(places.max(axis=1)).astype(int) + 1, 0, shape)
    z, y, x = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return z, y, x
