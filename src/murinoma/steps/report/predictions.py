"""What models have predicted in a study, where they come from, and which scans to look at first."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from murinoma.files.scanners import scanner_of
from murinoma.files.tables import read_table
from murinoma.files.versioned import read_versioned
from murinoma.models.calibration import CALIBRATION, Calibration, calibration_of
from murinoma.models.provenance import card_path, read_provenance
from murinoma.pages.evaluation_content import ModelPredictions
from murinoma.steps.report.places import from_root
from murinoma.study import Scan, Study
from murinoma.study.evaluation_paths import calibration_path, predictions_folder, review_path

Table = pd.DataFrame
KEY = ["dataset", "mouse", "time"]
QUEUE = ("rank", *KEY, "reasons", "command")
VOLUMES = (*KEY, "hours", "source", "tumor", "volume_mm3", "volume_low_mm3", "volume_high_mm3")
OF_SCAN = ["expected_dice", "heads_disagreement"]
AGAIN = "run 'murinoma calibrate' again"


def read_predictions(study: Study) -> list[ModelPredictions]:
    """Return what every model has predicted in the study.

    Raises
    ------
    FileError
        If a table, card or calibration is damaged or newer.
    """
    return [_model(study, name) for name in _predicted(study)]


def read_calibration(study: Study, name: str) -> Calibration | None:
    """Return the calibration of a source, if there is one.

    Raises
    ------
    FileError
        If it is damaged or newer.
    """
    path = calibration_path(study, name)
    return read_versioned(path, calibration_of, kind=CALIBRATION, remedy=AGAIN)


def _predicted(study: Study) -> Iterator[str]:
    """Yield the models that have segmented the study; masks without a card and a record are no model's."""
    for folder in sorted(predictions_folder(study, "").glob("*/")):
        is_told = card_path(folder).exists() or (folder / "record.json").exists()
        if is_told and any(study.prediction_path(scan, folder.name).exists() for scan in study.scans):
            yield folder.name


def _model(study: Study, name: str) -> ModelPredictions:
    folder = predictions_folder(study, name)
    masked = [scan for scan in study.scans if study.prediction_path(scan, name).exists()]
    volumes = _volumes(study, name)
    path = folder / "scans.csv"
    if path.exists():
        said = read_table(path, tuple(KEY))
        volumes = volumes.merge(said[[*KEY, *(set(OF_SCAN) & set(said))]], on=KEY, how="left")
    numbers = {column: pd.to_numeric(volumes[column]) if column in volumes else np.nan for column in OF_SCAN}
    return ModelPredictions(
        name, list(_card_facts(folder)), len(masked), volumes.assign(**numbers), _uncalibrated(study, name, masked)
    )


def _volumes(study: Study, name: str) -> Table:
    """Return the volumes of every tumor that a model found, by scan."""
    path = study.volumes_path()
    table = read_table(path, VOLUMES) if path.exists() else Table(columns=[*VOLUMES])
    return table[(table["source"].astype(str) == name) & table["tumor"].notna()].reset_index(drop=True)


def _card_facts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what the card beside the masks says of their model, in words."""
    path = card_path(folder)
    if not path.exists():
        return
    card = read_provenance(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    cts = len(card.training_cts)
    yield "Trained on", "simulated mice alone, no real scan" if not cts else f"{cts} real {'CT' if cts == 1 else 'CTs'}"
    for key, what in (("tried_on", "Tried on"), ("limits", "Limits"), ("licence", "Licence")):
        if content.get(key):
            yield what, str(content[key])
    yield "Use", "for research, not for diagnosis"
    yield "Weights", f"SHA-256 {', '.join(weights[:12] for weights in card.weights)}"


def _uncalibrated(study: Study, name: str, scans: Sequence[Scan]) -> dict[str, int]:
    """Return why the volumes of a model have no interval, and in how many scans; empty where all may have one."""
    calibration, card = read_calibration(study, name), card_path(predictions_folder(study, name))
    if calibration is None:
        return {"‘murinoma calibrate’ has not measured this model on annotated mice": len(scans)}
    weights = read_provenance(card).weights if card.exists() else ()
    reasons: dict[str, int] = {}
    for scan in scans:
        why = calibration.refusal(weights=weights, study=study.title, scanner=scanner_of(study, scan))
        if why:
            reasons[why] = reasons.get(why, 0) + 1
    return reasons


def read_queue(study: Study) -> Table | None:
    """Return the review queue with paths as seen from the study; nothing if nobody asked for one.

    Raises
    ------
    FileError
        If it is damaged.
    """
    path = review_path(study)
    if not path.exists():
        return None
    queue = read_table(path, QUEUE)
    return queue.assign(command=queue["command"].map(lambda said: from_root(study, str(said)), na_action="ignore"))
