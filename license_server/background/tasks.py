"""The list of what is done in the background, and how often. A domain that has such work adds a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask

from license_server.background.cleanup import clean
from license_server.billing.addresses import tell_due
from license_server.billing.endings import end_due
from license_server.billing.reconcile import RECONCILIATION, reconcile
from license_server.billing.service import tell_of_lapsed
from license_server.mail import delivery as mail
from license_server.webhooks import delivery as webhooks


@dataclass(frozen=True)
class Task:
    """Work that is due `every` so often; `work` does all there is to do, in units of work of its own.

    It may be killed at any moment and run at the same moment elsewhere: it has to claim what it does, and
    to leave what it has not finished for the next run.
    """

    name: str
    every: timedelta
    work: Callable[[Flask], None]
    at_once: int = 1
    """How many of it one process runs at the same time: several, where one may be kept waiting by others."""


TASKS: tuple[Task, ...] = (
    Task("mail", timedelta(seconds=1), mail.deliver_due),
    Task("webhooks", timedelta(seconds=1), webhooks.deliver_due, at_once=4),
    Task("billing-endings", timedelta(seconds=10), end_due),
    Task("billing-addresses", timedelta(seconds=10), tell_due),
    Task("billing-lapses", timedelta(minutes=10), tell_of_lapsed),
    Task(RECONCILIATION, timedelta(days=1), reconcile),
    Task("cleanup", timedelta(hours=1), clean),
)
