from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma import published
from murinoma.pages.cells import mean_and_std
from murinoma.pages.figures import line_styles, view_scan
from murinoma.pages.paper_tables import table1, table2, table3, table4
from murinoma.pages.report import AcquisitionSheet, MadeWith, ReportContent, ScanPicture, StudyFacts, render_report
from murinoma.pages.report_tables import ReportTables

ALL_DATASETS = [f"Dataset {number}" for number in range(1, 11)]
FACTS = StudyFacts("My study", datasets=1, mice=2, scans=2, annotators=("A", "B", "C"))
FINDING = {"severity": "oddity", "kind": "speck", "scan": "Dataset 1 M01_0d", "message": "4 voxels", "remedy": "erase"}


class Page(HTMLParser):
    """What a reader finds in a page: tables by caption, images, and every address that it points to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.images: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self._caption = ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset", "data")]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag in ("caption", "th", "td"):
            self._open.append(tag)
        if tag == "caption":
            self._caption = ""
        if tag == "tr":
            self.tables[self._caption].append([])
        if tag in ("th", "td"):
            self.tables[self._caption][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close a cell or a caption."""
        if self._open and tag == self._open[-1]:
            self._open.pop()
            if tag == "caption":
                self.tables[self._caption] = []

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if self._open and self._open[-1] == "caption":
            self._caption += data
        elif self._open:
            self.tables[self._caption][-1][-1] += data


def scans_and_tumors(annotators: str = "ABC", datasets: tuple[str, ...] = ("Dataset 1",)) -> tuple[Any, Any]:
    """Return tables as agree writes them: two scans a dataset, Dice 0.9 and 0.8, kappa 0.05 less, volumes 1, 2, 3."""
    scans, tumors = [], []
    for dataset in datasets:
        for mouse, dice in (("M01", 0.9), ("M02", 0.8)):
            key: dict[str, Any] = {"dataset": dataset, "mouse": mouse, "time": "0d", "hours": 0.0}
            pairs = {f"dice_{a}_{b}": dice for a, b in combinations(annotators, 2)}
            kappas = {"fleiss_kappa": dice - 0.05, "fleiss_kappa_box": dice - 0.1}
            scans.append({**key, "n_annotators": len(annotators), **pairs, "dice_mean": dice, **kappas})
            volumes = {f"volume_cm3_{name}": 1.0 + place for place, name in enumerate(annotators)}
            mean = float(np.mean(list(volumes.values())))
            rmse = {"rmse_cm3": 0.5, "rmse_percent": 25.0, "missed_by": None}
            tumors.append({**key, "tumor": 1, **volumes, "volume_cm3_mean": mean, **rmse})
    return pd.DataFrame(scans), pd.DataFrame(tumors)


def tables_of(annotators: str = "ABC", known: tuple[str, ...] = (), findings: tuple[Any, ...] = ()) -> ReportTables:
    """Return the tables of a page; with `known` datasets the published values stand beside."""
    scans, tumors = scans_and_tumors(annotators, known or ("Dataset 1",))
    return ReportTables(
        scans,
        tumors,
        table1(scans, tumors, {}, known),
        table2(scans.assign(voltage_kVp=70, voxel_mm="0.210"), {}, {}, [], known),
        table3(scans, tumors, annotators, known),
        table4(scans, annotators, known),
        pd.DataFrame(findings, columns=list(FINDING)),
    )


def page_of(
    tables: ReportTables,
    facts: StudyFacts = FACTS,
    pictures: tuple[ScanPicture, ...] = (),
    sheets: tuple[AcquisitionSheet, ...] = (),
) -> str:
    """Return the page of some tables."""
    return render_report(ReportContent(facts, tables, MadeWith("1.2.3"), pictures=pictures, sheets=sheets))


def sheet(name: str = "M01_M02_0d", *doubts: str, png: bytes | None = b"picture") -> AcquisitionSheet:
    """Return an acquisition of two mice."""
    path = f"derivatives/split/Dataset 1/{name}.png"
    return AcquisitionSheet("Dataset 1", name, "scan.img", ("M01", "M02"), doubts, path, png)


def picture() -> ScanPicture:
    """Return the picture of one box, without a CT."""
    mask = np.zeros((4, 5, 6), np.uint8)
    mask[1:3, 1:4, 1:4] = 1
    styles = line_styles("ABC")
    view = view_scan(None, {"A": mask, "C": mask}, spacing_mm=(1.0, 1.0, 1.0), slice_index=1, styles=styles)
    return ScanPicture("Dataset 1", "M01_0d", 0.018, "median tumor volume", 0.02, view)


def table_named(page: str, start: str) -> list[list[str]]:
    """Return the rows of the table whose caption starts so."""
    (rows,) = [rows for caption, rows in Page(page).tables.items() if caption.startswith(start)]
    return rows


def test_table_1_shows_the_volumes_as_the_paper_prints_them() -> None:
    """Two tumors of 2 cm3 each: 2.000 ± 0.000, with how many scans, mice and tumors."""
    head, row = table_named(page_of(tables_of()), "Table 1")
    assert row == ["Dataset 1", "2", "2", "1", "2.000 ± 0.000", "2.000", "2.000", "2"]
    assert head[4:7] == ["Volume (cm³)", "Minimum (cm³)", "Maximum (cm³)"]


def test_table_2_has_the_papers_columns_and_those_that_are_known() -> None:
    """70 kVp, 0.210 mm; what nobody recorded is a dash that is explained; a scanner only where one is known."""
    head, row = table_named(page_of(tables_of()), "Table 2")
    assert head[1:] == [
        "Voltage (kVp)",
        "Exposure time (ms)",
        "Current (µA)",
        "Voxel size (mm)",
        "Scan time points",
        "Scans not present at time points",
    ]
    assert row == ["Dataset 1", "70", "–", "–", "0.210", "0d", "none"]
    assert "– means not recorded" in page_of(tables_of())
    tables = tables_of()
    tables.table2["scanner"] = "Inveon"
    assert table_named(page_of(tables), "Table 2")[0][-1] == "Scanner"


def test_scans_at_other_times_are_named_below_table_2() -> None:
    """A scan on day 9 where day 8 was planned is in no column of the paper."""
    tables = tables_of()
    assert "Scans at other times" not in page_of(tables)
    tables.table2["other_scans"] = "M01: 9d"
    assert "Scans at other times: Dataset 1 M01: 9d." in page_of(tables)


def test_table_2_of_the_published_study_stands_beside_the_printed_one() -> None:
    """Printed values stand below ours, with blanks; a repeated list is not printed twice; what differs is explained."""
    tables = tables_of(known=tuple(ALL_DATASETS))
    tables.table2.loc[0, "missing"] = "M11: 22.5h; M12: 22.5h"
    page = page_of(tables)
    first = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in table_named(page, "Table 2")[1]]
    assert first[1] == "70 published 80"
    assert first[4:7] == [
        "0.210 published 0.210",
        "0d published 0h; 3h; 22.5h",
        "M11: 22.5h; M12: 22.5h published the same",
    ]
    assert "Dataset 2 M14: 8d; Dataset 6 M03: 0d; Dataset 10 M07: 13d; M25: 13d" in page
    assert "It says 3d for Dataset 10" in page
    assert "It says 3d" not in page_of(tables_of(known=("Dataset 1",)))


def test_sheets_of_acquisitions_are_folded_in() -> None:
    """A picture with an alternative text, its doubts and file; the summary counts the doubts; others are listed."""
    page = page_of(tables_of(), sheets=(sheet("M01_M02_0d", "two <mice> touch"), sheet("M03_M04_0d", png=None)))
    (image,) = Page(page).images
    assert image["alt"] == "scan.img seen along its three axes, with the windows of M01, M02."
    assert image["src"] == "data:image/png;base64,cGljdHVyZQ=="
    assert "1 doubt</span></summary>" in page
    assert "two &lt;mice&gt; touch" in page
    assert "2 acquisitions were split into one CT per mouse; with a doubt: 1." in page
    assert "1 more acquisition, whose sheet is not in this page" in page
    rows = table_named(page, "The sheets are files")
    assert rows[1] == ["Dataset 1 M03_M04_0d", "none", "derivatives/split/Dataset 1/M03_M04_0d.png"]
    assert 'id="acquisitions"' not in page_of(tables_of())


def test_table_3_has_a_row_per_pair_and_one_for_all() -> None:
    """A minus B is -1 cm3, -50 % of the mean of all; Dice has three decimals, percent one, minus is a true minus."""
    page = page_of(tables_of())
    assert table_named(page, "Table 3. ")[1:] == [
        ["A vs. B", "0.850 ± 0.071", "−1.000 ± 0.000", "−50.0 ± 0.0", "2", "2", "2"],
        ["A vs. C", "0.850 ± 0.071", "−2.000 ± 0.000", "−100.0 ± 0.0", "2", "2", "2"],
        ["B vs. C", "0.850 ± 0.071", "−1.000 ± 0.000", "−50.0 ± 0.0", "2", "2", "2"],
    ]
    assert table_named(page, "Table 3, continued")[1] == [
        "All",
        "0.800 ± 0.071",
        "0.500 ± 0.000",
        "25.0 ± 0.0",
        "2",
        "2",
        "2",
    ]


def test_table_4_has_a_column_per_pair() -> None:
    """Four annotators have six pairs; kappa and the number of scans follow."""
    head, row = table_named(page_of(tables_of("ABCD")), "Table 4")
    assert head[1:] == [
        *(f"Dice {a} vs. {b}" for a, b in combinations("ABCD", 2)),
        "Fleiss’ kappa",
        "Scans, n",
        "Mice, n",
    ]
    assert row == ["Dataset 1", *["0.850 ± 0.071"] * 6, "0.800 ± 0.071", "2", "2"]


def test_a_long_table_is_folded() -> None:
    """Eight annotators have 28 pairs, and their table opens on a click; six have 15, and theirs stands open."""
    folded = "<summary>Table 3. Comparison between pairs of annotators: 28 rows</summary>"
    assert folded in page_of(tables_of("ABCDEFGH"))
    assert "<details>\n<summary>Table 3" not in page_of(tables_of("ABCDEF"))


def test_what_the_paper_does_not_print_has_its_own_table() -> None:
    """The geometric mean ratio of 1 and 2 cm3 is 0.5; the kappa inside the box stands there too."""
    rows = table_named(page_of(tables_of()), "Beyond")
    assert ["Volume ratio, first / second (geometric mean ×/÷ SD)", "A vs. B", "0.500 ×/÷ 1.000", "2"] in rows
    assert ["Fleiss’ kappa inside the box of all marks", "all", "0.750 ± 0.071", "2"] in rows


def test_published_values_stand_beside_only_where_the_study_is_the_published_one() -> None:
    """All ten datasets: each printed value of Tables 1 to 4, and no baseline; another study: the reverse."""
    page = page_of(tables_of(known=tuple(ALL_DATASETS)))
    assert table_named(page, "Table 1")[1][4] == "2.000 ± 0.000 published 0.330 ± 0.153"
    assert table_named(page, "Table 3. ")[1][3] == "−50.0 ± 0.0 published −0.8 ± 16.5"
    assert table_named(page, "Table 4")[10][1] == "0.850 ± 0.071 published 0.868 ± 0.046"
    cells = 10 * 7 + 10 * 6 + 3 * 3 + 3 + 10 * 4  # of Tables 1, 2, 3, 3 continued, 4
    assert page.count('class="published"') == cells
    assert "Human baseline" not in page
    other = page_of(tables_of())
    assert 'class="published"' not in other
    assert "Human baseline, for context" in other


def test_the_human_baseline_is_that_of_the_paper() -> None:
    """Its numbers are those of the published Table 3."""
    page = page_of(tables_of())
    assert "Dice A vs. B 0.900 ± 0.056" in page
    assert "Volume RMSE (%) 6.9 ± 4.7" in page
    assert published.table(3)["mean"].iloc[0] == 0.9


def test_a_part_of_the_published_study_keeps_the_baseline() -> None:
    """One published dataset: Tables 1 and 4 have printed values, Table 3 is not that of the paper."""
    page = page_of(tables_of(known=("Dataset 1",)))
    assert "published 0.911 ± 0.024" in page
    assert "Human baseline" in page


def test_a_missing_value_is_a_dash_that_is_explained() -> None:
    """Without any Dice the cells hold an en dash, and a note says what it means; a full table has no such note."""
    tables = tables_of()
    tables.table4["dice_AB_mean"] = np.nan
    page = page_of(tables)
    assert table_named(page, "Table 4")[1][1] == "–"
    assert "– means that there is no value" in page
    assert "– means that there is no value" not in page_of(tables_of())


@pytest.mark.parametrize(
    ("mean", "std", "text"),
    [(0.9, 0.05, "0.900 ± 0.050"), (-0.0001, 0.03, "0.000 ± 0.030"), (0.9, np.nan, "0.900 ± –"), (np.nan, np.nan, "–")],
)
def test_mean_and_deviation_are_printed_with_what_there_is(mean: float, std: float, text: str) -> None:
    """A rounded zero has no sign; one value has no deviation; no value is a dash."""
    assert mean_and_std(mean, std, 3) == text


def test_markup_in_names_is_shown_and_not_obeyed() -> None:
    """A title, an annotator, a finding and a reason with markup appear as text, and add no element."""
    evil = '<script>alert("1")</script>&amp;'
    facts = replace(FACTS, title=evil, annotators=(evil,), exclusions=(("Dataset 1 M01_0d", evil),))
    tables = tables_of(findings=({**FINDING, "message": evil, "scan": evil},))
    page = page_of(tables, facts)
    assert "script" not in Page(page).tags
    assert page.count("&lt;script&gt;") == 6  # title, heading, annotator, reason, finding and its scan


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """Every address is a place in the page or a data URI; styles import nothing; there is no script."""
    page = page_of(tables_of(), pictures=(picture(),), sheets=(sheet(),))
    found = Page(page)
    assert all(address.startswith(("#", "data:")) for address in found.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(found.tags)
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_a_picture_has_texts_for_those_who_do_not_see_it() -> None:
    """Three images with alternative texts; the legend names the annotators of the scan; no CT is said."""
    page = page_of(tables_of(), pictures=(picture(),))
    texts = [str(image["alt"]) for image in Page(page).images]
    assert texts[0] == "Axial slice of the masks of Dataset 1 M01_0d through its largest tumor."
    assert texts[1] == "The same slice with the outlines of annotators A, C."
    assert len(texts) == 3
    assert "There is no CT" in page
    assert "closest to the median tumor volume of the dataset (0.020 cm³)" in page


def test_errors_come_before_oddities_and_open_the_list() -> None:
    """An error after an oddity in the table stands first in the page; oddities alone leave the list closed."""
    error = {**FINDING, "severity": "error", "kind": "shape"}
    page = page_of(tables_of(findings=(FINDING, error)))
    rows = table_named(page, "Errors first")
    assert [row[0] for row in rows[1:]] == ["error: shape", "oddity: speck"]
    assert "1 error and 1 oddity found by the check" in page
    assert "<details open>" in page
    assert "<details>" in page_of(tables_of(findings=(FINDING,)))


def test_the_page_says_when_nothing_was_found_and_when_nobody_looked() -> None:
    """A clean check is said; without a check the page says that only names and folders were looked at."""
    assert "found nothing wrong or odd" in page_of(tables_of())
    unchecked = page_of(tables_of(), replace(FACTS, checked=False))
    assert "found nothing" not in unchecked
    assert "Only names and folders were looked at" in unchecked


def test_failures_and_exclusions_are_named() -> None:
    """Each stands with its reason."""
    facts = replace(FACTS, failures=(("Dataset 1 M09_0d", "it is cut"),), exclusions=(("Dataset 1 M08_0d", "dead"),))
    page = page_of(tables_of(), facts)
    assert "1 failure" in page
    assert "<strong>Dataset 1 M09_0d</strong>: it is cut" in page
    assert "Dataset 1 M08_0d: dead" in page


def test_performance_is_shown_once_there_is_a_consensus() -> None:
    """Mean and deviation over the scans of each annotator; without a consensus there is no such section."""
    rows = [{"annotator": "A", "sensitivity": value, "specificity": 1.0, "precision": 0.5} for value in (0.8, 0.9)]
    page = page_of(replace(tables_of(), performance=pd.DataFrame(rows)))
    assert table_named(page, "Annotators against")[1] == [
        "A",
        "0.850 ± 0.071",
        "1.00000 ± 0.00000",
        "0.500 ± 0.000",
        "2",
    ]
    assert 'id="consensus"' not in page_of(tables_of())


def test_the_page_is_built_for_all_readers() -> None:
    """A language, a viewport, heads of rows and columns with a scope, headings without a gap, tables that scroll."""
    page = page_of(tables_of(), pictures=(picture(),), sheets=(sheet(png=None),))
    assert '<html lang="en">' in page
    assert '<meta name="viewport"' in page
    assert page.count("<th ") == page.count('scope="col"') + page.count('scope="row"')
    levels = [int(tag[1]) for tag in Page(page).tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.count("<table") == page.count('class="scroll"')
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_same_values_give_the_same_page() -> None:
    """Nothing in it depends on when it was made; the version is in it."""
    first, second = (page_of(tables_of(), pictures=(picture(),)) for _ in range(2))
    assert first == second
    assert "murinoma 1.2.3" in first
