"""How loud a file is over time: momentary loudness by EBU R128, from FFmpeg's own meter."""

from __future__ import annotations

import re
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from desktop.media.container import file_url
from desktop.media.ffmpeg import running

STEP = 0.1
"""Seconds between two values."""
SILENCE = -70.0
"""LUFS of EBU R128's absolute gate: what is quieter counts as silence."""

_TIME = re.compile(rb"pts_time:([0-9.]+)")
_VALUE = re.compile(rb"lavfi\.r128\.M=(-?[0-9.]+|-?inf|nan)")


def momentary_loudness(path: Path) -> NDArray[np.float64]:
    """LUFS of the last 0.4 s, a value for every `STEP` seconds from the sound's beginning on (EBU Tech 3341).

    Empty where there is no sound. Raises ReelyError `ffmpeg-failed`, `ffmpeg-missing`.
    """
    sound = ffmpeg.input(file_url(path), vn=None, sn=None, dn=None).audio
    metered = sound.filter("ebur128", metadata=1).filter(
        "ametadata", mode="print", key="lavfi.r128.M", file="pipe:1"
    )
    values: list[float] = []
    place = 0
    with running(ffmpeg.output(metered, "-", format="null")) as process:
        for line in process.stdout:
            if found := _TIME.search(line):
                place = round(float(found[1]) / STEP)
            elif found := _VALUE.search(line):
                values += [SILENCE] * (place - len(values))
                values.append(max(SILENCE, _number(found[1])))
        process.finish()
    return np.array(values)


def _number(text: bytes) -> float:
    value = float(text)
    return value if np.isfinite(value) else SILENCE
