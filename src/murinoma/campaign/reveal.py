"""Reveal a campaign: the labels under their true names, once; what is changed later is known to be later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from murinoma.campaign.database import check_identity, reading
from murinoma.campaign.packing import labels_sha256
from murinoma.campaign.plan import FREE_SPACE, Assignment, Key, Plan
from murinoma.campaign.progress import AnnotatorProgress, progress
from murinoma.campaign.rows import Labels, ScanRow, final_labels
from murinoma.errors import FileError, InputError
from murinoma.files.versioned import read_versioned, write_versioned_once
from murinoma.study import Study
from murinoma.study.campaign_paths import campaign_revealed_path, campaign_store_path

FORMAT = "murinoma.campaign-revealed/1"
REMEDY = "put back the copy of your backup"


@dataclass(frozen=True)
class RevealedScan:
    """One annotation and the scan it belongs to.

    Attributes
    ----------
    key
        Dataset, mouse, time point.
    repeat
        0, or 1 where this annotator met the scan a second time.
    row
        State, active time, drawn slices, removed voxels, what it started from.
    changed
        Whether its labels are others than when the campaign was revealed.
    """

    annotator: str
    key: Key
    repeat: int
    row: ScanRow
    changed: bool
    _campaign: tuple[Study, Plan] = field(repr=False)

    @property
    def code(self) -> str:
        """The code under which it was drawn."""
        return self.row.code

    def labels(self) -> Labels:
        """Read the labels (z, y, x), uint8, from the store.

        Raises
        ------
        FileError
            If they are damaged.
        """
        study, plan = self._campaign
        path = campaign_store_path(study, self.annotator)
        with reading(path) as connection:
            check_identity(connection, path, {"campaign": plan.campaign, "annotator": self.annotator})
            labels = final_labels(connection, self.code)
        if labels is None or labels_sha256(labels) != self.row.sha256:
            raise FileError(
                f"the labels of {self.code} in {path.name} are not those that were saved; reveal again, or take the "
                "store from your backup"
            )
        return labels


def reveal(study: Study, plan: Plan, *, unfinished: bool = False) -> list[RevealedScan]:
    """Mark the campaign as revealed, and return every annotation that was handed in, in the plan's order.

    The mark is written first, with the SHA-256 of all labels; whatever an annotator saves from then on is logged in
    the store as changed after the reveal, and `changed` here. Revealing again returns the annotations as they are
    then, beside the same mark, so that a step that was killed can finish its files.

    Raises
    ------
    InputError
        If scans are neither handed in nor skipped, unless `unfinished` allows that; or a store cannot be read.
    OutputError
        If the mark cannot be written.
    """
    found = progress(study, plan)
    _check_readable(found)
    known = _read_mark(study, plan)
    if known is None:
        if not unfinished:
            _check_finished(found)
        known = _write_mark(study, plan, found)
    return [
        _revealed(assigned, one, known, (study, plan))
        for one in found
        for assigned in plan.order_of(one.annotator)
        if assigned.code in one.scans and one.scans[assigned.code].state == "done"
    ]


def revealed_at(study: Study, plan: Plan) -> str:
    """Return when the campaign was revealed (UTC); empty if it was not.

    Raises
    ------
    FileError
        If the mark is damaged, or that of another campaign.
    """
    known = _read_mark(study, plan)
    return "" if known is None else str(known["utc"])


def _revealed(
    assigned: Assignment, one: AnnotatorProgress, known: Mapping[str, Any], campaign: tuple[Study, Plan]
) -> RevealedScan:
    row = one.scans[assigned.code]
    then = known["labels"].get(one.annotator, {}).get(assigned.code)
    return RevealedScan(one.annotator, assigned.scan.key, assigned.repeat, row, then != row.sha256, campaign)


def _check_readable(found: list[AnnotatorProgress]) -> None:
    problems = [one.problem for one in found if one.problem]
    if problems:
        raise InputError(f"nothing was revealed: {'; '.join(problems)}")


def _check_finished(found: list[AnnotatorProgress]) -> None:
    open_scans = [f"{one.annotator} {one.unfinished} of {one.n_scans}" for one in found if one.unfinished]
    if open_scans:
        raise InputError(
            f"scans are not handed in yet ({', '.join(open_scans)}); finish or skip them, or reveal what there is "
            "with --unfinished"
        )


def _write_mark(study: Study, plan: Plan, found: list[AnnotatorProgress]) -> Mapping[str, Any]:
    labels = {
        one.annotator: {code: row.sha256 for code, row in one.scans.items() if row.state == "done"} for one in found
    }
    utc = datetime.now(UTC).isoformat(timespec="milliseconds")
    content = {"campaign": plan.campaign, "utc": utc, "labels": labels}
    # if another was faster, its mark counts
    write_versioned_once(content, campaign_revealed_path(study), kind=FORMAT, remedy=FREE_SPACE)
    return _read_mark(study, plan) or content


def _read_mark(study: Study, plan: Plan) -> Mapping[str, Any] | None:
    path = campaign_revealed_path(study)
    known = read_versioned(path, _build, kind=FORMAT, remedy=REMEDY)
    if known is not None and known["campaign"] != plan.campaign:
        raise FileError(
            f"{path} belongs to campaign '{known['campaign']}', the plan is '{plan.campaign}'; put it back beside its "
            "own plan"
        )
    return known


def _build(content: dict[str, Any]) -> Mapping[str, Any]:
    return {"campaign": content["campaign"], "utc": content["utc"], "labels": dict(content["labels"])}
