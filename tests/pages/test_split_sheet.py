import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

from murinoma.pages.figures import COLOURS
from murinoma.pages.projections import Box, Projection, grey, project, shadows
from murinoma.pages.split_sheet import SheetMouse, SplitSheet, split_sheet

ODD_NAMES = ["$\\alpha_{", "小鼠", "<b>&\"'", "line\nbreak\x07", "", "a name that is far too long for any box " * 8]
Picture = npt.NDArray[np.uint8]


def box(*ends: tuple[int, int]) -> Box:
    """Return a box from first and last edges along z, y and x."""
    z, y, x = (slice(*pair) for pair in ends)
    return z, y, x


def animal(axes: tuple[int, int, int] = (0, 1, 2)) -> npt.NDArray[np.int16]:
    """Return a body of 32 x 10 x 8 voxels with a head of bone at its low end, its axes in another order."""
    image = np.full((40, 30, 24), -1000, np.int16)
    image[4:36, 10:20, 8:16] = 30
    image[4:12, 12:18, 10:14] = 1500
    return image.transpose(axes)


def sheet_of(image: npt.NDArray[Any], mice: Sequence[SheetMouse] = (), **more: Any) -> SplitSheet:
    """Return the sheet of an acquisition with voxels of 1 mm whose animals lie along z."""
    given = {"title": "acquisition", "spacing_mm": (1.0, 1.0, 1.0), "body_axis": 0, **more}
    return SplitSheet(projections=project(image), mice=mice, **given)


def six_mice(names: Sequence[str] = ("M01", "M02", "M03", "M04", "M05", "M06")) -> list[SheetMouse]:
    """Return six mice in two rows of three, each with a window of 13 x 7 voxels across the body."""
    return [
        SheetMouse(
            name, at + 1, box((0, 40), (15 * (at // 3) + 1, 15 * (at // 3) + 14), (8 * (at % 3), 8 * (at % 3) + 7))
        )
        for at, name in enumerate(names)
    ]


def picture(sheet: SplitSheet) -> Picture:
    """Return the sheet's pixels: rows, columns, and red, green, blue from 0 to 255."""
    pixels = imread(io.BytesIO(split_sheet(sheet)))[..., :3]
    return np.asarray(np.rint(pixels * 255), np.uint8)


def pixels_of(colour: str, pixels: Picture) -> npt.NDArray[np.bool_]:
    """Return where a sheet shows a colour, as near as its few colours allow."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.asarray((np.abs(pixels.astype(int) - wanted) <= 5).all(axis=-1))


def test_an_acquisition_is_seen_along_each_axis() -> None:
    """Of 0, 1 | 2, 9 over 4, 5 | 6, 7 the first axis gives the means 2, 3 | 4, 8 and the maxima 4, 5 | 6, 9."""
    image = np.array([[[0, 1], [2, 9]], [[4, 5], [6, 7]]], np.int16)
    along_z, along_y, along_x = project(image)
    assert along_z.mean_hu.tolist() == [[2, 3], [4, 8]]
    assert along_z.brightest_hu.tolist() == [[4, 5], [6, 9]]
    assert along_y.mean_hu.tolist() == [[1, 5], [5, 6]]
    assert along_x.brightest_hu.tolist() == [[1, 9], [5, 7]]


def test_metal_does_not_outshine_a_mean() -> None:
    """One voxel of 30000 HU among three of 0 HU counts as 1500 HU, so the mean is 375 HU; the brightest keeps it."""
    along_z = project(np.array([0, 0, 0, 30000], np.int16).reshape(4, 1, 1))[0]
    assert along_z.mean_hu.item() == 375
    assert along_z.brightest_hu.item() == 30000


@pytest.mark.parametrize("dtype", ["<i2", ">i2", "u1", "u2", "f4", "f8"])
def test_more_slices_than_are_read_at_a_time_give_the_same(dtype: str) -> None:
    """Of 130 slices, read as 64, 64 and 2, every projection is that of the whole, whatever the stored type."""
    image = np.random.default_rng(5).integers(0, 200, (130, 3, 4)).astype(dtype)
    for axis, seen in enumerate(project(image)):
        np.testing.assert_allclose(seen.mean_hu, image.mean(axis=axis), rtol=1e-5)
        np.testing.assert_array_equal(seen.brightest_hu, image.max(axis=axis))


def test_the_shadow_of_an_animal_lies_where_its_box_lies() -> None:
    """One voxel at (1, 2, 3) of the field is seen at (2, 3), (1, 3) and (1, 2)."""
    body = np.zeros((2, 2, 2), bool)
    body[0, 1, 0] = True
    along_z, along_y, along_x = shadows(body, box((1, 3), (1, 3), (3, 5)), (4, 5, 6))
    assert [np.argwhere(seen).tolist() for seen in (along_z, along_y, along_x)] == [[[2, 3]], [[1, 3]], [[1, 2]]]
    assert [seen.shape for seen in (along_z, along_y, along_x)] == [(5, 6), (4, 6), (4, 5)]


def test_blocks_cover_their_voxels_and_the_last_one_the_rest() -> None:
    """Blocks of 2 along a box of 5 voxels: the second of two blocks covers voxels 2, 3 and 4."""
    body = np.array([False, True]).reshape(1, 1, 2)
    along_z = shadows(body, box((0, 1), (0, 1), (0, 5)), (1, 1, 6), factors=(1, 1, 2))[0]
    assert along_z.tolist() == [[False, False, True, True, True, False]]


def test_bone_is_brighter_than_flesh_and_flesh_than_air() -> None:
    """Grey values run from 0 to 1, and keep that order."""
    mean = np.repeat([-1000.0, -500.0, -500.0], 10).reshape(3, 10)
    air, flesh, bone = grey(Projection(mean, np.repeat([-1000.0, 40.0, 1500.0], 10).reshape(3, 10))).mean(axis=1)
    assert 0 <= air < flesh < bone <= 1


def test_a_field_of_one_value_is_black() -> None:
    """No contrast is no error."""
    assert not grey(project(np.full((3, 3, 3), -1000, np.int16))[0]).any()


def test_a_sheet_is_a_png_of_1600_pixels_and_always_the_same_bytes() -> None:
    """Two runs agree to the byte."""
    sheet = sheet_of(animal(), [SheetMouse("M01", 1, box((0, 40), (5, 25), (2, 22)))], doubts=["something is odd"])
    content = split_sheet(sheet)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content == split_sheet(sheet)
    assert imread(io.BytesIO(content)).shape[1] == 1600


def test_noise_does_not_make_a_sheet_large() -> None:
    """A field full of noise of 300 HU, the worst for a PNG, still takes less than 400 kB."""
    noise = np.random.default_rng(6).normal(0, 300, (200, 160, 160)).astype(np.int16)
    assert len(split_sheet(sheet_of(noise, six_mice()))) < 400_000


def test_every_mouse_has_its_window_in_its_own_colour() -> None:
    """Six mice: each of the six colours is there, the five that are not white only because of them."""
    bare, drawn = picture(sheet_of(animal())), picture(sheet_of(animal(), six_mice()))
    for colour in COLOURS[:5]:
        assert not pixels_of(colour, bare).any()
        assert pixels_of(colour, drawn).sum() > 500
    changed = pixels_of(COLOURS[5], drawn)[: len(bare)] & ~pixels_of(COLOURS[5], bare)
    assert changed.sum() > 500


def test_windows_in_the_same_place_are_both_seen() -> None:
    """Two mice with one window: along its whole left edge there is a line of each colour."""
    window = box((0, 40), (5, 25), (2, 22))
    pixels = picture(sheet_of(animal(), [SheetMouse("M01", 1, window), SheetMouse("M02", 2, window)]))
    for colour in COLOURS[:2]:
        assert pixels_of(colour, pixels).sum(axis=0).max() > 300


def test_the_outline_of_an_animal_is_drawn_where_it_is() -> None:
    """With a body more of the mouse's colour is seen, in all three pictures; an empty body draws nothing."""
    image = animal()
    mouse = SheetMouse("M01", 1, box((0, 40), (5, 25), (2, 22)))
    plain = pixels_of(COLOURS[0], picture(sheet_of(image, [mouse])))
    body = shadows(image > -300, box((0, 40), (0, 30), (0, 24)), image.shape)
    outlined = pixels_of(COLOURS[0], picture(sheet_of(image, [replace(mouse, body=body)])))
    nobody = (body[0] & False, body[1] & False, body[2] & False)
    assert all((outlined & ~plain)[:, part].sum() > 50 for part in (slice(0, 700), slice(700, 1150), slice(1150, 1600)))
    assert (pixels_of(COLOURS[0], picture(sheet_of(image, [replace(mouse, body=nobody)]))) == plain).all()


@pytest.mark.parametrize(("axes", "body_axis"), [((1, 0, 2), 1), ((1, 2, 0), 2)])
def test_the_animal_is_upright_along_whatever_axis_it_lies(axes: tuple[int, int, int], body_axis: int) -> None:
    """With its axes stored in another order a field looks the same; only the letters of the axes differ."""
    along_z = picture(sheet_of(animal()))
    other = picture(sheet_of(animal(axes), body_axis=body_axis))
    assert along_z.shape == other.shape
    assert (along_z != other).any(axis=-1).mean() < 0.01


def test_the_nose_is_up_where_it_is_known() -> None:
    """A head at the first slices is up as stored, or if the nose lies there; with the nose at the last it is below."""

    def bone(**ends: tuple[str, str]) -> float:
        inside_the_coronal = picture(sheet_of(animal(), ends=ends))[160:720, 820:960]
        return float(np.nonzero((inside_the_coronal > 230).all(axis=-1))[0].mean())

    assert bone() < 280
    assert bone(z=("nose", "tail")) < 280
    assert bone(z=("tail", "nose")) > 280


def test_known_sides_are_written_and_unknown_ones_admitted() -> None:
    """A sheet without sides has a line in red that says so; with all of them known nothing is red."""
    mice = [SheetMouse("M01", 1, box((0, 40), (5, 25), (2, 22)))]
    unknown = picture(sheet_of(animal(), mice))
    known = picture(sheet_of(animal(), mice, ends={"z": ("nose", "tail"), "x": ("R", "L")}))
    red = "#a02818"
    assert pixels_of(red, unknown).sum() > 100
    assert not pixels_of(red, known).any()
    assert len(known) < len(unknown)


def test_voxels_are_shown_in_their_true_proportions() -> None:
    """Half as many slices, twice as thick, give a sheet of the same height, and nearly the same picture."""
    image = np.repeat(animal()[::2], 2, axis=0)
    thin = picture(sheet_of(image))
    thick = picture(sheet_of(image[::2], spacing_mm=(2.0, 1.0, 1.0)))
    assert thin.shape == thick.shape
    assert (np.abs(thin.astype(int) - thick) > 60).any(axis=-1).mean() < 0.03


@pytest.mark.parametrize("shape", [(300, 12, 10), (10, 8, 200)])
def test_nothing_is_cut_off(shape: tuple[int, int, int]) -> None:
    """With six long odd names and endless sentences, in a field of any proportions, the page's margins are empty."""
    sentence = "mouse 1 is cut by the field of view " * 8
    sheet = sheet_of(np.full(shape, -1000, np.int16), doubts=[sentence, "x" * 500], notices=[sentence], title="t" * 200)
    whole = box(*((0, size) for size in shape))
    mice = [SheetMouse(name, at, whole, note=sentence) for at, name in enumerate(ODD_NAMES, start=1)]
    pixels = picture(replace(sheet, mice=mice))
    for edge in (pixels[:20], pixels[-12:], pixels[:, :20], pixels[:, -14:]):
        assert (edge == 255).all()


def test_text_makes_room_for_itself() -> None:
    """Each doubt makes the sheet higher, a long one by several lines."""
    heights = [len(picture(sheet_of(animal(), doubts=doubts))) for doubts in ([], ["short"], ["long words " * 100])]
    assert heights[0] < heights[1] < heights[2]


def test_an_empty_field_gives_a_sheet() -> None:
    """No mouse, no doubt, only air: three black pictures, and a verdict in red."""
    pixels = picture(sheet_of(np.full((40, 30, 24), -1000, np.int16), ends={"z": ("nose", "tail"), "x": ("R", "L")}))
    assert (pixels == 0).all(axis=-1).mean() > 0.3
    assert pixels_of("#a02818", pixels).sum() > 100
