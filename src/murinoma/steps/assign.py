"""Randomise mice to arms that begin with tumors of the same size, under codes whose key is sealed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from murinoma.errors import InputError, StudyError, UsageError
from murinoma.files.atomic import write_text
from murinoma.files.sealed import write_sealed
from murinoma.files.tables import read_table, write_table
from murinoma.files.volume_columns import Told
from murinoma.files.volume_table import ROWS, SCAN, burdens, read_volume_table
from murinoma.numerics.allocation import allocate
from murinoma.runs import Failure
from murinoma.settings import AssignSettings, RunSettings
from murinoma.steps import Number, StepResult, some
from murinoma.study import Study
from murinoma.study.growth_paths import (
    ARM_KEY_FORMAT,
    assignment_flow_path,
    assignment_path,
    people_folder,
    sealed_key_path,
)

Table = pd.DataFrame
Left = tuple[str, str, str]  # dataset, mouse and reason
CODES = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # no I and O, which look like numbers
HOURS_PER_DAY = 24.0
FLOW_COLUMNS = ["stage", "dataset", "arm", "mice", "scans", "reason"]
NOTE = (
    "Sealed: which code is which arm. Opened by 'murinoma growth --unseal', which records when. This keeps the arms "
    "out of sight of whoever measures; it is no secret from someone who unpacks it on purpose."
)


def assign(
    study: Study | None = None,
    *,
    settings: AssignSettings,
    volumes: Path | None = None,
    key_file: Path | None = None,
    how: RunSettings = RunSettings(),
) -> StepResult:
    """Write ``assignment/assignment.csv``: every mouse with the code of its arm; the key lies beside it, sealed.

    Within each dataset, mice are sorted by baseline volume and cut into blocks of one mouse per arm; chance decides
    within a block. Nothing that people wrote is changed, and an assignment is never replaced.

    Parameters
    ----------
    study
        Its folder gets the assignment; without one, the folder of `volumes` does.
    volumes
        A CSV with the baseline volumes, instead of the study's ``volumes.csv``.
    key_file
        Also write the key in plain text to this file: for the person who prepares the doses, and nobody else.

    Raises
    ------
    UsageError
        If there are fewer than two arms, or neither a study nor a file.
    StudyError
        If there is an assignment already, or the study has no volumes of the source.
    InputError
        If too few mice have a baseline volume.
    OutputError
        If a file cannot be written.
    """
    _check(settings)
    root = _root(study, volumes)
    if assignment_path(root).exists():
        raise StudyError(
            f"{assignment_path(root)} is there already, and mice are assigned once; if no mouse was treated yet, move "
            f"the folder away and assign again"
        )
    baselines, left, unusable = _baselines(study, volumes, settings)
    if len(baselines) < len(settings.arms):
        raise InputError(
            f"{some(len(baselines), 'mouse has', 'mice have')} a baseline volume on day {settings.day:g} and there are "
            f"{len(settings.arms)} arms; measure more mice, or choose another day with --day"
        )
    table, key = _drawn(baselines, settings)
    numbers = _numbers(table, left)
    if how.dry_run:
        return StepResult("assign", None, len(table), unusable, (), numbers)
    _write(root, table, key, _flow(table, left), settings)
    if key_file is not None:
        write_text(key_file, "code,arm\n" + "".join(f"{code},{arm}\n" for code, arm in sorted(key.items())))
    said = [f"{dataset} {mouse} is not assigned: {why}" for dataset, mouse, why in left]
    said.append("the key is sealed; 'murinoma growth' shows the codes until it is run with --unseal")
    return StepResult("assign", assignment_path(root), len(table), unusable, tuple(said), numbers)


def _check(settings: AssignSettings) -> None:
    arms = settings.arms
    if len(arms) < 2 or len(set(arms)) < len(arms):
        raise UsageError(f"--arms {','.join(arms) or 'nothing'} does not name two or more different arms")
    if len(arms) > len(CODES):
        raise UsageError(f"{len(arms)} arms are more than there are codes; {len(CODES)} are the most")
    if settings.least_mm3 >= settings.most_mm3:
        raise UsageError(f"no volume lies between {settings.least_mm3:g} and {settings.most_mm3:g} mm3")


def _root(study: Study | None, volumes: Path | None) -> Path:
    if study is not None:
        return people_folder(study)
    if volumes is None:
        raise UsageError("name a study, or a file of volumes with --volumes")
    return volumes.parent


def _baselines(
    study: Study | None, volumes: Path | None, settings: AssignSettings
) -> tuple[Table, list[Left], tuple[Failure, ...]]:
    """Return the mice to be assigned with their baseline, those that are not and why, and the unusable rows."""
    unusable: tuple[Failure, ...] = ()
    if volumes is not None:
        read = read_volume_table(volumes, Told(settings.column, settings.unit, settings.formula))
        rows, unusable = read.rows, tuple(Failure(f"{dataset} {mouse}", said) for dataset, mouse, said in read.left_out)
    elif study is not None:
        rows = _study_rows(study)
    sources = sorted(set(rows["source"].astype(str)))
    if len(sources) > 1 or (study is not None and volumes is None):
        if settings.source not in sources:
            raise StudyError(
                f"there are no volumes of '{settings.source}'; there are {', '.join(sources)} (see --source)"
            )
        rows = rows[rows["source"] == settings.source]
    scans = burdens(rows)
    at_baseline = scans[np.isclose(scans["hours"], settings.day * HOURS_PER_DAY)].set_index(["dataset", "mouse"])
    found, left = [], []
    for dataset, mouse in dict.fromkeys(zip(scans["dataset"], scans["mouse"], strict=True)):
        volume = float(at_baseline["volume_mm3"].get((dataset, mouse), np.nan))
        why = _why_not(volume, settings)
        if why:
            left.append((dataset, mouse, why))
        else:
            found.append((dataset, mouse, volume))
    return Table(found, columns=["dataset", "mouse", "baseline_mm3"]), left, unusable


def _study_rows(study: Study) -> Table:
    path = study.volumes_path()
    if not path.exists():
        raise StudyError(f"{path} is not there; run 'murinoma agree' and 'murinoma merge' first, or use --volumes")
    table = read_table(path, (*SCAN, "source", "tumor", "volume_mm3")).reindex(columns=ROWS).assign(group="")
    known = {scan.key for scan in study.scans}  # not those that people left out
    return table[[key in known for key in zip(table["dataset"], table["mouse"], table["time"], strict=True)]]


def _why_not(volume: float, settings: AssignSettings) -> str:
    if np.isnan(volume):
        return f"no volume on day {settings.day:g}"
    if not settings.least_mm3 <= volume <= settings.most_mm3:
        return f"its {volume:.0f} mm3 lie outside {settings.least_mm3:g} to {settings.most_mm3:g} mm3"
    return "" if volume > 0 else "no tumor"


def _drawn(baselines: Table, settings: AssignSettings) -> tuple[Table, dict[str, str]]:
    """Return the table with the codes, and the key: code -> arm."""
    rng = np.random.default_rng(settings.seed)
    codes = [f"arm {CODES[place]}" for place in rng.choice(len(CODES), len(settings.arms), replace=False)]
    parts = []
    for _, part in baselines.groupby("dataset", sort=False):
        arms, blocks = allocate(part["baseline_mm3"].to_numpy(np.float64), len(codes), rng=rng)
        parts.append(part.assign(arm=[codes[arm] for arm in arms], block=blocks + 1))
    table = pd.concat(parts, ignore_index=True)[["dataset", "mouse", "arm", "baseline_mm3", "block"]]
    return table, dict(zip(codes, settings.arms, strict=True))


def _flow(table: Table, left: list[Left]) -> Table:
    """Return the first part of ARRIVE's flow: assessed, excluded with reasons, assigned."""
    return Table([*_assessed(table, left), *_assigned(table)], columns=FLOW_COLUMNS)


def _assessed(table: Table, left: list[Left]) -> Iterator[dict[str, Any]]:
    for dataset in dict.fromkeys([*table["dataset"], *(one[0] for one in left)]):
        out = [one for one in left if one[0] == dataset]
        yield {"stage": "assessed", "dataset": dataset, "mice": int((table["dataset"] == dataset).sum()) + len(out)}
        for _, mouse, why in out:
            yield {"stage": "not assigned", "dataset": dataset, "mice": 1, "reason": f"{mouse}: {why}"}


def _assigned(table: Table) -> Iterator[dict[str, Any]]:
    for (dataset, arm), part in table.groupby(["dataset", "arm"]):
        mean = float(np.exp(np.log(part["baseline_mm3"]).mean()))
        reason = f"geometric mean {mean:.0f} mm3"
        yield {"stage": "assigned", "dataset": dataset, "arm": arm, "mice": len(part), "reason": reason}


def _write(root: Path, table: Table, key: dict[str, str], flow: Table, settings: AssignSettings) -> None:
    """Write the key before the table: a table without its key could never be read."""
    content = {"key": key, "seed": settings.seed, "arms": list(settings.arms)}
    write_sealed(content, sealed_key_path(root), kind=ARM_KEY_FORMAT, note=NOTE)
    write_table(flow, assignment_flow_path(root))
    write_table(table, assignment_path(root))


def _numbers(table: Table, left: list[Left]) -> dict[str, Number]:
    """Return the counts, and by which factor the arms' geometric mean baselines differ at most within a dataset."""
    means = np.log(table["baseline_mm3"]).groupby([table["dataset"], table["arm"]]).mean().unstack()
    factor = float(np.exp((means.max(axis=1) - means.min(axis=1)).max()))
    return {"assessed": len(table) + len(left), "assigned": len(table), "largest_to_smallest_mean": factor}
