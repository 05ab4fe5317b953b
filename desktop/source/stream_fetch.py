"""One stream of a link on its way to a local file: whole, or only what covers the wanted seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TypeVar

from yt_dlp import YoutubeDL

from desktop.errors import Cancelled, ReelyError
from desktop.files import disk_error
from desktop.source.addresses import Addresses
from desktop.source.cache import StreamCache
from desktop.source.connections import Connections
from desktop.source.excerpt import excerpt_head, stream_start
from desktop.source.heads import PieceHead, StreamHead, TableHead, merged, read_tables
from desktop.source.jobs import Segment
from desktop.source.models import Source, Stream, StreamKind
from desktop.source.mp4 import movie_head
from desktop.source.pace import Need
from desktop.source.pieces import HeadTooShortError, IndexUnreadableError
from desktop.source.ranges import DamagedError, RangeFile, Span
from desktop.source.refusals import refusal
from desktop.source.segment_index import read_index

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

FIRST_REQUEST = 32 * 1024
"""Bytes that are asked for first: the head of most streams, and the beginning of their first piece."""
_LONGEST_HEAD = 16 * 1024 * 1024
_MORE = 4096  # bytes beyond what is known to lack
_WITH_TABLES = {"mp4", "m4a", "m4v", "mov", "3gp"}
_REPAIRS = 3  # times that bytes found damaged on the disk are fetched again

NO_PARTS = "The site does not hand out parts of this video, so all of it was fetched."
NO_INDEX = "This video does not say where its parts are, so all of it was fetched."


@dataclass(frozen=True)
class FetchedStream:
    """A local file with the stream or an excerpt of it, the network's bytes, and what to tell about it."""

    path: Path
    is_excerpt: bool
    fetched: int
    notes: tuple[str, ...] = ()


class StreamFetch:
    """The work for one stream that is one file. Its methods are called one after the other, on any thread.

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
        self._head: StreamHead | None = None
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
    def connections(self) -> Connections:
        """What brings the stream's bytes."""
        return self._connections

    def look(self) -> StreamHead | None:
        """The stream's head; None where it does not tell where its parts are."""
        with self._cache.locked(self.path), self._file() as file:
            try:
                self._head = self._head_of_pieces(file)
            except IndexUnreadableError as no_pieces:
                try:
                    self._head = self._head_of_tables(file)
                except IndexUnreadableError as no_tables:
                    logger.info("stream %s comes whole: %s; %s", self._stream.id, no_pieces, no_tables)
        return self._head

    def clean_access_before(self, time: float) -> float:
        """Where on the stream's own clock a copy has to begin to have `time` and be joined to others.

        `look` has found its head.
        """
        assert self._head is not None  # noqa: S101 - see above
        with self._cache.locked(self.path), self._file() as file:
            return self._head.clean_access_before(time, self._head.start, partial(self._bytes, file))

    def bring(self, origin: Fraction | None, segments: Sequence[Segment]) -> FetchedStream:
        """The local file: all of the stream, or with `origin` an excerpt that covers `segments`.

        `origin` is where the source's clock is 0, in seconds of the container. All comes where `look` was not
        called or found nothing.
        """
        head = self._head
        with self._cache.locked(self.path), self._file() as file:
            if head is None or origin is None:
                self._all_of(file)
                path = self.path
            else:
                path = self._excerpt(file, head, head.covering(segments, origin))
        fetched = self._connections.fetched
        notes: tuple[str, ...] = ()
        if segments and fetched and not self._connections.in_parts:
            notes = (NO_PARTS,)
        elif segments and fetched and path == self.path:
            notes = (NO_INDEX,)
        return FetchedStream(path, path != self.path, fetched, notes)

    def _file(self) -> RangeFile:
        return RangeFile(self.path, self._cache.index(self.path), self._stream.size)

    def _bytes(self, file: RangeFile, first: int, stop: int) -> bytes:
        """The bytes [first, stop), or to the stream's end; fetched where they are not there."""

        def read() -> bytes:
            self._connections.bring(file, [(first, min(stop, file.size or stop))])
            return b"".join(file.read(first, min(stop, file.size or stop)))

        return self._repairing(read)

    def _head_of_pieces(self, file: RangeFile) -> PieceHead:
        wanted = FIRST_REQUEST
        while wanted <= _LONGEST_HEAD:
            data = self._bytes(file, 0, wanted)
            try:
                return self._pieces(data, file.size or len(data))
            except HeadTooShortError as error:
                wanted = error.needed + _MORE
        raise IndexUnreadableError("the head is too long")

    def _pieces(self, data: bytes, size: int) -> PieceHead:
        index = read_index(data, size)
        with self._scratch_file() as scratch:
            start = stream_start(data, index, size, scratch)
        if start is None:
            raise IndexUnreadableError("the stream does not say when it begins")
        return PieceHead(
            index, excerpt_head(data[: index.head]), start, self._stream.kind is StreamKind.VIDEO
        )

    def _head_of_tables(self, file: RangeFile) -> TableHead:
        if self._stream.container not in _WITH_TABLES or file.size is None:
            raise IndexUnreadableError("no tables in this container")
        size = file.size

        def read(first: int, stop: int) -> bytes:
            # Boxes are small or told in one go; what is around them is mostly wanted next.
            self._bytes(file, first, max(stop, min(first + FIRST_REQUEST, size)))
            return self._bytes(file, first, stop)

        movie = movie_head(read, size)
        for first, stop in movie:
            self._bytes(file, first, stop)
        with self._scratch_file() as scratch:
            return read_tables(movie, file, size, scratch)

    @contextmanager
    def _scratch_file(self) -> Iterator[Path]:
        """A name for a small file beside the stream; what cannot be read of it is no index."""
        scratch = self._cache.partial(self._cache.excerpt(self.path, "head"))
        try:
            yield scratch
        except ReelyError as error:
            raise IndexUnreadableError("the head cannot be read") from error
        except OSError as error:
            raise disk_error(error, scratch) from error

    def _excerpt(self, file: RangeFile, head: StreamHead, spans: Sequence[Span]) -> Path:
        wanted = merged([*head.kept, *spans])
        path = self._cache.excerpt(self.path, repr(spans))
        partial = self._cache.partial(path)

        def write() -> Path:
            self._foresee(file, wanted)
            self._connections.bring(file, wanted)
            head.write(file, spans, partial)
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
            if file.size is not None:
                self._foresee(file, [(0, file.size)])
            self._connections.bring_all(file)
            if file.size is None:
                raise refusal("no-streams")
            file.check(0, file.size)

        self._repairing(bring)

    def _foresee(self, file: RangeFile, spans: Sequence[Span]) -> None:
        """Tell how many bytes will have come over the network once all of `spans` is there."""
        missing = sum(stop - first for span in spans for first, stop in file.missing(*span))
        self._expect(self._connections.fetched + missing)

    def _repairing(self, work: Callable[[], _T]) -> _T:
        """Do `work` again where bytes on the disk turn out to be damaged: they are forgotten by then."""
        for _time in range(_REPAIRS):
            try:
                return work()
            except DamagedError:
                if self._halt.is_set():
                    raise Cancelled from None
        raise refusal("cache-damaged")


def expected_size(stream: Stream, duration: float) -> int:
    """Bytes of the whole stream as far as is known before any of them is there; at least 1."""
    return stream.size or max(1, round((stream.bit_rate or 1_000_000) * duration / 8))
