"""The catalogue of everything that the server refuses, answered as problem documents (RFC 9457).

A problem's `type` is `https://reely.app/problems/<code>`; codes are stable, words are not.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from flask import Flask, Response, g, jsonify
from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic_core import to_jsonable_python
from werkzeug.exceptions import HTTPException

from license_server import database
from license_server.logs import log, note_fault

PROBLEM_TYPE = "https://reely.app/problems/"


class FieldFault(BaseModel):
    """What is wrong with one field; `field` is its path, with dots."""

    model_config = ConfigDict(frozen=True)

    field: str
    message: str


class TierOffer(BaseModel):
    """A tier that would do, as data for an upgrade prompt. `limit` is units a month; null is unlimited."""

    model_config = ConfigDict(frozen=True)

    id: str
    price_cents: int
    currency: str
    limit: int | None


class WhatWouldHelp(BaseModel):
    """What the caller can do about a limit: wait for the next period, or take one of these tiers."""

    model_config = ConfigDict(frozen=True)

    renews_at: datetime | None = None
    tiers: list[TierOffer]


class Problem(Exception):  # noqa: N818 - the RFC's own word
    """Base of the catalogue: one class a code."""

    code: ClassVar[str]
    title: ClassVar[str]
    status: ClassVar[int]
    keeps_changes: ClassVar[bool] = False
    """Whether what the unit of work did before the refusal stays (see `database.unit_of_work`)."""

    def __init__(self, detail: str, **extras: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extras = extras
        self.errors: list[FieldFault] = []
        self.headers: dict[str, str] = {}


class MalformedRequest(Problem):
    code, title, status = "malformed-request", "The request cannot be read", 400


class EmailTokenInvalid(Problem):
    code, title, status = "email-token-invalid", "This link was used before, or has expired", 400


class WebhookSignatureInvalid(Problem):
    code, title, status = "webhook-signature-invalid", "The event is not signed by Stripe", 400


class Unauthenticated(Problem):
    """Base of the refusals of a caller who is not signed in."""

    code, title, status = "not-signed-in", "You are not signed in", 401

    def __init__(self, detail: str, **extras: object) -> None:
        super().__init__(detail, **extras)
        self.headers["WWW-Authenticate"] = 'Bearer realm="reely"'


class TokenInvalid(Unauthenticated):
    code, title, status = "token-invalid", "The access token is not valid", 401


class TokenExpired(Unauthenticated):
    code, title, status = "token-expired", "The access token has expired", 401


class SessionEnded(Unauthenticated):
    code, title, status = "session-ended", "This session has ended", 401


class RefreshTokenInvalid(Unauthenticated):
    code, title, status = "refresh-token-invalid", "The refresh token is not valid", 401


class RefreshTokenReused(Unauthenticated):
    code, title, status = "refresh-token-reused", "The refresh token was used twice", 401
    keeps_changes = True


class InvalidCredentials(Unauthenticated):
    code, title, status = "invalid-credentials", "The email or the password is wrong", 401
    keeps_changes = True  # that somebody tried is counted, and goes to the audit log


class ApiKeyInvalid(Unauthenticated):
    code, title, status = "api-key-invalid", "The API key is not valid", 401


class DeviceSignatureInvalid(Problem):
    code, title, status = "device-signature-invalid", "The device's signature is not valid", 401


class DeviceSignatureExpired(Problem):
    code, title, status = "device-signature-expired", "The device's signature is too old", 401


class QuotaExhausted(Problem):
    code, title, status = "quota-exhausted", "Nothing is left of this month's quota", 403


class TierLimit(Problem):
    code, title, status = "tier-limit", "The account's tier does not have this", 403
    keeps_changes = True  # an API key that met it is revoked


class ScopeMissing(Problem):
    code, title, status = "scope-missing", "The API key may not do this", 403


class SignInNeeded(Problem):
    code, title, status = "sign-in-needed", "This takes somebody who is signed in", 403


class AdministratorNeeded(Problem):
    code, title, status = "administrator-needed", "This takes an administrator", 403


class SignInAgain(Problem):
    code, title, status = "sign-in-again", "This device has to sign in again", 403


class NotFound(Problem):
    code, title, status = "not-found", "There is no such thing", 404


class MethodNotAllowed(Problem):
    code, title, status = "method-not-allowed", "This address does not take this method", 405


class EmailTaken(Problem):
    code, title, status = "email-taken", "There is already an account with this email", 409


class DeviceLimit(Problem):
    code, title, status = "device-limit", "The account has as many devices as its tier allows", 409


class ApiKeyLimit(Problem):
    code, title, status = "api-key-limit", "The account has as many API keys as it may have", 409


class AlreadySubscribed(Problem):
    code, title, status = "already-subscribed", "The account has a subscription", 409


class WebhookEndpointLimit(Problem):
    code, title, status = (
        "webhook-endpoint-limit",
        "The account has as many webhook endpoints as it may have",
        409,
    )


class BodyTooLarge(Problem):
    code, title, status = "body-too-large", "The request's body is too large", 413


class UnsupportedMediaType(Problem):
    code, title, status = "unsupported-media-type", "The body has to be JSON", 415


class ValidationFailed(Problem):
    code, title, status = "validation-failed", "Some fields are not right", 422

    def __init__(self, faults: list[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults)[:500])
        self.errors = faults


class PasswordTooCommon(ValidationFailed):
    code, title, status = (
        "password-too-common",
        "This password is among the first that anybody would guess",
        422,
    )

    def __init__(self, field: str) -> None:
        super().__init__([FieldFault(field=field, message="is too easy to guess; choose another one")])


class WebhookAddressRefused(ValidationFailed):
    code, title, status = "webhook-address-refused", "Webhooks do not go to this address", 422

    def __init__(self, field: str, message: str) -> None:
        super().__init__([FieldFault(field=field, message=message)])


class TooManyRequests(Problem):
    code, title, status = "too-many-requests", "Too many requests", 429


class TooManyAttempts(Problem):
    """Whoever guesses passwords waits so many seconds before the next try."""

    code, title, status = "too-many-attempts", "Too many sign-ins failed", 429

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Try again in {seconds} {'second' if seconds == 1 else 'seconds'}.")
        self.headers["Retry-After"] = str(seconds)


class LostDeviceLimit(Problem):
    code, title, status = "lost-device-limit", "Too many devices were reported as lost", 429


class Unexpected(Problem):
    code, title, status = "internal-error", "Something went wrong on our side", 500


class Unavailable(Problem):
    code, title, status = "unavailable", "The server cannot do this at the moment", 503

    def __init__(self, detail: str, **extras: object) -> None:
        super().__init__(detail, **extras)
        self.headers["Retry-After"] = "5"


class BillingUnavailable(Problem):
    code, title, status = "billing-unavailable", "Nothing can be bought or changed now", 503


class Unhealthy(Problem):
    code, title, status = "unhealthy", "The server cannot do its work", 503


class ProblemDocument(BaseModel):
    """The body of every refusal (RFC 9457); some have members of their own besides."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    type: str
    code: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldFault] | None = None
    what_would_help: WhatWouldHelp | None = None


def respond(problem: Problem) -> Response:
    """The problem as an HTTP response."""
    document: dict[str, object] = {
        "type": PROBLEM_TYPE + problem.code,
        "code": problem.code,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "request_id": g.get("request_id", ""),
    }
    if problem.errors:
        document["errors"] = problem.errors
    response = jsonify(to_jsonable_python({**document, **problem.extras}))
    response.status_code = problem.status
    response.content_type = "application/problem+json"
    response.headers.update(problem.headers)
    return response


_OF_STATUS: dict[int, tuple[type[Problem], str]] = {
    400: (MalformedRequest, "The request cannot be read."),
    404: (NotFound, "There is nothing at this address."),
    405: (MethodNotAllowed, "Use one of the methods in the header Allow."),
    413: (BodyTooLarge, "Send less at once."),
    415: (UnsupportedMediaType, "Send JSON, with the content type application/json."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Problem, respond)
    app.register_error_handler(HTTPException, _of_http_exception)
    app.register_error_handler(Exception, _of_exception)


def _of_http_exception(error: HTTPException) -> Response:
    kind, detail = _OF_STATUS.get(error.code or 500, (MalformedRequest, "The request cannot be read."))
    problem = kind(detail)
    problem.headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    return respond(problem)


def _of_exception(error: Exception) -> Response:
    if database.is_away(error):
        log.error("database-away", error=type(error).__name__, state=database.state_of(error))
        return respond(Unavailable("Try again in a few seconds."))
    note_fault("unexpected", error)
    return respond(Unexpected("It was noted, and will be looked into. Try again in a while."))
