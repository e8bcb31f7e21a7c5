"""The tables of scans, tumors and false lesions, from the results of the scans."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from murinoma.errors import StudyError
from murinoma.numerics.verdict import volume_log_ratio
from murinoma.settings import EvaluateSettings
from murinoma.steps import Done, key_columns
from murinoma.steps.evaluate.compare import SCORES, against_names
from murinoma.study import Scan

Table = pd.DataFrame
KEY = ["dataset", "mouse", "time", "hours"]
LESION_COLUMNS = [*KEY, "volume_mm3", "distance_mm", "counted"]
LEFT_OUT_COLUMNS = [*KEY, "reason"]


def scan_table(done: Done, annotators: Sequence[str]) -> Table:
    """Return ``scans.csv``, a row per judged scan; empty where an annotator did not see it."""
    rows = [{**key_columns(scan), **result["scan"]} for scan, result in done]
    return _numeric(Table(rows, columns=scan_columns(annotators)))


def tumor_table(done: Done, annotators: Sequence[str]) -> Table:
    """Return ``tumors.csv``, a row per tumor of a judged scan; 0 cm3 for whoever missed it."""
    rows = [{**key_columns(scan), **tumor} for scan, result in done for tumor in result["tumors"]]
    table = _numeric(Table(rows, columns=tumor_columns(annotators)))
    volumes = table[[f"volume_cm3_{name}" for name in annotators]].to_numpy(np.float64)
    return table.assign(
        volume_log_ratio_leave_one_out=volume_log_ratio(table["volume_cm3_source"].to_numpy(np.float64), volumes)
    )


def _numeric(table: Table) -> Table:
    """Return a table in which what is missing from a column of numbers is NaN, also where all of it is."""
    texts = {"dataset", "mouse", "time"}
    return table.astype(
        {name: np.float64 for name in table.columns if name not in texts and table[name].dtype == object}
    )


def lesion_table(done: Done, settings: EvaluateSettings) -> Table:
    """Return ``false_lesions.csv``, a row per lesion of the source that nobody marked any of."""
    rows = [
        {
            **key_columns(scan),
            "volume_mm3": volume,
            "distance_mm": distance,
            "counted": volume > settings.false_mm3,
        }
        for scan, result in done
        for volume, distance in result["false"]
    ]
    return Table(rows, columns=LESION_COLUMNS)


def left_out_table(left_out: Sequence[tuple[Scan, str]]) -> Table:
    """Return ``left_out.csv``, a row per scan that is not judged, with the reason."""
    rows = [{**key_columns(scan), "reason": reason} for scan, reason in left_out]
    return Table(rows, columns=LEFT_OUT_COLUMNS)


def scan_columns(annotators: Sequence[str]) -> list[str]:
    """Return the columns of ``scans.csv``."""
    pairs = [f"dice_{a}_{b}" for a, b in combinations(annotators, 2)]
    consensus = ["staple_volume_cm3", "majority_volume_cm3"] if len(annotators) > 1 else []
    volumes = ["source_volume_cm3", "annotators_volume_cm3", *consensus]
    counts = ["tumors", "tumors_found", "tumors_disputed", "false_lesions", "false_cm3", "false_distance_mm"]
    kappas = ["fleiss_kappa", "fleiss_kappa_with_source"]
    return [*KEY, "n_annotators", "n_voxels", *score_columns(annotators), *pairs, *kappas, *volumes, *counts]


def tumor_columns(annotators: Sequence[str]) -> list[str]:
    """Return the columns of ``tumors.csv`` that a result holds."""
    volumes = [*(f"volume_cm3_{name}" for name in annotators), "volume_cm3_mean", "volume_cm3_source"]
    about = ["tumor", "n_annotators", "agreed", "second", "found"]
    return [*KEY, *about, *volumes, *score_columns(annotators), "human_volume_log_sd"]


def score_columns(annotators: Sequence[str]) -> list[str]:
    """Return the columns of all scores: of the source against each mask, then of the annotators among themselves."""
    against = [*against_names(list(annotators)), "annotators"]
    measures = [*SCORES, "volume_error_cm3", "volume_log_ratio"]
    without = [f"_staple_without_{name}" for name in annotators] if len(annotators) > 2 else []
    human = [f"human_{measure}{name}" for measure in SCORES for name in ["", *without]]
    return [*(f"{measure}_{name}" for measure in measures for name in against), *human, "dice_difference"]


def check_names(annotators: Sequence[str]) -> None:
    """Refuse names of annotators with which two columns would be one: ``staple``, or A, B and A_B.

    Raises
    ------
    StudyError
        Naming the column.
    """
    for columns in (scan_columns(annotators), tumor_columns(annotators)):
        shared = [name for name, count in Counter(columns).items() if count > 1]
        if shared:
            raise StudyError(
                f"the annotators {', '.join(annotators)} give two columns the name {shared[0]}; rename one"
            )
