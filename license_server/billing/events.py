"""Stripe's events: whether they are genuine, and whom they are about. Nothing else in them is believed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import stripe
from pydantic import SecretStr

from license_server.billing.stripe_client import id_of, is_missing
from license_server.errors import MalformedRequest, WebhookSignatureInvalid

HEADER = "Stripe-Signature"
TOLERANCE = timedelta(minutes=5)
"""How old a signature may be: whoever recorded an event cannot send it for ever."""

_OF_CONCERN = (
    "checkout.session.",
    "customer.deleted",
    "customer.subscription.",
    "invoice.",
    "charge.refunded",
    "charge.dispute.",
    "refund.",
)


@dataclass(frozen=True)
class Event:
    """A genuine event: its object as plain data."""

    id: str
    type: str
    about: Mapping[str, Any]

    @property
    def concerns_us(self) -> bool:
        return self.type.startswith(_OF_CONCERN)


def verified(raw: bytes, signature: str, secrets: Iterable[SecretStr], at: datetime) -> Event:
    """The event, if one of the secrets signed these very bytes not long ago.

    Raises `WebhookSignatureInvalid` or `MalformedRequest`.
    """
    if not any(_is_signed(raw, signature, secret.get_secret_value()) for secret in secrets):
        raise WebhookSignatureInvalid("No secret of ours signed this body.")
    # The first item `t` is the one that is signed. The library would compare it with the wall clock.
    signed_at = int(next(part for part in signature.split(",") if part.startswith("t=")).split("=")[1])
    if at.timestamp() - signed_at > TOLERANCE.total_seconds():
        raise WebhookSignatureInvalid("The signature is too old.")
    try:
        event = json.loads(raw)
        event_id, kind, about = event["id"], event["type"], event["data"]["object"]
    except (ValueError, TypeError, KeyError):
        raise MalformedRequest("The body is no event of Stripe's.") from None
    if not all(isinstance(text, str) and 0 < len(text) <= 255 for text in (event_id, kind)):
        raise MalformedRequest("The body is no event of Stripe's.")
    if not isinstance(about, dict):
        raise MalformedRequest("The body is no event of Stripe's.")
    return Event(event_id, kind, about)


def customer_of(client: stripe.StripeClient, event: Event) -> str | None:
    """The id of the customer that an event is about; refunds and disputes only tell their charge."""
    about = event.about
    if about.get("object") == "customer":
        return _id(about)
    if customer := _id(about.get("customer")):
        return customer
    charge = _id(about.get("charge"))
    if charge is None:
        return None
    try:
        return id_of(getattr(client.v1.charges.retrieve(charge), "customer", None))
    except stripe.InvalidRequestError as error:
        if not is_missing(error):
            raise
        return None


def _is_signed(raw: bytes, signature: str, secret: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(raw, signature, secret)
    except (stripe.SignatureVerificationError, ValueError):
        return False
    return True


def _id(reference: object) -> str | None:
    found = reference.get("id") if isinstance(reference, dict) else reference
    return found if isinstance(found, str) and found else None
