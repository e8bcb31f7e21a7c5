"""Split an acquisition of the scanner's own size, files to files: seconds and peak memory."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from timing import Row

from murinoma.files import inveon
from murinoma.phantom.acquisition import plan_acquisitions, render_acquisition
from murinoma.phantom.cohort import DatasetPlan, StudyPlan
from murinoma.volume import Volume

SHAPE = (679, 512, 512)
SPACING_MM = 0.195782

# the child says what it took itself: a parent's memory must not count
CHILD = """
import sys, time
from pathlib import Path
from murinoma.steps.split import SplitJob, split
start = time.perf_counter()
result = split([SplitJob(Path(sys.argv[1]), "Dataset 1", "0d", ("M01", "M02"))], Path(sys.argv[2]))
seconds = time.perf_counter() - start
assert not result.failed, result.failed
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(seconds, *(int(status[key].split()[0]) for key in ("VmHWM",)))
"""


def acquisition(path: Path) -> int:
    """Write two phantom mice in a field of 512 x 512 x 679 voxels as an Inveon pair; return its bytes."""
    plan = StudyPlan((DatasetPlan("Dataset 1", 2),), spacing_mm=SPACING_MM, air_hu=-300, bone_hu=500)
    mice = render_acquisition(plan_acquisitions(plan, seed=1)[0]).ct.voxels
    field = np.random.default_rng(1).normal(-1000, 20, SHAPE).astype(np.int16)
    part = mice[:, : SHAPE[1], : SHAPE[2]]
    corner = [(whole - inner) // 2 for whole, inner in zip(SHAPE, part.shape, strict=True)]
    field[tuple(slice(low, low + size) for low, size in zip(corner, part.shape, strict=True))] = part
    inveon.write(Volume(field, np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1])), path)
    return field.nbytes


def rows() -> Iterator[Row]:
    """Yield the time and the peak memory of one split in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scan.ct.img"
        n_bytes = acquisition(path)
        command = [sys.executable, "-c", CHILD, str(path), str(Path(folder) / "study")]
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    seconds, peak = float(said[0]), int(said[1]) * 1024
    what = "split an acquisition of 512x512x679 into two mice, files to files"
    yield Row(what, f"{seconds:.1f} s", "< 15 s", "")
    share = f"{peak / n_bytes:.2f} x the volume's {n_bytes / 2**20:.0f} MiB"
    yield Row("  peak memory, the mapped file included", share, "< 3 x", "")
