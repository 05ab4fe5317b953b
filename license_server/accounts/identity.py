"""Who is calling: the account and the session behind a request's access token."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, request
from sqlalchemy import select

from license_server.accounts import access_tokens
from license_server.accounts.models import Account, SignInSession
from license_server.database import db
from license_server.errors import SessionEnded, Unauthenticated


@dataclass(frozen=True)
class Caller:
    """A signed-in caller, loaded in the request's unit of work."""

    account: Account
    session: SignInSession


def bearer_token() -> str:
    """The token of the header Authorization. Raises `Unauthenticated`."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send a token in the header Authorization, as Bearer.")
    return token.strip()


def identify() -> None:
    """Finds out who is calling. Raises a kind of `Unauthenticated`."""
    token = access_tokens.read(bearer_token())
    row = db.session.execute(
        select(Account, SignInSession)
        .join(SignInSession, SignInSession.account_id == Account.id)
        .where(Account.id == token.account_id, SignInSession.id == token.session_id)
    ).one_or_none()
    if row is None or row[1].ended_at is not None:
        raise SessionEnded("Sign in again.")
    g.caller = Caller(row[0], row[1])


def caller() -> Caller:
    """Who is calling, in an endpoint that asks for an account."""
    found: Caller = g.caller
    return found
