"""Show that a campaign loses no work: processes killed at random moments, and three annotators at once.

Run from the repository: ``python evidence/annotation_kills.py [--kills 100] [--minutes 5]``; it takes some ten minutes
and writes docs/evidence/annotation_kills.md. It ends with exit code 1 if anything was lost.

A process annotates as fast as it can. Before each save it says what it will save, and afterwards that it is saved;
what it draws follows from a number, so that whoever reads the words knows every voxel.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from murinoma.campaign import Store, create_plan, open_store, progress, read_plan
from murinoma.campaign.packing import labels_sha256
from murinoma.errors import OutputError
from murinoma.study import Study, read_study
from murinoma.study.campaign_paths import campaign_store_path

REPORT = Path(__file__).parents[1] / "docs" / "evidence" / "annotation_kills.md"
SHAPE = (60, 192, 192)  # a slice is as large as a published one
SCANS = 12
SEED = 2024
MOST_SECONDS, OPENING_SECONDS = 0.7, 0.04  # from when a store is open, or begins to be opened, to the kill
LOOK_SECONDS = 0.5  # between two looks of the coordinator

Stroke = dict[str, Any]  # what is saved: kind, code, number, and for a slice z


# ---- what a process draws, from a number


def drawing(number: int, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return labels 0..2 in a box, noise inside: every number gives others."""
    rng = np.random.default_rng(number)
    labels = np.zeros(shape, np.uint8)
    box = tuple(slice(int(start), int(start) + min(30, n // 2)) for n in shape for start in [rng.integers(0, n // 2)])
    labels[box] = rng.integers(0, 3, labels[box].shape)
    return labels


def save(store: Store, stroke: Stroke) -> None:
    """Save one stroke as the front ends do."""
    code, number = stroke["code"], stroke["number"]
    match stroke["kind"]:
        case "begin":
            store.begin(code, SHAPE)
        case "slice":
            store.save_slice(code, stroke["z"], drawing(number, SHAPE[1:]))
        case "removed":
            store.save_removed(code, drawing(number, SHAPE) == 2)
        case "labels":
            store.save_labels(code, drawing(number, SHAPE))
        case "submit":
            store.submit(code)
        case "skip":
            store.skip(code, f"reason {number}")
        case "second_look":
            store.second_look(code, f"note {number}")


def strokes(codes: Sequence[str], seed: int) -> Iterator[Stroke]:
    """Yield what an annotator does, without end: scan after scan, in any order and again and again."""
    chance = random.Random(seed)
    while True:
        code = chance.choice(codes)
        kinds = ["begin", *["slice"] * chance.randint(2, 8), "removed", "labels"]
        for kind in [*kinds, chance.choice(["submit", "submit", "skip", "second_look"])]:
            yield {"kind": kind, "code": code, "number": chance.getrandbits(40), "z": chance.randrange(SHAPE[0])}


def annotate(root: Path, annotator: str, seed: int, seconds: float) -> None:
    """Annotate until the time is over or the process is killed, and say so stroke by stroke."""
    say("opening")
    with open_store(read_study(root), annotator) as store:
        say("open")
        end = time.monotonic() + seconds
        for stroke in strokes(store.codes, seed):
            if time.monotonic() > end:
                return
            say("try " + json.dumps(stroke))
            start = time.perf_counter()
            save(store, stroke)
            say(f"saved {1000 * (time.perf_counter() - start):.3f}")


def say(words: str) -> None:
    """Write a line that is out of this process when the call returns."""
    os.write(1, f"{words}\n".encode())


# ---- what must be in the store


@dataclass
class Expected:
    """What one annotator's store must hold of each scan: state, note, and the numbers of what was drawn."""

    scans: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, stroke: Stroke) -> None:
        """Take a stroke as saved."""
        scan = self.scans.setdefault(stroke["code"], {"state": "waiting", "note": "", "slices": {}})
        kind, number = stroke["kind"], stroke["number"]
        if kind == "slice":
            scan["slices"][stroke["z"]] = number
        elif kind in ("removed", "labels"):
            scan[kind] = number
        if kind in ("slice", "removed", "labels") and scan["state"] in ("waiting", "done", "skipped"):
            scan["state"] = "drawing"
        handed_in = {"submit": ("done", ""), "skip": ("skipped", "reason"), "second_look": ("second_look", "note")}
        if kind in handed_in:
            state, word = handed_in[kind]
            scan |= {"state": state, "note": f"{word} {number}" if word else ""}

    def after(self, stroke: Stroke) -> "Expected":
        """Return what would be there with one stroke more."""
        more = Expected(json.loads(json.dumps(self.scans), object_pairs_hook=_whole_keys))
        more.add(stroke)
        return more

    def drawn(self, code: str) -> dict[str, Any]:
        """Return what the store must hold of a scan, hashes in the place of numbers."""
        scan = self.scans.get(code, {"state": "waiting", "note": "", "slices": {}})
        slices = {z: labels_sha256(drawing(number, SHAPE[1:])) for z, number in scan["slices"].items()}
        found = scan | {"slices": slices}
        if "removed" in scan:
            found["removed"] = labels_sha256((drawing(scan["removed"], SHAPE) == 2).view(np.uint8))
        if "labels" in scan:
            found["labels"] = labels_sha256(drawing(scan["labels"], SHAPE))
        return found


def _whole_keys(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    """Turn the slices' indices back into numbers, which JSON keeps as text."""
    return {int(key) if key.isdecimal() else key: value for key, value in pairs}


def held(store: Store) -> dict[str, dict[str, Any]]:
    """Return what a store holds, read voxel by voxel, as `Expected.drawn` has it."""
    found: dict[str, dict[str, Any]] = {}
    for code, row in store.scans().items():
        slices = {z: labels_sha256(plane) for z, plane in store.drawn_slices(code).items()}
        removed, labels = store.removed(code), store.labels(code)
        found[code] = {"state": row.state, "note": row.note, "slices": slices}
        found[code] |= {} if removed is None else {"removed": labels_sha256(removed.view(np.uint8))}
        found[code] |= {} if labels is None else {"labels": labels_sha256(labels)}
    return found


def differences(store: Store, expected: Expected) -> list[str]:
    """Return where a store does not hold what it must."""
    return [
        f"{code}: {name} is {found.get(name)!r:.80}, not {wanted.get(name)!r:.80}"
        for code, found in held(store).items()
        for wanted in [expected.drawn(code)]
        for name in ("state", "note", "slices", "removed", "labels")
        if found.get(name) != wanted.get(name)
    ]


def integrity(study: Study, annotator: str) -> str:
    """Return what SQLite itself says about a store: ``ok``."""
    with closing(sqlite3.connect(campaign_store_path(study, annotator))) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


# ---- killed at random moments


@dataclass
class Kills:
    """What became of the kills; `wrong` says what was lost or damaged."""

    n: int = 0
    saved: int = 0
    opening: int = 0
    in_a_write: int = 0
    journal_left: int = 0
    stroke_kept: int = 0
    stroke_lost: int = 0
    slowest_open_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


def kill_many(root: Path, n: int) -> Kills:
    """Let annotators work and be killed `n` times, and look at the store after each.

    Most kills meet A at work; one in five comes while a store is opened, every second time a new annotator's, which
    is made then.
    """
    newcomers = [f"N{number}" for number in range(n) if number % 10 == 9]
    study, found, chance = new_campaign(root, ["A", *newcomers]), Kills(), random.Random(SEED)
    expected: dict[str, Expected] = {}
    for number in range(n):
        name = f"N{number}" if number % 10 == 9 else "A"
        at_opening = number % 5 == 4
        seconds = chance.uniform(0, OPENING_SECONDS if at_opening else MOST_SECONDS)
        lines = killed(root, name, number, seconds, at_opening=at_opening)
        expected[name] = judged(study, name, lines, expected.get(name, Expected()), found)
    return found


def killed(root: Path, name: str, seed: int, seconds: float, *, at_opening: bool) -> list[str]:
    """Return the lines of a process that was killed `seconds` after it opened, or began to open, its store."""
    process = started(root, name, seed, 600.0, subprocess.PIPE)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    if not at_opening:
        lines.append(process.stdout.readline())
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.read().splitlines(keepends=True)
    process.wait()
    process.stdout.close()
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


def judged(study: Study, name: str, lines: list[str], expected: Expected, found: Kills) -> Expected:
    """Compare the store with the words of the process that was killed; return what it holds now."""
    tries = [json.loads(line.removeprefix("try ")) for line in lines if line.startswith("try ")]
    n_saved = sum(line.startswith("saved ") for line in lines)
    for stroke in tries[:n_saved]:
        expected.add(stroke)
    under_the_pen = tries[n_saved:]
    found.n, found.saved = found.n + 1, found.saved + n_saved
    found.opening += "open" not in lines
    found.in_a_write += bool(under_the_pen)
    path = campaign_store_path(study, name)
    found.journal_left += path.with_name(path.name + "-journal").exists()
    found.wrong += [one.problem for one in progress(study, read_plan(study)) if one.problem]
    start = time.perf_counter()
    with open_store(study, name) as store:
        found.slowest_open_s = max(found.slowest_open_s, time.perf_counter() - start)
        lost = differences(store, expected)
        if under_the_pen:
            candidate = expected.after(under_the_pen[0])
            kept = not differences(store, candidate)
            if candidate != expected:  # opening a scan draws nothing
                found.stroke_kept, found.stroke_lost = found.stroke_kept + kept, found.stroke_lost + (not kept)
            expected, lost = (candidate, []) if kept else (expected, lost)
    found.wrong += [f"kill {found.n}: {what}" for what in lost]
    if (said := integrity(study, name)) != "ok":
        found.wrong.append(f"kill {found.n}: {said}")
    return expected


# ---- three annotators at once


@dataclass
class Together:
    """What became of annotators who worked at once; `wrong` says what was lost or crossed."""

    minutes: float
    saved: dict[str, int] = field(default_factory=dict)
    milliseconds: dict[str, list[float]] = field(default_factory=dict)
    looks: int = 0
    slowest_look_s: float = 0.0
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


def work_together(root: Path, minutes: float, names: Sequence[str] = ("A", "B", "C")) -> Together:
    """Let annotators work at once in their own processes while the coordinator looks and second windows are tried."""
    study, found = new_campaign(root, names), Together(minutes)
    words = {name: root / f"words_{name}.txt" for name in names}
    processes = {}
    for seed, name in enumerate(names):
        with words[name].open("wb") as stream:
            processes[name] = started(root, name, 1000 + seed, 60 * minutes, stream)
    while any(process.poll() is None for process in processes.values()):
        look(study, found)
        for name, process in processes.items():
            second_window(study, name, process, words[name], found)
        time.sleep(LOOK_SECONDS)
    for name, process in processes.items():
        if process.wait() != 0:
            found.wrong.append(f"{name} ended with {process.returncode}")
        compare_words(study, name, words[name].read_text(encoding="utf-8").splitlines(), found)
    return found


def look(study: Study, found: Together) -> None:
    """Look at everybody's progress as the coordinator does."""
    start = time.perf_counter()
    found.wrong += [one.problem for one in progress(study, read_plan(study)) if one.problem]
    found.looks, found.slowest_look_s = found.looks + 1, max(found.slowest_look_s, time.perf_counter() - start)


def second_window(study: Study, name: str, process: "subprocess.Popen[bytes]", words: Path, found: Together) -> None:
    """Try to open a store that is open; that must be refused as long as its process works."""
    if b"saved" not in words.read_bytes()[:4096]:
        return
    try:
        store = open_store(study, name)
    except OutputError:
        found.refused += 1
        return
    store.close()
    if process.poll() is None:
        time.sleep(1)  # it may be on its way out
        if process.poll() is None:
            found.wrong.append(f"a second window on {name} was opened")


def compare_words(study: Study, name: str, lines: list[str], found: Together) -> None:
    """Compare a store with all that its annotator said was saved."""
    expected = Expected()
    tries = [json.loads(line.removeprefix("try ")) for line in lines if line.startswith("try ")]
    found.milliseconds[name] = [float(line.split()[1]) for line in lines if line.startswith("saved ")]
    found.saved[name] = len(found.milliseconds[name])
    if found.saved[name] != len(tries):
        found.wrong.append(f"{name} tried {len(tries)} strokes and saved {found.saved[name]}")
    for stroke in tries[: found.saved[name]]:
        expected.add(stroke)
    with open_store(study, name) as store:
        found.wrong += [f"{name}, {what}" for what in differences(store, expected)]
        own = {stroke["code"] for stroke in tries} <= set(store.codes)
        logged = {event.code for event in store.events()} - {""} <= set(store.codes)
    if not (own and logged):
        found.wrong.append(f"{name} has codes of somebody else")
    if (said := integrity(study, name)) != "ok":
        found.wrong.append(f"{name}: {said}")


# ---- both


def new_campaign(root: Path, names: Sequence[str]) -> Study:
    """Make a study of scans whose CTs are a few bytes (no store reads them) and a campaign in it."""
    for number in range(1, SCANS + 1):
        folder = root / "Dataset 1" / f"M{number:02d}_0d" / f"M{number:02d}_0d"
        folder.mkdir(parents=True)
        (folder / f"CT_M{number:02d}_0d.nii").write_bytes(bytes([number]))
    study = read_study(root)
    create_plan(study, names, seed=SEED, repeat_share=0.1, protocol={"step": 5})
    return study


def started(root: Path, annotator: str, seed: int, seconds: float, out: Any) -> "subprocess.Popen[bytes]":
    """Return a new process that annotates and writes its words to `out`."""
    order = [sys.executable, __file__, "--annotate", str(root), annotator, str(seed), str(seconds)]
    return subprocess.Popen(order, stdout=out)


def page(kills: Kills, together: Together) -> str:
    """Return the page of both tables."""
    rows = [
        ("processes killed", f"{kills.n}"),
        ("of them while they opened the store", f"{kills.opening}"),
        ("of them in the middle of a save", f"{kills.in_a_write}"),
        ("stores left with a half-written change, which SQLite took back", f"{kills.journal_left}"),
        ("saves that were confirmed before", f"{kills.saved}"),
        ("stroke under the pen: there whole / gone whole", f"{kills.stroke_kept} / {kills.stroke_lost}"),
        ("slowest opening after a kill", f"{kills.slowest_open_s:.2f} s"),
        ("lost, damaged or crossed", f"**{len(kills.wrong)}**"),
    ]
    lines = [INTRODUCTION, "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    lines += ["", f"## {len(together.saved)} annotators at once, {together.minutes:g} minutes\n"]
    lines += ["| annotator | saves | median, ms | 99th percentile, ms | slowest, ms |", "|---|---|---|---|---|"]
    for name, taken in together.milliseconds.items():
        median, late, slowest = np.percentile(taken, [50, 99, 100]) if taken else (np.nan,) * 3
        lines.append(f"| {name} | {len(taken)} | {median:.1f} | {late:.1f} | {slowest:.1f} |")
    lines += [
        f"\nThe coordinator looked {together.looks} times meanwhile (slowest look {together.slowest_look_s:.2f} s), "
        f"and {together.refused} second windows were tried: all refused. Lost, damaged or crossed: "
        f"**{len(together.wrong)}**.",
        LIMITS,
    ]
    wrong = [*kills.wrong, *together.wrong]
    return "\n".join([*lines, *(["\n## Wrong\n"] if wrong else []), *(f"- {what}" for what in wrong)]) + "\n"


INTRODUCTION = f"""# Does a campaign lose work?

Written by `evidence/annotation_kills.py` (seed {SEED}). A process annotates as fast as it can: slices of
{SHAPE[1]} x {SHAPE[2]} voxels, the voxels that the tissue rule removes, the labels of the whole scan, handing in. It is
killed (SIGKILL) at a random moment, one time in five about when it opens or makes the store. Then the store is opened
again and compared, voxel by voxel, with what the process said before it was killed: all that was confirmed must be
there, and of the stroke under the pen all or nothing. SQLite's own `integrity_check` must say `ok`.

## Killed at random moments
"""

LIMITS = """
A save is one transaction that is on the disk when the call returns, so its time is that of the disk. What a killed
process shows nothing about is a cut of the power; against that stands SQLite's `synchronous = EXTRA`, and a disk that
does what it says. Nor was a network folder tried."""


def main() -> int:
    """Do both, write the page, print where it lies; 1 if anything was lost."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--page", type=Path, default=REPORT)
    options.add_argument("--annotate", nargs=4, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.annotate:
        root, name, seed, seconds = asked.annotate
        annotate(Path(root), name, int(seed), float(seconds))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        kills = kill_many(Path(folder) / "kills", asked.kills)
        together = work_together(Path(folder) / "together", asked.minutes)
    asked.page.parent.mkdir(parents=True, exist_ok=True)
    asked.page.write_text(page(kills, together), encoding="utf-8")
    print(asked.page)
    return int(bool(kills.wrong or together.wrong))


if __name__ == "__main__":
    sys.exit(main())
