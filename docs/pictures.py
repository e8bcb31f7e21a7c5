"""Make the pictures of the README and the tutorial, and what the tutorial prints, anew: ``make pictures``.

The tutorial's commands are run in their order in a temporary folder that stands for the clone; the pictures are taken
from the files that they write. The picture of the report needs Chromium; without it the old one stays.
"""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from console import refreshed, run
from PIL import Image

from murinoma.files.atomic import write_bytes, write_text
from murinoma.files.masks import read_annotations
from murinoma.files.nifti import read_volume
from murinoma.pages.figures import line_styles, view_png, view_scan
from murinoma.settings import PhantomDataset, SimulateSettings
from murinoma.steps.simulate import simulate
from murinoma.study import Scan, read_study

DOCS = Path(__file__).parent
PICTURES = DOCS / "pictures"
TUTORIAL = DOCS / "tutorial.md"
ONE_MOUSE = PhantomDataset(1, ("0d",), 2, median_mm3=260.0, log_sd=0.2, growth_per_day=0.0, mice_per_acquisition=1)
SCREEN = 1100, 1000  # of the report, pixels
COLOURS = 256  # of a picture; by octree, as the median cut would turn thin coloured outlines grey
# in a temporary folder there is no Makefile, and what make runs is installed already
MADE = {"make demo": ("installing murinoma into .venv\n", "murinoma demo"), "source .venv/bin/activate": ("", "true")}


def main() -> None:
    """Write ``docs/pictures/*.png`` and the console blocks of ``docs/tutorial.md``."""
    with TemporaryDirectory() as folder:
        clone = Path(folder)
        draw_readme_scan(clone / "one")
        write_text(TUTORIAL, refreshed(TUTORIAL.read_text(encoding="utf-8"), lambda command: printed(command, clone)))
        study = clone / "demo" / "study"
        sheet = clone / "mine" / "derivatives" / "split" / "Dataset 1" / "M01_M02_8d.png"
        write_small(PICTURES / "tutorial_sheet.png", sheet.read_bytes(), width=1100)
        draw_difference(study)
        draw_report(study / "derivatives" / "report" / "index.html", clone)


def draw_readme_scan(root: Path) -> None:
    """Draw one phantom mouse with two tumors and its three annotators, in the slice with most tumor."""
    simulate(root, settings=SimulateSettings(seed=5, datasets=(ONE_MOUSE,)))
    (scan,) = read_study(root).scans
    annotations = read_annotations(scan)
    assert scan.ct is not None
    areas = sum((mask > 0).sum(axis=(1, 2)) for mask in annotations.masks.values())
    view = view_scan(
        read_volume(scan.ct).voxels,
        annotations.masks,
        spacing_mm=annotations.spacing_mm,
        slice_index=int(areas.argmax()),
        styles=line_styles(list(annotations.masks)),
    )
    write_small(PICTURES / "scan.png", view_png(view, dpi=110), width=1100)


def printed(command: str, clone: Path) -> str:
    """Return what a command of the tutorial prints in a clone where all before it were run."""
    print(f"$ {command}", file=sys.stderr)
    first, instead = MADE.get(command, ("", command))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return first + run(instead, clone, {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"})


def draw_difference(study: Path) -> None:
    """Draw the scan of the first finding of check, in the slice where the annotators differ most."""
    findings = pd.read_csv(study / "derivatives" / "check" / "findings.csv")
    titles = {scan.title: scan for scan in read_study(study).scans}
    scan = titles[findings.loc[findings["kind"] == "volumes differ", "scan"].iloc[0]]
    write_small(PICTURES / "tutorial_difference.png", difference_png(scan), width=1100)


def difference_png(scan: Scan) -> bytes:
    """Return a picture of a scan of the demo, whose axes run from right to left, belly to back and rump to nose."""
    assert scan.ct is not None
    annotations = read_annotations(scan)
    # the picture takes body length, left-right, from back to belly
    masks = {name: mask.transpose(0, 2, 1)[:, :, ::-1] > 0 for name, mask in annotations.masks.items()}
    votes = np.sum(list(masks.values()), axis=0)
    split_votes = (votes > 0) & (votes < len(masks))
    dz, dy, dx = annotations.spacing_mm
    view = view_scan(
        read_volume(scan.ct).voxels.transpose(0, 2, 1)[:, :, ::-1],
        masks,
        spacing_mm=(dz, dx, dy),
        slice_index=int(split_votes.sum(axis=(1, 2)).argmax()),
        styles=line_styles(list(masks)),
        sides=("R", "L"),
    )
    return view_png(view, dpi=110)


def draw_report(page: Path, folder: Path) -> None:
    """Take a picture of the top of a report, if there is a Chromium."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        print("no Chromium here: tutorial_report.png stays as it is", file=sys.stderr)
        return
    shot = folder / "report.png"
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
    size = f"--window-size={SCREEN[0]},{SCREEN[1]}"
    command = [browser, *quiet, f"--user-data-dir={folder / 'browser'}", f"--screenshot={shot}", size, page.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    write_small(PICTURES / "tutorial_report.png", shot.read_bytes(), width=SCREEN[0])


def write_small(path: Path, png: bytes, *, width: int) -> None:
    """Write a picture no wider than this, in few colours."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    few = image.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(small, "PNG", optimize=True)
    write_bytes(path, small.getvalue())


if __name__ == "__main__":
    main()
