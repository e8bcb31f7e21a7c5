"""Coarser copies of an image, made slab by slab, and steps of one voxel on masks: the tools of finding mice."""

from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[Any]  # integers of any width: 0 is nothing
Steps = npt.NDArray[np.uint8]

CORNERS = np.ones((3, 3, 3), dtype=bool)  # neighbours by faces, edges and corners
SLAB = 16  # blocks read at once: a memory-mapped volume never lies in memory as a whole


def block_mean(image: npt.NDArray[Any], factors: tuple[int, int, int]) -> Image:
    """Return the means of blocks of voxels; what is left over at the far ends is not used.

    Parameters
    ----------
    image
        Array of shape (z, y, x), any real dtype; it may be a memory map, and is read slab by slab.
    factors
        Voxels a block has along z, y, x; no axis shorter than its factor.

    Returns
    -------
    float32 array of shape (z // factor, y // factor, x // factor).

    Examples
    --------
    >>> block_mean(np.arange(8).reshape(2, 2, 2), (2, 1, 2)).tolist()
    [[[2.5], [4.5]]]
    """
    fz, fy, fx = factors
    nz, ny, nx = (size // factor for size, factor in zip(image.shape, factors, strict=True))
    coarse = np.empty((nz, ny, nx), np.float32)
    for first in range(0, nz, SLAB):
        last = min(first + SLAB, nz)
        slab = np.asarray(image[first * fz : last * fz, : ny * fy, : nx * fx])
        coarse[first:last] = _slab_sum(slab, factors)
    coarse /= fz * fy * fx
    return coarse


def _slab_sum(slab: npt.NDArray[Any], factors: tuple[int, int, int]) -> npt.NDArray[Any]:
    """Return the sums of the blocks of a slab: along z first, where whole slices are added at memory speed."""
    fz, fy, fx = factors
    dtype = np.int32 if np.issubdtype(slab.dtype, np.integer) else np.float32
    total: npt.NDArray[Any] = slab[::fz].astype(dtype)
    for offset in range(1, fz):
        total += slab[offset::fz]
    for axis, factor in ((1, fy), (2, fx)):
        parts = [total[(slice(None),) * axis + (slice(offset, None, factor),)] for offset in range(factor)]
        total = parts[0].copy()
        for part in parts[1:]:
            total += part
    return total


def neighbours(ndim: int = 3) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Return the pairs of views (here, there) that lie one voxel apart, forwards and backwards along each axis."""
    pairs = []
    for axis in range(ndim):
        before = tuple(slice(None, -1) if at == axis else slice(None) for at in range(ndim))
        behind = tuple(slice(1, None) if at == axis else slice(None) for at in range(ndim))
        pairs += [(before, behind), (behind, before)]
    return pairs


def erode(mask: Mask, steps: int) -> Mask:
    """Return a mask without what lies within some steps of its outside; the edge of the image is no outside.

    Odd steps count face neighbours, even ones corners too: together they are close to a ball.
    """
    for step in range(steps):
        mask = ~_grown(~mask, corners=step % 2 == 1)
    return mask


def dilate(mask: Mask, steps: int) -> Mask:
    """Return a mask grown by some steps; odd ones count face neighbours, even ones corners too."""
    for step in range(steps):
        mask = _grown(mask, corners=step % 2 == 1)
    return mask


def _grown(mask: Mask, *, corners: bool) -> Mask:
    """Return a mask grown by one step."""
    grown = mask.copy()
    for axis in range(3):
        source = grown.copy() if corners else mask
        for here, there in neighbours()[2 * axis : 2 * axis + 2]:
            grown[here] |= source[there]
    return grown


def spread(labels: Labels, within: Mask, steps: int) -> tuple[Labels, Steps]:
    """Return labels spread from voxel to voxel over a mask, each voxel to the one it is reached from first.

    Only the front is visited, so that the cost is that of the voxels reached.

    Parameters
    ----------
    labels
        int array of shape (z, y, x), 0 where nothing starts.
    within
        Voxels that may be reached; starts need not lie in it.
    steps
        How far, voxels (faces on odd steps, corners too on even ones); at most 254.

    Returns
    -------
    The labels, and the steps it took (0 at the starts; 255 where nothing arrived).

    Examples
    --------
    >>> row = np.array([[[1, 0, 0, 0, 2]]], dtype=np.int32)
    >>> labels, taken = spread(row, np.ones((1, 1, 5), bool), 1)
    >>> labels.tolist(), taken.tolist()
    ([[[1, 1, 0, 2, 2]]], [[[0, 1, 255, 1, 0]]])
    """
    spread_out = np.pad(labels, 1)
    taken = np.where(spread_out > 0, np.uint8(0), np.uint8(255))
    open_ = np.pad(within, 1) & (spread_out == 0)
    faces, corners = _offsets(open_.shape)
    fronts = [np.empty(0, np.intp), _rim(spread_out, open_)]
    for step in range(1, steps + 1):
        front = fronts[-1] if step % 2 else np.concatenate(fronts[-2:])
        reached = _advance(front, faces if step % 2 else corners, spread_out.ravel(), open_.ravel())
        taken.ravel()[reached] = step
        fronts.append(reached)
        if not any(map(len, fronts[-2:])):
            break
    inner = (slice(1, -1),) * 3
    return spread_out[inner], taken[inner]


def _offsets(shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return how far away in the flat array the 6 and the 26 neighbours of a voxel are."""
    steps = np.array([(z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if z or y or x])
    flat = steps @ np.array([shape[1] * shape[2], shape[2], 1])
    return flat[np.abs(steps).sum(axis=1) == 1], flat


def _rim(labels: Labels, open_: Mask) -> npt.NDArray[np.intp]:
    """Return the flat places of labelled voxels with an open neighbour."""
    rim: npt.NDArray[np.intp] = np.flatnonzero(dilate(open_, 2).ravel() & (labels.ravel() > 0))
    return rim


def _advance(
    front: npt.NDArray[np.intp], offsets: npt.NDArray[np.intp], labels: Labels, open_: Mask
) -> npt.NDArray[np.intp]:
    """Label the open neighbours of a front, in place, and return them; the flat arrays have a closed rim."""
    parts = []
    for offset in offsets:
        there = front + offset
        is_open = open_[there]
        reached = there[is_open]
        labels[reached] = labels[front[is_open]]
        open_[reached] = False
        parts.append(reached)
    return np.concatenate(parts)
