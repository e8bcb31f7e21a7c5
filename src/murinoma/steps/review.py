"""Say which scans to look at first: a queue with the reasons in words, and how to open each."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.errors import StudyError
from murinoma.files.records import read_record
from murinoma.files.tables import read_table, write_table
from murinoma.numerics.review import ScanConcerns, growth_misfit, review_queue
from murinoma.settings import ReviewSettings, RunSettings
from murinoma.steps import StepResult, key_columns, some
from murinoma.study import Scan, Study, new_study
from murinoma.study.evaluation_paths import predictions_folder, review_path

Table = pd.DataFrame
Floats = npt.NDArray[np.float64]
Key = tuple[str, str, str]
KEY = ["dataset", "mouse", "time"]
VOLUMES = (*KEY, "hours", "source", "tumor", "volume_mm3", "volume_low_mm3", "volume_high_mm3")
CONSENSUS = "staple"
WHOLE = 0  # instead of a tumor number: all of the scan
HU_NOTICE = "soft tissue reads"  # how split and segment begin their sentence about it
YOU = "YOU"


def review(
    study: Study, *, settings: ReviewSettings = ReviewSettings(), how: RunSettings = RunSettings()
) -> StepResult:
    """Write ``review/queue.csv``: the scans by what is gained by looking, each with reasons and the command to open it.

    What is known counts: intervals and expected Dice of a model, growth that does not fit the mouse's other scans, a
    failed HU check, annotators who are far apart.

    Raises
    ------
    StudyError
        If there are no volumes of the source, and nothing else to go by.
    FileError
        If a table or record is damaged.
    OutputError
        If the queue cannot be written.
    """
    source = settings.source
    volumes = _volumes(study, source or CONSENSUS)
    known = _concerns(study, source, volumes)
    if not np.isfinite(known.drop(columns="hu_failed").to_numpy(np.float64)).any() and not known["hu_failed"].any():
        raise StudyError(
            f"nothing is known of the scans of {study.root}; run 'murinoma agree' and 'merge', or 'segment', first"
        )
    concerns = ScanConcerns(**{str(name): known[name].to_numpy() for name in known})
    rows = []
    for rank, entry in enumerate(review_queue(concerns), start=1):
        scan = study.scans[entry.place]
        about = {"rank": rank, **key_columns(scan), "score": entry.score, "reasons": "; ".join(entry.reasons) or None}
        rows.append(about | _opening(study, scan, source) | known.iloc[entry.place].to_dict())
    path = review_path(study)
    if not how.dry_run:
        write_table(Table(rows), path)
    told = sum(row["reasons"] is not None for row in rows)
    notices = _notices(study, source, volumes)
    numbers = {"with_reasons": told, "highest_score": rows[0]["score"] if rows else None}
    return StepResult("review", None if how.dry_run else path, len(rows), (), notices, numbers)


def _volumes(study: Study, source: str) -> Table:
    """Return the rows of a source in ``volumes.csv``; the whole scan has the tumor number 0."""
    path = study.volumes_path()
    table = read_table(path, VOLUMES) if path.exists() else Table(columns=VOLUMES)
    own = table[table["source"] == source]
    return own.assign(tumor=pd.to_numeric(own["tumor"]).fillna(WHOLE).astype(int))


def _concerns(study: Study, source: str, volumes: Table) -> Table:
    """Return what is known of each scan of the study, in its order; NaN where nothing is."""
    keys = [scan.key for scan in study.scans]
    intervals = _intervals(volumes)
    columns = {
        "interval_low_mm3": {key: low for key, (low, _) in intervals.items()},
        "interval_high_mm3": {key: high for key, (_, high) in intervals.items()},
        "expected_dice": _column(predictions_folder(study, source) / "scans.csv", "expected_dice") if source else {},
        "growth_misfit": _misfits(volumes),
        "annotators_dice": _column(study.step_folder("agreement") / "scans.csv", "dice_mean"),
    }
    table = Table({name: [float(values.get(key, np.nan)) for key in keys] for name, values in columns.items()})
    failed = _failed_hu(study, source)
    return table.assign(hu_failed=[key in failed for key in keys])


def _column(path: Path, column: str) -> dict[Key, float]:
    """Return a column of a table by scan; nothing if there is no such table."""
    if not path.exists():
        return {}
    table = read_table(path, (*KEY, column))
    values = pd.to_numeric(table[column]).to_numpy(np.float64)
    return dict(zip(_keys(table), values.tolist(), strict=True))


def _keys(table: Table) -> Iterator[Key]:
    return zip(table["dataset"], table["mouse"], table["time"], strict=True)


def _intervals(volumes: Table) -> dict[Key, tuple[float, float]]:
    """Return the interval of the tumor of each scan that has the widest one."""
    ends = volumes[["volume_low_mm3", "volume_high_mm3"]].apply(pd.to_numeric)
    known = volumes.assign(low=ends["volume_low_mm3"], high=ends["volume_high_mm3"]).dropna(subset=["low", "high"])
    known = known[known["low"] > 0]
    widest = known.assign(ratio=known["high"] / known["low"]).sort_values("ratio", kind="stable")
    return {key: (low, high) for key, low, high in zip(_keys(widest), widest["low"], widest["high"], strict=True)}


def _misfits(volumes: Table) -> dict[Key, float]:
    """Return how badly each scan's volumes fit those of the mouse's other scans: the worst tumor counts.

    Tumor by tumor where all scans of a mouse show the same numbers, else all tumors together.
    """
    parts = [_comparable(part) for _, part in volumes.groupby(["dataset", "mouse"], sort=False)]
    if not parts:
        return {}
    rows = pd.concat(parts)
    codes = rows.groupby(["dataset", "mouse", "tumor"]).ngroup().to_numpy().astype(np.int64)
    strata = pd.factorize(rows["dataset"])[0].astype(np.int64)
    volumes_mm3, hours = (pd.to_numeric(rows[name]).to_numpy(np.float64) for name in ("volume_mm3", "hours"))
    rows = rows.assign(misfit=growth_misfit(volumes_mm3, hours, codes, strata))
    worst = rows.sort_values("misfit", na_position="first", kind="stable").drop_duplicates(KEY, keep="last")
    return dict(zip(_keys(worst), worst["misfit"].tolist(), strict=True))


def _comparable(mouse: Table) -> Table:
    numbers = [frozenset(part["tumor"]) - {WHOLE} for _, part in mouse.groupby("time")]
    by_tumor = len(set(numbers)) == 1 and bool(numbers[0])
    return mouse[(mouse["tumor"] != WHOLE) == by_tumor]


def _failed_hu(study: Study, source: str) -> set[Key]:
    """Return the scans of whose grey values split, or the model, has said that they are odd."""
    failed = set()
    if source:
        said = _results(predictions_folder(study, source) / "record.json")
        failed = {scan.key for scan in study.scans if _tells(said.get(scan.title, {}).get("notices", ()))}
    for place in (study, new_study(study.root)):  # split knows no --out
        for result in _results(place.step_folder("split") / "record.json").values():
            if _tells(result.get("doubts", ())):
                failed |= {(result["dataset"], mouse, result["time"]) for mouse in result["mice"]}
    return failed


def _results(record: Path) -> dict[str, Mapping[str, Any]]:
    known = read_record(record)
    return {} if known is None else {title: entry["result"] for title, entry in known.entries.items()}


def _tells(sentences: Any) -> bool:
    return any(HU_NOTICE in str(sentence) for sentence in sentences)


def _opening(study: Study, scan: Scan, source: str) -> dict[str, str | None]:
    """Return the scan's CT, the mask to start from, and the command that opens both; nothing without a CT."""
    mask = _mask_of(study, scan, source)
    ct, start_from = (None if path is None else str(path.absolute()) for path in (scan.ct, mask))
    start = ["--start-from", start_from] if start_from else []
    command = shlex.join(["murinoma", "annotate", ct, "--annotator", YOU, *start]) if ct else None
    return {"source": source or CONSENSUS, "ct": ct, "start_from": start_from, "command": command}


def _mask_of(study: Study, scan: Scan, source: str) -> Path | None:
    """Return the mask that a look begins with: the source's, else the consensus, else the first annotator's."""
    consensus = study.consensus_path(scan, CONSENSUS)
    own = [scan.annotations.get(source), study.prediction_path(scan, source)] if source else []
    others = [consensus, scan.staple, *scan.annotations.values()]
    found = [path for path in [*own, *([] if source else others)] if path is not None and path.exists()]
    return found[0] if found else None


def _notices(study: Study, source: str, volumes: Table) -> tuple[str, ...]:
    name, notices = source or CONSENSUS, []
    if volumes.empty:
        notices.append(f"volumes.csv holds nothing of '{name}': growth and intervals do not count")
    elif not volumes["volume_low_mm3"].notna().any() and predictions_folder(study, name).is_dir():
        notices.append(f"the volumes of '{name}' have no interval: not calibrated (murinoma calibrate)")
    bare = sum(scan.ct is None for scan in study.scans)
    if bare:
        notices.append(f"{some(bare, 'scan has', 'scans have')} no CT, and no command that opens it")
    return tuple(notices)
