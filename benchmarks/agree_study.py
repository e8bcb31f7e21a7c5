"""`agree` on a study, files to tables: speed against the libraries, the whole database, and peak memory."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scans import ANNOTATORS, distinct_files, linked_study
from timing import Row, fastest, ratio
from yardstick import scan_by_libraries

from murinoma.settings import RunSettings
from murinoma.steps.agree import agree
from murinoma.study import read_study

DISTINCT = 40
PUBLISHED = 452
PEAK = r"""
import re, sys
from pathlib import Path
from murinoma.steps.agree import agree
from murinoma.study import read_study
assert agree(read_study(Path(sys.argv[1]))).scans == int(sys.argv[2])
# not getrusage: its ru_maxrss of a new process begins with what its parent held when it was started
print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def rows() -> Iterator[Row]:
    """Yield the second row of DESIGN section 8, and the memory that it promises."""
    with tempfile.TemporaryDirectory() as folder:
        scans = distinct_files(Path(folder), DISTINCT)
        masks = [[scan[f"Annotator_{who}"] for who in ANNOTATORS] for scan in scans]
        slow = min(fastest(lambda paths=paths: scan_by_libraries(paths), 1) for paths in masks[:2])  # type: ignore[misc]
        study = linked_study(Path(folder) / "distinct", scans, DISTINCT)
        fast = min(seconds_of_agree(study, 1) for _ in range(2)) / DISTINCT
        what = f"agree, files to tables, per scan (mean of {DISTINCT} distinct scans, 1 process)"
        yield Row(what, ratio(slow, fast), ">= 60 x", "nibabel get_fdata + the same libraries")
        whole = linked_study(Path(folder) / "whole", scans, PUBLISHED)
        for workers, how in ((1, "1 process"), (0, f"{os.cpu_count()} cores, workers chosen by murinoma")):
            seconds = seconds_of_agree(whole, workers)
            yield Row(f"agree on {PUBLISHED} scans ({DISTINCT} distinct), {how}", f"{seconds:.1f} s", "<= 20 s", "")
        yield Row("  extrapolated from the distinct scans, 1 process", f"{fast * PUBLISHED:.1f} s", "<= 20 s", "")
        yield peak_memory(Path(folder), scans)


def seconds_of_agree(root: Path, workers: int) -> float:
    """Return the seconds of reading a study and comparing all its annotators anew."""
    start = time.perf_counter()
    result = agree(read_study(root), how=RunSettings(workers=workers, force=True))
    seconds = time.perf_counter() - start
    if result.failed:
        raise SystemExit(result.failed[0].message)
    return seconds


def peak_memory(folder: Path, scans: list[dict[str, Path]]) -> Row:
    """Return the peak of a process of its own for 10, 40 and 160 scans."""
    peaks = []
    for count in (10, 40, 160):
        root = linked_study(folder / str(count), scans, count)
        command = [sys.executable, "-c", PEAK, str(root), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)  # kB of the kernel are KiB
    measured = " / ".join(f"{peak:.0f}" for peak in peaks) + " MiB"
    return Row("agree, peak memory with 10 / 40 / 160 scans", measured, "does not grow", "")
