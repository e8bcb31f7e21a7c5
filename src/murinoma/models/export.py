"""A trained U-Net as an ONNX file, and back: the initialisers carry the names of the state dict.

The graph is written node by node, so that no exporter is needed and the same weights give the same bytes. Weights of
convolutions are stored as fp16 and cast to fp32 where they are used; the few numbers of the normalisation stay fp32.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from murinoma.errors import FileError, InputError, OutputError
from murinoma.files.atomic import write_bytes
from murinoma.models.unet import PAIR, STEEPNESS, Block, UnetSpec, decoder_blocks, encoder_blocks, spec_from

if TYPE_CHECKING:
    import torch
    from onnx import ModelProto, NodeProto, TensorProto
    from torch import nn

Weights = dict[str, npt.NDArray[Any]]
SPEC_KEY = "murinoma.unet"  # in the metadata of the file: how to build the module
INPUT, OUTPUT = "image", "logits"
NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
NORM_EPSILON = 1e-5  # torch's default
OPSET, IR_VERSION = 17, 8
PAIRS = {"kernel_shape": [PAIR] * 3, "strides": [PAIR] * 3}  # of the layers between two levels


@dataclass
class _Graph:
    """Nodes and initialisers, while the graph is written."""

    nodes: "list[NodeProto]" = field(default_factory=list)
    initialisers: "list[TensorProto]" = field(default_factory=list)


def export_onnx(module: "nn.Module", spec: UnetSpec, path: Path) -> None:
    """Write the module's weights and graph to `path`, and check them by reading them back.

    Raises
    ------
    OutputError
        If a weight is not finite or too large for fp16, or the file cannot be written.
    """
    weights = {
        name: value.detach().cpu().numpy()
        for name, value in module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    content = onnx_model(spec, weights).SerializeToString(deterministic=True)
    write_bytes(path, content, remedy="free space or choose another folder")
    for name, stored in read_weights(path).items():
        if not np.array_equal(stored, _stored(name, weights[name])):
            raise OutputError(f"weights '{name}' of {path} do not read back as they were written; export again")


def onnx_model(spec: UnetSpec, weights: Weights) -> "ModelProto":
    """Return the network as an ONNX model with free batch size and sides."""
    from onnx import TensorProto, checker, helper

    graph = _Graph()
    _write_levels(graph, spec, weights)
    sides: list[str | int] = ["z", "y", "x"]
    image = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", spec.channels, *sides])
    logits = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", spec.heads, *sides])
    body = helper.make_graph(graph.nodes, "unet", [image], [logits], graph.initialisers)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(model, {SPEC_KEY: json.dumps(asdict(spec))})
    checker.check_model(model)
    return model


def read_spec(path: Path) -> UnetSpec:
    """Return what the network in an ONNX file is built from.

    Raises
    ------
    FileError
        If the file is no ONNX file, or not one of ours.
    """
    properties = {entry.key: entry.value for entry in _read(path).metadata_props}
    try:
        return spec_from(json.loads(properties[SPEC_KEY]))
    except (KeyError, ValueError, InputError) as error:
        raise FileError(f"{path} is an ONNX file, but no U-Net of murinoma; take one from a model folder") from error


def read_weights(path: Path) -> Weights:
    """Return the arrays of an ONNX file by name, fp16 and fp32 as stored.

    Raises
    ------
    FileError
        If the file is no ONNX file.
    """
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in _read(path).graph.initializer}


def load_weights(path: Path, module: "nn.Module") -> None:
    """Put the weights of an ONNX file into a module of the same spec, by name.

    Raises
    ------
    FileError
        If the file is no ONNX file, or its names or shapes are not those of the module.
    """
    _put(_tensors(path), module, path)


def begin_with(path: Path, module: "nn.Module") -> None:
    """Put the weights of an ONNX file into a module of the same widths; each of its heads begins as the file's last.

    Raises
    ------
    FileError
        If the file is no ONNX file, or its names or shapes are not those of the module.
    """
    weights, own = _tensors(path), module.state_dict()
    heads = {
        "head.weight": weights["head.weight"][:, -1:].expand_as(own["head.weight"]),
        "head.bias": weights["head.bias"][-1:].expand_as(own["head.bias"]),
    }
    _put({**weights, **heads}, module, path)


def _tensors(path: Path) -> "dict[str, torch.Tensor]":
    """Return the arrays of an ONNX file by name, fp32."""
    import torch

    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in read_weights(path).items()}


def _put(weights: "dict[str, torch.Tensor]", module: "nn.Module", path: Path) -> None:
    """Put weights that were read from `path` into a module."""
    own = module.state_dict()
    counters = {name: value for name, value in own.items() if name.endswith("num_batches_tracked")}
    shapes = {name: tuple(value.shape) for name, value in own.items() if name not in counters}
    if {name: tuple(value.shape) for name, value in weights.items()} != shapes:
        raise FileError(f"the weights in {path} do not fit the network; take the file that was written with its spec")
    module.load_state_dict({**weights, **counters})


def _read(path: Path) -> "ModelProto":
    """Return a parsed ONNX file."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        if type(error).__name__ != "DecodeError":  # of protobuf, which only onnx knows
            raise
        raise FileError(f"{path} is damaged: it is no ONNX file; copy the model again") from error
    if not model.graph.node:
        raise FileError(f"{path} is damaged: it is no ONNX file; copy the model again")
    return model


def _write_levels(graph: _Graph, spec: UnetSpec, weights: Weights) -> None:
    """Write all nodes from the input to the logits."""
    first = [_write_grey_values(graph), *_parameters(graph, "first", weights)]
    value, skips = _node(graph, "Conv", first, "first", **PAIRS), []
    for level in range(len(spec.widths)):
        if level:
            value = _node(graph, "MaxPool", [value], f"pool.{level}", **PAIRS)
        value = _write_blocks(graph, encoder_blocks(spec, level), value, weights)
        skips.append(value)
    for level in reversed(range(len(spec.widths) - 1)):
        inputs = [value, *_parameters(graph, f"ups.{level}", weights)]
        value = _node(graph, "ConvTranspose", inputs, f"up.{level}", **PAIRS)
        value = _node(graph, "Add", [skips[level], value], f"joined.{level}")
        value = _write_blocks(graph, decoder_blocks(spec, level), value, weights)
    _node(graph, "ConvTranspose", [value, *_parameters(graph, "head", weights)], OUTPUT, **PAIRS)


def _write_grey_values(graph: _Graph) -> str:
    """Write what the network does to grey values first; return the name of the result."""
    steepness = _node(graph, "Constant", [], "steepness", value_float=STEEPNESS)
    return _node(graph, "Asinh", [_node(graph, "Mul", [INPUT, steepness], "steep")], "grey")


def _write_blocks(graph: _Graph, blocks: list[Block], value: str, weights: Weights) -> str:
    """Write convolutions with normalisation and ReLU; return the name of the last value."""
    for block in blocks:
        kernel = _initialiser(graph, f"{block.name}.conv.weight", weights)
        value = _node(
            graph, "Conv", [value, kernel], f"{block.name}.conv", kernel_shape=[3, 3, 3], pads=[1, 1, 1, 1, 1, 1]
        )
        norm = [_initialiser(graph, f"{block.name}.norm.{part}", weights) for part in NORM_PARTS]
        value = _node(graph, "BatchNormalization", [value, *norm], f"{block.name}.norm", epsilon=NORM_EPSILON)
        value = _node(graph, "Relu", [value], f"{block.name}.relu")
    return value


def _parameters(graph: _Graph, name: str, weights: Weights) -> list[str]:
    """Write weight and bias of one layer; return the names of their fp32 values."""
    return [_initialiser(graph, f"{name}.{part}", weights) for part in ("weight", "bias")]


def _initialiser(graph: _Graph, name: str, weights: Weights) -> str:
    """Write one array; return the name of its fp32 value."""
    from onnx import TensorProto, numpy_helper

    stored = _stored(name, weights[name])
    graph.initialisers.append(numpy_helper.from_array(stored, name))
    if stored.dtype == np.float32:
        return name
    return _node(graph, "Cast", [name], f"{name}.fp32", to=TensorProto.FLOAT)


def _stored(name: str, value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array as the file holds it: fp16, or fp32 for the numbers of a normalisation."""
    if ".norm." in name:
        stored = value.astype(np.float32)
    else:
        with np.errstate(over="ignore"):
            stored = value.astype(np.float16)
    if not np.isfinite(stored).all():
        raise OutputError(f"weights '{name}' are not finite in fp16; the training has diverged, lower its rate")
    return np.ascontiguousarray(stored)


def _node(graph: _Graph, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
    """Write one node; return the name of its output."""
    from onnx import helper

    graph.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
    return output
