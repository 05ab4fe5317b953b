"""Doing the tasks in this process: threads for each, so that none waits for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from license_server.background import schedule
from license_server.background.tasks import TASKS, Task
from license_server.logs import note_fault

REST_AFTER_FAILURE_SECONDS = 10.0
ENDING_SECONDS = 5.0


def work(app: Flask, stop: threading.Event) -> None:
    """Does what is to be done, until `stop` is set; a database that is away for a while is waited for."""
    threads = [
        threading.Thread(target=_repeat, args=(app, task, stop), name=f"reely-{task.name}", daemon=True)
        for task in TASKS
        for _ in range(task.at_once)
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    ends = time.monotonic() + ENDING_SECONDS
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))


def _repeat(app: Flask, task: Task, stop: threading.Event) -> None:
    rest = 0.0
    while not stop.wait(rest):
        rest = schedule.interval(task).total_seconds()
        try:
            schedule.run(app, task)
        except Exception as error:  # noqa: BLE001 - noted, and tried again
            note_fault("background-work-failed", error)
            rest = max(rest, REST_AFTER_FAILURE_SECONDS)


@contextmanager
def running(app: Flask) -> Iterator[None]:
    """The same beside the server; what it cannot finish in time is done after the next start."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(app, stop), name="reely-background", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDING_SECONDS + 1)
