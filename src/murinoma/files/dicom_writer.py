"""Write a volume as a DICOM CT series of single slices, for phantoms and tests; it names no person and no day."""

from pathlib import Path
from typing import Any

import numpy as np

from murinoma.errors import FileError
from murinoma.files.atomic import atomic_file
from murinoma.files.dicom_file import load_pydicom
from murinoma.files.parameters import Parameters
from murinoma.volume import Volume

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0])
UID_ROOT = "1.2.826.0.1.3680043.8.498."  # pydicom's own root


def write_series(volume: Volume, folder: Path, *, uid: int, parameters: Parameters) -> list[Path]:
    """Write one file per slice and return their paths; the same volume and `uid` give the same bytes.

    Parameters
    ----------
    volume
        int16 HU; slope and intercept are written as 1 and 0.
    folder
        Where the files go; it must not hold other DICOM files.
    uid
        Number of the series, unique among those that are kept together.
    parameters
        What the headers say of the scanner.

    Raises
    ------
    FileError
        If the voxels are not int16.
    UsageError
        If pydicom is missing.
    OutputError
        If a file cannot be written.
    """
    load_pydicom()
    if volume.voxels.dtype != np.int16:
        raise FileError(f"a DICOM series of phantoms holds int16 HU, not {volume.voxels.dtype}; round the values first")
    paths = []
    for index in range(len(volume.voxels)):
        made = _slice(volume, index, uid, parameters)
        path = folder / f"slice_{index:04d}.dcm"
        with atomic_file(path) as stream:
            made.save_as(stream, enforce_file_format=True)
        paths.append(path)
    return paths


def _slice(volume: Volume, index: int, uid: int, parameters: Parameters) -> Any:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = UID(f"{UID_ROOT}{uid}.{index + 1}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword, value in {**_identity(uid, index), **_place(volume, index), **_scanner(parameters)}.items():
        setattr(made, keyword, value)
    made.Rows, made.Columns = volume.shape[1:]
    made.PixelData = np.ascontiguousarray(volume.voxels[index], "<i2").tobytes()
    return made


def _identity(uid: int, index: int) -> dict[str, Any]:
    from pydicom.uid import CTImageStorage

    return {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": f"{UID_ROOT}{uid}.{index + 1}",
        "StudyInstanceUID": f"{UID_ROOT}1",
        "SeriesInstanceUID": f"{UID_ROOT}{uid}",
        "SeriesDescription": "phantom mice",
        "SeriesNumber": 1,
        "InstanceNumber": index + 1,
        "Modality": "CT",
        "PatientName": "",
        "PatientID": "",
    }


def _place(volume: Volume, index: int) -> dict[str, Any]:
    """Return position, direction and spacing of a slice in DICOM's LPS, and the scale of its pixels."""
    steps = LPS_FROM_RAS @ volume.affine[:3, :3]
    across, down = steps[:, 0] / np.linalg.norm(steps[:, 0]), steps[:, 1] / np.linalg.norm(steps[:, 1])
    corner = LPS_FROM_RAS @ (volume.affine @ (0, 0, index, 1))[:3]
    z, y, x = volume.spacing_mm
    return {
        "ImageOrientationPatient": [f"{value:.8f}" for value in (*across, *down)],
        "ImagePositionPatient": [f"{value:.8f}" for value in corner],
        "PixelSpacing": [f"{y:.8f}", f"{x:.8f}"],
        "SliceThickness": f"{z:.8f}",
        "RescaleSlope": "1",
        "RescaleIntercept": "0",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
    }


def _scanner(parameters: Parameters) -> dict[str, Any]:
    known = {
        "KVP": None if parameters.kvp is None else f"{parameters.kvp:g}",
        "XRayTubeCurrentInuA": parameters.ua,
        "ExposureTime": None if parameters.ms is None else round(parameters.ms),
        "ManufacturerModelName": parameters.scanner,
        "ConvolutionKernel": parameters.reconstruction,
    }
    return {keyword: value for keyword, value in known.items() if value is not None}
