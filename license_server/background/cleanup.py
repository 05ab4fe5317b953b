"""Forgetting what is old, and ending what its time has ended."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import delete, or_

from license_server.accounts.models import EmailToken, RefreshToken, SignInAttempts
from license_server.accounts.throttle import KNOWN_FOR
from license_server.api_keys import service as api_keys
from license_server.clock import now
from license_server.database import db, unit_of_work
from license_server.mail.models import Mail
from license_server.webhooks import service as webhooks

KEPT = timedelta(days=30)
"""How long mail and expired tokens are kept, to answer questions about them."""


def clean(app: Flask) -> None:
    """Forgets what is of no use any more, and ends what a tier that has ended gave."""
    with app.app_context(), unit_of_work(writes=True):
        api_keys.revoke_all_beyond_tiers()
        for account_id in webhooks.accounts_with_endpoints():
            webhooks.end_beyond_tier(account_id)
        old = now() - KEPT
        db.session.execute(delete(Mail).where(or_(Mail.sent_at < old, Mail.given_up_at < old)))
        db.session.execute(delete(EmailToken).where(EmailToken.expires_at < old))
        db.session.execute(delete(RefreshToken).where(RefreshToken.expires_at < old))
        db.session.execute(delete(SignInAttempts).where(SignInAttempts.tried_at < now() - KNOWN_FOR))
