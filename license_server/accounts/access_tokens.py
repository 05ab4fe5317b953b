"""Access tokens: short-lived JWTs that name an account and the session it is signed in with."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from license_server.clock import now
from license_server.config import Config
from license_server.errors import TokenExpired, TokenInvalid

ISSUER = "https://reely.app"
AUDIENCE = "reely-api"
TOKENS_REMEMBERED = 4096
TYPE = "at+jwt"  # RFC 9068, so that no other token of ours is taken for one


@dataclass(frozen=True)
class AccessToken:
    """What a valid access token says."""

    account_id: str
    session_id: str


def init_app(app: Flask, config: Config) -> None:
    app.config["JWT_SECRET_KEY"] = config.jwt_secret_key.get_secret_value()
    app.config["JWT_ALGORITHM"] = "HS256"
    app.config["JWT_ENCODE_AUDIENCE"] = AUDIENCE
    app.config["JWT_DECODE_AUDIENCE"] = AUDIENCE
    app.config["JWT_ENCODE_ISSUER"] = ISSUER
    app.config["JWT_DECODE_ISSUER"] = ISSUER
    app.config["JWT_COOKIE_CSRF_PROTECT"] = False  # tokens come in a header, never in a cookie
    app.config["JWT_ENCODE_NBF"] = False
    # The library compares times with the wall clock; `read` compares them with the app's own clock instead.
    app.config["JWT_DECODE_LEEWAY"] = timedelta(days=36500)
    JWTManager(app)
    # What a token says never changes: whoever calls again soon has the signature checked once.
    app.extensions["reely_token_claims"] = lru_cache(maxsize=TOKENS_REMEMBERED)(decode_token)


def issue(account_id: str, session_id: str, at: datetime) -> str:
    """An access token as of `at`; the same arguments give the same token, as a retry must."""
    config: Config = current_app.extensions["reely_config"]
    issued = int(at.timestamp())
    claims = {
        "sid": session_id,
        "iat": issued,
        "exp": issued + config.access_token_seconds,
        "jti": keyed_digest("access-token-id", f"{session_id}.{at.isoformat()}")[:32],
    }
    token: str = create_access_token(
        account_id, additional_claims=claims, additional_headers={"typ": TYPE}, expires_delta=False
    )
    return token


def read(token: str) -> AccessToken:
    """What the token says. Raises `TokenInvalid` or `TokenExpired`."""
    try:
        claims = current_app.extensions["reely_token_claims"](token)
    except (PyJWTError, JWTExtendedException):
        raise TokenInvalid("Sign in again, or refresh the session.") from None
    account_id, session_id, expiry = claims.get("sub"), claims.get("sid"), claims.get("exp")
    if not (isinstance(account_id, str) and isinstance(session_id, str) and isinstance(expiry, int)):
        raise TokenInvalid("Sign in again, or refresh the session.")
    if now().timestamp() >= expiry:
        raise TokenExpired("Refresh the session.")
    return AccessToken(account_id, session_id)


def keyed_digest(purpose: str, text: str) -> str:
    """HMAC-SHA-256 of `text` under the server's secret, in hex; each purpose has its own digests."""
    config: Config = current_app.extensions["reely_config"]
    key = config.jwt_secret_key.get_secret_value().encode()
    return hmac.new(key, f"{purpose}\n{text}".encode(), hashlib.sha256).hexdigest()
