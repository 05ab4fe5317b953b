"""What is old is forgotten, what its time has ended is ended, and nothing else is touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from license_server.accounts.models import RefreshToken, SignInSession
from license_server.background import cleanup
from license_server.background.cleanup import clean
from license_server.database import Base, db, unit_of_work
from license_server.leases.models import Lease, LeaseGrant, LeaseState, Spend
from license_server.system.models import AuditEntry
from license_server.usage.models import UsageLog, UsageStats
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.license_server.actors import Device, Person, TestClock, on_both_databases


def _count(app: Flask, model: type[Base]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


@on_both_databases
def test_leases_of_ended_periods_are_reclaimed_without_anybody_asking(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    lease = laptop.lease(trim=3, hook_run=1)
    laptop.spend(lease)
    laptop.settled(lease)
    clean(app)
    assert ada.meter()["held"] == 2, "not while the period lasts"
    clock.advance(days=31)
    clean(app)
    with app.app_context():
        assert db.session.scalars(select(Lease.state)).all() == [LeaseState.EXPIRED]
        rows = {row.meter: row for row in db.session.scalars(select(UsageStats))}
        assert [(row.settled, row.held, row.expired) for row in (rows["trim"], rows["hook_run"])] == [
            (1, 0, 2),
            (0, 0, 1),
        ]
    ada.login()
    late = laptop.spend(lease)
    assert laptop.settled(lease)["results"] == [
        {"spend_id": lease.spends[0]["spend_id"], "outcome": "duplicate"},
        {"spend_id": late["spend_id"], "outcome": "applied"},
    ], "what comes late still counts in its own period"


@on_both_databases
def test_old_leases_go_with_their_spends_one_by_one_and_the_totals_stay(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    for _ in range(3):
        lease = laptop.lease(trim=1)
        laptop.spend(lease)
        laptop.settled(lease)
        clock.advance(days=190)
        ada.login()
    before = ada.usage()["history"]
    clean(app)
    assert (_count(app, Lease), _count(app, Spend), _count(app, LeaseGrant)) == (2, 2, 4)
    assert ada.usage()["history"] == before
    assert len(before) >= 3
    clean(app)
    assert _count(app, Lease) == 2
    following = laptop.lease(trim=1)
    assert following.claims["seq"] == 4


@on_both_databases
def test_sessions_and_tokens_that_are_of_no_use_are_forgotten(
    app: Flask, ada: Person, clock: TestClock
) -> None:
    ended = ada.access
    ada.login()
    ada.call("POST", "/auth/logout", token=ended)
    clock.advance(days=39)
    ada.call("POST", "/auth/refresh", token=ada.refresh)
    clean(app)
    assert _count(app, SignInSession) == 2
    clock.advance(days=2)
    clean(app)
    assert _count(app, SignInSession) == 1
    clock.advance(days=90)
    clean(app)
    assert _count(app, SignInSession) == 1, "ended by itself, but not long ago"
    clock.advance(days=40)
    clean(app)
    assert (_count(app, SignInSession), _count(app, RefreshToken)) == (0, 0)


def test_logs_are_kept_for_more_than_a_year_and_no_longer(
    app: Flask, ada: Person, laptop: Device, clock: TestClock
) -> None:
    laptop.lease(trim=1)
    kept = (_count(app, AuditEntry), _count(app, UsageLog))
    assert all(kept)
    clock.advance(days=399)
    clean(app)
    assert _count(app, AuditEntry) == kept[0]
    clock.advance(days=2)
    clean(app)
    assert _count(app, AuditEntry) == 0
    with app.app_context():
        assert db.session.scalars(select(UsageLog.change)).all() == ["expired"], "of the first clean"


@pytest.fixture
def endpoint(app: Flask, ada: Person, clock: TestClock) -> str:
    with app.app_context(), unit_of_work(writes=True):
        row = WebhookEndpoint(
            account_id=ada.call("GET", "/auth/me").get_json()["id"],
            url="https://example.com/",
            events=["job.completed"],
            created_at=clock(),
        )
        db.session.add(row)
        db.session.flush()
        return row.id


def _delivery(ada: Person, endpoint: str, number: int, clock: TestClock, **more: Any) -> WebhookDelivery:
    return WebhookDelivery(
        id=f"msg_{number}",
        account_id=ada.call("GET", "/auth/me").get_json()["id"],
        endpoint_id=endpoint,
        event="job.completed",
        payload="{}",
        created_at=clock() + timedelta(seconds=number),
        tries=1,
        attempts=[],
        **more,
    )


@on_both_databases
def test_the_log_of_deliveries_is_bounded_by_age_and_number(
    app: Flask, ada: Person, clock: TestClock, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "MOST_DELIVERIES", 5)
    rows = [_delivery(ada, endpoint, number, clock, delivered_at=clock()) for number in range(8)]
    rows.append(_delivery(ada, endpoint, -1, clock, next_try_at=clock()))
    with app.app_context(), unit_of_work(writes=True):
        db.session.add_all(rows)
    # Endpoints end with the tier, and Ada is free; their deliveries are kept all the same.
    clean(app)
    with app.app_context():
        left = db.session.scalars(select(WebhookDelivery.id)).all()
    assert sorted(left) == ["msg_-1", "msg_3", "msg_4", "msg_5", "msg_6", "msg_7"], "what waits is kept"
    clock.advance(days=31)
    clean(app)
    assert (_count(app, WebhookDelivery), _count(app, WebhookEndpoint)) == (0, 0)
