"""One window for one user: a second start, or a link back from the browser, rings at the one that is open."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

SCHEME = "reely:"
"""What links back to the app begin with; all they do is to have a look at the account."""

_PATIENCE = 3000  # milliseconds that a window that hangs may keep a new one from opening
_LONGEST = 8192  # bytes of a link or path


def ring(home: Path, text: str) -> bool:
    """Give `text` (a link, a path, or nothing) to the window that is open for `home`; False if there is none.

    Blocks for a moment: it is called before there is a window.
    """
    socket = QLocalSocket()
    socket.connectToServer(_name(home))
    if not socket.waitForConnected(_PATIENCE):
        return False
    socket.write(text.encode()[:_LONGEST] + b"\n")
    # The answer tells that somebody was there to hear it, not just a name that a killed app left.
    heard = socket.waitForReadyRead(_PATIENCE)
    socket.disconnectFromServer()
    return heard


class Doorbell(QObject):
    """Listens for other starts of the same user with the same `home`; `rung` has what they were given."""

    rung = Signal(str)

    def __init__(self, home: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._meet)
        if not self._server.listen(_name(home)):
            QLocalServer.removeServer(_name(home))  # left by an app that was killed: nobody answered there
            self._server.listen(_name(home))

    def close(self) -> None:
        self._server.close()

    def _meet(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._hear)
            socket.disconnected.connect(socket.deleteLater)

    def _hear(self) -> None:
        socket = self.sender()
        if not isinstance(socket, QLocalSocket):
            return
        if not socket.canReadLine() and socket.bytesAvailable() <= _LONGEST:
            return
        text = bytes(socket.readLine(_LONGEST + 1).data()).decode(errors="replace").strip()
        socket.write(b"\n")
        socket.flush()
        socket.disconnectFromServer()
        self.rung.emit(text)


def _name(home: Path) -> str:
    """Another home is another app: each test, each portable copy."""
    return f"reely-{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:16]}"
