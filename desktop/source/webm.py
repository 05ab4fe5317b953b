"""Elements of WebM (RFC 8794: EBML, RFC 9559: Matroska): finding and making them, and the index Cues."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from desktop.source.pieces import HeadTooShortError, IndexUnreadableError, Piece, SegmentIndex

SEGMENT, CLUSTER, CUES, SEEK_HEAD, VOID = 0x18538067, 0x1F43B675, 0x1C53BB6B, 0x114D9B74, 0xEC
TIMESTAMP, SIMPLE_BLOCK, BLOCK_GROUP, BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_INFO, _TIMESTAMP_SCALE, _DURATION = 0x1549A966, 0x2AD7B1, 0x4489
_CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF1


def webm_index(head: bytes, size: int) -> SegmentIndex:
    """The Cues before the clusters, as YouTube writes them. Raises as `read_index`."""
    start = next((body for ident, _at, body, _end in elements(head, 0, size) if ident == SEGMENT), None)
    if start is None:
        raise IndexUnreadableError("no segment")
    scale, duration = 1_000_000, 0.0  # nanoseconds a tick; ticks
    for ident, _at, body, end in elements(head, start, size):
        if ident == CLUSTER:
            raise IndexUnreadableError("no Cues before the media")
        if ident in {_INFO, CUES} and end > len(head):
            raise HeadTooShortError(end)
        if ident == _INFO:
            for inner, _at, first, last in elements(head, body, end):
                if inner == _TIMESTAMP_SCALE:
                    scale = int.from_bytes(head[first:last])
                elif inner == _DURATION and last - first in {4, 8}:
                    (duration,) = struct.unpack(">f" if last - first == 4 else ">d", head[first:last])
        if ident == CUES:
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
    for ident, _at, body, last in elements(data, start, end):
        if ident != _CUE_POINT:
            continue
        time = place = None
        for inner, _at, first, stop in elements(data, body, last):
            if inner == _CUE_TIME:
                time = int.from_bytes(data[first:stop])
            elif inner == _CUE_POSITIONS and place is None:
                for deepest, _at, left, right in elements(data, first, stop):
                    if deepest == _CUE_CLUSTER:
                        place = int.from_bytes(data[left:right])
        if time is not None and place is not None and place not in seen:
            seen.add(place)
            yield time, place


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Id, start, start of the body, and end of each element in [at, end); an unknown size reaches to the end.

    Raises HeadTooShortError where `data` ends before an element is told.
    """
    while at < end:
        start = at
        ident, at = _number(data, at, keep_marker=True)
        length_at = at
        length, at = _number(data, at, keep_marker=False)
        unknown = length == (1 << 7 * (at - length_at)) - 1
        stop = end if unknown else at + length
        yield ident, start, at, stop
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


def is_webm(data: bytes) -> bool:
    """Whether it begins as EBML does."""
    return data.startswith(b"\x1a\x45\xdf\xa3")


def packed(ident: int, body: bytes) -> bytes:
    """An element, its size in eight bytes."""
    return ident.to_bytes((ident.bit_length() + 7) // 8) + (1 << 56 | len(body)).to_bytes(8) + body


def open_ended(ident: int) -> bytes:
    """The start of an element whose size is not known."""
    return ident.to_bytes((ident.bit_length() + 7) // 8) + b"\x01" + b"\xff" * 7
