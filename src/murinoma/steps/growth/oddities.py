"""What is odd about the mice, the arms and the changes of a study, in sentences."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from murinoma.steps import some
from murinoma.steps.growth.cohort import Cohort, Course
from murinoma.steps.growth.volumes import HOURS_PER_DAY

Table = pd.DataFrame
Tables = Mapping[str, Table]
Said = tuple[str, str]  # place and sentence


def notices(cohort: Cohort, tables: Tables) -> list[Said]:
    """Return (place, sentence) of everything that is odd about mice and arms, beside what was left out."""
    return [
        *_about_mice(cohort, tables["mice"]),
        *_about_arms(cohort),
        *_about_deaths(cohort),
        *_about_jumps(tables["changes"]),
    ]


def failures(cohort: Cohort) -> list[Said]:
    """Return (place, sentence) of what could not be used at all."""
    rows = [(f"{dataset} {mouse}".strip(), said) for dataset, mouse, said in cohort.volumes.left_out]
    return [*rows, *cohort.people.notices]


def _about_mice(cohort: Cohort, mice: Table) -> Iterator[Said]:
    alone, bare = mice[~mice["evaluable"].astype(bool)], mice[mice["baseline_mm3"].isna()]
    if len(alone):
        yield "", f"{some(len(alone), 'mouse has', 'mice have')} no growth rate ({_first(alone)}); mice.csv says why"
    if len(bare):
        count, day = some(len(bare), "mouse has", "mice have"), f"{cohort.settings.baseline_day:g}"
        yield "", f"{count} no tumor volume on day {day} ({_first(bare)}): no change from baseline, no response"
    for mouse, doubt in sorted((cohort.volumes.doubts or {}).items()):
        yield " ".join(mouse), f"{doubt}; its burden is used, and its tumors one by one are doubtful"


def _first(mice: Table) -> str:
    row = mice.iloc[0]
    return f"first {row['dataset']} {row['mouse']}"


def _about_arms(cohort: Cohort) -> Iterator[Said]:
    if cohort.people.sealed:
        sealed = "the arms are codes: the key is sealed until 'murinoma growth --unseal'"
        yield "", f"{sealed}; nothing is compared with a control"
    measured = {one.mouse for one in cohort.courses}
    absent = [mouse for mouse in cohort.people.arms if mouse not in measured]
    if absent:
        count = some(len(absent), "mouse has", "mice have")
        yield "", f"{count} an arm and no volume (first {' '.join(absent[0])})"
    for dataset, arms in cohort.arms.items():
        if arms:
            mice = [one for one in cohort.courses if one.mouse[0] == dataset]
            yield from ((dataset, sentence) for sentence in _about_dataset(cohort, arms, mice))


def _about_dataset(cohort: Cohort, arms: tuple[str, ...], mice: list[Course]) -> Iterator[str]:
    """Yield what is odd about the arms of one dataset: mice without, no control, one mouse, unequal follow-up."""
    dataset = mice[0].mouse[0]
    lost = [one.mouse[1] for one in mice if not one.arm]
    if lost:
        yield f"{some(len(lost), 'mouse has', 'mice have')} no arm, and no arm counts them (first {lost[0]})"
    if len(arms) > 1 and not cohort.control(dataset) and not cohort.people.sealed:
        yield f"no arm is the control of {', '.join(arms)}; name it with --control"
    by_arm = {arm: [one for one in mice if one.arm == arm] for arm in arms}
    for arm, group in by_arm.items():
        if len(group) == 1:
            yield f"arm {arm} is one mouse: it has no interval and no test"
    ends = {arm: float(max(one.days[-1] for one in group)) for arm, group in by_arm.items()}
    if len(set(ends.values())) > 1:
        said = ", ".join(f"{arm} to day {day:g}" for arm, day in ends.items())
        yield f"the arms were followed for different times ({said}); they are compared on a day that both have"


def _about_deaths(cohort: Cohort) -> Iterator[Said]:
    for one, day in zip(cohort.courses, cohort.ends(cohort.courses), strict=True):
        if np.isfinite(day) and one.days[-1] > day:
            said = f"was measured on day {one.days[-1]:g} and died on day {day:g}, says events.csv; correct one of them"
            yield " ".join(one.mouse), said


def _about_jumps(changes: Table) -> Iterator[Said]:
    for row in changes[changes["jump"].astype(bool)].to_dict("records"):
        when = f"within {_span(row['hours_apart'])} ({row['from_time']} to {row['to_time']})"
        swap = f"; exchanged with {row['exchange_with']}, both would fit" if row["exchange_with"] else ""
        what = f"implausible: {row['from_mm3']:.0f} -> {row['to_mm3']:.0f} mm3 {when}, z = {row['robust_z']:.1f}{swap}"
        yield f"{row['dataset']} {row['mouse']}", f"{what}; look at both masks"


def _span(hours: float) -> str:
    return f"{hours:g} h" if hours <= HOURS_PER_DAY else f"{hours / HOURS_PER_DAY:g} d"
