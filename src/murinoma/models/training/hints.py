"""What the coarse network made of a scan, as the fine network sees it beside the image while it learns.

The coarse network knows the scans that it learned from better than others. Where the fine one learns from the same
scans, what it is told is moved, sharpened, softened, or withheld: it must not believe everything.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.grids import Floats, Grid

Point = npt.NDArray[np.float64]

CERTAIN = 255  # of 255: surely tumor
WITHHELD = 0.1  # chance that nothing is told
MOVED_VOXELS = 0.7  # SD of a shift, coarse voxels
POWERS = (0.5, 2.0)  # that probabilities are taken to
SOFT_VOXELS = 0.6  # a pasted tumor looks as if the coarse network had seen it: its edge is this soft


@dataclass(frozen=True, eq=False)
class Hint:
    """Probabilities of the coarse network on a part of its grid.

    Attributes
    ----------
    values
        uint8 (z, y, x): 255 is surely tumor. Beyond it there is none.
    scale, offset
        From a place in the example's own voxels to a place in `values`: ``scale * place + offset``, (3,) each.
    is_fresh
        The coarse network has not learned from the scan: it says of it what it would say of any other.
    """

    values: npt.NDArray[np.uint8]
    scale: Point
    offset: Point
    is_fresh: bool = False


def hint_of(suspected: Floats, corner: tuple[int, ...], coarse: Grid, own: Grid) -> Hint:
    """Return what the coarse pass said, (z, y, x) from `corner` of its grid on, for the voxels of another grid."""
    scale = np.divide(coarse.shape, own.shape)
    return Hint(packed(suspected), scale, scale / 2 - 0.5 - corner)


def packed(probability: Floats) -> npt.NDArray[np.uint8]:
    """Return probabilities as uint8."""
    return np.rint(probability * CERTAIN).astype(np.uint8)


def cut_hint(hint: Hint, start: Point, matrix: Point, shape: tuple[int, int, int]) -> Floats:
    """Return the probabilities in a patch, (z, y, x) float32; see `murinoma.models.training.sampler.cut`."""
    told: npt.NDArray[np.float32] = ndimage.affine_transform(
        hint.values,
        hint.scale[:, None] * matrix,
        hint.scale * start + hint.offset,
        shape,
        np.float32,
        order=1,
        mode="grid-constant",
    )
    told /= CERTAIN
    return told


def doubted(hint: Hint, *, rng: np.random.Generator) -> Hint:
    """Return a hint as a network that has not seen the scan might give it; as it is, if none has."""
    if hint.is_fresh:
        return hint
    if rng.random() < WITHHELD:
        return replace(hint, values=np.zeros_like(hint.values))
    share = (np.arange(CERTAIN + 1) / CERTAIN) ** np.exp(rng.uniform(*np.log(POWERS)))
    moved = hint.offset + MOVED_VOXELS * rng.standard_normal(3)
    return replace(hint, values=packed(share.astype(np.float32))[hint.values], offset=moved)


def with_lesion(hint: Hint, voxels: npt.NDArray[np.intp]) -> Hint:
    """Return a hint that also tells of a lesion: its voxels in the example, (n, 3), are the share of a coarse voxel."""
    share = np.zeros(hint.values.shape)
    places = np.rint(voxels * hint.scale + hint.offset).astype(int)
    inside = ((places >= 0) & (places < share.shape)).all(axis=1)
    np.add.at(share, tuple(places[inside].T), np.prod(hint.scale))
    soft = ndimage.gaussian_filter(np.minimum(share, 1), SOFT_VOXELS, mode="constant")
    return replace(hint, values=np.maximum(hint.values, packed(soft.astype(np.float32))))
