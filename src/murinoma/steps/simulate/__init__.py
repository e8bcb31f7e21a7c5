"""Write phantom mice: as a study with annotations, or as the scanner files that a study begins with.

`simulate` writes a study at once, one clean scan per mouse. `scan_phantoms` writes acquisitions of several mice, and
`annotate_phantoms` lets the simulated annotators draw on what `split` made of them. The truth stands beside both.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from murinoma.errors import FileError, StudyError
from murinoma.files import inveon
from murinoma.files.atomic import write_text
from murinoma.files.dicom_writer import write_series
from murinoma.files.nifti import read_volume, write
from murinoma.files.parameters import Parameters
from murinoma.files.records import read_record
from murinoma.files.sidecar import Sidecar, read_sidecar, write_sidecar
from murinoma.phantom.acquisition import AcquisitionSpec, plan_acquisitions, render_acquisition
from murinoma.phantom.cohort import DatasetPlan, ScanSpec, StudyPlan, annotations, plan_scans, render
from murinoma.runs import Progress, Result, plain, run_scans
from murinoma.settings import RunSettings, SimulateSettings
from murinoma.steps import Number, StepResult
from murinoma.study import Scan, Study, axes_meaning, clean_scan, new_study, sidecar_path

TRUTH = "truth"
SINGLE_AXES = "back to belly, right to left, rump to nose"  # x, y, z of a mouse rendered alone, as published
SCANNER_AXES = "right to left, belly to back, rump to nose"  # on its back in the scanner
PER_MOUSE = 16  # in the truth of an acquisition a tumor voxel is 16 times the mouse's place plus the tumor's number


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
    planned = [(_scan(root, spec), spec) for spec in plan_scans(_plan(settings), settings.seed)]
    work = _Paint(study, {scan.key: spec for scan, spec in planned})
    scans = [scan for scan, _ in planned]
    outcome = run_scans(scans, work, record, settings=settings, how=replace(how, force=False), progress=progress)
    numbers: dict[str, Number] = {"mice": _n_mice(settings), "waiting": outcome.waiting}
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
    planned = plan_acquisitions(_plan(settings), settings.seed)
    jobs = [_ScannerJob(folder, spec, number, settings.scanner_files) for number, spec in enumerate(planned, start=1)]
    outcome = run_scans(
        jobs, _PaintField(), record, settings=settings, how=replace(how, force=False), progress=progress
    )
    table = folder / "split.csv"
    if not how.dry_run:
        write_text(table, _split_table(jobs))
    numbers: dict[str, Number] = {"mice": _n_mice(settings), "waiting": outcome.waiting}
    return StepResult("scan", table, len(outcome.results), outcome.failures, (), numbers)


def annotate_phantoms(
    study: Study,
    acquisitions: Path,
    *,
    settings: SimulateSettings = SimulateSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Let the simulated annotators draw on every scan that was split from `acquisitions`; masks that exist stay.

    Raises
    ------
    OutputError
        If the masks cannot be written.
    """
    specs = {(s.dataset.name, s.mouse, s.time): s for s in plan_scans(_plan(settings), settings.seed)}
    places = {
        (spec.scans[0].dataset.name, scan.mouse, scan.time): (acquisitions, spec.name, place)
        for spec in plan_acquisitions(_plan(settings), settings.seed)
        for place, scan in enumerate(spec.scans, start=1)
    }
    drawn = [_with_annotators(study.root, scan, specs[scan.key]) for scan in study.scans if scan.key in specs]
    work = _Draw(replace(study, scans=(), findings=()), specs, places)
    record = study.step_folder("simulate") / "record.json"
    outcome = run_scans(drawn, work, record, settings=settings, how=replace(how, force=False), progress=progress)
    return StepResult("annotate", study.root, len(outcome.results), outcome.failures)


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
        return [job.image, *header, _truth_of(job.image)]

    def __call__(self, job: _ScannerJob) -> Result:
        phantom = render_acquisition(job.spec)
        mouse = phantom.bodies.voxels % 10
        truth = np.where(phantom.tumors.voxels > 0, PER_MOUSE * mouse + phantom.tumors.voxels, 0).astype(np.uint8)
        if job.format == "dicom":
            write_series(phantom.ct, job.image, uid=job.number, parameters=Parameters(scanner="phantom"))
        else:
            inveon.write(phantom.ct, job.image)
        write(phantom.ct.with_voxels(truth), _truth_of(job.image))
        return {"mice": list(phantom.names)}


@dataclass(frozen=True)
class _Draw:
    """The work on one split scan: every annotator's mask, and the truth, on the CT's grid."""

    study: Study
    specs: dict[tuple[str, str, str], ScanSpec]
    places: dict[tuple[str, str, str], tuple[Path, str, int]]
    scans_per_worker: ClassVar[int] = 4

    def inputs(self, scan: Scan) -> list[Path]:
        return [scan.ct] if scan.ct else []

    def options(self, scan: Scan) -> dict[str, str]:
        return {}

    def outputs(self, scan: Scan) -> list[Path]:
        return [*scan.annotations.values(), self.study.prediction_path(scan, TRUTH)]

    def __call__(self, scan: Scan) -> Result:
        if scan.ct is None:
            raise FileError(f"{scan.folder} holds no CT; split the acquisition again")
        ct, truth = read_volume(scan.ct), self._truth(scan, scan.ct)
        for name, mask in annotations(self.specs[scan.key], ct, ct.with_voxels(truth)).items():
            if not scan.annotations[name].exists():  # what somebody drew is never replaced
                write(mask, scan.annotations[name])
        write(ct.with_voxels(truth), self.study.prediction_path(scan, TRUTH))
        return {"tumors": [int(n) for n in np.unique(truth) if n]}

    def _truth(self, scan: Scan, ct: Path) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
        folder, name, place = self.places[scan.key]
        sidecar = read_sidecar(sidecar_path(ct))
        if sidecar is None:
            raise FileError(f"{sidecar_path(ct)} does not exist; split the acquisition again")
        box = tuple(slice(*sidecar.box[axis]) for axis in "zyx")
        labels = read_volume(_truth_of(folder / scan.dataset / f"{name}.img")).voxels[box]
        return np.where(labels // PER_MOUSE == place, labels % PER_MOUSE, 0).astype(np.uint8)


def _truth_of(image: Path) -> Path:
    return image.with_name(f"{image.name.removesuffix('.img')}_truth.nii.gz")


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


def _n_mice(settings: SimulateSettings) -> int:
    return sum(dataset.mice for dataset in settings.datasets)


def _plan(settings: SimulateSettings) -> StudyPlan:
    datasets = tuple(
        DatasetPlan(
            name=f"Dataset {number}",
            n_mice=wanted.mice,
            times=wanted.times,
            tumors_per_mouse=wanted.tumors,
            median_mm3=wanted.median_mm3,
            log_sd=wanted.log_sd,
            growth_per_day=wanted.growth_per_day,
            site=wanted.site,
            mice_per_acquisition=wanted.mice_per_acquisition,
        )
        for number, wanted in enumerate(settings.datasets, start=1)
    )
    rule = settings.annotation
    return StudyPlan(datasets, settings.spacing_mm, air_hu=rule.air_hu, bone_hu=rule.bone_hu)


def _scan(root: Path, spec: ScanSpec) -> Scan:
    names = [annotator.name for annotator in spec.study.annotators]
    return clean_scan(root, (spec.dataset.name, spec.group), spec.mouse, spec.time, names)


def _with_annotators(root: Path, scan: Scan, spec: ScanSpec) -> Scan:
    """Return a scan that was found, with the paths of masks that are still to be drawn."""
    names = [annotator.name for annotator in spec.study.annotators]
    return clean_scan(root, (scan.dataset, scan.group), scan.mouse, scan.time.label, names)
