"""The command train, as people meet it."""

import re
import sys
from pathlib import Path

import pytest

from murinoma.ui import cli
from tests.builders import two_scan_study


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--name", "m"], 1, "no scan of .* has a CT and an annotation"),
        (["--name", "a/b"], 2, "'a/b' cannot name a model"),
        ([], 2, "Missing option '--name'"),
        (["--name", "m", "--pasted", "2"], 2, "Invalid value for '--pasted'"),
    ],
)
def test_what_train_refuses(
    words: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, and the exit code that says whose turn it is."""
    pytest.importorskip("torch", reason="the extra train is not installed")
    monkeypatch.setattr(sys, "argv", ["murinoma", "train", str(two_scan_study(tmp_path / "study")), *words])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == code
    told = " ".join(capsys.readouterr().err.split())
    assert re.search(sentence, told), told


def test_a_missing_extra_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 with the command that installs it."""
    monkeypatch.setattr("murinoma.steps.train.find_spec", lambda name: None)
    root = two_scan_study(tmp_path / "study")
    monkeypatch.setattr(sys, "argv", ["murinoma", "train", str(root), "--name", "m"])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 2
    assert "pip install 'murinoma[train]'" in capsys.readouterr().err
