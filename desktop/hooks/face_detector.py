"""Finding faces by YuNet in ONNX Runtime: how large the largest one in each picture is.

YuNet (Wu, Peng and Yu, “YuNet: A Tiny Millisecond-level Face Detector”, Machine Intelligence Research 20,
2023) looks at 640 x 640 pixels. Several small pictures are laid side by side on those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.model_files import Model, ModelFile
from desktop.hooks.onnx_models import Session, unusable
from desktop.hooks.signals.curve import Curve
from desktop.hooks.signals.faces import NAME
from desktop.media.stills import STEP, Still, stills

FACE_MODEL = Model(
    name="yunet-2023mar",
    title="model for finding faces",
    files=(
        ModelFile(
            "model.onnx",
            "https://huggingface.co/opencv/face_detection_yunet/resolve/main/face_detection_yunet_2023mar.onnx",
            232_589,
            "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        ),
    ),
    override="REELY_FACE_MODEL",
)
"""MIT."""
_SIDE = 640
_ACROSS, _DOWN = 2, 3
WIDTH, HEIGHT = _SIDE // _ACROSS, _SIDE // _DOWN
"""Pixels of one picture at most; faces of 10 pixels and more are found."""
_STRIDES = (8, 16, 32)
_SURE = 0.7  # of certainty, from which on it is a face


class FaceDetector:
    """Looks for faces. The same pictures always give the same answer."""

    def __init__(self, folder: Path) -> None:
        """Raises ReelyError `model-unusable` if the files in `folder` are no such model."""
        self._session = Session(folder / FACE_MODEL.files[0].name, FACE_MODEL)
        wanted = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox") for stride in _STRIDES}
        if missing := wanted - set(self._session.outputs):
            raise unusable(folder, FACE_MODEL, f"it has no {', '.join(sorted(missing))}")
        self._input = next(iter(self._session.inputs))

    def largest(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """The height of the largest face in each picture, as a share of the picture's; 0 where there is none.

        Pictures are rows x columns x blue, green, red, of at most `WIDTH` x `HEIGHT`.
        """
        found: list[float] = []
        for begin in range(0, len(pictures), _ACROSS * _DOWN):
            found += self._on_one_sheet(pictures[begin : begin + _ACROSS * _DOWN])
        return found

    def _on_one_sheet(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        sheet = np.zeros((_SIDE, _SIDE, 3), np.float32)
        for number, picture in enumerate(pictures):
            top, left = number // _ACROSS * HEIGHT, number % _ACROSS * WIDTH
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
        tallest = np.zeros(_ACROSS * _DOWN)
        for cells, heights in self._faces(sheet):
            np.maximum.at(tallest, cells, heights)
        return [float(min(1.0, tallest[k] / one.shape[0])) for k, one in enumerate(pictures)]

    def _faces(self, sheet: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
        """On which picture each face is, and how many pixels it is tall; one face may come several times."""
        names = [f"{kind}_{stride}" for stride in _STRIDES for kind in ("cls", "obj", "bbox")]
        outputs = self._session.run(names, {self._input: sheet.transpose(2, 0, 1)[None]})
        for place, stride in enumerate(_STRIDES):
            face, thing, box = (each[0].astype(np.float64) for each in outputs[3 * place : 3 * place + 3])
            certainty = np.sqrt(np.clip(face[:, 0], 0, 1) * np.clip(thing[:, 0], 0, 1))
            sure = np.flatnonzero(certainty >= _SURE)
            rows, columns = np.divmod(sure, _SIDE // stride)
            # Boxes are told from the anchor, in strides: the centre as it is, the size as a logarithm.
            across, down = (columns + box[sure, 0]) * stride, (rows + box[sure, 1]) * stride
            inside = (across >= 0) & (across < _SIDE) & (down >= 0) & (down < HEIGHT * _DOWN)
            cells = (down[inside] // HEIGHT * _ACROSS + across[inside] // WIDTH).astype(np.intp)
            yield cells, np.exp(np.minimum(box[sure, 3][inside], 10.0)) * stride


def faces_curve(path: Path, detector: FaceDetector) -> Curve:
    """The height of the largest face over that of the picture, from the film's beginning on.

    Raises what `desktop.media.stills.stills` raises.
    """
    heights: list[float] = []
    for batch in _batches(stills(path, WIDTH, HEIGHT), _ACROSS * _DOWN):
        # Between keyframes the same picture comes again and again.
        new = [
            k for k, one in enumerate(batch) if k == 0 or not np.array_equal(one.pixels, batch[k - 1].pixels)
        ]
        found = dict(zip(new, detector.largest([batch[k].pixels for k in new]), strict=True))
        for k in range(len(batch)):
            heights.append(found[k] if k in found else heights[-1])
    starts = np.arange(len(heights), dtype=np.float64) * STEP
    return Curve(NAME, "of the picture's height", starts, starts + STEP, np.array(heights))


def _batches(pictures: Iterable[Still], size: int) -> Iterator[list[Still]]:
    pictures = iter(pictures)
    while batch := list(islice(pictures, size)):
        yield batch
