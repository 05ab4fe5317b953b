"""Making API keys, telling who calls with one, and revoking them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update

from license_server.accounts.models import Account
from license_server.api_keys.models import ApiKey
from license_server.clock import now
from license_server.database import db
from license_server.errors import (
    ApiKeyInvalid,
    ApiKeyLimit,
    NotFound,
    ScopeMissing,
    TierLimit,
    WhatWouldHelp,
)
from license_server.system.service import record
from license_server.tiers.catalogue import Tier
from license_server.tiers.service import offers_with, standing

FEATURE = "api-keys"
MOST_KEYS = 20
LAST_USED_PRECISION = timedelta(minutes=1)
"""So a program that calls often does not write at every call."""


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; `key` is not kept, and cannot be told again."""

    row: ApiKey
    key: str


def create(account: Account, name: str, scopes: Sequence[str]) -> NewKey:
    """A new key with 128 random bits. Raises `TierLimit` or `ApiKeyLimit`. The account is locked."""
    tier = standing(account.id).tier
    if FEATURE not in tier.features:
        raise _tier_limit(tier)
    held = db.session.scalar(
        select(func.count())
        .select_from(ApiKey)
        .where(ApiKey.account_id == account.id, ApiKey.revoked_at.is_(None))
    )
    if (held or 0) >= MOST_KEYS:
        raise ApiKeyLimit(f"An account has at most {MOST_KEYS} keys. Delete one first.")
    prefix = f"reely_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(16)}"
    row = ApiKey(
        account_id=account.id,
        name=name,
        prefix=prefix,
        key_hash=_hash(key),
        scopes=sorted(set(scopes)),
        created_at=now(),
    )
    db.session.add(row)
    db.session.flush()
    record("api-key.created", account.id, key=row.id)
    return NewKey(row, key)


def authenticate(key: str, scope: str) -> tuple[Account, ApiKey]:
    """Whose key it is. Raises `ApiKeyInvalid`, `TierLimit` or `ScopeMissing`.

    A key whose account's tier has no keys any more is revoked there and then.
    """
    found = db.session.execute(
        select(ApiKey, Account)
        .join(Account, ApiKey.account_id == Account.id)
        .where(ApiKey.key_hash == _hash(key))
    ).one_or_none()
    if found is None:
        raise ApiKeyInvalid("Make a new one.")
    row, account = found
    tier = standing(account.id).tier
    if FEATURE not in tier.features:
        revoke_beyond_tier(account.id)
        raise _tier_limit(tier)
    if row.revoked_at is not None:
        raise ApiKeyInvalid("It was revoked. Make a new one.")
    if scope not in row.scopes:
        raise ScopeMissing(f"The key has no scope {scope}.", scope=scope)
    if row.last_used_at is None or row.last_used_at + LAST_USED_PRECISION <= now():
        row.last_used_at = now()
    return account, row


def revoke(account: Account, key_id: str) -> None:
    """Ends a key. Raises `NotFound`."""
    row = db.session.get(ApiKey, key_id)
    if row is None or row.account_id != account.id or row.revoked_at is not None:
        raise NotFound("The account has no such key.")
    row.revoked_at = now()
    record("api-key.revoked", account.id, key=row.id)


def revoke_beyond_tier(account_id: str) -> None:
    """Ends every key of an account whose tier has none (any more); they do not come back with the tier."""
    if FEATURE in standing(account_id).tier.features:
        return
    revoked = db.session.scalars(
        update(ApiKey)
        .where(ApiKey.account_id == account_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(ApiKey.id)
    ).all()
    for key_id in revoked:
        record("api-key.revoked", account_id, key=key_id, reason="tier")


def _tier_limit(tier: Tier) -> TierLimit:
    return TierLimit(
        "API keys come with Pro and Premium.",
        feature=FEATURE,
        tier=tier.id,
        what_would_help=WhatWouldHelp(tiers=offers_with(tier, FEATURE)),
    )


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()
