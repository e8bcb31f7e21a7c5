"""Small studies on disk, made without the code under test: nibabel writes the headers, gzip the bytes."""

import gzip
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from murinoma import published

Array = npt.NDArray[Any]
Spacing = tuple[float, float, float]
PUBLISHED_MM: Spacing = (0.21, 0.21, 0.21)
SKELETON_SHAPE = (18, 16, 16)


def nifti_bytes(
    voxels: Array,
    *,
    spacing_mm: Spacing = (1.0, 1.0, 1.0),
    sform: Array | None = None,
    kind: Any = nib.Nifti1Header,
    order: str = "<",
    change: Callable[[Any], None] = lambda header: None,
) -> bytes:
    """Return a single-file NIfTI with voxels (z, y, x) of this spacing (z, y, x), mm.

    `sform` is written as it is, beside a qform and pixdim that say `spacing_mm`; without one it agrees with them.
    `change` edits the header before it becomes bytes.
    """
    affine = np.diag([*spacing_mm[::-1], 1.0])
    header = kind(endianness=order)
    header.set_data_shape(voxels.shape[::-1])
    header.set_data_dtype(voxels.dtype)
    header.set_xyzt_units("mm")
    header.set_qform(affine, code=1)
    header.set_sform(affine if sform is None else sform, code=1)
    header["vox_offset"] = 544 if kind is nib.Nifti2Header else 352
    header["scl_slope"], header["scl_inter"] = 1, 0
    change(header)
    start = bytes(header.binaryblock) + b"\0\0\0\0"
    return start + np.ascontiguousarray(voxels, voxels.dtype.newbyteorder(order)).tobytes()  # type: ignore[arg-type]


def write_nifti(path: Path, voxels: Array, **header: Any) -> Path:
    """Write voxels (z, y, x) as `nifti_bytes` has them, gzipped if the name ends in ``.gz``; return the path."""
    content = nifti_bytes(voxels, **header)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 1, mtime=0) if path.name.endswith(".gz") else content)
    return path


def box(shape: tuple[int, int, int], *axes: tuple[int, int], label: int = 1) -> npt.NDArray[np.uint8]:
    """Return a mask (z, y, x) with `label` from start to stop along each axis, else 0."""
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(*axis) for axis in axes)] = label
    return mask


def write_scan(
    root: Path,
    scan: str = "M01_0d",
    masks: Mapping[str, Array] | None = None,
    ct: Array | None = None,
    *,
    dataset: str = "Dataset 1",
    group: str = "",
    **header: Any,
) -> Path:
    """Write one scan of a study in its clean form and return its folder; its group is itself unless named."""
    folder = root / dataset / (group or scan) / scan
    folder.mkdir(parents=True, exist_ok=True)
    if ct is not None:
        write_nifti(folder / f"CT_{scan}.nii.gz", ct, **header)
    for name, mask in (masks or {}).items():
        write_nifti(folder / f"Annotator_{name}_{scan}.nii.gz", mask, **header)
    return folder


def three_masks(shape: tuple[int, int, int] = (8, 8, 8)) -> dict[str, npt.NDArray[np.uint8]]:
    """Return annotators A, B, C of one tumor: boxes of 4 x 4 x 3, 4 x 4 x 4 and 4 x 4 x 5 voxels, nested."""
    return {name: box(shape, (2, 6), (2, 6), (2, stop)) for name, stop in (("A", 5), ("B", 6), ("C", 7))}


def two_scan_study(root: Path) -> Path:
    """Write a study of two scans of one mouse, each with `three_masks` at 1 mm, and return its root."""
    for scan in ("M01_0d", "M01_8d"):
        write_scan(root, scan, three_masks())
    return root


def skeleton_of_published(root: Path) -> Path:
    """Write the skeleton of the published database: its names and headers, 18 x 16 x 16 voxels a scan.

    Every scan has a CT, annotators A, B and C and a STAPLE mask of one tumor of 14 x 12 x (11, 12, 13) voxels; the
    masks carry the CT's own tag. Two scan folders are empty, and stray files lie about.
    """
    contents = _skeleton_files()
    for row in published.catalogue().itertuples():
        folder = root / str(row.dataset) / str(row.group_folder) / str(row.scan_folder)
        folder.mkdir(parents=True)
        tag = str(row.ct_file).removeprefix("CT_")
        for stem, content in contents.items():
            (folder / f"{stem}_{tag}").write_bytes(content)
    for empty in ("Dataset 2/M14_M24_8d/M14_8d", "Dataset 10/M25_M28_M37_M38_13d/M25_13d"):
        (root / empty).mkdir(parents=True)
    for stray in ("README.txt", ".DS_Store", "Dataset 1/notes.txt", "Dataset 2/.DS_Store", "Dataset 3/M01_0h.txt"):
        (root / stray).write_bytes(b"not an image")
    return root


@cache
def _skeleton_files() -> dict[str, bytes]:
    """Return the files of one scan: pixdim and qform say 0.21 mm, the sform is the identity."""
    header: dict[str, Any] = {"spacing_mm": PUBLISHED_MM, "sform": np.eye(4)}
    ct = np.random.default_rng(1).normal(0, 400, SKELETON_SHAPE).clip(-400, 1000).astype(np.int16)
    arrays: dict[str, Array] = {"CT": ct}
    for stem, stop in (("Annotator_A", 13), ("Annotator_B", 14), ("Annotator_C", 15), ("STAPLE", 14)):
        arrays[stem] = box(SKELETON_SHAPE, (2, 16), (2, 14), (2, stop)).view(np.int8)
    return {stem: gzip.compress(nifti_bytes(voxels, **header), 1, mtime=0) for stem, voxels in arrays.items()}
