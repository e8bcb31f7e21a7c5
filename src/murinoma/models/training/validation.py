"""How well a network does on held-out mice while it learns: Dice of each head, in patches about their tumors."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from murinoma.models.training.examples import Example
from murinoma.models.training.sampler import Patches, cut, stacked


def validation_patches(examples: Iterable[Example], shape: tuple[int, int, int], *, at_most: int) -> list[Patches]:
    """Return one patch about the middle of each tumor of held-out scans, unchanged, as batches of one.

    Beyond `at_most` patches the first ones count: the same in every run.
    """
    found: list[Patches] = []
    for example in examples:
        found += [
            stacked([cut(example, places.mean(axis=0), np.eye(3), shape)])
            for places in example.tumors[: at_most - len(found)]
        ]
        if len(found) >= at_most:
            break
    return found


def dice_by_head(module: nn.Module, patches: Sequence[Patches], device: torch.device) -> list[float]:
    """Return the mean Dice of each head over the patches that show it, (heads,); NaN where no patch does.

    A voxel is tumor from a chance, or a share, of one half on. A patch says nothing where target and answer are empty.
    """
    module.eval()
    with torch.inference_mode():
        rows = [_dice(module(torch.from_numpy(one.images).to(device)).cpu().numpy(), one) for one in patches]
    table = np.array(rows)
    known = np.isfinite(table)
    sums, counts = np.where(known, table, 0).sum(axis=0), known.sum(axis=0)
    return [float(total / count) if count else float("nan") for total, count in zip(sums, counts, strict=True)]


def _dice(logits: npt.NDArray[np.float32], patch: Patches) -> npt.NDArray[np.float64]:
    found, true = logits[0] > 0, patch.targets[0] >= 0.5
    both, either = (found & true).sum(axis=(1, 2, 3)), found.sum(axis=(1, 2, 3)) + true.sum(axis=(1, 2, 3))
    told = (either > 0) & (patch.weights[0] > 0)
    return np.where(told, 2 * both / np.maximum(either, 1), np.nan)
