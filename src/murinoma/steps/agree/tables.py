"""Write the tables of the step: of scans and tumors, the paper's, and the volumes."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from murinoma import published
from murinoma.files.tables import replace_sources, write_table
from murinoma.pages.paper_tables import table1, table3, table4
from murinoma.runs import Failure
from murinoma.steps import Done
from murinoma.steps.agree.repeats import campaign_tables
from murinoma.steps.agree.rows import scan_row, scan_volumes, tumor_columns, tumor_rows
from murinoma.steps.agree.statistics import interval_table, size_tables, volume_table
from murinoma.study import Study

SEED = 2024  # of the resampling: the same tables give the same intervals
Table = pd.DataFrame


def write_tables(study: Study, done: Done, folder: Path) -> tuple[Table, Table, list[str]]:
    """Write all tables of the step and return scans, tumors, and the published datasets that the study holds."""
    pairs = list(combinations(study.annotators, 2))
    by_scan = Table([scan_row(scan, result, pairs) for scan, result in done])
    rows = [row for scan, result in done for row in tumor_rows(scan, result, study.annotators)]
    by_tumor = Table(rows, columns=tumor_columns(study.annotators))
    known = published.published_datasets(scan.key for scan in study.scans)
    years = {name: notes.year for name, notes in study.notes.items() if notes.year is not None}
    write_table(by_scan, folder / "scans.csv")
    write_table(by_tumor, folder / "tumors.csv")
    write_table(table1(by_scan, by_tumor, years, known), folder / "table1.csv")
    write_table(table3(by_scan, by_tumor, study.annotators, known), folder / "table3.csv")
    write_table(table4(by_scan, study.annotators, known), folder / "table4.csv")
    _write_statistics(by_scan, by_tumor, study.annotators, folder)
    volumes = Table([row for scan, result in done for row in scan_volumes(scan, result)])
    replace_sources(volumes, study.volumes_path(), study.annotators)
    return by_scan, by_tumor, known


def _write_statistics(by_scan: Table, by_tumor: Table, annotators: Sequence[str], folder: Path) -> None:
    trend, curve = size_tables(by_scan, by_tumor, annotators)
    write_table(interval_table(by_scan, by_tumor, seed=SEED), folder / "intervals.csv")
    write_table(volume_table(by_tumor, annotators, seed=SEED), folder / "volume_agreement.csv")
    write_table(trend, folder / "size_trend.csv")
    write_table(curve, folder / "size_curve.csv")


def write_campaign(study: Study, folder: Path) -> list[Failure]:
    """Write what a revealed campaign tells about its annotators, and return what could not be read."""
    found = campaign_tables(study)
    if found is None:
        return []
    repeats, annotators, failed = found
    write_table(repeats, folder / "repeats.csv")
    write_table(annotators, folder / "annotators.csv")
    return failed
