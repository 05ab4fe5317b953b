"""Starting the window: the Qt application, its looks, and a clean end."""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSocketNotifier, Qt, QTimer
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from desktop.ui import theme
from desktop.ui.doorbell import Doorbell, ring
from desktop.ui.ports import Ports
from desktop.ui.window import MainWindow


def run(ports: Ports, home: Path, initial_text: str = "", *, quit_when_shown: bool = False) -> int:
    """Show the window until it is closed; `initial_text` is opened at once. Returns the exit code.

    Where a window is open for `home` already, that one gets `initial_text` and comes to the front instead.
    With `quit_when_shown` it closes by itself: 0 once the first picture (or, with nothing to open, the
    window) is shown, 1 if that failed. So a build can be tried out.
    """
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        app = QApplication(sys.argv[:1])
    app.setApplicationName("Reely")
    app.setApplicationDisplayName("Reely")
    app.setDesktopFileName("reely")
    if not quit_when_shown and ring(home, initial_text):
        return 0
    theme.apply(app)
    window = MainWindow(ports, home)
    doorbell = Doorbell(home, window)
    doorbell.rung.connect(window.visit)
    links = _Links(window)
    app.installEventFilter(links)
    window.show()
    if initial_text:
        window.visit(initial_text)
    if quit_when_shown:
        _quit_when_shown(window, app, expects_picture=bool(initial_text))
    with _ending_on_signals(app):
        code = app.exec()
    app.removeEventFilter(links)
    doorbell.close()
    window.shut_down()
    return code


class _Links(QObject):
    """macOS gives an app its links and files as events."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if isinstance(event, QFileOpenEvent):
            self._window.visit(event.file() or event.url().toString())
            return True
        return False


def _quit_when_shown(window: MainWindow, app: QApplication, *, expects_picture: bool) -> None:
    session = window.session

    decided = False

    def look() -> None:
        # Once only: an exit outside of the event loop would end every later loop before it begins.
        nonlocal decided
        failed = session.error is not None or session.preview_error is not None
        shown = (
            not window.editor.preview.picture.isNull()
            or (session.preview is not None and session.preview.frames is None)
            or not (expects_picture or session.source)
        )
        if not decided and (failed or shown):
            decided = True
            app.exit(1 if failed else 0)

    session.changed.connect(look)
    session.preview_changed.connect(look)
    window.player.picture_changed.connect(look, Qt.ConnectionType.QueuedConnection)
    if not expects_picture:
        QTimer.singleShot(0, look)


@contextmanager
def _ending_on_signals(app: QApplication) -> Iterator[None]:
    """Ctrl+C and a polite kill end the event loop, so that everything is closed as by the user.

    Python runs its handlers only between bytecodes; the wake-up socket gives Qt a reason to run some.
    """
    waking, woken = socket.socketpair()
    for end in (waking, woken):
        end.setblocking(False)
    notifier = QSocketNotifier(woken.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(lambda: woken.recv(64))
    before_fd = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    before = {s: signal.signal(s, lambda *_: app.quit()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(before_fd)
        notifier.setEnabled(False)
        waking.close()
        woken.close()
