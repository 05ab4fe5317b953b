"""When a task is due: the quick ones always, the others once in the whole deployment, also over restarts."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Flask
from sqlalchemy.exc import IntegrityError

from license_server.background.tasks import Task
from license_server.clock import now
from license_server.database import db, snapshot, unit_of_work
from license_server.system.models import PeriodicTask

QUICK = timedelta(minutes=1)
"""What is due more often claims each piece of its work, so nothing is lost by doing it everywhere."""
LOOK = timedelta(seconds=30)
"""How often it is looked whether one of the others is due."""
CLAIMED_FOR = timedelta(minutes=15)
"""After which it is due again, if whoever did it died."""


def interval(task: Task) -> timedelta:
    """How often `run` is to be called for the task."""
    return task.every if task.every < QUICK else LOOK


def run(app: Flask, task: Task) -> None:
    """Does the task's work, if it is due. What it raises is passed on, and it is due again later."""
    if task.every < QUICK:
        task.work(app)
        return
    started = _claim(app, task)
    if started is not None:
        task.work(app)
        _set_due(app, task, started + task.every)


def _claim(app: Flask, task: Task) -> datetime | None:
    """The time, if the task is due and nobody else was faster."""
    with app.app_context():
        at = now()
        with snapshot() as session:  # a look before the write lock is taken
            known = session.get(PeriodicTask, task.name)
            if known is not None and known.due_at > at:
                return None
        try:
            with unit_of_work(writes=True):
                row = db.session.get(PeriodicTask, task.name, with_for_update={"skip_locked": True})
                if row is None:
                    db.session.add(PeriodicTask(name=task.name, due_at=at + CLAIMED_FOR))
                elif row.due_at > at:
                    return None
                else:
                    row.due_at = at + CLAIMED_FOR
        except IntegrityError:  # somebody else is making the row, or has it locked
            return None
        return at


def _set_due(app: Flask, task: Task, at: datetime) -> None:
    with app.app_context(), unit_of_work(writes=True):
        db.session.merge(PeriodicTask(name=task.name, due_at=at, position=None))
