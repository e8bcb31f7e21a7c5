"""How far everybody is, for the coordinator: stores are read, never locked or written."""

from collections.abc import Mapping
from dataclasses import dataclass

from murinoma.campaign.database import SESSION, check_identity, is_empty, reading
from murinoma.campaign.plan import HandedOut, Plan, is_as_handed_out
from murinoma.campaign.rows import STATES, ScanRow, State, last_saved, scan_rows
from murinoma.errors import MurinomaError
from murinoma.study import Study
from murinoma.study.campaign_paths import campaign_store_path


@dataclass(frozen=True)
class AnnotatorProgress:
    """How far one annotator is.

    Attributes
    ----------
    scans
        Code -> how far that scan is; empty before the first session.
    n_scans
        Scans that the annotator was given, repeats included.
    last_saved
        When something was saved last (UTC); empty before that.
    session
        Which process has the store open, or was killed with it open; empty if none.
    problem
        Why the store cannot be read, as a sentence; empty if it can.
    """

    annotator: str
    scans: Mapping[str, ScanRow]
    n_scans: int
    last_saved: str = ""
    session: str = ""
    problem: str = ""

    @property
    def counts(self) -> dict[State, int]:
        """How many scans are in each state."""
        found = [row.state for row in self.scans.values()]
        counts = {state: found.count(state) for state in STATES}
        return counts if self.scans else {**counts, "waiting": self.n_scans}

    @property
    def seconds(self) -> float:
        """Active time of all scans together."""
        return sum(row.seconds for row in self.scans.values())

    @property
    def unfinished(self) -> int:
        """Scans that are neither handed in nor skipped."""
        counts = self.counts
        return self.n_scans - counts["done"] - counts["skipped"]


def progress(study: Study, plan: Plan) -> list[AnnotatorProgress]:
    """Return how far every annotator is, in the plan's order; a store that cannot be read says why."""
    return [_progress_of(study, plan, annotator) for annotator in plan.annotators]


def _progress_of(study: Study, plan: Plan, annotator: str) -> AnnotatorProgress:
    path = campaign_store_path(study, annotator)
    n_scans = len(plan.order_of(annotator))
    if not path.exists():
        return AnnotatorProgress(annotator, {}, n_scans)
    try:
        with reading(path) as connection:
            if is_empty(connection):
                return AnnotatorProgress(annotator, {}, n_scans)
            check_identity(connection, path, {"campaign": plan.campaign, "annotator": annotator})
            session = connection.execute(SESSION).fetchone()
            rows, saved = scan_rows(connection), last_saved(connection)
    except MurinomaError as error:
        return AnnotatorProgress(annotator, {}, n_scans, problem=str(error))
    return AnnotatorProgress(annotator, rows, n_scans, saved, session[0].partition(" ")[2] if session else "")


def changed_cts(study: Study, plan: Plan) -> list[HandedOut]:
    """Return the scans whose CT is gone, or not the one that was handed out; every CT is read."""
    scans = {assigned.scan.key: assigned.scan for order in plan.orders.values() for assigned in order}
    return [scan for scan in scans.values() if not is_as_handed_out(study, scan)]
