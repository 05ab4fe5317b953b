"""One stream of a link on its way to a local file: whole, or only what covers the wanted seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from yt_dlp import YoutubeDL

from desktop.errors import Cancelled, ReelyError
from desktop.files import disk_error
from desktop.source.addresses import Addresses
from desktop.source.cache import StreamCache
from desktop.source.connections import Connections, merged
from desktop.source.excerpt import excerpt_head, stream_start
from desktop.source.manifest import download_whole
from desktop.source.models import Source, Stream, StreamKind
from desktop.source.pace import Need
from desktop.source.pieces import HeadTooShortError, IndexUnreadableError, Piece, SegmentIndex
from desktop.source.ranges import DamagedError, RangeFile
from desktop.source.refusals import refusal
from desktop.source.segment_index import read_index

_T = TypeVar("_T")

Segment = tuple[float, float]
"""Seconds [start, end) on the source's clock."""

FIRST_REQUEST = 32 * 1024
"""Bytes that are asked for first: the head of most streams, and the beginning of their first piece."""
_LONGEST_HEAD = 16 * 1024 * 1024
_MORE = 4096  # bytes beyond what is known to lack
_REPAIRS = 3  # times that bytes found damaged on the disk are fetched again

# Seconds around a segment. Pictures are where the index says. Sound is off by up to the encoder's delay (AAC:
# 46 ms with 44.1 kHz), and decoders settle before it is heard (RFC 7845, 4.6: 80 ms for Opus).
_PICTURE_MARGIN = -5e-7
_SOUND_MARGIN = 0.1

NO_PARTS = "The site does not hand out parts of this video, so all of it was fetched."
NO_INDEX = "This video does not say where its parts are, so all of it was fetched."


@dataclass(frozen=True)
class StreamHead:
    """What the first bytes of a stream tell. `start`: when it begins, in seconds of its container."""

    index: SegmentIndex
    media_head: bytes
    start: Fraction

    def covering(self, segments: Sequence[Segment], origin: Fraction, margin: float) -> tuple[Piece, ...]:
        """The pieces that the segments need, with `margin` seconds around each, in order.

        `origin` is where the source's clock is 0, in seconds of the container.
        """
        offset = self._offset(origin)
        pieces = {
            piece
            for start, end in segments
            for piece in self.index.covering(start - offset - margin, end - offset + margin)
        }
        return tuple(sorted(pieces, key=lambda piece: piece.first))

    def access_before(self, time: float, origin: Fraction) -> float:
        """Where on the source's clock the piece begins that decoding `time` starts with; at most `time`."""
        offset = self._offset(origin)
        first = self.index.covering(time - offset - _PICTURE_MARGIN, time - offset + 1)[0]
        return min(time, first.start + offset)

    def _offset(self, origin: Fraction) -> float:
        """From the index's clock to the source's."""
        # Indexes may count before or after an edit list; that the first piece is the beginning holds always.
        return float(self.start - origin) - self.index.pieces[0].start


@dataclass(frozen=True)
class FetchedStream:
    """A local file with the stream or an excerpt of it, the network's bytes, and what to tell about it."""

    path: Path
    is_excerpt: bool
    fetched: int
    notes: tuple[str, ...] = ()


class StreamFetch:
    """The work for one stream. Its methods are called one after the other, on any thread.

    Both raise ReelyError as `desktop.source.fetch.fetch` does, and `Cancelled` once `halt` is set.
    """

    def __init__(
        self,
        source: Source,
        stream: Stream,
        *,
        cache: StreamCache,
        scratch: Path,
        ydl: YoutubeDL,
        addresses: Addresses,
        patience: float,
        gained: Callable[[int], None],
        expect: Callable[[int], None],
        halt: threading.Event,
    ) -> None:
        self._stream = stream
        self._cache, self._scratch, self._addresses = cache, scratch, addresses
        self._patience, self._gained, self._expect, self._halt = patience, gained, expect, halt
        self.path = cache.path(source, stream)
        self._connections = Connections(
            ydl,
            stream,
            addresses,
            need=Need(expected_size(stream, source.duration) / source.duration),
            patience=patience,
            gained=gained,
            halt=halt,
        )

    @property
    def _is_direct(self) -> bool:
        return self._stream.protocol in {"http", "https"}

    def look(self) -> StreamHead | None:
        """The stream's head; None where it does not tell where its pieces are."""
        if not self._is_direct:
            return None
        with self._cache.locked(self.path), self._file() as file:
            wanted = FIRST_REQUEST
            while wanted <= _LONGEST_HEAD:
                data = self._first_bytes(file, wanted)
                try:
                    return self._head(data, file.size or len(data))
                except HeadTooShortError as error:
                    wanted = error.needed + _MORE
                except IndexUnreadableError:
                    return None
        return None

    def bring(
        self, head: StreamHead | None, origin: Fraction | None, segments: Sequence[Segment]
    ) -> FetchedStream:
        """The local file: all of the stream, or with `head` and `origin` an excerpt that covers `segments`.

        `origin` is where the source's clock is 0, in seconds of the container.
        """
        if not self._is_direct:
            return self._manifest(segments)
        with self._cache.locked(self.path), self._file() as file:
            if head is None or origin is None:
                self._all_of(file)
                path = self.path
            else:
                margin = _PICTURE_MARGIN if self._stream.kind is StreamKind.VIDEO else _SOUND_MARGIN
                path = self._excerpt(file, head, head.covering(segments, origin, margin))
        fetched = self._connections.fetched
        notes: tuple[str, ...] = ()
        if segments and fetched and not self._connections.in_parts:
            notes = (NO_PARTS,)
        elif segments and fetched and path == self.path:
            notes = (NO_INDEX,)
        return FetchedStream(path, path != self.path, fetched, notes)

    def _file(self) -> RangeFile:
        return RangeFile(self.path, self._cache.index(self.path), self._stream.size)

    def _first_bytes(self, file: RangeFile, count: int) -> bytes:
        def read() -> bytes:
            self._connections.bring(file, [(0, min(count, file.size or count))])
            return b"".join(file.read(0, min(count, file.size or count)))

        return self._repairing(read)

    def _head(self, data: bytes, size: int) -> StreamHead:
        index = read_index(data, size)
        scratch = self._cache.partial(self._cache.excerpt(self.path, "start"))
        try:
            start = stream_start(data, index, size, scratch)
        except ReelyError as error:
            raise IndexUnreadableError("the head cannot be read") from error
        except OSError as error:
            raise disk_error(error, scratch) from error
        if start is None:
            raise IndexUnreadableError("the stream does not say when it begins")
        return StreamHead(index, excerpt_head(data[: index.head]), start)

    def _excerpt(self, file: RangeFile, head: StreamHead, pieces: Sequence[Piece]) -> Path:
        spans = merged((piece.first, piece.stop) for piece in pieces)
        self._expect(sum(stop - first for first, stop in [(0, head.index.head), *spans]))
        path = self._cache.excerpt(self.path, repr(spans))
        partial = self._cache.partial(path)

        def write() -> Path:
            self._connections.bring(file, spans)
            with partial.open("wb") as excerpt:
                excerpt.write(head.media_head)
                for first, stop in spans:
                    excerpt.writelines(file.read(first, stop))
            try:
                return partial.replace(path)
            except PermissionError:
                # Windows does not replace what somebody reads: it is the same excerpt.
                if not path.exists():
                    raise
                partial.unlink()
                return path

        try:
            return self._repairing(write)
        except OSError as error:
            raise disk_error(error, path) from error

    def _all_of(self, file: RangeFile) -> None:
        def bring() -> None:
            self._connections.bring_all(file)
            if file.size is None:
                raise refusal("no-streams")
            self._expect(file.size)
            file.check(0, file.size)

        self._repairing(bring)

    def _repairing(self, work: Callable[[], _T]) -> _T:
        """Do `work` again where bytes on the disk turn out to be damaged: they are forgotten by then."""
        for _time in range(_REPAIRS):
            try:
                return work()
            except DamagedError:
                if self._halt.is_set():
                    raise Cancelled from None
        raise refusal("cache-damaged")

    def _manifest(self, segments: Sequence[Segment]) -> FetchedStream:
        with self._cache.locked(self.path):
            if self._cache.complete(self.path, self._stream):
                return FetchedStream(self.path, is_excerpt=False, fetched=0)
            partial = self._cache.partial(self.path)
            fetched = download_whole(
                self._stream,
                partial,
                addresses=self._addresses,
                cache=self._scratch,
                patience=self._patience,
                gained=self._gained,
                halt=self._halt,
            )
            try:
                partial.replace(self.path)
            except OSError as error:
                raise disk_error(error, self.path) from error
        notes = (NO_INDEX,) if segments else ()
        return FetchedStream(self.path, is_excerpt=False, fetched=fetched, notes=notes)


def expected_size(stream: Stream, duration: float) -> int:
    """Bytes of the whole stream as far as is known before any of them is there; at least 1."""
    return stream.size or max(1, round((stream.bit_rate or 1_000_000) * duration / 8))
