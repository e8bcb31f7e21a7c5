"""Read the annotations of one scan as arrays that fit together, or say why they do not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, GeometryError
from murinoma.files.nifti import Header, read, read_header
from murinoma.study import Scan
from murinoma.volume import Affine, Voxels, same_spacing

MAX_LABEL = 255


@dataclass(frozen=True, eq=False)
class Annotations:
    """All annotations of one scan, on one grid.

    Attributes
    ----------
    masks
        Annotator -> uint8 array (z, y, x): 0, and 1 or the number of a tumor.
    spacing_mm
        Spacing along (z, y, x), mm.
    affine
        (4, 4): from (x, y, z, 1) to RAS mm; the CT's, where there is one.
    conflicts
        What headers say against themselves, by file name.
    """

    masks: Mapping[str, npt.NDArray[np.uint8]]
    spacing_mm: tuple[float, float, float]
    affine: Affine
    conflicts: Mapping[str, str]

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm3."""
        z, y, x = self.spacing_mm
        return z * y * x


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid that all images of a scan must share, and the file that sets it."""

    path: Path
    header: Header


def read_grid(scan: Scan) -> Grid:
    """Return the grid of a scan: its CT's, or without a CT the first annotation's.

    Raises
    ------
    FileError, GeometryError
        If that file cannot be read, or there is none.
    """
    files = [path for path in (scan.ct, *scan.annotations.values(), scan.staple) if path is not None]
    if not files:
        raise FileError(f"{scan.folder} holds no image; put the scan's CT or masks there")
    return Grid(files[0], read_header(files[0]))


def read_annotations(scan: Scan) -> Annotations:
    """Return every annotation of `scan`, checked against the CT, or against the first of them without a CT.

    Raises
    ------
    FileError
        If a file cannot be read, or a mask holds anything but whole numbers from 0 to 255.
    GeometryError
        If a mask differs from the CT in shape or spacing.
    """
    grid = read_grid(scan)
    masks, conflicts = {}, {grid.path.name: grid.header.conflict}
    for name, path in scan.annotations.items():
        masks[name], header = read_labels(path, grid)
        conflicts[path.name] = header.conflict
    said = {name: conflict for name, conflict in conflicts.items() if conflict}
    return Annotations(masks, grid.header.spacing_mm, grid.header.affine, said)


def read_labels(path: Path, grid: Grid) -> tuple[npt.NDArray[np.uint8], Header]:
    """Return a mask as uint8 (z, y, x) with its header.

    Raises
    ------
    FileError
        If the file cannot be read, or holds anything but whole numbers from 0 to 255.
    GeometryError
        If it differs from `grid` in shape or spacing; the sentence names both files and both values.
    """
    image = read(path)
    _check_grid(path, image.header, grid)
    return _as_labels(image.volume.voxels, path), image.header


def _check_grid(path: Path, header: Header, grid: Grid) -> None:
    if header.shape != grid.header.shape:
        raise GeometryError(
            f"{path} has {_size(header.shape)} voxels, {grid.path.name} has {_size(grid.header.shape)}; "
            "draw it again on this image, or crop both with the same box"
        )
    if not same_spacing(header.spacing_mm, grid.header.spacing_mm):
        raise GeometryError(
            f"{path} has voxels of {_size(header.spacing_mm)} mm, {grid.path.name} of "
            f"{_size(grid.header.spacing_mm)} mm; correct the header of the wrong one"
        )


def _size(axes: tuple[float, ...]) -> str:
    """Write a size as people do, x first."""
    return " x ".join(f"{value:.6g}" for value in reversed(axes))


def _as_labels(voxels: Voxels, path: Path) -> npt.NDArray[np.uint8]:
    lowest, highest = voxels.min(), voxels.max()
    if lowest < 0 or highest > MAX_LABEL:
        raise FileError(
            f"the mask {path} holds values from {lowest} to {highest}; a mask holds 0, and 1 or the number of a tumor"
        )
    if voxels.dtype.kind == "f" and (voxels != np.rint(voxels)).any():
        raise FileError(f"the mask {path} holds fractions; round it to whole numbers (0, and 1 or a tumor's number)")
    if voxels.dtype.itemsize == 1:
        return voxels.view(np.uint8)
    labels: npt.NDArray[Any] = voxels.astype(np.uint8)
    return labels
