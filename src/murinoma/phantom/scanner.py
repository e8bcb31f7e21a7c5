"""What a scanner makes of true HU: blur, noise, rounding, and the range that the database keeps."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.phantom.shapes import Field

REFERENCE_MM = 0.21  # voxel at which the noise is stated


@dataclass(frozen=True)
class Scanner:
    """How a scanner sees.

    Attributes
    ----------
    blur_mm
        SD of the point spread, mm.
    noise_hu
        SD of the noise at voxels of 0.21 mm, HU; larger voxels average it. It is as grainy as the point spread.
    shift_hu
        Added to everything: scanners of one model differ by more than 100 HU.
    low_hu, high_hu
        Range that is kept, HU.
    """

    blur_mm: float = 0.17
    noise_hu: float = 42.0
    shift_hu: float = 0.0
    low_hu: float = -400.0
    high_hu: float = 1000.0


SCANNER = Scanner()


def acquire(hu: Field, spacing_mm: float, scanner: Scanner, *, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Return the CT of true HU: int16 of the same shape, within the scanner's range.

    `hu` may hold anything: one mouse, or several with their beds. Noise and image pass the same blur,
    so that the noise has the grain of a reconstruction.
    """
    sigma = scanner.blur_mm / spacing_mm
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    noise *= np.float32(scanner.noise_hu * min(1.0, REFERENCE_MM / spacing_mm) / noise_gain(sigma))
    noise += hu
    seen: Field = ndimage.gaussian_filter(noise, sigma, mode="nearest", truncate=3.0, output=noise)
    seen += np.float32(scanner.shift_hu)
    np.clip(seen, scanner.low_hu, scanner.high_hu, out=seen)
    return np.rint(seen, out=seen).astype(np.int16)


def noise_gain(sigma: float) -> float:
    """Return the SD that white noise of SD 1 keeps after a three-dimensional Gaussian blur of `sigma` voxels."""
    impulse = np.zeros(2 * int(np.ceil(3 * sigma)) + 3)
    impulse[len(impulse) // 2] = 1
    kernel = ndimage.gaussian_filter1d(impulse, sigma, truncate=3.0, mode="constant")
    return float((kernel**2).sum() ** 1.5)
