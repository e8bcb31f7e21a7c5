"""Train as a new lab does, on eight labelled scans: plainly, with synthetic tumors pasted in, from the shipped model.

Run from the repository: ``python evidence/train_few.py [--minutes M] [--scans N]``. It trains each so long, judges
them on unseen mice and writes docs/evidence/train_few.md, with the curve beside it. No real scan is judged here.
"""

import argparse
import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.models.backends import Backend
from murinoma.models.lesions import lesion_labels
from murinoma.models.runtime import load_segmenter
from murinoma.models.segmenter import Prediction, Segmenter
from murinoma.models.shipped import shipped_models
from murinoma.numerics.agreement import pairwise_dice
from murinoma.numerics.detection import detect, share_of
from murinoma.numerics.votes import count_votes
from murinoma.phantom.cohort import PhantomScan, ScanSpec, plan_scans, render
from murinoma.settings import PhantomDataset, SimulateSettings, TrainSettings
from murinoma.steps.simulate import simulate
from murinoma.steps.simulate.planning import study_plan
from murinoma.steps.train import train
from murinoma.study import read_study
from murinoma.study.model_paths import training_folder

REPORT = Path(__file__).parents[1] / "docs" / "evidence" / "train_few.md"
CURVE = REPORT.with_suffix(".svg")
SHIPPED = "xeno-0"
LEARNED_SEED, UNSEEN_SEED = 31, 77
WAYS = {
    "plain": TrainSettings(),
    "pasted": TrainSettings(pasted=0.5),
    "started": TrainSettings(start=SHIPPED),
}
WORDS = {
    "plain": "random weights, the labelled tumors alone",
    "pasted": "random weights, half of the tumors pasted in",
    "started": f"begun with {SHIPPED}, the labelled tumors alone",
    SHIPPED: f"{SHIPPED} as it is shipped",
}
LEAST_MM3, LEAST_DICE = 10.0, 0.1
MINUTES, SCANS = 5.0, 100
DATASETS = (
    PhantomDataset(5, ("0d",), 1, median_mm3=350.0, log_sd=0.6, growth_per_day=0.0, site="foreleg"),
    PhantomDataset(5, ("0d",), 2, median_mm3=90.0, log_sd=0.5, growth_per_day=0.0),
)


@dataclass(frozen=True, eq=False)
class Judged:
    """One model on unseen mice: Dice of each whole scan and of each tumor, false lesions over 10 mm3."""

    scan_dice: npt.NDArray[np.float64]
    tumor_dice: npt.NDArray[np.float64]
    false: int


def main() -> None:
    """Make the study, train in each way, judge all, write the page and the curve, print where they lie."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each training")
    parser.add_argument("--scans", type=int, default=SCANS, help="unseen mice")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        simulate(root, settings=SimulateSettings(seed=LEARNED_SEED, datasets=DATASETS))
        histories = {name: trained(root, name, asked.minutes) for name in WAYS}
        folders = {name: root / "models" / name for name in WAYS} | {SHIPPED: shipped_models()[SHIPPED]}
        found = judge(folders, unseen(asked.scans))
    draw_curve(histories)
    REPORT.write_text("\n".join(page(found, histories, asked.minutes)) + "\n", encoding="utf-8")
    print(REPORT)


def trained(root: Path, name: str, minutes: float) -> pd.DataFrame:
    """Train one model on eight of ten mice, and return its history."""
    settings = replace(WAYS[name], minutes=minutes, look_every=50)
    study = read_study(root)
    train(study, name, settings=settings)
    return pd.read_csv(training_folder(study, name) / "history.csv")


def unseen(scans: int) -> list[ScanSpec]:
    """Return phantom mice that no training has seen, both kinds alike; they are painted when they are judged."""
    datasets = tuple(replace(one, mice=-(-scans // len(DATASETS))) for one in DATASETS)
    plan = study_plan(SimulateSettings(seed=UNSEEN_SEED, datasets=datasets))
    return plan_scans(plan, UNSEEN_SEED)[:scans]


def judge(folders: dict[str, Path], specs: Sequence[ScanSpec]) -> dict[str, Judged]:
    """Return how each model does against the true masks, on as many scans at once as there are cores."""
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        each = list(pool.map(judge_all, specs, repeat(folders)))
    return {name: together([one[name] for one in each]) for name in folders}


def judge_all(spec: ScanSpec, folders: dict[str, Path]) -> dict[str, Judged]:
    """Return how each model does on one scan, which is painted once."""
    scan = render(spec)
    image, spacing_mm = scan.ct.voxels, scan.ct.spacing_mm
    return {name: judge_scan(scan, opened(folder).predict(image, spacing_mm)) for name, folder in folders.items()}


@cache
def opened(folder: Path) -> Segmenter:
    """Return a model of a worker, opened once; it takes one core."""
    return load_segmenter(folder, Backend(device="cpu", threads=1))


def judge_scan(scan: PhantomScan, prediction: Prediction) -> Judged:
    """Return how a model does on one scan."""
    labels, _ = lesion_labels(prediction)
    truth = scan.truth.voxels
    found = detect(truth, labels, spacing_mm=scan.ct.spacing_mm)
    dice = pairwise_dice(count_votes([truth, labels]).counts)[0, 1:]
    return Judged(dice, found.dice, found.false_over(LEAST_MM3))


def together(each: Sequence[Judged]) -> Judged:
    """Return how a model does on all scans."""
    return Judged(
        np.concatenate([one.scan_dice for one in each]),
        np.concatenate([one.tumor_dice for one in each]),
        sum(one.false for one in each),
    )


def page(judged: dict[str, Judged], histories: dict[str, pd.DataFrame], minutes: float) -> list[str]:
    """Return the page."""
    return [
        "# Training on eight labelled scans",
        "",
        f"Made by `python evidence/train_few.py --minutes {minutes:g}`: ten phantom mice at 0.21 mm, drawn by three",
        "simulated annotators; `murinoma train` learns from eight scans and holds two mice out. Each model is judged",
        f"on {len(next(iter(judged.values())).scan_dice)} unseen phantoms of the same kinds against their TRUE masks.",
        f"Training ended after {minutes:g} minutes; another machine, or a busy one, gets further or less far.",
        "",
        "| training | steps coarse, fine | Dice of a scan | Dice of a tumor: mean, 10th percentile "
        "| tumors found | false lesions over 10 mm3 per scan |",
        "|---|---|---|---|---|---|",
        *(row(name, one, histories.get(name)) for name, one in judged.items()),
        "",
        "A tumor is found from a Dice of 0.1 on; the interval is Wilson's. A missed one counts 0 in the mean.",
        "",
        "![Dice on two held-out mice while the fine network learns](train_few.svg)",
    ]


def row(name: str, one: Judged, history: pd.DataFrame | None) -> str:
    """Return one model's row; without a history it did not train here."""
    steps = "none" if history is None else "{coarse}, {fine}".format(**history.groupby("network").step.max())
    found = share_of(one.tumor_dice >= LEAST_DICE)
    return (
        f"| {WORDS[name]} | {steps} | {np.nanmean(one.scan_dice):.3f} "
        f"| {one.tumor_dice.mean():.3f}, {np.percentile(one.tumor_dice, 10):.3f} "
        f"| {found.count}/{found.total} ({found.low:.2f} to {found.high:.2f}) | {one.false / len(one.scan_dice):.2f} |"
    )


def draw_curve(histories: dict[str, pd.DataFrame], names: Sequence[str] = tuple(WAYS)) -> None:
    """Write the curve: Dice of the consensus on held-out mice, by step of the fine network."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "murinoma"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
    for name in names:
        fine = histories[name][histories[name].network == "fine"]
        axes.plot(fine.step, fine.dice_consensus, marker="o", markersize=3, label=WORDS[name])
    axes.set(xlabel="step of the fine network", ylabel="Dice of the consensus head", ylim=(0, 1))
    axes.set_title("Patches about the tumors of two held-out mice", fontsize="medium")
    axes.legend(loc="lower right")
    figure.savefig(CURVE, metadata={"Date": None})


if __name__ == "__main__":
    main()
