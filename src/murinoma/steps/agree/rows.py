"""The rows of the tables of scans, tumors and volumes, from the results of the scans."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from murinoma.numerics.agreement import mean_volume, volume_rmse
from murinoma.runs import Result
from murinoma.steps import key_columns, volume_rows
from murinoma.study import Scan

MM3_PER_CM3 = 1000.0


def scan_row(scan: Scan, result: Result, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return a row of ``scans.csv``; empty where a pair did not see the scan."""
    dice = {(a, b): value for a, b, value in result["dice"]}
    surfaces = {name: dict(zip(dice, result[name], strict=True)) for name in ("surface_dice", "hd95_mm")}
    defined = [value for value in dice.values() if value is not None]
    return {
        **key_columns(scan),
        "n_annotators": len(result["annotators"]),
        "n_voxels": result["n_voxels"],
        **{f"dice_{a}_{b}": _nan(dice.get((a, b))) for a, b in pairs},
        "dice_mean": float(np.mean(defined)) if defined else np.nan,
        "fleiss_kappa": _nan(result["fleiss_kappa"]),
        "fleiss_kappa_box": _nan(result["fleiss_kappa_box"]),
        "staple_volume_cm3": result["staple_mm3"] / MM3_PER_CM3,
        "majority_volume_cm3": result["majority_mm3"] / MM3_PER_CM3,
        "tumors": len(result["tumors"]),
        "specks": result["specks"],
        **{f"{name}_{a}_{b}": _nan(of_pair.get((a, b))) for name, of_pair in surfaces.items() for a, b in pairs},
    }


def _nan(value: float | None) -> float:
    return np.nan if value is None else value


def tumor_columns(annotators: Sequence[str]) -> list[str]:
    """Return the columns of ``tumors.csv``."""
    volumes = [f"volume_cm3_{name}" for name in annotators]
    keys = ["dataset", "mouse", "time", "hours", "tumor", "n_annotators"]
    return [*keys, *volumes, "volume_cm3_mean", "rmse_cm3", "rmse_percent", "missed_by"]


def tumor_rows(scan: Scan, result: Result, annotators: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row per tumor: 0 cm3 for an annotator who missed it, empty for one who did not see the scan."""
    rows = []
    for number, volumes_mm3 in result["tumors"].items():
        seen = dict(zip(result["annotators"], volumes_mm3, strict=True))
        volumes = np.array([seen.get(name, np.nan) for name in annotators]) / MM3_PER_CM3
        mean, rmse = float(mean_volume(volumes)), float(volume_rmse(volumes))
        missed = [name for name, volume in seen.items() if volume == 0]
        rows.append(
            {
                **key_columns(scan),
                "tumor": int(number),
                "n_annotators": len(seen) - len(missed),
                **{f"volume_cm3_{name}": volume for name, volume in zip(annotators, volumes, strict=True)},
                "volume_cm3_mean": mean,
                "rmse_cm3": rmse,
                "rmse_percent": 100 * rmse / mean,
                "missed_by": " ".join(missed) or None,
            }
        )
    return rows


def scan_volumes(scan: Scan, result: Result) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``volumes.csv``, per annotator."""
    for place, name in enumerate(result["annotators"]):
        by_tumor = {int(number): volumes[place] for number, volumes in result["tumors"].items()}
        yield from volume_rows(scan, name, result["volumes_mm3"][place], by_tumor)
