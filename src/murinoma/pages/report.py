"""The report: one self-contained HTML page from a study's tables and pictures.

What is asked for, in reading order: the study at a glance, the paper's Tables 1 to 4 with the published values beside
them, a picture of each dataset, how its acquisitions were split, the annotators against the consensus, and the methods.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from murinoma.pages.figures import SKELETON_HU, SOFT_TISSUE_HU, ScanView, view_images
from murinoma.pages.report_tables import (
    NOTHING,
    ReportTables,
    baseline,
    beyond_view,
    fixed,
    is_published,
    key_figures,
    performance_view,
    table1_view,
    table2_view,
    table3_views,
    table4_view,
)


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
    exclusions: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    checked: bool = True


def render_report(
    facts: StudyFacts,
    tables: ReportTables,
    pictures: Sequence[ScanPicture],
    sheets: Sequence[AcquisitionSheet],
    *,
    version: str,
) -> str:
    """Return the whole page; the same values give the same text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).with_name("templates"))
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["fixed"] = fixed
    order = {"error": 0, "oddity": 1}
    findings = tables.findings.sort_values("severity", key=lambda column: column.map(order), kind="stable")
    return environment.get_template("report.html.j2").render(
        facts=facts,
        version=version,
        nothing=NOTHING,
        figures=key_figures(tables),
        measured=len(tables.scans),
        tumor_volumes=len(tables.tumors),
        findings=findings.astype(object).fillna("").to_dict("records"),
        errors=int((findings["severity"] == "error").sum()),
        table1=table1_view(tables),
        table2=table2_view(tables),
        table3=table3_views(tables),
        table4=table4_view(tables),
        beyond=beyond_view(tables),
        baseline=None if is_published(tables.table3) else baseline(),
        pictures=[(picture, view_images(picture.view)) for picture in pictures],
        sheets=[sheet for sheet in sheets if sheet.png is not None],
        more_sheets=[sheet for sheet in sheets if sheet.png is None],
        doubtful=sum(bool(sheet.doubts) for sheet in sheets),
        soft=[fixed(limit, 0) for limit in SOFT_TISSUE_HU],
        skeleton=[fixed(limit, 0) for limit in SKELETON_HU],
        performance=None if tables.performance is None else performance_view(tables.performance),
    )
