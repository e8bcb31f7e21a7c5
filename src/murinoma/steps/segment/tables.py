"""The tables of a segmented study, and what a user should know of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from murinoma.files.tables import replace_sources, write_table
from murinoma.models.folder import ModelCard
from murinoma.numerics.tumor_identity import Identity
from murinoma.runs import Result
from murinoma.steps import Done, Number, key_columns, some, volume_rows
from murinoma.steps.segment.intervals import Trust, with_interval
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import predictions_folder

LESION_COLUMNS = ["dataset", "mouse", "time", "hours", "tumor", "volume_mm3", "mean_probability", "peak_probability"]
LESION_COLUMNS += ["coarse_probability", "depth_mm", "left_out_because"]
SCAN_COLUMNS = ["dataset", "mouse", "time", "hours", "tumors", "volume_mm3", "soft_dice", "expected_dice"]
SCAN_COLUMNS += ["heads_disagreement"]

Key = tuple[str, str, str]
Identities = Mapping[Key, Identity]


def write_tables(study: Study, name: str, done: Done, identities: Identities, trust: Trust) -> None:
    """Write ``lesions.csv``, ``scans.csv`` and the model's rows of ``volumes.csv``."""
    folder = predictions_folder(study, name)
    lesions = [row for scan, result in done for row in _lesions(scan, result, identities[scan.key])]
    write_table(pd.DataFrame(lesions, columns=LESION_COLUMNS), folder / "lesions.csv")
    scans = [_scan_row(scan, result, trust) for scan, result in done]
    write_table(pd.DataFrame(scans, columns=SCAN_COLUMNS), folder / "scans.csv")
    rows = []
    for scan, result in done:
        volumes = lesion_volumes(result, identities[scan.key])
        intervals = trust.intervals(scan, volumes)
        rows += [with_interval(row, intervals) for row in volume_rows(scan, name, sum(volumes.values()), volumes)]
    replace_sources(pd.DataFrame(rows), study.volumes_path(), [name])


def lesion_volumes(result: Result, identity: Identity) -> dict[int, float]:
    """Return the volume of each lesion of a scan, mm3."""
    by_lesion = {identity.lesions[int(number)]: volume for number, volume in result["volumes_mm3"].items()}
    return dict(sorted(by_lesion.items()))


def _lesions(scan: Scan, result: Result, identity: Identity) -> list[dict[str, Any]]:
    return [{**key_columns(scan), **row, "tumor": identity.lesions.get(row["tumor"])} for row in result["lesions"]]


def _scan_row(scan: Scan, result: Result, trust: Trust) -> dict[str, Any]:
    return {
        **key_columns(scan),
        "tumors": len(result["volumes_mm3"]),
        "volume_mm3": sum(result["volumes_mm3"].values()),
        "soft_dice": result["soft_dice"],
        "expected_dice": trust.expected_dice(scan, result["soft_dice"]),
        "heads_disagreement": result["heads_disagreement"],
    }


def notices(study: Study, card: ModelCard, done: Done, identities: Identities, trust: Trust) -> tuple[str, ...]:
    """Return what a user should know of a segmented study."""
    said = [f"{scan.title}: {notice}" for scan, result in done for notice in result["notices"]]
    bare = sum(scan.ct is None for scan in study.scans)
    empty = [scan.title for scan, result in done if not result["volumes_mm3"]]
    doubted = [scan for scan, _ in done if identities[scan.key].doubts]
    if bare:
        said.append(f"{some(bare, 'scan has', 'scans have')} no CT and no prediction")
    if empty:
        said.append(f"no tumor was found in {some(len(empty), 'scan')} (first {empty[0]})")
    if doubted:
        said.append(_doubted(doubted, identities))
    return (*said, *_without_interval(done, trust), card_notice(card))


def _without_interval(done: Done, trust: Trust) -> list[str]:
    """Return why volumes have no interval; nothing where all have one."""
    if trust.calibration is None:
        return ["volumes have no interval: the model is not calibrated ('murinoma calibrate', on scans new to it)"]
    unsure = [(scan, trust.refusal(scan)) for scan, _ in done if trust.refusal(scan)]
    if not unsure:
        return []
    scan, why = unsure[0]
    return [f"the volumes of {some(len(unsure), 'scan')} have no interval (first {scan.title}: {why})"]


def _doubted(scans: Sequence[Scan], identities: Identities) -> str:
    first = scans[0]
    number, why = next(iter(identities[first.key].doubts.items()))
    lesion = identities[first.key].lesions[number]
    return (
        f"in {some(len(scans), 'scan')} it is doubtful which tumor is which (first {first.title}: tumor {lesion}, "
        f"{why}); these mice count by their burden, unless tumors.csv says which is which"
    )


def card_notice(card: ModelCard) -> str:
    """Return which model made the masks, what for, and where it fails."""
    limits = f"; its limits: {card.limits}" if card.limits else ""
    return f"made by the model {card.name}, for research, not for diagnosis{limits}"


def numbers(results: Sequence[Result]) -> dict[str, Number]:
    """Return the key figures of a run."""
    wholes = [sum(result["volumes_mm3"].values()) for result in results]
    return {"tumors": sum(len(result["volumes_mm3"]) for result in results), "volume_mm3_mean": float(np.mean(wholes))}
