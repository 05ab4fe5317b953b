"""Which endpoints an account has, and writing events for them into the outbox."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session, scoped_session

from license_server.accounts.models import Account
from license_server.clock import now
from license_server.database import db
from license_server.errors import NotFound, TierLimit, WebhookEndpointLimit, WhatWouldHelp
from license_server.system.service import record
from license_server.tiers.service import offers_with, standing
from license_server.webhooks import signing
from license_server.webhooks.events import Event, EventType
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint

FEATURE = "webhooks"
LAST_EVENT: EventType = "subscription.updated"
MOST_ENDPOINTS = 20
OLD_SECRET_FOR = timedelta(hours=24)
"""How long the secret before a rotation signs too."""


def enqueue(
    session: Session | scoped_session[Any],
    account_id: str,
    event_type: EventType,
    data: Mapping[str, JsonValue],
) -> None:
    """Tells each of the account's endpoints that wants the event, if and after the transaction commits.

    Nothing happens where the account has no such endpoint, or where its tier has ended: only that it has may
    still be told, before `end_beyond_tier`.
    """
    endpoints = session.scalars(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == account_id,
            WebhookEndpoint.disabled_at.is_(None),
            WebhookEndpoint.ended_at.is_(None),
        )
    ).all()
    wanting = [endpoint for endpoint in endpoints if event_type in endpoint.events]
    if not wanting or (event_type != LAST_EVENT and not _has_webhooks(account_id)):
        return
    for endpoint in wanting:
        session.add(message(endpoint, event_type, data))


def message(endpoint: WebhookEndpoint, event_type: str, data: Mapping[str, JsonValue]) -> WebhookDelivery:
    """The row of the outbox that tells an endpoint of an event, now."""
    at = now()
    return WebhookDelivery(
        id=f"msg_{uuid.uuid4().hex}",
        account_id=endpoint.account_id,
        endpoint_id=endpoint.id,
        event=event_type,
        payload=Event(type=event_type, timestamp=at, data=data).model_dump_json(),
        created_at=at,
        tries=0,
        next_try_at=at,
        attempts=[],
    )


def check_may_have_another(account_id: str) -> None:
    """Raises `TierLimit` or `WebhookEndpointLimit`. The account is locked."""
    if not _has_webhooks(account_id):
        tier = standing(account_id).tier
        raise TierLimit(
            "Webhooks come with Premium.",
            feature=FEATURE,
            tier=tier.id,
            what_would_help=WhatWouldHelp(tiers=offers_with(tier, FEATURE)),
        )
    held = db.session.scalar(
        select(func.count())
        .select_from(WebhookEndpoint)
        .where(WebhookEndpoint.account_id == account_id, WebhookEndpoint.ended_at.is_(None))
    )
    if (held or 0) >= MOST_ENDPOINTS:
        raise WebhookEndpointLimit(f"An account has at most {MOST_ENDPOINTS} endpoints. Delete one first.")


def create(account_id: str, url: str, events: Sequence[str], description: str | None) -> WebhookEndpoint:
    """A new endpoint. Raises `TierLimit` or `WebhookEndpointLimit`. The account is locked."""
    check_may_have_another(account_id)
    endpoint = WebhookEndpoint(
        account_id=account_id,
        url=url,
        events=list(dict.fromkeys(events)),
        description=description,
        created_at=now(),
    )
    db.session.add(endpoint)
    db.session.flush()
    record("webhook-endpoint.created", account_id, endpoint=endpoint.id)
    return endpoint


def find(account: Account, endpoint_id: str) -> WebhookEndpoint:
    """The account's endpoint. Raises `NotFound`."""
    endpoint = db.session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.account_id != account.id or endpoint.ended_at is not None:
        raise NotFound("The account has no such webhook endpoint.")
    return endpoint


def remove(endpoint: WebhookEndpoint) -> None:
    """Deletes an endpoint with its deliveries; what was not delivered yet never is."""
    db.session.delete(endpoint)
    record("webhook-endpoint.removed", endpoint.account_id, endpoint=endpoint.id)


def rotate_secret(endpoint: WebhookEndpoint) -> str:
    """The endpoint's new secret; the one before it signs too for a day."""
    endpoint.secret_version += 1
    endpoint.old_secret_until = now() + OLD_SECRET_FOR
    record("webhook-endpoint.secret-rotated", endpoint.account_id, endpoint=endpoint.id)
    return signing.secret(endpoint.id, endpoint.secret_version)


def secrets(endpoint: WebhookEndpoint) -> list[str]:
    """What messages to the endpoint are signed with now, newest first."""
    versions = [endpoint.secret_version]
    if endpoint.old_secret_until is not None and endpoint.old_secret_until > now():
        versions.append(endpoint.secret_version - 1)
    return [signing.secret(endpoint.id, version) for version in versions]


def end_beyond_tier(account_id: str) -> None:
    """Ends the endpoints of an account whose tier has none (any more); they do not come back with the tier.

    What was written for them before is still delivered.
    """
    if _has_webhooks(account_id):
        return
    for endpoint in db.session.scalars(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == account_id, WebhookEndpoint.ended_at.is_(None)
        )
    ):
        endpoint.ended_at = now()
        record("webhook-endpoint.ended", account_id, endpoint=endpoint.id, reason="tier")


def _has_webhooks(account_id: str) -> bool:
    return FEATURE in standing(account_id).tier.features
