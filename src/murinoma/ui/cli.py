"""The command line: one command per step; it parses, calls the step and shows the result.

Exit codes: 0 all done; 1 some scan failed (the rest is written), or a study or file is not usable; 2 a wrong
option, source or extra; 130 stopped with Ctrl-C (what was done is kept). Standard output carries the result's
path, or one object with ``--json``; everything else goes to standard error.
"""

import atexit
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from murinoma.errors import MurinomaError, UsageError
from murinoma.settings import CheckSettings, MergeSettings, RunSettings, SimulateSettings

if TYPE_CHECKING:
    from murinoma.steps import StepResult

DONE, FAILED, WRONG_USE, STOPPED = 0, 1, 2, 130

Root = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder with 'Dataset 1', 'Dataset 2', ... in it.")]
Out = Annotated[
    Path | None, typer.Option(help="Write results here instead of STUDY/derivatives; later steps look there.")
]
Workers = Annotated[int, typer.Option(min=0, help="Processes at once; 0 chooses by scans and cores.")]
Force = Annotated[bool, typer.Option("--force", help="Do again what the record shows as done.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say how many scans wait, and do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the result's path.")]

app = typer.Typer(
    name="murinoma",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Micro-CT studies of mice with subcutaneous tumors: from the scanner to the growth curve.",
    epilog="A study is a folder: STUDY/Dataset 1/M01_M02_0d/M01_0d/CT_M01_0d.nii.gz, with Annotator_A_M01_0d.nii.gz "
    "beside it. Every command takes --help; murinoma --debug COMMAND shows where an error arose.",
)


def main() -> None:
    """Run the command line and leave with its exit code; errors become one sentence on standard error."""
    arguments = sys.argv[1:]
    debug = "--debug" in arguments
    try:
        app([argument for argument in arguments if argument != "--debug"])
    except SystemExit as leaving:
        if leaving.code == STOPPED:
            _say("stopped; what was done is kept, and the same command goes on from there")
        raise
    except MurinomaError as error:
        if debug:
            raise
        _say(str(error))
        sys.exit(WRONG_USE if isinstance(error, UsageError) else FAILED)
    except Exception as error:
        if debug:
            raise
        kind = type(error).__name__
        _say(f"a mistake in murinoma ({kind}: {error}); run it again with --debug and report what it shows")
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

    results = []
    for result in flow.demo(folder, RunSettings(workers, force), _progress):
        results.append(result)
        if result is not results[0]:
            _explain(result)
    _print_result(results[-1], json_)
    raise typer.Exit(max(_exit_code(result) for result in results))


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="A new folder for the study.")],
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same study.")] = SimulateSettings.seed,
    spacing: Annotated[float, typer.Option(min=0.1, max=1.0, help="Voxel size, mm.")] = SimulateSettings.spacing_mm,
    workers: Workers = 0,
    dry_run: DryRun = False,
    json_: Json = False,
) -> None:
    """Write a study of phantom mice with three simulated annotators, and the truth beside it."""
    from murinoma.steps.simulate import simulate as step

    settings = SimulateSettings(seed=seed, spacing_mm=spacing)
    how = RunSettings(workers, dry_run=dry_run)
    _show(step(folder, settings=settings, how=how, progress=_progress("simulate")), json_)


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
    _show(step(read_study(study, out=out), settings=settings, how=how, progress=_progress("check")), json_)


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
    _show(step(read_study(study, out=out), how=how, progress=_progress("agree")), json_)


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
    _show(step(read_study(study, out=out), settings=settings, how=how, progress=_progress("merge")), json_)


@app.command()
def report(study: Root, out: Out = None, json_: Json = False) -> None:
    """Write one self-contained HTML page with all results of the study."""
    from murinoma.steps.report import report as step
    from murinoma.study import read_study

    _show(step(read_study(study, out=out), progress=_progress("report")), json_)


def _progress(step: str) -> Callable[[int, int, str], None] | None:
    """Return what draws a bar for a step on a terminal, and nothing where standard error is a file."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    bar = Progress(*columns, TextColumn("{task.fields[scan]}"), console=Console(stderr=True), transient=True)
    task = bar.add_task(step, scan="", total=None)
    atexit.register(bar.stop)  # an error or Ctrl-C must not leave the terminal without a cursor

    def draw(done: int, total: int, scan: str) -> None:
        if done == 1:
            bar.start()
        bar.update(task, completed=done, total=total, scan=scan)
        if done == total:
            bar.stop()

    return draw


def _show(result: "StepResult", as_json: bool) -> NoReturn:
    """Tell a step's result and leave with its exit code."""
    _explain(result)
    _print_result(result, as_json)
    raise typer.Exit(_exit_code(result))


def _exit_code(result: "StepResult") -> int:
    return FAILED if result.failed else DONE


def _explain(result: "StepResult") -> None:
    """Say on standard error what failed, what is odd, and the key figures."""
    for failure in result.failed:
        _say(f"{failure.scan}: {failure.message}" if failure.scan else failure.message)
    for notice in result.notices:
        _say(f"note: {notice}")
    figures = ", ".join(f"{name} {_figure(value)}" for name, value in result.numbers.items() if value is not None)
    failed = f", {len(result.failed)} failed" if result.failed else ""
    _say(f"{result.step}: {result.scans} scans{failed}{'; ' * bool(figures)}{figures}")


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print_result(result: "StepResult", as_json: bool) -> None:
    if as_json:
        fields = {**asdict(result), "result": None if result.result is None else str(result.result)}
        typer.echo(json.dumps(fields, ensure_ascii=False))
    elif result.result is not None:
        typer.echo(str(result.result))


def _say(sentence: str) -> None:
    typer.echo(sentence, err=True)
