"""The volumes that growth works on: one source of the study, or a file from elsewhere, by scan and by tumor."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from murinoma.errors import FileError, InputError, StudyError
from murinoma.files.tables import read_table
from murinoma.files.volume_columns import Told
from murinoma.files.volume_table import ROWS, SCAN, burdens, read_volume_table
from murinoma.numerics.growth.volumes import mixed_units, suspect_unit
from murinoma.settings import GrowthSettings
from murinoma.study import Exclusion, Study
from murinoma.study.growth_paths import identity_path
from murinoma.study.notes import read_exclusions
from murinoma.study.tumor_numbers import read_tumor_numbers

Table = pd.DataFrame
MOUSE = ["dataset", "mouse"]
VOLUMES = (*ROWS[:7],)  # columns that volumes.csv must have
IMPOSSIBLE_MM3 = 20_000.0  # a mouse weighs 20 to 30 g; no tumor of it has 20 cm3
HOURS_PER_DAY = 24.0
Left = tuple[str, str, str]  # dataset, mouse and sentence of what does not count


@dataclass(frozen=True, eq=False)
class Volumes:
    """The volumes of one source.

    Attributes
    ----------
    scans
        A row per scan: ``dataset, mouse, time, hours, day, volume_mm3, low_mm3, high_mm3, n_tumors, group``; the volume
        is the mouse's burden, the sum of its tumors.
    tumors
        A row per tumor and scan: ``dataset, mouse, time, hours, day, tumor, volume_mm3``; empty where nobody numbered.
    source, how
        Whose volumes these are, and where they come from, for people.
    left_out
        What could not be used, with the reason.
    excluded
        What people left out (``exclude.csv``).
    doubts
        (dataset, mouse) -> why its tumors may not be the same on all days.
    followed
        Somebody saw to it that a number is the same tumor on all days: a model that follows tumors, or people
        (``tumors.csv``). Else each scan was numbered on its own, by position.
    """

    scans: Table
    tumors: Table
    source: str
    how: str
    left_out: tuple[Left, ...] = ()
    excluded: tuple[Left, ...] = ()
    doubts: dict[tuple[str, str], str] | None = None
    followed: bool = False


def study_volumes(study: Study, settings: GrowthSettings) -> Volumes:
    """Return the volumes of ``settings.source`` in ``volumes.csv``, of the scans that the study still has.

    Raises
    ------
    StudyError
        If there is no such table or no such source.
    FileError
        If the table is damaged.
    """
    table = all_sources(study)
    known = sorted(set(table["source"].astype(str)))
    if settings.source not in known:
        raise StudyError(
            f"{study.volumes_path()} has no volumes of '{settings.source}'; it has {', '.join(known)} (see --source)"
        )
    told = read_tumor_numbers(study, source=settings.source)
    rows = _numbered_as_told(table[table["source"] == settings.source], told)
    excluded = [(e.dataset, e.mouse, f"{e.time.label}: {e.reason or 'no reason given'}") for e in study.exclusions]
    path = identity_path(study, settings.source)
    found = _volumes(rows, settings.source, f"'{settings.source}' in volumes.csv", (), excluded, _told_doubts(path))
    return replace(found, followed=path.exists() or bool(told))


def all_sources(study: Study) -> Table:
    """Return ``volumes.csv`` with the group of every scan, without the scans that the study no longer has.

    Raises
    ------
    StudyError, FileError
        If there is none, or it is damaged.
    """
    path = study.volumes_path()
    if not path.exists():
        raise StudyError(
            f"{path} is not there; run 'murinoma agree' and 'murinoma merge' first, or name a file with --volumes"
        )
    table = read_table(path, VOLUMES)
    groups = {scan.key: f"{scan.dataset} {scan.group}" for scan in study.scans}
    keys = list(zip(table["dataset"], table["mouse"], table["time"], strict=True))
    present = table[[key in groups for key in keys]].reindex(columns=[name for name in ROWS if name != "group"])
    return present.assign(group=[groups[key] for key in keys if key in groups])


def file_volumes(path: Path, settings: GrowthSettings, study: Study | None = None) -> Volumes:
    """Return the volumes of a file; where it names several sources, those of ``settings.source``.

    Raises
    ------
    FileError, UsageError
        If the file cannot be used, or has several sources and not this one.
    """
    read = read_volume_table(path, Told(settings.column, settings.unit, settings.formula))
    doubt = "" if settings.unit else suspect_unit(read.rows["volume_mm3"].to_numpy(np.float64))
    if doubt:
        raise FileError(f"{path}: {read.how}: {doubt}; name the column so, or say its unit with --unit")
    rows, source = _one_source(read.rows, settings.source, path)
    rows = rows.assign(
        group=[
            f"{dataset} {name}" if name else "" for dataset, name in zip(rows["dataset"], rows["group"], strict=True)
        ]
    )
    rows, odd = _without_odd(rows)
    told = study.exclusions if study else read_exclusions(path.parent, [])[0]
    rows, excluded = _without_excluded(rows, told)
    left = [*read.left_out, *odd]
    return _volumes(rows, source or path.name, f"{read.how} of {path.name}", left, excluded, {})


def _one_source(rows: Table, wanted: str, path: Path) -> tuple[Table, str]:
    sources = sorted(set(rows["source"]))
    if len(sources) < 2:
        return rows, sources[0] if sources else ""
    if wanted not in sources:
        raise FileError(f"{path} has volumes of {', '.join(sources)}; choose one with --source")
    return rows[rows["source"] == wanted], wanted


def _without_odd(rows: Table) -> tuple[Table, list[Left]]:
    """Leave out volumes that no mouse can have, or that are in another unit than the mouse's others."""
    rows = rows.reset_index(drop=True)
    volumes = rows["volume_mm3"].to_numpy(np.float64)
    mixed = np.zeros(len(rows), dtype=bool)
    tumors = np.asarray(rows.groupby([*MOUSE, "tumor"], dropna=False).ngroup(), dtype=np.int64)
    mixed[mixed_units(volumes, tumors)] = True
    large = volumes > IMPOSSIBLE_MM3
    odd = rows.assign(large=large)[mixed | large]
    why = {True: "is more than a mouse can carry", False: "fits the mouse's other volumes only after a factor of 1000"}
    said = [
        (
            row["dataset"],
            row["mouse"],
            f"{row['time']}: {row['volume_mm3']:.4g} mm3 {why[row['large']]}; correct its unit",
        )
        for row in odd.to_dict("records")
    ]
    return rows[~(mixed | large)], said


def _without_excluded(rows: Table, told: Sequence[Exclusion]) -> tuple[Table, list[Left]]:
    """Leave out what ``exclude.csv`` names; the study's own tables have no such rows."""
    out, said = np.zeros(len(rows), dtype=bool), []
    for one in told:
        here = (rows["dataset"] == one.dataset) & (rows["mouse"] == one.mouse) & (rows["hours"] == one.time.hours)
        out |= (here if one.tumor is None else here & (rows["tumor"] == one.tumor)).to_numpy()
        said.append((one.dataset, one.mouse, f"{one.time.label}: {one.reason or 'no reason given'}"))
    return rows[~out], said


def _numbered_as_told(rows: Table, told: Mapping[tuple[str, str, str], Mapping[int, int]]) -> Table:
    """Return the rows with the numbers that people gave the tumors; a model's masks have them already."""
    if not told:
        return rows
    keys = zip(rows["dataset"], rows["mouse"], rows["time"], strict=True)
    numbers = [
        told.get(key, {}).get(int(number), number) if pd.notna(number) else number
        for key, number in zip(keys, rows["tumor"], strict=True)
    ]
    return rows.assign(tumor=numbers)


def _told_doubts(path: Path) -> dict[tuple[str, str], str]:
    """Return the mice of which a model's own table doubts that a number is the same tumor on all days."""
    if not path.exists():
        return {}
    table = read_table(path, (*MOUSE, "doubt"))
    return {
        (row["dataset"], row["mouse"]): str(row["doubt"]) for row in table.dropna(subset=["doubt"]).to_dict("records")
    }


def _volumes(
    rows: Table,
    source: str,
    how: str,
    left_out: Iterable[Left],
    excluded: Sequence[Left],
    doubts: dict[tuple[str, str], str],
) -> Volumes:
    """Return the burden of every scan and the volume of every tumor."""
    left_out = tuple(left_out)
    if rows.empty:
        why = f" (first: {' '.join(left_out[0])})" if left_out else ""
        raise InputError(f"{how} holds no usable volume{why}; correct the rows, or choose another source")
    numbered = rows[rows["tumor"].notna()].assign(day=lambda part: part["hours"] / HOURS_PER_DAY)
    tumors = numbered[[*SCAN, "day", "tumor", "volume_mm3"]].sort_values([*MOUSE, "tumor", "hours"], kind="stable")
    scans, twice = _without_doubles(burdens(rows).assign(day=lambda part: part["hours"] / HOURS_PER_DAY))
    counts = numbered[numbered["volume_mm3"] > 0].groupby(SCAN).size().rename("n_tumors")
    scans = scans.merge(counts.reset_index(), on=SCAN, how="left")
    scans = scans.rename(columns={"volume_low_mm3": "low_mm3", "volume_high_mm3": "high_mm3"})
    columns = [*SCAN, "day", "volume_mm3", "low_mm3", "high_mm3", "n_tumors", "group"]
    ordered = scans[columns].sort_values("hours", kind="stable")
    ordered = ordered.sort_values(MOUSE, kind="stable", key=lambda names: names.map(natural)).reset_index(drop=True)
    found = {**_changing(tumors, ordered), **doubts}
    return Volumes(ordered, tumors.reset_index(drop=True), source, how, (*left_out, *twice), tuple(excluded), found)


def natural(name: object) -> str:
    """Return a text that sorts M2 before M10.

    Examples
    --------
    >>> sorted(["M10", "M2"], key=natural)
    ['M2', 'M10']
    """
    return re.sub(r"\d+", lambda digits: digits[0].zfill(8), str(name))


def _without_doubles(scans: Table) -> tuple[Table, list[Left]]:
    """Leave out the scans of a mouse that stand at one time twice: nobody knows which one counts."""
    twice = scans.duplicated([*MOUSE, "hours"], keep=False)
    named = scans[twice].drop_duplicates([*MOUSE, "hours"])
    said = [
        (row["dataset"], row["mouse"], f"{row['time']}: several volumes at this time; keep one")
        for row in named.to_dict("records")
    ]
    return scans[~twice], said


def _changing(tumors: Table, scans: Table) -> dict[tuple[str, str], str]:
    """Return the mice whose tumors appear or vanish: then nobody knows which tumor is which."""
    seen = tumors[tumors["volume_mm3"] > 0]
    found = {}
    for (dataset, mouse), part in seen.groupby(MOUSE, sort=False):
        n_scans = ((scans["dataset"] == dataset) & (scans["mouse"] == mouse)).sum()
        counts = part["tumor"].astype(int).value_counts(sort=False)
        absent = [tumor for tumor, count in zip(counts.index, counts, strict=True) if count < n_scans]
        if absent:
            which = ", ".join(map(str, absent))
            found[str(dataset), str(mouse)] = f"tumor {which} is not there on all of its {n_scans} days"
    return found
