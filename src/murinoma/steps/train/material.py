"""What there is to learn from: labelled scans of both sides, read once, and how far the step is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError, MurinomaError, StudyError
from murinoma.files.masks import read_annotations
from murinoma.files.nifti import read
from murinoma.files.records import fingerprint
from murinoma.models.scan import prepare
from murinoma.models.segmenter import CONSENSUS
from murinoma.models.training.examples import Example, coarse_example
from murinoma.runs import Failure, Progress
from murinoma.settings import TrainSettings
from murinoma.steps import some
from murinoma.study import Scan
from murinoma.study.splits import Split


@dataclass(frozen=True)
class Labelled:
    """A labelled scan that was read once: its coarse example, and the SHA-256 of its files by name."""

    scan: Scan
    coarse: Example
    sha256: dict[str, str]


@dataclass(frozen=True)
class Material:
    """What there is to learn from: annotators that are heads, scans of both sides, and those that cannot be read."""

    annotators: tuple[str, ...]
    training: tuple[Labelled, ...]
    held_out: tuple[Labelled, ...]
    failures: tuple[Failure, ...]


@dataclass
class Bar:
    """The progress of the whole step: scans that are read, and steps of both networks."""

    progress: Progress | None
    total: int
    done: int = 0

    def tell(self, done: int, what: str) -> None:
        """Say how many of `total` are done, and what comes of it."""
        self.done = done
        if self.progress is not None:
            self.progress(done, self.total, what)


def read_material(split: Split, settings: TrainSettings, bar: Bar) -> Material:
    """Return everything of a split that can be read; a scan that cannot is a failure, and the others go on.

    Raises
    ------
    StudyError
        If no training scan is left, or none shows a tumor.
    """
    annotators = tuple(sorted({name for scan in split.training for name in scan.annotations}))
    if CONSENSUS in annotators:
        raise StudyError(f"an annotator is called '{CONSENSUS}', as the head that all share; rename those files")
    failures: list[Failure] = []
    sides = [tuple(_read_all(side, annotators, settings, failures, bar)) for side in (split.training, split.held_out)]
    if not any(one.coarse.tumors for one in sides[0]):
        raise StudyError(
            f"none of the {some(len(sides[0]), 'scan')} to learn from shows a tumor; annotate more mice, or try "
            f"another --seed{': ' * bool(failures)}{failures[0].message if failures else ''}"
        )
    return Material(annotators, sides[0], sides[1], tuple(failures))


def _read_all(
    scans: Sequence[Scan], annotators: Sequence[str], settings: TrainSettings, failures: list[Failure], bar: Bar
) -> Iterator[Labelled]:
    for scan in scans:
        try:
            yield _read_once(scan, annotators, settings)
        except MurinomaError as error:
            failures.append(Failure(scan.title, str(error)))
        bar.tell(bar.done + 1, f"reading {scan.title}")


def _read_once(scan: Scan, annotators: Sequence[str], settings: TrainSettings) -> Labelled:
    files = [path for path in (scan.ct, *scan.annotations.values()) if path is not None]
    stamps = {file: stamp["sha256"] for file, stamp in fingerprint(files).items()}
    return Labelled(scan, read_example(scan, coarse_example, annotators, settings), stamps)


def read_example(
    scan: Scan, make: Callable[..., Example], annotators: Sequence[str], settings: TrainSettings
) -> Example:
    """Return a scan as an example for the coarse or the fine network (`make`).

    Raises
    ------
    MurinomaError
        If its files cannot be read, do not fit together, or show no mouse.
    """
    if scan.ct is None:
        raise InputError(f"{scan.folder} holds no CT; put it there")
    image = read(scan.ct)
    ready = prepare(image.volume.voxels, image.header.spacing_mm, settings.coarse.spacing_mm, settings.fine.spacing_mm)
    masks = read_annotations(scan).masks
    present: list[npt.NDArray[np.bool_] | None] = [masks[who] > 0 if who in masks else None for who in annotators]
    return make(ready, present)
