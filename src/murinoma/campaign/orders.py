"""Chance in a campaign: opaque codes, and the order in which an annotator meets the scans."""

from collections.abc import Sequence

import numpy as np

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels: a code is no word
LENGTH = 5
APART = 10  # scans between the first and the second time, where there are enough


def draw_codes(n: int, *, rng: np.random.Generator) -> list[str]:
    """Return `n` different codes of five consonants.

    Examples
    --------
    >>> draw_codes(2, rng=np.random.default_rng(1))
    ['MNTZB', 'DVXGJ']
    """
    codes: dict[str, None] = {}  # a set that keeps its order
    while len(codes) < n:
        codes.setdefault("".join(LETTERS[i] for i in rng.integers(0, len(LETTERS), LENGTH)))
    return list(codes)


def draw_order(n: int, repeated: Sequence[int], *, rng: np.random.Generator) -> list[int]:
    """Return 0 .. n - 1 in random order, with those of `repeated` a second time, never next to the first.

    Up to ten others lie between the two times, and at least a quarter of a shorter list.

    Examples
    --------
    >>> draw_order(4, [2], rng=np.random.default_rng(1))
    [2, 0, 1, 2, 3]
    """
    order = [int(index) for index in rng.permutation(n)]
    for index in repeated:
        place = order.index(index)
        apart = max(1, min(APART, len(order) // 4))
        slots = [slot for slot in range(len(order) + 1) if slot <= place - apart or slot > place + apart]
        order.insert(int(rng.choice(slots)), index)
    return order
