"""Doing the tasks by Celery, over Redis: any number of workers, each of which also sets the beat.

A message only says that a task may be due. What there is to do, and who does it, is in the database, so a
message that is lost, doubled or late changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from celery import Celery
from celery.beat import EmbeddedService, Scheduler
from flask import Flask

from license_server.background import schedule
from license_server.background.tasks import TASKS, Task
from license_server.logs import note_fault


def celery_of(app: Flask, redis_url: str) -> Celery:
    """The Celery app that knows the tasks and their beat."""
    celery = Celery("reely", broker=redis_url, set_as_current=False)
    celery.conf.update(
        accept_content=["json"],
        beat_schedule={
            task.name: {
                "task": task.name,
                "schedule": schedule.interval(task),
                # Beats that nobody heard in time are not made up for.
                "options": {"expires": schedule.interval(task).total_seconds()},
            }
            for task in TASKS
        },
        broker_connection_max_retries=None,  # Redis is waited for, however long it is away
        broker_connection_retry_on_startup=True,
        broker_transport_options={"global_keyprefix": "reely:"},
        task_default_queue="background",
        task_ignore_result=True,
        timezone="UTC",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    for task in TASKS:
        celery.task(_bounded(app, task), name=task.name)
    return celery


def work(app: Flask, redis_url: str) -> int:
    """Works until SIGTERM or SIGINT, and finishes what has begun. Answers the exit status.

    In threads of this one process: whoever kills it leaves nobody behind.
    """
    celery = celery_of(app, redis_url)
    beat = EmbeddedService(celery, thread=True, scheduler_cls=Scheduler)
    beat.start()
    try:
        worker = celery.Worker(
            pool_cls="threads",
            concurrency=sum(task.at_once for task in TASKS),
            quiet=True,
            loglevel="INFO",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        worker.start()
    finally:
        beat.stop()
    return worker.exitcode or 0


def _bounded(app: Flask, task: Task) -> Callable[[], None]:
    """The task's work; nothing where this process does as much of it already, so there is room for others."""
    room = threading.Semaphore(task.at_once)

    def run() -> None:
        if not room.acquire(blocking=False):
            return
        try:
            schedule.run(app, task)
        except Exception as error:  # noqa: BLE001 - noted, and tried at a later beat
            note_fault("background-work-failed", error)
        finally:
            room.release()

    return run
