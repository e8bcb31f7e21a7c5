"""The picture by which a mask is looked over: what it shows, and that it costs nothing that a scan does not pay."""

import io
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from murinoma.pages.figures import COLOURS
from murinoma.pages.prediction_picture import PredictionView, _edge, _resized, prediction_png

SHAPE = (60, 30, 30)


def view(*tumors: tuple[int, int, int]) -> PredictionView:
    """Return a block of tissue with a bright rod in it and cubes of tumor."""
    ct = np.full(SHAPE, -1000, np.int16)
    ct[5:55, 6:24, 6:24] = 40
    ct[5:55, 14:16, 8:10] = 900
    labels = np.zeros(SHAPE, np.uint8)
    for number, (z, y, x) in enumerate(tumors, start=1):
        labels[z : z + 5, y : y + 5, x : x + 5] = number
    volumes = dict.fromkeys(range(1, len(tumors) + 1), 125.0)
    return PredictionView("Dataset 1 M01_8d", ct, labels, (1.0, 1.0, 1.0), ("R", "L"), True, volumes)


def pixels(picture: bytes) -> np.ndarray:
    """Return a PNG as (rows, columns, 3), 0..255."""
    values = np.asarray(matplotlib.image.imread(io.BytesIO(picture)))
    return np.asarray(np.rint(255 * values[..., :3]).astype(int))


def count(picture: np.ndarray, colour: str) -> int:
    """Return how many pixels have a colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return int((picture == wanted).all(axis=-1).sum())


def test_each_tumor_has_its_colour_and_its_planes() -> None:
    """Outlines in two colours; with a second tumor the picture gets no wider, without any it shows the mouse alone."""
    none, one, two = (
        pixels(prediction_png(view(*tumors))) for tumors in ((), ((10, 6, 6),), ((10, 6, 6), (40, 19, 9)))
    )
    assert [count(picture, COLOURS[0]) > 0 for picture in (none, one, two)] == [False, True, True]
    assert [count(picture, COLOURS[1]) > 0 for picture in (none, one, two)] == [False, False, True]
    assert none.shape[1] < one.shape[1] == two.shape[1]
    assert none.shape[0] == one.shape[0]
    assert none.max() == 255


def test_the_same_view_gives_the_same_bytes() -> None:
    """And other numbers give others."""
    shown = view((10, 6, 6))
    assert prediction_png(shown) == prediction_png(shown)
    assert prediction_png(shown) != prediction_png(replace(shown, volumes_mm3={1: 9.0}))


def test_a_tumor_at_the_edge_of_the_image_is_shown() -> None:
    """Planes reach beyond the image: black."""
    assert count(pixels(prediction_png(view((0, 0, 25)))), COLOURS[0]) > 0


def test_ten_tumors_are_counted_and_the_largest_shown() -> None:
    """Six have planes, two blocks of three; the picture is no wider with ten than with six."""
    places = [(5 + 5 * (k // 2), 6 + 12 * (k % 2), 6) for k in range(10)]
    six, ten = (pixels(prediction_png(view(*places[:number]))) for number in (6, 10))
    assert six.shape == ten.shape


def test_a_picture_is_made_larger_without_a_shift() -> None:
    """A step stays in the middle; a plane of the same size stays as it is."""
    step = np.array([[0.0, 1.0]])
    assert _resized(step, (1, 4)).tolist() == pytest.approx(np.array([[0, 0.25, 0.75, 1]]))
    grey = np.random.default_rng(0).random((5, 7))
    np.testing.assert_allclose(_resized(grey, (5, 7)), grey, rtol=1e-6)


def test_an_edge_is_two_pixels_wide_and_inside() -> None:
    """Of 7 x 7 pixels the inner 3 x 3 stay free."""
    mask = np.zeros((9, 9), bool)
    mask[1:8, 1:8] = True
    expected = mask.copy()
    expected[3:6, 3:6] = False
    assert np.array_equal(_edge(mask), expected)
