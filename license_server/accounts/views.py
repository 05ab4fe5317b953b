"""The endpoints under `/auth`, but for usage."""

from __future__ import annotations

from flask import current_app, request

from license_server.accounts import exports, identity, passwords, service, throttle
from license_server.accounts.models import Account, SignInSession
from license_server.accounts.schemas import (
    Credentials,
    EmailVerification,
    Export,
    Forgotten,
    PasswordChange,
    PasswordConfirmation,
    PasswordReset,
    ProfileChange,
    Registration,
    Requested,
    SessionAnswer,
    SignedIn,
    User,
)
from license_server.config import Config
from license_server.errors import (
    EmailTaken,
    EmailTokenInvalid,
    FieldFault,
    InvalidCredentials,
    NotFound,
    PasswordTooCommon,
    RefreshTokenInvalid,
    RefreshTokenReused,
    SessionEnded,
    TooManyAttempts,
    ValidationFailed,
)
from license_server.http import Room
from license_server.mail import outbox
from license_server.mail.letters import ResetPassword
from license_server.pagination import page
from license_server.schemas import Page, PageQuery
from license_server.tiers.service import standing

room = Room("accounts", __name__)


@room.serve(
    "POST",
    "/auth/register",
    access="public",
    status=201,
    problems=(EmailTaken, PasswordTooCommon),
    rate_limit="sign_up",
)
def register(body: Registration) -> SignedIn:
    """Sign up."""
    password_hash = passwords.hash_new(body.password, body.email)
    account = service.register(body.email, password_hash, body.full_name)
    throttle.succeed(throttle.Attempt.of(body.email, request.remote_addr))
    return _signed_in(service.sign_in(account.id, _client()))


@room.serve(
    "POST",
    "/auth/login",
    access="public",
    problems=(InvalidCredentials, TooManyAttempts),
    rate_limit="sign_in",
)
def login(body: Credentials) -> SignedIn:
    """Sign in."""
    attempt = throttle.begin(body.email, request.remote_addr)
    checked = service.check_credentials(body.email, body.password)
    first = throttle.succeed(attempt)
    service.keep_new_hash(checked)
    tokens = service.sign_in(checked.account_id, _client())
    if first:
        service.tell_of_sign_in(tokens.account, _client())
    return _signed_in(tokens)


@room.serve("POST", "/auth/forgot-password", access="public", status=202, rate_limit="mail")
def forgot_password(body: Forgotten) -> Requested:
    """Have a link for choosing a new password sent to the address, if it has an account."""
    outbox.post(ResetPassword(), body.email, None)
    return Requested()


@room.serve(
    "POST",
    "/auth/reset-password",
    access="public",
    problems=(EmailTokenInvalid, PasswordTooCommon),
    rate_limit="sign_in",
)
def reset_password(body: PasswordReset) -> None:
    """Choose a new password with the token of the mail; every session ends."""
    account = service.reset_password(body.token, body.new_password, "new_password")
    throttle.succeed(throttle.Attempt.of(account.email, request.remote_addr))


@room.serve(
    "POST", "/auth/verify-email", access="public", problems=(EmailTokenInvalid,), rate_limit="sign_in"
)
def verify_email(body: EmailVerification) -> None:
    """Confirm the address with the token of the mail."""
    service.verify_email(body.token)


@room.serve("POST", "/auth/resend-verification", access="session", rate_limit="mail")
def resend_verification() -> None:
    """Have the mail for confirming the address sent once more; nothing is sent where it is confirmed."""
    account = identity.caller().account
    if not account.email_verified:
        service.ask_to_verify(account)


@room.serve(
    "POST",
    "/auth/refresh",
    access="refresh-token",
    problems=(RefreshTokenInvalid, RefreshTokenReused, SessionEnded),
)
def refresh() -> SignedIn:
    """Exchange the refresh token, sent as bearer, for a new pair of tokens."""
    return _signed_in(service.refresh(identity.bearer_token()))


@room.serve("POST", "/auth/logout", access="session")
def logout() -> None:
    """End the session that calls."""
    caller = identity.caller()
    service.end_session(caller.account, caller.session.id)


@room.serve("GET", "/auth/me")
def me() -> User:
    """The account that calls."""
    return _user(identity.caller().account)


@room.serve("PUT", "/auth/me", access="session", problems=(EmailTaken, InvalidCredentials, TooManyAttempts))
def change_me(body: ProfileChange) -> User:
    """Change the name or the email address; a field that is not sent stays."""
    account = identity.caller().account
    if body.email is not None and body.email != account.email:
        if body.current_password is None:
            raise ValidationFailed(
                [FieldFault(field="current_password", message="is needed to change the email address")]
            )
        service.confirm(account, body.current_password, request.remote_addr)
        service.change_email(account, body.email)
    if "full_name" in body.model_fields_set:
        account.full_name = body.full_name
    return _user(account)


@room.serve("DELETE", "/auth/me", access="session", problems=(InvalidCredentials, TooManyAttempts))
def delete_me(body: PasswordConfirmation) -> None:
    """Delete the account and everything that is stored about it."""
    account = identity.caller().account
    service.confirm(account, body.password, request.remote_addr)
    service.delete_account(account)


@room.serve(
    "POST",
    "/auth/change-password",
    access="session",
    problems=(InvalidCredentials, TooManyAttempts, PasswordTooCommon),
)
def change_password(body: PasswordChange) -> None:
    """Change the password; all other sessions end."""
    caller = identity.caller()
    service.confirm(caller.account, body.current_password, request.remote_addr)
    password_hash = passwords.hash_new(body.new_password, caller.account.email, "new_password")
    service.change_password(caller.account, caller.session, password_hash)


@room.serve("GET", "/auth/sessions", access="session")
def sessions(query: PageQuery) -> Page[SessionAnswer]:
    """Where the account is signed in, newest first."""
    caller = identity.caller()
    found, cursor = page(
        service.living_sessions(caller.account),
        SignInSession.created_at,
        SignInSession.id,
        query,
    )
    return Page(
        items=[
            SessionAnswer(
                id=session.id,
                client=session.client,
                created_at=session.created_at,
                last_used_at=session.last_used_at,
                current=session.id == caller.session.id,
            )
            for session in found
        ],
        next=cursor,
    )


@room.serve("DELETE", "/auth/sessions/<session_id>", access="session", problems=(NotFound,))
def end_session(session_id: str) -> None:
    """End a session."""
    service.end_session(identity.caller().account, session_id)


@room.serve("GET", "/auth/export", access="session")
def export() -> Export:
    """Everything that is stored about the account."""
    account = identity.caller().account
    return exports.export(account, _user(account))


def _user(account: Account) -> User:
    return User(
        id=account.id,
        email=account.email,
        full_name=account.full_name,
        tier=standing(account.id).tier.id,
        role=account.role,
        email_verified=account.email_verified,
        created_at=account.created_at,
    )


def _signed_in(tokens: service.Tokens) -> SignedIn:
    config: Config = current_app.extensions["reely_config"]
    return SignedIn(
        user=_user(tokens.account),
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_in=config.access_token_seconds,
    )


def _client() -> str | None:
    agent = "".join(
        character for character in request.headers.get("User-Agent", "") if character.isprintable()
    )
    return agent[:200] or None
