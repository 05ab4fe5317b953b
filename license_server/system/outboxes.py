"""How much waits to be sent, in each outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from license_server.billing.models import Ending
from license_server.clock import now
from license_server.database import db
from license_server.mail.models import Mail
from license_server.webhooks.models import WebhookDelivery


@dataclass(frozen=True)
class Depth:
    """What waits, also for another try; and for how long the oldest of it has."""

    waiting: int
    oldest_seconds: float


def depths() -> dict[str, Depth]:
    """The depth of each outbox, by its name."""
    return {
        "billing": _depth(Ending.next_try_at, Ending.created_at),
        "mail": _depth(Mail.next_try_at, Mail.created_at),
        "webhooks": _depth(WebhookDelivery.next_try_at, WebhookDelivery.created_at),
    }


def _depth(due: InstrumentedAttribute[datetime | None], since: InstrumentedAttribute[datetime]) -> Depth:
    waiting, oldest = db.session.execute(select(func.count(), func.min(since)).where(due.is_not(None))).one()
    return Depth(waiting, max(0.0, (now() - oldest).total_seconds()) if oldest else 0.0)
