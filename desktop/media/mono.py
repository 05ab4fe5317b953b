"""A file's sound as one channel at a rate of one's choice, as listening programs want it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from desktop.media.peaks import sound_frames
from desktop.media.probe import probe

Mono = NDArray[np.float32]
"""Samples from -1 to 1."""

_JITTER = 0.05  # seconds; a piece that is off its place by less belongs right after the one before it


def mono_blocks(
    path: Path, rate: int, origin: Fraction | None = None, seconds: float = 30.0
) -> Iterator[Mono]:
    """The sound from 0 s of the source's clock on, in blocks of `seconds` (the last one is shorter).

    Gaps are silence. `origin` is where the source's clock is 0, in seconds of the file; None: where the file
    starts. Nothing is yielded where there is no sound. Raises what `probe` raises.
    """
    info = probe(path)
    if info.audio is None:
        return
    zero = float(info.start if origin is None else origin)
    resampler = AudioResampler(format="flt", layout="mono", rate=rate)
    size = int(seconds * rate)
    pending: list[Mono] = []
    waiting = reached = 0
    for frame in sound_frames(path, info.audio):
        told = reached if frame.time is None else round((frame.time - zero) * rate)
        try:
            parts = resampler.resample(frame)
        except ValueError:  # the sound goes on in another format, as recordings of broadcasts do
            resampler = AudioResampler(format="flt", layout="mono", rate=rate)
            parts = resampler.resample(frame)
        for part in parts:
            samples = np.asarray(part.to_ndarray(), np.float32).reshape(-1)
            gap = told - reached
            if gap > _JITTER * rate:
                pending.append(np.zeros(gap, np.float32))
                reached += gap
                waiting += gap
            elif gap < -_JITTER * rate:
                samples = samples[-gap:]  # before the clock's zero, or said twice
            pending.append(samples)
            reached += len(samples)
            waiting += len(samples)
            told = reached
        while waiting >= size:
            whole = np.concatenate(pending)
            yield whole[:size]
            pending, waiting = [whole[size:]], len(whole) - size
    if waiting:
        yield np.concatenate(pending)
