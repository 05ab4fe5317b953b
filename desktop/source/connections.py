"""Bytes of one stream over as many connections as it takes: resumed, renewed, and left when they are slow."""

from __future__ import annotations

import itertools
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, cast

from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import YoutubeDLError

from desktop.errors import Exit, ReelyError
from desktop.source.addresses import Address, AddressBook, changed
from desktop.source.diagnosis import refused_by_exception
from desktop.source.models import Stream
from desktop.source.pace import LEAST, Need, Pace, StalledError
from desktop.source.ranges import RangeFile, Span
from desktop.source.refusals import refusal

LONGEST_REQUEST = 10 * 1024 * 1024
"""Bytes of one request at most: YouTube slows down longer ones."""
_SHORTEST_REQUEST = 384 * 1024  # bytes that are worth a connection of their own
AT_ONCE = 6  # connections, as many as browsers open to one host
_READ = 16 * 1024  # bytes of one read from the network
_WRITE = 64 * 1024  # bytes that are written and vouched for at once
_RESERVE = 256 * 1024 * 1024  # bytes that are left free on the disk
_IDLE_ATTEMPTS = 4  # attempts in a row that brought less than `LEAST`, before giving up
_MOST_ATTEMPTS = 200
_LONGEST_PAUSE = 8.0  # seconds between two attempts


class Connections:
    """Brings bytes of `stream` into its `RangeFile`. `gained` is told how many have come.

    `halt` ends all at the next byte. `fetched` counts what came over the network. `in_parts` turns False when
    the site gave the whole stream where a part was asked for.
    """

    def __init__(
        self,
        ydl: YoutubeDL,
        stream: Stream,
        addresses: AddressBook,
        *,
        need: Need,
        patience: float,
        gained: Callable[[int], None],
        halt: threading.Event,
    ) -> None:
        self._ydl, self._stream, self._addresses = ydl, stream, addresses
        self._need, self._patience, self._gained, self._halt = need, patience, gained, halt
        self._lock = threading.Lock()
        self._whole = threading.Lock()
        self.fetched = 0
        self.in_parts = True

    def bring(self, file: RangeFile, spans: Iterable[Span]) -> None:
        """Fetch what is missing of `spans` (disjoint, in order), several requests at once.

        Raises ReelyError `offline`, `no-streams`, `stalled`, `disk-full`, `cannot-write-file`, or any other
        code of `desktop.source.refusals` that the site or the network gives rise to.
        """
        missing = [gap for span in spans for gap in file.missing(*span)]
        if missing:
            _check_room(file.path, sum(stop - first for first, stop in missing))
        requests = list(_requests(missing))
        if len(requests) == 1:
            self._request(file, *requests[0])
        elif requests:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="connection") as pool:
                try:
                    for _done in pool.map(lambda span: self._request(file, *span), requests):
                        pass
                except BaseException:
                    self._halt.set()  # the others need not go on
                    raise

    def bring_all(self, file: RangeFile) -> None:
        """Fetch what is missing of the whole stream. Raises as `bring`."""
        if file.size is None:
            self._request(file, 0, LONGEST_REQUEST)  # whose answer tells the size
        if file.size is not None:
            self.bring(file, [(0, file.size)])

    def _request(self, file: RangeFile, first: int, stop: int) -> None:
        """One request after the other until [first, stop) is there."""
        idle, renewed = 0, False
        for _attempt in range(_MOST_ATTEMPTS):
            gaps = file.missing(first, min(stop, file.size or stop))
            if not gaps or self._halt.is_set():
                return
            had = sum(end - start for start, end in gaps)
            address = self._addresses.of(self._stream)
            try:
                self._once(file, address, gaps[0])
                continue
            except (YoutubeDLError, OSError) as error:
                failure, cause = self._judge(error, file), error
            left = sum(end - start for start, end in file.missing(first, stop))
            idle = 0 if had - left >= min(LEAST, had) else idle + 1
            if failure.code == "access-denied" and not (renewed and idle > 1):
                self._addresses.renew(address)
                renewed = True
                continue
            if failure.exit is not Exit.NETWORK or idle >= _IDLE_ATTEMPTS:
                raise failure from cause
            if idle:
                self._halt.wait(min(2.0**idle * self._patience / 40, _LONGEST_PAUSE))
        raise refusal("stalled")

    def _once(self, file: RangeFile, address: Address, gap: Span) -> None:
        """Ask for `gap` and take what comes."""
        first, stop = gap
        _check_room(file.path, stop - first)
        headers = {**(address.entry.get("http_headers") or {}), "Accept-Encoding": "identity"}
        headers["Range"] = f"bytes={first}-{stop - 1}"
        request = Request(str(address.entry["url"]), headers=headers)
        with closing(cast(Any, self._ydl).urlopen(request)) as response:
            if response.status == 206:
                told = _content_range(response.headers.get("Content-Range"))
                if told is None or told[0] != first:
                    raise StalledError("another part came than was asked for")
                if told[2] is not None:
                    self._told_size(file, told[2])
                self._take(file, response, first, min(stop, told[1]))
            else:
                self._take_whole(file, response, gap)

    def _take_whole(self, file: RangeFile, response: Any, asked: Span) -> None:
        """The site sends all there is, from its first byte on: keep what is missing. One thread at a time."""
        with self._whole:
            length = str(response.headers.get("Content-Length") or "")
            if length.isdecimal():
                self._told_size(file, int(length))
            if file.size is None:
                raise refusal("no-streams")  # nobody would know when it is complete
            self.in_parts = self.in_parts and asked == (0, file.size)
            if file.missing(0, file.size):
                _check_room(file.path, file.size)
                self._take(file, response, 0, file.size)

    def _told_size(self, file: RangeFile, size: int) -> None:
        if self._stream.size and size != self._stream.size:
            raise changed()
        file.tell_size(size)

    def _take(self, file: RangeFile, response: Any, first: int, stop: int) -> None:
        pace = Pace(self._patience, self._need)
        at, waiting = first, bytearray()
        try:
            while at + len(waiting) < stop and not self._halt.is_set():
                data = response.read(min(_READ, stop - at - len(waiting)))
                if not data:
                    raise StalledError("the connection ended early")
                waiting += data
                self._count(len(data))
                if len(waiting) >= _WRITE:
                    file.write(at, bytes(waiting))
                    at, waiting = at + len(waiting), bytearray()
                pace.came(len(data), stop - at - len(waiting))
        finally:
            if waiting:
                file.write(at, bytes(waiting))

    def _count(self, count: int) -> None:
        with self._lock:
            self.fetched += count
        self._gained(count)

    def _judge(self, error: Exception, file: RangeFile) -> ReelyError:
        if isinstance(error, StalledError):
            return refusal("stalled")
        if isinstance(error, HTTPError) and error.status in {403, 404, 410}:
            return refusal("access-denied")  # how an expired link answers
        if isinstance(error, HTTPError) and error.status == 416:
            return changed()
        failure = refused_by_exception(error)
        # What has begun to come has not been out of reach: it stopped.
        return refusal("stalled") if failure.code == "network-down" and not file.is_empty else failure


def _requests(gaps: list[Span]) -> Iterator[Span]:
    """The gaps in parts: none too long for a request, enough for all connections where that is worth it."""
    share = -(-sum(stop - first for first, stop in gaps) // AT_ONCE)
    size = min(max(share, _SHORTEST_REQUEST), LONGEST_REQUEST)
    for first, stop in gaps:
        count = -(-(stop - first) // size)
        edges = [first + (stop - first) * number // count for number in range(count + 1)]
        yield from itertools.pairwise(edges)


def _content_range(header: str | None) -> tuple[int, int, int | None] | None:
    """First byte, the byte after the last, and the size of the whole (RFC 9110, 14.4)."""
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", (header or "").strip())
    if match is None:
        return None
    first, last, size = match.groups()
    return int(first), int(last) + 1, None if size == "*" else int(size)


def _check_room(path: Path, needed: int) -> None:
    """Raise `disk-full` before the disk is."""
    free = shutil.disk_usage(path.parent).free
    if free < needed + _RESERVE:
        raise refusal(
            "disk-full",
            message=f"The disk has {free / 1e6:.0f} MB left; {(needed + _RESERVE) / 1e6:.0f} MB are needed.",
        )
