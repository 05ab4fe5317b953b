"""What is really in a clip: the frame number of every picture, and where the beeps are."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.media_codes import Beep, read_beeps, read_frame_number


def frame_numbers(path: Path) -> list[int]:
    """The number in each picture, in the order in which they are shown."""
    with av.open(str(path)) as container:
        return [read_frame_number(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def beeps(path: Path) -> list[Beep]:
    """The beeps on the clip's own clock, on which edit lists and priming count."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        pieces = []
        first: float | None = None
        for frame in container.decode(stream):
            first = frame.time if first is None else first
            pieces.append(frame.to_ndarray().astype(np.float64).reshape(-1, frame.samples)[0])
    heard = read_beeps(np.concatenate(pieces), rate)
    return [Beep(at=beep.at + (first or 0.0), second=beep.second) for beep in heard]
