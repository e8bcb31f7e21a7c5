"""Files appear whole or not at all, also when the disk is full or somebody presses Ctrl-C."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from murinoma.errors import OutputError
from murinoma.files.atomic import atomic_file, write_bytes, write_text
from murinoma.files.nifti import write
from murinoma.volume import Volume

LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from murinoma.errors import OutputError
from murinoma.files.nifti import write
from murinoma.volume import Volume
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
noise = np.random.default_rng(0).integers(0, 30_000, (40, 40, 40)).astype(np.int16)
try:
    write(Volume(noise, np.eye(4)), Path(sys.argv[1]))
except OutputError as error:
    print(error)
"""


def names(folder: Path) -> list[str]:
    """Return all names in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path, stop: type[BaseException]) -> None:
    """Write some bytes and be stopped."""
    with atomic_file(path) as stream:
        stream.write(b"half")
        raise stop


def fail_to_flush(descriptor: int) -> None:
    """Stand in for os.fsync on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_appears_with_its_content_and_its_folders(tmp_path: Path) -> None:
    """Missing parents are made; nothing else is left in the folder."""
    write_text(tmp_path / "a" / "b" / "Größe.txt", "0,21 mm")
    assert (tmp_path / "a" / "b" / "Größe.txt").read_bytes() == b"0,21 mm"
    assert names(tmp_path / "a" / "b") == ["Größe.txt"]


def test_a_full_disk_keeps_the_older_file_and_leaves_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushing fails with ENOSPC: one sentence with file, reason and remedy; the old content stands."""
    path = tmp_path / "table.csv"
    write_bytes(path, b"old")
    monkeypatch.setattr(os, "fsync", fail_to_flush)
    with pytest.raises(OutputError, match=r"cannot write .*table\.csv: No space left on device; free space or choose"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["table.csv"]


@pytest.mark.parametrize("name", ["big.nii", "big.nii.gz"])
def test_a_limit_of_the_system_keeps_the_older_file(tmp_path: Path, name: str) -> None:
    """A process that may write 10 kB writes a 128 kB image: refused, nothing half-written (a real EFBIG)."""
    path = tmp_path / name
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"cannot write {path}: ")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_a_stop_in_the_middle_keeps_the_older_file(tmp_path: Path, stop: type[BaseException]) -> None:
    """Whatever ends the block, the old content stands, the temporary file goes, the stop goes on."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(stop):
        write_half(path, stop)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.csv"]


def test_while_it_is_written_no_reader_sees_it(tmp_path: Path) -> None:
    """Inside the block the folder holds one hidden name only, and the target does not exist."""
    path = tmp_path / "CT_M01_0d.nii.gz"
    with atomic_file(path) as stream:
        stream.write(b"half")
        assert not path.exists()
        assert [name.startswith(".") for name in names(tmp_path)] == [True]
    assert names(tmp_path) == [path.name]


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    """Each writes its own temporary file; the last to finish wins, whole."""
    path = tmp_path / "a"
    with atomic_file(path) as first:
        first.write(b"1" * 10)
        write_bytes(path, b"2" * 20)
        assert path.read_bytes() == b"2" * 20
    assert path.read_bytes() == b"1" * 10
    assert names(tmp_path) == ["a"]


def test_a_name_that_is_too_long_is_an_output_error(tmp_path: Path) -> None:
    """A name beyond what the file system takes is refused in one sentence."""
    with pytest.raises(OutputError, match="cannot write"):
        write(Volume(np.zeros((1, 1, 1), np.uint8), np.eye(4)), tmp_path / ("a" * 300))
    assert names(tmp_path) == []


@pytest.mark.parametrize("in_the_way", ["file as parent", "folder as target"])
def test_what_is_in_the_way_stays(tmp_path: Path, in_the_way: str) -> None:
    """A parent that is a file, or a target that is a folder: OutputError, and it is left as it was."""
    blocker = tmp_path / "blocker"
    if in_the_way == "file as parent":
        blocker.write_bytes(b"kept")
    else:
        blocker.mkdir()
    with pytest.raises(OutputError, match="blocker"):
        write_text(blocker / "a.csv" if in_the_way == "file as parent" else blocker, "new")
    assert names(tmp_path) == ["blocker"]
