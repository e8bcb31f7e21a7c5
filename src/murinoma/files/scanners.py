"""Which scanner made a scan: what people wrote in ``study.toml``, else what stands beside the CT."""

from murinoma.errors import FileError
from murinoma.files.sidecar import read_sidecar
from murinoma.study import Scan, Study, sidecar_path


def scanner_of(study: Study, scan: Scan) -> str:
    """Return maker and model of the scanner of a scan; empty where nobody says, or what says so is damaged."""
    notes = study.notes.get(scan.dataset)
    if notes is not None and notes.scanner:
        return notes.scanner
    if scan.ct is None:
        return ""
    try:
        sidecar = read_sidecar(sidecar_path(scan.ct))
    except FileError:
        return ""
    return (sidecar.parameters.scanner if sidecar is not None else None) or ""
