"""The database: the base of every model, one unit of work a request, and the migrations."""

from __future__ import annotations

import re
import select
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import psycopg
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate, upgrade
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Dialect, MetaData, String, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.types import TypeDecorator

from license_server.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_BUSY_MILLISECONDS = 10_000
CONNECT_SECONDS = 10
CONNECTIONS = 15
"""How many connections a process has at most; each is kept, for a new one costs more than many requests."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite, which knows no zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone is not stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = String(36)


def new_id() -> str:
    """A random identifier (UUID version 4)."""
    return str(uuid.uuid4())


class Base(DeclarativeBase):
    """The base of every model; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime()}  # noqa: RUF012 - SQLAlchemy's own protocol


db = SQLAlchemy(metadata=Base.metadata)
_migrate = Migrate(render_as_batch=True, directory=str(MIGRATIONS))
_writing: ContextVar[bool] = ContextVar("writing", default=False)
_reading: ContextVar[bool] = ContextVar("reading", default=False)


def init_app(app: Flask, config: Config) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    options: dict[str, object] = {"hide_parameters": True}
    if not config.database_url.startswith("sqlite"):
        options |= {
            "pool_size": CONNECTIONS,
            "max_overflow": 0,
            "connect_args": {"connect_timeout": CONNECT_SECONDS},
        }
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    _migrate.init_app(app, db)
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "checkout", _check_alive)
        event.listen(engine, "engine_connect", _read_without_transaction)


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - narrows the type
    connection.isolation_level = None  # transactions begin in `_begin_sqlite`, not behind our back
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MILLISECONDS}")


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later could not be retried by the busy timeout.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


def _check_alive(
    connection: DBAPIConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    # A server that ends says so, or hangs up: either can be read. Asking it (`pool_pre_ping`) is a round trip
    # at every request.
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - narrows the type
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    if connection.closed or said.poll(0):
        raise InvalidatePoolError


def _read_without_transaction(connection: Connection) -> None:
    # Reading at "read committed" is the same without a transaction, and saves beginning and ending it.
    if _reading.get():
        connection.execution_options(isolation_level="AUTOCOMMIT")


@contextmanager
def unit_of_work(*, writes: bool) -> Iterator[None]:
    """The one transaction of a request: begins with the first statement, commits at the end.

    An exception rolls everything back, unless it says that it `keeps_changes` (a refusal that is itself
    recorded, such as the end of a session whose refresh token came back).
    """
    token, reading = _writing.set(writes), _reading.set(not writes)
    try:
        yield
        db.session.commit()
    except BaseException as error:
        if getattr(error, "keeps_changes", False):
            db.session.commit()
        else:
            db.session.rollback()
        raise
    finally:
        _writing.reset(token)
        _reading.reset(reading)


def conclude() -> None:
    """Commits what the unit of work has done so far, before somebody else is asked who may take long.

    Nothing is locked from here on; what is written later needs a unit of work of its own.
    """
    db.session.commit()


@contextmanager
def snapshot() -> Iterator[Session]:
    """A look that ends before the unit of work begins, for what takes long (password checks)."""
    token = _writing.set(False)
    try:
        with Session(db.engine) as session:
            yield session
    finally:
        _writing.reset(token)


@contextmanager
def apart() -> Iterator[Session]:
    """A transaction of its own that writes, before the unit of work has begun with its first statement."""
    token, reading = _writing.set(True), _reading.set(False)
    try:
        with Session(db.engine, expire_on_commit=False) as session, session.begin():
            yield session
    finally:
        _writing.reset(token)
        _reading.reset(reading)


_AWAY = re.compile("08|40|53|57")
"""PostgreSQL's classes of errors that pass: connection, rollback, resources, an operator's intervention."""
_SQLITE_AWAY = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_CANTOPEN"}


def state_of(error: BaseException) -> str | None:
    """The database's own code for the error (SQLSTATE, or SQLite's name), where it has told one."""
    origin = getattr(error, "orig", None)
    state = getattr(origin, "sqlstate", None) or getattr(origin, "sqlite_errorname", None)
    return state if isinstance(state, str) else None


def is_away(error: BaseException) -> bool:
    """Whether the error only says that the database cannot work now, so that a retry may succeed."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "").startswith(tuple(_SQLITE_AWAY))
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, OperationalError)
    return _AWAY.match(state) is not None


def migrate_database(app: Flask) -> None:
    """Brings the database up to the newest migration."""
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))


@cache
def _newest_migration() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def is_migrated() -> bool:
    """Whether the database has the newest migration."""
    newest = _newest_migration()
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest
