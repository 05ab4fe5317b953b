"""Tokens that go by mail and prove that somebody reads it: used once, soon expired, kept as hashes."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import func, select, update

from license_server.accounts.access_tokens import keyed_digest
from license_server.accounts.models import Account, EmailToken
from license_server.clock import now
from license_server.database import db
from license_server.errors import EmailTokenInvalid

Purpose = Literal["verify-email", "reset-password"]

LIFE: dict[Purpose, timedelta] = {
    "verify-email": timedelta(days=3),
    "reset-password": timedelta(hours=1),
}
MOST_AN_HOUR = 5
"""Whoever asks for more of them only fills somebody's mailbox."""


def make(id: str, account: Account, purpose: Purpose, asked_at: datetime) -> str | None:
    """The token with that id, the same each time; None where it has expired, or there are too many.

    It is derived from the id with the server's secret, so that a mail can be written again although only the
    token's hash is kept.
    """
    token = "et_" + keyed_digest("email-token", id)
    known = db.session.get(EmailToken, id)
    if known is not None:
        return token if known.used_at is None and known.expires_at > now() else None
    recent = db.session.scalar(
        select(func.count())
        .select_from(EmailToken)
        .where(
            EmailToken.account_id == account.id,
            EmailToken.purpose == purpose,
            EmailToken.created_at > asked_at - timedelta(hours=1),
        )
    )
    if asked_at + LIFE[purpose] <= now() or (recent or 0) >= MOST_AN_HOUR:
        return None
    db.session.add(
        EmailToken(
            id=id,
            account_id=account.id,
            purpose=purpose,
            email=account.email,
            token_hash=_hash(token),
            created_at=asked_at,
            expires_at=asked_at + LIFE[purpose],
        )
    )
    return token


def redeem(token: str, purpose: Purpose) -> Account:
    """The account whose mail the token went to; the token is used up. Raises `EmailTokenInvalid`."""
    row = db.session.execute(
        update(EmailToken)
        .where(
            EmailToken.token_hash == _hash(token),
            EmailToken.purpose == purpose,
            EmailToken.used_at.is_(None),
            EmailToken.expires_at > now(),
        )
        .values(used_at=now())
        .returning(EmailToken.account_id, EmailToken.email)
    ).one_or_none()
    account = db.session.get(Account, row.account_id) if row else None
    if row is None or account is None or account.email != row.email:
        raise EmailTokenInvalid("Ask for a new one; a link is good for one use and a limited time.")
    return account


def void(account: Account, purpose: Purpose) -> None:
    """Makes the account's tokens of that kind useless."""
    db.session.execute(
        update(EmailToken)
        .where(
            EmailToken.account_id == account.id, EmailToken.purpose == purpose, EmailToken.used_at.is_(None)
        )
        .values(used_at=now())
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
