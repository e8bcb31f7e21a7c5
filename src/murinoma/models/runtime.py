"""Coarse to fine: the whole mouse is looked over at 0.42 mm, and what is suspect outlined at 0.21 mm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import FileError
from murinoma.models.backends import Backend, open_network
from murinoma.models.candidates import CandidateRules, candidate_boxes, grown, merged
from murinoma.models.folder import ModelCard, network_path, read_card
from murinoma.models.grids import Floats, Spacing, carry, covering_box
from murinoma.models.scan import Axes, Scan, coarse_input, fine_input, notices, prepare, skin_depth_mm
from murinoma.models.segmenter import Patch, Prediction
from murinoma.models.tiles import Network, OnSmaller, TileRules, ignored, probabilities
from murinoma.numerics.blocks import CORNERS, dilate
from murinoma.numerics.boxes import Box

NEAR_VOXELS = 2  # of the rough grid: a tumor is a part of the body, whose edge is found to about a voxel
LESION = 0.5  # probability over which a voxel counts when a box is asked whether it holds its lesion
Mask = npt.NDArray[np.bool_]
Refined = list[tuple[Box, npt.NDArray[np.float16]]]


def load_segmenter(folder: Path, backend: Backend = Backend()) -> "CoarseToFine":
    """Return the model in a folder, ready to run.

    Raises
    ------
    FileError
        If the folder is no model, a newer one, damaged, or its networks have other heads than its card.
    UsageError
        If a library or a GPU is asked for that is not there.
    """
    card = read_card(folder)
    coarse, fine = (open_network(network_path(folder, name), backend) for name in ("coarse", "fine"))
    if fine.heads != len(card.heads):
        raise FileError(
            f"{folder} does not fit together: its card names {len(card.heads)} heads ({', '.join(card.heads)}), "
            f"fine.onnx has {fine.heads}; copy the model again"
        )
    if (coarse.channels, fine.channels) != (1, 2):
        raise FileError(
            f"{folder} does not fit together: coarse.onnx takes {coarse.channels} channels, fine.onnx {fine.channels}, "
            "1 and 2 are needed; copy the model again, or train it again"
        )
    return CoarseToFine(card, coarse, fine)


@dataclass(frozen=True, eq=False)
class CoarseToFine:
    """A `Segmenter` of two networks.

    Attributes
    ----------
    card
        What the model is.
    coarse, fine
        Its networks; of the coarse one the highest head counts.
    candidates, tiles
        How they are led over a scan.
    """

    card: ModelCard
    coarse: Network
    fine: Network
    candidates: CandidateRules = CandidateRules()
    tiles: TileRules = TileRules()

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the heads of the fine network."""
        return self.card.heads

    def predict(self, image: npt.NDArray[Any], spacing_mm: Spacing) -> Prediction:
        """Return the probabilities of tumor in a CT of one mouse; see `Segmenter`.

        Raises
        ------
        InputError
            If this cannot be the CT of a mouse, or there is no mouse in it.
        MurinomaError
            If memory does not suffice.
        """
        return self.find(self.made_ready(image, spacing_mm))

    def made_ready(self, image: npt.NDArray[Any], spacing_mm: Spacing) -> Scan:
        """Return a CT as the networks need it; raises as `predict`."""
        return prepare(image, spacing_mm, self.card.coarse.spacing_mm, self.card.fine.spacing_mm)

    def find(self, scan: Scan) -> Prediction:
        """Return the probabilities of tumor in a scan that was made ready; raises as `predict`."""
        smaller: list[int] = []  # sides of tiles, where memory was short
        suspected = self.look_over(scan, smaller.append)
        boxes = candidate_boxes(suspected, scan.corner, scan.coarse, scan.fine, self.candidates)
        patches = placed(scan, suspected, self.outline(scan, suspected, boxes, smaller.append))
        said = (*notices(scan), *memory_notices(smaller))
        own = scan.own
        return Prediction(own.shape, own.spacing_mm, self.heads, patches, scan.anchor_hu, said, self.card.least_coarse)

    def look_over(self, scan: Scan, on_smaller: OnSmaller = ignored) -> Floats:
        """Return the coarse pass: the highest probability of any head, on the coarse grid within `scan.box`."""
        return suspicion(self.coarse, scan, self.tiles, on_smaller)

    def outline(self, scan: Scan, suspected: Floats, boxes: list[Box], on_smaller: OnSmaller = ignored) -> Refined:
        """Return the fine pass: boxes of the fine grid with (heads, z, y, x) float16; they grow with the lesion."""
        done: Refined = []
        for last in range(self.candidates.rounds, -1, -1):
            done = [(box, self._held(done, box, scan, suspected, on_smaller)) for box in boxes]
            wanted = merged(
                [self._grown(box, values.max(axis=0) > LESION, scan, suspected) for box, values in done],
                scan.fine.shape,
            )
            if wanted == boxes or last == 0:
                break
            boxes = wanted
        return done

    def _grown(self, box: Box, lesion: Mask, scan: Scan, suspected: Floats) -> Box:
        """Return a box grown with what of a mask in it the coarse pass suspects somewhere: with no other component."""
        if grown(box, lesion, scan.fine.shape) == box:
            return box  # as with most boxes, and components cost more
        labels, count = ndimage.label(lesion, CORNERS)
        told = carry(suspected, scan.box, scan.coarse, scan.fine, box) > self.candidates.threshold
        is_told = np.bincount(labels[told], minlength=count + 1) > 0
        is_told[0] = False
        return grown(box, is_told[labels], scan.fine.shape)

    def _held(
        self, done: Refined, box: Box, scan: Scan, suspected: Floats, on_smaller: OnSmaller
    ) -> npt.NDArray[np.float16]:
        """Return the probabilities of a box, computed where they are not done."""
        for other, values in done:
            if other == box:
                return values
        seen = fine_input(scan, suspected, box)
        return lengthwise(self.fine, seen, scan.axes, self.tiles, on_smaller).astype(np.float16)


def suspicion(coarse: Network, scan: Scan, tiles: TileRules = TileRules(), on_smaller: OnSmaller = ignored) -> Floats:
    """Return what a coarse network makes of a scan: its highest head, (z, y, x) within `scan.box`, in 0..1.

    It looks twice, the second time at the mirror image, and the mean counts (decision 0023). Of beds, labels and
    whatever else is no part of the mouse nothing is suspected.
    """
    seen, across = coarse_input(scan), scan.axes[2]  # the mouse lies along the first of the axes
    first, second = (
        lengthwise(coarse, image, scan.axes, tiles, on_smaller).max(axis=0)
        for image in (seen, np.flip(seen, 1 + across))
    )
    said = (first + np.flip(second, across)) / 2
    near = carry(dilate(scan.body, NEAR_VOXELS), scan.rough.whole, scan.rough, scan.coarse, scan.box)
    return np.where(near > 0, said, np.float32(0))


def lengthwise(network: Network, seen: Floats, axes: Axes, tiles: TileRules, on_smaller: OnSmaller) -> Floats:
    """Return what a network makes of (channels, z, y, x) with these axes in this order: (heads, z, y, x) as it came."""
    turned = np.ascontiguousarray(seen.transpose(0, *(1 + axis for axis in axes)))
    found = probabilities(network, turned, tiles, on_smaller)
    return found.transpose(0, *(1 + np.argsort(axes)))


def memory_notices(smaller: list[int]) -> list[str]:
    """Return what a user should know of the sides of tiles, voxels, that were taken because memory was short."""
    if not smaller:
        return []
    return [
        f"memory was short, so the networks ran in tiles of {min(smaller)} voxels a side: slower, and a little less "
        "sure at the seams; close other programs"
    ]


def placed(scan: Scan, suspected: Floats, refined: Refined) -> tuple[Patch, ...]:
    """Return what the fine pass found on the scan's own grid, with the coarse pass and the depth under the skin."""
    if not refined:
        return ()
    skin = skin_depth_mm(scan)
    return tuple(_patch(scan, box, values, suspected, skin) for box, values in refined)


def _patch(scan: Scan, box: Box, values: npt.NDArray[np.float16], suspected: Floats, skin: tuple[Floats, Box]) -> Patch:
    """Return one box on the scan's own grid."""
    own = covering_box(box, scan.fine, scan.own)
    if scan.own.shape != scan.fine.shape:
        values = np.stack([carry(head, box, scan.fine, scan.own, own).astype(np.float16) for head in values])
    coarse = carry(suspected, scan.box, scan.coarse, scan.own, own)
    skin_mm = carry(*skin, scan.rough, scan.own, own)
    return Patch(own, values, skin_mm.astype(np.float16), coarse.astype(np.float16))
