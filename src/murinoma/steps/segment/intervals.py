"""How sure a model's volumes and masks are, where a calibration says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from murinoma.files.scanners import scanner_of
from murinoma.files.versioned import read_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_of
from murinoma.models.folder import ModelCard
from murinoma.numerics.conformal import volume_interval
from murinoma.numerics.expected_dice import expected_dice
from murinoma.steps import finite
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import calibration_path

REMEDY = "run 'murinoma calibrate' again"
Interval = tuple[float, float]


@dataclass(frozen=True)
class Trust:
    """The calibration of a model on a study, if there is one."""

    study: Study
    weights: tuple[str, ...]
    calibration: Calibration | None

    def refusal(self, scan: Scan) -> str:
        """Return why there is no interval for a scan; empty if the calibration counts for it."""
        if self.calibration is None:
            return "there is no calibration"
        return self.calibration.refusal(
            weights=self.weights, study=self.study.title, scanner=scanner_of(self.study, scan)
        )

    def intervals(self, scan: Scan, volumes_mm3: Mapping[int, float]) -> dict[int | None, Interval]:
        """Return low and high of each tumor, mm3, by its number; of the whole scan (None) where it has one tumor."""
        if self.calibration is None or self.refusal(scan) or not volumes_mm3:
            return {}
        predicted = np.array(list(volumes_mm3.values()), np.float64)
        low, high = volume_interval(self.calibration.volumes, predicted)
        ends = zip(volumes_mm3, low.tolist(), high.tolist(), strict=True)
        found: dict[int | None, Interval] = {number: (a, b) for number, a, b in ends if np.isfinite(a)}
        return {**found, None: next(iter(found.values()))} if len(volumes_mm3) == len(found) == 1 else found

    def expected_dice(self, scan: Scan, soft: float | None) -> float | None:
        """Return the Dice with people that the mask of a scan is expected to have; nothing where nobody can say."""
        if self.calibration is None or self.calibration.dice is None or soft is None or self.refusal(scan):
            return None
        return finite(float(expected_dice(self.calibration.dice, np.array([soft]))[0]))


def read_trust(study: Study, card: ModelCard) -> Trust:
    """Return the calibration of a model on a study.

    Raises
    ------
    FileError
        If it is damaged or newer.
    """
    path = calibration_path(study, card.name)
    calibration = read_versioned(path, calibration_of, kind=CALIBRATION, remedy=REMEDY)
    return Trust(study, (card.coarse.sha256, card.fine.sha256), calibration)


def with_interval(row: Mapping[str, Any], intervals: Mapping[int | None, Interval]) -> dict[str, Any]:
    """Return a row of ``volumes.csv`` with the interval of its tumor; as it is where there is none."""
    low, high = intervals.get(row["tumor"], (None, None))
    return {**row, "volume_low_mm3": low, "volume_high_mm3": high}
