"""Who is calling: the account behind a request's access token or API key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import g, request
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import load_only

from license_server.accounts import access_tokens
from license_server.accounts.models import Account, SignInSession
from license_server.api_keys import service as api_keys
from license_server.database import db
from license_server.errors import SessionEnded, SignInNeeded, Unauthenticated


@dataclass(frozen=True)
class Caller:
    """A caller with an account, loaded in the request's unit of work.

    `since` is when somebody signed in for this: to the session, or to make the API key.
    """

    account: Account
    since: datetime
    signed_in: SignInSession | None

    @property
    def session(self) -> SignInSession:
        """The session that calls. Raises `SignInNeeded` for an API key."""
        if self.signed_in is None:
            raise SignInNeeded("An API key cannot do this. Sign in.")
        return self.signed_in


def bearer_token() -> str:
    """The token of the header Authorization. Raises `Unauthenticated`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send a token in the header Authorization, as Bearer.")
    return token.strip()


def named() -> str | None:
    """The account that the access token names, also where its session has ended; None without a valid one."""
    try:
        return access_tokens.read(bearer_token()).account_id
    except Unauthenticated:
        return None


def has_api_key() -> bool:
    """Whether the request comes with an API key, and with no token that would go before it."""
    return "X-API-Key" in request.headers and "Authorization" not in request.headers


def identify_key(scope: str) -> None:
    """Finds out whose API key calls. Raises `ApiKeyInvalid`, `TierLimit` or `ScopeMissing`."""
    account, key = api_keys.authenticate(request.headers["X-API-Key"], scope)
    g.caller = Caller(account, key.created_at, None)


def identify() -> None:
    """Finds out who is signed in. Raises a kind of `Unauthenticated`."""
    _identify(_SIGNED_IN)


def identify_and_lock() -> None:
    """The same, and locks the account (see `service.lock`) with the statement that finds it."""
    _identify(_SIGNED_IN_AND_LOCKED)


_SIGNED_IN = (
    select(Account, SignInSession)
    .join(SignInSession, SignInSession.account_id == Account.id)
    .where(Account.id == bindparam("account_id"), SignInSession.id == bindparam("session_id"))
)
# Devices call again and again, and their endpoints need no more than this.
_SIGNED_IN_AND_LOCKED = _SIGNED_IN.with_for_update(key_share=True, of=Account).options(
    load_only(Account.email, Account.role, Account.created_at),
    load_only(SignInSession.account_id, SignInSession.created_at, SignInSession.ended_at),
)


def _identify(statement: Select[Account, SignInSession]) -> None:
    token = access_tokens.read(bearer_token())
    row = db.session.execute(
        statement, {"account_id": token.account_id, "session_id": token.session_id}
    ).one_or_none()
    if row is None or row[1].ended_at is not None:
        raise SessionEnded("Sign in again.")
    g.caller = Caller(row[0], row[1].created_at, row[1])


def caller() -> Caller:
    """Who is calling, in an endpoint that asks for an account."""
    found: Caller = g.caller
    return found
