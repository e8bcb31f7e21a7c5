"""Surface Dice and 95 % Hausdorff distance: by hand, by property, against plain loops, surface-distance and ITK."""

from collections.abc import Sequence
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
import surface_distance
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial.distance import cdist

from murinoma.errors import GeometryError, InputError
from murinoma.files.masks import read_annotations
from murinoma.numerics.surface import (
    SurfaceAgreement,
    robust_hausdorff,
    surface_agreement,
    surface_dice,
    surface_distances,
)
from murinoma.numerics.votes import count_votes
from murinoma.study import read_study
from tests.builders import box, three_masks

# surface-distance reaches for scipy.ndimage's old module names
pytestmark = pytest.mark.filterwarnings("ignore:Please (use|import):DeprecationWarning:surface_distance.*")

Spacing = tuple[float, float, float]
MM: Spacing = (1.0, 1.0, 1.0)
SHAPE = (4, 5, 6)
SPACINGS = st.sampled_from([MM, (0.21, 0.21, 0.21), (3.0, 0.59, 0.59), (0.5, 0.7, 2.1)])
MASKS = st.lists(arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 0, 1, 2])), min_size=2, max_size=4)


def blobs(shape: tuple[int, int, int], count: int, seed: int) -> list[np.ndarray]:
    """Return some smooth shapes of the same place; each differs from their common shape, the last one most."""
    rng = np.random.default_rng(seed)
    common = ndimage.gaussian_filter(rng.normal(size=shape), 3)
    own = [ndimage.gaussian_filter(rng.normal(size=shape), 2) for _ in range(count)]
    return [common + 0.3 * (1 + place) * field > 0.05 for place, field in enumerate(own)]


def assert_as_surface_distance(masks: Sequence[Any], spacing_mm: Spacing, tolerance_mm: float) -> None:
    """Compare every pair with the library, to 1e-9; where 95 % is met exactly, it may round either way."""
    ours = surface_agreement(masks, spacing_mm=spacing_mm, tolerance_mm=tolerance_mm)
    for i, j in combinations(range(len(masks)), 2):
        theirs = surface_distance.compute_surface_distances(masks[i] > 0, masks[j] > 0, spacing_mm)
        dice = surface_distance.compute_surface_dice_at_tolerance(theirs, tolerance_mm)
        assert ours.dice[i, j] == pytest.approx(dice, abs=1e-9)
        low, high = (surface_distance.compute_robust_hausdorff(theirs, 95 + step) for step in (-1e-6, 1e-6))
        assert low - 1e-9 <= ours.hausdorff95_mm[i, j] <= high + 1e-9


def element_image(mask: np.ndarray) -> np.ndarray:
    """Return where a mask is mixed within 2 x 2 x 2 voxels, one longer than the mask along each axis."""
    padded = np.pad(mask > 0, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2, 2, 2))
    return np.asarray(windows.any(axis=(3, 4, 5)) & ~windows.all(axis=(3, 4, 5)))


def test_two_voxels_by_hand() -> None:
    """2 mm apart along x, elements at their 8 corners, all alike: the near 4 are 1 mm away, the far 4 are 2 mm."""
    masks = [box((1, 1, 3), (0, 1), (0, 1), (0, 1)), box((1, 1, 3), (0, 1), (0, 1), (2, 3))]
    for tolerance_mm, dice in ((0.9, 0), (1, 0.5), (1.9, 0.5), (2, 1)):
        agreement = surface_agreement(masks, spacing_mm=MM, tolerance_mm=tolerance_mm)
        assert agreement.dice[0, 1] == pytest.approx(dice)
        assert agreement.hausdorff95_mm[0, 1] == 2


def test_a_longer_bar_by_hand() -> None:
    """Bars of 1 x 1 x 1 and 1 x 1 x 2 voxels of 2 x 1 x 1 mm: the longer one's last four corners are 1 mm off.

    A corner's triangle has the sides 1, 0.5, 0.5 mm: sqrt(0.25^2 + 0.5^2 + 0.5^2) / 2 = 0.375 mm2. At the middle of
    the longer bar four rectangles of 1 x sqrt(1 + 0.25) mm, 1.118 mm2 each. Within 0.5 mm lies what is shared: all
    eight corners of the short bar (3 mm2); of the long one (7.472 mm2) all but the last four corners (1.5 mm2).
    """
    masks = [box((1, 1, 2), (0, 1), (0, 1), (0, 1)), box((1, 1, 2), (0, 1), (0, 1), (0, 2))]
    agreement = surface_agreement(masks, spacing_mm=(2.0, 1.0, 1.0), tolerance_mm=0.5)
    rectangles = 4 * np.sqrt(1.25)
    assert agreement.dice[0, 1] == pytest.approx((3 + rectangles + 1.5) / (3 + rectangles + 3))
    assert agreement.hausdorff95_mm[0, 1] == 1  # 1.5 of 7.472 mm2 is more than 5 %
    distances = surface_distances(count_votes(masks), spacing_mm=(2.0, 1.0, 1.0))
    assert robust_hausdorff(distances, percent=75)[0, 1] == 0


def test_nested_boxes_by_hand() -> None:
    """A, B and C end 1 mm apart along x: within 1 mm all of A-B and B-C agree, but not C's end with A's."""
    agreement = surface_agreement(list(three_masks().values()), spacing_mm=MM, tolerance_mm=1)
    np.testing.assert_array_equal(agreement.hausdorff95_mm, [[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    assert agreement.dice[0, 1] == agreement.dice[1, 2] == 1
    assert 0.8 < agreement.dice[0, 2] < 1


def test_five_percent_of_the_surface_may_be_farther() -> None:
    """A lone voxel far from a large tumor changes neither measure much; with 100 % it is the distance."""
    large = box((30, 30, 60), (5, 25), (5, 25), (5, 25))
    with_speck = large.copy()
    with_speck[15, 15, 50] = 1
    distances = surface_distances(count_votes([large, with_speck]), spacing_mm=MM)
    assert robust_hausdorff(distances)[0, 1] == 0
    assert robust_hausdorff(distances, percent=100)[0, 1] == 26  # from the speck's far corner to the tumor's face
    assert 0.999 < surface_dice(distances, tolerance_mm=0)[0, 1] < 1


def test_empty_masks() -> None:
    """Both empty: NaN. One empty: surface Dice 0, the distance is infinite. Nothing is said about nothing."""
    empty, some = np.zeros(SHAPE, np.uint8), box(SHAPE, (1, 3), (1, 3), (1, 3))
    agreement = surface_agreement([empty, empty, some], spacing_mm=MM, tolerance_mm=1)
    np.testing.assert_array_equal(agreement.dice, [[np.nan, np.nan, 0], [np.nan, np.nan, 0], [0, 0, 1]])
    expected = [[np.nan, np.nan, np.inf], [np.nan, np.nan, np.inf], [np.inf, np.inf, 0]]
    np.testing.assert_array_equal(agreement.hausdorff95_mm, expected)
    nobody = surface_agreement([empty, empty], spacing_mm=MM, tolerance_mm=1)
    assert np.isnan([nobody.dice, nobody.hausdorff95_mm]).all()


def test_one_annotator_agrees_with_itself() -> None:
    """One mask alone: 1 and 0 mm."""
    alone = surface_agreement([np.ones((2, 2, 2), bool)], spacing_mm=MM, tolerance_mm=0)
    assert (alone.dice.tolist(), alone.hausdorff95_mm.tolist()) == ([[1]], [[0]])


def test_a_mask_that_fills_the_scan_has_its_surface_at_the_border() -> None:
    """Outside the array nothing is marked: a full scan is compared like any box."""
    full = np.ones((3, 3, 3), np.uint8)
    inner = box((3, 3, 3), (1, 2), (0, 3), (0, 3))
    agreement = surface_agreement([full, inner], spacing_mm=MM, tolerance_mm=1)
    assert (agreement.dice[0, 1], agreement.hausdorff95_mm[0, 1]) == (1, 1)


@given(masks=MASKS, spacing_mm=SPACINGS, seed=st.integers(0, 99))
def test_symmetric_in_range_and_the_same_in_any_order(masks: list[np.ndarray], spacing_mm: Spacing, seed: int) -> None:
    """Dice is within 0..1 and grows with the tolerance; permuted or mirrored masks give the same values."""
    order = np.random.default_rng(seed).permutation(len(masks))
    loose, tight = (surface_agreement(masks, spacing_mm=spacing_mm, tolerance_mm=mm) for mm in (1.0, 0.5))
    turned = surface_agreement([masks[r][::-1, :, ::-1] for r in order], spacing_mm=spacing_mm, tolerance_mm=1.0)
    for field in ("dice", "hausdorff95_mm"):
        table = getattr(loose, field)
        np.testing.assert_array_equal(table, table.T)
        np.testing.assert_allclose(getattr(turned, field), table[np.ix_(order, order)], rtol=1e-12)
    known = np.isfinite(loose.dice)
    assert ((loose.dice[known] >= tight.dice[known]) & (tight.dice[known] >= 0) & (loose.dice[known] <= 1)).all()
    assert [value == 1 for value in np.diag(tight.dice)] == [bool(mask.any()) for mask in masks]


@given(masks=MASKS, spacing_mm=SPACINGS)
def test_the_distances_are_those_of_all_pairs_of_elements(masks: list[np.ndarray], spacing_mm: Spacing) -> None:
    """Against the matrix of distances between all elements; each element has an area exactly on its own surfaces."""
    found = surface_distances(count_votes(masks), spacing_mm=spacing_mm)
    images = [element_image(mask) for mask in masks]
    points = [np.argwhere(image) * spacing_mm for image in images]
    everywhere = np.argwhere(np.any(images, axis=0)) * spacing_mm
    for r, own in enumerate(points):
        expected = cdist(everywhere, own).min(axis=1, initial=np.inf)
        np.testing.assert_allclose(found.distances_mm[r], expected, atol=1e-12)
        np.testing.assert_array_equal(found.areas_mm2[r] > 0, expected == 0)


@pytest.mark.parametrize("spacing_mm", [MM, (3.0, 0.6, 0.6), (0.1, 1.0, 1.0), (1.0, 0.7, 20.0)])
def test_far_elements_are_found_too(spacing_mm: Spacing) -> None:
    """Tumors at both ends of a long scan, of which each annotator marked one or both: every distance is right."""
    left, right = box((9, 9, 40), (2, 6), (2, 6), (2, 8)), box((9, 9, 40), (3, 7), (1, 6), (30, 37))
    masks = [left, right, left | right]
    found = surface_distances(count_votes(masks), spacing_mm=spacing_mm)
    everywhere = np.argwhere(np.any([element_image(mask) for mask in masks], axis=0)) * spacing_mm
    for r, mask in enumerate(masks):
        expected = cdist(everywhere, np.argwhere(element_image(mask)) * spacing_mm).min(axis=1)
        np.testing.assert_allclose(found.distances_mm[r], expected, atol=1e-12)


def test_twelve_annotators() -> None:
    """The most there can be: each pair has what it has alone."""
    masks = blobs((12, 12, 12), 12, seed=3)
    together = surface_agreement(masks, spacing_mm=MM, tolerance_mm=1)
    for i, j in ((0, 11), (4, 9), (10, 11)):
        alone = surface_agreement([masks[i], masks[j]], spacing_mm=MM, tolerance_mm=1)
        assert together.dice[i, j] == pytest.approx(alone.dice[0, 1])
        assert together.hausdorff95_mm[i, j] == alone.hausdorff95_mm[0, 1]


@given(masks=MASKS, spacing_mm=SPACINGS, tolerance_mm=st.sampled_from([0.0, 0.21, 1.0, 2.5]))
def test_any_masks_agree_with_surface_distance(
    masks: list[np.ndarray], spacing_mm: Spacing, tolerance_mm: float
) -> None:
    """The library cannot compare with an empty mask under numpy 2; those are left out here."""
    marked = [mask for mask in masks if mask.any()]
    if marked:
        assert_as_surface_distance(marked, spacing_mm, tolerance_mm)


@pytest.mark.parametrize(("spacing_mm", "seed"), list(product([MM, (2.5, 0.7, 0.7), (0.2, 0.3, 1.1)], range(2))))
def test_blobs_agree_with_surface_distance(spacing_mm: Spacing, seed: int) -> None:
    """Smooth shapes that differ by little and by much, in cubic and flat voxels, at one voxel's longest edge."""
    assert_as_surface_distance(blobs((18, 20, 22), 4, seed), spacing_mm, max(spacing_mm))


@pytest.mark.parametrize("spacing_mm", [MM, (2.5, 0.7, 0.7)])
def test_the_whole_hausdorff_distance_is_that_of_simpleitk(spacing_mm: Spacing) -> None:
    """ITK compares sets of voxels, not surfaces: so it is given images of the elements."""
    masks = blobs((18, 20, 22), 3, seed=5)
    ours = robust_hausdorff(surface_distances(count_votes(masks), spacing_mm=spacing_mm), percent=100)
    images = [sitk.GetImageFromArray(element_image(mask).astype(np.uint8)) for mask in masks]
    for image in images:
        image.SetSpacing(spacing_mm[::-1])
    for i, j in combinations(range(3), 2):
        measure = sitk.HausdorffDistanceImageFilter()
        measure.Execute(images[i], images[j])
        assert ours[i, j] == pytest.approx(measure.GetHausdorffDistance(), abs=1e-4)


@pytest.mark.parametrize("name", ["lidc_study", "mouse_tumor_study"])
def test_real_annotations_agree_with_surface_distance(shared_data: Path, name: str) -> None:
    """Radiologists' outlines of lung nodules (voxels up to 5 mm thick), and of one mouse tumor."""
    scans = [scan for scan in read_study(shared_data / name).scans if scan.annotations]
    assert scans
    for scan in scans:
        annotations = read_annotations(scan)
        assert_as_surface_distance(
            list(annotations.masks.values()), annotations.spacing_mm, max(annotations.spacing_mm)
        )


def test_what_cannot_be_compared_is_refused() -> None:
    """Shapes, spacings and tolerances are named."""
    masks = list(three_masks().values())
    with pytest.raises(GeometryError, match=r"\(8, 8, 8\)"):
        surface_agreement([*masks, np.zeros((8, 8, 9))], spacing_mm=MM, tolerance_mm=1)
    for spacing_mm in ((0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, np.nan), (np.inf, 1.0, 1.0)):
        with pytest.raises(GeometryError, match="above 0"):
            surface_agreement(masks, spacing_mm=spacing_mm, tolerance_mm=1)
    for tolerance_mm in (-0.1, np.nan, np.inf):
        with pytest.raises(InputError, match="tolerance"):
            surface_agreement(masks, spacing_mm=MM, tolerance_mm=tolerance_mm)
    with pytest.raises(InputError, match="0 annotators"):
        surface_agreement([], spacing_mm=MM, tolerance_mm=1)


def test_the_result_is_a_value_and_the_masks_stay_untouched() -> None:
    """Frozen; R x R."""
    masks = list(three_masks().values())
    before = [mask.copy() for mask in masks]
    result = surface_agreement(masks, spacing_mm=MM, tolerance_mm=1)
    assert isinstance(result, SurfaceAgreement)
    assert result.dice.shape == result.hausdorff95_mm.shape == (3, 3)
    np.testing.assert_array_equal(before, masks)
