"""Mice whose tumors can be read off the CT, and a model that does so: steps are tested without weights."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.models.scan import Scan, notices, prepare
from murinoma.models.segmenter import Patch, Prediction

MM = 0.5
SHAPE = (110, 44, 44)
TUMOR_HU = 41  # odd, and all other tissue even
HEADS = ("A", "B", "consensus")
LEFT, RIGHT, NECK = (35, 22, 8), (40, 22, 36), (80, 22, 10)  # places of tumors: body, sides, vertical
Array = npt.NDArray[Any]


def mouse_ct(*tumors: tuple[tuple[int, int, int], float]) -> npt.NDArray[np.int16]:
    """Return the CT of a mouse with a spine, a skull at its end and tumors (place, radius in voxels) at its sides."""
    z, y, x = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((z - 55) / 48) ** 2 + ((y - 22) / 13) ** 2 + ((x - 22) / 13) ** 2 < 1
    tissue = 2 * np.random.default_rng(1).integers(0, 30, SHAPE)
    ct = np.where(body, tissue, -1000).astype(np.int16)
    ct[10:92, 12:15, 20:24] = 900
    ct[(z - 92) ** 2 + (y - 20) ** 2 + (x - 22) ** 2 < 36] = 800
    for (a, b, c), radius in tumors:
        ct[(z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2 < radius**2] = TUMOR_HU
    return ct


@dataclass
class ReadingModel:
    """A model that marks what has the grey value of a tumor, and counts the scans that it has seen."""

    short_of_memory: bool = False
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def made_ready(self, image: Array, spacing_mm: tuple[float, float, float]) -> Scan:
        """Return a CT made ready, as every model does."""
        return prepare(image, spacing_mm, 0.84, 0.21)

    def find(self, scan: Scan) -> Prediction:
        """Return 0.9 in a tumor for head A and the consensus, and 0.7 for head B."""
        if self.short_of_memory:
            raise MemoryError
        self.seen.append(scan.image.shape)
        marked = scan.image == TUMOR_HU
        share = np.array([0.9, 0.7, 0.9], np.float16)[:, None, None, None]
        coarse = marked.astype(np.float16)
        patch = Patch(scan.own.whole, share * marked, np.zeros(marked.shape, np.float16), coarse)
        return Prediction(scan.own.shape, scan.own.spacing_mm, HEADS, (patch,), scan.anchor_hu, tuple(notices(scan)))
