"""A small sample of evidence/interpolation.py, without ITK: the asked limits hold, and they can be broken."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "evidence" / "interpolation.py"


@pytest.fixture(scope="module")
def evidence() -> Any:
    """Return the script as a module."""
    spec = spec_from_file_location("evidence_interpolation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tumors(evidence: Any) -> Any:
    """Return four phantom tumors of each class of volumes."""
    return [case for low, high in evidence.CLASSES_MM3 for case in evidence.phantom_tumors(low, high, mice_per_site=1)]


def test_the_asked_limits_hold_on_phantom_tumors(evidence: Any, tumors: Any) -> None:
    """Dice and mean bias of small and of large tumors are within what was asked."""
    measured = evidence.scores(tumors, evidence.by_murinoma)
    for limit in evidence.LIMITS:
        n_cases, _, _, holds = evidence.held(limit, tumors, measured)
        assert (n_cases, holds) == (8, True)


def test_slice_copying_breaks_the_limit_of_small_tumors(evidence: Any, tumors: Any) -> None:
    """The limits are no matter of course: copying the nearest drawn slice misses them."""
    assert not evidence.held(evidence.LIMITS[0], tumors, evidence.scores(tumors, evidence.by_copying))[3]


def test_every_tumor_has_six_drawn_slices_and_both_ends(evidence: Any, tumors: Any) -> None:
    """The sample was drawn by the protocol."""
    for case in tumors:
        slices = np.flatnonzero(case.mask.any(axis=(1, 2)))
        assert (case.drawn[0], case.drawn[-1]) == (slices[0], slices[-1])
        assert len(case.drawn) >= evidence.LEAST
        assert max(np.diff(case.drawn)) <= evidence.STEP


def test_a_score_by_hand(evidence: Any) -> None:
    """A bar of 1, 3, 5 voxels; copying gives 1, 1, 5: Dice 2 x 7 / (7 + 9), bias 7 / 9 - 1."""
    mask = np.zeros((3, 3, 7), dtype=bool)
    mask[0, 1, 3] = mask[1, 1, 2:5] = mask[2, 1, 1:6] = True
    dice, bias = evidence.score(evidence.Case(mask, [0, 2]), evidence.by_copying)
    assert dice == pytest.approx(14 / 16)
    assert bias == pytest.approx(100 * (7 / 9 - 1))
