"""The statistics over all scans and tumors of a study: intervals over mice, agreement on volumes, and tumor size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.numerics.icc import icc_agreement
from murinoma.numerics.intervals import Codes, Interval, mean_intervals
from murinoma.numerics.size_trend import SizeTrend, mean_absolute_difference, mean_log_difference, size_trend
from murinoma.numerics.volume_ratios import limits_of_agreement, log_volumes

Table = pd.DataFrame
Floats = npt.NDArray[np.float64]
ALL = "all"
CURVE_POINTS = 40
LEAST_FOR_TREND = 3  # tumors; fewer fix no law


def interval_table(scans: Table, tumors: Table, *, seed: int) -> Table:
    """Return ``intervals.csv``: the mean of every measure with its 95 % interval over mice, per dataset and overall.

    Measures are the columns of ``scans.csv`` and ``tumors.csv`` that say how annotators agree.
    """
    rows = []
    for dataset in [ALL, *scans["dataset"].unique()]:
        for table in (scans, tumors):
            part = table if dataset == ALL else table[table["dataset"] == dataset]
            rows += [{"dataset": dataset, **row} for row in _interval_rows(part, seed)]
    return Table(rows)


def _interval_rows(part: Table, seed: int) -> Iterator[dict[str, Any]]:
    measures = [name for name in part.columns if _is_measure(name)]
    stored = part[measures].to_numpy(np.float64)
    values = np.where(np.isfinite(stored), stored, np.nan)  # the distance to an empty mask is infinite
    mice = Mice.of(part)
    intervals = mean_intervals(values, mice.codes, mice.datasets, rng=np.random.default_rng(seed))
    for name, column, interval in zip(measures, values.T, intervals, strict=True):
        ends = {"mean": interval.value, "low": interval.low, "high": interval.high, "n_mice": interval.n_mice}
        yield {"measure": name, **ends, "n": int(np.isfinite(column).sum()), "method": interval.method}


def _is_measure(column: str) -> bool:
    return column.startswith(("dice_", "fleiss_kappa", "surface_dice_", "hd95_mm_", "rmse_"))


def volume_table(tumors: Table, annotators: Sequence[str], *, seed: int) -> Table:
    """Return ``volume_agreement.csv``: per pair of annotators the mean ratio of volumes, its limits, and ICC(A,1).

    The last row is the ICC of all annotators together. A tumor that somebody missed has no ratio and is left out.
    """
    volumes = {name: tumors[f"volume_cm3_{name}"].to_numpy(np.float64) for name in annotators}
    mice = Mice.of(tumors)
    rows = []
    for a, b in combinations(annotators, 2):
        limits = limits_of_agreement(volumes[a], volumes[b], mice.codes, mice.datasets, rng=np.random.default_rng(seed))
        row = {"a": a, "b": b, "n_tumors": limits.n_tumors, "n_mice": limits.ratio.n_mice, "missed": limits.n_missed}
        row |= _ends("ratio", limits.ratio) | _ends("limit_low", limits.lower) | _ends("limit_high", limits.upper)
        rows.append(row | _icc([volumes[a], volumes[b]], mice))
    both = np.column_stack(list(volumes.values()))
    whole: dict[str, Any] = {
        "a": ALL,
        "b": None,
        "n_tumors": int((np.isfinite(log_volumes(both)).sum(axis=1) > 1).sum()),
    }
    rows.append(whole | {"n_mice": mice.count} | _icc(list(volumes.values()), mice))
    return Table(rows)


def _icc(volumes: Sequence[Floats], mice: "Mice") -> dict[str, float]:
    return _ends("icc", icc_agreement(log_volumes(np.column_stack(volumes)), mice.codes, mice.datasets))


def _ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def size_tables(scans: Table, tumors: Table, annotators: Sequence[str]) -> tuple[Table, Table]:
    """Return ``size_trend.csv``, a row per dataset, and ``size_curve.csv``: Dice and differences by tumor size.

    Differences in percent are exp(mean |ln ratio|) - 1, the mean over pairs and tumors. What a dataset's tumors let
    expect follows from the law of the other datasets (`murinoma.numerics.size_trend`), and so does the ratio, of logs.
    Both are empty where fewer than three tumors were found by two annotators.
    """
    volumes = tumors[[f"volume_cm3_{name}" for name in annotators]].to_numpy(np.float64)
    errors, means = mean_log_difference(volumes), tumors["volume_cm3_mean"].to_numpy(np.float64)
    mice = Mice.of(tumors)
    if np.isfinite(errors + log_volumes(means)).sum() < LEAST_FOR_TREND:
        return Table(columns=TREND_COLUMNS), Table(columns=CURVE_COLUMNS)
    trend = size_trend(errors, means, mice.codes, mice.datasets)
    differences = pd.Series(mean_absolute_difference(volumes)).groupby(mice.datasets).mean()
    dice = scans.groupby("dataset")["dice_mean"].mean()
    rows = [
        {
            "dataset": mice.names[found.dataset],
            "n_tumors": found.n_tumors,
            "n_mice": found.ratio.n_mice,
            "volume_cm3": found.volume,
            "dice_mean": dice[mice.names[found.dataset]],
            "difference_cm3": differences[found.dataset],
            "difference_percent": 100 * np.expm1(found.observed),
            "expected_percent": 100 * np.expm1(found.expected),
            **_ends("ratio", found.ratio),
            "sizes_shared": _shared_sizes(means, mice.datasets, found.dataset),
        }
        for found in trend.datasets
    ]
    return Table(rows, columns=TREND_COLUMNS), _curve(scans, means, trend)


def _shared_sizes(volumes: Floats, datasets: Codes, dataset: int) -> float:
    """Return the share of a dataset's tumors whose volume lies between those of other datasets."""
    mine, others = volumes[datasets == dataset], volumes[datasets != dataset]
    if not others.size:
        return float("nan")
    return float(np.mean((mine >= others.min()) & (mine <= others.max())))


TREND_COLUMNS = ["dataset", "n_tumors", "n_mice", "volume_cm3", "dice_mean", "difference_cm3"]
TREND_COLUMNS += ["difference_percent", "expected_percent", "ratio", "ratio_low", "ratio_high", "sizes_shared"]
CURVE_COLUMNS = ["volume_cm3", "dice", "abs_percent"]


def _curve(scans: Table, volumes_cm3: Floats, trend: SizeTrend) -> Table:
    """Return both laws at volumes from the smallest to the largest tumor."""
    found = volumes_cm3[volumes_cm3 > 0]
    at = np.geomspace(found.min(), found.max(), CURVE_POINTS)
    mice, of_scans = Mice.of(scans), scans["staple_volume_cm3"].to_numpy(np.float64)
    losses = 1 - scans["dice_mean"].to_numpy(np.float64)
    dice = np.full(CURVE_POINTS, np.nan)
    if np.isfinite(losses + log_volumes(of_scans)).sum() >= LEAST_FOR_TREND:
        dice = 1 - _law(size_trend(losses, of_scans, mice.codes, mice.datasets), at)
    return Table(
        {"volume_cm3": at, "dice": dice, "abs_percent": 100 * np.expm1(_law(trend, at))}, columns=CURVE_COLUMNS
    )


def _law(trend: SizeTrend, volumes_cm3: Floats) -> Floats:
    return np.asarray(trend.at_unit_volume * volumes_cm3**trend.exponent.value)


@dataclass(frozen=True, eq=False)
class Mice:
    """The rows of a table by mouse and dataset: a number each, and the datasets' names by their number."""

    codes: Codes
    datasets: Codes
    names: tuple[str, ...]

    @classmethod
    def of(cls, table: Table) -> "Mice":
        """Return the mice of a table; mouse names are unique within a dataset only."""
        codes = table.groupby(["dataset", "mouse"], sort=False).ngroup().to_numpy()
        datasets, names = pd.factorize(table["dataset"])
        return cls(codes.astype(np.int64), datasets.astype(np.int64), tuple(map(str, names)))

    @property
    def count(self) -> int:
        """How many mice there are."""
        return len(np.unique(self.codes))
