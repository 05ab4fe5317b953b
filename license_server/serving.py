"""Serving the app from this process, with waitress."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from flask import Flask
from waitress.server import create_server

from license_server import extensions

THREADS = 8
LARGEST_BUFFERED_BODY = 64 << 20


def listen(host: str, port: int) -> socket.socket:
    """A listening TCP socket; port 0 picks a free one. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def address(listener: socket.socket) -> str:
    """The http address that a listening socket answers at."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def address_from_here(listener: socket.socket) -> str:
    """The http address by which this computer reaches a listening socket, if it listens everywhere too."""
    return address(listener).replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def serve(app: Flask, listener: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT; requests that have begun are finished. Prints the address first."""
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        ident=None,
        # The app decides which proxies it believes, and has to see that there is one.
        clear_untrusted_proxy_headers=False,
        # The app refuses bodies itself, in its own words; this bounds what is buffered before it is asked.
        max_request_body_size=LARGEST_BUFFERED_BODY,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    print(f"listening on {address(listener)}", flush=True)  # noqa: T201 - what the command promises
    try:
        server.run()
    finally:
        server.close()
        extensions.close(app)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)  # waitress ends its loop and its threads on it
