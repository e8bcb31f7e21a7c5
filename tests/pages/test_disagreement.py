from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pytest

from murinoma.pages.disagreement import DisagreementView, disagreement_images, view_disagreement, vote_colours
from murinoma.pages.figures import line_styles

STYLES = line_styles("ABC")


def marked(*box: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Return a mask of 10 x 20 x 16 voxels (z, y, x) with a box marked."""
    mask = np.zeros((10, 20, 16), np.uint8)
    mask[tuple(slice(*axis) for axis in box)] = 1
    return mask


def three(ct: npt.NDArray[np.int16] | None = None) -> DisagreementView:
    """Return the view of three masks that agree in slices 2 to 5, and of which only C goes on, wider, in slice 6."""
    masks = {name: marked((2, 6), (8, 12), (6, 10)) for name in "ABC"}
    masks["C"][6, 7:13, 6:10] = 1
    return view_disagreement(ct, masks, spacing_mm=(0.5, 0.5, 0.5), styles=STYLES)


def test_the_slice_is_that_with_most_disputed_voxels() -> None:
    """Slice 6, the seventh: 6 x 4 voxels of 0.125 mm3 that C alone marked."""
    view = three()
    assert (view.scan.slice_number, view.annotators) == (7, 3)
    assert view.disputed_mm3 == 24 * 0.125
    assert view.marked_mm3 == (4 * 16 + 24) * 0.125
    assert np.bincount(view.votes.ravel())[1:].tolist() == [24]


def test_it_is_cut_to_four_millimetres_around_the_marks() -> None:
    """4 mm are 8 voxels: rows 0 to 16 (x, 6 to 10 marked, ends at 16), columns 0 to 20."""
    assert three().scan.axial.grey.shape == (16, 20)
    wide = np.zeros((3, 60, 60), np.uint8)
    wide[1, 30:32, 30:34] = 1
    view = view_disagreement(None, {"A": wide, "B": 0 * wide}, spacing_mm=(0.5, 0.5, 0.5), styles=STYLES)
    assert view.scan.axial.grey.shape == (4 + 16, 2 + 16)
    assert view.votes.shape == view.scan.axial.grey.shape


def test_the_projection_counts_disputed_voxels_along_the_line_of_sight() -> None:
    """Four voxels of 0.5 mm from back to belly are 2 mm; it lies where the slice is, in the frame of the animal."""
    view = three()
    assert view.depth_mm.shape == view.scan.whole.grey.shape
    assert view.depth_mm.max() == 2.0
    assert (view.depth_mm > 0).sum() == 6


def test_where_all_agree_the_slice_has_most_marks() -> None:
    """Nothing is disputed, nothing is coloured, and the picture is drawn all the same."""
    mask = marked((2, 6), (8, 12), (6, 10)) + marked((4, 5), (1, 5), (1, 5))
    view = view_disagreement(None, {"A": mask, "B": mask}, spacing_mm=(1.0, 1.0, 1.0), styles=STYLES)
    assert (view.scan.slice_number, view.disputed_mm3) == (5, 0.0)
    assert disagreement_images(view).votes.startswith("data:image/svg+xml")


def test_with_a_ct_the_animal_is_behind_the_votes() -> None:
    """The whole of it is in the projection, and the pictures say nothing of masks."""
    ct = np.full((10, 20, 16), -1000, np.int16)
    ct[1:9, 2:18, 2:14] = 40
    view = three(ct)
    assert view.scan.is_ct
    assert view.scan.whole.grey.shape[0] >= 8
    assert view.depth_mm.shape == view.scan.whole.grey.shape


@pytest.mark.parametrize("annotators", [2, 3, 4, 12])
def test_every_number_of_votes_has_its_colour(annotators: int) -> None:
    """From one vote to all but one, all different."""
    colours = vote_colours(annotators)
    assert list(colours) == list(range(1, annotators))
    assert len(set(colours.values())) == annotators - 1


def test_the_pictures_are_the_same_each_time() -> None:
    """No date, no random id; the outlines have the annotators' colours."""
    first, second = (disagreement_images(three()) for _ in range(2))
    assert first == second
    assert STYLES["C"].colour in unquote(first.outlined)
