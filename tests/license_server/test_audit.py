"""The audit log: what was done about authentication, by whom, and nothing that is private."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from license_server.database import db
from license_server.system.models import AuditEntry
from license_server.system.service import NOBODY
from tests.license_server.actors import PASSWORD, Device, Person, give_tier, on_both_databases
from tests.license_server.post import letters, token

NEW = "eight orange kettles"


def _events(app: Flask, account_id: str) -> list[str]:
    with app.app_context():
        return list(
            db.session.scalars(
                select(AuditEntry.event).where(AuditEntry.account_id == account_id).order_by(AuditEntry.id)
            )
        )


@on_both_databases
def test_everything_about_authentication_is_noted(app: Flask, ada: Person) -> None:
    account_id = ada.call("GET", "/auth/me").get_json()["id"]
    (verification,) = letters(app)
    ada.call("POST", "/auth/verify-email", {"token": token(verification)}, token="")
    ada.call("POST", "/auth/login", {"email": ada.email, "password": "wrong password"}, token="")
    ada.login()
    ada.call("POST", "/auth/change-password", {"current_password": "wrong", "new_password": NEW})
    ada.call("POST", "/auth/change-password", {"current_password": PASSWORD, "new_password": NEW})
    ada.call("POST", "/auth/forgot-password", {"email": ada.email}, token="")
    (reset,) = letters(app, "new password")
    ada.call("POST", "/auth/reset-password", {"token": token(reset), "new_password": PASSWORD}, token="")
    ada.login()
    ada.call("PUT", "/auth/me", {"email": "ada@example.org", "current_password": PASSWORD})
    ada.email = "ada@example.org"
    give_tier(ada, "pro")
    key = ada.call("POST", "/api-keys", {"name": "studio"}).get_json()
    ada.call("DELETE", f"/api-keys/{key['id']}")
    device = Device(ada)
    device.add()
    ada.call("POST", f"/devices/{device.id}/lost")
    ada.call("POST", "/auth/logout")
    ada.login()
    ada.call("DELETE", "/auth/me", {"password": PASSWORD})
    assert _events(app, account_id) == [
        "account.registered",
        "session.started",
        "account.email-verified",
        "session.refused",
        "session.started",
        "account.confirmation-refused",
        "account.password-changed",
        "account.password-reset-asked",
        "account.password-reset",
        "session.started",
        "account.email-changed",
        "api-key.created",
        "api-key.revoked",
        "device.added",
        "device.lost",
        "session.ended",
        "session.started",
        "account.deleted",
    ]


def test_a_sign_in_to_no_account_is_noted_without_the_address(app: Flask, ada: Person) -> None:
    body = {"email": "nobody@example.com", "password": PASSWORD}
    assert ada.call("POST", "/auth/login", body, token="").status_code == 401
    with app.app_context():
        (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.account_id == NOBODY))
    assert (entry.event, entry.details) == ("session.refused", {})
