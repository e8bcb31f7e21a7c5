"""Small campaigns for the tests of this room: three mice with a CT each, and what annotators do."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from murinoma.campaign import Plan, Store, create_plan
from murinoma.study import Study, read_study
from tests.builders import write_scan

SHAPE = (6, 5, 4)
PROTOCOL = {"step": 5, "least_slices": 6}
SECRETS = ("Dataset", "M07", "M08", "M09", "8d", "CT_")  # what no annotator may read


def small_study(root: Path, mice: Sequence[str] = ("M07", "M08", "M09")) -> Study:
    """Write a study of one scan per mouse, each CT another, and read it."""
    for value, mouse in enumerate(mice):
        write_scan(root, f"{mouse}_8d", ct=np.full(SHAPE, value, np.int16), dataset="Dataset 2")
    return read_study(root)


def small_campaign(root: Path, names: Sequence[str] = ("A", "B"), *, repeat_share: float = 0.0) -> tuple[Study, Plan]:
    """Write a study and the plan of a campaign."""
    study = small_study(root)
    return study, create_plan(study, names, seed=1, repeat_share=repeat_share, protocol=PROTOCOL)


def plane(*labels: int) -> npt.NDArray[np.uint8]:
    """Return a slice of `SHAPE` with one voxel of each label."""
    drawn = np.zeros(SHAPE[1:], np.uint8)
    drawn.flat[: len(labels)] = labels
    return drawn


def volume(*labels: int) -> npt.NDArray[np.uint8]:
    """Return labels of `SHAPE` with one voxel of each label, on slice 2."""
    drawn = np.zeros(SHAPE, np.uint8)
    drawn[2] = plane(*labels)
    return drawn


def annotate(store: Store, code: str, *labels: int) -> None:
    """Draw one slice of a scan, and hand it in."""
    store.begin(code, SHAPE)
    store.save_slice(code, 2, plane(*labels))
    store.save_labels(code, volume(*labels))
    store.submit(code)
