"""How the weights of a network move: Muon for its kernels, AdamW for the rest."""

from typing import Any

import torch
from torch import nn

KERNEL_PACE = 4.0  # the rate of the kernels over that of all else


class Optimisers:
    """Muon (Jordan et al. 2024) for the kernels, AdamW for what is no matrix: biases, normalisation, the heads.

    Muon learns in two thirds of the steps that AdamW alone needs (decision 0019). A kernel (out, in, 3, 3, 3) is a
    matrix of `out` rows to it.
    """

    def __init__(self, module: nn.Module, rate: float, weight_decay: float) -> None:
        kernels = [value for name, value in module.named_parameters() if value.ndim == 5 and "head" not in name]
        others = [value for name, value in module.named_parameters() if value.ndim != 5 or "head" in name]
        # the same memory twice; torch lays a gradient out as its kernel, so both become matrices alike
        self._kernels = [(kernel, _matrix(kernel.detach())) for kernel in kernels]
        self._muon = torch.optim.Muon(
            [matrix for _, matrix in self._kernels],
            lr=rate,
            weight_decay=weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
        self._adamw = torch.optim.AdamW(others, lr=rate, weight_decay=weight_decay)

    def step(self, rate: float) -> None:
        """Move the weights along their gradients at a rate, in place."""
        for optimiser, own in ((self._muon, KERNEL_PACE * rate), (self._adamw, rate)):
            for group in optimiser.param_groups:
                group["lr"] = own
        for kernel, matrix in self._kernels:
            matrix.grad = None if kernel.grad is None else _matrix(kernel.grad)
        self._muon.step()
        self._adamw.step()

    def state_dict(self) -> dict[str, Any]:
        """Return the moments."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over moments, in place."""
        self._muon.load_state_dict(state["muon"])
        self._adamw.load_state_dict(state["adamw"])


def _matrix(kernel: torch.Tensor) -> torch.Tensor:
    """Return a kernel of 5 axes with one row for each first index: a view of it, if it is dense in either layout."""
    is_last = kernel.is_contiguous(memory_format=torch.channels_last_3d)
    return (kernel.permute(0, 2, 3, 4, 1) if is_last else kernel).flatten(1)
