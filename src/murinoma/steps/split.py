"""Cut acquisitions with several mice into one CT per mouse, correctly placed, with nothing of the animal lost."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, InputError, OutputError, StudyError, UsageError
from murinoma.files.acquisitions import Acquisition, read_acquisition, source_files
from murinoma.files.atomic import write_bytes
from murinoma.files.hounsfield import recalibrate
from murinoma.files.nifti import write
from murinoma.files.sidecar import Sidecar, read_sidecar, write_sidecar
from murinoma.numerics.mice import FoundMice, FoundMouse, find_mice
from murinoma.numerics.windows import Animal, Window, crop_window
from murinoma.pages.projections import project, shadows
from murinoma.pages.split_sheet import SheetMouse, SplitSheet, split_sheet
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import RunSettings, SplitSettings
from murinoma.steps import Number, StepResult
from murinoma.study import Scan, Study, TimePoint, axes_meaning, clean_dataset, clean_scan, new_study, sidecar_path
from murinoma.volume import Box, Volume

EMPTY_PLACE = "-"
AIR_HU = -1000


@dataclass(frozen=True)
class SplitJob:
    """One acquisition to be split.

    Attributes
    ----------
    file
        An Inveon ``.img``, a DICOM folder or file, or a NIfTI file.
    dataset, time
        Where its scans go: ``Dataset 2``, ``8d``.
    mice
        Names in reading order, ``-`` for an empty place; none: M01, M02, ... in reading order.
    expect
        How many mice there are, where no names are given.
    axes
        What the stored axes x, y, z mean (``back to belly, right to left, rump to nose``); empty where unknown.
    boxes
        Name -> window given by hand, voxels along (z, y, x), instead of the one that is found.
    series, frame, fill_gaps
        As `murinoma.files.acquisitions.read_acquisition` takes them.
    """

    file: Path
    dataset: str
    time: str
    mice: tuple[str, ...] = ()
    expect: int | None = None
    axes: str = ""
    boxes: tuple[tuple[str, Box], ...] = ()
    series: str | None = None
    frame: int | None = None
    fill_gaps: int = 0

    @property
    def names(self) -> list[str]:
        """The names of the mice, without empty places."""
        return [name for name in self.mice if name != EMPTY_PLACE]

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the job: where its scans go, and its file."""
        return self.dataset, self.time, str(self.file)

    @property
    def title(self) -> str:
        """The job's name in records and failures; the whole path, because scanners name many files alike."""
        return f"{self.dataset} {self.time} {self.file}"


def split(
    jobs: Sequence[SplitJob],
    into: Path,
    *,
    settings: SplitSettings = SplitSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write one CT per mouse into the study at `into`, and a QC sheet per acquisition into ``derivatives/split``.

    A CT that is there already, and does not come from the same acquisition, is refused without `how.force`;
    annotations beside it are never touched.

    Raises
    ------
    UsageError
        If two jobs would write the same scan, or a time or dataset is none.
    OutputError
        If the results cannot be written.
    """
    _check_jobs(jobs)
    study = new_study(into)
    work = _Split(study, settings, how.force)
    record = study.step_folder("split") / "record.json"
    outcome = run_scans(jobs, work, record, settings=settings, how=how, progress=progress)
    if how.dry_run:
        return StepResult("split", None, 0, (), (), {"waiting": outcome.waiting, "done": outcome.skipped})
    results = [outcome.results[job.key] for job in jobs if job.key in outcome.results]
    numbers: dict[str, Number] = {"mice": sum(len(result["mice"]) for result in results)}
    notices = tuple(notice for result in results for notice in result["notices"])
    return StepResult("split", into if results else None, len(results), outcome.failures, notices, numbers)


def read_jobs(table: Path) -> list[SplitJob]:
    """Return the jobs of a ``split.csv``, one row each: file, dataset, time, mice, and optional columns.

    Optional are expect, axes, series, frame and fill_gaps; `file` is relative to the table; names in `mice` are
    separated by blanks or commas.

    Raises
    ------
    FileError
        If the table cannot be read, lacks a column, or a row cannot be understood.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileError(
            f"cannot read the table {table} ({error}); save it as CSV with a comma between columns"
        ) from error
    jobs = []
    for number, row in enumerate(rows, start=2):
        try:
            jobs.append(_job(row, table.parent))
        except (KeyError, ValueError, AttributeError) as error:
            raise FileError(
                f"{table}, line {number}: {error}; a row needs file, dataset, time and mice, "
                "such as 'a.img,Dataset 2,8d,M01 M02'"
            ) from error
    if not jobs:
        raise FileError(f"{table} holds no row; it needs one per acquisition (file, dataset, time, mice)")
    return jobs


def _job(row: Mapping[str, str], folder: Path) -> SplitJob:
    given = {key.strip(): (value or "").strip() for key, value in row.items()}
    expect, frame, gaps = (int(given[key]) if given.get(key) else None for key in ("expect", "frame", "fill_gaps"))
    return SplitJob(
        folder / given["file"],
        clean_dataset(given["dataset"]) or given["dataset"],
        given["time"],
        tuple(given["mice"].replace(",", " ").split()),
        expect=expect,
        axes=given.get("axes", ""),
        series=given.get("series") or None,
        frame=frame,
        fill_gaps=gaps or 0,
    )


def _check_jobs(jobs: Sequence[SplitJob]) -> None:
    """Refuse jobs that name no place in a study, or one scan twice, before anything is read."""
    seen: dict[tuple[str, str, str], Path] = {}
    for job in jobs:
        try:
            TimePoint.parse(job.time)
        except StudyError as error:
            raise UsageError(f"{job.file}: {error}") from error
        if clean_dataset(job.dataset) != job.dataset:
            raise UsageError(f"{job.file}: '{job.dataset}' is no dataset; call it 'Dataset 2'")
        for name in job.names:
            scan = (job.dataset, name, job.time)
            if scan in seen:
                raise UsageError(
                    f"{' '.join(scan)} would come from {seen[scan]} and from {job.file}; correct the names"
                )
            seen[scan] = job.file


@dataclass(frozen=True)
class _Split:
    """The work on one acquisition."""

    study: Study
    settings: SplitSettings
    force: bool
    scans_per_worker: ClassVar[int] = 1

    def inputs(self, job: SplitJob) -> list[Path]:
        return source_files(job.file)

    def options(self, job: SplitJob) -> dict[str, Any]:
        boxes = {name: _named_box(box) for name, box in job.boxes}
        given = {"series": job.series, "frame": job.frame, "fill_gaps": job.fill_gaps, "expect": job.expect}
        return {"mice": list(job.mice), "axes": job.axes, "boxes": boxes, **given}

    def outputs(self, job: SplitJob) -> list[Path]:
        scans = _scans(self.study, job, job.names)
        return [path for scan in scans for path in (_ct(scan), sidecar_path(_ct(scan)))]

    def __call__(self, job: SplitJob) -> Result:
        acquisition = _acquisition(job, self.settings)
        volume = acquisition.volume
        found = find_mice(volume.voxels, spacing_mm=volume.spacing_mm, expected=len(job.names) or job.expect)
        cuts = _cuts(job, found, volume, self.settings)
        scans = _scans(self.study, job, [cut.name for cut in cuts])
        kept = [notice for scan in scans for notice in self._refuse_other(scan, acquisition)]
        for scan, cut in zip(scans, cuts, strict=True):
            self._write(scan, cut, acquisition, job)
        said = [*found.doubts, *(note for cut in cuts for note in cut.notes), *kept]
        sheet = self.study.step_folder("split") / job.dataset / f"{scans[0].group}.png"
        write_bytes(sheet, _sheet(job, found, cuts, acquisition))
        return {
            "dataset": job.dataset,
            "time": job.time,
            "source": job.file.name,
            "mice": {cut.name: {"box": _named_box(cut.box), "foreign_share": cut.foreign_share} for cut in cuts},
            "doubts": list(found.doubts),
            "notices": [
                *acquisition.notices,
                *(f"{job.dataset} {job.time} {job.file.name}: {sentence}" for sentence in said),
            ],
        }

    def _refuse_other(self, scan: Scan, acquisition: Acquisition) -> Iterator[str]:
        """Refuse to replace a CT of another acquisition; with force, say what it leaves behind."""
        if not _ct(scan).exists():
            return
        known = read_sidecar(sidecar_path(_ct(scan)))
        if known is not None and known.source_sha256 == acquisition.sources[0].sha256:
            return
        if not self.force:
            raise OutputError(f"{_ct(scan)} is there already, from another source; name other mice, or give --force")
        masks = sorted(path.name for path in scan.folder.iterdir() if path != _ct(scan) and path.suffix != ".json")
        if masks:
            yield f"{scan.title} was replaced; {', '.join(masks)} beside it stayed and may not fit any more"

    def _write(self, scan: Scan, cut: "_Cut", acquisition: Acquisition, job: SplitJob) -> None:
        low, high = self.settings.range_hu
        crop = acquisition.volume.crop(cut.box)
        values = crop.voxels if not cut.blank.any() else np.where(cut.blank, AIR_HU, crop.voxels)
        hu = np.clip(np.rint(values) if values.dtype.kind == "f" else values, low, high).astype(np.int16)
        source = acquisition.sources[0]
        sidecar = Sidecar(
            parameters=acquisition.parameters,
            axes=axes_meaning(job.axes) if job.axes else {},
            source=source.path.name,
            source_sha256=source.sha256,
            box=_named_box(cut.box),
            notes={"range_hu": [low, high], "calibrated": self.settings.calibrate, "isolated": bool(cut.blank.any())},
        )
        # the sidecar first: a CT without one would look like somebody else's in the next run
        write_sidecar(sidecar, sidecar_path(_ct(scan)))
        write(crop.with_voxels(hu), _ct(scan))


@dataclass(frozen=True, eq=False)
class _Cut:
    """One mouse as it is cut out; `blank` are the voxels of the window that belong to a neighbour and go."""

    name: str
    box: Box
    animal: FoundMouse | None
    foreign_share: float
    blank: npt.NDArray[np.bool_]
    notes: tuple[str, ...]


def _acquisition(job: SplitJob, settings: SplitSettings) -> Acquisition:
    acquisition = read_acquisition(job.file, frame=job.frame, series=job.series, fill_gaps=job.fill_gaps)
    if settings.calibrate is None:
        return acquisition
    air, water = settings.calibrate
    return replace(acquisition, volume=recalibrate(acquisition.volume, air=air, water=water))


def _scans(study: Study, job: SplitJob, names: Sequence[str]) -> list[Scan]:
    group = "_".join([*names, job.time])
    return [clean_scan(study.root, (job.dataset, group), name, job.time, ()) for name in names]


def _ct(scan: Scan) -> Path:
    assert scan.ct is not None  # a clean scan has one
    return scan.ct


def _cuts(job: SplitJob, found: FoundMice, volume: Volume, settings: SplitSettings) -> list[_Cut]:
    """Return every mouse with its name and window: as found, or as given by hand."""
    by_hand = dict(job.boxes)
    names = job.names or [f"M{number:02d}" for number in range(1, len(found.mice) + 1)]
    if by_hand and set(names) <= set(by_hand):
        return [_by_hand(name, by_hand[name], volume) for name in names]
    if len(found.mice) != len(names) or not names:
        said = f" ({found.doubts[0]})" if found.doubts else ""
        asked = f"{len(names)} are named" if names else "at least one is needed"
        raise InputError(
            f"{job.file} shows {len(found.mice)} mice, {asked}{said}; correct --mice, or give each a --box "
            "(the voxels of a box can be read off the acquisition in any viewer)"
        )
    animals = [Animal(mouse.box, mouse.mask()) for mouse in found.mice]
    widths = [round(settings.width_mm / step) for step in volume.spacing_mm]
    cuts = []
    for place, name in enumerate(names):
        if name in by_hand:
            cuts.append(_by_hand(name, by_hand[name], volume))
            continue
        others = [animal for number, animal in enumerate(animals) if number != place]
        window = crop_window(
            animals[place], others, volume.shape, widths=_across(widths, found.body_axis), body_axis=found.body_axis
        )
        cuts.append(_found(name, found.mice[place], window, others, settings))
    return cuts


def _across(widths: Sequence[int], body_axis: int) -> tuple[int, int]:
    first, second = (width for axis, width in enumerate(widths) if axis != body_axis)
    return first, second


def _by_hand(name: str, box: Box, volume: Volume) -> _Cut:
    inside = all(0 <= part.start < part.stop <= length for part, length in zip(box, volume.shape, strict=True))
    if not inside:
        z, y, x = volume.shape
        raise UsageError(f"the box of {name} reaches outside the field of {x} x {y} x {z} voxels (x, y, z); correct it")
    return _Cut(name, box, None, 0.0, np.zeros((0, 0, 0), bool), (f"{name} was cut out by the box that was given",))


def _found(name: str, mouse: FoundMouse, window: Window, others: Sequence[Animal], settings: SplitSettings) -> _Cut:
    notes = []
    if window.enlarged:
        notes.append(f"{name} is wider than {settings.width_mm:g} mm and has a larger window")
    if window.foreign_share:
        left = "was blanked" if settings.isolate else "lies in its window (--isolate blanks it)"
        notes.append(f"{100 * window.foreign_share:.2g} % of the other animals {left}: {name}")
    blank = _bodies_inside(window.box, others) if settings.isolate else np.zeros((0, 0, 0), bool)
    return _Cut(name, window.box, mouse, window.foreign_share, blank, tuple(notes))


def _bodies_inside(box: Box, others: Sequence[Animal]) -> npt.NDArray[np.bool_]:
    """Return where in a window the other animals are, in its shape."""
    inside = np.zeros([part.stop - part.start for part in box], bool)
    for other in others:
        common = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(box, other.box, strict=True)]
        if all(part.start < part.stop for part in common):
            here, there = (
                tuple(
                    slice(c.start - start.start, c.stop - start.start) for c, start in zip(common, origin, strict=True)
                )
                for origin in (box, other.box)
            )
            inside[here] |= other.body[there]
    return inside


def _named_box(box: Box) -> dict[str, list[int]]:
    """Return a box by axis, x first, as people and sidecars write it."""
    return {axis: [part.start, part.stop] for axis, part in zip("xyz", reversed(box), strict=True)}


def _sheet(job: SplitJob, found: FoundMice, cuts: Sequence[_Cut], acquisition: Acquisition) -> bytes:
    volume = acquisition.volume
    places = [place for place, name in enumerate(job.mice, start=1) if name != EMPTY_PLACE] or range(1, len(cuts) + 1)
    mice = []
    for place, cut in zip(places, cuts, strict=True):
        mouse = cut.animal
        body = None if mouse is None else shadows(mouse.body, mouse.box, volume.shape, factors=mouse.factors)
        mice.append(SheetMouse(cut.name, place, cut.box, body, ". ".join(cut.notes)))
    return split_sheet(
        SplitSheet(
            f"{job.dataset}, {job.time}: {job.file.name}",
            project(volume.voxels),
            volume.spacing_mm,
            found.body_axis,
            mice,
            _ends(job.axes),
            found.doubts,
            acquisition.notices,
        )
    )


def _ends(axes: str) -> dict[str, tuple[str, str]]:
    """Return what stands at both ends of each stored axis, as the sheet takes it."""
    if not axes:
        return {}
    short = {"left": "L", "right": "R"}
    pairs = {axis: said.split(" to ") for axis, said in axes_meaning(axes).items()}
    return {axis: (short.get(a, a), short.get(b, b)) for axis, (a, b) in pairs.items()}
