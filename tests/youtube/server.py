"""The stand-in on the wire: a forward proxy on loopback for YouTube's hosts and no others."""

from __future__ import annotations

import contextlib
import errno
import io
import selectors
import socket
import ssl
import tempfile
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from types import TracebackType
from typing import Any, Self, cast

from tests.youtube.behaviour import Behaviours, Exchange, Log, Misbehaviour
from tests.youtube.catalogue import VIDEOS, Video
from tests.youtube.certificates import server_context
from tests.youtube.media import Media
from tests.youtube.repetition import Stream
from tests.youtube.site import HOSTS, Answer, Asked, Kind, Site, answers_for
from tests.youtube.tls import TlsStream

_SEND_BUFFER = 64 * 1024
_LONGEST_BODY = 1 << 20
# What a client's going away looks like here; none of it is a fault of the stand-in.
_GONE = (ConnectionError, TimeoutError, ssl.SSLError)


class YouTube:
    """The running stand-in. Use as a context manager; leaving it ends every connection and thread at once."""

    def __init__(self, media: Media, port: int = 0) -> None:
        self.media = media
        self.videos: dict[str, Video] = VIDEOS
        self.log = Log()
        self._site = Site(media)
        self._behaviours = Behaviours()
        self._folder = tempfile.TemporaryDirectory(prefix="reely-youtube-")
        context, self.ca_file = server_context(Path(self._folder.name), HOSTS)
        self._server = _Server(("127.0.0.1", port), self._site, self._behaviours, self.log, context)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="youtube-stand-in"
        )

    @property
    def proxy(self) -> str:
        """The proxy's address, as `https_proxy` wants it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def env(self) -> dict[str, str]:
        """What a child process needs in its environment to meet the stand-in and to trust it."""
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), self.proxy)
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "DENO_CERT", "NODE_EXTRA_CA_CERTS")
        return {
            **proxies,
            **dict.fromkeys(trust, str(self.ca_file)),
            "no_proxy": "localhost,127.0.0.1",
            "NO_PROXY": "localhost,127.0.0.1",
        }

    def url(self, video: Video | str) -> str:
        """The watch address of a video or an id."""
        return f"https://www.youtube.com/watch?v={video if isinstance(video, str) else video.id}"

    def behave(
        self,
        *kinds: Kind,
        video: Video | None = None,
        itag: int | None = None,
        times: int | None = None,
        latency: float | None = None,
        bytes_per_second: float | None = None,
        stall_after: int | None = None,
        drop_after: int | None = None,
        status: int | None = None,
        ranges: bool | None = None,
    ) -> None:
        """Misbehave from now on: for requests of `kinds` (all, where none is named), of `video`, of `itag`,

        for the next `times` requests (for all, where None). The troubles are those of `Misbehaviour`.
        """
        trouble = Misbehaviour(latency, bytes_per_second, stall_after, drop_after, status, ranges)
        self._behaviours.add(trouble, kinds, video.id if video else None, itag, times)

    def behave_well(self) -> None:
        """Forget all misbehaviours and be online."""
        self._behaviours.clear()
        self._server.offline = False

    def go_offline(self) -> None:
        """Refuse every new connection, as a proxy does whose network is down; those that are open end."""
        self._server.offline = True
        self._server.end_connections()

    def expire_links(self) -> None:
        """From now on every media address handed out before answers 403; new ones work."""
        self._site.signer.rotate()

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End: no thread, socket or file is left."""
        self._server.stopping.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.end_connections()
        self._server.server_close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        site: Site,
        behaviours: Behaviours,
        log: Log,
        context: ssl.SSLContext,
    ) -> None:
        super().__init__(address, _Handler)
        self.site, self.behaviours, self.log, self.context = site, behaviours, log, context
        self.stopping = threading.Event()
        self.offline = False
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        if self.stopping.is_set():
            self.end_connections()

    def forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)

    def end_connections(self) -> None:
        """Wake whoever waits on a connection; its thread then closes it."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):  # it has ended by itself
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Handlers report their own faults; nothing is printed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "stand-in"
    sys_version = ""
    disable_nagle_algorithm = True
    server: _Server
    connection: socket.socket
    host: str | None = None

    def setup(self) -> None:
        super().setup()
        # A small buffer, so that what the log calls sent is not far ahead of what a client has read.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.server.keep(self.connection)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.forget(self.connection)

    def handle(self) -> None:
        try:
            super().handle()
        except Exception as error:  # noqa: BLE001 - told to the test, which fails
            gone = isinstance(error, _GONE) or getattr(error, "errno", None) == errno.ENOTCONN
            if not gone and not self.server.stopping.is_set():
                self.server.log.fault(error)

    def log_message(self, format: str, *args: object) -> None:
        """The log is `Log`; nothing is printed."""

    def do_CONNECT(self) -> None:
        host, _, port = self.path.rpartition(":")
        if self.server.offline or port != "443" or not answers_for(host):
            self.server.log.refused(host)
            self.close_connection = True
            self.send_response(HTTPStatus.BAD_GATEWAY if self.server.offline else HTTPStatus.FORBIDDEN)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(HTTPStatus.OK, "Connection established")
        self.end_headers()
        self.wfile.flush()
        secure = TlsStream(self.connection, self.server.context)
        secure.handshake()
        self.rfile.close()
        self.rfile = io.BufferedReader(secure)
        # Written without a buffer, so that nothing waits to be flushed when the connection breaks.
        self.wfile = cast("io.BufferedIOBase", secure)
        self.host = host.lower()
        self.close_connection = False

    def do_GET(self) -> None:
        self._exchange()

    def do_HEAD(self) -> None:
        self._exchange()

    def do_POST(self) -> None:
        self._exchange()

    def _exchange(self) -> None:
        if self.host is None:
            # A plain request to the proxy: there is no http:// here.
            self.server.log.refused(self.path)
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LONGEST_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True  # the client left in the middle of its request
            return
        path, _, query = self.path.partition("?")
        answer = self.server.site.answer(Asked(self.host, path, query, body))
        exchange = Exchange(
            method=self.command,
            host=self.host,
            path=path,
            query=query,
            kind=answer.kind,
            video_id=answer.video_id,
            itag=answer.itag,
            agent=self.headers.get("User-Agent") or "",
        )
        self.server.log.begin(exchange)
        try:
            self._respond(answer, exchange)
        except _GONE:
            self.close_connection = True
        finally:
            self.server.log.end(exchange)

    def _respond(self, answer: Answer, exchange: Exchange) -> None:
        trouble = self.server.behaviours.for_request(answer.kind, answer.video_id, answer.itag)
        if trouble.latency and self.server.stopping.wait(trouble.latency):
            self.close_connection = True
            return
        if trouble.status is not None:
            answer = Answer(answer.kind, trouble.status, "text/html", b"<html><body>Sorry</body></html>")
        size = len(answer.body) if isinstance(answer.body, bytes) else answer.body.size
        first, last, status = 0, size - 1, answer.status
        if not isinstance(answer.body, bytes) and trouble.ranges is not False:
            asked = _asked_range(self.headers.get("Range"), size)
            if asked is not None:
                exchange.range = asked
                first, last = asked
                status = HTTPStatus.PARTIAL_CONTENT
                if first > last or first >= size:
                    self._unsatisfiable(exchange, size)
                    return
            elif query_range := _asked_range("bytes=" + Asked("", "", exchange.query).first("range"), size):
                # The site's own way: `range` in the query, and a plain 200 with just these bytes.
                exchange.range = first, last = query_range
        exchange.status = status
        self.send_response(status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(last - first + 1))
        if not isinstance(answer.body, bytes):
            self.send_header("Accept-Ranges", "none" if trouble.ranges is False else "bytes")
        if status == HTTPStatus.PARTIAL_CONTENT:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()
        if self.command != "HEAD":
            self._send_body(answer.body, first, last, trouble, exchange)

    def _unsatisfiable(self, exchange: Exchange, size: int) -> None:
        exchange.status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        self.send_header("Content-Range", f"bytes */{size}")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.wfile.flush()

    def _send_body(
        self, body: bytes | Stream, first: int, last: int, trouble: Misbehaviour, exchange: Exchange
    ) -> None:
        whole = last - first + 1
        stall = whole if trouble.stall_after is None else trouble.stall_after
        drop = whole if trouble.drop_after is None else trouble.drop_after
        count = min(whole, stall, drop)
        parts = iter((body[first : first + count],)) if isinstance(body, bytes) else body.read(first, count)
        for part in parts:
            if not self._send_part(memoryview(part), trouble.bytes_per_second, exchange):
                return
        if count == whole:
            return
        self.close_connection = True
        if stall < drop:
            # Readable means that the client hung up, or that the stand-in is ending.
            with selectors.DefaultSelector() as selector:
                selector.register(self.connection, selectors.EVENT_READ)
                selector.select()

    def _send_part(self, part: memoryview, bytes_per_second: float | None, exchange: Exchange) -> bool:
        """Send `part` no faster than allowed; False when the stand-in is ending."""
        step = max(1, min(len(part), int(bytes_per_second / 20))) if bytes_per_second else len(part)
        for start in range(0, len(part), step or 1):
            piece = part[start : start + step]
            self.server.log.sending(exchange, len(piece))
            self.wfile.write(piece)
            if bytes_per_second and self.server.stopping.wait(len(piece) / bytes_per_second):
                self.close_connection = True
                return False
        return True


def _asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte of a single `bytes=` range (RFC 9110, 14.1.2); None where there is none."""
    if header is None or not header.startswith("bytes="):
        return None
    first, dash, last = header.removeprefix("bytes=").partition("-")
    if not dash or not (first or last) or not (first + last).isdigit():
        return None
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
