"""The JSON beside a CT: how it was acquired, what its axes mean, and where in the acquisition it lies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from murinoma.files.parameters import Parameters
from murinoma.files.versioned import read_versioned, write_versioned

FORMAT = "murinoma.ct/1"


@dataclass(frozen=True)
class Sidecar:
    """What stands beside a CT.

    Attributes
    ----------
    parameters
        How the acquisition was made.
    axes
        Stored axis (``x``, ``y``, ``z``) -> what it runs from and to (``right to left``); empty where unknown.
    source
        Name of the scanner's file.
    source_sha256
        Of that file; of a series, of all its files in the order of their paths.
    box
        Voxels of the acquisition that were cut out: axis -> (first, last + 1).
    notes
        What was done to the values: the range they were clipped to, a calibration, blanked neighbours.
    """

    parameters: Parameters = field(default_factory=Parameters)
    axes: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    source_sha256: str = ""
    box: Mapping[str, list[int]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


def write_sidecar(sidecar: Sidecar, path: Path) -> None:
    """Write a sidecar, whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_versioned(asdict(sidecar), path, kind=FORMAT)


def read_sidecar(path: Path) -> Sidecar | None:
    """Return the sidecar at `path`, or nothing if there is none.

    Raises
    ------
    FileError
        If it is damaged or of a newer format.
    """
    return read_versioned(path, _build, kind=FORMAT, remedy="split the acquisition again, or delete it")


def _build(content: dict[str, Any]) -> Sidecar:
    return Sidecar(**{**content, "parameters": Parameters(**content.get("parameters", {}))})
