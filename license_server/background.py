"""Work that no request waits for: sending mail, and forgetting what is old."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, or_

from license_server.accounts.models import EmailToken, RefreshToken, SignInAttempts
from license_server.accounts.throttle import KNOWN_FOR
from license_server.api_keys import service as api_keys
from license_server.clock import now
from license_server.database import db, unit_of_work
from license_server.logs import log
from license_server.mail.delivery import deliver_next
from license_server.mail.models import Mail

LOOK_SECONDS = 1.0
CLEAN_SECONDS = 3600.0
REST_AFTER_FAILURE_SECONDS = 10.0
ENDING_SECONDS = 5.0
KEPT = timedelta(days=30)
"""How long mail and expired tokens are kept, to answer questions about them."""


def work(app: Flask, stop: threading.Event) -> None:
    """Does what is to be done, until `stop` is set; a database that is away for a while is waited for."""
    clean_at = time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() >= clean_at:
                clean(app)
                clean_at = time.monotonic() + CLEAN_SECONDS
            if not deliver_next(app):
                stop.wait(LOOK_SECONDS)
        except Exception as error:  # noqa: BLE001 - noted, and the rest of the work goes on
            log.error(
                "background-work-failed",
                error=type(error).__name__,
                traceback=traceback.format_tb(error.__traceback__),
            )
            stop.wait(REST_AFTER_FAILURE_SECONDS)


def clean(app: Flask) -> None:
    """Forgets what is of no use any more, and ends what a tier that has ended gave."""
    with app.app_context(), unit_of_work(writes=True):
        api_keys.revoke_all_beyond_tiers()
        old = now() - KEPT
        db.session.execute(delete(Mail).where(or_(Mail.sent_at < old, Mail.given_up_at < old)))
        db.session.execute(delete(EmailToken).where(EmailToken.expires_at < old))
        db.session.execute(delete(RefreshToken).where(RefreshToken.expires_at < old))
        db.session.execute(delete(SignInAttempts).where(SignInAttempts.tried_at < now() - KNOWN_FOR))


@contextmanager
def running(app: Flask) -> Iterator[None]:
    """The same in a thread beside the server; what it cannot finish in time is done after the next start."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(app, stop), name="reely-background", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(ENDING_SECONDS)
