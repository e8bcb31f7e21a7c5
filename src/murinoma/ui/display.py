"""What the command line says: progress on a terminal, the result on standard output, the rest on standard error."""

import atexit
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

import typer

if TYPE_CHECKING:
    from murinoma.steps import StepResult

DONE, FAILED, WRONG_USE, STOPPED = 0, 1, 2, 130


def progress(step: str) -> Callable[[int, int, str], None] | None:
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


def show(result: "StepResult", as_json: bool) -> NoReturn:
    """Tell a step's result and leave with its exit code."""
    explain(result)
    print_result(result, as_json)
    raise typer.Exit(exit_code(result))


def show_all(results: "Iterable[StepResult]", as_json: bool) -> NoReturn:
    """Tell the results of several steps as they come, print the last one's path, and leave with the worst exit code."""
    told = []
    for result in results:
        told.append(result)
        explain(result)
    print_result(told[-1], as_json)
    raise typer.Exit(max(exit_code(result) for result in told))


def exit_code(result: "StepResult") -> int:
    """Return 1 if some scan failed, else 0."""
    return FAILED if result.failed else DONE


def explain(result: "StepResult") -> None:
    """Say on standard error what failed, what is odd, and the key figures."""
    for failure in result.failed:
        say(f"{failure.scan}: {failure.message}" if failure.scan else failure.message)
    for notice in result.notices:
        say(f"note: {notice}")
    figures = ", ".join(f"{name} {_figure(value)}" for name, value in result.numbers.items() if value is not None)
    failed = f", {len(result.failed)} failed" if result.failed else ""
    scans = f"{result.scans} scan{'' if result.scans == 1 else 's'}"
    say(f"{result.step}: {scans}{failed}{'; ' * bool(figures)}{figures}")


def _figure(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def print_result(result: "StepResult", as_json: bool) -> None:
    """Print the path of a result, or all of it as one JSON object."""
    if as_json:
        fields = {**asdict(result), "result": None if result.result is None else str(result.result)}
        typer.echo(json.dumps(fields, ensure_ascii=False))
    elif result.result is not None:
        typer.echo(str(result.result))


def say(sentence: str) -> None:
    """Say a sentence on standard error."""
    typer.echo(sentence, err=True)
