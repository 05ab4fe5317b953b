"""Leases and receipts as signed tokens: compact JWS with Ed25519 (RFC 7515, RFC 8037)."""

from __future__ import annotations

from collections.abc import Mapping

import jwt
from flask import current_app
from pydantic_core import to_jsonable_python

from license_server.clock import now
from license_server.config import Config
from license_server.database import new_id
from license_server.leases.lookup import Asking
from license_server.leases.models import Lease
from license_server.tiers.catalogue import Meter

ISSUER = "https://reely.app"
AUDIENCE = "reely-desktop"
LEASE_TYPE = "reely-lease+jwt"
RECEIPT_TYPE = "reely-receipt+jwt"


def sign_lease(lease: Lease, granted: Mapping[Meter, int | None], asking: Asking) -> str:
    """The token of a lease."""
    tier, period = asking.stand.tier, asking.period
    issued = int(lease.issued_at.timestamp())
    return _sign(
        LEASE_TYPE,
        {
            **_common(asking),
            "jti": lease.id,
            "seq": lease.seq,
            "tier": tier.id,
            "grants": dict(granted),
            "max_source_seconds": tier.max_source_seconds,
            "period": to_jsonable_python({"id": period.id, "ends_at": period.ends_at}),
            "iat": issued,
            "nbf": issued,
            "exp": int(lease.expires_at.timestamp()),
            "prev": lease.prev_id,
        },
    )


def sign_receipt(lease: Lease, asking: Asking, spend_ids: list[str]) -> str:
    """The receipt for everything settled on a lease so far.

    `up_to_counter` covers every spend of the chain up to it; `spends` names those of this settlement that
    are counted, also where the chain has a gap before them.
    """
    issued = int(now().timestamp())
    return _sign(
        RECEIPT_TYPE,
        {
            **_common(asking),
            "jti": new_id(),
            "seq": lease.seq,
            "iat": issued,
            "nbf": issued,
            "lease": lease.id,
            "up_to_counter": lease.up_to_counter,
            "settled": {grant.meter: grant.settled for grant in lease.grants},
            "spends": spend_ids,
        },
    )


def _common(asking: Asking) -> dict[str, object]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": asking.account.id,
        "device": {"id": asking.device.id, "key": asking.device.public_key},
    }


def _sign(kind: str, claims: dict[str, object]) -> str:
    config: Config = current_app.extensions["reely_config"]
    key = config.lease_keys.all()[0]
    return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"typ": kind, "kid": key.kid})
