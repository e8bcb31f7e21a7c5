"""The whole study on one screen: which steps there are, in which order, and the commands that join them.

::

    scanner files -- split --> CT per mouse -- annotate --> annotations -- agree --> Tables 1, 3, 4, figures
                                   |                            `-- merge --> consensus -- train --> model
                                   `------ segment (model) --> predictions -- evaluate --> model against people
                                                                   `-- growth --> curves, response
                                            report / view: everything on a page

Built so far: split, campaign (who annotates what, blinded), check, agree, merge, repeatability, train, segment, report,
and simulate, which makes phantom mice. Each step reads a study and writes files under ``STUDY/derivatives/<step>/``;
each can be run alone and again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from murinoma.settings import RunSettings, SimulateSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.steps.campaign import has_campaign, new_campaign, reveal_campaign
from murinoma.steps.check import check
from murinoma.steps.merge import merge
from murinoma.steps.repeatability import has_repeats, measure_repeatability
from murinoma.steps.report import report
from murinoma.steps.simulate import scan_phantoms
from murinoma.steps.simulate.annotators import annotate_phantoms
from murinoma.steps.split import read_jobs, split
from murinoma.study import Study, read_study

Progress = Callable[[int, int, str], None]
ProgressFor = Callable[[str], Progress | None]  # the name of a step -> what to call while it runs


def demo(
    folder: Path, how: RunSettings, progress: ProgressFor, settings: SimulateSettings = SimulateSettings()
) -> Iterator[StepResult]:
    """Yield the result of each step of the flow on phantom mice in `folder`; the last one's is the report.

    Scanner files of several mice each come first (``folder/acquisitions``), then the study that is split from them
    (``folder/study``), then a blinded campaign in which three simulated annotators draw, some scans twice.

    Raises
    ------
    MurinomaError
        If the folder holds something else, or cannot be written.
    """
    acquisitions, root = folder / "acquisitions", folder / "study"
    yield scan_phantoms(acquisitions, settings=settings, how=how, progress=progress("scan"))
    yield split(read_jobs(acquisitions / "split.csv"), root, how=how, progress=progress("split"))
    if not has_campaign(read_study(root)):
        yield new_campaign(read_study(root), settings=settings.campaign)
    yield annotate_phantoms(read_study(root), acquisitions, settings=settings, progress=progress("annotate"))
    yield reveal_campaign(read_study(root), follow=progress("reveal"))
    yield from analyse(read_study(root), how, progress)


def analyse(study: Study, how: RunSettings, progress: ProgressFor) -> Iterator[StepResult]:
    """Yield the result of each step from annotations to the report."""
    yield check(study, how=how, progress=progress("check"))
    yield agree(study, how=how, progress=progress("agree"))
    yield merge(study, how=how, progress=progress("merge"))
    if has_repeats(study):
        yield measure_repeatability(study, how=how)
    yield report(study, how=how, progress=progress("report"))
