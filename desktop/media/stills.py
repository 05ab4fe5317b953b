"""Stills: one picture every few seconds, small and upright, from keyframes alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from desktop.media.container import file_url
from desktop.media.ffmpeg import running
from desktop.media.probe import probe

STEP = 2.0
"""Seconds between two stills."""


@dataclass(frozen=True, eq=False)
class Still:
    """What is shown at `time` seconds after the film's beginning: rows x columns x red, green, blue."""

    time: float
    pixels: NDArray[np.uint8]


def stills(path: Path, width: int, height: int) -> Iterator[Still]:
    """A still for every `STEP` seconds, as large as fits into `width` x `height` pixels.

    Between keyframes the one nearest in time stands for the others. Yields nothing where there is no picture.
    Raises what `probe` raises, and ReelyError `ffmpeg-failed`, `ffmpeg-missing`.
    """
    video = probe(path).video
    if video is None:
        return
    across, down = video.display_size
    scale = min(width / across, height / down)
    size = max(1, round(across * scale)), max(1, round(down * scale))
    film = ffmpeg.input(file_url(path), skip_frame="nokey", an=None, sn=None, dn=None).video
    picked = film.filter("fps", fps=1 / STEP, start_time=0).filter("scale", *size, flags="area")
    output = ffmpeg.output(picked, "pipe:1", format="rawvideo", pix_fmt="rgb24")
    with running(output) as process:
        number = 0
        while len(content := process.stdout.read(3 * size[0] * size[1])) == 3 * size[0] * size[1]:
            yield Still(number * STEP, np.frombuffer(content, np.uint8).reshape(size[1], size[0], 3))
            number += 1
        process.finish()
