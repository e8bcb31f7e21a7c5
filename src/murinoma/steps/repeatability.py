"""Say how far volumes move by measurement alone: scans a few hours apart, and scans that somebody drew twice."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from murinoma.errors import StudyError
from murinoma.files.tables import read_table, write_table
from murinoma.numerics.repeatability import close_pairs, detectable_change, repeatability
from murinoma.settings import RepeatabilitySettings, RunSettings
from murinoma.steps import Number, StepResult, finite
from murinoma.study import Study

VOLUMES = ("dataset", "mouse", "time", "hours", "source", "tumor", "volume_mm3")
PAIRS = ["kind", "source", "dataset", "mouse", "tumor", "first", "second", "hours_apart", "first_mm3", "second_mm3"]
REPEATS = ("dataset", "mouse", "time", "annotator", "repeat", "volume_mm3_first", "volume_mm3_repeat")
WHOLE = 0  # instead of a tumor number: all of the scan
SCANS, TUMORS, AGAIN = "scans close in time, whole mouse", "scans close in time, per tumor", "the same scan drawn again"


def measure_repeatability(
    study: Study,
    *,
    settings: RepeatabilitySettings = RepeatabilitySettings(),
    how: RunSettings = RunSettings(),
) -> StepResult:
    """Write ``repeatability/repeatability.csv`` and the pairs of volumes behind it.

    Scans of one mouse that are neighbours in time and at most ``settings.within_hours`` apart should show the same
    tumors; so should a scan that an annotator drew twice without knowing it (see `campaign`). Changes are natural
    logarithms of second over first volume.

    Raises
    ------
    StudyError
        If no volumes of ``settings.source`` are there, or there is no pair at all.
    FileError
        If a table is damaged.
    OutputError
        If a table cannot be written.
    """
    pairs = _pairs(study, settings)
    if pairs.empty:
        raise StudyError(
            f"{study.root} has no two scans of a mouse up to {settings.within_hours:g} h apart with volumes of "
            f"'{settings.source}', and no scan that was drawn twice; there is nothing to compare"
        )
    measured = pairs[(pairs["first_mm3"] > 0) & (pairs["second_mm3"] > 0)]
    table = pd.DataFrame([_summary(part, *map(str, key)) for key, part in measured.groupby(["kind", "source"])])
    folder = study.step_folder("repeatability")
    if not how.dry_run:
        write_table(pairs, folder / "pairs.csv")
        write_table(table, folder / "repeatability.csv")
    notices = _lost(len(pairs) - len(measured))
    scans = pd.concat([pairs[["dataset", "mouse", time]].set_axis(range(3), axis=1) for time in ("first", "second")])
    numbers = {"pairs": len(pairs), **_numbers(table)}
    return StepResult(
        "repeatability", None if how.dry_run else folder, len(scans.drop_duplicates()), (), notices, numbers
    )


def has_repeats(study: Study, settings: RepeatabilitySettings = RepeatabilitySettings()) -> bool:
    """Tell whether there is anything to compare: scans close in time, or scans that were drawn twice."""
    return not _pairs(study, settings).empty


def _pairs(study: Study, settings: RepeatabilitySettings) -> pd.DataFrame:
    rows = [*_close_scans(_volumes(study, settings.source), settings), *_drawn_again(study)]
    return pd.DataFrame(rows, columns=PAIRS)


def _volumes(study: Study, source: str) -> pd.DataFrame:
    path = study.volumes_path()
    if not path.exists():
        raise StudyError(f"{path} is not there; run 'murinoma agree' and 'murinoma merge' first")
    table = read_table(path, VOLUMES)
    sources = sorted(set(table["source"]))
    if source not in sources:
        raise StudyError(f"{path} has no volumes of '{source}'; it has {', '.join(sources)} (see --source)")
    known = {scan.key for scan in study.scans}  # not those that people left out since
    keys = zip(table["dataset"], table["mouse"], table["time"], strict=True)
    return table[(table["source"] == source) & np.array([key in known for key in keys])]


def _close_scans(volumes: pd.DataFrame, settings: RepeatabilitySettings) -> Iterator[dict[str, Any]]:
    """Yield the pairs of volumes of one mouse; of its tumors only where both scans show the same numbers."""
    numbered = volumes.assign(tumor=volumes["tumor"].fillna(WHOLE).astype(int))
    for (dataset, mouse), part in numbered.groupby(["dataset", "mouse"], sort=False):
        scans = [(float(mine["hours"].iloc[0]), str(time), mine) for time, mine in part.groupby("time")]
        for first, second in close_pairs([hours for hours, _, _ in scans], settings.within_hours):
            (start, a, before), (end, b, after) = scans[first], scans[second]
            old, new = (mine.set_index("tumor")["volume_mm3"] for mine in (before, after))
            key = {"source": settings.source, "dataset": dataset, "mouse": mouse, "first": a, "second": b}
            for tumor in old.index if set(old.index) == set(new.index) else [WHOLE]:
                what = {"kind": TUMORS, "tumor": tumor} if tumor != WHOLE else {"kind": SCANS}
                yield {**key, **what, "hours_apart": end - start, "first_mm3": old[tumor], "second_mm3": new[tumor]}


def _drawn_again(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the pairs of volumes of scans that one annotator drew twice, as agree has written them."""
    path = study.step_folder("agreement") / "repeats.csv"
    if not path.exists():
        return
    for row in read_table(path, REPEATS).to_dict("records"):
        yield {
            "kind": AGAIN,
            "source": str(row["annotator"]),
            "dataset": row["dataset"],
            "mouse": row["mouse"],
            "first": row["time"],
            "second": row["time"],
            "hours_apart": 0.0,
            "first_mm3": row["volume_mm3_first"],
            "second_mm3": row["volume_mm3_repeat"],
        }


def _summary(pairs: pd.DataFrame, kind: str, source: str) -> dict[str, Any]:
    mice = pairs.groupby(["dataset", "mouse"]).ngroup().to_numpy()
    changes = np.log((pairs["second_mm3"] / pairs["first_mm3"]).to_numpy(np.float64))
    found = asdict(repeatability(changes, mice))
    fall, rise = detectable_change(found["sd_within"])
    names = {"low": "sd_within_low", "high": "sd_within_high"}
    figures = {names.get(name, name): value for name, value in found.items()}
    return {"kind": kind, "source": source, **figures, "fall_percent": 100 * fall, "rise_percent": 100 * rise}


def _lost(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (f"{count} pairs with an empty mask are listed and not counted: a volume of 0 has no logarithm",)


def _numbers(table: pd.DataFrame) -> dict[str, Number]:
    rows = table[table["kind"] == SCANS]
    if rows.empty:
        return {}
    row = rows.iloc[0]
    names = ("sd_change", "sd_within", "fall_percent", "rise_percent")
    return {"mice": int(row["n_mice"]), **{name: finite(row[name]) for name in names}}
