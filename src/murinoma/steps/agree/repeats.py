"""What a campaign tells beside the masks: scans that one annotator drew twice, time per scan, removed voxels."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.errors import InputError
from murinoma.files.masks import read_grid, read_labels
from murinoma.files.tables import read_table
from murinoma.numerics.agreement import marked_voxels, pairwise_dice
from murinoma.numerics.repeatability import repeatability
from murinoma.numerics.votes import count_votes
from murinoma.runs import Failure
from murinoma.steps import finite, key_columns
from murinoma.steps.agree.statistics import Mice
from murinoma.study import Scan, Study
from murinoma.study.campaign_paths import campaign_repeat_path, campaign_table_path

Table = pd.DataFrame
NEEDED = ("dataset", "mouse", "time", "annotator", "repeat", "seconds", "removed_voxels", "started_from")
REPEAT_COLUMNS = ["dataset", "mouse", "time", "hours", "annotator", "repeat", "dice"]
REPEAT_COLUMNS += ["volume_mm3_first", "volume_mm3_repeat"]


def campaign_tables(study: Study) -> tuple[Table, Table, list[Failure]] | None:
    """Return ``repeats.csv``, ``annotators.csv`` and what could not be read; nothing if no campaign was revealed.

    A row of the first is a scan that an annotator drew twice without knowing it: Dice of both masks, and their volumes.
    A row of the second is an annotator: how many scans, the time for each, the voxels that the tissue rule took, the
    masks that were corrected rather than drawn, and the agreement with oneself.
    """
    path = campaign_table_path(study)
    if not path.exists():
        return None
    revealed = read_table(path, NEEDED)
    scans = {scan.key: scan for scan in study.scans}
    rows, failed = [], []
    for row in revealed[revealed["repeat"] > 0].to_dict("records"):
        scan, annotator = scans.get((row["dataset"], row["mouse"], row["time"])), str(row["annotator"])
        if scan is None or annotator not in scan.annotations:
            continue  # left out since
        try:
            rows.append({**key_columns(scan), "annotator": annotator, "repeat": 1, **_twice(study, scan, annotator)})
        except InputError as error:
            failed.append(Failure(scan.title, f"its second mask by {annotator} cannot be compared: {error}"))
    repeats = Table(rows, columns=REPEAT_COLUMNS)
    return repeats, Table(_annotator_rows(revealed, repeats)), failed


def _twice(study: Study, scan: Scan, annotator: str) -> dict[str, float | None]:
    grid = read_grid(scan)
    paths = scan.annotations[annotator], campaign_repeat_path(study, scan, annotator)
    votes = count_votes([read_labels(path, grid)[0] for path in paths])
    first, again = marked_voxels(votes.counts) * float(np.prod(grid.header.spacing_mm))
    dice = finite(pairwise_dice(votes.counts)[0, 1])
    return {"dice": dice, "volume_mm3_first": float(first), "volume_mm3_repeat": float(again)}


def _annotator_rows(revealed: Table, repeats: Table) -> Iterator[dict[str, Any]]:
    for annotator, part in revealed.groupby("annotator"):
        mine = repeats[repeats["annotator"] == annotator]
        both = mine[(mine["volume_mm3_first"] > 0) & (mine["volume_mm3_repeat"] > 0)]
        changes = np.log((both["volume_mm3_repeat"] / both["volume_mm3_first"]).to_numpy(np.float64))
        again = repeatability(changes, Mice.of(both).codes)
        yield {
            "annotator": annotator,
            "scans": int((part["repeat"] == 0).sum()),
            "seconds_median": part["seconds"].median(),
            "hours_all": part["seconds"].sum() / 3600,
            "removed_voxels_mean": part["removed_voxels"].mean(),
            "corrected": int(part["started_from"].notna().sum()),
            "repeats": len(mine),
            "repeat_dice_mean": mine["dice"].mean(),
            "repeat_ratio": float(np.exp(again.mean_change)),
            "repeat_sd_log": again.sd_within,
        }
