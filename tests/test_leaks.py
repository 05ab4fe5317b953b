"""The check that every test lives under sees what it is there to see."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from tests.leaks import Belongings


def test_a_thread_that_goes_on_is_seen_until_it_ends() -> None:
    before, end = Belongings.now(), threading.Event()
    thread = threading.Thread(target=end.wait, name="left-over")
    thread.start()
    assert Belongings.now().left_since(before) == ["thread left-over"]
    end.set()
    thread.join()
    assert Belongings.now().left_since(before) == []


def test_a_child_process_is_seen_until_it_is_reaped() -> None:
    before = Belongings.now()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        [left] = Belongings.now().left_since(before)
        assert left.startswith(f"process {child.pid} ")
    assert Belongings.now().left_since(before) == []


def test_an_open_file_is_seen_until_it_is_closed(tmp_path: Path) -> None:
    before, path = Belongings.now(), tmp_path / "open"
    with path.open("w"):
        assert Belongings.now().left_since(before) == [f"open file {path}"]
    assert Belongings.now().left_since(before) == []


def test_a_timer_that_runs_is_seen_until_it_stops(qtbot: QtBot) -> None:
    before, parent = Belongings.now(), QObject()
    timer = QTimer(parent)
    timer.start(100_000)
    [left] = Belongings.now().left_since(before)
    assert left.startswith("Qt timer of ")
    timer.stop()
    assert Belongings.now().left_since(before) == []
