"""A calibration: there and back through JSON, and for which scans it counts."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from murinoma.models.calibration import Calibration, calibration_content, calibration_of
from murinoma.numerics.conformal import SizeClass, VolumeCalibration, volume_interval
from murinoma.numerics.expected_dice import DiceCalibration

CLASSES = (SizeClass(0.0, 100.0, math.nan, 4, 5), SizeClass(100.0, math.inf, 0.25, 120, 150))
KNOWN = Calibration(
    source="net",
    weights=("coarse", "fine"),
    study="Flank 2026",
    species="mouse",
    scanners=("", "Siemens Inveon"),
    annotators=("A", "B", "C"),
    volumes=VolumeCalibration(0.9, CLASSES, 124, 155, 3, 2),
    dice=DiceCalibration(-0.1, 1.05, 30, 60, 0.02, 0.05),
)
SCAN = {"weights": ("coarse", "fine"), "study": "another", "scanner": "Siemens Inveon"}


def test_json_keeps_all_of_it() -> None:
    """Also an infinite edge and a class without an interval; strict JSON knows neither."""
    text = json.dumps(calibration_content(KNOWN), allow_nan=False)
    back = calibration_of(json.loads(text))
    assert replace(back, volumes=KNOWN.volumes) == KNOWN
    assert back.volumes.classes[1] == CLASSES[1]
    assert math.isnan(back.volumes.classes[0].log_half_width)
    low, high = volume_interval(back.volumes, np.array([50.0, 200.0]))
    assert np.isnan(low[0])
    assert high[1] == pytest.approx(200 * math.exp(0.25))


def test_without_soft_dice_it_is_a_calibration_too() -> None:
    """Then no Dice is expected of a scan."""
    assert calibration_of(calibration_content(replace(KNOWN, dice=None))).dice is None


@pytest.mark.parametrize("change", [{"volumes": 1}, {"weights": None}, {"dice": {}}])
def test_what_is_no_calibration_is_refused(change: dict[str, object]) -> None:
    """With one of the errors that the reader of versioned files takes for damage."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        calibration_of({**calibration_content(KNOWN), **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"weights": ("coarse", "other")}, "the calibration belongs to other weights of the model"),
        ({"species": "rat"}, "the calibration is of mouse, the scan of rat"),
        ({"scanner": "Skyscan 1176"}, "the calibration has seen no scan of Skyscan 1176"),
        ({"scanner": ""}, "nobody knows the scanner, and the calibration comes from another study"),
        ({"scanner": "", "study": "Flank 2026"}, ""),
    ],
)
def test_it_counts_for_scans_of_its_kind_only(change: dict[str, object], said: str) -> None:
    """Weights, species, scanner; an unknown scanner within its own study."""
    assert KNOWN.refusal(**{**SCAN, **change}) == said  # type: ignore[arg-type]


def test_without_weights_it_counts_for_no_scan() -> None:
    """Masks of an annotator or another program were not made by a model that we know."""
    bare = replace(KNOWN, weights=())
    assert bare.refusal(weights=(), study="another", scanner="Siemens Inveon")
