"""A stream that is a list of pieces (HLS, DASH) on its way to a local file: whole, or what seconds need."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.utils import YoutubeDLError

from desktop.errors import Cancelled, ReelyError
from desktop.files import disk_error
from desktop.media.container import open_media
from desktop.media.probe import is_moving_picture, is_sound, presentation_start
from desktop.source.addresses import Address, Addresses, changed
from desktop.source.cache import StreamCache
from desktop.source.connections import AT_ONCE, Connections
from desktop.source.diagnosis import refused_by_exception
from desktop.source.excerpt import excerpt_head, piece_body
from desktop.source.jobs import Segment
from desktop.source.manifest import download_whole
from desktop.source.models import Source, Stream
from desktop.source.pace import Need
from desktop.source.pieces import HeadTooShortError, IndexUnreadableError
from desktop.source.playlist import PieceList, Place, StillGrowingError, dash_pieces, read_hls
from desktop.source.ranges import DamagedError, RangeFile
from desktop.source.refusals import refusal
from desktop.source.stream_fetch import NO_INDEX, FetchedStream, expected_size
from desktop.source.webm import is_webm

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_LONGEST_LIST = 16 * 1024 * 1024
_LONGEST_HEAD = 4 * 1024 * 1024
_BEGINNING = 128 * 1024  # bytes of a piece in which its first picture or sound is
_MARGIN = 0.5  # seconds around a segment: pieces may begin with pictures that need the piece before
_DRIFT = 0.02  # seconds by which a list may be off, with no consequence
_LOOKS = 4  # at what a list's times are worth, for a segment
_REPAIRS = 3


@dataclass(frozen=True)
class ListHead:
    """The list, what comes before each piece, and when the first one begins, in seconds of the container."""

    pieces: PieceList
    media_head: bytes
    start: Fraction

    def access_before(self, time: float, origin: Fraction) -> float:
        """At worst a piece begins with a keyframe, at a time that the list tells somewhat wrong."""
        at = time + float(origin - self.start)
        first = self.pieces.pieces[self.pieces.covering(at - _MARGIN, at)[0]]
        return min(time, first.start - float(origin - self.start) - _MARGIN)


class ListFetch:
    """The work for one stream that is a list. As `desktop.source.stream_fetch.StreamFetch`."""

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
        self._stream, self._ydl = stream, ydl
        self._cache, self._scratch, self._addresses = cache, scratch, addresses
        self._patience, self._gained, self._expect, self._halt = patience, gained, expect, halt
        self._need = Need(expected_size(stream, source.duration) / source.duration)
        self.path = cache.path(source, stream)
        self._lock = threading.Lock()
        self._address: Address | None = None
        self._list: PieceList | None = None
        self._generation = 0
        self._head: ListHead | None = None
        self._fetched = 0

    def look(self) -> ListHead | None:
        """The list with its beginning; None where its pieces cannot be had one by one, or all are there.

        Raises ReelyError `live-now` for what is still on air, and what `fetch` raises.
        """
        with self._cache.locked(self.path):
            if self._cache.complete(self.path, self._stream):
                return None
            try:
                self._head = self._repairing(self._read_head)
            except StillGrowingError:
                raise refusal("live-now") from None
            except IndexUnreadableError as error:
                logger.info("stream %s comes whole: %s", self._stream.id, error)
            return self._head

    def clean_access_before(self, time: float) -> float:
        """As of `StreamFetch`; pieces are taken to begin without references to those before them."""
        assert self._head is not None  # noqa: S101 - `look` has found it
        return self._head.access_before(time, self._head.start)

    def bring(self, origin: Fraction | None, segments: Sequence[Segment]) -> FetchedStream:
        """The local file: all of the stream, or with `origin` what covers `segments`, as far as told."""
        with self._cache.locked(self.path):
            head = self._head
            if head is None or origin is None:
                return self._whole(segments)
            try:
                path = self._repairing(lambda: self._excerpt(head, origin, segments))
            except OSError as error:
                raise disk_error(error, self.path) from error
            self._expect(max(self._fetched, 1))
            return FetchedStream(path, is_excerpt=True, fetched=self._fetched)

    # --- where the pieces are ---

    def place(self, number: int) -> tuple[Place, Address]:
        """Where piece `number` is by now (-1: what comes before each), as an address for `Connections`."""
        with self._lock:
            if self._list is None or self._address is None:
                self._load()
            assert self._list is not None  # noqa: S101 - loaded above
            assert self._address is not None  # noqa: S101
            place = self._list.pieces[number].place if number >= 0 else self._list.head
            assert place is not None  # noqa: S101 - nobody asks for a head that there is not
            entry = {**self._address.entry, "url": place.url}
            return place, Address(entry, self._generation)

    def renew(self, refused: Address) -> None:
        """Extract and read the list again, unless somebody has since `refused` was handed out."""
        with self._lock:
            if refused.extraction == self._generation and self._address is not None:
                self._addresses.renew(self._address)
                self._load()

    def _load(self) -> None:
        self._address = self._addresses.of(self._stream)
        if self._stream.protocol == "http_dash_segments":
            found = dash_pieces(self._address.entry)
        else:
            found = read_hls(*self._playlist(self._address.entry))
        if self._list is not None and found.shape != self._list.shape:
            raise changed()
        self._list = found
        self._generation += 1

    def _playlist(self, entry: Any) -> tuple[str, str]:
        """The playlist, and where it was found in the end."""
        request = Request(str(entry["url"]), headers=dict(entry.get("http_headers") or {}))
        try:
            with closing(cast(Any, self._ydl).urlopen(request)) as response:
                data = response.read(_LONGEST_LIST + 1)
                url = str(response.url)
        except (YoutubeDLError, OSError) as error:
            raise refused_by_exception(error) from error
        if len(data) > _LONGEST_LIST:
            raise IndexUnreadableError("the list is too long")
        return data.decode("utf-8", "replace"), url

    # --- their bytes ---

    def _file(self, place: Place) -> RangeFile:
        """Where the bytes of what is at the address are kept; hosts and queries change, paths do not."""
        assert self._list is not None  # noqa: S101 - places come from it
        path = self._cache.excerpt(self.path, f"{self._list.shape} {urlsplit(place.url).path}")
        return RangeFile(path, self._cache.index(path))

    def _bring(self, numbers: Iterable[int], beginning: int | None = None) -> None:
        """Fetch what is missing of these pieces, several at once; of each at most its `beginning`."""
        together: dict[Path, list[int]] = {}
        for number in numbers:
            together.setdefault(self._file(self.place(number)[0]).path, []).append(number)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pieces") as pool:
            try:
                for fetched in pool.map(lambda one: self._bring_file(one, beginning), together.values()):
                    self._fetched += fetched
            except BaseException:
                self._halt.set()  # the others need not go on
                raise
        if self._halt.is_set():
            raise Cancelled

    def _bring_file(self, numbers: Sequence[int], beginning: int | None) -> int:
        """The pieces that are in one file: nearly always one."""
        connections = Connections(
            self._ydl,
            self._stream.model_copy(update={"size": None}),
            _PieceAddress(self, numbers[0]),
            need=self._need,
            patience=self._patience,
            gained=self._gained,
            halt=self._halt,
        )
        places = [self.place(number)[0] for number in numbers]
        with self._file(places[0]) as file:
            spans = sorted(place.span for place in places if place.span is not None)
            if spans:
                connections.bring(file, spans)
            elif beginning is not None:
                connections.bring(file, [(0, beginning)])
            else:
                connections.bring_all(file)
        return connections.fetched

    def _bytes(self, number: int, beginning: int | None = None) -> bytes:
        place, _address = self.place(number)
        with self._file(place) as file:
            first, stop = place.span or (0, file.size or 0)
            if beginning is not None:
                stop = min(stop, first + beginning)
            return b"".join(file.read(first, stop))

    # --- what is made of them ---

    def _read_head(self) -> ListHead:
        self.place(0)
        assert self._list is not None  # noqa: S101 - loaded above
        media_head = b""
        if self._list.head is not None:
            self._bring([-1])
            media_head = self._bytes(-1)
            if len(media_head) > _LONGEST_HEAD:
                raise IndexUnreadableError("the head is too long")
        try:
            media_head = excerpt_head(media_head) if media_head else b""
        except HeadTooShortError as error:
            raise IndexUnreadableError("a head that is cut off") from error
        self._bring([0], _BEGINNING)
        start, _is_access = self._beginning(media_head, self._bytes(0, _BEGINNING))
        return ListHead(self._list, media_head, start)

    def _beginning(self, media_head: bytes, data: bytes) -> tuple[Fraction, bool]:
        """When a piece begins, in seconds of the container, and whether decoding can begin with it."""
        if not (data[:1] == data[188:189] == b"G" or is_webm(media_head) or media_head[4:8] == b"ftyp"):
            raise IndexUnreadableError("pieces of a kind that does not tell times")
        scratch = self._cache.partial(self._cache.excerpt(self.path, "beginning"))
        try:
            scratch.write_bytes(media_head + piece_body(media_head, data))
            with open_media(scratch) as container:
                if not any(stream.start_time is not None for stream in container.streams):
                    raise IndexUnreadableError("a piece does not say when it begins")
                start = presentation_start(container)
                streams = [one for one in container.streams if is_moving_picture(one)] or [
                    one for one in container.streams if is_sound(one)
                ]
                first = next(iter(container.demux(streams[0]))) if streams else None
                return start, first is not None and first.is_keyframe
        except ReelyError as error:
            raise IndexUnreadableError("a piece cannot be read") from error
        finally:
            scratch.unlink(missing_ok=True)

    def _excerpt(self, head: ListHead, origin: Fraction, segments: Sequence[Segment]) -> Path:
        numbers = sorted({number for one in segments for number in self._needed(head, origin, one)})
        path = self._cache.excerpt(self.path, f"{head.pieces.shape} {numbers}")
        partial = self._cache.partial(path)
        with partial.open("wb") as excerpt:
            excerpt.write(head.media_head)
            for number in numbers:
                excerpt.write(piece_body(head.media_head, self._bytes(number)))
        return partial.replace(path)

    def _needed(self, head: ListHead, origin: Fraction, segment: Segment) -> range:
        """The pieces that hold a segment, by their own times; a list's are often rounded, and add up.

        They are fetched then.
        """
        offset = float(origin - head.start)
        start, end = segment[0] + offset - _MARGIN, segment[1] + offset + _MARGIN
        drift, earlier = 0.0, 0
        for _look in range(_LOOKS):
            wanted = head.pieces.covering(start - drift, end - drift)
            wanted = range(max(0, wanted.start - earlier), wanted.stop)
            self._bring(wanted)
            begins, is_access = self._beginning(head.media_head, self._bytes(wanted.start))
            found = float(begins - head.start) - head.pieces.pieces[wanted.start].start
            if not is_access and wanted.start > 0:
                earlier += 1
            elif abs(found - drift) <= _DRIFT:
                return wanted
            drift = found
        raise refusal("no-streams", hint="The parts of this video do not fit together: try a file instead.")

    def _repairing(self, work: Callable[[], _T]) -> _T:
        for _time in range(_REPAIRS):
            try:
                return work()
            except DamagedError:
                if self._halt.is_set():
                    raise Cancelled from None
        raise refusal("cache-damaged")

    def _whole(self, segments: Sequence[Segment]) -> FetchedStream:
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


class _PieceAddress:
    """An `AddressBook` with one entry: a piece of a list."""

    def __init__(self, fetch: ListFetch, number: int) -> None:
        self._fetch, self._number = fetch, number

    def of(self, _stream: Stream) -> Address:
        return self._fetch.place(self._number)[1]

    def renew(self, refused: Address) -> None:
        self._fetch.renew(refused)
