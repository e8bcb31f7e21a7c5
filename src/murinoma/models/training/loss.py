"""What training makes small: Dice and cross entropy of every head, without the heads that a scan cannot teach."""

import torch
from torch.nn import functional

SMOOTH = 1.0  # voxels, on both sides of the fraction: a corner of a tumor does not decide everything


def dice_and_cross_entropy(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the mean of 1 - Dice over patches and heads, plus the mean cross entropy.

    Parameters
    ----------
    logits, targets
        (n, heads, z, y, x); targets are shares, 0..1.
    weights
        (n, heads): 1 where a patch can teach a head, else 0.

    Returns
    -------
    A scalar; Dice is soft, and that of each patch for itself: a small tumor counts as much as a large one. A head that
    a patch shows no tumor to has cross entropy alone there: the Dice of nothing would teach to find nothing.
    """
    space = (2, 3, 4)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(space)
    chances, true = torch.sigmoid(logits), targets.sum(space)
    both, either = (chances * targets).sum(space), chances.sum(space) + true
    shown = (true > 0).to(logits.dtype) * weights
    distance = 1 - (2 * both + SMOOTH) / (either + SMOOTH)
    mean_distance = (distance * shown).sum() / shown.sum().clamp(min=1)
    loss: torch.Tensor = mean_distance + (entropy * weights).sum() / weights.sum().clamp(min=1)
    return loss
