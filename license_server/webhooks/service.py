"""Which endpoints an account has, and writing events for them into the outbox."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session, scoped_session

from license_server.clock import now
from license_server.webhooks.events import Event, EventType
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint


def enqueue(
    session: Session | scoped_session[Any],
    account_id: str,
    event_type: EventType,
    data: Mapping[str, JsonValue],
) -> None:
    """Tells each of the account's endpoints that wants the event, if and after the transaction commits.

    Nothing happens where the account has no such endpoint.
    """
    endpoints = session.scalars(
        select(WebhookEndpoint).where(
            WebhookEndpoint.account_id == account_id, WebhookEndpoint.disabled_at.is_(None)
        )
    ).all()
    for endpoint in endpoints:
        if event_type in endpoint.events:
            session.add(delivery(endpoint, event_type, data))


def delivery(endpoint: WebhookEndpoint, event_type: str, data: Mapping[str, JsonValue]) -> WebhookDelivery:
    """The row of the outbox that tells an endpoint of an event."""
    at = now()
    return WebhookDelivery(
        id=f"msg_{uuid.uuid4().hex}",
        account_id=endpoint.account_id,
        endpoint_id=endpoint.id,
        event=event_type,
        payload=Event(type=event_type, timestamp=at, data=data).model_dump_json(),
        created_at=at,
        next_try_at=at,
        attempts=[],
    )
