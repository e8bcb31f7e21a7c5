"""What the report shows of sources of masks that were judged by the annotators, and of what models predicted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from murinoma.pages.source_picture import SourceView

Table = pd.DataFrame
ANNOTATOR, MODEL = "annotator", "model"
IN_TRAINING = "its CT is in the training of the model"  # a reason in ``left_out.csv``


@dataclass(frozen=True, eq=False)
class Calibrated:
    """How far the volumes of a source may be off, measured on annotated mice.

    Attributes
    ----------
    coverage
        Share of new mice whose intervals shall hold.
    classes
        A row per class of predicted volume: ``low_mm3, high_mm3`` (inf: no end), ``factor`` by which a volume may be
        off (NaN: too few mice), ``n_mice, n_tumors``.
    missed, false
        Tumors that the source missed, and lesions that nobody marked: no interval tells of those.
    dice_error, constant_error
        Mean absolute error of the expected Dice, and of saying the mean Dice of all scans; NaN where there is none.
    study
        Where it was measured.
    measured
        ``calibration/NAME_coverage.csv``: intervals that held on mice that did not calibrate; may be None.
    """

    coverage: float
    classes: Table
    mice: int
    tumors: int
    missed: int
    false: int
    study: str
    dice_error: float = float("nan")
    constant_error: float = float("nan")
    measured: Table | None = None


@dataclass(frozen=True, eq=False)
class WorstCase:
    """A scan in which a source and the annotators are far apart."""

    dataset: str
    scan: str
    dice: float
    human_dice: float
    view: SourceView


@dataclass(frozen=True, eq=False)
class SourceEvaluation:
    """One source as ``evaluation/NAME`` holds it.

    Attributes
    ----------
    kind
        ``annotator``, ``model``, or ``masks`` of another program.
    outcome, sentence
        The verdict in the words of the files, and as a sentence.
    annotators
        Those who judged.
    training_known
        False if nobody knows which scans the source has learned from.
    williams
        Williams' index; NaN where there is none.
    tables
        By the name of the file: ``verdict, scans, tumors, detection, false_lesions, left_out, summary,
        volume_agreement, table4``.
    calibrated
        None if the source is not calibrated.
    expected
        ``dataset, mouse, time, expected_dice, dice_annotators`` of the judged scans that have both; may be empty.
    """

    name: str
    kind: str
    outcome: str
    sentence: str
    annotators: tuple[str, ...]
    training_known: bool
    williams: float
    tables: Mapping[str, Table]
    calibrated: Calibrated | None = None
    expected: Table = field(default_factory=Table)
    worst: Sequence[WorstCase] = ()

    @property
    def scans(self) -> int:
        """How many scans were judged."""
        return len(self.tables["scans"])

    @property
    def mice(self) -> int:
        """Of how many mice they are."""
        return len(self.tables["scans"][["dataset", "mouse"]].drop_duplicates())

    @property
    def leaking(self) -> int:
        """How many judged scans show a mouse that the source has learned from on another day."""
        left_out, scans = self.tables["left_out"], self.tables["scans"]
        learned = left_out.loc[left_out["reason"] == IN_TRAINING, ["dataset", "mouse"]].drop_duplicates()
        return len(scans.merge(learned, on=["dataset", "mouse"]))

    def left_out(self) -> Iterator[tuple[str, int, str]]:
        """Yield the reason why scans were not judged, how many, and the first."""
        for reason, rows in self.tables["left_out"].groupby("reason", sort=False):
            first = rows.iloc[0]
            yield str(reason), len(rows), f"{first['dataset']} {first['mouse']}_{first['time']}"


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """What a model has predicted in a study, and where the model comes from.

    Attributes
    ----------
    facts
        (what, sentence) from its card: licence, training, limits; empty without a card.
    scans
        How many have a mask.
    volumes
        ``dataset, mouse, time, tumor, volume_mm3, volume_low_mm3, volume_high_mm3``, a row per tumor; and
        ``expected_dice, heads_disagreement`` of its scan, NaN where nobody knows.
    uncalibrated
        Why volumes have no interval -> in how many scans.
    """

    name: str
    facts: Sequence[tuple[str, str]]
    scans: int
    volumes: Table
    uncalibrated: Mapping[str, int]
