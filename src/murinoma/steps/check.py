"""Look at every scan of a study and list what is wrong or odd, each with its remedy.

An ``error`` keeps a scan out of the other steps; an ``oddity`` is something that a person should look at. What is
said about each stands in the functions below, one per kind.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, groupby, pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import GeometryError, InputError
from murinoma.files.masks import Grid, read_labels
from murinoma.files.nifti import Header, read, read_header
from murinoma.files.tables import write_table
from murinoma.numerics.jumps import GrowthLimits, Point, look_exchanged
from murinoma.numerics.tumors import Tumors, count_tumors
from murinoma.numerics.votes import majority_patterns
from murinoma.runs import Progress, Result, run_scans
from murinoma.settings import CheckSettings, RunSettings
from murinoma.steps import Done, Number, StepResult, done_of, dry_result, failure_of, header_notice
from murinoma.study import Finding, Scan, Study

Labels = npt.NDArray[np.uint8]
Images = tuple[Labels, Header]
TOLD_PER_KIND = 10
COLUMNS = ["severity", "kind", "scan", "message", "remedy"]


def check(
    study: Study,
    *,
    settings: CheckSettings = CheckSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Read every file of a study and write ``check/findings.csv``: what is wrong or odd, with the remedy.

    The scans with errors are the result's `failed`.

    Raises
    ------
    OutputError
        If the table cannot be written.
    """
    folder = study.step_folder("check")
    outcome = run_scans(
        study.scans, _Look(settings), folder / "record.json", settings=settings, how=how, progress=progress
    )
    if how.dry_run:
        return dry_result("check", study, outcome)
    done = done_of(study.scans, outcome)
    findings = [
        *study.findings,
        *(Finding("error", "unreadable", failure.scan, failure.message, "mend it") for failure in outcome.failures),
        *(Finding(**found) for _, result in done for found in result["findings"]),
        *(
            Finding("oddity", "header", "", said, "pixdim counts")
            for said in header_notice(r["conflicts"] for _, r in done)
        ),
        *_of_the_study(study, done, settings),
    ]
    findings.sort(key=lambda finding: (finding.severity != "error", finding.kind))
    path = folder / "findings.csv"
    write_table(pd.DataFrame([asdict(finding) for finding in findings], columns=COLUMNS), path)
    errors = [finding for finding in findings if finding.severity == "error"]
    failed = tuple(failure_of(finding) for finding in errors)
    oddities = [finding for finding in findings if finding.severity != "error"]
    numbers: dict[str, Number] = {"errors": len(errors), "oddities": len(oddities)}
    return StepResult("check", path, len(done), failed, tuple(_told(oddities, path)), numbers)


@dataclass(frozen=True)
class _Look:
    """The work on one scan: its own findings, and the volume that the comparison over time needs."""

    settings: CheckSettings
    scans_per_worker: ClassVar[int] = 60

    def inputs(self, scan: Scan) -> list[Path]:
        return _files(scan)

    def options(self, scan: Scan) -> dict[str, str]:
        return {}

    def outputs(self, scan: Scan) -> list[Path]:
        return []

    def __call__(self, scan: Scan) -> Result:
        images, found = _read_images(scan)
        masks = {name: images[path][0] for name, path in scan.annotations.items() if path in images}
        headers = {path: header for path, (_, header) in images.items()}
        found += [*_direction(scan, headers), *_labels(scan, masks, self.settings)]
        result: dict[str, Any] = {"conflicts": {path.name: h.conflict for path, h in headers.items() if h.conflict}}
        if masks:
            z, y, x = headers[scan.annotations[next(iter(masks))]].spacing_mm
            votes, tumors = count_tumors(list(masks.values()), spacing_mm=(z, y, x), **asdict(self.settings.tumors))
            found += [*_empty(scan, masks, tumors), *_specks(scan, tumors, self.settings)]
            found += _volumes(
                scan, dict(zip(masks, (tumors.voxels * (z * y * x)).T, strict=True)), tumors, self.settings
            )
            result["volume_mm3"] = float(votes.counts[majority_patterns(len(masks))].sum() * z * y * x)
            result["tumors"] = len(tumors.numbers)
        return {"findings": [asdict(finding) for finding in found], **result}


def _told(oddities: Sequence[Finding], path: Path) -> Iterator[str]:
    """Yield a sentence per oddity, of each kind the first ten: the table has them all."""
    for kind, group in groupby(oddities, key=lambda finding: finding.kind):
        of_kind = list(group)
        yield from (f"{finding.kind}: {finding.sentence}" for finding in of_kind[:TOLD_PER_KIND])
        if len(of_kind) > TOLD_PER_KIND:
            yield f"{kind}: {len(of_kind) - TOLD_PER_KIND} more, in {path}"


def _files(scan: Scan) -> list[Path]:
    return [path for path in (scan.ct, *scan.annotations.values(), scan.staple) if path is not None]


def _read_images(scan: Scan) -> tuple[dict[Path, Images], list[Finding]]:
    """Read every image of a scan on the grid of the first that can be read; the CT comes first."""
    images: dict[Path, Images] = {}
    found, grid = [], None
    for path in _files(scan):
        try:
            if path == scan.ct:
                image = read(path)
                images[path] = image.volume.voxels, image.header
            else:
                images[path] = read_labels(path, grid or Grid(path, read_header(path)))
            grid = grid or Grid(path, images[path][1])
        except InputError as error:
            kind = "geometry" if isinstance(error, GeometryError) else "unreadable"
            message, _, remedy = str(error).rpartition("; ")
            found.append(Finding("error", kind, scan.title, message, remedy))
    return images, found


def _direction(scan: Scan, headers: Mapping[Path, Header]) -> Iterator[Finding]:
    """Find masks whose axes run otherwise than the CT's: some program may have flipped them on saving."""
    first, *others = headers.items()
    for path, header in others:
        if (np.sign(header.affine[:3, :3].round(6)) != np.sign(first[1].affine[:3, :3].round(6))).any():
            message = f"the axes of {path.name} run in other directions than those of {first[0].name}"
            remedy = (
                "voxels are compared as stored: look at both in one viewer, and save the mask again if it is flipped"
            )
            yield Finding("oddity", "direction", scan.title, message, remedy)


def _labels(scan: Scan, masks: Mapping[str, Labels], settings: CheckSettings) -> Iterator[Finding]:
    """Find values above the largest expected tumor number: most often labels of another program."""
    for name, mask in masks.items():
        if mask.max() > settings.max_label:  # looking at every value costs ten times as much
            unknown = [int(value) for value in np.unique(mask) if value > settings.max_label]
            values_said = ", ".join(map(str, unknown))
            message = f"the mask of {name} holds {values_said}; tumors up to {settings.max_label} are expected"
            remedy = (
                "255 is taken as tumor without a number, any other value as a tumor's number: correct it if it is not"
            )
            yield Finding("oddity", "unknown label", scan.title, message, remedy)


def _empty(scan: Scan, masks: Mapping[str, Labels], tumors: Tumors) -> Iterator[Finding]:
    """Find scans without a tumor, and masks that are empty where others are not."""
    blank = [
        name for name, voxels in zip(masks, tumors.voxels.sum(axis=0) + tumors.speck_voxels, strict=True) if not voxels
    ]
    if len(blank) == len(masks):
        message, remedy = "all masks are empty", "its Dice is undefined; annotate it, or leave it out in exclude.csv"
        yield Finding("oddity", "no tumor", scan.title, message, remedy)
    elif blank:
        message = f"the mask of {', '.join(blank)} is empty, the others' are not"
        yield Finding("oddity", "empty mask", scan.title, message, "its Dice is 0; let the annotator look again")


def _specks(scan: Scan, tumors: Tumors, settings: CheckSettings) -> Iterator[Finding]:
    """Find specks: they count in the Dice and in the volume of the whole scan, but have no tumor number."""
    if tumors.specks:
        limits = settings.tumors
        pieces = "1 piece" if tumors.specks == 1 else f"{tumors.specks} pieces"
        message = f"{pieces} under {limits.speck_mm3:g} mm3 and more than {limits.reach_mm:g} mm from any tumor"
        remedy = "erase it if the brush slipped; it counts in Dice and the scan's volume, and in no tumor"
        yield Finding("oddity", "speck", scan.title, message, remedy)


def _volumes(
    scan: Scan, volumes_mm3: Mapping[str, npt.NDArray[np.float64]], tumors: Tumors, settings: CheckSettings
) -> Iterator[Finding]:
    """Find tumors whose annotators differ by more than a factor, or of which one marked nothing."""
    for place, number in enumerate(tumors.numbers):
        by_name = {name: float(volumes[place]) for name, volumes in volumes_mm3.items()}
        (small, least), (large, most) = min(by_name.items(), key=_volume), max(by_name.items(), key=_volume)
        if least == 0:
            message = f"tumor {number} ({most:.1f} mm3 by {large}) was not marked by {small}"
            yield Finding("oddity", "missed tumor", scan.title, message, f"let {small} look again, if it is a tumor")
        elif most > settings.volume_factor * least:
            both = f"{least:.1f} mm3 by {small} and {most:.1f} mm3 by {large}"
            message = f"tumor {number} has {both}, a factor of {most / least:.1f}"
            remedy = f"look at both outlines (factors above {settings.volume_factor:g} are listed)"
            yield Finding("oddity", "volumes differ", scan.title, message, remedy)


def _volume(item: tuple[str, float]) -> float:
    return item[1]


def _of_the_study(study: Study, done: Done, settings: CheckSettings) -> Iterator[Finding]:
    """Yield what shows only when scans are compared with one another."""
    yield from _missing(study)
    yield from _tumor_counts(study, done)
    yield from _over_time(done, GrowthLimits(settings.jump_factor, settings.doubling_hours))


def _missing(study: Study) -> Iterator[Finding]:
    """Find scans without an annotator or a CT that other scans have."""
    some_ct = any(scan.ct for scan in study.scans)
    for scan in study.scans:
        absent = sorted(set(study.annotators) - set(scan.annotations))
        if absent and scan.annotations:
            message, remedy = f"no annotation of {', '.join(absent)}", "it is measured with those it has; annotate it"
            yield Finding("oddity", "missing annotator", scan.title, message, remedy)
        elif absent:
            yield Finding(
                "oddity", "not annotated", scan.title, "no annotation yet", "annotate it; it is left out until then"
            )
        if some_ct and scan.ct is None:
            yield Finding(
                "oddity", "no CT", scan.title, f"{scan.folder} holds masks but no CT", "put the CT beside them"
            )
    if study.scans and not some_ct:
        yield Finding("oddity", "no CT", "", f"no scan of {study.root} has a CT", "agreement needs none, pictures do")


def _tumor_counts(study: Study, done: Done) -> Iterator[Finding]:
    """Find scans with more or fewer tumors than ``study.toml`` expects, which is an expectation, not a fact."""
    for scan, result in done:
        expected = study.notes[scan.dataset].expected_tumors if scan.dataset in study.notes else None
        if expected is not None and result.get("tumors", expected) != expected:
            message = f"{result['tumors']} tumors, study.toml expects {expected}"
            yield Finding("oddity", "tumor count", scan.title, message, "look whether one was missed, split or merged")


def _over_time(done: Done, limits: GrowthLimits) -> Iterator[Finding]:
    """Find tumor volumes that leap between two scans, and pairs of mice whose leaps vanish when exchanged."""
    points = {scan.key: (scan.time.hours, result["volume_mm3"]) for scan, result in done if "volume_mm3" in result}
    scans = [scan for scan, _ in done if scan.key in points]
    of_mouse: dict[tuple[str, str], list[Scan]] = {}
    for scan in scans:
        of_mouse.setdefault((scan.dataset, scan.mouse), []).append(scan)

    def others(scan: Scan) -> list[Point]:
        return [points[one.key] for one in of_mouse[scan.dataset, scan.mouse] if one.key != scan.key]

    for mouse in of_mouse.values():
        for earlier, later in pairwise(mouse):
            if not limits.allow(points[earlier.key], points[later.key]):
                yield _jump(earlier, later, points, limits)
    seen: set[tuple[str, str, str]] = set()
    for a, b in combinations(sorted(scans, key=lambda scan: -scan.time.hours), 2):
        pair = (a.dataset, *sorted((a.mouse, b.mouse)))
        together = (a.dataset, a.group, a.time) == (b.dataset, b.group, b.time)
        # two scans of a pair cannot tell at which of them the mice were exchanged: the later one is named
        if (
            together
            and pair not in seen
            and look_exchanged((points[a.key], points[b.key]), (others(a), others(b)), limits)
        ):
            seen.add(pair)  # type: ignore[arg-type]
            yield _exchange(a, b)


def _jump(earlier: Scan, later: Scan, points: Mapping[tuple[str, str, str], Point], limits: GrowthLimits) -> Finding:
    before, after = points[earlier.key][1], points[later.key][1]
    message = (
        f"tumor volume goes from {before:.0f} mm3 at {earlier.time.label} to {after:.0f} mm3 at {later.time.label}"
    )
    remedy = (
        f"more than a factor {limits.factor:g} and a doubling per {limits.doubling_hours:g} h: "
        "look at both scans, and at the mouse's name"
    )
    return Finding("oddity", "jump", later.title, message, remedy)


def _exchange(a: Scan, b: Scan) -> Finding:
    first, second = sorted((a.mouse, b.mouse))
    message = f"{first} and {second} of {a.group} look exchanged: each fits the other's earlier and later volumes only"
    return Finding("oddity", "exchanged mice", a.title, message, "compare the animals, and rename the folders if so")
