"""Write one self-contained HTML page about a study: tables, pictures, evaluation, growth, methods."""

from collections.abc import Sequence
from dataclasses import replace

from murinoma.files.atomic import write_text
from murinoma.pages.evaluation_section import judged_sections
from murinoma.pages.report import ReportContent, render_report
from murinoma.pages.report_charts import report_charts
from murinoma.pages.sections import Section
from murinoma.runs import Failure, Progress
from murinoma.settings import ReportSettings, RunSettings
from murinoma.steps import StepResult, study_failures
from murinoma.steps.report.acquisitions import read_sheets
from murinoma.steps.report.facts import made_with, study_facts, study_tree, unmeasured
from murinoma.steps.report.growth_part import growth_part
from murinoma.steps.report.judged import read_judged
from murinoma.steps.report.parts import Figures, write_parts
from murinoma.steps.report.pictures import choose, draw
from murinoma.steps.report.places import Sidecars, read_sidecars
from murinoma.steps.report.tables import read_tables
from murinoma.study import Study


def report(
    study: Study,
    *,
    settings: ReportSettings = ReportSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``report/index.html`` from what all other steps have written, and its tables and figures.

    The page needs the tables of agree; the sheets of split, the findings of check, the performance of merge, the
    evaluations, predictions, the review queue and growth appear once they are there. A scan whose files cannot be read
    is not shown; the result names it. Beside the page lie ``table2.csv``, ``tables.xlsx``, ``figures/*.svg`` and the
    numbers of the figures of evaluation and growth.

    Raises
    ------
    StudyError
        If the annotators have not been compared yet.
    FileError
        If a table is damaged.
    OutputError
        If the page cannot be written.
    """
    sidecars, damaged = read_sidecars(study)
    tables = read_tables(study, sidecars)
    chosen = choose(tables, settings)
    if how.dry_run:
        return StepResult("report", None, len(tables.scans), numbers={"pictures": len(chosen)})
    pictures = draw(study, chosen, sidecars, progress)
    sections, unshown = _sections(study, sidecars, settings)
    sheets, unknown = read_sheets(study, _with_room(settings, sections))
    made, unrecorded = made_with(study)
    missing = (*damaged, *unmeasured(study, tables.scans), *pictures.failed, *unshown, *unknown, *unrecorded)
    failed = (*study_failures(study), *missing)
    charts = report_charts(tables)
    content = ReportContent(
        study_facts(study, tables, sheets, failed),
        tables,
        made,
        charts,
        pictures.typical,
        pictures.worst,
        sheets,
        study_tree(study, sidecars),
        write_parts(study, tables, Figures(charts, pictures.typical, sections), settings),
        settings.listed,
        sections,
    )
    path = study.step_folder("report") / "index.html"
    write_text(path, render_report(content))
    shown = len(pictures.typical) + len(pictures.worst)
    return StepResult("report", path, len(tables.scans), failed, numbers={"pictures": shown})


def _sections(study: Study, sidecars: Sidecars, settings: ReportSettings) -> tuple[list[Section], list[Failure]]:
    """Return the sections of what else is known, in reading order, and a failure for each scan that cannot be shown."""
    judged, unshown = read_judged(study, sidecars, settings)
    growth = growth_part(study)
    return [*judged_sections(judged, listed=settings.listed), *([] if growth is None else [growth])], unshown


def _with_room(settings: ReportSettings, sections: Sequence[Section]) -> ReportSettings:
    """Return the settings with less room for sheets: sections take theirs from it, so that the page stays small."""
    taken = sum(len(section.html.encode()) for section in sections) * 3 // 4  # a sheet grows by a third in the page
    return replace(settings, sheet_bytes=max(0, settings.sheet_bytes - taken))
