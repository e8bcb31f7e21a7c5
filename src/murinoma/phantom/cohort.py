"""A study of phantom mice: who is scanned when, and each scan made on its own, with truth and annotations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from murinoma.errors import InputError
from murinoma.phantom.annotators import ANNOTATORS, Annotator, Drawing, SeenTumor, annotate, see_tumors
from murinoma.phantom.mouse import Mouse, centred, draw_build, draw_pose, field_grid, paint_mouse
from murinoma.phantom.scanner import SCANNER, Scanner, acquire
from murinoma.phantom.tumors import Tumor
from murinoma.volume import Affine, Volume

SMALLEST_MM3, LARGEST_MM3 = 14.0, 4000.0  # as in the published database
MOUSE_STREAM, TUMOR_STREAM, SCAN_STREAM, ANNOTATOR_STREAM = range(4)


@dataclass(frozen=True)
class Site:
    """Where tumors sit: ranges of the share of the length and of the angle to the flank; depth of the body wall, mm."""

    along: tuple[float, float]
    angle_deg: tuple[float, float]
    wall_mm: float


SITES = {
    "flank": Site((0.23, 0.33), (-10.0, 50.0), 3.4),
    "foreleg": Site((0.51, 0.56), (-10.0, 30.0), 1.6),
}


@dataclass(frozen=True)
class DatasetPlan:
    """One dataset of a phantom study.

    Attributes
    ----------
    name
        As it is written: ``Dataset 1``.
    n_mice
        Mice, named M01, M02, ...
    times
        Labels of the time points, hours or days: ``("0h", "22.5h")``, ``("0d", "8d")``.
    tumors_per_mouse
        1 (on either side) or 2 (one on each).
    median_mm3, log_sd
        Log-normal volume of a tumor at the first time point: median, mm3, and SD of its natural logarithm.
    growth_per_day, growth_sd
        Exponential growth rate: mean over tumors, and SD.
    site
        A key of `SITES`: ``flank``, or ``foreleg`` (behind the front legs).
    necrotic_share
        Share of tumors with a necrotic core.
    mice_per_acquisition
        How many neighbours in number share an acquisition, and so a group folder.

    Raises
    ------
    InputError
        If a mouse should have no tumor or more than two, or the site is unknown.
    """

    name: str
    n_mice: int
    times: tuple[str, ...] = ("0d",)
    tumors_per_mouse: int = 1
    median_mm3: float = 250.0
    log_sd: float = 0.6
    growth_per_day: float = 0.06
    growth_sd: float = 0.03
    site: str = "flank"
    necrotic_share: float = 0.25
    mice_per_acquisition: int = 2

    def __post_init__(self) -> None:
        if self.tumors_per_mouse not in (1, 2):
            raise InputError(f"{self.name}: a phantom mouse has 1 or 2 tumors, not {self.tumors_per_mouse}")
        if self.site not in SITES:
            raise InputError(f"{self.name}: tumors sit at one of {sorted(SITES)}, not at {self.site!r}")


@dataclass(frozen=True)
class StudyPlan:
    """A phantom study: datasets, voxel size (mm), limits of the tissue rule (HU), scanner and annotators."""

    datasets: tuple[DatasetPlan, ...]
    spacing_mm: float
    air_hu: float
    bone_hu: float
    scanner: Scanner = SCANNER
    annotators: tuple[Annotator, ...] = ANNOTATORS


@dataclass(frozen=True)
class ScanSpec:
    """One scan to be made: light, picklable, and enough for `render` to make it anywhere."""

    study: StudyPlan
    dataset: DatasetPlan
    mouse_number: int
    time_index: int
    seed: int

    @property
    def mouse(self) -> str:
        """Name of the mouse: ``M01``."""
        return mouse_name(self.mouse_number)

    @property
    def time(self) -> str:
        """Label of the time point: ``8d``."""
        return self.dataset.times[self.time_index]

    @property
    def group(self) -> str:
        """Name of the group: all mice of the acquisition and the time point, ``M01_M02_8d``."""
        size = self.dataset.mice_per_acquisition
        first = 1 + (self.mouse_number - 1) // size * size
        last = min(first + size, self.dataset.n_mice + 1)
        return "_".join([*map(mouse_name, range(first, last)), self.time])


@dataclass(frozen=True, eq=False)
class PhantomScan:
    """One mouse at one time point: names, CT (int16, HU), true tumor numbers and annotations (uint8) by annotator.

    `volumes_mm3` holds the true volume of tumor 1, 2, ...
    """

    dataset: str
    group: str
    mouse: str
    time: str
    ct: Volume
    truth: Volume
    annotations: dict[str, Volume]
    volumes_mm3: tuple[float, ...]


def cohort(plan: StudyPlan, seed: int) -> Iterator[PhantomScan]:
    """Yield the scans of a phantom study one at a time, in the order of `plan_scans`."""
    return (render(spec) for spec in plan_scans(plan, seed))


def plan_scans(plan: StudyPlan, seed: int) -> list[ScanSpec]:
    """Return what is needed to make each scan of a phantom study: by dataset, time point, mouse.

    Equal plan and seed give equal scans, byte for byte, in any order and process.

    Examples
    --------
    >>> plan = StudyPlan((DatasetPlan("Dataset 1", 3, ("0d", "8d")),), spacing_mm=0.42, air_hu=-300, bone_hu=500)
    >>> [spec.group for spec in plan_scans(plan, seed=1)][:3]
    ['M01_M02_0d', 'M01_M02_0d', 'M03_0d']
    """
    return [
        ScanSpec(plan, dataset, mouse, time, seed)
        for dataset in plan.datasets
        for time in range(len(dataset.times))
        for mouse in range(1, dataset.n_mice + 1)
    ]


def render(spec: ScanSpec) -> PhantomScan:
    """Return the scan of a spec, with truth and annotations; it depends on the spec alone."""
    study = spec.study
    grid = field_grid(study.spacing_mm)
    mouse, volumes = planned_mouse(spec)
    rng = stream(spec, SCAN_STREAM, spec.time_index)
    painted = paint_mouse(mouse, centred(mouse, draw_pose(rng=rng), volumes, grid), volumes, grid)
    hu = np.full(grid.shape, study.scanner.low_hu, dtype=np.int16)
    hu[painted.box] = acquire(painted.hu, study.spacing_mm, study.scanner, rng=rng)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[painted.box] = painted.labels
    ct = Volume(hu, anatomical_affine(study.spacing_mm))
    truth = ct.with_voxels(labels)
    counts = np.bincount(painted.labels.ravel(), minlength=len(volumes) + 1)[1:]
    return PhantomScan(
        dataset=spec.dataset.name,
        group=spec.group,
        mouse=spec.mouse,
        time=spec.time,
        ct=ct,
        truth=truth,
        annotations=annotations(spec, ct, truth),
        volumes_mm3=tuple(float(count) * ct.voxel_mm3 for count in counts),
    )


def annotations(spec: ScanSpec, ct: Volume, truth: Volume) -> dict[str, Volume]:
    """Return what each annotator of the study draws on a scan."""
    tumors = see_tumors(truth)
    return {
        annotator.name: ct.with_voxels(drawing(spec, number, ct, tumors).labels)
        for number, annotator in enumerate(spec.study.annotators)
    }


def drawing(spec: ScanSpec, annotator: int, ct: Volume, tumors: Sequence[SeenTumor], *, repeat: int = 0) -> Drawing:
    """Return what an annotator (by number) draws on a scan, the first time or a `repeat`."""
    rng = stream(spec, ANNOTATOR_STREAM, spec.time_index, annotator, *([repeat] if repeat else []))
    limits = {"air_hu": spec.study.air_hu, "bone_hu": spec.study.bone_hu}
    return annotate(ct, tumors, spec.study.annotators[annotator], **limits, rng=rng)


def planned_mouse(spec: ScanSpec) -> tuple[Mouse, list[float]]:
    """Return the animal of a spec, the same on all days, and the volumes of its tumors on its day, mm3."""
    dataset, rng = spec.dataset, stream(spec, TUMOR_STREAM)
    sides = [1, -1] if dataset.tumors_per_mouse == 2 else [int(rng.choice([1, -1]))]
    days = days_of(spec.time) - days_of(dataset.times[0])
    tumors, volumes = [], []
    for side in sides:
        tumors.append(draw_tumor(side, dataset, rng=rng))
        volumes.append(draw_volume(dataset, days, rng=rng))
    return Mouse(draw_build(rng=stream(spec, MOUSE_STREAM)), tuple(tumors)), volumes


def draw_tumor(side: int, dataset: DatasetPlan, *, rng: np.random.Generator) -> Tumor:
    """Return a tumor at the dataset's site, on one side."""
    site = SITES[dataset.site]
    longer, wider = rng.uniform(1.0, 1.35), rng.uniform(1.0, 1.15)
    return Tumor(
        side=side,
        along=float(rng.uniform(*site.along)),
        angle_deg=float(rng.uniform(*site.angle_deg)),
        embedded=float(rng.uniform(0.3, 0.65)),
        wall_mm=site.wall_mm,
        stretch=(float(longer), float(wider), float(1 / (longer * wider))),
        lumpiness=float(rng.uniform(0.03, 0.085)),
        necrosis=float(rng.uniform(0.4, 0.7)) if rng.random() < dataset.necrotic_share else 0.0,
        hu=float(rng.normal(44.0, 5.0)),
        seed=int(rng.integers(2**31)),
    )


def draw_volume(dataset: DatasetPlan, days: float, *, rng: np.random.Generator) -> float:
    """Return the volume of a tumor, mm3, some days after the first time point."""
    first = np.log(dataset.median_mm3) + dataset.log_sd * rng.standard_normal()
    rate = dataset.growth_per_day + dataset.growth_sd * rng.standard_normal()
    return float(np.clip(np.exp(first + rate * days), SMALLEST_MM3, LARGEST_MM3))


def stream(spec: ScanSpec, *key: int) -> np.random.Generator:
    """Return the chance of one purpose (and time point, and annotator) for one mouse of one dataset."""
    name = int.from_bytes(spec.dataset.name.encode(), "big")
    return np.random.default_rng(np.random.SeedSequence([spec.seed, name], spawn_key=(spec.mouse_number, *key)))


def days_of(label: str) -> float:
    """Return a time label in days: ``8d`` is 8, ``6h`` is 0.25.

    Raises
    ------
    InputError
        If the label is not a number followed by ``h`` or ``d``.
    """
    number, unit = label[:-1], label[-1:]
    if unit not in ("h", "d"):
        raise InputError(f"time point {label!r} needs a unit: write hours as 6h, days as 8d")
    return float(number) / (24 if unit == "h" else 1)


def mouse_name(number: int) -> str:
    """Return the name of a mouse: ``M01``."""
    return f"M{number:02d}"


def anatomical_affine(spacing_mm: float) -> Affine:
    """Return the affine of a phantom: x runs from back to belly, y from right to left, z from rump to nose."""
    affine = np.zeros((4, 4))
    affine[1, 0] = affine[2, 2] = spacing_mm
    affine[0, 1] = -spacing_mm
    affine[3, 3] = 1.0
    return affine
