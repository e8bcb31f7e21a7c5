"""Write one self-contained HTML page about a study: tables, pictures, findings, methods."""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import InputError, StudyError
from murinoma.files.atomic import write_text
from murinoma.files.masks import Annotations, read_annotations
from murinoma.files.nifti import read_volume
from murinoma.files.tables import read_table
from murinoma.numerics.tumors import count_tumors
from murinoma.pages.figures import ScanView, line_styles, view_scan
from murinoma.pages.report import ReportTables, ScanPicture, StudyFacts, render_report
from murinoma.runs import Failure, Progress
from murinoma.settings import ReportSettings, RunSettings, TumorSettings
from murinoma.steps import StepResult, study_failures
from murinoma.study import Scan, Study, sidecar_path

FINDING_COLUMNS = ("severity", "kind", "scan", "message", "remedy")
PERFORMANCE_COLUMNS = ("annotator", "sensitivity", "specificity", "precision")
SIDES = {"right to left": ("R", "L"), "left to right": ("L", "R")}  # of the second axis, in a sidecar's "axes"


def report(
    study: Study,
    *,
    settings: ReportSettings = ReportSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``report/index.html`` from what agree, check and merge have written.

    The page needs the tables of agree; the findings of check and the performance of merge appear once they are there.
    A scan whose files cannot be read is not shown; the result names it.

    Raises
    ------
    StudyError
        If the annotators have not been compared yet.
    FileError
        If a table is damaged.
    OutputError
        If the page cannot be written.
    """
    tables = _read_tables(study)
    chosen = list(_choose(tables.tumors, settings.pictures))
    if how.dry_run:
        return StepResult("report", None, len(tables.scans), numbers={"pictures": len(chosen)})
    pictures, unshown = _pictures(study, chosen, progress)
    failed = (*study_failures(study), *_unmeasured(study, tables.scans), *unshown)
    page = render_report(_facts(study, tables.scans, failed), tables, pictures, version=version("murinoma"))
    path = study.step_folder("report") / "index.html"
    write_text(path, page)
    return StepResult("report", path, len(tables.scans), failed, numbers={"pictures": len(pictures)})


def _read_tables(study: Study) -> ReportTables:
    folder = study.step_folder("agreement")
    names = ("scans", "tumors", "table1", "table3", "table4")
    absent = [f"{name}.csv" for name in names if not (folder / f"{name}.csv").exists()]
    if absent:
        where = "" if study.out.parent == study.root else f" --out {study.out}"
        raise StudyError(f"{folder} holds no {', '.join(absent)}; run 'murinoma agree {study.root}{where}' first")
    agreement = {name: read_table(folder / f"{name}.csv") for name in names}
    performance = study.step_folder("consensus") / "performance.csv"
    return ReportTables(
        **agreement,
        findings=_findings(study),
        performance=read_table(performance, PERFORMANCE_COLUMNS) if performance.exists() else None,
    )


def _findings_path(study: Study) -> Path:
    return study.step_folder("check") / "findings.csv"


def _findings(study: Study) -> pd.DataFrame:
    """Return what check has found; before it ran, what the study's names and folders show."""
    path = _findings_path(study)
    if path.exists():
        table = read_table(path, FINDING_COLUMNS)
    else:
        table = pd.DataFrame([asdict(finding) for finding in study.findings], columns=list(FINDING_COLUMNS))
    return table.assign(message=[_from_root(study, str(message)) for message in table["message"]])


def _from_root(study: Study, text: str) -> str:
    """Return a sentence with paths as seen from the study: where it lies on this machine is nobody's business."""
    return text.replace(f"{study.root}{os.sep}", "")


def _facts(study: Study, measured: pd.DataFrame, failed: tuple[Failure, ...]) -> StudyFacts:
    exclusions = [
        (e.title if e.tumor is None else f"{e.title}, tumor {e.tumor}", e.reason) for e in study.exclusions
    ]  # fmt: skip
    return StudyFacts(
        title=study.title,
        datasets=len(study.datasets),
        mice=len(study.mice),
        scans=len(study.scans),
        annotators=tuple(study.annotators),
        exclusions=tuple(exclusions),
        notices=tuple(_notices(study, measured)),
        failures=tuple((failure.scan, _from_root(study, failure.message)) for failure in failed),
        checked=_findings_path(study).exists(),
    )


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


def _keys(scans: pd.DataFrame) -> set[tuple[str, str, str]]:
    rows = scans[["dataset", "mouse", "time"]].astype(str).itertuples(index=False)
    return {(dataset, mouse, time) for dataset, mouse, time in rows}


def _unmeasured(study: Study, scans: pd.DataFrame) -> Iterator[Failure]:
    """Yield the annotated scans that the tables of agree do not hold."""
    measured = _keys(scans)
    for scan in study.scans:
        if scan.annotations and scan.key not in measured:
            yield Failure(scan.title, "agree has no result for it; run 'murinoma agree' to see why")


@dataclass(frozen=True)
class _Choice:
    """A scan to be shown, and the tumor that speaks for it."""

    key: tuple[str, str, str]
    volume_cm3: float
    aim: str
    aim_cm3: float


def _choose(tumors: pd.DataFrame, pictures: int) -> Iterator[_Choice]:
    """Yield per dataset the scans whose tumors are closest to the median volume, or to evenly spaced quantiles."""
    for dataset, part in tumors.groupby("dataset", sort=False):
        left = part
        for share in (np.arange(pictures) + 0.5) / pictures:
            if left.empty:
                break
            aim = float(part["volume_cm3_mean"].quantile(share))
            row = left.iloc[int((left["volume_cm3_mean"] - aim).abs().to_numpy().argmin())]
            name = "median tumor volume" if share == 0.5 else f"{100 * share:.0f} % quantile of the tumor volumes"
            yield _Choice((str(dataset), str(row["mouse"]), str(row["time"])), float(row["volume_cm3_mean"]), name, aim)
            left = left[(left["mouse"] != row["mouse"]) | (left["time"] != row["time"])]


def _pictures(
    study: Study, chosen: list[_Choice], progress: Progress | None
) -> tuple[list[ScanPicture], list[Failure]]:
    """Return the pictures, and the scans that could not be read."""
    scans, left_out = {scan.key: scan for scan in study.scans}, study.excluded_tumors()
    pictures, failed = [], []
    for count, choice in enumerate(chosen, start=1):
        scan = scans.get(choice.key)
        if scan is None or not scan.annotations:
            continue  # agree ran before the scan went away or was left out
        try:
            view = _view(scan, study.annotators, left_out.get(scan.key, frozenset()))
        except InputError as error:
            failed.append(Failure(scan.title, f"it cannot be shown: {error}"))
        else:
            aim = choice.volume_cm3, choice.aim, choice.aim_cm3
            pictures.append(ScanPicture(scan.dataset, scan.name, *aim, view))
        if progress is not None:
            progress(count, len(chosen), scan.title)
    return pictures, failed


def _view(scan: Scan, annotators: Sequence[str], left_out: Collection[int]) -> ScanView:
    annotations = read_annotations(scan)
    return view_scan(
        None if scan.ct is None else read_volume(scan.ct).voxels,
        annotations.masks,
        spacing_mm=annotations.spacing_mm,
        slice_index=_middle_slice(annotations, left_out),
        styles=line_styles(annotators),
        sides=_sides(scan),
    )


def _middle_slice(annotations: Annotations, left_out: Collection[int]) -> int:
    """Return the axial slice that halves the largest tumor; the middle one of the scan if there is none."""
    masks, limits = list(annotations.masks.values()), asdict(TumorSettings())
    votes, tumors = count_tumors(masks, spacing_mm=annotations.spacing_mm, **limits, left_out=left_out)
    if not tumors.numbers:
        return votes.shape[0] // 2
    largest = tumors.numbers[int(tumors.voxels.sum(axis=1).argmax())]
    areas: npt.NDArray[np.int64] = (tumors.labels == largest).sum(axis=(1, 2))
    return int(votes.box[0].start + np.searchsorted(areas.cumsum(), areas.sum() / 2))


def _sides(scan: Scan) -> tuple[str, str] | None:
    """Return which side of the animal each end of the second axis is, if the CT's sidecar says it."""
    if scan.ct is None:
        return None
    try:
        axes = json.loads(sidecar_path(scan.ct).read_text(encoding="utf-8"))["axes"]
        return SIDES.get(axes["y"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # no sidecar, or one that does not say it: unknown
