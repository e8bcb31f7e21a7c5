"""The commands segment and split --segment-with, as people meet them."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from murinoma.ui import cli
from tests.builders import two_scan_study, write_nifti
from tests.models.made_up_mice import LEFT, MM, ReadingModel, mouse_ct
from tests.models.small_models import write_tiny_model

pytest.importorskip("torch", reason="models need torch or openvino")
pytest.importorskip("onnx", reason="a model is written with onnx")


def say(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["murinoma", *words])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    return int(leaving.value.code or 0)


def test_cts_are_segmented_into_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files, one of them no mouse: exit code 1, the result's folder on standard output, the sentence beside it."""
    monkeypatch.setattr("murinoma.steps.segment.work.opened", lambda folder, card: ReadingModel())
    write_tiny_model(tmp_path / "tiny")
    images = {"mouse": mouse_ct((LEFT, 6)), "air": np.full((60, 40, 40), -1000, np.int16)}
    cts = [str(write_nifti(tmp_path / f"{name}.nii.gz", ct, spacing_mm=(MM, MM, MM))) for name, ct in images.items()]
    out = tmp_path / "out"
    code = say(monkeypatch, "segment", *cts, "--model", str(tmp_path / "tiny"), "--out", str(out), "--json")
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (code, result["scans"], result["numbers"]["tumors"], result["result"]) == (1, 1, 1, str(out))
    assert "air.nii.gz: no body found" in told.err
    assert (out / "Prediction_mouse.nii.gz").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["segment", "{study}", "--model", "none"], "there is no model 'none'"),
        (["segment", "{study}", "{study}", "--model", "{study}"], "neither a study nor a NIfTI file"),
        (["segment", "{study}"], "Missing option '--model'"),
        (["split", "a.img", "--into", "{study}", "--paste"], "say with --segment-with which model makes them"),
    ],
)
def test_what_is_wrong_use(
    words: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence and exit code 2."""
    study = str(two_scan_study(tmp_path / "study"))
    assert say(monkeypatch, *(word.format(study=study) for word in words)) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert re.search(sentence, told), told
