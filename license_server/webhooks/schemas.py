"""What the webhook endpoints take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl

from license_server.schemas import Answer, Body, Name
from license_server.webhooks.events import EVENT_TYPES, EventType


def _plain(url: HttpUrl) -> HttpUrl:
    if url.username or url.password:
        raise ValueError("has a name or password in it; check our signature instead")
    if url.fragment:
        raise ValueError("has a fragment, which is never sent")
    return url


WebhookUrl = Annotated[HttpUrl, AfterValidator(_plain), Field(examples=["https://example.com/reely"])]


class NewWebhookEndpoint(Body):
    """Where to post, and what about: every event, if nothing is said."""

    url: WebhookUrl
    events: Annotated[list[EventType], Field(min_length=1, max_length=50)] = Field(
        default=[*EVENT_TYPES], examples=[["job.completed", "usage.limit_reached"]]
    )
    description: Name | None = None


class WebhookEndpointAnswer(Answer):
    """`disabled_because` is `gone` (it answered 410) or `failing` (nothing was taken for a day)."""

    id: str
    url: str
    events: list[str]
    description: str | None
    created_at: datetime
    last_success_at: datetime | None
    disabled_at: datetime | None
    disabled_because: Literal["gone", "failing"] | None


class WebhookSecret(Answer):
    """A signing secret, as Standard Webhooks has it; it is not told again.

    Until `old_secret_until` messages are signed with the secret before it too.
    """

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]
    old_secret_until: datetime | None


class CreatedWebhookEndpoint(WebhookEndpointAnswer):
    """The answer that has the signing secret."""

    secret: Annotated[str, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])]


class AttemptAnswer(Answer):
    """One try: the HTTP status, or an error's code; and the beginning of what was answered."""

    at: datetime
    status: int | None
    error: str | None
    milliseconds: int
    excerpt: str


class DeliveryAnswer(Answer):
    """One message: `id` is its `webhook-id`. `attempts` are in the order in which they were made."""

    id: str
    event: str
    state: Literal["pending", "delivered", "failed"]
    created_at: datetime
    delivered_at: datetime | None
    next_attempt_at: datetime | None
    attempts: list[AttemptAnswer]
