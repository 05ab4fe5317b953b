"""The database: migrations up, down and without drift; transactions that are kept or undone whole."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade
from sqlalchemy import func, inspect, select

from license_server.config import Config
from license_server.database import MIGRATIONS, Base, db, is_migrated, migrate_database, unit_of_work
from license_server.errors import RefreshTokenReused
from license_server.system.models import AuditEntry
from license_server.system.service import record
from tests.license_server.actors import Device, Person, TestClock, on_both_databases


@on_both_databases
def test_the_migrations_make_exactly_what_the_models_say(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


@on_both_databases
def test_the_migrations_go_all_the_way_down_and_up_again(app: Flask) -> None:
    with app.app_context():
        downgrade(directory=str(MIGRATIONS), revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        assert not is_migrated()
    assert app.test_client().get("/health").status_code == 503
    migrate_database(app)
    assert app.test_client().get("/health").get_json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "redis": "unused",
    }


def test_migrating_twice_changes_nothing(app: Flask, ada: Person) -> None:
    migrate_database(app)
    assert ada.call("GET", "/auth/me").status_code == 200


def test_sqlite_is_set_up_for_many_readers_and_no_lost_write(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")
        }
    assert settings == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000, "synchronous": 2}


@on_both_databases
def test_a_unit_of_work_that_fails_leaves_nothing(app: Flask) -> None:
    def work(fault: Exception) -> None:
        with unit_of_work(writes=True):
            record("something.happened", "an account")
            raise fault

    with app.app_context():
        with pytest.raises(RuntimeError):
            work(RuntimeError("no"))
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 0
        with pytest.raises(RefreshTokenReused):
            work(RefreshTokenReused("a refusal that is recorded"))
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 1


def test_a_reader_is_not_kept_waiting_by_a_writer(app: Flask, ada: Person, config: Config) -> None:
    path = config.database_url.removeprefix("sqlite:///")
    writer = sqlite3.connect(path, isolation_level=None)
    try:
        writer.execute("BEGIN IMMEDIATE")
        assert ada.call("GET", "/auth/usage").status_code == 200
    finally:
        writer.close()


@on_both_databases
def test_many_at_once_never_get_more_than_there_is(app: Flask, ada: Person) -> None:
    devices = [Device(ada), Device(ada)]
    for device in devices:
        device.add()
    granted: list[int] = []
    gate = threading.Barrier(8)

    def ask(device: Device) -> None:
        gate.wait()
        for _ in range(3):
            answer = device.ask(trim=1)
            granted.append(1 if answer.status_code == 200 else 0)
            assert answer.status_code in {200, 403}

    threads = [threading.Thread(target=ask, args=(devices[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 24
    assert sum(granted) == 5
    assert ada.meter() == {"limit": 5, "settled": 0, "held": 5, "available": 0}


@on_both_databases
def test_a_retry_at_the_same_moment_gets_the_same_lease(app: Flask, ada: Person, laptop: Device) -> None:
    answers: list[bytes] = []
    gate = threading.Barrier(6)

    def ask() -> None:
        gate.wait()
        answers.append(laptop.ask("the-same-request", trim=2).data)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert ada.meter()["held"] == 2


@on_both_databases
def test_the_same_refresh_at_the_same_moment_gets_the_same_answer(app: Flask, ada: Person) -> None:
    answers: list[bytes] = []
    gate = threading.Barrier(6)

    def refresh() -> None:
        gate.wait()
        answers.append(ada.call("POST", "/auth/refresh", token=ada.refresh).data)

    threads = [threading.Thread(target=refresh) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert b"access_token" in answers[0]


def test_a_database_that_is_gone_is_told_by_health(
    data: Path, config: Config, start: Callable[[Config], Flask], clock: TestClock
) -> None:
    app = start(config.model_copy(update={"database_url": f"sqlite:///{data / 'no' / 'such.sqlite3'}"}))
    answer = app.test_client().get("/health")
    assert answer.status_code == 503
    problem = answer.get_json()
    assert (problem["code"], problem["database"], problem["migrations"]) == (
        "unhealthy",
        "failing",
        "unknown",
    )
