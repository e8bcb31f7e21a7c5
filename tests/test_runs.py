"""One function over many scans: order, skipping, failures, Ctrl-C, and workers that die."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from murinoma.errors import FileError, InputError, OutputError
from murinoma.runs import Outcome, run_scans
from murinoma.settings import RunSettings
from murinoma.study import Scan, read_study

ROOT = Path(__file__).parents[1]
NAMES = [f"M{mouse:02}_0d" for mouse in range(1, 9)]


@dataclass(frozen=True)
class Limit:
    """Settings of a step that counts bytes."""

    most: int = 100
    marks: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class CountBytes:
    """Count the bytes of a scan's first mask; write the number down; do mischief where a mask says so."""

    scans_per_worker: ClassVar[int] = 4
    log: Path
    seconds: float = 0

    def inputs(self, scan: Scan) -> list[Path]:
        """Return the masks."""
        return list(scan.annotations.values())

    def options(self, scan: Scan) -> dict[str, Any]:
        """Return nothing: files and settings are all."""
        return {}

    def outputs(self, scan: Scan) -> list[Path]:
        """Return the file beside the log that bears the scan's name."""
        return [self.log.with_name(f"{scan.name}.out")]

    def __call__(self, scan: Scan) -> dict[str, Any]:
        """Do as the class says."""
        content = scan.annotations["A"].read_bytes()
        with self.log.open("a") as stream:
            stream.write(scan.name + "\n")
        time.sleep(self.seconds)
        if content in MISCHIEF:
            MISCHIEF[content]()
        self.outputs(scan)[0].write_bytes(content)
        return {"bytes": len(content)}


def fail_as_ours() -> None:
    """Fail as murinoma's own code does."""
    raise InputError("the mask is damaged; draw it again")


def fail_as_a_bug() -> None:
    """Fail as nobody foresaw."""
    raise ZeroDivisionError


def run_out_of_memory() -> None:
    """Ask for more memory than there is."""
    raise MemoryError


def press_ctrl_c() -> None:
    """Do what Ctrl-C does in the main process."""
    raise KeyboardInterrupt


def die() -> None:
    """Die as a process does that the system kills."""
    os.kill(os.getpid(), signal.SIGKILL)


MISCHIEF = {
    b"bad": fail_as_ours,
    b"bug": fail_as_a_bug,
    b"memory": run_out_of_memory,
    b"stop": press_ctrl_c,
    b"die": die,
}


def scans_in(root: Path, contents: Sequence[bytes] = (b"12345",) * 4) -> list[Scan]:
    """Write scans M01_0d, M02_0d, ... of one annotator each and return them."""
    for name, content in zip(NAMES, contents, strict=False):
        path = root / f"study/Dataset 1/{name}/{name}/Annotator_A_{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(read_study(root / "study").scans)


def run(root: Path, scans: list[Scan], settings: Any = Limit(), **how: Any) -> Outcome:
    """Count bytes with a record and a log in `root`."""
    return run_scans(scans, CountBytes(root / "log"), root / "record.json", settings=settings, how=RunSettings(**how))


def worked_on(root: Path) -> list[str]:
    """Return the scans that were worked on since the last call."""
    log = root / "log"
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


def recorded(root: Path) -> set[str]:
    """Return the scans in the record."""
    return {name.removeprefix("Dataset 1 ") for name in json.loads((root / "record.json").read_text())["scans"]}


# results


def test_every_scan_has_its_result_by_key_in_order(tmp_path: Path) -> None:
    """Four scans of 1 to 4 bytes."""
    scans = scans_in(tmp_path, [b"1", b"22", b"333", b"4444"])
    outcome = run(tmp_path, scans)
    assert list(outcome.results) == [scan.key for scan in scans]
    assert [result["bytes"] for result in outcome.results.values()] == [1, 2, 3, 4]
    assert (outcome.failures, outcome.skipped, outcome.waiting) == ((), 0, 0)


def test_the_progress_counts_the_scans_that_are_done(tmp_path: Path) -> None:
    """Called after each scan with how many are done, of how many, and which; not for what is skipped."""
    scans, seen = scans_in(tmp_path), []
    run(tmp_path, scans[:1])
    for _ in range(2):
        run_scans(
            scans, CountBytes(tmp_path / "log"), tmp_path / "record.json", settings=Limit(), how=RunSettings(),
            progress=lambda *step: seen.append(step),
        )  # fmt: skip
    assert seen == [(n, 3, f"Dataset 1 M0{n + 1}_0d") for n in (1, 2, 3)]


def test_two_workers_give_what_one_gives(tmp_path: Path) -> None:
    """The same results, failures and record, in the order of the scans."""
    contents = [b"1", b"bad", b"333", b"memory", b"55555"]
    alone = run(tmp_path, scans_in(tmp_path, contents))
    first = json.loads((tmp_path / "record.json").read_text())
    together = run(tmp_path, scans_in(tmp_path, contents), workers=2, force=True)
    assert together == alone
    second = json.loads((tmp_path / "record.json").read_text())
    for record in (first, second):
        for entry in record["scans"].values():
            for stamp in entry["inputs"].values():
                del stamp["mtime_ns"]  # the masks were written twice
    assert first == second


# what is skipped


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    """Nothing changed: the results come from the record, which stays as it is."""
    scans = scans_in(tmp_path)
    first, before = run(tmp_path, scans), (tmp_path / "record.json").read_bytes()
    worked_on(tmp_path)
    second = run(tmp_path, scans)
    assert worked_on(tmp_path) == []
    assert second.results == first.results
    assert second.skipped == 4
    assert (tmp_path / "record.json").read_bytes() == before


def test_only_what_changed_is_done_again(tmp_path: Path) -> None:
    """A new content, a lost output and a new annotator: these scans and no other."""
    scans = scans_in(tmp_path)
    run(tmp_path, scans)
    worked_on(tmp_path)
    scans[0].annotations["A"].write_bytes(b"other")
    (tmp_path / f"{NAMES[1]}.out").unlink()
    (scans[2].folder / f"Annotator_B_{NAMES[2]}.nii.gz").write_bytes(b"b")
    scans[3].annotations["A"].touch()
    run(tmp_path, list(read_study(tmp_path / "study").scans))
    assert worked_on(tmp_path) == NAMES[:3]


def test_force_and_other_settings_do_all_again(tmp_path: Path) -> None:
    """Settings are part of the result; force asks for it."""
    scans = scans_in(tmp_path)
    run(tmp_path, scans)
    worked_on(tmp_path)
    run(tmp_path, scans, force=True)
    assert worked_on(tmp_path) == NAMES[:4]
    run(tmp_path, scans, Limit(most=7))
    assert worked_on(tmp_path) == NAMES[:4]
    run(tmp_path, scans, Limit(most=7))
    assert worked_on(tmp_path) == []


def test_another_version_does_all_again(tmp_path: Path) -> None:
    """A record of an older murinoma counts for nothing."""
    scans = scans_in(tmp_path)
    run(tmp_path, scans)
    worked_on(tmp_path)
    record = json.loads((tmp_path / "record.json").read_text())
    (tmp_path / "record.json").write_text(json.dumps({**record, "version": "0.0.1"}))
    run(tmp_path, scans)
    assert worked_on(tmp_path) == NAMES[:4]


def test_a_dry_run_counts_and_does_nothing(tmp_path: Path) -> None:
    """One scan is done, three wait; no file is written, not even a record."""
    scans = scans_in(tmp_path)
    assert run(tmp_path, scans, dry_run=True).waiting == 4
    assert not (tmp_path / "record.json").exists()
    run(tmp_path, scans[:1])
    before = (tmp_path / "record.json").read_bytes()
    worked_on(tmp_path)
    outcome = run(tmp_path, scans, dry_run=True)
    assert (outcome.skipped, outcome.waiting, worked_on(tmp_path)) == (1, 3, [])
    assert (tmp_path / "record.json").read_bytes() == before


def test_no_scans_are_no_work(tmp_path: Path) -> None:
    """An empty study gives an empty outcome, in one process or two."""
    for workers in (0, 1, 2):
        assert run(tmp_path, [], workers=workers).results == {}


# what fails


@pytest.mark.parametrize("workers", [1, 2])
def test_a_scan_that_fails_does_not_stop_the_others(tmp_path: Path, workers: int) -> None:
    """Its sentence is collected, it is not in the record, and the next run tries it again alone."""
    scans = scans_in(tmp_path, [b"1", b"bad", b"memory", b"4"])
    outcome = run(tmp_path, scans, workers=workers)
    assert [key[1] for key in outcome.results] == ["M01", "M04"]
    assert [(failure.scan, failure.message) for failure in outcome.failures] == [
        ("Dataset 1 M02_0d", "the mask is damaged; draw it again"),
        ("Dataset 1 M03_0d", "there is not enough memory for this scan; run again with --workers 1"),
    ]
    assert recorded(tmp_path) == {"M01_0d", "M04_0d"}
    worked_on(tmp_path)
    assert run(tmp_path, scans).skipped == 2
    assert worked_on(tmp_path) == ["M02_0d", "M03_0d"]


def test_an_input_that_vanished_is_a_failure_with_its_name(tmp_path: Path) -> None:
    """A mask that is deleted between reading the study and working on it."""
    scans = scans_in(tmp_path)
    scans[1].annotations["A"].unlink()
    outcome = run(tmp_path, scans)
    assert len(outcome.results) == 3
    assert "Annotator_A_M02_0d.nii.gz" in outcome.failures[0].message


def test_a_bug_shows_itself_and_keeps_the_record(tmp_path: Path) -> None:
    """An error that is not ours goes up; what was done before it is not lost."""
    scans = scans_in(tmp_path, [b"1", b"2", b"bug", b"4"])
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, scans)
    assert recorded(tmp_path) == {"M01_0d", "M02_0d"}


def test_a_damaged_record_is_refused_before_any_work(tmp_path: Path) -> None:
    """The sentence names the record; with force it is replaced."""
    scans = scans_in(tmp_path)
    (tmp_path / "record.json").write_bytes(b'{"format": ')
    with pytest.raises(FileError, match=r"record\.json"):
        run(tmp_path, scans)
    assert worked_on(tmp_path) == []
    run(tmp_path, scans, force=True)
    assert recorded(tmp_path) == set(NAMES[:4])


def test_an_entry_without_inputs_is_damage_not_a_traceback(tmp_path: Path) -> None:
    """A record that somebody edited by hand: done again, or refused in one sentence."""
    scans = scans_in(tmp_path)
    run(tmp_path, scans)
    record = json.loads((tmp_path / "record.json").read_text())
    broken: dict[str, Any]
    for broken in ({}, {"inputs": {"Annotator_A_M01_0d.nii.gz": {}}}, {"inputs": None, "result": {}}):
        entries = {**record["scans"], "Dataset 1 M01_0d": broken}
        (tmp_path / "record.json").write_text(json.dumps({**record, "scans": entries}))
        with contextlib.suppress(FileError):
            assert len(run(tmp_path, scans).results) == 4


def test_a_record_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    """Its folder is a file."""
    scans = scans_in(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"record\.json"):
        run_scans(
            scans, CountBytes(tmp_path / "log"), tmp_path / "file" / "record.json", settings=Limit(), how=RunSettings()
        )


# what stops


def test_ctrl_c_keeps_what_was_done_and_the_next_run_does_the_rest(tmp_path: Path) -> None:
    """Stopped in the third of four scans: two are recorded, and the rerun works on the other two."""
    scans = scans_in(tmp_path, [b"1", b"2", b"stop", b"4"])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, scans)
    assert recorded(tmp_path) == {"M01_0d", "M02_0d"}
    worked_on(tmp_path)
    scans[2].annotations["A"].write_bytes(b"3")
    assert len(run(tmp_path, scans).results) == 4
    assert worked_on(tmp_path) == NAMES[2:4]


INTERRUPTED = """
import sys
from pathlib import Path
from murinoma.runs import run_scans
from murinoma.settings import RunSettings
from murinoma.study import read_study
from tests.test_runs import CountBytes, Limit
root, workers = Path(sys.argv[1]), int(sys.argv[2])
scans = read_study(root / "study").scans
try:
    outcome = run_scans(
        scans, CountBytes(root / "log", seconds=0.15), root / "record.json", settings=Limit(),
        how=RunSettings(workers=workers), progress=lambda *step: print(step[0], flush=True),
    )
    print("results", len(outcome.results), "skipped", outcome.skipped)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_real_ctrl_c_stops_every_process_and_keeps_the_record(tmp_path: Path, workers: int) -> None:
    """SIGINT to the whole group, as a terminal sends it, after two of eight scans: nothing recorded is done twice."""
    scans_in(tmp_path, [b"x"] * 8)
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(workers)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["1", "2"]
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert said.split()[-1] == "interrupted"
    assert "Traceback" not in errors
    kept = recorded(tmp_path)
    assert 2 <= len(kept) < 8
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == f"results 8 skipped {len(kept)}"
    times = Counter(worked_on(tmp_path))
    assert {name for name in kept if times[name] != 1} == set()
    assert list(tmp_path.glob(".*")) == []


def test_ctrl_c_while_the_workers_start_shows_no_traceback(tmp_path: Path) -> None:
    """In the first tenths of a second, while the workers still import: the parent stops, no child prints anything."""
    scans_in(tmp_path, [b"x"] * 8)
    code = INTERRUPTED.replace("try:", "print('start', flush=True)\ntry:")
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), "2"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "start\n"
    time.sleep(0.15)
    os.killpg(process.pid, signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert errors == ""
    assert said.split()[-1] == "interrupted"


def test_a_killed_worker_is_a_failure_of_its_scans_and_the_rerun_does_the_rest(tmp_path: Path) -> None:
    """The system kills a worker for lack of memory: no hang, a sentence that says what to do, no work lost."""
    scans = scans_in(tmp_path, [b"1", b"2", b"die", b"4"])
    outcome = run(tmp_path, scans, workers=2)
    failed = {failure.scan: failure.message for failure in outcome.failures}
    assert "Dataset 1 M03_0d" in failed
    assert all("a worker process was killed" in message for message in failed.values())
    assert len(outcome.results) + len(failed) == 4
    assert len(recorded(tmp_path) if (tmp_path / "record.json").exists() else ()) == len(outcome.results)
    scans[2].annotations["A"].write_bytes(b"3")
    again = run(tmp_path, scans)
    assert again.skipped == len(outcome.results)
    assert len(again.results) == 4
