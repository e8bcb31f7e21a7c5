"""The tables that compare arms: T/C, TGI, the test of growth rates, and the mixed model beside it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from murinoma.numerics.growth.arms import ArmTest, DayChoice, arm_tests, comparison_day
from murinoma.numerics.growth.inhibition import growth_inhibition, treatment_over_control
from murinoma.numerics.growth.mixed import MixedModel, mixed_model
from murinoma.numerics.growth.rates import GrowthRate
from murinoma.numerics.growth.survival import EventTime, log_rank, right_censored, time_to_multiple
from murinoma.steps.growth.cohort import Cohort, Course, Floats, matrix, rows_of
from murinoma.steps.growth.people import Mouse

Table = pd.DataFrame
ARM_COLUMNS = ["dataset", "arm", "control", "n_arm", "n_control", "baseline_day", "day", "day_rule", "tc", "tc_low"]
ARM_COLUMNS += ["tc_high", "tc_note", "tgi_percent", "tgi_low_percent", "tgi_high_percent", "tgi_note"]
ARM_COLUMNS += ["rate_arm_per_day", "rate_control_per_day", "difference_per_day", "difference_low_per_day"]
ARM_COLUMNS += ["difference_high_per_day", "t", "degrees", "p", "p_holm", "test_note", "logrank_chi_squared"]
ARM_COLUMNS += ["logrank_degrees", "logrank_p", "logrank_note", "mixed_difference_per_day", "mixed_low_per_day"]
ARM_COLUMNS += ["mixed_high_per_day", "mixed_converged", "mixed_note"]
MIXED_COLUMNS = ["dataset", "name", "estimate", "error", "low", "high", "converged", "note"]


def comparison_tables(cohort: Cohort, found: dict[Mouse, GrowthRate]) -> tuple[Table, Table]:
    """Return ``arms.csv``, a row per treated arm, and ``mixed.csv``; empty where no dataset has a control arm."""
    rows: list[dict[str, Any]] = []
    mixed_rows: list[dict[str, Any]] = []
    for dataset, arms in cohort.arms.items():
        control = cohort.control(dataset)
        if not control or len(arms) < 2:
            continue
        by_arm = {arm: mice for name, arm, mice in cohort.groups() if name == dataset}
        model = _mixed(cohort, [one for arm in arms for one in by_arm[arm]], arms)
        tests = _tests(by_arm, arms, found)
        mixed_rows += [{"dataset": dataset, **row} for row in _mixed_rows(model, arms)]
        for code, arm in enumerate(arms[1:], start=1):
            compared: dict[str, Any] = {"dataset": dataset, "arm": arm, "control": control}
            compared |= {"n_arm": len(by_arm[arm]), "n_control": len(by_arm[control])}
            compared |= _ratios(cohort, by_arm[arm], by_arm[control]) | _tested(tests[code])
            compared |= _log_rank(cohort, by_arm[arm], by_arm[control]) | _mixed_of(model, code)
            rows.append(compared)
    return Table(rows, columns=ARM_COLUMNS), Table(mixed_rows, columns=MIXED_COLUMNS)


def _tests(
    by_arm: dict[str, list[Course]], arms: tuple[str, ...], found: dict[Mouse, GrowthRate]
) -> dict[int, ArmTest]:
    rates = np.array([found[one.mouse].rate_per_day for arm in arms for one in by_arm[arm]])
    codes = np.repeat(np.arange(len(arms)), [len(by_arm[arm]) for arm in arms])
    return {test.arm: test for test in arm_tests(rates, codes, control=0)}


def _tested(test: ArmTest) -> dict[str, Any]:
    return {
        "rate_arm_per_day": test.mean_per_day,
        "rate_control_per_day": test.control_mean_per_day,
        "difference_per_day": test.difference_per_day,
        "difference_low_per_day": test.low_per_day,
        "difference_high_per_day": test.high_per_day,
        "t": test.t,
        "degrees": test.degrees,
        "p": test.p,
        "p_holm": test.p_holm,
        "test_note": test.reason,
    }


def _ratios(cohort: Cohort, treated: list[Course], control: list[Course]) -> dict[str, Any]:
    """Return T/C and TGI at the day of the comparison, of the mice with a baseline."""
    with_baseline = [[one for one in mice if np.isfinite(cohort.baseline(one))] for mice in (treated, control)]
    days, volumes = matrix([*with_baseline[0], *with_baseline[1]])
    later = days >= cohort.settings.baseline_day
    days, volumes, n = days[later], volumes[:, later], len(with_baseline[0])
    if not n or n == len(volumes):
        return {"tc_note": "an arm has no mouse with a baseline", "tgi_note": "an arm has no mouse with a baseline"}
    choice = comparison_day(days, volumes[:n], volumes[n:], fixed_day=cohort.settings.day)
    said = {"baseline_day": choice.baseline_day, "day": choice.day, "day_rule": _rule(choice)}
    if np.isnan(choice.day):
        why = choice.reason if choice.fixed else f"{choice.reason}; fix one with --day"
        return said | {"tc_note": why, "tgi_note": why}
    return said | _effects(cohort, days, volumes, n, choice)


def _rule(choice: DayChoice) -> str:
    return "set beforehand" if choice.fixed else "last day with all mice of both arms"


def _effects(cohort: Cohort, days: Floats, volumes: Floats, n: int, choice: DayChoice) -> dict[str, Any]:
    first, last = (volumes[:, np.flatnonzero(days == day)[0]] for day in (choice.baseline_day, choice.day))
    arms = (first[:n], last[:n], first[n:], last[n:])
    tc = treatment_over_control(*arms, floor_mm3=cohort.settings.limit_mm3)
    tgi = growth_inhibition(*arms, rng=np.random.default_rng(cohort.settings.seed))
    return {
        "tc": tc.value,
        "tc_low": tc.low,
        "tc_high": tc.high,
        "tc_note": "; ".join(filter(None, [tc.reason, choice.reason])),
        "tgi_percent": tgi.value,
        "tgi_low_percent": tgi.low,
        "tgi_high_percent": tgi.high,
        "tgi_note": tgi.reason,
    }


def event_times(cohort: Cohort, mice: list[Course]) -> list[EventTime]:
    """Return when each mouse with a baseline reached the n-fold of it."""
    start, multiple = cohort.settings.baseline_day, cohort.settings.multiple
    known = [one for one in mice if np.isfinite(cohort.baseline(one))]
    return [time_to_multiple(one.days - start, one.volumes_mm3, multiple=multiple) for one in known]


def _log_rank(cohort: Cohort, treated: list[Course], control: list[Course]) -> dict[str, Any]:
    times = [*event_times(cohort, control), *event_times(cohort, treated)]
    if not times:
        return {"logrank_note": "no mouse has a baseline"}
    days, events = right_censored(times)
    codes = np.repeat([0, 1], [len(event_times(cohort, control)), len(event_times(cohort, treated))])
    found = log_rank(days, events, codes)
    return {
        "logrank_chi_squared": found.chi_squared,
        "logrank_degrees": found.degrees,
        "logrank_p": found.p,
        "logrank_note": found.reason,
    }


def _mixed(cohort: Cohort, mice: list[Course], arms: tuple[str, ...]) -> MixedModel:
    """Return the mixed model of log volumes; a volume below the limit counts as the limit.

    Tumors within mice, where every mouse has tumors that are surely the same on all days; else the burdens of the mice.
    """
    rows = _tumor_rows(cohort, mice)
    codes = {one.mouse: place for place, one in enumerate(mice)}
    if rows is None:
        days, volumes, owners = rows_of(mice)
        tumors = None
    else:
        days, volumes = (rows[name].to_numpy(np.float64) for name in ("day", "volume_mm3"))
        owners = np.array([codes[mouse] for mouse in zip(rows["dataset"], rows["mouse"], strict=True)])
        tumors = rows["tumor"].to_numpy(np.int64)
    arm_codes = np.array([arms.index(mice[owner].arm) for owner in owners])
    logs = np.log(np.maximum(volumes, cohort.settings.limit_mm3))
    return mixed_model(logs, days, arm_codes, owners, tumors=tumors)


def _tumor_rows(cohort: Cohort, mice: list[Course]) -> Table | None:
    """Return the rows of the tumors of these mice; nothing if a mouse has none that is sure."""
    tumors, doubts = cohort.volumes.tumors, cohort.volumes.doubts or {}
    wanted = {one.mouse for one in mice}
    keys = list(zip(tumors["dataset"], tumors["mouse"], strict=True))
    sure = set(keys) >= wanted and not wanted & doubts.keys()
    return tumors[[key in wanted for key in keys]] if sure else None


def _mixed_rows(model: MixedModel, arms: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    note = "" if model.converged else f"not reported: {model.reason}"
    for effect in model.fixed:
        yield {
            "name": _with_names(effect.name, arms),
            "estimate": effect.estimate,
            "error": effect.error,
            "low": effect.low,
            "high": effect.high,
            "converged": model.converged,
            "note": note,
        }
    if not model.fixed:
        yield {"name": "per day x arm", "converged": model.converged, "note": note}


def _with_names(name: str, arms: tuple[str, ...]) -> str:
    """Return the name of a fixed effect with the arm's name for its code."""
    before, found, code = name.rpartition("arm ")
    return f"{before}{arms[int(code)]}" if found and code.isdecimal() else name


def _mixed_of(model: MixedModel, code: int) -> dict[str, Any]:
    """Return what the mixed model says about one arm: its difference in growth per day."""
    effect = next((one for one in model.fixed if one.name == f"per day x arm {code}"), None)
    if effect is None or not model.converged:
        return {"mixed_converged": False, "mixed_note": f"not reported: {model.reason}"}
    return {
        "mixed_difference_per_day": effect.estimate,
        "mixed_low_per_day": effect.low,
        "mixed_high_per_day": effect.high,
        "mixed_converged": True,
        "mixed_note": model.reason,
    }
