"""What Dice to expect of a predicted mask, from one pass of the network: its own probabilities, calibrated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import GeometryError
from murinoma.numerics.intervals import LEAST_MICE, Codes, Floats

LEAST_PROBABLE = 0.5  # voxels: with less in all nothing was predicted


@dataclass(frozen=True)
class DiceCalibration:
    """The line from the soft Dice of a scan to the Dice that annotators gave it.

    ``error`` is the mean absolute error of the expected Dice, each mouse expected from the others;
    ``constant_error`` that of the others' mean Dice, for comparison. NaN throughout below 5 mice.
    """

    intercept: float
    slope: float
    n_mice: int
    n_scans: int
    error: float
    constant_error: float


def soft_dice(probability: npt.NDArray[np.floating[Any]], mask: npt.NDArray[np.bool_]) -> float:
    """Return the soft overlap of a mask with the probabilities it was made from, 0..1.

    ``2 sum(p in the mask) / (voxels of the mask + sum(p))``: the expected overlap over the expected sizes, if each
    voxel is tumor with its probability. Networks are mostly too sure of themselves: calibrate it before use.

    Parameters
    ----------
    probability
        (z, y, x) probability of tumor, 0..1.
    mask
        (z, y, x) what was predicted.

    Returns
    -------
    NaN where nothing was predicted: the mask is empty and the probabilities sum to less than half a voxel.

    Raises
    ------
    GeometryError
        If the shapes differ.

    Examples
    --------
    Two voxels predicted at 0.9 and 0.7, one left out at 0.4: 2 x 1.6 / (2 + 2).

    >>> soft_dice(np.array([[[0.9, 0.7, 0.4, 0.0]]]), np.array([[[True, True, False, False]]]))
    0.8
    """
    if probability.shape != mask.shape:
        raise GeometryError(f"probabilities of shape {probability.shape} and a mask of shape {mask.shape} do not match")
    total = float(probability.sum(dtype=np.float64))
    voxels = int(np.count_nonzero(mask))
    if voxels == 0 and total < LEAST_PROBABLE:
        return float("nan")
    return 2 * float(probability[mask].sum(dtype=np.float64)) / (voxels + total)


def calibrate_dice(soft: Floats, dice: Floats, mice: Codes) -> DiceCalibration:
    """Return the line that turns soft Dice into expected Dice: least squares, each mouse of the same weight.

    The slope is not below 0: a source whose soft Dice says the contrary gets a constant.

    Parameters
    ----------
    soft
        (n,) soft Dice of the scans (`soft_dice`); rows with NaN here or in `dice` are left out.
    dice
        (n,) mean Dice of the mask with the annotators.
    mice
        (n,) code of the scan's mouse.

    Examples
    --------
    >>> soft = np.array([0.95, 0.9, 0.85, 0.8, 0.75])
    >>> found = calibrate_dice(soft, 2 * soft - 1, np.arange(5))
    >>> round(found.slope, 6), round(found.intercept, 6), round(found.error, 6)
    (2.0, -1.0, 0.0)
    """
    known = np.isfinite(soft + dice)
    soft, dice = soft[known], dice[known]
    names, mouse, counts = np.unique(mice[known], return_inverse=True, return_counts=True)
    if len(names) < LEAST_MICE:
        nothing = float("nan")
        return DiceCalibration(nothing, nothing, len(names), len(soft), nothing, nothing)
    weights = 1 / counts[mouse]
    intercept, slope = _line(soft, dice, weights)
    errors, constant_errors = np.zeros(len(soft)), np.zeros(len(soft))
    for place in range(len(names)):
        own, others = mouse == place, mouse != place
        line = _line(soft[others], dice[others], weights[others])
        errors[own] = np.abs(_on_line(*line, soft[own]) - dice[own])
        constant_errors[own] = np.abs(np.average(dice[others], weights=weights[others]) - dice[own])
    means = (float(np.average(one, weights=weights)) for one in (errors, constant_errors))
    return DiceCalibration(intercept, slope, len(names), len(soft), *means)


def expected_dice(calibration: DiceCalibration, soft: Floats) -> Floats:
    """Return the Dice to expect of scans from their soft Dice, (n,) 0..1; NaN without soft Dice or calibration.

    Examples
    --------
    >>> expected_dice(DiceCalibration(-1.0, 2.0, 5, 5, 0.01, 0.05), np.array([0.9, 0.4, np.nan])).round(3)
    array([0.8, 0. , nan])
    """
    return _on_line(calibration.intercept, calibration.slope, soft)


def _on_line(intercept: float, slope: float, soft: Floats) -> Floats:
    return np.asarray(np.clip(intercept + slope * soft, 0.0, 1.0))


def _line(soft: Floats, dice: Floats, weights: Floats) -> tuple[float, float]:
    middle, height = np.average(soft, weights=weights), np.average(dice, weights=weights)
    spread = float(weights @ (soft - middle) ** 2)
    slope = max(0.0, float(weights @ ((soft - middle) * (dice - height))) / spread) if spread > 0 else 0.0
    return float(height - slope * middle), slope
