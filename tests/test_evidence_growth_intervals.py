"""The script behind docs/evidence/growth_intervals.md: a hundredth of its studies, and its counting by hand."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from murinoma.numerics.growth.rates import growth_rate

SCRIPT = Path(__file__).parents[1] / "evidence" / "growth_intervals.py"


@pytest.fixture(scope="module")
def evidence() -> ModuleType:
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("growth_intervals", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["growth_intervals"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_hundredth_of_the_studies(evidence: ModuleType) -> None:
    """50 studies of 5 mice: no interval holds the truth less than 4 times in 5, no test is wrong more than 1 in 6."""
    chance = np.random.default_rng(0)
    rows = [
        row
        for simulation in (evidence.arms, evidence.mice, evidence.effects)
        for row in evidence.rows_of(simulation, 5, 50, chance)
    ]
    covering = [row for row in rows if row.asked == evidence.COVERAGE]
    assert len(covering) == 13
    assert min(row.share for row in covering) >= 0.8
    assert np.mean([row.share for row in covering]) > 0.92
    wrong = [row for row in rows if row.asked == evidence.FALSE_POSITIVES]
    assert len(wrong) == 2
    assert max(row.share for row in wrong) < 1 / 6
    assert all(f"| {row.figure} | 5 | 50 |" in evidence.page(rows) for row in rows)


def test_the_mixed_model_converges(evidence: ModuleType) -> None:
    """A study with one tumor in a mouse and with two, and two where a variance is 0."""
    rows = evidence.rows_of(evidence.converges, 5, 1, np.random.default_rng(0))
    rows += evidence.rows_of(evidence.converges_at_the_edge, 5, 1, np.random.default_rng(0))
    assert [row.share for row in rows] == [1, 1, 1, 1]


def test_chance_is_fixed(evidence: ModuleType) -> None:
    """The same studies twice give the same rows."""
    first, second = (evidence.rows_of(evidence.effects, 5, 2, np.random.default_rng(1)) for _ in range(2))
    assert first == second


def test_counting_by_hand(evidence: ModuleType) -> None:
    """Three of four known outcomes count, one has no interval: 75 %, standard error sqrt(0.75 x 0.25 / 5)."""
    truths = iter([0.5, 0.2, 0.9, 1.5, np.nan])

    def simulation(rng: np.random.Generator, n_mice: int) -> object:
        truth = next(truths)
        yield evidence.covered("figure", 0.0, np.nan if np.isnan(truth) else 1.0, truth)

    (row,) = evidence.rows_of(simulation, 5, 5, np.random.default_rng(0))
    assert (row.share, row.width, row.without, row.kept) == (0.75, 1, 1, False)
    assert "NO" in evidence.table([row])[-1]


def test_the_slopes_are_those_of_growth_rate(evidence: ModuleType) -> None:
    """The script's closed form agrees with `growth_rate`, mouse by mouse."""
    logs = evidence.log_volumes(np.random.default_rng(2), 4, 0.1)
    rates = [growth_rate(evidence.DAYS, np.exp(row), error=None).rate_per_day for row in logs]
    assert evidence.slopes(logs) == pytest.approx(rates)


def test_the_true_tgi_is_that_of_many_mice(evidence: ModuleType) -> None:
    """The mean gain of 400,000 simulated mice, within 1 %."""
    volumes = np.exp(evidence.log_volumes(np.random.default_rng(3), 400_000, 0.1))
    assert evidence.mean_gain(0.1) == pytest.approx((volumes[:, -1] - volumes[:, 0]).mean(), rel=0.01)
