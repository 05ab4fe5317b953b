"""Where the pieces of a stream are, in seconds and bytes, read from its head: `sidx` of MP4, Cues of WebM.

Pure functions over bytes that a stranger sent. Not used yet: reading by ranges will fetch a stream's head,
find its pieces here, and ask only for those that a clip needs.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass


class IndexUnreadableError(ValueError):
    """The bytes hold no index of a kind that is understood."""


class HeadTooShortError(IndexUnreadableError):
    """The index ends at byte `needed`, beyond the bytes that were given."""

    def __init__(self, needed: int) -> None:
        super().__init__(f"the index ends at byte {needed}")
        self.needed = needed


@dataclass(frozen=True)
class Piece:
    """A fragment (MP4) or cluster (WebM): seconds [start, end) of the stream, bytes [first, first + size)."""

    start: float
    end: float
    first: int
    size: int


@dataclass(frozen=True)
class SegmentIndex:
    """The pieces in order, and `head`, the number of bytes before the first of them."""

    head: int
    pieces: tuple[Piece, ...]

    def covering(self, start: float, end: float) -> tuple[Piece, ...]:
        """The pieces that hold any of the seconds [start, end), in order."""
        return tuple(piece for piece in self.pieces if piece.start < end and piece.end > start)


def read_index(head: bytes, size: int) -> SegmentIndex:
    """The index of a stream of `size` bytes that starts with `head`.

    Raises `HeadTooShortError` if more of the head is needed, `IndexUnreadableError` if there is no index or
    it makes no sense: pieces that overlap, go back, or lie outside of the stream.
    """
    if len(head) < 12:
        raise HeadTooShortError(12)
    try:
        index = _webm_index(head, size) if head.startswith(b"\x1a\x45\xdf\xa3") else _mp4_index(head)
    except HeadTooShortError as error:
        if error.needed > size:
            raise IndexUnreadableError("the index ends beyond the stream") from None
        raise
    at, now = index.head, -math.inf
    for piece in index.pieces:
        if piece.first < at or piece.first + piece.size > size or piece.size <= 0:
            raise IndexUnreadableError("a piece lies outside of the stream or in another piece")
        if not now <= piece.start < piece.end < math.inf:
            raise IndexUnreadableError("the pieces are not in the order of time")
        at, now = piece.first + piece.size, piece.start
    if not index.pieces:
        raise IndexUnreadableError("the index is empty")
    return index


def _mp4_index(head: bytes) -> SegmentIndex:
    """ISO/IEC 14496-12, 4.2 (boxes) and 8.16.3 (`sidx`, before the fragments that it counts)."""
    at = 0
    while True:
        if at + 16 > len(head):
            raise HeadTooShortError(at + 16)
        size, kind = struct.unpack_from(">I4s", head, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", head, body)
            body += 8
        if size < body - at:
            raise IndexUnreadableError("a box without a size")
        if kind in {b"moof", b"mdat"}:
            raise IndexUnreadableError("no sidx before the media")
        if kind == b"sidx":
            if at + size > len(head):
                raise HeadTooShortError(at + size)
            return _sidx(head[body : at + size], at + size)
        at += size


def _sidx(body: bytes, anchor: int) -> SegmentIndex:
    try:
        version, timescale = body[0], struct.unpack_from(">I", body, 8)[0]
        time, offset = struct.unpack_from(">II" if version == 0 else ">QQ", body, 12)
        at = 20 if version == 0 else 28
        (count,) = struct.unpack_from(">H", body, at + 2)
        references = [struct.unpack_from(">III", body, at + 4 + 12 * number) for number in range(count)]
    except (struct.error, IndexError):
        raise IndexUnreadableError("a sidx that is cut off") from None
    if timescale == 0 or any(size >> 31 for size, _duration, _access in references):
        raise IndexUnreadableError("a sidx without a clock, or one that leads to others")
    first = anchor + offset
    pieces = []
    for size, duration, _access in references:
        pieces.append(Piece(time / timescale, (time + duration) / timescale, first, size))
        time, first = time + duration, first + size
    return SegmentIndex(anchor + offset, tuple(pieces))


_EBML, _SEGMENT, _INFO, _CLUSTER, _CUES = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1F43B675, 0x1C53BB6B
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF1


def _webm_index(head: bytes, size: int) -> SegmentIndex:
    """RFC 8794 (EBML) and RFC 9559 (Matroska): Cues before the clusters, as YouTube writes them."""
    start = next((body for ident, body, _end in _elements(head, 0, size) if ident == _SEGMENT), None)
    if start is None:
        raise IndexUnreadableError("no segment")
    scale, duration = 1_000_000, 0.0  # nanoseconds a tick; ticks
    for ident, body, end in _elements(head, start, size):
        if ident == _CLUSTER:
            raise IndexUnreadableError("no Cues before the media")
        if ident in {_INFO, _CUES} and end > len(head):
            raise HeadTooShortError(end)
        if ident == _INFO:
            for inner, first, last in _elements(head, body, end):
                if inner == _TIMESTAMP_SCALE:
                    scale = int.from_bytes(head[first:last])
                elif inner == _DURATION and last - first in {4, 8}:
                    (duration,) = struct.unpack(">f" if last - first == 4 else ">d", head[first:last])
        if ident == _CUES:
            cues = [(time, start + at) for time, at in _cues(head, body, end)]
            if not cues:
                break
            ends = [*cues[1:], (duration, size)]
            pieces = (
                Piece(time * scale / 1e9, until * scale / 1e9, first, last - first)
                for (time, first), (until, last) in zip(cues, ends, strict=True)
            )
            return SegmentIndex(cues[0][1], tuple(pieces))
    raise IndexUnreadableError("no Cues")


def _cues(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Ticks and the cluster's place after the segment's start; one for each cluster."""
    seen: set[int] = set()
    for ident, body, last in _elements(data, start, end):
        if ident != _CUE_POINT:
            continue
        time = place = None
        for inner, first, stop in _elements(data, body, last):
            if inner == _CUE_TIME:
                time = int.from_bytes(data[first:stop])
            elif inner == _CUE_POSITIONS and place is None:
                for deepest, left, right in _elements(data, first, stop):
                    if deepest == _CUE_CLUSTER:
                        place = int.from_bytes(data[left:right])
        if time is not None and place is not None and place not in seen:
            seen.add(place)
            yield time, place


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Id, start and end of the body of each element in [at, end); an unknown size reaches to the end."""
    while at < end:
        ident, at = _number(data, at, keep_marker=True)
        length_at = at
        length, at = _number(data, at, keep_marker=False)
        unknown = length == (1 << 7 * (at - length_at)) - 1
        stop = end if unknown else at + length
        yield ident, at, stop
        at = stop


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """A variable-size integer (RFC 8794, section 4) and the place after it."""
    if at >= len(data):
        raise HeadTooShortError(at + 12)
    width = 9 - data[at].bit_length()
    if width > 8:
        raise IndexUnreadableError("no EBML")
    if at + width > len(data):
        raise HeadTooShortError(at + width)
    value = int.from_bytes(data[at : at + width])
    return (value if keep_marker else value & ((1 << 7 * width) - 1)), at + width
