"""TLS over a socket that stays in its owner's hands, whatever becomes of the connection.

`SSLContext.wrap_socket` takes the socket over, and loses it unclosed when the other side has just gone.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_Done = TypeVar("_Done")
_MOST = 64 * 1024


class TlsStream(io.RawIOBase):
    """The server's side of TLS on `connection`; closing it leaves the socket open."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def handshake(self) -> None:
        """Agree with the client; raises ssl.SSLError where it does not trust us, OSError where it is gone."""
        self._drive(self._tls.do_handshake)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        try:
            data = self._drive(lambda: self._tls.read(len(view)))
        except ssl.SSLEOFError:
            return 0  # hung up without a word, as most clients do
        view[: len(data)] = data
        return len(data)

    def write(self, data: ReadableBuffer, /) -> int:
        return self._drive(lambda: self._tls.write(data))

    def _drive(self, step: Callable[[], _Done]) -> _Done:
        """Take `step`, feeding TLS what the client sends for as long as it asks for more."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._send_pending()
                if data := self._connection.recv(_MOST):
                    self._incoming.write(data)
                else:
                    self._incoming.write_eof()
            else:
                self._send_pending()
                return done

    def _send_pending(self) -> None:
        if self._outgoing.pending:
            self._connection.sendall(self._outgoing.read())
