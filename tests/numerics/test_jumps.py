"""Changes of volume that nobody believes, and mice that were exchanged."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma import published
from murinoma.numerics.jumps import GrowthLimits, fits, look_exchanged
from murinoma.settings import CheckSettings

LIMITS = GrowthLimits(factor=1.5, doubling_hours=72)
volumes = st.floats(1, 5000)


def test_a_tumor_may_grow_by_the_factor_times_a_doubling_per_three_days() -> None:
    """In 72 h a tumor of 100 mm3 may reach 1.5 x 2 x 100 = 300 mm3, and shrink to 33.3 mm3, and not beyond."""
    assert LIMITS.allow((0, 100), (72, 299.9))
    assert not LIMITS.allow((0, 100), (72, 300.1))
    assert LIMITS.allow((0, 100), (72, 33.4))
    assert not LIMITS.allow((0, 100), (72, 33.3))


def test_no_tumor_says_nothing_about_growth() -> None:
    """A volume of 0 is another finding: it is neither growth nor a jump."""
    assert LIMITS.allow((0, 0), (1, 5000))
    assert LIMITS.allow((0, 5000), (1, 0))


@given(volumes, volumes, st.floats(0, 500))
def test_the_order_of_two_scans_does_not_matter(before: float, after: float, hours: float) -> None:
    """What is believed of a growth is believed of the shrinking back."""
    assert LIMITS.allow((0, before), (hours, after)) == LIMITS.allow((0, after), (hours, before))


def test_only_the_scans_just_before_and_after_count() -> None:
    """A tumor that doubled slowly over weeks fits its neighbours, whatever its first volume was."""
    others = [(0.0, 50.0), (240.0, 400.0), (480.0, 900.0)]
    assert fits((360.0, 600.0), others, LIMITS)
    assert not fits((360.0, 9000.0), others, LIMITS)


def test_two_mice_that_come_back_the_other_way_round_look_exchanged() -> None:
    """Both leap as named and neither does when exchanged; one leap alone is no exchange."""
    small, large = [(0.0, 100.0)], [(0.0, 900.0)]
    assert look_exchanged(((24.0, 880.0), (24.0, 110.0)), (small, large), LIMITS)
    assert not look_exchanged(((24.0, 110.0), (24.0, 880.0)), (small, large), LIMITS)
    assert not look_exchanged(((24.0, 880.0), (24.0, 900.0)), (small, large), LIMITS)


@given(volumes, volumes)
def test_mice_without_another_scan_never_look_exchanged(first: float, second: float) -> None:
    """There is nothing to compare them with."""
    assert not look_exchanged(((24.0, first), (24.0, second)), ([], []), LIMITS)


def test_the_default_limits_flag_two_of_the_229_published_intervals() -> None:
    """Dataset 3 M01 and Dataset 5 M07 double within a day; a check that cries at every mouse would be ignored."""
    settings = CheckSettings()
    limits = GrowthLimits(settings.jump_factor, settings.doubling_hours)
    scans = published.catalogue()
    scans["hours"] = scans["time"].str[:-1].astype(float) * np.where(scans["time"].str[-1] == "d", 24, 1)
    flagged, intervals = [], 0
    for mouse, of_mouse in scans.sort_values("hours").groupby(["dataset", "mouse"]):
        points = list(zip(of_mouse["hours"], of_mouse["staple_volume_mm3"], strict=True))
        intervals += len(points) - 1
        flagged += [mouse for a, b in pairwise(points) if not limits.allow(a, b)]
    assert intervals == 229
    assert flagged == [("Dataset 3", "M01"), ("Dataset 5", "M07")]


@pytest.mark.parametrize("hours", [0.0, 1.0])
def test_measurement_alone_may_change_a_volume_by_the_factor(hours: float) -> None:
    """Two scans within an hour may differ by a factor of 1.49, not of 1.6."""
    assert LIMITS.allow((0, 100), (hours, 149))
    assert not LIMITS.allow((0, 100), (hours, 160))
