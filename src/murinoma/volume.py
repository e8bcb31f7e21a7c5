"""The one image value that travels through murinoma: voxels and the affine that places them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError

Voxels = npt.NDArray[Any]
Affine = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]

OBLIQUE_TOLERANCE = 1e-3  # share of a column that may lie off its axis: header rounding, not a rotation
SPACING_TOLERANCE = 1e-3  # relative: spacings that differ by less are the same


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels with their place in space.

    Attributes
    ----------
    voxels
        Array of shape (z, y, x), any numeric or bool dtype; held as a read-only view, never copied.
    affine
        (4, 4) float64, mm: ``affine @ (x, y, z, 1)`` gives RAS coordinates. Note the order: the affine
        counts voxels as (x, y, z), the array is indexed [z, y, x].

    Raises
    ------
    GeometryError
        If the voxels are not three-dimensional, have no extent, or the affine is oblique, sheared or singular.
    """

    voxels: Voxels
    affine: Affine

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3 or 0 in self.voxels.shape:
            raise GeometryError(f"a volume needs three axes with voxels on each, got shape {self.voxels.shape}")
        affine = np.array(self.affine, dtype=np.float64)
        check_affine(affine)
        affine.flags.writeable = False
        voxels = self.voxels.view()
        voxels.flags.writeable = False
        object.__setattr__(self, "affine", affine)
        object.__setattr__(self, "voxels", voxels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.voxels.shape
        return z, y, x

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (z, y, x), mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        z, y, x = self.spacing_mm
        return z * y * x

    def with_voxels(self, voxels: Voxels) -> "Volume":
        """Return other voxels of the same shape at this place.

        Raises
        ------
        GeometryError
            If `voxels` has another shape.
        """
        if voxels.shape != self.voxels.shape:
            raise GeometryError(f"voxels of shape {voxels.shape} do not fit a volume of shape {self.voxels.shape}")
        return Volume(voxels, self.affine)

    def crop(self, box: Box) -> "Volume":
        """Return the part inside `box` (slices along z, y, x; no steps); its voxels stay where they are."""
        starts = [axis.indices(length)[0] for axis, length in zip(box, self.shape, strict=True)]
        affine = self.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ np.array(starts[::-1], dtype=np.float64)
        return Volume(self.voxels[box], affine)


def check_affine(affine: Affine) -> None:
    """Refuse an affine that is not a permutation of axes with spacings and flips.

    Raises
    ------
    GeometryError
        If `affine` is not (4, 4), not finite, singular, oblique or sheared.
    """
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise GeometryError("an affine needs 4 x 4 finite numbers")
    columns = np.abs(affine[:3, :3])
    lengths = np.linalg.norm(columns, axis=0)
    if (lengths == 0).any():
        raise GeometryError("the affine has an axis of length 0 mm; correct the header's spacing")
    shares = columns / lengths
    off_axis = np.sort(shares, axis=0)[:2]
    if (off_axis > OBLIQUE_TOLERANCE).any() or len(set(shares.argmax(axis=0))) != 3:
        raise GeometryError(
            "the affine is oblique or sheared (largest off-axis share "
            f"{off_axis.max():.3f}, allowed {OBLIQUE_TOLERANCE}); resample the image to its own axes first"
        )


def same_spacing(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Tell whether two spacings (mm) agree within a thousandth."""
    return bool(np.allclose(a, b, rtol=SPACING_TOLERANCE, atol=0))
