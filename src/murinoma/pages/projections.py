"""An acquisition seen along each of its axes, read once: what a sheet shows, as arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]

SLAB = 64  # slices read at a time: 32 MiB of a 512 x 512 field
MEAN_HU = (-1000, 1500)  # metal and padding beyond these would hide the rest of a mean
SOFT_PERCENTILES = (1.0, 98.5)  # of the mean: air is black, the walls of a bed may be white
BONE_HU = (300.0, 1800.0)  # of the brightest voxel
SOFT_SHARE, BONE_SHARE, GAMMA = 0.7, 0.45, 0.7


@dataclass(frozen=True, eq=False)
class Projection:
    """The acquisition seen along one array axis: mean (clipped to `MEAN_HU`) and brightest voxel, HU, two axes left."""

    mean_hu: Array
    brightest_hu: Array


Projections = tuple[Projection, Projection, Projection]
Shadows = tuple[Mask, Mask, Mask]


def project(image: Array) -> Projections:
    """Return an acquisition seen along z, y and x, read once, slab by slab.

    Parameters
    ----------
    image
        HU, shape (z, y, x), any real dtype, such as a memory map.

    Examples
    --------
    >>> along_z, along_y, along_x = project(np.full((3, 4, 5), -1000, np.int16))
    >>> along_z.mean_hu.shape, along_y.mean_hu.shape, along_x.mean_hu.shape
    ((4, 5), (3, 5), (3, 4))
    """
    sums: list[list[Array]] = [[], [], []]
    tops: list[list[Array]] = [[], [], []]
    for start in range(0, len(image), SLAB):
        stored = np.asarray(image[start : start + SLAB])
        slab = stored.astype(np.result_type(stored, np.int16), copy=False)
        clipped = np.clip(slab, *MEAN_HU)
        for axis in range(3):
            sums[axis].append(clipped.sum(axis=axis, dtype=np.float32))
            tops[axis].append(slab.max(axis=axis))
    mean_z = Projection(np.sum(sums[0], axis=0) / len(image), np.max(tops[0], axis=0))
    mean_y, mean_x = (
        Projection(np.concatenate(sums[axis]) / image.shape[axis], np.concatenate(tops[axis])) for axis in (1, 2)
    )
    return mean_z, mean_y, mean_x


def shadows(body: Mask, box: Box, shape: tuple[int, ...], *, factors: tuple[int, int, int] = (1, 1, 1)) -> Shadows:
    """Return an animal seen along z, y and x, each in the whole field.

    Parameters
    ----------
    body
        Where in the box the animal is: bool blocks of `factors` voxels, from the start of the box.
    box
        Voxels of the acquisition along (z, y, x); what reaches beyond the last block goes with it.
    shape
        Of the acquisition.
    """
    blocks = [
        np.minimum(np.arange(part.stop - part.start) // factor, size - 1)
        for part, factor, size in zip(box, factors, body.shape, strict=True)
    ]
    seen = []
    for axis in range(3):
        rows, columns = (other for other in range(3) if other != axis)
        plane = np.zeros((shape[rows], shape[columns]), bool)
        held = np.asarray(body.any(axis=axis))
        plane[box[rows], box[columns]] = held[np.ix_(blocks[rows], blocks[columns])]
        seen.append(plane)
    return seen[0], seen[1], seen[2]


def grey(projection: Projection) -> Array:
    """Return grey values from 0 to 1: bodies and bed as in a radiograph, the bones of the brightest voxels on top."""
    mean, brightest = (values.astype(np.float64) for values in (projection.mean_hu, projection.brightest_hu))
    low, high = np.percentile(mean, SOFT_PERCENTILES)
    soft = np.clip((mean - low) / max(high - low, 1.0), 0, 1) ** GAMMA
    bone = np.clip((brightest - BONE_HU[0]) / (BONE_HU[1] - BONE_HU[0]), 0, 1)
    return np.asarray(np.clip(SOFT_SHARE * soft + BONE_SHARE * bone, 0, 1))
