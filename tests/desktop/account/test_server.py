"""Whatever stands where the license server should be, the answer is a plain sentence and nothing leaks."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from desktop.account import server as server_module
from desktop.account.server import Server
from desktop.account.wire import Session, Usage
from desktop.errors import Exit, ReelyError


class Stranger:
    """A loopback server that answers each connection with given bytes, and keeps what it was sent.

    With `patience`, it stays silent after the answer until it is closed.
    """

    def __init__(self, answer: bytes, patience: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.heard: list[bytes] = []
        self._answer = answer
        self._patience = patience
        self._tls = tls
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._talk(connection)
                except OSError:
                    continue

    def _talk(self, plain: socket.socket) -> None:
        plain.settimeout(5)
        connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
        with connection:
            self.heard.append(_request(connection))
            connection.sendall(self._answer)
            if self._patience:
                self._over.wait(5)


def _request(connection: socket.socket) -> bytes:
    """A whole request: what stays unread would make the system cut the answer off."""
    heard = b""
    while True:
        head, end, body = heard.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head.lower())
        if end and len(body) >= int(length[1] if length else 0):
            return heard
        part = connection.recv(65_536)
        if not part:
            return heard
        heard += part


Answering = Callable[..., "Stranger"]


@pytest.fixture
def stranger() -> Iterator[Answering]:
    opened: list[Stranger] = []

    def answer(answer: bytes, patience: bool = False, tls: ssl.SSLContext | None = None) -> Stranger:
        opened.append(Stranger(answer, patience, tls))
        return opened[-1]

    yield answer
    for server in opened:
        server.close()


@contextmanager
def asking(url: str) -> Iterator[Server]:
    server = Server(url)
    try:
        yield server
    finally:
        server.close()


def http(body: bytes, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n") -> bytes:
    head = f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


GOOD = http(b'{"access_token": "a", "refresh_token": "r", "expires_in": 60}')


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(b"\x00\xff\xfe not http", "server-garbled", id="no HTTP"),
        pytest.param(b"", "server-unreachable", id="nothing at all"),
        pytest.param(http(b"<html>Sign in to the hotel's network</html>"), "server-garbled", id="a web page"),
        pytest.param(http(b"{}"), "server-garbled", id="other JSON"),
        pytest.param(http(b"[" * 100_000), "server-garbled", id="deep JSON"),
        pytest.param(
            http(b'{"access_token": "a b\\r\\nX: y", "refresh_token": "r", "expires_in": 60}'),
            "server-garbled",
            id="a token that would forge a header",
        ),
        pytest.param(http(b"x" * 3_000_000), "server-garbled", id="far too much"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{",
            "server-unreachable",
            id="an answer cut short",
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "server-unreachable",
            id="bad chunks",
        ),
        pytest.param(http(b"", "204 No Content"), "server-garbled", id="no content"),
        pytest.param(http(b"oops", "500 Oops"), "server-trouble", id="a failing server"),
        pytest.param(http(b"", "503 Busy"), "server-trouble", id="a busy server"),
        pytest.param(http(b"nope", "404 Not Found"), "server-garbled", id="another web server"),
        pytest.param(http(b'{"code": "Not A Code"}', "403 No"), "server-garbled", id="a code that is none"),
        pytest.param(http(b"{}", "429 Slow down"), "rate-limited", id="a limit on requests"),
        pytest.param(
            http(b"", "302 Found", "Location: /evil\r\n"),
            "server-redirects",
            id="a redirect",
        ),
        pytest.param(
            http(b"", "307 Again", "Location: //evil.example/\r\n"),
            "server-redirects",
            id="another host",
        ),
    ],
)
def test_answers_that_are_none_are_told_plainly(stranger: Answering, answer: bytes, code: str) -> None:
    with asking(f"http://127.0.0.1:{stranger(answer).port}") as server, pytest.raises(ReelyError) as refused:
        server.post("/api/v1/auth/login", {"email": "a", "password": "secret"}, Session)
    assert (refused.value.code, refused.value.exit) == (code, Exit.NETWORK)
    assert "secret" not in refused.value.message + refused.value.hint


def test_a_server_that_keeps_silent_is_not_waited_for_without_end(
    stranger: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_SILENCE_LIMIT", 0.2)
    for half in (b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"):
        url = f"http://127.0.0.1:{stranger(half, patience=True).port}"
        with asking(url) as server, pytest.raises(ReelyError) as slow:
            server.get("/api/v1/auth/usage", Usage)
        assert (slow.value.code, slow.value.exit) == ("server-slow", Exit.NETWORK)


def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with asking(f"http://127.0.0.1:{port}") as server, pytest.raises(ReelyError) as refused:
        server.get("/api/v1/auth/usage", Usage)
    assert refused.value.code == "server-unreachable"


def test_a_certificate_that_nobody_vouches_for_is_refused(stranger: Answering) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    there = stranger(GOOD, tls=context)
    with asking(f"https://localhost:{there.port}") as server, pytest.raises(ReelyError) as refused:
        server.post("/api/v1/auth/login", {"password": "secret"}, Session)
    assert (refused.value.code, refused.value.exit) == ("server-untrusted", Exit.NETWORK)
    assert there.heard == []


@pytest.mark.parametrize(("name", "trusted"), [("localhost", True), ("reely.example", False)])
def test_the_systems_trust_decides_and_the_name_must_fit(
    stranger: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, trusted: bool
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with asking(f"https://localhost:{stranger(GOOD, tls=context).port}") as server:
        if trusted:
            assert server.post("/api/v1/auth/login", {}, Session).access_token == "a"
        else:
            with pytest.raises(ReelyError) as refused:
                server.post("/api/v1/auth/login", {}, Session)
            assert refused.value.code == "server-untrusted"


def test_a_proxy_is_used_where_one_is_set(stranger: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = stranger(GOOD)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    with asking("http://license.example") as server:
        server.post("/api/v1/auth/login", {"email": "a"}, Session)
    assert proxy.heard[0].startswith(b"POST http://license.example/api/v1/auth/login HTTP/1.1")


def test_passwords_in_a_netrc_are_not_sent(
    stranger: Answering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password private")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    there = stranger(GOOD)
    with asking(f"http://127.0.0.1:{there.port}") as server:
        server.post("/api/v1/auth/refresh", None, Session, bearer="token")
        server.post("/api/v1/auth/login", {}, Session)
    assert b"Authorization: Bearer token" in there.heard[0]
    assert b"authorization" not in there.heard[1].lower()


@pytest.mark.parametrize(
    "url",
    ["", "reely.example", "ftp://reely.example", "http://", "https://me:secret@reely.example", "http://[::1"],
)
def test_what_is_no_address_of_a_server_is_told_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ReelyError) as refused:
        Server(url)
    assert (refused.value.code, refused.value.exit) == ("bad-server-url", Exit.USAGE)
    assert "secret" not in refused.value.message
