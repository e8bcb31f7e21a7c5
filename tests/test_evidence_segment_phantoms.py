"""The measuring of evidence/segment_phantoms.py: by hand, and with segmenters whose score is known."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from murinoma.numerics.detection import Detection, detect
from murinoma.phantom.random_mouse import random_mouse

SCRIPT = Path(__file__).parents[1] / "evidence" / "segment_phantoms.py"
SPACING_MM = 0.84


@pytest.fixture(scope="module")
def evidence() -> Any:
    """Return the script as a module."""
    spec = spec_from_file_location("evidence_segment_phantoms", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def scan(true_mm3: list[float], dice: list[float], false_mm3: list[float]) -> Detection:
    """Return the detection of a scan from its figures."""
    volumes = np.array(true_mm3)
    distances = np.full(len(false_mm3), 5.0)
    return Detection(
        tuple(range(1, len(dice) + 1)), volumes, 1.1 * volumes, np.array(dice), np.array(false_mm3), distances
    )


def test_figures_of_three_scans_by_hand(evidence: Any) -> None:
    """Of four tumors one is under 10 mm3 and left out; of the three others one is missed; one of two false is large."""
    scans = [scan([500, 40], [0.9, 0.8], []), scan([5, 20], [0.0, 0.0], [11]), scan([], [], [9])]
    trials = [evidence.Trial(seed, 0.21, found, 0.8 * np.ones(len(found.dice))) for seed, found in enumerate(scans)]
    tumors = evidence.all_tumors(trials)
    assert tumors.true_mm3.tolist() == [500, 40, 20]
    assert tumors.second.tolist() == [False, True, False]
    assert tumors.found.tolist() == [True, True, False]
    assert evidence.dice_figures(tumors.dice) == pytest.approx((1.7 / 3, 0.16))
    assert evidence.false_per_scan(trials)[0] == pytest.approx(1 / 3)
    assert [holds for _, _, holds in evidence.asked(trials)] == [False, False, False]
    assert "| 1 | 0.21 | 11 | 5.0 |" in evidence.page(trials, "none")


def test_an_edge_is_seen_at_air_and_where_the_grey_value_steps(evidence: Any) -> None:
    """A ball half in air: about half of its surface. In muscle of its own grey value none, in fat all of it."""
    z, y, x = np.indices((40, 40, 40))
    ball = (z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 < 12**2
    muscle = np.full(ball.shape, 50, np.int16)
    lying = np.where(ball | (y >= 20), 50, -400).astype(np.int16)
    assert evidence.edge_seen(muscle, ball, 0.3) == 0
    assert evidence.edge_seen(np.where(ball, 50, -60).astype(np.int16), ball, 0.3) == 1
    assert evidence.edge_seen(lying, ball, 0.3) == pytest.approx(0.5, abs=0.1)


def test_the_bound_of_no_false_lesion_is_the_rule_of_three(evidence: Any) -> None:
    """None in 300 scans: the exact upper bound is 3.689 / 300."""
    trials = [evidence.Trial(seed, 0.21, scan([], [], []), np.zeros(0)) for seed in range(300)]
    assert evidence.false_per_scan(trials) == pytest.approx((0, 0, 3.689 / 300), abs=1e-5)


def test_one_who_knows_the_truth_passes_and_one_who_says_nothing_fails(evidence: Any) -> None:
    """On three random scans the truth has Dice 1 and nothing false; an empty mask finds nothing."""
    seeds = range(evidence.FIRST_SEED, evidence.FIRST_SEED + 3)
    truths = iter([random_mouse(seed, spacing_mm=SPACING_MM, wider=True).truth.voxels for seed in seeds])
    knows = [evidence.trial(lambda _: next(truths), seed, SPACING_MM) for seed in seeds]
    silent = [evidence.trial(lambda ct: np.zeros(ct.shape, np.uint8), seed, SPACING_MM) for seed in seeds]
    assert evidence.dice_figures(evidence.all_tumors(knows).dice) == (1, 1)
    assert evidence.false_per_scan(knows)[0] == 0
    assert evidence.dice_figures(evidence.all_tumors(silent).dice) == (0, 0)


def test_bodies_alone_are_false_lesions_no_one_overlooks(evidence: Any) -> None:
    """A prediction far from every tumor is a row of the page, with its volume."""
    truth = np.zeros((3, 3, 40), np.uint8)
    truth[:, :, :3] = 1
    prediction = np.zeros_like(truth)
    prediction[:, :, 30:] = 1
    trials = [evidence.Trial(7, 1.0, detect(truth, prediction, spacing_mm=(1, 1, 1)), np.ones(1))]
    assert evidence.false_rows(trials) == ["| 7 | 1 | 90 | 28.0 |"]
