"""Put masks of single mice back into the grid of the acquisition that they were cut from, exactly."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from murinoma.errors import GeometryError
from murinoma.files.acquisitions import read_acquisition
from murinoma.files.nifti import read_volume, write
from murinoma.steps import StepResult
from murinoma.volume import Box, Volume, same_spacing

OFF_GRID = 0.01  # voxels that a crop may lie beside the acquisition's grid: rounding in a header


def paste(
    masks: Sequence[Path],
    onto: Path,
    into: Path,
    *,
    series: str | None = None,
    frame: int | None = None,
    fill_gaps: int = 0,
) -> StepResult:
    """Write a mask of the acquisition's size that holds each of `masks` where it was cut out.

    The place is the one in the headers: a crop keeps it. Where masks overlap, the later one counts.

    Parameters
    ----------
    masks
        NIfTI masks on the grids of CTs that were split from the acquisition.
    onto
        The acquisition.
    into
        The NIfTI file that is written.
    series, frame, fill_gaps
        Which part of the acquisition, as `murinoma.files.acquisitions.read_acquisition` takes them.

    Raises
    ------
    GeometryError
        If a mask has another spacing or direction than the acquisition, lies beside its voxels, or outside of it.
    FileError, OutputError
        If a file cannot be read or written.
    """
    field = read_acquisition(onto, series=series, frame=frame, fill_gaps=fill_gaps).volume
    whole = np.zeros(field.shape, np.uint8)
    for path in masks:
        mask = read_volume(path)
        part = whole[box_in(mask, field, path)]
        np.copyto(part, mask.voxels.astype(np.uint8), where=mask.voxels > 0)
    write(field.with_voxels(whole), into)
    return StepResult("paste", into, len(masks), numbers={"voxels": int(np.count_nonzero(whole))})


def box_in(crop: Volume, field: Volume, name: Path) -> Box:
    """Return which voxels of `field` a crop of it holds, from the two affines.

    Raises
    ------
    GeometryError
        If `crop` is no crop of `field`.
    """
    if not same_spacing(crop.spacing_mm, field.spacing_mm):
        raise GeometryError(
            f"{name} has voxels of {crop.spacing_mm} mm, the acquisition of {field.spacing_mm} mm (z, y, x); "
            "name the acquisition that it was split from"
        )
    to_field = np.linalg.inv(field.affine) @ crop.affine
    start = to_field[:3, 3]
    turned = np.abs(to_field[:3, :3] - np.eye(3)).max() > OFF_GRID
    if turned or np.abs(start - start.round()).max() > OFF_GRID:
        raise GeometryError(
            f"{name} does not lie on the voxels of the acquisition; name the one that it was split from"
        )
    first = start.round().astype(int)[::-1]
    if (first < 0).any() or (first + crop.shape > field.shape).any():
        raise GeometryError(f"{name} reaches outside the acquisition; name the one that it was split from")
    z, y, x = (slice(int(low), int(low) + length) for low, length in zip(first, crop.shape, strict=True))
    return z, y, x
