"""What all else sees of a model: a scan goes in, probabilities of tumor come out."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from murinoma.errors import UsageError
from murinoma.numerics.boxes import Box

Spacing = tuple[float, float, float]
LEAST_COARSE = 0.25  # of a lesion in the coarse pass, on average, where a model's card says nothing else
CONSENSUS = "consensus"  # the head every model has: what the annotators agree on


@dataclass(frozen=True, eq=False)
class Patch:
    """Probabilities in one box of a scan.

    Attributes
    ----------
    box
        Where in the scan, slices along z, y, x.
    probabilities
        (heads, z, y, x) float16, in 0..1.
    skin_mm
        (z, y, x) float16: how deep under the skin each voxel lies, mm; 0 outside the body.
    coarse
        (z, y, x) float16: what the coarse pass, which has seen the whole mouse, made of each voxel, in 0..1.
    """

    box: Box
    probabilities: npt.NDArray[np.float16]
    skin_mm: npt.NDArray[np.float16]
    coarse: npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model makes of one scan, on the scan's own grid.

    Attributes
    ----------
    shape
        Of the scan, (z, y, x).
    spacing_mm
        Of the scan, (z, y, x).
    heads
        Names of the heads: annotators, and `CONSENSUS`.
    patches
        Boxes that neither overlap nor touch; outside them every probability is 0.
    anchor_hu
        The grey value of soft tissue that the model went by, HU.
    notices
        What a user should know, one sentence each.
    least_coarse
        Mean probability that the coarse pass must give to a component, for the model to call it a lesion.
    """

    shape: tuple[int, int, int]
    spacing_mm: Spacing
    heads: tuple[str, ...]
    patches: tuple[Patch, ...]
    anchor_hu: float
    notices: tuple[str, ...] = ()
    least_coarse: float = LEAST_COARSE

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        z, y, x = self.spacing_mm
        return z * y * x

    def head_index(self, head: str) -> int:
        """Return the place of a head among the channels.

        Raises
        ------
        UsageError
            If the model has no such head.
        """
        if head not in self.heads:
            raise UsageError(f"the model has no head '{head}'; it has {', '.join(self.heads)}")
        return self.heads.index(head)

    def dense(self, head: str = CONSENSUS) -> npt.NDArray[np.float32]:
        """Return one head's probabilities of the whole scan, (z, y, x) float32.

        Raises
        ------
        UsageError
            If the model has no such head.
        """
        at = self.head_index(head)
        whole = np.zeros(self.shape, np.float32)
        for patch in self.patches:
            whole[patch.box] = patch.probabilities[at]
        return whole


class Segmenter(Protocol):
    """A model that finds tumors."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of its heads, `CONSENSUS` among them."""

    def predict(self, image: npt.NDArray[Any], spacing_mm: Spacing) -> Prediction:
        """Return the probabilities of tumor in a CT of one mouse.

        Parameters
        ----------
        image
            HU, shape (z, y, x), any real dtype; only read.
        spacing_mm
            Spacing along (z, y, x), mm.

        Raises
        ------
        InputError
            If there is no mouse in the image, or its spacing is none of a mouse's CT.
        """
