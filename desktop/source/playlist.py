"""Streams that are lists of pieces: where each piece is and which seconds it holds, in HLS and in DASH.

Pure functions over what a stranger wrote. HLS is RFC 8216; DASH comes as the fragments that yt-dlp reads out
of a manifest.
"""

from __future__ import annotations

import hashlib
import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from desktop.source.pieces import IndexUnreadableError
from desktop.source.ranges import Span

_MOST = 100_000  # pieces; a day of one each second has fewer
_LONGEST_PIECE = 3600.0  # seconds
_ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')


class StillGrowingError(IndexUnreadableError):
    """The list of something that is on air."""


@dataclass(frozen=True)
class Place:
    """Bytes at an address: those of `span`, or all that is there."""

    url: str
    span: Span | None = None


@dataclass(frozen=True)
class ListedPiece:
    """A piece: seconds [start, end) since the beginning of the list, as the list tells them."""

    start: float
    end: float
    place: Place


@dataclass(frozen=True)
class PieceList:
    """The pieces in order, and what has to come before each of them (None in MPEG-TS)."""

    head: Place | None
    pieces: tuple[ListedPiece, ...]

    @property
    def shape(self) -> str:
        """Tells whether two lists are of the same pieces: addresses differ by host and by what expires."""
        told = [
            (round(piece.end, 3), urlsplit(piece.place.url).path, piece.place.span) for piece in self.pieces
        ]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def covering(self, start: float, end: float) -> range:
        """The numbers of the pieces that hold any of the seconds [start, end); at least one."""
        first = bisect_right(self.pieces, start, key=lambda piece: piece.end)
        stop = bisect_right(self.pieces, end, key=lambda piece: piece.start)
        last = len(self.pieces) - 1
        return range(min(first, last), max(min(stop, last + 1), min(first, last) + 1))


def read_hls(text: str, url: str) -> PieceList:
    """The media playlist `text` that was found at `url`.

    Raises `StillGrowingError` for one that is not complete, and `IndexUnreadableError` where its pieces are
    not simply one stream: encrypted, interrupted (by ads), of several encodings, or with gaps.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "#EXTM3U":
        raise IndexUnreadableError("no playlist")
    if "#EXT-X-ENDLIST" not in lines:
        raise StillGrowingError("the playlist has no end")
    reader = _HlsReader(url)
    for line in lines:
        reader.read(line)
    if not reader.pieces:
        raise IndexUnreadableError("the playlist names no piece")
    return PieceList(reader.head, tuple(reader.pieces))


class _HlsReader:
    def __init__(self, url: str) -> None:
        self._url = url
        self.head: Place | None = None
        self.pieces: list[ListedPiece] = []
        self._duration: float | None = None
        self._span: tuple[int, int | None] | None = None  # bytes, and where they begin if that is told

    def read(self, line: str) -> None:
        name, _colon, value = line.partition(":")
        match name:
            case "#EXTINF":
                self._duration = _seconds(value.partition(",")[0])
            case "#EXT-X-BYTERANGE":
                self._span = _byte_range(value)
            case "#EXT-X-MAP":
                self._take_head(_attributes(value))
            case "#EXT-X-KEY" if _attributes(value).get("METHOD") != "NONE":
                raise IndexUnreadableError("the pieces are encrypted")
            case "#EXT-X-DISCONTINUITY" | "#EXT-X-GAP" | "#EXT-X-I-FRAMES-ONLY" | "#EXT-X-STREAM-INF":
                raise IndexUnreadableError(f"a playlist with {name}")
            case _ if not line.startswith("#"):
                self._take_piece(line)

    def _take_head(self, told: Mapping[str, str]) -> None:
        span = None
        if "BYTERANGE" in told:
            count, first = _byte_range(told["BYTERANGE"])
            span = (first or 0, (first or 0) + count)
        head = Place(_address(self._url, told.get("URI", "")), span)
        if self.pieces or self.head not in {None, head}:
            raise IndexUnreadableError("a playlist of several encodings")
        self.head = head

    def _take_piece(self, line: str) -> None:
        if self._duration is None or len(self.pieces) >= _MOST:
            raise IndexUnreadableError("a piece without a duration, or too many")
        address, span = _address(self._url, line), None
        if self._span is not None:
            count, first = self._span
            if first is None:  # after the piece before (4.3.2.2)
                before = self.pieces[-1].place if self.pieces else None
                if before is None or before.span is None or before.url != address:
                    raise IndexUnreadableError("a byte range that does not say where it begins")
                first = before.span[1]
            span = (first, first + count)
        start = self.pieces[-1].end if self.pieces else 0.0
        self.pieces.append(ListedPiece(start, start + self._duration, Place(address, span)))
        self._duration = self._span = None


def dash_pieces(entry: Mapping[str, Any]) -> PieceList:
    """The pieces of a DASH stream out of yt-dlp's entry for it.

    Raises `StillGrowingError` and `IndexUnreadableError` as `read_hls`.
    """
    fragments, base = entry.get("fragments"), str(entry.get("fragment_base_url") or "")
    if entry.get("is_live") or not isinstance(fragments, list):
        raise StillGrowingError("the manifest has no end")
    listed = list(_listed(fragments, base))
    if not listed or len(listed) > _MOST:
        raise IndexUnreadableError("the manifest names no piece, or too many")
    head = None
    if listed[0][1] is None:
        head = Place(listed.pop(0)[0])
    pieces, now = [], 0.0
    for url, duration in listed:
        if duration is None:
            raise IndexUnreadableError("a piece without a duration")
        pieces.append(ListedPiece(now, now + duration, Place(url)))
        now += duration
    if not pieces:
        raise IndexUnreadableError("the manifest names no piece")
    return PieceList(head, tuple(pieces))


def _listed(fragments: list[Any], base: str) -> Iterator[tuple[str, float | None]]:
    for fragment in fragments:
        if not isinstance(fragment, dict):
            raise IndexUnreadableError("no fragment")
        told = fragment.get("url") or fragment.get("path") or ""
        duration = fragment.get("duration")
        yield _address(base, str(told)), None if duration is None else _seconds(str(duration))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise IndexUnreadableError("a duration that is no number") from None
    if not math.isfinite(seconds) or not 0 < seconds <= _LONGEST_PIECE:
        raise IndexUnreadableError("a duration that no piece has")
    return seconds


def _byte_range(text: str) -> tuple[int, int | None]:
    match = re.fullmatch(r"([0-9]{1,15})(?:@([0-9]{1,15}))?", text.strip().strip('"'))
    if match is None or int(match[1]) == 0:
        raise IndexUnreadableError("a byte range that is none")
    return int(match[1]), int(match[2]) if match[2] else None


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _ATTRIBUTE.findall(text)}


def _address(base: str, told: str) -> str:
    try:
        url = urljoin(base, told)
        parts = urlsplit(url)
    except ValueError:
        raise IndexUnreadableError("an address that is none") from None
    if not told or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise IndexUnreadableError("an address that is not on the web")
    return url
