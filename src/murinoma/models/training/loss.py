"""What training makes small: Dice and cross entropy of every head, without the heads that a scan cannot teach."""

import torch
from torch.nn import functional

SMOOTH = 1.0  # voxels, on both sides of the fraction: a corner of a tumor does not decide everything
FALSE_SHARE = 0.002  # of a patch without a tumor: so much false tumor costs half of what more can cost


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
    A scalar; Dice is soft, and that of each patch for itself: a small tumor counts as much as a large one. Where a
    patch shows no tumor to a head, the share of false tumor stands for 1 - Dice: f / (f + 0.2 % of the patch). The Dice
    of nothing would be 0 whatever is found, and cross entropy alone makes a false lesion cost next to nothing.
    """
    space = (2, 3, 4)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(space)
    chances, true = torch.sigmoid(logits), targets.sum(space)
    both, either = (chances * targets).sum(space), chances.sum(space) + true
    false = either / (either + FALSE_SHARE * logits[0, 0].numel())
    distance = torch.where(true > 0, 1 - (2 * both + SMOOTH) / (either + SMOOTH), false)
    loss: torch.Tensor = ((distance + entropy) * weights).sum() / weights.sum().clamp(min=1)
    return loss
