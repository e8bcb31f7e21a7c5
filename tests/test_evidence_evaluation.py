"""A small sample of evidence/evaluation.py: the simulation by hand and on voxels, and limits that can be broken."""

import sys
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from murinoma.numerics.verdict import CANNOT_TELL, NOT_WITHIN, WITHIN

SCRIPT = Path(__file__).parents[1] / "evidence" / "evaluation.py"


@pytest.fixture(scope="module")
def evidence() -> Any:
    """Return the script as a module."""
    spec = spec_from_file_location("evidence_evaluation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def truth(evidence: Any) -> Any:
    """Return the tumors of the published catalogue."""
    return evidence.truth_of(223, np.random.default_rng(0))


def chance(seed: int = 0) -> np.random.Generator:
    """Return a source of chance."""
    return np.random.default_rng(seed)


def test_the_truth_is_the_published_catalogue(evidence: Any, truth: Any) -> None:
    """452 scans of 223 mice in ten datasets; datasets 1, 6 and 10 have two tumors in each scan; volumes as printed."""
    assert len(truth.mouse_of_scan) == 452
    assert len(np.unique(truth.mouse_of_scan)) == 223
    assert len(np.unique(truth.dataset_of_scan)) == 10
    assert len(truth.scan) == 452 + 43 + 37 + 62
    of_scans = np.bincount(truth.scan, evidence.volumes_of(truth.radii_mm))
    catalogue = evidence.published.catalogue()["staple_volume_mm3"].to_numpy()
    assert np.sort(of_scans) == pytest.approx(np.sort(catalogue), rel=0.15)  # the outlines wave
    assert of_scans.mean() == pytest.approx(catalogue.mean(), rel=0.06)


def test_more_mice_repeat_the_catalogue(evidence: Any) -> None:
    """446 mice have 904 scans; no mouse is in two datasets."""
    twice = evidence.truth_of(446, chance())
    assert len(twice.mouse_of_scan) == 904
    assert all(len(np.unique(twice.dataset_of_scan[twice.mouse_of_scan == mouse])) == 1 for mouse in range(446))


def test_spheres_by_hand(evidence: Any, truth: Any) -> None:
    """Radii of 5 and 4 mm: volumes 523.6 and 268.1, Dice 2 x 64 / (125 + 64)."""
    one = evidence.Drawing(np.full(truth.radii_mm.shape, 5.0), *evidence.nothing_false(truth))
    other = replace(one, radii_mm=np.full(truth.radii_mm.shape, 4.0))
    assert one.volumes_mm3[0] == pytest.approx(523.6, abs=0.1)
    assert evidence.scan_dice(one, other, truth) == pytest.approx(128 / 189)
    single = np.bincount(truth.scan)[:3] == 1
    lesion = replace(one, false_mm3=np.full(452, 4 * np.pi / 3 * 125))
    assert evidence.scan_dice(lesion, one, truth)[:3][single] == pytest.approx(2 / 3)


def test_volume_and_dice_of_a_wavy_body_are_those_of_its_voxels(evidence: Any) -> None:
    """Two wavy bodies drawn on a grid of 0.2 mm: volumes and Dice within 2 %."""
    radii = 3 * np.exp(0.1 * evidence.waves(2, chance(1)))
    directions = sphere(evidence.DIRECTIONS)
    z, y, x = np.mgrid[-4.5:4.5:0.2, -4.5:4.5:0.2, -4.5:4.5:0.2].reshape(3, -1)
    distance = np.sqrt(x**2 + y**2 + z**2)
    nearest = np.argmax(np.column_stack([x, y, z]) @ directions.T, axis=1)
    masks = [distance < one[nearest] for one in radii]
    volumes = evidence.volumes_of(radii)
    assert [mask.sum() * 0.008 for mask in masks] == pytest.approx(volumes, rel=0.02)
    shared = evidence.volumes_of(radii.min(axis=0)[None])[0]
    on_voxels = 2 * (masks[0] & masks[1]).sum() / (masks[0].sum() + masks[1].sum())
    assert 2 * shared / volumes.sum() == pytest.approx(on_voxels, rel=0.02)


def sphere(n: int) -> np.ndarray:
    """Return n directions of a Fibonacci sphere, (n, 3), as the script places them."""
    places = np.arange(n)
    z, angle = 1 - (2 * places + 1) / n, np.pi * (1 + np.sqrt(5)) * places
    return np.column_stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z])


def test_waves_have_mean_0_and_sd_1(evidence: Any) -> None:
    """Over a sphere each field has a mean of 0; over fields and directions the SD is 1."""
    fields = evidence.waves(500, chance())
    assert fields.mean(axis=1) == pytest.approx(np.zeros(500), abs=1e-9)
    assert fields.std() == pytest.approx(1, abs=0.05)


def test_simulated_annotators_are_like_the_published_ones(evidence: Any) -> None:
    """The page's own sentence: Dice 0.88 to 0.92, volume RMSE 6 to 8 %."""
    first, _, errors, _ = evidence.likeness()
    assert 0.88 < float(first.split("annotators ")[1].split()[0]) < 0.92
    assert 6 < float(errors.split()[0]) < 8


def test_sources_are_judged_as_the_page_says(evidence: Any) -> None:
    """Two redraws of 223 mice: false lesions and 20 % too much are not within; nothing faulty is within."""
    equal, larger, false, smooth = evidence.judged(223, 2, chance(3))
    assert {one.outcome for one in equal.outcomes} <= {WITHIN, CANNOT_TELL}
    assert {one.outcome for one in larger.outcomes} <= {NOT_WITHIN, CANNOT_TELL}
    for source in (false, smooth):
        assert source.share(NOT_WITHIN).value == 1
    assert [one.state for one in false.outcomes[0].criteria][2] == "fails"
    assert not false.kept  # two times are no proof of 95 %
    assert len(evidence.verdict_table([equal, smooth])) == 4
    assert "at none of the sizes tried" in "".join(evidence.verdict_summary([equal, larger, false, smooth]))


def test_a_source_is_kept_by_its_lower_bound(evidence: Any) -> None:
    """Of 500 verdicts 485 as wanted are 95 %, with their lower bound; 484 are not."""
    equal = evidence.judged(10, 1, chance())[0]
    good, other = replace(equal.outcomes[0], outcome=WITHIN), equal.outcomes[0]
    assert other.outcome == CANNOT_TELL
    assert evidence.Judged("", 10, WITHIN, (good,) * 485 + (other,) * 15, ()).kept
    assert not evidence.Judged("", 10, WITHIN, (good,) * 484 + (other,) * 16, ()).kept


@pytest.fixture(scope="module")
def network(evidence: Any) -> Any:
    """Return a simulated network on 223 mice."""
    return evidence.study(223, np.random.default_rng([0, 3]))


def test_the_network_fails_where_it_should(network: Any) -> None:
    """Its failures have the lower Dice; a failed HU check goes with 15 % too large a radius, so half more volume."""
    assert np.median(network.dice[network.failing]) < np.median(network.dice) - 0.05
    ratio = network.volumes_mm3 / network.target_mm3
    usual = ~network.failing & (network.truth.radii_mm.mean(axis=1) > 4)
    assert np.median(ratio[network.hu_failed & usual]) == pytest.approx(1.15**3, rel=0.1)


def test_one_who_knows_its_error_is_expected_better_than_one_who_does_not(evidence: Any, network: Any) -> None:
    """Error below 0.7 of a constant's and Spearman above 0.65 when it knows; when it believes the same, neither."""
    knows = evidence.dice_errors(network, evidence.Belief(0.0, 0.0), chance())
    ignorant = evidence.dice_errors(network, evidence.Belief(np.inf, 1.0), chance())
    assert knows[0] < 0.7 * knows[1]
    assert knows[2] > 0.65
    assert ignorant[0] > 0.7 * ignorant[1]


def test_the_queue_of_one_who_knows_finds_most_of_the_worst(evidence: Any, network: Any) -> None:
    """More than half stand early when it knows its error, and fewer when it believes the same everywhere."""
    knows = evidence.early(network, evidence.Belief(0.0, 0.0), chance())
    ignorant = evidence.early(network, evidence.Belief(np.inf, 1.0), chance())
    assert knows[0] > 0.5
    assert ignorant[0] < knows[0]


def test_coverage_rows_say_whether_it_is_as_asked(evidence: Any, network: Any) -> None:
    """One row for a study without classes, within 87 and 94 % over ten halves; a made-up 80 % is told."""
    found = evidence.covered(network, chance(), splits=10)
    assert 0.87 < found.by_mouse < 0.94
    (row,) = evidence.coverage_rows(223, 1, found)
    assert row.startswith("| 223 | 1 | all | 111 |")
    assert evidence.coverage_rows(223, 1, replace(found, by_mouse=0.8))[0].endswith("| NO |")


def test_bounds_of_rates_hold(evidence: Any) -> None:
    """200 studies of 40 mice: each bound in 90 % or more."""
    upper, lower = evidence.rate_coverage(40, 0.1, 200, chance())
    assert min(upper, lower) >= 0.9
