"""Coarse to fine on made-up mice: lesions found where they are, on the image's own grid, whatever is wrong with it.

The networks are formulas (brighter than something is tumor), so that what is tested is how they are led over a scan.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from murinoma.errors import FileError, InputError
from murinoma.models.backends import Backend
from murinoma.models.candidates import CandidateRules
from murinoma.models.folder import network_path
from murinoma.models.lesions import lesion_labels
from murinoma.models.runtime import CoarseToFine, load_segmenter
from murinoma.models.tiles import TileRules
from tests.models.small_models import CARD, BrightNetwork, write_tiny_model

Mask = npt.NDArray[np.bool_]
FIELD_MM = (36.0, 24.0, 24.0)
TUMORS = (((12.0, 12.0, 5.0), 2.6), ((26.0, 8.5, 17.5), 1.6))  # centre and radius, mm: 74 and 17 mm3, at the skin
KIDNEY = ((20.0, 12.0, 12.0), 1.8)


def balls(spacing_mm: float, *places: tuple[tuple[float, float, float], float]) -> Mask:
    """Return balls on a grid over `FIELD_MM`."""
    shape = [round(side / spacing_mm) for side in FIELD_MM]
    z, y, x = ((np.arange(size) + 0.5) * spacing_mm for size in shape)
    inside = np.zeros(shape, bool)
    for (cz, cy, cx), radius in places:
        inside |= (z[:, None, None] - cz) ** 2 + (y[:, None] - cy) ** 2 + (x - cx) ** 2 < radius**2
    return inside


def mouse(spacing_mm: float, tumors: Mask) -> npt.NDArray[np.int16]:
    """Return a mouse of 40 HU, 32 mm long and 16 mm thick, with tumors of 170 HU; the air reads -400 HU."""
    shape = tumors.shape
    z, y, x = ((np.arange(size) + 0.5) * spacing_mm for size in shape)
    trunk = ((y[:, None] - 12) ** 2 + (x - 12) ** 2 < 8**2) & (np.abs(z - 18) < 16)[:, None, None]
    return np.where(tumors, 170, np.where(trunk, 40, -400)).astype(np.int16)


def bright_model(**fine: int) -> CoarseToFine:
    """Return a model whose networks mark what is 65 HU brighter than soft tissue."""
    return CoarseToFine(CARD, BrightNetwork(heads=1, brighter_than=0.26), BrightNetwork(brighter_than=0.26, **fine))


def dice(a: Mask, b: Mask) -> float:
    """Return the Dice of two masks."""
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


@pytest.mark.parametrize(("spacing_mm", "least"), [(0.1, 0.96), (0.21, 0.999), (0.3, 0.96), (0.5, 0.9)])
def test_tumors_are_outlined_on_the_images_own_grid(spacing_mm: float, least: float) -> None:
    """Both, at their place and size, from 0.1 to 0.5 mm; at 0.21 mm voxel by voxel."""
    truth = balls(spacing_mm, *TUMORS)
    found = bright_model().predict(mouse(spacing_mm, truth), (spacing_mm,) * 3)
    labels, lesions = lesion_labels(found)
    assert labels.shape == truth.shape
    assert sum(not lesion.dropped for lesion in lesions) == 2
    assert dice(labels > 0, truth) >= least


def test_spacings_may_differ_between_axes() -> None:
    """0.3 mm slices of 0.15 mm pixels."""
    truth = balls(0.15, *TUMORS)
    found = bright_model().predict(mouse(0.15, truth)[::2], (0.3, 0.15, 0.15))
    assert dice(lesion_labels(found)[0] > 0, truth[::2]) > 0.9


@dataclass
class ShiftedNetwork(BrightNetwork):
    """It marks what lies some voxels before what is bright, along one axis (1 to 3) as it sees the scan."""

    axis: int = 1
    voxels: int = 2

    def logits(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the logits, shifted."""
        return np.roll(super().logits(image), -self.voxels, axis=self.axis)


@pytest.mark.parametrize("axes", [(1, 2, 0), (1, 0, 2)])
def test_networks_see_the_mouse_along_the_first_axis(axes: tuple[int, int, int]) -> None:
    """However the file orders its axes: the mark is shifted along the mouse, not along z of the file."""
    truth = balls(0.21, *TUMORS)
    model = replace(bright_model(), fine=ShiftedNetwork(brighter_than=0.26))
    straight = model.predict(mouse(0.21, truth), (0.21,) * 3).dense() > 0.5
    turned = model.predict(mouse(0.21, truth).transpose(axes), (0.21,) * 3).dense() > 0.5
    assert dice(straight, np.roll(truth, -2, axis=0)) > 0.999
    assert dice(turned, straight.transpose(axes)) > 0.999


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 2, 0)])
def test_left_and_right_are_suspected_alike(axes: tuple[int, int, int]) -> None:
    """What the coarse pass makes of a mouse, it makes of the mirrored mouse, however the file orders its axes."""
    truth = balls(0.21, TUMORS[0])
    model = replace(bright_model(), coarse=ShiftedNetwork(heads=1, brighter_than=0.26, axis=3, voxels=4))
    there, mirrored = (
        model.look_over(model.made_ready(image.transpose(axes), (0.21,) * 3)).transpose(np.argsort(axes))
        for image in (mouse(0.21, truth), mouse(0.21, truth)[..., ::-1])
    )
    assert there.max() > 0.4  # a half on either side of the tumor
    np.testing.assert_allclose(there, mirrored[..., ::-1], atol=1e-6)


@pytest.mark.parametrize("offset_hu", [-100, 100])
def test_an_offset_of_the_hu_does_not_matter(offset_hu: int) -> None:
    """The same mask, and the anchor says where soft tissue lies."""
    truth = balls(0.21, *TUMORS)
    image = mouse(0.21, truth) + np.int16(offset_hu)
    found = bright_model().predict(image, (0.21,) * 3)
    assert found.anchor_hu == pytest.approx(40 + offset_hu, abs=5)
    assert dice(lesion_labels(found)[0] > 0, truth) > 0.999


def test_a_deep_organ_is_suspected_and_dropped() -> None:
    """It is in the probabilities; the lesion filter says how deep it lies."""
    found = bright_model().predict(mouse(0.21, balls(0.21, *TUMORS, KIDNEY)), (0.21,) * 3)
    labels, lesions = lesion_labels(found)
    assert dice(labels > 0, balls(0.21, *TUMORS)) > 0.999
    (kidney,) = [lesion for lesion in lesions if lesion.dropped]
    assert "under the skin" in kidney.dropped
    assert kidney.depth_mm == pytest.approx(8 - 1.8, abs=0.7)


def test_a_mouse_without_a_tumor_has_an_empty_mask() -> None:
    """No candidate, no fine pass, no lesion."""
    model = bright_model()
    found = model.predict(mouse(0.3, balls(0.3)), (0.3,) * 3)
    assert found.patches == ()
    assert not found.dense().any()
    assert not lesion_labels(found)[0].any()


def test_only_the_surroundings_of_candidates_are_held() -> None:
    """Two patches of a tenth of the scan, apart; every head is there."""
    found = bright_model().predict(mouse(0.21, balls(0.21, *TUMORS)), (0.21,) * 3)
    assert len(found.patches) == 2
    assert sum(patch.skin_mm.size for patch in found.patches) < 0.2 * np.prod(found.shape)
    assert {patch.probabilities.shape[0] for patch in found.patches} == {3}
    assert {patch.probabilities.dtype for patch in found.patches} == {np.dtype(np.float16)}


def test_a_box_grows_until_it_holds_the_lesion() -> None:
    """The coarse pass sees the core alone; the fine network finds the long rest of it."""
    truth = balls(0.21, *(((z, 12.0, 5.0), 2.0) for z in (8.0, 11.0, 14.0, 17.0, 20.0, 23.0, 26.0)))
    image = mouse(0.21, truth)
    image[truth] = 110  # too faint for the coarse network, except at one end
    image[truth & (np.arange(len(truth)) < 48)[:, None, None]] = 170
    found = bright_model().predict(image, (0.21,) * 3)
    assert dice(found.dense() > 0.5, truth) > 0.999


def test_short_of_memory_the_mask_is_the_same() -> None:
    """Room for 40^3 voxels at once; the user is told that tiles were made smaller, and nothing where they were not."""
    truth = balls(0.21, *TUMORS)
    image = mouse(0.21, truth)
    found, plenty = bright_model(room=40**3).predict(image, (0.21,) * 3), bright_model().predict(image, (0.21,) * 3)
    assert dice(found.dense() > 0.5, plenty.dense() > 0.5) == 1
    assert "tiles of 32 voxels a side" in found.notices[-1]
    assert not plenty.notices


def test_a_mouse_cut_off_by_the_image_is_segmented() -> None:
    """The field starts in the middle of the first tumor."""
    truth = balls(0.21, *TUMORS)[57:]
    found = bright_model().predict(mouse(0.21, balls(0.21, *TUMORS))[57:], (0.21,) * 3)
    assert dice(lesion_labels(found)[0] > 0, truth) > 0.999


def test_what_is_no_mouse_is_refused() -> None:
    """An empty field, and a human's CT."""
    with pytest.raises(InputError, match="no body found"):
        bright_model().predict(np.full((40, 40, 40), -1000, np.int16), (0.21,) * 3)
    with pytest.raises(InputError, match="is the spacing in its header right"):
        bright_model().predict(np.zeros((40, 64, 64), np.int16), (1.5, 0.9, 0.9))


def test_a_folder_of_networks_runs_alike_on_both_back_ends(tmp_path: Path) -> None:
    """Random weights, fp32: Dice of the masks at least 0.999 in every head."""
    for package in ("torch", "onnx", "openvino"):
        pytest.importorskip(package, reason="the extras segment and train are not installed")
    write_tiny_model(tmp_path)
    noise = np.random.default_rng(0).normal(0, 40, balls(0.3).shape)
    image = (mouse(0.3, balls(0.3, *TUMORS)) + noise).astype(np.int16)[20:60]
    found = []
    for backend in (Backend("openvino", "cpu", "f32", 1), Backend("torch", "cpu", "f32", 1)):
        model = replace(
            load_segmenter(tmp_path, backend),
            coarse=BrightNetwork(heads=1, brighter_than=0.3),
            candidates=CandidateRules(rounds=0),
            tiles=TileRules(side=48, overlap=16),
        )
        found.append(model.predict(image, (0.3,) * 3))
    for head in CARD.heads:
        one, other = (prediction.dense(head) > 0.5 for prediction in found)
        assert np.count_nonzero(one) > 1000
        assert dice(one, other) >= 0.999


def test_networks_with_other_heads_than_the_card_are_refused(tmp_path: Path) -> None:
    """The card names three heads, the weights have two."""
    for package in ("torch", "onnx"):
        pytest.importorskip(package, reason="the extra train is not installed")
    write_tiny_model(tmp_path, fine_heads=2)
    with pytest.raises(FileError, match=r"names 3 heads .* has 2"):
        load_segmenter(tmp_path, Backend("torch", "cpu"))
    assert network_path(tmp_path, "fine").exists()


def test_a_fine_network_that_is_told_nothing_is_refused(tmp_path: Path) -> None:
    """It takes the image and what the coarse network suspects; one of the image alone was made by an older murinoma."""
    for package in ("torch", "onnx"):
        pytest.importorskip(package, reason="the extra train is not installed")
    write_tiny_model(tmp_path, fine_channels=1)
    with pytest.raises(FileError, match=r"takes 1 channels, fine\.onnx 1, 1 and 2 are needed"):
        load_segmenter(tmp_path, Backend("torch", "cpu"))
