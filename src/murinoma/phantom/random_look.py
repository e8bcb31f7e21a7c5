"""How a scanner shows a random mouse: its scale, blur, noise, streaks, rings and shading."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.phantom.scanner import REFERENCE_MM, noise_gain
from murinoma.phantom.shapes import Array, Field, Grid, smooth_field

AIR_HU = -1000.0
MUSCLE_HU = 52.0  # of the mice, before the scanner's scale
RANGE_HU = (-400.0, 1000.0)  # that a crop of `split` keeps
LEAST_BLUR = 0.4  # voxels
DENSE_HU, MOST_DENSE_HU = 250.0, 2000.0
BAND_MM = 20.0  # how far a band reaches, to both sides together
RAYS = 720
NOISIEST_HU = (95.0, 121.5)  # SD that is drawn at most, and that with wider settings; a real scan has 42


@dataclass(frozen=True)
class Look:
    """What a scanner adds to true HU.

    Attributes
    ----------
    contrast, shift_hu
        Factor on the distance to air, and what is added to everything.
    blur_mm
        SD of the point spread; the noise passes it too.
    noise_hu, grainless_hu
        SD of the noise at voxels of 0.21 mm that has the grain of the blur, and of white noise on top.
    rows_hu
        SD of stripes along x, as behind bones.
    streaks_hu, rings_hu
        SD of rays from the middle at the edge of the section, and of rings about the middle.
    shading_hu, shading_mm
        SD and length of a soft shading.
    bands
        How dark the bands beside bone and metal are, along y and x: share of the mean density on the way beyond
        soft tissue. A part of a scan knows only what casts bands in it.
    middle_mm, radius_mm
        Middle of the section (y, x), and how far its edge lies.
    seed
        Of all that.
    """

    contrast: float = 1.0
    shift_hu: float = 0.0
    blur_mm: float = 0.17
    noise_hu: float = 42.0
    grainless_hu: float = 0.0
    rows_hu: float = 0.0
    streaks_hu: float = 0.0
    rings_hu: float = 0.0
    shading_hu: float = 0.0
    shading_mm: float = 40.0
    bands: float = 0.0
    middle_mm: tuple[float, float] = (0.0, 0.0)
    radius_mm: float = 40.0
    seed: int = 0


def draw_look(size_mm: tuple[float, float], *, wider: bool, rng: np.random.Generator) -> Look:
    """Return a look for a section of some size (y, x): muscle reads -120 to 80 HU, voxels once were 0.1 to 0.5 mm."""
    odd = 1.35 if wider else 1.0
    soft = float(rng.uniform(-120.0, 80.0) * odd)
    shift = float(rng.uniform(-30.0, 30.0))
    voxel = float(rng.uniform(0.1, 0.5))
    return Look(
        contrast=(soft - shift - AIR_HU) / (MUSCLE_HU - AIR_HU),
        shift_hu=shift,
        blur_mm=max(0.1, voxel * float(rng.uniform(0.4, 1.0))),
        noise_hu=float(np.exp(rng.uniform(np.log(8.0), np.log(NOISIEST_HU[wider])))),
        grainless_hu=float(rng.uniform(0.0, 12.0 * odd)),
        rows_hu=float(rng.uniform(0.0, 14.0 * odd)) * (rng.random() < 0.6),
        streaks_hu=float(rng.uniform(0.0, 35.0 * odd)) * (rng.random() < 0.7),
        rings_hu=float(rng.uniform(0.0, 15.0 * odd)) * (rng.random() < 0.4),
        shading_hu=float(rng.uniform(0.0, 10.0 * odd)),
        shading_mm=float(rng.uniform(15.0, 50.0)),
        bands=float(rng.uniform(0.0, 0.5 * odd)) * (rng.random() < 0.6),
        middle_mm=(size_mm[0] / 2, size_mm[1] / 2),
        radius_mm=float(np.hypot(*size_mm) / 2),
        seed=int(rng.integers(2**31)),
    )


def seen(hu: Field, grid: Grid, look: Look) -> npt.NDArray[np.int16]:
    """Return what a scanner shows of true HU, which it uses up: int16, within -400 to 1000 HU."""
    rng = np.random.default_rng([look.seed, *(round(at / grid.spacing_mm) + 10**6 for at in grid.origin_mm)])
    fixed = np.random.default_rng(look.seed)
    add_bands(hu, grid, look.bands)
    hu -= np.float32(AIR_HU)
    hu *= np.float32(look.contrast)
    hu += np.float32(AIR_HU + look.shift_hu)
    length = (look.shading_mm, look.shading_mm, look.shading_mm)
    hu += np.float32(look.shading_hu) * smooth_field(grid, length, rng=fixed)
    add_section(hu, grid, look, rng=fixed)
    sigma = max(look.blur_mm / grid.spacing_mm, LEAST_BLUR)
    finer = min(1.0, REFERENCE_MM / grid.spacing_mm)
    noise = rng.standard_normal(hu.shape, dtype=np.float32)
    hu += noise * np.float32(look.noise_hu * finer / noise_gain(sigma))
    blurred: Field = ndimage.gaussian_filter(hu, sigma, mode="nearest", truncate=3.0, output=hu)
    rng.standard_normal(dtype=np.float32, out=noise)
    noise *= np.float32(look.grainless_hu * finer)
    blurred += noise
    blurred += np.float32(look.rows_hu) * rows(grid, rng=fixed)
    np.clip(blurred, *RANGE_HU, out=blurred)
    return np.rint(blurred, out=blurred).astype(np.int16)


def add_bands(hu: Field, grid: Grid, share: float) -> None:
    """Darken what lies beside bone and metal along y and x, in place: their beams were hardened."""
    if not share:
        return
    dense = np.clip(hu - np.float32(DENSE_HU), 0, np.float32(MOST_DENSE_HU))
    size = max(3, round(BAND_MM / grid.spacing_mm))
    for axis in (1, 2):
        hu -= np.float32(share / 2) * ndimage.uniform_filter1d(dense, size, axis=axis, mode="constant")


def add_section(hu: Field, grid: Grid, look: Look, *, rng: np.random.Generator) -> None:
    """Add rays and rings, which wax and wane along z, in place."""
    z, y, x = (axis.ravel().astype(np.float64) for axis in grid.axes())
    down, right = y[:, None] - look.middle_mm[0], x[None, :] - look.middle_mm[1]
    distance = np.hypot(down, right)
    ray = ((np.arctan2(down, right) / (2 * np.pi) + 0.5) * (RAYS - 1)).astype(int)
    ring = np.minimum(distance / 0.4, 399).astype(int)
    profiles = [rng.standard_normal((2, RAYS)), rng.standard_normal((2, 400))]
    if not (look.streaks_hu or look.rings_hu):
        return
    for profile, part in zip(zip(*profiles, strict=True), (np.cos(z / 4.0), np.sin(z / 4.0)), strict=True):
        rays = profile[0][ray] * distance * (look.streaks_hu / look.radius_mm)
        section = (rays + look.rings_hu * profile[1][ring]).astype(np.float32)
        hu += part.astype(np.float32).reshape(-1, 1, 1) * section


def rows(grid: Grid, *, rng: np.random.Generator) -> Field:
    """Return stripes along x of SD 1, the same for any part of the field: fine along y, longer along z."""
    stripes: Array = rng.standard_normal((512, 64))
    z, y, _ = grid.axes()
    at = (z.ravel() / 1.6, y.ravel() / 0.6)
    low = [np.floor(line).astype(int) for line in at]
    share = at[0] - low[0]
    columns = low[1] % 64
    first, second = stripes[low[0] % 512][:, columns], stripes[(low[0] + 1) % 512][:, columns]
    blended: Field = (first + share[:, None] * (second - first)).astype(np.float32)
    return blended[:, :, None]
