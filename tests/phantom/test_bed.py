"""Beds and other furniture: their walls, their surfaces, what is painted where."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murinoma.phantom.bed import Cone, Furniture, Sheet, Slab, Support, Tube, paint_furniture, surface_mm
from murinoma.phantom.furniture import (
    Bed,
    Cell,
    cable,
    cell_half,
    container,
    cradle,
    needle,
    ribbed_block,
    rims,
    support,
)
from murinoma.phantom.shapes import Capsule, Field, Grid

SPACING_MM = 0.25
GRID = Grid((40, 140, 140), SPACING_MM)  # 10 x 35 x 35 mm
SPAN = (2.0, 8.0)
MIDDLE = 20  # a slice at 5 mm
TUBE = Tube((12.0, 17.0), radius_mm=10.0, wall_mm=1.0, span_mm=SPAN, hu=100.0)
TRAY = Slab((2.0, 20.0, 5.0), (8.0, 21.5, 30.0), hu=-100.0)
HAMMOCK = Sheet((10.0, 17.0), half_mm=12.0, sag_mm=6.0, wall_mm=0.8, span_mm=SPAN, hu=50.0)


def painted(*pieces: Furniture) -> Field:
    """Return the share of plastic (0 to 1) of each voxel of the grid."""
    hu = np.full(GRID.shape, -1000, dtype=np.float32)
    for piece in pieces:
        paint_furniture(hu, GRID, piece)
    return (hu + 1000) / (pieces[0].hu + 1000)


def column(share: Field, x_mm: float, z: int = MIDDLE) -> Field:
    """Return the share of plastic down a column of one slice."""
    return share[z, :, round(x_mm / SPACING_MM)]


def middles_mm(line: Field) -> list[float]:
    """Return the middle of each wall that a line crosses, mm."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line > 0, [0]]).astype(int)))
    starts, stops = edges[::2], edges[1::2]
    return [
        float(np.average(np.arange(a, b), weights=line[a:b])) * SPACING_MM for a, b in zip(starts, stops, strict=True)
    ]


def test_a_tube_has_a_wall_of_the_thickness_asked_for() -> None:
    """A column through the axis crosses 1 mm of wall above and below it, 10 to 11 mm away: 21 mm apart."""
    line = column(painted(TUBE), 17.0)
    assert line.sum() * SPACING_MM == pytest.approx(2 * 1.0, abs=0.01)
    assert middles_mm(line) == pytest.approx([12.0 - 10.5, 12.0 + 10.5], abs=0.03)


def test_a_tube_goes_from_its_start_to_its_end() -> None:
    """From 2 to 8 mm along z there is plastic, beyond there is none; it is all of its own HU."""
    share = painted(TUBE)
    assert np.flatnonzero(np.any(share, axis=(1, 2)))[[0, -1]] * SPACING_MM == pytest.approx(SPAN, abs=SPACING_MM)
    assert share.max() == pytest.approx(1.0)
    assert share.sum() * SPACING_MM**3 == pytest.approx(6.0 * np.pi * (11.0**2 - 10.0**2), rel=0.01)


def test_a_half_tube_is_open_above_its_axis() -> None:
    """With an arc of 90 degrees on each side no plastic lies above the axis, and half of that of the tube below."""
    half = painted(Tube((12.0, 17.0), 10.0, 1.0, SPAN, 100.0, arc_deg=90.0))
    assert not half[:, : round(12.0 / SPACING_MM) - 1].any()
    assert half.sum() == pytest.approx(painted(TUBE).sum() / 2, rel=0.01)


def test_a_tray_is_flat() -> None:
    """It fills its corners: 6 x 1.5 x 25 mm of plastic from 20 mm downwards."""
    share = painted(TRAY)
    assert share.sum() * SPACING_MM**3 == pytest.approx(6 * 1.5 * 25, rel=0.005)
    for x in (6.0, 17.0, 29.0):
        assert middles_mm(column(share, x)) == pytest.approx([20.75], abs=0.01)


def test_a_hammock_sags_in_the_middle() -> None:
    """Its edges hang at 10 mm, its middle 6 mm lower; its thickness there is 0.8 mm."""
    share = painted(HAMMOCK)
    line = column(share, 17.0)
    assert line.sum() * SPACING_MM == pytest.approx(0.8, abs=0.01)
    assert middles_mm(line) == pytest.approx([16.0], abs=0.03)
    assert middles_mm(column(share, 17.0 + 11.75))[0] == pytest.approx(10.25, abs=0.5)


def test_a_cone_is_wide_at_one_end() -> None:
    """Inner radii of 9 and 5 mm: near its ends the walls are about 19 and 11 mm apart."""
    share = painted(Cone((17.0, 17.0), (9.0, 5.0), 1.0, SPAN, 0.0))
    for z, apart in ((10, 19 - 8 / 12), (30, 11 + 8 / 12)):
        low, high = middles_mm(column(share, 17.0, z))
        assert high - low == pytest.approx(apart, abs=0.1)


@given(x=st.floats(9.0, 25.0), arc=st.floats(60, 180), piece=st.sampled_from(["tube", "tray", "hammock"]))
@settings(deadline=None, max_examples=20)
def test_what_rests_on_a_surface_touches_plastic(x: float, arc: float, piece: str) -> None:
    """Going down from the axis, the first plastic begins where `surface_mm` says, to half a voxel along a slope."""
    tube = Tube((12.0, 17.0), 10.0, 1.0, SPAN, 0.0, arc_deg=arc)
    carriers: dict[str, Support] = {"tube": tube, "tray": TRAY, "hammock": HAMMOCK}
    carrier = carriers[piece]
    line = column(painted(carrier), x)
    at = round(x / SPACING_MM) * SPACING_MM
    below = np.flatnonzero(line * (np.arange(len(line)) * SPACING_MM > 9.0) >= 0.5)
    assert below[0] * SPACING_MM == pytest.approx(float(surface_mm(carrier, np.array([at]))[0]), abs=1.2 * SPACING_MM)


def test_beside_a_bed_there_is_no_support() -> None:
    """A tray carries nothing beyond its edges; a shallow half-tube carries on its rim, then nothing."""
    assert np.isinf(surface_mm(TRAY, np.array([4.0, 31.0]))).all()
    assert np.isinf(surface_mm(HAMMOCK, np.array([4.0, 30.0]))).all()
    shallow = Tube((10.0, 0.0), 10.0, 1.0, SPAN, arc_deg=60.0)
    np.testing.assert_allclose(surface_mm(shallow, np.array([0.0, 9.0, 11.0])), [20.0, 15.0, np.inf])


def test_what_lies_outside_the_field_is_left_out() -> None:
    """Furniture beyond the grid changes nothing, and none of it is an error."""
    away = -200.0
    pieces: list[Furniture] = [
        Tube((away, away), 5.0, 1.0, SPAN),
        Cone((away, away), (5.0, 4.0), 1.0, SPAN),
        Capsule((away, away, away), (away, away, away), (1.0, 1.0)),
    ]
    assert not painted(*pieces).any()


def test_each_kind_of_bed_carries_a_mouse_at_the_bottom_of_its_cell() -> None:
    """In the middle of its cell every bed but the tube (wide as its cell) begins at the bottom of the mouse."""
    cell = Cell((20.0, 30.0), (8.0, 14.0))
    for kind in ("trough", "tray", "hammock", "tube"):
        bed = Bed(kind, wall_mm=1.0)
        carrier = support(bed, Cell(cell.middle_mm, cell_half(bed, cell.half_mm)), 60.0, (0.0, 90.0))
        assert carrier is not None
        expected = 20.0 + 15.0 if kind == "tube" else 28.0
        assert surface_mm(carrier, np.array([30.0]))[0] == pytest.approx(expected, abs=0.51)
    assert support(Bed("none"), cell, 60.0, (0.0, 90.0)) is None


def test_a_tube_is_wide_enough_for_its_mouse() -> None:
    """A mouse 40 mm wide gets a tube of 20 mm radius, though 15 mm were drawn."""
    bed = Bed("tube", wall_mm=1.0, radius_mm=15.0)
    assert cell_half(bed, (8.0, 20.0)) == (21.0, 21.0)
    assert cell_half(bed, (8.0, 10.0)) == (16.0, 16.0)


def test_half_tubes_have_rims_on_both_sides() -> None:
    """The rims of a half-tube of 10 mm radius begin 10 mm beside its axis and lie at its height."""
    left, right = rims([Tube((12.0, 17.0), 10.0, 1.0, SPAN, 7.0, arc_deg=90.0), TRAY, None, TUBE])
    assert isinstance(left, Slab)
    assert isinstance(right, Slab)
    assert left.low_mm == pytest.approx((2.0, 12.0, 2.0))
    assert right.high_mm == pytest.approx((8.0, 13.0, 32.0))
    assert left.hu == right.hu == 7.0


def test_a_box_has_the_walls_asked_for() -> None:
    """Top and left of a box in a field of 100 x 40 x 60 mm: 2 mm thick, 1 mm inside the field."""
    top, left = container((100.0, 40.0, 60.0), 1.0, 2.0, -200.0, "top left")
    assert isinstance(top, Slab)
    assert isinstance(left, Slab)
    assert (top.low_mm[1:], top.high_mm[1:]) == ((1.0, 1.0), (3.0, 59.0))
    assert (left.low_mm[1:], left.high_mm[1:]) == ((1.0, 1.0), (39.0, 3.0))


def test_a_cradle_lies_under_everything() -> None:
    """Its lowest point is 2 mm above the bottom of the field, its edges lie 5 mm higher."""
    tube = cradle((100.0, 40.0, 60.0), 5.0, 1.5, 0.0)
    assert tube.axis_mm[0] + tube.radius_mm + tube.wall_mm == pytest.approx(38.0)
    assert tube.radius_mm * (1 - np.cos(np.radians(tube.arc_deg))) == pytest.approx(5.0)


def test_a_printed_block_has_ribs() -> None:
    """Between its upper and lower wall, 7 mm wide, stand the two outer ribs."""
    pieces = ribbed_block((0.0, 0.0, 0.0), (5.0, 10.0, 7.0), 0.5, 0.0)
    assert len(pieces) == 2 + 2


def test_a_cable_runs_through_the_whole_field() -> None:
    """It is one chain from before the first slice to behind the last, never more than 2 mm off its start."""
    pieces = cable((0.0, 10.0, 20.0), 90.0, 0.5, 1000.0, rng=np.random.default_rng(3))
    points = [piece.start for piece in pieces if isinstance(piece, Capsule)]
    ends = [piece.end for piece in pieces if isinstance(piece, Capsule)]
    assert points[1:] == ends[:-1]
    assert points[0][0] < 0
    assert ends[-1][0] > 90
    assert np.abs(np.array(points)[:, 1:] - (10.0, 20.0)).max() <= 2


def test_a_needle_is_thin_metal() -> None:
    """It reads over 1400 HU and is under 1.2 mm thick and over 10 mm long."""
    piece = needle((5.0, 5.0, 5.0), rng=np.random.default_rng(1))
    assert piece.hu > 1400
    assert max(piece.radii) < 0.61
    assert np.linalg.norm(np.subtract(piece.start, piece.end)) > 10
