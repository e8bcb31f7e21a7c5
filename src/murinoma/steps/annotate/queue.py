"""Sit down to the scan of the review queue that is to be looked at next."""

from pathlib import Path

from murinoma.errors import UsageError
from murinoma.files.tables import read_table
from murinoma.steps.annotate.opening import open_file
from murinoma.steps.annotate.sitting import Sitting
from murinoma.study import read_study
from murinoma.study.evaluation_paths import review_path

COLUMNS = ("rank", "dataset", "mouse", "time", "start_from")


def open_queue(root: Path, annotator: str) -> Sitting:
    """Return a sitting on the first scan of the queue that `annotator` has not annotated, from the mask it names.

    This is not blinded: the name of the scan is seen.

    Raises
    ------
    UsageError
        If there is no name, no queue, or nothing left of it.
    MurinomaError
        As `open_file`.
    """
    if not annotator:
        raise UsageError("--queue writes corrections under a name; give it with --annotator")
    study = read_study(root)
    path = review_path(study)
    if not path.exists():
        raise UsageError(f"{path} is not there; run 'murinoma review' first")
    scans = {scan.key: scan for scan in study.scans}
    for row in read_table(path, COLUMNS).sort_values("rank").to_dict("records"):
        scan = scans.get((row["dataset"], row["mouse"], row["time"]))
        if scan is not None and scan.ct is not None and annotator not in scan.annotations:
            start = row["start_from"]
            return open_file(scan.ct, annotator=annotator, start_from=Path(start) if isinstance(start, str) else None)
    raise UsageError(f"{annotator} has annotated every scan of {path} that has a CT; run 'murinoma review' again")
