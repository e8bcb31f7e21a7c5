"""The verdict as a table, as JSON and as a sentence."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from murinoma.numerics.verdict import CANNOT_TELL, NOT_WITHIN, WITHIN, Criterion, ScanFigures, TumorFigures, Verdict
from murinoma.numerics.verdict import verdict as judge_figures
from murinoma.steps import some
from murinoma.steps.evaluate.statistics import Mice

VERDICT = "murinoma.verdict/1"
NO_BASELINE = "no human baseline"
VERDICT_COLUMNS = ["criterion", "value", "low", "high", "least", "most", "state", "mice_needed", "n_mice", "method"]
Table = pd.DataFrame


def verdict_of(scans: Table, tumors: Table, seed: int) -> Verdict:
    """Return the verdict on a source from the tables of its judged scans and tumors."""
    mice = Mice.of(scans)
    agreed = tumors[tumors["agreed"].astype(bool)]
    of_scans = ScanFigures(
        *mice.codes(scans),
        scans["dice_difference"].to_numpy(np.float64),
        scans["false_lesions"].to_numpy(np.float64),
    )
    of_tumors = TumorFigures(
        *mice.codes(agreed),
        agreed["volume_log_ratio_leave_one_out"].to_numpy(np.float64),
        agreed["found"].to_numpy(bool),
    )
    return judge_figures(of_scans, of_tumors, rng=np.random.default_rng(seed))


def verdict_table(verdict: Verdict) -> Table:
    """Return ``verdict.csv``, a row per condition; what must hold is least < value < most."""
    rows = []
    for one in verdict.criteria:
        ends = {"value": one.interval.value, "low": one.interval.low, "high": one.interval.high}
        margins = {"least": _or_nan(one.least), "most": _or_nan(one.most)}
        counts = {"mice_needed": one.mice_needed, "n_mice": one.interval.n_mice, "method": one.interval.method}
        rows.append({"criterion": one.name, **ends, **margins, "state": one.state, **counts})
    return Table(rows, columns=VERDICT_COLUMNS).astype({"mice_needed": "Int64"})


def _or_nan(margin: float) -> float:
    return margin if math.isfinite(margin) else math.nan


def outcome_of(verdict: Verdict) -> str:
    """Return the outcome in the words of the files; without two annotators on any scan there is no baseline."""
    return verdict.outcome if verdict.has_human_baseline else NO_BASELINE


def sentence_of(verdict: Verdict, source: str, annotators: Sequence[str]) -> str:
    """Return the verdict as a sentence; agreement is never called better than human."""
    mice = some(verdict.n_mice, "mouse", "mice")
    if not verdict.has_human_baseline:
        return (
            f"There is no human baseline for {source}: no scan has two other annotators ({_names(annotators)}), so "
            "nobody knows how well people agree on it"
        )
    if verdict.outcome == WITHIN:
        return f"{source} is within human variability, on {mice}: {_clauses(verdict.criteria)}"
    if verdict.outcome == NOT_WITHIN:
        failing = [one for one in verdict.criteria if one.state == "fails"]
        return f"{source} is not within human variability, on {mice}: {_clauses(failing)}"
    undecided = [one for one in verdict.criteria if one.state == "open"]
    said = f"Whether {source} is within human variability cannot be told from {mice}: {_clauses(undecided)}"
    if verdict.mice_needed is None:
        return f"{said}; how many mice would tell is not known"
    return f"{said}; with figures like these about {verdict.mice_needed} mice would tell"


def _clauses(criteria: Sequence[Criterion]) -> str:
    return "; ".join(_clause(one) for one in criteria)


def _clause(one: Criterion) -> str:
    """Return a condition as a clause: the figure, the bound that decides, and its margin."""
    value, low, high = one.interval.value, one.interval.low, one.interval.high
    if not math.isfinite(value):
        return _unknown(one.name)
    if one.name == "dice":
        side, margin = "below" if value < 0 else "above", f"margin {one.least:g}"
        said = f"its Dice with the annotators is {abs(value):.3f} {side} theirs with one another"
        return f"{said} ({_ends(low, high, '+.3f')}; {margin})"
    if one.name == "volume":
        margins = f"margins {one.least:g} to {one.most:g}"
        return f"its volumes are {value:.3f} times theirs ({_ends(low, high, '.3f')}; {margins})"
    if one.name == "recall":
        bound = f"at least {100 * low:.1f} %" if one.interval.method != "none" else "no bound: too few mice"
        return f"{100 * value:.1f} % of the tumors are found ({bound}; margin {100 * one.least:g} %)"
    bound = f"at most {high:.2f}" if math.isfinite(high) else "no bound: too few mice"
    return f"{value:.2f} false lesions per scan ({bound}; margin {one.most:g})"


def _unknown(name: str) -> str:
    said = {"dice": "its Dice is defined in no scan", "volume": "no volume can be compared"}
    return said.get(name, f"{name} cannot be counted")


def _ends(low: float, high: float, how: str) -> str:
    if not math.isfinite(low + high):
        return "no interval: too few mice"
    return f"95 % interval {low:{how}} to {high:{how}}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def verdict_content(verdict: Verdict, sentence: str, about: dict[str, Any]) -> dict[str, Any]:
    """Return ``verdict.json`` without its format; `about` says of what the verdict is."""
    return {
        "verdict": outcome_of(verdict),
        "sentence": sentence,
        **about,
        "mice": verdict.n_mice,
        "mice_needed": verdict.mice_needed if outcome_of(verdict) == CANNOT_TELL else None,
    }
