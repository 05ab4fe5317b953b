"""The picture of a link, to be looked through: the small stream that the preview reads, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from desktop.errors import Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.source.cache import StreamCache
from desktop.source.choose import choose_streams
from desktop.source.jobs import Purpose
from desktop.source.models import Source, Stream

_MOST = 256 * 10**6
"""Bytes; about two hours of a small picture. What more would show is not worth the wait and the traffic."""


def small_picture(source: Source) -> Stream | None:
    """The stream that would be looked through; None where there is no picture."""
    return choose_streams(source, Purpose.PREVIEW).video


def expected_bytes(source: Source, stream: Stream) -> int:
    """How many bytes the stream has, as far as that is known before it is fetched."""
    return stream.size or round((stream.bit_rate or 400_000) * source.duration / 8)


def fetch_picture(
    source: Source,
    stream: Stream,
    cache: Path,
    *,
    offline: bool,
    progress: Callable[[float], None],
    token: CancelToken,
) -> Path:
    """The stream as a file; what of it is in the cache already is not fetched. `progress` is told 0..1.

    Raises ReelyError `picture-not-fetched` where that is not worth it or not possible, whatever
    `desktop.source.fetch.fetch` raises, and `Cancelled`.
    """
    size = expected_bytes(source, stream)
    if size > _MOST:
        raise _not_fetched(f"the smallest useful one has {size / 1e6:.0f} MB")
    if stream.protocol not in {"http", "https"} or stream.url is None:
        raise _not_fetched("the site hands it out in a list of parts")
    from desktop.source.remote_stream import RemoteStream  # noqa: PLC0415 - it brings yt-dlp

    store = StreamCache(cache)
    store.make_room(size, keep=[store.path(source, stream)])
    opened = RemoteStream(source, stream, cache, offline=offline)
    try:
        if not opened.wait_for_head(token):
            raise _not_fetched("the stream does not say where its parts are")
        return opened.bring_all(progress, token)
    finally:
        opened.close()


def _not_fetched(why: str) -> ReelyError:
    return ReelyError(
        "picture-not-fetched",
        f"The picture was not fetched to be looked through: {why}.",
        "Nothing is lost but a little of the ranking; of a file on this computer all of it is seen.",
        Exit.NETWORK,
    )
