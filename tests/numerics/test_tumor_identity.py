"""Which tumor is which on every day: numbers, doubts, and that it does not matter how the mouse was laid."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma.errors import InputError
from murinoma.numerics.tumor_identity import (
    ALONG,
    AROUND,
    DEGREES,
    BodyView,
    Place,
    Turn,
    apart,
    identify,
    laid_over,
    matched,
    moved,
)

LENGTH_MM = 80.0
LEFT, RIGHT = Place(0.3, 200.0, 90.0), Place(0.3, 340.0, 50.0)


def skeleton(seed: int = 0) -> np.ndarray:
    """Return a map of a spine, ribs on both sides of it, a skull at one end, and a little chance."""
    bones = np.random.default_rng(seed).integers(0, 20, (ALONG, AROUND)).astype(np.uint8)
    bones[3:, 8:11] = 200
    bones[20:28:2, 4:15] = 120
    bones[30:36, :] = 160
    return bones


def day(places: Mapping[int, Place], bones: np.ndarray | None = None) -> BodyView:
    """Return one day's view."""
    return BodyView(skeleton() if bones is None else bones, LENGTH_MM, places)


def laid(view: BodyView, turn: Turn) -> BodyView:
    """Return the view of a mouse that was laid otherwise."""
    return BodyView(moved(view.bones, turn), LENGTH_MM, {number: turn(place) for number, place in view.places.items()})


def test_numbers_follow_the_first_scan() -> None:
    """The one that is left keeps its number, a new one gets the next, and one that comes back has its own again."""
    new = Place(0.8, 30.0, 20.0)
    days = [day({1: LEFT, 2: RIGHT}), day({1: RIGHT}), day({1: RIGHT, 2: new}), day({1: LEFT, 2: RIGHT, 3: new})]
    assert [dict(scan.lesions) for scan in identify(days)] == [{1: 1, 2: 2}, {1: 2}, {1: 2, 2: 3}, {1: 1, 2: 2, 3: 3}]
    assert not any(scan.doubts for scan in identify(days))


def test_a_mouse_without_a_tumor_at_first() -> None:
    """The first that is seen are numbered by position; an empty scan has no lesion."""
    assert [dict(scan.lesions) for scan in identify([day({}), day({1: LEFT, 2: RIGHT})])] == [{}, {1: 1, 2: 2}]
    assert identify([]) == []


@given(st.booleans(), st.integers(0, AROUND - 1), st.integers(-2, 2))
def test_it_does_not_matter_how_the_mouse_was_laid(flipped: bool, steps: int, shift: int) -> None:
    """Turned about its axis, head and tail exchanged, moved along: places come back, and numbers with them."""
    first, second = day({1: LEFT, 2: RIGHT}), day({1: RIGHT, 2: LEFT})
    found = identify([first, laid(second, Turn(flipped, steps, shift))])
    assert found[1].lesions == {1: 2, 2: 1}
    assert found[1].doubts == {}
    assert apart(found[1].places[2], LEFT, LENGTH_MM) < 0.5


def test_a_turn_is_found_with_how_sure_it_is() -> None:
    """Nine cells are 90 degrees; a map with nothing on it fits in every way and is doubted."""
    turn = laid_over(skeleton(), np.roll(skeleton(), 9, axis=1))
    assert (turn.flipped, turn.steps * DEGREES, turn.shift, turn.doubt) == (False, -90.0, 0, "")
    nothing = np.zeros((ALONG, AROUND), np.uint8)
    found = identify([day({1: LEFT}), day({1: LEFT}, nothing)])
    assert "not like that of any earlier day" in found[1].doubts[1]


def test_two_ways_to_lie_are_doubted() -> None:
    """A body alike at both ends and all around may have been turned end to end."""
    same = np.zeros((ALONG, AROUND), np.uint8)
    same[5:35, ::6] = 200
    assert "fits an earlier day's in two ways" in identify([day({1: LEFT}, same), day({1: LEFT}, same)])[1].doubts[1]


def test_a_tumor_that_moved_is_doubted_and_one_far_away_is_another() -> None:
    """4 mm is pose, 8 mm is doubtful, 12 mm is near enough to ask, 40 mm is a new tumor."""
    expected = {4.0: (1, ""), 8.0: (1, "8.0 mm from where lesion 1 was"), 12.0: (2, "may be a part"), 40.0: (2, "")}
    for moved_mm, (lesion, doubt) in expected.items():
        seen = day({1: Place(LEFT.along + moved_mm / LENGTH_MM, LEFT.angle_deg, 90.0)})
        found = identify([day({1: LEFT}), seen])[1]
        assert found.lesions == {1: lesion}
        assert doubt in found.doubts.get(1, "")
        assert bool(doubt) == bool(found.doubts)


def test_two_lesions_that_grew_into_one_are_doubted() -> None:
    """It lies between both."""
    near = Place(LEFT.along + 8 / LENGTH_MM, LEFT.angle_deg, 40.0)
    middle = Place(LEFT.along + 4 / LENGTH_MM, LEFT.angle_deg, 200.0)
    found = identify([day({1: LEFT, 2: near}), day({1: middle})])[1]
    assert "mm from lesion 1 and 4.0 mm from lesion 2" in found.doubts[1] or "from lesion 2 and" in found.doubts[1]


def test_people_have_the_last_word() -> None:
    """What they say is taken and not doubted, and its number goes to nothing else."""
    days = [day({1: LEFT}), day({1: LEFT, 2: RIGHT})]
    found = identify(days, told=[{}, {1: 2, 7: 1}])
    assert found[1].lesions == {1: 2, 2: 3}
    assert found[1].doubts == {}


def test_a_scan_without_a_body_has_what_people_say_alone() -> None:
    """And the scans after it are matched with those before."""
    found = identify([day({1: LEFT}), None, day({1: LEFT})], told=[{}, {1: 5}])
    assert [dict(scan.lesions) for scan in found] == [{1: 1}, {1: 5}, {1: 1}]


def test_a_later_day_changes_no_earlier_number() -> None:
    """The first days alone give the same."""
    days = [day({1: LEFT}), day({1: RIGHT, 2: LEFT}), day({1: RIGHT}), day({1: Place(0.7, 90.0, 5.0), 2: RIGHT})]
    whole = identify(days)
    assert [identify(days[:count])[-1].lesions for count in (1, 2, 3)] == [scan.lesions for scan in whole[:3]]


def test_matching_takes_the_least_distance_in_all() -> None:
    """Two tumors, both nearer to lesion 1: the nearer one of lesion 2 becomes it."""
    known = {1: Place(0.30, 0.0, 1.0), 2: Place(0.40, 0.0, 1.0)}
    seen = {1: Place(0.29, 0.0, 1.0), 2: Place(0.34, 0.0, 1.0)}
    assert matched(seen, known, LENGTH_MM)[0] == {1: 1, 2: 2}


def test_a_map_of_another_shape_is_refused() -> None:
    """Both shapes are named."""
    with pytest.raises(InputError, match=r"\(40, 36\), not \(3, 3\)"):
        BodyView(np.zeros((3, 3), np.uint8), 80.0, {})
