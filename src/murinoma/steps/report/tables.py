"""The tables of the page, as agree, check and merge wrote them, and Table 2, which is made here."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.errors import InputError, StudyError
from murinoma.files.masks import read_grid
from murinoma.files.sidecar import Sidecar
from murinoma.files.tables import read_table
from murinoma.pages.cells import Intervals
from murinoma.pages.paper_tables import table2
from murinoma.pages.report_tables import ReportTables
from murinoma.steps import key_columns, study_failures
from murinoma.steps.report.places import Sidecars, findings_path, from_root
from murinoma.study import DatasetNotes, Scan, Study, TimePoint

FINDING_COLUMNS = ("severity", "kind", "scan", "message", "remedy")
PERFORMANCE_COLUMNS = ("annotator", "sensitivity", "specificity", "precision")
REPEATABILITY_COLUMNS = ("kind", "source", "n_changes", "n_mice", "sd_change", "sd_within", "fall_percent")
NEEDED = ("scans", "tumors", "table1", "table3", "table4")
OPTIONAL = {
    "intervals": ("dataset", "measure", "low", "high", "n_mice", "method"),
    "volume_agreement": ("a", "b", "n_tumors", "n_mice", "ratio", "limit_low", "limit_high", "icc"),
    "size_trend": ("dataset", "n_mice", "difference_percent", "expected_percent", "ratio", "ratio_low", "ratio_high"),
    "size_curve": ("volume_cm3", "dice", "abs_percent"),
    "annotators": ("annotator", "scans", "seconds_median", "removed_voxels_mean", "corrected", "repeats"),
}  # tables that an older agree did not write, or that come with a campaign, and the columns that the page needs


def read_tables(study: Study, sidecars: Sidecars) -> ReportTables:
    """Return the tables that the page shows.

    Raises
    ------
    StudyError
        If the annotators have not been compared yet.
    FileError
        If a table is damaged.
    """
    folder = study.step_folder("agreement")
    absent = [f"{name}.csv" for name in NEEDED if not (folder / f"{name}.csv").exists()]
    if absent:
        where = "" if study.out.parent == study.root else f" --out {study.out}"
        raise StudyError(f"{folder} holds no {', '.join(absent)}; run 'murinoma agree {study.root}{where}' first")
    agreement = {name: read_table(folder / f"{name}.csv") for name in NEEDED}
    later = {
        name: read_table(folder / f"{name}.csv", columns)
        for name, columns in OPTIONAL.items()
        if (folder / f"{name}.csv").exists()
    }
    performance = study.step_folder("consensus") / "performance.csv"
    repeats = study.step_folder("repeatability") / "repeatability.csv"
    return ReportTables(
        **agreement,
        table2=_table2(study, sidecars),
        findings=_findings(study),
        performance=read_table(performance, PERFORMANCE_COLUMNS) if performance.exists() else None,
        intervals=Intervals(later.pop("intervals", None)),
        campaign=later.pop("annotators", None),
        repeatability=read_table(repeats, REPEATABILITY_COLUMNS) if repeats.exists() else None,
        **later,
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


def _findings(study: Study) -> pd.DataFrame:
    """Return what check has found; before it ran, what the study's names and folders show."""
    path = findings_path(study)
    if path.exists():
        table = read_table(path, FINDING_COLUMNS)
    else:
        table = pd.DataFrame([asdict(finding) for finding in study.findings], columns=list(FINDING_COLUMNS))
    return table.assign(message=[from_root(study, str(message)) for message in table["message"]])
