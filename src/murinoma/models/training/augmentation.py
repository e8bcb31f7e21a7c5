"""What a scan could also have looked like: turned, tilted, scaled, noisier, duller, blurred; each with its own chance.

Geometry is one 3 x 3 matrix, so that a patch is interpolated once. Grey values are normalised: 1 is 250 HU.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.intensity import HIGHEST, LOWEST

Image = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

TILT_DEG = 20.0
SCALES, STRETCH = (0.8, 1.25), 1.06
OFFSET_HU = 100.0  # scanners of one model differ by so much, and an anchor may err
GAMMAS = (0.75, 1.35)
CONTRASTS = (0.8, 1.25)
NOISE = 0.24  # largest SD: 60 HU
BLUR_VOXELS = (0.3, 1.0)
COARSER = (1.2, 2.2)
TILTED, SCALED, OFFSET, CHANGED = 0.5, 0.5, 0.5, 0.2  # chances; the last one of each change of grey values


def draw_matrix(*, rng: np.random.Generator) -> Matrix:
    """Return a random turn, flip, tilt and scale as a matrix from places in the patch to places in the scan."""
    matrix = draw_turn(rng=rng)
    if rng.random() < TILTED:
        matrix = matrix @ draw_tilt(rng=rng)
    if rng.random() < SCALED:
        matrix = matrix @ draw_scale(rng=rng)
    return matrix


def draw_turn(*, rng: np.random.Generator) -> Matrix:
    """Return one of the 16 turns and flips of a cube that leave z along z: a mouse lies along the scanner's axis."""
    z, y, x = np.eye(3)
    axes = [z, y, x] if rng.random() < 0.5 else [z, x, y]
    return np.asarray(np.stack(axes) * rng.choice([-1.0, 1.0], size=3))


def draw_tilt(*, rng: np.random.Generator) -> Matrix:
    """Return a rotation about a random axis by up to 20 degrees (Rodrigues' formula)."""
    z, y, x = draw_direction(rng=rng)
    cross = np.array([[0, -x, y], [x, 0, -z], [-y, z, 0]])
    angle = np.radians(rng.uniform(0, TILT_DEG))
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def draw_scale(*, rng: np.random.Generator) -> Matrix:
    """Return a scale between 0.8 and 1.25, a little different along each axis."""
    common = np.exp(rng.uniform(*np.log(SCALES)))
    return np.diag(common * np.exp(rng.uniform(-np.log(STRETCH), np.log(STRETCH), size=3)))


def draw_direction(*, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return a unit vector, (3,), all directions alike."""
    vector = rng.standard_normal(3)
    return np.asarray(vector / np.linalg.norm(vector))


def draw_offset_hu(*, rng: np.random.Generator) -> float:
    """Return by how much a scanner may read everything too high, HU: mostly not 0."""
    return float(rng.uniform(-OFFSET_HU, OFFSET_HU)) if rng.random() < OFFSET else 0.0


def changed(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a patch after blur, low resolution, noise, contrast and gamma, each by its own chance, within -2..3."""
    for change in CHANGES:
        if rng.random() < CHANGED:
            image = change(image, rng=rng)
    return np.clip(image, np.float32(LOWEST), np.float32(HIGHEST))


def blurred(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a softer patch."""
    soft: Image = ndimage.gaussian_filter(image, rng.uniform(*BLUR_VOXELS), mode="nearest")
    return soft


def coarser(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a patch as seen with voxels up to 2.2 times larger, of the same shape."""
    factor = rng.uniform(*COARSER)
    shape = [max(2, round(size / factor)) for size in image.shape]
    small = ndimage.zoom(image, np.divide(shape, image.shape), order=1, mode="nearest", grid_mode=True)
    large: Image = ndimage.zoom(small, np.divide(image.shape, shape), order=1, mode="nearest", grid_mode=True)
    return large


def noisier(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a patch with white noise, SD up to 60 HU."""
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    return np.asarray(image + np.float32(rng.uniform(0, NOISE)) * noise)


def duller(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a patch with more or less contrast about soft tissue, which is 0."""
    return np.asarray(image * np.float32(rng.uniform(*CONTRASTS)))


def bent(image: Image, *, rng: np.random.Generator) -> Image:
    """Return a patch whose grey values are bent by a gamma curve over -2..3."""
    width = np.float32(HIGHEST - LOWEST)
    share = np.clip((image - np.float32(LOWEST)) / width, 0, 1)
    return np.asarray(np.float32(LOWEST) + width * share ** np.float32(rng.uniform(*GAMMAS)))


CHANGES: tuple[Callable[..., Image], ...] = (blurred, coarser, noisier, duller, bent)
