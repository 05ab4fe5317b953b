"""The pages that a person meets after following a link in our mail: confirm an address, choose a password.

Looking at a page does nothing, for programs that check mail look at every link; its button does.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import SecretStr

from license_server.accounts import service, throttle
from license_server.accounts.passwords import LONGEST, SHORTEST
from license_server.database import unit_of_work
from license_server.errors import EmailTokenInvalid, PasswordTooCommon

room = Blueprint("pages", __name__)

_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; font: 1.1rem/1.5 system-ui, sans-serif; }
main { max-width: 32rem; margin: 10vh auto; padding: 0 1.5rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { padding: 0.6rem; margin: 0.4rem 0 1rem; border: 1px solid; border-radius: 0.4rem; }
button { background: #1d4ed8; color: #fff; border-color: #1d4ed8; cursor: pointer; }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
[role="alert"] { border-left: 0.3rem solid #dc2626; padding-left: 0.8rem; }
"""
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
_CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)


@room.get("/verify-email")
def ask_to_verify() -> Response:
    """Asks to confirm the address."""
    return _page("verify-email.html", token=request.args.get("token", ""))


@room.post("/verify-email")
def verify() -> Response:
    """Confirms the address."""
    try:
        with unit_of_work(writes=True):
            service.verify_email(request.form.get("token", ""))
    except EmailTokenInvalid:
        return _page("link-invalid.html", EmailTokenInvalid.status)
    return _page("email-verified.html")


@room.get("/reset-password")
def ask_for_password() -> Response:
    """Asks for a new password."""
    return _password_form(request.args.get("token", ""))


@room.post("/reset-password")
def reset() -> Response:
    """Sets the new password."""
    token, password = request.form.get("token", ""), request.form.get("password", "")
    if not SHORTEST <= len(password) <= LONGEST:
        return _password_form(token, f"A password has {SHORTEST} to {LONGEST} characters.")
    try:
        with unit_of_work(writes=True):
            account = service.reset_password(token, SecretStr(password), "password")
            throttle.succeed(throttle.Attempt.of(account.email, request.remote_addr))
    except EmailTokenInvalid:
        return _page("link-invalid.html", EmailTokenInvalid.status)
    except PasswordTooCommon:
        return _password_form(token, "This password is too easy to guess. Choose another one.")
    return _page("password-reset.html")


def _password_form(token: str, fault: str = "") -> Response:
    return _page(
        "reset-password.html",
        422 if fault else 200,
        token=token,
        fault=fault,
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _page(template: str, status: int = 200, **words: object) -> Response:
    response = make_response(render_template(template, style=_STYLE, **words), status)
    response.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    return response
