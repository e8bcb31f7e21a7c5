"""The answer of the study in plain sentences: what is known of each arm, and what cannot be told."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from murinoma.pages.cells import fixed, from_to
from murinoma.pages.growth_content import LONG_DAYS, UNKNOWN, Table, Tables, counted, rows_of

LEVEL = 0.05
UNCLEAR = "cannot be told"
LEVEL_ITEM = "level of the test"


def answer_sentences(tables: Tables) -> list[str]:
    """Return the answer of the study, the most important first: `tables` as `readable` returns them.

    With arms and a control, which arms slowed growth, and a sentence with the numbers of each. Without, how fast the
    tumors grow, and that no effect of a drug can be told.
    """
    arms, rates = tables["arms"], tables["rates"]
    if len(arms):
        level = level_of(tables)
        several = arms["dataset"].nunique() > 1
        if len(arms) == 1:
            return [arm_sentence(arms.iloc[0], level)]
        return [
            *_headlines(arms, level, place=several),
            *(_arm_numbers(row, place=several) for _, row in arms.iterrows()),
        ]
    if rates.empty or not rates["rate_per_day"].notna().any():
        return ["No mouse has a growth rate: growth takes two scans of a mouse on different days."]
    return [_no_comparison(rates), *_growth_sentences(tables)]


def level_of(tables: Tables) -> float:
    """Return the level of the test as it was done."""
    plan = tables["plan"]
    done = plan.loc[plan["item"] == LEVEL_ITEM, "done"] if len(plan) else pd.Series(dtype=object)
    level = pd.to_numeric(done, errors="coerce").dropna()
    return float(level.iloc[0]) if len(level) else LEVEL


def arm_sentence(row: Any, level: float) -> str:
    """Return what is known of one treated arm: slower, faster, or not to be told, with the numbers."""
    arm, control = str(row["arm"]), str(row["control"])
    if not np.isfinite(row["p_holm"]):
        return f"Whether {arm} changes tumor growth cannot be told: {_why_not(row)}."
    verdict = verdict_of(row, level)
    said = f"{arm} {verdict} tumor growth against {control}"
    if verdict == UNCLEAR:
        said = f"Whether {arm} changes tumor growth against {control} cannot be told"
    return f"{said}: {_numbers(row)}.{_day_sentence(row)}"


def _arm_numbers(row: Any, *, place: bool) -> str:
    """Return the numbers of one of several arms, or why there are none."""
    start = f"{row['dataset']}, {row['arm']}" if place else str(row["arm"])
    if not np.isfinite(row["p_holm"]):
        return f"{start}: {_why_not(row)}.{_day_sentence(row)}"
    return f"{start}: {_numbers(row)}.{_day_sentence(row)}"


def _why_not(row: Any) -> str:
    return str(row["test_note"]) or "there is no test"


def verdict_of(row: Any, level: float) -> str:
    """Return ``slowed`` or ``sped up`` where the test says so, else that it cannot be told."""
    if not row["p_holm"] < level:
        return UNCLEAR
    return "slowed" if row["difference_per_day"] < 0 else "sped up"


def _headlines(arms: Table, level: float, *, place: bool) -> list[str]:
    """Return in one sentence which arms slowed or sped up growth, and of which it cannot be told."""
    names: dict[str, list[str]] = {"slowed": [], "sped up": [], UNCLEAR: []}
    for _, row in arms.iterrows():
        names[verdict_of(row, level)].append(f"{row['arm']}{' (' + row['dataset'] + ')' if place else ''}")
    said = [
        f"{listed(names[verb])} {verb} tumor growth against control" for verb in ("slowed", "sped up") if names[verb]
    ]
    if names[UNCLEAR]:
        unclear = f"hether {listed(names[UNCLEAR])} changed tumor growth cannot be told"
        said.append(f"{'w' if said else 'W'}{unclear}")
    return [f"{'; '.join(said)}."]


def _numbers(row: Any) -> str:
    interval = from_to(row["difference_low_per_day"], row["difference_high_per_day"], 3)
    interval = f" (95 % interval {interval})" if interval else ""
    mice = f"{int(row['n_arm'])} and {counted(int(row['n_control']), 'mouse', 'mice')}"
    difference = f"the growth rates differ by {fixed(row['difference_per_day'], 3)} per day"
    return f"{difference}{interval}, {p_words(row['p_holm'])}, {mice}"


def _day_sentence(row: Any) -> str:
    """Return T/C and TGI on their day, where there are any."""
    if not np.isfinite(row["day"]) or not np.isfinite(row["tc"]):
        return ""
    said = f" On day {row['day']:g} T/C is {_with_interval(row['tc'], row['tc_low'], row['tc_high'], 2)}"
    if np.isfinite(row["tgi_percent"]):
        said += f", TGI {_with_interval(row['tgi_percent'], row['tgi_low_percent'], row['tgi_high_percent'], 0)} %"
    return f"{said}."


def _with_interval(value: float, low: float, high: float, digits: int) -> str:
    interval = from_to(low, high, digits)
    return fixed(value, digits) + (f" ({interval})" if interval else "")


def p_words(p: float) -> str:
    """Return ``p = 0.003``, or ``p < 0.0001``.

    Examples
    --------
    >>> p_words(0.0031), p_words(0.2), p_words(1e-9)
    ('p = 0.0031', 'p = 0.20', 'p < 0.0001')
    """
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.{4 if p < 0.01 else 3 if p < 0.1 else 2}f}"


def _no_comparison(rates: Table) -> str:
    if (rates["arm"] != "").any():
        return "No arm was compared: no control arm is named, or only one arm has mice."
    return "The treatment of the mice is unknown, so whether a drug works cannot be told."


def _growth_sentences(tables: Tables) -> Iterator[str]:
    """Yield how fast the tumors grow where they were followed for long enough, and where not."""
    rates = tables["rates"][tables["rates"]["rate_per_day"].notna()]
    last = [rows_of(tables["mice"], row["dataset"], row["arm"])["last_day"].max() for row in rates.to_dict("records")]
    long = rates[np.array(last) >= LONG_DAYS]
    grows = long[long["rate_low_per_day"] > 0]
    shrinks = long[long["rate_high_per_day"] < 0]
    unclear = long[~long.index.isin([*grows.index, *shrinks.index])]
    if len(grows):
        said = [
            f"{row['doubling']} in {_who(row)} ({counted(int(row['n_evaluable']), 'mouse', 'mice')})"
            for row in grows.to_dict("records")
        ]
        yield f"Tumors doubled in {listed(said)}; in brackets: 95 % intervals, and mice with a rate."
    if len(shrinks):
        yield f"Tumors shrank in {listed([_who(row) for row in shrinks.to_dict('records')])}."
    if len(unclear):
        where = listed([_who(row) for row in unclear.to_dict("records")])
        yield f"Whether tumors grew cannot be told in {where}: the interval of the rate holds 0, or there is none."
    if len(rates) > len(long):
        short = listed([_who(row) for row in rates[~rates.index.isin(long.index)].to_dict("records")])
        yield f"Followed for less than {LONG_DAYS:g} days, too short to speak of growth: {short}."


def _who(row: Any) -> str:
    return f"{row['dataset']} {row['arm']}".strip()


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def welfare_sentences(tables: Tables, limits_mm3: tuple[float, float]) -> list[str]:
    """Return how many scans and mice are over the limits, the higher limit first; none if none is."""
    scans, said = tables["scans"], []
    for limit in sorted(limits_mm3, reverse=True):
        over = scans[scans["volume_mm3"] > limit]
        mice = over[["dataset", "mouse"]].drop_duplicates()
        if len(over):
            verb = "is" if len(over) == 1 else "are"
            said.append(
                f"{counted(len(over), 'scan')} of {counted(len(mice), 'mouse', 'mice')} {verb} over {limit:,.0f} mm³."
            )
    return said


def known_treatment(tables: Tables) -> str:
    """Return ``treatment unknown`` where no mouse has an arm, else nothing."""
    return "" if (tables["mice"]["arm"] != "").any() else UNKNOWN
