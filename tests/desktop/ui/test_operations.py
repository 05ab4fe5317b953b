"""Background work: answers on the GUI thread, the newest task counts, nothing is left running."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from desktop.errors import Cancelled, Exit, ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.ui.operations import OperationRunner, Task
from desktop.ui.ports import OnProgress


@pytest.fixture
def runner(qapp: object) -> Iterator[OperationRunner]:
    runner = OperationRunner()
    yield runner
    runner.close()


def until_cancelled(_progress: OnProgress, token: CancelToken) -> None:
    stop = threading.Event()
    with token.watching(stop.set):
        stop.wait()
    token.raise_if_cancelled()


def test_the_work_is_done_elsewhere_and_its_answers_arrive_on_the_gui_thread(
    runner: OperationRunner, qtbot: QtBot
) -> None:
    gui = threading.get_ident()
    seen: list[tuple[str, object, bool]] = []
    worked_on: list[int] = []

    def work(progress: OnProgress, _token: CancelToken) -> int:
        worked_on.append(threading.get_ident())
        progress(Progress(stage="half", fraction=0.5))
        return 42

    runner.start(
        Task(
            "lane",
            work,
            on_success=lambda result: seen.append(("done", result, threading.get_ident() == gui)),
            on_progress=lambda p: seen.append(("progress", p.fraction, threading.get_ident() == gui)),
        )
    )
    assert runner.is_busy("lane")
    qtbot.waitUntil(lambda: len(seen) == 2)
    assert seen == [("progress", 0.5, True), ("done", 42, True)]
    assert worked_on != [gui]
    assert not runner.is_busy("lane")


def test_the_event_loop_keeps_ticking_while_the_work_blocks(runner: OperationRunner, qtbot: QtBot) -> None:
    release = threading.Event()
    ticks: list[float] = []
    done: list[bool] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(5)

    def work(progress: OnProgress, _token: CancelToken) -> bool:
        for k in range(100):
            progress(Progress(stage="busy", fraction=k / 100))
        return release.wait(30)

    runner.start(Task("slow", work, on_success=done.append))
    qtbot.waitUntil(lambda: len(ticks) > 100, timeout=20_000)
    assert not done  # it was blocked all the time
    release.set()
    qtbot.waitUntil(lambda: done == [True])
    timer.stop()
    longest = max(after - before for before, after in pairwise(ticks))
    assert longest < 0.25


def test_of_two_tasks_in_a_lane_only_the_newer_one_counts(runner: OperationRunner, qtbot: QtBot) -> None:
    release, discarded, results = threading.Event(), list[str](), list[str]()
    failures: list[ReelyError] = []

    def stubborn(_progress: OnProgress, _token: CancelToken) -> str:
        release.wait(30)  # does not look at its token
        return "old"

    runner.start(
        Task(
            "lane", stubborn, on_success=results.append, on_failure=failures.append, discard=discarded.append
        )
    )
    runner.start(Task("lane", lambda _p, _t: "new", on_success=results.append))
    qtbot.waitUntil(lambda: results == ["new"])
    release.set()
    qtbot.waitUntil(lambda: discarded == ["old"])
    assert (results, failures) == (["new"], [])


def test_lanes_do_not_disturb_each_other(runner: OperationRunner, qtbot: QtBot) -> None:
    results: list[str] = []
    runner.start(Task("a", until_cancelled))
    runner.start(Task("b", lambda _p, _t: "b", on_success=results.append))
    qtbot.waitUntil(lambda: results == ["b"])
    assert runner.is_busy("a")


def test_cancelled_work_answers_that_it_was_cancelled(runner: OperationRunner, qtbot: QtBot) -> None:
    failures: list[ReelyError] = []
    runner.start(Task("lane", until_cancelled, on_failure=failures.append))
    runner.cancel("lane")
    qtbot.waitUntil(lambda: len(failures) == 1)
    assert isinstance(failures[0], Cancelled)


def test_abandoned_work_answers_nothing(runner: OperationRunner, qtbot: QtBot) -> None:
    heard: list[object] = []
    runner.start(Task("lane", until_cancelled, on_failure=heard.append, on_success=heard.append))
    runner.abandon("lane")
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name == "operation-lane"])
    qtbot.wait(20)
    assert heard == []


def test_a_fault_of_our_own_is_told_in_plain_words_and_logged(
    runner: OperationRunner, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[ReelyError] = []

    def broken(_progress: OnProgress, _token: CancelToken) -> None:
        raise ZeroDivisionError("secret detail")

    with caplog.at_level(logging.ERROR):
        runner.start(Task("lane", broken, on_failure=failures.append))
        qtbot.waitUntil(lambda: len(failures) == 1)
    assert failures[0].code == "internal-error"
    assert "secret detail" not in failures[0].message + failures[0].hint
    assert "secret detail" in caplog.text


def test_known_failures_arrive_as_they_are(runner: OperationRunner, qtbot: QtBot) -> None:
    failures: list[ReelyError] = []
    error = ReelyError("disk-full", "The disk is full.", "Free some space.", Exit.DISK)

    def failing(_progress: OnProgress, _token: CancelToken) -> None:
        raise error

    runner.start(Task("lane", failing, on_failure=failures.append))
    qtbot.waitUntil(lambda: failures == [error])


@pytest.mark.parametrize("work", [until_cancelled, lambda _p, _t: "result"])
def test_closing_ends_all_threads_and_hands_out_nothing_more(
    work: Callable[[OnProgress, CancelToken], object], qapp: object, qtbot: QtBot
) -> None:
    runner = OperationRunner()
    heard: list[object] = []
    discarded: list[object] = []
    for lane in "abc":
        runner.start(
            Task(lane, work, on_success=heard.append, on_failure=heard.append, discard=discarded.append)
        )
    began = time.monotonic()
    runner.close()
    assert time.monotonic() - began < 1
    assert not [t for t in threading.enumerate() if t.name.startswith("operation-")]
    runner.start(Task("late", work, on_success=heard.append))
    qtbot.wait(20)
    assert heard == []
    assert discarded in ([], ["result"] * 3)


def test_the_binding_counts_its_references_to_none_and_true(qapp: object) -> None:
    """PySide6 6.12.0 does not on Python 3.11, and the interpreter dies of it within seconds of painting."""
    timer = QTimer()
    none, true = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(200):
        timer.setSingleShot(True)
        timer.isSingleShot()
    assert abs(sys.getrefcount(None) - none) < 100
    assert abs(sys.getrefcount(True) - true) < 100
