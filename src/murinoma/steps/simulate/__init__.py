"""Write phantom mice: as a study with annotations, or as the scanner files that a study begins with.

`simulate` writes a study at once, one clean scan per mouse. `scan_phantoms` writes acquisitions of several mice, and
`annotators.annotate_phantoms` lets the simulated annotators draw on what `split` made of them, in a campaign. The truth
stands beside both.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from murinoma.errors import StudyError
from murinoma.files import inveon
from murinoma.files.atomic import write_text
from murinoma.files.dicom_writer import write_series
from murinoma.files.nifti import write
from murinoma.files.parameters import Parameters
from murinoma.files.records import read_record
from murinoma.files.sidecar import Sidecar, write_sidecar
from murinoma.phantom.acquisition import AcquisitionSpec, plan_acquisitions, render_acquisition
from murinoma.phantom.cohort import ScanSpec, plan_scans, render
from murinoma.runs import Progress, Result, plain, run_scans
from murinoma.settings import RunSettings, SimulateSettings
from murinoma.steps import Number, StepResult
from murinoma.steps.simulate.planning import PER_MOUSE, TRUTH, n_mice, study_plan, truth_of
from murinoma.study import Scan, Study, axes_meaning, clean_scan, new_study, sidecar_path

SINGLE_AXES = "back to belly, right to left, rump to nose"  # x, y, z of a mouse rendered alone, as published
SCANNER_AXES = "right to left, belly to back, rump to nose"  # on its back in the scanner


def simulate(
    root: Path,
    *,
    settings: SimulateSettings = SimulateSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write a phantom study to `root`; the true masks become its prediction ``truth``.

    A folder that holds anything but the same phantom study is refused: people's files are never in the way.

    Raises
    ------
    StudyError
        If `root` holds something else, or a phantom study with other settings.
    OutputError
        If the study cannot be written.
    """
    study = new_study(root)
    record = study.step_folder("simulate") / "record.json"
    _refuse_other_content(root, record, settings)
    planned = [(_scan(root, spec), spec) for spec in plan_scans(study_plan(settings), settings.seed)]
    work = _Paint(study, {scan.key: spec for scan, spec in planned})
    scans = [scan for scan, _ in planned]
    outcome = run_scans(scans, work, record, settings=settings, how=replace(how, force=False), progress=progress)
    numbers: dict[str, Number] = {"mice": n_mice(settings), "waiting": outcome.waiting}
    return StepResult("simulate", root, len(outcome.results), outcome.failures, (), numbers)


def scan_phantoms(
    folder: Path,
    *,
    settings: SimulateSettings = SimulateSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write the acquisitions of a phantom study: Inveon files, their truth, and the ``split.csv`` that names the mice.

    Raises
    ------
    StudyError
        If `folder` holds anything but the same acquisitions.
    OutputError
        If they cannot be written.
    """
    record = folder / "record.json"
    _refuse_other_content(folder, record, settings)
    planned = plan_acquisitions(study_plan(settings), settings.seed)
    jobs = [_ScannerJob(folder, spec, number, settings.scanner_files) for number, spec in enumerate(planned, start=1)]
    outcome = run_scans(
        jobs, _PaintField(), record, settings=settings, how=replace(how, force=False), progress=progress
    )
    table = folder / "split.csv"
    if not how.dry_run:
        write_text(table, _split_table(jobs))
    numbers: dict[str, Number] = {"mice": n_mice(settings), "waiting": outcome.waiting}
    return StepResult("scan", table, len(outcome.results), outcome.failures, (), numbers)


@dataclass(frozen=True)
class _Paint:
    """The work on one scan of a study: make it, and write its files."""

    study: Study
    specs: dict[tuple[str, str, str], ScanSpec]
    scans_per_worker: ClassVar[int] = 2

    def inputs(self, scan: Scan) -> list[Path]:
        return []

    def options(self, scan: Scan) -> dict[str, str]:
        return {}

    def outputs(self, scan: Scan) -> list[Path]:
        ct = [scan.ct] if scan.ct else []
        return [*ct, *scan.annotations.values(), self.study.prediction_path(scan, TRUTH)]

    def __call__(self, scan: Scan) -> Result:
        phantom = render(self.specs[scan.key])
        if scan.ct:
            write_sidecar(Sidecar(axes=axes_meaning(SINGLE_AXES), source="phantom"), sidecar_path(scan.ct))
            write(phantom.ct, scan.ct)
        for name, path in scan.annotations.items():
            write(phantom.annotations[name], path)
        write(phantom.truth, self.study.prediction_path(scan, TRUTH))
        return {"volumes_mm3": list(phantom.volumes_mm3)}


@dataclass(frozen=True)
class _ScannerJob:
    """One acquisition that is written: where, and what."""

    folder: Path
    spec: AcquisitionSpec
    number: int
    format: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.spec.scans[0].dataset.name, self.spec.name, ""

    @property
    def title(self) -> str:
        return f"{self.key[0]} {self.spec.name}"

    @property
    def image(self) -> Path:
        suffix = "" if self.format == "dicom" else ".img"  # a series is a folder
        return self.folder / self.key[0] / f"{self.spec.name}{suffix}"


@dataclass(frozen=True)
class _PaintField:
    """The work on one acquisition: make it, and write the scanner's files and the truth."""

    scans_per_worker: ClassVar[int] = 1

    def inputs(self, job: _ScannerJob) -> list[Path]:
        return []

    def options(self, job: _ScannerJob) -> dict[str, str]:
        return {}

    def outputs(self, job: _ScannerJob) -> list[Path]:
        header = [] if job.format == "dicom" else [inveon.header_of(job.image)]
        return [job.image, *header, truth_of(job.image)]

    def __call__(self, job: _ScannerJob) -> Result:
        phantom = render_acquisition(job.spec)
        mouse = phantom.bodies.voxels % 10
        truth = np.where(phantom.tumors.voxels > 0, PER_MOUSE * mouse + phantom.tumors.voxels, 0).astype(np.uint8)
        if job.format == "dicom":
            write_series(phantom.ct, job.image, uid=job.number, parameters=Parameters(scanner="phantom"))
        else:
            inveon.write(phantom.ct, job.image)
        write(phantom.ct.with_voxels(truth), truth_of(job.image))
        return {"mice": list(phantom.names)}


def _split_table(jobs: Sequence[_ScannerJob]) -> str:
    """Return the ``split.csv`` of the acquisitions."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(["file", "dataset", "time", "mice", "axes"])
    for job in jobs:
        names = " ".join(scan.mouse for scan in job.spec.scans)
        file = job.image.relative_to(job.folder).as_posix()
        table.writerow([file, job.key[0], job.spec.scans[0].time, names, SCANNER_AXES])
    return stream.getvalue()


def _refuse_other_content(root: Path, record: Path, settings: SimulateSettings) -> None:
    if root.exists() and not root.is_dir():
        raise StudyError(f"{root} is a file; name a new folder for the phantom study")
    if not root.exists() or not any(root.iterdir()):
        return
    known = read_record(record)
    if known is None:
        raise StudyError(f"{root} is not empty and holds no phantom study; name a new folder")
    if known.settings != plain(settings):
        raise StudyError(f"{root} holds a phantom study made with other settings; name a new folder, or delete it")


def _scan(root: Path, spec: ScanSpec) -> Scan:
    names = [annotator.name for annotator in spec.study.annotators]
    return clean_scan(root, (spec.dataset.name, spec.group), spec.mouse, spec.time, names)
