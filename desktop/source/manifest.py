"""Streams that are lists of pieces (HLS, DASH) as whole files, by yt-dlp's own downloader."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from yt_dlp.utils import YoutubeDLError

from desktop.errors import Exit
from desktop.files import disk_error
from desktop.source.addresses import Addresses
from desktop.source.diagnosis import refused_by_exception
from desktop.source.models import Stream
from desktop.source.pace import Need, Pace, StalledError
from desktop.source.refusals import refusal
from desktop.source.ytdlp import Sentences, opened_ytdlp

_ATTEMPTS = 4


def download_whole(
    stream: Stream,
    partial: Path,
    *,
    addresses: Addresses,
    cache: Path,
    patience: float,
    gained: Callable[[int], None],
    halt: threading.Event,
) -> int:
    """Bring the stream to `partial`; the bytes that came over the network. `gained` is told as they come.

    Every attempt starts anew. Raises ReelyError `stalled`, `disk-full`, `cannot-write-file`, or another code
    of `desktop.source.refusals`.
    """
    download = _Download(stream, partial, cache, patience, gained)
    for attempt in range(1, _ATTEMPTS + 1):
        partial.unlink(missing_ok=True)
        address = addresses.of(stream)
        try:
            download.once(dict(address.entry))
        except YoutubeDLError as error:
            stalled = isinstance(error, StalledError)
            failure = refusal("stalled") if stalled else refused_by_exception(error)
            if failure.code == "access-denied" and attempt < _ATTEMPTS:
                addresses.renew(address)
            elif failure.exit is not Exit.NETWORK or attempt == _ATTEMPTS:
                raise failure from error
            halt.wait(patience / 10)
        except OSError as error:
            raise disk_error(error, partial) from error
        else:
            return download.fetched
    raise refusal("stalled")


class _Download:
    def __init__(
        self, stream: Stream, partial: Path, cache: Path, patience: float, gained: Callable[[int], None]
    ) -> None:
        self._stream, self._partial, self._cache = stream, partial, cache
        self._patience, self._gained = patience, gained
        self._seen = 0  # bytes of the file when the downloader last spoke
        self._pace = Pace(patience, Need(0))
        self.fetched = 0

    def once(self, entry: dict[str, Any]) -> None:
        self._seen, self._pace = 0, Pace(self._patience, Need(0))
        options = {
            "nopart": True,  # the temporary name is ours
            "retries": 0,
            "fragment_retries": 3,
            "skip_unavailable_fragments": False,
            "hls_prefer_native": True,
            "ffmpeg_location": str(self._cache / "none"),
            "noresizebuffer": True,
            "updatetime": False,
            "progress_hooks": [self._progress],
        }
        entry |= {"id": self._stream.id, "title": self._stream.id, "ext": self._stream.container}
        with opened_ytdlp(self._cache, Sentences(), patience=self._patience, options=options) as ydl:
            done, _real = cast(Any, ydl).dl(str(self._partial), entry)
        if not done or not self._partial.stat().st_size:
            raise StalledError("the downloader gave up")

    def _progress(self, status: dict[str, Any]) -> None:
        """yt-dlp's progress hook."""
        have = int(status.get("downloaded_bytes") or 0)
        came, self._seen = max(0, have - self._seen), have
        self.fetched += came
        self._gained(came)
        if status.get("status") == "downloading":
            self._pace.came(came, left=1 << 62)
