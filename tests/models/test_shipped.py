"""The model that comes with murinoma: small, whole, seen no real scan; what it does on the real scan of two mice."""

from pathlib import Path

import numpy as np
import pytest

from murinoma.files.nifti import read_volume
from murinoma.models.backends import Backend
from murinoma.models.export import read_spec
from murinoma.models.folder import network_path, read_card
from murinoma.models.lesions import lesion_labels
from murinoma.models.runtime import load_segmenter
from murinoma.models.shipped import shipped_models
from murinoma.models.unet import count_parameters

XENO = shipped_models()["xeno-0"]
WINDOWS = (  # where split finds the two mice, (z, y, x)
    (slice(0, 339), slice(101, 204), slice(41, 144)),
    (slice(0, 339), slice(102, 205), slice(141, 244)),
)


def test_it_is_small_and_has_seen_no_real_scan() -> None:
    """At most 2.5 M parameters and 5 MB; the card fits the weights and says what they were tried on."""
    pytest.importorskip("onnx", reason="the extra train is not installed")
    card = read_card(XENO)
    parameters = sum(count_parameters(read_spec(network_path(XENO, name))) for name in ("coarse", "fine"))
    assert parameters <= 2.5e6
    assert sum(path.stat().st_size for path in XENO.iterdir()) < 5e6
    assert (card.name, card.heads, card.training_cts) == ("xeno-0", ("consensus",), ())
    assert "real scan" in card.tried_on
    assert "look at every mask" in card.limits


def test_it_finds_both_tumors_of_the_real_scan(shared_data: Path) -> None:
    """One lesion in each half of the field, of about the size that a person drew (923 and 611 mm3), and no other."""
    pytest.importorskip("openvino", reason="the extra segment is not installed")
    whole = read_volume(shared_data / "inveon_two_mice_0.39mm.nii.gz")
    model = load_segmenter(XENO, Backend(device="cpu", precision="f32", threads=1))
    found = []
    for window in WINDOWS:
        mouse = whole.crop(window)
        labels, _ = lesion_labels(model.predict(mouse.voxels.clip(-400, 1000), mouse.spacing_mm))
        found.append(np.bincount(labels.ravel())[1:] * mouse.voxel_mm3)
    assert [len(volumes) for volumes in found] == [1, 1]
    assert 500 < found[0][0] < 1100
    assert 350 < found[1][0] < 750
