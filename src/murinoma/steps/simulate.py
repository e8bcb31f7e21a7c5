"""Write a study of phantom mice: scans, annotations by three simulated annotators, and the truth beside them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from murinoma.errors import StudyError
from murinoma.files.nifti import write
from murinoma.files.records import read_record
from murinoma.phantom.cohort import DatasetPlan, ScanSpec, StudyPlan, plan_scans, render
from murinoma.runs import Progress, Result, plain, run_scans
from murinoma.settings import RunSettings, SimulateSettings
from murinoma.steps import StepResult
from murinoma.study import Scan, Study, clean_scan, new_study

TRUTH = "truth"


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
    numbers = {"mice": sum(dataset.mice for dataset in settings.datasets), "waiting": outcome.waiting}
    return StepResult("simulate", root, len(outcome.results), outcome.failures, (), numbers)


@dataclass(frozen=True)
class _Paint:
    """The work on one scan: make it, and write its files."""

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
            write(phantom.ct, scan.ct)
        for name, path in scan.annotations.items():
            write(phantom.annotations[name], path)
        write(phantom.truth, self.study.prediction_path(scan, TRUTH))
        return {"volumes_mm3": list(phantom.volumes_mm3)}


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
