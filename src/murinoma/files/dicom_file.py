"""One DICOM file, whatever state it is in: its values and pixels, or a sentence that says what is wrong.

pydicom decodes a value on first use, and raises a dozen kinds of errors on damaged ones; all of that stays here.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from murinoma.errors import FileError, UsageError
from murinoma.volume import Voxels

MAGIC, MAGIC_AT = b"DICM", 128
PER_FRAME = "PerFrameFunctionalGroupsSequence"
TAGS = [
    "SOPClassUID", "Modality", "Manufacturer", "ManufacturerModelName", "SeriesDescription", "SeriesInstanceUID",
    "SeriesNumber", "PatientPosition", "KVP", "ExposureTime", "ExposureTimeInms", "ExposureTimeInuS",
    "XRayTubeCurrent", "XRayTubeCurrentInuA", "XRayTubeCurrentInmA", "ConvolutionKernel", "ReconstructionAlgorithm",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "RescaleSlope",
    "RescaleIntercept", "SamplesPerPixel", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "PixelRepresentation",
    "SharedFunctionalGroupsSequence", PER_FRAME,
]  # fmt: skip
# what pydicom raises on damaged files: it has no error of its own for most of them
DAMAGED = (
    AttributeError, EOFError, LookupError, NotImplementedError, OSError, OverflowError, TypeError, ValueError,
    struct.error, zlib.error,
)  # fmt: skip
CANNOT_DECODE = (NotImplementedError, RuntimeError)


def is_dicom(path: Path) -> bool:
    """Tell whether a file begins as DICOM files do; a folder or an unreadable file does not."""
    try:
        with path.open("rb") as stream:
            return stream.read(MAGIC_AT + len(MAGIC))[MAGIC_AT:] == MAGIC
    except OSError:
        return False


def load_pydicom() -> ModuleType:
    """Return pydicom.

    Raises
    ------
    UsageError
        If it is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise UsageError('reading DICOM needs pydicom; install it: pip install "murinoma[dicom]"') from error
    return pydicom


def read_header(path: Path) -> Any:
    """Return what a file says before its pixels, as far as it is needed here.

    Raises
    ------
    FileError
        If it is damaged.
    """
    header = _dataset(path, stop_before_pixels=True, specific_tags=TAGS)
    kind = text_of(header.file_meta, "MediaStorageSOPClassUID")
    if not n_frames(header) and kind in _ct_classes():
        raise FileError(f"{path} is damaged (a CT image without rows); copy it again from its source")
    if not text_of(header, "SOPClassUID") and kind != load_pydicom().uid.MediaStorageDirectoryStorage:
        raise FileError(f"{path} is damaged (it ends before it says what it is); copy it again from its source")
    return header


def _dataset(path: Path, **options: Any) -> Any:
    pydicom = load_pydicom()
    try:
        return pydicom.dcmread(path, **options)
    except damages() as error:
        raise damaged(path, error) from error


def _ct_classes() -> tuple[str, ...]:
    uid = load_pydicom().uid
    return uid.CTImageStorage, uid.EnhancedCTImageStorage, uid.LegacyConvertedEnhancedCTImageStorage


def damages() -> tuple[type[Exception], ...]:
    """Return what pydicom raises on damaged files."""
    errors = load_pydicom().errors
    return errors.InvalidDicomError, errors.BytesLengthException, *DAMAGED


def damaged(path: Path, error: Exception) -> FileError:
    """Return the sentence for a damaged file."""
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return FileError(f"{path} is damaged ({why}); copy it again from its source")


def value_of(place: Any, keyword: str) -> Any:
    """Return a value, or nothing where it is absent or cannot be decoded; pydicom decodes on first use."""
    try:
        return place.get(keyword)
    except damages():
        return None


def n_frames(header: Any) -> int:
    """Return the number of slices in a file; 0 where it holds no image, such as a report or a structure set."""
    frames = value_of(header, "NumberOfFrames")
    return (frames if isinstance(frames, int) and frames > 0 else 1) if value_of(header, "Rows") else 0


def text_of(header: Any, keyword: str) -> str:
    """Return a value as text, empty where it is absent or cannot be decoded."""
    value = value_of(header, keyword)
    return "" if value is None else str(value).strip()


def places_of(header: Any, frame: int) -> list[Any]:
    """Return where a value of a frame may stand: its own groups, the shared ones, the file's top level."""
    per_frame = value_of(header, PER_FRAME) or []
    groups = [*per_frame[frame : frame + 1], *(value_of(header, "SharedFunctionalGroupsSequence") or [])]
    nested = [element.value[0] for group in groups for element in group if element.VR == "SQ" and element.value]
    return [*nested, header]


def numbers_of(places: Sequence[Any], keyword: str, length: int, path: Path) -> tuple[float, ...]:
    """Return the first value under `keyword`: `length` finite numbers.

    Raises
    ------
    FileError
        If there are no such numbers.
    """
    values = next((found for place in places if (found := value_of(place, keyword))), None)
    numbers = tuple(float(value) for value in (values if isinstance(values, Iterable) else ()))
    if len(numbers) != length or not np.isfinite(numbers).all():
        raise FileError(f"{path} has {keyword} {values}; {length} numbers are needed: export the series again")
    return numbers


def number_of(places: Sequence[Any], keyword: str) -> float | None:
    """Return the first value under `keyword` that is a number other than 0."""
    for place in places:
        try:
            # the raw text where pydicom refuses it, as it does fractions under the VR IS
            number = float(value_of(place, keyword) or place.get_item(keyword).value)
        except damages():
            continue
        if number and np.isfinite(number):
            return number
    return None


def read_pixels(path: Path) -> Voxels:
    """Return the stored values of a file: (rows, columns) or (frames, rows, columns).

    Raises
    ------
    FileError
        If it is damaged, or compressed in a way that nothing installed can undo.
    """
    whole = _dataset(path)
    try:
        pixels: Voxels = whole.pixel_array
    except CANNOT_DECODE as error:
        syntax = getattr(value_of(whole.file_meta, "TransferSyntaxUID"), "name", "unknown")
        raise FileError(
            f"{path} is compressed as '{syntax}', for which no decoder is installed; export it uncompressed, or "
            "install one: pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
        ) from error
    except damages() as error:
        raise damaged(path, error) from error
    return pixels
