"""Growth rates with intervals: by hand, by property, against statsmodels and scipy, simulated, on the catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.regression.linear_model import OLS

from murinoma.errors import InputError
from murinoma.numerics.growth.doubling import DoublingTime, doubling_time
from murinoma.numerics.growth.rates import (
    GrowthRate,
    MeasurementError,
    Scatter,
    group_rate,
    growth_rate,
    pooled_scatter,
)
from tests.numerics.growth.catalogue import DATASETS, N_REPEATED_MICE, SD_WITHIN, real_scans

ERROR = MeasurementError(SD_WITHIN)


def of_mice(dataset: str) -> list[GrowthRate]:
    """Return the growth rate of each published mouse of a dataset."""
    scans = real_scans(dataset)
    scatter = pooled_scatter(scans.days, scans.volumes, scans.mice)
    error = MeasurementError(SD_WITHIN, N_REPEATED_MICE - 1)
    mice = [scans.mice == mouse for mouse in np.unique(scans.mice)]
    return [growth_rate(scans.days[rows], scans.volumes[rows], error=error, scatter=scatter) for rows in mice]


def of_dataset(dataset: str) -> DoublingTime:
    """Return the doubling time of a published dataset, treatment unknown."""
    rates = np.array([rate.rate_per_day for rate in of_mice(dataset)])
    return doubling_time(group_rate(rates, rng=np.random.default_rng(0)))


def test_two_points_carry_the_measurement_error_alone() -> None:
    """100 to 200 mm3 in 8 days: log(2) / 8 = 0.0866 +- 1.96 x 0.104 / 8 = 0.0255 per day; unsorted rows are sorted."""
    found = growth_rate(np.array([8.0, 0]), np.array([200.0, 100]), error=ERROR)
    assert found.rate_per_day == pytest.approx(np.log(2) / 8)
    assert (found.low_per_day, found.high_per_day) == pytest.approx((0.0612, 0.1121), abs=1e-4)
    assert found.highest_per_day == pytest.approx(np.log(2) / 8 + 1.645 * 0.104 / 8, abs=1e-4)
    assert (found.basis, found.n_points, found.span_days, found.note) == ("measurement error", 2, 8, "")
    assert found.log_volume_at_0 == pytest.approx(np.log(100))


def test_an_error_known_from_few_mice_gives_a_wider_interval() -> None:
    """29 repeated mice: t with 28 degrees of freedom, 2.048 in place of 1.96."""
    days, volumes = np.array([0.0, 8]), np.array([100.0, 200])
    one, other = (growth_rate(days, volumes, error=MeasurementError(SD_WITHIN, k)) for k in (np.inf, 28))
    widths = [rate.high_per_day - rate.low_per_day for rate in (one, other)]
    assert widths[1] / widths[0] == pytest.approx(2.0484 / 1.9600, abs=1e-4)


def test_two_points_without_a_known_error_have_a_rate_and_no_interval() -> None:
    """And it says so."""
    found = growth_rate(np.array([0.0, 8]), np.array([100.0, 200]))
    assert found.rate_per_day == pytest.approx(np.log(2) / 8)
    assert np.isnan([found.low_per_day, found.high_per_day, found.highest_per_day]).all()
    assert (found.basis, found.note) == ("none", "no interval: no measurement error is known")
    assert doubling_time(found).text == "8.0 d (no interval)"


@given(seed=st.integers(0, 999), n=st.integers(3, 9))
def test_three_or_more_points_are_ordinary_least_squares(seed: int, n: int) -> None:
    """Without another error: slope, interval and value at day 0 of statsmodels' OLS of the log volumes."""
    rng = np.random.default_rng(seed)
    days = rng.uniform(0, 30, n)
    volumes = np.exp(5 + 0.1 * days + rng.normal(0, 0.3, n))
    found = growth_rate(days, volumes)
    oracle = OLS(np.log(volumes), np.column_stack([np.ones(n), days])).fit()
    assert (found.log_volume_at_0, found.rate_per_day) == pytest.approx(tuple(oracle.params))
    assert (found.low_per_day, found.high_per_day) == pytest.approx(tuple(oracle.conf_int()[1]))
    assert found.highest_per_day == pytest.approx(oracle.conf_int(0.10)[1][1])
    assert found.basis == "residuals"


def test_residuals_never_make_an_interval_narrower_than_measurement_does() -> None:
    """Three points on a line by luck: the interval is that of s = 0.07, with the one degree of freedom there is."""
    days, volumes = np.array([0.0, 4, 8]), 100 * 2 ** np.array([0.0, 1, 2])
    found = growth_rate(days, volumes, error=MeasurementError(0.07))
    half = stats.t.ppf(0.975, 1) * 0.07 / np.sqrt(32)
    assert found.high_per_day - found.rate_per_day == pytest.approx(half)
    assert (found.sd_log, found.basis) == (0.07, "residuals")


def test_a_scatter_below_the_measurement_error_gives_way_to_it() -> None:
    """With 3 degrees of freedom or more the interval is normal with s, as well known as s is."""
    days, volumes = np.array([0.0, 4, 8]), np.array([100.0, 190, 420])
    found = growth_rate(days, volumes, error=MeasurementError(0.07), scatter=Scatter(0.05, 3))
    assert found.high_per_day - found.rate_per_day == pytest.approx(1.96 * 0.07 / np.sqrt(32), rel=1e-4)
    more = growth_rate(days, volumes, error=MeasurementError(0.07), scatter=Scatter(0.09, 3))
    assert more.high_per_day - more.rate_per_day == pytest.approx(stats.t.ppf(0.975, 3) * 0.09 / np.sqrt(32))


def test_pooled_scatter_by_hand_and_in_an_interval() -> None:
    """Two mice with residuals -1/15, 2/15, -1/15: SD sqrt(2 x 6/225 / 2), 2 degrees of freedom; a pair adds nothing."""
    days, logs = np.array([0.0, 1, 2, 0, 1, 2, 0, 5]), np.array([0, 1.2, 2, 0, 1.2, 2, 0, 9])
    mice = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    scatter = pooled_scatter(days, np.exp(logs), mice)
    assert (scatter.sd, scatter.degrees) == pytest.approx((np.sqrt(6) / 15, 2))
    found = growth_rate(days[:3], np.exp(logs[:3]), scatter=scatter)
    assert found.high_per_day - found.rate_per_day == pytest.approx(stats.t.ppf(0.975, 2) * scatter.sd / np.sqrt(2))
    assert pooled_scatter(days[6:], np.exp(logs[6:]), mice[6:]).degrees == 0


@given(shared=st.floats(0.2, 5), delay=st.floats(-20, 20))
def test_a_shared_error_and_another_day_0_change_no_rate(shared: float, delay: float) -> None:
    """All volumes larger by one factor, all days later: the same rate and interval."""
    days, volumes = np.array([0.0, 5, 9, 14]), np.array([90.0, 160, 210, 500])
    one, other = growth_rate(days, volumes, error=ERROR), growth_rate(days + delay, volumes * shared, error=ERROR)
    assert (other.rate_per_day, other.low_per_day, other.high_per_day) == pytest.approx(
        (one.rate_per_day, one.low_per_day, one.high_per_day)
    )


@pytest.mark.parametrize(
    ("days", "volumes", "note"),
    [
        ([], [], "no volume"),
        ([3.0], [120.0], "one volume only"),
        ([3.0, 3.0], [120.0, 130.0], "volumes at one time only"),
        ([0.0, 3.0], [120.0, np.nan], "one volume only"),
        ([0.0, 3.0], [120.0, 0.0], "one volume only; 1 of volume 0 left out: no limit is stated"),
    ],
)
def test_what_has_no_rate_says_why(days: list[float], volumes: list[float], note: str) -> None:
    """No volume, one, one time, not measured, not seen without a limit."""
    found = growth_rate(np.array(days), np.array(volumes), error=ERROR)
    assert np.isnan(found.rate_per_day)
    assert (found.basis, found.note, doubling_time(found).text) == ("none", note, "unknown")


@pytest.mark.parametrize("limit", [0.0, -1.0, np.inf])
def test_a_limit_and_an_error_must_be_above_0(limit: float) -> None:
    """One sentence with the value."""
    with pytest.raises(InputError, match=f"the limit of volumes is {limit:g} mm3"):
        growth_rate(np.array([0.0, 8]), np.array([100.0, 200]), limit_mm3=limit)
    with pytest.raises(InputError, match="the SD of a log volume is 0; give one above 0, or none"):
        growth_rate(np.array([0.0, 8]), np.array([100.0, 200]), error=MeasurementError(0))


def test_censored_volumes_agree_with_a_likelihood_maximised_by_scipy() -> None:
    """Volumes 4 and 0 below a limit of 10 mm3: the Tobit maximum and the edges of its profile, by brute force."""
    days, volumes, limit = np.array([0.0, 3, 6, 9, 12, 15]), np.array([0.0, 4, 13, 30, 41, 110]), 10.0
    found = growth_rate(days, volumes, scatter=Scatter(0.2, 10**6), limit_mm3=limit)
    below, logs = volumes < limit, np.log(np.maximum(volumes, limit))

    def lost(start: float, slope: float) -> float:
        fitted = start + slope * days
        seen = stats.norm.logpdf(logs, fitted, 0.2)
        return -float(np.where(below, stats.norm.logcdf(logs, fitted, 0.2), seen).sum())

    best = optimize.minimize(
        lambda at: lost(*at), [1.0, 0.2], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    assert (found.log_volume_at_0, found.rate_per_day) == pytest.approx(tuple(best.x), abs=1e-5)
    assert (found.n_points, found.n_censored, found.n_left_out) == (6, 2, 0)
    for edge, quantile in ((found.low_per_day, 1.96), (found.high_per_day, 1.96), (found.highest_per_day, 1.645)):
        profile = optimize.minimize_scalar(
            lambda start, slope=edge: lost(start, slope), bounds=(-5, 8), method="bounded"
        )
        assert 2 * (profile.fun - best.fun) == pytest.approx(quantile**2, abs=0.01)


def test_leaving_unseen_volumes_out_would_make_a_shrinking_tumor_stable() -> None:
    """200, 60, 20 mm3 and twice not seen below 10 mm3 is steeper censored than without the last two."""
    days, volumes = np.array([0.0, 4, 8, 12, 16]), np.array([200.0, 60, 20, 0, 0])
    censored, without = growth_rate(days, volumes, limit_mm3=10), growth_rate(days[:3], volumes[:3])
    assert censored.rate_per_day <= without.rate_per_day + 1e-6
    assert censored.high_per_day < 0
    replaced = growth_rate(days, np.maximum(volumes, 10), error=ERROR)
    assert censored.rate_per_day < replaced.rate_per_day


def test_a_vanished_tumor_has_an_upper_bound() -> None:
    """From 100 mm3 to below 10 in 4 days: log(0.1) / 4 = -0.576 is about the fastest; it halves in less than 1.3 d."""
    found = growth_rate(np.array([0.0, 4]), np.array([100.0, 0]), error=ERROR, limit_mm3=10)
    assert np.isnan(found.rate_per_day)
    assert found.low_per_day == -np.inf
    assert np.log(0.1) / 4 < found.high_per_day < np.log(0.1) / 4 + 1.96 * 0.104 / 4
    assert found.highest_per_day < found.high_per_day
    assert (found.basis, doubling_time(found).verdict) == ("bound", "shrinking")
    assert doubling_time(found).text == "halves in less than 1.3 d"


def test_a_tumor_that_appears_has_a_lower_bound() -> None:
    """The mirror image of one that vanishes; barely above the limit tells nothing; thrice not seen is a bound too."""
    found = growth_rate(np.array([0.0, 4]), np.array([0.0, 100]), error=ERROR, limit_mm3=10)
    mirror = growth_rate(np.array([0.0, 4]), np.array([100.0, 0]), error=ERROR, limit_mm3=10)
    assert (found.low_per_day, found.high_per_day) == pytest.approx((-mirror.high_per_day, np.inf))
    assert doubling_time(found).text == "less than 1.3 d"
    near = growth_rate(np.array([0.0, 4]), np.array([0.0, 10.5]), error=ERROR, limit_mm3=10)
    assert (near.low_per_day < 0, doubling_time(near).verdict) == (True, "unknown")
    thrice = growth_rate(np.array([0.0, 4, 4, 4]), np.array([100.0, 0, 0, 0]), error=ERROR, limit_mm3=10)
    assert np.log(0.05) / 4 < thrice.high_per_day < mirror.high_per_day


@pytest.mark.parametrize(
    ("volumes", "note"),
    [
        ([0.0, 100, 0], "above the limit on one day only, between days below it"),
        ([0.0, 5, 3], "never above the limit of 10 mm3"),
    ],
)
def test_what_the_limit_hides_has_no_rate(volumes: list[float], note: str) -> None:
    """Seen once between two days unseen, or never."""
    found = growth_rate(np.array([0.0, 4, 8]), np.array(volumes), error=ERROR, limit_mm3=10)
    assert np.isnan(found.rate_per_day)
    assert (found.note, found.basis) == (note, "none")


@pytest.mark.parametrize("n_points", [2, 3, 5])
@pytest.mark.parametrize("sd", [SD_WITHIN, 2 * SD_WITHIN])
def test_the_interval_holds_the_true_rate_in_95_of_100_mice(n_points: int, sd: float) -> None:
    """200 arms of 5 mice, growth as even as measured or twice as uneven: about 95 % are covered."""
    rng, days, inside = np.random.default_rng(n_points), np.linspace(0, 14, n_points), []
    for _ in range(200):
        volumes = np.exp(5 + 0.1 * days + rng.normal(0, SD_WITHIN if n_points == 2 else sd, (5, n_points)))
        scatter = pooled_scatter(np.tile(days, 5), volumes.ravel(), np.repeat(np.arange(5), n_points))
        found = [growth_rate(days, mouse, error=ERROR, scatter=scatter) for mouse in volumes]
        inside += [rate.low_per_day <= 0.1 <= rate.high_per_day for rate in found]
    assert 0.93 <= np.mean(inside) <= 0.975


def test_censored_intervals_hold_the_true_rate() -> None:
    """150 tumors shrinking under a limit of 20 mm3, five scans, s known: 90 to 99 % are covered."""
    rng, days, inside = np.random.default_rng(8), np.linspace(0, 16, 5), []
    for _ in range(150):
        volumes = np.exp(np.log(150) - 0.15 * days + rng.normal(0, 0.2, 5))
        found = growth_rate(days, volumes, scatter=Scatter(0.2, 10**6), limit_mm3=20)
        inside.append(found.low_per_day <= -0.15 <= found.high_per_day)
    assert 0.90 <= np.mean(inside) <= 0.99


def test_the_mean_rate_of_mice_is_a_t_interval() -> None:
    """Eight mice, and a ninth without a rate: scipy's t interval, two-sided and one-sided; under five mice none."""
    rates = np.array([0.1, 0.12, 0.07, 0.2, 0.05, 0.11, 0.1, 0.13, np.nan])
    found = group_rate(rates, rng=np.random.default_rng(0))
    oracle = stats.ttest_1samp(rates[:8], 0)
    assert (found.low_per_day, found.high_per_day) == pytest.approx(tuple(oracle.confidence_interval(0.95)))
    assert found.highest_per_day == pytest.approx(oracle.confidence_interval(0.90).high)
    assert (found.n_mice, found.method) == (8, "t over mice")
    few = group_rate(rates[:4], rng=np.random.default_rng(0))
    assert np.isnan([few.low_per_day, few.highest_per_day]).all()
    assert group_rate(np.array([np.nan]), rng=np.random.default_rng(0)).n_mice == 0


def test_doubling_times_of_the_published_datasets() -> None:
    """Datasets 2 and 8 grow, doubling in 6.0 (5.2 to 7.1) and 13.2 d; 6 and 10 do not, longer than 17 and 48 d."""
    two, six, eight, ten = (of_dataset(f"Dataset {number}") for number in (2, 6, 8, 10))
    assert (two.verdict, six.verdict, eight.verdict, ten.verdict) == (
        "growing",
        "not growing",
        "growing",
        "not growing",
    )
    assert (two.days, two.low_days, two.high_days) == pytest.approx((6.0, 5.2, 7.1), abs=0.1)
    assert (eight.days, eight.low_days, eight.high_days) == pytest.approx((13.2, 10.7, 16.8), abs=0.2)
    assert (six.longer_than_days, ten.longer_than_days) == pytest.approx((17.2, 48.0), abs=0.3)


def test_every_published_mouse_with_two_scans_has_a_rate_and_an_interval() -> None:
    """56 mice have one scan and say so; 116 rest on the measurement error alone, 51 on residuals."""
    rates = [rate for dataset in DATASETS for rate in of_mice(dataset)]
    basis = [rate.basis for rate in rates]
    assert (basis.count("none"), basis.count("measurement error"), basis.count("residuals")) == (56, 116, 51)
    assert {rate.note for rate in rates if rate.basis == "none"} == {"one volume only"}
    assert all(rate.low_per_day < rate.rate_per_day < rate.high_per_day for rate in rates if rate.basis != "none")


@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0.0, 0.1, 3, 8, 8.5, 40]), st.sampled_from([0.0, np.nan, 1e-3, 4, 5, 90, 91, 4000])),
        max_size=7,
    ),
    error=st.sampled_from([None, ERROR, MeasurementError(0.01, 4)]),
    scatter=st.sampled_from([None, Scatter(np.nan, 0), Scatter(0.15, 9)]),
    limit=st.sampled_from([np.nan, 5.0, 100.0]),
)
def test_whatever_comes_there_is_a_rate_or_a_reason(
    rows: list[tuple[float, float]], error: MeasurementError | None, scatter: Scatter | None, limit: float
) -> None:
    """Any mixture of times, zeros, gaps and limits: no warning, an interval around the rate, or a note why not."""
    days, volumes = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    found = growth_rate(days, volumes, error=error, scatter=scatter, limit_mm3=limit)
    if np.isnan(found.low_per_day):
        assert found.note
        assert doubling_time(found).verdict == "unknown"
    else:
        rate = found.rate_per_day
        assert found.low_per_day <= found.high_per_day
        assert np.isnan(rate) or found.low_per_day <= rate <= found.highest_per_day <= found.high_per_day
        assert doubling_time(found).text
