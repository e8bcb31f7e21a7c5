"""ONNX out and in: the same weights, the same results, and files that are none of ours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from murinoma.errors import FileError, OutputError
from murinoma.models.backends import Backend, open_network
from murinoma.models.export import export_onnx, load_weights, read_spec, read_weights
from murinoma.models.unet import UnetSpec, build_unet

torch = pytest.importorskip("torch", reason="the extra train is not installed")
onnx = pytest.importorskip("onnx", reason="the extra train is not installed")

SPEC = UnetSpec(widths=(3, 4, 5), heads=2)


@pytest.fixture
def module() -> Any:
    """Return a network whose normalisation has seen noise."""
    torch.manual_seed(0)
    module = build_unet(SPEC)
    with torch.no_grad():
        for _ in range(3):
            module(torch.randn(2, 1, 8, 8, 8))
    return module.eval()


def test_weights_come_back_as_they_were_in_fp16(module: Any, tmp_path: Path) -> None:
    """Convolutions rounded to fp16, the normalisation exact, every name of the state dict there."""
    path = tmp_path / "net.onnx"
    export_onnx(module, SPEC, path)
    back = build_unet(read_spec(path))
    load_weights(path, back)
    assert read_spec(path) == SPEC
    for name, value in module.state_dict().items():
        if "num_batches" not in name:
            expected = value if ".norm." in name else value.half().float()
            assert torch.equal(back.state_dict()[name], expected), name


def test_the_file_holds_two_bytes_a_weight(module: Any, tmp_path: Path) -> None:
    """All but the normalisation and the graph itself; the same module gives the same bytes."""
    paths = [tmp_path / name for name in ("a.onnx", "b.onnx")]
    for path in paths:
        export_onnx(module, SPEC, path)
    kinds = {name: value.dtype for name, value in read_weights(paths[0]).items()}
    assert {str(kind) for name, kind in kinds.items() if ".norm." not in name} == {"float16"}
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_openvino_and_torch_compute_the_same(module: Any, tmp_path: Path) -> None:
    """Sides of any multiple, fp32: logits within 1e-4."""
    pytest.importorskip("openvino", reason="the extra segment is not installed")
    path = tmp_path / "net.onnx"
    export_onnx(module, SPEC, path)
    networks = [
        open_network(path, Backend(library=library, device="cpu", precision="f32", threads=1))
        for library in ("openvino", "torch")
    ]
    for shape in ((8, 16, 24), (16, 8, 8)):
        image = np.random.default_rng(0).normal(size=(1, *shape)).astype(np.float32)
        by_openvino, by_torch = (network.logits(image) for network in networks)
        assert by_openvino.shape == (2, *shape)
        assert np.abs(by_openvino - by_torch).max() < 1e-4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_a_diverged_training_is_not_exported(module: Any, tmp_path: Path, value: float) -> None:
    """A weight that fp16 cannot hold is told by name, and no file appears."""
    with torch.no_grad():
        module.head.weight[0, 0] = value
    with pytest.raises(OutputError, match=r"'head\.weight' are not finite in fp16"):
        export_onnx(module, SPEC, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_is_told(module: Any, tmp_path: Path) -> None:
    """The path and the remedy; here a file has the folder's name."""
    (tmp_path / "missing").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        export_onnx(module, SPEC, tmp_path / "missing" / "net.onnx")


@pytest.mark.parametrize("content", [b"", b"no model at all", bytes(range(256)) * 4])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    """Empty, text, noise: one sentence each, from both back ends."""
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(FileError, match="damaged"):
        read_spec(path)
    pytest.importorskip("openvino", reason="the extra segment is not installed")
    with pytest.raises(FileError, match="damaged"):
        open_network(path, Backend(library="openvino"))


def test_a_foreign_onnx_file_is_told(tmp_path: Path) -> None:
    """A network that is not ours."""
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"]
    graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", values[:1], values[1:])
    path = tmp_path / "net.onnx"
    path.write_bytes(helper.make_model(graph, ir_version=8).SerializeToString())
    with pytest.raises(FileError, match="no U-Net of murinoma"):
        read_spec(path)


def test_weights_of_another_spec_do_not_load(module: Any, tmp_path: Path) -> None:
    """Names or shapes differ."""
    path = tmp_path / "net.onnx"
    export_onnx(module, SPEC, path)
    for other in (UnetSpec((3, 4), heads=2), UnetSpec((3, 4, 6), heads=2)):
        with pytest.raises(FileError, match="do not fit the network"):
            load_weights(path, build_unet(other))
