"""Delivering what is in the outbox: claimed in one transaction, posted, noted in the next.

Whoever dies in between loses nothing: the message is due again after a while, under the same `webhook-id`. So
a receiver may get a message more than once, and tells by that id.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

from flask import Flask, current_app
from pydantic import JsonValue
from sqlalchemy import Select, or_, select, update
from sqlalchemy.exc import NoResultFound

from license_server.accounts import service as accounts
from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import conclude, db, snapshot, unit_of_work
from license_server.errors import NotFound
from license_server.logs import log
from license_server.mail import outbox
from license_server.mail.letters import WebhookDisabled
from license_server.system.service import record
from license_server.webhooks import service, signing
from license_server.webhooks.courier import Courier, Outcome
from license_server.webhooks.events import TEST_EVENT
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint

CLAIMED_FOR = timedelta(minutes=2)
"""Longer than a try can take, so that nobody else claims the message meanwhile."""
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=4)
TRIED_FOR = timedelta(hours=24)
JITTER = 0.2
"""So many messages that failed together do not all come back together."""
LONGEST_PAUSE = timedelta(minutes=15)
"""Of an endpoint that does not answer at all: each try there keeps a worker waiting."""

_random = random.SystemRandom()


@dataclass(frozen=True)
class _Claimed:
    id: str
    account_id: str
    endpoint_id: str
    url: str
    body: str
    secrets: list[str]

    @classmethod
    def of(cls, delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> _Claimed:
        return cls(
            id=delivery.id,
            account_id=endpoint.account_id,
            endpoint_id=endpoint.id,
            url=endpoint.url,
            body=delivery.payload,
            secrets=service.secrets(endpoint),
        )

    def post(self) -> Outcome:
        courier: Courier = current_app.extensions["reely_courier"]
        version: str = current_app.extensions["reely_version"]
        signed = signing.headers(self.id, now(), self.body, self.secrets)
        headers = {"Content-Type": "application/json", "User-Agent": f"Reely-Webhooks/{version}", **signed}
        return courier.post(self.url, self.body.encode(), headers)


def deliver_due(app: Flask) -> None:
    """Delivers every message that is due."""
    while deliver_next(app):
        pass


def deliver_next(app: Flask) -> bool:
    """Makes one try of the message that is due longest; False if none is."""
    with app.app_context():
        with snapshot() as session:  # a look before the write lock is taken
            if session.scalar(_due().with_only_columns(WebhookDelivery.id)) is None:
                return False
        claimed = _claim()
        if claimed is None:
            return False  # somebody else has it
        _note(claimed, claimed.post())
    return True


def _due() -> Select[WebhookDelivery, WebhookEndpoint]:
    """The message to try next, with its endpoint, which takes one at a time."""
    at = now()
    return (
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookDelivery.endpoint_id == WebhookEndpoint.id)
        .where(
            WebhookDelivery.next_try_at <= at,
            or_(WebhookEndpoint.busy_until.is_(None), WebhookEndpoint.busy_until <= at),
        )
        .order_by(WebhookDelivery.next_try_at)
        .limit(1)
    )


def _claim() -> _Claimed | None:
    with unit_of_work(writes=True):
        due = db.session.execute(_due().with_for_update(skip_locked=True)).one_or_none()
        if due is None:
            return None
        delivery, endpoint = due
        delivery.tries += 1
        delivery.next_try_at = endpoint.busy_until = now() + CLAIMED_FOR
        return _Claimed.of(delivery, endpoint)


def test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Tries a test message once, now, and keeps what came of it. A success turns the endpoint on again.

    The unit of work is concluded while the endpoint is waited for. Raises `NotFound` if it was deleted then.
    """
    message = service.message(endpoint, TEST_EVENT, {"endpoint_id": endpoint.id})
    message.tries, message.next_try_at = 1, None
    claimed = _Claimed.of(message, endpoint)
    conclude()
    outcome = claimed.post()
    with unit_of_work(writes=True):
        found = _locked(claimed)
        if found is None:
            raise NotFound("The account has no such webhook endpoint.")
        db.session.add(message)
        _keep(message, outcome)
        if outcome.delivered:
            message.delivered_at = found.last_success_at = now()
            found.disabled_at = found.disabled_because = found.busy_until = None
        else:
            message.given_up_at = now()
    return message


def _note(claimed: _Claimed, outcome: Outcome) -> None:
    with unit_of_work(writes=True):
        endpoint = _locked(claimed)
        delivery = db.session.get(WebhookDelivery, claimed.id)
        if endpoint is None or delivery is None:
            return  # deleted meanwhile
        at = now()
        _keep(delivery, outcome)
        endpoint.unanswered = endpoint.unanswered + 1 if outcome.status is None else 0
        endpoint.busy_until = at + _pause(endpoint.unanswered) if endpoint.unanswered else None
        if outcome.delivered:
            delivery.delivered_at = endpoint.last_success_at = at
            delivery.next_try_at = None
        elif outcome.status == HTTPStatus.GONE:
            _disable(endpoint, "gone")
        elif at < delivery.created_at + TRIED_FOR:
            delivery.next_try_at = min(at + _backoff(delivery.tries), delivery.created_at + TRIED_FOR)
        elif endpoint.last_success_at is None or endpoint.last_success_at < delivery.created_at:
            _disable(endpoint, "failing")
        else:
            delivery.next_try_at, delivery.given_up_at = None, at
        if not outcome.delivered:
            log.warning(
                "webhook-not-delivered", message=delivery.id, status=outcome.status, error=outcome.error
            )


def _locked(claimed: _Claimed) -> WebhookEndpoint | None:
    """The endpoint, with its account locked; None if either was deleted since."""
    try:
        accounts.lock(claimed.account_id)
    except NoResultFound:
        return None
    return db.session.get(WebhookEndpoint, claimed.endpoint_id)


def _keep(delivery: WebhookDelivery, outcome: Outcome) -> None:
    attempt: dict[str, JsonValue] = {"at": now().isoformat(), **asdict(outcome)}
    delivery.attempts = [*delivery.attempts, attempt]


def _disable(endpoint: WebhookEndpoint, reason: Literal["gone", "failing"]) -> None:
    """Turns the endpoint off, gives up what waits for it, and writes to its account."""
    endpoint.disabled_at, endpoint.disabled_because = now(), reason
    db.session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.next_try_at.is_not(None))
        .values(next_try_at=None, given_up_at=now())
    )
    account = db.session.get_one(Account, endpoint.account_id)
    host = urlsplit(endpoint.url).hostname or ""
    outbox.post(WebhookDisabled(host=host, reason=reason), account.email, account.id)
    record("webhook-endpoint.disabled", account.id, endpoint=endpoint.id, reason=reason)


def _backoff(tries: int) -> timedelta:
    rest = min(FIRST_RETRY * pow(3.0, min(tries - 1, 20)), LONGEST_RETRY)
    return rest * _random.uniform(1 - JITTER, 1 + JITTER)


def _pause(unanswered: int) -> timedelta:
    return min(FIRST_RETRY * pow(2.0, min(unanswered - 1, 20)), LONGEST_PAUSE)
