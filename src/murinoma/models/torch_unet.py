"""The U-Net as a torch module, and what torch runs it with; imported inside functions, for torch loads slowly."""

from collections.abc import Sequence

import torch
from torch import nn

from murinoma.models.unet import PAIR, STEEPNESS, Block, UnetSpec, decoder_blocks, encoder_blocks


class Unet(nn.Module):
    """The network that `spec` describes; parameters are named as in `murinoma.models.unet`."""

    def __init__(self, spec: UnetSpec) -> None:
        super().__init__()
        levels, width = range(len(spec.widths)), spec.widths[0]
        self.first = nn.Conv3d(spec.channels, width, PAIR, stride=PAIR)
        self.encoders = nn.ModuleList(_level(encoder_blocks(spec, level)) for level in levels)
        self.ups = nn.ModuleList(
            nn.ConvTranspose3d(below, above, 2, stride=2)
            for above, below in zip(spec.widths, spec.widths[1:], strict=False)
        )
        self.decoders = nn.ModuleList(_level(decoder_blocks(spec, level)) for level in levels[:-1])
        self.head = nn.ConvTranspose3d(width, spec.heads, PAIR, stride=PAIR)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the logits (n, heads, z, y, x) of images (n, channels, z, y, x)."""
        skips: list[torch.Tensor] = []
        value = self.first(torch.asinh(STEEPNESS * image))
        for level, encoder in enumerate(self.encoders):
            if level:
                value = nn.functional.max_pool3d(value, 2)
            value = encoder(value)
            skips.append(value)
        for level in reversed(range(len(self.decoders))):
            value = self.decoders[level](skips[level] + self.ups[level](value))
        logits: torch.Tensor = self.head(value)
        return logits


def has_bf16(device: torch.device) -> bool:
    """Tell whether a device computes with bfloat16 itself; elsewhere it would be slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


class _ConvNormRelu(nn.Module):
    def __init__(self, block: Block) -> None:
        super().__init__()
        # no bias: the normalisation takes it out again
        self.conv = nn.Conv3d(block.channels_in, block.channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm3d(block.channels_out)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(self.conv(value))
        return nn.functional.relu(normed)


def _level(blocks: Sequence[Block]) -> nn.Sequential:
    return nn.Sequential(*(_ConvNormRelu(block) for block in blocks))
