"""Inveon pairs: what is read and written, the real header, and what is refused."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from murinoma.errors import FileError, OutputError
from murinoma.files import inveon
from murinoma.files.inveon_header import InveonHeader, format_header, parse_header, read_header
from murinoma.volume import Volume

COUNTING = np.arange(24, dtype=np.int16).reshape(2, 3, 4)  # z, y, x
PLACE = np.diag([0.1, 0.2, 0.3, 1.0])  # x, y, z
TYPES = {1: "|i1", 2: "<i2", 3: "<i4", 4: "<f4", 5: ">f4", 6: ">i2", 7: ">i4"}
FRAME = {"frame": 0, "data_file_pointer": "0 0", "scale_factor": 1}
GENERAL: dict[str, Any] = {
    "modality": 1, "file_type": 5, "total_frames": 1, "data_type": 2, "x_dimension": 4, "y_dimension": 3,
    "z_dimension": 2, "pixel_size": 0, "pixel_size_x": 0.1, "pixel_size_y": 0.2, "pixel_size_z": 0.3,
}  # fmt: skip


def write_pair(
    folder: Path, *, content: bytes | None = COUNTING.tobytes(), frames: Any = (FRAME,), end: str = "\n", **general: Any
) -> Path:
    """Write ``a.ct.img`` and its header by hand, without the code under test; a key set to None is left out."""
    path = folder / "a.ct.img"
    blocks = [{**GENERAL, **general}, *frames]
    lines = ["#", "# Header file for data file a.ct.img", "#    with 1 frames."]
    for block in blocks:
        lines += [f"{key} {value}" for key, value in block.items() if value is not None]
        lines += ["# End of Header indicator", "end_of_header"]
    (folder / "a.ct.img.hdr").write_bytes(end.join([*lines, ""]).encode("latin-1"))
    if content is not None:
        path.write_bytes(content)
    return path


def refusal(path: Path, **options: Any) -> str:
    """Return the sentence with which a pair is refused; it names its file and a remedy."""
    with pytest.raises(FileError) as caught:
        inveon.read(path, **options)
    assert "a.ct" in str(caught.value)
    assert ";" in str(caught.value)
    return str(caught.value)


# reading, by hand


@pytest.mark.parametrize("name", ["a.ct.img", "a.ct.img.hdr"])
def test_x_is_the_fastest_axis_whichever_file_is_named(tmp_path: Path, name: str) -> None:
    """4 x 3 x 2 voxels (x fastest) become an array of shape (2, 3, 4); the spacing follows its axis."""
    image = inveon.read(write_pair(tmp_path).with_name(name))
    assert image.stored.shape == (2, 3, 4)
    assert image.stored.voxels[1, 2, 3] == 23
    assert image.stored.spacing_mm == (0.3, 0.2, 0.1)
    np.testing.assert_array_equal(image.stored.affine, PLACE)
    assert image.files == (tmp_path / "a.ct.img", tmp_path / "a.ct.img.hdr")


def test_voxels_are_mapped_not_copied(tmp_path: Path) -> None:
    """A voxel changed in the file is changed in the array that was read before."""
    path = write_pair(tmp_path)
    voxels = inveon.read(path).stored.voxels
    with path.open("r+b") as stream:
        stream.write(b"\x07\x01")
    assert voxels[0, 0, 0] == 263


@pytest.mark.parametrize(("code", "kind"), TYPES.items())
def test_every_data_type_is_read(tmp_path: Path, code: int, kind: str) -> None:
    """Types 1 to 7 are int8, int16, int32, float32 in Intel order, then float32, int16, int32 in Sun order."""
    voxels = COUNTING.astype(kind)
    found = inveon.read(write_pair(tmp_path, content=voxels.tobytes(), data_type=code)).stored.voxels
    assert found.dtype == np.dtype(kind)
    np.testing.assert_array_equal(found, voxels)


def test_carriage_returns_and_latin_1_are_read(tmp_path: Path) -> None:
    """CRLF leaves no trace in a value, and a Latin-1 letter is that letter."""
    header = inveon.read(write_pair(tmp_path, end="\r\n", study="Mäuse  mit Tumor", operator="")).header
    assert header.general["study"] == "Mäuse  mit Tumor"
    assert header.general["operator"] == ""
    assert header.general["x_dimension"] == 4


def test_values_have_types(tmp_path: Path) -> None:
    """Integers, numbers, pairs, tables and times are values; unknown keys and broken values stay text."""
    text = (
        "ct_xray_voltage 60\nx_filter 6 0.5\nscan_time Tue Mar  4 10:35:39 2015\nprojection 0 0\nprojection 1 2.5\n"
        "subject_weight\nshoe_size 41\nshoe_size 42\nvendor_key a b\nz_dimension many\nend_of_header\nframe 0\nbed 2\n"
    )
    header = parse_header(text)
    assert header.general == {
        "ct_xray_voltage": 60.0,
        "x_filter": (6, 0.5),
        "scan_time": datetime(2015, 3, 4, 10, 35, 39),
        "projection": ((0, 0), (1, 2.5)),
        "subject_weight": None,
        "shoe_size": ("41", "42"),
        "vendor_key": "a b",
        "z_dimension": "many",
    }
    assert header.frames == ({"frame": 0, "bed": 2},)
    assert parse_header(format_header(header, "a.img")) == header
    assert parse_header("projection a b\n").general == {"projection": ("a b",)}
    assert parse_header("scale_factor nan\nmodel 1.5\n").general == {"scale_factor": "nan", "model": "1.5"}


@pytest.mark.parametrize(
    ("sizes", "spacing"),
    [
        ({"pixel_size": 0.05, "pixel_size_x": 0, "pixel_size_y": None, "pixel_size_z": ""}, (0.5, 0.5, 0.5)),
        ({"pixel_size": 0.05}, (0.3, 0.2, 0.1)),
    ],
)
def test_pixel_size_in_cm_stands_in(tmp_path: Path, sizes: Any, spacing: tuple[float, ...]) -> None:
    """0.05 cm are 0.5 mm, used only for axes whose own size is 0, empty or absent."""
    assert inveon.read(write_pair(tmp_path, **sizes)).stored.spacing_mm == spacing


def test_a_frame_can_be_chosen(tmp_path: Path) -> None:
    """Of two frames the chosen one is read, with its own scale factor, from where its pointer says."""
    frames = [FRAME, {"frame": 1, "data_file_pointer": "0 48", "scale_factor": 2}]
    path = write_pair(tmp_path, content=COUNTING.tobytes() + (COUNTING + 100).tobytes(), frames=frames, total_frames=2)
    image = inveon.read(path, frame=1)
    np.testing.assert_array_equal(image.stored.voxels, COUNTING + 100)
    assert image.scale_factor == 2
    assert "2 frames" in refusal(path)
    assert "choose one of 0, 1" in refusal(path)
    assert "no frame 2" in refusal(path, frame=2)


@pytest.mark.parametrize(
    ("pointer", "offset"), [("1 16", (1 << 32) + 16), ("16", 16), ("0 -2147483632", (1 << 31) + 16)]
)
def test_voxels_may_begin_beyond_4_gib(tmp_path: Path, pointer: str, offset: int) -> None:
    """A pointer is high and low half, or the low one alone; a half printed as a signed number counts as unsigned."""
    path = write_pair(tmp_path, content=None, frames=[{**FRAME, "data_file_pointer": pointer}])
    with path.open("wb") as stream:  # a sparse file: nothing is stored before the voxels
        stream.seek(offset)
        stream.write(COUNTING.tobytes())
    np.testing.assert_array_equal(inveon.read(path).stored.voxels, COUNTING)


def test_voxels_are_found_by_the_name_in_the_header(tmp_path: Path) -> None:
    """Voxels under the header's own name come first, then those that the last part of `file_name` names."""
    path = write_pair(tmp_path, file_name=r"F:\Facility\User Folders\mouse 7.ct.img")
    named = path.rename(tmp_path / "mouse 7.ct.img")
    assert inveon.read(tmp_path / "a.ct.img.hdr").files[0] == named
    path.write_bytes((COUNTING + 1).tobytes())
    assert inveon.read(tmp_path / "a.ct.img.hdr").files[0] == path


def test_what_is_not_applied_or_not_known_is_said(tmp_path: Path) -> None:
    """A calibration factor is left alone and said so; a recorded orientation ends the notice about it."""
    notices = inveon.read(write_pair(tmp_path, calibration_factor=2.7205)).notices
    assert "calibration_factor 2.7205 was not applied" in notices[0]
    assert "left and right" in notices[1]
    assert inveon.read(write_pair(tmp_path, calibration_factor=1, subject_orientation=2)).notices == ()


def test_parameters_are_those_of_table_2(tmp_path: Path) -> None:
    """kVp, uA, ms, orientation and reconstruction come from the header; 0 and absent are unknown."""
    keys: dict[str, Any] = {
        "ct_xray_voltage": 60,
        "ct_anode_current": 500,
        "ct_exposure_time": 0,
        "subject_orientation": 6,
    }
    found = inveon.parameters(inveon.read(write_pair(tmp_path, **keys, recon_algorithm=9, model=5001)).header)
    assert (found.kvp, found.ua, found.ms, found.orientation) == (60, 500, None, "HFDR")
    assert (found.scanner, found.reconstruction) == ("Siemens Inveon MM Platform", "Feldkamp cone beam")


# the real header


def test_the_real_header_is_read_whole(shared_data: Path) -> None:
    """512 x 512 x 679, int16, 0.195782 mm, 60 kV, 500 uA, 300 ms; every line is kept, and written back the same."""
    path = shared_data / "inveon_two_mice.ct.img.hdr"
    header = read_header(path)
    general, parameters = header.general, inveon.parameters(header)
    assert [general[f"{axis}_dimension"] for axis in "xyz"] == [512, 512, 679]
    assert [general[f"pixel_size_{axis}"] for axis in "xyz"] == [0.195782] * 3
    assert general["data_type"] == 2
    assert (parameters.kvp, parameters.ua, parameters.ms, parameters.orientation) == (60, 500, 300, None)
    assert general["scan_time"] == datetime(2017, 6, 30, 11, 53, 21)
    assert general["subject_weight"] == 48.4
    assert general["ct_scan_time"] == "6:40"
    angles = general["projection"]
    assert isinstance(angles, tuple)
    assert (len(angles), angles[-1]) == (181, (180, 360))
    assert len(header.frames) == 1
    assert header.frames[0]["scale_factor"] == 1
    lines = [line.split() for line in path.read_text("latin-1").splitlines() if line and not line.startswith("#")]
    assert {line[0] for line in lines} - {"end_of_header"} == general.keys() | header.frames[0].keys()
    assert parse_header(format_header(header, "a.img")) == header


def test_the_real_header_gives_the_real_voxels(shared_data: Path, tmp_path: Path) -> None:
    """Beside a (sparse) file of the right size the real header opens as 679 slices of 512 x 512."""
    real = (shared_data / "inveon_two_mice.ct.img.hdr").read_bytes()
    (tmp_path / "two.ct.img.hdr").write_bytes(real)
    with (tmp_path / "two.ct.img").open("wb") as stream:
        stream.truncate(512 * 512 * 679 * 2)
    image = inveon.read(tmp_path / "two.ct.img")
    assert image.stored.shape == (679, 512, 512)
    assert image.stored.spacing_mm == (0.195782, 0.195782, 0.195782)
    assert image.stored.voxels.dtype == np.int16
    assert "2.7205 was not applied" in image.notices[0]


# writing


@given(
    kind=st.sampled_from(list(TYPES.values())), shape=array_shapes(min_dims=3, max_dims=3, max_side=5), data=st.data()
)
def test_what_is_written_reads_back_to_the_bit(
    tmp_path: Path, kind: str, shape: tuple[int, ...], data: st.DataObject
) -> None:
    """Any values of any type and order, NaN included, and any spacing."""
    voxels = data.draw(arrays(np.dtype(kind), shape))
    sizes = data.draw(st.tuples(*[st.floats(0.001, 10)] * 3))
    path = tmp_path / "w.ct.img"
    inveon.write(Volume(voxels, np.diag([*sizes, 1.0])), path)
    found = inveon.read(path).stored
    assert found.voxels.dtype == voxels.dtype
    assert found.voxels.tobytes() == voxels.tobytes()
    np.testing.assert_array_equal(found.affine, np.diag([*sizes, 1.0]))


def test_a_writer_sets_keys(tmp_path: Path) -> None:
    """Given values join the header, `scale_factor` in its frame; the same volume gives the same bytes."""
    values: dict[str, Any] = {"scale_factor": 0.5, "ct_xray_voltage": 60.0, "scan_time": datetime(2015, 3, 4, 1, 2, 3)}
    path = tmp_path / "deep" / "b.ct.img"
    inveon.write(Volume(COUNTING[:, ::-1], PLACE), path, values=values)
    image = inveon.read(path)
    np.testing.assert_array_equal(image.stored.voxels, COUNTING[:, ::-1])
    assert image.scale_factor == 0.5
    assert image.header.general["scan_time"] == datetime(2015, 3, 4, 1, 2, 3)
    first = inveon.header_of(path).read_bytes()
    assert b"scan_time Wed Mar  4 01:02:03 2015" in first
    inveon.write(Volume(COUNTING[:, ::-1], PLACE), path, values=values)
    assert inveon.header_of(path).read_bytes() == first


@pytest.mark.parametrize(
    ("voxels", "study"),
    [(COUNTING.astype(np.uint16), "a"), (COUNTING > 1, "a"), (COUNTING, "a\nmodality 0"), (COUNTING, "μ")],
)
def test_what_the_format_cannot_hold_is_not_written(tmp_path: Path, voxels: Any, study: str) -> None:
    """Other types, line breaks and letters outside Latin-1 are refused, and nothing is left behind."""
    with pytest.raises(OutputError, match=";"):
        inveon.write(Volume(voxels, PLACE), tmp_path / "c.img", values={"study": study})
    assert list(tmp_path.iterdir()) == []


@given(
    st.dictionaries(
        st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda key: key not in ("frame", "end_of_header")),
        st.text(st.characters(max_codepoint=255)),
    )
)
def test_any_text_parses_and_is_kept(block: dict[str, str]) -> None:
    """Whatever stands behind a key is kept, and what was parsed once is written and parsed the same."""
    text = "".join(f"{key} {value}\n" for key, value in block.items() if "\n" not in value)
    header = parse_header(text)
    try:
        again = format_header(header, "a.img")
    except OutputError:
        return  # control characters that other programs take for line breaks
    assert parse_header(again) == header


# bad input


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"modality": 0}, "PET (modality 0)"),
        ({"modality": 2}, "SPECT"),
        ({"modality": -1}, "unknown modality"),
        ({"file_type": 14}, "projections"),
        ({"file_type": 2}, "a sinogram (file_type 2)"),
        ({"file_type": "x"}, "not an image"),
        ({"data_type": 0}, "data_type 0"),
        ({"data_type": None}, "data_type None"),
        ({"x_dimension": 0}, "x_dimension 0"),
        ({"z_dimension": None}, "z_dimension None"),
        ({"y_dimension": "lots"}, "y_dimension lots"),
        ({"z_dimension": 3}, "48 bytes where a.ct.img.hdr asks for 72"),
        ({"pixel_size_x": 0}, "pixel_size_x 0.0 and pixel_size 0.0"),
        ({"pixel_size_z": None, "pixel_size": None}, "pixel_size_z None and pixel_size None"),
        ({"pixel_size_y": -0.2}, "pixel_size_y -0.2"),
        ({"pixel_size_y": "nan"}, "pixel_size_y nan"),
        ({"total_frames": 2}, "total_frames 2 and describes 1"),
        ({"frames": ()}, "total_frames 1 and describes 0"),
        ({"frames": [{**FRAME, "scale_factor": 0}]}, "scale_factor 0"),
        ({"frames": [{**FRAME, "scale_factor": ""}]}, "scale_factor None"),
        ({"frames": [{**FRAME, "data_file_pointer": "1 2 3"}]}, "data_file_pointer (1, 2, 3)"),
        ({"frames": [{**FRAME, "data_file_pointer": "0 1.5"}]}, "data_file_pointer (0, 1.5)"),
        ({"frames": [{**FRAME, "data_file_pointer": "0 4"}]}, "asks for 52"),
        ({"frames": [{"frame": n} for n in range(12)], "total_frames": 12}, "8, 9, ... 11"),
    ],
)
def test_a_header_that_is_no_ct_image_is_refused(tmp_path: Path, keys: dict[str, Any], words: str) -> None:
    """Other modalities, other files, and values that cannot be are each refused with the value."""
    assert words in refusal(write_pair(tmp_path, **keys))


@pytest.mark.parametrize("content", [b"", COUNTING.tobytes()[:-1], COUNTING.tobytes() + b"\0"])
def test_sizes_that_disagree_are_refused(tmp_path: Path, content: bytes) -> None:
    """Voxels that are more or fewer than the header says are not read."""
    assert f"holds {len(content)} bytes" in refusal(write_pair(tmp_path, content=content))


def test_half_a_pair_is_refused(tmp_path: Path) -> None:
    """A header without voxels, voxels without header, and neither: each says what is missing."""
    path = write_pair(tmp_path, content=None, file_name=r"C:\other.img")
    assert "has no voxels (its file_name is other.img); put a.ct.img" in refusal(path)
    assert "has no voxels; put a.ct.img" in refusal(write_pair(tmp_path, content=None, file_name=""))
    inveon.header_of(path).unlink()
    assert "neither" in refusal(path)
    path.write_bytes(COUNTING.tobytes())
    assert "has no header; put a.ct.img.hdr" in refusal(path)


@pytest.mark.parametrize("name", ["\0", "m" * 5000, "..", "a.ct.img.hdr", "/etc/passwd"])
def test_a_damaged_name_in_the_header_finds_nothing(tmp_path: Path, name: str) -> None:
    """Names that no file can have, the header itself, and files elsewhere are not taken for voxels."""
    assert "has no voxels" in refusal(write_pair(tmp_path, content=None, file_name=name))


@pytest.mark.parametrize("name", ["a.ct.cat", "a.ct.cat.hdr"])
def test_projections_are_refused_by_name(tmp_path: Path, name: str) -> None:
    """A .cat file holds projections, whatever its header says."""
    (tmp_path / name).write_bytes(b"")
    assert "projections" in refusal(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\0" * 348, b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 8])
def test_what_is_no_inveon_header_is_refused(tmp_path: Path, content: bytes) -> None:
    """An Analyze header, a picture or noise beside an .img is no Inveon header."""
    (tmp_path / "a.ct.img.hdr").write_bytes(content)
    (tmp_path / "a.ct.img").write_bytes(b"12")
    assert "no Inveon header" in refusal(tmp_path / "a.ct.img")


def test_voxels_named_as_a_header_are_not_read_whole(tmp_path: Path) -> None:
    """A file far too long for a header is no header."""
    with (tmp_path / "a.ct.img.hdr").open("wb") as stream:
        stream.truncate(1 << 40)
    assert "no Inveon header" in refusal(tmp_path / "a.ct.img")


def test_a_missing_header_is_a_sentence(tmp_path: Path) -> None:
    """A path to nothing is named."""
    with pytest.raises(FileError, match=r"cannot read .*none\.hdr.*; check"):
        read_header(tmp_path / "none.hdr")


def test_a_header_without_text_is_empty() -> None:
    """No line, no key."""
    assert parse_header("") == InveonHeader({}, ())
