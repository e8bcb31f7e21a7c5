"""The commands growth and assign, as people meet them."""

import json
import re
import sys
from pathlib import Path

import pytest

from murinoma.ui import cli
from tests.steps.growth.cohorts import trial, write_csv

RATES = {"control": (0.10, 0.11, 0.12), "drug A": (0.05, 0.06, 0.07)}


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run the command line and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["murinoma", *map(str, words)])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    return int(leaving.value.code or 0)


def test_growth_of_a_file_without_a_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results go to ./growth; standard output carries the page's path alone; the arms were found beside the file."""
    volumes = trial(tmp_path / "trial", RATES, (0, 7))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert command(monkeypatch, "growth", "--volumes", volumes, "--day", "7") == 0
    printed = capsys.readouterr()
    assert printed.out == f"{Path('growth') / 'index.html'}\n"
    assert "growth: 12 scans; mice 6, with_rate 6" in printed.err
    assert (tmp_path / "here" / "growth" / "arms.csv").is_file()


def test_a_dry_run_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One object; nothing is written; an unusable row gives exit code 1."""
    volumes = trial(tmp_path, RATES, (0, 7))
    with volumes.open("a", encoding="utf-8") as stream:
        stream.write("1,M01,9d,many\n")
    words = ("growth", "--volumes", volumes, "--out", tmp_path / "out", "--dry-run", "--json")
    assert command(monkeypatch, *words) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said["step"], said["result"], said["numbers"]["mice"]) == ("growth", None, 6)
    assert "no usable volume" in said["failed"][0]["message"]
    assert not (tmp_path / "out").exists()


def test_assign_then_growth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The path of the table, the balance in words, and a second assignment refused with exit code 1."""
    volumes = write_csv(tmp_path / "base.csv", "mouse,day,volume_mm3", [(f"M{n}", 0, 100 + 10 * n) for n in range(6)])
    words = ("assign", "--volumes", volumes, "--arms", "control, drug A", "--seed", 3)
    assert command(monkeypatch, *words) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(tmp_path / "assignment" / "assignment.csv")
    assert "assessed 6, assigned 6" in printed.err
    assert command(monkeypatch, *words) == 1
    assert "mice are assigned once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["growth"], 2, "name a study, or a file of volumes with --volumes"),
        (["growth", "--volumes", "none.csv"], 1, "cannot read the volumes in none.csv"),
        (["growth", "--volumes", "none.csv", "--limit", "0"], 2, "Invalid value for '--limit'"),
        (["assign", "--volumes", "none.csv"], 2, "Missing option '--arms'"),
        (["assign", "--arms", "a", "--volumes", "none.csv"], 2, "two or more different arms"),
        (["assign", "--arms", "a,b", "--between", "50"], 2, "--between '50' is not understood; write 50:300"),
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
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, *words) == code
    told = " ".join(capsys.readouterr().err.split())
    assert re.search(sentence, told), told
