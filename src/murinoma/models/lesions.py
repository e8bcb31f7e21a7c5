"""From probabilities to lesions: every component is kept or dropped on its own merit, never because of another."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import InputError
from murinoma.models.segmenter import CONSENSUS, LEAST_COARSE, Patch, Prediction
from murinoma.numerics.blocks import CORNERS
from murinoma.numerics.boxes import Box

MOST_LESIONS = 254  # numbers that a mask can hold


@dataclass(frozen=True)
class LesionRules:
    """What a component must have to be a lesion.

    Attributes
    ----------
    threshold
        Probability over which a voxel belongs to a component.
    least_mm3
        Its volume; the smallest published tumor has 14.4 mm3.
    least_mean, least_peak
        Its mean and highest probability.
    least_coarse
        Its mean probability in the coarse pass, which has seen the whole mouse: the fine network is sure of what it is
        told. A model's card may ask for more.
    deepest_mm
        Its depth under the skin at its shallowest voxel: subcutaneous tumors lie under the skin, organs deeper.
    """

    threshold: float = 0.5
    least_mm3: float = 5.0
    least_mean: float = 0.6
    least_peak: float = 0.75
    least_coarse: float = LEAST_COARSE
    deepest_mm: float = 2.5


@dataclass(frozen=True)
class Lesion:
    """One component of voxels over the threshold.

    Attributes
    ----------
    number
        From 1 by position (y, then z) among those kept; 0 if dropped.
    box
        Of the scan, slices along z, y, x.
    volume_mm3
        Voxels over the threshold.
    mean, peak
        Of the probabilities in it.
    coarse
        Mean probability that the coarse pass gave to it.
    depth_mm
        Under the skin, of its shallowest voxel.
    dropped
        Why it is no lesion; empty if it is one.
    """

    number: int
    box: Box
    volume_mm3: float
    mean: float
    peak: float
    coarse: float
    depth_mm: float
    dropped: str = ""


def lesion_labels(
    prediction: Prediction, head: str = CONSENSUS, rules: LesionRules | None = None
) -> tuple[npt.NDArray[np.uint8], tuple[Lesion, ...]]:
    """Return the lesions of a scan: their numbers on the scan's grid, and all components, the dropped ones too.

    Without `rules` the model's own least probability in the coarse pass counts, and the other rules as they stand.

    Raises
    ------
    UsageError
        If the model has no such head.
    InputError
        If there are more than 254 lesions.
    """
    at = prediction.head_index(head)
    rules = rules or LesionRules(least_coarse=prediction.least_coarse)
    pieces = [
        (lesion, inside)
        for patch in prediction.patches
        for lesion, inside in patch_lesions(patch, at, prediction.voxel_mm3, rules)
    ]
    pieces.sort(key=lambda piece: (bool(piece[0].dropped), *_place(piece[0].box)))
    kept = sum(not lesion.dropped for lesion, _ in pieces)
    if kept > MOST_LESIONS:
        raise InputError(f"{kept} lesions were found in one scan; this model cannot be trusted with it")
    labels = np.zeros(prediction.shape, np.uint8)
    for number, (lesion, inside) in enumerate(pieces[:kept], start=1):
        labels[lesion.box][inside] = number
    numbered = tuple(
        replace(lesion, number=number if number <= kept else 0) for number, (lesion, _) in enumerate(pieces, start=1)
    )
    return labels, numbered


def patch_lesions(
    patch: Patch, head: int, voxel_mm3: float, rules: LesionRules
) -> Iterator[tuple[Lesion, npt.NDArray[np.bool_]]]:
    """Yield every component in a patch, not yet numbered, with its mask inside its box."""
    probability = patch.probabilities[head]
    labels, count = ndimage.label(probability > rules.threshold, CORNERS)
    for label, found in zip(range(1, count + 1), ndimage.find_objects(labels), strict=True):
        inside = labels[found] == label
        z, y, x = (
            slice(at.start + part.start, at.start + part.stop) for at, part in zip(patch.box, found, strict=True)
        )
        values = probability[found][inside].astype(np.float32)
        lesion = Lesion(
            number=0,
            box=(z, y, x),
            volume_mm3=float(values.size * voxel_mm3),
            mean=float(values.mean()),
            peak=float(values.max()),
            coarse=float(patch.coarse[found][inside].astype(np.float32).mean()),
            depth_mm=float(patch.skin_mm[found][inside].min()),
        )
        yield replace(lesion, dropped=reason_to_drop(lesion, rules)), inside


def reason_to_drop(lesion: Lesion, rules: LesionRules) -> str:
    """Return why a component is no lesion, with its value; empty if it is one.

    Examples
    --------
    >>> kidney = Lesion(0, (slice(0, 9),) * 3, 150.0, mean=0.9, peak=0.99, coarse=0.8, depth_mm=4.0)
    >>> reason_to_drop(kidney, LesionRules())
    'lies 4.0 mm under the skin (at most 2.5)'
    """
    if lesion.volume_mm3 < rules.least_mm3:
        return f"has {lesion.volume_mm3:.1f} mm3 (at least {rules.least_mm3:g})"
    if lesion.mean < rules.least_mean:
        return f"has a mean probability of {lesion.mean:.2f} (at least {rules.least_mean:g})"
    if lesion.peak < rules.least_peak:
        return f"has a highest probability of {lesion.peak:.2f} (at least {rules.least_peak:g})"
    if lesion.coarse < rules.least_coarse:
        return f"has a mean probability of {lesion.coarse:.2f} in the coarse pass (at least {rules.least_coarse:g})"
    if lesion.depth_mm > rules.deepest_mm:
        return f"lies {lesion.depth_mm:.1f} mm under the skin (at most {rules.deepest_mm:g})"
    return ""


def _place(box: Box) -> tuple[int, int]:
    """Return the middle of a box along y and z, in half voxels."""
    z, y, _ = box
    return y.start + y.stop, z.start + z.stop
