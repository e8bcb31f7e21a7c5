"""Show that `murinoma split` finds every mouse, whole, in 200 random phantom acquisitions and in a real scan.

Run from the repository: ``python evidence/split_acquisitions.py [--seeds N]``; 200 take some 20 minutes on one core.
It writes docs/evidence/split_acquisitions.md, and a picture of every failure into docs/evidence/split_failures/.
Nothing is drawn from the real scan, which must not be passed on: only its numbers enter the page.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage
from statsmodels.stats.proportion import proportion_confint

from murinoma.files import inveon, nifti
from murinoma.numerics.boxes import positive_box
from murinoma.numerics.mice import FoundMice, find_mice
from murinoma.numerics.windows import Animal, Window, crop_window
from murinoma.pages.figures import COLOURS
from murinoma.pages.projections import grey, project
from murinoma.phantom.acquisition import FULL_RANGE, AcquisitionSpec, PhantomAcquisition, render_acquisition
from murinoma.phantom.arrangement import Layout, arranged
from murinoma.phantom.body import Build, Pose
from murinoma.phantom.furniture import Bed, rims
from murinoma.phantom.mouse import Mouse, centred
from murinoma.phantom.placing import PlacedMouse
from murinoma.phantom.random_field import ARRANGEMENTS, BEHIND_MM, WIDE_MM, random_acquisition
from murinoma.phantom.shapes import Grid
from murinoma.phantom.tumors import Tumor
from murinoma.settings import RunSettings, SplitSettings
from murinoma.steps.paste import paste
from murinoma.steps.split import SplitJob, split
from murinoma.volume import Box, Volume

Array = npt.NDArray[Any]
Spacing = tuple[float, float, float]

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "evidence" / "split_acquisitions.md"
PICTURES = REPORT.parent / "split_failures"
REAL = ROOT.parent / "shared" / "data" / "inveon_two_mice_0.39mm.nii.gz"
FIRST_SEED, SEEDS = 8000, 200  # the search was tuned on 7000 to 7199
SPACINGS_MM = (0.39, 0.43)
WIDTH_MM = SplitSettings().width_mm
SOFT_HU = (-120.0, 80.0)  # where soft tissue is believed; some of the random scanners have it above
TOUCH_DOUBT, SOFT_DOUBT = " touch over ", "soft tissue reads"
BODY_AXIS = 0  # of all phantom acquisitions
MARGIN_VOXELS = 2  # around a mask in its box
TAIL = 10  # and more marks a tail in the truth
CODES = 32  # numbers below this mark bodies and tails

LEAST_BODY = 0.999  # of a mouse's voxels inside its window, and inside its box
MOST_FOREIGN = 0.01  # of the other animals, beyond what the best window for the true animals would show
MOST_BED = 0.02  # of a mask, further than two voxels from every animal
MOST_PICTURES = 24  # of about 30 kB

# Rough boxes (z, y, x) of the flank tumors of the real scan, read off its axial slices; what is darker is air.
REAL_TUMORS: tuple[Box, ...] = (
    (slice(194, 230), slice(120, 150), slice(98, 134)),
    (slice(196, 229), slice(125, 157), slice(183, 216)),
)
REAL_AIR_HU = -300


# ---- one acquisition, measured against its truth


@dataclass(frozen=True)
class Cut:
    """How one mouse was cut out; shares are 0..1, of voxels, and so of volume."""

    voxels: int
    in_window: float
    in_box: float
    tumor_voxels: int
    tumor_lost: int
    foreign: float  # share of the other animals in the window
    unavoidable: float  # the same in the best window for the true animals
    bed: float  # share of the mask that is neither body nor tail
    far_bed: float  # share of the mask further than two voxels from both
    claimed: float  # share of the body that a neighbour's mask holds: `--isolate` would blank it


@dataclass(frozen=True)
class Trial:
    """One acquisition: what was found, how it was cut, and what is wrong with that."""

    seed: int
    kind: str
    title: str
    expected: int
    found: int  # number not given
    found_given: int
    cuts: tuple[Cut, ...]
    doubts: tuple[str, ...]  # number not given
    doubts_given: tuple[str, ...]
    true_doubts: tuple[str, ...]  # parts of sentences that are simply true of this acquisition
    seconds: float
    wrong: tuple[str, ...]
    picture: str = ""


def measured(acquisition: PhantomAcquisition, seed: int, kind: str) -> tuple[Trial, FoundMice]:
    """Return a trial, and what was found with the number of mice given."""
    ct, expected = acquisition.ct, len(acquisition.boxes)
    start = time.process_time()
    free = find_mice(ct.voxels, spacing_mm=ct.spacing_mm)
    seconds = time.process_time() - start
    given = find_mice(ct.voxels, spacing_mm=ct.spacing_mm, expected=expected)
    # another number than named is refused by `split`: nothing is cut
    overlap = overlaps(masks(given, ct.shape), acquisition.bodies.voxels)
    cuts = all_cuts(acquisition, given, overlap) if len(given.mice) == expected else ()
    trial = Trial(
        seed=seed,
        kind=kind,
        title=f"{acquisition.spec.name}, {ct.spacing_mm[0]:.3f} mm",
        expected=expected,
        found=len(free.mice),
        found_given=len(given.mice),
        cuts=cuts,
        doubts=free.doubts,
        doubts_given=given.doubts,
        true_doubts=true_doubts(acquisition),
        seconds=seconds,
        wrong=(),
    )
    return replace(
        trial, wrong=(*wrong_number(trial), *wrong_axis(given), *wrong_order(overlap, trial), *wrong_cuts(cuts))
    ), given


def masks(found: FoundMice, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return the number of the mouse whose mask each voxel of the field is in, 0 elsewhere."""
    labels = np.zeros(shape, np.uint8)
    for number, mouse in enumerate(found.mice, start=1):
        labels[mouse.box][mouse.mask()] = number
    return labels


def overlaps(labels: npt.NDArray[np.uint8], bodies: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return how many voxels each mask (rows; 0 none) shares with each body, tail or neither (columns)."""
    rows = int(labels.max()) + 1
    codes = labels.astype(np.uint16) * np.uint16(CODES) + bodies
    return np.bincount(codes.ravel(), minlength=rows * CODES).reshape(rows, CODES)


def all_cuts(acquisition: PhantomAcquisition, found: FoundMice, overlap: npt.NDArray[np.int64]) -> tuple[Cut, ...]:
    """Return how each mouse was cut out; the mice of the truth stand in reading order too."""
    bodies = acquisition.bodies.voxels
    animals = [Animal(mouse.box, mouse.mask()) for mouse in found.mice]
    truth = [true_animal(bodies, number) for number in range(1, len(animals) + 1)]
    windows = windows_of(animals, acquisition.ct, found.body_axis)
    best = windows_of(truth, acquisition.ct, BODY_AXIS)
    totals = np.bincount(bodies.ravel(), minlength=CODES)
    cuts = []
    for number, (animal, window, ideal) in enumerate(zip(animals, windows, best, strict=True), start=1):
        inside, boxed, need = (
            np.bincount(bodies[box].ravel(), minlength=CODES) for box in (window.box, animal.box, ideal.box)
        )
        others = [other for other in range(1, len(truth) + 1) if other != number]
        tumors = (acquisition.tumors.voxels > 0) & (bodies == number)
        mask = overlap[number]
        cuts.append(
            Cut(
                voxels=int(totals[number]),
                in_window=float(inside[number] / totals[number]),
                in_box=float(boxed[number] / totals[number]),
                tumor_voxels=int(tumors.sum()),
                tumor_lost=int(tumors.sum() - tumors[window.box].sum()),
                foreign=float(inside[others].sum() / max(1, totals[others].sum())),
                unavoidable=float(need[others].sum() / max(1, totals[others].sum())),
                bed=float(mask[0] / max(1, mask.sum())),
                far_bed=far_from_animals(animal, bodies),
                claimed=float(overlap[others, number].sum() / totals[number]),
            )
        )
    return tuple(cuts)


def true_animal(bodies: npt.NDArray[np.uint8], number: int) -> Animal:
    """Return a mouse of the truth with its tail, and with the margin in its box that found ones have."""
    own = bodies % TAIL == number
    low_high = [(max(0, part.start - MARGIN_VOXELS), part.stop + MARGIN_VOXELS) for part in positive_box(own)]
    z, y, x = (slice(low, min(high, size)) for (low, high), size in zip(low_high, own.shape, strict=True))
    return Animal((z, y, x), own[z, y, x])


def windows_of(animals: Sequence[Animal], field: Volume, axis: int) -> list[Window]:
    """Return the window of each animal, as `split` cuts it."""
    widths = [round(WIDTH_MM / step) for at, step in enumerate(field.spacing_mm) if at != axis]
    return [
        crop_window(
            animal,
            [other for other in animals if other is not animal],
            field.shape,
            widths=(widths[0], widths[1]),
            body_axis=axis,
        )
        for animal in animals
    ]


def far_from_animals(animal: Animal, bodies: npt.NDArray[np.uint8]) -> float:
    """Return the share of a mask further than two voxels from every body and tail."""
    wide = tuple(slice(max(0, part.start - 2), part.stop + 2) for part in animal.box)
    near = ndimage.binary_dilation(bodies[wide] > 0, iterations=2)
    own = tuple(
        slice(part.start - low.start, part.stop - low.start) for part, low in zip(animal.box, wide, strict=True)
    )
    return float((animal.body & ~near[own]).sum() / max(1, animal.body.sum()))


def true_doubts(acquisition: PhantomAcquisition) -> tuple[str, ...]:
    """Return parts of the doubts that are true: mice do touch, soft tissue does lie where no scanner should have it."""
    spec = acquisition.spec
    soft_hu = (Build().muscle_hu + 1000) * spec.contrast - 1000 + spec.scanner.shift_hu
    odd = not SOFT_HU[0] <= soft_hu <= SOFT_HU[1]
    return (TOUCH_DOUBT,) * touching(acquisition.bodies.voxels) + (SOFT_DOUBT,) * odd


def touching(bodies: npt.NDArray[np.uint8]) -> bool:
    """Tell whether the bodies (or tails) of two mice have neighbouring voxels."""
    owners = np.where(bodies > TAIL, bodies - TAIL, bodies)
    for axis in range(3):
        here, there = (np.delete(owners, end, axis=axis) for end in (0, -1))
        if ((here != there) & (here > 0) & (there > 0)).any():
            return True
    return False


# ---- what counts as a failure


NEIGHBOUR, BED = "need be", "lies beyond every animal"  # how two of the reasons end


def wrong_number(trial: Trial) -> Iterator[str]:
    """Yield what is wrong with the number of mice."""
    if trial.found != trial.expected:
        yield f"{trial.found} of {trial.expected} mice found"
    if trial.found_given != trial.expected:
        yield f"{trial.found_given} of {trial.expected} found with the number given, so that `split` refuses"


def wrong_axis(found: FoundMice) -> Iterator[str]:
    """Yield whether the mice are taken to lie another way: their windows have the full length along it."""
    if found.mice and found.body_axis != BODY_AXIS:
        yield f"the mice are taken to lie along {'zyx'[found.body_axis]}"


def wrong_order(overlap: npt.NDArray[np.int64], trial: Trial) -> Iterator[str]:
    """Yield which place in reading order shows another mouse than it should."""
    if trial.found_given != trial.expected:
        return
    for number in range(1, trial.expected + 1):
        shown = int(overlap[number, 1 : trial.expected + 1].argmax()) + 1
        if shown != number:
            yield f"place {number} shows mouse {shown}"


def wrong_cuts(cuts: Sequence[Cut]) -> Iterator[str]:
    """Yield what is wrong with how the mice were cut out."""
    for number, cut in enumerate(cuts, start=1):
        if cut.tumor_lost:
            yield f"mouse {number}: {cut.tumor_lost} of {cut.tumor_voxels} tumor voxels outside its window"
        if cut.in_window <= LEAST_BODY:
            yield f"mouse {number}: {100 * cut.in_window:.2f} % of the body in its window"
        if cut.in_box <= LEAST_BODY:
            yield f"mouse {number}: {100 * cut.in_box:.2f} % of the body in its box"
        if cut.foreign > cut.unavoidable + MOST_FOREIGN:
            need = 100 * cut.unavoidable
            yield f"mouse {number}: {100 * cut.foreign:.1f} % of the others in its window, {need:.1f} % {NEIGHBOUR}"
        if cut.far_bed > MOST_BED:
            yield f"mouse {number}: {100 * cut.far_bed:.1f} % of its mask {BED}"


def random_trial(seed: int) -> tuple[PhantomAcquisition, str]:
    """Return the acquisition of a seed; the arrangements come in turn."""
    kind = list(ARRANGEMENTS)[seed % len(ARRANGEMENTS)]
    spacing = float(np.random.default_rng([seed, 3]).uniform(*SPACINGS_MM))
    return render_acquisition(random_acquisition(seed, spacing, kind)), kind


# ---- the known splitter's failure cases, each drawn on purpose


def known_cases() -> Iterator[tuple[str, AcquisitionSpec]]:
    """Yield the cases in which a splitter that looks at the middle slice is known to fail."""
    tumors = [drawn_mouse(volume_mm3=1500.0, along=0.2), drawn_mouse(volume_mm3=1500.0, along=0.52, side=-1)]
    yield "a tumor of 1.5 cm3 away from the middle slice, on either mouse", laid_out(tumors)
    yield "two mice that touch", laid_out([drawn_mouse(), drawn_mouse(side=-1)], touching=True)
    short = drawn_mouse(length_mm=58.0, girth=0.75, at_z_mm=-14.0)
    yield "a mouse of 58 mm at one end, beside one of 84 mm", laid_out([short, drawn_mouse()])
    row = [drawn_mouse(), drawn_mouse(side=-1), drawn_mouse(volume_mm3=800.0)]
    yield "three in a row", laid_out(row, ARRANGEMENTS["three in a row"])
    yield "a diagonal pair", laid_out([drawn_mouse(), drawn_mouse(side=-1)], ARRANGEMENTS["diagonal"])
    yield "voxels of 0.42 mm", laid_out([drawn_mouse(0.42), drawn_mouse(0.42, side=-1)])


def drawn_mouse(
    spacing_mm: float = 0.4,
    *,
    volume_mm3: float = 300.0,
    along: float = 0.28,
    side: int = 1,
    length_mm: float = 84.0,
    girth: float = 1.0,
    at_z_mm: float = 0.0,
) -> PlacedMouse:
    """Return a mouse on its back with one tumor."""
    z, y, x = (round(extent / spacing_mm) for extent in WIDE_MM)
    grid = Grid((z, y, x), spacing_mm, (-BEHIND_MM, 0.0, 0.0))
    mouse = Mouse(Build(length_mm=length_mm, girth=girth), (Tumor(side=side, along=along, angle_deg=20.0),))
    pose = centred(mouse, Pose(bend_mm=0.4 * side), (volume_mm3,), grid)
    return PlacedMouse(mouse, pose, (volume_mm3,), grid, at_mm=(at_z_mm, 0.0, 0.0), pressed_mm=0.8)


def laid_out(
    mice: Sequence[PlacedMouse], places: tuple[tuple[int, int], ...] = ((0, 0), (0, 1)), *, touching: bool = False
) -> AcquisitionSpec:
    """Return an acquisition of mice in half-tubes, or pushed against each other on a tray."""
    bed = Bed("tray" if touching else "trough", wall_mm=1.2, hu=-60.0, radius_mm=18.0, arc_deg=75.0)
    layout = Layout(places, margin_mm=(14.0, 8.0), touching=2 if touching else None)
    laid, carriers, size_mm = arranged(mice, bed, layout)
    spacing = mice[0].grid.spacing_mm
    z, y, x = (round(extent / spacing) for extent in size_mm)
    return AcquisitionSpec(
        name=f"known, {bed.kind}",
        shape=(z, y, x),
        spacing_mm=spacing,
        mice=tuple(laid),
        furniture=(*carriers, *rims(carriers)),
        scanner=replace(FULL_RANGE, noise_hu=60.0, shift_hu=-60.0),
        contrast=0.95,
        streaks_hu=20.0,
    )


# ---- the real scan


@dataclass(frozen=True, eq=False)
class Variant:
    """The real scan after some change; `labels` are the masks of the untouched one, and `tumors`, changed alike."""

    name: str
    field: Volume
    labels: npt.NDArray[np.uint8]
    tumors: npt.NDArray[np.uint8]


def real_rows() -> list[str]:
    """Return the table of the real scan, or a sentence where it is absent."""
    if not REAL.exists():
        return [f"\nSkipped: the scan (`{REAL.name}`, which must not be passed on) does not lie beside the checkout."]
    scan = nifti.read_volume(REAL)
    found = find_mice(scan.voxels, spacing_mm=scan.spacing_mm)
    if len(found.mice) != len(REAL_TUMORS):
        return [f"\n**WRONG**: {len(found.mice)} mice are found in the untouched scan ({'; '.join(found.doubts)})."]
    tumors = np.zeros(scan.shape, np.uint8)
    for number, box in enumerate(REAL_TUMORS, start=1):
        tumors[box] = number
    tumors[scan.voxels < REAL_AIR_HU] = 0
    untouched = Variant("as it is", scan, masks(found, scan.shape), tumors)
    lines = [
        "\n| scan | mice | order | Dice, mouse 1, 2 | tumor in its window, 1, 2 | in its mask, 1, 2 "
        "| other mouse in the window, 1, 2 | seconds | doubts |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for variant in variants(untouched):
        lines.append(real_row(variant))
        print(lines[-1], flush=True)
    return lines


def variants(scan: Variant) -> Iterator[Variant]:
    """Yield the untouched scan, and every change of it."""
    yield scan
    for axis, name in enumerate("zyx"):
        yield reshaped(scan, f"flipped along {name}", partial(np.flip, axis=axis))
    for plane in ((0, 1), (0, 2), (1, 2)):
        name = " and ".join("zyx"[axis] for axis in plane)
        yield reshaped(scan, f"turned by 90 degrees, {name}", partial(np.rot90, k=1, axes=plane))
    third = len(scan.labels) // 3
    for number, name in enumerate(("first", "middle", "last")):
        part = slice(number * third, (number + 1) * third)
        yield reshaped(scan, f"{name} third of its length", itemgetter(part))
    for offset in (-100, 100):
        yield revalued(scan, f"{offset:+d} HU", np.float64(offset))
    for noise in (100, 200):
        values = np.random.default_rng(noise).normal(0, noise, scan.labels.shape)
        yield revalued(scan, f"noise of {noise} HU added", values)
    for spacing in (0.21, 0.5):
        yield resampled(scan, spacing)


def reshaped(scan: Variant, name: str, change: Callable[[Array], Array]) -> Variant:
    """Return a scan whose voxels were put into another order, or left out; all its voxels are cubes."""
    field = Volume(change(scan.field.voxels), scan.field.affine)
    return Variant(name, field, change(scan.labels), change(scan.tumors))


def revalued(scan: Variant, name: str, added_hu: Array | np.float64) -> Variant:
    """Return a scan with other values."""
    values = np.clip(np.rint(scan.field.voxels + added_hu), -32768, 32767).astype(np.int16)
    return replace(scan, name=name, field=scan.field.with_voxels(values))


def resampled(scan: Variant, spacing_mm: float) -> Variant:
    """Return a scan in voxels of another size: HU linearly, masks by the nearest voxel."""
    factors = np.array(scan.field.spacing_mm) / spacing_mm
    hu, labels, tumors = (
        ndimage.zoom(array, factors, order=order, mode="nearest", grid_mode=True)
        for array, order in ((scan.field.voxels, 1), (scan.labels, 0), (scan.tumors, 0))
    )
    steps = np.array(scan.field.spacing_mm) * scan.labels.shape / hu.shape
    return Variant(f"voxels of {spacing_mm} mm", Volume(hu, np.diag([*steps[::-1], 1.0])), labels, tumors)


def real_row(variant: Variant) -> str:
    """Return one row: what is found in a changed scan beside the changed masks of the untouched one."""
    start = time.process_time()
    found = find_mice(variant.field.voxels, spacing_mm=variant.field.spacing_mm)
    seconds = time.process_time() - start
    order = reading_order(variant.labels)
    row = f"| {variant.name} | {len(found.mice)} |"
    doubts = "; ".join(found.doubts) or "-"
    if len(found.mice) != len(order):
        return f"{row} **WRONG** | | | | | {seconds:.1f} | {doubts} |"
    labels = masks(found, variant.labels.shape)
    windows = windows_of([Animal(mouse.box, mouse.mask()) for mouse in found.mice], variant.field, found.body_axis)
    own = [int(np.bincount(variant.labels[labels == place], minlength=3)[1:].argmax()) + 1 for place in (1, 2)]
    cells = [[""] * 4 for _ in order]
    for place, (number, window) in enumerate(zip(own, windows, strict=True), start=1):
        cells[number - 1] = real_cells(variant, labels == place, window, number)
    dice, window_share, mask_share, foreign = (", ".join(values) for values in zip(*cells, strict=True))
    right = "right" if own == order else "**WRONG**"
    return f"{row} {right} | {dice} | {window_share} | {mask_share} | {foreign} | {seconds:.1f} | {doubts} |"


def real_cells(variant: Variant, mask: Array, window: Window, number: int) -> list[str]:
    """Return Dice, the shares of the tumor in window and mask, and of the other mouse in the window, as text."""
    known, tumor = variant.labels == number, variant.tumors == number
    other = (variant.labels > 0) & ~known
    dice = 2 * int((known & mask).sum()) / max(1, int(known.sum()) + int(mask.sum()))
    shares = [share(int(part.sum()), int(tumor.sum())) for part in (tumor[window.box], tumor & mask)]
    return [f"{dice:.4f}", *shares, share(int(other[window.box].sum()), int(other.sum()))]


def reading_order(labels: npt.NDArray[np.uint8]) -> list[int]:
    """Return the numbers of two mice side by side in reading order: along the axis on which they lie apart."""
    centres = np.array(ndimage.center_of_mass(labels > 0, labels, (1, 2)))
    apart = int(np.abs(centres[1] - centres[0]).argmax())
    return [1, 2] if centres[0, apart] < centres[1, apart] else [2, 1]


def share(part: int, whole: int) -> str:
    """Return a share in %, such that only all is 100."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    return "100 %" if part == whole else f"{min(percent, 99.99):.2f} %"


# ---- split, then paste


def pasted_rows() -> list[str]:
    """Return the table of crops and masks put back into their acquisition."""
    lines = [
        "| acquisition | crop equals the acquisition at its place (clipped to -400..1000 HU) "
        "| the same by SimpleITK's resampler | tumor masks pasted equal the truth |",
        "|---|---|---|---|",
    ]
    mice = [drawn_mouse(0.42), drawn_mouse(0.42, side=-1, along=0.5)]
    acquisition = render_acquisition(laid_out(mice))
    turned = np.array([[-0.42, 0, 0, 31.5], [0, -0.42, 0, -12.25], [0, 0, 0.42, 7.0], [0, 0, 0, 1.0]])
    with tempfile.TemporaryDirectory() as folder:
        for name, affine in (("NIfTI, two axes reversed, origin moved", turned), ("Inveon", acquisition.ct.affine)):
            field = Volume(acquisition.ct.voxels, affine)
            path = Path(folder) / ("acquisition.img" if name == "Inveon" else "acquisition.nii.gz")
            (inveon if name == "Inveon" else nifti).write(field, path)
            lines.append(f"| {name} | {' | '.join(pasted(acquisition, field, path))} |")
    return lines


def pasted(acquisition: PhantomAcquisition, field: Volume, path: Path) -> list[str]:
    """Split an acquisition and paste the true tumors of each mouse back; return what equals what, as text."""
    study = path.parent / path.name.partition(".")[2].replace(".", "_")
    result = split([SplitJob(path, "Dataset 1", "8d", ("M01", "M02"))], study, how=RunSettings(workers=1))
    assert not result.failed, result.failed
    clipped = np.clip(field.voxels, *SplitSettings().range_hu)
    same, same_itk, files = [], [], []
    for number, ct_path in enumerate(sorted(study.rglob("CT_*.nii.gz")), start=1):
        ct = nifti.read_volume(ct_path)
        first = np.rint((np.linalg.inv(field.affine) @ ct.affine)[2::-1, 3]).astype(int)
        box = tuple(slice(low, low + size) for low, size in zip(first, ct.shape, strict=True))
        same.append(equal(clipped[box], ct.voxels))
        same_itk.append(equal_by_itk(clipped, path, ct_path))
        bodies, tumors = (whole.voxels[box] for whole in (acquisition.bodies, acquisition.tumors))
        files.append(path.parent / f"mask_{number}.nii.gz")
        nifti.write(ct.with_voxels(np.where(bodies == number, tumors, np.uint8(0))), files[-1])
    whole = path.parent / "pasted.nii.gz"
    paste(files, path, whole)
    put_back = nifti.read_volume(whole).voxels
    return [", ".join(same), ", ".join(same_itk), equal(acquisition.tumors.voxels, put_back, counted=put_back > 0)]


def equal_by_itk(clipped: Array, path: Path, ct_path: Path) -> str:
    """Return whether a crop, resampled onto the acquisition's grid by SimpleITK, equals it wherever it has voxels."""
    if path.suffix == ".img":
        return "reads no Inveon"
    beyond = 12345
    crop = sitk.ReadImage(str(ct_path))
    seen = sitk.GetArrayFromImage(
        sitk.Resample(crop, sitk.ReadImage(str(path)), sitk.Transform(), sitk.sitkNearestNeighbor, beyond)
    )
    inside = seen != beyond
    if inside.sum() != np.prod(crop.GetSize()):
        return "**NO**: another number of voxels"
    return equal(clipped[inside], seen[inside])


def equal(wanted: Array, got: Array, counted: Array | None = None) -> str:
    """Return whether two arrays are the same, as text, with the number of voxels that were compared or marked."""
    different = int((wanted != got).sum())
    voxels = got.size if counted is None else int(counted.sum())
    return f"**NO**: {different} voxels differ" if different else f"yes, {voxels} voxels"


# ---- pictures


def draw(acquisition: PhantomAcquisition, found: FoundMice, trial: Trial) -> str:
    """Write a small picture of a failure and return its name: masks and windows in colour, the truth dashed white."""
    from matplotlib.figure import Figure

    ct = acquisition.ct
    labels, bodies = masks(found, ct.shape), acquisition.bodies.voxels
    windows = windows_of([Animal(mouse.box, mouse.mask()) for mouse in found.mice], ct, found.body_axis)
    projections = project(ct.voxels)
    figure = Figure(figsize=(7.2, 3.6), dpi=90, layout="constrained")
    for axes, along in zip(figure.subplots(1, 3), range(3), strict=True):
        down, right = (axis for axis in range(3) if axis != along)
        axes.imshow(grey(projections[along]), cmap="gray", vmin=0, vmax=1)
        for number in range(1, trial.expected + 1):
            axes.contour((bodies == number).any(axis=along), [0.5], colors="white", linewidths=0.5, linestyles="--")
        for number, window in enumerate(windows, start=1):
            colour = COLOURS[(number - 1) % len(COLOURS)]
            axes.contour((labels == number).any(axis=along), [0.5], colors=colour, linewidths=0.8)
            rows, columns = window.box[down], window.box[right]
            corners = np.array([columns.start, columns.stop, columns.stop, columns.start, columns.start]) - 0.5
            edges = np.array([rows.start, rows.start, rows.stop, rows.stop, rows.start]) - 0.5
            axes.plot(corners, edges, color=colour, linewidth=1.0)
        axes.set_axis_off()
    figure.suptitle(f"{trial.seed}: {trial.title}. {'; '.join(trial.wrong)}"[:150], fontsize=6)
    PICTURES.mkdir(parents=True, exist_ok=True)
    name = f"{trial.seed}.jpg"
    figure.savefig(PICTURES / name, pil_kwargs={"quality": 60})
    return name


# ---- the page


def random_trials(seeds: int) -> list[Trial]:
    """Return the trials of the random acquisitions, and draw the failures."""
    trials: list[Trial] = []
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        acquisition, kind = random_trial(seed)
        trial, found = measured(acquisition, seed, kind)
        drawn = sum(bool(one.picture) for one in trials)
        if trial.wrong and drawn < MOST_PICTURES:
            trial = replace(trial, picture=draw(acquisition, found, trial))
        trials.append(trial)
        print(f"{seed} {trial.title}: {'; '.join(trial.wrong) or 'right'} ({trial.seconds:.1f} s)", flush=True)
    return trials


def known_trials() -> list[Trial]:
    """Return the trials of the known splitter's failure cases."""
    trials = []
    for number, (kind, spec) in enumerate(known_cases(), start=1):
        acquisition = render_acquisition(spec)
        trial, found = measured(acquisition, number, kind)
        trials.append(replace(trial, picture=draw(acquisition, found, trial)) if trial.wrong else trial)
        print(f"{kind}: {'; '.join(trial.wrong) or 'right'}", flush=True)
    return trials


def table(trials: Sequence[Trial], *, overall: bool) -> list[str]:
    """Return a table with one row per kind of acquisition, and one over all."""
    rows = [
        "| acquisitions | n | right number | right number, given | tumor voxels in the window | body in the window "
        "(worst mouse) | body in the box (worst) | others in the window (most) | more than need be, at most "
        "| mask beyond animals (most) | further than 2 voxels, at most | body in another's mask, at most "
        "| doubted of wrong | doubted of right | failures |",
        "|" + "---|" * 15,
    ]
    kinds = list(dict.fromkeys(trial.kind for trial in trials))
    rows += [row(kind, [trial for trial in trials if trial.kind == kind]) for kind in kinds]
    return [*rows, row("**all**", trials)] if overall else rows


def row(kind: str, trials: Sequence[Trial]) -> str:
    """Return the row of some trials."""
    counts = [
        sum(number == trial.expected for trial in trials for number in [getattr(trial, name)])
        for name in ("found", "found_given")
    ]
    numbers = [f"{count}/{len(trials)}" for count in counts]
    wrong = [trial for trial in trials if trial.wrong]
    right = [trial for trial in trials if not trial.wrong]
    doubted = [f"{sum(map(is_doubted, some))}/{len(some)}" for some in (wrong, right)]
    cells = [kind, str(len(trials)), *numbers, *cut_cells([cut for trial in trials for cut in trial.cuts])]
    return f"| {' | '.join([*cells, *doubted, str(len(wrong))])} |"


def cut_cells(cuts: Sequence[Cut]) -> list[str]:
    """Return what the cuts of some trials come to, as text."""
    if not cuts:
        return [""] * 8
    voxels = sum(cut.voxels for cut in cuts)
    tumor, lost = sum(cut.tumor_voxels for cut in cuts), sum(cut.tumor_lost for cut in cuts)
    inside = [
        f"{percent(sum(share * cut.voxels for share, cut in zip(shares, cuts, strict=True)) / voxels)} "
        f"({percent(min(shares))})"
        for shares in ([cut.in_window for cut in cuts], [cut.in_box for cut in cuts])
    ]
    foreign, bed = ([getattr(cut, name) for cut in cuts] for name in ("foreign", "bed"))
    most = [
        max(cut.foreign - cut.unavoidable for cut in cuts),
        max(cut.far_bed for cut in cuts),
        max(cut.claimed for cut in cuts),
    ]
    spare, far, claimed = (f"{100 * max(0.0, value):.2f} %" for value in most)
    mean_most = [f"{100 * np.mean(values):.2f} % ({100 * max(values):.2f} %)" for values in (foreign, bed)]
    return [f"{tumor - lost}/{tumor}", *inside, mean_most[0], spare, mean_most[1], far, claimed]


def percent(value: float) -> str:
    """Return a share as text, such that only all is 100 %."""
    return "100 %" if value >= 1 else f"{min(100 * value, 99.999):.3f} %"


def is_doubted(trial: Trial) -> bool:
    """Tell whether a doubt was raised that is not simply true."""
    return bool(untrue(trial))


def untrue(trial: Trial) -> list[str]:
    """Return the doubts that were raised without the number given, but for those that are simply true."""
    return [doubt for doubt in trial.doubts if not any(part in doubt for part in trial.true_doubts)]


def claim(trials: Sequence[Trial]) -> str:
    """Return what the number of failures allows to say."""
    n, failed = len(trials), sum(bool(trial.wrong) for trial in trials)
    if not failed:
        return (
            f"**0 of {n} acquisitions failed.** By the rule of three (3/{n}) the rate of failures is under "
            f"{300 / n:.1f} % (95 % confidence) on acquisitions of this kind."
        )
    low, high = proportion_confint(failed, n, method="wilson")
    return (
        f"**{failed} of {n} acquisitions failed: {100 * failed / n:.1f} %** (95 % interval by Wilson "
        f"{100 * low:.1f} to {100 * high:.1f} %). {sum(map(harms, trials))} of them have a wrong number or order, "
        "or lose some of an animal; the others show more of a neighbour, or hold more bed in a mask, than need be."
    )


def harms(trial: Trial) -> bool:
    """Tell whether a failure is more than too much of a neighbour or of a bed."""
    return not all(reason.endswith((NEIGHBOUR, BED)) for reason in trial.wrong)


def failures(trials: Sequence[Trial]) -> list[str]:
    """Return every failure with its reasons, doubts and picture."""
    lines = []
    for trial in trials:
        if trial.wrong:
            picture = f" [picture]({PICTURES.name}/{trial.picture})" if trial.picture else ""
            said = f" Doubts: {'; '.join(trial.doubts)}." if trial.doubts else " No doubt was raised."
            lines.append(f"- **{trial.seed}** ({trial.title}): {'; '.join(trial.wrong)}.{said}{picture}")
    return lines or ["None."]


def false_alarms(trials: Sequence[Trial]) -> list[str]:
    """Return the doubts that were raised where nothing was wrong."""
    return [
        f"- {trial.seed} ({trial.title}): {'; '.join(untrue(trial))}."
        for trial in trials
        if not trial.wrong and untrue(trial)
    ] or ["None."]


def page(trials: Sequence[Trial], known: Sequence[Trial], real: Sequence[str], back: Sequence[str]) -> str:
    """Return the page."""
    slow = [trial.seconds for trial in trials]
    parts = [
        INTRODUCTION,
        f"\n## {len(trials)} random acquisitions, {sum(trial.expected for trial in trials)} mice\n",
        claim(trials),
        f"\nFinding the mice took {np.mean(slow):.1f} s on average, {max(slow):.1f} s at most, of processor time.\n",
        *table(trials, overall=True),
        "\n### Every failure\n",
        *failures(trials),
        "\n### Doubts where nothing was wrong\n",
        *false_alarms(trials),
        "\n## Where the known splitter fails\n",
        *table(known, overall=False),
        "",
        *failures(known),
        REAL_INTRODUCTION,
        *real,
        "\n## Split, then paste\n",
        *back,
    ]
    return "\n".join(parts) + "\n"


INTRODUCTION = f"""# Does split find every mouse, whole?

Written by `evidence/split_acquisitions.py`. The phantom acquisitions are `random_acquisition(seed, ...)` from seed
{FIRST_SEED} on, their arrangements in turn, in voxels of {SPACINGS_MM[0]} to {SPACINGS_MM[1]} mm: one to six mice on
their backs, bellies or sides, heads at either end, in half-tubes, tubes, trays or hammocks or on nothing, some
touching, with cables, needles, cones, boxes and cradles, blurred, noisy, with streaks, their soft tissue off by up to
14 % and 30 HU. The search was tuned on seeds 7000 to 7199, so none of those is here.

Each is searched twice, without and with the number of mice given. What is cut is judged with the number given, as
`murinoma split --mice M01,M02` does; without the right number it refuses and cuts nothing. A **failure** is

- a wrong number of mice in either search, a wrong body axis, or a mouse in another's place in reading order;
- a tumor voxel outside its mouse's window;
- {100 * LEAST_BODY:g} % or less of a body inside its window, or inside the box of its mask;
- {100 * MOST_FOREIGN:g} % of the other animals more in a window than in the best window for the true animals, with
  their tails and the same margin ("more than need be": mice that touch or lie askew cannot be parted by a box);
- {100 * MOST_BED:g} % of a mask further than two voxels from every animal.

Shares are of volume; a body is without the tail behind its root. "Doubted" does not count sentences
that are simply true: that two mice touch where they do, and that soft tissue reads more than {SOFT_HU[1]:g} HU."""

REAL_INTRODUCTION = f"""
## The real scan

Two mice side by side in half-tubes, 0.391 mm, with bed, cables, nose cone and box; as it is, and changed. There is no
truth for it: Dice is that of each mouse's mask with its mask on the untouched scan, changed alike. The flank tumors
are what is brighter than {REAL_AIR_HU} HU in two boxes that were read off the axial slices; of a cut scan, what is
left of them. Numbers are those of the untouched scan, so that mouse 1 is the same animal in every row. The number of
mice is not given."""


def main() -> None:
    """Try everything, write the page, print where it lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="number of random acquisitions")
    seeds = parser.parse_args().seeds
    for old in PICTURES.glob("*.jpg"):
        old.unlink()
    back = pasted_rows()
    real = real_rows()
    known = known_trials()
    trials = random_trials(seeds)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page(trials, known, real, back), encoding="utf-8")
    print(REPORT)


if __name__ == "__main__":
    main()
