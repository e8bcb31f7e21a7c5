"""Coarse to fine: the whole mouse is looked over at 0.84 mm, and what is suspect outlined at 0.21 mm."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError
from murinoma.models.backends import Backend, open_network
from murinoma.models.candidates import CandidateRules, candidate_boxes, grown, merged
from murinoma.models.folder import ModelCard, network_path, read_card
from murinoma.models.grids import Floats, Spacing, carry, covering_box
from murinoma.models.scan import Scan, coarse_input, fine_input, notices, prepare, skin_depth_mm
from murinoma.models.segmenter import Patch, Prediction
from murinoma.models.tiles import Network, TileRules, probabilities
from murinoma.numerics.boxes import Box

LESION = 0.5  # probability over which a voxel counts when a box is asked whether it holds its lesion
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
        scan = prepare(image, spacing_mm, self.card.coarse.spacing_mm, self.card.fine.spacing_mm)
        suspicion = self.look_over(scan)
        boxes = candidate_boxes(suspicion, scan.corner, scan.coarse, scan.fine, self.candidates)
        patches = placed(scan, suspicion, self.outline(scan, boxes))
        return Prediction(
            scan.own.shape, scan.own.spacing_mm, self.heads, patches, scan.anchor_hu, tuple(notices(scan))
        )

    def look_over(self, scan: Scan) -> Floats:
        """Return the coarse pass: the highest probability of any head, on the coarse grid within `scan.box`."""
        return np.asarray(probabilities(self.coarse, coarse_input(scan), self.tiles).max(axis=0))

    def outline(self, scan: Scan, boxes: list[Box]) -> Refined:
        """Return the fine pass: boxes of the fine grid with (heads, z, y, x) float16; they grow with the lesion."""
        done: Refined = []
        for last in range(self.candidates.rounds, -1, -1):
            done = [(box, self._held(done, box, scan)) for box in boxes]
            wanted = merged(
                [grown(box, values.max(axis=0) > LESION, scan.fine.shape) for box, values in done], scan.fine.shape
            )
            if wanted == boxes or last == 0:
                break
            boxes = wanted
        return done

    def _held(self, done: Refined, box: Box, scan: Scan) -> npt.NDArray[np.float16]:
        """Return the probabilities of a box, computed where they are not done."""
        for other, values in done:
            if other == box:
                return values
        return probabilities(self.fine, fine_input(scan, box), self.tiles).astype(np.float16)


def placed(scan: Scan, suspicion: Floats, refined: Refined) -> tuple[Patch, ...]:
    """Return what the fine pass found on the scan's own grid, with the coarse pass and the depth under the skin."""
    if not refined:
        return ()
    skin_mm = skin_depth_mm(scan)
    return tuple(_patch(scan, box, values, suspicion, skin_mm) for box, values in refined)


def _patch(scan: Scan, box: Box, values: npt.NDArray[np.float16], suspicion: Floats, skin_mm: Floats) -> Patch:
    """Return one box on the scan's own grid."""
    own = covering_box(box, scan.fine, scan.own)
    if scan.own.shape != scan.fine.shape:
        values = np.stack([carry(head, box, scan.fine, scan.own, own).astype(np.float16) for head in values])
    coarse, skin = (carry(part, scan.box, scan.coarse, scan.own, own) for part in (suspicion, skin_mm))
    return Patch(own, values, skin.astype(np.float16), coarse.astype(np.float16))
