"""The paper's Tables 1 to 4, made from the tables of scans and tumors, and from how the scans were made.

Every standard deviation has divisor n - 1. Dice and kappa are per scan, volumes per tumor. Where the study is
the published one, each value has the printed one beside it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from murinoma import published

PARAMETERS = (
    "voltage_kVp",
    "exposure_ms",
    "current_uA",
    "voxel_mm",
    "scanner",
    "reconstruction",
    "bed",
    "site",
)  # the columns of Table 2 that say how scans were made
BETWEEN = "; "  # the values of one cell


def table1(scans: pd.DataFrame, tumors: pd.DataFrame, years: dict[str, int], known: Sequence[str]) -> pd.DataFrame:
    """Return Table 1, a row per dataset: how many scans, mice and tumors, and the volumes.

    The volume of a tumor in a scan is the mean over its annotators; mean, standard deviation, minimum and
    maximum go over those rows, cm3.

    Parameters
    ----------
    scans, tumors
        ``agreement/scans.csv`` and ``agreement/tumors.csv``.
    years
        Year of the scans per dataset, where it is known.
    known
        The published datasets that the study consists of; empty if it is another study.
    """
    rows = []
    for dataset, part in scans.groupby("dataset", sort=False):
        mine = tumors[tumors["dataset"] == dataset]
        volumes = mine["volume_cm3_mean"]
        per_scan = mine.groupby(["mouse", "time"]).size()
        rows.append(
            {
                "dataset": dataset,
                "scans": len(part),
                "mice": part["mouse"].nunique(),
                "tumors_per_mouse": int(per_scan.mode().max()) if len(per_scan) else 0,
                "volume_mean_cm3": volumes.mean(),
                "volume_std_cm3": volumes.std(),
                "volume_min_cm3": volumes.min(),
                "volume_max_cm3": volumes.max(),
                "year": years.get(str(dataset)),
                "tumors": len(mine),
            }
        )
    table = pd.DataFrame(rows)
    if table["year"].notna().any():
        table["year"] = table["year"].astype("Int64")
    return _beside(table, published.table(1), known)


def table2(
    scans: pd.DataFrame,
    nominal: Mapping[str, Mapping[str, float]],
    said: Mapping[str, Mapping[str, str]],
    left_out: Collection[tuple[str, str, float]],
    known: Sequence[str],
) -> pd.DataFrame:
    """Return Table 2, a row per dataset: how its scans were made, when, and which are not there.

    Where the scans of a dataset differ, a cell holds all values (``65; 80``). A scan is missing if another scan of
    its mouse is there, and none at that time (``M03: 13d, 20d``). ``other_scans`` are those at no nominal time.

    Parameters
    ----------
    scans
        A row per scan: ``dataset, mouse, time, hours``, and as many of `PARAMETERS` as are known.
    nominal
        Dataset -> time point -> hours; without a dataset, the time points of its scans.
    said
        Dataset -> column -> what people say, which wins over `scans`.
    left_out
        (dataset, mouse, hours) of scans that were made but do not count: they are not missing.
    known
        As `table1`.
    """
    rows = []
    for name, part in scans.groupby("dataset", sort=False):
        dataset = str(name)
        found = part.sort_values("hours", kind="stable").drop_duplicates("hours")
        times = nominal.get(dataset) or dict(zip(found["time"], found["hours"], strict=True))
        row: dict[str, str | None] = {"dataset": dataset, "time_points": BETWEEN.join(times)}
        row |= {column: _values(part[column]) for column in PARAMETERS if column in part}
        row |= said.get(dataset, {})
        away = {(mouse, hours) for where, mouse, hours in left_out if where == dataset}
        rows.append({**row, **_absences(part, times, away)})
    columns = ["dataset", *PARAMETERS, "time_points", "missing", "other_scans"]
    return _beside(pd.DataFrame(rows, columns=columns), published.table(2), known)


def _values(column: pd.Series) -> str | None:
    """Return the different values of a dataset, numbers in order; nothing where there is none."""
    values = list(column.dropna().unique())
    if all(isinstance(value, Real) for value in values):
        values = [f"{value:g}" for value in sorted(values)]
    return BETWEEN.join(map(str, values)) or None


def _absences(
    part: pd.DataFrame, times: Mapping[str, float], left_out: Collection[tuple[str, float]]
) -> dict[str, str]:
    """Return which scans are not there, and which are there at other times, both mouse by mouse."""
    missing, others = [], []
    for mouse, mine in part.groupby("mouse", sort=False):
        hours = {*mine["hours"], *(hour for name, hour in left_out if name == mouse)}
        missing.append((mouse, [label for label, hour in times.items() if hour not in hours]))
        others.append((mouse, list(mine.loc[~mine["hours"].isin(times.values()), "time"])))
    return {"missing": _by_mouse(missing), "other_scans": _by_mouse(others)}


def _by_mouse(times: Sequence[tuple[Any, Sequence[str]]]) -> str:
    """Return ``M03: 13d, 20d; M05: 7d``."""
    return BETWEEN.join(f"{mouse}: {', '.join(labels)}" for mouse, labels in times if labels)


def table3(scans: pd.DataFrame, tumors: pd.DataFrame, annotators: Sequence[str], known: Sequence[str]) -> pd.DataFrame:
    """Return Table 3, a row per measure and pair of annotators (or all): mean, standard deviation, and n.

    ``volume_difference`` is the first minus the second annotator, in cm3, in percent of the mean of all
    annotators (the paper does not say of what), and in percent of the pair's mean; ``volume_ratio`` is the
    geometric mean of first / second with the geometric standard deviation. ``volume_rmse_found`` leaves out
    tumors that an annotator missed. ``n`` counts scans (Dice, kappa) or tumors (volumes); ``undefined`` those
    without a value, such as the Dice of two empty masks.
    """
    rows = [*_pair_rows(scans, tumors, annotators), *_overall_rows(scans, tumors)]
    table = pd.DataFrame([_summary(*row) for row in rows])
    if len(known) < published.catalogue()["dataset"].nunique():
        return table
    printed = published.table(3).rename(columns={"mean": "published_mean", "std": "published_std"})
    return table.merge(printed.fillna({"unit": ""}), how="left", on=["measure", "group", "unit"])


def table4(scans: pd.DataFrame, annotators: Sequence[str], known: Sequence[str]) -> pd.DataFrame:
    """Return Table 4, a row per dataset: mean and standard deviation of each pair's Dice and of Fleiss' kappa."""
    between = "" if max(map(len, annotators)) == 1 else "_"  # the paper's dice_AB; 1 with 12 is not 11 with 2
    columns = {f"dice_{a}_{b}": f"dice_{a}{between}{b}" for a, b in combinations(annotators, 2)}
    columns["fleiss_kappa"] = "fleiss_kappa"
    rows = []
    for dataset, part in scans.groupby("dataset", sort=False):
        row: dict[str, Any] = {"dataset": dataset}
        for column, short in columns.items():
            row |= {f"{short}_mean": part[column].mean(), f"{short}_std": part[column].std()}
        rows.append({**row, "scans": len(part)})
    return _beside(pd.DataFrame(rows), published.table(4), known)


Row = tuple[str, str, str, pd.Series]


def _pair_rows(scans: pd.DataFrame, tumors: pd.DataFrame, annotators: Sequence[str]) -> Iterator[Row]:
    """Yield measure, pair, unit and values, in the order of the paper."""
    pairs = list(combinations(annotators, 2))
    for a, b in pairs:
        yield "dice", f"{a}-{b}", "", scans[f"dice_{a}_{b}"]
    volumes = {name: tumors[f"volume_cm3_{name}"] for name in annotators}
    both = {(a, b): volumes[a].notna() & volumes[b].notna() for a, b in pairs}
    for unit, scale in (("cm3", None), ("percent", tumors["volume_cm3_mean"]), ("percent_of_pair", "pair")):
        for a, b in pairs:
            difference = volumes[a] - volumes[b]
            whole = (volumes[a] + volumes[b]) / 2 if isinstance(scale, str) else scale
            values = difference if whole is None else 100 * difference / whole.where(whole > 0)
            yield "volume_difference", f"{a}-{b}", unit, values[both[a, b]]
    for a, b in pairs:
        found = (volumes[a] > 0) & (volumes[b] > 0)
        yield "volume_ratio", f"{a}-{b}", "geometric", (volumes[a] / volumes[b])[found]


def _overall_rows(scans: pd.DataFrame, tumors: pd.DataFrame) -> Iterator[Row]:
    """Yield measure, ``all``, unit and values of what concerns all annotators."""
    yield "fleiss_kappa", "all", "", scans["fleiss_kappa"]
    yield "fleiss_kappa_box", "all", "", scans["fleiss_kappa_box"]
    found = tumors["missed_by"].isna()
    for name, part in (("volume_rmse", tumors), ("volume_rmse_found", tumors[found])):
        yield name, "all", "cm3", part["rmse_cm3"]
        yield name, "all", "percent", part["rmse_percent"]


def _summary(measure: str, group: str, unit: str, values: pd.Series) -> dict[str, Any]:
    known = values.dropna()
    mean, std = known.mean(), known.std()
    if unit == "geometric":
        logs = np.log(known)
        mean, std = np.exp(logs.mean()), np.exp(logs.std())
    counts = {"n": len(known), "undefined": len(values) - len(known)}
    return {"measure": measure, "group": group, "mean": mean, "std": std, "unit": unit, **counts}


def _beside(table: pd.DataFrame, printed: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    """Add the printed values as columns ``published_...`` where the study is the published one."""
    if not known:
        return table
    columns = {name: f"published_{name}" for name in printed.columns if name != "dataset"}
    return table.merge(printed.rename(columns=columns), how="left", on="dataset")
