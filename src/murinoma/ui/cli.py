"""The command line: one command per step; it parses, calls the step and shows the result.

Exit codes: 0 all done; 1 some scan failed (the rest is written), or a study or file is not usable; 2 a wrong
option, source or extra; 130 stopped with Ctrl-C (what was done is kept). Standard output carries the result's
path, or one object with ``--json``; everything else goes to standard error.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from murinoma.errors import MurinomaError, UsageError
from murinoma.settings import (
    CheckSettings,
    MergeSettings,
    RepeatabilitySettings,
    RunSettings,
    SegmentSettings,
    SimulateSettings,
    SplitSettings,
)
from murinoma.ui import campaign_commands, evaluate_commands, growth_commands, train_commands
from murinoma.ui.display import FAILED, STOPPED, WRONG_USE, progress, say, show, show_all
from murinoma.ui.options import DryRun, Force, Json, Out, Root, Workers

INT16_HU = -32768, 32767

# of split
Acq = Annotated[
    Path, typer.Argument(metavar="ACQ", help="An Inveon .img, a DICOM folder, a NIfTI file; or a split.csv of many.")
]
Into = Annotated[Path, typer.Option(help="The study that the scans go to.")]
DatasetName = Annotated[str, typer.Option(help="Such as 'Dataset 2'.")]
Time = Annotated[str, typer.Option(help="Time point, such as 8d or 22.5h.")]
Mice = Annotated[str, typer.Option(help="Names in reading order, - for an empty place: M01,M02,-,M03.")]
Expect = Annotated[int | None, typer.Option(min=1, help="How many mice there are, if they get no names.")]
Boxes = Annotated[list[str] | None, typer.Option(help="A window given by hand, in voxels: M01=x0:x1,y0:y1,z0:z1.")]
AxesText = Annotated[str, typer.Option(help="What x, y, z mean: 'back to belly, right to left, rump to nose'.")]
KeepRange = Annotated[bool, typer.Option("--keep-range", help="Do not clip to -400..1000 HU.")]
Isolate = Annotated[bool, typer.Option("--isolate", help="Blank what a window shows of another animal.")]
Calibrate = Annotated[str, typer.Option(help="What air and water read here: air=-950,water=40.")]
Series = Annotated[str | None, typer.Option(help="Which DICOM series, by number, UID or description.")]
Frame = Annotated[int | None, typer.Option(min=0, help="Which frame of an Inveon file of several.")]
FillGaps = Annotated[int, typer.Option(min=0, help="Interpolate up to so many missing DICOM slices.")]
SegmentWith = Annotated[str, typer.Option(help="Then segment what of the study has no mask yet, with this model.")]
Paste = Annotated[
    bool, typer.Option("--paste", help="With --segment-with: put the masks back into the acquisition's grid as well.")
]

app = typer.Typer(
    name="murinoma",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Micro-CT studies of mice with subcutaneous tumors: from the scanner to the growth curve.",
    epilog="A study is a folder: STUDY/Dataset 1/M01_M02_0d/M01_0d/CT_M01_0d.nii.gz, with Annotator_A_M01_0d.nii.gz "
    "beside it. Every command takes --help; murinoma --debug COMMAND shows where an error arose.",
)
app.add_typer(campaign_commands.app, name="campaign")


def main() -> None:
    """Run the command line and leave with its exit code; errors become one sentence on standard error."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        app([argument for argument in arguments if argument != "--debug"])
    except SystemExit as leaving:
        if leaving.code == STOPPED:
            say("stopped; what was done is kept, and the same command goes on from there")
        raise
    except MurinomaError as error:
        if debug:
            raise
        say(str(error))
        sys.exit(WRONG_USE if isinstance(error, UsageError) else FAILED)
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        say(f"a mistake in murinoma ({kind}: {error}); run it again with --debug and report what it shows")
        sys.exit(FAILED)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where the phantom study is written.")] = Path("demo"),
    workers: Workers = 0,
    force: Force = False,
    json_: Json = False,
) -> None:
    """Run the whole flow on a phantom study, about a minute; prints the report's path last."""
    from murinoma import flow

    show_all(flow.demo(folder, RunSettings(workers, force), progress), json_)


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="A new folder for the study.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same study.")] = SimulateSettings.seed,
    spacing: Annotated[float, typer.Option(min=0.1, max=1.0, help="Voxel size, mm.")] = SimulateSettings.spacing_mm,
    scanner: Annotated[
        str | None,
        typer.Option(help="Write scanner files of several mice instead, and no annotations: inveon or dicom."),
    ] = None,
    workers: Workers = 0,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Write a study of phantom mice with three simulated annotators and the truth, or only their scanner files."""
    from murinoma.steps.simulate import scan_phantoms
    from murinoma.steps.simulate import simulate as step

    if scanner not in (None, "inveon", "dicom"):
        raise UsageError(f"no scanner writes '{scanner}'; --scanner takes inveon or dicom")
    settings = SimulateSettings(seed=seed, spacing_mm=spacing, scanner_files=scanner or "inveon")
    how = RunSettings(workers, dry_run=dry_run)
    make = step if scanner is None else scan_phantoms
    show(make(folder, settings=settings, how=how, progress=progress("simulate")), json_)


@app.command()
def split(
    acquisition: Acq,
    into: Into,
    dataset: DatasetName = "Dataset 1",
    time: Time = "0d",
    mice: Mice = "",
    expect: Expect = None,
    box: Boxes = None,
    axes: AxesText = "",
    keep_range: KeepRange = False,
    isolate: Isolate = False,
    calibrate: Calibrate = "",
    series: Series = None,
    frame: Frame = None,
    fill_gaps: FillGaps = 0,
    segment_with: SegmentWith = "",
    paste: Paste = False,
    workers: Workers = 1,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Cut an acquisition with several mice into one CT per mouse, with a sheet to check it by."""
    from murinoma.steps.split import SplitJob, read_jobs
    from murinoma.steps.split import split as step

    given = SplitSettings(calibrate=_two_points(calibrate), isolate=isolate)
    settings = replace(given, range_hu=INT16_HU) if keep_range else given
    names = tuple(name.strip() for name in mice.split(",") if name.strip())
    boxes = tuple(_box(text) for text in box or ())
    one = SplitJob(acquisition, dataset, time, names, expect, axes, boxes, series, frame, fill_gaps)
    jobs = read_jobs(acquisition) if acquisition.suffix.lower() == ".csv" else [one]
    how = RunSettings(workers, force, dry_run)
    if paste and not segment_with:
        raise UsageError("--paste puts masks back; say with --segment-with which model makes them")
    if not segment_with:
        show(step(jobs, into, settings=settings, how=how, progress=progress("split")), json_)
    from murinoma import flow

    show_all(
        flow.split_and_segment(
            jobs, into, segment_with, settings=settings, how=how, progress=progress, paste_masks=paste
        ),
        json_,
    )


@app.command()
def paste(
    mask: Annotated[list[Path], typer.Argument(help="Masks of mice that were split from one acquisition.")],
    onto: Annotated[Path, typer.Option(help="The acquisition.")],
    into: Annotated[Path, typer.Option(help="The NIfTI file to write.")],
    json_: Json = False,
) -> None:
    """Put masks back into the grid of the acquisition that their mice were cut from."""
    from murinoma.steps.paste import paste as step

    show(step(mask, onto, into), json_)


@app.command()
def check(
    study: Root,
    out: Out = None,
    workers: Workers = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
    volume_factor: Annotated[
        float, typer.Option(min=1.0, help="List tumors whose largest and smallest volume differ by more.")
    ] = CheckSettings.volume_factor,
) -> None:
    """List what is wrong or odd, per scan, with the remedy; exit code 1 for errors, 0 for oddities only."""
    from murinoma.steps.check import check as step
    from murinoma.study import read_study

    settings = CheckSettings(volume_factor=volume_factor)
    how = RunSettings(workers, force, dry_run)
    show(step(read_study(study, out=out), settings=settings, how=how, progress=progress("check")), json_)


@app.command()
def annotate(
    what: Annotated[Path, typer.Argument(metavar="STUDY|CT", help="A study with a campaign, or one CT (NIfTI).")],
    annotator: Annotated[str, typer.Option(help="Who draws: your name in the campaign.")] = "",
    start_from: Annotated[
        str, typer.Option(help="Correct a mask: an annotator, staple, majority or a model; for one CT a file.")
    ] = "",
    into: Annotated[Path | None, typer.Option(help="For one CT: the file to write, instead of beside it.")] = None,
    queue: Annotated[bool, typer.Option("--queue", help="The next scan of 'murinoma review', not blinded.")] = False,
) -> None:
    """Draw tumors in napari: the next scan of a campaign, blinded, or one CT; every stroke is saved at once."""
    from murinoma.steps.annotate import sit_down
    from murinoma.steps.annotate.queue import open_queue
    from murinoma.ui.napari.extra import load_window

    show = load_window()
    if queue and (start_from or into is not None):
        raise UsageError("--queue knows where to start from and what to write; leave out --start-from and --into")
    sitting = (
        open_queue(what, annotator) if queue else sit_down(what, annotator=annotator, start_from=start_from, into=into)
    )
    show(sitting)
    if sitting.result is not None:
        typer.echo(str(sitting.result))


@app.command()
def agree(
    study: Root,
    out: Out = None,
    workers: Workers = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Measure how well the annotators agree: Tables 1, 3 and 4, beside the published values where they belong."""
    from murinoma.steps.agree import agree as step
    from murinoma.study import read_study

    how = RunSettings(workers, force, dry_run)
    show(step(read_study(study, out=out), how=how, progress=progress("agree")), json_)


@app.command()
def merge(
    study: Root,
    method: Annotated[str | None, typer.Option(help="staple or majority; both without it.")] = None,
    out: Out = None,
    workers: Workers = 0,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Merge the annotations of each scan into consensus masks, with each annotator's performance."""
    from murinoma.steps.merge import merge as step
    from murinoma.study import read_study

    if method not in (None, *MergeSettings.methods):
        raise UsageError(f"no consensus is called '{method}'; --method takes staple or majority")
    settings = MergeSettings() if method is None else MergeSettings((method,))
    how = RunSettings(workers, force, dry_run)
    show(step(read_study(study, out=out), settings=settings, how=how, progress=progress("merge")), json_)


@app.command()
def segment(
    what: Annotated[
        list[Path], typer.Argument(metavar="STUDY|CT...", help="A study, or CTs of one mouse each (NIfTI files).")
    ],
    model: Annotated[
        str, typer.Option(help="A model's folder, or the name of one that was trained on the study, or is shipped.")
    ],
    head: Annotated[str, typer.Option(help="Which of its outputs: an annotator, or consensus.")] = SegmentSettings.head,
    maps: Annotated[bool, typer.Option("--maps", help="Also write where its annotators' outputs disagree.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Write results here instead of STUDY/derivatives; for CTs, not 'segmented' beside them."),
    ] = None,
    force: Force = False,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Let a model outline the tumors of every scan: masks with numbered tumors, their volumes, a picture of each."""
    from murinoma.steps.segment import segment as step
    from murinoma.steps.segment.single import segment_files
    from murinoma.study import read_study

    how, settings, follow = RunSettings(force=force, dry_run=dry_run), SegmentSettings(head, maps), progress("segment")
    if len(what) == 1 and what[0].suffix not in (".nii", ".gz"):
        study = read_study(what[0], out=out)
        show(step(study, model, settings=settings, how=how, progress=follow), json_)
    show(segment_files(what, model, out=out, settings=settings, how=how, progress=follow), json_)


@app.command()
def repeatability(
    study: Root,
    source: Annotated[
        str, typer.Option(help="Whose volumes: an annotator, staple, majority, ...")
    ] = RepeatabilitySettings.source,
    within: Annotated[
        float, typer.Option(min=0.0, help="Scans of a mouse at most this many hours apart.")
    ] = RepeatabilitySettings.within_hours,
    out: Out = None,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Say how far volumes move by measurement alone: scans close in time, and scans that somebody drew twice."""
    from murinoma.steps.repeatability import measure_repeatability
    from murinoma.study import read_study

    settings = RepeatabilitySettings(source, within)
    how = RunSettings(dry_run=dry_run)
    show(measure_repeatability(read_study(study, out=out), settings=settings, how=how), json_)


app.command()(train_commands.train)
app.command()(train_commands.train_phantoms)
app.command()(evaluate_commands.evaluate)
app.command()(evaluate_commands.calibrate)
app.command()(evaluate_commands.review)
app.command()(growth_commands.assign)
app.command()(growth_commands.growth)


@app.command()
def report(study: Root, out: Out = None, json_: Json = False) -> None:
    """Write one self-contained HTML page with all results of the study."""
    from murinoma.steps.report import report as step
    from murinoma.study import read_study

    show(step(read_study(study, out=out), progress=progress("report")), json_)


def _two_points(text: str) -> tuple[float, float] | None:
    """Return what air and water read, from ``air=-950,water=40``."""
    if not text:
        return None
    try:
        said = dict(part.strip().split("=") for part in text.split(","))
        return float(said["air"]), float(said["water"])
    except (KeyError, ValueError) as error:
        raise UsageError(f"--calibrate '{text}' is not understood; write air=-950,water=40") from error


def _box(text: str) -> tuple[str, tuple[slice, slice, slice]]:
    """Return a mouse and its window along (z, y, x), from ``M01=x0:x1,y0:y1,z0:z1``."""
    try:
        name, axes = text.split("=")
        x, y, z = (slice(*(int(end) for end in part.split(":"))) for part in axes.split(","))
    except ValueError as error:
        raise UsageError(f"--box '{text}' is not understood; write M01=10:202,30:222,0:450 (x, y, z)") from error
    return name.strip(), (z, y, x)
