"""The job that brings a link's picture and sound onto disk: whole, or just what some seconds of it need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from fractions import Fraction
from functools import partial
from typing import TypeVar

from desktop.errors import Cancelled
from desktop.jobs.protocol import Report
from desktop.source.addresses import Addresses
from desktop.source.cache import StreamCache
from desktop.source.choose import Choice, choose_streams
from desktop.source.heads import Head
from desktop.source.jobs import FetchedMedia, FetchJob, Segment
from desktop.source.list_fetch import ListFetch
from desktop.source.models import Source, Stream, StreamKind
from desktop.source.refusals import refusal
from desktop.source.stream_fetch import FetchedStream, StreamFetch, expected_size
from desktop.source.ytdlp import Sentences, opened_ytdlp

_T = TypeVar("_T")
_BEHIND = (
    0.5  # seconds that pictures copied whole may last beyond a segment's end, as they depend on each other
)


def fetch(job: FetchJob, report: Report) -> FetchedMedia:
    """Bring the streams onto disk, all at once. A local file is its own answer.

    Raises ReelyError `offline`, `no-streams`, `stalled`, `disk-full`, `cannot-write-file`, or any other code
    of `desktop.source.refusals` that the site or the network gives rise to.
    """
    if job.source.path is not None:
        return _local(job.source)
    choice = choose_streams(job.source, job.purpose, job.max_height)
    if not choice.streams:
        raise refusal("no-streams")
    cache = StreamCache(job.cache, job.cache_limit)
    progress = _Progress(report, [_expected(stream, job) for stream in choice.streams])
    cache.make_room(progress.expected, keep=[cache.path(job.source, stream) for stream in choice.streams])
    halt = threading.Event()
    with opened_ytdlp(job.cache, Sentences(), patience=job.patience) as ydl:
        addresses = Addresses(job.source, job.cache, offline=job.offline, patience=job.patience)
        fetches = [
            _kind_of_fetch(stream)(
                job.source,
                stream,
                cache=cache,
                scratch=job.cache,
                ydl=ydl,
                addresses=addresses,
                patience=job.patience,
                gained=partial(progress.gained, number),
                expect=partial(progress.expect, number),
                halt=halt,
            )
            for number, stream in enumerate(choice.streams)
        ]
        heads: list[Head | None] = [None] * len(fetches)
        if job.segments:
            heads = _together([one.look for one in fetches], halt)
        origin = _origin(heads)
        segments = job.segments
        if job.from_keyframes and heads[0] is not None:
            segments = beyond_dependences(segments, _begin_of_copies(fetches[0], heads[0], len(segments)))
        brought = _together([partial(one.bring, origin, segments) for one in fetches], halt)
    progress.done()
    cache.make_room(0, keep=[*(one.path for one in fetches), *(one.path for one in brought)])
    return _described(choice, brought, origin)


def _kind_of_fetch(stream: Stream) -> type[StreamFetch | ListFetch]:
    return StreamFetch if stream.protocol in {"http", "https"} else ListFetch


def _origin(heads: Sequence[Head | None]) -> Fraction | None:
    """Where the source's clock is 0: the beginning of the first stream, the one with the picture.

    Without a head it comes whole, and so do the others.
    """
    return heads[0].start if heads[0] is not None else None


def _begin_of_copies(fetch: StreamFetch | ListFetch, head: Head, segments: int) -> Callable[[float], float]:
    """Where copies begin to have a time: joined ones at a keyframe that refers to nothing before."""
    if segments > 1:
        return fetch.clean_access_before
    return lambda time: head.access_before(time, head.start)


def beyond_dependences(segments: Sequence[Segment], begin: Callable[[float], float]) -> tuple[Segment, ...]:
    """The segments with what copies of them need before and behind, as pictures depend on others."""
    return tuple((begin(start), end + _BEHIND) for start, end in segments)


def _described(choice: Choice, brought: Sequence[FetchedStream], origin: Fraction | None) -> FetchedMedia:
    paths = {stream: one.path for stream, one in zip(choice.streams, brought, strict=True)}
    return FetchedMedia(
        video=paths[choice.video] if choice.video else None,
        audio=paths[choice.audio] if choice.audio else None,
        origin=origin if any(one.is_excerpt for one in brought) else None,
        bytes_fetched=sum(one.fetched for one in brought),
        streams=tuple(stream.id for stream in choice.streams),
        notes=tuple(dict.fromkeys(note for one in brought for note in one.notes)),
    )


def _local(source: Source) -> FetchedMedia:
    kinds = {stream.kind for stream in source.streams}
    return FetchedMedia(
        video=source.path if kinds != {StreamKind.AUDIO} else None,
        audio=source.path if kinds != {StreamKind.VIDEO} else None,
        bytes_fetched=0,
        streams=tuple(stream.id for stream in source.streams[:1]),
    )


def _expected(stream: Stream, job: FetchJob) -> int:
    whole = expected_size(stream, job.source.duration)
    if not job.segments:
        return whole
    seconds = sum(end - start for start, end in job.segments)
    return max(1, round(whole * min(1.0, seconds / job.source.duration)))


def _together(calls: Sequence[Callable[[], _T]], halt: threading.Event) -> list[_T]:
    """The answers of all calls, which run at the same time. When one fails the others are halted."""
    with ThreadPoolExecutor(len(calls), thread_name_prefix="stream") as pool:
        futures = [pool.submit(call) for call in calls]
        failed = [one for one in wait(futures, return_when=FIRST_EXCEPTION).done if one.exception()]
        if failed:
            halt.set()
    causes = [error for one in futures if (error := one.exception()) is not None]
    for error in sorted(causes, key=lambda error: isinstance(error, Cancelled)):
        raise error
    return [one.result() for one in futures]


class _Progress:
    """The job's progress by bytes: it never goes back, whatever turns out about the sizes."""

    def __init__(self, report: Report, expected: Sequence[int]) -> None:
        self._report = report
        self._expected, self._have = list(expected), [0] * len(expected)
        self._told = 0.0
        self._lock = threading.Lock()
        report("downloading", 0.0)

    @property
    def expected(self) -> int:
        """Bytes in all."""
        return sum(self._expected)

    def expect(self, number: int, size: int) -> None:
        """Stream `number` will be `size` bytes."""
        with self._lock:
            self._expected[number] = max(size, 1)

    def gained(self, number: int, count: int) -> None:
        """`count` bytes have come."""
        with self._lock:
            self._have[number] += count
            share = sum(map(min, self._have, self._expected)) / sum(self._expected)
            self._told = max(self._told, min(share, 1.0))
            self._report("downloading", self._told)

    def done(self) -> None:
        """All is there."""
        self._report("downloading", 1.0)
