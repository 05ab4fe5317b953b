"""What webhooks tell of: the events, and the body of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, JsonValue

EventType = Literal["job.completed", "job.failed", "usage.limit_reached", "subscription.updated"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
TEST_EVENT = "webhook.test"
"""What the test button sends; nobody subscribes to it."""


SIGNED_BY = ("webhook-id", "webhook-timestamp", "webhook-signature")
"""The headers of the Standard Webhooks specification, without which no message is ours."""


class Event(BaseModel):
    """The body of a webhook, in the form that the Standard Webhooks specification proposes."""

    model_config = ConfigDict(frozen=True)

    type: str
    timestamp: datetime
    data: Mapping[str, JsonValue]
