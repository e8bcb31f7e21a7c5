"""Write the tables of an evaluation and its verdict."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from murinoma import published
from murinoma.files.tables import write_table
from murinoma.files.versioned import write_versioned
from murinoma.numerics.verdict import Verdict
from murinoma.pages.paper_tables import table4
from murinoma.settings import EvaluateSettings
from murinoma.steps import Done, finite
from murinoma.steps.evaluate.rows import left_out_table, lesion_table, scan_table, tumor_table
from murinoma.steps.evaluate.sources import Source
from murinoma.steps.evaluate.statistics import detection_table, summary_table, volume_table
from murinoma.steps.evaluate.words import VERDICT, sentence_of, verdict_content, verdict_of, verdict_table
from murinoma.study import Scan

Table = pd.DataFrame
LeftOut = Sequence[tuple[Scan, str]]
SOURCE_COLUMNS = {"dice_source": "dice_annotators", "fleiss_kappa_with_source": "fleiss_kappa_with_source"}


def write_evaluation(
    folder: Path, source: Source, annotators: Sequence[str], done: Done, left_out: LeftOut, settings: EvaluateSettings
) -> tuple[Table, Table, Verdict]:
    """Write all files of an evaluation; return the tables of scans and tumors, and the verdict."""
    scans, tumors = scan_table(done, annotators), tumor_table(done, annotators)
    summary = summary_table(scans, tumors, settings)
    verdict = verdict_of(scans, tumors, settings.seed)
    tables = {
        "scans": scans,
        "tumors": tumors,
        "false_lesions": lesion_table(done, settings),
        "left_out": left_out_table(left_out),
        "detection": detection_table(scans, tumors, settings),
        "summary": summary,
        "volume_agreement": volume_table(tumors, annotators, settings.seed),
        "table4": source_table4(scans, annotators),
        "verdict": verdict_table(verdict),
    }
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
    about = _about(source, annotators, scans, left_out) | {"williams_index": _williams(summary)}
    content = verdict_content(verdict, sentence_of(verdict, source.name, annotators), about)
    write_versioned(content, folder / "verdict.json", kind=VERDICT)
    return scans, tumors, verdict


def _about(source: Source, annotators: Sequence[str], scans: Table, left_out: LeftOut) -> dict[str, Any]:
    card = source.card
    return {
        "source": source.name,
        "kind": source.kind,
        "annotators": list(annotators),
        "scans": len(scans),
        "left_out": len(left_out),
        "training_known": source.kind == "annotator" or card is not None,
        "weights": list(card.weights) if card is not None else [],
    }


def _williams(summary: Table) -> float | None:
    rows = summary[(summary["by"] == "all") & (summary["measure"] == "williams_index")]
    return finite(float(rows["mean"].iloc[0]))


def source_table4(scans: Table, annotators: Sequence[str]) -> Table:
    """Return Table 4 over the judged scans with the source as further columns.

    ``dice_source`` is the mean of its Dice with every annotator; ``fleiss_kappa_with_source`` counts it as one more.
    """
    known = published.published_datasets(zip(scans["dataset"], scans["mouse"], scans["time"], strict=True))
    table = table4(scans, annotators, known)
    columns = SOURCE_COLUMNS | {f"dice_source_{name}": f"dice_{name}" for name in annotators}
    grouped = scans.groupby("dataset", sort=False)
    for short, column in columns.items():
        for measure, values in (("mean", grouped[column].mean()), ("std", grouped[column].std())):
            table[f"{short}_{measure}"] = values.reindex(table["dataset"]).to_numpy()
    return table
