"""The mixed model: published fits of lme4, balanced data by hand, by property, and what is not reported."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import InputError
from murinoma.numerics.growth import mixed
from murinoma.numerics.growth.mixed import MixedModel, mixed_model

# Belenky et al. 2003, as in R's lme4: reaction time, ms; a row for each of 18 people, a column for each of 10 days
SLEEP = """249.5600 258.7047 250.8006 321.4398 356.8519 414.6901 382.2038 290.1486 430.5853 466.3535
222.7339 205.2658 202.9778 204.7070 207.7161 215.9618 213.6303 217.7272 224.2957 237.3142
199.0539 194.3322 234.3200 232.8416 229.3074 220.4579 235.4208 255.7511 261.0125 247.5153
321.5426 300.4002 283.8565 285.1330 285.7973 297.5855 280.2396 318.2613 305.3495 354.0487
287.6079 285.0000 301.8206 320.1153 316.2773 293.3187 290.0750 334.8177 293.7469 371.5811
234.8606 242.8118 272.9613 309.7688 317.4629 309.9976 454.1619 346.8311 330.3003 253.8644
283.8424 289.5550 276.7693 299.8097 297.1710 338.1665 332.0265 348.8399 333.3600 362.0428
265.4731 276.2012 243.3647 254.6723 279.0244 284.1912 305.5248 331.5229 335.7469 377.2990
241.6083 273.9472 254.4907 270.8021 251.4519 254.6362 245.4523 235.3110 235.7541 237.2466
312.3666 313.8058 291.6112 346.1222 365.7324 391.8385 404.2601 416.6923 455.8643 458.9167
236.1032 230.3167 238.9256 254.9220 250.7103 269.7744 281.5648 308.1020 336.2806 351.6451
256.2968 243.4543 256.2046 255.5271 268.9165 329.7247 379.4445 362.9184 394.4872 389.0527
250.5265 300.0576 269.8939 280.5891 271.8274 304.6336 287.7466 266.5955 321.5418 347.5655
221.6771 298.1939 326.8785 346.8555 348.7402 352.8287 354.4266 360.4326 375.6406 388.5417
271.9235 268.4369 257.2424 277.6566 314.8222 317.2135 298.1353 348.1229 340.2800 366.5131
225.2640 234.5235 238.9008 240.4730 267.5373 344.1937 281.1481 347.5855 365.1630 372.2288
269.8804 272.4428 277.8989 281.7895 279.1705 284.5120 259.2658 304.6306 350.7807 369.4692
269.4117 273.4740 297.5968 310.6316 287.1726 329.6076 334.4818 343.2199 369.1417 364.1236"""


def study(seed: int, *, n_mice: int = 5, tumors: int = 1, sd_rate: float = 0.03) -> dict[str, np.ndarray]:
    """Return the rows of two arms: 6 scans in 20 days, growth 0.10 and 0.06 per day, 7 % of measurement error."""
    rng = np.random.default_rng(seed)
    mice = np.repeat(np.arange(2 * n_mice), 6 * tumors)
    tumor = np.tile(np.repeat(np.arange(tumors), 6), 2 * n_mice)
    days = np.tile(np.linspace(0, 20, 6), 2 * n_mice * tumors)
    rates = np.where(np.arange(2 * n_mice) < n_mice, 0.10, 0.06) + sd_rate * rng.standard_normal(2 * n_mice)
    levels = 5 + 0.3 * rng.standard_normal(2 * n_mice)[:, None] + 0.3 * rng.standard_normal((2 * n_mice, tumors))
    logs = levels[mice, tumor] + rates[mice] * days + 0.073 * rng.standard_normal(len(mice))
    return {"log_volumes": logs, "days": days, "arms": mice // n_mice, "mice": mice, "tumors": tumor}


def estimates(model: MixedModel) -> dict[str, float]:
    """Return the fixed effects by name."""
    return {effect.name: effect.estimate for effect in model.fixed}


def test_the_sleep_study_of_lme4() -> None:
    """The REML fit of Reaction ~ Days + (Days | Subject) in lme4's manual (Bates et al. 2015, J Stat Software 67(1)).

    251.405 +- 6.825 and 10.467 +- 1.546; SD 24.741, 5.922 and 25.592, correlation 0.07.
    """
    reaction = np.array([line.split() for line in SLEEP.splitlines()], dtype=float)
    people, days = np.divmod(np.arange(180), 10)
    model = mixed_model(reaction.ravel(), days.astype(float), np.zeros(180, dtype=int), people)
    assert model.converged
    intercept, slope = model.fixed
    assert (intercept.estimate, slope.estimate) == pytest.approx((251.405, 10.467), abs=6e-4)
    assert (intercept.error, slope.error) == pytest.approx((6.825, 1.546), abs=2e-3)
    assert (model.sd_intercept, model.sd_slope, model.sd_residual) == pytest.approx((24.741, 5.922, 25.592), abs=0.01)
    assert model.correlation == pytest.approx(0.07, abs=0.005)


def test_the_growth_of_pigs_of_lme4() -> None:
    """Weight ~ Time + (1 + Time | Pig) of the data `dietox`, by lme4 as statsmodels keeps it (test_lme.py)."""
    source = files("statsmodels.regression.tests.results") / "dietox.csv"
    pigs = pd.read_csv(str(source))
    one = np.zeros(len(pigs), dtype=int)
    model = mixed_model(pigs.Weight.to_numpy(), pigs.Time.to_numpy(float), one, pigs.Pig.to_numpy())
    intercept, slope = model.fixed
    assert (intercept.estimate, slope.estimate) == pytest.approx((15.738650, 6.939014), rel=1e-5)
    assert (intercept.error, slope.error) == pytest.approx((0.5501253, 0.0798254), rel=1e-3)
    assert model.sd_residual**2 == pytest.approx(6.03745, rel=1e-3)
    assert (model.sd_intercept**2, model.sd_slope**2) == pytest.approx((19.4934552, 0.4160620), rel=0.01)


def test_balanced_arms_by_hand() -> None:
    """With the same scan days for all, the rates are the means of the mice's own slopes, the error theirs.

    So t of the difference is that of Student's test on the slopes, with mice less arms degrees of freedom.
    """
    rows = study(1)
    model = mixed_model(*(rows[name] for name in ("log_volumes", "days", "arms", "mice")))
    slopes = np.array(
        [np.polyfit(rows["days"][:6], rows["log_volumes"][rows["mice"] == mouse], 1)[0] for mouse in range(10)]
    )
    found = estimates(model)
    assert found["per day"] == pytest.approx(slopes[:5].mean(), rel=1e-4)
    assert found["per day x arm 1"] == pytest.approx(slopes[5:].mean() - slopes[:5].mean(), rel=1e-4)
    pooled = (slopes[:5].var(ddof=1) + slopes[5:].var(ddof=1)) / 2
    effect = model.fixed[3]
    assert effect.error == pytest.approx(np.sqrt(2 * pooled / 5), rel=1e-3)
    assert effect.low < effect.estimate < effect.high
    assert (effect.high - effect.low) / 2 == pytest.approx(2.306 * effect.error, rel=1e-3)


def test_two_tumors_of_a_mouse_have_levels_of_their_own() -> None:
    """The SD between tumors (0.3 in the simulation) comes out; with one tumor it is NaN, and so are no rows."""
    rows = study(2, n_mice=12, tumors=2)
    model = mixed_model(**rows)
    assert model.converged
    assert model.sd_tumor == pytest.approx(0.3, abs=0.1)
    assert model.sd_residual == pytest.approx(0.073, abs=0.01)
    assert model.sd_slope == pytest.approx(0.03, abs=0.01)
    rows["log_volumes"] = np.where(rows["tumors"] == 1, np.nan, rows["log_volumes"])
    alone = mixed_model(**rows)
    assert np.isnan(alone.sd_tumor)
    assert alone.n_rows == model.n_rows // 2


def test_the_scales_of_days_and_volumes_do_not_matter() -> None:
    """In weeks the rates are sevenfold, in cm3 only the intercept moves."""
    rows = study(3)
    model = mixed_model(**rows)
    weeks = estimates(mixed_model(**rows | {"days": rows["days"] / 7}))
    litres = estimates(mixed_model(**rows | {"log_volumes": rows["log_volumes"] - np.log(1000)}))
    for name, value in estimates(model).items():
        factor = 7 if "per day" in name else 1
        assert weeks[name] == pytest.approx(factor * value, rel=1e-3, abs=1e-5)
        shift = np.log(1000) if name == "intercept" else 0
        assert litres[name] == pytest.approx(value - shift, rel=1e-3, abs=1e-5)


def test_mice_that_all_grow_alike_are_said_to() -> None:
    """No variance of slopes: at the boundary of what variances can be the model still converges, and notes it."""
    rows = study(4, sd_rate=0.0)
    rows["log_volumes"] += 0.05 * np.tile([1, -1, -1, 1, 1, -1], 10)  # scatter beyond what lines can take up
    model = mixed_model(**rows)
    assert model.converged
    assert model.sd_slope < 0.01


def reason(**changes: np.ndarray) -> str:
    """Return why the model of a study is not reported, after some columns were replaced."""
    model = mixed_model(**study(5) | changes)
    assert not model.converged
    assert model.fixed == ()
    assert np.isnan(model.sd_residual)
    return model.reason


def test_what_is_not_reported() -> None:
    """No volumes, one mouse in an arm, one day, two days, equal volumes: each has its sentence."""
    rows = study(5)
    assert reason(log_volumes=np.full(60, np.nan)) == "no volumes"
    assert reason(arms=(rows["mice"] == 9).astype(int)) == "arm 1 has 1 mouse; the model needs 2 in each arm"
    assert "on one day only" in reason(days=np.zeros(60))
    assert "three days" in reason(days=np.where(rows["days"] > 10, 20.0, 0.0))
    assert reason(log_volumes=np.ones(60)) == "all volumes are equal"
    with pytest.raises(InputError, match="one of each per volume"):
        mixed_model(rows["log_volumes"], rows["days"][:5], rows["arms"], rows["mice"])


def test_a_model_that_does_not_converge_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step is not enough for any optimizer; the reason names them all."""
    monkeypatch.setattr(mixed, "STEPS", 1)
    monkeypatch.setattr(mixed, "OPTIMIZERS", ("lbfgs", "bfgs"))
    assert reason() == "lbfgs: not converged; bfgs: not converged"
