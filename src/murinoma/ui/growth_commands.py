"""The commands of the end of a study: growth, and assign at its beginning."""

from pathlib import Path
from typing import Annotated

import typer

from murinoma.errors import UsageError
from murinoma.settings import AssignSettings, GrowthSettings, RunSettings
from murinoma.ui.display import show
from murinoma.ui.options import DryRun, Json

OptionalRoot = Annotated[
    Path | None, typer.Argument(metavar="STUDY", help="Folder with 'Dataset 1', ...; not needed with --volumes.")
]
Volumes = Annotated[Path | None, typer.Option(help="A CSV with named columns and units, instead of volumes.csv.")]
Source = Annotated[str, typer.Option(help="Whose volumes: an annotator, staple, majority, a model.")]
Column = Annotated[str, typer.Option(help="Which column of the CSV holds the volumes.")]
Unit = Annotated[str, typer.Option(help="Its unit, where the name does not say it: mm3, uL, cm3, mL.")]
Formula = Annotated[str, typer.Option(help="For calipers: 'pi/6 L W^2', 'pi/6 L W H' or '1/2 L W^2'.")]


def growth(
    study: OptionalRoot = None,
    source: Source = GrowthSettings.source,
    volumes: Volumes = None,
    column: Column = GrowthSettings.column,
    unit: Unit = GrowthSettings.unit,
    formula: Formula = GrowthSettings.formula,
    control: Annotated[str, typer.Option(help="The arm that the others are compared with.")] = GrowthSettings.control,
    day: Annotated[float | None, typer.Option(help="Compare the arms on this day, fixed beforehand.")] = None,
    baseline: Annotated[float, typer.Option(help="Changes are changes since this day.")] = GrowthSettings.baseline_day,
    limit: Annotated[
        float, typer.Option(min=0.001, help="Volumes below so many mm3 are only known to be below it.")
    ] = GrowthSettings.limit_mm3,
    multiple: Annotated[float, typer.Option(min=1.01, help="Time to n-fold volume: n.")] = GrowthSettings.multiple,
    sd_change: Annotated[
        float,
        typer.Option(min=0.001, help="SD of a log change by measurement alone, where the study has none."),
    ] = GrowthSettings.sd_change,
    unseal: Annotated[bool, typer.Option("--unseal", help="Open the key of the assignment; that is recorded.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write results here instead of STUDY/derivatives; without STUDY ./growth.")
    ] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Say how fast the tumors grow and whether the arms differ: curves, T/C, TGI, response, survival, welfare.

    Arms, deaths and the plan are read from mice.csv, events.csv and plan.toml in STUDY, or beside the CSV.
    """
    from murinoma.steps.growth import growth as step
    from murinoma.study import read_study

    settings = GrowthSettings(
        source=source,
        column=column,
        unit=unit,
        formula=formula,
        limit_mm3=limit,
        sd_change=sd_change,
        baseline_day=baseline,
        day=day,
        control=control,
        multiple=multiple,
        unseal=unseal,
    )
    read = None if study is None else read_study(study, out=out)
    show(step(read, volumes=volumes, out=out, settings=settings, how=RunSettings(dry_run=dry_run)), json_)


def assign(
    arms: Annotated[str, typer.Option(help="Their names: control,drugA.")],
    study: OptionalRoot = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same assignment.")] = AssignSettings.seed,
    source: Source = AssignSettings.source,
    volumes: Volumes = None,
    column: Column = AssignSettings.column,
    unit: Unit = AssignSettings.unit,
    formula: Formula = AssignSettings.formula,
    day: Annotated[float, typer.Option(help="Of the baseline scans.")] = AssignSettings.day,
    between: Annotated[str, typer.Option(help="Assign mice of such volumes only, mm3: 50:300.")] = "",
    key_file: Annotated[
        Path | None, typer.Option(help="Write the key here too, readable, for whoever prepares the doses.")
    ] = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Randomise mice to arms of the same baseline volume, under codes whose key is sealed until growth --unseal."""
    from murinoma.steps.assign import assign as step
    from murinoma.study import read_study

    least, most = _range(between)
    settings = AssignSettings(
        tuple(name.strip() for name in arms.split(",") if name.strip()),
        seed=seed,
        source=source,
        column=column,
        unit=unit,
        formula=formula,
        day=day,
        least_mm3=least,
        most_mm3=most,
    )
    read = None if study is None else read_study(study)
    how = RunSettings(dry_run=dry_run)
    show(step(read, settings=settings, volumes=volumes, key_file=key_file, how=how), json_)


def _range(text: str) -> tuple[float, float]:
    """Return two volumes, from ``50:300``; no limits for an empty text."""
    if not text:
        return AssignSettings.least_mm3, AssignSettings.most_mm3
    try:
        least, most = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise UsageError(f"--between '{text}' is not understood; write 50:300 (mm3)") from error
    return least, most
