"""What we write to people about: one model a kind of letter, kept in the outbox as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Letter(BaseModel):
    model_config = ConfigDict(frozen=True)

    subject: ClassVar[str]


class VerifyEmail(_Letter):
    """Asks whether the address is theirs."""

    subject = "Confirm your email address"
    kind: Literal["verify-email"] = "verify-email"


class ResetPassword(_Letter):
    """Lets the owner of the address choose a new password, if it has an account."""

    subject = "Choose a new password"
    kind: Literal["reset-password"] = "reset-password"


class NewSignIn(_Letter):
    """Tells of a sign-in from where there was none before."""

    subject = "A new sign-in to your Reely account"
    kind: Literal["new-sign-in"] = "new-sign-in"
    at: datetime
    client: str | None


class LimitReached(_Letter):
    """Tells that the month's units of a meter are used up."""

    subject = "You have reached this month's limit"
    kind: Literal["limit-reached"] = "limit-reached"
    units: str
    limit: int
    renews_at: datetime


class PaymentFailed(_Letter):
    """Tells that a payment for a tier failed, and until when the tier stays all the same."""

    subject = "Your payment for Reely failed"
    kind: Literal["payment-failed"] = "payment-failed"
    tier: str
    grace_until: datetime
    pay_url: str | None


class WebhookDisabled(_Letter):
    """Tells that an endpoint gets no webhooks any more, because of what it answered, or did not."""

    subject = "A webhook endpoint was turned off"
    kind: Literal["webhook-disabled"] = "webhook-disabled"
    host: str
    reason: Literal["gone", "failing"]


Letter = VerifyEmail | ResetPassword | NewSignIn | LimitReached | PaymentFailed | WebhookDisabled
LETTERS: TypeAdapter[Letter] = TypeAdapter(Annotated[Letter, Field(discriminator="kind")])
