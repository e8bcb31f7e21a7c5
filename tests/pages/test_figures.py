import re
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from murinoma.pages.figures import ScanView, line_styles, view_images, view_png, view_scan

STYLES = line_styles(["A", "B"])


def block(*marked: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a mask of 10 x 8 x 6 voxels (z, y, x) with a box marked."""
    mask = np.zeros((10, 8, 6), np.uint8)
    mask[tuple(slice(*axis) for axis in marked)] = 1
    return mask


def masks_view(spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> ScanView:
    """Return the view of two masks without a CT; the second covers the left half of the first along y."""
    masks = {"A": block((2, 6), (2, 6), (1, 4)), "B": block((2, 6), (2, 4), (1, 4))}
    return view_scan(None, masks, spacing_mm=spacing_mm, slice_index=3, styles=STYLES)


def ct_view(sides: tuple[str, str] | None = None) -> ScanView:
    """Return the view of an animal of soft tissue, 8 x 6 x 4 voxels, with one bright voxel at its rump and back."""
    ct = np.full((10, 8, 6), -1000, np.int16)
    ct[1:9, 1:7, 1:5] = 40
    ct[1, 1, 1] = 1000
    mask = {"A": block((4, 6), (1, 3), (1, 3))}
    return view_scan(ct, mask, spacing_mm=(0.5, 0.5, 0.5), slice_index=4, styles=STYLES, sides=sides)


def svg(uri: str) -> str:
    """Return the text of an SVG data URI."""
    head, _, text = uri.partition(",")
    assert head == "data:image/svg+xml"
    return unquote(text)


def test_the_slice_lies_with_the_vertical_axis_down_and_left_right_across() -> None:
    """A tumor 4 voxels wide (y) and 3 high (x) is shown 3 rows high and 4 columns wide, plus the margin of 1."""
    view = masks_view()
    assert view.axial.grey.shape == (3 + 2, 4 + 2)
    assert view.outlines["A"].sum() == 12
    assert view.outlines["B"][1:-1, 1:3].all()


def test_without_a_ct_grey_is_the_share_of_annotators() -> None:
    """White is 1.6 times all: both give 39 of 63 steps, one gives 20, nobody black."""
    grey = masks_view().axial.grey
    assert not masks_view().is_ct
    assert [round(63 * value) for value in (grey[2, 1], grey[2, 4])] == [39, 20]
    assert grey[0].max() == 0


def test_the_projection_has_the_nose_on_top_and_the_slice_where_it_was_cut() -> None:
    """Slice 4 of an animal from z = 1 to 8 lies 4.5 voxels of 0.5 mm below its top, and a margin of 1 voxel."""
    view = ct_view()
    assert view.whole.grey.shape == (8 + 2, 6 + 2)
    assert view.whole.grey[8, 1] == 1.0  # the bright voxel at the rump, low end of y
    assert view.whole.grey[1:9, 1:7].min() > 0
    assert view.line_mm == (4.5 + 1) * 0.5
    assert (view.slice_number, view.slices) == (5, 10)


def test_pictures_honour_the_spacing() -> None:
    """Slices 3 mm apart make the projection of 4 slices and 4 columns three times as high as it is wide."""
    view = masks_view(spacing_mm=(3.0, 1.0, 1.0))
    height, width = view.whole.size_mm
    assert (height, width) == ((4 + 2) * 3.0, 4 + 2)  # a margin of 0.84 mm is 1 voxel on each side
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg(view_images(view).whole))
    assert size is not None
    assert float(size[2]) / float(size[1]) == 3.0


def test_a_long_animal_is_shown_with_fewer_rows_in_the_same_millimetres() -> None:
    """700 slices of 0.1 mm become 234 rows or so of 0.3 mm."""
    ct = np.zeros((700, 8, 6), np.int16)
    mask = {"A": np.ones(ct.shape, np.uint8)}
    whole = view_scan(ct, mask, spacing_mm=(0.1, 0.1, 0.1), slice_index=0, styles=STYLES).whole
    assert whole.grey.shape[0] <= 300
    assert whole.spacing_mm[0] > 0.1
    assert abs(whole.size_mm[0] - 70 * 1.14) < 2 * whole.spacing_mm[0]


def test_outlines_differ_in_colour_and_dashes() -> None:
    """Twelve annotators have twelve styles; the outlined slice holds those of its annotators, the plain one none."""
    styles = line_styles([f"N{number}" for number in range(12)])
    assert len({(style.colour, style.dashes) for style in styles.values()}) == 12
    images = view_images(masks_view())
    for name in ("A", "B"):
        assert STYLES[name].colour in svg(images.outlined)
        assert STYLES[name].colour not in svg(images.plain)
    assert "stroke-dasharray" in svg(images.outlined)


def test_an_annotator_looks_the_same_when_another_is_absent() -> None:
    """B alone is drawn as B, not as the first annotator."""
    mask = {"B": block((2, 6), (2, 4), (1, 4))}
    view = view_scan(None, mask, spacing_mm=(1.0, 1.0, 1.0), slice_index=3, styles=STYLES)
    assert view.styles == {"B": STYLES["B"]}


def test_left_and_right_are_marked_or_said_to_be_unknown() -> None:
    """Known sides stand in the picture; without them the picture says that it shows the stored axes."""
    unknown, known = (svg(view_images(ct_view(sides)).plain) for sides in (None, ("R", "L")))
    assert "left/right unknown: stored axes" in unknown
    assert "unknown" not in known
    assert ">R</text>" in known
    assert ">L</text>" in known


def test_the_scale_bar_is_named_in_millimetres() -> None:
    """The bar has a round length; the slice and the projection each have one."""
    images = view_images(ct_view())
    assert ">1 mm</text>" in svg(images.plain)
    assert " mm</text>" in svg(images.whole)


def test_an_empty_slice_is_shown_whole() -> None:
    """Where nothing is marked and nothing is solid the picture holds the whole plane."""
    view = view_scan(
        None, {"A": np.zeros((4, 5, 6), np.uint8)}, spacing_mm=(1.0, 1.0, 1.0), slice_index=2, styles=STYLES
    )
    assert view.axial.grey.shape == (6 + 2, 5 + 2)
    assert view_images(view).outlined


def test_pictures_are_the_same_bytes_each_time() -> None:
    """No date, no random id: two drawings of one view are equal, as SVG and as PNG."""
    assert view_images(ct_view()) == view_images(ct_view())
    assert view_png(ct_view()) == view_png(ct_view())
    assert view_png(ct_view()).startswith(b"\x89PNG")
