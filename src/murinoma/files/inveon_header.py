"""The ASCII header of a Siemens Inveon file, ``X.img.hdr``: every line as a typed value, and back to text."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from murinoma.errors import FileError, OutputError

Numbers = tuple[float, ...]
Value = None | int | float | str | datetime | Numbers | tuple[Numbers, ...] | tuple[str, ...]
Block = Mapping[str, Value]

ENCODING = "latin-1"
MAX_BYTES = 64 << 20  # a real header has 37 kB; a dynamic PET with thousands of frames a few MB
TITLE = "# Header file for data file"
FRAME, END = "frame", "end_of_header"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


INTEGERS = _words(
    """
    model modality modality_configuration file_type acquisition_mode total_frames time_frames bed_control bed_motion
    number_of_bed_positions number_detector_panels data_type number_of_dimensions x_dimension y_dimension z_dimension
    w_dimension volume_origin_x volume_origin_y volume_origin_z registration_available normalization_applied
    recon_algorithm subject_orientation subject_length_units subject_weight_units calibration_units smooth_types
    smooth_iter gantry_rotation rotation_direction number_of_projections ct_file_version ct_header_size
    ct_proj_size_transaxial ct_proj_size_axial ct_average_dark_projections ct_average_light_projections
    ct_light_calibration_projections ct_dependent_light_calibration_projections ct_uncropped_transaxial_pixels
    ct_uncropped_axial_pixels ct_cropped_transaxial_pixels ct_cropped_axial_pixels ct_warping ct_calibration_exposures
    ct_projection_interpolation ct_transaxial_bin_factor ct_axial_bin_factor ct_gating ct_proj_downsample_factor
    ct_first_recon_proj ct_last_recon_proj ct_recon_every_nth_proj ct_bh_correction
    frame detector_panel event_type energy_window gate bed bed_passes
    """
)
FLOATS = _words(
    """
    version horizontal_bed_calibration vertical_bed_calibration transaxial_bin_size axial_plane_size recon_version
    x_offset y_offset zoom pixel_size pixel_size_x pixel_size_y pixel_size_z subject_length subject_weight
    calibration_factor smooth_threshold rotating_stage_start_position rotating_stage_stop_position gantry_revolutions
    ct_xray_detector_offset ct_detector_transaxial_position ct_xray_detector_pitch ct_horiz_rot_axis_bed_angle
    ct_vert_rot_axis_bed_angle ct_exposure_time ct_xray_voltage ct_anode_current ct_cone_angle ct_source_to_detector
    ct_source_to_crot ct_detector_vertical_offset ct_detector_horizontal_tilt ct_detector_vertical_tilt
    ct_hounsfield_scale ct_hounsfield_offset ct_attenuation_water ct_aluminum_filter_thickness
    ct_projection_average_center_offset
    bed_offset ending_bed_offset vertical_bed_offset frame_start frame_duration scale_factor minimum maximum
    """
)
LISTS = _words(  # several numbers on one line
    """
    x_filter y_filter z_filter image_ref_shift image_ref_rotation ct_tx_rotation_offsets ct_tx_transaxial_offsets
    data_file_pointer
    """
)
TABLES = frozenset(  # one line per projection: its number, and a value
    ("projection", "ct_projection_center_offset", "ct_projection_horizontal_bed_offset")
)
TIMES = frozenset(("scan_time", "gmt_scan_time"))
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # our own: strptime's depend on the locale
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class InveonHeader:
    """The whole header: what holds for all frames, and each frame's own block.

    Attributes
    ----------
    general, frames
        Key -> value, in the file's order. Known keys are int, float, datetime (local time, no zone), a tuple of
        numbers, or a tuple of such tuples where the key has a line per projection; None if such a line is empty.
        Unknown keys, and known ones that do not hold what they should, are text as it stands, a tuple of texts if
        they have several lines.
    """

    general: Block
    frames: tuple[Block, ...]


def read_header(path: Path) -> InveonHeader:
    """Return the header at `path`; LF or CRLF, Latin-1.

    Raises
    ------
    FileError
        If the file cannot be read or is no Inveon header.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}; check the path and its permissions") from error
    header = parse_header(content.decode(ENCODING))
    if not header.general.keys() & {"data_type", "x_dimension", "file_type"}:
        raise FileError(
            f"{path} is no Inveon header (no data_type, x_dimension or file_type in it); give the .img.hdr that lies "
            "beside the .img"
        )
    return header


def parse_header(text: str) -> InveonHeader:
    """Return the header that `text` spells; lines that start with # are comments. Accepts any text."""
    blocks: list[dict[str, list[str]]] = [{}]
    for key, content in _lines(text):
        if key == FRAME:
            blocks.append({})
        blocks[-1].setdefault(key, []).append(content)
    general, *frames = ({key: _value(key, contents) for key, contents in block.items()} for block in blocks)
    return InveonHeader(general, tuple(frames))


def format_header(header: InveonHeader, data_name: str) -> str:
    """Return a header as text that `parse_header` turns back into the same values; comments are not kept.

    Raises
    ------
    OutputError
        If a text holds a line break or a character outside Latin-1.
    """
    opening = [TITLE + f" {data_name}", f"#    with {len(header.frames)} frames."]
    blocks = (header.general, *header.frames)
    body = [line for block in blocks for line in (*_block_lines(block), END)]
    text = "\n".join([*opening, *body, ""])
    breaks = len(text.splitlines()) - len(opening) - len(body)
    if breaks or not all(ord(sign) < 256 for sign in text):
        raise OutputError("an Inveon header takes Latin-1 text without line breaks; change the values given for it")
    return text


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        key, *content = line.split(None, 1) or ("#",)
        if not key.startswith("#") and key != END:
            yield key, content[0].strip() if content else ""


def _value(key: str, contents: list[str]) -> Value:
    """Return the value of a key from all its lines; a known key that holds one value holds the last."""
    if key in TABLES:
        try:
            return tuple(_numbers(content) for content in contents)
        except ValueError:
            return tuple(contents)
    if key in KNOWN or len(contents) == 1:
        return _typed(key, contents[-1])
    return tuple(contents)


def _typed(key: str, content: str) -> Value:
    for keys, convert in KINDS:
        if key in keys:
            try:
                return convert(content) if content else None
            except ValueError:
                return content
    return content


def _number(content: str) -> float:
    number = float(content)
    if not math.isfinite(number):
        raise ValueError(content)
    return number


def _integer(content: str) -> int:
    number = _number(content)
    if not number.is_integer():
        raise ValueError(content)
    return int(number)


def _numbers(content: str) -> Numbers:
    """Return the numbers of a line; those written whole are int, so that pointers stay exact."""
    return tuple(_integer(part) if part.lstrip("+-").isdigit() else _number(part) for part in content.split())


def _time(content: str) -> datetime:
    """Return a time written like ``Tue Mar  4 10:35:39 2015``."""
    _, month, day, clock, year = content.split()
    hour, minute, second = (int(part) for part in clock.split(":"))
    return datetime(int(year), MONTHS.index(month) + 1, int(day), hour, minute, second)


KINDS: tuple[tuple[frozenset[str], Callable[[str], Value]], ...] = (
    (INTEGERS, _integer),
    (FLOATS, _number),
    (LISTS, _numbers),
    (TIMES, _time),
)
KNOWN = INTEGERS | FLOATS | LISTS | TIMES


def _block_lines(block: Block) -> Iterator[str]:
    for key, value in block.items():
        rows = value if isinstance(value, tuple) and key not in LISTS else (value,)
        yield from (f"{key} {_text(row)}" for row in rows)


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        day, month = DAYS[value.weekday()], MONTHS[value.month - 1]
        return f"{day} {month} {value.day:2d} {value:%H:%M:%S} {value.year}"
    if isinstance(value, tuple):
        return " ".join(repr(number) for number in value)
    return repr(value) if isinstance(value, float) else str(value)
