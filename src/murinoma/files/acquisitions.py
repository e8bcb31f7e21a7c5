"""One door for whatever a scanner wrote: an Inveon pair, a DICOM series or a NIfTI file, as one value in HU."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from murinoma.errors import FileError, UsageError
from murinoma.files import dicom, inveon, nifti
from murinoma.files.dicom_file import is_dicom
from murinoma.files.hounsfield import check_hu, to_hu
from murinoma.files.parameters import Parameters
from murinoma.volume import Volume

INVEON_NAMES = (".img", ".img.hdr", ".cat", ".cat.hdr")
NIFTI_NAMES = (".nii", ".nii.gz")


@dataclass(frozen=True)
class Source:
    """Where an acquisition came from.

    Attributes
    ----------
    path
        A file, or the folder of a series.
    n_files
        1, or the number of slices' files.
    sha256
        Of the file; of a series, of all its files in the order of their paths, one after the other.
    """

    path: Path
    n_files: int
    sha256: str


@dataclass(frozen=True, eq=False)
class Acquisition:
    """One scanner volume, with one to six mice in it.

    Attributes
    ----------
    volume
        HU, (z, y, x). An unscaled Inveon file stays memory-mapped: its voxels are read as they are used.
    parameters
        How it was made.
    sources
        The files, voxels first.
    notices
        What a user should know, one sentence each.
    """

    volume: Volume
    parameters: Parameters
    sources: tuple[Source, ...]
    notices: tuple[str, ...]


def read_acquisition(
    path: Path, *, frame: int | None = None, series: str | int | None = None, fill_gaps: int = 0
) -> Acquisition:
    """Return any acquisition in HU, of the smallest honest type (see `hounsfield.to_hu`).

    Parameters
    ----------
    path
        ``X.img`` or ``X.img.hdr`` of an Inveon pair, a folder with a DICOM series or a file of it, a NIfTI file.
    frame
        Which frame of an Inveon file of several.
    series
        Which DICOM series of several: number, UID, or a part of UID or description.
    fill_gaps
        So many neighbouring missing DICOM slices are interpolated.

    Raises
    ------
    FileError, GeometryError
        If it cannot be read; see `inveon.read`, `dicom.read` and `nifti.read`.
    UsageError
        If an option does not belong to this kind of file, or pydicom is missing.
    """
    if path.is_dir() or is_dicom(path):
        _refuse_option("frame", frame, "an Inveon file", path)
        return _checked(_read_dicom(path, series, fill_gaps))
    _refuse_option("series", series, "a DICOM folder", path)
    if path.name.lower().endswith(INVEON_NAMES):
        return _checked(_read_inveon(path, frame))
    _refuse_option("frame", frame, "an Inveon file", path)
    if path.name.lower().endswith(NIFTI_NAMES):
        return _checked(_read_nifti(path))
    missing = "" if path.exists() else "does not exist, and "
    raise FileError(
        f"{path} {missing}is not named like an acquisition; give an Inveon .img, a DICOM folder or file, or a .nii.gz"
    )


def source_files(path: Path) -> list[Path]:
    """Return the files that an acquisition consists of, as far as their names tell: what a record keeps watch over.

    Both halves of an Inveon pair, every file of a DICOM folder, else the file itself.

    Raises
    ------
    FileError
        If there is no such file or folder.
    """
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if not path.exists():
        raise FileError(f"{path} does not exist; check the name")
    if path.name.lower().endswith(INVEON_NAMES):
        return [file for file in inveon.pair(path) if file.exists()]
    return [path]


def find_acquisitions(folder: Path) -> list[Path]:
    """Return what lies in a folder and below: Inveon pairs by their ``.img``, DICOM folders, NIfTI files; sorted.

    A DICOM folder is one with a DICOM file directly in it. Nothing is opened but the first bytes of files; hidden
    files and folders are left out, and so is half of an Inveon pair.

    Raises
    ------
    FileError
        If `folder` is no folder.
    """
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder; give the folder with the scanner's files")
    found: list[Path] = []
    for place in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not _is_hidden(path, folder))):
        files = [path for path in place.iterdir() if path.is_file() and not _is_hidden(path, folder)]
        single = [path for path in files if _is_single(path)]
        found += single
        if any(is_dicom(path) for path in files if path not in single):
            found.append(place)
    return sorted(found)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _is_single(path: Path) -> bool:
    """Tell whether a file is an acquisition by its name: NIfTI, or the voxels of an Inveon pair."""
    name = path.name.lower()
    return name.endswith(NIFTI_NAMES) or (name.endswith(".img") and inveon.header_of(path).is_file())


def _refuse_option(name: str, value: object, kind: str, path: Path) -> None:
    if value is not None:
        raise UsageError(f"--{name} is for {kind}, and {path} is none; leave it out")


def _read_inveon(path: Path, frame: int | None) -> Acquisition:
    image = inveon.read(path, frame=frame)
    hu = to_hu(image.stored.voxels, image.scale_factor, 0.0, image.files[0])
    sources = tuple(Source(file, 1, _sha256([file])) for file in image.files)
    return Acquisition(image.stored.with_voxels(hu), inveon.parameters(image.header), sources, image.notices)


def _read_dicom(path: Path, series: str | int | None, fill_gaps: int) -> Acquisition:
    found = dicom.read(path, series=series, fill_gaps=fill_gaps)
    place = found.files[0] if len(found.files) == 1 else path if path.is_dir() else path.parent
    source = Source(place, len(found.files), _sha256(found.files))
    return Acquisition(found.volume, found.parameters, (source,), found.notices)


def _read_nifti(path: Path) -> Acquisition:
    image = nifti.read(path)
    hu = to_hu(image.volume.voxels, 1.0, 0.0, path)
    said = (f"{path.name}: {image.header.conflict}",) if image.header.conflict else ()
    return Acquisition(image.volume.with_voxels(hu), Parameters(), (Source(path, 1, _sha256([path])),), said)


def _checked(acquisition: Acquisition) -> Acquisition:
    """Return the acquisition with what is odd about its HU among the notices."""
    warning = check_hu(acquisition.volume)
    name = acquisition.sources[0].path.name
    return replace(acquisition, notices=(*acquisition.notices, f"{name}: {warning}")) if warning else acquisition


def _sha256(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    try:
        for path in paths:
            with path.open("rb") as stream:
                hashlib.file_digest(stream, lambda: digest)  # goes on from file to file
    except OSError as error:
        raise FileError(f"cannot read {error.filename}: {error.strerror}; check its permissions") from error
    return digest.hexdigest()
