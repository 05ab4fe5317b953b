"""A load of prepared HTTP requests over connections that stay open, each waiting for its answer."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What a load took: requests a second, and the 99th percentile of the seconds that one took."""

    throughput: float
    p99: float
    bodies: list[bytes]
    """The answers' bodies, in the order of the requests."""


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The request's bytes (RFC 9112)."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(port: int, requests: Sequence[bytes]) -> Load:
    """Sends all, as fast as they are answered. Raises `RuntimeError` where one is not answered 200."""
    took = [0.0] * len(requests)
    bodies = [b""] * len(requests)
    left = iter(range(len(requests)))
    started = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for _ in range(min(CONNECTIONS, len(requests))):
            line = _Line(socket.create_connection(("127.0.0.1", port)))
            line.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(line.connection, selectors.EVENT_READ, line)
            line.send_next(requests, left)
        while selector.get_map():
            for key, _ in selector.select(timeout=60):
                line = key.data
                body = line.receive()
                if body is None:
                    continue
                took[line.number], bodies[line.number] = time.perf_counter() - line.since, body
                if not line.send_next(requests, left):
                    selector.unregister(line.connection)
                    line.connection.close()
    seconds = time.perf_counter() - started
    return Load(len(requests) / seconds, quantiles(took, n=100)[98], bodies)


@dataclass
class _Line:
    """A connection, and the request that it waits for the answer of."""

    connection: socket.socket
    number: int = 0
    since: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send_next(self, requests: Sequence[bytes], left: Iterator[int]) -> bool:
        """Sends the next request; False where none is left."""
        number = next(left, None)
        if number is None:
            return False
        self.number, self.since = number, time.perf_counter()
        self.received.clear()
        self.connection.sendall(requests[number])
        return True

    def receive(self) -> bytes | None:
        """The body of the answer; None while it is not there as a whole."""
        part = self.connection.recv(1 << 16)
        if not part:
            raise RuntimeError("the server closed a connection")
        self.received += part
        head, end, body = bytes(self.received).partition(b"\r\n\r\n")
        if not end:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(self.received.decode(errors="replace"))
        lengths = [
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ]
        return body if len(body) == lengths[0] else None
