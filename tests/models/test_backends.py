"""Back ends: chosen by what is there, refused with a remedy, and alike in what they compute."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from murinoma.errors import UsageError
from murinoma.models import backends
from murinoma.models.backends import Backend, open_network
from murinoma.models.folder import network_path
from tests.models.small_models import write_tiny_model


def without(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    """Make packages look as if they were not installed."""
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name in absent else find_spec(name) or object())


@pytest.mark.parametrize(
    ("absent", "backend", "command"),
    [
        (("openvino", "torch"), Backend(), r"murinoma\[segment\]"),
        (("openvino", "onnx"), Backend(), r"murinoma\[segment\]"),
        (("openvino",), Backend(library="openvino"), r"murinoma\[segment\]"),
        (("torch",), Backend(library="torch"), r"murinoma\[train\]"),
        (("onnx",), Backend(library="torch", device="cpu"), r"murinoma\[train\]"),
    ],
)
def test_a_missing_extra_names_its_command(
    monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...], backend: Backend, command: str
) -> None:
    """OpenVINO is what segmentation asks for, unless torch was named."""
    monkeypatch.setattr(backends, "_torch_sees_gpu", lambda: False)
    without(monkeypatch, *absent)
    with pytest.raises(UsageError, match=command):
        open_network(Path("net.onnx"), backend)


def test_a_gpu_that_is_absent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for by name it is an error; left to choose, the CPU is taken."""
    monkeypatch.setattr(backends, "_torch_sees_gpu", lambda: False)
    with pytest.raises(UsageError, match="no GPU that torch can use"):
        open_network(Path("net.onnx"), Backend(device="gpu"))
    with pytest.raises(UsageError, match="OpenVINO is used on the CPU only"):
        open_network(Path("net.onnx"), Backend(library="openvino", device="gpu"))


def test_torchs_build_for_the_cpu_is_not_loaded_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its version says that it sees no GPU."""
    without(monkeypatch)
    monkeypatch.setattr("importlib.metadata.version", lambda _: "2.13.0+cpu")
    assert not backends._torch_sees_gpu()


@pytest.mark.parametrize(
    "words", ["std::bad_alloc", "DefaultCPUAllocator: can't allocate memory", "CUDA out of memory"]
)
def test_short_memory_is_a_memory_error(words: str) -> None:
    """Whatever the library calls it; another failure stays what it is."""
    with pytest.raises(MemoryError), backends._memory_errors():
        raise RuntimeError(words)
    with pytest.raises(RuntimeError, match="something else"), backends._memory_errors():
        raise RuntimeError("something else")


@pytest.mark.parametrize(("absent", "expected"), [((), "_OpenvinoNetwork"), (("openvino",), "_TorchNetwork")])
def test_openvino_is_taken_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: tuple[str, ...], expected: str
) -> None:
    """Without it torch; either says the heads and the multiple."""
    for package in ("torch", "onnx", "openvino"):
        pytest.importorskip(package, reason="the extras segment and train are not installed")
    write_tiny_model(tmp_path)
    monkeypatch.setattr(backends, "_torch_sees_gpu", lambda: False)
    without(monkeypatch, *absent)
    network: Any = open_network(network_path(tmp_path, "fine"), Backend(threads=1))
    assert type(network).__name__ == expected
    assert (network.heads, network.multiple) == (3, 4)


def test_the_room_is_imported_without_any_of_its_libraries() -> None:
    """Cards are read, lesions found, grids carried on a machine that has the core alone."""
    code = (
        "import sys; sys.modules.update(torch=None, openvino=None, onnx=None)\n"
        "import murinoma.models.runtime, murinoma.models.lesions, murinoma.models.export, murinoma.models.folder"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
