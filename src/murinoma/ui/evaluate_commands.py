"""The commands that judge a source of masks, say what its volumes are worth, and what to look at first."""

from pathlib import Path
from typing import Annotated

import typer

from murinoma.errors import UsageError
from murinoma.settings import CalibrateSettings, ReviewSettings, RunSettings
from murinoma.ui.display import progress, show
from murinoma.ui.options import DryRun, Force, Json, Out, Root, Workers

Name = Annotated[str, typer.Option(help="An annotator, a model that has segmented the study, or a name for --masks.")]
Masks = Annotated[Path | None, typer.Option(help="Folder of another program's masks: .../D2_M02_8d.nii.gz.")]
Model = Annotated[Path | None, typer.Option(help="Folder of the model, if its card is not in the study.")]
Probabilities = Annotated[Path | None, typer.Option(help="Instead score probabilities (0..1) in this folder.")]
Samples = Annotated[Path | None, typer.Option(help="Instead score sampled masks in this folder, several of each scan.")]


def evaluate(
    study: Root,
    source: Name,
    masks: Masks = None,
    model: Model = None,
    probabilities: Probabilities = None,
    samples: Samples = None,
    out: Out = None,
    workers: Workers = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Judge masks by every annotator: is a model as good as one more of them? Tables, and the answer in a sentence."""
    from murinoma.steps.evaluate import evaluate as step
    from murinoma.steps.evaluate.scoring import score_probabilities, score_samples
    from murinoma.steps.evaluate.sources import find_source
    from murinoma.study import read_study

    if sum(folder is not None for folder in (masks, probabilities, samples)) > 1:
        raise UsageError("--masks, --probabilities and --samples are three questions; ask one at a time")
    how, bar, found = RunSettings(workers, force, dry_run), progress("evaluate"), read_study(study, out=out)
    if probabilities is not None:
        show(score_probabilities(found, source, probabilities, how=how, progress=bar), json_)
    if samples is not None:
        show(score_samples(found, source, samples, how=how, progress=bar), json_)
    show(step(found, find_source(found, source, masks=masks, model=model), how=how, progress=bar), json_)


def calibrate(
    study: Root,
    source: Annotated[str, typer.Option(help="A model that was evaluated on this study.")],
    coverage: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="Share of the tumors whose volume the interval should hold.")
    ] = CalibrateSettings.coverage,
    species: Annotated[str, typer.Option(help="Of the animals.")] = CalibrateSettings.species,
    out: Out = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Measure how far a model's volumes may be off, so that each new one carries an interval."""
    from murinoma.steps.calibrate import calibrate as step
    from murinoma.study import read_study

    settings = CalibrateSettings(coverage=coverage, species=species)
    show(step(read_study(study, out=out), source, settings=settings, how=RunSettings(dry_run=dry_run)), json_)


def review(
    study: Root,
    source: Annotated[str, typer.Option(help="A model whose masks are to be looked at; without it the consensus.")] = (
        ReviewSettings.source
    ),
    out: Out = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Say which scans to look at first, why, and how to open each."""
    from murinoma.steps.review import review as step
    from murinoma.study import read_study

    show(step(read_study(study, out=out), settings=ReviewSettings(source), how=RunSettings(dry_run=dry_run)), json_)
