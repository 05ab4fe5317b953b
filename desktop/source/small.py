"""Small things over HTTP: from the address that the extraction gave, with a limit on bytes and time."""

from __future__ import annotations

import logging
import os
import ssl
import time
import urllib.request
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.error import HTTPError
from urllib.parse import urlsplit

import truststore

from desktop.jobs.cancellation import CancelToken
from desktop.source.refusals import refusal

logger = logging.getLogger(__name__)

_TIMEOUT = 4.0  # seconds without a byte
_DEADLINE = 20.0  # seconds in all
_READ = 32 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Things are where the extraction said; nobody may send us elsewhere."""

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


def fetch_small(url: str, largest: int, token: CancelToken) -> bytes:
    """All bytes behind `url`, of which there may be `largest`.

    Raises ReelyError `access-denied`, `stalled` or `network-down`, and `Cancelled` soon after `token` is.
    """
    token.raise_if_cancelled()
    if urlsplit(url).scheme not in {"http", "https"}:
        raise refusal("access-denied")
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted()), _NoRedirect())
    until = time.monotonic() + _DEADLINE
    content = bytearray()
    try:
        with opener.open(url, timeout=_TIMEOUT) as answer:
            while part := answer.read1(_READ):
                token.raise_if_cancelled()
                content += part
                if len(content) > largest or time.monotonic() > until:
                    raise refusal("stalled")
            if answer.length:  # bytes that were promised; `read1` does not complain
                raise refusal("network-down")
    except HTTPError as error:
        error.close()
        logger.info("a small file was answered with %d", error.code)
        raise refusal("access-denied") from error
    except (OSError, HTTPException, ValueError) as error:
        logger.info("a small file did not come: %s", type(error).__name__)
        raise refusal("network-down") from error
    return bytes(content)


def trusted() -> ssl.SSLContext:
    """Certificates as everywhere: `SSL_CERT_FILE` or `SSL_CERT_DIR` where set, else the system's store."""
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return ssl.create_default_context()
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
