"""Crop windows: the whole animal, as little as can be of another, inside the field."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.numerics.boxes import Box
from murinoma.numerics.windows import Animal, crop_window

FIELD = (6, 40, 60)


def animal(y: tuple[int, int], x: tuple[int, int], z: tuple[int, int] = (0, 6)) -> Animal:
    """Return an animal that fills a box."""
    box = slice(*z), slice(*y), slice(*x)
    return Animal(box, np.ones([part.stop - part.start for part in box], bool))


def starts(box: Box) -> tuple[int, int]:
    """Return where a window begins along y and x."""
    return box[1].start, box[2].start


def test_an_animal_alone_is_in_the_middle_of_its_window_and_keeps_its_full_length() -> None:
    """10 x 10 voxels at (15, 25) in a window of 20 x 20: it begins at (10, 20)."""
    window = crop_window(animal((15, 25), (25, 35)), [], FIELD, widths=(20, 20), body_axis=0)
    assert window.box == (slice(0, 6), slice(10, 30), slice(20, 40))
    assert (window.enlarged, window.foreign_share) == (False, 0.0)


def test_a_window_stays_inside_the_field() -> None:
    """An animal at the edge is not in the middle of its window."""
    window = crop_window(animal((0, 10), (50, 60)), [], FIELD, widths=(20, 20), body_axis=0)
    assert starts(window.box) == (0, 40)


def test_a_window_shifts_before_it_includes_a_neighbour() -> None:
    """Centred it would begin at x = 20 and hold 5 columns of the neighbour at 35; it begins at 15."""
    neighbour = animal((15, 25), (35, 45))
    window = crop_window(animal((15, 25), (25, 35)), [neighbour], FIELD, widths=(20, 20), body_axis=0)
    assert starts(window.box) == (10, 15)
    assert window.foreign_share == 0.0


def test_what_cannot_be_avoided_of_a_neighbour_is_measured() -> None:
    """Neighbours close on both sides: of 2 x 100 columns the least lies inside."""
    left, right = animal((15, 25), (13, 23)), animal((15, 25), (37, 47))
    window = crop_window(animal((15, 25), (25, 35)), [left, right], FIELD, widths=(20, 20), body_axis=0)
    # wherever the 20 columns begin between 15 and 25, they hold 6 or more columns of the two
    inside = sum(
        max(0, min(window.box[2].stop, other.box[2].stop) - max(window.box[2].start, other.box[2].start))
        for other in (left, right)
    )
    assert inside == 6
    assert window.foreign_share == pytest.approx(6 / 20)


def test_a_larger_animal_gets_a_larger_window() -> None:
    """30 columns do not fit into 20: the window has 30, and says so."""
    window = crop_window(animal((15, 25), (10, 40)), [], FIELD, widths=(20, 20), body_axis=0)
    assert window.box[2] == slice(10, 40)
    assert window.enlarged


def test_a_field_narrower_than_the_window_is_taken_whole() -> None:
    """60 columns where 80 are usual."""
    window = crop_window(animal((15, 25), (10, 20)), [], FIELD, widths=(20, 80), body_axis=0)
    assert window.box[2] == slice(0, 60)
    assert not window.enlarged


@pytest.mark.parametrize("body_axis", [0, 1, 2])
def test_the_body_may_lie_along_any_axis(body_axis: int) -> None:
    """The scene turned with its axes gives the window turned."""
    order = np.roll([0, 1, 2], -body_axis)
    straight = crop_window(animal((15, 25), (25, 35)), [], FIELD, widths=(20, 24), body_axis=0)
    turned_box = [slice(0)] * 3
    field = [0] * 3
    widths = [0] * 3
    for old, new in enumerate(order):
        turned_box[new], field[new] = animal((15, 25), (25, 35)).box[old], FIELD[old]
        widths[new] = (0, 20, 24)[old]
    mouse = Animal((turned_box[0], turned_box[1], turned_box[2]), np.ones([p.stop - p.start for p in turned_box], bool))
    across = [width for axis, width in enumerate(widths) if axis != body_axis]
    window = crop_window(mouse, [], (field[0], field[1], field[2]), widths=(across[0], across[1]), body_axis=body_axis)
    assert [window.box[new] for new in order] == list(straight.box)


@given(
    st.tuples(st.integers(0, 30), st.integers(0, 50)),
    st.tuples(st.integers(0, 30), st.integers(0, 50)),
    st.integers(4, 30),
)
def test_every_window_holds_its_animal_and_lies_in_the_field(
    mine: tuple[int, int], other: tuple[int, int], width: int
) -> None:
    """Wherever two animals lie, and whatever the width."""
    mouse, neighbour = (animal((y, y + 10), (x, x + 10)) for y, x in (mine, other))
    window = crop_window(mouse, [neighbour], FIELD, widths=(width, width), body_axis=0)
    for part, held, length in zip(window.box, mouse.box, FIELD, strict=True):
        assert 0 <= part.start <= held.start
        assert held.stop <= part.stop <= length
    assert 0 <= window.foreign_share <= 1
