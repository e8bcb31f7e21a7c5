"""Judge the source's mask of one scan: the columns of the tables, in a result that a record can keep."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError
from murinoma.files.masks import read_annotations, read_grid, read_labels
from murinoma.files.records import fingerprint
from murinoma.numerics.agreement import mean_volume
from murinoma.numerics.detection import is_second
from murinoma.numerics.judging import Compared, Judged, Masks, Rules, judge
from murinoma.runs import Result
from murinoma.settings import EvaluateSettings
from murinoma.steps import finite
from murinoma.steps.evaluate.sources import Source
from murinoma.study import Scan

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]
MM3_PER_CM3 = 1000.0
SCORES = {"dice": "dice", "surface_dice": "surface_dice", "hd95_mm": "hausdorff95_mm"}  # column -> attribute
IN_TRAINING = "its CT is in the training of the model"


@dataclass(frozen=True)
class Judge:
    """The work on one scan; `excluded` holds the tumors that people left out, by the scan's key."""

    scans_per_worker: ClassVar[int] = 40  # a second process pays for its start from there on
    settings: EvaluateSettings
    source: Source
    excluded: Mapping[tuple[str, str, str], frozenset[int]]

    def inputs(self, scan: Scan) -> list[Path]:
        """Return the files that the result depends on."""
        own = [scan.annotations[name] for name in self.source.judges(scan)]
        return [self.source.masks[scan.key], *own, *([scan.ct] if scan.ct else [])]

    def options(self, scan: Scan) -> dict[str, Any]:
        """Return what else the result depends on."""
        known = "\n".join(sorted(self._training))
        return {
            "left_out": sorted(self.excluded.get(scan.key, ())),
            "training": hashlib.sha256(known.encode()).hexdigest() if known else "",
            "judges": self.source.judges(scan),
            "mask": file_stamps([self.source.masks[scan.key]]),  # inputs are told apart by names: it may have the CT's
        }

    def outputs(self, scan: Scan) -> list[Path]:
        """Return no file: the tables are written once all scans are done."""
        return []

    @property
    def _training(self) -> frozenset[str]:
        return self.source.card.training_cts if self.source.card is not None else frozenset()

    def __call__(self, scan: Scan) -> Result:
        """Return how the source does on the scan; only why not, if the model has learned from it."""
        if self._training and scan.ct is not None and _sha256(scan.ct) in self._training:
            return {"kept_out": IN_TRAINING}
        return _judged(scan, self.source, self.settings, self.excluded.get(scan.key, frozenset()))


def file_stamps(paths: Iterable[Path]) -> list[list[Any]]:
    """Return name of folder and file, size and modification time of some files, as JSON holds them.

    Raises
    ------
    FileError
        If one is gone.
    """
    try:
        return [[path.parent.name, path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
    except OSError as error:
        raise FileError(f"cannot read {error.filename}: {error.strerror}; check its permissions") from error


def _sha256(path: Path) -> str:
    return str(fingerprint([path])[path.name]["sha256"])


def _judged(scan: Scan, source: Source, settings: EvaluateSettings, left_out: frozenset[int]) -> Result:
    annotations = read_annotations(scan)
    path, names = source.masks[scan.key], source.judges(scan)
    mask, header = read_labels(path, read_grid(scan))
    judged = judge(
        [annotations.masks[name] for name in names],
        mask,
        spacing_mm=annotations.spacing_mm,
        rules=Rules(**asdict(settings.tumors), tolerance_mm=settings.surface_voxels * max(annotations.spacing_mm)),
        left_out=left_out,
    )
    voxel_cm3 = annotations.voxel_mm3 / MM3_PER_CM3
    tumors = _tumors(judged, names, voxel_cm3, settings)
    conflicts = {**annotations.conflicts, **({path.name: header.conflict} if header.conflict else {})}
    return {
        "judges": names,
        "scan": _scan(judged, names, voxel_cm3) | _counts(judged, tumors, settings),
        "tumors": tumors,
        "false": [
            [float(volume), finite(distance)]
            for volume, distance in zip(judged.false.volumes_mm3, judged.false.distances_mm, strict=True)
        ],
        "staple_converged": judged.staple_converged,
        "conflicts": conflicts,
    }


def _scan(judged: Judged, names: list[str], voxel_cm3: float) -> Row:
    volumes = judged.whole.voxels.astype(np.float64) * voxel_cm3
    n = len(names)
    of_consensus = zip(("staple_volume_cm3", "majority_volume_cm3"), volumes[n + 1 : n + 3], strict=False)
    return {
        "n_annotators": n,
        "n_voxels": judged.n_voxels,
        **_scores(judged.whole, judged.masks, names, volumes),
        "fleiss_kappa": finite(judged.kappa),
        "fleiss_kappa_with_source": finite(judged.kappa_with_source),
        "source_volume_cm3": float(volumes[n]),
        "annotators_volume_cm3": float(volumes[:n].mean()),
        **{column: float(volume) for column, volume in of_consensus},
    }


def _counts(judged: Judged, tumors: list[Row], settings: EvaluateSettings) -> Row:
    """Return what was found and what was not, and the lesions that are none."""
    counted = judged.false.volumes_mm3 > settings.false_mm3
    nearest = judged.false.distances_mm[counted]
    return {
        "tumors": sum(tumor["agreed"] for tumor in tumors),
        "tumors_found": sum(tumor["agreed"] and tumor["found"] for tumor in tumors),
        "tumors_disputed": sum(not tumor["agreed"] for tumor in tumors),
        "false_lesions": int(counted.sum()),
        "false_cm3": float(judged.false.volumes_mm3.sum() / MM3_PER_CM3),
        "false_distance_mm": finite(nearest.min()) if len(nearest) else None,
    }


def _tumors(judged: Judged, names: list[str], voxel_cm3: float, settings: EvaluateSettings) -> list[Row]:
    n = len(names)
    drawn = judged.annotated_voxels
    second = is_second(drawn.mean(axis=1))
    rows = []
    for place, (number, compared) in enumerate(judged.tumors.items()):
        own = drawn[place] * voxel_cm3
        volumes = np.concatenate([own, compared.voxels[n:] * voxel_cm3]).astype(np.float64)
        agreed = 2 * np.count_nonzero(own) > n
        rows.append(
            {
                "tumor": number,
                "n_annotators": int(np.count_nonzero(own)),
                "agreed": bool(agreed),
                "second": bool(second[place]),
                "found": _found(compared, judged, settings),
                **{f"volume_cm3_{name}": float(volume) for name, volume in zip(names, own, strict=True)},
                "volume_cm3_mean": float(own.mean()),
                "volume_cm3_source": float(volumes[n]),
                **_scores(compared, judged.masks, names, volumes),
                "human_volume_log_sd": _log_sd(own),
            }
        )
    return rows


def _found(compared: Compared, judged: Judged, settings: EvaluateSettings) -> bool:
    """Tell whether the source found a tumor: enough Dice with the majority, or with the one annotator there is."""
    majority = judged.masks.staple + 1 if judged.masks.n_annotators > 1 else 0
    return bool(compared.dice[judged.masks.source, majority] >= settings.found_dice)


def _log_sd(volumes: Floats) -> float | None:
    logs = np.log(volumes[volumes > 0])
    return float(logs.std(ddof=1)) if len(logs) > 1 else None


def _scores(compared: Compared, masks: Masks, names: list[str], volumes_cm3: Floats) -> Row:
    """Return the columns of all scores: the source against each mask, and the annotators against one another."""
    source, n = masks.source, masks.n_annotators
    against = against_names(names)
    places = [place for place in range(len(volumes_cm3)) if place != source]
    row: Row = {}
    for column, attribute in SCORES.items():
        matrix: Floats = getattr(compared, attribute)
        row |= _columns(column, against, matrix[source, places], matrix[source, :n])
        pairs = [matrix[a, b] for a, b in combinations(range(n), 2)]
        row[f"human_{column}"] = _mean(np.array(pairs))
        if column == "dice":
            row |= {f"dice_{names[a]}_{names[b]}": finite(matrix[a, b]) for a, b in combinations(range(n), 2)}
        for place, name in enumerate(names if n > 2 else []):
            row[f"human_{column}_staple_without_{name}"] = finite(matrix[place, masks.staple_without(place)])
    row["dice_difference"] = _difference(row["dice_annotators"], row["human_dice"])
    mean = float(mean_volume(volumes_cm3[:n]))
    compared_with = np.append(volumes_cm3[places], mean)
    errors, ratios = volumes_cm3[source] - compared_with, _log_ratios(volumes_cm3[source], compared_with)
    for column, values in (("volume_error_cm3", errors), ("volume_log_ratio", ratios)):
        row |= {f"{column}_{name}": finite(value) for name, value in zip([*against, "annotators"], values, strict=True)}
    return row


def against_names(annotators: list[str]) -> list[str]:
    """Return the names of the masks that a source is compared with, in the order of `Masks.marks` without it."""
    consensus = ["staple", "majority"] if len(annotators) > 1 else []
    without = [f"staple_without_{name}" for name in annotators] if len(annotators) > 2 else []
    return [*annotators, *consensus, *without]


def _columns(column: str, against: list[str], scores: Floats, of_annotators: Floats) -> Row:
    found = {f"{column}_{name}": finite(score) for name, score in zip(against, scores, strict=True)}
    return found | {f"{column}_annotators": _mean(of_annotators)}


def _mean(scores: Floats) -> float | None:
    """Return the mean of the scores that there are; nothing without any, or where one is infinite."""
    known = scores[~np.isnan(scores)]
    return finite(known.mean()) if len(known) else None


def _difference(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _log_ratios(volume: float, others: Floats) -> Floats:
    """Return the natural logarithm of volume / others; NaN where either is 0."""
    both = (others > 0) & (volume > 0)
    return np.where(both, np.log(max(volume, 1e-300) / np.where(both, others, 1)), np.nan)
