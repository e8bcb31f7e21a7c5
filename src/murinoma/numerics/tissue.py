"""The tissue rule: air and bone leave an annotation."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.errors import GeometryError
from murinoma.numerics.boxes import positive_box

Labels = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]

ALL_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


def voxels_leaving(labels: Labels | Mask, ct_hu: npt.NDArray[np.number], *, air_hu: float, bone_hu: float) -> Mask:
    """Return which annotated voxels leave because they are air or bone.

    A voxel below `air_hu` or above `bone_hu` leaves. Air that the annotation encloses stays (gas in a
    necrotic core belongs to the tumor): a connected piece of air, corners counted, of which no voxel
    touches a voxel outside the annotation or the edge of the image. Bone leaves wherever it lies.
    The mask can be shown; `take_out` keeps the label of each leaving voxel, so that `put_back` is exact.

    Parameters
    ----------
    labels
        Annotation of shape (z, y, x); every value above 0 is annotated.
    ct_hu
        CT of the same shape, HU.
    air_hu, bone_hu
        Limits, HU; a voxel exactly on a limit stays.

    Returns
    -------
    Bool array of the same shape.

    Raises
    ------
    GeometryError
        If the shapes differ.

    References
    ----------
    Jensen et al., Scientific Data (2024), Data preprocessing and annotation: under -300 HU, over 500 HU.

    Examples
    --------
    >>> labels = np.ones((1, 1, 4), dtype=np.uint8)
    >>> ct_hu = np.array([[[-800, 40, 60, 900]]], dtype=np.int16)
    >>> voxels_leaving(labels, ct_hu, air_hu=-300, bone_hu=500).tolist()
    [[[True, False, False, True]]]
    """
    if labels.shape != ct_hu.shape:
        raise GeometryError(f"an annotation of shape {labels.shape} needs a CT of that shape, got {ct_hu.shape}")
    leaving = np.zeros(labels.shape, dtype=bool)
    box = positive_box(labels)
    annotated = labels[box] > 0
    air = annotated & (ct_hu[box] < air_hu)
    leaving[box] = (air & ~_enclosed(air, annotated)) | (annotated & (ct_hu[box] > bone_hu))
    return leaving


def _enclosed(air: Mask, annotated: Mask) -> Mask:
    """Return the pieces of air that annotated voxels surround on every side."""
    if not air.any():
        return air
    inner: Mask = ndimage.binary_erosion(annotated, ALL_NEIGHBOURS, border_value=0)
    pieces, count = ndimage.label(air, ALL_NEIGHBOURS)
    is_open = np.zeros(count + 1, dtype=bool)
    is_open[pieces[air & ~inner]] = True
    kept: Mask = air & ~is_open[pieces]
    return kept


def take_out(labels: Labels, leaving: Mask) -> tuple[Labels, Labels]:
    """Return the annotation without the leaving voxels, and those alone with the label that each had.

    `put_back` joins them again. Both inputs stay untouched.

    Examples
    --------
    >>> kept, removed = take_out(np.array([[[1, 2, 2, 0]]]), np.array([[[False, True, False, False]]]))
    >>> kept.tolist(), removed.tolist()
    ([[[1, 0, 2, 0]]], [[[0, 2, 0, 0]]])
    """
    kept, removed = labels.copy(), np.zeros_like(labels)
    kept[leaving] = 0
    removed[leaving] = labels[leaving]
    return kept, removed


def put_back(labels: Labels, removed: Labels) -> Labels:
    """Return the annotation with removed voxels under the label that each had.

    A voxel that has been annotated since keeps what it has. To put back a part, pass that part:
    ``np.where(wanted, removed, 0)``.

    Parameters
    ----------
    labels
        Annotation after the rule, shape (z, y, x).
    removed
        Labels of the removed voxels, 0 elsewhere, as `take_out` returns them.

    Examples
    --------
    >>> put_back(np.array([[[1, 0, 2, 3]]]), np.array([[[0, 2, 0, 2]]])).tolist()
    [[[1, 2, 2, 3]]]
    """
    whole = labels.copy()
    returning = (removed != 0) & (labels == 0)
    whole[returning] = removed[returning]
    return whole
