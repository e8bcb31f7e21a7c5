"""Errors against the size of tumors: by hand, by property, against statsmodels, and which explanation it finds."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from murinoma.numerics.intervals import Codes, Floats
from murinoma.numerics.size_trend import SizeTrend, mean_absolute_difference, mean_log_difference, size_trend

ONE = np.array([1.0, 8, 64])


def study(seed: int, factors: tuple[float, ...] = (1, 1, 1), n_mice: int = 12) -> tuple[Floats, Floats, Codes, Codes]:
    """Return errors, volumes, mice and datasets; dataset k errs ``factors[k]`` times what its sizes let expect."""
    rng = np.random.default_rng(seed)
    mice = np.repeat(np.arange(n_mice * len(factors)), 2)
    datasets = mice // n_mice
    volumes = rng.lognormal(datasets, 0.8)
    errors = 0.1 * volumes ** (-1 / 3) * rng.gamma(4, 0.25, len(mice)) * np.array(factors)[datasets]
    return np.asarray(errors), volumes, mice.astype(np.int64), datasets.astype(np.int64)


def test_a_law_without_noise_is_found() -> None:
    """0.1 V^(-1/3) in both datasets: exponent -1/3, 0.1 at volume 1, ratios 1."""
    volumes = np.tile(ONE, 2)
    trend = size_trend(0.1 * volumes ** (-1 / 3), volumes, np.arange(6), np.repeat([4, 7], 3))
    assert [trend.exponent.value, trend.at_unit_volume] == pytest.approx([-1 / 3, 0.1])
    assert [one.dataset for one in trend.datasets] == [4, 7]
    assert [one.ratio.value for one in trend.datasets] == pytest.approx([1, 1])
    assert [one.volume for one in trend.datasets] == pytest.approx([8, 8])
    assert trend.datasets[0].observed == pytest.approx((0.1 + 0.05 + 0.025) / 3)


def test_a_dataset_that_errs_half_as_much_has_ratio_one_half() -> None:
    """The law is that of the other dataset, so the ratios are 1/2 and 2."""
    volumes = np.tile(ONE, 2)
    errors = 0.1 * volumes ** (-1 / 3) * np.repeat([1, 0.5], 3)
    trend = size_trend(errors, volumes, np.arange(6), np.repeat([0, 1], 3))
    assert [one.ratio.value for one in trend.datasets] == pytest.approx([2, 0.5])
    assert trend.datasets[1].expected == pytest.approx(2 * trend.datasets[1].observed)


def test_the_law_is_the_poisson_regression_of_statsmodels() -> None:
    """Log link, log volume: the same coefficients to 1e-8, and an error near its cluster-robust one."""
    errors, volumes, mice, datasets = study(0)
    trend = size_trend(errors, volumes, mice, np.zeros_like(datasets))
    design = sm.add_constant(np.log(volumes))
    glm = sm.GLM(errors, design, family=sm.families.Poisson())
    fit = glm.fit(cov_type="cluster", cov_kwds={"groups": mice}, tol=1e-12)
    assert (np.log(trend.at_unit_volume), trend.exponent.value) == pytest.approx(tuple(fit.params), abs=1e-8)
    half = (trend.exponent.high - trend.exponent.low) / 2
    assert half / fit.bse[1] == pytest.approx(2.03, rel=0.15)


def test_size_alone_explains_small_tumors_and_quality_does_not_hide() -> None:
    """Small tumors err more by the law: ratio near 1. A dataset with half the error is found, whatever its size."""
    explained = size_trend(*study(3, (1, 1, 1), n_mice=40))
    assert explained.datasets[0].observed > 1.5 * explained.datasets[2].observed
    assert all(one.ratio.low < 1 < one.ratio.high for one in explained.datasets)
    better = size_trend(*study(3, (1, 0.5, 1), n_mice=40)).datasets[1].ratio
    assert better.high < 0.75


def test_the_interval_of_a_ratio_holds_the_uncertainty_of_the_law() -> None:
    """A dataset whose mice are all alike adds nothing; what is left is the law of the others, in log terms."""
    errors, volumes, mice, datasets = study(4, (1, 1))
    own = datasets == 0
    errors[own], volumes[own] = 0.1, 1.0
    ratio = size_trend(errors, volumes, mice, datasets).datasets[0].ratio
    others = sm.GLM(errors[~own], sm.add_constant(np.log(volumes[~own])), family=sm.families.Poisson())
    fit = others.fit(cov_type="cluster", cov_kwds={"groups": mice[~own]})
    half = np.log(ratio.high / ratio.low) / 2
    assert half == pytest.approx(2.201 * fit.bse[0], rel=0.2)


@settings(max_examples=20)
@given(seed=st.integers(0, 99), unit=st.floats(0.001, 1000), scale=st.floats(0.1, 100))
def test_units_do_not_matter(seed: int, unit: float, scale: float) -> None:
    """Volumes in cm3 or mm3, errors as fraction or percent: the same exponent and ratios."""
    errors, volumes, mice, datasets = study(seed, n_mice=5)

    def figures(trend: SizeTrend) -> list[float]:
        ratios = [edge for one in trend.datasets for edge in (one.ratio.low, one.ratio.value, one.ratio.high)]
        return [trend.exponent.value, *ratios]

    one = size_trend(errors, volumes, mice, datasets)
    other = size_trend(scale * errors, unit * volumes, mice, datasets)
    assert figures(other) == pytest.approx(figures(one), rel=1e-6)


def test_rows_without_error_or_volume_are_left_out() -> None:
    """NaN errors and missed tumors change nothing."""
    errors, volumes, mice, datasets = study(1)
    more = size_trend(
        np.append(errors, [np.nan, 0.1]),
        np.append(volumes, [1.0, 0.0]),
        np.append(mice, [98, 99]),
        np.append(datasets, [9, 9]),
    )
    assert more == size_trend(errors, volumes, mice, datasets)


def test_edge_cases() -> None:
    """Nothing, one dataset, four mice, no error anywhere, one size: no ratio or no interval, and no crash."""
    empty = size_trend(np.empty(0), np.empty(0), np.empty(0, int), np.empty(0, int))
    assert np.isnan(empty.exponent.value)
    assert empty.datasets == ()
    errors, volumes, mice, datasets = study(2, (1, 1), n_mice=4)
    alone = size_trend(errors, volumes, mice, np.zeros_like(mice))
    assert np.isfinite(alone.exponent.low)
    assert np.isnan([alone.datasets[0].expected, alone.datasets[0].ratio.value]).all()
    four = size_trend(errors, volumes, mice, datasets).datasets[0].ratio
    assert (four.n_mice, four.method) == (4, "none")
    assert np.isfinite(four.value)
    assert np.isnan(size_trend(0 * errors, volumes, mice, datasets).exponent.value)
    assert np.isnan(size_trend(errors, np.ones_like(volumes), mice, datasets).exponent.value)


def test_differences_by_hand() -> None:
    """1, 2, 4: |log ratios| log 2, log 2, log 4; differences 1, 2, 3. A missed tumor leaves one pair, or none."""
    volumes = np.array([[1, 2, 4], [1, 0, 3], [0, 0, 5], [np.nan, 2, 2]])
    np.testing.assert_allclose(mean_log_difference(volumes), [4 / 3 * np.log(2), np.log(3), np.nan, 0])
    np.testing.assert_allclose(mean_absolute_difference(volumes), [2, 2, np.nan, 0])
