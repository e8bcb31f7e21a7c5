"""`evaluate` on a study: 452 scans of real size with a model's mask each, from files to tables and the verdict."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from scans import ANNOTATORS, SHAPE, distinct_files, linked_study, save_by_nibabel
from scipy import ndimage
from timing import Row

from murinoma.settings import RunSettings
from murinoma.steps.evaluate import evaluate
from murinoma.study import read_study

DISTINCT = 40
PUBLISHED = 452
ASKED = "<= 180 s"
NAME = "model"
# a card that has seen some CT, so that every scan's CT is looked up in its training
CARD = {
    "format": "murinoma.model/1",
    "name": NAME,
    "coarse": {"spacing_mm": 0.84, "sha256": "c"},
    "fine": {"spacing_mm": 0.21, "sha256": "f"},
    "training_cts": ["0" * 64],
    "limits": "",
}


def rows() -> Iterator[Row]:
    """Yield the seconds per scan, wall clock and CPU, and of the whole database on all cores."""
    with tempfile.TemporaryDirectory() as folder:
        scans = distinct_files(Path(folder), DISTINCT)
        masks = predicted_files(Path(folder), scans)
        few = predicted_study(Path(folder) / "distinct", scans, masks, DISTINCT)
        before = time.process_time()
        one = seconds_of_evaluate(few, 1) / DISTINCT
        busy = (time.process_time() - before) / DISTINCT  # what neighbours on a shared machine do not change
        what = f"evaluate, files to verdict, per scan (mean of {DISTINCT} distinct scans, 1 process)"
        yield Row(what, f"{one * 1000:.0f} ms, of these {busy * 1000:.0f} ms CPU", "", "")
        yield Row(f"  CPU time of {PUBLISHED} such scans, 1 process", f"{busy * PUBLISHED:.0f} s", "<= 360 s", "")
        whole = predicted_study(Path(folder) / "whole", scans, masks, PUBLISHED)
        cores = f"{os.cpu_count()} cores, workers chosen by murinoma"
        seconds = seconds_of_evaluate(whole, 0)
        yield Row(f"evaluate on {PUBLISHED} scans ({DISTINCT} distinct), {cores}", f"{seconds:.0f} s", ASKED, "")


def predicted_files(folder: Path, scans: list[dict[str, Path]]) -> list[Path]:
    """Write a model's mask for each distinct scan: B's, one voxel thicker; every other one has a far false lesion."""
    paths = []
    for number, files in enumerate(scans):
        b = np.asarray(nib.load(files[f"Annotator_{ANNOTATORS[1]}"]).dataobj).T > 0  # type: ignore[attr-defined]
        mask = ndimage.binary_dilation(b)
        if number % 2:
            mask[SHAPE[0] - 20 : SHAPE[0] - 8, 4:16, 4:16] = True
        paths.append(folder / f"{number}_Prediction.nii.gz")
        save_by_nibabel(mask.astype(np.uint8), paths[-1])
    return paths


def predicted_study(root: Path, scans: list[dict[str, Path]], masks: list[Path], count: int) -> Path:
    """Make a study of hard links to a few distinct scans, with the model's masks and its card."""
    study = read_study(linked_study(root, scans, count))
    for scan in study.scans:
        path = study.prediction_path(scan, NAME)
        path.parent.mkdir(parents=True)
        os.link(masks[(int(scan.mouse[1:]) - 1) % DISTINCT], path)  # as linked_study names them
    (study.step_folder("predictions") / NAME / "model.json").write_text(json.dumps(CARD))
    return root


def seconds_of_evaluate(root: Path, workers: int) -> float:
    """Return the seconds of reading a study and judging the model anew."""
    start = time.perf_counter()
    result = evaluate(read_study(root), NAME, how=RunSettings(workers=workers, force=True))
    seconds = time.perf_counter() - start
    if result.failed:
        raise SystemExit(result.failed[0].message)
    return seconds
