"""Whoever works in the background may be killed at any moment: nothing is lost, and repetitions say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from license_server.accounts.models import Account
from license_server.config import Config
from license_server.database import db, unit_of_work
from license_server.mail import outbox
from license_server.mail.letters import NewSignIn
from license_server.mail.models import Mail
from license_server.webhooks import service
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.license_server.actors import Person, TestClock, give_tier
from tests.license_server.post import Mailbox, smtp_server
from tests.license_server.redis_server import RedisServer, redis_server
from tests.license_server.webhooks.receiver import Receiver, receiving

COMMAND = [sys.executable, "-c", "from license_server.cli import main; main()"]
WRITTEN = 12
KILLED_AFTER = (3, 8)


@dataclass
class World:
    """A server's database with mail and webhooks to be sent, who takes them, and who sends them."""

    app: Flask
    mailbox: Mailbox
    receivers: list[Receiver]
    command: list[str]
    environment: dict[str, str]
    redis: RedisServer | None = None

    @contextmanager
    def working(self) -> Iterator[subprocess.Popen[bytes]]:
        """A real process that works in the background; it is killed at the end, if it has not ended."""
        with subprocess.Popen(
            [*COMMAND, *self.command],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def write(self, number: int) -> None:
        """Writes so many letters, and so many events for each endpoint."""
        with self.app.app_context():
            for each in range(number):
                with unit_of_work(writes=True):
                    account = db.session.scalars(select(Account)).one()
                    outbox.post(NewSignIn(at=datetime.now(UTC), client=f"{each}"), account.email, account.id)
                    service.enqueue(db.session, account.id, "job.completed", {"number": each})

    def let_claims_end(self) -> None:
        """The time after which what a dead process had claimed is due again."""
        at = datetime.now(UTC)
        with self.app.app_context(), unit_of_work(writes=True):
            for table in (Mail, WebhookDelivery):
                waiting = update(table).where(table.next_try_at.is_not(None))
                db.session.execute(waiting.values(next_try_at=at))
            db.session.execute(update(WebhookEndpoint).values(busy_until=None))

    def wait_until_all_came(self) -> None:
        for receiver in self.receivers:
            with receiver.arrived:
                assert receiver.arrived.wait_for(partial(_has_all, receiver), 60)
        # The confirmation of Ada's address, and the letters that were written.
        while len({letter["Message-ID"] for letter in self.mailbox.messages}) < WRITTEN + 1:
            assert self.mailbox.arrived.wait(60)
            self.mailbox.arrived.clear()

    def noted_as_done(self) -> tuple[int, int]:
        with self.app.app_context():
            mails = select(func.count()).select_from(Mail).where(Mail.sent_at.is_not(None))
            deliveries = (
                select(func.count())
                .select_from(WebhookDelivery)
                .where(WebhookDelivery.delivered_at.is_not(None), WebhookDelivery.next_try_at.is_(None))
            )
            return db.session.scalar(mails) or 0, db.session.scalar(deliveries) or 0


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """The wall clock, for the processes have no other."""
    return lambda: datetime.now(UTC)


@pytest.fixture
def world(
    request: pytest.FixtureRequest,
    config: Config,
    start: Callable[[Config], Flask],
    data: Path,
    tmp_path: Path,
) -> Iterator[World]:
    with (
        smtp_server(Mailbox()) as mailbox,
        receiving(Receiver()) as first,
        receiving(Receiver()) as second,
    ):
        environment = {
            "MAIL_URL": f"smtp://127.0.0.1:{mailbox.port}",
            "PUBLIC_URL": "http://license.example.com",
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
            "DATABASE_URL": config.database_url,
        }
        command = ["worker", "--data", str(data)]
        if request.param == "run":
            command = ["run", "--port", "0", "--data", str(data)]
        config = Config.embedded(data, environment).model_copy(update={"argon2": config.argon2})
        app = start(config)
        ada = Person(app, TestClock(datetime.now(UTC)), "ada@example.com")
        ada.register()
        give_tier(ada, "premium")
        for receiver in (first, second):
            body = {"url": f"http://127.0.0.1:{receiver.port}/"}
            assert ada.call("POST", "/webhook-endpoints", body).status_code == 201
        world = World(app, mailbox, [first, second], command, environment)
        if request.param != "celery":
            yield world
            return
        with redis_server(tmp_path) as redis:
            environment["REDIS_URL"], world.redis = redis.url, redis
            yield world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("database", "world"),
    [("postgresql", "celery"), ("sqlite", "run")],
    indirect=True,
)
def test_a_process_killed_again_and_again_loses_nothing_and_repeats_under_the_same_id(world: World) -> None:
    world.write(WRITTEN)
    first, kills = world.receivers[0], []
    for after in KILLED_AFTER:
        held = _Hold(first, after)
        with world.working() as process:
            held.wait()
            process.send_signal(signal.SIGKILL)  # while the first receiver is in the middle of a message
            process.wait()
            held.let_go()
        kills.append(first.received[after - 1].id)
        world.let_claims_end()
    with world.working() as process:
        world.wait_until_all_came()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert world.noted_as_done() == (WRITTEN + 1, 2 * WRITTEN)
    assert all(first.ids.count(held) > 1 for held in kills), "what was held came again"
    for receiver in world.receivers:
        again = {each for each in receiver.ids if receiver.ids.count(each) > 1}
        assert len(again) <= len(KILLED_AFTER), "and nothing but what was on its way at a kill"
        for each in again:
            assert len({got.body for got in receiver.received if got.id == each}) == 1
    letters = [letter["Message-ID"] for letter in world.mailbox.messages]
    assert len(letters) - len(set(letters)) <= len(KILLED_AFTER)
    for each in set(letters):
        copies = [letter.as_bytes() for letter in world.mailbox.messages if letter["Message-ID"] == each]
        assert len(set(copies)) == 1, "whoever gets a letter twice gets the same bytes"


@pytest.mark.slow
@pytest.mark.parametrize(("database", "world"), [("postgresql", "celery")], indirect=True)
def test_two_workers_at_once_send_everything_once(world: World) -> None:
    with world.working() as first, world.working() as second:
        world.write(WRITTEN)
        world.wait_until_all_came()
        for process in (first, second):
            process.send_signal(signal.SIGTERM)
        assert [process.wait(timeout=30) for process in (first, second)] == [0, 0]
    assert world.noted_as_done() == (WRITTEN + 1, 2 * WRITTEN)
    for receiver in world.receivers:
        assert len(receiver.ids) == len(set(receiver.ids)) == WRITTEN
    letters = [letter["Message-ID"] for letter in world.mailbox.messages]
    assert len(letters) == len(set(letters)) == WRITTEN + 1


@pytest.mark.slow
@pytest.mark.parametrize(("database", "world"), [("postgresql", "celery")], indirect=True)
def test_redis_killed_and_started_anew_loses_nothing(world: World) -> None:
    assert world.redis is not None
    with world.working():
        world.write(WRITTEN // 2)
        world.receivers[0].wait_for(2)
        world.redis.stop()
        world.write(WRITTEN - WRITTEN // 2)
        world.redis.start()
        world.wait_until_all_came()
    for receiver in world.receivers:
        assert len(receiver.ids) == len(set(receiver.ids)) == WRITTEN


class _Hold:
    """Keeps a receiver from answering its n-th message, until it is let go."""

    def __init__(self, receiver: Receiver, number: int) -> None:
        self._receiver = receiver
        self._reached = threading.Event()
        self._over = threading.Event()
        self._number = number
        receiver.answer = self._answer

    def wait(self) -> None:
        assert self._reached.wait(60), len(self._receiver.received)

    def let_go(self) -> None:
        self._receiver.answer = None
        self._over.set()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if len(self._receiver.received) >= self._number:
            self._reached.set()
            self._over.wait(60)
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def _has_all(receiver: Receiver) -> bool:
    return len(set(receiver.ids)) == WRITTEN
