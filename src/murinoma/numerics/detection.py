"""Which true tumors a prediction finds, how well it outlines each, and what it shows where there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

from murinoma.errors import GeometryError
from murinoma.numerics.boxes import positive_box

Labels = npt.NDArray[np.integer[Any]]
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Spacing = tuple[float, float, float]

NEIGHBOURS_26 = np.ones((3, 3, 3), dtype=bool)
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Detection:
    """A prediction of one scan against its true tumors.

    Attributes
    ----------
    numbers, true_mm3
        (T,) the true tumors by number, and the volume of each.
    predicted_mm3
        (T,) volume of what was predicted for each: 0 for one that was missed wholly.
    dice
        (T,) Dice of each with what was predicted for it, 0..1.
    false_mm3
        (F,) volume of each predicted lesion that overlaps no true tumor.
    false_distance_mm
        (F,) how far each of them is from the nearest true tumor, from voxel centre to voxel centre; infinite where the
        scan has none.
    """

    numbers: tuple[int, ...]
    true_mm3: Array
    predicted_mm3: Array
    dice: Array
    false_mm3: Array
    false_distance_mm: Array

    def found(self, least_dice: float) -> Flags:
        """Return which true tumors are found, (T,): those with at least this Dice. A graze is no find."""
        return np.asarray(self.dice >= least_dice)

    @property
    def volume_error(self) -> Array:
        """Signed relative error of each tumor's volume, (T,): 0.1 is 10 % too much, -1 a missed tumor."""
        return self.predicted_mm3 / self.true_mm3 - 1

    def false_over(self, least_mm3: float) -> int:
        """Return how many false lesions are larger than a volume, mm3."""
        return int(np.count_nonzero(self.false_mm3 > least_mm3))


def detect(truth: Labels, prediction: Labels, *, spacing_mm: Spacing) -> Detection:
    """Return how a prediction of one scan does against its true tumors.

    A predicted lesion is a piece of the prediction that hangs together, corners counted; its own numbers do not
    matter. One that overlaps true tumors is theirs, each voxel of it the nearest tumor's: what joins two tumors has
    found both. One that overlaps none is false.

    Parameters
    ----------
    truth
        (z, y, x): 0, and the number of a tumor.
    prediction
        Of the same shape; whatever is above 0 is predicted.
    spacing_mm
        Spacing along (z, y, x), mm.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    A tumor of four voxels of which three are found, and a lesion of two voxels, 4 mm away, that is none.

    >>> truth = np.array([[[1, 1, 1, 1, 0, 0, 0, 0, 0]]])
    >>> found = detect(truth, np.array([[[1, 1, 1, 0, 0, 0, 0, 1, 1]]]), spacing_mm=(1, 1, 1))
    >>> found.dice.round(3).tolist(), found.volume_error.tolist()
    ([0.857], [-0.25])
    >>> found.false_mm3.tolist(), found.false_distance_mm.tolist()
    ([2.0], [4.0])
    """
    if truth.shape != prediction.shape:
        raise GeometryError(
            f"a prediction of shape {prediction.shape} cannot be judged against a truth of shape {truth.shape}; "
            "put both on the same grid first"
        )
    box = positive_box((truth > 0) | (prediction > 0))
    truth, predicted = truth[box], prediction[box] > 0
    pieces, count = ndimage.label(predicted, NEIGHBOURS_26)
    hit = np.zeros(count + 1, dtype=bool)
    hit[np.unique(pieces[truth > 0])] = True
    hit[0] = False
    numbers = np.unique(truth[truth > 0])
    owner = owners(truth, hit[pieces], spacing_mm)
    voxel_mm3 = float(np.prod(spacing_mm))
    true_voxels = counted(truth, numbers)
    given = counted(owner, numbers)
    shared = counted(np.where(owner == truth, truth, 0), numbers)
    false = np.flatnonzero(~hit[1:]) + 1
    return Detection(
        numbers=tuple(int(number) for number in numbers),
        true_mm3=true_voxels * voxel_mm3,
        predicted_mm3=given * voxel_mm3,
        dice=2 * shared / np.maximum(true_voxels + given, 1),
        false_mm3=counted(pieces, false) * voxel_mm3,
        false_distance_mm=distances(truth > 0, pieces, false, spacing_mm),
    )


def counted(labels: Labels, numbers: Labels) -> Array:
    """Return how many voxels have each of some numbers, as floats."""
    if not len(numbers):
        return np.zeros(0)
    return np.bincount(labels.ravel(), minlength=int(numbers.max()) + 1)[numbers].astype(np.float64)


def owners(truth: Labels, mask: Flags, spacing_mm: Spacing) -> Labels:
    """Return the number of the nearest tumor for each voxel of a mask, 0 outside; inside a tumor it is its own."""
    owner = np.where(mask, truth, 0)
    beyond = np.argwhere(mask & (truth == 0))
    if len(beyond):
        edge = rim(truth > 0, truth)
        _, nearest = cKDTree(edge * spacing_mm).query(beyond * spacing_mm)
        owner[tuple(beyond.T)] = truth[tuple(edge[nearest].T)]
    return owner


def rim(mask: Flags, labels: Labels) -> npt.NDArray[np.int64]:
    """Return the voxels of a mask (n, 3) that have a neighbour of another label: no other can be the nearest."""
    cross = ndimage.generate_binary_structure(3, 1)
    low = ndimage.minimum_filter(labels, footprint=cross, mode="constant")
    high = ndimage.maximum_filter(labels, footprint=cross, mode="constant")
    return np.argwhere(mask & (low != high))


def distances(tumors: Flags, pieces: Labels, numbers: Labels, spacing_mm: Spacing) -> Array:
    """Return how far each of some pieces is from the nearest voxel of a tumor, mm; infinite without a tumor."""
    if not tumors.any() or not len(numbers):
        return np.full(len(numbers), np.inf)
    tree = cKDTree(rim(tumors, tumors.astype(np.uint8)) * spacing_mm)
    parts = ndimage.find_objects(pieces)
    found = []
    for number in numbers:
        own = pieces[parts[number - 1]] == number
        places = np.argwhere(own) + [part.start for part in parts[number - 1]]
        found.append(float(tree.query(places * spacing_mm)[0].min()))
    return np.asarray(found)


def is_second(true_mm3: Array) -> Flags:
    """Return which tumors of a scan are not its largest, (T,): those that a model may drop beside a bigger one.

    Examples
    --------
    >>> is_second(np.array([30.0, 500.0])).tolist()
    [True, False]
    """
    return np.asarray(np.arange(len(true_mm3)) != np.argmax(true_mm3)) if len(true_mm3) else np.zeros(0, bool)


@dataclass(frozen=True)
class Share:
    """So many of so many, with the 95 % interval of the share by Wilson; NaN of nothing."""

    count: int
    total: int
    value: float
    low: float
    high: float


def share_of(flags: Flags) -> Share:
    """Return the share of flags that are set, with its 95 % interval by Wilson (1927).

    Examples
    --------
    >>> one = share_of(np.array([True] * 9 + [False]))
    >>> one.value, round(one.low, 3), round(one.high, 3)
    (0.9, 0.596, 0.982)
    """
    count, total = int(np.count_nonzero(flags)), len(flags)
    if not total:
        return Share(0, 0, np.nan, np.nan, np.nan)
    p, z2 = count / total, NORMAL_95**2
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = NORMAL_95 / (1 + z2 / total) * float(np.sqrt(p * (1 - p) / total + z2 / (4 * total**2)))
    return Share(count, total, p, max(0.0, middle - half), min(1.0, middle + half))


def recall_by_size(true_mm3: Array, found: Flags, edges_mm3: Sequence[float]) -> list[Share]:
    """Return the share of found tumors in each class of size; a class holds its lower edge and not its upper one.

    Examples
    --------
    >>> classes = recall_by_size(np.array([20.0, 40.0, 60.0]), np.array([False, True, True]), (0, 30, np.inf))
    >>> [(one.count, one.total) for one in classes]
    [(0, 1), (2, 2)]
    """
    return [share_of(found[(true_mm3 >= low) & (true_mm3 < high)]) for low, high in pairwise(edges_mm3)]
