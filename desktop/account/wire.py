"""The server's answers as this app reads them: misshapen ones are refused, new members are ignored."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, StringConstraints

from desktop.account.models import Meter

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:-]+$")]
"""An id that the server gave out; safe in a URL path."""
Text = Annotated[str, StringConstraints(max_length=2000)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=16_384, pattern=r"^[\x21-\x7e]+$")]
Count = Annotated[int, Field(ge=0, le=2**53)]
WebAddress = Annotated[str, StringConstraints(max_length=4000, pattern=r"^https?://[\x21-\x7e]+$")]
"""Something to open in a browser: never a file, a script or a program of this computer."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class User(_Answer):
    """Who is signed in."""

    id: Identifier
    email: Text
    full_name: Text | None = None
    tier: Identifier
    email_verified: bool = False


class Session(_Answer):
    """The answer to register, login and refresh; refresh may leave the user out."""

    user: User | None = None
    access_token: Token
    refresh_token: Token
    expires_in: Count


class Period(_Answer):
    """The counting month, decided by the server."""

    id: Identifier
    ends_at: AwareDatetime


class MeterUsage(_Answer):
    """The server's ledger for one meter in the running period, in units; None is unlimited."""

    limit: Count | None
    settled: Count
    held: Count
    available: Count | None


class Usage(_Answer):
    """`GET /auth/usage`."""

    tier: Identifier
    period: Period
    max_source_seconds: Count | None
    meters: dict[Meter, MeterUsage]


class Tier(_Answer):
    """One tier on offer; prices in hundredths of `currency`."""

    id: Identifier
    price_cents: Count
    currency: Annotated[str, StringConstraints(min_length=3, max_length=3)]
    meters: dict[Meter, Count | None]
    max_source_seconds: Count | None
    devices: Count | None = None
    features: tuple[Text, ...] = ()


class TierList(RootModel[tuple[Tier, ...]]):
    """`GET /tiers`, cheapest first."""


class Device(_Answer):
    """A device as the account's list shows it."""

    id: Identifier
    name: Text = ""
    platform: Text = ""
    last_seen_at: AwareDatetime | None = None


class DevicePage(_Answer):
    """`GET /devices`: a part of the list, and where the next begins."""

    items: tuple[Device, ...]
    next: Text | None = None


class SessionEntry(_Answer):
    """A sign-in as the account's list shows it."""

    id: Identifier
    client: Text | None = None
    created_at: AwareDatetime
    last_used_at: AwareDatetime | None = None
    current: bool = False


class SessionPage(_Answer):
    """`GET /auth/sessions`: a part of the list, and where the next begins."""

    items: tuple[SessionEntry, ...]
    next: Text | None = None


class Checkout(_Answer):
    """`POST /payments/create-checkout`."""

    checkout_url: WebAddress


class Portal(_Answer):
    """`POST /payments/create-portal`."""

    portal_url: WebAddress


class Subscription(_Answer):
    """`GET /payments/subscription-status`; `status` is Stripe's word, None where nothing was ever bought."""

    tier: Identifier
    status: Text | None = None
    current_period_end: AwareDatetime | None = None
    cancel_at_period_end: bool = False
    grace_until: AwareDatetime | None = None


class LeaseAnswer(_Answer):
    """`POST /leases`."""

    lease: Token


class Outcome(StrEnum):
    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class SpendResult(_Answer):
    """What became of one reported spend."""

    spend_id: Identifier
    outcome: Outcome
    reason: Text | None = None


class SettleAnswer(_Answer):
    """`POST /leases/{id}/settle`."""

    results: tuple[SpendResult, ...]
    receipt: Token
    lease: Token | None = None


class KeySetEntry(_Answer):
    """One public key of a JWK set (RFC 7517, RFC 8037); other kinds of key have other members."""

    kty: Text
    crv: Text | None = None
    kid: Text | None = None
    x: Text | None = None


class KeySet(_Answer):
    """`GET /.well-known/jwks.json`."""

    keys: tuple[KeySetEntry, ...]


class Problem(_Answer):
    """`application/problem+json` (RFC 9457) as the server writes it."""

    type: Text = ""
    code: Text = ""
    title: Text = ""
    detail: Text = ""
    errors: tuple[FieldError, ...] = ()


class FieldError(_Answer):
    """One refused field of a request."""

    field: Text = ""
    message: Text = ""


class Snapshot(_Answer):
    """What the server said last, kept for the time without a network."""

    user: User
    device_id: Identifier | None = None
    usage: Usage | None = None
    tiers: tuple[Tier, ...] = ()
    as_of: datetime | None = None


Problem.model_rebuild()
