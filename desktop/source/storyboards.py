"""Storyboard sheets over HTTP: small, from the addresses that the extraction gave only, kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
from pathlib import Path
from urllib.parse import urlsplit

from desktop.jobs.cancellation import CancelToken
from desktop.source.models import Storyboard
from desktop.source.refusals import refusal
from desktop.source.small import fetch_small

logger = logging.getLogger(__name__)

LARGEST = 4 * 2**20
"""Bytes of a sheet at most; YouTube's have 10 to 300 kB."""
_CACHE_LIMIT = 64 * 2**20  # bytes on disk
_PICTURES = (b"\xff\xd8\xff", b"RIFF", b"\x89PNG")
"""How JPEG, WebP and PNG begin."""


class Storyboards:
    """Gives the sheets of storyboards. May be called from several threads at once."""

    def __init__(self, cache: Path, *, offline: bool = False) -> None:
        self._folder = cache / "storyboards"
        self._offline = offline
        self._lock = threading.Lock()

    def sheet(self, board: Storyboard, number: int, token: CancelToken) -> bytes:
        """The picture file (JPEG, WebP or PNG by its first bytes) of sheet `number`, from cache or network.

        Raises ReelyError `offline`, `access-denied`, `stalled` or `network-down`, and `Cancelled` soon after
        `token` is.
        """
        url = board.urls[number]
        path = self._folder / _name(url)
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            os.utime(path)
            return content
        if self._offline:
            raise refusal("offline")
        content = fetch_small(url, LARGEST, token)
        if not content.startswith(_PICTURES):
            raise refusal("network-down")  # as from a gate that wants a sign-in first
        self._keep(path, content)
        return content

    def _keep(self, path: Path, content: bytes) -> None:
        """A full or read-only disk costs the next start a download, and is no failure now."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._lock:
                handle, name = tempfile.mkstemp(dir=path.parent, suffix=".partial")
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                Path(name).replace(path)
                self._make_room()
        except OSError as error:
            logger.info("a storyboard could not be kept: %s", error.strerror)

    def _make_room(self) -> None:
        files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        total = 0
        for file in files:
            total += file.stat().st_size
            if total > _CACHE_LIMIT:
                file.unlink(missing_ok=True)


def _name(url: str) -> str:
    """YouTube's addresses carry signatures that change where pictures do not."""
    parts = urlsplit(url)
    if (parts.hostname or "").endswith(".ytimg.com"):
        url = f"{parts.hostname}{parts.path}"
    return hashlib.sha256(url.encode()).hexdigest()[:32]
