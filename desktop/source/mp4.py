"""Boxes of MP4 (ISO/IEC 14496-12): finding them, and the index `sidx` before the fragments that it counts."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from desktop.source.pieces import HeadTooShortError, IndexUnreadableError, Piece, SegmentIndex

_LONGEST_MOVIE = 32 * 1024 * 1024  # bytes: ten hours have fewer
_MOST_BOXES = 32


def boxes(data: bytes, at: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Type, start, start of the body, and end of each box from `at` on (section 4.2).

    The last one may end beyond `data`. Raises HeadTooShortError where it ends before a box is told.
    """
    while True:
        if at + 16 > len(data):
            raise HeadTooShortError(at + 16)
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        if size < body - at:
            raise IndexUnreadableError("a box without a size")
        yield kind, at, body, at + size
        at += size


def movie_head(read: Callable[[int, int], bytes], size: int) -> list[tuple[int, int]]:
    """The bytes [first, stop) of an MP4 without fragments that are not media: its `moov` and what is small.

    `read` gives bytes of the file, which has `size`. Raises IndexUnreadableError where there is no `moov`, it
    is too long, or it is that of a file in fragments.
    """
    head, at, movie = [], 0, False
    for _box in range(_MOST_BOXES):
        if at + 16 > size:
            break
        kind, start, body, end = next(boxes(read(at, at + 16), 0))
        start, body, end = at + start, at + body, at + end
        if kind == b"moov":
            if end > size or end - start > _LONGEST_MOVIE:
                break
            movie = b"mvex" not in {name for name, *_rest in whole_boxes(read(body, end))}
        if kind == b"moof":
            break
        head.append((start, body if kind == b"mdat" else min(end, size)))
        at = end
    if not movie or sum(stop - first for first, stop in head) > _LONGEST_MOVIE:
        raise IndexUnreadableError("no moov with tables of samples")
    return head


def whole_boxes(data: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """As `boxes`, where `data` ends with a box."""
    for box in boxes(data + struct.pack(">I4s8x", 16, b"free"), 0):
        if box[1] >= len(data):
            return
        yield box


def mp4_index(head: bytes) -> SegmentIndex:
    """The index in the head (section 8.16.3). Raises as `read_index`."""
    for kind, _start, body, end in boxes(head, 0):
        if kind in {b"moof", b"mdat"}:
            break
        if kind == b"sidx":
            if end > len(head):
                raise HeadTooShortError(end)
            return _sidx(head[body:end], end)
    raise IndexUnreadableError("no sidx before the media")


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
    for size, duration, access in references:
        kind = (access >> 28 & 7 or 1) if access >> 31 else 0
        pieces.append(Piece(time / timescale, (time + duration) / timescale, first, size, kind))
        time, first = time + duration, first + size
    return SegmentIndex(anchor + offset, tuple(pieces))
