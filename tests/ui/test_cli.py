"""The command line, as people and scripts meet it: output, exit codes, one sentence per error."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from murinoma.ui import cli
from tests.builders import three_masks, two_scan_study, write_scan


class Ran:
    """What a command left: exit code, standard output, standard error."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def murinoma(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> "Command":
    """Return a function that runs a command line in this process."""
    return Command(monkeypatch, capsys)


class Command:
    """Runs command lines in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: object) -> Ran:
        """Run one command line and return what it left."""
        self.monkeypatch.setattr(sys, "argv", ["murinoma", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        told = self.capsys.readouterr()
        code = leaving.value.code
        return Ran(code if isinstance(code, int) else 0, told.out, told.err)


def test_standard_output_is_the_path_of_the_result_alone(murinoma: Command, tmp_path: Path) -> None:
    """A script can take it as it is; what is said to people goes to standard error."""
    ran = murinoma("agree", two_scan_study(tmp_path / "study"), "--out", tmp_path / "out")
    assert ran.code == 0
    assert ran.out == f"{tmp_path / 'out' / 'agreement'}\n"
    assert "agree: 2 scans" in ran.err


def test_json_is_one_object_with_the_named_fields(murinoma: Command, tmp_path: Path) -> None:
    """Step, result, scans, failed, notices, numbers."""
    ran = murinoma("agree", two_scan_study(tmp_path / "study"), "--json")
    told = json.loads(ran.out)
    assert sorted(told) == ["failed", "notices", "numbers", "result", "scans", "step"]
    assert (told["step"], told["scans"], told["failed"]) == ("agree", 2, [])
    assert told["numbers"]["dice_mean"] == pytest.approx((96 / 112 + 96 / 128 + 128 / 144) / 3)


def test_a_failed_scan_gives_exit_code_1_and_the_rest_is_written(murinoma: Command, tmp_path: Path) -> None:
    """One sentence names the scan, the file and the remedy; there is no traceback."""
    root = two_scan_study(tmp_path / "study")
    path = next(root.rglob("Annotator_A_M01_8d.nii.gz"))
    path.write_bytes(path.read_bytes()[:-30])
    ran = murinoma("agree", root)
    assert ran.code == 1
    (sentence,) = [line for line in ran.err.splitlines() if "M01_8d" in line]
    assert "Annotator_A_M01_8d.nii.gz" in sentence
    assert "copy it again" in sentence
    assert "Traceback" not in ran.err
    assert (root / "derivatives" / "agreement" / "scans.csv").read_text().count("\n") == 2


def test_oddities_alone_give_exit_code_0(murinoma: Command, tmp_path: Path) -> None:
    """`check` of a study with oddities is a success; with an error it is not."""
    root = two_scan_study(tmp_path / "study")
    assert murinoma("check", root).code == 0
    write_scan(root, "M02_0d", {"A": three_masks()["A"], "B": np.zeros((9, 8, 8), np.uint8)})
    ran = murinoma("check", root)
    assert ran.code == 1
    assert "9" in ran.err


@pytest.mark.parametrize(
    "words",
    [["agre"], ["agree"], ["agree", "--workers", "many", "."], ["merge", ".", "--method", "median"], ["--nonsense"]],
)
def test_a_wrong_word_gives_exit_code_2(murinoma: Command, words: list[str]) -> None:
    """An unknown command, option, value or consensus is a matter of use."""
    assert murinoma(*words).code == 2


@pytest.mark.parametrize("command", ["agree", "check", "merge", "report"])
def test_a_folder_that_is_no_study_gives_one_sentence(murinoma: Command, tmp_path: Path, command: str) -> None:
    """Missing, empty, and a file: exit code 1 and what a study looks like."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("missing", "empty", "file"):
        ran = murinoma(command, tmp_path / name)
        assert ran.code == 1
        assert ran.err.count("\n") == 1
        assert str(tmp_path / name) in ran.err


def test_a_dry_run_writes_nothing(murinoma: Command, tmp_path: Path) -> None:
    """It says how many scans wait."""
    root = two_scan_study(tmp_path / "study")
    for command in ("check", "agree", "merge"):
        ran = murinoma(command, root, "--dry-run")
        assert (ran.code, ran.out) == (0, "")
        assert "waiting 2" in ran.err
    assert not (root / "derivatives").exists()


def test_a_mistake_of_ours_is_said_without_a_traceback(
    murinoma: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --debug the traceback shows; without it there is a sentence and exit code 1."""
    monkeypatch.setattr("murinoma.study.read_study", lambda *_, **__: 1 / 0)
    ran = murinoma("agree", tmp_path)
    assert ran.code == 1
    assert "a mistake in murinoma (ZeroDivisionError: division by zero)" in ran.err
    with pytest.raises(ZeroDivisionError):
        murinoma("agree", tmp_path, "--debug")


def test_help_loads_no_numerical_library() -> None:
    """The command line itself imports typer and the standard library, so that help comes at once."""
    heavy = {"numpy", "pandas", "scipy", "matplotlib", "nibabel"}
    script = f"import sys, murinoma.ui.cli; print(*sorted({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_names_with_blanks_accents_and_quotes(murinoma: Command, tmp_path: Path) -> None:
    """An annotator called O'Brien "Zoë" in a study with blanks goes through every step."""
    masks = three_masks()
    root = tmp_path / 'my "first" study, März'
    write_scan(root, "M01_0d", {'O\'Brien "Zoë"': masks["A"], "B": masks["B"]})
    for command in ("check", "agree", "merge"):
        ran = murinoma(command, root)
        assert (ran.code, "mistake" in ran.err) == (0, False)
    header = (root / "derivatives" / "agreement" / "table3.csv").read_text(encoding="utf-8")
    assert "O'Brien" in header
    assert "Zoë" in header


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    """Interrupted in the middle of a run, the record keeps what was done, and no temporary file is left."""
    root = tmp_path / "study"
    for number in range(1, 401):
        write_scan(root, f"M{number:03d}_0d", three_masks((40, 40, 40)))
    command = [sys.executable, "-c", "from murinoma.ui.cli import main; main()", "merge", str(root), "--workers", "1"]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list((root / "derivatives").rglob("STAPLE_M02*")) and started.poll() is None:
        time.sleep(0.02)
    os.kill(started.pid, signal.SIGINT)
    _, told = started.communicate()
    assert started.returncode == 130
    assert "stopped; what was done is kept" in told
    assert "Traceback" not in told
    assert not list(root.rglob(".*.tmp"))
    done = len(json.loads((root / "derivatives" / "consensus" / "record.json").read_text())["scans"])
    assert 1 <= done < 400
    ran = subprocess.run([*command, "--dry-run", "--json"], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["numbers"] == {"waiting": 400 - done, "done": done}
