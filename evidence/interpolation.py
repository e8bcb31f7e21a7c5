"""Show what interpolation makes of tumors drawn by the protocol: Dice and volume bias beside other methods.

Run from the repository: ``python evidence/interpolation.py``; it takes about a minute on one core and writes
docs/evidence/interpolation.md. ITK's column needs ``pip install itk`` (300 MB, in no extra); without it the page says
so. The real lesions are read from ../shared/data/lidc_study, where that is at hand.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.files.masks import read_annotations
from murinoma.numerics.boxes import positive_box
from murinoma.numerics.interpolate import interpolate_slices
from murinoma.numerics.protocol import slices_to_draw
from murinoma.phantom.cohort import SITES, DatasetPlan, StudyPlan, plan_scans, planned_mouse
from murinoma.phantom.mouse import centred, draw_pose, field_grid, paint_mouse
from murinoma.settings import AnnotationSettings
from murinoma.study import read_study

Mask = npt.NDArray[np.bool_]
Fill = Callable[[Mask, list[int], tuple[float, float, float]], Mask]

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "evidence" / "interpolation.md"
LESIONS = ROOT.parent / "shared" / "data" / "lidc_study"

SEED = 2025
SPACING_MM = 0.21
STEP, LEAST = AnnotationSettings().step, AnnotationSettings().least_slices  # and both ends
LESION_STEP, LESION_LEAST = 2, 5  # of real lesions with at least five slices every second one is drawn
CLASSES_MM3 = ((14, 50), (50, 200), (200, 1000), (1000, 4000))
MICE_PER_SITE = 8  # with two tumors each, at two sites, in each class
SHAPES = 24
MARGIN = 3  # voxels around a mask


@dataclass(frozen=True, eq=False)
class Case:
    """A mask with its true voxels, z first, and which slices of it are drawn."""

    mask: Mask
    drawn: list[int]
    spacing_mm: tuple[float, float, float] = (SPACING_MM,) * 3

    @property
    def volume_mm3(self) -> float:
        """Volume, mm3."""
        return float(self.mask.sum() * np.prod(self.spacing_mm))


@dataclass(frozen=True)
class Limit:
    """What was asked of phantom tumors in a range of volumes: the mean Dice, and the mean bias, % of the volume."""

    low_mm3: float
    high_mm3: float
    least_dice: float
    most_bias: float


LIMITS = (Limit(14, 200, 0.95, 6.0), Limit(200, 4000, 0.96, 3.0))


def main() -> None:
    """Measure every method on every set of shapes, write the page, print where it lies."""
    methods = dict(METHODS)
    if find_spec("itk") is not None:
        methods["ITK"] = by_itk
    phantoms = {f"phantom tumors, {low} to {high} mm3": phantom_tumors(low, high) for low, high in CLASSES_MM3}
    sets = {"balls": balls(), "ellipsoids": ellipsoids(), "bent tubes": tubes(), **phantoms, **real_lesions()}
    measured = {name: {method: scores(cases, fill) for method, fill in methods.items()} for name, cases in sets.items()}
    lines = [INTRODUCTION, *table(sets, measured, list(methods))]
    pooled = [case for cases in phantoms.values() for case in cases]
    lines += limits_table(pooled, np.concatenate([measured[name]["murinoma"] for name in phantoms]))
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text("\n".join([*lines, *remarks(sets)]) + "\n", encoding="utf-8")
    print(REPORT)


# ---- shapes


def drawn_case(mask: Mask) -> Case:
    """Return a mask at 0.21 mm, drawn by the protocol."""
    box = positive_box(mask)
    padded = np.pad(mask[box], MARGIN)
    last = padded.shape[0] - MARGIN - 1
    return Case(padded, list(slices_to_draw(MARGIN, last, step=STEP, least=LEAST)))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a value between two limits, each order of magnitude as likely."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def balls() -> list[Case]:
    """Return balls of 14 to 4,000 mm3, their centres anywhere between voxels."""
    rng = np.random.default_rng([SEED, 1])
    return [drawn_case(ellipsoid(np.ones(3), np.eye(3), rng=rng)) for _ in range(SHAPES)]


def ellipsoids() -> list[Case]:
    """Return ellipsoids of 14 to 4,000 mm3, up to twice as long as thick, turned anyhow."""
    rng = np.random.default_rng([SEED, 2])
    turned = [np.linalg.qr(rng.standard_normal((3, 3)))[0] for _ in range(SHAPES)]
    return [drawn_case(ellipsoid(rng.uniform(0.7, 1.4, 3), axes, rng=rng)) for axes in turned]


def ellipsoid(stretch: npt.NDArray[np.float64], axes: npt.NDArray[np.float64], *, rng: np.random.Generator) -> Mask:
    """Return an ellipsoid of 14 to 4,000 mm3 with these relative radii along these axes (rows)."""
    volume_mm3 = log_uniform(rng, 14, 4000)
    radii = stretch / np.cbrt(np.prod(stretch)) * (0.75 * volume_mm3 / np.pi) ** (1 / 3) / SPACING_MM
    half = int(radii.max()) + 2
    grid = np.mgrid[-half : half + 1, -half : half + 1, -half : half + 1]
    places = np.moveaxis(grid, 0, -1) - rng.uniform(0, 1, 3)
    inside: Mask = (((places @ axes.T) / radii) ** 2).sum(axis=-1) <= 1
    return inside


def tubes() -> list[Case]:
    """Return tubes of 1.2 to 2.5 mm radius bent around 8 mm over 120 degrees; their ends lean by 60 degrees."""
    rng = np.random.default_rng([SEED, 3])
    bend = 8 / SPACING_MM
    z, y, x = np.ogrid[-55:56, -15:16, -5:60]
    made = []
    for radius_mm in rng.uniform(1.2, 2.5, SHAPES):
        across = np.hypot(np.hypot(z, x) - bend, y - rng.uniform()) <= radius_mm / SPACING_MM
        made.append(drawn_case(across & (np.abs(np.arctan2(z, x)) <= np.radians(60))))
    return made


def phantom_tumors(low_mm3: float, high_mm3: float, *, mice_per_site: int = MICE_PER_SITE) -> list[Case]:
    """Return the true masks of phantom tumors, two a mouse, volumes log-uniform between two limits."""
    limits, made = AnnotationSettings(), []
    for place, site in enumerate(SITES):
        dataset = DatasetPlan(f"Dataset {low_mm3:.0f}", mice_per_site, tumors_per_mouse=2, site=site)
        study = StudyPlan((dataset,), SPACING_MM, air_hu=limits.air_hu, bone_hu=limits.bone_hu)
        for spec in plan_scans(study, SEED):
            rng = np.random.default_rng([SEED, round(low_mm3), place, spec.mouse_number])
            mouse, _ = planned_mouse(spec)
            volumes = [log_uniform(rng, low_mm3, high_mm3) for _ in mouse.tumors]
            grid = field_grid(SPACING_MM)
            labels = paint_mouse(mouse, centred(mouse, draw_pose(rng=rng), volumes, grid), volumes, grid).labels
            made += [drawn_case(labels == number) for number in range(1, len(volumes) + 1)]
    return made


def real_lesions() -> dict[str, list[Case]]:
    """Return the real lesions as each annotator saw them, and their majority masks; nothing where they are absent."""
    if not LESIONS.is_dir():
        return {}
    single, majority = [], []
    for scan in read_study(LESIONS).scans:
        annotations = read_annotations(scan)
        masks = [mask > 0 for mask in annotations.masks.values()]
        votes = np.sum(masks, axis=0)
        single += [case for mask in masks for case in lesion_case(mask, annotations.spacing_mm)]
        majority += lesion_case(2 * votes > len(masks), annotations.spacing_mm)
    return {"real lesions, each annotator's mask": single, "real lesions, majority mask": majority}


def lesion_case(mask: Mask, spacing_mm: tuple[float, float, float]) -> list[Case]:
    """Return a lesion of which every second slice and the last are drawn; nothing if it has too few slices."""
    slices = np.flatnonzero(mask.any(axis=(1, 2)))
    if slices.size < LESION_LEAST:
        return []
    drawn = slices_to_draw(int(slices[0]), int(slices[-1]), step=LESION_STEP, least=1)
    return [Case(mask, list(drawn), spacing_mm)]


# ---- methods: the drawn slices in, the whole mask out


def by_murinoma(sketch: Mask, drawn: list[int], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return what `interpolate_slices` makes of the drawn slices."""
    return interpolate_slices(sketch.astype(np.uint8), drawn, spacing_mm=spacing_mm[1:]) > 0


def by_distance(sketch: Mask, drawn: list[int], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return the plain method of Raya and Udupa: linear in the signed distance."""
    shapes = sketch[drawn]
    kept = [ndimage.distance_transform_edt(shape, sampling=spacing_mm[1:]) for shape in shapes]
    away = [ndimage.distance_transform_edt(~shape, sampling=spacing_mm[1:]) for shape in shapes]
    signed = np.where(shapes, np.stack(kept) - min(spacing_mm[1:]) / 2, min(spacing_mm[1:]) / 2 - np.stack(away))
    filled = sketch.copy()
    for index in range(drawn[0], drawn[-1]):
        high = int(np.searchsorted(drawn, index, side="right"))
        share = (index - drawn[high - 1]) / (drawn[high] - drawn[high - 1])
        filled[index] = (1 - share) * signed[high - 1] + share * signed[high] > 0
    return filled


def by_copying(sketch: Mask, drawn: list[int], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return every slice as a copy of the nearest drawn one, of the lower one half way."""
    filled = sketch.copy()
    for index in range(drawn[0], drawn[-1]):
        filled[index] = sketch[min(drawn, key=lambda place: abs(place - index))]
    return filled


def by_itk(sketch: Mask, drawn: list[int], spacing_mm: tuple[float, float, float]) -> Mask:
    """Return what itk-morphologicalcontourinterpolation makes of the drawn slices."""
    itk: Any = import_module("itk")
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(1)  # with more it damages the heap (ITK 5.4)
    image = itk.image_from_array(sketch.astype(np.uint8))
    filled: Mask = itk.array_from_image(itk.morphological_contour_interpolator(image, axis=2)) > 0
    return filled


METHODS: dict[str, Fill] = {"murinoma": by_murinoma, "signed distance": by_distance, "copying": by_copying}


# ---- measures


def scores(cases: list[Case], fill: Fill) -> npt.NDArray[np.float64]:
    """Return Dice and signed volume bias, %, of each case: shape (cases, 2)."""
    return np.array([score(case, fill) for case in cases])


def score(case: Case, fill: Fill) -> tuple[float, float]:
    """Return Dice and signed volume bias, %, of what a method makes of the drawn slices."""
    sketch = np.zeros_like(case.mask)
    sketch[case.drawn] = case.mask[case.drawn]
    filled = fill(sketch, case.drawn, case.spacing_mm)
    found, true = int(filled.sum()), int(case.mask.sum())
    return 2 * int((filled & case.mask).sum()) / (found + true), 100 * (found / true - 1)


def held(limit: Limit, cases: list[Case], measured: npt.NDArray[np.float64]) -> tuple[int, float, float, bool]:
    """Return how many cases a limit is about, their mean Dice and mean bias, %, and whether both limits hold."""
    within = np.array([limit.low_mm3 <= case.volume_mm3 < limit.high_mm3 for case in cases])
    dice, bias = measured[within].mean(axis=0)
    return int(within.sum()), float(dice), float(bias), bool(dice >= limit.least_dice and abs(bias) <= limit.most_bias)


# ---- the page


def table(
    sets: Mapping[str, list[Case]],
    measured: Mapping[str, Mapping[str, npt.NDArray[np.float64]]],
    methods: list[str],
) -> Iterator[str]:
    """Yield the table of all sets and methods."""
    yield (
        "| shapes | n | volume, mm3 | drawn slices | "
        + " | ".join(f"{name}: Dice | bias, %" for name in methods)
        + " |"
    )
    yield "|---|---|---|---|" + "---|---|" * len(methods)
    for name, cases in sets.items():
        volumes = [case.volume_mm3 for case in cases]
        drawn = [len(case.drawn) for case in cases]
        yield (
            f"| {name} | {len(cases)} | {min(volumes):.0f} to {max(volumes):.0f} | {min(drawn)} to {max(drawn)} | "
            + " | ".join(cell(measured[name][method]) for method in methods)
            + " |"
        )


def cell(values: npt.NDArray[np.float64]) -> str:
    """Return mean and worst Dice, and mean bias with its SD, as two cells."""
    dice, bias = values.T
    return f"{dice.mean():.3f} ({dice.min():.3f}) | {bias.mean():+.1f} ± {bias.std(ddof=1):.1f}"


def limits_table(cases: list[Case], measured: npt.NDArray[np.float64]) -> Iterator[str]:
    """Yield what was asked of phantom tumors beside what was found."""
    yield "\n## Asked of phantom tumors\n"
    yield "| volume, mm3 | n | mean Dice | asked | mean bias, % | asked | hold |"
    yield "|---|---|---|---|---|---|---|"
    for limit in LIMITS:
        n_cases, dice, bias, holds = held(limit, cases, measured)
        yield (
            f"| {limit.low_mm3:.0f} to {limit.high_mm3:.0f} | {n_cases} | {dice:.3f} | >= {limit.least_dice} "
            f"| {bias:+.2f} | within {limit.most_bias:.0f} | {'yes' if holds else 'NO'} |"
        )


def remarks(sets: Mapping[str, list[Case]]) -> Iterator[str]:
    """Yield what a reader must know about columns and rows that are there or not."""
    if find_spec("itk") is None:
        yield "\nITK's morphological contour interpolation was not installed for this run, so it has no column."
    else:
        yield (
            "\nITK is itk-morphologicalcontourinterpolation as the package `itk` brings it, on one thread: with more, "
            "ITK 5.4 damaged its memory and the process died at its end."
        )
    if not any(name.startswith("real") for name in sets):
        yield "\nThe real lesions were not at hand for this run."


INTRODUCTION = f"""# What does interpolation make of a tumor?

Written by `evidence/interpolation.py` (seed {SEED}). Each mask is known voxel by voxel; only its drawn slices are kept,
and a method fills the others. At {SPACING_MM} mm the drawn slices follow the protocol: every fifth slice, the first and
the last, and a lower step where fewer than {LEAST} would be drawn (`slices_to_draw`). Volumes of balls, ellipsoids and
phantom tumors are log-uniform; the tumors lie on the flanks and behind the front legs of random phantom mice.
The real lesions are 20 lung nodules of LIDC-IDRI (CC BY 3.0), outlined by four annotators, with slices 0.45 to
5 mm apart: of masks with {LESION_LEAST} slices or more every second one and the last are drawn.

Dice: mean, worst in parentheses. Bias: volume found over true volume less 1, mean ± SD over the masks. "Signed
distance" is the plain method of Raya and Udupa, without any alignment; "copying" repeats the nearest drawn slice.
"""


if __name__ == "__main__":
    main()
