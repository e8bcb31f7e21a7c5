"""Segment a study as a user does: scans of random mice, file to mask, volumes and picture; 452 of them extrapolated.

The next CT is read while the network works on this one, so a scan costs less than the sum of its stages
(``segment_scan.py``). ``python benchmarks/segment_study.py --scans 4 --model DIR`` tries it small.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from segment_scan import shipped
from timing import Row

from murinoma.files.nifti import write
from murinoma.phantom.random_mouse import random_mouse
from murinoma.study import clean_scan, read_study

SCANS, PUBLISHED = 40, 452
FIRST_SEED = 7_000_000  # far from those of the training
SPACING_MM = 0.21
GIB = 2**30


def write_mouse(number: int, root: Path) -> None:
    """Write the CT of a random mouse as a scan of a study."""
    mouse = f"M{number + 1:02d}"
    scan = clean_scan(root, ("Dataset 1", f"{mouse}_0d"), mouse, "0d", ())
    if scan.ct is not None:
        write(random_mouse(FIRST_SEED + number, spacing_mm=SPACING_MM).ct, scan.ct)


def measured(root: Path, model: Path) -> dict[str, Any]:
    """Return the seconds of the start, of each scan, and of all; the failures; the peak memory, bytes."""
    begin = time.perf_counter()
    from murinoma.steps.segment import segment

    study, ends = read_study(root), []
    result = segment(study, str(model), progress=lambda done, of, scan: ends.append(time.perf_counter()))
    total = time.perf_counter() - begin
    each = [after - before for before, after in pairwise(ends)]
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "first": ends[0] - begin,
        "mean": sum(each) / len(each),
        "slowest": max(each),
        "rest": total - (ends[-1] - begin),
        "failed": len(result.failed),
        "tumors": result.numbers.get("tumors", 0),
        "peak": int(status["VmHWM"].split()[0]) * 1024,
    }


def rows(model: Path | None = None, scans: int = SCANS) -> Iterator[Row]:
    """Yield what a scan of a study costs in a warm process, and what 452 would."""
    model = model or shipped()
    if model is None:
        yield Row("segment a study", "no trained model", "", "")
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "study"
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            list(pool.map(partial(write_mouse, root=root), range(scans)))
        command = [sys.executable, __file__, "child", str(root), str(model)]
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        found = json.loads(said)
    # the tables take as long for each scan as they did for these
    whole = found["first"] + (PUBLISHED - 1) * found["mean"] + PUBLISHED * found["rest"] / scans
    what = f"segment a study of {scans} scans of 0.21 mm, file to mask, volumes and picture"
    yield Row(what, f"{found['mean']:.2f} s a scan", "< 1.5 s", "")
    yield Row("  the slowest; the first with the start; the tables", _three(found), "", "")
    yield Row("  peak memory", f"{found['peak'] / GIB:.2f} GiB", "< 1.5 GiB", "")
    yield Row(f"  {PUBLISHED} scans, extrapolated", f"{whole / 60:.1f} min", "", "")
    yield Row("  scans without a mask; tumors", f"{found['failed']}; {found['tumors']}", "", "")


def _three(found: dict[str, float]) -> str:
    return "; ".join(f"{found[name]:.2f} s" for name in ("slowest", "first", "rest"))


def main() -> None:
    """Print the rows."""
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(measured(Path(sys.argv[2]), Path(sys.argv[3]))))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--scans", type=int, default=SCANS)
    options = parser.parse_args()
    for row in rows(options.model, options.scans):
        print(f"{row.what:86}{row.measured:38}{row.asked:15}{row.against}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
