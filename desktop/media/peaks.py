"""The waveform of a sound: how far it swings and how loud it is, at every zoom, in one small file.

Level 0 has a bin for every 64 samples, each further level one for every 4 bins of the level before. A bin is
three signed bytes: the lowest sample of all channels, the highest, and the root mean square, with 127 for
full scale. The file is a header (`_HEADER`), then level 0; the other levels are made when it is read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from desktop.media.container import open_media
from desktop.media.probe import AudioInfo, probe

BIN = 64
"""Samples of a bin of level 0."""
_STEP = 4
_FULL = 127
# Magic and version, samples per second, number of the first sample, bins.
_HEADER = struct.Struct("<8sIqQ")
_MAGIC = b"reelypk1"
_BLOCK = BIN * 2048  # samples that are reduced at once
# A decoded piece that is off its place by less than this belongs right after the one before it: times in
# Matroska are rounded to milliseconds.
_JITTER = 0.01  # seconds
_EDGE = 1e-4  # of a bin or sample
_PREROLL = 0.25  # seconds that codecs with memory need to settle (Opus: 80 ms)

Bins = NDArray[np.int8]
Swings = NDArray[np.float32]
"""Rows of lowest sample, highest sample and root mean square; 1.0 is full scale."""
Samples = NDArray[np.float32]
"""Channels x samples."""


@dataclass(frozen=True, eq=False)
class Peaks:
    """`levels[k]` has a row for every `BIN * 4**k` samples, counted from sample number `first`.

    Sample 0 is at 0 s of the source's clock; `rate` is samples per second.
    """

    rate: int
    first: int
    levels: tuple[Bins, ...]

    @classmethod
    def of(cls, rate: int, first: int, bins: Bins) -> Peaks:
        """All levels out of the finest one."""
        levels = [bins]
        while len(levels[-1]) > _STEP:
            levels.append(_coarser(levels[-1]))
        return cls(rate, first, tuple(levels))

    @property
    def loudest(self) -> float:
        """The furthest swing of all; 1.0 is full scale."""
        return float(np.abs(self.levels[-1][:, :2].astype(np.float32)).max()) / _FULL

    def swings(self, first: int, count: int, column: float) -> Swings:
        """`count` columns of `column` seconds each, from column number `first` (0 begins at 0 s) on.

        Silence where there is no sound. The coarsest level with four bins to a column is looked at, so that
        what is told of a column reaches over its edges by a quarter at most.
        """
        samples = column * self.rate
        level = 0
        while level + 1 < len(self.levels) and BIN * _STEP ** (level + 2) <= samples:
            level += 1
        size = BIN * _STEP**level
        edges = ((first + np.arange(count + 1)) * samples - self.first) / size
        # A bin across an edge belongs to both columns, one that ends at it to one: floats are not exact.
        begin, end = np.floor(edges[:-1] + _EDGE), np.ceil(edges[1:] - _EDGE)
        return _reduced(self.levels[level], begin.astype(np.int64), end.astype(np.int64)) / np.float32(_FULL)


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Every sample of a short part, for a zoom at which a bin of `Peaks` is wider than a pixel.

    `rows` are like those of `Peaks.swings`, one a sample, the first one of sample number `first`.
    """

    rate: int
    first: int
    rows: Swings

    def holds(self, start: float, end: float) -> bool:
        """Whether it is all of a range of seconds."""
        return self.first <= start * self.rate and end * self.rate <= self.first + len(self.rows)

    def swings(self, first: int, count: int, column: float) -> Swings:
        """As `Peaks.swings`."""
        samples = column * self.rate
        # A column that begins with a sample begins with it, although floats are not exact.
        edges = np.floor((first + np.arange(count + 1)) * samples - self.first + _EDGE).astype(np.int64)
        return _reduced(self.rows, edges[:-1], edges[1:])


def _reduced(bins: Bins | Swings, begin: NDArray[np.int64], end: NDArray[np.int64]) -> Swings:
    """What the bins from `begin[k]` to `end[k]` come to; one bin where both are the same."""
    result = np.zeros((len(begin), 3), np.float32)
    first, last = np.maximum(begin, 0), np.minimum(np.maximum(end, begin + 1), len(bins))
    there = np.flatnonzero(first < last)
    if not there.size:
        return result
    lowest, highest = int(first[there].min()), int(last[there].max())
    part = np.concatenate([bins[lowest:highest], bins[-1:]])  # reduceat wants an index for every end
    # Of each pair of indices the first result is the range between them, the second what lies after it.
    pairs = np.stack([first[there], last[there]], axis=1).ravel() - lowest
    result[there, 0] = np.minimum.reduceat(part[:, 0], pairs)[::2]
    result[there, 1] = np.maximum.reduceat(part[:, 1], pairs)[::2]
    loud = np.add.reduceat(np.square(part[:, 2].astype(np.float32)), pairs)[::2]
    result[there, 2] = np.sqrt(loud / (last - first)[there])
    return result


def _coarser(bins: Bins) -> Bins:
    whole = np.concatenate([bins, np.repeat(bins[-1:], -len(bins) % _STEP, axis=0)]).reshape(-1, _STEP, 3)
    loud = np.sqrt(np.mean(np.square(whole[:, :, 2].astype(np.float32)), axis=1))
    return np.stack(
        [whole[:, :, 0].min(axis=1), whole[:, :, 1].max(axis=1), np.rint(loud).astype(np.int8)], axis=1
    )


# --- making ---


def make_peaks(
    path: Path, origin: Fraction | None = None, progress: Callable[[float], None] = lambda _fraction: None
) -> Peaks | None:
    """Decode the sound that plays in the file `path`; None where there is none.

    `origin` is where the source's clock is 0, in seconds of the file; None: where the file starts. `progress`
    is told 0..1. Raises what `probe` raises.
    """
    info = probe(path)
    if info.audio is None:
        return None
    rate = info.audio.sample_rate
    zero = float(info.start if origin is None else origin)
    first: int | None = None
    done = 0
    blocks: list[Bins] = []
    pending: list[Samples] = []
    waiting = 0
    for position, samples in _decoded(path, info.audio, zero):
        if first is None:
            first = done = position
        gap = max(0, position - done)
        if gap:
            pending.append(np.zeros((len(samples), gap), np.float32))
        pending.append(samples)
        waiting += gap + samples.shape[1]
        done += gap + samples.shape[1]
        if waiting >= _BLOCK:
            rest = _into_bins(np.concatenate(pending, axis=1), blocks)
            pending, waiting = [rest], rest.shape[1]
            progress(min(1.0, done / rate / max(info.duration, 0.001)))
    if first is None:
        return None
    last = np.concatenate(pending, axis=1)
    _into_bins(np.pad(last, ((0, 0), (0, -last.shape[1] % BIN)), mode="edge"), blocks)
    progress(1.0)
    return Peaks.of(rate, first, np.concatenate(blocks))


def _into_bins(samples: Samples, blocks: list[Bins]) -> Samples:
    """Reduce samples to bins as far as they fill them; what is left over."""
    full = samples.shape[1] - samples.shape[1] % BIN
    swings = _swings_of(samples[:, :full].reshape(len(samples), -1, BIN))
    blocks.append(np.rint(np.clip(np.nan_to_num(swings), -1, 1) * _FULL).astype(np.int8))
    return samples[:, full:]


def _swings_of(samples: Samples) -> Swings:
    """Channels x columns x samples: the lowest, the highest and the root mean square of each column."""
    loud = np.sqrt(np.square(samples).mean(axis=(0, 2)))
    return np.stack([samples.min(axis=(0, 2)), samples.max(axis=(0, 2)), loud], axis=1)


def _decoded(
    path: Path, audio: AudioInfo, zero: float, start: float | None = None
) -> Iterator[tuple[int, Samples]]:
    """The sound in pieces of always as many channels, each with the number of its first sample.

    Samples are counted from the clock's zero, which is at `zero` seconds of the file. With `start` (seconds
    on the clock) decoding begins a little before that.
    """
    resampler = AudioResampler(format="fltp", rate=audio.sample_rate)
    reached: int | None = None
    for frame in sound_frames(path, audio, None if start is None else start + zero - _PREROLL):
        told = None if frame.time is None else round((frame.time - zero) * audio.sample_rate)
        if told is not None and (reached is None or abs(told - reached) > _JITTER * audio.sample_rate):
            reached = told
        position = reached or 0
        try:
            parts = resampler.resample(frame)
        except ValueError:  # the sound goes on in another format, as recordings of broadcasts do
            resampler = AudioResampler(format="fltp", rate=audio.sample_rate)
            parts = resampler.resample(frame)
        for part in parts:
            samples = np.asarray(part.to_ndarray(), np.float32)
            if len(samples) != audio.channels:
                samples = np.broadcast_to(samples[:1], (audio.channels, samples.shape[1]))
            yield position, samples
            position += samples.shape[1]
        reached = position


def sound_frames(path: Path, audio: AudioInfo, start: float | None = None) -> Iterator[AudioFrame]:
    """The decoded pieces of a file's sound, from `start` seconds of the file or a little earlier on."""
    with open_media(path) as container:
        stream = next(s for s in container.streams.audio if s.index == audio.index)
        if start is not None and stream.time_base:
            container.seek(int(max(0.0, start) / stream.time_base), stream=stream, backward=True)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                continue  # one damaged packet leaves a gap
            yield from (frame for frame in frames if isinstance(frame, AudioFrame))


def read_excerpt(path: Path, start: float, end: float, origin: Fraction | None = None) -> Excerpt | None:
    """Decode a few seconds of the sound that plays in a file; None where there is none.

    Raises what `probe` raises.
    """
    info = probe(path)
    if info.audio is None:
        return None
    zero, rate = float(info.start if origin is None else origin), info.audio.sample_rate
    first, last = math.floor(start * rate), math.ceil(end * rate)
    rows = np.zeros((max(0, last - first), 3), np.float32)
    for position, samples in _decoded(path, info.audio, zero, start):
        if position >= last:
            break
        begin = max(position, first)
        piece = samples[:, begin - position : max(0, last - position)]
        if piece.size:
            rows[begin - first : begin - first + piece.shape[1]] = _swings_of(piece[:, :, None])
    return Excerpt(rate, first, rows)


# --- the file ---


def peaks_to_bytes(peaks: Peaks) -> bytes:
    """The file's content."""
    bins = np.ascontiguousarray(peaks.levels[0])
    return _HEADER.pack(_MAGIC, peaks.rate, peaks.first, len(bins)) + bins.tobytes()


def peaks_from_bytes(content: bytes) -> Peaks | None:
    """What `peaks_to_bytes` wrote; None where that is not what this is."""
    if len(content) < _HEADER.size:
        return None
    magic, rate, first, count = _HEADER.unpack_from(content)
    bins = memoryview(content)[_HEADER.size :]
    if magic != _MAGIC or not rate or not count or len(bins) != 3 * count:
        return None
    return Peaks.of(rate, first, np.frombuffer(bins, np.int8).reshape(-1, 3))
