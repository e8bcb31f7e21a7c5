"""Growth laws: by hand, by property, against scipy and statsmodels, on the published catalogue."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from statsmodels.regression.linear_model import OLS

from murinoma.errors import InputError
from murinoma.numerics.growth.models import CURVES, CurveFit, best_curve, curve, fit_curves
from tests.numerics.growth.catalogue import real_scans

DAYS = np.arange(0, 36, 4.0)
ONE = np.zeros(len(DAYS), np.int64)


def gompertz(days: np.ndarray, start: float, rate: float, decay: float) -> np.ndarray:
    """Return the log volume of a growth rate that decays."""
    return np.asarray(start + rate / decay * (1 - np.exp(-decay * days)))


def logistic(days: np.ndarray, start: float, rate: float, plateau: float) -> np.ndarray:
    """Return the log volume of growth towards a plateau (mm3)."""
    return np.asarray(np.log(plateau) - np.log(1 + (plateau / np.exp(start) - 1) * np.exp(-rate * days)))


def group(logs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return days, volumes and mice of several courses over the same days."""
    n = len(logs)
    return np.tile(DAYS, n), np.exp(np.concatenate(logs)), np.repeat(np.arange(n), len(DAYS))


def named(fits: tuple[CurveFit, ...], model: str) -> CurveFit:
    """Return the fit of one model."""
    return next(fit for fit in fits if fit.model == model)


def test_a_doubling_per_day_is_exponential_and_nothing_else() -> None:
    """100, 200, 400 ... mm3: start log 100, rate log 2; the other laws say that growth does not slow down."""
    days = np.arange(6.0)
    fits = fit_curves(days, 100 * 2**days, np.full(6, 3))
    best = best_curve(fits)
    assert best is not None
    assert (best.model, best.mice.tolist(), best.n_parameters) == ("exponential", [3], 3)
    assert (best.starts[0], best.rates[0]) == pytest.approx((np.log(100), np.log(2)))
    assert [fit.reason for fit in fits[1:]] == ["growth does not slow down: not to be told from exponential"] * 2
    assert curve(best, 3, np.array([-1.0, 10])) == pytest.approx([50, 102_400])


def test_exact_courses_give_their_parameters_back() -> None:
    """Three mice with their own starts and rates, one decay of 0.08 per day, or one plateau of 2,500 mm3."""
    starts, rates = [4.0, 5.0, 5.5], [0.3, 0.2, 0.25]
    slowing = group([gompertz(DAYS, start, rate, 0.08) for start, rate in zip(starts, rates, strict=True)])
    found = named(fit_curves(*slowing), "Gompertz")
    assert found.converged
    assert (found.shape, *found.starts, *found.rates) == pytest.approx((0.08, *starts, *rates), rel=1e-4)
    full = group([logistic(DAYS, start, rate, 2500) for start, rate in zip(starts, rates, strict=True)])
    found = named(fit_curves(*full), "logistic")
    assert (found.shape, *found.starts, *found.rates) == pytest.approx((2500, *starts, *rates), rel=1e-4)
    assert curve(found, 1, DAYS) == pytest.approx(full[1][len(DAYS) : 2 * len(DAYS)], rel=1e-4)


@pytest.mark.parametrize("model", ["Gompertz", "logistic"])
def test_a_single_mouse_agrees_with_scipys_curve_fit(model: str) -> None:
    """Nine noisy volumes, started near the truth there: the same parameters and residual SD."""
    law, first = (gompertz, [5, 0.2, 0.08]) if model == "Gompertz" else (logistic, [5, 0.2, 1500.0])
    logs = law(DAYS, *first) + np.random.default_rng(2).normal(0, 0.05, len(DAYS))
    found = named(fit_curves(DAYS, np.exp(logs), ONE), model)
    oracle, _ = optimize.curve_fit(law, DAYS, logs, p0=first)
    assert (found.starts[0], found.rates[0], found.shape) == pytest.approx(tuple(oracle), rel=1e-3)
    residuals = logs - law(DAYS, *oracle)
    assert found.sd_log == pytest.approx(np.sqrt(residuals @ residuals / (len(DAYS) - 3)), rel=1e-4)


def test_the_exponential_group_fit_agrees_with_statsmodels() -> None:
    """Four mice: each mouse's own OLS line, and Akaike's criterion of all together, corrected, up to constants."""
    rng = np.random.default_rng(5)
    days, volumes, mice = group([4 + 0.1 * k * DAYS + rng.normal(0, 0.1, len(DAYS)) for k in range(4)])
    found = named(fit_curves(days, volumes, mice), "exponential")
    design = np.column_stack([mice == k for k in range(4)] + [days * (mice == k) for k in range(4)]).astype(float)
    oracle = OLS(np.log(volumes), design).fit()
    n, k = len(days), 9
    assert (*found.starts, *found.rates) == pytest.approx(tuple(oracle.params))
    assert found.sd_log == pytest.approx(np.sqrt(oracle.scale))
    constant = n * (np.log(2 * np.pi) + 1)
    assert found.aicc == pytest.approx(oracle.aic + 2 - constant + 2 * k * (k + 1) / (n - k - 1))


@pytest.mark.parametrize(("law", "shape"), [("Gompertz", 0.15), ("logistic", 6.5), ("exponential", np.nan)])
def test_the_derivatives_are_those_of_the_curve(law: str, shape: float) -> None:
    """By start, rate and shape, against differences."""
    days, h = np.linspace(0, 30, 7), 1e-6
    _, *exact = CURVES[law](days, 0.7, 0.2, shape)
    at = [(0.7, 0.2, shape)] * 3
    moved = [(0.7 + h, 0.2, shape), (0.7, 0.2 + h, shape), (0.7, 0.2, shape + h)]
    for derivative, one, other in list(zip(exact, at, moved, strict=True))[: 2 if law == "exponential" else 3]:
        difference = (CURVES[law](days, *other)[0] - CURVES[law](days, *one)[0]) / h
        np.testing.assert_allclose(derivative, difference, atol=1e-3)


@settings(max_examples=15)
@given(seed=st.integers(0, 99), factor=st.floats(0.1, 10))
def test_another_unit_changes_neither_rates_nor_the_order_of_models(seed: int, factor: float) -> None:
    """All volumes times a factor: plateau and start move with it, the rest stays."""
    logs = gompertz(DAYS, 5, 0.2, 0.06) + np.random.default_rng(seed).normal(0, 0.05, len(DAYS))
    one, other = fit_curves(DAYS, np.exp(logs), ONE), fit_curves(DAYS, factor * np.exp(logs), ONE)
    for first, second in zip(one, other, strict=True):
        assert first.converged == second.converged
        if first.converged:
            assert second.rates == pytest.approx(first.rates, rel=1e-3)
            assert second.aicc == pytest.approx(first.aicc, abs=1e-3)


def test_the_law_that_made_the_volumes_is_found_in_most_groups() -> None:
    """12 groups of five mice, nine scans, noise 0.07: each law wins in 9 or more of the groups that it made."""
    laws = {"exponential": np.nan, "Gompertz": 0.08, "logistic": 2000.0}
    rng = np.random.default_rng(1)
    for name, shape in laws.items():
        wins = 0
        for _ in range(12):
            starts, rates = rng.uniform(4, 5.5, 5), rng.uniform(0.12, 0.3, 5)
            law = {"exponential": lambda t, s, r, _: s + r * t, "Gompertz": gompertz, "logistic": logistic}[name]
            logs = [law(DAYS, s, r, shape) + rng.normal(0, 0.07, len(DAYS)) for s, r in zip(starts, rates, strict=True)]
            best = best_curve(fit_curves(*group(logs)))
            wins += best is not None and best.model == name
        assert wins >= 9, name


def test_what_is_too_little_is_refused_with_the_reason() -> None:
    """No mouse with three volumes; a mouse alone with five; three mice with three each."""
    none = fit_curves(np.array([0.0, 8]), np.array([100.0, 200]), np.zeros(2, np.int64))
    assert {fit.reason for fit in none} == {"no mouse has 3 volumes at different times"}
    assert best_curve(none) is None
    five = fit_curves(DAYS[:5], 100 * 1.1 ** DAYS[:5], ONE[:5])
    assert {fit.reason for fit in five} == {"5 volumes; a mouse alone needs 6"}
    three = fit_curves(np.tile(DAYS[:3], 3), np.exp(np.arange(9) % 4), np.repeat(np.arange(3), 3))
    assert [fit.converged for fit in three] == [True, False, False]
    assert three[1].reason == "9 volumes of 3 mice are too few for 8 parameters"
    assert np.isnan(three[1].aicc)


def test_hours_do_not_tell_whether_growth_slows_down() -> None:
    """Six volumes within a day: exponential only."""
    fits = fit_curves(DAYS[:6] / 24, np.exp(gompertz(DAYS[:6], 5, 0.2, 0.1)), ONE[:6])
    assert [fit.converged for fit in fits] == [True, False, False]
    assert fits[1].reason == "0.83 days do not tell whether growth slows down; 3 or more are needed"


def test_volumes_below_the_limit_are_left_out_and_counted() -> None:
    """0, 3 and 9 mm3 below 10: three are left out, what is not measured does not count; an unknown mouse is named."""
    volumes = np.concatenate([[0.0, 3, 9, np.nan], 100 * 1.1 ** np.arange(5), 100 * 1.1 ** np.arange(3)])
    days = np.arange(len(volumes), dtype=float)
    fit = fit_curves(days, volumes, np.zeros(len(days), np.int64), limit_mm3=10)[0]
    assert (fit.n_left_out, fit.n_points) == (3, 8)
    with pytest.raises(InputError, match="mouse 4 is not part of the exponential fit"):
        curve(fit, 4, DAYS)
    with pytest.raises(InputError, match="1 codes do not fit 12 volumes; give a mouse for each volume"):
        fit_curves(days, volumes, np.zeros(1, np.int64))


def test_published_mice_with_three_scans_grow_exponentially_as_far_as_can_be_told() -> None:
    """Dataset 8: 16 mice, 48 volumes, the exponential has the smallest AICc of three fits that converged."""
    scans = real_scans("Dataset 8")
    fits = fit_curves(scans.days, scans.volumes, scans.mice)
    best = best_curve(fits)
    assert best is not None
    assert (best.model, len(best.mice), best.n_points) == ("exponential", 16, 48)
    assert all(fit.converged for fit in fits)
    assert named(fits, "Gompertz").aicc - best.aicc == pytest.approx(12.2, abs=0.5)
