"""Segment the real scan of two mice with the shipped model, and hold the masks against a person's where there are some.

Run from the repository: ``python evidence/segment_real.py [--model FOLDER] [--annotated STUDY]``. The scan is read from
``../shared/data`` and stays there. It writes docs/evidence/segment_real.md. STUDY holds annotations of the same two
mice, as `evidence/annotate_real.py --study STUDY` leaves them; without it there is no Dice.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from murinoma.files.nifti import read_volume
from murinoma.models.shipped import shipped_models
from murinoma.numerics.agreement import pairwise_dice
from murinoma.numerics.votes import count_votes
from murinoma.steps.segment import segment
from murinoma.steps.split import SplitJob, split
from murinoma.study import Scan, Study, read_study
from murinoma.study.prediction_paths import preview_path

ROOT = Path(__file__).parents[1]
SCAN = ROOT.parent / "shared" / "data" / "inveon_two_mice_0.39mm.nii.gz"
REPORT = ROOT / "docs" / "evidence" / "segment_real.md"
MICE = ("M01", "M02")
ASKED_DICE = 0.6


def main() -> None:
    """Split, segment, write the page, print where it lies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped_models().get("xeno-0"), help="folder of the model")
    parser.add_argument("--annotated", type=Path, help="study with a person's masks of the same mice")
    parser.add_argument("--pictures", type=Path, help="folder that gets the preview of each mouse")
    given = parser.parse_args()
    if not SCAN.exists():
        print(f"{SCAN} is not there: nothing to segment")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        split([SplitJob(SCAN, "Dataset 1", "0d", MICE)], root)
        segment(read_study(root), str(given.model))
        study = read_study(root)
        annotated = read_study(given.annotated) if given.annotated else None
        REPORT.write_text("\n".join(page(study, given.model.name, annotated)) + "\n", encoding="utf-8")
        if given.pictures:
            for scan in study.scans:
                source = preview_path(study, scan, given.model.name)
                (given.pictures / source.name).write_bytes(source.read_bytes())
    print(REPORT)


def page(study: Study, model: str, annotated: Study | None) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# The real scan of two mice, segmented"
    yield ""
    yield f"Written by `evidence/segment_real.py`: `{SCAN.name}` is split and segmented with `{model}`, which has seen"
    yield "phantoms alone. The scanner was not calibrated: soft tissue reads about -92 HU. Every lesion stands here."
    yield "The Dice is with one person's masks of the same two mice (see *A real scan annotated in napari*);"
    yield f"asked is {ASKED_DICE} for each, and no false lesion over 10 mm³."
    yield ""
    yield "| mouse | lesion | volume, mm³ | by hand, mm³ | Dice of the mouse |"
    yield "|---|---|---|---|---|"
    for scan in study.scans:
        yield from rows(study, scan, model, annotated)


def rows(study: Study, scan: Scan, model: str, annotated: Study | None) -> Iterator[str]:
    """Yield a row per lesion of a mouse."""
    found = read_volume(study.prediction_path(scan, model))
    by_hand, dice = "-", "-"
    if annotated is not None:
        (other,) = [one for one in annotated.scans if one.mouse == scan.mouse]
        truth = read_volume(next(iter(other.annotations.values())))
        by_hand = f"{np.count_nonzero(truth.voxels) * truth.voxel_mm3:.0f}"
        dice = f"{pairwise_dice(count_votes([truth.voxels, found.voxels]).counts)[0, 1]:.3f}"
    sizes = np.bincount(found.voxels.ravel())[1:] * found.voxel_mm3
    if not len(sizes):
        yield f"| {scan.mouse} | none | 0 | {by_hand} | {dice} |"
    for number, volume in enumerate(sizes, start=1):
        yield f"| {scan.mouse} | {number} | {volume:.0f} | {by_hand} | {dice} |"


if __name__ == "__main__":
    main()
