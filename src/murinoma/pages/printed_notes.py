"""What is known of the published study's printed tables: where the files say something else, and why."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.pages.cells import PUBLISHED, fixed
from murinoma.pages.paper_tables import BETWEEN

PRINTED_LACKS = {"Dataset 2": "M14: 8d", "Dataset 6": "M03: 0d", "Dataset 10": "M07: 13d; M25: 13d"}
MM3_PER_CM3 = 1000
PAPER_QUALITY = ("Dataset 4", "Dataset 6", "Dataset 9", "Dataset 10")  # the paper: better images, so less scatter


def table1_notes(table: pd.DataFrame) -> Iterator[str]:
    """Yield what a reader of the published study's Table 1 has to know."""
    if f"{PUBLISHED}volume_mean_cm3" not in table:
        return
    present = set(table["dataset"])
    catalogue = published.catalogue()
    volumes = catalogue.groupby("dataset")["staple_volume_mm3"].agg(["mean", "max"]) / MM3_PER_CM3
    printed = table.set_index("dataset")
    for dataset, what, of_files in (("Dataset 5", "mean", "mean"), ("Dataset 3", "maximum", "max")):
        if dataset in present:
            in_print = printed.loc[dataset, f"{PUBLISHED}volume_{of_files}_cm3"]
            yield (
                f"{dataset}: the published consensus masks have a {what} of {_volume(volumes, dataset, of_files)} cm³, "
                f"the paper prints {fixed(in_print, 3)}; elsewhere a consensus and the mean of annotators "
                "differ less."
            )
    if "Dataset 10" in present:
        yield "Dataset 10: two tumors per mouse are the rule; M07 on 0d has one."


def _volume(volumes: pd.DataFrame, dataset: str, which: str) -> str:
    return fixed(volumes.loc[dataset, which], 3)


def table2_notes(table: pd.DataFrame) -> Iterator[str]:
    """Yield which scans lie at other times, and what a reader of the published study's Table 2 has to know."""
    others = [f"{row['dataset']} {row['other_scans']}" for row in table.to_dict("records") if row["other_scans"]]
    if others:
        yield f"Scans at other times: {BETWEEN.join(others)}."
    if f"{PUBLISHED}missing" not in table:
        return
    absent = [f"{name} {PRINTED_LACKS[name]}" for name in table["dataset"] if name in PRINTED_LACKS]
    if absent:
        yield (
            f"The printed table leaves out {BETWEEN.join(absent)}: these scans are not among the published files, "
            "and without them the numbers of scans are those of Table 1."
        )
    if "Dataset 10" in set(table["dataset"]):
        yield "It says 3d for Dataset 10, whose folders say 13d."


def table3_notes(table3: pd.DataFrame) -> Iterator[str]:
    """Yield what a reader of the published study's Table 3 has to know."""
    if f"{PUBLISHED}mean" not in table3:
        return
    (printed,) = table3.loc[(table3["measure"] == "dice") & (table3["group"] == "B-C"), f"{PUBLISHED}std"]
    yield (
        f"The standard deviation printed for the Dice of B vs. C, {fixed(printed, 3)}, does not follow from the "
        f"printed Table 4, which gives {fixed(pooled_std(), 3)}; the means do."
    )


def pooled_std() -> float:
    """Return the standard deviation over all scans that follows from the printed rows for B vs. C of Table 4."""
    n: Any = published.table(1).set_index("dataset")["scans"]
    printed = published.table(4).set_index("dataset")
    mean, std = printed["dice_BC_mean"], printed["dice_BC_std"]
    overall = (n * mean).sum() / n.sum()
    squares = ((n - 1) * std**2 + n * (mean - overall) ** 2).sum()
    return float((squares / (n.sum() - 1)) ** 0.5)
