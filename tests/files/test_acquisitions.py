"""One door for all acquisitions: the same mice as Inveon, DICOM and NIfTI are the same HU at the same spacing."""

import hashlib
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from murinoma.errors import FileError, UsageError
from murinoma.files import inveon
from murinoma.files.acquisitions import Acquisition, find_acquisitions, read_acquisition
from murinoma.volume import Volume
from tests.builders import write_nifti
from tests.files.test_dicom import enhanced, write_series
from tests.files.test_hounsfield import animal

SPACING = (0.195782, 0.3, 0.2)  # z, y, x
PLACE = np.diag([*SPACING[::-1], 1.0])
HU = animal(shape=(20, 40, 30))


def write_inveon(path: Path, voxels: npt.NDArray[Any] = HU, **values: Any) -> Path:
    """Write an Inveon pair whose orientation is known and return its .img."""
    inveon.write(Volume(voxels, PLACE), path, values={"subject_orientation": 2, **values})
    return path


def sha256(*paths: Path) -> str:
    """Return the SHA-256 of files one after the other."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def write_dicom(folder: Path) -> Path:
    """Write `HU` as a DICOM series with slope 1 and intercept -1024."""

    def scale(made: Any, index: int) -> None:
        made.RescaleSlope, made.RescaleIntercept = "1", "-1024"

    return write_series(folder, (HU + 1024).astype(np.int16), change=scale)


def test_three_ways_in_are_one_value(tmp_path: Path) -> None:
    """Inveon, DICOM and NIfTI give the same HU, spacing and shape."""
    ways = [
        write_inveon(tmp_path / "a.ct.img"),
        write_dicom(tmp_path / "series"),
        write_nifti(tmp_path / "a.nii.gz", HU, spacing_mm=SPACING),
    ]
    for path in ways:
        found = read_acquisition(path)
        assert isinstance(found, Acquisition)
        np.testing.assert_array_equal(found.volume.voxels, HU)
        np.testing.assert_allclose(found.volume.spacing_mm, SPACING, rtol=1e-6)
        assert found.notices == ()


def test_an_unscaled_inveon_file_stays_on_disk(tmp_path: Path) -> None:
    """Reading takes a small part of the volume's bytes: the voxels stay a memory map."""
    path = write_inveon(tmp_path / "a.ct.img", np.zeros((1, 512, 512), np.int16))
    header = inveon.header_of(path)
    header.write_text(header.read_text("latin-1").replace("z_dimension 1\n", "z_dimension 120\n"), "latin-1")
    with path.open("r+b") as stream:
        stream.truncate(120 * 512 * 512 * 2)
    tracemalloc.start()
    voxels = read_acquisition(path).volume.voxels
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(voxels.base, np.memmap)
    assert voxels.nbytes == 62_914_560
    assert peak < 20_000_000  # what the check of HU samples, whatever the volume's size


@pytest.mark.parametrize(("order", "scale", "intent"), [("<", 0.5, "i2"), (">", 1.0, "i2"), ("<", 100.0, "f4")])
def test_scaled_inveon_values_become_hu(tmp_path: Path, order: str, scale: float, intent: str) -> None:
    """HU are the stored values x scale_factor: int16 where it fits, in native order."""
    path = write_inveon(tmp_path / "a.ct.img", HU.astype(f"{order}i2"), scale_factor=scale)
    found = read_acquisition(path).volume.voxels
    assert found.dtype == np.dtype(intent)
    assert np.abs(found - HU * scale).max() <= 0.5


def test_sources_carry_their_hash(tmp_path: Path) -> None:
    """Each Inveon file has its own; a series has one, over its files in the order of their names."""
    path = write_inveon(tmp_path / "a.ct.img")
    header = inveon.header_of(path)
    found = read_acquisition(header).sources
    assert [(one.path, one.n_files, one.sha256) for one in found] == [
        (path, 1, sha256(path)),
        (header, 1, sha256(header)),
    ]
    folder = write_dicom(tmp_path / "series")
    files = sorted(folder.iterdir())
    for named in (folder, files[3]):
        (source,) = read_acquisition(named).sources
        assert (source.path, source.n_files, source.sha256) == (folder, 20, sha256(*files))
    (source,) = read_acquisition(enhanced(tmp_path / "e" / "e.dcm")).sources
    assert (source.path, source.sha256) == (tmp_path / "e" / "e.dcm", sha256(tmp_path / "e" / "e.dcm"))
    nifti = write_nifti(tmp_path / "a.nii", HU)
    assert read_acquisition(nifti).sources[0].sha256 == sha256(nifti)


def test_parameters_come_along(tmp_path: Path) -> None:
    """Inveon and DICOM say how they were made, NIfTI does not."""
    keys: dict[str, Any] = {"ct_xray_voltage": 60.0, "ct_anode_current": 500.0, "ct_exposure_time": 300.0}
    inveon_says = read_acquisition(write_inveon(tmp_path / "a.ct.img", **keys)).parameters
    dicom_says = read_acquisition(write_dicom(tmp_path / "series")).parameters
    for says in (inveon_says, dicom_says):
        assert (says.kvp, says.ua, says.ms, says.orientation) == (60, 500, 300, "HFP")
    assert read_acquisition(write_nifti(tmp_path / "a.nii", HU)).parameters.kvp is None


def test_odd_hu_and_odd_headers_are_said(tmp_path: Path) -> None:
    """What the check of HU and a contradicting NIfTI header say is among the notices, with the file's name."""
    raw = write_nifti(tmp_path / "a.nii", HU + 1000, spacing_mm=SPACING, sform=np.eye(4))
    conflict, odd = read_acquisition(raw).notices
    assert conflict.startswith("a.nii: the sform says 1 x 1 x 1 mm")
    assert odd.startswith("a.nii: air peaks at")
    assert "calibrate" in odd
    path = write_inveon(tmp_path / "b.ct.img", calibration_factor=2.7205, subject_orientation=0)
    assert len(read_acquisition(path).notices) == 2


def test_options_reach_their_reader(tmp_path: Path) -> None:
    """A frame is for Inveon, a series and gaps for DICOM; on another kind the first two are refused."""
    image = write_inveon(tmp_path / "a.ct.img")
    folder = write_series(tmp_path / "series", HU, leave=(4,))
    assert read_acquisition(image, frame=0, fill_gaps=3).volume.shape == HU.shape
    found = read_acquisition(folder, series=4, fill_gaps=1)
    assert found.volume.shape == HU.shape
    assert "slice 5 of 20" in found.notices[0]
    for path, option in ((folder, "frame"), (image, "series"), (tmp_path / "a.nii", "frame")):
        with pytest.raises(UsageError, match=f"--{option} is for .*; leave it out"):
            read_acquisition(path, **{option: 0})


def test_what_is_no_acquisition_is_refused(tmp_path: Path) -> None:
    """A missing path, another file and an empty folder each have a sentence with what to give."""
    (tmp_path / "notes.txt").write_text("mice")
    for path, words in ((tmp_path / "none", "does not exist"), (tmp_path / "notes.txt", "is not named like")):
        with pytest.raises(FileError, match=f"{words}.*; give"):
            read_acquisition(path)
    with pytest.raises(FileError, match="no DICOM file among 1 files; give"):
        read_acquisition(tmp_path)


def test_infinite_grey_values_are_refused(tmp_path: Path) -> None:
    """NaN in an Inveon float image is named with its file."""
    voxels = HU.astype(np.float32)
    voxels[3, 3, 3] = np.nan
    with pytest.raises(FileError, match=r"a\.ct\.img has voxels that are NaN or infinite"):
        read_acquisition(write_inveon(tmp_path / "a.ct.img", voxels))


# finding


def test_acquisitions_are_found(tmp_path: Path) -> None:
    """Whole Inveon pairs, folders of DICOM files and NIfTI files, at any depth, sorted; nothing hidden or halved."""
    image = write_inveon(tmp_path / "day 1" / "b.ct.img")
    series = write_series(tmp_path / "day 1" / "series")
    beside = write_inveon(series / "a.ct.img")
    nifti = write_nifti(tmp_path / "c.nii.gz", HU)
    (tmp_path / "half.img").write_bytes(b"voxels")
    (tmp_path / "notes.txt").write_bytes(b"mice")
    write_nifti(tmp_path / ".trash" / "d.nii.gz", HU)
    write_nifti(tmp_path / "._c.nii.gz", HU)
    assert find_acquisitions(tmp_path) == sorted([nifti, image, series, beside])
    assert find_acquisitions(series) == [series, beside]
    assert find_acquisitions(tmp_path / ".trash") == [tmp_path / ".trash" / "d.nii.gz"]


def test_only_a_folder_holds_acquisitions(tmp_path: Path) -> None:
    """A file or a missing folder is refused."""
    with pytest.raises(FileError, match=r"none is not a folder; give"):
        find_acquisitions(tmp_path / "none")
