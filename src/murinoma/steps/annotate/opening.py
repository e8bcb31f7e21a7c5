"""Sit down to annotate: the scans of a campaign by their codes, or one file."""

import os
from contextlib import suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from murinoma.campaign import Assignment, Clock, HandedOut, Plan, Store, open_store, read_plan
from murinoma.campaign.plan import fingerprint
from murinoma.errors import FileError, MurinomaError, OutputError, UsageError
from murinoma.files.masks import Grid, read_labels
from murinoma.files.nifti import read_header, read_volume, write
from murinoma.settings import AnnotateSettings, AnnotationSettings
from murinoma.steps.annotate.annotation import Labels
from murinoma.steps.annotate.sitting import Sitting, Workplace
from murinoma.study import Scan, Study, new_study, read_study
from murinoma.study.annotation_paths import annotation_beside, autosave_folder
from murinoma.volume import Volume

SPECKS = 255  # in a consensus: voxels that belong to no tumor
ONE_FILE = "one file"  # instead of the number of a campaign


def sit_down(what: Path, *, annotator: str = "", start_from: str = "", into: Path | None = None) -> Sitting:
    """Return a sitting on the campaign of a study, if `what` is a folder, else on the CT in that file.

    Raises
    ------
    UsageError
        If the options do not belong together.
    MurinomaError
        As `open_campaign` and `open_file`.
    """
    if not what.is_dir():
        source = Path(start_from) if start_from else None
        return open_file(what, annotator=annotator, into=into, start_from=source)
    if into is not None:
        raise UsageError("--into is for a single CT; the annotations of a campaign are written by 'campaign reveal'")
    return open_campaign(read_study(what), annotator, start_from=start_from)


def open_campaign(
    study: Study, annotator: str, *, start_from: str = "", settings: AnnotateSettings = AnnotateSettings()
) -> Sitting:
    """Return a sitting of an annotator of the campaign of `study`; the campaign's protocol counts.

    With `start_from` (an annotator, ``staple``, ``majority`` or the name of a model) scans that nobody drew in yet
    start from that mask, and the store says so.

    Raises
    ------
    UsageError
        If there is no campaign or no such annotator, or no scan has a mask of `start_from`.
    FileError
        If the plan or the store is damaged or newer.
    OutputError
        If another window has the store open, or it cannot be written.
    """
    masks = _masks_by_code(study, read_plan(study), annotator, start_from)
    store = open_store(study, annotator)
    try:
        protocol = _protocol_of(store.protocol)
    except BaseException:
        store.close()
        raise

    def start_mask(code: str) -> Labels:
        with suppress(MurinomaError, OSError):  # their sentences name the scan
            path, ct = masks[code]
            return _read_mask(path, ct)
        raise FileError(f"scan {code} has no usable mask of '{start_from}'")

    def read_ct(code: str) -> Volume:
        return store.read_ct(code, read_volume)

    workplace = Workplace(store, read_ct, start_from, start_mask, hand_in=lambda labels: "handed in")
    return Sitting(workplace, replace(settings, protocol=protocol))


def open_file(
    ct: Path,
    *,
    annotator: str = "",
    into: Path | None = None,
    start_from: Path | None = None,
    settings: AnnotateSettings = AnnotateSettings(),
) -> Sitting:
    """Return a sitting on one CT, without a campaign; handing in writes the annotation beside it, or to `into`.

    Every stroke is saved in a hidden folder beside the annotation; the same call goes on from there. An annotation
    of that name that is there already is kept in that folder, and what is said names it.

    Raises
    ------
    FileError
        If the CT, or the mask to start from, cannot be read.
    GeometryError
        If that mask does not fit the CT.
    OutputError
        If another window draws on this CT, or the folder cannot be written.
    """
    header = read_header(ct)
    if start_from is not None:
        read_labels(start_from, Grid(ct, header))  # a mask that does not fit is said now
    target = annotation_beside(ct, annotator) if into is None else into
    folder = autosave_folder(target)
    store, notice = _store_of_one(ct, folder, settings.protocol)
    workplace = Workplace(
        store,
        read_ct=lambda code: read_volume(ct),
        start_from=start_from.name if start_from is not None else "",
        start_mask=lambda code: _read_mask(start_from or ct, ct),
        hand_in=lambda labels: _write_annotation(labels, target, folder),
        result=target,
    )
    return Sitting(workplace, settings, notice or _there_is(target, start_from))


def _protocol_of(said: dict[str, Any]) -> AnnotationSettings:
    """Return the protocol of a campaign; what an older plan does not say is the default."""
    unknown = set(said) - {known.name for known in fields(AnnotationSettings)}
    if unknown:
        raise FileError(f"the campaign's protocol asks for {', '.join(sorted(unknown))}; update murinoma")
    return AnnotationSettings(**said)


def _masks_by_code(study: Study, plan: Plan, annotator: str, source: str) -> dict[str, tuple[Path, Path]]:
    """Return the mask of a source and the CT of each scan of an annotator that has both."""
    if not source:
        return {}
    scans = {scan.key: scan for scan in study.scans}
    found: dict[str, tuple[Path, Path]] = {}
    for assigned in plan.order_of(annotator):
        scan = scans.get(assigned.scan.key)
        path = None if scan is None else _mask_of(study, scan, source)
        if scan is not None and scan.ct is not None and path is not None and path.exists():
            found[assigned.code] = path, scan.ct
    if not found:
        raise UsageError(
            f"no scan of the campaign has a mask of '{source}'; --start-from takes an annotator, staple, majority, or "
            "the name of a model that segmented the study"
        )
    return found


def _mask_of(study: Study, scan: Scan, source: str) -> Path | None:
    if source in ("staple", "majority"):
        ours = study.consensus_path(scan, source)
        return scan.staple if source == "staple" and not ours.exists() else ours
    return scan.annotations.get(source) or study.prediction_path(scan, source)


def _read_mask(path: Path, ct: Path) -> Labels:
    labels, _ = read_labels(path, Grid(ct, read_header(ct)))
    return np.where(labels == SPECKS, 0, labels).astype(np.uint8)


# ---- one file


def _store_of_one(ct: Path, folder: Path, protocol: AnnotationSettings) -> tuple[Store, str]:
    """Return a store in `folder` for this CT alone, and what is odd: strokes on another CT of this name."""
    size, sha256 = fingerprint(ct)
    name = sha256[:12]
    others = sorted(folder.glob("campaign/*.sqlite"))
    handed_out = HandedOut("", "", "", ct.name, size, sha256)
    plan = Plan(ONE_FILE, 0, 0.0, asdict(protocol), {name: (Assignment(ct.name, handed_out, 0),)})
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot save strokes in {folder}: {error.strerror}; choose another place with --into"
        ) from error
    if not os.access(folder, os.W_OK):
        raise OutputError(f"cannot save strokes in {folder}: it is write-protected; choose another place with --into")
    store = Store(new_study(folder), plan, name, clock=Clock())
    is_new = others and all(name not in other.name for other in others)
    return store, f"{ct.name} is not the image that was drawn on before; this is a new start" if is_new else ""


def _there_is(target: Path, start_from: Path | None) -> str:
    if not target.exists() or start_from == target:
        return ""
    return f"{target.name} is there already; it is kept when you hand in (--start-from {target.name} corrects it)"


def _write_annotation(labels: Volume, target: Path, folder: Path) -> str:
    """Write an annotation; another one of that name is moved into `folder` first. Return what is said."""
    if not target.exists():
        write(labels, target)
        return f"written to {target}"
    with suppress(FileError):
        if np.array_equal(read_volume(target).voxels, labels.voxels):
            return f"{target} holds this already"
    earlier = _kept(target, folder)
    try:
        write(labels, target)
    except BaseException:
        earlier.rename(target)
        raise
    return f"written to {target}; the one before is kept as {earlier}"


def _kept(target: Path, folder: Path) -> Path:
    """Move an annotation out of the way; no earlier one is replaced."""
    ending = "".join(target.suffixes[-2:]) if target.name.endswith(".gz") else target.suffix
    number = sum(1 for _ in folder.glob("earlier_*")) + 1
    earlier = folder / f"earlier_{number}{ending}"
    try:
        return target.rename(earlier)
    except OSError as error:
        raise OutputError(f"cannot move {target} out of the way: {error.strerror}; choose --into") from error
