"""What the first bytes of a stream tell: which bytes seconds of it need, and how a file is made of those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from desktop.media.container import open_media
from desktop.media.pictures import is_clean_keyframe
from desktop.media.probe import is_moving_picture, is_sound, presentation_start
from desktop.source.jobs import Segment
from desktop.source.pieces import IndexUnreadableError, SegmentIndex
from desktop.source.ranges import RangeFile, Span, allow_holes

# Seconds around a segment. Pictures are where an index says. Sound is off by up to the encoder's delay (AAC:
# 46 ms with 44.1 kHz), and decoders settle before it is heard (RFC 7845, 4.6: 80 ms for Opus).
_PICTURE_MARGIN = -5e-7
_SOUND_MARGIN = 0.1
_AHEAD = 64  # pictures that a decoder with many threads takes up before it is told to stop
_MOST_SAMPLES = 5_000_000  # of a track: a day of 50 pictures a second has fewer
_FIRST_SLICE = 4096  # bytes of a picture that tell its kind
_GAP = 32 * 1024  # bytes that are rather fetched than asked around


Read = Callable[[int, int], bytes]
"""Gives the bytes [first, stop) of a stream."""


class Head(Protocol):
    """What is known of a stream. `origin` is where the source's clock is 0, in seconds of the container."""

    @property
    def start(self) -> Fraction:
        """When the stream begins, in seconds of its container."""

    def access_before(self, time: float, origin: Fraction) -> float:
        """Where on the source's clock decoding has to begin to have `time`; at most `time`."""


class StreamHead(Head, Protocol):
    """The head of a stream that is one file."""

    @property
    def kept(self) -> Sequence[Span]:
        """The bytes that an excerpt needs whatever it holds."""

    def covering(self, segments: Iterable[Segment], origin: Fraction) -> list[Span]:
        """The bytes that the segments need, in order."""

    def clean_access_before(self, time: float, origin: Fraction, read: Read) -> float:
        """As `access_before`, where what is decoded refers to nothing before: copies can be joined there.

        `read` gives bytes of the stream.
        """

    def write(self, file: RangeFile, spans: Sequence[Span], target: Path) -> None:
        """Make `target`, an excerpt with these bytes of `file`. Raises DamagedError where some are not."""


@dataclass(frozen=True)
class PieceHead:
    """The head of a stream in pieces; `media_head` is what an excerpt starts with."""

    index: SegmentIndex
    media_head: bytes
    start: Fraction
    is_picture: bool

    @property
    def kept(self) -> Sequence[Span]:
        return [(0, self.index.head)]

    def covering(self, segments: Iterable[Segment], origin: Fraction) -> list[Span]:
        offset = self._offset(origin)
        margin = _PICTURE_MARGIN if self.is_picture else _SOUND_MARGIN
        return merged(
            (piece.first, piece.stop)
            for start, end in segments
            for piece in self.index.covering(start - offset - margin, end - offset + margin)
        )

    def access_before(self, time: float, origin: Fraction) -> float:
        offset = self._offset(origin)
        first = self.index.covering(time - offset - _PICTURE_MARGIN, time - offset + 1)[0]
        return min(time, first.start + offset)

    def clean_access_before(self, time: float, origin: Fraction, read: Read) -> float:
        del read  # the index tells
        offset = self._offset(origin)
        pieces = self.index.pieces
        first = self.index.covering(time - offset - _PICTURE_MARGIN, time - offset + 1)[0]
        return min(time, pieces[self.index.clean_before(pieces.index(first))].start + offset)

    def write(self, file: RangeFile, spans: Sequence[Span], target: Path) -> None:
        with target.open("wb") as excerpt:
            excerpt.write(self.media_head)
            for first, stop in spans:
                excerpt.writelines(file.read(first, stop))

    def _offset(self, origin: Fraction) -> float:
        """From the index's clock to the source's."""
        # Indexes may count before or after an edit list; that the first piece is the beginning holds always.
        return float(self.start - origin) - self.index.pieces[0].start


@dataclass(frozen=True, eq=False)
class _Track:
    """A track's samples in decoding order: seconds of the container, places and sizes in bytes."""

    codec: str
    is_picture: bool
    delay: float
    """Seconds from decoding to presentation."""
    times: NDArray[np.float64]
    places: NDArray[np.int64]
    sizes: NDArray[np.int64]
    keys: NDArray[np.int64]
    """The numbers of those at which decoding can begin."""

    def access(self, time: float) -> int:
        """The sample at which decoding has to begin to have what is presented at `time`."""
        if not self.is_picture:
            return int(np.searchsorted(self.times, time - self.delay - _SOUND_MARGIN))
        before = self.keys[self.times[self.keys] <= time - self.delay - _SOUND_MARGIN]
        return int(before[-1]) if before.size else 0

    def clean_access(self, time: float, read: Read) -> int:
        """As `access`, where what is decoded refers to nothing before it; `read` gives bytes of the file."""
        before = self.keys[: np.searchsorted(self.keys, self.access(time), side="right")]
        numbers: list[int] = before[::-1].tolist()
        for number in numbers:
            place, size = int(self.places[number]), int(self.sizes[number])
            if is_clean_keyframe(self.codec, read(place, place + min(size, _FIRST_SLICE))):
                return number
        return 0

    def covering(self, start: float, end: float) -> list[Span]:
        """Nothing is presented before it is decoded, so what is decoded after `end` is only read ahead."""
        stop = int(np.searchsorted(self.times, end + _SOUND_MARGIN))
        taken = slice(self.access(start), stop + (_AHEAD if self.is_picture else 0))
        return list(zip(*self._spans(taken), strict=True))

    def first(self) -> list[Span]:
        """The first samples, from which the kind of the track can be told."""
        return list(zip(*self._spans(slice(0, 2)), strict=True))

    def _spans(self, taken: slice) -> tuple[list[int], list[int]]:
        places = self.places[taken]
        return places.tolist(), (places + self.sizes[taken]).tolist()


@dataclass(frozen=True, eq=False)
class TableHead:
    """The head of a plain MP4: tables of samples. An excerpt has its bytes where they were, and holes."""

    size: int
    start: Fraction
    movie: Sequence[Span]
    tracks: Sequence[_Track]

    @property
    def kept(self) -> Sequence[Span]:
        return [*self.movie, *(span for track in self.tracks for span in track.first())]

    def covering(self, segments: Iterable[Segment], origin: Fraction) -> list[Span]:
        zero = float(origin)
        spans = [
            span
            for start, end in segments
            for track in self.tracks
            for span in track.covering(min(start, self.access_before(start, origin)) + zero, end + zero)
        ]
        return merged(spans, gap=_GAP)

    def access_before(self, time: float, origin: Fraction) -> float:
        pictures = [track for track in self.tracks if track.is_picture]
        zero = float(origin)
        begins = [float(track.times[track.access(time + zero)]) - zero for track in pictures]
        return max(0.0, min([time, *begins]))

    def clean_access_before(self, time: float, origin: Fraction, read: Read) -> float:
        pictures = [track for track in self.tracks if track.is_picture]
        zero = float(origin)
        begins = [float(track.times[track.clean_access(time + zero, read)]) - zero for track in pictures]
        return max(0.0, min([time, *begins]))

    def write(self, file: RangeFile, spans: Sequence[Span], target: Path) -> None:
        with target.open("wb") as excerpt:
            allow_holes(excerpt)
            for first, stop in merged([*self.kept, *spans]):
                excerpt.seek(first)
                excerpt.writelines(file.read(first, stop))
            excerpt.truncate(self.size)


def read_tables(movie: Sequence[Span], file: RangeFile, size: int, scratch: Path) -> TableHead:
    """The head of a plain MP4 of `size` bytes, whose bytes that are no media are there in `file`.

    `scratch` is made, read and removed. Raises IndexUnreadableError where the tables make no sense, and what
    `open_media` raises.
    """
    empty = TableHead(size, Fraction(0), movie, ())
    try:
        empty.write(file, (), scratch)
        with open_media(scratch) as container:
            tracks = []
            for stream in container.streams:
                if not (is_moving_picture(stream) or is_sound(stream)) or stream.time_base is None:
                    continue
                if len(stream.index_entries) > _MOST_SAMPLES:
                    raise IndexUnreadableError("more samples than any recording has")
                entries = list(stream.index_entries)
                times = np.array([entry.timestamp for entry in entries]) * float(stream.time_base)
                places = np.array([entry.pos for entry in entries], dtype=np.int64)
                sizes = np.array([entry.size for entry in entries], dtype=np.int64)
                if not entries or (places < 0).any() or (places + sizes > size).any():
                    raise IndexUnreadableError("samples lie outside of the file")
                keys = np.flatnonzero([entry.is_keyframe for entry in entries])
                begin = float((stream.start_time or 0) * stream.time_base)
                tracks.append(
                    _Track(
                        stream.codec_context.name,
                        is_moving_picture(stream),
                        max(0.0, begin - float(times[0])),
                        times,
                        places,
                        sizes,
                        keys,
                    )
                )
            if not tracks:
                raise IndexUnreadableError("no track")
            return TableHead(size, presentation_start(container), movie, tuple(tracks))
    finally:
        scratch.unlink(missing_ok=True)


def merged(spans: Iterable[Span], gap: int = 0) -> list[Span]:
    """The same bytes as disjoint spans in order; those at most `gap` apart are joined."""
    joined: list[Span] = []
    for first, stop in sorted(spans):
        if joined and first <= joined[-1][1] + gap:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((first, stop))
    return joined
