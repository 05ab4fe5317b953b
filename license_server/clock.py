"""What time it is, for the whole server: one seam, so that tests can move it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import current_app

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock, aware, in UTC."""
    return datetime.now(UTC)


def now() -> datetime:
    """The time of the running app's clock, aware, in UTC."""
    clock: Clock = current_app.extensions["reely_clock"]
    return clock()
