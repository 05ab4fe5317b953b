"""What can be done with an account: sign up and in, stay signed in, change, leave."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from pydantic import SecretStr
from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from license_server.accounts import access_tokens, email_tokens, passwords, throttle
from license_server.accounts.models import Account, RefreshToken, SignInSession
from license_server.billing.outbox import end_of_account, tell_address
from license_server.clock import now
from license_server.config import Config
from license_server.database import db, snapshot
from license_server.errors import (
    EmailTaken,
    InvalidCredentials,
    NotFound,
    RefreshTokenInvalid,
    RefreshTokenReused,
    SessionEnded,
)
from license_server.mail import outbox
from license_server.mail.letters import NewSignIn, VerifyEmail
from license_server.system.service import NOBODY, record

WRONG_CREDENTIALS = "Check both, and try again."


@dataclass(frozen=True)
class Tokens:
    """The pair that a session is used with."""

    account: Account
    access_token: str
    refresh_token: str


def register(email: str, password_hash: str, full_name: str | None) -> Account:
    """A new account. Raises `EmailTaken`."""
    if db.session.scalar(select(Account.id).where(Account.email == email)):
        raise EmailTaken("Sign in instead, or use another address.")
    account = Account(email=email, password_hash=password_hash, full_name=full_name, created_at=now())
    db.session.add(account)
    _flush_address()
    ask_to_verify(account)
    record("account.registered", account.id)
    return account


@dataclass(frozen=True)
class Checked:
    """Whose credentials these are; `new_hash` is to replace `hash`, where the cost has changed."""

    account_id: str
    hash: str
    new_hash: str | None


def check_credentials(email: str, password: SecretStr) -> Checked:
    """The account that these are the credentials of, found before the unit of work begins.

    Does the same for an unknown address as for a known one. Raises `InvalidCredentials`.
    """
    with snapshot() as session:
        row = session.execute(
            select(Account.id, Account.password_hash).where(Account.email == email)
        ).one_or_none()
    if not passwords.matches(password, row.password_hash if row else None) or row is None:
        record("session.refused", row.id if row else NOBODY)
        raise InvalidCredentials(WRONG_CREDENTIALS)
    return Checked(row.id, row.password_hash, passwords.hash_again(password, row.password_hash))


def confirm(account: Account, password: SecretStr, address: str | None) -> None:
    """Has somebody who is signed in prove who they are. Raises `InvalidCredentials` or `TooManyAttempts`."""
    attempt = throttle.begin_within(account.email, address)
    if not passwords.matches(password, account.password_hash):
        record("account.confirmation-refused", account.id)
        raise InvalidCredentials("The password is wrong.")
    throttle.succeed(attempt)


def keep_new_hash(checked: Checked) -> None:
    """Keeps the password under today's cost, unless it was changed meanwhile."""
    if checked.new_hash is not None:
        db.session.execute(
            update(Account)
            .where(Account.id == checked.account_id, Account.password_hash == checked.hash)
            .values(password_hash=checked.new_hash)
        )


def sign_in(account_id: str, client: str | None) -> Tokens:
    """A new session of the account. Raises `InvalidCredentials` if it has gone meanwhile."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise InvalidCredentials(WRONG_CREDENTIALS)
    at = now()
    session = SignInSession(account_id=account.id, client=client, created_at=at, last_used_at=at)
    db.session.add(session)
    db.session.flush()
    record("session.started", account.id, session=session.id)
    return _hand_out(account, session, "rt_" + secrets.token_urlsafe(32), at)


def tell_of_sign_in(account: Account, client: str | None) -> None:
    """Writes to the account that it was signed in to from a new place."""
    outbox.post(NewSignIn(at=now(), client=client), account.email, account.id)


def refresh(token: str) -> Tokens:
    """The next pair of tokens of a session; `token` is used up.

    Within the retry window a used token gives the very same answer again, for a client that lost it on the
    way; after it, or once that answer's token was used, it ends the session, for it may be stolen. Raises
    `RefreshTokenInvalid`, `RefreshTokenReused` or `SessionEnded`.
    """
    config: Config = current_app.extensions["reely_config"]
    at = now()
    held = db.session.execute(
        select(RefreshToken, SignInSession, Account)
        .join(SignInSession, RefreshToken.session_id == SignInSession.id)
        .join(Account, SignInSession.account_id == Account.id)
        .where(RefreshToken.token_hash == _hash(token))
        .with_for_update(of=(RefreshToken, SignInSession))
    ).one_or_none()
    if held is None:
        raise RefreshTokenInvalid("Sign in again.")
    known, session, account = held
    if session.ended_at is not None:
        raise SessionEnded("Sign in again.")
    if known.expires_at <= at:
        raise RefreshTokenInvalid("The session was not used for too long. Sign in again.")
    successor = _successor(token)
    if known.used_at is not None and (
        at - known.used_at > timedelta(seconds=config.refresh_retry_seconds) or _was_used(successor)
    ):
        session.ended_at = at
        record("session.ended-by-reuse", account.id, session=session.id)
        raise RefreshTokenReused(
            "The session was ended, because its token may have been stolen. Sign in again."
        )
    if known.used_at is not None:
        return Tokens(account, access_tokens.issue(account.id, session.id, known.used_at), successor)
    known.used_at = at
    session.last_used_at = at
    return _hand_out(account, session, successor, at)


def _was_used(token: str) -> bool:
    """Whether a refresh token was used already: whoever did so was not waiting for it any more."""
    used = select(RefreshToken.used_at).where(RefreshToken.token_hash == _hash(token))
    return db.session.scalar(used) is not None


def living_sessions(account: Account) -> Select[SignInSession]:
    """The sessions that can still be used: not ended, nor unused for longer than a refresh token lives."""
    config: Config = current_app.extensions["reely_config"]
    return select(SignInSession).where(
        SignInSession.account_id == account.id,
        SignInSession.ended_at.is_(None),
        SignInSession.last_used_at > now() - timedelta(days=config.refresh_token_days),
    )


def end_session(account: Account, session_id: str) -> None:
    """Ends one session. Raises `NotFound`."""
    session = db.session.get(SignInSession, session_id)
    if session is None or session.account_id != account.id or session.ended_at is not None:
        raise NotFound("There is no such session.")
    session.ended_at = now()
    record("session.ended", account.id, session=session.id)


def change_password(account: Account, current: SignInSession, password_hash: str) -> None:
    """Sets another password and ends all other sessions."""
    account.password_hash = password_hash
    email_tokens.void(account, "reset-password")
    db.session.execute(
        update(SignInSession)
        .where(
            SignInSession.account_id == account.id,
            SignInSession.id != current.id,
            SignInSession.ended_at.is_(None),
        )
        .values(ended_at=now())
    )
    record("account.password-changed", account.id)


def reset_password(token: str, password: SecretStr, field: str) -> Account:
    """Sets another password on the strength of a mailed token, and ends every session.

    Whoever got the token reads the account's mail, so the address is verified too. Raises
    `EmailTokenInvalid`, or `PasswordTooCommon`, after which the token is still good.
    """
    account = email_tokens.redeem(token, "reset-password")
    account.password_hash = passwords.hash_new(password, account.email, field)
    account.email_verified = True
    email_tokens.void(account, "reset-password")
    db.session.execute(
        update(SignInSession)
        .where(SignInSession.account_id == account.id, SignInSession.ended_at.is_(None))
        .values(ended_at=now())
    )
    record("account.password-reset", account.id)
    return account


def verify_email(token: str) -> None:
    """Notes that the account's address is its owner's. Raises `EmailTokenInvalid`."""
    account = email_tokens.redeem(token, "verify-email")
    account.email_verified = True
    email_tokens.void(account, "verify-email")
    record("account.email-verified", account.id)


def ask_to_verify(account: Account) -> None:
    """Has a letter sent by which the account's address is confirmed."""
    outbox.post(VerifyEmail(), account.email, account.id)


def change_email(account: Account, email: str) -> None:
    """Sets another address, which is asked whether it is theirs. Raises `EmailTaken`."""
    if email == account.email:
        return
    if db.session.scalar(select(Account.id).where(Account.email == email)):
        raise EmailTaken("Use another address.")
    throttle.forget(account.email)
    account.email = email
    account.email_verified = False
    _flush_address()
    ask_to_verify(account)
    tell_address(account.id)
    record("account.email-changed", account.id)


def delete_account(account: Account) -> None:
    """Deletes the account and, through the foreign keys, everything that hangs on it."""
    record("account.deleted", account.id)
    end_of_account(account.id)
    throttle.forget(account.email)
    db.session.execute(delete(Account).where(Account.id == account.id))


def by_email(email: str) -> Account | None:
    """The account with this address, for administrators."""
    return db.session.scalar(select(Account).where(Account.email == func.lower(email)))


def lock(account_id: str) -> None:
    """Lets one unit of work at a time change what the account's quota and devices depend on.

    What was loaded before is read anew, for another one may have changed it while this one waited. (That is
    PostgreSQL; in SQLite writers exclude each other from the start.)
    """
    db.session.flush()
    db.session.expire_all()
    db.session.execute(
        select(Account)
        .where(Account.id == account_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _flush_address() -> None:
    try:
        db.session.flush()
    except IntegrityError:  # somebody took the address since it was looked up
        raise EmailTaken("Use another address.") from None


def _hand_out(account: Account, session: SignInSession, refresh_token: str, at: datetime) -> Tokens:
    config: Config = current_app.extensions["reely_config"]
    db.session.add(
        RefreshToken(
            token_hash=_hash(refresh_token),
            session_id=session.id,
            expires_at=at + timedelta(days=config.refresh_token_days),
        )
    )
    return Tokens(account, access_tokens.issue(account.id, session.id, at), refresh_token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _successor(token: str) -> str:
    # Derived, not drawn, so that a retry can be answered the same although only hashes are kept.
    digest = bytes.fromhex(access_tokens.keyed_digest("refresh-token", token))
    return "rt_" + urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
