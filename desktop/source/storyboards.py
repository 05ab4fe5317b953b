"""Storyboard sheets over HTTP: small, from the addresses that the extraction gave only, kept in the cache."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import ssl
import tempfile
import threading
import time
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

import truststore

from desktop.jobs.cancellation import CancelToken
from desktop.source.models import Storyboard
from desktop.source.refusals import refusal

logger = logging.getLogger(__name__)

LARGEST = 4 * 2**20
"""Bytes of a sheet at most; YouTube's have 10 to 300 kB."""
_TIMEOUT = 4.0  # seconds without a byte
_DEADLINE = 20.0  # seconds for a sheet
_CACHE_LIMIT = 64 * 2**20  # bytes on disk
_READ = 32 * 1024
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
        content = _fetched(url, token)
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


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Sheets are where the extraction said; nobody may send us elsewhere."""

    def redirect_request(  # noqa: PLR0917
        self,
        req: urllib.request.Request,  # noqa: ARG002 - urllib's signature
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


def _fetched(url: str, token: CancelToken) -> bytes:
    token.raise_if_cancelled()
    if urlsplit(url).scheme not in {"http", "https"}:
        raise refusal("access-denied")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_trust()), _NoRedirect())
    until = time.monotonic() + _DEADLINE
    content = bytearray()
    try:
        with opener.open(url, timeout=_TIMEOUT) as answer:
            while part := answer.read1(_READ):
                token.raise_if_cancelled()
                content += part
                if len(content) > LARGEST or time.monotonic() > until:
                    raise refusal("stalled")
            if answer.length:  # bytes that were promised; `read1` does not complain
                raise refusal("network-down")
    except HTTPError as error:
        error.close()
        logger.info("a storyboard was answered with %d", error.code)
        raise refusal("access-denied") from error
    except (OSError, HTTPException, ValueError) as error:
        logger.info("a storyboard did not come: %s", type(error).__name__)
        raise refusal("network-down") from error
    if not content.startswith(_PICTURES):
        raise refusal("network-down")  # as from a gate that wants a sign-in first
    return bytes(content)


def _trust() -> ssl.SSLContext:
    """Certificates as everywhere: `SSL_CERT_FILE` or `SSL_CERT_DIR` where set, else the system's store."""
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _name(url: str) -> str:
    """YouTube's addresses carry signatures that change where pictures do not."""
    parts = urlsplit(url)
    if (parts.hostname or "").endswith(".ytimg.com"):
        url = f"{parts.hostname}{parts.path}"
    return hashlib.sha256(url.encode()).hexdigest()[:32]
