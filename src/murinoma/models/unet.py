"""Our 3D U-Net, described: widths in, a torch module or a count of parameters out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from murinoma.errors import InputError

if TYPE_CHECKING:
    from torch import nn

PAIR = 2  # voxels along each axis that the first layer makes one, and the last one parts again
STEEPNESS = 5.0  # inverse hyperbolic sine from here on: 50 HU about soft tissue get as much room as those to air


@dataclass(frozen=True)
class UnetSpec:
    """What a U-Net is built from.

    Grey values are bent first, asinh(5 x): tumors differ from muscle by tens of HU, air and bone by hundreds. A 2x2x2
    convolution with stride 2 makes eight voxels one of many channels, and a transposed one parts them again at the end:
    no level works in full resolution (decision 0020). Every level has `convs` times a 3x3x3 convolution, batch
    normalisation and ReLU; levels are joined by max pooling on the way down, and by 2x2x2 transposed convolutions and
    addition on the way up. In inference the normalisation is a part of the convolution: a voxel never depends on the
    tile it was computed in, beyond the network's reach.

    Attributes
    ----------
    widths
        Channels of each level, from half resolution down.
    heads
        Output channels, one logit each.
    convs
        Convolutions in each level, on the way down and on the way up.
    channels
        Input channels: the image, and what else is known of each voxel.

    Raises
    ------
    InputError
        If a number is below 1, or no level is given.
    """

    widths: tuple[int, ...] = (32, 32, 64, 64)
    heads: int = 4
    convs: int = 2
    channels: int = 1

    def __post_init__(self) -> None:
        if not self.widths or min(*self.widths, self.heads, self.convs, self.channels) < 1:
            raise InputError(f"a U-Net needs levels, channels and convolutions of 1 or more, got {self}")

    @property
    def multiple(self) -> int:
        """Every side of an input must be divisible by this, voxels."""
        return int(PAIR * 2 ** (len(self.widths) - 1))


def spec_from(content: Mapping[str, Any]) -> UnetSpec:
    """Return the spec out of what ``dataclasses.asdict`` made of it and JSON carried.

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> spec_from({"widths": [8, 16], "heads": 1, "convs": 2, "channels": 1}).widths
    (8, 16)
    """
    try:
        numbers = (int(content[name]) for name in ("heads", "convs", "channels"))
        return UnetSpec(tuple(map(int, content["widths"])), *numbers)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{content!r} describes no U-Net of murinoma") from error


@dataclass(frozen=True)
class Block:
    """One convolution with its normalisation: its name in the state dict, channels in and out."""

    name: str
    channels_in: int
    channels_out: int


def encoder_blocks(spec: UnetSpec, level: int) -> list[Block]:
    """Return the convolutions of one level on the way down."""
    return list(_blocks(f"encoders.{level}", spec.widths[max(level - 1, 0)], spec.widths[level], spec.convs))


def decoder_blocks(spec: UnetSpec, level: int) -> list[Block]:
    """Return the convolutions of one level on the way up: the first sees the skip and what came from below, added."""
    return list(_blocks(f"decoders.{level}", spec.widths[level], spec.widths[level], spec.convs))


def _blocks(name: str, channels_in: int, channels_out: int, count: int) -> Iterator[Block]:
    for number in range(count):
        yield Block(f"{name}.{number}", channels_out if number else channels_in, channels_out)


def count_parameters(spec: UnetSpec) -> int:
    """Return the number of trained parameters; the running means and variances are not among them.

    Examples
    --------
    One level of one channel: 8 + 1 of the first layer, 27 + 27 weights, 2 x 2 of the normalisation, 8 + 1 of the head.

    >>> count_parameters(UnetSpec(widths=(1,), heads=1))
    76
    """
    voxels = PAIR**3
    levels = range(len(spec.widths))
    blocks = [block for level in levels for block in encoder_blocks(spec, level)]
    blocks += [block for level in levels[:-1] for block in decoder_blocks(spec, level)]
    convolutions = sum(27 * block.channels_in * block.channels_out + 2 * block.channels_out for block in blocks)
    ups = sum((8 * below + 1) * width for width, below in zip(spec.widths, spec.widths[1:], strict=False))
    ends = (voxels * spec.channels + 1) * spec.widths[0] + (voxels * spec.widths[0] + 1) * spec.heads
    return convolutions + ups + ends


def build_unet(spec: UnetSpec) -> "nn.Module":
    """Return the network with fresh random weights, from torch's own generator.

    It maps float32 (n, channels, z, y, x), each side divisible by `spec.multiple`, to logits (n, heads, z, y, x).
    """
    from murinoma.models.torch_unet import Unet

    return Unet(spec)
