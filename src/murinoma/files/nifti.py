"""Read and write NIfTI images: the spacing that counts, and a fast way through gzip.

The order of axes is turned here and nowhere else: a NIfTI array counts (x, y, z) with x fastest, a
`Volume` is indexed [z, y, x]. Both are the same bytes, so turning costs no copy.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
from isal import isal_zlib
from nibabel.spatialimages import HeaderDataError

from murinoma.errors import FileError, GeometryError
from murinoma.files.atomic import atomic_file
from murinoma.volume import Affine, Volume, Voxels, check_affine

GzipError = cast(type[Exception], isal_zlib.error)  # its stub calls the class an instance
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31  # zlib's code for "a gzip stream with its checksum"
DEFLATE_RATIO = 1032  # no deflate stream expands more than this
PIECE = 1 << 12
HEADER_BYTES = 540  # the longer of the two headers (NIfTI-2); NIfTI-1 has 348
MAX_BYTES = 4 << 30  # a whole acquisition in float64 is 1.4 GiB; beyond this a header lies
CONFLICT_SHARE = 0.01  # an sform whose spacing differs from pixdim by more than this is not believed
UNIT_MM = {1: 1000.0, 2: 1.0, 3: 0.001}  # code of the header; 0 is unknown


@dataclass(frozen=True)
class Header:
    """What a NIfTI header says, in murinoma's order of axes.

    Attributes
    ----------
    shape
        Number of voxels along (z, y, x).
    dtype
        Type of the stored values, with their byte order.
    spacing_mm
        Spacing along (z, y, x), mm, from pixdim.
    affine
        (4, 4): from (x, y, z, 1) to RAS mm.
    slope, intercept
        Grey value = stored value * slope + intercept; (1, 0) where the header sets none.
    offset
        First byte of the voxels.
    conflict
        One clause if the sform was not believed because pixdim contradicts it, else empty.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    spacing_mm: tuple[float, float, float]
    affine: Affine
    slope: float
    intercept: float
    offset: int
    conflict: str

    @property
    def n_bytes(self) -> int:
        """Bytes of the whole file, header included, once inflated."""
        z, y, x = self.shape
        return self.offset + z * y * x * self.dtype.itemsize


@dataclass(frozen=True)
class NiftiImage:
    """A volume and the header that it came with."""

    volume: Volume
    header: Header


def read_volume(path: Path) -> Volume:
    """Return the voxels of a NIfTI file with their place; see `read`."""
    return read(path).volume


def read(path: Path) -> NiftiImage:
    """Return voxels and header of a NIfTI-1 or NIfTI-2 file, ``.nii`` or ``.nii.gz``, of either byte order.

    Stored values are returned as they are (no copy) where slope and intercept are 1 and 0, else as
    float32 (float64 where the stored type needs it). What the file's first bytes say counts, not its name.

    Raises
    ------
    FileError
        If the file is missing, truncated, corrupt, holds more or less than its header says, is not
        three-dimensional, has a type other than int8 to int64, uint8 to uint64, float32 and float64, or holds
        NaN or infinite voxels.
    GeometryError
        If the affine is oblique or sheared.
    """
    raw = _read_bytes(path)
    header = _parse_header(_inflate_start(raw, path), path)
    _check_size(header, len(raw), raw.startswith(GZIP_MAGIC), path)
    content = _inflate(raw, header.n_bytes, path) if raw.startswith(GZIP_MAGIC) else raw
    if len(content) != header.n_bytes:
        raise FileError(
            f"{path} holds {len(content):,} bytes where its header asks for {header.n_bytes:,}; "
            "it was cut or damaged: copy it again from its source"
        )
    stored: Voxels = np.frombuffer(content, header.dtype, offset=header.offset).reshape(header.shape)
    return NiftiImage(Volume(_grey_values(stored, header, path), header.affine), header)


def read_header(path: Path) -> Header:
    """Return what the header of a NIfTI file says, without inflating its voxels.

    Raises
    ------
    FileError, GeometryError
        As `read`, as far as the header shows it.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(1 << 16)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _parse_header(_inflate_start(start, path), path)


def write(volume: Volume, path: Path) -> None:
    """Write `volume` as a NIfTI file, gzipped if the name ends in ``.gz``, whole or not at all.

    Both sform and qform are set from the affine, the type is kept (bool becomes uint8), and the same volume gives the
    same bytes, before they are packed for certain: in thousands of files ISA-L was seen once to pack them otherwise.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    voxels = volume.voxels
    if voxels.dtype == bool:
        voxels = voxels.view(np.uint8)
    voxels = np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("<"))
    start = _header_bytes(volume, voxels.dtype)
    with atomic_file(path) as stream:
        if path.name.endswith(".gz"):
            squeeze = isal_zlib.compressobj(level=1, wbits=GZIP_WINDOW)
            stream.write(squeeze.compress(start))
            stream.write(squeeze.compress(voxels.data.cast("B")))
            stream.write(squeeze.flush())
        else:
            stream.write(start)
            stream.write(voxels.data.cast("B"))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> FileError:
    return FileError(f"cannot read {path}: {error.strerror or error}; check the path and its permissions")


def _damaged(path: Path, error: Exception) -> FileError:
    return FileError(f"{path} is not a whole gzip file ({error}); copy it again from its source")


def _inflate_start(raw: bytes, path: Path) -> bytes:
    """Return the first bytes of a file, enough for a header, inflated if it is gzip."""
    if not raw.startswith(GZIP_MAGIC):
        return raw[:HEADER_BYTES]
    return _inflate_members(raw[: 1 << 16], HEADER_BYTES, path)[0]


def _check_size(header: Header, stored_bytes: int, gzipped: bool, path: Path) -> None:
    """Refuse a header that asks for more than the file can hold, before any memory is taken for it."""
    limit = min(MAX_BYTES, stored_bytes * DEFLATE_RATIO if gzipped else stored_bytes)
    if header.n_bytes > limit:
        z, y, x = header.shape
        raise FileError(
            f"the header of {path} asks for {x} x {y} x {z} voxels, {header.n_bytes:,} bytes, more than a file of "
            f"{stored_bytes:,} bytes can hold (limit {limit:,}); it is damaged: copy it again from its source"
        )


def _inflate(raw: bytes, n_bytes: int, path: Path) -> bytes:
    """Inflate all members of a gzip file, but never more than one byte beyond `n_bytes`."""
    content, whole = _inflate_members(raw, n_bytes + 1, path)
    if not whole and len(content) <= n_bytes:
        raise FileError(
            f"{path} ends in the middle of its gzip stream, after {len(content):,} of {n_bytes:,} bytes; "
            "copy it again from its source"
        )
    return content


def _inflate_members(raw: bytes, room: int, path: Path) -> tuple[bytes, bool]:
    """Return up to `room` bytes of all members of a gzip file, and whether the last one ended."""
    parts: list[bytes] = []
    view, position, ended = memoryview(raw), 0, True
    # the first member is most often the whole file; for more, small pieces: what a member leaves over is copied
    piece = len(raw)
    try:
        while raw.startswith(GZIP_MAGIC, position) and room > 0:
            member, ended = isal_zlib.decompressobj(wbits=GZIP_WINDOW), False
            while not ended and room > 0 and position < len(raw):
                given = view[position : position + piece]
                parts.append(member.decompress(given, room))
                ended = member.eof
                room -= len(parts[-1])
                position += len(given) - len(member.unused_data)
            piece = PIECE
    except GzipError as error:
        raise _damaged(path, error) from error
    return (parts[0] if len(parts) == 1 else b"".join(parts)), ended


def _parse_header(start: bytes, path: Path) -> Header:
    raw = _nifti_header(start, path)
    shape = tuple(int(n) for n in raw.get_data_shape())
    if len(shape) < 3 or 0 in shape or any(n != 1 for n in shape[3:]):
        raise FileError(f"{path} has shape {shape}; one volume with three axes is needed: export a single frame")
    dtype = raw.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise FileError(f"{path} stores values of type {dtype}; convert it to an integer type or float32")
    unit = UNIT_MM.get(int(raw["xyzt_units"]) % 8, 1.0)
    steps = np.array(raw["pixdim"][1:4], dtype=np.float64) * unit
    if not (np.isfinite(steps) & (steps > 0)).all():
        raise FileError(f"{path} has pixdim {tuple(steps)}; the spacing in mm must be above 0 on every axis")
    try:
        affine, conflict = _place(raw, steps, unit)
        check_affine(affine)
    except (GeometryError, ValueError) as error:
        raise GeometryError(f"{path}: {error}") from error
    slope, intercept = raw.get_slope_inter()
    spacing = (float(steps[2]), float(steps[1]), float(steps[0]))
    slope, intercept = (1.0, 0.0) if slope is None else (float(slope), float(intercept))
    if not raw.sizeof_hdr <= raw["vox_offset"] < MAX_BYTES:  # also NaN
        raise FileError(f"the header of {path} places the voxels at byte {raw['vox_offset']}; export the image again")
    offset = int(raw["vox_offset"])
    return Header((shape[2], shape[1], shape[0]), dtype, spacing, affine, slope, intercept, offset, conflict)


def _nifti_header(start: bytes, path: Path) -> Any:
    """Return nibabel's header of a single-file NIfTI-1 or -2, of either byte order."""
    size = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    kind: Any = nib.Nifti2Header if 540 in size else nib.Nifti1Header
    length = kind.template_dtype.itemsize
    if not size & {348, 540} or len(start) < length:
        raise FileError(f"{path} is not a NIfTI image; export it as .nii or .nii.gz")
    try:
        header = kind(start[:length], check=False)
        if header["pixdim"][0] not in (-1, 1):
            header["pixdim"][0] = 1  # the standard takes 0 as 1
        single = bytes(header["magic"].item()).startswith(b"n+")
        header.get_data_shape(), header.get_data_dtype(), header.get_slope_inter()
    except (HeaderDataError, ValueError, KeyError) as error:
        raise FileError(f"the header of {path} cannot be read ({error}); export the image again") from error
    if not single:
        raise FileError(f"{path} is one half of a .hdr/.img pair; convert it to a single .nii file")
    return header


def _place(raw: Any, steps: Affine, unit: float) -> tuple[Affine, str]:
    """Return the affine that agrees with pixdim, and why the sform was not taken if it was not.

    Every published file carries an sform of 1 mm beside a pixdim of 0.21 mm: trusting it makes volumes
    108 times too large.
    """
    sform = raw.get_sform(coded=True)[0]
    if sform is None:
        return _place_without_sform(raw, steps, unit), ""
    sform[:3] *= unit
    norms = np.linalg.norm(sform[:3, :3], axis=0)
    if np.isfinite(sform).all() and (np.abs(norms - steps) <= CONFLICT_SHARE * steps).all():
        sform[:3, :3] *= steps / norms
        return sform, ""
    source = "pixdim and the qform" if int(raw["qform_code"]) > 0 else "pixdim"
    said, meant = (" x ".join(f"{value:.4g}" for value in axes) for axes in (norms, steps))
    return _place_without_sform(raw, steps, unit), f"the sform says {said} mm, pixdim {meant} mm; {source} were used"


def _place_without_sform(raw: Any, steps: Affine, unit: float) -> Affine:
    if int(raw["qform_code"]) <= 0:
        return np.diag([*steps, 1.0])
    qform: Affine = raw.get_qform()
    qform[:3] *= unit
    return qform


def _grey_values(stored: Voxels, header: Header, path: Path) -> Voxels:
    """Apply slope and intercept where there are any, and refuse what is not a number."""
    if stored.dtype.kind == "f" and not np.isfinite(stored).all():
        count = int(stored.size - np.isfinite(stored).sum())
        raise FileError(
            f"{path} has {count:,} voxels that are NaN or infinite; replace them by a number (air: -1000 HU)"
        )
    if (header.slope, header.intercept) == (1.0, 0.0):
        return stored if stored.dtype.isnative else stored.astype(stored.dtype.newbyteorder("="))
    exact = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    scaled: Voxels = stored.astype(np.float32 if exact else np.float64)
    with np.errstate(over="ignore"):
        scaled *= header.slope
        scaled += header.intercept
    if not np.isfinite(scaled).all():
        raise FileError(f"{path} has slope {header.slope:g}, with which its values have no number; correct its header")
    return scaled


def _header_bytes(volume: Volume, dtype: np.dtype[np.generic]) -> bytes:
    shape = volume.shape[::-1]
    kind: Any = nib.Nifti1Header if max(shape) < 1 << 15 else nib.Nifti2Header  # NIfTI-1 counts in int16
    header = kind(endianness="<")
    header.set_data_shape(shape)
    header.set_data_dtype(dtype)
    header.set_xyzt_units("mm")
    header.set_qform(volume.affine, code=1)
    header.set_sform(volume.affine, code=1)
    header["vox_offset"] = -(-(len(header.binaryblock) + 4) // 16) * 16
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    stream = io.BytesIO()
    header.write_to(stream)
    return stream.getvalue().ljust(int(header["vox_offset"]), b"\0")
