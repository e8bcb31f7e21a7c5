"""The commands evaluate, calibrate and review, as people meet them."""

import json
import re
import sys
from pathlib import Path

import pytest

from murinoma.ui import cli
from tests.builders import three_masks, two_scan_study, write_nifti


def murinoma(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object
) -> tuple[object, str, str]:
    """Run a command line; return exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["murinoma", *map(str, words)])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    told = capsys.readouterr()
    return leaving.value.code, told.out, told.err


def test_the_answer_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence before all notices, the folder on standard output."""
    root = two_scan_study(tmp_path / "study")
    code, out, err = murinoma(monkeypatch, capsys, "evaluate", root, "--source", "B")
    assert code == 0
    assert out == f"{root / 'derivatives' / 'evaluation' / 'B'}\n"
    assert err.startswith("note: Whether B is within human variability cannot be told from 1 mouse: its Dice")
    assert "verdict cannot tell" in err


def test_json_holds_the_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object; the folder of another program's masks, named for this evaluation."""
    write_nifti(tmp_path / "masks" / "M01_0d.nii.gz", three_masks()["B"])
    words = ("evaluate", two_scan_study(tmp_path / "study"), "--source", "nnunet", "--masks", tmp_path / "masks")
    code, out, _ = murinoma(monkeypatch, capsys, *words, "--json")
    told = json.loads(out)
    assert (code, told["step"], told["scans"], told["numbers"]["verdict"]) == (0, "evaluate", 1, "cannot tell")


def test_probabilities_and_samples_are_scored_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table's path on standard output."""
    root = two_scan_study(tmp_path / "study")
    for name, mask in three_masks().items():
        write_nifti(tmp_path / "drawn" / name / "M01_0d.nii.gz", mask)
    write_nifti(tmp_path / "soft" / "M01_0d.nii.gz", three_masks()["B"].astype("f4"))
    for option, folder, table in (("--samples", "drawn", "samples"), ("--probabilities", "soft", "probabilities")):
        words = ("evaluate", root, "--source", "x", option, tmp_path / folder)
        code, out, err = murinoma(monkeypatch, capsys, *words)
        assert code == 0, err
        assert out.endswith(f"evaluation/x/{table}.csv\n")
        assert "brier" in err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["evaluate", "--source", "nobody"], 2, "there is no source 'nobody'; this study has A, B, C"),
        (["evaluate"], 2, "Missing option '--source'"),
        (["evaluate", "--source", "x", "--masks", "a", "--samples", "b"], 2, "ask one at a time"),
        (["evaluate", "--source", "x", "--masks", "nowhere"], 1, "nowhere is no folder"),
        (["calibrate", "--source", "net"], 1, "'net' was not evaluated on this study"),
        (["calibrate", "--source", "net", "--coverage", "2"], 2, "Invalid value for '--coverage'"),
        (["review"], 1, "nothing is known of the scans"),
    ],
)
def test_what_is_refused(
    words: list[str],
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, and the exit code that says whose turn it is."""
    command, *rest = words
    found, _, err = murinoma(monkeypatch, capsys, command, two_scan_study(tmp_path / "study"), *rest)
    assert found == code
    assert re.search(sentence, " ".join(err.split())), err


def test_calibrate_and_review_go_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One mouse is too few to calibrate; after agree the queue is written."""
    root = two_scan_study(tmp_path / "study")
    for step in (["agree", root], ["evaluate", root, "--source", "B"]):
        assert murinoma(monkeypatch, capsys, *step)[0] == 0
    code, _, err = murinoma(monkeypatch, capsys, "calibrate", root, "--source", "B")
    assert code == 1
    assert "1 mouse has a tumor that 'B' found" in err
    code, out, err = murinoma(monkeypatch, capsys, "review", root)
    assert code == 0, err
    assert out == f"{root / 'derivatives' / 'review' / 'queue.csv'}\n"
