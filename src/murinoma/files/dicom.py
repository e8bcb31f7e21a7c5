"""Read a CT series from DICOM: a folder of slices, one of its slices, or an enhanced multi-frame file.

Nothing that names a person, an animal, a place or a day leaves this module, except the path and the series' own
description in an error.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from murinoma.errors import FileError
from murinoma.files.dicom_file import (
    PER_FRAME,
    damaged,
    damages,
    is_dicom,
    load_pydicom,
    n_frames,
    number_of,
    numbers_of,
    places_of,
    read_header,
    read_pixels,
    text_of,
    value_of,
)
from murinoma.files.dicom_stack import Slice, Stack, stack_slices
from murinoma.files.hounsfield import to_hu
from murinoma.files.parameters import Parameters
from murinoma.volume import Volume, Voxels

MAX_BYTES = 4 << 30  # as for NIfTI: beyond this a header lies
MODALITIES = {"PT": "PET", "NM": "SPECT or scintigraphy", "MR": "MRI", "US": "ultrasound", "OT": "of another kind"}
UA_PER_MA = 1000.0
SUFFIXES = {".dcm", ".dicom", ".ima"}  # of files that claim to be DICOM
SPARSE = 1.5  # slices further apart than this many thicknesses: every second one may be missing


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """One CT series.

    Attributes
    ----------
    volume
        HU: int16, rounded (at most 0.5 HU off; exact for whole slopes and intercepts), or float32 where int16 is
        too small.
    parameters
        How it was made.
    files
        The files it was read from, sorted by path.
    notices
        What a user should know, one sentence each.
    """

    volume: Volume
    parameters: Parameters
    files: tuple[Path, ...]
    notices: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Found:
    """One series in a folder: its files with their headers."""

    uid: str
    number: str
    description: str
    modality: str
    files: tuple[tuple[Path, Any], ...]

    @property
    def n_slices(self) -> int:
        return sum(n_frames(header) for _, header in self.files)


def read(path: Path, *, series: str | int | None = None, fill_gaps: int = 0) -> DicomSeries:
    """Return a CT series: HU in order of position, with its place in RAS.

    Parameters
    ----------
    path
        A folder of slices (with no DICOM file in it, its subfolders), one slice (its series in its folder is
        read), or an enhanced multi-frame file.
    series
        Which series of several: its number, its UID, or a part of UID or description that only one has.
    fill_gaps
        So many neighbouring missing slices are interpolated between those around them.

    Raises
    ------
    UsageError
        If pydicom is not installed.
    FileError
        If there is no CT series, or several and none was chosen, or a file is damaged or cannot be decoded.
    GeometryError
        If slices are missing, doubled, unevenly spaced, oblique or of different grids.
    """
    load_pydicom()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every value that is not by the book
        return _read(path, *_candidates(path, series), fill_gaps=fill_gaps)


def _read(path: Path, files: list[Path], n_others: int, series: str | None, *, fill_gaps: int) -> DicomSeries:
    headers = [(file, read_header(file)) for file in files]
    found = _choose(_group(headers), series, path)
    _check_ct(found, path)
    slices = [one for file, header in found.files for one in _slices(file, header)]
    stack = stack_slices(slices, str(path), fill_gaps=fill_gaps)
    n_ignored = n_others + sum(n_frames(header) == 0 for _, header in headers)
    return DicomSeries(
        Volume(_hu(stack, path), stack.affine),
        _parameters(places_of(found.files[0][1], 0)),
        tuple(sorted(file for file, _ in found.files)),
        _notices(stack, n_ignored, path),
    )


def _candidates(path: Path, series: str | int | None) -> tuple[list[Path], int, str | None]:
    """Return the DICOM files to look at, how many other files lie there, and which series to take."""
    wanted = None if series is None else str(series)
    if path.is_file() and not is_dicom(path):
        raise FileError(f"{path} is not a DICOM file; export it again, or give the folder of the series")
    if path.is_file():
        header = read_header(path)
        if n_frames(header) != 1 or PER_FRAME in header:
            return [path], 0, wanted
        return _dicom_among(_files(path.parent, "*")), 0, text_of(header, "SeriesInstanceUID")
    for pattern in ("*", "**/*"):
        present = _files(path, pattern)
        files = _dicom_among(present)
        if files:
            return files, len(present) - len(files), wanted
    raise FileError(
        f"{path} holds no DICOM file among {len(present)} files; give the "
        "folder with the slices, or an .img or .nii.gz itself"
    )


def _dicom_among(present: Sequence[Path]) -> list[Path]:
    """Return the files that begin as DICOM files do; one that is called a slice and does not was cut short."""
    files = [file for file in present if is_dicom(file)]
    cut = [file for file in present if file.suffix.lower() in SUFFIXES and file not in files]
    if files and cut:
        raise FileError(f"{cut[0]} is damaged (it does not begin as DICOM files do); copy it again from its source")
    return files


def _files(folder: Path, pattern: str) -> list[Path]:
    return sorted(file for file in folder.glob(pattern) if file.is_file() and not file.name.startswith("."))


def _group(headers: Sequence[tuple[Path, Any]]) -> list[_Found]:
    by_uid: dict[str, list[tuple[Path, Any]]] = {}
    for file, header in headers:
        if n_frames(header):
            by_uid.setdefault(text_of(header, "SeriesInstanceUID"), []).append((file, header))
    return [_as_found(uid, tuple(files)) for uid, files in by_uid.items()]


def _as_found(uid: str, files: tuple[tuple[Path, Any], ...]) -> _Found:
    header = files[0][1]
    number, description = text_of(header, "SeriesNumber"), text_of(header, "SeriesDescription")
    return _Found(uid, number, description, text_of(header, "Modality"), files)


def _choose(found: Sequence[_Found], wanted: str | None, path: Path) -> _Found:
    if not found:
        raise FileError(f"the DICOM files in {path} hold no image; give the folder with the slices")
    matches = [one for one in found if wanted is None or wanted in (one.number, one.uid)]
    if wanted and not matches:
        matches = [one for one in found if wanted in one.uid or wanted.lower() in one.description.lower()]
    if len(matches) == 1:
        return matches[0]
    listed = "; ".join(
        f"number {one.number or '-'}, '{one.description}', {one.modality or 'modality unknown'}, "
        f"{one.n_slices} slices, UID {one.uid}"
        for one in found
    )
    problem = f"{len(matches)} series" if wanted is None else f"{len(matches)} series that fit '{wanted}'"
    raise FileError(f"{path} holds {problem} ({listed}); choose one with --series NUMBER, UID or a part of either")


def _check_ct(found: _Found, path: Path) -> None:
    if found.modality != "CT":
        kind = MODALITIES.get(found.modality, "no CT")
        raise FileError(f"{path} is {kind} (modality '{found.modality}'); murinoma reads CT: give the CT series")
    for file, header in found.files:
        if value_of(header, "SamplesPerPixel") not in (None, 1):
            raise FileError(f"{file} is a color picture, not a CT slice; remove it or choose another series")


def _slices(path: Path, header: Any) -> Iterator[Slice]:
    count, groups = n_frames(header), value_of(header, PER_FRAME) or ()
    if count > 1 and len(groups) != count:
        raise FileError(
            f"{path} has {count} frames and places for {len(groups)}; export it as enhanced CT or one file per slice"
        )
    try:
        for frame in range(count):
            yield _slice(path, header, frame)
    except damages() as error:
        raise damaged(path, error) from error


def _slice(path: Path, header: Any, frame: int) -> Slice:
    places = places_of(header, frame)
    lengths = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}
    position, directions, spacing = (numbers_of(places, key, length, path) for key, length in lengths.items())
    sizes = np.linalg.norm(np.reshape(directions, (2, 3)), axis=1)
    if not np.allclose(sizes, 1, atol=1e-2) or abs(np.dot(directions[:3], directions[3:])) > 1e-2:
        raise FileError(
            f"{path} has ImageOrientationPatient {directions}; two unit vectors are needed: export it again"
        )
    if min(spacing) <= 0:
        raise FileError(f"{path} has PixelSpacing {spacing}; sizes in mm above 0 are needed: correct the header")
    return Slice(
        path,
        frame,
        position,
        directions,
        spacing,
        (int(header.Rows), int(header.Columns)),
        _stored_type(header, path),
        _rescale(places, "RescaleSlope", 1.0, path),
        _rescale(places, "RescaleIntercept", 0.0, path),
        number_of(places, "SliceThickness"),
    )


def _rescale(places: Sequence[Any], keyword: str, default: float, path: Path) -> float:
    """Return slope or intercept; `default` only where the file has none, never for one that cannot be read."""
    number = number_of(places, keyword)
    said = [value_of(place, keyword) for place in places if keyword in place]
    if number is None and said not in ([], [default]):
        raise FileError(f"{path} has {keyword} {said[0]}; without it there are no HU: export the series again")
    return default if number is None else number


def _stored_type(header: Any, path: Path) -> str:
    bits, signed = value_of(header, "BitsAllocated"), value_of(header, "PixelRepresentation")
    if bits not in (8, 16, 32) or signed not in (0, 1):
        raise FileError(f"{path} has BitsAllocated {bits}, PixelRepresentation {signed}; export it as 16-bit integers")
    return f"{'ui'[signed]}{bits // 8}"


def _hu(stack: Stack, path: Path) -> Voxels:
    """Return HU of all places, those of missing slices interpolated."""
    places = np.array(stack.places)
    latest = np.searchsorted(places, np.arange(stack.length), side="right") - 1  # for each place, the slice before
    slopes, intercepts = np.array([(one.slope, one.intercept) for one in stack.slices])[latest].T
    stored = _stored(stack, path)
    missing = np.setdiff1d(np.arange(stack.length), places)
    stored[missing] = stored[places[latest[missing]]]
    voxels = to_hu(stored, slopes, intercepts, path)
    for place in missing:
        before, after = places[latest[place]], places[latest[place] + 1]
        share = (place - before) / (after - before)
        mixed = (1 - share) * voxels[before].astype(np.float64) + share * voxels[after]
        voxels[place] = mixed if voxels.dtype.kind == "f" else np.rint(mixed)
    return voxels


def _stored(stack: Stack, path: Path) -> Voxels:
    """Return the stored values at all places; those of missing slices are not set."""
    shape = (stack.length, *stack.slices[0].shape)
    dtype = np.result_type(*{one.stored for one in stack.slices})
    n_bytes = int(np.prod(shape, dtype=np.float64)) * dtype.itemsize
    if n_bytes > MAX_BYTES:
        raise FileError(
            f"{path} asks for {n_bytes:,} bytes (limit {MAX_BYTES:,}); its headers are damaged: copy it again"
        )
    stored: Voxels = np.empty(shape, dtype)
    pairs = zip(stack.places, stack.slices, strict=True)
    for file, members in groupby(pairs, key=lambda pair: pair[1].path):
        frames = read_pixels(file).reshape(-1, *shape[1:])
        for place, one in members:
            stored[place] = frames[one.frame]
    return stored


def _parameters(places: Sequence[Any]) -> Parameters:
    header = places[-1]
    ma = number_of(places, "XRayTubeCurrentInmA") or number_of(places, "XRayTubeCurrent")
    us = number_of(places, "ExposureTimeInuS")
    maker = " ".join(filter(None, (text_of(header, "Manufacturer"), text_of(header, "ManufacturerModelName"))))
    kernels = (text_of(place, key) for key in ("ReconstructionAlgorithm", "ConvolutionKernel") for place in places)
    return Parameters(
        kvp=number_of(places, "KVP"),
        ua=number_of(places, "XRayTubeCurrentInuA") or (ma and ma * UA_PER_MA),
        ms=number_of(places, "ExposureTimeInms") or (us and us / 1000) or number_of(places, "ExposureTime"),
        scanner=maker or None,
        orientation=text_of(header, "PatientPosition") or None,
        reconstruction=next(filter(None, kernels), None),
    )


def _notices(stack: Stack, n_ignored: int, path: Path) -> tuple[str, ...]:
    said = [f"{path}: {gap} missing, interpolated between their neighbours" for gap in stack.gaps]
    step, thickness = float(np.linalg.norm(stack.affine[:3, 2])), stack.slices[0].thickness_mm
    if thickness and step > SPARSE * thickness:
        said.append(
            f"{path}: the slices are {step:.4g} mm apart and {thickness:.4g} mm thick; check that none are missing"
        )
    if n_ignored:
        said.append(f"{path}: {n_ignored} file(s) beside the series hold no DICOM image and were left out")
    return tuple(said)
