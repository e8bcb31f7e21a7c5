"""Single CT files: where masks go, what the tables say, what is refused; and the next CT read ahead."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murinoma.errors import FileError, UsageError
from murinoma.files.nifti import read_volume
from murinoma.models.runtime import CoarseToFine
from murinoma.settings import RunSettings
from murinoma.steps.segment.opening import find_model, opened
from murinoma.steps.segment.reading import ReadAhead
from murinoma.steps.segment.single import segment_files
from tests.builders import write_nifti
from tests.models.made_up_mice import LEFT, MM, RIGHT, ReadingModel, mouse_ct
from tests.models.small_models import write_tiny_model

pytest.importorskip("torch", reason="models need torch or openvino")
pytest.importorskip("onnx", reason="a model is written with onnx")

SPACING_MM = (MM, MM, MM)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the folder of a model, with what reads tumors off the CT in place of its weights."""
    reading = ReadingModel()
    monkeypatch.setattr("murinoma.steps.segment.work.opened", lambda folder, card: reading)
    write_tiny_model(tmp_path / "tiny")
    return str(tmp_path / "tiny")


@pytest.fixture
def cts(tmp_path: Path) -> list[Path]:
    """Return CTs of the same name in two folders, the second without a tumor, and a third that is empty."""
    images = mouse_ct((LEFT, 6), (RIGHT, 5)), mouse_ct(), np.full((60, 40, 40), -1000, np.int16)
    places = ("a/ct.nii.gz", "b/ct.nii.gz", "b/air.nii")
    return [write_nifti(tmp_path / at, ct, spacing_mm=SPACING_MM) for at, ct in zip(places, images, strict=True)]


def test_masks_pictures_and_volumes_go_beside_the_first_ct(cts: list[Path], model: str) -> None:
    """The folders that tell the CTs apart are kept; what is no mouse fails alone; an empty mask is an answer."""
    result = segment_files(cts, model)
    out = cts[0].parent / "segmented"
    assert (result.result, result.scans) == (out, 2)
    assert [failure.scan for failure in result.failed] == [str(cts[2])]
    assert "no body found" in result.failed[0].message
    mask = read_volume(out / "a" / "Prediction_ct.nii.gz")
    assert np.unique(mask.voxels).tolist() == [0, 1, 2]
    assert not read_volume(out / "b" / "Prediction_ct.nii.gz").voxels.any()
    assert (out / "a" / "Preview_ct.png").read_bytes().startswith(b"\x89PNG")
    volumes = pd.read_csv(out / "volumes.csv")
    assert volumes["file"].tolist() == [str(cts[0])] * 3 + [str(cts[1])]
    assert volumes["volume_mm3"].tolist() == pytest.approx(
        [np.count_nonzero(mask.voxels) * MM**3, *(np.count_nonzero(mask.voxels == k) * MM**3 for k in (1, 2)), 0]
    )
    assert volumes[["volume_low_mm3", "volume_high_mm3"]].isna().all(axis=None)
    assert any("no tumor was found in 1 CT" in notice for notice in result.notices)


def test_a_second_run_does_only_what_is_not_done(cts: list[Path], model: str, tmp_path: Path) -> None:
    """Two are taken from the record, the failed one waits; --out says where."""
    out = tmp_path / "out"
    segment_files(cts, model, out=out)
    waiting = segment_files(cts, model, out=out, how=RunSettings(dry_run=True))
    assert waiting.numbers == {"waiting": 1, "done": 2}


def test_what_cannot_be_meant_is_refused(cts: list[Path], model: str, tmp_path: Path) -> None:
    """A scanner's file, one CT twice, two that would share a mask, no such model."""
    with pytest.raises(UsageError, match="murinoma split"):
        segment_files([tmp_path / "scan.img"], model)
    with pytest.raises(UsageError, match="named twice"):
        segment_files([cts[0], cts[0]], model)
    with pytest.raises(UsageError, match="would have the same mask"):
        segment_files([cts[0], cts[0].with_name("ct.nii")], model)
    with pytest.raises(UsageError, match="there is no"):
        segment_files(cts, "no-such-model")


def test_the_next_ct_is_read_ahead(cts: list[Path], tmp_path: Path) -> None:
    """In any order each is what it is; one with a mask is not read ahead; an error is told when it is its turn."""
    masks = [tmp_path / "none"] * 2
    reader = ReadAhead(list(zip(cts[:2], masks, strict=True)))
    assert reader.take(cts[0]).voxels.max() == reader.take(cts[1]).voxels.max() == 900
    assert np.count_nonzero(reader.take(cts[0]).voxels == 41)
    reader.close()
    reader = ReadAhead([(cts[0], masks[0]), (cts[1], cts[1])])
    reader.take(cts[0])
    assert reader._ahead is None
    reader.close()
    cts[1].write_bytes(b"x")
    reader = ReadAhead(list(zip(cts[:2], masks, strict=True)))
    reader.take(cts[0])
    with pytest.raises(FileError):
        reader.take(cts[1])
    reader.close()


def test_a_model_that_was_trained_anew_is_opened_anew(tmp_path: Path) -> None:
    """The same folder with other weights is another model; with the same it stays open."""
    write_tiny_model(tmp_path / "tiny")
    folder, card = find_model(str(tmp_path / "tiny"), "A")
    first = opened(folder, card)
    assert isinstance(first, CoarseToFine)
    assert opened(*find_model(str(tmp_path / "tiny"), "A")) is first
    coarse = (folder / "coarse.onnx").read_bytes()
    write_tiny_model(tmp_path / "tiny", weights=2)
    assert (folder / "coarse.onnx").read_bytes() != coarse
    assert opened(*find_model(str(tmp_path / "tiny"), "A")) is not first


@pytest.mark.parametrize(
    ("spacing_mm", "change", "sentence"),
    [
        (MM, lambda ct: (ct + 1000) / 5000.0, "are its grey values HU"),  # attenuation, 1/mm
        (MM, lambda ct: np.full(ct.shape, np.nan), "voxels that are NaN or infinite"),
        (MM, lambda ct: np.where(np.indices(ct.shape)[0] < 5, ct, -1000), "no body found|a mouse 1 to 120 cm3"),
        (0.9, lambda ct: ct, "0.04 to 0.6 mm are expected"),  # a human's, or a wrong header
        (0.59, lambda ct: np.pad(ct, ((0, 320), (0, 0), (0, 0)), mode="edge"), "too large for one mouse"),
    ],
)
def test_what_is_no_mouse_is_one_sentence(
    spacing_mm: float, change: Callable[[np.ndarray], np.ndarray], sentence: str, model: str, tmp_path: Path
) -> None:
    """The file is named, the remedy too, and nothing is written for it."""
    ct = change(mouse_ct((LEFT, 6)))
    voxels = ct.astype(np.float32) if ct.dtype.kind == "f" else ct.astype(np.int16)
    path = write_nifti(tmp_path / "ct.nii.gz", voxels, spacing_mm=(spacing_mm,) * 3)
    result = segment_files([path], model)
    assert (result.scans, result.result) == (0, None)
    assert re.search(sentence, result.failed[0].message), result.failed[0].message
    assert not list(tmp_path.rglob("Prediction_*"))


@pytest.mark.parametrize("offset", [-100, 100])
def test_a_shift_of_hu_is_no_error(offset: int, model: str, tmp_path: Path) -> None:
    """The mouse is found all the same; far off, the user is told so."""
    far = write_nifti(tmp_path / "far.nii.gz", mouse_ct() + np.int16(5 * offset), spacing_mm=SPACING_MM)
    near = write_nifti(tmp_path / "near.nii.gz", mouse_ct() + np.int16(offset), spacing_mm=SPACING_MM)
    result = segment_files([near, far], model)
    assert result.scans == 2
    assert [str(far) in notice for notice in result.notices if "calibration is off" in notice] == [True]


def test_a_shipped_model_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a folder of that name; which ones there are is said where there is none."""
    write_tiny_model(tmp_path / "shipped")
    shipped = {"xeno-0": tmp_path / "shipped"}
    monkeypatch.setattr("murinoma.models.shipped.shipped_models", lambda: shipped)
    assert find_model("xeno-0", "consensus")[0] == tmp_path / "shipped"
    with pytest.raises(UsageError, match=r"there is no model 'xeno': .*; shipped are: xeno-0;"):
        find_model("xeno", "consensus")
