"""Examples that cost nothing: a block of flesh in air with a bright box for a tumor."""

import numpy as np

from murinoma.models.scan import Scan, prepare
from murinoma.models.training.examples import Example, Mask, fine_example

MM = 0.5
SHAPE = (40, 32, 36)
TUMOR = (slice(10, 18), slice(8, 16), slice(12, 20))
FLESH = (slice(4, 36), slice(4, 28), slice(4, 32))


def block_scan(seed: int = 0) -> Scan:
    """Return a block of flesh (50 HU) with a tumor (90 HU) in it and a bone (600 HU), in air, with noise of 20 HU."""
    rng = np.random.default_rng(seed)
    hu = np.full(SHAPE, -400.0)
    hu[FLESH] = 50
    hu[TUMOR] = 90
    hu[25:35, 15:18, 15:18] = 600
    hu += rng.normal(0, 20, SHAPE)
    return prepare(hu.clip(-400, 1000).astype(np.int16), (MM, MM, MM), 2 * MM, MM)


def tumor_mask(larger: int = 0) -> Mask:
    """Return the tumor's mask, some voxels longer along z."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[TUMOR[0].start : TUMOR[0].stop + larger, TUMOR[1], TUMOR[2]] = True
    return mask


def block_example(seed: int = 0) -> Example:
    """Return the block as an example of annotators A and B and their consensus; B marks two slices more."""
    return fine_example(block_scan(seed), [tumor_mask(), tumor_mask(2)])
