"""DICOM series: order, place and HU against SimpleITK, gaps, the choice of a series, and what is refused."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

from murinoma.errors import FileError, GeometryError, UsageError
from murinoma.files import dicom

Array = npt.NDArray[Any]
RAW = np.random.default_rng(2).integers(-2000, 2000, (5, 4, 3)).astype(np.int16)  # slices, rows, columns
AXIAL = (1, 0, 0, 0, 1, 0)
STEP = 0.195782
SECRETS = ("Mickey Mouse", "ID-4711", "20150324", "Secret Institute")


def dataset(uid: str = "1.2.3", **values: Any) -> FileDataset:
    """Return a CT slice without pixels or place; `values` are further attributes, None takes one away."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = values.get("SOPClassUID", CTImageStorage)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    standard: dict[str, Any] = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "Modality": "CT",
        "PatientName": SECRETS[0], "PatientID": SECRETS[1], "StudyDate": SECRETS[2], "InstitutionName": SECRETS[3],
        "SeriesInstanceUID": uid, "StudyInstanceUID": "1.2", "SeriesNumber": 4, "SeriesDescription": "CT of mice",
        "Manufacturer": "Siemens", "ManufacturerModelName": "Inveon", "PatientPosition": "HFP", "KVP": "60",
        "XRayTubeCurrentInuA": 500.0, "ExposureTime": 300, "ConvolutionKernel": "Shepp", "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
    }  # fmt: skip
    for key, value in {**standard, **values}.items():
        if value is not None:
            setattr(made, key, value)
    return made


def set_pixels(made: Dataset, pixels: Array) -> None:
    """Put pixels (rows, columns) or (frames, rows, columns) into a dataset."""
    made.Rows, made.Columns = pixels.shape[-2:]
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.BitsAllocated = made.BitsStored = 8 * pixels.dtype.itemsize
    made.HighBit = made.BitsAllocated - 1
    made.PixelData = np.ascontiguousarray(pixels).tobytes()


def write_series(
    folder: Path,
    raw: Array = RAW,
    *,
    directions: tuple[float, ...] = AXIAL,
    origin: tuple[float, ...] = (-10, -20, 30),
    step: float = STEP,
    leave: tuple[int, ...] = (),
    prefix: str = "IM",
    change: Callable[[FileDataset, int], None] = lambda made, index: None,
    **values: Any,
) -> Path:
    """Write raw (slices, rows, columns) as one file per slice, the last slice first, and return the folder.

    Slope 0.289 and intercept 8477.6, pixels of 0.2 mm along rows and 0.3 mm along columns; slices in `leave` are left
    out; `change` edits a slice before it is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    normal = np.cross(directions[:3], directions[3:])
    for index in set(range(len(raw))) - set(leave):
        made = dataset(**values)
        made.ImageOrientationPatient = [f"{value:.8f}" for value in directions]
        made.ImagePositionPatient = [f"{value:.8f}" for value in np.add(origin, index * step * normal)]
        made.PixelSpacing = [0.3, 0.2]
        made.InstanceNumber = 1 + (index * 3) % 7  # tells nothing of the place
        made.RescaleSlope, made.RescaleIntercept = "0.289", "8477.6"
        set_pixels(made, raw[index])
        change(made, index)
        made.save_as(folder / f"{prefix}{len(raw) - index:03d}.dcm", enforce_file_format=True)
    return folder


def enhanced(path: Path, raw: Array = RAW, order: tuple[int, ...] = (0, 1, 2, 3, 4), **values: Any) -> Path:
    """Write raw as one enhanced multi-frame CT, frames in `order`, and return its path."""

    def group(keyword: str, **inside: Any) -> Dataset:
        outer, inner = Dataset(), Dataset()
        for key, value in inside.items():
            setattr(inner, key, value)
        setattr(outer, keyword, Sequence([inner]))
        return outer

    made = dataset(SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=len(raw), KVP=None, ExposureTime=None, **values)
    del made.XRayTubeCurrentInuA, made.ConvolutionKernel
    shared = group("PixelMeasuresSequence", PixelSpacing=[0.3, 0.2], SliceThickness=STEP)
    shared.update(group("PlaneOrientationSequence", ImageOrientationPatient=list(AXIAL)))
    shared.update(group("PixelValueTransformationSequence", RescaleSlope=1, RescaleIntercept=-24, RescaleType="HU"))
    shared.update(group("CTXRayDetailsSequence", KVP=60.0))
    shared.update(group("CTExposureSequence", XRayTubeCurrentInmA=0.5, ExposureTimeInms=300.0))
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    places = [[-10, -20, f"{30 + index * STEP:.8f}"] for index in order]
    made.PerFrameFunctionalGroupsSequence = Sequence(
        [group("PlanePositionSequence", ImagePositionPatient=place) for place in places]
    )
    set_pixels(made, raw[list(order)])
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save_as(path, enforce_file_format=True)
    return path


def simple_itk(folder: Path) -> tuple[Array, Array]:
    """Return HU (z, y, x) and RAS affine as SimpleITK reads a folder: the independent opinion."""
    reader: Any = sitk.ImageSeriesReader
    image: Any = sitk.ReadImage(reader.GetGDCMSeriesFileNames(str(folder)))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), np.diag([-1, -1, 1, 1]) @ affine


def refusal(path: Path, error: type[Exception] = FileError, **options: Any) -> str:
    """Return the sentence with which a series is refused; it names a file and a remedy."""
    with pytest.raises(error) as caught:
        dicom.read(path, **options)
    assert path.name in str(caught.value)
    assert ";" in str(caught.value)
    return str(caught.value)


# reading, by hand and against SimpleITK


def test_a_series_is_sorted_by_place(tmp_path: Path) -> None:
    """Slices come in order of position whatever their names and numbers; x is the column, LPS becomes RAS."""
    found = dicom.read(write_series(tmp_path / "s"))
    assert found.volume.shape == RAW.shape
    assert found.volume.voxels.dtype == np.int16
    assert np.abs(found.volume.voxels - (RAW * 0.289 + 8477.6)).max() <= 0.5
    expected: Any = [[-0.2, 0, 0, 10], [0, -0.3, 0, 20], [0, 0, STEP, 30], [0, 0, 0, 1]]
    np.testing.assert_allclose(found.volume.affine, expected, atol=1e-7)
    assert found.notices == ()
    assert [file.name for file in found.files] == [f"IM{n:03d}.dcm" for n in range(1, 6)]


@pytest.mark.parametrize(
    "directions",
    [AXIAL, (-1, 0, 0, 0, -1, 0), (1, 0, 0, 0, -1, 0), (1, 0, 0, 0, 0, -1), (0, 1, 0, 0, 0, -1), (0, 1, 0, 1, 0, 0)],
)
def test_every_orientation_lies_where_simple_itk_has_it(tmp_path: Path, directions: tuple[float, ...]) -> None:
    """Axial, coronal and sagittal slices, flipped and swapped, have SimpleITK's HU at SimpleITK's place."""
    found = dicom.read(write_series(tmp_path / "s", directions=directions)).volume
    hu, affine = simple_itk(tmp_path / "s")
    np.testing.assert_allclose(found.voxels, hu, atol=0.5)
    np.testing.assert_allclose(found.affine, affine, atol=1e-6)


@settings(max_examples=15)
@given(
    kind=st.sampled_from(["i2", "u2", "u1"]),
    shape=st.tuples(st.integers(2, 4), st.integers(2, 5), st.integers(2, 5)),
    slope=st.sampled_from([1, 2, -1]),
    intercept=st.integers(-2000, 2000),
    seed=st.integers(0, 99),
)
def test_whole_scales_are_exact(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    shape: tuple[int, int, int],
    slope: int,
    intercept: int,
    seed: int,
) -> None:
    """Any stored type with a whole slope and intercept gives exactly SimpleITK's HU."""
    low, high = (0, 250) if kind == "u1" else (0 if kind == "u2" else -9000, 9000)
    raw = np.random.default_rng(seed).integers(low, high, shape).astype(kind)

    def scale(made: FileDataset, index: int) -> None:
        made.RescaleSlope, made.RescaleIntercept = str(slope), str(intercept)

    folder = write_series(tmp_path_factory.mktemp("dicom") / "s", raw, change=scale)
    found = dicom.read(folder).volume.voxels
    assert found.dtype == np.int16
    np.testing.assert_array_equal(found, simple_itk(folder)[0])


def test_every_slice_may_have_its_own_scale(tmp_path: Path) -> None:
    """Slope and intercept are those of the slice, as in series that the scanner scaled one by one."""

    def scale(made: FileDataset, index: int) -> None:
        made.RescaleSlope, made.RescaleIntercept = str(index + 1), str(-index)

    found = dicom.read(write_series(tmp_path / "s", change=scale)).volume.voxels
    np.testing.assert_array_equal(found, RAW * np.arange(1, 6)[:, None, None] - np.arange(5)[:, None, None])


def test_values_beyond_int16_become_float32(tmp_path: Path) -> None:
    """Stored 65535 with slope 1 is no int16."""
    raw = np.full((2, 2, 2), 65535, np.uint16)

    def plain(made: FileDataset, index: int) -> None:
        del made.RescaleSlope, made.RescaleIntercept

    found = dicom.read(write_series(tmp_path / "s", raw, change=plain)).volume.voxels
    assert found.dtype == np.float32
    assert (found == 65535).all()


def test_an_enhanced_file_is_one_series(tmp_path: Path) -> None:
    """Frames come in order of position; scale, spacing and orientation may stand in the shared groups."""
    found = dicom.read(enhanced(tmp_path / "e.dcm", order=(3, 0, 4, 1, 2)))
    np.testing.assert_array_equal(found.volume.voxels, RAW - 24)
    np.testing.assert_allclose(found.volume.affine[:3, 3], [10, 20, 30])
    np.testing.assert_allclose(found.volume.spacing_mm, (STEP, 0.3, 0.2))
    assert (found.parameters.kvp, found.parameters.ua, found.parameters.ms) == (60, 500, 300)


def test_an_enhanced_file_is_what_simple_itk_reads(tmp_path: Path) -> None:
    """With frames in order SimpleITK reads the same HU."""
    found = dicom.read(enhanced(tmp_path / "e.dcm")).volume
    np.testing.assert_array_equal(found.voxels, sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "e.dcm"))))


def test_a_compressed_series_is_read(tmp_path: Path) -> None:
    """Run-length coding needs nothing but pydicom."""

    def squeeze(made: FileDataset, index: int) -> None:
        made.compress(RLELossless, generate_instance_uid=False)

    plain = dicom.read(write_series(tmp_path / "plain")).volume.voxels
    np.testing.assert_array_equal(dicom.read(write_series(tmp_path / "rle", change=squeeze)).volume.voxels, plain)


# what is kept of the header


def test_parameters_are_those_of_table_2(tmp_path: Path) -> None:
    """kVp, uA, ms, scanner, orientation and kernel are kept."""
    found = dicom.read(write_series(tmp_path / "s")).parameters
    assert (found.kvp, found.ua, found.ms) == (60, 500, 300)
    assert (found.scanner, found.orientation, found.reconstruction) == ("Siemens Inveon", "HFP", "Shepp")


@pytest.mark.parametrize(("ma", "ua"), [(2, 2000), (0, None), (None, None)])
def test_current_in_ma_is_used_where_it_says_something(tmp_path: Path, ma: int | None, ua: float | None) -> None:
    """500 uA written as 0 mA is unknown, not 0."""
    values: dict[str, Any] = {
        "XRayTubeCurrentInuA": None,
        "XRayTubeCurrent": ma,
        "ConvolutionKernel": None,
        "PatientPosition": None,
    }
    found = dicom.read(write_series(tmp_path / "s", **values)).parameters
    assert found.ua == ua
    assert found.reconstruction is None
    assert found.orientation is None


def test_a_fraction_where_only_whole_numbers_belong_is_read(tmp_path: Path) -> None:
    """Scanners write 30.5 ms where DICOM wants a whole number."""
    folder = write_series(tmp_path / "s")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes().replace(b"IS\x04\x00300 ", b"IS\x04\x0030.5"))
    assert dicom.read(folder).parameters.ms == 30.5


def test_no_name_number_or_day_is_kept(tmp_path: Path) -> None:
    """Nothing in the result shows the patient, the institute or the date."""
    found = dicom.read(write_series(tmp_path / "s"))
    assert not [secret for secret in SECRETS if secret in repr(found)]


# gaps


def test_a_gap_is_named(tmp_path: Path) -> None:
    """Missing slices are named by number and position, and so is the option that fills them."""
    folder = write_series(tmp_path / "s", np.repeat(RAW, 3, axis=0), leave=(4, 8, 9))
    said = refusal(folder, GeometryError)
    assert "slice 5 of 15 (at 30.783 mm)" in said
    assert "slices 9 to 10 of 15 (at 31.566 to 31.762 mm)" in said
    assert "--fill-gaps 2" in said
    said = refusal(folder, GeometryError, fill_gaps=1)
    assert "slices 9 to 10" in said
    assert "slice 5" not in said


def test_many_gaps_are_counted(tmp_path: Path) -> None:
    """Five gaps are listed, the others counted."""
    folder = write_series(tmp_path / "s", np.repeat(RAW, 8, axis=0), leave=(3, 8, 13, 18, 23, 28, 33))
    assert "and 2 more" in refusal(folder, GeometryError)


@pytest.mark.parametrize(("slope", "kind"), [("0.289", "i2"), ("100", "f4")])
def test_gaps_are_filled_between_their_neighbours(tmp_path: Path, slope: str, kind: str) -> None:
    """Two missing slices are a third and two thirds of the way, the others stay, and the result says so."""
    raw = np.arange(0, 12 * 700, 700, dtype=np.int16).reshape(12, 1, 1) + np.zeros((1, 2, 2), np.int16)

    def scale(made: FileDataset, index: int) -> None:
        made.RescaleSlope = slope

    folder = write_series(tmp_path / "s", raw, leave=(1, 5, 6), change=scale)
    found = dicom.read(folder, fill_gaps=2)
    assert found.volume.voxels.dtype == np.dtype(kind)
    np.testing.assert_allclose(found.volume.voxels, raw * float(slope) + 8477.6, atol=1.01)
    assert found.volume.spacing_mm[0] == pytest.approx(STEP)
    assert [notice.split(": ")[1] for notice in found.notices] == [
        "slice 2 of 12 (at 30.196 mm) missing, interpolated between their neighbours",
        "slices 6 to 7 of 12 (at 30.979 to 31.175 mm) missing, interpolated between their neighbours",
    ]


def test_slices_too_far_apart_are_said(tmp_path: Path) -> None:
    """Every second slice missing looks even; slices thinner than the step give it away."""
    folder = write_series(tmp_path / "s", leave=(1, 3), SliceThickness=STEP)
    assert "0.3916 mm apart and 0.1958 mm thick" in dicom.read(folder).notices[0]
    assert dicom.read(write_series(tmp_path / "t", SliceThickness=STEP)).notices == ()


def test_rounded_positions_are_no_gaps(tmp_path: Path) -> None:
    """Positions written to a hundredth of a millimetre are evenly spaced, by the true step."""

    def rough(made: FileDataset, index: int) -> None:
        made.ImagePositionPatient = [-10, -20, f"{30 + index * STEP:.2f}"]

    folder = write_series(tmp_path / "s", np.zeros((90, 2, 2), np.int16), change=rough)
    assert dicom.read(folder).volume.spacing_mm[0] == pytest.approx(STEP, rel=1e-3)


# files beside the series


def test_other_files_are_counted(tmp_path: Path) -> None:
    """Notes, hidden files and reports in the folder do no harm; those that are visible are counted."""
    folder = write_series(tmp_path / "s")
    for name in ("notes.txt", "picture.png", ".DS_Store"):
        (folder / name).write_bytes(b"no DICOM")
    report = dataset("1.9", Modality="SR", SOPClassUID=BasicTextSRStorage)
    report.save_as(folder / "report.dcm", enforce_file_format=True)
    found = dicom.read(folder)
    assert found.notices == (f"{folder}: 3 file(s) beside the series hold no DICOM image and were left out",)
    assert len(found.files) == 5


def test_subfolders_are_searched_where_the_folder_has_none(tmp_path: Path) -> None:
    """A study folder from an archive, with the slices below, is read like the folder itself."""
    folder = write_series(tmp_path / "study" / "series")
    assert dicom.read(tmp_path / "study").files == dicom.read(folder).files


def test_one_slice_stands_for_its_series(tmp_path: Path) -> None:
    """A slice that is named brings its own series, not the other one in the folder."""
    write_series(tmp_path / "s")
    write_series(tmp_path / "s", RAW + 1, uid="7.7", prefix="OTHER")
    found = dicom.read(tmp_path / "s" / "OTHER002.dcm")
    assert {file.name[:5] for file in found.files} == {"OTHER"}


def two_series(folder: Path) -> Path:
    """Write two CT series into one folder."""
    write_series(folder)
    return write_series(folder, RAW + 1000, uid="1.2.99", SeriesNumber=5, SeriesDescription="Bone", prefix="B")


def test_two_series_are_listed(tmp_path: Path) -> None:
    """A mixed folder is refused with number, description, modality, slices and UID of each."""
    said = refusal(two_series(tmp_path / "s"))
    assert "number 4, 'CT of mice', CT, 5 slices, UID 1.2.3" in said
    assert "number 5, 'Bone', CT, 5 slices, UID 1.2.99" in said
    assert "--series" in said


@pytest.mark.parametrize("series", [5, "5", "1.2.99", ".99", "bon"])
def test_a_series_is_chosen(tmp_path: Path, series: str | int) -> None:
    """By number, UID, or a part of UID or description."""
    found = dicom.read(two_series(tmp_path / "s"), series=series)
    assert {file.name[0] for file in found.files} == {"B"}


@pytest.mark.parametrize(("series", "count"), [("1.2", 2), ("9.9", 0)])
def test_a_choice_that_fits_none_or_both_is_refused(tmp_path: Path, series: str, count: int) -> None:
    """The list is shown again."""
    assert f"{count} series that fit '{series}'" in refusal(two_series(tmp_path / "s"), series=series)


# bad input


@pytest.mark.parametrize(("modality", "word"), [("PT", "PET"), ("NM", "SPECT"), ("MR", "MRI"), ("XX", "no CT")])
def test_other_modalities_are_refused(tmp_path: Path, modality: str, word: str) -> None:
    """PET and others are named."""
    assert word in refusal(write_series(tmp_path / "s", Modality=modality))


def test_a_color_picture_is_refused(tmp_path: Path) -> None:
    """A captured screen is no slice."""

    def color(made: FileDataset, index: int) -> None:
        made.SamplesPerPixel = 3

    with pytest.raises(FileError, match="color picture"):
        dicom.read(write_series(tmp_path / "s", change=color))


def test_doubled_slices_are_refused(tmp_path: Path) -> None:
    """Two files at one place are named."""
    folder = write_series(tmp_path / "s")
    write_series(folder, leave=(0, 1, 2, 4), prefix="COPY")
    assert "COPY002.dcm and IM002.dcm at 30.587 mm" in refusal(folder, GeometryError)
    with pytest.raises(GeometryError, match=r"e\.dcm and e\.dcm, frame 2 at"):
        dicom.read(enhanced(tmp_path / "e.dcm", order=(0, 0, 1, 2, 3)))


BAD: list[tuple[str, Any, type[Exception], str]] = [
    ("ImagePositionPatient", None, FileError, "ImagePositionPatient None"),
    ("ImageOrientationPatient", None, FileError, "ImageOrientationPatient None"),
    ("ImageOrientationPatient", [2, 0, 0, 0, 1, 0], FileError, "two unit vectors"),
    ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0], FileError, "two unit vectors"),
    ("ImageOrientationPatient", [0, 1, 0, 0, 0, 1], GeometryError, "mixes slices"),
    ("PixelSpacing", None, FileError, "PixelSpacing None"),
    ("PixelSpacing", [0, 0.2], FileError, "above 0"),
    ("PixelSpacing", [0.3, 0.25], GeometryError, "mixes slices"),
    ("ImagePositionPatient", [-10, -20, 30.1], GeometryError, "unevenly spaced"),
    ("ImagePositionPatient", [-10, -15, 30], GeometryError, "sideways by up to 5 mm"),
]


@pytest.mark.parametrize(("keyword", "value", "error", "words"), BAD)
def test_a_slice_that_does_not_fit_is_refused(
    tmp_path: Path, keyword: str, value: Any, error: type[Exception], words: str
) -> None:
    """One slice without a place, with an impossible one, or unlike the others, stops the series."""

    def spoil(made: FileDataset, index: int) -> None:
        if index == 0:
            delattr(made, keyword) if value is None else setattr(made, keyword, value)

    with pytest.raises(error, match=";") as caught:
        dicom.read(write_series(tmp_path / "s", change=spoil))
    assert words in str(caught.value)


def test_slices_of_other_sizes_are_refused(tmp_path: Path) -> None:
    """A slice with more rows is named beside one of the others."""
    write_series(tmp_path / "s", leave=(4,))
    write_series(tmp_path / "s", np.zeros((5, 6, 3), np.int16), leave=(0, 1, 2, 3), prefix="Z")
    said = refusal(tmp_path / "s", GeometryError)
    assert "4 x 3 at 0.3 0.2 mm" in said
    assert "Z001.dcm 6 x 3" in said


def test_frames_without_places_are_refused(tmp_path: Path) -> None:
    """A multi-frame file without a place per frame is no volume, however many frames it claims."""

    def many(made: FileDataset, index: int) -> None:
        made.NumberOfFrames = 1_000_000_000

    with pytest.raises(FileError, match=r"1000000000 frames and places for 0; export"):
        dicom.read(write_series(tmp_path / "s", change=many))


@pytest.mark.parametrize(
    ("old", "new"), [(b"DS\x06\x000.289 ", b"DS\x06\x00often "), (b"DS\x06\x000.289 ", b"DS\x06\x000     ")]
)
def test_a_slope_that_says_nothing_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    """A slope that is 0 or no number is not taken for 1."""
    folder = write_series(tmp_path / "s")
    path = folder / "IM003.dcm"
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(FileError, match=r"IM003\.dcm has RescaleSlope .*; without it"):
        dicom.read(folder)


def test_an_intercept_of_0_is_one(tmp_path: Path) -> None:
    """0 is a good intercept."""

    def scale(made: FileDataset, index: int) -> None:
        made.RescaleSlope, made.RescaleIntercept = "1", "0"

    np.testing.assert_array_equal(dicom.read(write_series(tmp_path / "s", change=scale)).volume.voxels, RAW)


def test_odd_bits_are_refused(tmp_path: Path) -> None:
    """12 bits allocated are nothing that can be read."""

    def odd(made: FileDataset, index: int) -> None:
        made.BitsAllocated = 12

    with pytest.raises(FileError, match=r"BitsAllocated 12, PixelRepresentation 1; export"):
        dicom.read(write_series(tmp_path / "s", change=odd))


def test_oblique_slices_are_refused(tmp_path: Path) -> None:
    """Slices turned by ten degrees lie on no axis."""
    c, s = np.cos(np.radians(10)), np.sin(np.radians(10))
    assert "oblique" in refusal(write_series(tmp_path / "s", directions=(c, s, 0, -s, c, 0)), GeometryError)


def test_one_slice_is_no_volume(tmp_path: Path) -> None:
    """A series of one slice is refused."""
    assert "1 slice" in refusal(write_series(tmp_path / "s", RAW[:1]), GeometryError)


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    """Empty folders, other files and DICOM files without an image each have a sentence."""
    assert "no DICOM file among 0 files" in refusal(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"a")
    assert "no DICOM file among 1 files" in refusal(tmp_path)
    assert "not a DICOM file" in refusal(tmp_path / "a.txt")
    dataset("1.9", Modality="SR", SOPClassUID=BasicTextSRStorage).save_as(
        tmp_path / "report.dcm", enforce_file_format=True
    )
    assert "hold no image" in refusal(tmp_path)


@pytest.mark.parametrize("cut", [10, 200, *range(600, 1000, 20)])
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    """A file that ends early is named, whether in its pixels or in its header."""
    folder = write_series(tmp_path / "s", np.zeros((3, 8, 8), np.int16))
    content = (folder / "IM002.dcm").read_bytes()
    (folder / "IM002.dcm").write_bytes(content[:-cut])
    with pytest.raises((FileError, GeometryError), match=";"):
        dicom.read(folder)


@given(st.integers(132, 1200), st.integers(0, 255))
def test_a_flipped_byte_never_escapes(tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
    """A damaged file is read or refused with a sentence, never anything else."""
    folder = write_series(tmp_path_factory.mktemp("dicom") / "s", RAW[:2])
    content = bytearray((folder / "IM001.dcm").read_bytes())
    content[at % len(content)] = byte
    (folder / "IM001.dcm").write_bytes(content)
    try:
        dicom.read(folder)
    except (FileError, GeometryError) as error:
        assert ";" in str(error)  # noqa: PT017


def test_a_header_that_asks_for_too_much_is_refused(tmp_path: Path) -> None:
    """65535 x 65535 pixels are not given memory."""

    def swell(made: FileDataset, index: int) -> None:
        made.Rows = made.Columns = 65535

    assert "42,948,362,250 bytes (limit" in refusal(write_series(tmp_path / "s", change=swell))


def test_an_unknown_compression_is_named(tmp_path: Path) -> None:
    """What pydicom cannot decode is called by its name, with the decoders to install."""

    def pretend(made: FileDataset, index: int) -> None:
        made.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
        made.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + b"\0" * 96])
        made["PixelData"].is_undefined_length = True

    folder = write_series(tmp_path / "s", change=pretend)
    script = (  # without the decoders, where the machine has them
        "import sys; sys.modules |= dict.fromkeys(['PIL', 'openjpeg', 'gdcm', 'pylibjpeg'])\n"
        "from pathlib import Path\nfrom murinoma.errors import FileError\nfrom murinoma.files import dicom\n"
        "try: dicom.read(Path(sys.argv[1]))\nexcept FileError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", script, folder], capture_output=True, text=True, check=True).stdout
    assert "is compressed as 'JPEG 2000 Image Compression (Lossless Only)'" in said
    assert "pip install pylibjpeg" in said


def test_without_pydicom_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing extra fails with what installs it."""
    folder = write_series(tmp_path / "s")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(UsageError, match=r'pip install "murinoma\[dicom\]"'):
        dicom.read(folder)
