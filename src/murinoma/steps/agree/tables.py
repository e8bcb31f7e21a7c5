"""Write the tables of the step: of scans and tumors, the paper's, and the volumes."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from murinoma import published
from murinoma.files.tables import replace_sources, write_table
from murinoma.pages.paper_tables import table1, table3, table4
from murinoma.runs import Result
from murinoma.steps.agree.rows import scan_row, scan_volumes, tumor_columns, tumor_rows
from murinoma.study import Scan, Study

Table = pd.DataFrame
Done = Sequence[tuple[Scan, Result]]


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
    volumes = Table([row for scan, result in done for row in scan_volumes(scan, result)])
    replace_sources(volumes, study.volumes_path(), study.annotators)
    return by_scan, by_tumor, known
