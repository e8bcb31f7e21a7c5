"""The same lesion the same number on every day: masks get their numbers when all scans of a mouse are known."""

import base64
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murinoma.errors import FileError, InputError, MurinomaError
from murinoma.files.nifti import read_volume, write
from murinoma.files.tables import read_table
from murinoma.numerics.tumor_identity import ALONG, AROUND, BodyView, Identity, Place, identify
from murinoma.runs import Failure, Result
from murinoma.steps import Done, key_columns
from murinoma.steps.segment.targets import Target, write_preview

IDENTITY_COLUMNS = ["dataset", "mouse", "time", "hours", "tumor", "found_as", "along", "angle_deg", "by", "doubt"]
POSITION, PEOPLE = "position", "tumors.csv"
LARGEST = 254  # number that a mask holds

Key = tuple[str, str, str]
Numbers = Mapping[Key, Mapping[int, int]]  # a scan's key -> number by position in it -> lesion


def view_content(view: BodyView) -> dict[str, Any]:
    """Return a view as a record keeps it."""
    return {
        "bones": base64.b85encode(view.bones.tobytes()).decode(),
        "length_mm": view.length_mm,
        "places": {str(n): [place.along, place.angle_deg, place.volume_mm3] for n, place in view.places.items()},
    }


def view_from(content: Mapping[str, Any]) -> BodyView:
    """Return the view that a record keeps."""
    bones = np.frombuffer(base64.b85decode(content["bones"]), np.uint8).reshape(ALONG, AROUND)
    return BodyView(bones, content["length_mm"], {int(n): Place(*place) for n, place in content["places"].items()})


def identify_all(done: Done, told: Numbers) -> dict[Key, Identity]:
    """Return which lesion every tumor is, scan by scan; `done` is sorted by mouse and time."""
    found: dict[Key, Identity] = {}
    for _, scans in groupby(done, lambda item: (item[0].dataset, item[0].mouse)):
        days = list(scans)
        views = [view_from(result["view"]) for _, result in days]
        known = [told.get(scan.key, {}) for scan, _ in days]
        found |= {scan.key: one for (scan, _), one in zip(days, identify(views, told=known), strict=True)}
    return found


def identity_table(done: Done, identities: Mapping[Key, Identity], told: Numbers) -> pd.DataFrame:
    """Return one row per tumor and scan: which lesion it is, where it lies, and what is doubtful about that."""
    rows = [
        {
            **key_columns(scan),
            "tumor": one.lesions[number],
            "found_as": number,
            "along": round(place.along, 3),
            "angle_deg": round(place.angle_deg, 1),
            "by": PEOPLE if number in told.get(scan.key, {}) else POSITION,
            "doubt": one.doubts.get(number),
        }
        for scan, one in ((scan, identities[scan.key]) for scan, _ in done)
        for number, place in sorted(one.places.items(), key=lambda item: one.lesions[item[0]])
    ]
    return pd.DataFrame(rows, columns=IDENTITY_COLUMNS)


def renumber_all(
    done: Done, identities: Mapping[Key, Identity], targets: Mapping[Key, Target], table: Path, model: str
) -> list[Failure]:
    """Give the masks of a study their numbers, with their pictures; return those that cannot be.

    Only masks are read that may hold other numbers: `table` of the last run says what they got, and a mask that is
    newer was written after it.
    """
    known = _known(table)
    since = 0 if known is None else table.stat().st_mtime_ns
    failures = []
    for scan, result in done:
        target, lesions = targets[scan.key], identities[scan.key].lesions
        said = None if known is None else known.get(scan.key, {})
        if said == lesions and target.mask.stat().st_mtime_ns < since:
            continue
        try:
            _renumber(target, result, lesions, model)
        except MurinomaError as error:
            failures.append(Failure(scan.title, str(error)))
    return failures


def _known(table: Path) -> dict[Key, dict[int, int]] | None:
    """Return which numbers the masks got in the last run; None where that is not known."""
    if not table.exists():
        return None
    columns = ["dataset", "mouse", "time", "tumor", "found_as"]
    known: dict[Key, dict[int, int]] = {}
    try:
        for dataset, mouse, time, tumor, found_as in read_table(table, tuple(columns))[columns].to_numpy():
            known.setdefault((dataset, mouse, time), {})[int(found_as)] = int(tumor)
    except (FileError, ValueError):
        return None  # it is written anew
    return known


def _renumber(target: Target, result: Result, lesions: Mapping[int, int], model: str) -> None:
    """Give one mask its numbers if it has others."""
    if max(lesions.values(), default=0) > LARGEST:
        raise InputError(f"a mask holds numbers up to {LARGEST}; use lower ones in {PEOPLE}")
    mask = read_volume(target.mask)
    now = {int(number): int(mask.voxels[tuple(seed)]) for number, seed in result["seeds"].items()}
    if now == lesions:
        return
    if 0 in now.values() or len(set(now.values())) < len(now):
        raise FileError(f"{target.mask} was changed since it was made; make it again with --force")
    numbers = np.zeros(LARGEST + 1, np.uint8)
    for number, lesion in lesions.items():
        numbers[now[number]] = lesion
    labels = numbers[np.minimum(mask.voxels, LARGEST)]
    volumes = {lesions[int(number)]: volume for number, volume in result["volumes_mm3"].items()}
    write_preview(target, read_volume(target.ct), labels, model, volumes)
    write(mask.with_voxels(labels), target.mask)
