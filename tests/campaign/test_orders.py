"""Codes that say nothing, and orders in which no scan follows itself."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.campaign.orders import APART, LETTERS, draw_codes, draw_order


@given(st.integers(0, 400), st.integers(0, 2**32))
def test_codes_are_five_consonants_and_differ(n: int, seed: int) -> None:
    """Every code has five letters, none a vowel, and comes once."""
    codes = draw_codes(n, rng=np.random.default_rng(seed))
    assert len(set(codes)) == len(codes) == n
    assert all(len(code) == 5 and set(code) <= set(LETTERS) for code in codes)
    assert not set("AEIOUY") & set(LETTERS)


def test_a_code_that_comes_twice_is_drawn_again() -> None:
    """A generator that repeats itself once still gives two codes."""

    class Repeating:
        draws = iter([[0] * 5, [0] * 5, [1] * 5])

        def integers(self, low: int, high: int, size: int) -> list[int]:
            return next(self.draws)

    assert draw_codes(2, rng=Repeating()) == ["BBBBB", "CCCCC"]  # type: ignore[arg-type]


@given(st.integers(2, 60), st.data(), st.integers(0, 2**32))
def test_a_repeat_never_follows_its_first_time(n: int, data: st.DataObject, seed: int) -> None:
    """Every scan comes once, the repeated ones twice, and a quarter of the scans (up to ten) lie between."""
    repeated = data.draw(st.lists(st.integers(0, n - 1), unique=True))
    order = draw_order(n, repeated, rng=np.random.default_rng(seed))
    assert Counter(order) == Counter([*range(n), *repeated])
    for index in repeated:
        first, second = (place for place, found in enumerate(order) if found == index)
        assert second - first > min(APART, n // 4)
        assert second - first >= 2


def test_every_order_is_as_likely_as_another() -> None:
    """Of 6,000 orders of three scans each of the six comes about 1,000 times (5 standard deviations: 144)."""
    rng = np.random.default_rng(5)
    counts = Counter(tuple(draw_order(3, [], rng=rng)) for _ in range(6_000))
    assert len(counts) == 6
    assert all(abs(count - 1_000) < 144 for count in counts.values())


def test_a_single_scan_cannot_be_repeated() -> None:
    """There is no place that is not next to it; the plan refuses this before."""
    with pytest.raises(ValueError, match="empty"):
        draw_order(1, [0], rng=np.random.default_rng(0))
