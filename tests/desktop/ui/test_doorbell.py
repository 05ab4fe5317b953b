"""A second start, or the browser's link back, reaches the window that is open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.ui.application import _Links
from desktop.ui.doorbell import Doorbell, _name, ring
from desktop.ui.models.session import State
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts
from tests.desktop.ui.stage_account import SIGNED_IN

RING = (
    "import sys; from pathlib import Path; from desktop.ui.doorbell import ring; "
    "sys.exit(not ring(Path(sys.argv[1]), sys.argv[2]))"
)


def another_start(home: Path, text: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RING, str(home), text])


@pytest.mark.parametrize("text", ["https://youtu.be/abc", "", "/films/Größe.mp4"])
def test_another_start_gives_what_it_was_given_to_the_open_window(
    qtbot: QtBot, home: Path, text: str
) -> None:
    doorbell = Doorbell(home)
    with qtbot.waitSignal(doorbell.rung, timeout=20_000) as rung:
        other = another_start(home, text)
    assert rung.args == [text]
    qtbot.waitUntil(lambda: other.poll() == 0, timeout=20_000)
    doorbell.close()


def test_with_no_window_open_nobody_answers(qtbot: QtBot, home: Path) -> None:
    assert not ring(home, "https://youtu.be/abc")
    doorbell = Doorbell(home / "another")
    assert not ring(home, "https://youtu.be/abc"), "each home has a window of its own"
    doorbell.close()


def test_a_name_that_a_killed_app_left_is_taken_over(qtbot: QtBot, home: Path) -> None:
    abandoned = Path("/tmp") / _name(home)
    abandoned.touch()
    doorbell = Doorbell(home)
    with qtbot.waitSignal(doorbell.rung, timeout=20_000):
        other = another_start(home, "x")
    qtbot.waitUntil(lambda: other.poll() == 0, timeout=20_000)
    doorbell.close()


def test_whoever_sends_without_end_is_cut_off(qtbot: QtBot, home: Path) -> None:
    doorbell = Doorbell(home)
    socket = QLocalSocket()
    socket.connectToServer(_name(home))
    with qtbot.waitSignal(doorbell.rung, timeout=20_000) as rung:
        socket.write(b"x" * 1_000_000)
    assert len(rung.args[0]) <= 8192
    socket.abort()
    doorbell.close()


def test_the_link_back_only_looks_at_the_account(window: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.status = SIGNED_IN.model_copy(update={"tier": "pro"})
    window.visit("reely://account?delete=everything")
    qtbot.waitUntil(lambda: window.account.status.tier == "pro")
    assert window.session.state is State.EMPTY
    assert ports.changes == []


def test_a_second_start_opens_its_link_in_the_first_window(
    window: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    window.showMinimized()
    window.visit("https://youtu.be/abc")
    qtbot.waitUntil(lambda: window.session.state is State.READY, timeout=10_000)
    assert ports.opened == ["https://youtu.be/abc"]
    assert not window.isMinimized()


def test_a_link_that_comes_as_an_event_is_met(
    window: MainWindow, qtbot: QtBot, ports: StagePorts, qapp: QApplication
) -> None:
    links = _Links(window)
    assert links.eventFilter(qapp, QFileOpenEvent(QUrl("https://youtu.be/abc")))
    assert not links.eventFilter(qapp, QEvent(QEvent.Type.User))
    qtbot.waitUntil(lambda: ports.opened == ["https://youtu.be/abc"])
