"""One labelled scan on the grid of a network: grey values, what each head should say, where to look for patches."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.grids import Floats, Grid, carry, covering_box
from murinoma.models.scan import Axes, Scan, on_grid
from murinoma.models.training.hints import Hint, hint_of
from murinoma.numerics.blocks import CORNERS, dilate, erode
from murinoma.numerics.boxes import Box, positive_box, union_box
from murinoma.numerics.staple import staple
from murinoma.numerics.votes import count_votes

Hu = npt.NDArray[np.int16]
Shares = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

WHOLE = 255  # of a voxel is tumor
PLACES = 2000  # voxels kept of a tumor or the body, to centre patches on
TRUNK_MM = 3.0  # a body is trunk where balls of this radius fit into it
SMOOTH_MM = 2.0  # over which its surface is smoothed, to see where outwards is


@dataclass(frozen=True, eq=False)
class Example:
    """One labelled scan on the grid of a network.

    Attributes
    ----------
    image
        int16 (z, y, x), HU.
    targets
        uint8 (heads, z, y, x) inside `box`: how much of the voxel is tumor, 255 for all of it. Outside it is 0.
    box
        The part of the image that `targets` covers.
    weights
        float32 (heads,): 1 where the scan can teach a head, 0 where its annotator is absent.
    anchor_hu, air_hu
        What soft tissue reads, and the darkest voxel, HU.
    tumors
        Voxels of each tumor, (n, 3).
    body
        Voxels of the mouse, (n, 3).
    hint
        What the coarse network made of the scan; nothing while that learns itself.
    skin, outwards
        Voxels near the surface of its trunk, (n, 3), and the way out of the body from each, unit vectors (n, 3).
    spacing_mm
        Edge of a voxel, mm: networks see cubes.
    axes
        The image's axes, the one that the mouse lies along first: the order in which networks see them.
    """

    image: Hu
    targets: Shares
    box: Box
    weights: npt.NDArray[np.float32]
    anchor_hu: float
    air_hu: float
    tumors: tuple[Places, ...]
    body: Places
    skin: Places
    outwards: npt.NDArray[np.float64]
    spacing_mm: float
    hint: Hint | None = None
    axes: Axes = (0, 1, 2)

    @property
    def n_bytes(self) -> int:
        """Bytes that it holds."""
        return self.image.nbytes + self.targets.nbytes


def fine_example(scan: Scan, masks: Sequence[Mask | None], suspected: Floats | None = None) -> Example:
    """Return a scan on its fine grid: one head per annotator, in the order of `masks`, and the consensus as the last.

    Parameters
    ----------
    scan
        A CT made ready, as for a prediction.
    masks
        What each annotator marked; nothing where one is absent. The consensus is STAPLE of those present.
    suspected
        The coarse pass over the scan, (z, y, x) in `scan.box`; nothing for a network that is to do without.
    """
    heads = [*masks, consensus([mask for mask in masks if mask is not None])]
    example = _example(scan, scan.fine, heads)
    if suspected is None:
        return example
    return replace(example, hint=hint_of(suspected, scan.corner, scan.coarse, scan.fine))


def coarse_example(scan: Scan, masks: Sequence[Mask | None]) -> Example:
    """Return a scan on its coarse grid, with a single head: how much of a voxel anybody marked; see `fine_example`."""
    present = [mask for mask in masks if mask is not None]
    return _example(scan, scan.coarse, [np.any(present, axis=0) if present else None])


def consensus(masks: Sequence[Mask]) -> Mask | None:
    """Return the STAPLE mask of some annotators, the mask of a single one, nothing of nobody."""
    if len(masks) < 2:
        return masks[0] if masks else None
    votes = count_votes(list(masks))
    merged = np.zeros(masks[0].shape, np.bool_)
    merged[votes.box] = staple(votes.counts).foreground[votes.codes]
    return merged


class ExampleCache:
    """Examples that were made once, the least recently used ones let go beyond a limit of bytes; many threads may ask.

    It changes how fast an example comes, never what comes.
    """

    def __init__(self, make: Callable[[int], Example], limit_bytes: int) -> None:
        self._make, self._limit = make, limit_bytes
        self._held: OrderedDict[int, Example] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, number: int) -> Example:
        """Return an example by its number."""
        with self._lock:
            if number in self._held:
                self._held.move_to_end(number)
                return self._held[number]
        example = self._make(number)
        with self._lock:
            self._held[number] = example
            while len(self._held) > 1 and sum(one.n_bytes for one in self._held.values()) > self._limit:
                self._held.popitem(last=False)
        return example


def _example(scan: Scan, grid: Grid, heads: Sequence[Mask | None]) -> Example:
    image = on_grid(scan, grid, grid.whole)
    targets, box = _targets(scan, grid, heads)
    skin, outwards = trunk_skin(scan.body, float(np.mean(scan.rough.spacing_mm)))
    return Example(
        image=np.rint(np.clip(image, -32768, 32767)).astype(np.int16),
        targets=targets,
        box=box,
        weights=np.array([head is not None for head in heads], np.float32),
        anchor_hu=scan.anchor_hu,
        air_hu=float(image.min()),
        tumors=_tumor_places(targets, box),
        body=_on_grid(_some(np.argwhere(scan.body)), scan.rough, grid),
        skin=_on_grid(skin, scan.rough, grid),
        outwards=outwards,
        spacing_mm=float(np.mean(grid.spacing_mm)),
        axes=scan.axes,
    )


def trunk_skin(body: Mask, spacing_mm: float) -> tuple[Places, npt.NDArray[np.float64]]:
    """Return voxels at the surface of a body where it is thick, (n, 3), and the way out from each, unit vectors (n, 3).

    Paws, tail, and a bed that the mouse touches are thinner than a trunk.
    """
    steps = round(TRUNK_MM / spacing_mm)
    trunk = dilate(erode(body, steps), steps) & body
    places = _some(np.argwhere(trunk & ~erode(trunk, 1)))
    soft = ndimage.gaussian_filter(trunk.astype(np.float32), SMOOTH_MM / spacing_mm)
    ways = -np.stack([slope[tuple(places.T)] for slope in np.gradient(soft)], axis=1).astype(np.float64)
    return places, ways / np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-6)


def _targets(scan: Scan, grid: Grid, heads: Sequence[Mask | None]) -> tuple[Shares, Box]:
    """Return how much of each voxel of a grid is tumor, by head, in the box that holds all of it."""
    held = union_box([positive_box(head) for head in heads if head is not None])
    wanted = covering_box(held, scan.own, grid)
    targets = np.zeros((len(heads), *(axis.stop - axis.start for axis in wanted)), np.uint8)
    for head, own in zip(heads, targets, strict=True):
        if head is not None and own.size:
            own[...] = np.rint(carry(head[held], held, scan.own, grid, wanted) * WHOLE)
    return targets, wanted


def _on_grid(places: Places, source: Grid, target: Grid) -> Places:
    """Return places of one grid on another."""
    scale = np.divide(target.shape, source.shape)
    return np.asarray(np.minimum((places + 0.5) * scale, np.subtract(target.shape, 1)), np.intp)


def _tumor_places(targets: Shares, box: Box) -> tuple[Places, ...]:
    """Return voxels of each connected piece that any head shows: a small tumor counts as much as a large one."""
    if targets.size == 0:
        return ()
    pieces, count = ndimage.label(targets.max(axis=0) > 0, CORNERS)
    start = np.array([axis.start for axis in box])
    return tuple(_some(np.argwhere(pieces == number) + start) for number in range(1, count + 1))


def _some(places: Places) -> Places:
    """Return places evenly taken, about `PLACES` of them."""
    return np.ascontiguousarray(places[:: max(1, len(places) // PLACES)])
