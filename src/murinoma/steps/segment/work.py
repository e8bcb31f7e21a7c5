"""What is done with one CT: the mask, its picture, and what the tables say of it."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from murinoma.errors import MurinomaError
from murinoma.files.atomic import write_bytes
from murinoma.files.nifti import read_volume, write
from murinoma.models.body_view import view_of
from murinoma.models.folder import CARD, ModelCard
from murinoma.models.lesions import Lesion, lesion_labels
from murinoma.models.segmenter import CONSENSUS, Prediction
from murinoma.numerics.expected_dice import soft_dice
from murinoma.runs import Outcome, Progress, Result, run_scans
from murinoma.settings import RunSettings, SegmentSettings
from murinoma.steps import finite
from murinoma.steps.segment.numbering import view_content
from murinoma.steps.segment.opening import opened
from murinoma.steps.segment.reading import ReadAhead
from murinoma.steps.segment.targets import Target, write_preview

Labels = npt.NDArray[np.uint8]


def run_all(
    targets: Sequence[Target], work: "SegmentWork", results: Path, *, how: RunSettings, progress: Progress | None
) -> Outcome:
    """Return what became of every CT, with the model's card and the record in the folder `results`."""
    order = [(target.ct, target.mask) for target in targets]
    one = replace(how, workers=1)  # a single process: the network takes all cores
    with closing(ReadAhead(order, force=how.force)) as reader:
        ahead = replace(work, reader=reader)
        record = results / "record.json"
        outcome = run_scans(targets, ahead, record, settings=work.settings, how=one, progress=progress)
    if not how.dry_run:
        write_bytes(results / CARD, (work.folder / CARD).read_bytes())
    return outcome


@dataclass(frozen=True)
class SegmentWork:
    """The work on one CT."""

    folder: Path
    card: ModelCard
    settings: SegmentSettings
    reader: ReadAhead | None = field(default=None, compare=False)
    scans_per_worker: ClassVar[int] = 1_000_000

    def inputs(self, target: Target) -> list[Path]:
        """Return the CT."""
        return [target.ct]

    def options(self, target: Target) -> dict[str, Any]:
        """Return which weights and which head make the mask."""
        return {"coarse": self.card.coarse.sha256, "fine": self.card.fine.sha256, "head": self.settings.head}

    def outputs(self, target: Target) -> list[Path]:
        """Return the mask, its picture, and the map where one is asked for."""
        return [target.mask, target.preview, *([target.disagreement] if self._maps else [])]

    @property
    def _maps(self) -> bool:
        return self.settings.maps and len(annotator_heads(self.card.heads)) > 1

    def __call__(self, target: Target) -> Result:
        """Write them, and return what the tables say of the CT."""
        try:
            return self._result(target)
        except MemoryError as error:
            raise MurinomaError(
                "there is not enough memory for this scan; close other programs, or use a machine with more memory"
            ) from error

    def _result(self, target: Target) -> Result:
        ct = read_volume(target.ct) if self.reader is None else self.reader.take(target.ct)
        segmenter = opened(self.folder, self.card)
        scan = segmenter.made_ready(ct.voxels, ct.spacing_mm)
        prediction = segmenter.find(scan)
        labels, lesions = lesion_labels(prediction, self.settings.head)
        view = view_of(scan, labels)
        volumes = {number: place.volume_mm3 for number, place in view.places.items()}
        if self._maps:
            write(ct.with_voxels(disagreement_map(prediction)), target.disagreement)
        write_preview(target, ct, labels, self.card.name, volumes)
        write(ct.with_voxels(labels), target.mask)  # last: with it the scan counts as done
        return {
            "volumes_mm3": {str(number): volume for number, volume in volumes.items()},
            "seeds": {str(lesion.number): _seed(labels, lesion) for lesion in lesions if lesion.number},
            "view": view_content(view),
            "lesions": [_lesion_row(lesion) for lesion in lesions],
            "soft_dice": finite(soft_dice_of(prediction, labels, self.settings.head)),
            "heads_disagreement": finite(heads_disagreement(prediction)),
            "notices": list(prediction.notices),
        }


def annotator_heads(heads: tuple[str, ...]) -> list[int]:
    """Return the places of the heads that stand for single annotators."""
    return [place for place, name in enumerate(heads) if name != CONSENSUS]


def disagreement_map(prediction: Prediction) -> npt.NDArray[np.float32]:
    """Return the standard deviation of the annotators' heads at each voxel, (z, y, x)."""
    whole = np.zeros(prediction.shape, np.float32)
    for patch in prediction.patches:
        whole[patch.box] = patch.probabilities[annotator_heads(prediction.heads)].std(axis=0, dtype=np.float32)
    return whole


def heads_disagreement(prediction: Prediction) -> float:
    """Return the mean of `disagreement_map` where any annotator's head sees a tumor; NaN where none does."""
    heads = annotator_heads(prediction.heads)
    if len(heads) < 2:
        return float("nan")
    values = []
    for patch in prediction.patches:
        probable = patch.probabilities[heads]
        seen = (probable > np.float16(0.5)).any(axis=0)
        values.append(probable[:, seen].std(axis=0, dtype=np.float32))
    held = np.concatenate([np.zeros(0, np.float32), *values])
    return float(held.mean()) if held.size else float("nan")


def soft_dice_of(prediction: Prediction, labels: Labels, head: str) -> float:
    """Return the soft Dice of a mask with the probabilities that it was made from; outside the patches both are 0."""
    at, nothing = prediction.head_index(head), np.zeros(0, np.float16)
    probability = np.concatenate([nothing, *(patch.probabilities[at].ravel() for patch in prediction.patches)])
    marked = np.concatenate([nothing > 0, *(labels[patch.box].ravel() > 0 for patch in prediction.patches)])
    return soft_dice(probability, marked)


def _seed(labels: Labels, lesion: Lesion) -> list[int]:
    """Return a voxel of a lesion, (z, y, x): by it the lesion is known again when it has another number."""
    inside = np.argwhere(labels[lesion.box] == lesion.number)
    return [int(first + part.start) for first, part in zip(inside[0], lesion.box, strict=True)]


def _lesion_row(lesion: Lesion) -> dict[str, Any]:
    return {
        "tumor": lesion.number or None,
        "volume_mm3": round(lesion.volume_mm3, 3),
        "mean_probability": round(float(lesion.mean), 4),
        "peak_probability": round(float(lesion.peak), 4),
        "coarse_probability": round(float(lesion.coarse), 4),
        "depth_mm": round(float(lesion.depth_mm), 3),
        "left_out_because": lesion.dropped or None,
    }
