"""Model folders that cost nothing: tiny networks with random weights, and networks that are a formula."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.models.export import export_onnx
from murinoma.models.folder import ModelCard, NetworkCard, network_path, write_card
from murinoma.models.unet import UnetSpec, build_unet

HEADS = ("A", "B", "consensus")
CARD = ModelCard(
    name="tiny",
    heads=HEADS,
    coarse=NetworkCard(0.84),
    fine=NetworkCard(0.21),
    training_cts=("ab" * 32,),
    licence="BSD-3-Clause",
    tried_on="nothing",
    limits="its weights are random",
)


def write_tiny_model(
    folder: Path, *, fine_heads: int = len(HEADS), fine_channels: int = 2, weights: int = 1
) -> ModelCard:
    """Write a model with random weights, a few thousand parameters; its normalisation has seen noise.

    Another number for `weights` gives others.
    """
    import torch

    torch.manual_seed(weights)
    folder.mkdir(parents=True, exist_ok=True)
    for network, heads, channels in (("coarse", 1, 1), ("fine", fine_heads, fine_channels)):
        spec = UnetSpec(widths=(4, 8), heads=heads, channels=channels)
        module = build_unet(spec)
        with torch.no_grad():
            for _ in range(3):
                module(torch.randn(2, channels, 8, 8, 8))
            # of noisy tissue about half of the voxels are tumor, and clearly so
            logits = module.eval()(0.16 * torch.randn(1, channels, 16, 16, 16))
            module.head.bias -= logits.mean(dim=(0, 2, 3, 4))
            module.head.weight *= 20
            module.head.bias *= 20
        export_onnx(module, spec, network_path(folder, network))
    return write_card(folder, CARD)


@dataclass
class BrightNetwork:
    """A network that is a formula: voxels brighter than a value in the first channel are tumor, in all heads.

    It refuses images of more voxels than `room`, as a machine with little memory does, and remembers the shapes.
    """

    heads: int = len(HEADS)
    channels: int = 1
    multiple: int = 4
    brighter_than: float = 0.2
    room: int = 10**9

    def __post_init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def logits(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return 0 at the threshold, 10 more for each normalised 0.1."""
        if image[0].size > self.room:
            raise MemoryError("no room")
        self.shapes.append(image.shape[1:])
        logits = (100 * (image[0] - self.brighter_than)).astype(np.float32)
        return np.repeat(logits[None], self.heads, axis=0)
