"""What lies where: what stands beside the CTs, where check wrote, and paths as people may see them."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from murinoma.errors import FileError, StudyError
from murinoma.files.sidecar import Sidecar, read_sidecar
from murinoma.runs import Failure
from murinoma.study import Scan, Study, axes_meaning, sidecar_path

Axes = Mapping[str, str]
Sidecars = Mapping[tuple[str, str, str], Sidecar]


def read_sidecars(study: Study) -> tuple[Sidecars, list[Failure]]:
    """Return what stands beside the CTs, by the scan's key, and a failure for each that is damaged."""
    sidecars, failed = {}, []
    for scan in study.scans:
        try:
            sidecar = None if scan.ct is None else read_sidecar(sidecar_path(scan.ct))
            if sidecar is not None:
                sidecars[scan.key] = replace(sidecar, axes=_checked_axes(sidecar, scan))
        except FileError as error:
            failed.append(Failure(scan.title, str(error)))
    return sidecars, failed


def _checked_axes(sidecar: Sidecar, scan: Scan) -> Axes:
    if not sidecar.axes:
        return {}
    try:
        return axes_meaning(", ".join(sidecar.axes[axis] for axis in "xyz"))
    except (StudyError, KeyError, TypeError) as error:
        raise FileError(f"the axes beside the CT of {scan.title} are not understood: {error}; correct them") from error


def findings_path(study: Study) -> Path:
    """Return the table of what check has found."""
    return study.step_folder("check") / "findings.csv"


def from_root(study: Study, text: str) -> str:
    """Return a sentence with paths as seen from the study: where it lies on this machine is nobody's business."""
    return text.replace(f"{study.root}{os.sep}", "").replace(f"{study.out}{os.sep}", "")
