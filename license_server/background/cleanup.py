"""Forgetting what is old, and ending what its time has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update

from license_server.accounts import service as accounts
from license_server.accounts.models import Account, EmailToken, RefreshToken, SignInAttempts, SignInSession
from license_server.accounts.throttle import KNOWN_FOR
from license_server.api_keys import service as api_keys
from license_server.api_keys.models import ApiKey
from license_server.clock import now
from license_server.config import Config
from license_server.database import Base, db, snapshot, unit_of_work
from license_server.leases import reclaim
from license_server.leases.models import Lease
from license_server.mail.models import Mail
from license_server.system.models import AuditEntry
from license_server.system.service import NOBODY
from license_server.tiers.catalogue import Meter
from license_server.usage import ledger
from license_server.usage.models import UsageLog, UsageStats
from license_server.webhooks import service as webhooks
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint

KEPT = timedelta(days=40)
"""How long mail, ended sessions and dead tokens are kept, to answer questions about them; longer than a
period, so that nobody is told twice in one."""
RECORDS_KEPT = timedelta(days=400)
"""How long the audit log, the log of the ledger, and leases with their spends are kept. Totals stay."""
DELIVERIES_KEPT = timedelta(days=30)
MOST_DELIVERIES = 1000
"""Of one endpoint."""


def clean(app: Flask) -> None:
    """Forgets what is of no use any more, and ends what a tier or a period that has ended gave.

    Each step, and each account, is a unit of work of its own: it can be ended in between, and done again.
    """
    with app.app_context():
        _for_each_account(_with_keys(), api_keys.revoke_beyond_tier)
        _for_each_account(_with_endpoints(), webhooks.end_beyond_tier)
        _for_each_account(_with_ended_leases(), _expire_leases)
        for step in (_mail_and_tokens, _sessions, _deliveries, _leases, _logs):
            with unit_of_work(writes=True):
                step()


def _for_each_account(ids: Select[str], work: Callable[[str], None]) -> None:
    with snapshot() as session:
        found = session.scalars(ids).all()
    for account_id in found:
        with unit_of_work(writes=True):
            work(account_id)


def _with_keys() -> Select[str]:
    return select(ApiKey.account_id).where(ApiKey.revoked_at.is_(None)).distinct()


def _with_endpoints() -> Select[str]:
    return select(WebhookEndpoint.account_id).where(WebhookEndpoint.ended_at.is_(None)).distinct()


def _with_ended_leases() -> Select[str]:
    return (
        select(Lease.account_id)
        .join(
            UsageStats,
            (UsageStats.account_id == Lease.account_id)
            & (UsageStats.period_id == Lease.period_id)
            & (UsageStats.meter == Meter.TRIM),
        )
        .where(Lease.state.in_(reclaim.HOLDING), UsageStats.ends_at <= now())
        .distinct()
    )


def _expire_leases(account_id: str) -> None:
    """What the next lease or settle would do first; an account that has none may be looked at, too."""
    account = db.session.get(Account, account_id)
    if account is not None:
        accounts.lock(account_id)
        reclaim.expire_before(account, ledger.current_period(account))


def _mail_and_tokens() -> None:
    old = now() - KEPT
    _forget(Mail, or_(Mail.sent_at < old, Mail.given_up_at < old))
    _forget(EmailToken, EmailToken.expires_at < old)
    _forget(RefreshToken, RefreshToken.expires_at < old)
    _forget(SignInAttempts, SignInAttempts.tried_at < now() - KNOWN_FOR)


def _sessions() -> None:
    config: Config = current_app.extensions["reely_config"]
    old = now() - KEPT
    unused = SignInSession.last_used_at < old - timedelta(days=config.refresh_token_days)
    _forget(SignInSession, or_(SignInSession.ended_at < old, unused))


def _deliveries() -> None:
    _forget(WebhookEndpoint, WebhookEndpoint.ended_at < now() - DELIVERIES_KEPT)
    _forget(WebhookDelivery, WebhookDelivery.created_at < now() - DELIVERIES_KEPT)
    ranked = select(
        WebhookDelivery.id,
        WebhookDelivery.next_try_at,
        func.row_number()
        .over(
            partition_by=WebhookDelivery.endpoint_id,
            order_by=(WebhookDelivery.created_at.desc(), WebhookDelivery.id.desc()),
        )
        .label("rank"),
    ).subquery()
    beyond = select(ranked.c.id).where(ranked.c.rank > MOST_DELIVERIES, ranked.c.next_try_at.is_(None))
    _forget(WebhookDelivery, WebhookDelivery.id.in_(beyond))


def _leases() -> None:
    old = Lease.state.not_in(reclaim.HOLDING) & (Lease.expires_at < now() - RECORDS_KEPT)
    # The one after it does not go with it.
    db.session.execute(
        update(Lease)
        .where(Lease.prev_id.in_(select(Lease.id).where(old)))
        .values(prev_id=None)
        .execution_options(synchronize_session=False)
    )
    _forget(Lease, old)


def _logs() -> None:
    _forget(UsageLog, UsageLog.at < now() - RECORDS_KEPT)
    _forget(AuditEntry, AuditEntry.at < now() - RECORDS_KEPT)
    _forget(AuditEntry, (AuditEntry.account_id == NOBODY) & (AuditEntry.at < now() - KEPT))


def _forget(model: type[Base], which: ColumnElement[bool]) -> None:
    db.session.execute(delete(model).where(which).execution_options(synchronize_session=False))
