"""The step segment with a tiny model of random weights: files, numbers, reruns, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError, StudyError, UsageError
from murinoma.files.nifti import read_volume
from murinoma.settings import RunSettings, SegmentSettings
from murinoma.steps import StepResult
from murinoma.steps.segment import segment
from murinoma.study import read_study
from tests.builders import three_masks, write_scan
from tests.models.small_models import write_tiny_model

pytest.importorskip("torch", reason="models need torch or openvino")
pytest.importorskip("onnx", reason="a model is written with onnx")

SPACING_MM = (0.5, 0.5, 0.5)


def animal() -> np.ndarray:
    """Return a CT of a body without details: an ellipsoid of noisy tissue, 40 x 14 x 14 mm."""
    z, y, x = np.ogrid[-45:45, -18:18, -18:18]
    noise = np.random.default_rng(1).normal(40, 40, (90, 36, 36))
    return np.where((z / 40) ** 2 + (y / 14) ** 2 + (x / 14) ** 2 < 1, noise, -1000).astype(np.int16)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a study of one scan, with a model in it."""
    root = tmp_path_factory.mktemp("segment") / "study"
    write_scan(root, "M01_0d", {}, ct=animal(), spacing_mm=SPACING_MM)
    write_tiny_model(root / "models" / "tiny")
    return root


def run(root: Path, model: str = "tiny", head: str = "consensus", **how: Any) -> StepResult:
    """Segment a study."""
    return segment(read_study(root), model, settings=SegmentSettings(head), how=RunSettings(**how))


def test_a_mask_its_volumes_and_its_lesions_belong_together(root: Path) -> None:
    """The mask lies on the CT's grid; volumes.csv has its voxels, lesions.csv also what was left out, with a reason."""
    result = run(root, force=True)
    assert (result.scans, result.failed) == (1, ())
    study = read_study(root)
    (scan,) = study.scans
    assert scan.ct is not None
    ct, mask = read_volume(scan.ct), read_volume(study.prediction_path(scan, "tiny"))
    assert mask.voxels.dtype == np.uint8
    assert mask.shape == ct.shape
    np.testing.assert_allclose(mask.affine, ct.affine)
    volumes = pd.read_csv(study.volumes_path())
    whole = volumes[(volumes["source"] == "tiny") & volumes["tumor"].isna()]["volume_mm3"]
    assert whole.tolist() == pytest.approx([np.count_nonzero(mask.voxels) * ct.voxel_mm3])
    lesions = pd.read_csv(result.result / "lesions.csv")  # type: ignore[operator]
    assert set(lesions["tumor"].dropna()) == set(np.unique(mask.voxels)) - {0}
    assert lesions.loc[lesions["tumor"].isna(), "left_out_because"].notna().all()
    assert "for research, not for diagnosis; its limits: its weights are random" in result.notices[-1]


def test_a_second_run_reads_nothing_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record shows the scan as done; another head is another result."""
    run(root)

    def refuse(path: Path) -> None:
        raise AssertionError(f"{path} was read")

    for module in ("reading", "numbering"):
        monkeypatch.setattr(f"murinoma.steps.segment.{module}.read_volume", refuse)
    assert run(root).failed == ()
    with pytest.raises(AssertionError):
        run(root, head="A")


def test_a_model_may_be_named_by_its_folder(root: Path, tmp_path: Path) -> None:
    """A path wins over a name within the study; the masks go by the name on the card."""
    write_tiny_model(tmp_path / "copied")
    assert run(root, str(tmp_path / "copied"), dry_run=True).step == "segment"


def test_what_cannot_be_segmented_is_one_sentence(root: Path, tmp_path: Path) -> None:
    """No such model, no such head, a damaged model, no CT: each names what to do."""
    with pytest.raises(UsageError, match="there is no model 'other'"):
        run(root, "other")
    with pytest.raises(UsageError, match="no head 'Z'; it has A, B, consensus"):
        run(root, head="Z")
    write_tiny_model(tmp_path / "broken")
    (tmp_path / "broken" / "fine.onnx").write_bytes(b"x")
    with pytest.raises(FileError):
        run(root, str(tmp_path / "broken"))
    write_scan(tmp_path / "masks", masks=three_masks())
    with pytest.raises(StudyError, match="has a CT"):
        run(tmp_path / "masks", str(root / "models" / "tiny"))


def test_a_scan_that_is_no_mouse_fails_alone(tmp_path: Path) -> None:
    """An empty field among scans: it is named, and the others are done."""
    root = tmp_path / "study"
    write_scan(root, "M01_0d", {}, ct=animal(), spacing_mm=SPACING_MM)
    write_scan(root, "M02_0d", {}, ct=np.full((80, 60, 60), -1000, np.int16), spacing_mm=SPACING_MM)
    write_tiny_model(root / "models" / "tiny")
    result = run(root)
    assert result.scans == 1
    assert [failure.scan for failure in result.failed] == ["Dataset 1 M02_0d"]
