"""Small tables of volumes and mice, and what growth finds in them: its tables, without the page."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from murinoma.settings import GrowthSettings
from murinoma.steps import StepResult
from murinoma.steps.growth import growth_cohort, growth_result, growth_tables

Row = Sequence[object]
DAYS = (0, 4, 7, 11, 14)


def write_csv(path: Path, head: str, rows: Iterable[Row]) -> Path:
    """Write a CSV with this head."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([head.split(","), *rows])
    return path


def exponential(mouse: str, start_mm3: float, rate: float, days: Sequence[float] = DAYS) -> list[Row]:
    """Return the rows of a mouse whose tumor grows exactly exponentially."""
    return [("1", mouse, f"{day:g}d", start_mm3 * float(np.exp(rate * day))) for day in days]


def trial(folder: Path, rates: Mapping[str, Sequence[float]], days: Sequence[float] = DAYS) -> Path:
    """Write a trial: arm -> the growth rate of each mouse, 100 mm3 at day 0; return the file of volumes."""
    mice = [(arm, rate) for arm, of_arm in rates.items() for rate in of_arm]
    named = [(f"M{place:02d}", arm, rate) for place, (arm, rate) in enumerate(mice, start=1)]
    write_csv(folder / "mice.csv", "dataset,mouse,arm", [("1", mouse, arm) for mouse, arm, _ in named])
    rows = [row for mouse, _, rate in named for row in exponential(mouse, 100.0, rate, days)]
    return write_csv(folder / "trial.csv", "dataset,mouse,time,volume_mm3", rows)


def run(volumes: Path, **settings: object) -> StepResult:
    """Write the tables of growth on a file of volumes beside it, and return what the step says about them."""
    cohort = growth_cohort(None, volumes, GrowthSettings(**settings))  # type: ignore[arg-type]
    tables = growth_tables(cohort)
    folder = volumes.parent / "growth"
    folder.mkdir(exist_ok=True)
    for name, found in tables.items():
        found.to_csv(folder / f"{name}.csv", index=False)
    return growth_result(cohort, tables, None)


def table(volumes: Path, name: str) -> pd.DataFrame:
    """Return a table that growth has written."""
    return pd.read_csv(volumes.parent / "growth" / f"{name}.csv", keep_default_na=False, na_values=[""])


def sentences(result: StepResult) -> str:
    """Return all that a step says, in one text."""
    return "\n".join([*result.notices, *(f"{one.scan}: {one.message}" for one in result.failed)])
