"""One try of one message: to the checked address, within its time, reading little, following nothing."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler

import pytest
import trustme

from license_server.webhooks.courier import EXCERPT_BYTES, Courier
from license_server.webhooks.reach import Address, Reach
from tests.license_server.post import server_context
from tests.license_server.webhooks.receiver import Receiver, receiving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
HERE = Courier(Reach(LOOPBACK), seconds=5)


def _found(*addresses: str) -> Sequence[Address]:
    return [ipaddress.ip_address(address) for address in addresses]


def test_it_posts_and_tells_what_was_answered() -> None:
    with receiving(Receiver(body=b"got it\x00\xff" + b"x" * 2 * EXCERPT_BYTES)) as receiver:
        url = f"http://127.0.0.1:{receiver.port}/hook?key=1"
        outcome = HERE.post(url, b'{"type": "a"}', {"Webhook-Id": "msg_1"})
    assert (outcome.status, outcome.error, outcome.delivered) == (200, None, True)
    assert outcome.excerpt.startswith("got it ")
    assert len(outcome.excerpt) <= EXCERPT_BYTES
    assert outcome.excerpt.isprintable()
    (got,) = receiver.received
    assert (got.path, got.body, got.id) == ("/hook?key=1", b'{"type": "a"}', "msg_1")
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [201, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    with receiving(Receiver([status], body=b"")) as receiver:
        assert HERE.post(f"http://127.0.0.1:{receiver.port}/", b"", {}).delivered


@pytest.mark.parametrize("status", [400, 404, 410, 500, 503])
def test_other_statuses_are_none(status: int) -> None:
    with receiving(Receiver([status])) as receiver:
        outcome = HERE.post(f"http://127.0.0.1:{receiver.port}/", b"", {})
    assert (outcome.status, outcome.delivered, outcome.error) == (status, False, None)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with receiving(Receiver()) as inner, receiving(Receiver([status])) as outer:
        outer.headers["Location"] = f"http://127.0.0.1:{inner.port}/"
        outcome = HERE.post(f"http://127.0.0.1:{outer.port}/", b"", {})
    assert (outcome.status, outcome.error, outcome.delivered) == (status, "redirected", False)
    assert inner.received == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Receiver()) as proxy, receiving(Receiver()) as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert HERE.post(f"http://127.0.0.1:{receiver.port}/", b"", {}).delivered
    assert proxy.received == []


def test_what_was_checked_is_what_is_connected_to() -> None:
    """DNS rebinding: the name leads to one address when it is asked first, and to another ever after."""
    asked: list[str] = []

    def rebinding(host: str) -> Sequence[Address]:
        asked.append(host)
        return _found("127.0.0.2") if len(asked) > 1 else _found("127.0.0.1")

    with receiving(Receiver()) as receiver:
        courier = Courier(Reach(LOOPBACK, resolve=rebinding), seconds=5)
        assert courier.post(f"http://rebinding.example:{receiver.port}/", b"", {}).delivered
    assert asked == ["rebinding.example"], "it is looked up once, and never by the connection itself"
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"


def test_a_name_that_leads_inside_by_now_is_not_connected_to() -> None:
    with receiving(Receiver()) as receiver:
        courier = Courier(Reach(resolve=lambda _: _found("127.0.0.1")), seconds=5)
        outcome = courier.post(f"https://example.com:{receiver.port}/", b"", {})
    assert (outcome.status, outcome.error) == (None, "address-refused")
    assert receiver.received == []


def test_another_address_of_the_name_is_tried_where_one_does_not_answer() -> None:
    with receiving(Receiver()) as receiver:
        courier = Courier(Reach(LOOPBACK, resolve=lambda _: _found("127.0.0.3", "127.0.0.1")), seconds=5)
        assert courier.post(f"http://example.com:{receiver.port}/", b"", {}).delivered


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> trustme.CA:
    """A certificate authority that this process trusts, as a deployment's would be."""
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


def test_tls_is_with_the_name_although_the_address_is_connected_to(authority: trustme.CA) -> None:
    context = server_context(authority.issue_cert("hooks.example.com"))
    courier = Courier(Reach(LOOPBACK, resolve=lambda _: _found("127.0.0.1")), seconds=5)
    with receiving(Receiver(), context) as receiver:
        assert courier.post(f"https://hooks.example.com:{receiver.port}/", b"", {}).delivered
        other = courier.post(f"https://other.example.com:{receiver.port}/", b"", {})
    assert (other.status, other.error) == (None, "certificate-not-valid")
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("authority")
def test_a_certificate_of_nobody_is_refused() -> None:
    context = server_context(trustme.CA().issue_cert("hooks.example.com"))
    courier = Courier(Reach(LOOPBACK, resolve=lambda _: _found("127.0.0.1")), seconds=5)
    with receiving(Receiver(), context) as receiver:
        outcome = courier.post(f"https://hooks.example.com:{receiver.port}/", b"", {})
    assert (outcome.status, outcome.error) == (None, "certificate-not-valid")
    assert receiver.received == []


def test_plain_http_where_tls_was_expected_is_told() -> None:
    with receiving(Receiver()) as receiver:
        outcome = HERE.post(f"https://127.0.0.1:{receiver.port}/", b"", {})
    assert (outcome.status, outcome.error) == (None, "tls-failed")


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    outcome = HERE.post(f"http://127.0.0.1:{port}/", b"", {})
    assert (outcome.status, outcome.error) == (None, "connection-failed")


def _silent(_: BaseHTTPRequestHandler, over: threading.Event) -> None:
    over.wait(10)


def _dripping_headers(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler, over)


def _drip(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    while not over.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


SLOW = [_silent, _dripping_headers]


@pytest.mark.parametrize("slow", SLOW)
def test_who_does_not_answer_in_time_is_cut_off(
    slow: Callable[[BaseHTTPRequestHandler, threading.Event], None],
) -> None:
    over = threading.Event()
    receiver = Receiver(answer=lambda handler: slow(handler, over))
    with receiving(receiver):
        started = time.monotonic()
        try:
            outcome = Courier(Reach(LOOPBACK), seconds=0.4).post(
                f"http://127.0.0.1:{receiver.port}/", b"", {}
            )
        finally:
            over.set()
    assert (outcome.status, outcome.error) == (None, "timed-out")
    assert time.monotonic() - started < 5


def test_a_handshake_that_drips_is_cut_off() -> None:
    """Each byte would start a socket's own timeout anew."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"\x16\x03\x03\x3f\xff")  # a TLS record of 16 KiB begins
                while not over.wait(0.05):
                    try:
                        connection.sendall(b"\x02")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        outcome = Courier(Reach(LOOPBACK), seconds=0.4).post(url, b"", {})
        over.set()
        thread.join()
    assert (outcome.status, outcome.error) == (None, "timed-out")


def test_an_endless_answer_is_not_read() -> None:
    over = threading.Event()

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            try:
                handler.wfile.write(b"x" * 65536)
            except OSError:
                return

    receiver = Receiver(answer=endless)
    with receiving(receiver):
        try:
            outcome = HERE.post(f"http://127.0.0.1:{receiver.port}/", b"", {})
        finally:
            over.set()
    assert (outcome.status, outcome.delivered) == (200, True)
    assert len(outcome.excerpt) <= EXCERPT_BYTES


@pytest.mark.parametrize("answer", [b"hello\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b""])
def test_what_is_no_http_is_told(answer: bytes) -> None:
    def say(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(answer)

    with receiving(Receiver(answer=say)) as receiver:
        outcome = HERE.post(f"http://127.0.0.1:{receiver.port}/", b"", {})
    assert outcome.status is None
    assert outcome.error in {"answer-not-readable", "connection-failed"}
