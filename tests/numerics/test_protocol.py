"""The drawing protocol: which slices, which are missing, and how the ends become known."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.protocol import (
    Missing,
    missing_sentence,
    missing_slices,
    next_slice_to_draw,
    previous_slice_to_draw,
    slices_beyond,
    slices_to_draw,
)

PROTOCOL = {"step": 5, "least": 6}
SCAN = {"n_slices": 464, **PROTOCOL}


def test_every_fifth_slice_and_both_ends_are_drawn() -> None:
    """A tumor from slice 100 to 132: every fifth from the first one, and the last."""
    assert slices_to_draw(100, 132, **PROTOCOL) == (100, 105, 110, 115, 120, 125, 130, 132)


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (26, (0, 5, 10, 15, 20, 25, 26)),
        (21, (0, 5, 10, 15, 20, 21)),
        (20, (0, 4, 8, 12, 16, 20)),
        (12, (0, 2, 4, 6, 8, 10, 12)),
        (5, (0, 1, 2, 3, 4, 5)),
        (2, (0, 1, 2)),
        (0, (0,)),
    ],
)
def test_a_small_tumor_has_a_smaller_step(last: int, expected: tuple[int, ...]) -> None:
    """The step falls just so far that six slices are drawn; with fewer than six, all are."""
    assert slices_to_draw(0, last, **PROTOCOL) == expected


@given(first=st.integers(0, 400), length=st.integers(0, 120), step=st.integers(1, 9), least=st.integers(1, 9))
def test_the_plan_keeps_its_promises(first: int, length: int, step: int, least: int) -> None:
    """Both ends, no gap above the step, at least `least` slices or all; and nothing of it is missing once drawn."""
    plan = slices_to_draw(first, first + length, step=step, least=least)
    assert (plan[0], plan[-1]) == (first, first + length)
    assert all(0 < high - low <= step for low, high in pairwise(plan))
    assert len(plan) >= min(least, length + 1)
    beyond = {first - 1, first + length + 1} - {-1}
    assert missing_slices(plan, beyond, n_slices=999, step=step, least=least) == Missing()


@given(first=st.integers(1, 400), length=st.integers(0, 60), data=st.data())
def test_drawing_what_is_missing_in_any_order_ends(first: int, length: int, data: st.DataObject) -> None:
    """With both ends drawn, each drawn slice makes one less missing: the rest of the plan does not move."""
    drawn, empty = {first, first + length}, {first - 1, first + length + 1}
    rest = missing_slices(drawn, empty, **SCAN).slices
    while rest:
        drawn.add(data.draw(st.sampled_from(rest)))
        left = missing_slices(drawn, empty, **SCAN).slices
        assert set(left) < set(rest)
        rest = left
    assert drawn == {*slices_to_draw(first, first + length, **PROTOCOL), first, first + length}


def test_an_end_is_known_by_the_empty_slice_next_to_it() -> None:
    """An empty slice further away leaves the end open."""
    assert missing_slices([100], [99, 101], **SCAN) == Missing()
    found = missing_slices([100, 105], [95, 106], **SCAN)
    assert (found.unmarked_first, found.unmarked_last) == ((100,), ())


def test_the_end_of_the_scan_ends_a_tumor() -> None:
    """A tumor cut by the field of view needs no mark where the scan ends."""
    plan = slices_to_draw(0, 463, **PROTOCOL)
    assert missing_slices(plan, [], **SCAN) == Missing()


def test_slices_drawn_beside_the_plan_count() -> None:
    """Where someone draws on slices of his own choice, only gaps above the step are filled."""
    found = missing_slices([100, 103, 104, 109, 117, 122, 126], [99, 127], **SCAN)
    assert found == Missing(slices=(114,))


def test_an_empty_slice_inside_makes_two_pieces() -> None:
    """Nothing is asked for across an empty slice; the ends on both sides of it are."""
    found = missing_slices([100, 101, 110, 111], [99, 105, 112], **SCAN)
    assert found == Missing(unmarked_first=(110,), unmarked_last=(101,))
    assert missing_slices([100, 101, 110, 111], [99, 102, 109, 112], **SCAN) == Missing()


def test_nothing_drawn_misses_nothing() -> None:
    """A tumor that nobody began has no slices to ask for; empty slices alone do not change that."""
    assert missing_slices([], [], **SCAN) == missing_slices([], [4, 9], **SCAN) == Missing()


def test_marking_both_ends_settles_them() -> None:
    """What `slices_beyond` says to mark as empty closes the ends; inside it says nothing."""
    drawn = [100, 105, 110]
    assert (slices_beyond(drawn, 100, n_slices=464), slices_beyond(drawn, 110, n_slices=464)) == ((99,), (111,))
    assert slices_beyond(drawn, 105, n_slices=464) == slices_beyond(drawn, 107, n_slices=464) == ()
    assert slices_beyond([7], 7, n_slices=464) == (6, 8)
    assert slices_beyond([0], 0, n_slices=1) == ()


def test_next_and_previous_go_through_what_is_missing_and_around() -> None:
    """Missing slices and those beyond open ends, upwards and downwards, from the last on to the first."""
    missing = Missing(slices=(110, 115), unmarked_first=(100,), unmarked_last=(120,))
    assert missing.to_visit == (99, 110, 115, 121)
    assert [next_slice_to_draw(missing, at) for at in (0, 99, 112, 121)] == [99, 110, 115, 99]
    assert [previous_slice_to_draw(missing, at) for at in (463, 121, 112, 99)] == [121, 115, 110, 121]
    assert next_slice_to_draw(Missing(), 5) is previous_slice_to_draw(Missing(), 5) is None


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (Missing(), "nothing is missing"),
        (Missing(slices=(131,)), "1 slice still to draw: 131"),
        (Missing(slices=(131, 136)), "2 slices still to draw: 131, 136"),
        (Missing(unmarked_first=(99,)), "slice 99 is not yet marked as the first"),
    ],
)
def test_what_is_missing_is_said(missing: Missing, sentence: str) -> None:
    """One sentence for a status line."""
    assert missing_sentence(missing) == sentence


def test_contradictions_are_refused() -> None:
    """Ends in the wrong order, a slice that is drawn and empty or outside, and a step of 0 are errors with values."""
    with pytest.raises(InputError, match=r"last slice, 9, lies before its first, 10"):
        slices_to_draw(10, 9, **PROTOCOL)
    with pytest.raises(InputError, match=r"slices \[12\] are drawn and marked"):
        missing_slices([10, 12], [12], **SCAN)
    with pytest.raises(InputError, match=r"slices \[-1, 464\].*464 slices"):
        missing_slices([464], [-1], **SCAN)
    with pytest.raises(InputError, match=r"1 or more"):
        slices_to_draw(0, 9, step=0, least=6)
