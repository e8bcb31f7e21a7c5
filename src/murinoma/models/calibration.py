"""What a model's volumes and masks are worth, measured on annotated mice: the content of ``calibration/NAME.json``.

A calibration belongs to the weights that made the masks, and counts for scans of the same kind only: from a scanner and
a species that it has seen. Everything else has no interval, and says so.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from murinoma.numerics.conformal import SizeClass, VolumeCalibration
from murinoma.numerics.expected_dice import DiceCalibration

CALIBRATION = "murinoma.calibration/1"
UNKNOWN_SCANNER = ""
MOUSE = "mouse"


@dataclass(frozen=True)
class Calibration:
    """How far a model's volumes are from people's, and how good its masks are, by what it says itself.

    Attributes
    ----------
    source
        Name of the model.
    weights
        SHA-256 of its networks; empty for masks of another origin, which can have an interval of no new scan.
    study
        Title of the study that it was measured on.
    species
        Of the animals.
    scanners
        Maker and model of the scanners of its scans; an empty name where nobody knows.
    annotators
        Whose mean volume was the target.
    volumes
        Intervals of tumor volumes.
    dice
        What the model's own soft Dice says of the Dice with people; nothing where that was not written.
    """

    source: str
    weights: tuple[str, ...]
    study: str
    species: str
    scanners: tuple[str, ...]
    annotators: tuple[str, ...]
    volumes: VolumeCalibration
    dice: DiceCalibration | None

    def refusal(self, *, weights: tuple[str, ...], study: str, scanner: str, species: str = MOUSE) -> str:
        """Return why this calibration does not count for a scan; empty if it does.

        A scan whose scanner nobody knows is of the same kind only within the calibration's own study.
        """
        if not self.weights or self.weights != weights:
            return "the calibration belongs to other weights of the model"
        if self.species != species:
            return f"the calibration is of {self.species}, the scan of {species}"
        if scanner not in self.scanners:
            return f"the calibration has seen no scan of {scanner or 'an unknown scanner'}"
        if scanner == UNKNOWN_SCANNER and self.study != study:
            return "nobody knows the scanner, and the calibration comes from another study"
        return ""


def calibration_content(calibration: Calibration) -> dict[str, Any]:
    """Return a calibration as JSON holds it, without its format; a number that is none becomes null."""
    return {key: _plain(value) for key, value in asdict(calibration).items()}


def calibration_of(content: Mapping[str, Any]) -> Calibration:
    """Return the calibration in a JSON object.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is none.
    """
    volumes, dice = content["volumes"], content["dice"]
    classes = tuple(SizeClass(**_floats(one, ("low_mm3", "high_mm3", "log_half_width"))) for one in volumes["classes"])
    floats = ("intercept", "slope", "error", "constant_error")
    return Calibration(
        source=str(content["source"]),
        weights=tuple(map(str, content["weights"])),
        study=str(content["study"]),
        species=str(content["species"]),
        scanners=tuple(map(str, content["scanners"])),
        annotators=tuple(map(str, content["annotators"])),
        volumes=VolumeCalibration(**{**volumes, "classes": classes}),
        dice=None if dice is None else DiceCalibration(**_floats(dice, floats)),
    )


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: infinity as a text, NaN as null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "infinite" if value == math.inf else None
    return value


def _floats(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return values with the named ones as floats: null is NaN."""
    found = dict(values)
    for name in names:
        said = found[name]
        found[name] = math.nan if said is None else math.inf if said == "infinite" else float(said)
    return found
