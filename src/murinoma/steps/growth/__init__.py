"""Turn volumes into the answer of a study: growth of every mouse, comparison of arms, response, survival, welfare."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from murinoma.errors import UsageError
from murinoma.pages.growth_content import GrowthContent
from murinoma.runs import Failure
from murinoma.settings import GrowthSettings, RunSettings
from murinoma.steps import Number, StepResult, finite
from murinoma.steps.growth.account import event_table, flow_table, plan_table
from murinoma.steps.growth.changes import change_table, scan_table
from murinoma.steps.growth.cohort import Cohort, precision
from murinoma.steps.growth.comparisons import comparison_tables
from murinoma.steps.growth.groups import curve_table, model_table, rate_table
from murinoma.steps.growth.methods import methods
from murinoma.steps.growth.mice import mouse_table, rates, tumor_table
from murinoma.steps.growth.oddities import failures, notices
from murinoma.steps.growth.outcomes import expected_table, response_table, survival_tables, welfare_table
from murinoma.steps.growth.people import People, as_planned, read_people
from murinoma.steps.growth.planning import power_table, source_table
from murinoma.steps.growth.volumes import all_sources, file_volumes, study_volumes
from murinoma.steps.growth.writing import shares, write_page, write_prism, write_tables
from murinoma.study import Study
from murinoma.study.growth_paths import growth_folder, people_folder, repeatability_path

Table = pd.DataFrame


def growth(
    study: Study | None = None,
    *,
    volumes: Path | None = None,
    out: Path | None = None,
    settings: GrowthSettings = GrowthSettings(),
    how: RunSettings = RunSettings(),
) -> StepResult:
    """Write ``growth/``: tables of mice, arms, response, survival and welfare, figures, and ``index.html``.

    Volumes are those of ``settings.source`` in the study's ``volumes.csv``, or those of a file. ``mice.csv``,
    ``events.csv`` and ``plan.toml`` lie in the study, or beside the file; all may be absent.

    Parameters
    ----------
    study
        Without one, `volumes` must be given, and results go to `out`, or to ``growth`` in the current folder.
    volumes
        A CSV with named columns and units: another program's, calipers, a catalogue.
    out
        Where results go without a study; a study knows its own place.

    Raises
    ------
    StudyError, FileError
        If there are no volumes, or a table cannot be understood.
    UsageError
        If neither a study nor a file is given, or an option does not fit the file.
    OutputError
        If the results cannot be written.
    """
    if study is None and volumes is None:
        raise UsageError("name a study, or a file of volumes with --volumes")
    cohort = growth_cohort(study, volumes, replace(settings, unseal=settings.unseal and not how.dry_run))
    tables = growth_tables(cohort, _other_sources(study, volumes, cohort))
    if how.dry_run:
        return growth_result(cohort, tables, None)
    folder = growth_folder(study) if study else out or Path("growth")
    write_tables(tables, folder)
    write_prism(cohort, folder)
    title = study.title if study else volumes.name if volumes else ""
    return growth_result(cohort, tables, write_page(_content(cohort, tables, title), list(cohort.arms), folder))


def growth_cohort(study: Study | None, volumes: Path | None, settings: GrowthSettings) -> Cohort:
    """Return the mice with their volumes, arms and precision, and the settings that count: the first half of `growth`.

    Raises
    ------
    StudyError, FileError, InputError, UsageError
        As `growth`.
    """
    folder = people_folder(study) if study else (volumes or Path()).parent
    people = read_people(folder, unseal=settings.unseal)
    counted = as_planned(settings, people.plan)
    if volumes is not None:
        found = file_volumes(volumes, counted, study)
    elif study is not None:
        found = study_volumes(study, counted)
    _check_control(people, settings)
    known = repeatability_path(study) if study else None
    return Cohort(found, people, precision(known, found.source, counted), counted)


def _check_control(people: People, settings: GrowthSettings) -> None:
    """Refuse a control that the user named and that is no arm; one that was planned may not be known yet."""
    arms = sorted(set(people.arms.values()))
    if settings.control and settings.control not in arms and not people.sealed:
        raise UsageError(f"no arm is called '{settings.control}'; the arms are {', '.join(arms) or 'not known'}")


def growth_tables(cohort: Cohort, others: Callable[[], dict[str, Cohort]] = dict) -> dict[str, Table]:
    """Return all tables of the step by the name of their file.

    Parameters
    ----------
    cohort
        The mice.
    others
        Gives the cohorts of the study's other sources of volumes, to compare them.
    """
    found = rates(cohort)
    tables = {"scans": scan_table(cohort), "changes": change_table(cohort), "tumors": tumor_table(cohort)}
    tables["mice"] = mouse_table(cohort, found, tables["changes"])
    tables["curves"], tables["rates"] = curve_table(cohort), rate_table(cohort, found)
    tables["models"] = model_table(cohort)
    tables["arms"], tables["mixed"] = comparison_tables(cohort, found)
    tables["survival"], tables["medians"] = survival_tables(cohort)
    tables["response"] = response_table(tables["mice"], cohort)
    tables["welfare"] = welfare_table(tables["scans"], cohort)
    tables["expected"] = expected_table(tables["mice"], cohort)
    tables["power"] = power_table(cohort, found)
    tables["sources"] = source_table({cohort.volumes.source: cohort, **others()})
    tables["flow"], tables["events"] = flow_table(cohort, tables["mice"]), event_table(cohort)
    tables["plan"] = plan_table(cohort, tables)
    odd = [*notices(cohort, tables), *failures(cohort)]
    tables["notices"] = Table(odd, columns=["place", "sentence"])
    return tables


def _other_sources(study: Study | None, volumes: Path | None, cohort: Cohort) -> Callable[[], dict[str, Cohort]]:
    """Return what gives the cohorts of the study's other sources; beside a file, all of ``volumes.csv``."""

    def others() -> dict[str, Cohort]:
        if study is None or (volumes is not None and not study.volumes_path().exists()):
            return {}
        names = sorted({str(name) for name in all_sources(study)["source"]} - {cohort.volumes.source})
        return {name: _of_source(study, cohort, name) for name in names}

    return others


def _of_source(study: Study, cohort: Cohort, name: str) -> Cohort:
    settings = replace(cohort.settings, source=name)
    return replace(cohort, volumes=study_volumes(study, settings), settings=settings)


def growth_result(cohort: Cohort, tables: dict[str, Table], page: Path | None) -> StepResult:
    """Return what the step says: what failed, what is odd, the key figures."""
    failed = tuple(Failure(place, said) for place, said in failures(cohort))
    said = tuple(_sentence(place, said) for place, said in notices(cohort, tables))
    return StepResult("growth", page, len(tables["scans"]), failed, _few(said), _numbers(tables))


def _content(cohort: Cohort, tables: dict[str, Table], title: str) -> GrowthContent:
    controls = {cohort.control(dataset) for dataset in cohort.arms} - {""}
    return GrowthContent(
        title=title,
        source=cohort.volumes.source,
        version=version("murinoma"),
        tables=tables,
        arms=cohort.arms,
        control=", ".join(sorted(controls)),
        multiple=cohort.settings.multiple,
        limits_mm3=(cohort.settings.flag_mm3, cohort.settings.shout_mm3),
        detectable=cohort.precision.limits,
        detectable_from=cohort.precision.origin,
        figures=_figures(cohort, tables),
        methods=methods(cohort, tables),
        notices=[_sentence(row["place"], row["sentence"]) for row in tables["notices"].to_dict("records")],
        files=(),
    )


def _sentence(place: str, said: str) -> str:
    return f"{place}: {said}" if place else said


def _figures(cohort: Cohort, tables: dict[str, Table]) -> list[tuple[str, str]]:
    """Return the key figures for the top of the page."""
    flag, shout = cohort.settings.flag_mm3, cohort.settings.shout_mm3
    volumes, mice = tables["scans"]["volume_mm3"], tables["mice"]
    near, beyond = shares(tables["changes"])
    fall, rise = cohort.precision.limits
    return [
        ("scans", str(len(volumes))),
        ("mice", str(len(mice))),
        ("mice with a growth rate", str(int(mice["evaluable"].sum()))),
        ("mice evaluable for mRECIST", str(int((mice["mrecist"] != "not evaluable").sum()))),
        ("detectable change", f"\N{MINUS SIGN}{abs(100 * fall):.0f} / +{100 * rise:.0f} %"),
        *([("changes within a day beyond it", f"{beyond} of {near}")] if near else []),
        ("implausible jumps", str(int(tables["changes"]["jump"].sum()))),
        (f"scans over {flag:,.0f} mm³", str(int((volumes > flag).sum()))),
        (f"scans over {shout:,.0f} mm³", str(int((volumes > shout).sum()))),
    ]


def _numbers(tables: dict[str, Table]) -> dict[str, Number]:
    mice, changes = tables["mice"], tables["changes"]
    near, beyond = shares(changes)
    numbers: dict[str, Number] = {
        "mice": len(mice),
        "with_rate": int(mice["evaluable"].sum()),
        "mrecist_evaluable": int((mice["mrecist"] != "not evaluable").sum()),
        "jumps": int(changes["jump"].sum()),
        "day_changes_beyond": f"{beyond} of {near}" if near else None,
    }
    for row in tables["arms"].to_dict("records"):
        numbers[f"p {row['dataset']} {row['arm']}"] = finite(row["p_holm"])
    return numbers


def _few(sentences: tuple[str, ...], most: int = 12) -> tuple[str, ...]:
    """Return so many sentences, and one that counts the rest: the page and ``notices.csv`` have all."""
    rest = len(sentences) - most
    return sentences if rest <= 0 else (*sentences[:most], f"{rest} more stand in notices.csv and on the page")
