"""What a careful user would call today: numpy Dice, statsmodels' Fleiss kappa, SimpleITK's STAPLE, nibabel."""

from itertools import combinations
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from statsmodels.stats.inter_rater import fleiss_kappa


def agreement_by_libraries(masks: list[Any], voxel_mm3: float) -> dict[str, float]:
    """Return mean Dice, kappa, consensus and mean volume (mm3) of bool or 0/1 masks of one scan."""
    marks = [mask > 0 for mask in masks]
    dice = [2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in combinations(marks, 2)]
    votes = np.sum(marks, axis=0, dtype=np.int64).ravel()
    kappa = fleiss_kappa(np.c_[len(marks) - votes, votes])
    posterior = sitk.STAPLE([sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in marks], 1)
    consensus = sitk.GetArrayFromImage(posterior) >= 0.5
    volumes = [mask.sum() * voxel_mm3 for mask in marks]
    return {
        "dice": float(np.mean(dice)),
        "kappa": float(kappa),
        "consensus_mm3": float(consensus.sum() * voxel_mm3),
        "mean_mm3": float(np.mean(volumes)),
    }


def scan_by_libraries(paths: list[Path]) -> dict[str, float]:
    """Return the same of one scan's mask files, read by nibabel's get_fdata."""
    images: list[Any] = [nib.load(path) for path in paths]
    voxel_mm3 = float(np.prod(images[0].header.get_zooms()[:3]))
    return agreement_by_libraries([image.get_fdata() for image in images], voxel_mm3)
