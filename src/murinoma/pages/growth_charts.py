"""The charts of the growth page: which there are, what they are called, and what stands below them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from murinoma.pages.growth_changes import changes_chart, neighbour_changes
from murinoma.pages.growth_content import (
    LONG_DAYS,
    UNKNOWN,
    GrowthChart,
    GrowthContent,
    Table,
    arms_of,
    counted,
    datasets_of,
    readable,
    rows_of,
    slugs,
)
from murinoma.pages.growth_curves import arms_chart, overview_chart, spaghetti_chart
from murinoma.pages.growth_rates import forest_chart, forest_table, rates_chart
from murinoma.pages.growth_response import NOT_EVALUABLE, swimmer_chart, waterfall_chart
from murinoma.pages.growth_survival import DEATH, event_rows, survival_chart

BARS = "dataset mouse arm best_response_percent best_response_day best_average_percent mrecist"
SWIMMERS = f"{BARS} n_scans first_day last_day fold_after_day fold_by_day died_day death_reason end"
FEW = 2  # arms, or datasets, to be compared at all


def growth_charts(content: GrowthContent) -> dict[str, GrowthChart]:
    """Return every chart by its name, in reading order: only those whose tables have rows."""
    shown = replace(content, tables=readable(content.tables))
    if shown.tables["mice"].empty or shown.tables["scans"].empty:
        return {}
    parts = (_growth(shown), _arms(shown), _response(shown), _survival(shown), _changes(shown))
    return {chart.name: chart for part in parts for chart in part}


def _growth(content: GrowthContent) -> Iterator[GrowthChart]:
    tables, names = content.tables, slugs(datasets_of(content))
    mice, scans = counted(len(tables["mice"]), "mouse", "mice"), counted(len(tables["scans"]), "scan")
    if len(names) >= FEW:
        yield GrowthChart(
            "growth-overview",
            "Burden of every mouse, all datasets.",
            f"{mice}, {scans}. One logarithmic volume axis (mm³) for all panels; datasets followed for three days at "
            "most have their own time axis, in hours. Dotted: welfare limits. n: mice with a scan.",
            f"Small panels, one per dataset, of burden against time: {mice} in {counted(len(names), 'dataset')}.",
            overview_chart(content),
            tables["scans"][["dataset", "mouse", "arm", "time", "hours", "day", "volume_mm3"]],
            "growth",
        )
    if tables["rates"]["rate_per_day"].notna().any():
        yield GrowthChart(
            "rates",
            f"Growth rate of every {'arm' if _knows_arms(content) else 'dataset (' + UNKNOWN + ')'}.",
            "Mean over mice of the slope of the natural logarithm of the burden, per day, with its 95 % interval over "
            "mice. In brackets: mice with a rate, and how long they were followed at most. A short follow-up says "
            "little about growth, however narrow the interval.",
            "A row per dataset and arm with a growth rate and its interval; the table below has the numbers.",
            rates_chart(content),
            tables["rates"],
            "growth",
        )
    for dataset, slug in names.items():
        yield _spaghetti(content, dataset, slug)
        if rows_of(tables["mice"], dataset)["rate_per_day"].notna().any():
            yield _forest(content, dataset, slug)


def _knows_arms(content: GrowthContent) -> bool:
    return any(content.arms.values())


def _spaghetti(content: GrowthContent, dataset: str, slug: str) -> GrowthChart:
    scans, mice = (rows_of(content.tables[name], dataset) for name in ("scans", "mice"))
    numbers = f"{counted(len(mice), 'mouse', 'mice')}, {counted(len(scans), 'scan')}"
    arms = [arm for arm in arms_of(content, dataset) if arm]
    means = rows_of(content.tables["curves"], dataset)
    names = ["mean_mm3", "low_mm3", "high_mm3", "n_mice", "n_started", "after_dropout"]
    table = scans[["dataset", "mouse", "arm", "time", "hours", "day", "volume_mm3", "low_mm3", "high_mm3", "censored"]]
    if len(means):
        table = table.merge(
            means[["arm", "day", *names]].rename(columns={name: f"arm_{name}" for name in names[:3]}), "left"
        )
    return GrowthChart(
        f"spaghetti-{slug}",
        f"{dataset}: every mouse{' by arm' if arms else ', ' + UNKNOWN}.",
        f"{numbers}; burden (sum of the mouse’s tumors) in mm³ on a logarithmic axis. The mean is geometric, its bar "
        "the 95 % interval over mice.",
        f"Burden of each mouse of {dataset} against time, with the geometric mean: {', '.join(arms) or UNKNOWN}.",
        spaghetti_chart(content, dataset),
        table,
        "growth",
        dataset,
    )


def _forest(content: GrowthContent, dataset: str, slug: str) -> GrowthChart:
    mice = rows_of(content.tables["mice"], dataset)
    known = mice[mice["rate_per_day"].notna()]
    unclear = int((~((known["rate_low_per_day"] > 0) | (known["rate_high_per_day"] < 0))).sum())
    left = len(mice) - len(known)
    missing = (
        f" {counted(left, 'mouse has', 'mice have')} no rate and no row; the table of every mouse says why."
        if left
        else ""
    )
    return GrowthChart(
        f"forest-{slug}",
        f"{dataset}: growth rate of every mouse.",
        f"{counted(len(known), 'mouse', 'mice')}; slope of the natural logarithm of the burden per day, with 95 % "
        f"intervals. Of {unclear} the interval holds 0 or is unknown: growth cannot be told.{missing}",
        f"A row per mouse of {dataset} with its growth rate and interval, the fastest first in each arm.",
        forest_chart(content, dataset),
        forest_table(content, dataset),
        "growth",
        dataset,
    )


def _arms(content: GrowthContent) -> Iterator[GrowthChart]:
    for dataset, slug in slugs(datasets_of(content)).items():
        arms = [arm for arm in arms_of(content, dataset) if arm]
        curves = rows_of(content.tables["curves"], dataset)
        if len(arms) >= FEW and len(curves):
            started = curves.groupby("arm")["n_started"].max()
            numbers = ", ".join(f"{arm} {int(started[arm])}" for arm in arms if arm in started)
            yield GrowthChart(
                f"arms-{slug}",
                f"{dataset}: the arms compared.",
                f"Mice at the start: {numbers}. Left: geometric mean burden, mm³; right: of burden relative to the "
                "mouse’s baseline. Bars: 95 % intervals over mice.",
                f"Curves of the arms {', '.join(arms)} of {dataset}, as burden and relative to the baseline.",
                arms_chart(content, dataset),
                curves[curves["arm"] != ""],
                "arms",
                dataset,
            )


def _response(content: GrowthContent) -> Iterator[GrowthChart]:
    mice = content.tables["mice"]
    evaluable = mice[(mice["mrecist"] != NOT_EVALUABLE) & mice["best_response_percent"].notna()]
    if len(evaluable):
        yield _waterfall(content, evaluable, len(mice) - len(evaluable))
    for dataset, slug in slugs(datasets_of(content)).items():
        rows = rows_of(mice, dataset)
        if _has_course(rows, rows_of(content.tables["events"], dataset)):
            yield _swimmers(content, rows, slug)


def _waterfall(content: GrowthContent, evaluable: Table, left: int) -> GrowthChart:
    mice = counted(left, "mouse is", "mice are")
    missing = f" {mice} not evaluable: no volume on day 0, or none from day 10 on." if left else ""
    return GrowthChart(
        "waterfall",
        "Best response of every evaluable mouse (mRECIST).",
        f"{counted(len(evaluable), 'mouse', 'mice')}. Change of burden against day 0 in percent; the class also "
        f"needs the best average response (Gao et al. 2015).{missing}",
        f"A bar per mouse, the largest growth first: {len(evaluable)} evaluable mice.",
        waterfall_chart(content),
        evaluable[BARS.split()],
        "response",
    )


def _swimmers(content: GrowthContent, mice: Table, slug: str) -> GrowthChart:
    dataset = str(mice["dataset"].iloc[0])
    return GrowthChart(
        f"swimmer-{slug}",
        f"{dataset}: time on study of every mouse.",
        f"{counted(len(mice), 'mouse', 'mice')}, from the first scan to the last, or to death. Colour and hatch: "
        "mRECIST class; white: not evaluable.",
        f"A bar per mouse of {dataset} from its first to its last day, with its scans and events.",
        swimmer_chart(content, dataset),
        mice[SWIMMERS.split()],
        "response",
        dataset,
    )


def _has_course(mice: Table, events: Table) -> bool:
    """Return whether there is more to see than that all mice were scanned for a day or two."""
    evaluable = (mice["mrecist"] != NOT_EVALUABLE).any()
    return bool(evaluable or len(events) or mice["last_day"].max() >= LONG_DAYS)


def _survival(content: GrowthContent) -> Iterator[GrowthChart]:
    survival = content.tables["survival"]
    for dataset, slug in slugs(datasets_of(content)).items():
        events = list(dict.fromkeys(rows_of(survival, dataset)["event"])) if len(survival) else []
        for event, word in slugs(events).items():
            rows = event_rows(survival, dataset, event)
            days = rows.loc[rows["events"] > 0, "day"].nunique()
            # one step of one curve is a number, and the table has it
            if days >= FEW or (days and rows["arm"].nunique() >= FEW):
                yield _kaplan_meier(content, dataset, event, f"survival-{slug}-{word}")


def _kaplan_meier(content: GrowthContent, dataset: str, event: str, name: str) -> GrowthChart:
    rows = event_rows(content.tables["survival"], dataset, event)
    mice = int(rows.groupby("arm")["at_risk"].max().sum())
    happened = counted(int(rows["events"].sum()), "event")
    what = "death" if event == DEATH else f"{event}, on the scan that first shows it"
    return GrowthChart(
        name,
        f"{dataset}: time to {event}.",
        f"{counted(mice, 'mouse', 'mice')}, {happened} ({what}). Below the axis: mice at risk just before the day.",
        f"Kaplan-Meier curves of {dataset}: {mice} mice, {happened}.",
        survival_chart(content, dataset, event),
        rows,
        "survival",
        dataset,
    )


def _changes(content: GrowthContent) -> Iterator[GrowthChart]:
    changes = neighbour_changes(content)
    if len(changes) and np.isfinite(content.detectable).all():
        jumps, mice = int(changes["jump"].sum()), len(changes[["dataset", "mouse"]].drop_duplicates())
        yield GrowthChart(
            "changes",
            "Every change from one scan to the next.",
            f"{counted(len(changes), 'change')} of {counted(mice, 'mouse', 'mice')}, in percent of the earlier burden "
            f"on a logarithmic axis; {counted(jumps, 'implausible jump')}.",
            "Points of change in percent against the hours between two scans, with the band that measurement explains.",
            changes_chart(content),
            changes,
            "precision",
        )
