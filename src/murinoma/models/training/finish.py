"""Write a trained network, and see that what reads it back computes the same."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from murinoma.errors import OutputError
from murinoma.models.backends import Backend, open_network
from murinoma.models.export import export_onnx
from murinoma.models.training.sampler import Patches
from murinoma.models.unet import UnetSpec

TOLERANCE = 0.05  # of a chance: weights are rounded to fp16, and a voxel near one half moves


def export_checked(module: nn.Module, spec: UnetSpec, path: Path, example: Patches) -> float:
    """Write a network to an ONNX file; return how far its chances are from torch's on one patch, at most.

    OpenVINO runs the file where it is installed, else torch does.

    Raises
    ------
    OutputError
        If the file cannot be written, or computes something else than the network.
    """
    export_onnx(module, spec, path)
    image = example.images[:1]
    module = module.cpu().eval()
    with torch.inference_mode():
        expected = torch.sigmoid(module(torch.from_numpy(image)))[0].numpy()
    network = open_network(path, Backend(device="cpu", precision="f32"))
    found = torch.sigmoid(torch.from_numpy(network.logits(image[0]))).numpy()
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE:
        raise OutputError(
            f"{path} computes something else than the network that was trained: chances differ by {difference:.3f}, "
            f"{TOLERANCE:g} is allowed; train again, and report this"
        )
    return difference
