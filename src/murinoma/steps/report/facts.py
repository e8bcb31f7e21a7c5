"""What the page says about the study as a whole: its flow, its folders, what failed, and what computed it."""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pandas as pd

from murinoma.errors import FileError
from murinoma.files.records import read_record
from murinoma.pages.folder_tree import Branch, folder_tree
from murinoma.pages.report import AcquisitionSheet, MadeWith, StudyFacts
from murinoma.pages.report_tables import ReportTables
from murinoma.pages.study_flow import StudyFlow
from murinoma.runs import Failure
from murinoma.steps.report.places import Sidecars, findings_path, from_root
from murinoma.study import Scan, Study, sidecar_path
from murinoma.study.campaign_paths import campaign_plan_path
from murinoma.study.evaluation_paths import evaluation_folder

LIBRARIES = ("numpy", "scipy", "pandas")
RECORDED = {"check": "check", "agree": "agreement", "merge": "consensus"}  # step -> its folder
Keys = set[tuple[str, str, str]]


def study_facts(
    study: Study, tables: ReportTables, sheets: Sequence[AcquisitionSheet], failed: tuple[Failure, ...]
) -> StudyFacts:
    """Return what the page says about the study as a whole."""
    exclusions = [
        (e.title if e.tumor is None else f"{e.title}, tumor {e.tumor}", e.reason) for e in study.exclusions
    ]  # fmt: skip
    return StudyFacts(
        title=study.title,
        datasets=len(study.datasets),
        mice=len(study.mice),
        scans=len(study.scans),
        annotators=tuple(study.annotators),
        flow=study_flow(study, tables, sheets),
        exclusions=tuple(exclusions),
        notices=tuple(_notices(study, tables.scans)),
        failures=tuple((failure.scan, from_root(study, failure.message)) for failure in failed),
        checked=findings_path(study).exists(),
    )


def study_flow(study: Study, tables: ReportTables, sheets: Sequence[AcquisitionSheet]) -> StudyFlow:
    """Return where every scan and every tumor went; each scan of the folders is counted once."""
    measured = _keys(tables.scans)
    waiting = [scan for scan in study.scans if scan.key not in measured]
    drawn = Counter(min(len(scan.annotations), 2) for scan in waiting)
    present = {scan.key for scan in study.scans}
    mine = tables.tumors[np.array([key in present for key in _key_list(tables.tumors)], dtype=bool)]
    missed = int(mine["missed_by"].notna().sum())
    return StudyFlow(
        contradictory=_contradictory(study),
        left_out=_left_out_scans(study),
        without_annotation=drawn[0],
        one_annotator=drawn[1],
        unmeasured=drawn[2],
        measured=len(study.scans) - len(waiting),
        tumors_left_out=_left_out_tumors(study, measured),
        missed=missed,
        marked_by_all=len(mine) - missed,
        acquisitions=len(sheets),
        cut=sum(len(sheet.mice) for sheet in sheets),
    )


def _contradictory(study: Study) -> int:
    """Return how many scans are wrong in their names or files; a folder that nobody can name counts as one."""
    errors = [finding for finding in study.findings if finding.severity == "error"]
    return len({e.message if e.kind == "unreadable folder" else e.scan or e.message for e in errors})


def _left_out_scans(study: Study) -> Mapping[str, int]:
    """Return reason -> scans that people left out, of those that the folders hold."""
    unmatched = [finding.message for finding in study.findings if finding.kind == "exclusion"]
    rows: dict[tuple[str, str, float], str] = {}
    for row in study.exclusions:
        if row.tumor is None and not any(f" {row.title}, " in message for message in unmatched):
            rows.setdefault((row.dataset, row.mouse, row.time.hours), row.reason)
    return Counter(rows.values())


def _left_out_tumors(study: Study, measured: Keys) -> Mapping[str, int]:
    """Return reason -> tumors that people left out of measured scans."""
    scans = [scan for scan in study.scans if scan.key in measured]
    rows: dict[tuple[tuple[str, str, str], int], str] = {}
    for row in study.exclusions:
        for scan in scans if row.tumor is not None else ():
            if row.names(scan) and row.tumor is not None:
                rows.setdefault((scan.key, row.tumor), row.reason)
    return Counter(rows.values())


def _notices(study: Study, measured: pd.DataFrame) -> Iterator[str]:
    bare = [scan.title for scan in study.scans if not scan.annotations]
    if bare:
        yield f"Scans without an annotation, which no table counts: {len(bare)} (first {bare[0]})."
    gone = _keys(measured) - {scan.key for scan in study.scans}
    if gone:
        yield (
            f"The tables hold {len(gone)} scans that the study no longer has, or leaves out "
            f"(first {' '.join(min(gone))}): run 'murinoma agree' again."
        )


def _keys(scans: pd.DataFrame) -> Keys:
    return set(_key_list(scans))


def _key_list(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    columns = rows[["dataset", "mouse", "time"]].astype(str).itertuples(index=False)
    return [(dataset, mouse, time) for dataset, mouse, time in columns]


def unmeasured(study: Study, scans: pd.DataFrame) -> Iterator[Failure]:
    """Yield the annotated scans that the tables of agree do not hold."""
    measured = _keys(scans)
    for scan in study.scans:
        if scan.annotations and scan.key not in measured:
            yield Failure(scan.title, "agree has no result for it; run 'murinoma agree' to see why")


def study_tree(study: Study, sidecars: Sidecars) -> Branch:
    """Return the folders of the study as they are: the scan with most files in full, the others counted."""
    example = max(study.scans, key=lambda scan: len(_files(scan, sidecars)), default=None)
    if example is None:
        return folder_tree(study.root.name, [], {})
    return folder_tree(
        study.root.name,
        [PurePath(scan.folder.relative_to(study.root)) for scan in study.scans],
        _files(example, sidecars),
        example=study.scans.index(example),
        beside=_beside(study),
    )


def _beside(study: Study) -> dict[str, str]:
    """Return the folders of the study that hold no scan."""
    campaign = campaign_plan_path(study)
    folders = {campaign.parent.name: "who annotates what, and what everybody drew"} if campaign.exists() else {}
    if study.out.parent == study.root:
        folders[study.out.name] = "what murinoma computed, a folder per step"
    return folders


def _files(scan: Scan, sidecars: Sidecars) -> dict[str, str]:
    """Return the files of a scan by name, and what each is."""
    beside = {} if scan.ct is None or scan.key not in sidecars else {sidecar_path(scan.ct).name: "how it was made"}
    ct = {} if scan.ct is None else {scan.ct.name: "CT"}
    drawn = {path.name: f"outline by annotator {name}" for name, path in scan.annotations.items()}
    return ct | beside | drawn | ({} if scan.staple is None else {scan.staple.name: "published consensus"})


def made_with(study: Study) -> tuple[MadeWith, list[Failure]]:
    """Return what computed the page: versions, and the settings that the records of the steps hold."""
    rows: list[tuple[str, str, str]] = []
    failed = []
    for step, folder in _recorded(study).items():
        try:
            record = read_record(folder / "record.json")
        except FileError as error:
            failed.append(Failure(f"The record of {step}", f"its settings are not known: {error}"))
            continue
        if record is not None:
            rows += [(step, name, value) for name, value in _flat(record.settings)]
            rows.append((step, "murinoma", record.version))
    libraries = {"Python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    return MadeWith(version("murinoma"), libraries, tuple(rows)), failed


def _recorded(study: Study) -> dict[str, Path]:
    """Return the folder of each step that keeps a record, by its name; evaluate has one for every source."""
    sources = sorted(path.parent for path in evaluation_folder(study, "").glob("*/verdict.json"))
    folders = {step: study.step_folder(folder) for step, folder in RECORDED.items()}
    return folders | {f"evaluate {folder.name}": folder for folder in sources}


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield settings as (name, value), those inside others as ``tumors.speck_mm3``."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)
