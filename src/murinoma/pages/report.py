"""The report: one self-contained HTML page from a study's tables and pictures.

What is asked for, in reading order: the study at a glance, the paper's Tables 1 to 4 with the published values beside
them and its figures, volumes and tumor size, the worst scans, the sections that other steps add (evaluation, growth),
how acquisitions were split, the annotators against the consensus, the folders, the methods, and what to take away.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from murinoma.pages.campaign_tables import annotators_view, repeatability_view
from murinoma.pages.cells import fixed
from murinoma.pages.disagreement import DisagreementView, disagreement_images, vote_colours
from murinoma.pages.downloads import Download
from murinoma.pages.figures import SKELETON_HU, SOFT_TISSUE_HU, ScanView, view_images
from murinoma.pages.folder_tree import Branch
from murinoma.pages.report_charts import Chart
from murinoma.pages.report_tables import (
    ReportTables,
    baseline,
    beyond_view,
    is_published,
    key_figures,
    n_mice,
    performance_view,
    table1_view,
    table2_view,
    table3_views,
    table4_view,
)
from murinoma.pages.sections import Section, page_environment
from murinoma.pages.statistics_tables import limits_view, size_sentences, size_view, surface_view, worst_view
from murinoma.pages.study_flow import StudyFlow


@dataclass(frozen=True)
class ScanPicture:
    """A picture of one scan, and why it was chosen.

    `scan` is its name (``M02_8d``); it holds the tumor (`volume_cm3`) closest to the `aim` of the dataset, such as
    ``median tumor volume``, which is `aim_cm3`.
    """

    dataset: str
    scan: str
    volume_cm3: float
    aim: str
    aim_cm3: float
    view: ScanView


@dataclass(frozen=True)
class WorstPicture:
    """A scan of low agreement: its mean Dice, the pair that agrees least (``0.512 (A vs. C)``), and the picture."""

    dataset: str
    scan: str
    dice_mean: float
    lowest: str
    view: DisagreementView


@dataclass(frozen=True)
class AcquisitionSheet:
    """How one acquisition was split.

    Attributes
    ----------
    name
        Its mice and time, ``M01_M02_8d``.
    source
        Name of the scanner's file.
    mice
        Their names, in reading order.
    doubts
        Sentences: why the result may be wrong.
    path
        Where its QC sheet lies, for people; empty if it is gone.
    png
        The sheet, if the page is to show it.
    """

    dataset: str
    name: str
    source: str
    mice: tuple[str, ...]
    doubts: tuple[str, ...]
    path: str
    png: bytes | None = None

    @property
    def picture(self) -> str:
        """The sheet as a data URI; empty if the page does not show it."""
        return "" if self.png is None else f"data:image/png;base64,{b64encode(self.png).decode('ascii')}"


@dataclass(frozen=True)
class StudyFacts:
    """What the page says about the study as a whole.

    Attributes
    ----------
    datasets, mice, scans
        How many the study has.
    annotators
        Their names.
    flow
        Where each scan and tumor went.
    exclusions
        (scan or tumor, reason) of everything left out by people.
    failures
        (scan or file, sentence) of everything that could not be read, or has no result.
    notices
        Sentences about what is odd.
    checked
        False if `findings` knows names and folders only, because the files were not checked.
    """

    title: str
    datasets: int
    mice: int
    scans: int
    annotators: tuple[str, ...]
    flow: StudyFlow = field(default_factory=StudyFlow)
    exclusions: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    checked: bool = True


@dataclass(frozen=True)
class MadeWith:
    """What computed the page: the version of murinoma, of Python and libraries, and (step, setting, value) used."""

    version: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Everything that the page shows.

    Agreement comes first, then the `sections` in their order; `listed` scans stand in the list of the worst.
    """

    facts: StudyFacts
    tables: ReportTables
    made_with: MadeWith
    charts: Mapping[str, Chart] = field(default_factory=dict)
    pictures: Sequence[ScanPicture] = ()
    worst: Sequence[WorstPicture] = ()
    sheets: Sequence[AcquisitionSheet] = ()
    tree: Branch | None = None
    downloads: Sequence[Download] = ()
    listed: int = 100
    sections: Sequence[Section] = ()


def render_report(content: ReportContent) -> str:
    """Return the whole page; the same values give the same text."""
    return (
        page_environment()
        .get_template("report.html.j2")
        .render(
            facts=content.facts,
            made_with=content.made_with,
            charts=content.charts,
            tree=content.tree,
            downloads=content.downloads,
            sections=content.sections,
            soft=[fixed(limit, 0) for limit in SOFT_TISSUE_HU],
            skeleton=[fixed(limit, 0) for limit in SKELETON_HU],
            **_shown_tables(content.tables, content.listed),
            **_shown_findings(content.tables),
            **_shown_pictures(content),
        )
    )


def _shown_tables(tables: ReportTables, listed: int) -> dict[str, Any]:
    return {
        "figures": key_figures(tables),
        "measured": len(tables.scans),
        "measured_mice": n_mice(tables.scans),
        "tumor_volumes": len(tables.tumors),
        "table1": table1_view(tables),
        "table2": table2_view(tables),
        "table3": table3_views(tables),
        "table4": table4_view(tables),
        "beyond": beyond_view(tables),
        "limits": limits_view(tables),
        "surface": surface_view(tables),
        "sizes": size_view(tables),
        "size_sentences": size_sentences(tables),
        "worst_table": worst_view(tables, listed),
        "has_intervals": tables.intervals.table is not None,
        "baseline": None if is_published(tables.table3) else baseline(),
        "performance": None if tables.performance is None else performance_view(tables.performance),
        "campaign": None if tables.campaign is None else annotators_view(tables.campaign),
        "repeatability": None if tables.repeatability is None else repeatability_view(tables.repeatability),
    }


def _shown_findings(tables: ReportTables) -> dict[str, Any]:
    """Return the findings, errors first, and how many errors there are."""
    order = {"error": 0, "oddity": 1}
    findings = tables.findings.sort_values("severity", key=lambda column: column.map(order), kind="stable")
    return {
        "findings": findings.astype(object).fillna("").to_dict("records"),
        "errors": int((findings["severity"] == "error").sum()),
    }


def _shown_pictures(content: ReportContent) -> dict[str, Any]:
    sheets = content.sheets
    return {
        "pictures": [(picture, view_images(picture.view)) for picture in content.pictures],
        "worst": [
            (picture, disagreement_images(picture.view), vote_colours(picture.view.annotators))
            for picture in content.worst
        ],
        "sheets": [sheet for sheet in sheets if sheet.png is not None],
        "more_sheets": [sheet for sheet in sheets if sheet.png is None],
        "doubtful": sum(bool(sheet.doubts) for sheet in sheets),
    }
