"""Let simulated annotators take part in a campaign: each opens its own store, meets codes, draws, and hands in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.campaign import Assignment, Plan, Store, open_store, read_plan
from murinoma.errors import FileError
from murinoma.files.atomic import write_text
from murinoma.files.nifti import read_volume, write
from murinoma.files.sidecar import read_sidecar
from murinoma.phantom.acquisition import plan_acquisitions
from murinoma.phantom.annotators import Drawing, see_tumors
from murinoma.phantom.cohort import ScanSpec, drawing, plan_scans
from murinoma.runs import Progress
from murinoma.settings import SimulateSettings
from murinoma.steps import StepResult
from murinoma.steps.simulate.planning import PER_MOUSE, TRUTH, study_plan, truth_of
from murinoma.study import Scan, Study, sidecar_path
from murinoma.study.notes import STUDY_FORMAT, notes_path
from murinoma.volume import Volume

Key = tuple[str, str, str]


def annotate_phantoms(
    study: Study,
    acquisitions: Path,
    *,
    settings: SimulateSettings = SimulateSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Let the simulated annotators draw every scan of their campaign that is still open, and write the truth.

    The scans were split from `acquisitions`. A drawing depends on the seed, the scan and the annotator, not on the
    order. What is handed in stays.

    Raises
    ------
    UsageError
        If the study has no campaign.
    FileError
        If the files beside a scan are gone.
    OutputError
        If something cannot be written.
    """
    plan = read_plan(study)
    phantoms = _Phantoms.of(study, acquisitions, settings)
    if not notes_path(study.root).exists():  # as people would name theirs
        write_text(notes_path(study.root), f'format = "{STUDY_FORMAT}"\ntitle = "Phantom study"\n')
    total = sum(map(len, plan.orders.values()))
    for done, what in enumerate(_handed_in(study, plan, phantoms), start=1):
        if progress is not None:
            progress(done, total, what)
    return StepResult("annotate", study.root, len(study.scans), numbers=_numbers(plan))


def _handed_in(study: Study, plan: Plan, phantoms: "_Phantoms") -> Iterator[str]:
    """Hand in what is open, annotator by annotator; name each annotation once it is there."""
    for number, annotator in enumerate(plan.annotators):
        draw = partial(phantoms.drawn, number)
        with open_store(study, annotator) as store:
            for assigned in plan.order_of(annotator):
                _hand_in(store, assigned, draw)
                yield f"{annotator} {assigned.code}"


def _hand_in(store: Store, assigned: Assignment, draw: Callable[[Assignment], Drawing]) -> None:
    """Draw what is not done, and save it as a front end does: slice by slice, what the tissue rule took, the labels."""
    code = assigned.code
    if store.state(code) == "done":
        return
    made = draw(assigned)
    store.begin(code, made.labels.shape)
    for index in sorted({index for slices in made.drawn.values() for index in slices}):
        store.save_slice(code, index, made.sketch[index])
    store.save_removed(code, made.removed)
    store.save_labels(code, made.labels)
    store.submit(code)


def _numbers(plan: Plan) -> dict[str, float | int | str | None]:
    return {"annotators": len(plan.annotators), "annotations": sum(map(len, plan.orders.values()))}


@dataclass(frozen=True)
class _Phantoms:
    """The phantom mice behind the scans of a study: what was planned, and in which acquisition each lies."""

    study: Study
    scans: Mapping[Key, Scan]
    specs: Mapping[Key, ScanSpec]
    places: Mapping[Key, tuple[Path, int]]

    @classmethod
    def of(cls, study: Study, acquisitions: Path, settings: SimulateSettings) -> "_Phantoms":
        plan = study_plan(settings)
        specs = {(spec.dataset.name, spec.mouse, spec.time): spec for spec in plan_scans(plan, settings.seed)}
        places = {
            (name, scan.mouse, scan.time): (acquisitions / name / f"{spec.name}.img", place)
            for spec in plan_acquisitions(plan, settings.seed)
            for name in [spec.scans[0].dataset.name]
            for place, scan in enumerate(spec.scans, start=1)
        }
        return cls(study, {scan.key: scan for scan in study.scans}, specs, places)

    def drawn(self, annotator: int, assigned: Assignment) -> Drawing:
        """Return what an annotator draws on a scan that was handed out."""
        scan = self.scans[assigned.scan.key]
        if scan.ct is None:
            raise FileError(f"{scan.folder} holds no CT; split the acquisition again")
        ct = read_volume(scan.ct)
        truth = self._truth(scan, scan.ct, ct)
        return drawing(self.specs[scan.key], annotator, ct, see_tumors(truth), repeat=assigned.repeat)

    def _truth(self, scan: Scan, ct_path: Path, ct: Volume) -> Volume:
        """Return the true tumors of a scan; the first time they are cut from the acquisition's, and written."""
        path = self.study.prediction_path(scan, TRUTH)
        if path.exists():
            return read_volume(path)
        truth = ct.with_voxels(self._cut_truth(scan, ct_path))
        write(truth, path)
        return truth

    def _cut_truth(self, scan: Scan, ct_path: Path) -> npt.NDArray[np.uint8]:
        image, place = self.places[scan.key]
        sidecar = read_sidecar(sidecar_path(ct_path))
        if sidecar is None:
            raise FileError(f"{sidecar_path(ct_path)} does not exist; split the acquisition again")
        box = tuple(slice(*sidecar.box[axis]) for axis in "zyx")
        labels = read_volume(truth_of(image)).voxels[box]
        return np.where(labels // PER_MOUSE == place, labels % PER_MOUSE, 0).astype(np.uint8)
