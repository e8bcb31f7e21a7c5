"""Units and burdens: by hand, by property, on the published catalogue."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from murinoma import published
from murinoma.errors import InputError
from murinoma.numerics.growth.volumes import burden, checked, mixed_units, suspect_unit, to_mm3
from tests.numerics.growth.catalogue import DATASETS, real_scans


@pytest.mark.parametrize(
    ("unit", "mm3"), [("mm3", 2), ("uL", 2), ("\u00b5L", 2), ("\u03bcl", 2), ("mm³", 2), (" CM3 ", 2000), ("ml", 2000)]
)
def test_a_unit_is_known_however_it_is_written(unit: str, mm3: float) -> None:
    """Two microlitres are 2 mm3, two millilitres 2,000, with either sign for micro, raised digits, any capitals."""
    assert to_mm3(np.array([2.0]), unit) == pytest.approx(mm3)


def test_an_unknown_unit_is_named_with_those_known() -> None:
    """Grams are no volume."""
    with pytest.raises(InputError, match=r"the unit 'g' of volumes is not known; use one of mm3, .*cm3"):
        to_mm3(np.array([2.0]), "g")


def test_volumes_of_the_wrong_size_are_suspected() -> None:
    """The catalogue in mm3 is believed; in cm3, or a thousand times too large, it is not; nothing says nothing."""
    volumes = published.catalogue()["staple_volume_mm3"].to_numpy()
    assert suspect_unit(volumes) == ""
    assert "are they in cm3?" in suspect_unit(volumes / 1000)
    assert "were mm3 taken for cm3?" in suspect_unit(volumes * 1000)
    assert suspect_unit(np.array([0.0, np.nan])) == ""


@pytest.mark.parametrize("dataset", DATASETS)
def test_one_volume_in_cm3_among_mm3_is_found_and_nothing_else(dataset: str) -> None:
    """Each volume of a published mouse with two or more scans, divided by 1000, is the one row that is named."""
    scans = real_scans(dataset)
    assert not len(mixed_units(scans.volumes, scans.mice))
    for row in range(len(scans.mice)):
        volumes = scans.volumes.copy()
        volumes[row] /= 1000
        repeated = (scans.mice == scans.mice[row]).sum() > 1
        assert mixed_units(volumes, scans.mice).tolist() == ([row] if repeated else [])


def test_an_unseen_or_unmeasured_volume_is_no_mixed_unit() -> None:
    """0 and NaN say nothing about units, nor does a mouse without another volume."""
    assert not len(mixed_units(np.array([0.0, 300.0, np.nan, 300.0]), np.array([0, 0, 1, 1])))
    assert not len(mixed_units(np.empty(0), np.empty(0, np.int64)))


def test_the_burden_is_the_sum_where_all_tumors_were_measured() -> None:
    """100 + 50, 100 + 0 (not seen), and nothing where one was not measured."""
    np.testing.assert_array_equal(burden(np.array([[100.0, 100, 100], [50, 0, np.nan]])), [150, 100, np.nan])


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=6))
def test_burdens_do_not_depend_on_the_order_of_tumors(volumes: list[float]) -> None:
    """The sum of one time is the same from either end."""
    column = np.array(volumes)[:, None]
    assert burden(column) == pytest.approx(burden(column[::-1]))


@pytest.mark.parametrize(
    ("days", "volumes", "sentence"),
    [
        ([0, 1], [5.0], r"\(2,\) times do not fit \(1,\) volumes"),
        ([0, np.nan], [5.0, 6], "the time of volume 2 is nan"),
        ([0, 1], [5.0, -6], "a volume is -6 mm3"),
        ([0, 1], [np.inf, 6], "a volume is inf mm3"),
    ],
)
def test_what_is_no_number_is_refused_with_a_sentence(days: list[float], volumes: list[float], sentence: str) -> None:
    """Unequal lengths, a missing time, a negative or endless volume; a volume not measured is none of these."""
    with pytest.raises(InputError, match=sentence):
        checked(np.array(days), np.array(volumes))
    assert np.isnan(checked(np.array([0.0]), np.array([np.nan]))[1]).all()
