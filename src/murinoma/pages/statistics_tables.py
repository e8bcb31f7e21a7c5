"""The tables beyond the paper's: limits of agreement, surfaces, tumor size, and every scan with the worst first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Column, Intervals, Row, TableView, fixed, mean_and_std, pair_names
from murinoma.pages.printed_notes import PAPER_QUALITY
from murinoma.pages.report_tables import ReportTables, n_mice

NO_INTERVAL = "there is no value: fewer than five mice, no tumor that both marked, or nothing to compare with"
RATIOS = (
    Column("Volume ratio, first / second", "ratio", low="ratio_low", high="ratio_high"),
    Column("Lower limit", "limit_low", low="limit_low_low", high="limit_low_high"),
    Column("Upper limit", "limit_high", low="limit_high_low", high="limit_high_high"),
)
MISSED = Column("Missed by one, n", "missed", digits=0)
ICC = Column("ICC(A,1)", "icc", low="icc_low", high="icc_high")
COUNTS = (Column("Tumors, n", "n_tumors", digits=0), Column("Mice, n", "n_mice", digits=0))
SURFACE = {
    "surface_dice": ("Surface Dice", 3),
    "hd95_mm": ("95 % Hausdorff distance (mm)", 2),
}
SIZES = (
    Column("Tumor volume (cm³)", "volume_cm3"),
    Column("Mean Dice", "dice_mean"),
    Column("Difference (cm³)", "difference_cm3"),
    Column("Difference (%)", "difference_percent", digits=1),
    Column("Expected from size (%)", "expected_percent", digits=1),
    Column("Difference / expected", "ratio", digits=2, low="ratio_low", high="ratio_high"),
    *COUNTS,
)
EXPECTED, SMALLER, LARGER, TOO_FEW = (
    "as expected from tumor size",
    "smaller than expected from tumor size",
    "larger than expected from tumor size",
    "too few mice to say",
)
LEAST_SHARED = 0.5  # of a dataset's tumors have the size of tumors elsewhere; else what is expected is a guess
OTHER_SIZES = "no tumors of such sizes in other datasets"
ALONE = "no other dataset to compare with"


def limits_view(tables: ReportTables) -> TableView | None:
    """Return how the volumes of each pair of annotators compare; nothing before agree wrote it."""
    table = tables.volume_agreement
    if table is None:
        return None
    rows = [
        Row(
            "All" if row["a"] == "all" else f"{row['a']} vs. {row['b']}",
            [column.cell(row) for column in (*RATIOS, ICC, *COUNTS, MISSED)],
        )
        for row in table.to_dict("records")
    ]
    notes = [
        "Between the limits lie 95 % of the ratios of two annotators, of tumors that both marked.",
        "ICC(A,1): share of the variance of the log volume that is the tumors’ own, for a single annotator.",
        "Second line: 95 % interval, with the mouse as random effect.",
    ]
    head = ["Annotators", *(column.head for column in (*RATIOS, ICC, *COUNTS, MISSED))]
    return TableView("Limits of agreement of the volumes.", head, rows, notes, gap=NO_INTERVAL)


def surface_view(tables: ReportTables) -> TableView | None:
    """Return how far the outlines of each pair of annotators run apart; nothing before agree wrote it."""
    pairs, scans = pair_names(tables.annotators), tables.scans
    if not all(f"{measure}_{a}_{b}" in scans for measure in SURFACE for a, b in pairs):
        return None
    rows = []
    for (a, b), name in pairs.items():
        columns = {f"{measure}_{a}_{b}": digits for measure, (_, digits) in SURFACE.items()}
        cells = [_mean_cell(scans, column, digits, tables.intervals) for column, digits in columns.items()]
        known = scans.dropna(subset=list(columns))
        rows.append(Row(name, [*cells, Cell(str(len(known))), Cell(str(n_mice(known)))]))
    measures = [f"{measure}_{a}_{b}" for measure in SURFACE for a, b in pairs]
    notes = [
        "Mean ± standard deviation over scans. Surface Dice: share of both surfaces within one voxel of the other. "
        "95 % Hausdorff distance: 95 % of each surface lie within it of the other.",
        *tables.intervals.notes(["all"], measures),
    ]
    head = ["Annotators", *(head for head, _ in SURFACE.values()), "Scans, n", "Mice, n"]
    return TableView("Distances between the surfaces.", head, rows, notes)


def _mean_cell(scans: pd.DataFrame, column: str, digits: int, intervals: Intervals) -> Cell:
    cell = Cell(mean_and_std(scans[column].mean(), scans[column].std(), digits))
    return intervals.beside(cell, "all", column, digits)


def size_view(tables: ReportTables) -> TableView | None:
    """Return whether the differences of each dataset are what its tumors' sizes explain; nothing before agree."""
    table = tables.size_trend
    if table is None:
        return None
    rows = [
        Row(str(row["dataset"]), [*(column.cell(row) for column in SIZES), Cell(size_verdict(row), css="words")])
        for row in table.to_dict("records")
    ]
    notes = [
        "Differences are means over pairs of annotators, of tumors that both marked; volumes are geometric means. "
        "Expected: what the law of error and volume in the other datasets gives for tumors of these volumes. "
        "Second line: 95 % interval over mice.",
        *_quality_notes(tables),
    ]
    head = ["Dataset", *(column.head for column in SIZES), "What the data say"]
    return TableView("Volume differences and tumor size.", head, rows, notes, gap=NO_INTERVAL)


def size_verdict(row: Mapping[Any, Any]) -> str:
    """Return whether the differences are as expected from size: the interval of the ratio holds 1, or it does not."""
    if pd.isna(row["expected_percent"]):
        return ALONE
    if row.get("sizes_shared", 1.0) < LEAST_SHARED:
        return OTHER_SIZES
    if pd.isna(row["ratio_low"]) or pd.isna(row["ratio_high"]):
        return TOO_FEW
    return LARGER if row["ratio_low"] > 1 else SMALLER if row["ratio_high"] < 1 else EXPECTED


def size_sentences(tables: ReportTables) -> list[str]:
    """Return one sentence per dataset, whether its volume differences are what the size of its tumors explains."""
    if tables.size_trend is None:
        return []
    return [_size_sentence(row) for row in tables.size_trend.to_dict("records")]


def _size_sentence(row: Mapping[Any, Any]) -> str:
    mice = f"{fixed(row['n_mice'], 0)} {'mouse' if row['n_mice'] == 1 else 'mice'}"
    found, verdict = f"{row['dataset']}: differences of {fixed(row['difference_percent'], 1)} %", size_verdict(row)
    if verdict == ALONE:
        return f"{found}; there is {verdict} ({mice})."
    said = f"{found}, {fixed(row['expected_percent'], 1)} % expected"
    if verdict == OTHER_SIZES:
        return f"{said}, but there are {verdict} ({mice})."
    if verdict == TOO_FEW:
        return f"{said}; {verdict} more ({mice})."
    low, high = fixed(row["ratio_low"], 2), fixed(row["ratio_high"], 2)
    return f"{said}; {verdict} (ratio {fixed(row['ratio'], 2)}, {low} to {high}; {mice})."


def _quality_notes(tables: ReportTables) -> Iterator[str]:
    """Yield what the data say about the paper's explanation, where the study is the published one."""
    if tables.size_trend is None or "published_year" not in tables.table1:
        return
    verdicts = {row["dataset"]: size_verdict(row) for row in tables.size_trend.to_dict("records")}
    named = [name for name in PAPER_QUALITY if name in verdicts]
    if not named:
        return
    yield f"The paper puts the smaller scatter of volume differences in {_listed(named)} down to better images."
    for verdict, what in (
        (EXPECTED, "the size of the tumors explains it"),
        (SMALLER, "the differences are smaller than size explains, which fits better images"),
        (LARGER, "relative to size the differences are larger, which does not fit better images"),
        (OTHER_SIZES, "no other dataset has tumors of such sizes"),
        (TOO_FEW, "there are too few mice to tell"),
    ):
        found = [name for name in named if verdicts[name] == verdict]
        if found:
            yield f"In {_listed(found)} {what}."


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def worst_first(scans: pd.DataFrame) -> pd.DataFrame:
    """Return the scans with a mean Dice, the lowest first."""
    return scans.dropna(subset=["dice_mean"]).sort_values("dice_mean", kind="stable")


def worst_view(tables: ReportTables, listed: int) -> TableView:
    """Return the scans with the lowest mean Dice as they are shown, as many as are listed."""
    pairs, scans = pair_names(tables.annotators), worst_first(tables.scans)
    rows = [Row(_scan_name(row), _worst_cells(row, pairs)) for row in scans.head(listed).to_dict("records")]
    more, without = len(scans) - len(rows), len(tables.scans) - len(scans)
    notes = [f"{more} more stand in scans.csv." if more else "These are all scans with a mean Dice."]
    if without:
        notes.append(f"Scans in which no Dice is defined, because masks are empty: {without}.")
    head = ["Scan", "Mean Dice", "Lowest pair", "Fleiss’ kappa", "Annotators"]
    return TableView("Scans by mean Dice, the lowest first.", head, rows, notes, long_names=True)


def _scan_name(row: Mapping[Any, Any]) -> str:
    return f"{row['dataset']} {row['mouse']}_{row['time']}"


def _worst_cells(row: Mapping[Any, Any], pairs: Mapping[tuple[str, str], str]) -> list[Cell]:
    return [
        Cell(fixed(row["dice_mean"], 3)),
        Cell(lowest_pair(row, pairs)),
        Cell(fixed(row["fleiss_kappa"], 3)),
        Cell(fixed(row["n_annotators"], 0)),
    ]


def lowest_pair(row: Mapping[Any, Any], pairs: Mapping[tuple[str, str], str]) -> str:
    """Return the pair of annotators that agrees least in a scan, such as ``0.512 (A vs. C)``."""
    dice = {name: row[f"dice_{a}_{b}"] for (a, b), name in pairs.items() if pd.notna(row[f"dice_{a}_{b}"])}
    if not dice:
        return NOTHING
    name = min(dice, key=lambda pair: dice[pair])
    return f"{fixed(dice[name], 3)} ({name})"
