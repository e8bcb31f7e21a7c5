"""Means with intervals over mice, detection, limits of agreement: what the tables of scans and tumors say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.numerics.event_rates import rate_bounds
from murinoma.numerics.icc import icc_agreement
from murinoma.numerics.intervals import Codes, Interval, mapped, mean_interval, mean_intervals
from murinoma.numerics.verdict import williams_index
from murinoma.numerics.volume_ratios import limits_of_agreement, log_volumes
from murinoma.settings import EvaluateSettings

Table = pd.DataFrame
Floats = npt.NDArray[np.float64]
Row = dict[str, Any]
ALL = "all"
CORE = ["dice_annotators", "human_dice", "dice_difference", "dice_staple", "dice_majority"]
CORE += ["surface_dice_annotators", "human_surface_dice", "hd95_mm_annotators", "human_hd95_mm"]
CORE += ["volume_error_cm3_annotators", "volume_log_ratio_annotators"]
MEASURES = ("dice_", "surface_dice_", "hd95_mm_", "volume_error_cm3_", "volume_log_ratio_", "human_", "fleiss_")
SUMMARY_COLUMNS = ["by", "group", "unit_of", "measure", "mean", "low", "high", "n_mice", "n", "method"]
DETECTION_COLUMNS = ["dataset", "measure", "group", "count", "total", "value", "low", "high", "n_mice", "method"]


@dataclass(frozen=True, eq=False)
class Mice:
    """The rows of two tables by mouse and dataset, with the same numbers in both."""

    names: pd.Index
    datasets: pd.Index

    @classmethod
    def of(cls, scans: Table) -> "Mice":
        """Return the mice of all scans; their names are unique within a dataset only."""
        keys = pd.MultiIndex.from_frame(scans[["dataset", "mouse"]])
        return cls(keys.unique(), pd.Index(scans["dataset"].unique()))

    def codes(self, table: Table) -> tuple[Codes, Codes]:
        """Return the number of each row's mouse, and of its dataset."""
        mice = self.names.get_indexer(pd.MultiIndex.from_frame(table[["dataset", "mouse"]]))
        return mice.astype(np.int64), self.datasets.get_indexer(pd.Index(table["dataset"])).astype(np.int64)


def summary_table(scans: Table, tumors: Table, settings: EvaluateSettings) -> Table:
    """Return ``summary.csv``: the mean of every measure with its 95 % interval over mice; main ones by size and day."""
    mice, rows = Mice.of(scans), []
    for unit, table, volume in (("scan", scans, "annotators_volume_cm3"), ("tumor", tumors, "volume_cm3_mean")):
        every = [str(name) for name in table.columns if str(name).startswith(MEASURES)]
        core = [name for name in CORE if name in table]
        for by, group, part in _parts(table, volume, settings.sizes_mm3):
            measures = every if by in (ALL, "dataset") else core
            about = {"by": by, "group": group, "unit_of": unit}
            rows += [about | row for row in _means(part, measures, mice, settings.seed)]
            if unit == "tumor":
                rows.append(about | _ratio(part, mice, settings.seed))
            elif by in (ALL, "dataset"):
                rows.append(about | _williams(part, mice))
    return Table(rows, columns=SUMMARY_COLUMNS)


def _parts(table: Table, volume: str, sizes_mm3: Sequence[float]) -> Iterator[tuple[str, str, Table]]:
    """Yield all rows, then those of each dataset, class of size and day; none without a row but the first."""
    yield ALL, ALL, table
    for dataset, part in table.groupby("dataset", sort=False):
        yield "dataset", str(dataset), part
    for name, low_mm3, high_mm3 in size_classes(sizes_mm3):
        inside = _within(table[volume], low_mm3, high_mm3)
        if inside.any():
            yield "size", name, table[inside]
    for _, part in table.groupby("hours"):
        yield "day", str(part["time"].iloc[0]), part


def size_classes(sizes_mm3: Sequence[float]) -> list[tuple[str, float, float]]:
    """Return name, lower and upper edge of each class of volumes, mm3.

    Examples
    --------
    >>> [name for name, _, _ in size_classes((30, 100))]
    ['0-30 mm3', '30-100 mm3', 'over 100 mm3']
    """
    edges = [0.0, *sizes_mm3, np.inf]
    names = [f"over {low:g} mm3" if np.isinf(high) else f"{low:g}-{high:g} mm3" for low, high in pairwise(edges)]
    return [(name, low, high) for name, (low, high) in zip(names, pairwise(edges), strict=True)]


def _within(volumes_cm3: "pd.Series[float]", low_mm3: float, high_mm3: float) -> npt.NDArray[np.bool_]:
    volumes_mm3 = volumes_cm3.to_numpy(np.float64) * 1000
    return np.asarray((volumes_mm3 >= low_mm3) & (volumes_mm3 < high_mm3))


def _means(part: Table, measures: Sequence[str], mice: Mice, seed: int) -> Iterator[Row]:
    values = part[list(measures)].to_numpy(np.float64)
    intervals = mean_intervals(values, *mice.codes(part), rng=np.random.default_rng(seed))
    for name, column, interval in zip(measures, values.T, intervals, strict=True):
        yield {"measure": name, **_interval(interval), "n": int(np.isfinite(column).sum())}


def _ratio(part: Table, mice: Mice, seed: int) -> Row:
    logs = part["volume_log_ratio_leave_one_out"].to_numpy(np.float64)
    interval = mapped(mean_interval(logs, *mice.codes(part), rng=np.random.default_rng(seed)), np.exp)
    return {"measure": "volume_ratio", **_interval(interval), "n": int(np.isfinite(logs).sum())}


def _williams(part: Table, mice: Mice) -> Row:
    source, people = dice_columns(part)
    known = np.isfinite(source).any(axis=1) & np.isfinite(people).any(axis=1)
    interval = williams_index(source, people, *mice.codes(part))
    return {"measure": "williams_index", **_interval(interval), "n": int(known.sum())}


def dice_columns(scans: Table) -> tuple[Floats, Floats]:
    """Return the mean Dice of the source with the annotators of each scan, and theirs, (n, 1) each."""
    return scans[["dice_annotators"]].to_numpy(np.float64), scans[["human_dice"]].to_numpy(np.float64)


def _interval(interval: Interval) -> Row:
    ends = {"mean": interval.value, "low": interval.low, "high": interval.high}
    return {**ends, "n_mice": interval.n_mice, "method": interval.method}


def detection_table(scans: Table, tumors: Table, settings: EvaluateSettings) -> Table:
    """Return ``detection.csv``: how many tumors are found, and how many false lesions a scan has.

    Bounds are one-sided at 95 % each, over mice (`murinoma.numerics.event_rates`), as in the verdict.
    """
    mice, rows = Mice.of(scans), []
    agreed = tumors[tumors["agreed"].astype(bool)]
    for dataset in [ALL, *scans["dataset"].unique()]:
        own, of_scans = (t if dataset == ALL else t[t["dataset"] == dataset] for t in (agreed, scans))
        groups = [(ALL, np.ones(len(own), bool))]
        classes = size_classes(settings.sizes_mm3)
        groups += [(name, _within(own["volume_cm3_mean"], low, high)) for name, low, high in classes]
        groups.append(("second tumor", own["second"].to_numpy(bool)))
        rows += [{"dataset": dataset, **_recall(own[inside], group, mice)} for group, inside in groups]
        rows.append({"dataset": dataset, **_false(of_scans, settings.false_mm3, mice)})
    return Table(rows, columns=DETECTION_COLUMNS)


def _recall(tumors: Table, group: str, mice: Mice) -> Row:
    found = tumors["found"].to_numpy(bool)
    missed = rate_bounds(1.0 - found, np.ones(len(found)), *mice.codes(tumors))
    ends = {"value": 1 - missed.value, "low": np.maximum(0.0, 1 - missed.high), "high": 1 - missed.low}
    counts = {"count": int(found.sum()), "total": len(found)}
    return {"measure": "recall", "group": group, **counts, **ends, "n_mice": missed.n_mice, "method": missed.method}


def _false(scans: Table, least_mm3: float, mice: Mice) -> Row:
    lesions = scans["false_lesions"].to_numpy(np.float64)
    rate = rate_bounds(lesions, np.ones(len(lesions)), *mice.codes(scans))
    counts = {"count": int(lesions.sum()), "total": len(lesions)}
    ends = {"value": rate.value, "low": rate.low, "high": rate.high, "n_mice": rate.n_mice, "method": rate.method}
    return {"measure": "false lesions per scan", "group": f"over {least_mm3:g} mm3", **counts, **ends}


def volume_table(tumors: Table, annotators: Sequence[str], seed: int) -> Table:
    """Return ``volume_agreement.csv``: mean ratio of the source's volumes to each annotator's, limits, and ICC(A,1).

    The last row is against the annotators' mean. A tumor that either missed has no ratio and is counted as missed.
    """
    mice, strata = Mice.of(tumors).codes(tumors)
    source = tumors["volume_cm3_source"].to_numpy(np.float64)
    rows = []
    for name in [*annotators, "mean"]:
        other = tumors[f"volume_cm3_{name}"].to_numpy(np.float64)
        limits = limits_of_agreement(source, other, mice, strata, rng=np.random.default_rng(seed))
        icc = icc_agreement(log_volumes(np.column_stack([source, other])), mice, strata)
        counts = {"n_tumors": limits.n_tumors, "n_mice": limits.ratio.n_mice, "missed": limits.n_missed}
        row = {"against": "annotators" if name == "mean" else name, **counts}
        named = {"ratio": limits.ratio, "limit_low": limits.lower, "limit_high": limits.upper, "icc": icc}
        rows.append(row | {column: end for what, one in named.items() for column, end in _ends(what, one).items()})
    return Table(rows)


def _ends(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
