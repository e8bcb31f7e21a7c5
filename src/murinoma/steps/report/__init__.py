"""Write one self-contained HTML page about a study: tables, figures, pictures, findings, methods."""

from murinoma.files.atomic import write_text
from murinoma.pages.report import ReportContent, render_report
from murinoma.pages.report_charts import report_charts
from murinoma.runs import Progress
from murinoma.settings import ReportSettings, RunSettings
from murinoma.steps import StepResult, study_failures
from murinoma.steps.report.acquisitions import read_sheets
from murinoma.steps.report.facts import made_with, study_facts, study_tree, unmeasured
from murinoma.steps.report.parts import write_parts
from murinoma.steps.report.pictures import choose, draw
from murinoma.steps.report.places import read_sidecars
from murinoma.steps.report.tables import read_tables
from murinoma.study import Study


def report(
    study: Study,
    *,
    settings: ReportSettings = ReportSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Write ``report/index.html`` from what split, agree, check and merge have written, and its tables and figures.

    The page needs the tables of agree; the sheets of split, the findings of check and the performance of merge appear
    once they are there. A scan whose files cannot be read is not shown; the result names it. Beside the page lie
    ``table2.csv``, ``tables.xlsx`` and ``figures/*.svg``.

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
    sheets, unknown = read_sheets(study, settings)
    made, unrecorded = made_with(study)
    missing = (*damaged, *unmeasured(study, tables.scans), *pictures.failed, *unknown, *unrecorded)
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
        write_parts(study, tables, charts, pictures.typical, settings),
        settings.listed,
    )
    path = study.step_folder("report") / "index.html"
    write_text(path, render_report(content))
    shown = len(pictures.typical) + len(pictures.worst)
    return StepResult("report", path, len(tables.scans), failed, numbers={"pictures": shown})
