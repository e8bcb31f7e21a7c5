"""Where the tumors of a scan lie in its body, and the map of its bones by which another day's scan is compared."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from murinoma.models.grids import Spacing
from murinoma.models.scan import ROUGH_MM, Scan, made_ready
from murinoma.numerics.tumor_identity import ALONG, AROUND, BodyView, Place

AIR_HU = -1000.0
BONE_OVER_SOFT_HU = (200.0, 1000.0)  # what counts as bone, and as much as bone can count, in rough voxels
SLICE_MM = 1.0
THIN_SHARE = 0.2  # of the median cross-section: what is thinner is tail, or the tip of the nose
SMOOTH_SLICES = 4.0

Floats = npt.NDArray[np.float64]


def body_view(image: npt.NDArray[Any], spacing_mm: Spacing, labels: npt.NDArray[Any]) -> BodyView:
    """Return where the tumors of a CT lie in its body.

    Parameters
    ----------
    image
        HU, (z, y, x), of one mouse.
    spacing_mm
        Along (z, y, x).
    labels
        Numbers of the tumors on the same grid, 0 elsewhere.

    Raises
    ------
    InputError
        If there is no mouse in it.
    """
    finite = np.nan_to_num(image, nan=AIR_HU) if np.issubdtype(image.dtype, np.floating) else image
    return view_of(made_ready(finite, spacing_mm, ROUGH_MM, ROUGH_MM), labels)


def view_of(scan: Scan, labels: npt.NDArray[Any]) -> BodyView:
    """Return where the tumors of a prepared scan lie in its body; `labels` as in `body_view`."""
    found = ndimage.find_objects(labels)
    held = {number: box for number, box in enumerate(found, start=1) if box is not None}
    step_mm = np.array(scan.own.spacing_mm)
    centres = {number: _centre(labels[box] == number, box) * step_mm for number, box in held.items()}
    volumes = {n: float(np.count_nonzero(labels[box] == n) * step_mm.prod()) for n, box in held.items()}
    body = np.argwhere(scan.body) * scan.rough.spacing_mm + np.array(scan.rough.spacing_mm) / 2
    axis = _BodyAxis(body)
    over = scan.rough_hu[scan.body] - np.float32(scan.anchor_hu + BONE_OVER_SOFT_HU[0])
    bone = np.clip(over, 0, BONE_OVER_SOFT_HU[1])
    along, angle = axis.place(body[bone > 0])
    places = {number: _place(axis, centre, volumes[number]) for number, centre in centres.items()}
    return BodyView(_map(along, angle, bone[bone > 0]), axis.length_mm, places)


class _BodyAxis:
    """The line through the middle of a body: its longest direction, and the middle of each slice across it."""

    def __init__(self, body_mm: Floats) -> None:
        self._middle = body_mm.mean(axis=0)
        _, directions = np.linalg.eigh(np.cov((body_mm - self._middle).T))
        longest = directions[:, 2] * np.sign(directions[np.abs(directions[:, 2]).argmax(), 2])
        beside = np.eye(3)[(int(np.abs(longest).argmax()) + 1) % 3]
        across = beside - beside @ longest * longest
        across /= np.linalg.norm(across)
        self._frame = np.stack([longest, across, np.cross(longest, across)])
        at = self._turned(body_mm)
        slices = np.floor(at[:, 0] / SLICE_MM).astype(int)
        self._first = int(slices.min())
        counts = np.bincount(slices - self._first).astype(float)
        sums = [np.bincount(slices - self._first, weights=at[:, k]) for k in (1, 2)]
        smooth = ndimage.gaussian_filter1d(np.stack([counts, *sums]), SMOOTH_SLICES, axis=1)
        self._line = smooth[1:] / np.maximum(smooth[0], 1e-9)
        thick = np.flatnonzero(counts >= THIN_SHARE * np.median(counts))
        self._start = (self._first + int(thick[0])) * SLICE_MM
        self.length_mm = (int(thick[-1]) + 1 - int(thick[0])) * SLICE_MM

    def place(self, points_mm: Floats) -> tuple[Floats, Floats]:
        """Return the share of the length and the angle, degrees, of points (n, 3)."""
        at = self._turned(points_mm)
        slices = np.clip(np.floor(at[:, 0] / SLICE_MM).astype(int) - self._first, 0, self._line.shape[1] - 1)
        across, up = at[:, 1] - self._line[0, slices], at[:, 2] - self._line[1, slices]
        return (at[:, 0] - self._start) / self.length_mm, np.degrees(np.arctan2(up, across)) % 360

    def _turned(self, points_mm: Floats) -> Floats:
        return np.asarray((points_mm - self._middle) @ self._frame.T)


def _centre(inside: npt.NDArray[np.bool_], box: tuple[slice, ...]) -> Floats:
    """Return the middle of a tumor, voxels from the start of the image to the middle of a voxel."""
    middle: Floats = np.asarray(ndimage.center_of_mass(inside)) + [part.start + 0.5 for part in box]
    return middle


def _place(axis: _BodyAxis, centre_mm: Floats, volume_mm3: float) -> Place:
    along, angle = axis.place(centre_mm[None])
    return Place(round(float(along[0]), 4), round(float(angle[0]), 1), round(volume_mm3, 3))


def _map(along: Floats, angle: Floats, bone: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return how much bone lies in each cell, the fullest 255; bone beyond the ends counts to the last cells."""
    rows = np.clip((along * ALONG).astype(int), 0, ALONG - 1)
    columns = (angle / 360 * AROUND).astype(int) % AROUND
    sums = np.bincount(rows * AROUND + columns, weights=bone, minlength=ALONG * AROUND).reshape(ALONG, AROUND)
    return np.asarray(np.rint(255 * np.sqrt(sums / max(float(sums.max()), 1e-9))), np.uint8)
