"""Where the evaluation of a source, its calibration and the review queue lie among the results of a study."""

from pathlib import Path

from murinoma.study.values import Study


def evaluation_folder(study: Study, source: str) -> Path:
    """Return the folder of the evaluation of a source: an annotator, a model, or masks that somebody else made."""
    return study.step_folder("evaluation") / source


def predictions_folder(study: Study, name: str) -> Path:
    """Return the folder of all masks of a model."""
    return study.step_folder("predictions") / name


def calibration_path(study: Study, name: str) -> Path:
    """Return where the calibration of a model is written."""
    return study.step_folder("calibration") / f"{name}.json"


def review_path(study: Study) -> Path:
    """Return where the queue of scans to look at is written."""
    return study.step_folder("review") / "queue.csv"
