"""Laughter, applause and music in a sound, by YAMNet in ONNX Runtime.

YAMNet (tensorflow/models, research/audioset/yamnet) listens to pieces of 0.96 s, one every 0.48 s, and says
of each of AudioSet's 521 classes how probable it is there. Its usual export takes the waveform itself.
"""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.hooks.model_files import Model, ModelFile
from desktop.hooks.onnx_models import Session, unusable
from desktop.hooks.speech import Sound, SoundMark
from desktop.media.mono import Mono, mono_blocks

SOUND_MODEL = Model(
    name="yamnet",
    title="model for hearing laughter and applause",
    files=(
        ModelFile(
            "model.onnx",
            "https://huggingface.co/zeropointnine/yamnet-onnx/resolve/ac2ca3bd45d12ec1f19f1144205ea529b4e9dedf/yamnet.onnx",
            16_093_603,
            "1510041dce24a2e9e84ec546807ac408ae496da6d1ed41bc3ccba649623f8e19",
        ),
        ModelFile(
            "yamnet_class_map.csv",
            "https://raw.githubusercontent.com/tensorflow/models/dfffd623b6be8d1d9744b8e261fbac370d17c46d/research/audioset/yamnet/yamnet_class_map.csv",
            14_096,
            "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
        ),
    ),
    override="REELY_SOUND_MODEL",
)
"""Apache-2.0: Google's, converted by tf2onnx."""
_MODEL, _CLASS_MAP = (file.name for file in SOUND_MODEL.files)
RATE = 16_000
"""Samples a second that it listens to."""
_PIECE, _HOP = 0.96, 0.48  # seconds
_SHORTEST = 15_600  # samples: 96 windows of 25 ms, one each 10 ms, make a piece
_PROBABLE = 0.3  # of a class, where people speak at the same time
_TOGETHER = 1.0  # seconds between two sounds of a kind that are one
# AudioSet's identifiers (Gemmeke and others, “Audio Set”, ICASSP 2017).
_CLASSES = {
    Sound.LAUGHTER: {
        "/m/01j3sz",
        "/t/dd00001",
        "/m/07r660_",
        "/m/07s04w4",
        "/m/07sq110",
        "/m/07rgt08",
    },
    Sound.APPLAUSE: {"/m/028ght", "/m/0l15bq", "/m/053hz1"},
    Sound.MUSIC: {"/m/04rlf"},
}


class SoundListener:
    """Says what is heard beside speech. The same sound always gives the same answer."""

    def __init__(self, folder: Path) -> None:
        """Raises ReelyError `model-unusable` if the files in `folder` are no such model."""
        self._session = Session(folder / _MODEL, SOUND_MODEL)
        labels = _identifiers(folder)
        self._columns = {
            sound: [k for k, label in enumerate(labels) if label in wanted]
            for sound, wanted in _CLASSES.items()
        }
        if len(self._session.inputs) != 1 or not all(self._columns.values()):
            raise unusable(folder, SOUND_MODEL, "its inputs or classes are others")
        self._input = next(iter(self._session.inputs))
        # Files of this model name their outputs differently, and not all of them tell their shapes.
        names = list(self._session.outputs)
        tried = self._session.run(names, {self._input: np.zeros(RATE, np.float32)})
        scores = [
            name
            for name, out in zip(names, tried, strict=True)
            if out.ndim == 2 and out.shape[1] == len(labels)
        ]
        if len(scores) != 1:
            raise unusable(folder, SOUND_MODEL, "its outputs are others")
        self._scores = scores[0]

    def marks(self, path: Path, origin: Fraction | None = None) -> tuple[SoundMark, ...]:
        """What is heard in a file and when, in seconds on the source's clock, in order.

        `origin` is as that of `mono_blocks`. Raises what that raises.
        """
        found = {sound: _Runs(sound) for sound in _CLASSES}
        start = 0.0
        for block in mono_blocks(path, RATE, origin):
            for sound, likely in self._heard(block).items():
                for number in np.flatnonzero(likely >= _PROBABLE):
                    found[sound].add(start + float(number) * _HOP)
            start += len(block) / RATE
        return tuple(
            sorted((mark for runs in found.values() for mark in runs.marks), key=lambda one: one.start)
        )

    def _heard(self, block: Mono) -> dict[Sound, NDArray[np.float32]]:
        block = np.pad(block, (0, max(0, _SHORTEST - len(block))))
        scores = self._session.run([self._scores], {self._input: block})[0]
        return {sound: scores[:, columns].max(axis=1) for sound, columns in self._columns.items()}


class _Runs:
    """Pieces of one sound, put together to marks."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self.marks: list[SoundMark] = []

    def add(self, start: float) -> None:
        begin = start
        if self.marks and start - self.marks[-1].end <= _TOGETHER:
            begin = self.marks.pop().start
        self.marks.append(SoundMark(begin, start + _PIECE, self._sound))


def _identifiers(folder: Path) -> list[str]:
    """AudioSet's identifiers in the order of the model's outputs."""
    try:
        with (folder / _CLASS_MAP).open(encoding="utf-8", newline="") as file:
            return [row["mid"] for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise unusable(folder, SOUND_MODEL, error) from error
