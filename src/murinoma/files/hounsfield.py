"""Turn stored values into HU without a second copy of the volume, and check that they are HU."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, UsageError
from murinoma.volume import Volume, Voxels

AIR_HU = -1000.0
AIR_TOLERANCE_HU = 100.0
TISSUE_HU = (0.0, 60.0)
TISSUE_TOLERANCE_HU = 50.0
INT16 = np.iinfo(np.int16)
KEPT_TYPES = ("i1", "u1", "i2", "f4")  # handed out as they are: no larger than the float32 that we would make
MIN_RANGE_HU = 256.0  # below this the values are no HU of an animal in air, and whole numbers would blur them
SLAB_VOXELS = 1 << 20  # worked on at once, in float64
SAMPLE_VOXELS = 1 << 19  # enough for peaks that hold one voxel in a hundred
BINS = 256
SMOOTHING = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
VALLEY = 0.5  # two peaks are two if the histogram falls below this share of the lower one between them
PADDING_HU = -1500.0  # no matter reads so low; scanners write such constants outside their field
PADDING_GAP_HU = 200.0

PerSlice = float | npt.NDArray[np.float64]


@dataclass(frozen=True)
class HuPeaks:
    """Where the histogram of a volume peaks.

    Attributes
    ----------
    air_hu, tissue_hu
        The two peaks, HU; `tissue_hu` is NaN where the histogram has one peak only.
    clipped
        The lower peak is the lowest value of all, so the volume was clipped there.
    """

    air_hu: float
    tissue_hu: float
    clipped: bool


def to_hu(stored: Voxels, slope: PerSlice, intercept: PerSlice, path: Path) -> Voxels:
    """Return ``stored * slope + intercept`` in the smallest type that is honest.

    Unscaled int8, uint8, int16 and float32 in native byte order come back as they are (a memory map stays one).
    Others become int16, rounded, if they fit: the error is at most 0.5 HU, and none where slope, intercept and
    stored values are whole. Values beyond int16, or all within 256 HU, become float32. Works slab by slab.

    Parameters
    ----------
    stored
        Array (z, y, x) of integers or floats.
    slope, intercept
        One for all slices, or one per slice: shape (z,).
    path
        Named in errors.

    Raises
    ------
    FileError
        If a value is NaN or infinite.
    """
    slopes, intercepts = (np.broadcast_to(np.float64(value), len(stored)) for value in (slope, intercept))
    plain = bool((slopes == 1).all() and (intercepts == 0).all())
    if plain and stored.dtype.isnative and stored.dtype.kind in "iu" and stored.dtype.str[1:] in KEPT_TYPES:
        return stored
    low, high = _range_hu(stored, slopes, intercepts, path)
    if plain and stored.dtype.isnative and stored.dtype.str[1:] in KEPT_TYPES:
        return stored
    whole = stored.dtype.kind in "iu" and _are_whole(slopes) and _are_whole(intercepts)
    fits = low >= INT16.min and high <= INT16.max and (whole or high - low >= MIN_RANGE_HU)
    scaled: Voxels = np.empty(stored.shape, np.int16 if fits else np.float32)
    for slab in _slabs(stored):
        values = stored[slab] * slopes[slab, None, None] + intercepts[slab, None, None]
        scaled[slab] = np.rint(values) if fits else values
    return scaled


def check_hu(volume: Volume) -> str:
    """Return one sentence if air and soft tissue do not peak where HU have them, else an empty text.

    Air belongs within 100 HU of -1000, soft tissue within 50 HU of 0 to 60.
    """
    peaks = hu_peaks(volume.voxels)
    if math.isnan(peaks.tissue_hu):
        return (
            f"the grey values have one peak only, at {peaks.air_hu:.0f} HU, where air (-1000) and soft tissue "
            "(0 to 60) are expected; check that there is an animal in the field"
        )
    odd = []
    if abs(peaks.air_hu - AIR_HU) > AIR_TOLERANCE_HU:
        odd.append(f"air peaks at {peaks.air_hu:.0f} HU{' (clipped there)' * peaks.clipped} instead of -1000")
    if not TISSUE_HU[0] - TISSUE_TOLERANCE_HU <= peaks.tissue_hu <= TISSUE_HU[1] + TISSUE_TOLERANCE_HU:
        odd.append(f"soft tissue peaks at {peaks.tissue_hu:.0f} HU instead of 0 to 60")
    remedy = f"calibrate with air={peaks.air_hu:.0f},water=VALUE of a water phantom, or treat HU with care"
    return f"{' and '.join(odd)}; {remedy}" if odd else ""


def hu_peaks(voxels: Voxels) -> HuPeaks:
    """Return the peaks of air and of soft tissue in the histogram of `voxels` (z, y, x).

    The histogram (a sample of it, without the outer thousandth) is cut in two by Otsu's threshold, and each part
    has one peak. A constant far below everything else, as scanners write outside their field, is left out.
    """
    sample = _without_padding(_sample(voxels))
    low, high = (float(value) for value in np.quantile(sample, [0.001, 0.999]))
    if low == high:
        return HuPeaks(low, math.nan, clipped=False)
    counts, edges = np.histogram(sample, BINS, (low, high))
    smooth = np.convolve(np.pad(counts, 2, mode="edge"), SMOOTHING, mode="valid")
    cut = _otsu(counts)
    air, tissue = int(smooth[:cut].argmax()), cut + int(smooth[cut:].argmax())
    centres = (edges[:-1] + edges[1:]) / 2
    separate = smooth[air : tissue + 1].min() < VALLEY * min(smooth[air], smooth[tissue])
    return HuPeaks(
        float(centres[air]),
        float(centres[tissue]) if separate else math.nan,
        clipped=bool(counts[0] > counts[1:].max()),
    )


def recalibrate(volume: Volume, *, air: float, water: float) -> Volume:
    """Return `volume` with its grey values shifted and stretched so that `air` becomes -1000 HU and `water` 0 HU.

    Parameters
    ----------
    volume
        Grey values as read.
    air, water
        What air and water read in it.

    Raises
    ------
    UsageError
        If `air` is not below `water`, or one is not a finite number.
    """
    if not (math.isfinite(air) and math.isfinite(water) and air < water):
        raise UsageError(f"calibration needs air below water, got air={air:g}, water={water:g}; give both as they read")
    slope = -AIR_HU / (water - air)
    return volume.with_voxels(to_hu(volume.voxels, slope, -water * slope, Path("the recalibrated volume")))


def _range_hu(
    stored: Voxels, slopes: npt.NDArray[np.float64], intercepts: npt.NDArray[np.float64], path: Path
) -> tuple[float, float]:
    """Return the lowest and highest HU; NaN and infinities cannot hide in a minimum and maximum."""
    ends = np.array([[part.min(axis=(1, 2)), part.max(axis=(1, 2))] for part in (stored[s] for s in _slabs(stored, 1))])
    values = ends[:, :, 0].T.astype(np.float64) * slopes + intercepts
    if not np.isfinite(values).all():
        raise FileError(f"{path} has voxels that are NaN or infinite; replace them by a number (air: -1000 HU)")
    return float(values.min()), float(values.max())


def _are_whole(values: npt.NDArray[np.float64]) -> bool:
    return bool((values == np.rint(values)).all())


def _slabs(voxels: Voxels, thickness: int = 0) -> list[slice]:
    """Return slices along z of `thickness`, or of about a million voxels."""
    depth = thickness or max(1, SLAB_VOXELS // max(1, voxels[0].size))
    return [slice(start, start + depth) for start in range(0, len(voxels), depth)]


def _sample(voxels: Voxels) -> npt.NDArray[np.float32]:
    """Return half a million voxels at most, evenly spread."""
    step = math.ceil((voxels.size / SAMPLE_VOXELS) ** (1 / 3))
    return voxels[::step, ::step, ::step].astype(np.float32).ravel()


def _without_padding(sample: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lowest = sample.min()
    inside = sample[sample > lowest]
    padded = lowest < PADDING_HU and inside.size and inside.min() - lowest > PADDING_GAP_HU
    return inside if padded else sample


def _otsu(counts: npt.NDArray[np.integer]) -> int:
    """Return the first bin of the upper class that Otsu's threshold (1979) makes."""
    weights = counts / counts.sum()
    below = np.cumsum(weights)[:-1]
    moment = np.cumsum(weights * np.arange(len(counts)))
    spread = (moment[-1] * below - moment[:-1]) ** 2 / np.maximum(below * (1 - below), np.finfo(float).tiny)
    best = np.flatnonzero(spread >= spread.max() * (1 - 1e-9))  # empty bins between two peaks are all as good
    return int(best.mean()) + 1
