"""A phantom study: names, repeatability, growth, and agreement as in the paper."""

import pickle
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from murinoma.errors import InputError
from murinoma.numerics.agreement import pairwise_dice
from murinoma.numerics.votes import count_votes
from murinoma.phantom.cohort import (
    DatasetPlan,
    PhantomScan,
    ScanSpec,
    StudyPlan,
    anatomical_affine,
    cohort,
    days_of,
    draw_volume,
    plan_scans,
    render,
)
from murinoma.phantom.scanner import Scanner
from murinoma.volume import check_affine

TWO_TUMORS = DatasetPlan("Dataset 2", 3, ("0d", "8d"), tumors_per_mouse=2, median_mm3=200.0)
ONE_TUMOR = DatasetPlan("Dataset 1", 2, ("0h", "22.5h"), median_mm3=400.0, site="foreleg")
PLAN = StudyPlan((ONE_TUMOR, TWO_TUMORS), spacing_mm=0.63, air_hu=-300, bone_hu=500)
FULL_SIZE = replace(PLAN, spacing_mm=0.21)


def same(a: PhantomScan, b: PhantomScan) -> bool:
    """Tell whether two scans are equal to the byte."""
    volumes = [(a.ct, b.ct), (a.truth, b.truth)]
    volumes += [(a.annotations[name], b.annotations[name]) for name in a.annotations]
    return all(one.voxels.tobytes() == other.voxels.tobytes() for one, other in volumes)


@pytest.fixture(scope="module")
def scans() -> list[PhantomScan]:
    """All ten scans of the small study."""
    return list(cohort(PLAN, seed=5))


def test_scans_come_by_dataset_time_and_mouse_with_the_names_of_the_paper(scans: list[PhantomScan]) -> None:
    """Groups join the mice of an acquisition; the odd one is alone."""
    assert [(s.dataset, s.group, s.mouse, s.time) for s in scans[:3]] == [
        ("Dataset 1", "M01_M02_0h", "M01", "0h"),
        ("Dataset 1", "M01_M02_0h", "M02", "0h"),
        ("Dataset 1", "M01_M02_22.5h", "M01", "22.5h"),
    ]
    assert [s.group for s in scans[-3:]] == ["M01_M02_8d", "M01_M02_8d", "M03_8d"]
    assert len(scans) == 2 * 2 + 3 * 2


def test_a_scan_holds_ct_truth_and_annotations_on_one_grid(scans: list[PhantomScan]) -> None:
    """CT is int16 within -400 to 1000 HU; masks are uint8 with the planned tumors, at the same place."""
    for scan in scans:
        n_tumors = 1 if scan.dataset == "Dataset 1" else 2
        assert scan.ct.voxels.dtype == np.int16
        assert (scan.ct.voxels.min(), scan.ct.voxels.max()) == (-400, 1000)
        assert sorted(scan.annotations) == ["A", "B", "C"]
        for mask in [scan.truth, *scan.annotations.values()]:
            assert mask.voxels.dtype == np.uint8
            assert mask.shape == scan.ct.shape
            np.testing.assert_array_equal(mask.affine, scan.ct.affine)
            assert np.unique(mask.voxels).tolist() == list(range(n_tumors + 1))


def test_the_true_volumes_are_those_of_the_truth(scans: list[PhantomScan]) -> None:
    """`volumes_mm3` counts the voxels of tumor 1, 2, ... in that order."""
    for scan in scans:
        counts = np.bincount(scan.truth.voxels.ravel())[1:]
        np.testing.assert_allclose(scan.volumes_mm3, counts * scan.ct.voxel_mm3)


def test_the_order_and_the_process_do_not_matter(scans: list[PhantomScan]) -> None:
    """A scan made alone, from a pickled spec, equals the one of the whole cohort byte for byte."""
    spec = pickle.loads(pickle.dumps(plan_scans(PLAN, seed=5)[7]))  # our own bytes
    assert same(render(spec), scans[7])


def test_another_seed_makes_other_mice(scans: list[PhantomScan]) -> None:
    """The seed decides."""
    assert not same(render(plan_scans(PLAN, seed=6)[0]), scans[0])


def test_a_dataset_is_the_same_beside_another_one(scans: list[PhantomScan]) -> None:
    """Leaving out a dataset does not change the others."""
    alone = replace(PLAN, datasets=(TWO_TUMORS,))
    assert same(render(plan_scans(alone, seed=5)[0]), scans[4])


def test_annotators_differ_and_agree(scans: list[PhantomScan]) -> None:
    """No two annotators draw the same, all overlap with the truth by a Dice over 0.6, even at coarse voxels."""
    for scan in scans:
        masks = [mask.voxels for mask in [scan.truth, *scan.annotations.values()]]
        dice = pairwise_dice(count_votes(masks).counts)
        assert all(0.6 < dice[a, b] < 1 for a, b in combinations(range(4), 2))


def test_tumors_grow_at_their_rate() -> None:
    """From 100 mm3 with a rate of 0.1 a day, 8 days later a tumor has 100 exp(0.8) mm3; never above 4000."""
    plan = DatasetPlan("Dataset 1", 1, median_mm3=100.0, log_sd=0.0, growth_per_day=0.1, growth_sd=0.0)
    assert draw_volume(plan, 0, rng=np.random.default_rng(0)) == pytest.approx(100)
    assert draw_volume(plan, 8, rng=np.random.default_rng(0)) == pytest.approx(100 * np.exp(0.8))
    assert draw_volume(plan, 100, rng=np.random.default_rng(0)) == 4000


def test_the_same_lesion_grows_in_place(scans: list[PhantomScan]) -> None:
    """Tumor k of a mouse has another volume on day 8 and lies within 5 mm of where it was."""
    first, later = scans[4], scans[7]
    assert (first.mouse, later.mouse) == ("M01", "M01")
    for number in (1, 2):
        places = [np.argwhere(scan.truth.voxels == number).mean(axis=0) * 0.63 for scan in (first, later)]
        assert np.linalg.norm(places[0] - places[1]) < 5
        assert first.volumes_mm3[number - 1] != later.volumes_mm3[number - 1]


def test_an_impossible_plan_is_refused() -> None:
    """Three tumors, or a site that no phantom knows, are errors that name the dataset and the value."""
    with pytest.raises(InputError, match=r"Dataset 1.*not 3"):
        DatasetPlan("Dataset 1", 2, tumors_per_mouse=3)
    with pytest.raises(InputError, match=r"flank.*not at 'tail'"):
        DatasetPlan("Dataset 1", 2, site="tail")


@pytest.mark.parametrize(("label", "days"), [("0d", 0), ("8d", 8), ("6h", 0.25), ("22.5h", 0.9375)])
def test_time_labels_count_hours_and_days(label: str, days: float) -> None:
    """Hours and days are understood, with fractions."""
    assert days_of(label) == days


def test_a_time_label_without_a_unit_is_refused() -> None:
    """The error names the label and shows how to write it."""
    with pytest.raises(InputError, match=r"'8'.*write hours as 6h"):
        days_of("8")


def test_the_affine_is_anatomical_and_right_handed() -> None:
    """From x to y to z: belly, left, head, without mirroring the animal."""
    affine = anatomical_affine(0.21)
    check_affine(affine)
    assert np.linalg.det(affine[:3, :3]) == pytest.approx(0.21**3)
    np.testing.assert_allclose(affine[:3, 2], [0, 0, 0.21])


def test_the_scanner_of_a_plan_is_used() -> None:
    """A scanner that reads 140 HU less makes soft tissue about -90 HU."""
    shifted = replace(PLAN, scanner=Scanner(shift_hu=-140.0))
    scan = render(plan_scans(shifted, seed=5)[0])
    assert np.median(scan.ct.voxels[scan.truth.voxels == 1]) == pytest.approx(-95, abs=30)


def test_a_full_size_scan_has_the_published_shape_and_noise() -> None:
    """At 0.21 mm a scan has 464 x 192 x 192 voxels, more than half of them at -400, tumor near 44 +- 40 HU."""
    scan = render(plan_scans(FULL_SIZE, seed=5)[0])
    assert scan.ct.shape == (464, 192, 192)
    assert (scan.ct.voxels == -400).mean() > 0.5
    tumor = scan.ct.voxels[scan.truth.voxels == 1]
    assert tumor.mean() == pytest.approx(44, abs=20)
    assert tumor.std() == pytest.approx(42, abs=15)


def mean_dice(specs: list[ScanSpec]) -> float:
    """Return the mean pairwise Dice of some scans."""
    dice = [pairwise_dice(count_votes([m.voxels for m in render(s).annotations.values()]).counts) for s in specs]
    pairs = list(combinations(range(3), 2))
    return float(np.mean([table[a, b] for table in dice for a, b in pairs]))


def test_annotators_agree_as_in_the_paper_for_large_and_small_tumors() -> None:
    """Six scans like Dataset 8 agree by 0.93 and six like Dataset 10 by 0.87, within 0.03.

    evidence/phantom_agreement.py shows it with 60 scans each, within 0.02 for every pair.
    """
    large = DatasetPlan("Dataset 8", 6, median_mm3=381.0, log_sd=0.3, site="foreleg")
    small = DatasetPlan("Dataset 10", 6, tumors_per_mouse=2, median_mm3=89.0, log_sd=0.3)
    specs = plan_scans(replace(FULL_SIZE, datasets=(large, small)), seed=5)
    assert mean_dice(specs[:6]) == pytest.approx(0.929, abs=0.03)
    assert mean_dice(specs[6:]) == pytest.approx(0.870, abs=0.03)
