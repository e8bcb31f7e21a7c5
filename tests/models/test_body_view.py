"""Tumors in the coordinates of the body: on phantom mice, of which is known who is who on which day."""

from collections.abc import Iterator

import numpy as np
import pytest

from murinoma.models.body_view import body_view
from murinoma.numerics.tumor_identity import BodyView, apart, identify, laid_over
from murinoma.phantom.cohort import DatasetPlan, PhantomScan, StudyPlan, plan_scans, render

MM = 0.63
TWO = DatasetPlan("Dataset 1", 1, ("0d", "8d", "16d"), tumors_per_mouse=2, median_mm3=150.0, growth_per_day=0.12)
Turned = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def days() -> list[PhantomScan]:
    """Return a mouse with two tumors on three days, laid anew on each, nobody drawing."""
    plan = StudyPlan((TWO,), spacing_mm=MM, air_hu=-300, bone_hu=500, annotators=())
    return [render(spec) for spec in plan_scans(plan, 4)]


def ways(scan: PhantomScan) -> Iterator[Turned]:
    """Yield CT and truth as they are, on the back, on the side, and with head and tail exchanged."""
    for values in ((scan.ct.voxels, scan.truth.voxels),):
        yield values
        yield tuple(one[:, ::-1, ::-1] for one in values)  # type: ignore[misc]
        yield tuple(np.rot90(one, 1, (1, 2)) for one in values)  # type: ignore[misc]
        yield tuple(one[::-1, ::-1] for one in values)  # type: ignore[misc]


def view(turned: Turned) -> BodyView:
    """Return the view of a turned phantom."""
    return body_view(turned[0], (MM, MM, MM), turned[1])


def test_tumors_are_the_same_however_the_mouse_lies(days: list[PhantomScan]) -> None:
    """On all days, in every way, tumor 1 of the truth is lesion 1, surely."""
    first = view((days[0].ct.voxels, days[0].truth.voxels))
    for scan in days[1:]:
        for turned in ways(scan):
            found = identify([first, view(turned)])[1]
            assert found.lesions == {1: 1, 2: 2}
            assert found.doubts == {}


def test_places_are_where_they_were(days: list[PhantomScan]) -> None:
    """Turned by half and end to end, each tumor comes back to within 3 mm; the body keeps its length."""
    ct, truth = days[0].ct.voxels, days[0].truth.voxels
    first, other = view((ct, truth)), view((ct[::-1, ::-1], truth[::-1, ::-1]))
    turn = laid_over(first.bones, other.bones)
    assert turn.flipped
    for number, place in first.places.items():
        assert apart(place, turn(other.places[number]), first.length_mm) < 3
    assert other.length_mm == pytest.approx(first.length_mm, abs=2)
    assert 60 < first.length_mm < 100


def test_a_tumor_that_vanished_leaves_its_number(days: list[PhantomScan]) -> None:
    """The one that is left, number 1 of its own scan, is lesion 2."""
    first = view((days[0].ct.voxels, days[0].truth.voxels))
    left = (days[1].truth.voxels == 2).astype(np.uint8)
    assert identify([first, view((days[1].ct.voxels, left))])[1].lesions == {1: 2}


def test_a_mouse_cut_off_is_still_known(days: list[PhantomScan]) -> None:
    """The field begins 12 mm further along the mouse: the skeleton tells, the numbers stay."""
    first = view((days[0].ct.voxels, days[0].truth.voxels))
    cut = round(12 / MM)
    inside = np.flatnonzero((days[1].ct.voxels > 0).any(axis=(1, 2)))
    ct, truth = (values[inside[0] + cut :] for values in (days[1].ct.voxels, days[1].truth.voxels))
    assert identify([first, view((ct, truth))])[1].lesions == {1: 1, 2: 2}


def test_volumes_come_from_the_labels(days: list[PhantomScan]) -> None:
    """Voxels times their volume."""
    found = view((days[0].ct.voxels, days[0].truth.voxels))
    assert [found.places[number].volume_mm3 for number in (1, 2)] == pytest.approx(days[0].volumes_mm3, abs=1e-3)
