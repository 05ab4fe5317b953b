"""The pages that a person meets after following a link in our mail: confirm an address, choose a password.

Looking at a page does nothing, for programs that check mail look at every link; its button does.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from pydantic import SecretStr

from license_server.accounts import service, throttle
from license_server.accounts.passwords import LONGEST, SHORTEST
from license_server.database import unit_of_work
from license_server.errors import EmailTokenInvalid, PasswordTooCommon
from license_server.pages import page

room = Blueprint("pages", __name__)


@room.get("/verify-email")
def ask_to_verify() -> Response:
    """Asks to confirm the address."""
    return page("verify-email.html", token=request.args.get("token", ""))


@room.post("/verify-email")
def verify() -> Response:
    """Confirms the address."""
    try:
        with unit_of_work(writes=True):
            service.verify_email(request.form.get("token", ""))
    except EmailTokenInvalid:
        return page("link-invalid.html", EmailTokenInvalid.status)
    return page("email-verified.html")


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
        return page("link-invalid.html", EmailTokenInvalid.status)
    except PasswordTooCommon:
        return _password_form(token, "This password is too easy to guess. Choose another one.")
    return page("password-reset.html")


def _password_form(token: str, fault: str = "") -> Response:
    return page(
        "reset-password.html",
        422 if fault else 200,
        token=token,
        fault=fault,
        shortest=SHORTEST,
        longest=LONGEST,
    )
