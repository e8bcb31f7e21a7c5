"""What the coarse network says beside the image: in its place, doubted while the fine one learns, kept with pastes."""

from dataclasses import replace

import numpy as np
import pytest

from murinoma.models.grids import Floats, carry, covering_box
from murinoma.models.training.examples import fine_example
from murinoma.models.training.hints import WITHHELD, cut_hint, doubted, with_lesion
from murinoma.models.training.pasting import with_pasted_tumor
from murinoma.models.training.sampler import Sampler, cut
from tests.models.training.small_examples import MM, SHAPE, TUMOR, block_scan, tumor_mask

SCAN = block_scan()
RISING = np.linspace(0, 1, SCAN.body[SCAN.box].size, dtype=np.float32).reshape(SCAN.body[SCAN.box].shape)
EXAMPLE = fine_example(SCAN, [tumor_mask()], RISING)
SAME = np.eye(3)


def told(suspected: Floats) -> Floats:
    """Return what a patch about the middle of the scan sees of a coarse pass."""
    hint = fine_example(SCAN, [tumor_mask()], suspected).hint
    assert hint is not None
    return cut_hint(hint, np.array([12.0, 8.0, 10.0]), SAME, (16, 16, 16))


def test_a_patch_sees_what_a_prediction_would() -> None:
    """Unturned, the second channel is what the runtime carries to the same voxels, within a rounding."""
    box = (slice(12, 28), slice(8, 24), slice(10, 26))
    expected = carry(RISING, SCAN.box, SCAN.coarse, SCAN.fine, box)
    inside = covering_box(SCAN.box, SCAN.coarse, SCAN.fine)
    assert all(part.start <= at.start and at.stop <= part.stop for part, at in zip(inside, box, strict=True))
    assert np.abs(told(RISING) - expected).max() < 1 / 255
    assert told(np.zeros_like(RISING)).max() == 0


def test_patches_have_both_channels() -> None:
    """Where nothing is suspected the second channel is -2, as air is; without a coarse pass there is none."""
    patch = cut(EXAMPLE, np.array([14.0, 12.0, 16.0]), SAME, (8, 8, 8))
    assert patch.images.shape == (2, 8, 8, 8)
    nothing = fine_example(SCAN, [tumor_mask()], np.zeros_like(RISING))
    assert (cut(nothing, np.array([14.0, 12.0, 16.0]), SAME, (8, 8, 8)).images[1] == -2).all()
    assert cut(fine_example(SCAN, [tumor_mask()]), np.zeros(3), SAME, (8, 8, 8)).images.shape == (1, 8, 8, 8)
    sampler = Sampler([EXAMPLE].__getitem__, 1, (8, 8, 8), 2, 0.5, 0.0, 1)
    assert sampler.patches(3).images.shape == (2, 2, 8, 8, 8)


def test_what_is_told_is_doubted() -> None:
    """Now and then nothing is told, else the same in order of its size, moved by a voxel; the hint itself stays."""
    rng, hint = np.random.default_rng(0), EXAMPLE.hint
    assert hint is not None
    before = hint.values.copy()
    seen = [doubted(hint, rng=rng) for _ in range(400)]
    assert np.array_equal(hint.values, before)
    withheld = [not one.values.any() for one in seen]
    assert np.mean(withheld) == pytest.approx(WITHHELD, abs=0.05)
    kept = [one for one, none in zip(seen, withheld, strict=True) if not none]
    order = np.argsort(before.ravel(), kind="stable")
    assert all((np.diff(one.values.ravel()[order].astype(int)) >= 0).all() for one in kept)
    assert np.std([one.offset - hint.offset for one in kept]) == pytest.approx(0.7, abs=0.1)


def test_of_a_scan_that_it_never_saw_everything_is_believed() -> None:
    """A coarse network that has not learned from a scan knows it no better than others."""
    assert EXAMPLE.hint is not None
    hint = replace(EXAMPLE.hint, is_fresh=True)
    assert all(doubted(hint, rng=np.random.default_rng(seed)) is hint for seed in range(40))


def test_a_pasted_tumor_is_suspected_too() -> None:
    """Its place becomes sure, and what was suspected elsewhere stays."""
    example = fine_example(SCAN, [tumor_mask()], np.zeros_like(RISING))
    hint = example.hint
    assert hint is not None
    shown = with_lesion(hint, np.argwhere(tumor_mask()))
    patch = cut_hint(shown, np.zeros(3), SAME, SHAPE)
    assert patch[TUMOR][2:-2, 2:-2, 2:-2].min() > 0.5
    assert patch[tumor_mask()].sum() / patch.sum() > 0.5
    pasted = with_pasted_tumor(example, rng=np.random.default_rng(1))
    assert pasted is not None
    assert pasted[0].hint is not None
    assert pasted[0].hint.values.any()
    assert example.spacing_mm == MM
