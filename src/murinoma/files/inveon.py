"""Read and write Siemens Inveon CT: raw voxels ``X.img`` beside an ASCII header ``X.img.hdr``.

The file counts (x, y, z) with x fastest, a `Volume` is indexed [z, y, x]: the same bytes, so nothing is copied.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np

from murinoma.errors import FileError, OutputError
from murinoma.files.atomic import atomic_file, write_bytes
from murinoma.files.inveon_header import ENCODING, Block, InveonHeader, Value, format_header, read_header
from murinoma.files.parameters import Parameters
from murinoma.volume import Volume

HEADER_SUFFIX = ".hdr"
PROJECTION_SUFFIX = ".cat"
DATA_TYPES = {1: "|i1", 2: "<i2", 3: "<i4", 4: "<f4", 5: ">f4", 6: ">i2", 7: ">i4"}
CT, IMAGE = 1, 5
MODALITIES = {-1: "an unknown modality", 0: "PET", 2: "SPECT"}
FILE_TYPES = {
    1: "list mode data", 2: "a sinogram", 3: "normalization data", 4: "attenuation correction data", 6: "a blank scan",
    8: "a mu map", 9: "scatter correction data", 14: "CT projections", 15: "SPECT projections",
}  # fmt: skip
MODELS = {5000: "Inveon Dedicated PET", 5001: "Inveon MM Platform"}
ORIENTATIONS = {1: "FFP", 2: "HFP", 3: "FFS", 4: "HFS", 5: "FFDR", 6: "HFDR", 7: "FFDL", 8: "HFDL"}
RECONSTRUCTIONS = {1: "filtered backprojection", 9: "Feldkamp cone beam"}
CM = 10.0  # mm
WORD = 1 << 32
NOT_FACTORS = (None, "", 0, 1)  # a calibration_factor that changes nothing


@dataclass(frozen=True, eq=False)
class InveonImage:
    """One frame of an Inveon image.

    Attributes
    ----------
    header
        Everything that the header says.
    frame
        The block of the frame that was read.
    stored
        The stored values, memory-mapped in their own type and byte order; its affine is the spacing alone, because
        no key of the header places the image in the animal.
    scale_factor
        HU = stored value * `scale_factor`.
    files
        The voxels and the header.
    notices
        What a user should know, one sentence each.
    """

    header: InveonHeader
    frame: Block
    stored: Volume
    scale_factor: float
    files: tuple[Path, Path]
    notices: tuple[str, ...]


def read(path: Path, *, frame: int | None = None) -> InveonImage:
    """Return an Inveon CT, named by its voxels (``X.img``) or its header (``X.img.hdr``).

    The voxels are those beside the header under its own name; without them, those that its `file_name` names.

    Parameters
    ----------
    path
        Either file of the pair.
    frame
        Number of the frame as the header has it; needed where there are several.

    Raises
    ------
    FileError
        If one file of the pair is missing or cannot be read, it holds projections, PET or SPECT, has several frames
        and none was chosen, lacks a key that is needed, or the voxels are not as many as the header says.
    """
    data_path, header_path = pair(path)
    header = read_header(header_path)
    _check_kind(header, header_path)
    if not data_path.is_file():
        data_path = _named_data(header, header_path, data_path)
    block = _choose_frame(header, frame, header_path)
    stored = _map_voxels(header, block, data_path, header_path)
    scale = _number(block, "scale_factor", header_path)
    if scale == 0:
        raise FileError(f"{header_path} has scale_factor 0, which makes every voxel 0 HU; correct it, usually to 1")
    files = (data_path, header_path)
    return InveonImage(header, block, stored, scale, files, _notices(header, scale, header_path))


def parameters(header: InveonHeader) -> Parameters:
    """Return how a CT was made, as far as its header says; 0 counts as not said."""
    general = header.general
    model = general.get("model")
    return Parameters(
        kvp=_positive(general, "ct_xray_voltage"),
        ua=_positive(general, "ct_anode_current"),
        ms=_positive(general, "ct_exposure_time"),
        scanner=f"Siemens {MODELS[model]}" if isinstance(model, int) and model in MODELS else "Siemens Inveon",
        orientation=_meaning(general, "subject_orientation", ORIENTATIONS),
        reconstruction=_meaning(general, "recon_algorithm", RECONSTRUCTIONS),
    )


def write(volume: Volume, path: Path, *, values: Mapping[str, Value] | None = None) -> None:
    """Write `volume` as an Inveon CT of one frame: ``path`` (``X.img``) and ``path.hdr``, each whole or not at all.

    What is written reads back to the bit, with the type and byte order it has; of the affine the spacing is kept.

    Parameters
    ----------
    volume
        Stored values: int8, int16, int32 or float32, either byte order.
    path
        Name of the voxels.
    values
        Further keys of the header, or other values for those that are set here; `scale_factor` goes to the frame.

    Raises
    ------
    OutputError
        If the type is another one, a value cannot be written, or the files cannot.
    """
    codes = {np.dtype(kind): code for code, kind in DATA_TYPES.items()}
    if volume.voxels.dtype not in codes:
        raise OutputError(f"an Inveon file takes int8, int16, int32 or float32, not {volume.voxels.dtype}; convert it")
    header = _new_header(volume, codes[volume.voxels.dtype], path.name, dict(values or {}))
    text = format_header(header, path.name)
    with atomic_file(path) as stream:  # first, so that a header never promises voxels that are not there
        stream.write(np.ascontiguousarray(volume.voxels).view(np.uint8).data)
    write_bytes(header_of(path), text.encode(ENCODING))


def header_of(path: Path) -> Path:
    """Return where the header of the voxels at `path` lies."""
    return path.with_name(path.name + HEADER_SUFFIX)


def pair(path: Path) -> tuple[Path, Path]:
    """Return voxels and header, whichever was named; the header exists.

    Raises
    ------
    FileError
        If the header is absent, or the file holds projections.
    """
    data_path, header_path = path, header_of(path)
    if path.suffix.lower() == HEADER_SUFFIX:
        data_path, header_path = path.with_name(path.name[: -len(HEADER_SUFFIX)]), path
    if data_path.suffix.lower() == PROJECTION_SUFFIX:
        raise _projections(path)
    if header_path.is_file():
        return data_path, header_path
    if data_path.is_file():
        raise FileError(f"{data_path} has no header; put {header_path.name} from the scanner beside it")
    raise FileError(f"neither {data_path} nor {header_path.name} exists; check the path")


def _named_data(header: InveonHeader, header_path: Path, missing: Path) -> Path:
    """Return the voxels under the last part of `file_name`, a path of the scanner's Windows machine."""
    name = PureWindowsPath(str(header.general.get("file_name") or "")).name
    named = header_path.with_name(name) if name else missing
    if named == header_path or not _is_file(named):
        also = f" (its file_name is {name})" if name and name != missing.name else ""
        raise FileError(f"{header_path} has no voxels{also}; put {missing.name} from the scanner beside it")
    return named


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a damaged header's name may be too long, or hold what no name can
        return False


def _projections(path: Path) -> FileError:
    return FileError(f"{path} holds CT projections, not an image; reconstruct it and give the .img")


def _check_kind(header: InveonHeader, path: Path) -> None:
    """Refuse what is no CT image; a header that does not say is believed."""
    modality, file_type = header.general.get("modality", CT), header.general.get("file_type", IMAGE)
    if modality != CT:
        kind = MODALITIES.get(modality, "an unknown modality") if isinstance(modality, int) else "an unknown modality"
        raise FileError(f"{path} is {kind} (modality {modality}); murinoma reads CT (modality 1): give the CT image")
    if file_type == 14:
        raise _projections(path)
    if file_type != IMAGE:
        kind = FILE_TYPES.get(file_type, "not an image") if isinstance(file_type, int) else "not an image"
        raise FileError(f"{path} is {kind} (file_type {file_type}); give the reconstructed image (file_type 5)")


def _choose_frame(header: InveonHeader, frame: int | None, path: Path) -> Block:
    blocks = header.frames
    total = header.general.get("total_frames", len(blocks))
    if not blocks or total != len(blocks):
        raise FileError(
            f"{path} says total_frames {total} and describes {len(blocks)}; it was cut: copy it again from its source"
        )
    numbers = [block.get("frame") for block in blocks]
    if frame is None and len(blocks) == 1:
        return blocks[0]
    if frame is None:
        raise FileError(f"{path} has {len(blocks)} frames where one is expected; choose one of {_listed(numbers)}")
    if frame not in numbers:
        raise FileError(f"{path} has no frame {frame}; choose one of {_listed(numbers)}")
    return blocks[numbers.index(frame)]


def _listed(numbers: list[Value]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    return f"{shown}, ... {numbers[-1]}" if len(numbers) > 10 else shown


def _map_voxels(header: InveonHeader, block: Block, path: Path, header_path: Path) -> Volume:
    general = header.general
    x, y, z = (_dimension(general, f"{axis}_dimension", header_path) for axis in "xyz")
    code = general.get("data_type")
    if not isinstance(code, int) or code not in DATA_TYPES:
        raise FileError(f"{header_path} has data_type {code}; 1 to 7 are known: export the image as 16-bit integers")
    dtype = np.dtype(DATA_TYPES[code])
    frame_bytes = x * y * z * dtype.itemsize
    expected = max(_offset(each, header_path) for each in header.frames) + frame_bytes
    found = path.stat().st_size
    if found != expected:
        raise FileError(
            f"{path} holds {found:,} bytes where {header_path.name} asks for {expected:,} ({x} x {y} x {z} voxels of "
            f"{dtype.itemsize} bytes, frames {len(header.frames)}); copy both again from their source"
        )
    spacing = _spacing_mm(general, header_path)
    try:
        stored = np.memmap(path, dtype, "r", _offset(block, header_path), (z, y, x))
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error
    return Volume(stored, np.diag([*spacing, 1.0]))


def _dimension(general: Block, key: str, path: Path) -> int:
    value = general.get(key)
    if not isinstance(value, int) or value < 1:
        raise FileError(f"{path} has {key} {value}; a whole number above 0 is needed: copy it again from its source")
    return value


def _offset(block: Block, path: Path) -> int:
    """Return the first byte of a frame; ``hi lo`` are halves of 32 bits, and older files have ``lo`` alone."""
    pointer = block.get("data_file_pointer") or (0,)
    halves = [part for part in pointer if isinstance(part, int)] if isinstance(pointer, tuple) else []
    if len(halves) not in (1, 2) or halves != [*pointer]:  # type: ignore[misc]
        raise FileError(f"{path} has data_file_pointer {pointer}; one or two whole numbers are needed: copy it again")
    high, low = [0, *halves][-2:]
    return high % WORD * WORD + low % WORD  # some versions print the halves as signed numbers


def _spacing_mm(general: Block, path: Path) -> tuple[float, float, float]:
    """Return the spacing along (x, y, z), mm; `pixel_size`, in cm, stands in for what is absent or 0."""
    common = _positive(general, "pixel_size")
    found = []
    for key in ("pixel_size_x", "pixel_size_y", "pixel_size_z"):
        size = _positive(general, key) or (common and common * CM)
        if size is None:
            raise FileError(
                f"{path} has {key} {general.get(key)} and pixel_size {general.get('pixel_size')}; write the voxel's "
                "size in mm into pixel_size_x, pixel_size_y and pixel_size_z"
            )
        found.append(size)
    return found[0], found[1], found[2]


def _positive(block: Block, key: str) -> float | None:
    value = block.get(key)
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _number(block: Block, key: str, path: Path) -> float:
    value = block.get(key)
    if not isinstance(value, int | float):
        raise FileError(f"{path} has {key} {value} for a frame; a number is needed: copy it again from its source")
    return float(value)


def _meaning(block: Block, key: str, meanings: Mapping[int, str]) -> str | None:
    value = block.get(key)
    return meanings.get(value) if isinstance(value, int) else None


def _notices(header: InveonHeader, scale: float, path: Path) -> tuple[str, ...]:
    said = []
    factor = header.general.get("calibration_factor")
    if factor not in NOT_FACTORS:
        said.append(
            f"{path.name}: HU are the stored values x scale_factor {scale:g}; the calibration_factor {factor} was not "
            "applied"
        )
    if _meaning(header.general, "subject_orientation", ORIENTATIONS) is None:
        said.append(f"{path.name} does not record how the subject lay; confirm left and right yourself")
    return tuple(said)


def _new_header(volume: Volume, code: int, name: str, values: dict[str, Value]) -> InveonHeader:
    z, y, x = volume.shape
    size_x, size_y, size_z = np.abs(volume.affine[:3, :3]).max(axis=0).tolist()  # not norms: exact where axes are
    stored = volume.voxels
    general: dict[str, Value] = {
        "version": 2.0, "model": 5001, "modality": CT, "modality_configuration": 3603, "file_name": name,
        "file_type": IMAGE, "acquisition_mode": 9, "total_frames": 1, "data_type": code, "number_of_dimensions": 3,
        "x_dimension": x, "y_dimension": y, "z_dimension": z, "recon_algorithm": 9, "pixel_size": 0.0,
        "pixel_size_x": size_x, "pixel_size_y": size_y, "pixel_size_z": size_z, "subject_orientation": 0,
        "calibration_units": 3, "calibration_factor": 1.0,
    }  # fmt: skip
    frame: dict[str, Value] = {
        "frame": 0, "data_file_pointer": (0, 0), "scale_factor": 1.0,
        "minimum": float(stored.min()), "maximum": float(stored.max()),
    }  # fmt: skip
    for key, value in values.items():
        (frame if key in frame else general)[key] = value
    finite = {key: value for key, value in frame.items() if not isinstance(value, float) or math.isfinite(value)}
    return InveonHeader(general, (finite,))
