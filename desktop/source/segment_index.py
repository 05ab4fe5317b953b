"""Where the pieces of a stream are, in seconds and bytes, read from its head: `sidx` of MP4, Cues of WebM.

Pure functions over bytes that a stranger sent.
"""

from __future__ import annotations

import math

from desktop.source.mp4 import mp4_index
from desktop.source.pieces import HeadTooShortError, IndexUnreadableError, SegmentIndex
from desktop.source.webm import is_webm, webm_index

__all__ = ["HeadTooShortError", "IndexUnreadableError", "SegmentIndex", "read_index"]


def read_index(head: bytes, size: int) -> SegmentIndex:
    """The index of a stream of `size` bytes that starts with `head`.

    Raises `HeadTooShortError` if more of the head is needed, `IndexUnreadableError` if there is no index or
    it makes no sense: pieces that overlap, go back, or lie outside of the stream.
    """
    if len(head) < 12:
        raise HeadTooShortError(12)
    try:
        index = webm_index(head, size) if is_webm(head) else mp4_index(head)
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
