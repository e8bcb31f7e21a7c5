import numpy as np
import pytest

from murinoma.pages.figures import line_styles
from murinoma.pages.source_picture import SOURCE_STYLE, SourceView, source_images, view_source
from tests.pages.evaluation_cases import boxes


def test_what_was_missed_and_added_is_counted() -> None:
    """Of 8 voxels of 1 mm3 the source has 4, and 3 that nobody has; most of both is in the third slice."""
    view = boxes()
    assert (view.missed_mm3, view.added_mm3) == (4.0, 3.0)
    assert view.scan.slice_number == 3
    assert (view.missed.sum(), view.added.sum()) == (4, 3)
    assert (view.missed_mm.sum(), view.added_mm.sum()) == (4.0, 3.0)


def test_the_source_is_drawn_last_and_looks_like_no_annotator() -> None:
    """Twelve annotators have other colours or dashes."""
    view = boxes()
    assert list(view.scan.outlines) == ["A", "B", "net"]
    assert view.scan.styles["net"] == SOURCE_STYLE
    assert SOURCE_STYLE not in line_styles([str(number) for number in range(12)]).values()


def test_half_of_the_annotators_are_no_majority() -> None:
    """A voxel that one of two marked is background: the source that marks it has added it."""
    one, none = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)
    one[0, 1, 1] = 1
    view = of_masks(one, {"A": one, "B": none})
    assert (view.missed_mm3, view.added_mm3) == (0.0, 1.0)


def of_masks(source: np.ndarray, masks: dict[str, np.ndarray]) -> SourceView:
    """Return the view of a source called 'net' on voxels of 1 mm."""
    return view_source(None, ("net", source), masks, spacing_mm=(1.0, 1.0, 1.0), styles=line_styles("AB"))


@pytest.mark.parametrize("marked", [0, 1])
def test_masks_that_do_not_differ_can_be_shown(marked: int) -> None:
    """All alike, or all empty: nothing is missed or added."""
    mask = np.zeros((2, 3, 3), np.uint8)
    mask[1, 1, 1] = marked
    view = of_masks(mask, {"A": mask, "B": mask})
    assert (view.missed_mm3, view.added_mm3) == (0.0, 0.0)
    assert source_images(view).whole.startswith("data:image/svg+xml,")


def test_the_pictures_are_the_same_bytes_again() -> None:
    """Three pictures; left and right are marked as unknown."""
    first, second = source_images(boxes()), source_images(boxes())
    assert first == second
    assert "left/right unknown" in first.outlined
