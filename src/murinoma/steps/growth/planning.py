"""The tables for the next study: mice per arm from the variance found, and how many each source would need."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murinoma.numerics.growth.power import mice_per_arm, pooled_sd, power_by_source
from murinoma.numerics.growth.rates import GrowthRate, pooled_scatter
from murinoma.steps.growth.cohort import Cohort, Course, Floats, rows_of
from murinoma.steps.growth.mice import rates
from murinoma.steps.growth.people import Mouse

Table = pd.DataFrame
POWER_COLUMNS = ["dataset", "effect", "sd_per_day", "difference_per_day", "power", "alpha", "mice_per_arm"]
POWER_COLUMNS += ["mice_low", "mice_high", "n_mice", "reason"]
SOURCE_COLUMNS = ["dataset", "source", "n_mice", "rate_per_day", "sd_per_day", "residual_sd_log"]
SOURCE_COLUMNS += ["difference_per_day", "mice_per_arm", "ratio", "reason"]
EFFECTS = (0.25, 0.5, 0.75, 1.0)  # shares by which a treatment slows growth


def power_table(cohort: Cohort, found: Mapping[Mouse, GrowthRate]) -> Table:
    """Return ``power.csv``: how many mice per arm show that a treatment slows growth by so much.

    The variance is the one between the mice of an arm; the growth that is slowed is that of the control, or of all mice
    where there is none.
    """
    rows: list[dict[str, Any]] = []
    for dataset in cohort.arms:
        mice = [one for one in cohort.courses if one.mouse[0] == dataset]
        values, codes = _values(mice, found)
        growth = _growth(cohort, dataset, found)
        rows += [{"dataset": dataset, **row} for row in _power_rows(cohort, values, codes, growth)]
    return Table(rows, columns=POWER_COLUMNS)


def _values(mice: list[Course], found: Mapping[Mouse, GrowthRate]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the growth rates and the arms' codes, the control's (or no arm's) being 0."""
    values = np.array([found[one.mouse].rate_per_day for one in mice])
    return values, pd.factorize(np.array([one.arm for one in mice], dtype=object))[0].astype(np.int64)


def _power_rows(
    cohort: Cohort, values: Floats, codes: npt.NDArray[np.int64], growth: float
) -> Iterator[dict[str, Any]]:
    sd, degrees = pooled_sd(values, codes)
    shown = growth > 2 * sd / np.sqrt(np.isfinite(values).sum())  # about two standard errors
    for effect in sorted({*EFFECTS, cohort.settings.effect}):
        found = mice_per_arm(
            effect * growth, sd, degrees=degrees, power=cohort.settings.power, alpha=cohort.settings.alpha
        )
        yield {
            "effect": _effect_words(effect),
            "sd_per_day": sd,
            "difference_per_day": effect * growth,
            "power": cohort.settings.power,
            "alpha": cohort.settings.alpha,
            "mice_per_arm": found.n_per_arm,
            "mice_low": found.low_per_arm,
            "mice_high": found.high_per_arm,
            "n_mice": int(np.isfinite(values).sum()),
            "reason": found.reason if shown else "growth was not shown, so nobody can plan to slow it",
        }


def _growth(cohort: Cohort, dataset: str, found: Mapping[Mouse, GrowthRate]) -> float:
    """Return the mean growth of the control, or of all mice where there is none; NaN where nothing grows."""
    control = cohort.control(dataset)
    mice = [one for one in cohort.courses if one.mouse[0] == dataset and (not control or one.arm == control)]
    values = np.array([found[one.mouse].rate_per_day for one in mice])
    mean = float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")
    return mean if mean > 0 else float("nan")


def _effect_words(effect: float) -> str:
    return {0.5: "growth halved", 1.0: "growth stopped"}.get(effect, f"growth slowed by {100 * effect:g} %")


def source_table(cohorts: Mapping[str, Cohort]) -> Table:
    """Return ``sources.csv``: each source's growth rates, their scatter, and the mice that it would need.

    Sources are compared on the mice that all of them can give a rate, dataset by dataset, at the growth that the chosen
    source, the first of `cohorts`, finds halved (or slowed by the settings' effect).
    """
    chosen = next(iter(cohorts))
    rates_of = {name: rates(cohort) for name, cohort in cohorts.items()}
    rows: list[dict[str, Any]] = []
    for dataset in cohorts[chosen].arms:
        rows += [{"dataset": dataset, **row} for row in _source_rows(cohorts, rates_of, dataset, chosen)]
    return Table(rows, columns=SOURCE_COLUMNS)


def _source_rows(
    cohorts: Mapping[str, Cohort], rates_of: Mapping[str, Mapping[Mouse, GrowthRate]], dataset: str, chosen: str
) -> Iterator[dict[str, Any]]:
    settings = cohorts[chosen].settings
    mice = [one for one in cohorts[chosen].courses if one.mouse[0] == dataset]
    _, codes = _values(mice, rates_of[chosen])
    names = list(cohorts)
    values = np.array([[_rate_of(rates_of[name], one.mouse) for one in mice] for name in names])
    difference = settings.effect * _growth(cohorts[chosen], dataset, rates_of[chosen])
    found = power_by_source(values, codes, difference_per_day=difference, power=settings.power, alpha=settings.alpha)
    shared = np.isfinite(values).all(axis=0)
    for name, row, power in zip(names, values, found, strict=True):
        yield {
            "source": cohorts[name].volumes.source,
            "n_mice": int(shared.sum()),
            "rate_per_day": row[shared].mean() if shared.any() else np.nan,
            "sd_per_day": power.sd_per_day,
            "residual_sd_log": _residual(cohorts[name], dataset),
            "difference_per_day": difference,
            "mice_per_arm": power.n_per_arm,
            "ratio": power.n_per_arm / found[0].n_per_arm,
            "reason": power.reason,
        }


def _rate_of(found: Mapping[Mouse, GrowthRate], mouse: Mouse) -> float:
    return found[mouse].rate_per_day if mouse in found else float("nan")


def _residual(cohort: Cohort, dataset: str) -> float:
    """Return the SD of log volumes about the mice's own curves."""
    mice = [one for one in cohort.courses if one.mouse[0] == dataset]
    days, volumes, codes = rows_of(mice)
    return pooled_scatter(days, volumes, codes, limit_mm3=cohort.settings.limit_mm3).sd
