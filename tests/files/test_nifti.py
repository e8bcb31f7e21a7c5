"""NIfTI files: what is read and written, against nibabel, and what is refused."""

import gzip
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from murinoma.errors import FileError, GeometryError, InputError, OutputError
from murinoma.files.nifti import read, read_header, read_volume, write
from murinoma.volume import Volume
from tests.builders import nifti_bytes, write_nifti

TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]
COUNTING: np.ndarray = np.arange(24, dtype=np.int16).reshape(2, 3, 4)  # z, y, x
PLACE = np.array([[0.21, 0, 0, -3], [0, 0.21, 0, 4], [0, 0, 0.3, 7], [0, 0, 0, 1.0]])


def place(path: Path, content: bytes) -> Path:
    """Write bytes and return their path."""
    path.write_bytes(content)
    return path


def by_nibabel(path: Path) -> Any:
    """Return nibabel's image."""
    return nib.load(path)


def refusal(path: Path) -> str:
    """Return the sentence with which a file is refused, or nothing if it is read."""
    try:
        assert read(path).volume.voxels.size > 0
    except InputError as error:
        return str(error)
    return ""


# reading, by hand


def test_the_first_axis_of_the_file_is_x(tmp_path: Path) -> None:
    """A file of 4 x 3 x 2 voxels (x fastest) becomes an array of shape (2, 3, 4), in the same order of bytes."""
    volume = read_volume(write_nifti(tmp_path / "a.nii.gz", COUNTING, spacing_mm=(3, 2, 1)))
    assert volume.shape == (2, 3, 4)
    assert volume.spacing_mm == (3.0, 2.0, 1.0)
    assert volume.voxels[1, 2, 3] == 23
    np.testing.assert_array_equal(volume.voxels, COUNTING)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [nib.Nifti1Header, nib.Nifti2Header])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_order_and_version_is_read(tmp_path: Path, name: str, order: str, kind: Any, dtype: str) -> None:
    """Both NIfTI versions, both byte orders and every type give the voxels as stored, in native order."""
    voxels = COUNTING.astype(dtype)
    path = write_nifti(tmp_path / name, voxels, kind=kind, order=order)
    found = read_volume(path).voxels
    assert found.dtype == np.dtype(dtype)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, voxels)
    np.testing.assert_array_equal(found, np.asanyarray(by_nibabel(path).dataobj).T)


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    """Stored 3 with slope 2 and intercept -1000 is -994 HU, as float32."""

    def scale(header: Any) -> None:
        header["scl_slope"], header["scl_inter"] = 2, -1000

    path = write_nifti(tmp_path / "a.nii", COUNTING, change=scale)
    voxels = read_volume(path).voxels
    assert voxels.dtype == np.float32
    assert voxels[0, 0, 3] == -994
    np.testing.assert_allclose(voxels.T, by_nibabel(path).get_fdata())


@pytest.mark.parametrize("slope", [0.0, np.nan])
def test_a_slope_of_0_or_nan_means_none(tmp_path: Path, slope: float) -> None:
    """The NIfTI standard says so for 0, and nibabel writes NaN for "unset"."""

    def scale(header: Any) -> None:
        header["scl_slope"], header["scl_inter"] = slope, 5

    np.testing.assert_array_equal(read_volume(write_nifti(tmp_path / "a.nii", COUNTING, change=scale)).voxels, COUNTING)


@pytest.mark.parametrize("cuts", [[200], [40], [0], [352], [352, 353, 360], list(range(1, 400, 7))])
def test_a_gzip_of_several_members_is_one_file(tmp_path: Path, cuts: list[int]) -> None:
    """Members may end anywhere, also inside the header, and may be empty (as bgzip and `cat a.gz b.gz` make them)."""
    content = nifti_bytes(COUNTING)
    edges = [0, *cuts, len(content)]
    members = [gzip.compress(content[a:b]) for a, b in pairwise(edges)]
    path = place(tmp_path / "a.nii.gz", b"".join(members))
    np.testing.assert_array_equal(read_volume(path).voxels, COUNTING)
    assert read_header(path).shape == (2, 3, 4)


def test_zeros_after_a_gzip_stream_are_padding(tmp_path: Path) -> None:
    """Tapes and some tools pad files with zero bytes; the image before them counts."""
    path = place(tmp_path / "a.nii.gz", gzip.compress(nifti_bytes(COUNTING)) + bytes(1000))
    np.testing.assert_array_equal(read_volume(path).voxels, COUNTING)


def test_the_first_bytes_say_whether_it_is_gzip_not_the_name(tmp_path: Path) -> None:
    """A plain NIfTI called .nii.gz, and a gzipped one called .nii, are read."""
    plain = place(tmp_path / "a.nii.gz", nifti_bytes(COUNTING))
    zipped = place(tmp_path / "a.nii", gzip.compress(nifti_bytes(COUNTING)))
    for path in (plain, zipped):
        np.testing.assert_array_equal(read_volume(path).voxels, COUNTING)


def test_one_frame_in_four_dimensions_is_a_volume(tmp_path: Path) -> None:
    """A shape of 4 x 3 x 2 x 1 is what many tools write for one volume."""

    def four(header: Any) -> None:
        header.set_data_shape((4, 3, 2, 1))

    assert read_volume(write_nifti(tmp_path / "a.nii", COUNTING, change=four)).shape == (2, 3, 4)


# the header trap


def test_the_published_header_means_0_21_mm(tmp_path: Path) -> None:
    """Beside a 1 mm identity sform, pixdim and qform of 0.21 mm count: 108 times less volume."""
    path = write_nifti(tmp_path / "a.nii.gz", COUNTING, spacing_mm=(0.21, 0.21, 0.21), sform=np.eye(4))
    image = read(path)
    assert image.header.spacing_mm == pytest.approx((0.21, 0.21, 0.21))
    assert image.volume.voxel_mm3 == pytest.approx(0.009261)
    assert image.volume.spacing_mm == pytest.approx((0.21, 0.21, 0.21))
    assert (
        image.header.conflict
        == "the sform says 1 x 1 x 1 mm, pixdim 0.21 x 0.21 x 0.21 mm; pixdim and the qform were used"
    )
    assert read_header(path).conflict == image.header.conflict


def test_without_a_qform_pixdim_alone_counts(tmp_path: Path) -> None:
    """An identity sform against pixdim, and no qform: the axes as stored, with pixdim's spacing."""

    def no_qform(header: Any) -> None:
        header["qform_code"] = 0

    path = write_nifti(tmp_path / "a.nii", COUNTING, spacing_mm=(3, 2, 0.5), sform=np.eye(4), change=no_qform)
    header = read_header(path)
    np.testing.assert_allclose(header.affine, np.diag([0.5, 2, 3, 1]))
    assert header.conflict.endswith("pixdim were used")


def test_a_sform_within_one_percent_of_pixdim_is_believed(tmp_path: Path) -> None:
    """An sform of 1.009 mm beside a pixdim of 1 mm gives the place, pixdim the spacing; 1.02 mm is a conflict."""
    for said, believed in ((1.009, True), (1.02, False)):
        sform = np.diag([-said, said, said, 1.0])
        header = read_header(write_nifti(tmp_path / "a.nii", COUNTING, sform=sform))
        assert (header.conflict == "") == believed
        assert header.spacing_mm == (1.0, 1.0, 1.0)
        assert header.affine[0, 0] == pytest.approx(-1 if believed else 1)


def test_units_of_the_header_are_turned_into_mm(tmp_path: Path) -> None:
    """A pixdim of 210 micrometres is 0.21 mm."""

    def micron(header: Any) -> None:
        header.set_xyzt_units("micron")

    path = write_nifti(tmp_path / "a.nii", COUNTING, spacing_mm=(210, 210, 210), change=micron)
    assert read_volume(path).spacing_mm == pytest.approx((0.21, 0.21, 0.21))


def test_a_pixdim_0_of_zero_means_one(tmp_path: Path) -> None:
    """The sign beside the qform, pixdim[0], is 0 in files of many writers; the standard says to take it as 1."""

    def no_sign(header: Any) -> None:
        header["pixdim"][0] = 0

    for sform in (np.eye(4), None):
        path = write_nifti(tmp_path / "a.nii", COUNTING, spacing_mm=(0.5, 0.5, 0.5), sform=sform, change=no_sign)
        np.testing.assert_allclose(read_header(path).affine, np.diag([0.5, 0.5, 0.5, 1]))


# bad files: one sentence


def damage(**fields: Any) -> Callable[[Any], None]:
    """Return an edit that sets fields of a header; a pair (index, value) sets one entry of a field."""

    def change(header: Any) -> None:
        for name, value in fields.items():
            if isinstance(value, tuple):
                header[name][value[0]] = value[1]
            else:
                header[name] = value

    return change


BAD_HEADERS = {
    "dim of 0": damage(dim=(1, 0)),
    "two dims negative": damage(dim=(slice(1, 3), -2)),
    "one dim negative": damage(dim=(1, -1)),
    "two axes": damage(dim=(0, 2)),
    "no axis": damage(dim=(0, 0)),
    "300 axes": damage(dim=(0, 300)),
    "two frames": damage(dim=(slice(0, 5), [4, 4, 3, 1, 2])),
    "offset in the header": damage(vox_offset=100),
    "offset of 0": damage(vox_offset=0),
    "offset negative": damage(vox_offset=-352),
    "offset NaN": damage(vox_offset=np.nan),
    "offset infinite": damage(vox_offset=np.inf),
    "offset behind the end": damage(vox_offset=1e6),
    "type unknown": damage(datatype=77),
    "type RGB": damage(datatype=128),
    "type complex": damage(datatype=32),
    "spacing of 0": damage(pixdim=(2, 0)),
    "spacing negative": damage(pixdim=(2, -1)),
    "spacing NaN": damage(pixdim=(2, np.nan)),
    "quaternion beyond 1": damage(quatern_b=3, sform_code=0),
    "quaternion NaN": damage(quatern_b=np.nan, sform_code=0),
    "intercept infinite": damage(scl_inter=np.inf),
    "slope that overflows": damage(scl_slope=3e38),
    "half of a pair": damage(magic=b"ni1"),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_a_bad_header_is_one_sentence_with_the_file(tmp_path: Path, name: str, suffix: str) -> None:
    """Whatever is wrong with a header, the error is ours, on one line, and names the file."""
    path = write_nifti(tmp_path / f"bad{suffix}", COUNTING, change=BAD_HEADERS[name])
    with pytest.raises(InputError, match=f"bad{suffix}") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_unknown_unit_is_taken_as_mm_or_refused(tmp_path: Path, order: str) -> None:
    """A unit code that the standard does not know must not become a traceback."""
    path = write_nifti(tmp_path / "bad.nii", COUNTING, order=order, change=damage(xyzt_units=7))
    assert refusal(path) == "" or "bad.nii" in refusal(path)


@given(content=st.binary(max_size=700), start=st.sampled_from([b"", b"\x1f\x8b\x08", nifti_bytes(COUNTING)[:348]]))
def test_any_bytes_are_an_image_or_one_sentence(tmp_path: Path, content: bytes, start: bytes) -> None:
    """Noise, noise behind a gzip magic, and noise behind a true header never raise anything but InputError."""
    path = place(tmp_path / "noise.nii", start + content)
    assert refusal(path) == "" or "noise.nii" in refusal(path)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255])
def test_any_damaged_byte_of_a_header_is_an_image_or_one_sentence(tmp_path: Path, value: int) -> None:
    """One wrong byte anywhere in the header never raises anything but InputError, and never warns."""
    whole, path = nifti_bytes(COUNTING), tmp_path / "flipped.nii"
    for position in range(348):
        content = bytearray(whole)
        content[position] = value
        place(path, bytes(content))
        assert refusal(path) == "" or "flipped.nii" in refusal(path)


@pytest.mark.parametrize("left", [3, 10, 18, 30, 60, -9, -4, -1])
def test_a_truncated_gzip_is_refused(tmp_path: Path, left: int) -> None:
    """Cut anywhere, also inside the trailer, the file is refused by name."""
    noise = np.random.default_rng(0).integers(0, 1000, (6, 6, 6)).astype(np.int16)
    path = place(tmp_path / "cut.nii.gz", gzip.compress(nifti_bytes(noise))[:left])
    with pytest.raises(FileError, match=r"cut\.nii\.gz"):
        read(path)


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    """A gzip stream whose checksum does not fit its content was damaged."""
    content = bytearray(gzip.compress(nifti_bytes(COUNTING)))
    content[-8] ^= 1
    with pytest.raises(FileError, match=r"damaged\.nii\.gz is not a whole gzip file"):
        read(place(tmp_path / "damaged.nii.gz", bytes(content)))


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("bytes_more", [-2, -1, 1, 2, 48])
def test_a_size_that_disagrees_with_the_header_is_refused(tmp_path: Path, suffix: str, bytes_more: int) -> None:
    """Fewer or more bytes than the header asks for: the error has the file and both numbers."""
    content = nifti_bytes(COUNTING)
    content = content[:bytes_more] if bytes_more < 0 else content + bytes(bytes_more)
    path = place(tmp_path / f"odd{suffix}", gzip.compress(content) if suffix == ".nii.gz" else content)
    with pytest.raises(FileError, match=rf"odd{suffix}.* 400 bytes|odd{suffix}.*asks for 400"):
        read(path)


def test_a_bomb_behind_a_small_header_is_not_inflated(tmp_path: Path) -> None:
    """A 400-byte image followed by 200 MB of zeros (200 kB zipped) is refused with less than 5 MB of memory."""
    bomb = gzip.compress(nifti_bytes(COUNTING) + bytes(200_000_000), 6)
    path = place(tmp_path / "bomb.nii.gz", bomb)
    assert peak_memory_of_refusing(path) < 5_000_000


def test_a_huge_header_over_little_data_takes_no_memory(tmp_path: Path) -> None:
    """A header that asks for 30000 x 30000 x 30000 voxels over a few bytes is refused before they are allocated."""
    huge = nifti_bytes(COUNTING, change=damage(dim=(slice(1, 4), 30_000)))
    assert peak_memory_of_refusing(place(tmp_path / "huge.nii.gz", gzip.compress(huge))) < 5_000_000
    assert peak_memory_of_refusing(place(tmp_path / "huge.nii", huge)) < 5_000_000


def test_a_header_that_its_file_could_just_hold_takes_only_what_is_there(tmp_path: Path) -> None:
    """A 500 kB file of noise whose header asks for 400 MB (deflate could do that) takes a few MB to refuse."""
    noise = np.random.default_rng(0).bytes(500_000)
    start = nifti_bytes(COUNTING, change=damage(dim=(slice(1, 4), [1000, 1000, 200])))[:352]
    path = place(tmp_path / "liar.nii.gz", gzip.compress(start + noise))
    assert peak_memory_of_refusing(path) < 20_000_000


def peak_memory_of_refusing(path: Path) -> int:
    """Return the bytes of Python's memory that a refusal took at most."""
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match=path.name):
            read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_voxels_that_are_no_numbers_are_refused_and_counted(
    tmp_path: Path, value: float, dtype: str, order: str
) -> None:
    """Two such voxels of 24: the error says 2 and what to put there."""
    voxels = COUNTING.astype(dtype)
    voxels[0, 0, :2] = value
    with pytest.raises(FileError, match=r"hole\.nii has 2 voxels that are NaN or infinite"):
        read(write_nifti(tmp_path / "hole.nii", voxels, order=order))


def test_an_oblique_affine_is_refused_with_the_file(tmp_path: Path) -> None:
    """Axes turned by 10 degrees: the error names the file and the remedy."""
    angle = np.deg2rad(10)
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    with pytest.raises(GeometryError, match=r"tilted\.nii: the affine is oblique.*resample"):
        read(write_nifti(tmp_path / "tilted.nii", COUNTING, sform=turned))


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "text"])
def test_what_is_no_image_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    """A missing file, a folder, an empty file and a text each give FileError."""
    path = tmp_path / "what.nii.gz"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"dataset,mouse\n" * 50)
    for attempt in (read, read_header):
        with pytest.raises(FileError, match=r"what\.nii\.gz"):
            attempt(path)


# writing


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("dtype", ["bool", *TYPES])
def test_what_is_written_is_read_by_nibabel_and_by_us(tmp_path: Path, name: str, dtype: str) -> None:
    """Voxels, type and place survive the way through a file; bool becomes uint8."""
    voxels = COUNTING.astype(dtype)
    write(Volume(voxels, PLACE), tmp_path / name)
    other = by_nibabel(tmp_path / name)
    np.testing.assert_array_equal(np.asanyarray(other.dataobj).T, voxels)
    np.testing.assert_allclose(other.affine, PLACE, atol=1e-6)
    np.testing.assert_allclose(other.get_qform(), PLACE, atol=1e-6)
    assert other.header.get_zooms() == pytest.approx((0.21, 0.21, 0.3))
    mine = read(tmp_path / name)
    assert mine.volume.voxels.dtype == (np.uint8 if dtype == "bool" else dtype)
    assert mine.header.conflict == ""
    np.testing.assert_allclose(mine.volume.affine, PLACE, atol=1e-6)


@given(
    voxels=arrays(np.int16, array_shapes(min_dims=3, max_dims=3, max_side=6)),
    order=st.permutations(range(3)),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    spacing=st.tuples(*[st.floats(0.01, 5)] * 3),
)
def test_any_volume_survives_the_way_through_a_file(
    tmp_path: Path,
    voxels: np.ndarray,
    order: list[int],
    signs: tuple[int, int, int],
    spacing: tuple[float, float, float],
) -> None:
    """Any voxels with any axis order, flips and spacing are read back as they were written."""
    affine = np.eye(4)
    affine[:3, :3] = np.diag(np.multiply(signs, spacing))[:, order]
    write(Volume(voxels, affine), tmp_path / "any.nii.gz")
    back = read(tmp_path / "any.nii.gz")
    np.testing.assert_array_equal(back.volume.voxels, voxels)
    np.testing.assert_allclose(back.volume.affine, affine, rtol=1e-5, atol=1e-5)
    assert back.header.conflict == ""


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    """No date, no name, no memory order shows in a file."""
    for name, voxels in (("a", COUNTING), ("b", np.asfortranarray(COUNTING)), ("c", COUNTING.astype(">i2"))):
        write(Volume(voxels, PLACE), tmp_path / f"{name}.nii.gz")
    contents = {path.read_bytes() for path in tmp_path.iterdir()}
    assert len(contents) == 1
    assert contents.pop()[4:8] == bytes(4)  # gzip's time stamp


def test_a_long_axis_is_written_as_nifti_2(tmp_path: Path) -> None:
    """An axis of 40,000 voxels does not fit NIfTI-1's int16."""
    voxels = np.arange(40_000, dtype=np.int32).reshape(1, 1, 40_000)
    write(Volume(voxels, np.eye(4)), tmp_path / "long.nii.gz")
    other = by_nibabel(tmp_path / "long.nii.gz")
    assert isinstance(other.header, nib.Nifti2Header)
    np.testing.assert_array_equal(np.asanyarray(other.dataobj).T, voxels)
    np.testing.assert_array_equal(read_volume(tmp_path / "long.nii.gz").voxels, voxels)


def test_writing_where_nothing_can_be_written_is_an_output_error(tmp_path: Path) -> None:
    """A parent that is a file, and a target that is a folder: OutputError, and nothing is left behind."""
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.nii.gz").mkdir()
    for target in (tmp_path / "file" / "a.nii.gz", tmp_path / "folder.nii.gz"):
        with pytest.raises(OutputError, match="cannot write"):
            write(Volume(COUNTING, PLACE), target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.nii.gz"]


def test_real_masks_are_read_as_nibabel_reads_them(shared_data: Path) -> None:
    """Every real mask gives the same voxels and spacing as nibabel."""
    paths = sorted(shared_data.glob("*_study/**/*.nii.gz"))
    assert len(paths) == 82
    for path in paths:
        other = by_nibabel(path)
        volume = read_volume(path)
        np.testing.assert_array_equal(volume.voxels.T, np.asanyarray(other.dataobj))
        assert volume.spacing_mm[::-1] == pytest.approx(other.header.get_zooms()[:3])
