"""A made evaluation, small enough to be checked by hand: model 'net' on two scans of two mice, judged by A and B."""

import math
from typing import Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import TableView
from murinoma.pages.evaluation_content import Calibrated, SourceEvaluation, WorstCase
from murinoma.pages.figures import line_styles
from murinoma.pages.source_picture import SourceView, view_source

NAN = math.nan
KEY = ["dataset", "mouse", "time", "hours"]
VERDICT = ["criterion", "value", "low", "high", "least", "most", "state", "mice_needed", "n_mice", "method"]
SUMMARY = ["by", "group", "unit_of", "measure", "mean", "low", "high", "n_mice", "n", "method"]


def verdict_table(**changes: dict[str, Any]) -> pd.DataFrame:
    """Return the four conditions as ``verdict.csv`` holds them: the first holds, the second fails, others are open."""
    rows = {
        "dice": [-0.01, -0.015, 0.005, -0.02, NAN, "holds", NAN, 12, "bootstrap over mice"],
        "volume": [1.2, 1.1, 1.3, 0.95, 1.05, "fails", NAN, 12, "bootstrap over mice"],
        "false positives": [0.05, 0.01, 0.2, NAN, 0.1, "open", 40, 12, "gamma over mice"],
        "recall": [0.975, 0.9, 1.0, 0.95, NAN, "open", NAN, 12, "gamma over mice"],
    }
    table = pd.DataFrame([[name, *row] for name, row in rows.items()], columns=VERDICT)
    for name, values in changes.items():
        table.loc[table["criterion"] == name.replace("_", " "), list(values)] = list(values.values())
    return table


def scan_table() -> pd.DataFrame:
    """Return two judged scans: in the second, of Dice 0.5, the source has twice the volume."""
    rows = [
        ["Dataset 1", "M01", "0d", 0.0, 0.9, 0.8, 0.85, 0.9, 1.0, 1.0, 1, 1, 0],
        ["Dataset 1", "M02", "0d", 0.0, 0.4, 0.6, 0.5, 0.8, 2.0, 1.0, 1, 1, 1],
    ]
    columns = [*KEY, "dice_A", "dice_B", "dice_annotators", "human_dice", "source_volume_cm3", "annotators_volume_cm3"]
    return pd.DataFrame(rows, columns=[*columns, "tumors", "tumors_found", "false_lesions"]).assign(
        dice_A_B=[0.9, 0.8], fleiss_kappa=[0.9, 0.8]
    )


def tumor_table() -> pd.DataFrame:
    """Return the one tumor of each scan."""
    rows = [
        ["Dataset 1", "M01", "0d", 0.0, 1, 1.1, 0.9, 1.0, 1.0],
        ["Dataset 1", "M02", "0d", 0.0, 1, 1.0, 1.0, 1.0, 2.0],
    ]
    names = ["volume_cm3_A", "volume_cm3_B", "volume_cm3_mean", "volume_cm3_source"]
    return pd.DataFrame(rows, columns=[*KEY, "tumor", *names])


def summary_table() -> pd.DataFrame:
    """Return means over all and by size."""
    measures = {"dice_A": 0.65, "dice_B": 0.7, "dice_annotators": 0.675, "human_dice": 0.85, "volume_log_ratio_A": 0.0}
    rows = [
        ["all", "all", "scan", name, mean, mean - 0.1, mean + 0.1, 2, 2, "t over mice"]
        for name, mean in measures.items()
    ]
    rows.append(["size", "over 1000 mm3", "scan", "dice_annotators", 0.7, NAN, NAN, 2, 2, "none"])
    for group, mean in (("30-100 mm3", 0.5), ("over 1000 mm3", 0.8)):
        rows.append(["size", group, "tumor", "dice_annotators", mean, NAN, NAN, 1, 1, "none"])
    return pd.DataFrame(rows, columns=SUMMARY)


def evaluation_tables() -> dict[str, pd.DataFrame]:
    """Return all tables of the evaluation."""
    found = [
        ["all", "recall", "all", 2, 2, 1.0, 0.6, 1.0, 2, "gamma over mice"],
        ["all", "recall", "0-30 mm3", 0, 0, NAN, NAN, NAN, 0, "none"],
        ["all", "recall", "30-100 mm3", 1, 2, 0.5, NAN, NAN, 2, "none"],
        ["all", "false lesions per scan", "over 10 mm3", 1, 2, 0.5, 0.03, 2.4, 2, "gamma over mice"],
        ["Dataset 1", "recall", "all", 2, 2, 1.0, 0.6, 1.0, 2, "gamma over mice"],
    ]
    detection = ["dataset", "measure", "group", "count", "total", "value", "low", "high", "n_mice", "method"]
    lesions = [*KEY, "volume_mm3", "distance_mm", "counted"]
    limits = {"n_tumors": 2, "n_mice": 2, "missed": 0, "ratio": 1.4, "limit_low": 0.5, "limit_high": 4.0, "icc": 0.7}
    bounds = {f"{name}_{end}": NAN for name in ("ratio", "limit_low", "limit_high", "icc") for end in ("low", "high")}
    table4 = {"dataset": "Dataset 1", "dice_AB_mean": 0.85, "dice_AB_std": 0.07, "scans": 2, "dice_source_mean": 0.675}
    table4 |= {"dice_source_std": 0.25, "dice_source_A_mean": 0.65, "dice_source_A_std": 0.35}
    return {
        "verdict": verdict_table(),
        "scans": scan_table(),
        "tumors": tumor_table(),
        "detection": pd.DataFrame(found, columns=detection),
        "false_lesions": pd.DataFrame([["Dataset 1", "M02", "0d", 0.0, 50.0, 12.0, True]], columns=lesions),
        "left_out": pd.DataFrame(columns=[*KEY, "reason"]),
        "summary": summary_table(),
        "volume_agreement": pd.DataFrame([{"against": name, **limits, **bounds} for name in ("A", "B", "annotators")]),
        "table4": pd.DataFrame([table4]),
    }


def evaluated(**changes: Any) -> SourceEvaluation:
    """Return the evaluation, some of it changed."""
    values: dict[str, Any] = {
        "name": "net",
        "kind": "model",
        "outcome": "not within human variability",
        "sentence": "net is not within human variability, on 12 mice: its volumes are 1.200 times theirs",
        "annotators": ("A", "B"),
        "training_known": True,
        "williams": 0.94,
        "tables": evaluation_tables(),
    }
    return SourceEvaluation(**(values | changes))


def calibrated(**changes: Any) -> Calibrated:
    """Return a calibration of 20 mice in two classes, the second with too few."""
    classes = pd.DataFrame(
        {
            "low_mm3": [0.0, 100.0],
            "high_mm3": [100.0, math.inf],
            "factor": [1.5, NAN],
            "n_mice": [15, 5],
            "n_tumors": [15, 6],
        }
    )
    values: dict[str, Any] = {"coverage": 0.9, "classes": classes, "mice": 20, "tumors": 21, "missed": 3, "false": 2}
    return Calibrated(**(values | {"study": "my study"} | changes))


def texts(view: TableView) -> dict[str, list[str]]:
    """Return the cells of a table as text, by the name of the row."""
    assert all(len(row.cells) == len(view.head) - 1 for row in view.rows)
    return {row.name: [cell.text for cell in row.cells] for row in view.rows}


def boxes() -> SourceView:
    """Return a view of 4 x 5 x 6 voxels of 1 mm: A and B mark 2 x 2 x 2, the source 2 x 2 of them and 3 others."""
    agreed, drawn = (np.zeros((4, 5, 6), np.uint8) for _ in range(2))
    agreed[1:3, 1:3, 1:3] = 1
    drawn[1, 1:3, 1:3] = 1
    drawn[2, 4, 0:3] = 1
    masks = {"A": agreed, "B": agreed}
    return view_source(None, ("net", drawn), masks, spacing_mm=(1.0, 1.0, 1.0), styles=line_styles("AB"))


def worst_case() -> WorstCase:
    """Return the second scan with its picture."""
    return WorstCase("Dataset 1", "M02_0d", 0.5, 0.8, boxes())
