"""Measure the speed claims of the project and print them beside what was asked for: `make bench`.

Every ratio is measured in this one run, on this machine, on volumes of real size; times are the fastest of several
calls. Nothing is written into the repository. ``python benchmarks/run.py nifti`` runs one part alone.
"""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import agree_study
import agreement_memory
import evaluate_study
import interpolate_slices
import nifti_io
import segment_scan
import segment_study
import split_acquisition
import surface_distances
from timing import Row, fastest


def help_rows() -> Iterator[Row]:
    """Yield how long the command line takes to say what it can do."""
    if find_spec("murinoma.ui.cli") is None:
        yield Row("murinoma --help", "not there yet", "< 0.3 s", "")
        return
    command = [sys.executable, "-c", "from murinoma.ui.cli import main; main()", "--help"]
    seconds = fastest(lambda: subprocess.run(command, capture_output=True, check=True), 5)
    yield Row("murinoma --help, a process of its own", f"{seconds:.2f} s", "< 0.3 s", "")


PARTS = {
    "memory": agreement_memory.rows,
    "agree": agree_study.rows,
    "evaluate": evaluate_study.rows,
    "nifti": nifti_io.rows,
    "interpolate": interpolate_slices.rows,
    "segment": segment_scan.rows,
    "segment-study": segment_study.rows,
    "split": split_acquisition.rows,
    "surface": surface_distances.rows,
    "help": help_rows,
}


def main(parts: list[str]) -> None:
    """Run all parts, or those that are named, and print each row as soon as it is known."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise SystemExit(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    print(f"{'what':86}{'measured':38}{'asked':15}against")
    for name in parts or PARTS:
        for row in PARTS[name]():
            print(f"{row.what:86}{row.measured:38}{row.asked:15}{row.against}".rstrip(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
