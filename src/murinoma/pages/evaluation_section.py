"""The evaluation in the report: the verdict first, then each source against the annotators; predictions; the queue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from murinoma.pages.cells import MINUS
from murinoma.pages.doubts_section import Doubts, doubts_section
from murinoma.pages.evaluation_charts import Drawn, slugs, source_charts, verdict_chart
from murinoma.pages.evaluation_content import ModelPredictions, SourceEvaluation
from murinoma.pages.evaluation_tables import (
    detection_view,
    distances_view,
    group_views,
    source_limits_view,
    table4_with_source_view,
    worst_source_view,
)
from murinoma.pages.evaluation_trust import classes_view, coverage_view, predictions_view, queue_counts, queue_view
from murinoma.pages.evaluation_verdict import sources_view, verdict_view
from murinoma.pages.sections import Section, render_section
from murinoma.pages.source_picture import ADDED_COLOUR, MISSED_COLOUR, source_images

QUEUED = 10  # rows of the queue that are shown
SHORT = {
    "within human variability": "is within human variability",
    "not within human variability": "is not within human variability",
    "cannot tell": "may or may not be within human variability: more mice are needed",
    "no human baseline": "cannot be compared with people: no scan has two annotators",
}


def evaluation_section(sources: Sequence[SourceEvaluation], *, listed: int = 100) -> Section:
    """Return the evaluation of one source or of several; `listed` is how many scans stand in the list of the worst."""
    names = slugs([source.name for source in sources])
    verdict = verdict_chart(sources)
    drawn = {source.name: list(source_charts(source, names[source.name])) for source in sources}
    html = render_section(
        "evaluation.html.j2",
        sources=[_shown(source, names[source.name], drawn[source.name], listed) for source in sources],
        beside=sources_view(sources) if len(sources) > 1 else None,
        verdict_chart=verdict.chart,
        missed_colour=MISSED_COLOUR,
        added_colour=ADDED_COLOUR,
    )
    every = [verdict, *(one for charts in drawn.values() for one in charts)]
    answer = "; ".join(map(_short, sources)) + "."
    return Section("evaluation", "Evaluation", html, answer, [one.chart for one in every], _tables(every))


def _tables(drawn: Sequence[Drawn]) -> dict[str, tuple[str, pd.DataFrame]]:
    return {one.chart.name: (f"The numbers of: {one.chart.title.rstrip('.')}", one.table) for one in drawn}


def _short(source: SourceEvaluation) -> str:
    """Return the verdict in a few words."""
    mice = f"{source.mice} {'mouse' if source.mice == 1 else 'mice'}"
    return f"{source.name} {SHORT.get(source.outcome, source.outcome)} (judged on {mice})"


def _sentence(source: SourceEvaluation) -> str:
    """Return the verdict as a sentence with a full stop, true minus signs, and no break before a percent sign."""
    said = re.sub(r"(?<![\w)])-(?=\d)", MINUS, source.sentence).replace(" %", "\N{NO-BREAK SPACE}%")
    return said if said.endswith(".") else f"{said}."


def _shown(source: SourceEvaluation, slug: str, drawn: Sequence[Drawn], listed: int) -> dict[str, Any]:
    """Return everything about one source as the template takes it."""
    known = source.calibrated
    return {
        "facts": source,
        "slug": slug,
        "sentence": _sentence(source),
        "left_out": list(source.left_out()),
        "verdict": verdict_view(source),
        "distances": distances_view(source),
        "table4": table4_with_source_view(source),
        "groups": list(group_views(source)),
        "detection": detection_view(source),
        "limits": source_limits_view(source),
        "classes": None if known is None else classes_view(source.name, known),
        "coverage": None if known is None or known.measured is None else coverage_view(source.name, known.measured),
        "worst": [(case, source_images(case.view)) for case in source.worst],
        "worst_table": worst_source_view(source, listed),
        "charts": {one.chart.name.rpartition("-")[2]: one.chart for one in drawn},
    }


def predictions_section(models: Sequence[ModelPredictions], *, listed: int = 100) -> Section:
    """Return what models predict: where each comes from, its limits, and the volumes with their intervals."""
    shown = [(model, predictions_view(model.volumes, model.name, listed)) for model in models]
    return Section("predictions", "Predictions", render_section("predictions.html.j2", models=shown))


def review_section(queue: pd.DataFrame) -> Section:
    """Return the first rows of the review queue, ``review/queue.csv``."""
    told, scans = queue_counts(queue)
    html = render_section("review.html.j2", told=told, scans=scans, queue=queue_view(queue, QUEUED))
    return Section("review", "To look at", html)


@dataclass(frozen=True, eq=False)
class Judged:
    """What the report knows of sources, of their doubts, of predictions and the queue; each may be empty."""

    sources: Sequence[SourceEvaluation] = ()
    doubts: Sequence[Doubts] = ()
    models: Sequence[ModelPredictions] = ()
    queue: pd.DataFrame | None = None


def judged_sections(judged: Judged, *, listed: int = 100) -> list[Section]:
    """Return the sections of all that is there, in reading order."""
    sections = [evaluation_section(judged.sources, listed=listed)] if judged.sources else []
    sections += [doubts_section(judged.doubts)] if judged.doubts else []
    sections += [predictions_section(judged.models, listed=listed)] if judged.models else []
    return sections + ([review_section(judged.queue)] if judged.queue is not None and len(judged.queue) else [])
