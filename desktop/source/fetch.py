"""The job that brings the chosen streams of a link onto disk as whole files, whatever interrupts it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import YoutubeDLError

from desktop.errors import ReelyError
from desktop.files import disk_error
from desktop.jobs.protocol import Job, Report
from desktop.source.cache import DEFAULT_LIMIT, StreamCache
from desktop.source.choose import Purpose, choose_streams
from desktop.source.diagnosis import refused_by_exception
from desktop.source.extract import PATIENCE, extract_info
from desktop.source.links import VideoLink
from desktop.source.models import Source, Stream, StreamKind
from desktop.source.refusals import refusal
from desktop.source.ytdlp import Sentences, opened_ytdlp

__all__ = ["FetchJob", "FetchedMedia", "Purpose", "fetch"]

_CHUNK = 10 * 1024 * 1024  # bytes of one request: YouTube slows down longer ones
_BLOCK = 16 * 1024  # bytes of one read; what a broken connection loses at most
_LEAST = 2 * _BLOCK  # bytes within `patience` below which a connection counts as stalled
_RESERVE = 256 * 1024 * 1024  # bytes that are left free on the disk
_EXPIRY_MARGIN = 60.0  # seconds
_IDLE_ATTEMPTS = 4  # attempts in a row that brought less than `_LEAST`, before giving up
_MOST_ATTEMPTS = 200
_LONGEST_PAUSE = 8.0  # seconds between two attempts


class FetchJob(Job):
    """Bring `source`'s streams for `purpose` onto disk, under `cache`, which may hold `cache_limit` bytes."""

    kind: Literal["fetch"] = "fetch"
    source: Source
    purpose: Purpose = Purpose.CLIP
    max_height: int | None = Field(default=None, gt=0)
    cache: Path
    cache_limit: int = Field(default=DEFAULT_LIMIT, ge=0)
    offline: bool = False
    patience: float = Field(default=PATIENCE, gt=0)
    """Seconds without a byte after which a connection is opened anew."""


class FetchedMedia(BaseModel):
    """Local files with a source's picture and sound, on one clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    video: Path | None
    audio: Path | None
    """The same path as `video` where one file holds both; None where there is no sound."""
    bytes_fetched: int
    """Bytes of media that came over the network for this job; 0 if all was there already."""
    streams: tuple[str, ...] = ()
    """The ids of the streams that were chosen."""


def fetch(job: FetchJob, report: Report) -> FetchedMedia:
    """Bring the streams onto disk. A local file is its own answer.

    Raises ReelyError `offline`, `no-streams`, `stalled`, `disk-full`, `cannot-write-file`, or any other code
    of `desktop.source.refusals` that the site or the network gives rise to.
    """
    if job.source.path is not None:
        return _local(job.source)
    choice = choose_streams(job.source, job.purpose, job.max_height)
    if not choice.streams:
        raise refusal("no-streams")
    cache = StreamCache(job.cache, job.cache_limit)
    paths = {stream: cache.path(job.source, stream) for stream in choice.streams}
    links = _Links(job)
    sizes = {stream: _expected_size(stream, job.source.duration) for stream in choice.streams}
    total, before, fetched = sum(sizes.values()), 0, 0
    report("downloading", 0.0)
    for stream, path in paths.items():

        def share(have: int, start: int = before, size: int = sizes[stream]) -> None:
            report("downloading", min((start + min(have, size)) / total, 1.0))

        with cache.locked(path):
            if not cache.complete(path, stream):
                if job.offline:
                    raise refusal("offline")
                try:
                    cache.make_room(sizes[stream], keep=paths.values())
                    fetched += _Download(
                        stream, path, cache.partial(path), links=links, job=job, have=share
                    ).run()
                except OSError as error:
                    raise disk_error(error, path) from error
        before += sizes[stream]
        share(0, before)
    return FetchedMedia(
        video=paths[choice.video] if choice.video else None,
        audio=paths[choice.audio] if choice.audio else None,
        bytes_fetched=fetched,
        streams=tuple(stream.id for stream in choice.streams),
    )


def _local(source: Source) -> FetchedMedia:
    kinds = {stream.kind for stream in source.streams}
    return FetchedMedia(
        video=source.path if kinds != {StreamKind.AUDIO} else None,
        audio=source.path if kinds != {StreamKind.VIDEO} else None,
        bytes_fetched=0,
        streams=tuple(stream.id for stream in source.streams[:1]),
    )


def _expected_size(stream: Stream, duration: float) -> int:
    return stream.size or max(1, round((stream.bit_rate or 1_000_000) * duration / 8))


class _Links:
    """Where the streams' bytes are: what the source says, asked for again when that has expired."""

    def __init__(self, job: FetchJob) -> None:
        self._job = job
        self._formats: dict[str, dict[str, Any]] = {}
        self._is_youtube = job.source.origin.startswith("https://www.youtube.com/")

    def of(self, stream: Stream) -> dict[str, Any]:
        """What yt-dlp's downloader needs to know about the stream."""
        if stream.id in self._formats:
            return dict(self._formats[stream.id])
        # Other sites may want headers, and manifests their fragments: only an extraction tells those.
        if not self._is_youtube or stream.url is None or stream.protocol != "https" or _expired(stream.url):
            self.renew()
            return self.of_renewed(stream)
        return {"url": stream.url, "protocol": "https"}

    def of_renewed(self, stream: Stream) -> dict[str, Any]:
        """As `of`, after `renew`. Raises ReelyError `no-streams` if the stream is no longer there."""
        entry = self._formats.get(stream.id)
        if entry is None or (stream.size and entry.get("filesize") not in {None, stream.size}):
            raise refusal("no-streams", hint="The site has changed this video: open it again.")
        return dict(entry)

    def renew(self) -> None:
        """Extract again."""
        job = self._job
        info = extract_info(
            VideoLink(url=job.source.origin), job.cache, offline=job.offline, patience=job.patience
        )
        entries = info.get("formats") or [info]
        self._formats = {str(entry.get("format_id")): entry for entry in entries if entry.get("url")}


def _expired(url: str) -> bool:
    expire = parse_qs(urlsplit(url).query).get("expire", [""])[0]
    return expire.isdecimal() and float(expire) < time.time() + _EXPIRY_MARGIN


class _StalledError(YoutubeDLError):
    """Too little came over a connection, or not what was promised: it is better to open another."""


class _Download:
    """One stream on its way to its file, over as many connections as it takes."""

    def __init__(
        self,
        stream: Stream,
        path: Path,
        partial: Path,
        *,
        links: _Links,
        job: FetchJob,
        have: Callable[[int], None],
    ) -> None:
        self._stream, self._path, self._partial = stream, path, partial
        self._links, self._job, self._have = links, job, have
        self._fetched = 0
        self._seen = 0  # bytes of the file when the downloader last spoke
        self._window = (0.0, 0)  # when the watch for stalls began, and the bytes then

    def run(self) -> int:
        """Fetch to the end and give the file its name; the bytes that came over the network."""
        idle, renewed = 0, False
        for _attempt in range(_MOST_ATTEMPTS):
            start = self._size()
            if self._stream.size and start > self._stream.size:
                self._partial.unlink()
                start = 0
            if start and start == self._stream.size:
                break
            before = self._fetched
            try:
                self._once(start)
                break
            except (YoutubeDLError, OSError) as error:
                failure = self._judge(error)
                idle = 0 if self._fetched - before >= _LEAST else idle + 1
                if failure.code == "access-denied" and not (renewed and idle > 1):
                    self._links.renew()
                    renewed = True
                    continue
                if failure.exit.name != "NETWORK" or idle >= _IDLE_ATTEMPTS:
                    raise failure from error
                time.sleep(min(2.0**idle * self._job.patience / 40, _LONGEST_PAUSE) if idle else 0)
        else:
            raise refusal("stalled")
        self._finish()
        return self._fetched

    def _once(self, start: int) -> None:
        """One connection after the other, until one fails."""
        entry = self._links.of(self._stream)
        if entry.get("protocol") not in {"http", "https"}:
            self._partial.unlink(missing_ok=True)  # manifests are not resumed within
            start = 0
        self._check_room(start)
        self._seen, self._window = start, (time.monotonic(), start)
        options = {
            "nopart": True,  # the temporary name is ours
            "retries": 0,  # so are the attempts
            "fragment_retries": 3,
            "skip_unavailable_fragments": False,
            "hls_prefer_native": True,
            "ffmpeg_location": str(self._job.cache / "none"),
            "noresizebuffer": True,
            "buffersize": _BLOCK,
            "updatetime": False,
            "progress_hooks": [self._progress],
        }
        if entry.get("downloader_options") is None and "googlevideo" in entry["url"]:
            options["http_chunk_size"] = _CHUNK
        entry |= {"id": self._stream.id, "title": self._stream.id, "ext": self._stream.container}
        with opened_ytdlp(self._job.cache, Sentences(), patience=self._job.patience, options=options) as ydl:
            done, _real = cast(Any, ydl).dl(str(self._partial), entry)
        if not done:
            raise _StalledError
        if self._stream.size and self._size() < self._stream.size:
            raise _StalledError

    def _progress(self, status: dict[str, Any]) -> None:
        """yt-dlp's progress hook."""
        have = int(status.get("downloaded_bytes") or 0)
        self._fetched += have - self._seen if have >= self._seen else have
        self._seen = have
        self._have(have)
        if self._stream.size and have > self._stream.size:
            raise _StalledError
        began, bytes_then = self._window
        waited = time.monotonic() - began
        if have - bytes_then >= _LEAST and waited > self._job.patience:
            self._check_room(have)
            self._window = (time.monotonic(), have)
        elif waited > self._job.patience and status.get("status") == "downloading":
            raise _StalledError

    def _judge(self, error: Exception) -> ReelyError:
        if isinstance(error, _StalledError):
            return refusal("stalled")
        if isinstance(error, HTTPError) and error.status in {403, 404, 410}:
            return refusal("access-denied")  # how an expired link answers
        failure = refused_by_exception(error)
        # What has begun to come has not been out of reach: it stopped.
        return refusal("stalled") if failure.code == "network-down" and self._size() else failure

    def _check_room(self, have: int) -> None:
        """Raise `disk-full` before the disk is."""
        needed = max(0, _expected_size(self._stream, self._job.source.duration) - have) + _RESERVE
        free = shutil.disk_usage(self._partial.parent).free
        if free < needed:
            raise refusal(
                "disk-full",
                message=f"The disk has {free / 1e6:.0f} MB left; {needed / 1e6:.0f} MB are needed.",
            )

    def _size(self) -> int:
        try:
            return self._partial.stat().st_size
        except FileNotFoundError:
            return 0

    def _finish(self) -> None:
        size = self._size()
        if size == 0 or (self._stream.size and size != self._stream.size):
            self._partial.unlink(missing_ok=True)
            raise refusal("stalled")
        self._partial.replace(self._path)
