"""A blinded campaign from the coordinator's side: plan it, look how far it is, and reveal it once."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from murinoma.campaign import (
    AnnotatorProgress,
    Plan,
    RevealedScan,
    State,
    changed_cts,
    create_plan,
    progress,
    read_plan,
    reveal,
    revealed_at,
)
from murinoma.errors import InputError
from murinoma.files.nifti import read_volume, write
from murinoma.files.tables import write_table
from murinoma.runs import Failure, Progress
from murinoma.settings import CampaignSettings
from murinoma.steps import Number, StepResult, key_columns
from murinoma.study import Scan, Study
from murinoma.study.annotation_paths import annotation_beside
from murinoma.study.campaign_paths import campaign_plan_path, campaign_repeat_path, campaign_table_path


def new_campaign(study: Study, *, settings: CampaignSettings = CampaignSettings()) -> StepResult:
    """Write the plan of a campaign over all scans with a CT: for every annotator an own order of opaque codes.

    Raises
    ------
    UsageError
        If a name cannot be an annotator's, the share of repeats is none, or there is a campaign already.
    StudyError
        If no scan has a CT.
    OutputError
        If the plan cannot be written.
    """
    plan = create_plan(
        study,
        settings.annotators,
        seed=settings.seed,
        repeat_share=settings.repeat_share,
        protocol=asdict(settings.annotation),
    )
    bare = [scan.title for scan in study.scans if scan.ct is None]
    notices = (f"{len(bare)} scans have no CT and are not handed out (first {bare[0]})",) if bare else ()
    handed = len(next(iter(plan.orders.values())))
    scans = len(study.scans) - len(bare)
    numbers: dict[str, Number] = {"annotators": len(plan.annotators), "repeats": handed - scans}
    return StepResult("campaign new", campaign_plan_path(study), scans, (), notices, numbers)


def has_campaign(study: Study) -> bool:
    """Tell whether a campaign was planned for the study."""
    return campaign_plan_path(study).exists()


def campaign_status(study: Study) -> StepResult:
    """Return how far everybody is; no drawing is opened, and no annotator is held up.

    Raises
    ------
    UsageError
        If there is no campaign.
    FileError
        If its plan is damaged.
    """
    plan = read_plan(study)
    found = progress(study, plan)
    changed = [Failure(" ".join(scan.key), CT_CHANGED) for scan in changed_cts(study, plan)]
    unreadable = [Failure(f"annotator {one.annotator}", one.problem) for one in found if one.problem]
    when = revealed_at(study, plan)
    notices = [f"the campaign was revealed on {when}"] if when else []
    notices += [f"{one.annotator} has the window open, or was cut off ({one.session})" for one in found if one.session]
    numbers: dict[str, Number] = {one.annotator: _said(one) for one in found}
    scans = sum(one.n_scans - one.unfinished for one in found)
    return StepResult(
        "campaign status", campaign_plan_path(study), scans, (*changed, *unreadable), tuple(notices), numbers
    )


CT_CHANGED = "its CT is gone, or not the one that was handed out; put the old file back, or skip the scan"


def _said(one: AnnotatorProgress) -> str:
    """Return ``12 of 40 done, 1 skipped, 2 for a second look; 95 min``."""
    counts = one.counts
    parts = [f"{counts['done']} of {one.n_scans} done"]
    parts += [f"{counts[state]} {words}" for state, words in OPEN_STATES.items() if counts[state]]
    return f"{', '.join(parts)}; {one.seconds / 60:.0f} min"


OPEN_STATES: dict[State, str] = {
    "skipped": "skipped",
    "second_look": "for a second look",
    "drawing": "begun",
    "review": "in review",
}


def reveal_campaign(study: Study, *, unfinished: bool = False, follow: Progress | None = None) -> StepResult:
    """Write every annotation that was handed in under its true name, and the table of them all.

    An annotation file that exists is never written again: what an annotator changes after the reveal stays in the
    store, and the table and the result say so. The second mask of a scan goes to ``campaign/repeats``.

    Raises
    ------
    UsageError
        If there is no campaign.
    InputError
        If scans are still open and `unfinished` is false, or a store cannot be read.
    OutputError
        If a file cannot be written.
    """
    plan = read_plan(study)
    entries = reveal(study, plan, unfinished=unfinished)
    scans = {scan.key: scan for scan in study.scans}
    changed = {scan.key for scan in changed_cts(study, plan)}
    rows, failed = [], []
    for count, entry in enumerate(entries, start=1):
        scan = scans.get(entry.key)
        try:
            rows.append(_write_entry(study, scan, entry, entry.key in changed))
        except InputError as error:
            failed.append(Failure(f"{' '.join(entry.key)}, annotator {entry.annotator}", str(error)))
        if follow is not None:
            follow(count, len(entries), " ".join(entry.key))
    path = campaign_table_path(study)
    write_table(pd.DataFrame(rows, columns=COLUMNS), path)
    revealed = len({(row["dataset"], row["mouse"], row["time"]) for row in rows})
    return StepResult("campaign reveal", path, revealed, tuple(failed), _notices(plan, entries), _numbers(rows))


COLUMNS = ["dataset", "mouse", "time", "hours", "annotator", "repeat", "code", "seconds", "drawn_slices"]
COLUMNS += ["removed_voxels", "started_from", "changed_after_reveal"]


def _write_entry(study: Study, scan: Scan | None, entry: RevealedScan, is_other_ct: bool) -> dict[str, Any]:
    """Write one annotation, unless its file is there, and return its row of the table."""
    if scan is None or scan.ct is None:
        raise InputError("the study no longer has this scan, or leaves it out; its annotation stays in the store")
    if is_other_ct:
        raise InputError(f"{CT_CHANGED}; its annotation stays in the store")
    is_first = entry.repeat == 0
    path = (
        annotation_beside(scan.ct, entry.annotator) if is_first else campaign_repeat_path(study, scan, entry.annotator)
    )
    if not path.exists():
        if entry.changed:
            raise InputError(
                "it was handed in or changed after the reveal, when the names were known; it stays in the store"
            )
        write(read_volume(scan.ct).with_voxels(entry.labels()), path)
    return {
        **key_columns(scan),
        "annotator": entry.annotator,
        "repeat": entry.repeat,
        "code": entry.code,
        "seconds": round(entry.row.seconds, 1),
        "drawn_slices": entry.row.n_slices,
        "removed_voxels": entry.row.n_removed,
        "started_from": entry.row.started_from,
        "changed_after_reveal": entry.changed,
    }


def _notices(plan: Plan, entries: Sequence[RevealedScan]) -> tuple[str, ...]:
    skipped = sum(map(len, plan.orders.values())) - len(entries)
    later = sum(entry.changed for entry in entries)
    return tuple(
        sentence
        for count, sentence in (
            (skipped, f"{skipped} annotations were skipped or are still open"),
            (later, f"{later} annotations were changed after the reveal; the files keep what was revealed"),
        )
        if count
    )


def _numbers(rows: Sequence[dict[str, Any]]) -> dict[str, Number]:
    return {
        "annotations": sum(row["repeat"] == 0 for row in rows),
        "repeats": sum(row["repeat"] > 0 for row in rows),
        "hours": round(sum(row["seconds"] for row in rows) / 3600, 2),
    }
