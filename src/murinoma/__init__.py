"""Micro-CT studies of mice with subcutaneous tumors, from the scanner to the growth curve.

The names below are found on first use: importing murinoma loads no library and reads no file.

>>> import murinoma
>>> study = murinoma.read_study("my study")                        # doctest: +SKIP
>>> murinoma.agree(study).numbers["dice_mean"]                     # doctest: +SKIP
"""

from importlib import import_module
from typing import Any

_HOME = {
    "Finding": "study",
    "MurinomaError": "errors",
    "Scan": "study",
    "Source": "steps.evaluate.sources",
    "SplitJob": "steps.split",
    "StepResult": "steps",
    "Study": "study",
    "TimePoint": "study",
    "Volume": "volume",
    "agree": "steps.agree",
    "assign": "steps.assign",
    "calibrate": "steps.calibrate",
    "campaign_status": "steps.campaign",
    "check": "steps.check",
    "count_votes": "numerics.votes",
    "evaluate": "steps.evaluate",
    "find_mice": "numerics.mice",
    "find_source": "steps.evaluate.sources",
    "fleiss_kappa": "numerics.agreement",
    "growth": "steps.growth",
    "interpolate_slices": "numerics.interpolate",
    "measure_repeatability": "steps.repeatability",
    "merge": "steps.merge",
    "new_campaign": "steps.campaign",
    "number_tumors": "numerics.tumors",
    "pairwise_dice": "numerics.agreement",
    "paste": "steps.paste",
    "read_study": "study",
    "read_volume": "files.nifti",
    "report": "steps.report",
    "reveal_campaign": "steps.campaign",
    "review": "steps.review",
    "segment": "steps.segment",
    "simulate": "steps.simulate",
    "split": "steps.split",
    "staple": "numerics.staple",
    "surface_agreement": "numerics.surface",
    "train": "steps.train",
    "volume_rmse": "numerics.agreement",
    "write_volume": "files.nifti:write",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"murinoma has no name '{name}'; it has {', '.join(__all__)}")
    module, _, inner = _HOME[name].partition(":")
    return getattr(import_module(f"murinoma.{module}"), inner or name)


def __dir__() -> list[str]:
    return __all__
