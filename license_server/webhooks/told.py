"""What each event of a webhook tells, and when, as the OpenAPI document says it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from license_server.billing.schemas import SubscriptionStatus
from license_server.jobs.schemas import JobAnswer
from license_server.usage.schemas import LimitReachedData
from license_server.webhooks.events import EventType

TOLD: Mapping[EventType, type[BaseModel]] = {
    "job.completed": JobAnswer,
    "job.failed": JobAnswer,
    "usage.limit_reached": LimitReachedData,
    "subscription.updated": SubscriptionStatus,
}
TOLD_WHEN: Mapping[EventType, str] = {
    "job.completed": "A device has reported a job that was billed.",
    "job.failed": "A device has reported a job that failed, and cost nothing.",
    "usage.limit_reached": "The last unit of a meter is used up, once a period.",
    "subscription.updated": "The subscription has changed.",
}
