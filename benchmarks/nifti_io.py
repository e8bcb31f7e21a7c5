"""Reading and writing one real-size .nii.gz, against nibabel; what is read was written by nibabel."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from scans import AFFINE, body_ct, lumpy_masks, save_by_nibabel
from timing import Row, fastest, ratio

from murinoma.files.nifti import read_volume, write
from murinoma.volume import Volume

ASKED = {"CT": ("2.4 x", "4.4 x"), "mask": ("3.8 x", "5.5 x")}
TIMES = 7


def rows() -> Iterator[Row]:
    """Yield the third row of DESIGN section 8, for a CT and for a mask."""
    rng = np.random.default_rng(3)
    images: dict[str, npt.NDArray[Any]] = {"CT": body_ct(rng), "mask": lumpy_masks(rng)[0]}
    with tempfile.TemporaryDirectory() as folder:
        for name, voxels in images.items():
            yield from _image_rows(name, voxels, Path(folder))


def _image_rows(name: str, voxels: npt.NDArray[Any], folder: Path) -> Iterator[Row]:
    theirs, ours = folder / f"{name}.nii.gz", folder / f"{name}_ours.nii.gz"
    volume = Volume(voxels, AFFINE)
    write_slow = fastest(lambda: save_by_nibabel(voxels, theirs), TIMES)
    write_fast = fastest(lambda: write(volume, ours), TIMES)
    if not np.array_equal(read_volume(theirs).voxels, voxels) or not np.array_equal(load(ours).dataobj, voxels.T):
        raise SystemExit(f"the two ways disagree on the voxels of the {name}")
    read_fast = fastest(lambda: read_volume(theirs), TIMES)
    stored = fastest(lambda: np.asanyarray(load(theirs).dataobj), TIMES)
    floats = fastest(lambda: load(theirs).get_fdata(), TIMES)
    size = f"{theirs.stat().st_size / 1e6:.2g} MB"
    asked_read, asked_write = ASKED[name]
    yield Row(f"read a {name} ({size})", ratio(stored, read_fast), asked_read, "nibabel, np.asanyarray(dataobj)")
    yield Row(f"read a {name} ({size})", ratio(floats, read_fast), "", "nibabel, get_fdata")
    sizes = f"{ours.stat().st_size / 1e6:.2g} against {size}"
    yield Row(f"write a {name} ({sizes})", ratio(write_slow, write_fast), asked_write, "nibabel, save")


def load(path: Path) -> Any:
    """Return nibabel's image; it has read the header only."""
    return nib.load(path)
