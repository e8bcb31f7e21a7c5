"""The commands that make a model: from the annotations of a study, or from random phantoms."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from murinoma.settings import PhantomTrainSettings, RunSettings, TrainSettings
from murinoma.ui.display import progress, show
from murinoma.ui.options import DryRun, Json, Out, Root

Again = Annotated[bool, typer.Option("--force", help="Begin again, and replace the model.")]
PHANTOMS = PhantomTrainSettings()


def train(
    study: Root,
    name: Annotated[str, typer.Option(help="Of the model, which goes to STUDY/models/NAME.")],
    split: Annotated[
        str, typer.Option(help="Hold out mice by mouse, by acquisition (those scanned together), or by dataset.")
    ] = TrainSettings.split,
    held_out: Annotated[
        str, typer.Option(help="Share of the mice to hold out; the dataset's name with --split dataset.")
    ] = str(TrainSettings.held_out),
    seed: Annotated[int, typer.Option(min=0, help="Of the split and of all chance.")] = TrainSettings.seed,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the fine network; the coarse one takes half as many.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="End after so many minutes.")] = None,
    pasted: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of synthetic tumors, for few labelled scans.")
    ] = TrainSettings.pasted,
    start: Annotated[
        str | None, typer.Option(help="Begin with the weights of a model: xeno-0, one of the study, or a folder.")
    ] = None,
    out: Out = None,
    force: Again = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Train a model on the annotations, with mice held out; stopped, the same command goes on."""
    from murinoma.steps.train import train as step
    from murinoma.study import read_study

    settings = TrainSettings(
        split=split, held_out=held_out, seed=seed, minutes=minutes, pasted=pasted, start=start
    ).with_steps(steps)
    how = RunSettings(force=force, dry_run=dry_run)
    show(step(read_study(study, out=out), name, settings=settings, how=how, progress=progress("train")), json_)


def train_phantoms(
    folder: Annotated[Path, typer.Argument(help="A new folder for the model, which gets its name.")],
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and of all chance.")] = PHANTOMS.training.seed,
    minutes: Annotated[float, typer.Option(min=0.1, help="End after so many.")] = PHANTOMS.training.minutes or 0.0,
    mice: Annotated[int, typer.Option(min=1, help="Random mice for the coarse network.")] = PHANTOMS.mice,
    cubes: Annotated[int, typer.Option(min=1, help="Random cubes for the fine network.")] = PHANTOMS.cubes,
    start: Annotated[str | None, typer.Option(help="Begin with the weights of xeno-0, or of a model's folder.")] = None,
    force: Again = False,
    json_: Json = False,
) -> None:
    """Train a model on random phantoms alone, as the shipped xeno-0 was; stopped, the same command goes on."""
    from murinoma.steps.train.phantoms import train_on_phantoms as step

    training = replace(PHANTOMS.training, seed=seed, minutes=minutes, start=start)
    settings = replace(PHANTOMS, training=training, mice=mice, cubes=cubes)
    show(step(folder, settings=settings, how=RunSettings(force=force), progress=progress("train-phantoms")), json_)
