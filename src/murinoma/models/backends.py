"""What runs a network: OpenVINO or torch, CPU or GPU, fp32 or bf16, all with the same face."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, UsageError
from murinoma.models.export import SPEC_KEY, load_weights, read_spec
from murinoma.models.tiles import Network
from murinoma.models.unet import UnetSpec, build_unet, spec_from

Floats = npt.NDArray[np.float32]
SHORT_OF_MEMORY = ("bad_alloc", "allocate", "out of memory")  # in what OpenVINO and torch say


@dataclass(frozen=True)
class Backend:
    """What to run networks with.

    Attributes
    ----------
    library
        "auto": torch where it sees a GPU, else OpenVINO where it is installed, else torch.
    device
        "auto": the GPU if there is one.
    precision
        "auto": bf16 where the hardware computes with it, else f32. Two machines agree best in f32.
    threads
        Of the CPU; 0 for as many as there are cores.
    """

    library: Literal["auto", "openvino", "torch"] = "auto"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    precision: Literal["auto", "f32", "bf16"] = "auto"
    threads: int = 0


def open_network(path: Path, backend: Backend) -> Network:
    """Return the network in an ONNX file, ready to run.

    Raises
    ------
    FileError
        If the file is none of our networks.
    UsageError
        If a library or a GPU is asked for that is not there.
    """
    on_gpu = _on_gpu(backend)
    library = backend.library
    if library == "auto":
        library = "openvino" if not on_gpu and find_spec("openvino") else "torch"
    if find_spec(library) is None or (library == "torch" and find_spec("onnx") is None):
        extra = "segment" if library == "openvino" else "train"
        wanted = "segmentation" if backend.library == "auto" else f"the back end '{library}'"
        extra = "segment" if backend.library == "auto" and not on_gpu else extra
        raise UsageError(f"{wanted} needs more packages; install them: pip install 'murinoma[{extra}]'")
    if library == "openvino":
        return _OpenvinoNetwork(path, backend)
    return _TorchNetwork(path, backend, on_gpu=on_gpu)


def _on_gpu(backend: Backend) -> bool:
    """Tell whether the GPU is used; refuse where one is asked for that is not there."""
    if backend.device == "cpu" or (backend.device == "auto" and backend.library == "openvino"):
        return False
    if backend.device == "gpu" and backend.library == "openvino":
        raise UsageError("OpenVINO is used on the CPU only; take the back end 'torch' for a GPU")
    if _torch_sees_gpu():
        return True
    if backend.device == "gpu":
        raise UsageError("no GPU that torch can use was found; ask for the device 'cpu', or install torch for your GPU")
    return False


def _torch_sees_gpu() -> bool:
    """Tell whether torch is installed, made for a GPU, and finds one; its build for the CPU is not even loaded."""
    if find_spec("torch") is None or metadata.version("torch").endswith("+cpu"):
        return False
    import torch

    return bool(torch.cuda.is_available())


class _Described:
    """What a network is, whatever runs it."""

    _spec: UnetSpec

    @property
    def heads(self) -> int:
        return self._spec.heads

    @property
    def channels(self) -> int:
        return self._spec.channels

    @property
    def multiple(self) -> int:
        return self._spec.multiple


class _OpenvinoNetwork(_Described):
    """A network compiled by OpenVINO for the CPU."""

    def __init__(self, path: Path, backend: Backend) -> None:
        import openvino

        core = openvino.Core()
        try:
            model = core.read_model(path)
            self._spec = _spec_in(model)
        except RuntimeError as error:
            raise FileError(f"{path} is damaged: it is no U-Net of murinoma; copy the model again") from error
        precision = backend.precision
        if precision == "auto":
            precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        if backend.threads:
            options["INFERENCE_NUM_THREADS"] = backend.threads
        self._request = core.compile_model(model, "CPU", options).create_infer_request()
        self._tensor = openvino.Tensor

    def logits(self, image: Floats) -> Floats:
        with _memory_errors():
            self._request.infer({0: self._tensor(image[None])})
            # a copy: the tensor is written anew by the next call
            return np.array(self._request.get_output_tensor().data[0], np.float32)


def _spec_in(model: Any) -> UnetSpec:
    """Return what a network is built from, as OpenVINO has read it."""
    return spec_from(json.loads(model.get_rt_info(["framework", SPEC_KEY]).value))


class _TorchNetwork(_Described):
    """A network run by torch, on the CPU or a GPU."""

    def __init__(self, path: Path, backend: Backend, *, on_gpu: bool) -> None:
        import torch

        from murinoma.models.torch_unet import has_bf16

        self._spec = read_spec(path)
        self._device = "cuda" if on_gpu else "cpu"
        module = build_unet(self._spec)
        load_weights(path, module)
        self._module = module.eval().to(self._device, memory_format=torch.channels_last_3d)
        can = has_bf16(torch.device(self._device))
        self._bf16 = backend.precision == "bf16" or (backend.precision == "auto" and can)
        if backend.threads:
            torch.set_num_threads(backend.threads)

    def logits(self, image: Floats) -> Floats:
        import torch

        with (
            _memory_errors(),
            torch.inference_mode(),
            torch.autocast(self._device, dtype=torch.bfloat16, enabled=self._bf16),
            # fp32 means fp32: a GPU would round to 10 bits
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False),
        ):
            batch = torch.from_numpy(image[None]).to(self._device, memory_format=torch.channels_last_3d)
            logits: Floats = self._module(batch)[0].float().cpu().numpy()
        return logits


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn what the libraries raise when memory is short into MemoryError."""
    try:
        yield
    except RuntimeError as error:
        if any(words in str(error) for words in SHORT_OF_MEMORY):
            raise MemoryError(str(error)) from error
        raise
