"""Where a source's bytes are on the network: what its streams say, asked for again when that has expired."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from desktop.errors import ReelyError
from desktop.source.extract import extract_info
from desktop.source.links import VideoLink
from desktop.source.models import Source, Stream
from desktop.source.refusals import refusal

_EXPIRY_MARGIN = 60.0  # seconds


@dataclass(frozen=True)
class Address:
    """What yt-dlp knows about a stream. `extraction` is the number of the extraction that found it."""

    entry: Mapping[str, Any]
    extraction: int

    @property
    def is_direct(self) -> bool:
        """Whether it is one file of which bytes can be asked for."""
        return self.entry.get("protocol") in {"http", "https"}


class AddressBook(Protocol):
    """What tells where streams are."""

    def of(self, stream: Stream) -> Address:
        """Where the stream is."""

    def renew(self, refused: Address) -> None:
        """Ask anew, for `refused` is not answered any more."""


class Addresses:
    """The addresses of a source's streams; may be asked by several threads."""

    def __init__(self, source: Source, cache: Path, *, offline: bool, patience: float) -> None:
        self._source, self._cache = source, cache
        self._offline, self._patience = offline, patience
        self._entries: dict[str, dict[str, Any]] = {}
        self._extraction = 0
        self._lock = threading.Lock()
        self._is_youtube = source.origin.startswith("https://www.youtube.com/")

    def of(self, stream: Stream) -> Address:
        """Where the stream is. Extracts where the source does not say, or what it says has expired.

        Raises ReelyError `offline`, `no-streams` if the stream is no longer there, or as `extract`.
        """
        with self._lock:
            if self._offline:
                raise refusal("offline")
            if not self._entries:
                # Other sites may want headers, and manifests their fragments: only an extraction tells those.
                if (
                    self._is_youtube
                    and stream.protocol == "https"
                    and stream.url
                    and not _expired(stream.url)
                ):
                    return Address({"url": stream.url, "protocol": "https"}, self._extraction)
                self._extract()
            entry = self._entries.get(stream.id)
            if entry is None or (stream.size and entry.get("filesize") not in {None, stream.size}):
                raise changed()
            return Address(entry, self._extraction)

    def renew(self, refused: Address) -> None:
        """Extract again, unless somebody has done so since `refused` was handed out."""
        with self._lock:
            if refused.extraction == self._extraction:
                self._extract()

    def _extract(self) -> None:
        link = VideoLink(url=self._source.origin)
        info = extract_info(link, self._cache, offline=self._offline, patience=self._patience)
        entries = info.get("formats") or [info]
        self._entries = {str(entry.get("format_id")): entry for entry in entries if entry.get("url")}
        self._extraction += 1


def changed() -> ReelyError:
    """The refusal of a stream that is not any more what it was when the link was opened."""
    return refusal("no-streams", hint="The site has changed this video: open it again.")


def _expired(url: str) -> bool:
    expire = parse_qs(urlsplit(url).query).get("expire", [""])[0]
    return expire.isdecimal() and float(expire) < time.time() + _EXPIRY_MARGIN
