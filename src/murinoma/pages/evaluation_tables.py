"""A source against the annotators, as the report shows it: Dice and distances, Table 4, detection, volumes."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from murinoma.pages.cells import NOTHING, Cell, Column, Row, TableView, fixed, from_to, pair_names
from murinoma.pages.evaluation_content import SourceEvaluation
from murinoma.pages.evaluation_verdict import percent
from murinoma.pages.statistics_tables import ICC, MISSED, RATIOS

NO_MEAN = "there is no value: too few mice for an interval, or nothing to compare"
COUNTS = (Column("Tumors, n", "n_tumors", digits=0), Column("Mice, n", "n_mice", digits=0))
WORST = (
    Column("Dice with the annotators", "dice_annotators"),
    Column("Theirs with one another", "human_dice"),
    Column("Volume (cm³)", "source_volume_cm3"),
    Column("Annotators’ mean volume (cm³)", "annotators_volume_cm3"),
    Column("Tumors found", "tumors_found", digits=0),
    Column("of", "tumors", digits=0),
    Column("False lesions", "false_lesions", digits=0),
)
GROUPS = (
    ("dataset", "scan", "By dataset", "Dataset"),
    ("size", "tumor", "By size of the tumor (annotators’ mean volume)", "Size"),
    ("day", "scan", "By day", "Day"),
)
DISTANCES = (("dice", 3), ("surface_dice", 3), ("hd95_mm", 2))


@dataclass(frozen=True, eq=False)
class Means:
    """The means of ``summary.csv`` with their intervals."""

    table: pd.DataFrame

    def row(self, measure: str, by: str = "all", group: str = "all", unit: str = "scan") -> Mapping[Any, Any]:
        """Return the row of a mean; an empty one where there is none."""
        found = self.table[
            (self.table["by"] == by)
            & (self.table["group"] == group)
            & (self.table["unit_of"] == unit)
            & (self.table["measure"] == measure)
        ]
        return {} if found.empty else found.iloc[0].to_dict()

    def cell(self, measure: str, digits: int, *where: str) -> Cell:
        """Return a mean with its interval; `where` is as in `row`."""
        return _mean_cell(self.row(measure, *where), digits)

    def factor(self, measure: str, *where: str) -> Cell:
        """Return the mean of a logarithm as a factor, with its interval."""
        row = self.row(measure, *where)
        return _mean_cell({name: math.exp(row[name]) for name in ("mean", "low", "high") if name in row}, 3)

    def groups(self, by: str, unit: str) -> list[str]:
        """Return the groups that means are given for, in order."""
        rows = self.table[(self.table["by"] == by) & (self.table["unit_of"] == unit)]
        return [str(name) for name in rows["group"].unique()]

    def methods(self) -> str:
        """Return how intervals were made, and where there is none, as a sentence."""
        found = self.table.dropna(subset=["low"])["method"].unique()
        made = f" ({'; '.join(map(str, found))})" if len(found) else ": none here, fewer than five mice"
        return f"Second line: 95 % interval of the mean over mice{made}."


def _mean_cell(row: Mapping[Any, Any], digits: int) -> Cell:
    return Cell(fixed(row.get("mean"), digits), interval=from_to(row.get("low"), row.get("high"), digits))


# Dice and distances


def distances_view(source: SourceEvaluation) -> TableView:
    """Return how far the source is from each annotator and from the consensus, with the annotators among themselves."""
    means = Means(source.tables["summary"])
    rows = [Row(name, _distance_cells(means, suffix)) for name, suffix in _against(source)]
    human = [means.cell(f"human_{measure}", digits) for measure, digits in DISTANCES]
    rows.insert(len(source.annotators) + 1, Row("Annotators with one another", [*human, Cell(""), Cell("")]))
    for name in _left_out_one(source):
        cells = [means.cell(f"human_{measure}_staple_without_{name}", digits) for measure, digits in DISTANCES]
        rows.append(Row(f"{name} vs. STAPLE of the others", [*cells, Cell(""), Cell("")]))
    notes = [
        "Surface Dice: share of both surfaces within one voxel of the other. Volumes of whole scans: the source minus, "
        "and divided by (geometric mean), what it is compared with.",
        means.methods(),
        "STAPLE and majority are made of all annotators who judge; ‘without A’ is what A itself can be held against.",
    ]
    head = ["Masks", "Dice", "Surface Dice", "95 % Hausdorff (mm)", "Volume difference (cm³)", "Volume ratio"]
    return TableView(f"{source.name} against every annotator.", head, rows, notes, gap=NO_MEAN, long_names=True)


def _against(source: SourceEvaluation) -> Iterator[tuple[str, str]]:
    """Yield what the source is compared with, as it is shown and as columns end."""
    yield from ((f"{source.name} vs. {name}", name) for name in source.annotators)
    yield f"{source.name}, mean of these", "annotators"
    yield from ((f"{source.name} vs. {name}", key) for name, key in (("STAPLE", "staple"), ("majority", "majority")))
    yield from ((f"{source.name} vs. STAPLE without {one}", f"staple_without_{one}") for one in _left_out_one(source))


def _left_out_one(source: SourceEvaluation) -> list[str]:
    return [name for name in source.annotators if f"dice_staple_without_{name}" in source.tables["scans"]]


def _distance_cells(means: Means, suffix: str) -> list[Cell]:
    cells = [means.cell(f"{measure}_{suffix}", digits) for measure, digits in DISTANCES]
    return [*cells, means.cell(f"volume_error_cm3_{suffix}", 3), means.factor(f"volume_log_ratio_{suffix}")]


def table4_with_source_view(source: SourceEvaluation) -> TableView:
    """Return Table 4 over the judged scans with the source as further columns."""
    columns, means = _table4_columns(source), Means(source.tables["summary"])
    rows = []
    for row in source.tables["table4"].to_dict("records"):
        dataset = str(row["dataset"])
        ends = [means.row(measure, "dataset", dataset) for _, measure in columns]
        intervals = [from_to(found.get("low"), found.get("high"), 3) for found in ends]
        cells = [replace(column.cell(row), interval=text) for (column, _), text in zip(columns, intervals, strict=True)]
        rows.append(Row(dataset, [*cells, Cell(fixed(row["scans"], 0))]))
    head = ["Dataset", *(column.head for column, _ in columns), "Scans, n"]
    notes = ["Mean ± standard deviation over the judged scans.", means.methods()]
    return TableView(f"Table 4 with {source.name} as a further column.", head, rows, notes, gap=NO_MEAN)


def _table4_columns(source: SourceEvaluation) -> list[tuple[Column, str]]:
    """Return the columns of Table 4, and the measure that each is the mean of: the annotators, then the source."""
    name, between = source.name, "" if max(map(len, source.annotators), default=1) == 1 else "_"
    named = [
        (f"Dice {pair}", f"dice_{a}{between}{b}", f"dice_{a}_{b}")
        for (a, b), pair in pair_names(source.annotators).items()
    ]
    named += [(f"Dice {name} vs. {one}", f"dice_source_{one}", f"dice_{one}") for one in source.annotators]
    named.append((f"Dice {name}, mean", "dice_source", "dice_annotators"))
    named.append(("Fleiss’ kappa", "fleiss_kappa", "fleiss_kappa"))
    named.append((f"with {name}", "fleiss_kappa_with_source", "fleiss_kappa_with_source"))
    return [(Column(head, f"{short}_mean", f"{short}_std"), measure) for head, short, measure in named]


def group_views(source: SourceEvaluation) -> Iterator[TableView]:
    """Yield the means by dataset, by size and by day; where there is but one group it says no more than the whole."""
    means = Means(source.tables["summary"])
    for by, unit, caption, name in GROUPS:
        rows = [Row(with_units(group), _group_cells(means, by, group, unit)) for group in means.groups(by, unit)]
        if len(rows) > 1:
            head = [name, "Dice", "Annotators with one another", "Difference", "Surface Dice", "95 % Hausdorff (mm)"]
            head += ["Volume ratio", f"{unit.capitalize()}s, n", "Mice, n"]
            yield TableView(f"{caption}: {source.name}.", head, rows, [means.methods()], gap=NO_MEAN)


def _group_cells(means: Means, by: str, group: str, unit: str) -> list[Cell]:
    where = (by, group, unit)
    digits = {"dice_annotators": 3, "human_dice": 3, "dice_difference": 3, "surface_dice_annotators": 3}
    cells = [means.cell(measure, places, *where) for measure, places in digits.items()]
    counts = means.row("dice_annotators", *where)
    cells += [means.cell("hd95_mm_annotators", 2, *where), means.factor("volume_log_ratio_annotators", *where)]
    return [*cells, Cell(fixed(counts.get("n"), 0)), Cell(fixed(counts.get("n_mice"), 0))]


def with_units(group: str) -> str:
    """Return the name of a size class as people read it.

    Examples
    --------
    >>> with_units("30-100 mm3")
    '30–100 mm³'
    """
    return group.replace("mm3", "mm³").replace("-", "\N{EN DASH}") if "mm3" in group else group


# Detection


def detection_view(source: SourceEvaluation) -> TableView:
    """Return the tumors found by size class, and the false lesions per scan, each with its bounds."""
    table = source.tables["detection"]
    rows = []
    for row in table[(table["dataset"] == "all") & (table["total"] > 0)].to_dict("records"):
        is_recall = row["measure"] == "recall"
        name = "Tumors of all sizes" if row["group"] == "all" else with_units(str(row["group"]))
        shown = [percent(row[key]) if is_recall else fixed(row[key], 2) for key in ("value", "low", "high")]
        counts = f"{fixed(row['count'], 0)} {'of' if is_recall else 'in'} {fixed(row['total'], 0)}"
        interval = "" if NOTHING in shown[1:] else f"{shown[1]} to {shown[2]}"
        cells = [Cell(counts), Cell(shown[0], interval=interval), Cell(fixed(row["n_mice"], 0))]
        rows.append(Row(name.capitalize() if is_recall else "False lesions over 10 mm³, in scans", cells))
    notes = [
        "A tumor is one that more than half of the annotators marked; it is found if its Dice with their majority is "
        "0.1 or more. Of a false lesion nobody marked any voxel. Second tumor: not the largest of its scan. Left out: "
        "sizes that no tumor has.",
        "Second line: the lower and the upper bound, each of 95 %, with the mouse as unit; none under five mice.",
        *_false_sentences(source),
    ]
    head = ["What", "Count", "Share, or per scan", "Mice, n"]
    gap = "there is none to find, or no value"
    return TableView(f"Tumors found and false lesions: {source.name}.", head, rows, notes, gap=gap, long_names=True)


def _false_sentences(source: SourceEvaluation) -> Iterator[str]:
    lesions = source.tables["false_lesions"]
    counted = lesions[lesions["counted"].astype(bool)]
    if counted.empty:
        return
    near = counted["distance_mm"].dropna()
    far = f", {fixed(near.median(), 1)} mm from the nearest tumor in the median" if len(near) else ""
    yield f"The false lesions have {fixed(counted['volume_mm3'].median(), 0)} mm³ in the median{far}."


def worst_source_view(source: SourceEvaluation, listed: int) -> TableView:
    """Return the scans with the lowest Dice with the annotators."""
    scans = worst_scans(source.tables["scans"])
    rows = [
        Row(f"{row['dataset']} {row['mouse']}_{row['time']}", [column.cell(row) for column in WORST])
        for row in scans.head(listed).to_dict("records")
    ]
    more = len(scans) - len(rows)
    notes = [f"{more} more stand in scans.csv of the evaluation."] if more else ["These are all scans with a Dice."]
    caption = f"Scans by their Dice with the annotators, the lowest first: {source.name}."
    return TableView(caption, ["Scan", *(column.head for column in WORST)], rows, notes, long_names=True)


def worst_scans(scans: pd.DataFrame) -> pd.DataFrame:
    """Return the scans with a Dice with the annotators, the lowest first."""
    return scans.dropna(subset=["dice_annotators"]).sort_values("dice_annotators", kind="stable")


# Volumes


def source_limits_view(source: SourceEvaluation) -> TableView:
    """Return how the volumes of the source compare with those of each annotator, and with their mean."""
    columns = (*RATIOS, ICC, *COUNTS, MISSED)
    rows = [
        Row(volume_pair(source.name, str(row["against"])), [column.cell(row) for column in columns])
        for row in source.tables["volume_agreement"].to_dict("records")
    ]
    notes = [
        "Between the limits lie 95 % of the ratios, source divided by annotator, of tumors that both marked.",
        "Second line: 95 % interval, with the mouse as random effect.",
    ]
    head = ["Volumes", "Ratio", *(column.head for column in columns[1:])]
    caption = f"Limits of agreement of the volumes: {source.name}."
    return TableView(caption, head, rows, notes, gap=NO_MEAN)


def volume_pair(source: str, against: str) -> str:
    """Return which volumes are compared, for people."""
    return f"{source} / {'annotators’ mean' if against == 'annotators' else against}"
