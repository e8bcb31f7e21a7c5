"""A CT made ready for the networks: its grids, a rough copy, the mouse in it, the grey value of soft tissue."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import InputError
from murinoma.models.grids import Floats, Grid, Spacing, carry, covering_box, grid_at, image_grid
from murinoma.models.intensity import as_channel, body_threshold_hu, normalised, soft_tissue_hu
from murinoma.numerics.blocks import erode, spread
from murinoma.numerics.boxes import Box, positive_box

Axes = tuple[int, int, int]

SPACING_MM = (0.04, 0.6)  # of a CT of a mouse
ROUNDING = 1e-6  # a header's 0.6 is 0.60000002
LONGEST_MM = 250.0  # side of a field of view with one mouse in it; a human's is longer
BODY_CM3 = (1.0, 120.0)  # a mouse has 15 to 60; one that is cut off, less
ROUGH_MM = 0.84  # voxels on which the mouse is found; the networks have their own
MARGIN_MM = 3.36  # around the body
CORE_VOXELS = 2  # of the rough grid: a mouse is thicker than twice this everywhere that counts, a bed is not
LONGER = 1.3  # so many times as long as along z a mouse must be to count as lying along another axis
USUAL_HU = (-150.0, 250.0)  # soft tissue beyond this is worth a word; a real scanner's read -70


@dataclass(frozen=True, eq=False)
class Scan:
    """A CT and what the passes need of it.

    Attributes
    ----------
    image
        HU, (z, y, x), as it came.
    own, rough, coarse, fine
        Grids over its field of view.
    rough_hu
        (z, y, x) float32: the whole image on the rough grid.
    body
        (z, y, x) bool: the mouse on the rough grid, air inside it filled.
    box
        The body with a margin, on the coarse grid.
    anchor_hu
        Grey value of soft tissue.
    """

    image: npt.NDArray[Any]
    own: Grid
    rough: Grid
    coarse: Grid
    fine: Grid
    rough_hu: Floats
    body: npt.NDArray[np.bool_]
    box: Box
    anchor_hu: float

    @property
    def corner(self) -> tuple[int, ...]:
        """Where `box` starts."""
        return tuple(axis.start for axis in self.box)

    @cached_property
    def axes(self) -> Axes:
        """The image's axes, the one that the mouse lies along first: so networks have learned mice, and so they see it.

        A mouse of which a scan shows a short piece counts as lying along z.
        """
        held = positive_box(self.body)
        sides = [(axis.stop - axis.start) * mm for axis, mm in zip(held, self.rough.spacing_mm, strict=True)]
        if max(sides) < LONGER * sides[0]:
            return 0, 1, 2
        longest = int(np.argmax(sides))
        first, second = (axis for axis in range(3) if axis != longest)
        return longest, first, second


def prepare(image: npt.NDArray[Any], spacing_mm: Spacing, coarse_mm: float, fine_mm: float) -> Scan:
    """Return a CT made ready.

    Raises
    ------
    InputError
        If this cannot be the CT of a mouse, or there is no mouse in it.
    """
    check_field(image.shape, spacing_mm)
    return made_ready(_finite(image), spacing_mm, coarse_mm, fine_mm)


def made_ready(image: npt.NDArray[Any], spacing_mm: Spacing, coarse_mm: float, fine_mm: float) -> Scan:
    """Return a CT of finite voxels made ready, whatever its spacing; see `prepare`.

    Raises
    ------
    InputError
        If there is no mouse in it.
    """
    z, y, x = image.shape
    own = image_grid((z, y, x), spacing_mm)
    rough, coarse, fine = (grid_at(own, mm) for mm in (ROUGH_MM, coarse_mm, fine_mm))
    rough_hu = carry(image, own.whole, own, rough, rough.whole)
    body = body_mask(rough_hu)
    check_body(float(np.count_nonzero(body) * np.prod(rough.spacing_mm)) / 1000)
    anchor_hu = soft_tissue_hu(rough_hu, body)
    held = covering_box(positive_box(body), rough, coarse)
    box = _with_margin(held, coarse, round(MARGIN_MM / float(np.mean(coarse.spacing_mm))))
    return Scan(image, own, rough, coarse, fine, rough_hu, body, box, anchor_hu)


def check_field(shape: tuple[int, ...], spacing_mm: Spacing) -> None:
    """Refuse what cannot be the CT of one mouse by its field of view alone.

    Raises
    ------
    InputError
        If the axes are not three, or the spacing or the extent is none of a mouse's CT.
    """
    if len(shape) != 3 or min(shape) < 2:
        raise InputError(f"a CT of shape {shape} cannot be segmented; three axes with two voxels or more are needed")
    low, high = SPACING_MM
    if not all(low * (1 - ROUNDING) <= step <= high * (1 + ROUNDING) for step in spacing_mm):
        raise InputError(
            f"a CT with voxels of {_by(spacing_mm)} mm cannot be segmented; {low:g} to {high:g} mm are "
            "expected; is the spacing in its header right?"
        )
    extent = [size * step for size, step in zip(shape, spacing_mm, strict=True)]
    if max(extent) > LONGEST_MM:
        raise InputError(
            f"a field of {_by(extent)} mm is too large for one mouse (at most {LONGEST_MM:g} mm); "
            "is this the CT of a mouse, and the spacing in its header right?"
        )


def check_body(body_cm3: float) -> None:
    """Refuse a body that is no mouse's.

    Raises
    ------
    InputError
        If it is too small or too large.
    """
    low, high = BODY_CM3
    if not low <= body_cm3 <= high:
        raise InputError(
            f"the largest body in the CT has {body_cm3:.3g} cm3, a mouse {low:g} to {high:g} cm3; "
            "is there a single mouse in it, and the spacing in its header right?"
        )


def body_mask(rough_hu: Floats) -> npt.NDArray[np.bool_]:
    """Return the largest thing brighter than half-way from air to tissue, air inside it filled.

    What hangs on it by thin parts alone, as a bed or a tube does, is left out, and the ends of tail and paws with it.

    Raises
    ------
    InputError
        If there is nothing but air, or nothing as thick as a mouse.
    """
    solid = np.asarray(ndimage.binary_fill_holes(rough_hu > body_threshold_hu(rough_hu)))
    cores, count = ndimage.label(erode(solid, CORE_VOXELS))
    if count == 0:
        raise InputError("no body found in the CT: nothing in it is as thick as a mouse; is there one?")
    largest = int(np.argmax(np.bincount(cores.ravel())[1:])) + 1
    # twice as far back: every other step counts faces only, and corners must be reached
    body, _ = spread((cores == largest).astype(np.uint8), solid, 2 * CORE_VOXELS)
    return np.asarray(body > 0)


def coarse_input(scan: Scan) -> Floats:
    """Return what the coarse network sees, (1, z, y, x): the body with its margin, normalised."""
    return normalised(on_grid(scan, scan.coarse, scan.box), scan.anchor_hu)[None]


def fine_input(scan: Scan, suspected: Floats, box: Box) -> Floats:
    """Return what the fine network sees in a box of the fine grid, (2, z, y, x): the image and what is suspected.

    `suspected` is the coarse pass, (z, y, x) in `scan.box`.
    """
    image = normalised(on_grid(scan, scan.fine, box), scan.anchor_hu)
    return np.stack([image, as_channel(carry(suspected, scan.box, scan.coarse, scan.fine, box))])


def on_grid(scan: Scan, grid: Grid, box: Box) -> Floats:
    """Return the image in a box of one of the scan's grids, HU."""
    # one voxel more: a value between two centres needs both
    held = _with_margin(covering_box(box, grid, scan.own), scan.own, voxels=1)
    return carry(scan.image[held], held, scan.own, grid, box)


def skin_depth_mm(scan: Scan) -> tuple[Floats, Box]:
    """Return how deep under the skin each rough voxel about the mouse lies, mm, and the box; 0 outside the body.

    Where the image cuts the mouse off there is no skin.
    """
    box = _with_margin(positive_box(scan.body), scan.rough, round(MARGIN_MM / ROUGH_MM))
    depth = ndimage.distance_transform_edt(scan.body[box], sampling=scan.rough.spacing_mm)
    # from the middle of the nearest voxel outside to the face between
    return np.asarray(np.clip(depth - np.mean(scan.rough.spacing_mm) / 2, 0, None), np.float32), box


def notices(scan: Scan) -> list[str]:
    """Return what a user should know of the grey values."""
    low, high = USUAL_HU
    if low <= scan.anchor_hu <= high:
        return []
    return [
        f"soft tissue reads {scan.anchor_hu:.0f} HU, usually {low:g} to {high:g}: "
        "the scanner's calibration is off; the model goes by the tissue itself"
    ]


def _finite(image: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an image without NaN and infinities: they become its darkest voxel."""
    if not np.issubdtype(image.dtype, np.floating):
        return image
    is_finite = np.isfinite(image)
    if is_finite.all():
        return image
    if not is_finite.any():
        raise InputError("the CT holds no finite voxel")
    return np.where(is_finite, image, image[is_finite].min())


def _with_margin(box: Box, grid: Grid, voxels: int) -> Box:
    """Return a box with a margin, inside the grid."""
    z, y, x = (
        slice(max(axis.start - voxels, 0), min(axis.stop + voxels, size))
        for axis, size in zip(box, grid.shape, strict=True)
    )
    return z, y, x


def _by(values: Spacing | list[float]) -> str:
    return " x ".join(f"{value:.3g}" for value in values)
