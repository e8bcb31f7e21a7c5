"""Train a model on the annotations of a study: a coarse and a fine network, held-out mice beside them, a model folder.

`material` reads the scans, `networks` trains, `model` writes. A training that was stopped goes on from its checkpoints
in ``derivatives/training/NAME``.
"""

import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec

from murinoma.errors import StudyError, UsageError
from murinoma.files.tables import write_table
from murinoma.models.folder import read_card
from murinoma.models.shipped import find_folder
from murinoma.runs import Progress
from murinoma.settings import RunSettings, TrainSettings
from murinoma.steps import Number, StepResult, some, study_failures, study_notices
from murinoma.steps.train.material import Bar, Material, read_material
from murinoma.steps.train.model import finish, split_table, study_card
from murinoma.steps.train.networks import Trained, begun_with, last_dice, train_networks
from murinoma.study import Scan, Study
from murinoma.study.model_paths import folder_if_named, model_folder, training_folder
from murinoma.study.splits import Split, leave_out_dataset, mouse_of, split_by_acquisition, split_by_mouse

INSTALL = "pip install 'murinoma[train]'"


def train(
    study: Study,
    name: str,
    *,
    settings: TrainSettings = TrainSettings(),
    how: RunSettings = RunSettings(),
    progress: Progress | None = None,
) -> StepResult:
    """Train the model `name` and write it to ``STUDY/models/NAME``, with its split and history beside its checkpoints.

    Stopped, the same call goes on; `how.force` begins again, and replaces a model of that name when it is done.

    Raises
    ------
    UsageError
        If the extra ``train`` is not installed, or the name, the split, or the model to begin with does not exist.
    StudyError
        If there is nothing to learn from, too few mice to hold some out, or a model of that name.
    InputError
        If the training was begun with other scans or settings, or diverges.
    FileError
        If the model to begin with is damaged.
    OutputError
        If the model cannot be written.
    """
    require_extra()
    target, folder = model_folder(study, name), training_folder(study, name)
    if target.exists() and not how.force:
        raise StudyError(f"there is a model '{name}' already ({target}); take another --name, or --force to replace it")
    split = split_scans(_usable(study), settings)
    if how.dry_run:
        numbers: dict[str, Number] = {"training_scans": len(split.training), "held_out_scans": len(split.held_out)}
        return StepResult("train", None, 0, study_failures(study), (), numbers)
    if how.force:
        shutil.rmtree(folder, ignore_errors=True)
    start = None
    if settings.start is not None:
        first = find_folder(settings.start, folder_if_named(study, settings.start))
        start = read_card(first)
        settings = begun_with(first, start, settings)
    steps = settings.coarse.steps + settings.fine.steps
    bar = Bar(progress, len(split.training) + len(split.held_out) + steps)
    material = read_material(split, settings, bar)
    write_table(split_table(material), folder / "split.csv")
    networks = train_networks(material, settings, folder, bar)
    finish(target, study_card(name, material, networks, settings, start), networks, folder)
    failed = (*study_failures(study), *material.failures)
    notices = (*study_notices(study), *_notices(study, material))
    return StepResult(
        "train", target, len(material.training) + len(material.held_out), failed, notices, _numbers(networks[1])
    )


def require_extra() -> None:
    """Refuse to begin where a library is missing.

    Raises
    ------
    UsageError
        With the command that installs it.
    """
    missing = [library for library in ("torch", "onnx") if find_spec(library) is None]
    if missing:
        raise UsageError(f"training needs {' and '.join(missing)}; install them: {INSTALL}")


def split_scans(scans: Sequence[Scan], settings: TrainSettings) -> Split:
    """Return the scans to learn from and the held-out ones.

    Raises
    ------
    UsageError
        If the settings name no split that there is.
    StudyError
        If the scans cannot be split so.
    """
    if settings.split == "dataset":
        return leave_out_dataset(scans, str(settings.held_out))
    by = {"mouse": split_by_mouse, "acquisition": split_by_acquisition}.get(settings.split)
    if by is None:
        raise UsageError(f"no split is called '{settings.split}'; --split takes mouse, acquisition or dataset")
    try:
        share = float(settings.held_out)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise UsageError(f"--held-out '{settings.held_out}' is no share of the mice; write a number such as 0.2")
    return by(scans, share=share, seed=settings.seed)


def _usable(study: Study) -> list[Scan]:
    """Return the scans to learn from: with a CT and an annotation, and no tumor that people left out."""
    labelled = [scan for scan in study.scans if scan.ct is not None and scan.annotations]
    if not labelled:
        raise StudyError(
            f"no scan of {study.root} has a CT and an annotation; annotate some mice first ('murinoma annotate')"
        )
    left_out = study.excluded_tumors()
    return [scan for scan in labelled if scan.key not in left_out]


def _notices(study: Study, material: Material) -> Iterator[str]:
    left_out = len(study.excluded_tumors())
    if left_out:
        yield f"{some(left_out, 'scan')} with a tumor that exclude.csv leaves out taught nothing"
    mice = len({mouse_of(one.scan) for one in material.held_out})
    if mice < 5:
        yield f"only {some(mice, 'mouse', 'mice')} held out: the Dice says little about other mice"
    absent = set(study.annotators) - set(material.annotators)
    if absent:
        yield f"annotators {', '.join(sorted(absent))} marked no training scan, and have no head in the model"


def _numbers(fine: Trained) -> dict[str, Number]:
    dice = {f"dice_{head}": value for head, value in last_dice(fine).items()}
    return {**dice, "patches": len(fine.job.validation), "minutes": round(fine.training.seconds / 60, 2)}
