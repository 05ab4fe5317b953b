"""Small models of the same form as the real ones, made when they are needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAUGHTER, APPLAUSE, MUSIC = 13, 62, 132
"""Places of AudioSet's classes in YAMNet's output."""
_IDENTIFIERS = {LAUGHTER: "/m/01j3sz", APPLAUSE: "/m/028ght", MUSIC: "/m/04rlf"}
_CLASSES = 521
_HOP = 7680


def face_model(folder: Path, height: float = 40.0) -> Path:
    """A model of YuNet's form, to which a cell of 8 pixels that is all red is a face of `height` pixels."""
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])]
    constants: dict[str, NDArray[Any]] = {
        # Blue and green speak against a face, red for it: 1 if all is red, below 0.5 if a third is not.
        "red": np.array([[-1, -1, 1]], np.float32).reshape(1, 3, 1, 1) / 255,
    }
    nodes, outputs = [], []
    for stride in (8, 16, 32):
        cells = (640 // stride) ** 2
        constants[f"flat_{stride}"] = np.array([1, cells, 1], np.int64)
        box = [0.5, 0.5, np.log(height / stride), np.log(height / stride)]
        constants[f"box_{stride}"] = np.tile(np.array(box, np.float32), (1, cells, 1))
        constants[f"gain_{stride}"] = np.array(1.0 if stride == 8 else 0.0, np.float32)
        nodes += [
            helper.make_node("Conv", ["input", "red"], [f"reds_{stride}"]),
            helper.make_node(
                "AveragePool",
                [f"reds_{stride}"],
                [f"mean_{stride}"],
                kernel_shape=[stride, stride],
                strides=[stride, stride],
            ),
            helper.make_node("Relu", [f"mean_{stride}"], [f"positive_{stride}"]),
            helper.make_node("Mul", [f"positive_{stride}", f"gain_{stride}"], [f"gained_{stride}"]),
            helper.make_node("Reshape", [f"gained_{stride}", f"flat_{stride}"], [f"cls_{stride}"]),
            helper.make_node("Identity", [f"cls_{stride}"], [f"obj_{stride}"]),
            helper.make_node("Identity", [f"box_{stride}"], [f"bbox_{stride}"]),
        ]
        outputs += [
            helper.make_tensor_value_info(f"{kind}_{stride}", TensorProto.FLOAT, [1, cells, size])
            for kind, size in (("cls", 1), ("obj", 1), ("bbox", 4))
        ]
    return _saved(folder, nodes, inputs, outputs, constants)


def sound_model(folder: Path) -> Path:
    """A model of YAMNet's form, to which all that is loud is laughter."""
    gains = np.zeros((1, _CLASSES), np.float32)
    gains[0, LAUGHTER] = 10.0
    constants: dict[str, NDArray[Any]] = {
        "first": np.array([0, 1], np.int64),
        "gains": gains,
        "rows": np.array([-1, 1], np.int64),
    }
    nodes = [
        helper.make_node("Abs", ["waveform"], ["swings"]),
        helper.make_node("Unsqueeze", ["swings", "first"], ["channel"]),
        helper.make_node(
            "AveragePool", ["channel"], ["levels"], kernel_shape=[2 * _HOP], strides=[_HOP], ceil_mode=0
        ),
        helper.make_node("Reshape", ["levels", "rows"], ["column"]),
        helper.make_node("MatMul", ["column", "gains"], ["loud"]),
        helper.make_node("Clip", ["loud", "", "one"], ["scores"]),
    ]
    constants["one"] = np.array(1.0, np.float32)
    inputs = [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["samples"])]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["pieces", _CLASSES])]
    _saved(folder, nodes, inputs, outputs, constants)
    rows = [f"{place},{_IDENTIFIERS.get(place, f'/m/{place:05}')},a sound" for place in range(_CLASSES)]
    (folder / "yamnet_class_map.csv").write_text("index,mid,display_name\n" + "\n".join(rows) + "\n")
    return folder


def _saved(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, NDArray[Any]],
) -> Path:
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "model", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    return folder
