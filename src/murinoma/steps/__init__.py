"""Orchestration: each step reads a study, works on its scans and writes files; no step imports another.

What every step returns, and what they all do with a study's own errors, stands here.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from murinoma.runs import Failure, Outcome, Result
from murinoma.study import Finding, Scan, Study

Number = float | int | str | None
Done = Sequence[tuple[Scan, Result]]  # the scans that have a result


@dataclass(frozen=True)
class StepResult:
    """What a step did.

    Attributes
    ----------
    step
        Its name on the command line.
    result
        The file or folder that holds its main result; nothing after a dry run, or if no scan could be worked on.
    scans
        Number of scans with a result.
    failed
        The scans without one, each with a sentence that says why.
    notices
        Sentences about what is odd, for the whole study.
    numbers
        The step's key figures.
    """

    step: str
    result: Path | None
    scans: int
    failed: tuple[Failure, ...] = ()
    notices: tuple[str, ...] = ()
    numbers: Mapping[str, Number] = field(default_factory=dict)


def done_of(scans: Iterable[Scan], outcome: Outcome) -> list[tuple[Scan, Result]]:
    """Return the scans of a run that have a result, each with it, in their order."""
    return [(scan, outcome.results[scan.key]) for scan in scans if scan.key in outcome.results]


def key_columns(scan: Scan) -> dict[str, Any]:
    """Return the columns with which every row of a table begins: dataset, mouse, time, hours."""
    return {"dataset": scan.dataset, "mouse": scan.mouse, "time": scan.time.label, "hours": scan.time.hours}


def volume_rows(scan: Scan, source: str, whole_mm3: float, by_tumor: Mapping[int, float]) -> list[dict[str, Any]]:
    """Return the rows of ``volumes.csv`` for one source and scan: the whole scan (no tumor number), then each tumor."""
    return [
        {
            **key_columns(scan),
            "source": source,
            "tumor": tumor,
            "volume_mm3": volume,
            "volume_low_mm3": None,  # an interval comes with a calibration, not with a mask
            "volume_high_mm3": None,
        }
        for tumor, volume in [(None, whole_mm3), *by_tumor.items()]
    ]


def dry_result(step: str, study: Study, outcome: Outcome) -> StepResult:
    """Return what a dry run found: how many scans wait, and how many are done."""
    numbers: dict[str, Number] = {"waiting": outcome.waiting, "done": outcome.skipped}
    return StepResult(step, None, outcome.skipped, study_failures(study), (), numbers)


def study_failures(study: Study) -> tuple[Failure, ...]:
    """Return the scans that cannot be worked on because of the study's names and folders."""
    return tuple(failure_of(finding) for finding in study.findings if finding.severity == "error")


def failure_of(finding: Finding) -> Failure:
    """Return a finding as the failure of its scan: what is wrong, and the remedy."""
    return Failure(finding.scan, f"{finding.message}; {finding.remedy}")


def finite(value: float) -> float | None:
    """Return a number as JSON can hold it: nothing for NaN and infinity."""
    return float(value) if math.isfinite(value) else None


def study_notices(study: Study) -> list[str]:
    """Return what is odd about the study as a whole: exclusions, and how many oddities `check` would show."""
    notices = []
    scans = sum(exclusion.tumor is None for exclusion in study.exclusions)
    if study.exclusions:
        tumors = len(study.exclusions) - scans
        notices.append(f"exclude.csv leaves out {some(scans, 'scan')} and {some(tumors, 'tumor')}")
    oddities = sum(finding.severity == "oddity" for finding in study.findings)
    if oddities:
        notices.append(f"{some(oddities, 'oddity', 'oddities')} in names and folders; 'murinoma check' lists them")
    return notices


def header_notice(conflicts: Iterable[Mapping[str, str]]) -> list[str]:
    """Return one sentence about all headers that contradict themselves, or none; per scan file name -> what is said."""
    files = [(name, said) for by_file in conflicts for name, said in by_file.items()]
    if not files:
        return []
    return [f"the headers of {some(len(files), 'file')} contradict themselves (first {files[0][0]}: {files[0][1]})"]


def some(count: int, one: str, many: str = "") -> str:
    """Return ``1 scan`` or ``2 scans``."""
    return f"{count} {one if count == 1 else many or one + 's'}"
