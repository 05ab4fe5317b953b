"""Opening yt-dlp the way Reely wants it: a library without configuration, plugins or output of its own."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import deno
import truststore
import yt_dlp.globals
from yt_dlp import YoutubeDL
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import HTTPError

from desktop.source.diagnosis import clean_sentence

logger = logging.getLogger(__name__)

_RETRIES = 2  # of one request, before it counts as failed


def deno_path() -> Path | None:
    """The JavaScript runtime that solves YouTube's challenges; None if there is none.

    In the frozen app it lies inside the app, else it comes with the package `deno`.
    """
    if getattr(sys, "frozen", False):
        name = "deno.exe" if os.name == "nt" else "deno"
        app = Path(sys.executable).parent
        found = [Path(getattr(sys, "_MEIPASS", app)) / "bin" / name, app / name]
    else:
        try:
            found = [Path(deno.find_deno_bin())]
        except FileNotFoundError:
            found = []
    return next((path for path in found if path.is_file()), None)


class Sentences:
    """yt-dlp's logger: keeps its warnings, so that refusals can be read from them, and prints nothing."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Progress in words for a terminal; nobody reads it here."""

    def info(self, message: str) -> None:
        """As `debug`."""

    def warning(self, message: object) -> None:
        self.warnings.append(str(message))
        logger.info("yt-dlp: %s", clean_sentence(str(message)))

    def error(self, message: object) -> None:
        # The same sentence comes as an exception.
        logger.info("yt-dlp: %s", clean_sentence(str(message)))


class _Surroundings:
    """What yt-dlp and deno need of the process, for as long as anybody uses them: may be entered again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: dict[str, str | None] = {}
        self._own_trust = False

    @contextmanager
    def prepared(self, cache: Path) -> Iterator[None]:
        # deno keeps its caches in the user's home and asks for updates, unless told otherwise.
        environment = {"DENO_DIR": str(cache / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = {name: os.environ.get(name) for name in environment}
                self._own_trust = "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ
                # What a user's own yt-dlp loads has no place in our process.
                yt_dlp.globals.plugin_dirs.value = []
                os.environ.update(environment)
                if not self._own_trust:
                    truststore.inject_into_ssl()
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._restore()

    def _restore(self) -> None:
        if not self._own_trust:
            truststore.extract_from_ssl()
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_SURROUNDINGS = _Surroundings()


class _TidyYoutubeDL(YoutubeDL):
    """Closes the answers of refused requests in the end: yt-dlp may read them, and leaves them open."""

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self._refused: list[Response] = []

    def urlopen(self, req: Any) -> Any:
        try:
            return super().urlopen(req)
        except HTTPError as error:
            self._refused.append(error.response)
            raise

    def close(self) -> None:
        for response in self._refused:
            response.close()
        super().close()


@contextmanager
def opened_ytdlp(
    cache: Path, sentences: Sentences, *, patience: float, options: Mapping[str, Any] | None = None
) -> Iterator[YoutubeDL]:
    """yt-dlp, ready to extract or download; its files go to `cache`, its words to `sentences`.

    `patience`: seconds without a byte after which a connection counts as dead. Proxies are the environment's
    or the system's. Certificates are checked against `SSL_CERT_FILE` (or `SSL_CERT_DIR`) where it is set,
    else against the system's store. The process's environment is changed while one is open; several may be.
    """
    runtime = deno_path()
    params: dict[str, Any] = {
        "logger": sentences,
        "quiet": True,
        "noprogress": True,
        "color": "no_color",
        "compat_opts": {"no-certifi"},
        "cachedir": str(cache / "yt-dlp"),
        "socket_timeout": patience,
        "extractor_retries": _RETRIES,
        "retries": _RETRIES,
        "fragment_retries": _RETRIES,
        "js_runtimes": {"deno": {"path": str(runtime)}} if runtime else {},
        "remote_components": set(),
        "noplaylist": True,
        "playlistend": 2,  # enough to see that it is not a single video
        "format": "b*",  # one format, so that it never looks for FFmpeg to merge
        "ignore_no_formats_error": True,  # what it knows of a refused video is worth more than an exception
        **(options or {}),
    }
    with _SURROUNDINGS.prepared(cache), _TidyYoutubeDL(cast(Any, params)) as ydl:
        yield ydl
