"""Where lies what a model makes beside its masks: pictures, maps, masks put back; and all it makes of single files."""

import os
from collections.abc import Sequence
from pathlib import Path

from murinoma.errors import UsageError
from murinoma.study.annotation_paths import image_stem
from murinoma.study.evaluation_paths import predictions_folder
from murinoma.study.values import Scan, Study


def preview_path(study: Study, scan: Scan, model: str) -> Path:
    """Return where the picture lies by which a model's mask is looked over, beside the mask."""
    return study.prediction_path(scan, model).with_name(f"Preview_{scan.name}.png")


def disagreement_path(study: Study, scan: Scan, model: str) -> Path:
    """Return where the map lies of how much the heads of a model disagree, beside the mask."""
    return study.prediction_path(scan, model).with_name(f"Disagreement_{scan.name}.nii.gz")


def pasted_path(study: Study, model: str, dataset: str, group: str) -> Path:
    """Return where the masks of all mice of an acquisition go, put back into its grid."""
    return predictions_folder(study, model) / dataset / f"Prediction_{group}.nii.gz"


def file_results(cts: Sequence[Path], out: Path) -> dict[Path, tuple[Path, Path, Path]]:
    """Return for each CT file where its mask, its picture and its map of disagreement go.

    They are called after the CT; CTs from several folders keep, below `out`, the folders that tell them apart.

    Raises
    ------
    UsageError
        If two CTs would share a mask.

    Examples
    --------
    >>> found = file_results([Path("a/ct.nii.gz"), Path("b/ct.nii.gz")], Path("out"))
    >>> [mask.as_posix() for mask, *_ in found.values()]
    ['out/a/Prediction_ct.nii.gz', 'out/b/Prediction_ct.nii.gz']
    """
    parents = [path.absolute().parent for path in cts]
    common = Path(os.path.commonpath(parents)) if len({path.anchor for path in parents}) == 1 else None
    found: dict[Path, tuple[Path, Path, Path]] = {}
    masks: dict[Path, Path] = {}
    for path, parent in zip(cts, parents, strict=True):
        folder = out / parent.relative_to(common) if common else out
        stem = image_stem(path)
        mask = folder / f"Prediction_{stem}.nii.gz"
        if mask in masks:
            raise UsageError(f"{path} and {masks[mask]} would have the same mask, {mask}; segment them apart")
        masks[mask] = path
        found[path] = mask, folder / f"Preview_{stem}.png", folder / f"Disagreement_{stem}.nii.gz"
    return found
