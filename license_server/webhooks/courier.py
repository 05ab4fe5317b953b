"""Carrying one message to one address: pinned, never redirected, within a time, and with little read back."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from license_server.webhooks.reach import AddressRefusedError, NameUnknownError, Reach, Target

EXCERPT_BYTES = 500


@dataclass(frozen=True)
class Outcome:
    """What came of a try: the HTTP status, or the code of an error where there was none."""

    status: int | None
    error: str | None
    milliseconds: int
    excerpt: str = ""

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True)
class Courier:
    """Posts to where `reach` allows, in `seconds`; only a look-up of a name may take longer."""

    reach: Reach
    seconds: float = 15.0

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Posts the body once. What goes wrong is in the outcome; nothing is raised.

        Errors are `address-refused`, `name-unknown`, `connection-failed`, `tls-failed`,
        `certificate-not-valid`, `timed-out`, `answer-not-readable` and `redirected`.
        """
        started = time.monotonic()
        deadline = started + self.seconds
        status, error, excerpt = None, None, ""
        try:
            target = self.reach.target(url)
            with _connected(target, deadline) as connection:
                status, excerpt = _exchange(connection, target, body, headers, deadline)
        except AddressRefusedError:
            error = "address-refused"
        except NameUnknownError:
            error = "name-unknown"
        except (OSError, http.client.HTTPException) as fault:
            error = "timed-out" if time.monotonic() >= deadline else _code(fault)
        if status is not None and 300 <= status < 400:
            error = "redirected"  # it could lead to where nothing was checked
        return Outcome(status, error, round((time.monotonic() - started) * 1000), excerpt)


def _code(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "timed-out"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return "certificate-not-valid"
    if isinstance(fault, ssl.SSLError):
        return "tls-failed"
    return "answer-not-readable" if isinstance(fault, http.client.HTTPException) else "connection-failed"


@contextlib.contextmanager
def _connected(target: Target, deadline: float) -> Iterator[http.client.HTTPConnection]:
    """A connection to one of the target's addresses; TLS is with its name. It is cut off at the deadline."""
    with _first_that_answers(target, deadline) as sock, _cut_off_at(deadline, sock):
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.auto_open = 0
        connection.sock = sock
        if isinstance(sock, ssl.SSLSocket):
            sock.do_handshake()
        with contextlib.closing(connection):
            yield connection


def _first_that_answers(target: Target, deadline: float) -> socket.socket:
    fault: OSError = ConnectionError("there is no address")
    for number, address in enumerate(target.addresses):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            # Each gets its part of the time, so one that is silent leaves some for the others.
            part = left / (len(target.addresses) - number)
            sock = socket.create_connection((str(address), target.port), timeout=part)
        except OSError as error:
            fault = error
            continue
        sock.settimeout(left)
        if target.scheme != "https":
            return sock
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context.wrap_socket(sock, server_hostname=target.host, do_handshake_on_connect=False)
    raise fault


@contextlib.contextmanager
def _cut_off_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """A socket's own timeout begins anew with every byte; this one does not."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)  # beneath TLS, which is in use elsewhere

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _exchange(
    connection: http.client.HTTPConnection,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    deadline: float,
) -> tuple[int, str]:
    default = 443 if target.scheme == "https" else 80
    host = f"[{target.host}]" if ":" in target.host else target.host
    named = host if target.port == default else f"{host}:{target.port}"
    connection.request("POST", target.path, body, {"Host": named, "Connection": "close", **headers})
    raw = b""
    with connection.getresponse() as response:
        if time.monotonic() >= deadline:
            raise TimeoutError  # cut off among the headers, which looks like their end
        with contextlib.suppress(OSError, http.client.HTTPException):  # the status is what counts
            raw = response.read1(EXCERPT_BYTES)
        text = raw.decode("utf-8", errors="replace")
        return response.status, "".join(sign if sign.isprintable() else " " for sign in text)
