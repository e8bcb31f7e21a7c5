"""The whole study on one screen: which steps there are, in which order, and the commands that join them.

::

    scanner files -- split --> CT per mouse -- annotate --> annotations -- agree --> Tables 1, 3, 4, figures
                                   |                            `-- merge --> consensus -- train --> model
                                   `------ segment (model) --> predictions -- evaluate --> model against people
                                                                   `-- growth --> curves, response
                                            report / view: everything on a page

Built so far: simulate (phantom mice instead of a scanner), check, agree, merge, report. Each step reads a study
and writes files under ``STUDY/derivatives/<step>/``; each can be run alone and again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from murinoma.settings import RunSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.steps.check import check
from murinoma.steps.merge import merge
from murinoma.steps.report import report
from murinoma.steps.simulate import simulate
from murinoma.study import Study, read_study

Progress = Callable[[int, int, str], None]
ProgressFor = Callable[[str], Progress | None]  # the name of a step -> what to call while it runs


def demo(folder: Path, how: RunSettings, progress: ProgressFor) -> Iterator[StepResult]:
    """Yield the result of each step of the flow on a phantom study in `folder`; the last one's is the report.

    Raises
    ------
    MurinomaError
        If the folder holds something else, or cannot be written.
    """
    yield simulate(folder, how=how, progress=progress("simulate"))
    yield from analyse(read_study(folder), how, progress)


def analyse(study: Study, how: RunSettings, progress: ProgressFor) -> Iterator[StepResult]:
    """Yield the result of each step from annotations to the report."""
    yield check(study, how=how, progress=progress("check"))
    yield agree(study, how=how, progress=progress("agree"))
    yield merge(study, how=how, progress=progress("merge"))
    yield report(study, how=how, progress=progress("report"))
