"""Media files made of a stream's head and some of its pieces, which play at their own times.

MP4 becomes `ftyp moov (moof mdat)*`, WebM a segment of unknown size with its information, its tracks and
clusters. What tells byte positions (`sidx`, Cues, SeekHead) is left out: they are others now.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

from desktop.media.container import open_media
from desktop.media.probe import presentation_start
from desktop.source.mp4 import boxes, whole_boxes
from desktop.source.pieces import HeadTooShortError, IndexUnreadableError, SegmentIndex
from desktop.source.webm import (
    BLOCK,
    BLOCK_GROUP,
    CLUSTER,
    CUES,
    SEEK_HEAD,
    SEGMENT,
    SIMPLE_BLOCK,
    TIMESTAMP,
    VOID,
    elements,
    is_webm,
    open_ended,
    packed,
)

_SAMPLE = 2048
"""Bytes of the first picture or sound that are enough to know when it is presented."""


def excerpt_head(head: bytes) -> bytes:
    """What an excerpt starts with. `head` are the bytes before the first piece."""
    if is_webm(head):
        return _webm_head(head)
    return b"".join(
        head[start:end] for kind, start, _body, end in whole_boxes(head) if kind not in {b"sidx", b"ssix"}
    )


def piece_body(head: bytes, piece: bytes) -> bytes:
    """What an excerpt takes of a piece that is a file of its own, and may be cut off; `head` precedes it."""
    if not head or is_webm(head):
        return piece
    kept = []
    with contextlib.suppress(HeadTooShortError):
        for kind, start, _body, end in whole_boxes(piece):
            if kind not in {b"styp", b"sidx", b"ssix", b"mfra"}:
                kept.append(piece[start:end])
    return b"".join(kept)


def stream_start(data: bytes, index: SegmentIndex, size: int, scratch: Path) -> Fraction | None:
    """When the stream begins, in seconds of its container, as libavformat will tell it of the whole.

    `data` are the first bytes of the stream, of `size` bytes in all; `scratch` is made, read and removed.
    Raises HeadTooShortError where more of them are needed. None where the stream does not tell.
    """
    sample = _first_webm_cluster if is_webm(data) else _first_mp4_fragment
    try:
        first = sample(data, index)
    except HeadTooShortError as error:
        if error.needed > size:
            raise IndexUnreadableError("the first piece ends beyond the stream") from None
        raise
    try:
        scratch.write_bytes(excerpt_head(data[: index.head]) + first)
        with open_media(scratch) as container:
            if not any(stream.start_time is not None for stream in container.streams):
                return None
            return presentation_start(container)
    finally:
        scratch.unlink(missing_ok=True)


def _first_mp4_fragment(data: bytes, index: SegmentIndex) -> bytes:
    """The first fragment with the beginning of its first sample alone."""
    for kind, start, _body, end in boxes(data, index.head):
        if kind == b"mdat":
            sample = min(start + _SAMPLE, end)
            if sample > len(data):
                raise HeadTooShortError(sample)
            return data[index.head : sample]
    raise IndexUnreadableError("the first fragment is empty")


def _webm_head(head: bytes) -> bytes:
    parts = []
    for ident, start, body, stop in elements(head, 0, len(head)):
        if ident == SEGMENT:
            parts.append(open_ended(SEGMENT))
            parts += [
                head[inner:end]
                for name, inner, _body, end in elements(head, body, len(head))
                if name not in {SEEK_HEAD, CUES, VOID}
            ]
            break
        parts.append(head[start:stop])
    return b"".join(parts)


def _first_webm_cluster(data: bytes, index: SegmentIndex) -> bytes:
    """A cluster with the beginning of its first block alone."""
    for ident, _start, body, stop in elements(data, index.head, index.pieces[0].stop):
        if ident != CLUSTER:
            continue
        time = b""
        for name, start, inner, end in elements(data, body, stop):
            if name == TIMESTAMP:
                if end > len(data):
                    raise HeadTooShortError(end)
                time = data[start:end]
            if name == SIMPLE_BLOCK:
                return packed(CLUSTER, time + _first_bytes(data, inner, end))
            if name == BLOCK_GROUP:
                for what, _at, first, last in elements(data, inner, end):
                    if what == BLOCK:
                        return packed(CLUSTER, time + _first_bytes(data, first, last))
    raise IndexUnreadableError("the first cluster is empty")


def _first_bytes(data: bytes, start: int, end: int) -> bytes:
    sample = min(end, start + _SAMPLE)
    if sample > len(data):
        raise HeadTooShortError(sample)
    return packed(SIMPLE_BLOCK, data[start:sample])
