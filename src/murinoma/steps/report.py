"""Write one self-contained HTML page about a study: tables, pictures, findings, methods."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma import published
from murinoma.errors import FileError, InputError, StudyError
from murinoma.files.atomic import write_text
from murinoma.files.masks import Annotations, read_annotations, read_grid
from murinoma.files.nifti import read_volume
from murinoma.files.records import read_record
from murinoma.files.sidecar import Sidecar, read_sidecar
from murinoma.files.tables import read_table, write_table
from murinoma.numerics.tumors import count_tumors
from murinoma.pages.figures import ScanView, line_styles, view_scan
from murinoma.pages.paper_tables import table2
from murinoma.pages.report import AcquisitionSheet, ScanPicture, StudyFacts, render_report
from murinoma.pages.report_tables import ReportTables
from murinoma.runs import Failure, Progress
from murinoma.settings import ReportSettings, RunSettings, TumorSettings
from murinoma.steps import StepResult, key_columns, study_failures
from murinoma.study import DatasetNotes, Scan, Study, TimePoint, axes_meaning, new_study, sidecar_path

FINDING_COLUMNS = ("severity", "kind", "scan", "message", "remedy")
PERFORMANCE_COLUMNS = ("annotator", "sensitivity", "specificity", "precision")
SIDES = {"right to left": ("R", "L"), "left to right": ("L", "R")}
BODY = {"rump to nose": 1, "nose to rump": -1}  # and in which direction pictures take it
VERTICAL = {"back to belly": 1, "belly to back": -1}
SHEETS, SHEET_BYTES = (
    12,
    6_000_000,
)  # shown in the page, so that it stays under 10 MB however many acquisitions there are

Array = npt.NDArray[Any]
Axes = Mapping[str, str]
Sidecars = Mapping[tuple[str, str, str], Sidecar]


def report(
    study: Study,
    *,
    settings: ReportSettings = ReportSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``report/index.html`` from what split, agree, check and merge have written, and ``report/table2.csv``.

    The page needs the tables of agree; the sheets of split, the findings of check and the performance of merge appear
    once they are there. A scan whose files cannot be read is not shown; the result names it.

    Raises
    ------
    StudyError
        If the annotators have not been compared yet.
    FileError
        If a table is damaged.
    OutputError
        If the page cannot be written.
    """
    sidecars, damaged = _sidecars(study)
    tables = _read_tables(study, sidecars)
    chosen = list(_choose(tables.tumors, settings.pictures))
    if how.dry_run:
        return StepResult("report", None, len(tables.scans), numbers={"pictures": len(chosen)})
    pictures, unshown = _pictures(study, chosen, sidecars, progress)
    sheets, unknown = _sheets(study)
    failed = (*study_failures(study), *damaged, *_unmeasured(study, tables.scans), *unshown, *unknown)
    facts = _facts(study, tables.scans, failed)
    page = render_report(facts, tables, pictures, sheets, version=version("murinoma"))
    path = study.step_folder("report") / "index.html"
    write_table(tables.table2, path.with_name("table2.csv"))
    write_text(path, page)
    return StepResult("report", path, len(tables.scans), failed, numbers={"pictures": len(pictures)})


def _sidecars(study: Study) -> tuple[Sidecars, list[Failure]]:
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


def _read_tables(study: Study, sidecars: Sidecars) -> ReportTables:
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
        table2=_table2(study, sidecars),
        findings=_findings(study),
        performance=read_table(performance, PERFORMANCE_COLUMNS) if performance.exists() else None,
    )


def _table2(study: Study, sidecars: Sidecars) -> pd.DataFrame:
    """Return Table 2: what people wrote in ``study.toml``, else what sidecars and headers say."""
    rows = [{**key_columns(scan), **_made(scan, sidecars.get(scan.key))} for scan in study.scans]
    times = {name: {time.label: time.hours for time in notes.time_points} for name, notes in study.notes.items()}
    said = {name: _said(notes) for name, notes in study.notes.items()}
    known = published.published_datasets(scan.key for scan in study.scans)
    columns = None if rows else ["dataset"]
    return table2(pd.DataFrame(rows, columns=columns), times, said, set(_left_out(study)), known)


def _made(scan: Scan, sidecar: Sidecar | None) -> dict[str, Any]:
    """Return how a scan was made, by the columns of Table 2; text where a sidecar has text for a number."""
    made = {} if sidecar is None else asdict(sidecar.parameters)
    names = {"voltage_kVp": "kvp", "exposure_ms": "ms", "current_uA": "ua"}
    names |= {name: name for name in ("scanner", "reconstruction")}
    plain = {key: value if isinstance(value, int | float | None) else str(value) for key, value in made.items()}
    return {column: plain.get(name) for column, name in names.items()} | {"voxel_mm": _voxel(scan)}


def _voxel(scan: Scan) -> str | None:
    """Return the size of a scan's voxels, mm: ``0.210``, or where they are no cubes along x, y and z."""
    try:
        spacing = read_grid(scan).header.spacing_mm
    except InputError:
        return None  # a file that cannot be read is named by agree and check
    edges = [f"{edge:.3f}" for edge in reversed(spacing)]
    return edges[0] if len(set(edges)) == 1 else " x ".join(edges)


def _said(notes: DatasetNotes) -> dict[str, str]:
    numbers = {"voltage_kVp": notes.kvp, "exposure_ms": notes.ms, "current_uA": notes.ua}
    words = {name: getattr(notes, name) for name in ("scanner", "reconstruction", "bed", "site")}
    said = {column: None if number is None else f"{number:g}" for column, number in numbers.items()} | words
    return {column: text for column, text in said.items() if text}


def _left_out(study: Study) -> Iterator[tuple[str, str, float]]:
    """Yield the scans that people left out, and those whose names or files contradict one another."""
    yield from ((row.dataset, row.mouse, row.time.hours) for row in study.exclusions if row.tumor is None)
    mice = set(study.mice)
    for failure in study_failures(study):
        dataset, _, name = failure.scan.rpartition(" ")
        mouse, _, label = name.partition("_")
        if (dataset, mouse) in mice:
            yield dataset, mouse, TimePoint.parse(label).hours


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
    return text.replace(f"{study.root}{os.sep}", "").replace(f"{study.out}{os.sep}", "")


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
    study: Study, chosen: list[_Choice], sidecars: Sidecars, progress: Progress | None
) -> tuple[list[ScanPicture], list[Failure]]:
    """Return the pictures, and the scans that could not be read."""
    scans, left_out = {scan.key: scan for scan in study.scans}, study.excluded_tumors()
    pictures, failed = [], []
    for count, choice in enumerate(chosen, start=1):
        scan = scans.get(choice.key)
        if scan is None or not scan.annotations:
            continue  # agree ran before the scan went away or was left out
        try:
            axes = _axes(study, scan, sidecars)
            view = _view(scan, study.annotators, left_out.get(scan.key, frozenset()), axes)
        except InputError as error:
            failed.append(Failure(scan.title, f"it cannot be shown: {error}"))
        else:
            aim = choice.volume_cm3, choice.aim, choice.aim_cm3
            pictures.append(ScanPicture(scan.dataset, scan.name, *aim, view))
        if progress is not None:
            progress(count, len(chosen), scan.title)
    return pictures, failed


def _axes(study: Study, scan: Scan, sidecars: Sidecars) -> Axes:
    """Return what the stored axes of a scan mean: what people wrote, else its sidecar; nothing if neither says it."""
    said = study.notes.get(scan.dataset, DatasetNotes()).axes
    beside = sidecars.get(scan.key)
    return axes_meaning(said) if said else {} if beside is None else beside.axes


def _view(scan: Scan, annotators: Sequence[str], left_out: Collection[int], axes: Axes) -> ScanView:
    stored = read_annotations(scan)
    z, y, x = (stored.spacing_mm[place] for place, _ in _upright(axes))
    masks = {name: _turned(mask, axes) for name, mask in stored.masks.items()}
    annotations = replace(stored, masks=masks, spacing_mm=(z, y, x))
    return view_scan(
        None if scan.ct is None else _turned(read_volume(scan.ct).voxels, axes),
        masks,
        spacing_mm=annotations.spacing_mm,
        slice_index=_middle_slice(annotations, left_out),
        styles=line_styles(annotators),
        sides=next((SIDES[meaning] for meaning in axes.values() if meaning in SIDES), None),
    )


def _upright(axes: Axes) -> list[tuple[int, int]]:
    """Return (array axis, direction) of what runs from rump to nose, between the sides, and from back to belly.

    Where the axes are not known they are taken as the published database has them.
    """
    if not axes:
        return [(0, 1), (1, 1), (2, 1)]
    stored = [axes[name] for name in "zyx"]
    kinds = BODY, dict.fromkeys(SIDES, 1), VERTICAL  # left and right are not exchanged: the picture names them
    return [(place, kind[said]) for kind in kinds for place, said in enumerate(stored) if said in kind]


def _turned(voxels: Array, axes: Axes) -> Array:
    """Return voxels (z, y, x) with the axes as pictures take them: body, sides, vertical."""
    places, directions = zip(*_upright(axes), strict=True)
    return np.ascontiguousarray(voxels.transpose(places)[tuple(slice(None, None, step) for step in directions)])


def _middle_slice(annotations: Annotations, left_out: Collection[int]) -> int:
    """Return the axial slice that halves the largest tumor; the middle one of the scan if there is none."""
    masks, limits = list(annotations.masks.values()), asdict(TumorSettings())
    votes, tumors = count_tumors(masks, spacing_mm=annotations.spacing_mm, **limits, left_out=left_out)
    if not tumors.numbers:
        return votes.shape[0] // 2
    largest = tumors.numbers[int(tumors.voxels.sum(axis=1).argmax())]
    areas: npt.NDArray[np.int64] = (tumors.labels == largest).sum(axis=(1, 2))
    return int(votes.box[0].start + np.searchsorted(areas.cumsum(), areas.sum() / 2))


@dataclass(frozen=True)
class _Split:
    """One acquisition that split has recorded, the file of its sheet, and where it stands among the others."""

    sheet: AcquisitionSheet
    file: Path
    order: tuple[int, float, str, str]


def _sheets(study: Study) -> tuple[list[AcquisitionSheet], list[Failure]]:
    """Return the acquisitions that split has recorded, some with their picture; a failure if its record is damaged."""
    places = (study.step_folder("split"), new_study(study.root).step_folder("split"))  # split knows no --out
    folder = next((place for place in places if (place / "record.json").exists()), places[0])
    try:
        record = read_record(folder / "record.json")
        entries = {} if record is None else record.entries
        splits = [_split(study, folder, title, entry["result"]) for title, entry in entries.items()]
        splits.sort(key=lambda split: split.order)
        shown = _shown(splits)
        return [replace(s.sheet, png=s.file.read_bytes()) if s in shown else s.sheet for s in splits], []
    except (FileError, StudyError, KeyError, TypeError, ValueError, OSError) as error:
        return [], [Failure("What split has recorded", f"it cannot be shown: {error}; split the acquisitions again")]


def _split(study: Study, folder: Path, title: str, result: Mapping[str, Any]) -> _Split:
    """Return an acquisition from its title in the record, such as ``Dataset 2 8d day8/scan.img``, and its result."""
    word, number, time, file_said = title.split(" ", 3)
    source = Path(file_said).name
    dataset, mice = f"{word} {number}", tuple(result["mice"])
    name = "_".join([*mice, time])
    file = folder / dataset / f"{name}.png"
    doubts = tuple(_from_root(study, str(doubt)) for doubt in result["doubts"])
    path = _from_root(study, str(file)) if file.is_file() else ""
    order = int(number), TimePoint.parse(time).hours, name, source
    return _Split(AcquisitionSheet(dataset, name, source, mice, doubts, path), file, order)


def _shown(splits: Sequence[_Split]) -> list[_Split]:
    """Return whose sheet is shown: one of each dataset, then those with doubts, then others, as many as may be."""
    doubtful_first = sorted((split for split in splits if split.sheet.path), key=lambda split: not split.sheet.doubts)
    firsts = {split.sheet.dataset: split for split in reversed(doubtful_first)}
    ranked = sorted(doubtful_first, key=lambda split: split not in firsts.values())
    sizes = np.cumsum([split.file.stat().st_size for split in ranked])
    return [split for split, size in zip(ranked[:SHEETS], sizes, strict=False) if size <= SHEET_BYTES]
