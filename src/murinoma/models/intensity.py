"""The intensity anchor: grey values are told from the mouse's own soft tissue, so a shift of HU does not matter."""

from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import InputError

BIN_HU = 5.0
SMOOTH_BINS = 4  # standard deviation of the histogram's smoothing: 20 HU, less than tissue's own spread
OVER_AIR_HU = 700.0  # all that is so much brighter than the air counts alike when air is told from tissue
LEAST_CONTRAST_HU = 200.0  # between air and mouse; in a CT clipped to -400 HU it is about 450
ROUNDS = 20  # of the threshold's search; it settles in less than ten
RANGE_HU = 3000.0  # over the threshold; metal is left out
LEAST_VOXELS = 100
SAMPLES = 400_000  # of the voxels suffice for a peak

SCALE_HU = 250.0
LOWEST, HIGHEST = -2.0, 3.0  # of normalised values: air or darker, bone or brighter


def soft_tissue_hu(hu: npt.NDArray[Any], body: npt.NDArray[np.bool_] | None = None) -> float:
    """Return the grey value that soft tissue has most often in this image, HU.

    Parameters
    ----------
    hu
        Array (z, y, x), any real dtype; voxels that are not finite are left out.
    body
        Where the mouse is; without it all that is brighter than air.

    Returns
    -------
    The peak of the smoothed histogram, HU, about +-5 HU.

    Raises
    ------
    InputError
        If there is nothing but air, or the grey values are no HU at all.

    Examples
    --------
    >>> image = np.full((20, 20, 20), -400.0)
    >>> image[5:15, 5:15, 5:15] = 42.0
    >>> abs(soft_tissue_hu(image) - 42) < 5
    True
    """
    values = _sampled(hu if body is None else hu[body])
    if body is None:
        values = values[values > body_threshold_hu(values)]
    if values.size < LEAST_VOXELS:
        raise InputError(f"no body found: only {values.size} voxels are brighter than air; is there a mouse in the CT?")
    low = float(values.min())
    edges = np.arange(low, min(float(values.max()), low + RANGE_HU) + 2 * BIN_HU, BIN_HU)
    counts = np.histogram(values, edges)[0].astype(np.float64)
    bell = _bell()
    smooth = np.convolve(counts, bell)[len(bell) // 2 :][: counts.size]
    return float(edges[int(np.argmax(smooth))] + BIN_HU / 2)


def body_threshold_hu(hu: npt.NDArray[Any]) -> float:
    """Return the grey value half-way between the air and the body of an image, HU (Ridler and Calvard 1978).

    Raises
    ------
    InputError
        If there is nothing but air, or the grey values are no HU at all.

    Examples
    --------
    >>> body_threshold_hu(np.repeat([-400.0, 40.0], [300, 100]))
    -180.0
    """
    values = _sampled(hu)
    if values.size == 0:
        raise InputError("no body found: the CT has no finite voxel")
    lowest = float(np.percentile(values, 1))
    # bright bone must not count as a class of its own
    values = np.minimum(values, lowest + OVER_AIR_HU)
    threshold = (lowest + float(values.max())) / 2
    air = body = threshold
    for _ in range(ROUNDS):
        is_body = values > threshold
        if is_body.all() or not is_body.any():
            break
        air, body = float(values[~is_body].mean()), float(values[is_body].mean())
        threshold = (air + body) / 2
    if body - air < LEAST_CONTRAST_HU:
        raise InputError(
            f"no body found: nothing is {LEAST_CONTRAST_HU:g} HU brighter than the air (contrast {body - air:.3g}); "
            "is there a mouse in the CT, and are its grey values HU?"
        )
    return threshold


def normalised(hu: npt.NDArray[Any], anchor_hu: float) -> npt.NDArray[np.float32]:
    """Return what a network sees: 0 is soft tissue, a step of 1 is 250 HU, within -2..3; the shape stays.

    Examples
    --------
    >>> normalised(np.array([-1000, 50, 300, 3000]), 50.0).tolist()
    [-2.0, 0.0, 1.0, 3.0]
    """
    values = np.asarray(hu, dtype=np.float32) - np.float32(anchor_hu)
    values /= np.float32(SCALE_HU)
    return np.clip(values, LOWEST, HIGHEST, out=values)


def as_channel(probability: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return probabilities as a network sees them beside an image: over the same range, and 0 is what air is.

    So whatever lies beyond an image is one number in all channels.

    Examples
    --------
    >>> as_channel(np.array([0.0, 0.4, 1.0], np.float32)).tolist()
    [-2.0, 0.0, 3.0]
    """
    return np.asarray(LOWEST + (HIGHEST - LOWEST) * probability, np.float32)


def _sampled(hu: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return finite voxels, at most about `SAMPLES`, evenly taken."""
    flat = hu.reshape(-1)
    # an odd step does not fall into one column of the image
    values = flat[:: max(1, flat.size // SAMPLES) | 1].astype(np.float32)
    return values[np.isfinite(values)]


def _bell() -> npt.NDArray[np.float64]:
    """Return the weights of a Gaussian over bins."""
    at = np.arange(-3 * SMOOTH_BINS, 3 * SMOOTH_BINS + 1)
    weights = np.exp(-0.5 * (at / SMOOTH_BINS) ** 2)
    return np.asarray(weights / weights.sum())
