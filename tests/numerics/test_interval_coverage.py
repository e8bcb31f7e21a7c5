"""The script behind docs/evidence/interval_coverage.md: a hundredth of its studies."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "evidence" / "interval_coverage.py"


@pytest.fixture(scope="module")
def evidence() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("interval_coverage", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["interval_coverage"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_hundredth_of_the_studies_covers_most_truths(evidence: ModuleType) -> None:
    """20 studies of 8 and of 20 mice: every figure has an interval in each, and 3 of 4 or more hold the truth."""
    rows = evidence.coverages(20, (8, 20))
    assert len(rows) == 2 * 11
    assert all(row.studies == 20 and row.without == 0 for row in rows)
    assert all(row.share >= 0.75 for row in rows)
    assert np.mean([row.share for row in rows]) > 0.9
    assert all(f"| {row.figure} | {row.n_mice} |" in evidence.page(rows) for row in rows)


def test_chance_is_fixed(evidence: ModuleType) -> None:
    """The same studies twice give the same coverage and width."""
    first, second = (evidence.coverages(3, (8,)) for _ in range(2))
    assert first == second


def test_coverage_by_hand(evidence: ModuleType) -> None:
    """Of four intervals 0..1, three hold their truths: 75 %, standard error sqrt(0.75 x 0.25 / 4)."""
    truths = iter([0.5, 0.2, 0.9, 1.5])

    def simulation(rng: np.random.Generator, n_mice: int) -> object:
        yield "figure", evidence.Interval(0.5, 0.0, 1.0, n_mice, "t over mice"), next(truths)

    (row,) = evidence.coverage(simulation, 8, 4, np.random.default_rng(0))
    assert (row.share, row.width, row.kept) == (0.75, 1, False)
    assert row.error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
