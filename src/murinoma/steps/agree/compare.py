"""Compare the annotators of one scan: what the tables need of it, in a result that a record can keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

from murinoma.errors import InputError
from murinoma.files.masks import Annotations, read_annotations
from murinoma.numerics.agreement import fleiss_kappa, marked_voxels, pairwise_dice
from murinoma.numerics.staple import staple
from murinoma.numerics.surface import robust_hausdorff, surface_dice, surface_distances
from murinoma.numerics.tumors import count_tumors
from murinoma.numerics.votes import majority_patterns
from murinoma.runs import Result
from murinoma.settings import AgreeSettings
from murinoma.steps import finite
from murinoma.study import Scan


@dataclass(frozen=True)
class Compare:
    """The work on one scan; its result holds volumes in mm3."""

    scans_per_worker: ClassVar[int] = 200  # 46 ms a scan: a second process pays for its start from there on
    settings: AgreeSettings
    excluded: Mapping[tuple[str, str, str], frozenset[int]]

    def inputs(self, scan: Scan) -> list[Path]:
        """Return the files that the result depends on."""
        return [*scan.annotations.values(), *([scan.ct] if scan.ct else [])]

    def options(self, scan: Scan) -> dict[str, Any]:
        """Return what else the result depends on."""
        return {"left_out": sorted(self.excluded.get(scan.key, ()))}

    def outputs(self, scan: Scan) -> list[Path]:
        """Return no file: the tables are written once all scans are done."""
        return []

    def __call__(self, scan: Scan) -> Result:
        """Return how well the annotators of the scan agree."""
        if len(scan.annotations) < 2:
            name = next(iter(scan.annotations))
            raise InputError(f"{scan.folder} has one annotation ('{name}'); agreement needs two or more")
        annotations = read_annotations(scan)
        return _compare(annotations, self.settings, self.excluded.get(scan.key, frozenset()))


def _compare(annotations: Annotations, settings: AgreeSettings, excluded: frozenset[int]) -> Result:
    names, masks = list(annotations.masks), list(annotations.masks.values())
    votes, tumors = count_tumors(masks, spacing_mm=annotations.spacing_mm, **asdict(settings.tumors), left_out=excluded)
    dice = pairwise_dice(votes.counts)
    consensus = staple(votes.counts)
    size = annotations.voxel_mm3
    marked = marked_voxels(votes.counts)
    surfaces = surface_distances(votes, spacing_mm=annotations.spacing_mm)
    near = surface_dice(surfaces, tolerance_mm=settings.surface_voxels * max(annotations.spacing_mm))
    far = robust_hausdorff(surfaces)
    pairs = list(combinations(range(len(names)), 2))
    return {
        "annotators": names,
        "n_voxels": int(votes.counts.sum()),
        "dice": [[names[i], names[j], finite(dice[i, j])] for i, j in pairs],
        "surface_dice": [finite(near[i, j]) for i, j in pairs],
        "hd95_mm": [finite(far[i, j]) for i, j in pairs],
        "fleiss_kappa": finite(fleiss_kappa(votes.counts)),
        "fleiss_kappa_box": finite(fleiss_kappa(votes.box_counts)),
        "staple_mm3": float(votes.counts[consensus.foreground].sum() * size),
        "staple_converged": consensus.converged,
        "majority_mm3": float(votes.counts[majority_patterns(len(names))].sum() * size),
        "volumes_mm3": [float(n * size) for n in marked],
        "tumors": {
            str(k): [float(n * size) for n in row] for k, row in zip(tumors.numbers, tumors.voxels, strict=True)
        },
        "specks": tumors.specks,
        "conflicts": dict(annotations.conflicts),
    }
