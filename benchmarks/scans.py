"""Scans of real size to measure on: 192 x 192 x 450 voxels of 0.21 mm, three lumpy masks, a CT with noise in a body."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scipy import ndimage

Mask = npt.NDArray[np.uint8]
SHAPE = (450, 192, 192)  # z, y, x
SPACING_MM = 0.21
AFFINE = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
ANNOTATORS = ("A", "B", "C")


def lumpy_masks(rng: np.random.Generator) -> list[Mask]:
    """Return three annotators' masks of one tumor of about 260 mm3; the mean Dice of the pairs is about 0.9."""
    side = 64
    grid = np.indices((side, side, side)) - side / 2
    radius = rng.normal(19, 1.5)
    shape = radius - np.sqrt((grid**2).sum(axis=0)) + 40 * ndimage.gaussian_filter(rng.normal(size=grid[0].shape), 5)
    corner = [int(rng.integers(20, n - side - 20)) for n in SHAPE]
    place = tuple(slice(start, start + side) for start in corner)
    masks = []
    for _ in ANNOTATORS:
        outline = shape + 39 * ndimage.gaussian_filter(rng.normal(size=shape.shape), 3) + rng.normal(0, 0.3)
        mask = np.zeros(SHAPE, np.uint8)
        mask[place] = outline > 0
        masks.append(mask)
    return masks


def body_ct(rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Return an int16 CT: noise of 40 HU inside an elliptic body of a quarter of the volume, -400 HU outside."""
    _, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((y - 96) / 50) ** 2 + ((x - 96) / 58) ** 2 < 1
    noise = rng.normal(20, 40, SHAPE).clip(-400, 1000).astype(np.int16)
    return np.where(body, noise, np.int16(-400))


def save_by_nibabel(voxels: npt.NDArray[np.generic], path: Path) -> None:
    """Write voxels (z, y, x) as most people do today."""
    nib.save(nib.Nifti1Image(voxels.T, AFFINE), path)


def mean_dice(masks: list[Mask]) -> float:
    """Return the mean Dice of the three pairs."""
    pairs = ((masks[0], masks[1]), (masks[0], masks[2]), (masks[1], masks[2]))
    return float(np.mean([2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)) for a, b in pairs]))


def distinct_files(folder: Path, count: int) -> list[dict[str, Path]]:
    """Write `count` different scans by nibabel and return, for each, file by stem (``CT``, ``Annotator_A``, ...)."""
    rng = np.random.default_rng(7)
    ct = body_ct(rng)
    scans = []
    for number in range(count):
        arrays: dict[str, npt.NDArray[np.generic]] = {"CT": np.roll(ct, number + 1, axis=0)}
        arrays |= {f"Annotator_{who}": mask for who, mask in zip(ANNOTATORS, lumpy_masks(rng), strict=True)}
        files = {stem: folder / f"{number}_{stem}.nii.gz" for stem in arrays}
        for stem, voxels in arrays.items():
            save_by_nibabel(voxels, files[stem])
        scans.append(files)
    return scans


def linked_study(root: Path, scans: list[dict[str, Path]], count: int) -> Path:
    """Make a study of `count` scans out of hard links to a few distinct ones, and return its root."""
    for number in range(count):
        tag = f"M{number + 1:03}_0d"
        folder = root / "Dataset 1" / tag / tag
        folder.mkdir(parents=True)
        for stem, path in scans[number % len(scans)].items():
            os.link(path, folder / f"{stem}_{tag}.nii.gz")
    return root
