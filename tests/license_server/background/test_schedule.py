"""A task that is due seldom is done once in the whole deployment, and again if whoever did it died."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from license_server.background import schedule
from license_server.background.tasks import TASKS, Task
from license_server.config import Config
from tests.license_server.actors import TestClock, on_both_databases

DAILY = timedelta(days=1)


def _counted(runs: list[int], every: timedelta = DAILY) -> Task:
    return Task("counted", every, lambda _app: runs.append(1))


def test_every_task_has_a_name_of_its_own() -> None:
    names = [task.name for task in TASKS]
    assert len(names) == len(set(names))
    assert {"mail", "webhooks", "cleanup"} <= set(names)


def test_it_is_done_at_first_and_then_when_it_is_due(app: Flask, clock: TestClock) -> None:
    runs: list[int] = []
    for hours, number in ((0, 1), (23, 1), (1, 2), (1, 2), (47, 3), (22, 3)):
        clock.advance(hours=hours)
        schedule.run(app, _counted(runs))
        assert len(runs) == number


def test_a_quick_task_is_done_at_every_beat(app: Flask) -> None:
    runs: list[int] = []
    for _ in range(3):
        schedule.run(app, _counted(runs, timedelta(seconds=1)))
    assert len(runs) == 3


def test_a_restart_does_not_do_it_again(config: Config, start: Callable[[Config], Flask]) -> None:
    runs: list[int] = []
    for _ in range(2):
        schedule.run(start(config), _counted(runs))
    assert len(runs) == 1


@on_both_databases
def test_many_at_once_do_it_once(app: Flask, clock: TestClock) -> None:
    runs: list[int] = []
    for number in (1, 2):
        gate = threading.Barrier(6)

        def beat(gate: threading.Barrier = gate) -> None:
            gate.wait()
            schedule.run(app, _counted(runs))

        threads = [threading.Thread(target=beat) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(runs) == number
        clock.advance(days=1)


def test_what_failed_or_was_killed_is_done_again_soon(app: Flask, clock: TestClock) -> None:
    def fail(_: Flask) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        schedule.run(app, Task("counted", DAILY, fail))
    runs: list[int] = []
    schedule.run(app, _counted(runs))
    assert runs == [], "somebody may still be at it"
    clock.advance(seconds=schedule.CLAIMED_FOR.total_seconds())
    schedule.run(app, _counted(runs))
    assert len(runs) == 1
