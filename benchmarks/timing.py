"""Fastest of several calls, and a row of the table that `make bench` prints."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table: what was measured, the value, what DESIGN section 8 asks for, and against what."""

    what: str
    measured: str
    asked: str
    against: str


def fastest(call: Callable[[], object], times: int) -> float:
    """Return the seconds of the fastest of some calls: on a shared machine the others measure the neighbours."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def ratio(theirs: float, ours: float) -> str:
    """Return how many times faster, with both times."""
    return f"{theirs / ours:.{0 if theirs > 100 * ours else 1}f} x ({_seconds(theirs)} / {_seconds(ours)})"


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
