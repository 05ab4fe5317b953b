"""A link's stream that can be read anywhere at once: bytes come when they are read, and stay in the cache.

One thread fetches what a reader waits for, from there to the end of its piece; the newest wish first. What
nobody waits for any more is left for it. When all are content, it reads on a little where the last one was.
"""

from __future__ import annotations

import contextlib
import errno
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
from filelock import Timeout

from desktop.errors import Cancelled, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.media.frame_decoder import FrameIndex
from desktop.source.addresses import Addresses
from desktop.source.cache import StreamCache
from desktop.source.connections import Connections
from desktop.source.foreseen import foreseen_index, index_of_tables
from desktop.source.heads import PieceHead, StreamHead, TableHead
from desktop.source.models import Source, Stream
from desktop.source.pieces import IndexUnreadableError
from desktop.source.ranges import DamagedError, RangeFile, Span
from desktop.source.stream_fetch import StreamFetch
from desktop.source.ytdlp import Sentences, opened_ytdlp

_PATIENCE = 5.0  # seconds without a byte: somebody looks at an empty picture meanwhile
_PART = 256 * 1024  # bytes that are fetched at once where there are no pieces
_FILL = 1024 * 1024  # bytes that are fetched at once where nobody waits for them
_AHEAD = 4  # parts that are fetched though nobody has asked yet
_REPAIRS = 3
_TURN = 0.2  # seconds between two looks whether it was closed, while others work on the file
_FAREWELL = 1.0  # seconds that closing waits for the thread


class RemoteStream:
    """A `desktop.media.remote.RemoteMedia`. Its thread begins with the constructor and ends with `close`."""

    def __init__(
        self, source: Source, stream: Stream, folder: Path, *, offline: bool, patience: float = _PATIENCE
    ) -> None:
        self._source, self._stream, self._folder = source, stream, folder
        self._offline, self._patience = offline, patience
        self._cache = StreamCache(folder)
        self._path = self._cache.path(source, stream)
        self._file = RangeFile(self._path, self._cache.index(self._path), stream.size, written=self.wake)
        self._changed = threading.Condition()
        self._closing, self._halt = threading.Event(), threading.Event()
        self._head: StreamHead | None = None
        self._index: FrameIndex | None = None
        self._ready = self._ended = False
        self._wishes: list[Span] = []
        self._task: Span = (0, 0)
        self._reached = 0  # where the last reader was
        self._all_wanted = False
        self._failures = 0
        self.failure: ReelyError | None = None
        self._thread = threading.Thread(target=self._work, name=f"stream-{stream.id}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._source.title

    @property
    def size(self) -> int:
        return self._file.size or 0

    def wait_for_head(self, token: CancelToken) -> bool:
        """Wait until its head is known. False where it does not tell where its parts are.

        Raises why its bytes do not come, and `Cancelled`.
        """
        with token.watching(self.stop), self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended or self._closing.is_set())
        token.raise_if_cancelled()
        if self.failure is not None:
            raise self.failure
        return self._head is not None and self.size > 0

    def open(self) -> StreamReader:
        return StreamReader(self)

    def frame_index(self) -> FrameIndex:
        """Raises IndexUnreadableError where only reading all of it would tell when its pictures are shown."""
        if self._index is None:
            self._index = self._read_index()
        return self._index

    def _read_index(self) -> FrameIndex:
        match self._head:
            case PieceHead() as head:
                return foreseen_index(self, head)
            case TableHead() as head:
                return index_of_tables(
                    head, self._file, self._cache.partial(self._cache.excerpt(self._path, "tables"))
                )
            case _:
                raise IndexUnreadableError("there is no index")

    def has(self, first: int, stop: int) -> bool:
        """Whether these bytes are there."""
        return not self._file.missing(first, min(stop, self.size))

    def bring_all(self, progress: Callable[[float], None], token: CancelToken) -> Path:
        """Wait until all of it is on disk, and say where. What somebody reads meanwhile goes first.

        `progress` is told 0..1. Raises why bytes do not come, and `Cancelled`.
        """
        self.failure = None
        with token.watching(self.wake):
            while True:
                with self._changed:
                    self._all_wanted = not token.cancelled
                    failures = self._failures
                    self._changed.notify_all()
                    missing = sum(stop - first for first, stop in self._file.missing(0, self.size))
                    if missing and not token.cancelled:
                        self._changed.wait()
                token.raise_if_cancelled()
                if self.failure is not None and self._failures > failures:
                    raise self.failure
                if self._closing.is_set() or self._ended:
                    raise Cancelled
                progress(1 - missing / self.size)
                if not missing and self._is_sound():
                    return self._path

    def _is_sound(self) -> bool:
        """Whether all of it is what was written; else what is not is missing from now on."""
        try:
            self._file.check(0, self.size)
        except DamagedError:
            return False
        return True

    def wake(self) -> None:
        """Let those who wait look again whether they still want to."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        self.stop()
        if threading.current_thread() is not self._thread:
            self._thread.join(_FAREWELL)

    def stop(self) -> None:
        """As `close`, but does not wait for its thread."""
        self._closing.set()
        self._halt.set()
        self.wake()

    def read_at(self, first: int, size: int, unwanted: Callable[[], bool]) -> bytes:
        """The bytes [first, first + size), less beyond the end. Waits for them until they are `unwanted`.

        Raises `av.FFmpegError` where they do not come.
        """
        stop = min(first + size, self.size)
        if first >= stop:
            return b""
        for _time in range(_REPAIRS):
            self._wait_for(first, stop, unwanted)
            try:
                return b"".join(self._file.read(first, stop))
            except DamagedError:
                continue  # forgotten by now: they are fetched again
            except ValueError:  # the file was closed meanwhile
                break
        raise av.FFmpegError(errno.EIO, "the bytes cannot be read")

    def _wait_for(self, first: int, stop: int, unwanted: Callable[[], bool]) -> None:
        wish = (first, stop)
        with self._changed:
            self._reached = first
            if self._closing.is_set() or self._ended:
                raise av.FFmpegError(errno.EIO, "the stream was closed")
            if self.has(first, stop):
                return
            outdated = not any(_overlap(other, self._task) for other in [*self._wishes, wish])
            self._wishes.append(wish)
            if outdated:
                self._halt.set()
            failures = self._failures
            self._changed.notify_all()
            try:
                self._changed.wait_for(
                    lambda: (
                        unwanted()
                        or self._closing.is_set()
                        or self._ended
                        or self._failures > failures
                        or self.has(first, stop)
                    )
                )
            finally:
                self._wishes.remove(wish)
            if not self.has(first, stop):
                raise av.FFmpegError(errno.EIO, "the bytes did not come")

    # --- on the thread ---

    def _work(self) -> None:
        try:
            with opened_ytdlp(self._folder, Sentences(), patience=self._patience) as ydl:
                fetch = StreamFetch(
                    self._source,
                    self._stream,
                    cache=self._cache,
                    scratch=self._folder,
                    ydl=ydl,
                    addresses=Addresses(
                        self._source, self._folder, offline=self._offline, patience=self._patience
                    ),
                    patience=self._patience,
                    gained=_nobody_counts,
                    expect=_nobody_counts,
                    halt=self._halt,
                )
                self._head = fetch.look()
                with self._open_file():
                    self._serve(fetch.connections)
        except Cancelled:
            pass  # closed while it began
        except ReelyError as error:
            self._failed(error)
        finally:
            self._ended = True
            self.wake()
        self._cache.make_room(0, keep=[self._path])

    @contextmanager
    def _open_file(self) -> Iterator[None]:
        """Other processes may work on the file meanwhile: it is only locked while bytes are fetched."""
        with self._locked():
            self._file.__enter__()
        try:
            yield
        finally:
            self._file.__exit__(None, None, None)

    def _serve(self, connections: Connections) -> None:
        self._ready = True
        self.wake()
        while (task := self._next_task()) is not None:
            try:
                with self._locked(), self._file.turn():
                    connections.bring(self._file, [task])
            except Cancelled:
                continue
            except ReelyError as error:
                self._failed(error)
            else:
                self.failure = None
                self.wake()  # perhaps another process has brought it

    def _next_task(self) -> Span | None:
        """Bytes to fetch; None once it is closed. Waits until there are any."""
        with self._changed:
            while not self._closing.is_set():
                self._task = self._wanted() or (0, 0)
                if self._task[1]:
                    self._halt.clear()
                    return self._task
                self._changed.wait()
        return None

    def _wanted(self) -> Span | None:
        for first, stop in reversed(self._wishes):
            for gap, _end in self._file.missing(first, stop):
                return gap, max(stop, self._part(gap)[1])
        if self.failure is not None:
            return None  # until somebody asks again
        at = self._reached
        for _part in range(_AHEAD):
            if at >= self.size:
                break
            part = self._part(at)
            for gap, end in self._file.missing(at, part[1]):
                return gap, end
            at = part[1]
        gaps = [*self._file.missing(at, self.size), *self._file.missing(0, at)] if self._all_wanted else []
        for gap, end in gaps:
            return gap, min(end, gap + _FILL)
        return None

    def _part(self, byte: int) -> Span:
        """The bytes that are worth having together with `byte`."""
        if isinstance(self._head, PieceHead):
            for piece in self._head.index.pieces[self._head.index.place_of(byte) :]:
                return min(byte, piece.first), piece.stop
        first = byte - byte % _PART
        return first, min(first + _PART, self.size)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with ExitStack() as held:
            while True:
                if self._closing.is_set():
                    raise Cancelled
                with contextlib.suppress(Timeout):
                    held.enter_context(self._cache.locked(self._path, timeout=_TURN))
                    break
            yield

    def _failed(self, error: ReelyError) -> None:
        with self._changed:
            self.failure = error
            self._failures += 1
            self._changed.notify_all()


class StreamReader(io.RawIOBase):
    """A place in a `RemoteStream`."""

    def __init__(self, stream: RemoteStream) -> None:
        super().__init__()
        self._stream = stream
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stream.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        size = size if size >= 0 else self._stream.size
        data = self._stream.read_at(self._at, size, lambda: self.closed)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Whoever waits in `read` on another thread gets an error at once."""
        super().close()
        self._stream.wake()


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _nobody_counts(_count: int) -> None:
    """Progress is not told of what is fetched while it is watched."""
