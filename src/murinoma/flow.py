"""The whole study on one screen: which steps there are, in which order, and the commands that join them.

::

    scanner files -- split --> CT per mouse -- annotate --> annotations -- agree --> Tables 1, 3, 4, figures
                                   |                            `-- merge --> consensus -- train --> model
                                   `------ segment (model) --> predictions -- evaluate --> model against people
                                                                   `-- growth --> curves, response
                                            report / view: everything on a page

Beside it stand campaign (who annotates what, blinded), check, repeatability, assign, calibrate, review, and simulate,
which makes phantom mice. Each step reads a study and writes files under ``STUDY/derivatives/<step>/``; each can be run
alone and again.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from murinoma.settings import RunSettings, SimulateSettings, SplitSettings
from murinoma.steps import StepResult
from murinoma.steps.agree import agree
from murinoma.steps.campaign import has_campaign, new_campaign, reveal_campaign
from murinoma.steps.check import check
from murinoma.steps.growth import growth
from murinoma.steps.merge import merge
from murinoma.steps.paste import paste
from murinoma.steps.repeatability import has_repeats, measure_repeatability
from murinoma.steps.report import report
from murinoma.steps.segment import segment
from murinoma.steps.simulate import scan_phantoms
from murinoma.steps.simulate.annotators import annotate_phantoms
from murinoma.steps.split import SplitJob, read_jobs, split
from murinoma.study import Scan, Study, read_study
from murinoma.study.prediction_paths import pasted_path

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
    yield growth(study, how=how)
    yield report(study, how=how, progress=progress("report"))


def split_and_segment(
    jobs: Sequence[SplitJob],
    into: Path,
    model: str,
    *,
    settings: SplitSettings = SplitSettings(),
    how: RunSettings = RunSettings(),
    progress: ProgressFor,
    paste_masks: bool = False,
) -> Iterator[StepResult]:
    """Yield the result of split, of segment on all scans of the study at `into` that have no mask yet, and of paste.

    With `paste_masks` the masks of each acquisition are put back into its grid, into one file; numbers in it are those
    of each mouse's own tumors.

    Raises
    ------
    MurinomaError
        As `split` and `segment`.
    """
    done = split(jobs, into, settings=settings, how=how, progress=progress("split"))
    yield done
    if done.result is None:  # a dry run, or nothing could be split
        return
    study = read_study(into)
    # what was split anew has another CT, and is segmented again without being forced
    segmented = segment(study, model, progress=progress("segment"))
    yield segmented
    if paste_masks and segmented.result is not None:
        yield from _paste_back(jobs, study, segmented.result.name)


def _paste_back(jobs: Sequence[SplitJob], study: Study, model: str) -> Iterator[StepResult]:
    """Yield the masks of each acquisition's mice in its own grid; `model` is the name on the model's card."""
    for job in jobs:
        scans = _scans_of(job, study)
        masks = [path for path in (study.prediction_path(scan, model) for scan in scans) if path.exists()]
        if masks:
            target = pasted_path(study, model, job.dataset, scans[0].group)
            yield paste(masks, job.file, target, series=job.series, frame=job.frame, fill_gaps=job.fill_gaps)


def _scans_of(job: SplitJob, study: Study) -> list[Scan]:
    """Return the scans that were cut from an acquisition: those of its group, which is called after its mice."""
    group = "_".join([*job.names, job.time]) if job.names else "M01_"  # without names they are M01, M02, ...
    there = [scan for scan in study.scans if (scan.dataset, scan.time.label) == (job.dataset, job.time)]
    return [scan for scan in there if scan.group.startswith(group)]
