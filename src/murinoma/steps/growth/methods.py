"""The methods as they were done, in sentences for a paper."""

from collections.abc import Iterator, Mapping

import pandas as pd

from murinoma.settings import GrowthSettings
from murinoma.steps.growth.account import TEST
from murinoma.steps.growth.cohort import Cohort

Table = pd.DataFrame
Tables = Mapping[str, Table]
Said = tuple[str, str]  # what, and how it was done


def methods(cohort: Cohort, tables: Tables) -> list[Said]:
    """Return (what, how it was done), for a paper's methods; only what was really done."""
    steps = [_measured(cohort), _grown(tables["mice"]), _compared(cohort, tables), _counted(cohort.settings, tables)]
    return [said for part in steps for said in part]


def _measured(cohort: Cohort) -> Iterator[Said]:
    limit, (fall, rise) = f"{cohort.settings.limit_mm3:g} mm3", cohort.precision.limits
    yield "Volumes", f"Volumes are {cohort.volumes.how}; a mouse's burden is the sum of its tumors."
    yield "Limit", f"A volume below {limit} counts as below {limit}, and nothing more (left-censored)."
    yield (
        "Measurement error",
        f"The SD of one log volume by measurement alone is {cohort.precision.error.sd_within:.3f} "
        f"({cohort.precision.origin}). A change is detectable below {100 * fall:.0f} or above +{100 * rise:.0f} %. "
        "Errors that all days share cancel.",
    )


def _grown(mice: Table) -> Iterator[Said]:
    said = mice["rate_method"].fillna("")
    two, more = said.str.contains("measurement error").sum(), said.str.contains("least squares").sum()
    yield (
        "Growth rate",
        "The growth rate of a mouse is the slope of the natural logarithm of its burden against days: of "
        f"{more} mice by least squares through three or more scans, of {two} from two scans, whose interval carries "
        "the measurement error alone. The scatter about the line is pooled over the mice of an arm.",
    )
    yield "Doubling time", "It is log(2) / rate; where the interval of the rate holds 0, no doubling time is given."
    yield "Groups", "Rates are averaged over mice, log volumes too (geometric means); intervals from 5 mice on."


def _compared(cohort: Cohort, tables: Tables) -> Iterator[Said]:
    arms = tables["arms"]
    if arms.empty:
        known = any(cohort.arms.values())
        yield "Arms", f"{'No control arm is known' if known else 'Treatment unknown'}: nothing was compared."
        return
    yield (
        "Arms",
        f"Arms were compared by {TEST} (natural log scale), with Holm's correction over the arms of a dataset.",
    )
    known_day = arms.dropna(subset=["day"])
    rules = sorted({f"day {row['day']:g} ({row['day_rule']})" for row in known_day.to_dict("records")})
    if rules:
        yield (
            "T/C and TGI",
            f"At {', '.join(rules)}: T/C is the ratio of geometric mean volumes relative to the baseline, TGI is "
            "100 (1 - growth of the arm's mean volume / growth of the control's).",
        )
    fitted = arms["mixed_converged"].astype(bool).any()
    model = "converged and is given for description only" if fitted else "did not converge and is not reported"
    yield "Mixed model", f"A mixed model of log volumes (day x arm, a random line per mouse, REML) {model}."


def _counted(settings: GrowthSettings, tables: Tables) -> Iterator[Said]:
    if (tables["mice"]["mrecist"] != "not evaluable").any():
        day = f"{settings.least_response_days:g}"
        yield (
            "Response",
            f"Classes are mRECIST for xenografts (Gao et al. 2015), from {day} days after the baseline on, and RECIST "
            "by volumes of spheres (-65.7 and +72.8 %).",
        )
    if len(tables["survival"]):
        yield (
            "Time to event",
            f"The {settings.multiple:g}-fold volume is reached between two scans: Kaplan-Meier and log-rank use the "
            "scan that first shows it, Turnbull's estimate uses the interval.",
        )
    limits = f"{settings.flag_mm3:,.0f} mm3 is flagged, over {settings.shout_mm3:,.0f} mm3 shouted"
    yield "Welfare", f"A burden over {limits}; the upper end of its interval is judged too."
