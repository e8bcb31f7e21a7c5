"""A network over an image of any size: tiles that overlap, blended; smaller tiles where memory is short."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special

from murinoma.errors import MurinomaError
from murinoma.models.intensity import LOWEST
from murinoma.numerics.boxes import Box

Floats = npt.NDArray[np.float32]
OnSmaller = Callable[[int], object]  # is told the side of tiles, voxels, that had to be taken
SIDE_STEP = 16  # sides of tiles are multiples of this: few different shapes, each prepared once by the back end


class Network(Protocol):
    """One network on one back end."""

    @property
    def heads(self) -> int:
        """Number of output channels."""

    @property
    def channels(self) -> int:
        """Number of input channels."""

    @property
    def multiple(self) -> int:
        """Sides of an input must be divisible by this, voxels."""

    def logits(self, image: Floats) -> Floats:
        """Return (heads, z, y, x) of an image (channels, z, y, x).

        Raises
        ------
        MemoryError
            If the image is too large for the machine.
        """


@dataclass(frozen=True)
class TileRules:
    """How an image is cut up.

    Attributes
    ----------
    side
        Largest side of a tile, voxels; 128 hold the largest published tumor, 93 voxels across, with a margin.
    overlap
        Of neighbouring tiles, voxels.
    least_side
        Tiles are not halved below this when memory is short, voxels.
    """

    side: int = 128
    overlap: int = 32
    least_side: int = 32


def ignored(side: int) -> None:
    """Take note of nothing."""


def probabilities(network: Network, image: Floats, rules: TileRules, on_smaller: OnSmaller = ignored) -> Floats:
    """Return the probabilities (heads, z, y, x) of an image (channels, z, y, x); smaller tiles where memory is short.

    `on_smaller` is called with the side of the tiles each time they are made smaller.

    Raises
    ------
    MurinomaError
        If not even the smallest tiles fit into memory.
    """
    side = rules.side
    while True:
        try:
            return _blended(network, image, side, min(rules.overlap, side // 4))
        except MemoryError as error:
            if side // 2 < rules.least_side:
                raise MurinomaError(
                    f"out of memory: not even {side}x{side}x{side} voxels of a scan of this size fit; "
                    "close other programs, or use a machine with more memory"
                ) from error
            side //= 2
            on_smaller(side)


def _blended(network: Network, image: Floats, side: int, overlap: int) -> Floats:
    """Return the probabilities with tiles of one size, each weighted down towards edges that another tile covers."""
    shape = image.shape[1:]
    boxes = list(tile_boxes(shape, side, overlap))
    if len(boxes) == 1:
        return _tile(network, image)
    total = np.zeros((network.heads, *shape), np.float32)
    weights = np.zeros(shape, np.float32)
    for box in boxes:
        weight = _tile_weight(box, shape, overlap)
        total[:, *box] += _tile(network, image[:, *box]) * weight
        weights[box] += weight
    total /= weights
    return total


def _tile(network: Network, image: Floats) -> Floats:
    """Return the probabilities of one tile, padded with air to the sides that the network takes."""
    step = max(SIDE_STEP, network.multiple)
    shape = image.shape[1:]
    padding = [(0, 0), *((0, -size % step) for size in shape)]
    padded = np.pad(image, padding, constant_values=LOWEST) if any(after for _, after in padding) else image
    logits = network.logits(np.ascontiguousarray(padded))
    z, y, x = (slice(0, size) for size in shape)
    return np.asarray(special.expit(logits[:, z, y, x]))


def tile_boxes(shape: tuple[int, ...], side: int, overlap: int) -> Iterator[Box]:
    """Yield boxes of at most `side` voxels that cover an image and overlap by `overlap` or more.

    Examples
    --------
    >>> [box[2] for box in tile_boxes((8, 8, 20), 8, 2)]
    [slice(0, 8, None), slice(6, 14, None), slice(12, 20, None)]
    """
    starts = [_starts(size, side, overlap) for size in shape]
    for z, y, x in product(*starts):
        yield slice(z, min(z + side, shape[0])), slice(y, min(y + side, shape[1])), slice(x, min(x + side, shape[2]))


def _starts(size: int, side: int, overlap: int) -> list[int]:
    """Return where the tiles of one axis start, evenly spaced."""
    if size <= side:
        return [0]
    count = -(-(size - overlap) // (side - overlap))
    return [round(number * (size - side) / (count - 1)) for number in range(count)]


def _tile_weight(box: Box, shape: tuple[int, ...], overlap: int) -> Floats:
    """Return weights in (0, 1] that fall linearly towards the faces that are not faces of the image."""
    weight = np.ones((1, 1, 1), np.float32)
    for axis, (part, size) in enumerate(zip(box, shape, strict=True)):
        at = np.arange(part.start, part.stop)
        before = (at - part.start + 1) / (overlap + 1) if part.start > 0 else np.ones(at.size)
        behind = (part.stop - at) / (overlap + 1) if part.stop < size else np.ones(at.size)
        ramp = np.minimum(np.minimum(before, behind), 1).astype(np.float32)
        weight = weight * np.expand_dims(ramp, tuple(other for other in range(3) if other != axis))
    return weight
