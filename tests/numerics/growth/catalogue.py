"""The 452 published scans as arrays, one dataset at a time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma import published
from murinoma.study import TimePoint

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

DATASETS = [f"Dataset {number}" for number in range(1, 11)]
SD_WITHIN = 0.104 / np.sqrt(2)  # of the 39 pairs up to 6 h apart: tests/numerics/test_repeatability.py
N_REPEATED_MICE = 29


@dataclass(frozen=True, eq=False)
class RealScans:
    """Scans of one dataset: day, volume (mm3), mouse and acquisition as numbers, and the mouse's name, a row each."""

    days: Floats
    volumes: Floats
    mice: Codes
    acquisitions: Codes
    names: list[str]


def real_scans(dataset: str) -> RealScans:
    """Return the published scans of one dataset, in the order of the catalogue."""
    table = published.catalogue().query("dataset == @dataset")
    return RealScans(
        days=np.array([TimePoint.parse(time).hours / 24 for time in table["time"]]),
        volumes=table["staple_volume_mm3"].to_numpy(),
        mice=np.unique(table["mouse"], return_inverse=True)[1].astype(np.int64),
        acquisitions=np.unique(table["group_folder"] + table["time"], return_inverse=True)[1].astype(np.int64),
        names=list(table["mouse"]),
    )
