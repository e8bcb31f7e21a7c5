"""What every table of growth reads: the volumes by mouse, the arms, and how far a volume moves by measurement alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.files.tables import read_table
from murinoma.numerics.growth.rates import MeasurementError
from murinoma.numerics.repeatability import detectable_change
from murinoma.settings import GrowthSettings
from murinoma.steps.growth.people import Mouse, People, control_of
from murinoma.steps.growth.volumes import MOUSE, Volumes, natural

Table = pd.DataFrame
Floats = npt.NDArray[np.float64]
CATALOGUE_MICE = 29  # behind the 39 pairs of published scans up to 6 h apart
SCANS_CLOSE = "scans close in time, whole mouse"  # a kind of row in repeatability.csv


@dataclass(frozen=True, eq=False)
class Course:
    """The volumes of one mouse, in order of time: `days`, `volumes_mm3`, and the rows of the table they come from."""

    mouse: Mouse
    arm: str
    days: Floats
    volumes_mm3: Floats
    rows: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Precision:
    """How far a volume moves by measurement alone: the SD of one log volume, and where that is known from."""

    error: MeasurementError
    origin: str

    @property
    def limits(self) -> tuple[float, float]:
        """The detectable fall and rise, as shares."""
        return detectable_change(self.error.sd_within)


@dataclass(frozen=True, eq=False)
class Cohort:
    """The mice of a study with their volumes and arms; `settings` are those that count, the plan's included."""

    volumes: Volumes
    people: People
    precision: Precision
    settings: GrowthSettings

    @cached_property
    def courses(self) -> list[Course]:
        """Every mouse, by dataset and name."""
        table = self.volumes.scans
        found = []
        for (dataset, mouse), part in table.groupby(MOUSE, sort=False):
            key = (str(dataset), str(mouse))
            days, volumes = (part[name].to_numpy(np.float64) for name in ("day", "volume_mm3"))
            found.append(Course(key, self.arm(key), days, volumes, part.index.to_numpy(np.int64)))
        return found

    @cached_property
    def arms(self) -> Mapping[str, tuple[str, ...]]:
        """The arms of every dataset, the control first; none where nobody said."""
        found: dict[str, tuple[str, ...]] = {}
        for dataset in self.volumes.scans["dataset"].unique():
            names = sorted({one.arm for one in self.courses if one.mouse[0] == dataset and one.arm}, key=natural)
            control = control_of(names, self.settings.control)
            found[str(dataset)] = tuple(sorted(names, key=lambda name: name != control))
        return found

    def arm(self, mouse: Mouse) -> str:
        """Return the arm of a mouse; empty where nobody said."""
        return self.people.arms.get(mouse, "")

    def control(self, dataset: str) -> str:
        """Return the control arm of a dataset; empty where there is none."""
        return control_of(self.arms[dataset], self.settings.control)

    def groups(self) -> Iterator[tuple[str, str, list[Course]]]:
        """Yield (dataset, arm, mice); a dataset without arms is one group, in one with arms only their mice count."""
        for dataset, arms in self.arms.items():
            mice = [one for one in self.courses if one.mouse[0] == dataset]
            for arm in arms or ("",):
                yield dataset, arm, [one for one in mice if one.arm == arm]

    def baseline(self, course: Course) -> float:
        """Return the volume of a mouse at the baseline, mm3; NaN where it was not measured then, or had no tumor."""
        found = course.volumes_mm3[np.isclose(course.days, self.settings.baseline_day)]
        return float(found[0]) if len(found) and found[0] > 0 else float("nan")

    def ends(self, courses: list[Course]) -> Floats:
        """Return the last day on which each mouse was under observation: its death, else NaN."""
        days = [self.people.last_day(one.mouse) for one in courses]
        return np.array([np.nan if day is None else day for day in days])

    def records_deaths(self, dataset: str) -> bool:
        """Tell whether a death was recorded in a dataset: then every arm has a curve of deaths, also one of none."""
        return any(np.isfinite(self.ends([one for one in self.courses if one.mouse[0] == dataset])))


def matrix(courses: list[Course]) -> tuple[Floats, Floats]:
    """Return (days, volumes): the days on which any of the mice was measured, and a row per mouse with NaN for none."""
    days = np.unique(np.concatenate([one.days for one in courses])) if courses else np.empty(0)
    volumes = np.full((len(courses), len(days)), np.nan)
    for row, one in enumerate(courses):
        volumes[row, np.searchsorted(days, one.days)] = one.volumes_mm3
    return days, volumes


def rows_of(courses: list[Course]) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Return (days, volumes, mice): one row per scan, with a number per mouse."""
    if not courses:
        return np.empty(0), np.empty(0), np.empty(0, dtype=np.int64)
    days, volumes = (np.concatenate([getattr(one, name) for one in courses]) for name in ("days", "volumes_mm3"))
    return days, volumes, np.repeat(np.arange(len(courses)), [len(one.days) for one in courses])


def precision(path: Path | None, source: str, settings: GrowthSettings) -> Precision:
    """Return the precision that the study has measured (``repeatability.csv``), else that of the published scans.

    Raises
    ------
    FileError
        If the table is damaged.
    """
    if path is not None and path.exists():
        table = read_table(path, ("kind", "source", "n_mice", "sd_within"))
        mine = table[(table["kind"] == SCANS_CLOSE) & (table["source"] == source) & (table["sd_within"] > 0)]
        for row in mine.to_dict("records"):
            origin = f"measured in this study: scans of {row['n_mice']} mice close in time (murinoma repeatability)"
            return Precision(MeasurementError(float(row["sd_within"]), float(row["n_mice"]) - 1), origin)
    pairs = settings.sd_change / np.sqrt(2)
    if settings.sd_change != GrowthSettings.sd_change:
        return Precision(MeasurementError(float(pairs)), "given by the user")
    origin = "not measured in this study: that of 39 pairs of published micro-CT scans of 29 mice up to 6 h apart"
    return Precision(MeasurementError(float(pairs), CATALOGUE_MICE - 1), origin)
