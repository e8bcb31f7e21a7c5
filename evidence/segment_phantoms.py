"""Show what a model finds in 300 random phantom scans: unseen seeds, wider settings than those of training.

Run from the repository: ``python evidence/segment_phantoms.py --model FOLDER [--scans N]``. It writes
docs/evidence/segment_phantoms.md. Without ``--model`` it takes the model that is shipped.
"""

import argparse
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage, stats

from murinoma.numerics.boxes import positive_box
from murinoma.numerics.detection import Detection, Share, detect, is_second, recall_by_size, share_of
from murinoma.phantom.random_mouse import random_mouse
from murinoma.volume import Volume

Labels = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float64]
Segment = Callable[[Volume], Labels]

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "docs" / "evidence" / "segment_phantoms.md"
SHIPPED = ROOT / "src" / "murinoma" / "models" / "shipped" / "xeno-0"

FIRST_SEED, SCANS = 500_000, 300  # training takes seeds below
SPACINGS_MM = (0.21, 0.21, 0.3, 0.39, 0.5)  # in turn
LEAST_MM3 = 10.0  # what is smaller is a speck, as a tumor and as a false lesion
LEAST_DICE = 0.1  # less is a graze, no find
EDGES_MM3 = (LEAST_MM3, 30.0, 100.0, 300.0, 1000.0, np.inf)
EDGE_SEEN = (0.0, 0.7, 0.85, 1.01)  # classes of how much of a tumor's edge can be seen; of two real tumors 0.68, 0.79
INSIDE_MM, OUTSIDE_MM, SMOOTH_MM, STEP_HU = 0.8, (0.3, 0.6, 0.9), 0.35, 40.0
AIR_HU = -250.0
ASKED_DICE, ASKED_RECALL, ASKED_FALSE = 0.88, 0.95, 0.1
ASKED_FROM_MM3 = 30.0


@dataclass(frozen=True, eq=False)
class Trial:
    """One scan: its seed, voxel size (mm), how it was segmented, and how much of each tumor's edge can be seen."""

    seed: int
    spacing_mm: float
    detection: Detection
    edge_seen: Floats


@dataclass(frozen=True, eq=False)
class Tumors:
    """All true tumors of at least 10 mm3 of some trials, each with what was predicted for it; arrays (n,)."""

    edge_seen: Floats
    true_mm3: Floats
    dice: Floats
    volume_error: Floats
    second: npt.NDArray[np.bool_]

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Which are found."""
        return np.asarray(self.dice >= LEAST_DICE)


def trial(segment: Segment, seed: int, spacing_mm: float) -> Trial:
    """Return how a segmenter does on one random scan of the wider settings."""
    scan = random_mouse(seed, spacing_mm=spacing_mm, wider=True)
    truth = scan.truth.voxels
    found = detect(truth, segment(scan.ct), spacing_mm=scan.ct.spacing_mm)
    edges = [edge_seen(scan.ct.voxels, truth == number, spacing_mm) for number in found.numbers]
    return Trial(seed, spacing_mm, found, np.array(edges))


def edge_seen(hu: Labels, tumor: npt.NDArray[np.bool_], spacing_mm: float) -> float:
    """Return the share of a tumor's surface that can be seen in the image, 0..1.

    There is air 0.3 to 0.9 mm outside it, or what lies there differs by 40 HU or more from what lies 0.8 mm inside, in
    the image smoothed by 0.35 mm.
    """
    margin = round(3 / spacing_mm)
    z, y, x = (slice(max(axis.start - margin, 0), axis.stop + margin) for axis in positive_box(tumor))
    mask, image = tumor[z, y, x], hu[z, y, x].astype(np.float32)
    depth = ndimage.distance_transform_edt(mask, spacing_mm) - ndimage.distance_transform_edt(~mask, spacing_mm)
    surface = np.argwhere((depth > 0) & (depth <= 1.01 * spacing_mm)).T
    slopes = np.stack([slope[*surface] for slope in np.gradient(ndimage.gaussian_filter(depth, 1.0))])
    inwards = slopes / np.maximum(np.linalg.norm(slopes, axis=0), 1e-6) / spacing_mm
    smooth = ndimage.gaussian_filter(image, SMOOTH_MM / spacing_mm)
    inside, *outside = (
        ndimage.map_coordinates(smooth, surface + inwards * way, order=1, mode="nearest")
        for way in (INSIDE_MM, *(-out for out in OUTSIDE_MM))
    )
    is_seen = (np.array(outside) < AIR_HU) | (np.abs(np.array(outside) - inside) >= STEP_HU)
    return float(is_seen.any(axis=0).mean())


def all_tumors(trials: Sequence[Trial]) -> Tumors:
    """Return the tumors of some trials; one that a window cut down to under 10 mm3 is left out."""
    parts = []
    for one in trials:
        found = one.detection
        large = found.true_mm3 >= LEAST_MM3
        second = np.zeros(len(large), dtype=bool)
        second[large] = is_second(found.true_mm3[large])
        parts.append(np.stack([one.edge_seen, found.true_mm3, found.dice, found.volume_error, second])[:, large])
    seen, true_mm3, dice, error, second = np.concatenate([np.zeros((5, 0)), *parts], axis=1)
    return Tumors(seen, true_mm3, dice, error, second > 0)


def false_per_scan(trials: Sequence[Trial]) -> tuple[float, float, float]:
    """Return the false lesions over 10 mm3 per scan, with the exact 95 % interval of a Poisson rate."""
    count = sum(one.detection.false_over(LEAST_MM3) for one in trials)
    low, high = stats.chi2.ppf([0.025, 0.975], [2 * count, 2 * count + 2]) / 2
    return count / len(trials), float(np.nan_to_num(low)) / len(trials), float(high) / len(trials)


def dice_figures(dice: Floats) -> tuple[float, float]:
    """Return the mean Dice of tumors, a missed one counting 0, and its 10th percentile; NaN of none."""
    if not len(dice):
        return np.nan, np.nan
    return float(dice.mean()), float(np.percentile(dice, 10))


def asked(trials: Sequence[Trial]) -> list[tuple[str, str, bool]]:
    """Return what is asked of a model, what was measured, and whether it holds."""
    tumors = all_tumors(trials)
    mean, _ = dice_figures(tumors.dice)
    recall = share_of(tumors.found[tumors.true_mm3 >= ASKED_FROM_MM3])
    rate, low, high = false_per_scan(trials)
    return [
        (f"mean Dice of a tumor >= {ASKED_DICE}", f"{mean:.3f}", mean >= ASKED_DICE),
        (
            f"recall from {ASKED_FROM_MM3:g} mm3 on, lower 95 % bound >= {ASKED_RECALL}",
            shown(recall),
            recall.low >= ASKED_RECALL,
        ),
        (
            f"false lesions over {LEAST_MM3:g} mm3 per scan <= {ASKED_FALSE}",
            f"{rate:.3f} ({low:.3f} to {high:.3f})",
            rate <= ASKED_FALSE,
        ),
    ]


def shown(share: Share) -> str:
    """Return a share with its interval as text."""
    if not share.total:
        return "none"
    return f"{share.count}/{share.total}: {share.value:.3f} ({share.low:.3f} to {share.high:.3f})"


def size_rows(tumors: Tumors) -> list[str]:
    """Return the rows of the table by size, and one over all."""
    classes = recall_by_size(tumors.true_mm3, tumors.found, EDGES_MM3)
    rows = []
    for recall, low, high in zip(classes, EDGES_MM3, EDGES_MM3[1:], strict=False):
        inside = (tumors.true_mm3 >= low) & (tumors.true_mm3 < high)
        name = f"from {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"
        rows.append(row(name, recall, tumors, inside))
    rows.append(row("**all**", share_of(tumors.found), tumors, np.ones(len(tumors.dice), dtype=bool)))
    return [*rows, row("second tumor of a mouse", share_of(tumors.found[tumors.second]), tumors, tumors.second)]


def edge_rows(tumors: Tumors) -> list[str]:
    """Return the rows of the table by how much of the edge can be seen."""
    rows = []
    for low, high in pairwise(EDGE_SEEN):
        inside = (tumors.edge_seen >= low) & (tumors.edge_seen < high)
        name = f"under {high:.0%}" if low == 0 else f"from {low:.0%}"
        rows.append(row(name, share_of(tumors.found[inside]), tumors, inside))
    return rows


def heading(classes: str) -> list[str]:
    """Return the heading of a table of tumors by some classes; see `row`."""
    return [
        f"| {classes} | found (95 % by Wilson) | mean Dice | 10th percentile | volume error of the found, % |",
        "|---|---|---|---|---|",
    ]


def row(name: str, recall: Share, tumors: Tumors, inside: npt.NDArray[np.bool_]) -> str:
    """Return one row: recall, Dice, and the volume error of those that were found."""
    mean, low = dice_figures(tumors.dice[inside])
    errors = 100 * tumors.volume_error[inside & tumors.found]
    error = f"{errors.mean():+.1f} (SD {errors.std():.1f}), median {np.median(errors):+.1f}" if len(errors) else "none"
    return f"| {name} | {shown(recall)} | {mean:.3f} | {low:.3f} | {error} |"


def false_rows(trials: Sequence[Trial]) -> list[str]:
    """Return every false lesion over 10 mm3 as a row: scan, volume, distance to the nearest true tumor."""
    rows = []
    for one in trials:
        found = one.detection
        for volume, distance in zip(found.false_mm3, found.false_distance_mm, strict=True):
            if volume > LEAST_MM3:
                away = "no tumor in the scan" if np.isinf(distance) else f"{distance:.1f}"
                rows.append(f"| {one.seed} | {one.spacing_mm:g} | {volume:.0f} | {away} |")
    return rows or ["| none | | | |"]


def page(trials: Sequence[Trial], model: str) -> str:
    """Return the page."""
    tumors = all_tumors(trials)
    without = sum(not len(one.detection.numbers) for one in trials)
    parts = [
        INTRODUCTION.format(model=model, scans=len(trials), last=FIRST_SEED + len(trials) - 1, without=without),
        "| asked | measured | holds |",
        "|---|---|---|",
        *(f"| {what} | {value} | {'yes' if holds else '**no**'} |" for what, value, holds in asked(trials)),
        "\n## By size\n",
        *heading("true volume, mm3"),
        *size_rows(tumors),
        EDGES,
        *heading("edge seen"),
        *edge_rows(tumors),
        f"\n## Every false lesion over {LEAST_MM3:g} mm3\n",
        "| seed | voxel, mm | volume, mm3 | from the nearest true tumor, mm |",
        "|---|---|---|---|",
        *false_rows(trials),
    ]
    return "\n".join(parts) + "\n"


INTRODUCTION = f"""# What a model finds in random phantoms

Written by `evidence/segment_phantoms.py` for the model `{{model}}`. The {{scans}} scans are
`random_mouse(seed, spacing_mm=..., wider=True)`, seeds {FIRST_SEED} to {{last}}, in voxels of
{", ".join(f"{one:g}" for one in sorted(set(SPACINGS_MM)))} mm: mice of random shape, posture, tissue, bed and scanner,
from wider settings than those of training; {{without}} of them show no tumor. The truth is what was painted as tumor,
with the skin over it.

A predicted lesion that overlaps true tumors is theirs, each voxel of it the nearest tumor's; one that overlaps none is
false. A tumor is **found** with a Dice of {LEAST_DICE} or more. A missed tumor counts 0 in Dice; tumors that the edge
of the scan cut down to under {LEAST_MM3:g} mm3 are left out. The interval of the false lesions is that of a Poisson
rate.
A phantom is no mouse: these figures say whether a model does what it was made for, not how well it does on real scans.
"""


EDGES = f"""
## By how much of the edge can be seen

A part of a tumor's surface can be seen where it borders on air, or where the image, smoothed by {SMOOTH_MM:g} mm,
differs by {STEP_HU:g} HU or more between {INSIDE_MM:g} mm inside and {OUTSIDE_MM[0]:g} to {OUTSIDE_MM[-1]:g} mm out.
Of the two tumors of the real scan, 68 and 79 % of the outlined surface can.
"""


def open_model(folder: Path, threads: int = 0) -> Segment:
    """Return the segmenter of a model folder: a CT goes in, numbered lesions come out."""
    from murinoma.models.backends import Backend
    from murinoma.models.lesions import lesion_labels
    from murinoma.models.runtime import load_segmenter

    model = load_segmenter(folder, Backend(threads=threads))

    def segment(ct: Volume) -> Labels:
        labels, _ = lesion_labels(model.predict(ct.voxels, ct.spacing_mm))
        return labels

    return segment


@cache
def opened(folder: Path) -> Segment:
    """Return the segmenter of a worker, opened once; it takes one core."""
    return open_model(folder, threads=1)


def judged(number: int, folder: Path) -> Trial:
    """Return the trial of a number."""
    return trial(opened(folder), FIRST_SEED + number, SPACINGS_MM[number % len(SPACINGS_MM)])


def main() -> None:
    """Judge a model, write the page, print where it lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=SHIPPED, help="folder of the model")
    parser.add_argument("--scans", type=int, default=SCANS, help="number of random scans")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")
    given = parser.parse_args()
    trials = []
    with ProcessPoolExecutor(given.workers, multiprocessing.get_context("spawn")) as pool:
        for one in pool.map(judged, range(given.scans), repeat(given.model)):
            trials.append(one)
            false = one.detection.false_over(LEAST_MM3)
            print(f"{one.seed} {one.spacing_mm:g} mm: Dice {one.detection.dice.round(2)}, {false} false", flush=True)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page(trials, given.model.name), encoding="utf-8")
    print(REPORT)


if __name__ == "__main__":
    main()
